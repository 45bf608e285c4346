// SPDX-License-Identifier: MIT
/*
 * moved - a device's interrupt goes from CPU to CPU without end, by MOVI of another CPU than the
 * one that raises it, and each that is raised is taken, once: sent before a move, behind it, or
 * while it is under way. Three CPUs at least, all of which take them: one raises, one moves.
 *
 * IHI 0069: 5.3 (MOVI).
 */
#include "lib/arch.h"
#include "lib/cpu.h"
#include "lib/edu.h"
#include "lib/gic.h"
#include "lib/its.h"
#include "lib/payload.h"

const char payload_name[] = "moved";

#define LPI    8192u
#define ROUNDS 1000u
/* So many at least, on a busy machine too; else it is given up after MOST_ROUNDS. */
#define MOVES	    200u
#define MOST_ROUNDS (20u * ROUNDS)

static uint32_t devid;
static volatile bool over;
static volatile uint64_t moves;

static void take_lpis(void)
{
	gic_init_cpu();
	gic_lpis_on();
}

/* To every CPU in turn, this one among them. */
static void move_on(void)
{
	while (!over) {
		its_movi(devid, 0, (uint32_t)(moves % gic_nr_cpus()));
		moves++;
	}
}

static void bring_up(struct edu *edu)
{
	edu_bring_up(edu, LPI);
	devid = edu->devid;
	CHECK(gic_nr_cpus() >= 3 && gic_nr_cpus() <= MAX_CPUS, "%u CPUs", gic_nr_cpus());
	for (unsigned cpu = 1; cpu < gic_nr_cpus(); cpu++) {
		CHECK(cpu_start(cpu, gic_mpidr(cpu), take_lpis), "CPU %u does not start", cpu);
		its_mapc(cpu, gic_processor_number(cpu), true);
	}
}

static void raise_while_it_moves(struct edu *edu)
{
	const unsigned mover = gic_nr_cpus() - 1;
	uint64_t before;

	CHECK(cpu_run(mover, move_on), "CPU %u does not listen", mover);
	CHECK(WAIT_UNTIL(moves > 0, PATIENCE_MS), "nothing is moved");
	for (unsigned n = 0; n < ROUNDS || (moves < MOVES && n < MOST_ROUNDS); n++) {
		before = gic_lpi_total(LPI);
		edu_raise(edu);
		CHECK(WAIT_UNTIL(gic_lpi_total(LPI) > before, PATIENCE_MS),
		      "interrupt %u is lost, after %lu moves", n, moves);
		edu_acknowledge(edu);
	}
	over = true;
	CHECK(cpu_is_idle(mover), "CPU %u does not come to its end", mover);
	CHECK(moves >= MOVES, "%lu moves in %u rounds", moves, MOST_ROUNDS);
}

void payload_main(uint64_t fdt)
{
	struct edu edu;

	(void)fdt;
	bring_up(&edu);
	raise_while_it_moves(&edu);
	delay_us(EDU_SETTLE_US);
	CHECK(gic_lpi_total(LPI) == edu.raised, "%lu raised, %lu taken", edu.raised,
	      gic_lpi_total(LPI));
	for (unsigned cpu = 0; cpu < gic_nr_cpus(); cpu++)
		CHECK(gic_lpi_count(cpu, LPI) > 0, "none came to CPU %u", cpu);
	CHECK(gic_strays() == 0, "%lu interrupts that nobody asked for", gic_strays());
	fact("raised", edu.raised);
	fact("moves", moves);
}
