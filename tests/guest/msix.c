// SPDX-License-Identifier: MIT
/*
 * msix - an NVMe function's MSI-X vectors: each arrives once; what comes while
 * a vector, or the function, is masked shows in the PBA and arrives once when
 * it is unmasked; a message that is rewritten takes effect.
 *
 * PCI Local Bus 3.0, 6.8.2 and 6.8.3; NVM Express Base Specification 1.4: 3.1
 * (registers), 4.2 and 4.6 (queues), 5.3 and 5.4 (making queues), 6.9 (Read).
 */
#include "lib/arch.h"
#include "lib/cpu.h"
#include "lib/gic.h"
#include "lib/its.h"
#include "lib/nvme.h"
#include "lib/payload.h"
#include "lib/pci.h"

const char payload_name[] = "msix";

#define FIRST_LPI 8192u /* of vector 0 */
#define VECTORS	  4u	/* admin queue and three others */
#define ROUNDS	  100u
#define SETTLE_US 300000u

static struct nvme nvme;

static uint64_t taken(unsigned vector)
{
	return gic_lpi_total(FIRST_LPI + vector);
}

static void expect(unsigned vector, uint64_t before, uint64_t nr, const char *when)
{
	CHECK(WAIT_UNTIL(taken(vector) >= before + nr, PATIENCE_MS), "vector %u: no interrupt %s",
	      vector, when);
	delay_us(SETTLE_US);
	CHECK(taken(vector) == before + nr, "vector %u: %lu interrupts %s", vector,
	      taken(vector) - before, when);
}

static void set_up_interrupts(void)
{
	gic_init();
	gic_lpis_on();
	its_init();
	its_mapc(0, gic_processor_number(0), true);
	its_mapd(nvme.fn.devfn, its_itt_alloc(6), 6, true);
	for (unsigned v = 0; v < VECTORS; v++) {
		gic_lpi_configure(FIRST_LPI + v, true);
		its_mapti(nvme.fn.devfn, v, FIRST_LPI + v, 0);
		pci_msix_write(&nvme.fn, v, ITS_DOORBELL, v);
		pci_msix_mask(&nvme.fn, v, false);
	}
	/* What the function sent when it was set up merges into one, which comes now. */
	delay_us(SETTLE_US);
	pci_msix_on(&nvme.fn);
	irqs_on();
	delay_us(SETTLE_US);
}

static void each_vector_arrives(void)
{
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (unsigned v = 0; v < VECTORS; v++) {
			uint64_t before = taken(v);

			nvme_work(&nvme, v);
			CHECK(WAIT_UNTIL(taken(v) == before + 1, PATIENCE_MS),
			      "vector %u: interrupt %u did not come", v, round);
			nvme_reap(&nvme, v);
		}
	}
}

/* The pattern that test disks carry (guest-images/make-pattern) begins like this. */
static void data_arrived(void)
{
	static const char begin[] = "itsy-pattern 1\n";

	for (unsigned v = 1; v < VECTORS; v++)
		for (size_t i = 0; i < sizeof(begin) - 1; i++)
			CHECK(nvme.pairs[v].data[i] == begin[i], "queue pair %u read other data",
			      v);
}

static void masked_vector_is_latched(unsigned vector)
{
	uint64_t before = taken(vector);

	pci_msix_mask(&nvme.fn, vector, true);
	CHECK(!pci_msix_pending(&nvme.fn, vector), "vector %u: pending for no reason", vector);
	nvme_work(&nvme, vector);
	CHECK(nvme_wait(&nvme, vector), "vector %u: the function does not work", vector);
	CHECK(WAIT_UNTIL(pci_msix_pending(&nvme.fn, vector), PATIENCE_MS),
	      "vector %u: not in the PBA while masked", vector);
	CHECK(taken(vector) == before, "vector %u: taken while masked", vector);
	pci_msix_mask(&nvme.fn, vector, false);
	expect(vector, before, 1, "after it was unmasked");
	CHECK(!pci_msix_pending(&nvme.fn, vector), "vector %u: in the PBA for ever", vector);
	nvme_reap(&nvme, vector);
}

static void masked_function_is_latched(void)
{
	uint64_t before[VECTORS];

	pci_msix_mask_function(&nvme.fn, true);
	for (unsigned v = 0; v < VECTORS; v++) {
		before[v] = taken(v);
		nvme_work(&nvme, v);
		CHECK(nvme_wait(&nvme, v), "vector %u: the function does not work", v);
		CHECK(WAIT_UNTIL(pci_msix_pending(&nvme.fn, v), PATIENCE_MS),
		      "vector %u: not in the PBA while the function is masked", v);
		CHECK(taken(v) == before[v], "vector %u: taken while the function is masked", v);
	}
	pci_msix_mask_function(&nvme.fn, false);
	for (unsigned v = 0; v < VECTORS; v++) {
		expect(v, before[v], 1, "after the function was unmasked");
		nvme_reap(&nvme, v);
	}
}

/* What is latched goes where the message says when it is unmasked. */
static void message_can_be_rewritten(void)
{
	uint64_t before1 = taken(1), before2 = taken(2);

	pci_msix_mask(&nvme.fn, 1, true);
	nvme_work(&nvme, 1);
	CHECK(nvme_wait(&nvme, 1), "the function does not work");
	CHECK(WAIT_UNTIL(pci_msix_pending(&nvme.fn, 1), PATIENCE_MS), "not in the PBA");
	pci_msix_write(&nvme.fn, 1, ITS_DOORBELL, 2);
	pci_msix_mask(&nvme.fn, 1, false);
	expect(2, before2, 1, "by a rewritten message");
	CHECK(taken(1) == before1, "the old message was sent");
	nvme_reap(&nvme, 1);
	pci_msix_mask(&nvme.fn, 1, true);
	pci_msix_write(&nvme.fn, 1, ITS_DOORBELL, 1);
	pci_msix_mask(&nvme.fn, 1, false);
}

static void switched_off_is_kept_quiet(void)
{
	uint64_t before = taken(3);

	pci_msix_off(&nvme.fn);
	nvme_work(&nvme, 3);
	CHECK(nvme_wait(&nvme, 3), "the function does not work");
	delay_us(SETTLE_US);
	CHECK(taken(3) == before, "an interrupt while MSI-X is off");
	nvme_reap(&nvme, 3);
	pci_msix_on(&nvme.fn);
	delay_us(SETTLE_US);
	CHECK(taken(3) <= before + 1, "%lu interrupts for one", taken(3) - before);
}

void payload_main(uint64_t fdt)
{
	(void)fdt;
	nvme_find(&nvme);
	nvme_start(&nvme, VECTORS);
	set_up_interrupts();
	each_vector_arrives();
	data_arrived();
	for (unsigned v = 0; v < VECTORS; v++)
		masked_vector_is_latched(v);
	masked_function_is_latched();
	message_can_be_rewritten();
	switched_off_is_kept_quiet();
	each_vector_arrives();

	fact("msix_vectors", nvme.fn.msix_nr);
	for (unsigned v = 0; v < VECTORS; v++)
		say("handled vector %u: %lu", v, taken(v));
	CHECK(gic_strays() == 0, "%lu interrupts that nobody asked for", gic_strays());
}
