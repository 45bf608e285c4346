// SPDX-License-Identifier: MIT
/*
 * intx - INTx of two edu devices that share a line, in a guest that uses no messages: each
 * interrupt arrives once; one that is not acknowledged comes again until it is; one that is
 * asserted while its line is masked, or its function has INTx disabled, waits; and of two that
 * share a line none is lost.
 *
 * PCI Local Bus 3.0, 2.2.6 and 6.2.2 (Interrupt Disable); Arm IHI 0069, 1.2.1 (levels).
 */
#include "lib/arch.h"
#include "lib/cpu.h"
#include "lib/edu.h"
#include "lib/gic.h"
#include "lib/payload.h"
#include "lib/platform.h"
#include "vmm/kvm/layout.h"

const char payload_name[] = "intx";

#define ROUNDS	     300u
#define AGAIN	     7u /* times that one comes before it is acknowledged */
#define PIN_AND_LINE 0x3cu

static struct edu edus[2];
static volatile uint64_t taken, idle, seen[2];
static volatile unsigned late[2]; /* times that it is not acknowledged yet */
static uint64_t idle_after_a_look;
static uint32_t line;

/* What a driver's handler does: look at its device, and acknowledge it. */
static void handler(uint32_t spi)
{
	bool any = false;

	CHECK(spi == line, "interrupt %u", spi);
	taken++;
	for (unsigned i = 0; i < 2; i++) {
		if (!edu_status(&edus[i]))
			continue;
		any = true;
		seen[i]++;
		if (late[i])
			late[i]--;
		else
			edu_acknowledge(&edus[i]);
	}
	idle += !any;
}

static uint32_t line_of(const struct edu *edu)
{
	unsigned pin = pci_read32(edu->fn.devfn, PIN_AND_LINE) >> 8 & 0xff;

	CHECK(pin >= 1 && pin <= 4, "function 0x%x has pin %u", edu->fn.devfn, pin);
	return LAYOUT_INTX_INTID + (edu->fn.devfn / 8 + pin - 1) % LAYOUT_NR_INTX;
}

static void set_command(const struct edu *edu, bool intx)
{
	pci_write16(edu->fn.devfn, PCI_COMMAND,
		    PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | (intx ? 0 : PCI_COMMAND_NOINTX));
}

static void find(unsigned i)
{
	CHECK(pci_find(EDU_ID, i, &edus[i].fn), "no edu device %u", i);
	pci_set_up(&edus[i].fn);
	set_command(&edus[i], true);
	edu_acknowledge(&edus[i]);
}

/* Exactly so many, and no more after a while. */
static void expect(uint64_t before, uint64_t nr, const char *when)
{
	CHECK(WAIT_UNTIL(taken >= before + nr, PATIENCE_MS), "no interrupt %s", when);
	delay_us(EDU_SETTLE_US);
	CHECK(taken == before + nr, "%lu interrupts %s", taken - before, when);
}

/* The host may have MSI enabled yet: a message of the function's becomes INTx. */
static void first_one_arrives(unsigned i)
{
	uint64_t before = taken;

	edu_raise(&edus[i]);
	expect(before, 1, "at first");
}

static void each_arrives_once(void)
{
	for (unsigned n = 0; n < ROUNDS; n++) {
		uint64_t before = taken;

		edu_raise(&edus[0]);
		CHECK(WAIT_UNTIL(taken > before, PATIENCE_MS), "interrupt %u did not come", n);
		CHECK(taken == before + 1, "interrupt %u came %lu times", n, taken - before);
	}
}

static void one_comes_again_until_it_is_acknowledged(void)
{
	uint64_t before = taken;

	late[0] = AGAIN;
	edu_raise(&edus[0]);
	expect(before, AGAIN + 1, "that is acknowledged late");
}

static void a_masked_one_waits(void)
{
	uint64_t before = taken;

	gic_spi_mask(line, true);
	edu_raise(&edus[0]);
	CHECK(WAIT_UNTIL(gic_spi_is_pending(line), PATIENCE_MS),
	      "a masked interrupt is not pending");
	delay_us(EDU_SETTLE_US);
	CHECK(taken == before, "an interrupt came while masked");
	gic_spi_mask(line, false);
	expect(before, 1, "after the unmask");
}

static void a_disabled_one_waits(void)
{
	uint64_t before = taken;

	set_command(&edus[0], false);
	edu_raise(&edus[0]);
	delay_us(EDU_SETTLE_US);
	CHECK(taken == before, "an interrupt came with INTx disabled");
	set_command(&edus[0], true);
	expect(before, 1, "after INTx was enabled");
}

/* Both at once, of which the handler acknowledges both, or the first one alone at first. */
static void two_share_a_line(unsigned late_ones)
{
	uint64_t before = taken;

	late[1] = late_ones;
	gic_spi_mask(line, true);
	edu_raise(&edus[0]);
	edu_raise(&edus[1]);
	delay_us(EDU_SETTLE_US);
	gic_spi_mask(line, false);
	expect(before, 1 + late_ones, "of two that share a line");
}

/*
 * As a driver does that touches its device with interrupts off. Since Linux 6.19 the host may then
 * give it many times, with nothing to do (vmm/README.md): how many is for the test to judge.
 */
static void one_comes_after_a_look(void)
{
	uint64_t before = seen[0], begun = now_us(), nr;

	irqs_off();
	edu_raise(&edus[0]);
	while (now_us() < begun + EDU_SETTLE_US)
		(void)edu_status(&edus[0]);
	irqs_on();
	CHECK(WAIT_UNTIL(seen[0] > before, PATIENCE_MS), "no interrupt after a look");
	do {
		nr = taken;
		delay_us(EDU_SETTLE_US);
		CHECK(now_us() < begun + UINT64_C(1000) * PATIENCE_MS, "it goes on for ever");
	} while (taken != nr);
	CHECK(seen[0] == before + 1, "%lu interrupts after a look", seen[0] - before);
	idle_after_a_look = idle;
	idle = 0;
}

void payload_main(uint64_t fdt)
{
	(void)fdt;
	gic_init();
	find(0);
	find(1);
	line = line_of(&edus[0]);
	CHECK(line_of(&edus[1]) == line, "lines %u and %u", line, line_of(&edus[1]));
	gic_spi_on(line, handler);
	irqs_on();

	first_one_arrives(0);
	first_one_arrives(1);
	each_arrives_once();
	one_comes_again_until_it_is_acknowledged();
	a_masked_one_waits();
	a_disabled_one_waits();
	two_share_a_line(0);
	two_share_a_line(1);
	CHECK(idle == 0, "%lu interrupts of no device", idle);
	one_comes_after_a_look();

	fact("raised_0", edus[0].raised);
	fact("raised_1", edus[1].raised);
	fact("seen_0", seen[0]);
	fact("seen_1", seen[1]);
	fact("again", AGAIN);
	fact("idle_after_a_look", idle_after_a_look);
	CHECK(idle == 0, "%lu interrupts of no device", idle);
	CHECK(gic_strays() == 0, "%lu interrupts that nobody asked for", gic_strays());
}
