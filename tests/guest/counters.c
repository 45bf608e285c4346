// SPDX-License-Identifier: MIT
/*
 * counters - the performance counters of each CPU count, and their overflow interrupts, as the
 * registers of its redistributor have it; and each CPU finds its stolen time, which grows while
 * all of them have work. With resets=1 all of it again after a reset.
 *
 * RAM outlives a reset: a word below the image says which boot this is.
 *
 * Arm ARM, D8 (PMUv3: PMCR_EL0 and its kin); IHI 0069: 12.11; DEN 0057 (stolen time).
 * Interrupts stay masked in PSTATE: they are acknowledged by hand. Any number of CPUs; no device.
 */
#include "lib/arch.h"
#include "lib/cpu.h"
#include "lib/fdt.h"
#include "lib/gic.h"
#include "lib/payload.h"
#include "vitsmod/bits.h"
#include "vmm/kvm/layout.h"

const char payload_name[] = "counters";

#define NOTE	   (LAYOUT_RAM + 0x10000) /* nothing is loaded below the image */
#define NOTE_MAGIC UINT64_C(0x7465736572000002)

#define ISENABLER0 0x10100u
#define ICENABLER0 0x10180u
#define ISPENDR0   0x10200u
#define ISACTIVER0 0x10300u

#define ICC_IAR1  "s3_0_c12_c12_0"
#define ICC_EOIR1 "s3_0_c12_c12_1"

#define WAKE_SGI 1u /* gic.c's */
#define OVERFLOW 23u
#define SPURIOUS 1023u
#define ROUNDS	 4u

#define CYCLES	  UINT64_C(0x80000000) /* the cycle counter's bit in PMCNTENSET_EL0 and others */
#define PMCR_E	  UINT64_C(0x01)
#define PMCR_C	  UINT64_C(0x04) /* the cycle counter is 0 */
#define PMCR_LC	  UINT64_C(0x40) /* and has 64 bits */
#define FEW_TICKS UINT64_C(2000000)

/* DEN 0057, 3.2 */
#define PV_TIME_FEATURES UINT64_C(0xc5000020)
#define PV_TIME_ST	 UINT64_C(0xc5000021)
#define STOLEN_NS	 8u /* where in the structure */
#define WORK_US		 2000000u

static uint64_t nr_overflows, places[MAX_CPUS], stolen_ns[MAX_CPUS];

static uint32_t get(uint32_t reg)
{
	return read32(gic_redistributor(cpu_index()) + reg);
}

static void set(uint32_t reg, uint32_t value)
{
	write32(gic_redistributor(cpu_index()) + reg, value);
}

static uint32_t acknowledge(void)
{
	uint32_t intid = (uint32_t)sysreg_read(ICC_IAR1);

	barrier();
	return intid;
}

static bool is_pending(void)
{
	return get(ISPENDR0) >> OVERFLOW & 1;
}

static void overflows_soon(void)
{
	sysreg_write("pmccntr_el0", UINT64_C(0) - FEW_TICKS);
}

static void begin(void)
{
	const uint64_t version = FIELD_GET(MASK64(11, 8), sysreg_read("id_aa64dfr0_el1"));

	CHECK(version != 0 && version != 0xf, "CPU %u has no counters", cpu_index());
	sysreg_write("pmintenclr_el1", UINT32_MAX);
	sysreg_write("pmovsclr_el0", UINT32_MAX);
	sysreg_write("pmccfiltr_el0", 0);
	sysreg_write("pmcr_el0", PMCR_E | PMCR_C | PMCR_LC);
	sysreg_write("pmcntenset_el0", CYCLES);
}

static void counts(void)
{
	const uint64_t before = sysreg_read("pmccntr_el0");

	delay_us(1000);
	CHECK(sysreg_read("pmccntr_el0") > before, "cycles are not counted");
	sysreg_write("pmcntenclr_el0", CYCLES);
	CHECK(sysreg_read("pmccntr_el0") == sysreg_read("pmccntr_el0"),
	      "cycles are counted that are not to be");
	sysreg_write("pmcntenset_el0", CYCLES);
}

