// SPDX-License-Identifier: MIT
/*
 * attack_redist - accesses to redistributors of which each pauses all CPUs, as fast
 * as two CPUs can make them: priorities of interrupts that are enabled, looks at what
 * is pending, LPIs switched off and on.
 *
 * IHI 0069 12.10 (GICR_CTLR), 12.11 (GICR_ISPENDR0, GICR_IPRIORITYR<n>).
 */
#include "lib/arch.h"
#include "lib/attack.h"
#include "lib/cpu.h"
#include "lib/gic.h"
#include "lib/payload.h"
#include "lib/witness.h"
#include "vitsmod/bits.h"

const char payload_name[] = "attack_redist";

#define GICR_ISENABLER0 0x10100u
#define GICR_ICENABLER0 0x10180u
#define GICR_ISPENDR0	0x10200u
#define GICR_IPRIORITYR 0x10400u
#define SGI		8u  /* CPU 0's, and the next one CPU 1's: nobody sends them */
#define MIN_ACCESSES	10u /* of each CPU, or it starves */

static volatile bool ends;
static volatile uint64_t accesses[MAX_CPUS];

/* Of a CPU's own redistributor and of the other one's in turn. */
static uint64_t redistributor(uint64_t n)
{
	return gic_redistributor((unsigned)(n % 2));
}

/* Each another one than before. */
static void write_priority(uint64_t n)
{
	write8(redistributor(n) + GICR_IPRIORITYR + SGI + cpu_index(), n / 2 % 2 ? 0x80 : 0x40);
}

static void look_at_pending(uint64_t n)
{
	(void)read32(redistributor(n) + GICR_ISPENDR0);
}

/* Its own: LPIs of another CPU, while that one runs, are lockup.c's. */
static void switch_lpis(uint64_t n)
{
	write32(gic_redistributor(cpu_index()) + GICR_CTLR, n % 2 ? GICR_CTLR_LPIS : 0);
}

static void (*access)(uint64_t n);

static void hammer(void)
{
	unsigned cpu = cpu_index();

	while (!ends)
		access(accesses[cpu]++);
	/* LPIs are on after an even number. */
	if (accesses[cpu] % 2)
		access(accesses[cpu]++);
}

static void let_priorities_matter(void)
{
	for (unsigned cpu = 0; cpu < 2; cpu++)
		write32(gic_redistributor(cpu) + GICR_ISENABLER0, 3u << SGI);
}

/* CPU 0's part: until the time is over, and both CPUs have got on. */
static void both_cpus(void (*what)(uint64_t n))
{
	uint64_t begin = now_us();

	access = what;
	accesses[0] = accesses[ATTACK_HELPER] = 0;
	ends = false;
	CHECK(cpu_run(ATTACK_HELPER, hammer), "CPU 1 does not listen");
	do {
		access(accesses[0]++);
		CHECK(now_us() < begin + PATIENCE_MS * 1000, "CPU 1 made %lu accesses",
		      accesses[ATTACK_HELPER]);
	} while (attack_goes_on(begin) || accesses[0] < MIN_ACCESSES ||
		 accesses[ATTACK_HELPER] < MIN_ACCESSES || accesses[0] % 2);
	ends = true;
	CHECK(cpu_is_idle(ATTACK_HELPER), "CPU 1 hangs");
	fact("accesses", accesses[0] + accesses[ATTACK_HELPER]);
}

static void priorities(void)
{
	let_priorities_matter();
	both_cpus(write_priority);
	for (unsigned cpu = 0; cpu < 2; cpu++)
		write32(gic_redistributor(cpu) + GICR_ICENABLER0, 3u << SGI);
}

static void pending(void)
{
	both_cpus(look_at_pending);
}

static void lpis(void)
{
	attack_restore();
	both_cpus(switch_lpis);
}

void payload_main(uint64_t fdt)
{
	static const struct attack attacks[] = {
		{ "priorities", priorities },
		{ "pending", pending },
		{ "lpis", lpis },
	};

	attack_main(fdt, attacks, ARRAY_SIZE(attacks));
}
