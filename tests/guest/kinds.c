// SPDX-License-Identifier: MIT
/*
 * kinds - a NIC (82574L, QEMU's e1000e) that interrupts by MSI-X, MSI and INTx in turn, as its
 * guest changes: each interrupt arrives once, by the kind that is enabled; and so it is after the
 * guest has changed in a loop. Command line: only=msi for MSI alone, from the beginning.
 *
 * Intel 82574 datasheet: 10.2.4 (ICR, ICS, IMS, IMC, IVAR); PCI Local Bus 3.0, 6.8.
 */
#include "lib/arch.h"
#include "lib/cpu.h"
#include "lib/fdt.h"
#include "lib/gic.h"
#include "lib/its.h"
#include "lib/payload.h"
#include "lib/pci.h"
#include "vmm/kvm/layout.h"

const char payload_name[] = "kinds";

#define E1000E_ID 0x10d38086u

#define ICR	   0x00c0u
#define ICS	   0x00c8u
#define IMS	   0x00d0u
#define IMC	   0x00d8u
#define IVAR	   0x00e4u
#define CAUSE	   0x00000010u /* RXDMT0: nothing else raises it while nothing is received */
#define CAUSE_MSIX 0x00100000u /* RxQ0 */
#define IVAR_RXQ0  0x00000008u /* valid, to vector 0 */

#define EVENT_BITS 3u
#define MSI_EVENT  5u
#define FIRST_LPI  8192u /* of event 0, which is MSI-X's vector 0 */
#define ROUNDS	   100u
#define CHANGES	   200u
#define SETTLE_US  1000000u
#define SPACE_US   1000u /* more than it throttles: 128 */
#define FOLLOW_US  1000000u

enum kind { INTX, MSI, MSIX };

static struct pci_function fn;
static volatile uint64_t lines;
static uint32_t line;

static uint32_t get(unsigned reg)
{
	return read32(fn.bar[0] + reg);
}

static void set(unsigned reg, uint32_t value)
{
	write32(fn.bar[0] + reg, value);
}

static void handler(uint32_t spi)
{
	CHECK(spi == line, "interrupt %u", spi);
	lines++;
	(void)get(ICR); /* which clears it */
}

static uint64_t taken(enum kind kind)
{
	return kind == INTX ? lines : gic_lpi_total(FIRST_LPI + (kind == MSI ? MSI_EVENT : 0));
}

static void change_to(enum kind kind)
{
	set(IMC, ~0u);
	(void)get(ICR);
	set(ICR, ~0u);
	if (kind == MSIX)
		pci_msi_off(&fn);
	else
		pci_msix_off(&fn);
	if (kind == MSIX)
		pci_msix_on(&fn);
	else if (kind == MSI)
		pci_msi_on(&fn, ITS_DOORBELL, MSI_EVENT);
	else
		pci_msi_off(&fn);
	pci_write16(fn.devfn, PCI_COMMAND,
		    PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER |
			    (kind == INTX ? 0 : PCI_COMMAND_NOINTX));
	set(IMS, kind == MSIX ? CAUSE_MSIX : CAUSE);
	/* The host follows a guest that stays with INTx; what QEMU's device has pending then it
	 * forgets. */
	if (kind == INTX)
		delay_us(FOLLOW_US);
}

/* QEMU 7.2's device may send one again (it throttles, and its timer does not forget): that is
 * counted. */
static void rounds(enum kind kind, unsigned nr)
{
	for (unsigned n = 0; n < nr; n++) {
		uint64_t before = taken(kind);

		delay_us(SPACE_US);
		set(ICS, kind == MSIX ? CAUSE_MSIX : CAUSE);
		CHECK(WAIT_UNTIL(taken(kind) > before, PATIENCE_MS),
		      "kind %u: interrupt %u did not come", kind, n);
		if (kind == MSIX)
			set(ICR, CAUSE_MSIX);
		else
			(void)get(ICR);
	}
	/* Its timer must not fire under another kind: it would end. */
	delay_us(SETTLE_US);
}

static void change_in_a_loop(void)
{
	uint64_t begin = now_us();

	for (unsigned n = 0; n < CHANGES; n++)
		change_to(n % 2 ? MSIX : MSI);
	fact("changes", CHANGES);
	fact("changes_us", now_us() - begin);
}

static void set_up(void)
{
	gic_init();
	gic_lpis_on();
	its_init();
	its_mapc(0, gic_processor_number(0), true);
	CHECK(pci_find(E1000E_ID, 0, &fn), "no e1000e");
	pci_set_up(&fn);
	its_mapd(fn.devfn, its_itt_alloc(EVENT_BITS), EVENT_BITS, true);
	for (unsigned event = 0; event <= MSI_EVENT; event++) {
		gic_lpi_configure(FIRST_LPI + event, true);
		its_mapti(fn.devfn, event, FIRST_LPI + event, 0);
	}
	for (unsigned v = 0; v < fn.msix_nr; v++) {
		pci_msix_write(&fn, v, ITS_DOORBELL, v);
		pci_msix_mask(&fn, v, false);
	}
	line = LAYOUT_INTX_INTID + fn.devfn / 8 % LAYOUT_NR_INTX; /* INTA */
	gic_spi_on(line, handler);
	set(IVAR, IVAR_RXQ0);
	irqs_on();
}

void payload_main(uint64_t fdt)
{
	char only[8];

	set_up();
	if (fdt_word(fdt, "only", only, sizeof(only))) {
		change_to(MSI);
		rounds(MSI, 10 * ROUNDS);
	} else {
		static const enum kind order[] = { MSIX, MSI, MSIX, INTX, MSI, INTX, MSIX };

		for (unsigned i = 0; i < ARRAY_SIZE(order); i++) {
			change_to(order[i]);
			rounds(order[i], ROUNDS);
		}
		change_in_a_loop();
		change_to(MSI);
		rounds(MSI, ROUNDS);
	}
	fact("messages", taken(MSI) + taken(MSIX));
	fact("lines", taken(INTX));
	CHECK(gic_strays() == 0, "%lu interrupts that nobody asked for", gic_strays());
}
