// SPDX-License-Identifier: MIT
/*
 * edu - every interrupt of a device arrives once: in a row, kept while its LPI
 * is disabled, kept while the ITS or the LPIs are not ready for it; and none
 * arrives for an event that was discarded.
 */
#include "lib/edu.h"

#include "lib/arch.h"
#include "lib/cpu.h"
#include "lib/gic.h"
#include "lib/its.h"
#include "lib/payload.h"

const char payload_name[] = "edu";

#define LPI    8192u
#define ROUNDS 1000u

static void discarded_event_delivers_nothing(struct edu *edu)
{
	uint64_t before = gic_lpi_total(LPI);

	its_discard(edu->devid, 0);
	edu_raise(edu);
	delay_us(EDU_SETTLE_US);
	CHECK(gic_lpi_total(LPI) == before, "a discarded event was delivered");
	its_mapti(edu->devid, 0, LPI, 0);
	delay_us(EDU_SETTLE_US);
	CHECK(gic_lpi_total(LPI) == before, "MAPTI brought a dropped interrupt back");
	edu_acknowledge(edu);
}

/* With MSI off the function sends nothing that could arrive; the host side holds it. */
static void msi_off_holds(struct edu *edu)
{
	uint64_t before = gic_lpi_total(LPI);

	pci_msi_off(&edu->fn);
	edu_raise(edu);
	delay_us(EDU_SETTLE_US);
	CHECK(gic_lpi_total(LPI) == before, "an interrupt came with MSI off");
	edu_acknowledge(edu);
	pci_msi_on(&edu->fn, ITS_DOORBELL, 0);
	delay_us(EDU_SETTLE_US);
	fact("after_msi_off", gic_lpi_total(LPI) - before);
}

void payload_main(uint64_t fdt)
{
	struct edu edu;

	(void)fdt;
	edu_bring_up(&edu, LPI);
	edu_rounds(&edu, ROUNDS);
	edu_lpis_are_kept(&edu);
	discarded_event_delivers_nothing(&edu);
	msi_off_holds(&edu);
	edu_rounds(&edu, ROUNDS / 10);

	fact("raised", edu.raised);
	fact("handled", gic_lpi_total(LPI));
	fact("coalesced", 2); /* one raised twice while pending, one cleared */
	fact("discarded", 1);
	CHECK(gic_strays() == 0, "%lu interrupts that nobody asked for", gic_strays());
}
