// SPDX-License-Identifier: MIT
/*
 * direct - an edu device's interrupts where the hardware may hand them to a vCPU
 * with nobody between (GICv4). Keys ask for what is to happen, so that the host can
 * look at its own counters before and after; "over KEY" says that it has.
 *
 *	r	many in a row: each comes once
 *	k	while the LPI is disabled they are kept
 *	m	MOVI has the event go from CPU to CPU, and takes one along that is pending
 *	d	DISCARD, then mapped anew: they come again
 *	c	raised until the next key, whatever the host changes meanwhile: none is lost
 *	b	the machine resets
 *	q	ends
 *
 * Where a mapping or the host's way to it changes (d, c, and after b) there may be
 * some more than the device sent: a VMM that cannot tell whether one got lost sends
 * one of its own. There may never be one less. Needs two CPUs.
 */
#include "lib/arch.h"
#include "lib/cpu.h"
#include "lib/edu.h"
#include "lib/gic.h"
#include "lib/its.h"
#include "lib/payload.h"
#include "vmm/kvm/layout.h"

const char payload_name[] = "direct";

#define LPI    8192u
#define ROUNDS 5000u
#define MOVES  200u
#define NOTE   (LAYOUT_RAM + 0x10000) /* nothing is loaded below the image */
#define BOOTED UINT64_C(0x0074636572696401)

static void second_cpu(void)
{
	gic_init_cpu();
	gic_lpis_on();
}

static void bring_up(struct edu *edu)
{
	edu_bring_up(edu, LPI);
	CHECK(gic_nr_cpus() == 2, "%u CPUs, not 2", gic_nr_cpus());
	CHECK(cpu_start(1, gic_mpidr(1), second_cpu), "CPU 1 does not start");
	its_mapc(1, gic_processor_number(1), true);
}

/* What the VMM sends of its own has come. */
static void settle(void)
{
	delay_us(EDU_SETTLE_US);
}

/* One that comes, and it does not matter how often. */
static void raise_one(struct edu *edu)
{
	uint64_t before = gic_lpi_total(LPI);

	edu_raise(edu);
	CHECK(WAIT_UNTIL(gic_lpi_total(LPI) > before, PATIENCE_MS),
	      "an interrupt is lost: %lu raised, %lu taken", edu->raised, gic_lpi_total(LPI));
	edu_acknowledge(edu);
}

static void pending_one_goes_along(struct edu *edu, unsigned from, unsigned to)
{
	uint64_t there = gic_lpi_count(from, LPI), here = gic_lpi_count(to, LPI);

	gic_lpi_configure(LPI, false);
	its_inv(edu->devid, 0);
	edu_raise(edu);
	settle();
	its_movi(edu->devid, 0, to);
	gic_lpi_configure(LPI, true);
	its_inv(edu->devid, 0);
	CHECK(WAIT_UNTIL(gic_lpi_count(to, LPI) > here, PATIENCE_MS),
	      "a pending one did not go along to CPU %u", to);
	settle();
	CHECK(gic_lpi_count(to, LPI) == here + 1 && gic_lpi_count(from, LPI) == there,
	      "pending once, taken %lu times", gic_lpi_total(LPI) - here - there);
	edu_acknowledge(edu);
}

/* Moved right behind the message, which arrives before or after. */
static void moves(struct edu *edu)
{
	uint64_t before, taken[2] = { gic_lpi_count(0, LPI), gic_lpi_count(1, LPI) };

	for (uint32_t n = 0; n < MOVES; n++) {
		before = gic_lpi_total(LPI);
		edu_raise(edu);
		its_movi(edu->devid, 0, (n + 1) % 2);
		CHECK(WAIT_UNTIL(gic_lpi_total(LPI) > before, PATIENCE_MS),
		      "an interrupt is lost at move %u", n);
		edu_acknowledge(edu);
	}
	settle();
	for (unsigned cpu = 0; cpu < 2; cpu++)
		fact(cpu ? "moved_cpu1" : "moved_cpu0", gic_lpi_count(cpu, LPI) - taken[cpu]);
	CHECK(gic_lpi_total(LPI) - taken[0] - taken[1] == MOVES, "%u raised, %lu taken", MOVES,
	      gic_lpi_total(LPI) - taken[0] - taken[1]);
	pending_one_goes_along(edu, 0, 1);
	pending_one_goes_along(edu, 1, 0);
}

static void discards(struct edu *edu)
{
	uint64_t before;

	its_discard(edu->devid, 0);
	before = gic_lpi_total(LPI);
	edu_raise(edu);
	settle();
	CHECK(gic_lpi_total(LPI) == before, "a discarded event was delivered");
	edu_acknowledge(edu);
	its_mapti(edu->devid, 0, LPI, 0);
	settle();
	/* The first one shows the VMM that there is a mapping again, with the second it ties. */
	raise_one(edu);
	settle();
	raise_one(edu);
}

static void many(struct edu *edu)
{
	settle();
	edu_rounds(edu, ROUNDS);
}

static void on_until_a_key(struct edu *edu)
{
	char key;

	do {
		for (unsigned n = 0; n < 16; n++)
			raise_one(edu);
	} while (!heard(&key));
	settle();
}

static void reset(struct edu *edu)
{
	irqs_off();
	for (unsigned n = 0; n < 50; n++)
		edu_raise(edu);
	write64(NOTE, BOOTED);
	say("resetting");
	reset_machine();
}

static const struct {
	char key;
	void (*run)(struct edu *edu);
} keys[] = {
	{ 'r', many },	   { 'k', edu_lpis_are_kept }, { 'm', moves },
	{ 'd', discards }, { 'c', on_until_a_key },    { 'b', reset },
};

static void obey(struct edu *edu, char key)
{
	const uint64_t raised = edu->raised, taken = gic_lpi_total(LPI);
	size_t n = 0;

	while (keys[n].key != key)
		CHECK(++n < sizeof(keys) / sizeof(keys[0]), "key '%c'", key);
	keys[n].run(edu);
	say("%c_raised %lu", key, edu->raised - raised);
	say("%c_taken %lu", key, gic_lpi_total(LPI) - taken);
	say("over %c", key);
}

void payload_main(uint64_t fdt)
{
	struct edu edu;
	char key = 0;

	(void)fdt;
	bring_up(&edu);
	say("boot %u", read64(NOTE) == BOOTED ? 2u : 1u);
	write64(NOTE, 0);
	raise_one(&edu);
	settle();
	say("ready");
	while (key != 'q')
		if (heard(&key) && key != 'q')
			obey(&edu, key);
	CHECK(gic_strays() == 0, "%lu interrupts that nobody asked for", gic_strays());
}
