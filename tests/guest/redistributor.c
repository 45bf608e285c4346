// SPDX-License-Identifier: MIT
/*
 * redistributor - random accesses to two redistributors, its own and that of a CPU
 * that is off, and what an interrupt controller does meanwhile: SGIs, the virtual timer's
 * line, interrupts that are acknowledged and ended. Each thing that can be seen is a
 * line, so that what a VMM's redistributors do can be compared with what KVM's do.
 *
 * Command line: seed=N, steps=N.
 *
 * Lines: "r CPU OFFSET WIDTH VALUE" for a read, "a INTID" for an interrupt that was
 * acknowledged, "# ..." for what was done. IHI 0069 12.10, 12.11.
 *
 * Not done, as it is defined nowhere or left to the implementation: PPIs that become
 * edge-triggered (GICR_ICFGR1), a timer's interrupt that software sets pending, which KVM does
 * not show, or active, two GICR_PROPBASERs that are different, the priority of an active
 * interrupt: it may change at once, or once the interrupt is no longer active. For one that is
 * disabled it does the one in KVM and the other in itsy, and what ends it looks at the priority.
 */
#include "lib/arch.h"
#include "lib/cpu.h"
#include "lib/fdt.h"
#include "lib/gic.h"
#include "lib/payload.h"
#include "vitsmod/bits.h"

const char payload_name[] = "redistributor";

#define FRAMES_SZ	0x20000u
#define GICR_ICENABLER0 0x10180u
#define GICR_ISPENDR0	0x10200u
#define GICR_ISACTIVER0 0x10300u
#define GICR_IPRIORITYR 0x10400u
#define GICR_ICFGR1	0x10c04u

#define ICC_IAR1  "s3_0_c12_c12_0"
#define ICC_EOIR1 "s3_0_c12_c12_1"
#define ICC_SGI1R "s3_0_c12_c11_5"

#define TIMERS	   (1u << 27 | 1u << 30) /* virtual and physical: tied to the host's */
#define SPURIOUS   1023u
#define MAX_NESTED 32u
#define SETTLE_US  200u
#define TABLES_SZ  0x20000u /* a pending table of all LPIs that there can be */
#define NR_CPUS	   2u
#define NR_PRIVATE 32u /* SGIs and PPIs */

static uint64_t random_state, tables;
static uint32_t nested[MAX_NESTED];
static unsigned nr_nested;

static uint64_t below(uint64_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % n;
}

/* Those that matter, more often than chance has them. */
static const uint32_t offsets[] = {
	0x0000,	 0x0004,  0x0008,  0x000c,  0x0010,  0x0014,  0x0040,  0x0048,	0x0070,
	0x0074,	 0x0078,  0x007c,  0x00a0,  0x00b0,  0x00c0,  0x10080, 0x10100, 0x10180,
	0x10200, 0x10280, 0x10300, 0x10380, 0x10400, 0x10404, 0x10408, 0x1040c, 0x10410,
	0x10414, 0x10418, 0x1041c, 0x10c00, 0x10c04, 0x10d00, 0x10e00,
};

/* Which are read and written with the most effect, eight times as often. */
static const uint32_t busy[] = { 0x10100, 0x10180, 0x10200, 0x10280, 0x10300, 0x10380, 0x10400 };

static uint32_t random_offset(unsigned width)
{
	uint32_t at;

	switch (below(8)) {
	case 0:
		at = (uint32_t)below(FRAMES_SZ);
		break;
	case 1:
	case 2:
		at = offsets[below(ARRAY_SIZE(offsets))];
		break;
	default:
		at = busy[below(ARRAY_SIZE(busy))];
		at += at == GICR_IPRIORITYR ? (uint32_t)below(32) : 0;
	}
	return at & ~(width - 1);
}

/* Most of them as a driver's are. */
static unsigned random_width(void)
{
	static const uint8_t widths[] = { 4, 4, 4, 4, 4, 4, 4, 4, 1, 1, 2, 8 };

	return widths[below(ARRAY_SIZE(widths))];
}

static uint64_t read(uint64_t at, unsigned width)
{
	switch (width) {
	case 1:
		return read8(at);
	case 2:
		return read16(at);
	case 4:
		return read32(at);
	default:
		return read64(at);
	}
}

static void write(uint64_t at, unsigned width, uint64_t value)
{
	switch (width) {
	case 1:
		write8(at, (uint8_t)value);
		break;
	case 2:
		write16(at, (uint16_t)value);
		break;
	case 4:
		write32(at, (uint32_t)value);
		break;
	default:
		write64(at, value);
	}
}

static void random_read(void)
{
	unsigned cpu = (unsigned)below(NR_CPUS), width = random_width();
	uint32_t offset = random_offset(width);

	say("r %u %x %u %lx", cpu, offset, width, read(gic_redistributor(cpu) + offset, width));
}

