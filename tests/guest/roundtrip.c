// SPDX-License-Identifier: MIT
/*
 * roundtrip - when was the guest entered, and how long does its device take from
 * a register write to the interrupt that this raises?
 *
 * Runs under any VMM that gives it a device tree (lib/platform.h). Facts:
 *
 *	frequency	ticks in a second
 *	first		CNTPCT_EL0 at the guest's first instruction: the host's own
 *			counter, so what the host read there before is to be subtracted
 *	edu_count	round trips; edu_min, edu_p50, edu_p90, edu_p99, edu_max of them,
 *			in nanoseconds of the counter: from right before the write of
 *			edu's raise register to right behind the read of ICC_IAR1_EL1
 *	edu_first_...	the same of those of the first so many milliseconds, which the
 *			others follow at once: only with first_ms=N
 *
 * The CPU goes to sleep (WFI) behind the write. QEMU's edu sends its message while it
 * is written to, so where the interrupt is passed on at once it comes before that.
 *
 * Without an edu device there are only the first two. Command line: rounds=N;
 * gap_us=N, the time asleep between two of them; first_ms=N. An interrupt that is lost leaves
 * it asleep: a watchdog would be one more timer in each WFI, so whoever runs this
 * is to have limited patience.
 */
#include "lib/arch.h"
#include "lib/cpu.h"
#include "lib/edu.h"
#include "lib/fdt.h"
#include "lib/gic.h"
#include "lib/payload.h"
#include "lib/samples.h"

const char payload_name[] = "roundtrip";

#define LPI	   GIC_FIRST_LPI
#define ROUNDS	   1000u
#define MAX_ROUNDS 100000u
#define GAP_US	   200u
#define WARM_UP	   10u /* the first ones map pages and fill caches */

static volatile uint64_t taken_at; /* 0: not yet */

static void taken(uint32_t lpi)
{
	(void)lpi;
	taken_at = gic_acknowledged_at();
}

static uint64_t round_trip(struct edu *edu, uint64_t gap_us)
{
	uint64_t raised_at;

	sleep_us(gap_us);
	taken_at = 0;
	__asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(raised_at) : : "memory");
	edu_raise(edu);
	while (!taken_at)
		take_interrupts();
	edu_acknowledge(edu);
	return taken_at - raised_at;
}

/* Until so many are made, or so many milliseconds are over. How many. */
static uint64_t round_trips(struct edu *edu, uint64_t gap_us, uint64_t *samples, uint64_t rounds,
			    uint64_t ms)
{
	uint64_t until = counter() + counter_ticks(ms * 1000), nr = 0;

	while (nr < rounds && (!ms || counter() < until))
		samples[nr++] = round_trip(edu, gap_us);
	return nr;
}

static void tell(const char *key, uint64_t *samples, uint64_t nr)
{
	samples_sort(samples, nr);
	say("%s_count %lu", key, nr);
	for (size_t i = 0; i < sizeof(samples_facts) / sizeof(samples_facts[0]); i++)
		if (samples_has(nr, samples_facts[i].percent))
			say("%s_%s %lu", key, samples_facts[i].name,
			    ticks_to_ns(samples_at(samples, nr, samples_facts[i].percent)));
}

void payload_main(uint64_t fdt)
{
	uint64_t rounds = fdt_number(fdt, "rounds", ROUNDS);
	uint64_t gap_us = fdt_number(fdt, "gap_us", GAP_US);
	uint64_t first_ms = fdt_number(fdt, "first_ms", 0), first = 0;
	uint64_t *samples, *first_samples = NULL;
	struct pci_function fn;
	struct edu edu;

	fact("frequency", sysreg_read("cntfrq_el0"));
	fact("first", payload_entered_at());
	CHECK(rounds && rounds <= MAX_ROUNDS, "rounds= is 1 to %u", MAX_ROUNDS);
	if (!pci_find(EDU_ID, 0, &fn)) {
		say("no edu device");
		return;
	}
	edu_bring_up(&edu, LPI);
	irqs_off();
	gic_timer_on();
	gic_on_lpi(taken);
	samples = memory_alloc(rounds * sizeof(*samples), sizeof(*samples));
	if (first_ms)
		first_samples = memory_alloc(MAX_ROUNDS * sizeof(*samples), sizeof(*samples));
	for (unsigned i = 0; i < WARM_UP; i++)
		(void)round_trip(&edu, gap_us);
	if (first_ms)
		first = round_trips(&edu, gap_us, first_samples, MAX_ROUNDS, first_ms);
	(void)round_trips(&edu, gap_us, samples, rounds, 0);

	CHECK(gic_lpi_total(LPI) == WARM_UP + first + rounds, "%lu interrupts for %lu",
	      gic_lpi_total(LPI), WARM_UP + first + rounds);
	CHECK(gic_strays() == 0, "%lu interrupts that nobody asked for", gic_strays());
	if (first)
		tell("edu_first", first_samples, first);
	tell("edu", samples, rounds);
}
