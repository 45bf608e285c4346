// SPDX-License-Identifier: MIT
/*
 * The witness. Arm ARM D12 (the virtual counter goes on while a vCPU is out).
 */
#include "lib/witness.h"

#include "lib/arch.h"
#include "lib/cpu.h"
#include "lib/payload.h"

/* A CPU writes its own row; another one only asks it to begin anew. */
struct row {
	volatile uint64_t last, longest, looks;
	volatile bool forget;
} __attribute__((aligned(64)));

static struct row rows[MAX_CPUS];
static volatile bool ends[MAX_CPUS];
static volatile uint64_t forgotten_at;

void witness_look(void)
{
	struct row *row = &rows[cpu_index()];
	uint64_t now = now_us(), gap = now - row->last;

	if (row->forget) {
		row->forget = false;
		row->longest = 0;
		row->looks = 0;
	} else if (gap > row->longest) {
		row->longest = gap;
	}
	row->last = now;
	row->looks++;
}

void witness_begin(void)
{
	rows[cpu_index()].last = now_us();
}

static void watch(void)
{
	witness_begin();
	while (!ends[cpu_index()])
		witness_look();
}

void witness_start(unsigned cpu)
{
	uint64_t looks;

	ends[cpu] = false;
	barrier();
	CHECK(cpu_run(cpu, watch), "CPU %u does not listen", cpu);
	looks = rows[cpu].looks;
	CHECK(WAIT_UNTIL(rows[cpu].looks != looks, PATIENCE_MS), "CPU %u does not look", cpu);
}

void witness_stop(unsigned cpu)
{
	ends[cpu] = true;
	CHECK(cpu_is_idle(cpu), "the witness hangs");
}

void witness_forget(void)
{
	for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
		rows[cpu].forget = true;
	forgotten_at = now_us();
	barrier();
}

uint64_t witness_gap_us(unsigned cpu)
{
	return rows[cpu].longest;
}

uint64_t witness_looks_per_ms(unsigned cpu)
{
	uint64_t us = now_us() - forgotten_at;

	return us && !rows[cpu].forget ? rows[cpu].looks * 1000 / us : 0;
}
