// SPDX-License-Identifier: MIT
/*
 * private - a CPU's own interrupts, SGIs and the virtual timer's PPI, by the registers of
 * its redistributor: enable, pending, active and priority do what they say, a
 * CPU takes what is most urgent first, and a timer interrupt that nobody ended can be
 * deactivated, as a kernel has to that was started from inside of one (kdump).
 *
 * IHI 0069: 4.1 (states), 12.10 and 12.11 (registers). Interrupts stay masked in PSTATE:
 * they are acknowledged by hand. Any number of CPUs; no device.
 */
#include "lib/arch.h"
#include "lib/cpu.h"
#include "lib/gic.h"
#include "lib/payload.h"
#include "vitsmod/bits.h"

const char payload_name[] = "private";

#define ISENABLER0 0x10100u
#define ICENABLER0 0x10180u
#define ISPENDR0   0x10200u
#define ICPENDR0   0x10280u
#define ISACTIVER0 0x10300u
#define ICACTIVER0 0x10380u
#define IPRIORITYR 0x10400u

#define ICC_IAR1  "s3_0_c12_c12_0"
#define ICC_EOIR1 "s3_0_c12_c12_1"
#define ICC_AP1R0 "s3_0_c12_c9_0"
#define ICC_SGI1R "s3_0_c12_c11_5"

#define WAKE_SGI 1u /* gic.c's */
#define SGI_A	 3u
#define SGI_B	 5u
#define TIMER	 27u
#define SPURIOUS 1023u
#define ROUNDS	 8u

static uint64_t nr_checked;

static uint64_t own(void)
{
	return gic_redistributor(cpu_index());
}

static uint32_t get(uint32_t reg)
{
	return read32(own() + reg);
}

static void set(uint32_t reg, uint32_t value)
{
	write32(own() + reg, value);
}

static uint32_t bit(uint32_t intid)
{
	return UINT32_C(1) << intid;
}

static void prioritise(uint32_t intid, uint8_t priority)
{
	write8(own() + IPRIORITYR + intid, priority);
	CHECK(read8(own() + IPRIORITYR + intid) == priority, "priority of %u is 0x%x", intid,
	      read8(own() + IPRIORITYR + intid));
}

/* To itself. */
static void send(uint32_t sgi)
{
	uint64_t mpidr = sysreg_read("mpidr_el1");

	barrier();
	sysreg_write(ICC_SGI1R, (uint64_t)sgi << 24 | FIELD_GET(MASK64(15, 8), mpidr) << 16 |
					UINT64_C(1) << (mpidr & 0xf));
}

static uint32_t acknowledge(void)
{
	uint32_t intid = (uint32_t)sysreg_read(ICC_IAR1);

	barrier();
	nr_checked++;
	return intid;
}

static void end(uint32_t intid)
{
	sysreg_write(ICC_EOIR1, intid);
}

static void expect_none(const char *when)
{
	uint32_t intid = acknowledge();

	CHECK(intid == SPURIOUS, "%s: %u comes", when, intid);
}

/* An interrupt is on its way for a moment after what made it pending. */
static void expect(uint32_t want, const char *when)
{
	uint32_t intid = SPURIOUS;

	CHECK(WAIT_UNTIL((intid = acknowledge()) != SPURIOUS, PATIENCE_MS), "%s: %u does not come",
	      when, want);
	CHECK(intid == want, "%s: %u comes, and not %u", when, intid, want);
	CHECK(get(ISACTIVER0) & bit(want), "%s: %u was acknowledged and is not active", when, want);
}

static void enables(void)
{
	set(ICENABLER0, bit(SGI_A));
	send(SGI_A);
	CHECK(WAIT_UNTIL(get(ISPENDR0) & bit(SGI_A), PATIENCE_MS), "a disabled SGI is not pending");
	expect_none("disabled");
	set(ISENABLER0, bit(SGI_A));
	CHECK(get(ICENABLER0) & bit(SGI_A), "an enabled SGI does not read as enabled");
	expect(SGI_A, "enabled");
	CHECK(!(get(ICPENDR0) & bit(SGI_A)), "an active SGI is pending still");
	end(SGI_A);
	CHECK(!(get(ISACTIVER0) & bit(SGI_A)), "an SGI that has ended is active still");
}

static void pending(void)
{
	set(ISENABLER0, bit(SGI_A) | bit(SGI_B));
	set(ISPENDR0, bit(SGI_A) | bit(SGI_B));
	set(ICPENDR0, bit(SGI_A));
	expect(SGI_B, "one of two is not pending any more");
	end(SGI_B);
	expect_none("the other one");
}

