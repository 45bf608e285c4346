// SPDX-License-Identifier: MIT
/*
 * reset - after SYSTEM_RESET with interrupts in flight, ITS, PCI function and
 * LPIs are as after power-on, and work again.
 *
 * RAM outlives a reset: a word below the image says which boot this is.
 */
#include "lib/arch.h"
#include "lib/cpu.h"
#include "lib/edu.h"
#include "lib/gic.h"
#include "lib/its.h"
#include "lib/payload.h"
#include "vmm/kvm/layout.h"

const char payload_name[] = "reset";

#define LPI	    8192u
#define NOTE	    (LAYOUT_RAM + 0x10000) /* nothing is loaded below the image */
#define NOTE_MAGIC  UINT64_C(0x0074657365720001)
#define MSI_CONTROL 2u

static void reset_with_interrupts_in_flight(void)
{
	struct edu edu;

	edu_bring_up(&edu, LPI);
	edu_rounds(&edu, 100);
	irqs_off();
	write64(NOTE, NOTE_MAGIC);
	for (unsigned n = 0; n < 50; n++)
		edu_raise(&edu);
	say("resetting");
	reset_machine();
}

static void its_is_at_reset(void)
{
	CHECK(read32(LAYOUT_GITS + GITS_CTLR) == GITS_CTLR_QUIESCENT, "GITS_CTLR 0x%x",
	      read32(LAYOUT_GITS + GITS_CTLR));
	CHECK(read64(LAYOUT_GITS + GITS_CBASER) == 0, "GITS_CBASER");
	CHECK(read64(LAYOUT_GITS + GITS_CREADR) == 0, "GITS_CREADR");
	CHECK(read64(LAYOUT_GITS + GITS_CWRITER) == 0, "GITS_CWRITER");
	for (unsigned n = 0; n < GITS_NR_BASERS; n++)
		CHECK(!(read64(LAYOUT_GITS + GITS_BASER(n)) & GITS_BASER_VALID), "GITS_BASER%u", n);
	CHECK(!(read32(LAYOUT_GICR) & 1), "GICR_CTLR.EnableLPIs");
}

static void function_is_at_reset(void)
{
	struct pci_function fn;

	CHECK(pci_find(EDU_ID, 0, &fn), "no edu device");
	CHECK((pci_read16(fn.devfn, PCI_COMMAND) & 0x7) == 0, "PCI command 0x%x",
	      pci_read16(fn.devfn, PCI_COMMAND));
	CHECK((pci_read32(fn.devfn, PCI_BAR(0)) & ~0xfu) == 0, "BAR 0 is 0x%x",
	      pci_read32(fn.devfn, PCI_BAR(0)));
	CHECK((pci_read16(fn.devfn, fn.msi + MSI_CONTROL) & 1) == 0, "MSI is on");
	CHECK(pci_read32(fn.devfn, fn.msi + 4) == 0, "the message's address is kept");
}

/* What was in flight at the reset must not come now. */
static void interrupts_work_again(void)
{
	struct edu edu;

	edu_bring_up(&edu, LPI);
	delay_us(50000);
	CHECK(gic_lpi_total(LPI) == 0, "%lu interrupts from before the reset", gic_lpi_total(LPI));
	CHECK(edu_status(&edu) == 0, "edu was not reset: status 0x%x", edu_status(&edu));
	edu_rounds(&edu, 100);
	fact("handled", gic_lpi_total(LPI));
}

void payload_main(uint64_t fdt)
{
	(void)fdt;
	if (read64(NOTE) != NOTE_MAGIC)
		reset_with_interrupts_in_flight();
	write64(NOTE, 0);
	say("boot 2");
	its_is_at_reset();
	function_is_at_reset();
	interrupts_work_again();
}
