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

#define LPI	  8192u
#define ROUNDS	  1000u
#define SETTLE_US 500000u /* an interrupt has come by then, or does not: also on a busy host */

/* IHI 0069 5.1.1: a disabled LPI stays pending, and comes once when it is enabled. */
static void disabled_lpi_is_kept(struct edu *edu)
{
	uint64_t before = gic_lpi_total(LPI);

	gic_lpi_configure(LPI, false);
	its_inv(edu->devid, 0);
	edu_raise(edu);
	delay_us(SETTLE_US);
	edu_raise(edu);
	delay_us(SETTLE_US);
	CHECK(gic_lpi_total(LPI) == before, "an LPI that is disabled was taken");
	gic_lpi_configure(LPI, true);
	its_inv(edu->devid, 0);
	CHECK(WAIT_UNTIL(gic_lpi_total(LPI) > before, PATIENCE_MS),
	      "an LPI was lost while disabled");
	delay_us(SETTLE_US);
	CHECK(gic_lpi_total(LPI) == before + 1, "pending once, taken %lu times",
	      gic_lpi_total(LPI) - before);
	edu_acknowledge(edu);
}

/* The same, enabled by INVALL instead of INV. */
static void invall_enables_too(struct edu *edu)
{
	uint64_t before = gic_lpi_total(LPI);

	gic_lpi_configure(LPI, false);
	its_invall(0);
	edu_raise(edu);
	delay_us(SETTLE_US);
	CHECK(gic_lpi_total(LPI) == before, "an LPI disabled by INVALL was taken");
	gic_lpi_configure(LPI, true);
	its_invall(0);
	CHECK(WAIT_UNTIL(gic_lpi_total(LPI) == before + 1, PATIENCE_MS),
	      "an LPI was lost before INVALL");
	edu_acknowledge(edu);
}

static void cleared_lpi_is_gone(struct edu *edu)
{
	uint64_t before = gic_lpi_total(LPI);

	gic_lpi_configure(LPI, false);
	its_inv(edu->devid, 0);
	edu_raise(edu);
	delay_us(SETTLE_US);
	its_clear(edu->devid, 0);
	gic_lpi_configure(LPI, true);
	its_inv(edu->devid, 0);
	delay_us(SETTLE_US);
	CHECK(gic_lpi_total(LPI) == before, "an LPI was taken after CLEAR");
	edu_acknowledge(edu);
}

static void discarded_event_delivers_nothing(struct edu *edu)
{
	uint64_t before = gic_lpi_total(LPI);

	its_discard(edu->devid, 0);
	edu_raise(edu);
	delay_us(SETTLE_US);
	CHECK(gic_lpi_total(LPI) == before, "a discarded event was delivered");
	its_mapti(edu->devid, 0, LPI, 0);
	delay_us(SETTLE_US);
	CHECK(gic_lpi_total(LPI) == before, "MAPTI brought a dropped interrupt back");
	edu_acknowledge(edu);
}

/* With MSI off the function sends nothing that could arrive; the host side holds it. */
static void msi_off_holds(struct edu *edu)
{
	uint64_t before = gic_lpi_total(LPI);

	pci_msi_off(&edu->fn);
	edu_raise(edu);
	delay_us(SETTLE_US);
	CHECK(gic_lpi_total(LPI) == before, "an interrupt came with MSI off");
	edu_acknowledge(edu);
	pci_msi_on(&edu->fn, ITS_DOORBELL, 0);
	delay_us(SETTLE_US);
	fact("after_msi_off", gic_lpi_total(LPI) - before);
}

void payload_main(uint64_t fdt)
{
	struct edu edu;

	(void)fdt;
	edu_bring_up(&edu, LPI);
	edu_rounds(&edu, ROUNDS);
	disabled_lpi_is_kept(&edu);
	invall_enables_too(&edu);
	cleared_lpi_is_gone(&edu);
	discarded_event_delivers_nothing(&edu);
	msi_off_holds(&edu);
	edu_rounds(&edu, ROUNDS / 10);

	fact("raised", edu.raised);
	fact("handled", gic_lpi_total(LPI));
	fact("coalesced", 2); /* one raised twice while pending, one cleared */
	fact("discarded", 1);
	CHECK(gic_strays() == 0, "%lu interrupts that nobody asked for", gic_strays());
}