static void active(void)
{
	set(ISENABLER0, bit(SGI_A));
	set(ISACTIVER0, bit(SGI_A));
	send(SGI_A);
	CHECK(WAIT_UNTIL(get(ISPENDR0) & bit(SGI_A), PATIENCE_MS), "an active SGI is not pending");
	expect_none("active");
	set(ICACTIVER0, bit(SGI_A));
	expect(SGI_A, "not active any more");
	end(SGI_A);
}

/* Given while they are disabled, and changed while they are enabled. */
static void priorities(void)
{
	set(ICENABLER0, bit(SGI_A) | bit(SGI_B));
	prioritise(SGI_A, 0xa0);
	prioritise(SGI_B, 0x40);
	set(ISENABLER0, bit(SGI_A) | bit(SGI_B));
	set(ISPENDR0, bit(SGI_A) | bit(SGI_B));
	expect(SGI_B, "the more urgent one, as it was given");
	end(SGI_B);
	expect(SGI_A, "the less urgent one");
	end(SGI_A);
	prioritise(SGI_A, 0x20);
	set(ISPENDR0, bit(SGI_A) | bit(SGI_B));
	expect(SGI_A, "the more urgent one, as it was changed");
	end(SGI_A);
	expect(SGI_B, "the less urgent one, afterwards");
	end(SGI_B);
}

/* As a new kernel: nobody ended it, and nobody knows of it but the registers. */
static void deactivate_and_forget(void)
{
	timer_off();
	set(ICACTIVER0, UINT32_MAX);
	CHECK(!(get(ISACTIVER0) & bit(TIMER)), "the timer's interrupt stays active");
	sysreg_write(ICC_AP1R0, 0);
}

static void timer(void)
{
	set(ISENABLER0, bit(TIMER));
	for (unsigned i = 0; i < ROUNDS; i++) {
		timer_set(counter());
		expect(TIMER, "timer");
		if (i % 2) {
			deactivate_and_forget();
			continue;
		}
		timer_off();
		end(TIMER);
	}
	set(ICENABLER0, bit(TIMER));
	timer_set(counter());
	CHECK(WAIT_UNTIL(get(ISPENDR0) & bit(TIMER), PATIENCE_MS),
	      "a disabled timer is not pending");
	expect_none("disabled timer");
	timer_off();
	CHECK(WAIT_UNTIL(!(get(ISPENDR0) & bit(TIMER)), PATIENCE_MS),
	      "the timer's line stays high");
}

static void all(void)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		enables();
		pending();
		active();
		priorities();
		timer();
	}
}

static void on_this_cpu(void)
{
	irqs_off();
	set(ICENABLER0, bit(WAKE_SGI));
	all();
	set(ISENABLER0, bit(WAKE_SGI));
	irqs_on();
}

/* All of it on another CPU, while this one is inside of a timer interrupt. */
static void while_active_here(unsigned cpu)
{
	irqs_off();
	set(ISENABLER0, bit(TIMER));
	timer_set(counter());
	expect(TIMER, "beside another CPU");
	CHECK(cpu_run(cpu, on_this_cpu), "CPU %u does not listen", cpu);
	CHECK(cpu_is_idle(cpu), "CPU %u hangs beside an active timer", cpu);
	CHECK(get(ISACTIVER0) == bit(TIMER), "active beside CPU %u: 0x%x", cpu, get(ISACTIVER0));
	timer_off();
	end(TIMER);
	CHECK(!get(ISACTIVER0), "ended beside CPU %u, and active: 0x%x", cpu, get(ISACTIVER0));
	set(ICENABLER0, bit(TIMER));
	irqs_on();
}

static void second_cpu(void)
{
	gic_init_cpu();
}

void payload_main(uint64_t fdt)
{
	(void)fdt;
	gic_init();
	CHECK(get(ISENABLER0) == bit(WAKE_SGI), "enabled after a reset: 0x%x", get(ISENABLER0));
	on_this_cpu();
	for (unsigned cpu = 1; cpu < cpus_present(); cpu++) {
		CHECK(cpu_start(cpu, gic_mpidr(cpu), second_cpu), "CPU %u does not start", cpu);
		CHECK(cpu_run(cpu, on_this_cpu), "CPU %u does not listen", cpu);
		CHECK(cpu_is_idle(cpu), "CPU %u hangs", cpu);
		while_active_here(cpu);
	}
	fact("checked", nr_checked);
}