/* Few bits at a time, and tables where RAM is: they are read and written there. */
static uint64_t random_value(uint32_t offset)
{
	uint64_t value = below(2) ? UINT64_C(1) << below(32) : random_state;

	switch (offset & ~7u) {
	case GICR_PROPBASER:
		return (offset & 4) ? 0 : tables | (below(2) ? 0x78f : 0xf);
	case GICR_PENDBASER:
		return (offset & 4) ? below(2) << 30
				    : (tables + TABLES_SZ) | (below(2) ? 0x780 : 0);
	default:
		break;
	}
	if ((offset & ~3u) == GICR_ISACTIVER0 || (offset & ~3u) == GICR_ISPENDR0)
		value &= ~(uint64_t)TIMERS;
	return value;
}

/* Of @width bytes of a redistributor's registers at @offset. */
static bool is_priority_of_active(unsigned cpu, uint32_t offset, unsigned width)
{
	uint32_t first = offset - GICR_IPRIORITYR;

	return offset >= GICR_IPRIORITYR && first < NR_PRIVATE &&
	       (read32(gic_redistributor(cpu) + GICR_ISACTIVER0) & MASK64(width - 1, 0) << first);
}

static void random_write(void)
{
	unsigned cpu = (unsigned)below(NR_CPUS), width = random_width();
	uint32_t offset = random_offset(width);
	uint64_t value = random_value(offset);

	if ((offset & ~3u) == GICR_ICFGR1 || (offset & ~7u) == (GICR_ICFGR1 & ~7u))
		return;
	/* CPU 1's is the same as CPU 0's, in KVM. */
	if ((offset & ~7u) == GICR_PROPBASER)
		cpu = 0;
	if (is_priority_of_active(cpu, offset, width))
		return;
	say("# w %u %x %u %lx", cpu, offset, width, value);
	write(gic_redistributor(cpu) + offset, width, value);
}

static uint64_t own_affinity(void)
{
	return gic_mpidr(0);
}

static void random_sgi(void)
{
	uint64_t affinity = below(2) ? gic_mpidr(1) : own_affinity(), sgi = below(16);

	say("# sgi %lu to %lx", sgi, affinity);
	barrier();
	sysreg_write(ICC_SGI1R, sgi << 24 | FIELD_GET(MASK64(15, 8), affinity) << 16 |
					UINT64_C(1) << (affinity & 0xf));
}

static void acknowledge(void)
{
	uint32_t intid;

	if (nr_nested == MAX_NESTED)
		return;
	/* What has just become pending is on its way. */
	delay_us(SETTLE_US);
	intid = (uint32_t)sysreg_read(ICC_IAR1);
	barrier();
	say("a %u", intid);
	if (intid != SPURIOUS)
		nested[nr_nested++] = intid;
}

static void end(void)
{
	if (!nr_nested)
		return;
	say("# end %u", nested[nr_nested - 1]);
	sysreg_write(ICC_EOIR1, nested[--nr_nested]);
}

static void switch_timer(void)
{
	if (below(2)) {
		say("# timer");
		timer_set(counter());
	} else {
		say("# no timer");
		timer_off();
	}
	delay_us(SETTLE_US);
}

static void step(void)
{
	static void (*const steps[])(void) = {
		random_read,  random_read,  random_read,  random_read,	random_read,
		random_write, random_write, random_write, random_write, random_write,
		random_sgi,   acknowledge,  acknowledge,  end,		switch_timer,
	};

	steps[below(ARRAY_SIZE(steps))]();
}

/* All of them once, at the end. */
static void read_all(void)
{
	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++)
		for (unsigned i = 0; i < ARRAY_SIZE(offsets); i++)
			say("r %u %x 4 %x", cpu, offsets[i],
			    read32(gic_redistributor(cpu) + offsets[i]));
	for (uint32_t offset = 0xffd0; offset < 0x10000; offset += 4)
		say("r 0 %x 4 %x", offset, read32(gic_redistributor(0) + offset));
}

/* KVM has SGIs on after a reset, and itsy has not (vgicrmod/redist.c); tables are UNKNOWN. */
static void begin_redistributor(unsigned cpu)
{
	uint64_t at = gic_redistributor(cpu);

	write32(at + GICR_ICENABLER0, UINT32_MAX);
	write64(at + GICR_PROPBASER, tables);
	write64(at + GICR_PENDBASER, tables + TABLES_SZ);
}

void payload_main(uint64_t fdt)
{
	uint64_t seed = fdt_number(fdt, "seed", 1), steps = fdt_number(fdt, "steps", 1000);

	gic_init();
	CHECK(gic_nr_cpus() >= NR_CPUS, "two CPUs are needed");
	tables = address_of(memory_alloc(2 * TABLES_SZ, TABLES_SZ));
	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++)
		begin_redistributor(cpu);
	random_state = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15);
	while (steps--)
		step();
	read_all();
}
