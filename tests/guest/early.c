// SPDX-License-Identifier: MIT
/*
 * early - an interrupt that comes before the guest has LPI tables, let alone LPIs on,
 * arrives once they are: with no further command, message or register access that
 * could remind anybody of it. IHI 0069 5.1 (LPI tables, EnableLPIs).
 */
#include "lib/edu.h"

#include "lib/arch.h"
#include "lib/cpu.h"
#include "lib/gic.h"
#include "lib/its.h"
#include "lib/payload.h"

const char payload_name[] = "early";

#define LPI	  8192u
#define BEFORE_US 500000u /* a second look at it, and a third, find nothing */
#define SETTLE_US 100000u

void payload_main(uint64_t fdt)
{
	struct edu edu;

	(void)fdt;
	gic_init();
	its_init();
	its_mapc(0, gic_processor_number(0), true);
	edu_find(&edu);
	edu_start(&edu, LPI);
	edu_raise(&edu);
	delay_us(BEFORE_US);

	gic_lpi_configure(LPI, true);
	gic_lpis_on();
	irqs_on();
	CHECK(WAIT_UNTIL(gic_lpi_total(LPI) > 0, PATIENCE_MS),
	      "an interrupt from before LPIs were on does not come");
	delay_us(SETTLE_US);
	CHECK(gic_lpi_total(LPI) == 1, "one from before LPIs were on came %lu times",
	      gic_lpi_total(LPI));
	CHECK(edu_status(&edu) == 1, "edu's status is 0x%x", edu_status(&edu));
	edu_acknowledge(&edu);
	edu_rounds(&edu, 100);

	fact("raised", edu.raised);
	fact("handled", gic_lpi_total(LPI));
	CHECK(gic_strays() == 0, "%lu interrupts that nobody asked for", gic_strays());
}