static void interrupts(void)
{
	uint32_t intid = SPURIOUS;

	set(ISENABLER0, UINT32_C(1) << OVERFLOW);
	sysreg_write("pmintenset_el1", CYCLES);
	overflows_soon();
	CHECK(WAIT_UNTIL((intid = acknowledge()) != SPURIOUS, PATIENCE_MS), "no overflow comes");
	CHECK(intid == OVERFLOW, "%u comes, and not the overflow", intid);
	CHECK(sysreg_read("pmovsset_el0") == CYCLES, "what overflowed: 0x%lx",
	      sysreg_read("pmovsset_el0"));
	CHECK(get(ISACTIVER0) >> OVERFLOW & 1, "an overflow was acknowledged and is not active");
	sysreg_write("pmovsclr_el0", CYCLES);
	sysreg_write(ICC_EOIR1, OVERFLOW);
	intid = acknowledge();
	CHECK(intid == SPURIOUS, "after its end %u comes", intid);
	nr_overflows++;
}

/* The line shows in the redistributor, though the interrupt is disabled there. */
static void stays_away(void)
{
	uint32_t intid;

	set(ICENABLER0, UINT32_C(1) << OVERFLOW);
	overflows_soon();
	CHECK(WAIT_UNTIL(is_pending(), PATIENCE_MS), "a disabled overflow is not pending");
	intid = acknowledge();
	CHECK(intid == SPURIOUS, "disabled, and %u comes", intid);
	sysreg_write("pmovsclr_el0", CYCLES);
	CHECK(WAIT_UNTIL(!is_pending(), PATIENCE_MS), "the overflow's line stays high");
	sysreg_write("pmintenclr_el1", CYCLES);
}

static void on_this_cpu(void)
{
	irqs_off();
	set(ICENABLER0, UINT32_C(1) << WAKE_SGI);
	begin();
	for (unsigned i = 0; i < ROUNDS; i++) {
		counts();
		interrupts();
		stays_away();
	}
	sysreg_write("pmcr_el0", 0);
	set(ISENABLER0, UINT32_C(1) << WAKE_SGI);
	irqs_on();
}

static void work(void)
{
	const unsigned cpu = cpu_index();
	uint64_t before;

	places[cpu] = (uint64_t)hypercall(PV_TIME_ST, 0, 0, 0);
	CHECK((int64_t)places[cpu] > 0, "CPU %u has no stolen time", cpu);
	CHECK(read64(places[cpu]) == 0, "of another revision: 0x%lx", read64(places[cpu]));
	before = read64(places[cpu] + STOLEN_NS);
	delay_us(WORK_US);
	stolen_ns[cpu] = read64(places[cpu] + STOLEN_NS) - before;
	CHECK(stolen_ns[cpu] < WORK_US * UINT64_C(1000), "more was stolen than there was");
}

static void look_at_stolen_time(void)
{
	uint64_t sum = 0;

	if (hypercall(PV_TIME_FEATURES, PV_TIME_ST, 0, 0) != 0) {
		fact("stolen_places", 0);
		return;
	}
	for (unsigned cpu = 1; cpu < cpus_present(); cpu++)
		CHECK(cpu_run(cpu, work), "CPU %u does not listen", cpu);
	work();
	for (unsigned cpu = 0; cpu < cpus_present(); cpu++) {
		CHECK(!cpu || cpu_is_idle(cpu), "CPU %u hangs", cpu);
		CHECK(places[cpu] == places[0] + 64 * cpu, "CPU %u's is at 0x%lx", cpu,
		      places[cpu]);
		sum += stolen_ns[cpu];
	}
	fact("stolen_at", places[0]);
	fact("stolen_places", cpus_present());
	fact("stolen_ms", sum / 1000000);
}

static void second_cpu(void)
{
	gic_init_cpu();
}

void payload_main(uint64_t fdt)
{
	gic_init();
	on_this_cpu();
	for (unsigned cpu = 1; cpu < cpus_present(); cpu++) {
		CHECK(cpu_start(cpu, gic_mpidr(cpu), second_cpu), "CPU %u does not start", cpu);
		CHECK(cpu_run(cpu, on_this_cpu), "CPU %u does not listen", cpu);
		CHECK(cpu_is_idle(cpu), "CPU %u hangs", cpu);
	}
	fact("overflows", nr_overflows);
	look_at_stolen_time();
	if (fdt_number(fdt, "resets", 0) && read64(NOTE) != NOTE_MAGIC) {
		write64(NOTE, NOTE_MAGIC);
		say("resetting");
		reset_machine();
	}
	write64(NOTE, 0);
}
