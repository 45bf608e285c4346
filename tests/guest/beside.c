// SPDX-License-Identifier: MIT
/*
 * beside - a function's DMA reads and writes the registers of another one that is passed through,
 * at the address where the guest has them, also after it has moved them. Not the MSI-X table, which
 * the guest does not reach by memory either.
 *
 * Needs edu with a dma_mask that reaches all windows, and an NVMe function. NVM Express
 * Base 1.4, 3.1: CAP, AQA.
 */
#include "lib/arch.h"
#include "lib/cpu.h"
#include "lib/edu.h"
#include "lib/payload.h"
#include "lib/platform.h"

const char payload_name[] = "beside";

#define NVME_CLASS 0x010802u
#define CAP	   0x00u
#define AQA	   0x24u
#define QUEUES	   0x001f000fu /* sizes of the admin queues */

static volatile uint64_t landing __attribute__((aligned(8)));
static volatile uint32_t leaving __attribute__((aligned(8)));

static void reaches(const struct edu *edu, uint64_t registers, uint32_t queues)
{
	uint64_t cap = read64(registers + CAP);

	landing = ~cap;
	edu_dma_load(edu, registers + CAP, sizeof(cap));
	edu_dma_store(edu, address_of(&landing), sizeof(cap));
	CHECK(landing == cap, "read 0x%lx, not 0x%lx", landing, cap);

	leaving = queues;
	edu_dma_load(edu, address_of(&leaving), sizeof(leaving));
	edu_dma_store(edu, registers + AQA, sizeof(leaving));
	CHECK(read32(registers + AQA) == queues, "0x%x is there, not 0x%x", read32(registers + AQA),
	      queues);
}

void payload_main(uint64_t fdt)
{
	struct pci_function disk;
	struct edu edu;

	(void)fdt;
	edu_find(&edu);
	CHECK(pci_find_class(NVME_CLASS, 0, &disk), "no NVMe function");
	pci_set_up(&disk);
	reaches(&edu, disk.bar[0], QUEUES);
	fact("reached", 1);

	/* In the other window, where the upper half is zero. */
	pci_write32(disk.devfn, PCI_BAR(1), 0);
	disk.bar[0] = platform()->pci32 + 0x10000000;
	pci_put_back(&disk);
	reaches(&edu, disk.bar[0], QUEUES + 1);
	fact("reached_elsewhere", 1);
}
