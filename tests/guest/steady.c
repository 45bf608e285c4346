// SPDX-License-Identifier: MIT
/*
 * steady - raises interrupts of an edu device and of an NVMe disk one after the
 * other and checks that each comes, and comes once, until a key is typed. For
 * tests that change something about them meanwhile. Says "busy" when it is at work.
 *
 * One entry of its own ITT, of an event that it does not use, is written behind
 * the ITS's back.
 */
#include "lib/arch.h"
#include "lib/cpu.h"
#include "lib/edu.h"
#include "lib/gic.h"
#include "lib/its.h"
#include "lib/nvme.h"
#include "lib/payload.h"
#include "lib/pci.h"

const char payload_name[] = "steady";

#define EDU_LPI	   8192u
#define NVME_LPI   8200u /* of vector 0 */
#define PAIRS	   3u	 /* the admin queues, whose vector stays masked, and two more */
#define EDU_ROUNDS 50u	 /* for each of the disk's */
#define BUSY_AT	   3u

static void start_edu(struct edu *edu)
{
	uint64_t itt = its_itt_alloc(1);

	edu_find(edu);
	edu->lpi = EDU_LPI;
	gic_lpi_configure(EDU_LPI, true);
	its_mapd(edu->devid, itt, 1, true);
	its_mapti(edu->devid, 0, EDU_LPI, 0);
	pci_msi_on(&edu->fn, ITS_DOORBELL, 0);
	write64(itt + 8, UINT64_C(8300) << 16); /* EventID 1, as MAPTI would have it */
}

static void start_nvme(struct nvme *nvme)
{
	nvme_find(nvme);
	its_mapd(nvme->fn.devfn, its_itt_alloc(6), 6, true);
	for (unsigned v = 1; v < PAIRS; v++) {
		gic_lpi_configure(NVME_LPI + v, true);
		its_mapti(nvme->fn.devfn, v, NVME_LPI + v, 0);
		pci_msix_write(&nvme->fn, v, ITS_DOORBELL, v);
		pci_msix_mask(&nvme->fn, v, false);
	}
	pci_msix_on(&nvme->fn);
	nvme_start(nvme, PAIRS);
}

static void nvme_round(struct nvme *nvme, uint64_t round)
{
	for (unsigned v = 1; v < PAIRS; v++)
		nvme_work(nvme, v);
	for (unsigned v = 1; v < PAIRS; v++) {
		uint32_t lpi = NVME_LPI + v;

		CHECK(nvme_wait(nvme, v), "queue pair %u: no answer", v);
		nvme_reap(nvme, v);
		CHECK(WAIT_UNTIL(gic_lpi_total(lpi) >= round, PATIENCE_MS),
		      "queue pair %u: interrupt %lu did not come", v, round);
		CHECK(gic_lpi_total(lpi) == round, "queue pair %u: %lu interrupts, not %lu", v,
		      gic_lpi_total(lpi), round);
	}
}

void payload_main(uint64_t fdt)
{
	struct nvme nvme;
	struct edu edu;
	uint64_t round = 0;
	char key;

	(void)fdt;
	gic_init();
	gic_lpis_on();
	its_init();
	its_mapc(0, gic_processor_number(0), true);
	start_edu(&edu);
	start_nvme(&nvme);
	irqs_on();
	do {
		edu_rounds(&edu, EDU_ROUNDS);
		nvme_round(&nvme, ++round);
		if (round == BUSY_AT)
			say("busy");
	} while (!heard(&key));
	CHECK(gic_lpi_total(EDU_LPI) == edu.raised, "edu: %lu raised, %lu taken", edu.raised,
	      gic_lpi_total(EDU_LPI));
	fact("edu_handled", gic_lpi_total(EDU_LPI));
	fact("disk_handled", gic_lpi_total(NVME_LPI + 1));
	fact("strays", gic_strays());
}
