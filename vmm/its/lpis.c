// SPDX-License-Identifier: MIT
/*
 * How many LPIs. IHI 0069 5.1: their INTIDs begin at 8192.
 *
 * A guest asks nobody which INTIDs an ITS takes: GICD_TYPER, which is KVM's, says
 * 16 bits, and an INTID beyond lpis is refused without a word (MAPTI_PHYSICALID_OOR).
 * So the number has to hold what guests do.
 *
 * They take INTIDs from 8192 on. Linux (drivers/irqchip/irq-gic-v3-its.c,
 * its_lpi_alloc(), and its_pci_msi_prepare() beside it) has one block for each device:
 * its vectors rounded up to a power of two, and at least 32 for DeviceID 0, or in
 * older kernels for every one. It takes the first hole that is large enough. A
 * driver that comes again with other needs leaves holes, but each hole below the new
 * block is smaller than that, and there are no more of them than other devices. So
 * the blocks of all, and for each device but one the largest block again, are enough
 * whatever comes and goes.
 */
#include "vmm/its/lpis.h"

static uint32_t block_of(uint32_t vectors)
{
	uint32_t block = LPIS_MIN;

	while (block < vectors && block < LPIS_MAX)
		block *= 2;
	return block;
}

uint32_t lpis_for(const uint32_t vectors[], size_t nr_devices)
{
	uint32_t largest = LPIS_MIN;
	uint64_t sum = 0;

	for (size_t i = 0; i < nr_devices; i++) {
		uint32_t block = block_of(vectors[i]);

		sum += block;
		if (block > largest)
			largest = block;
	}
	if (nr_devices)
		sum += (uint64_t)largest * (nr_devices - 1);
	if (sum < LPIS_MIN)
		return LPIS_MIN;
	return sum < LPIS_MAX ? (uint32_t)sum : LPIS_MAX;
}
