// SPDX-License-Identifier: MIT
/*
 * CPUs, PSCI, exceptions, time and memory.
 *
 * Deliberately not here: nested interrupts, and a scheduler. A CPU runs one
 * function, and interrupts come in between.
 */
#include "lib/cpu.h"

#include "lib/arch.h"
#include "lib/gic.h"
#include "lib/payload.h"

/* DEN 0022, 5.1 */
#define PSCI_CPU_OFF	  0x84000002u
#define PSCI_CPU_ON	  0xc4000003u
#define PSCI_SYSTEM_OFF	  0x84000008u
#define PSCI_SYSTEM_RESET 0x84000009u

#define STACK_SZ 0x4000u
#define NS_PER_S UINT64_C(1000000000)

/* ---- PSCI ---------------------------------------------------------------- */

int64_t hypercall(uint64_t function, uint64_t a, uint64_t b, uint64_t c)
{
	register uint64_t x0 __asm__("x0") = function;
	register uint64_t x1 __asm__("x1") = a;
	register uint64_t x2 __asm__("x2") = b;
	register uint64_t x3 __asm__("x3") = c;

	__asm__ volatile("hvc #0" : "+r"(x0) : "r"(x1), "r"(x2), "r"(x3) : "memory");
	return (int64_t)x0;
}

void power_off(void)
{
	barrier();
	(void)hypercall(PSCI_SYSTEM_OFF, 0, 0, 0);
	while (true)
		wait_for_interrupt();
}

void reset_machine(void)
{
	barrier();
	(void)hypercall(PSCI_SYSTEM_RESET, 0, 0, 0);
	fail("SYSTEM_RESET returned");
}

unsigned cpu_index(void)
{
	return (unsigned)sysreg_read("tpidr_el1");
}

unsigned cpus_present(void)
{
	return gic_nr_cpus();
}

/* start.S knows the order of the first three. */
struct cpu_start {
	uint64_t stack, index;
	void (*entry)(void);
	void (*volatile run)(void); /* NULL: nothing to do */
};

static struct cpu_start starts[MAX_CPUS];

void secondary_entry(struct cpu_start *start);

static void secondary_main(void)
{
	struct cpu_start *start = &starts[cpu_index()];

	while (true) {
		if (start->run)
			start->run();
		start->run = NULL;
		barrier();
		/* Masked, an interrupt still wakes it up: none slips in between. */
		irqs_off();
		while (!start->run) {
			wait_for_interrupt();
			irqs_on();
			irqs_off();
		}
		irqs_on();
	}
}

bool cpu_start(unsigned index, uint64_t mpidr, void (*run)(void))
{
	struct cpu_start *start = &starts[index];

	*start = (struct cpu_start){
		.stack = address_of(memory_alloc(STACK_SZ, 16)) + STACK_SZ,
		.index = index,
		.entry = secondary_main,
		.run = run,
	};
	barrier();
	if (hypercall(PSCI_CPU_ON, mpidr, (uint64_t)secondary_entry, address_of(start)) != 0)
		return false;
	return cpu_is_idle(index);
}

void cpu_off(void)
{
	irqs_off();
	barrier();
	(void)hypercall(PSCI_CPU_OFF, 0, 0, 0);
}

bool cpu_on_again(unsigned index, uint64_t mpidr)
{
	barrier();
	return hypercall(PSCI_CPU_ON, mpidr, (uint64_t)secondary_entry,
			 address_of(&starts[index])) == 0;
}

bool cpu_run(unsigned index, void (*run)(void))
{
	if (starts[index].run)
		return false;
	starts[index].run = run;
	gic_wake(index);
	return true;
}

bool cpu_is_idle(unsigned index)
{
	return WAIT_UNTIL(!starts[index].run, PATIENCE_MS);
}

/* ---- exceptions ---------------------------------------------------------- */

/* As exception_common saves it. */
struct frame {
	uint64_t x[31], elr, spsr;
};

void exception(struct frame *frame, unsigned vector);

#define VECTOR_SYNC 4u /* from EL1 on SP_EL1 */
#define VECTOR_IRQ  5u

#define ESR_EC(esr)	    ((esr) >> 26 & 0x3f)
#define EC_UNKNOWN	    0x00u
#define EC_INSTRUCTION	    0x21u
#define EC_PC_ALIGNMENT	    0x22u
#define EC_DATA		    0x25u
#define ESR_FSC(esr)	    ((esr)&0x3f)
#define FSC_EXTERNAL	    0x10u
#define FSC_EXTERNAL_WALK_1 0x13u /* to 0x17: of a walk, by level */
#define FSC_EXTERNAL_WALK_N 0x17u
#define FSC_ALIGNMENT	    0x21u
#define FSC_UNSUPPORTED	    0x35u /* an exclusive or atomic access to such memory */

static volatile bool allowed;
/* Each CPU writes its own row. */
static struct abort_row {
	struct abort_counts counts;
	uint64_t far;
} rows[MAX_CPUS] __attribute__((aligned(64)));
extern const char image_start[], image_end[];

void aborts_allow(bool allow)
{
	allowed = allow;
	barrier();
}

struct abort_counts aborts_taken_here(void)
{
	__asm__ volatile("" : : : "memory"); /* the handler writes them */
	return rows[cpu_index()].counts;
}

uint64_t abort_address_here(void)
{
	return rows[cpu_index()].far;
}

struct abort_counts aborts_taken(void)
{
	struct abort_counts sum = { 0 };

	barrier();
	for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++) {
		const struct abort_counts *counts = &rows[cpu].counts;

		sum.external += counts->external;
		sum.walk += counts->walk;
		sum.alignment += counts->alignment;
		sum.other += counts->other;
	}
	return sum;
}

static void count_abort(uint64_t esr)
{
	struct abort_counts *counts = &rows[cpu_index()].counts;
	uint64_t fsc = ESR_FSC(esr);

	rows[cpu_index()].far = sysreg_read("far_el1");
	if (ESR_EC(esr) != EC_DATA && ESR_EC(esr) != EC_INSTRUCTION)
		counts->other++;
	else if (fsc == FSC_EXTERNAL)
		counts->external++;
	else if (fsc >= FSC_EXTERNAL_WALK_1 && fsc <= FSC_EXTERNAL_WALK_N)
		counts->walk++;
	else if (fsc == FSC_ALIGNMENT || fsc == FSC_UNSUPPORTED)
		counts->alignment++;
	else
		counts->other++;
}

static void sync_exception(struct frame *frame)
{
	uint64_t esr = sysreg_read("esr_el1");
	bool in_image = frame->elr >= (uint64_t)image_start && frame->elr < (uint64_t)image_end;

	if (!allowed)
		fail("exception: ESR 0x%lx ELR 0x%lx FAR 0x%lx", esr, frame->elr,
		     sysreg_read("far_el1"));
	count_abort(esr);
	frame->elr = in_image ? frame->elr + 4 : frame->x[30];
}

void exception(struct frame *frame, unsigned vector)
{
	switch (vector) {
	case VECTOR_SYNC:
		sync_exception(frame);
		break;
	case VECTOR_IRQ:
		gic_interrupt();
		break;
	default:
		fail("vector %u: ESR 0x%lx ELR 0x%lx", vector, sysreg_read("esr_el1"), frame->elr);
	}
}

/* ---- address translation -------------------------------------------------- */

#define ALIAS_BASE UINT64_C(0xffc0000000)

extern volatile uint64_t mmu_alias_entry;

uint64_t mmu_alias(uint64_t descriptor)
{
	/* Break before make. */
	mmu_alias_entry = 0;
	__asm__ volatile("dsb ishst\n\ttlbi vmalle1is\n\tdsb ish\n\tisb" : : : "memory");
	mmu_alias_entry = descriptor;
	__asm__ volatile("dsb ishst\n\tisb" : : : "memory");
	return ALIAS_BASE;
}

/* ---- time ---------------------------------------------------------------- */

uint64_t counter(void)
{
	uint64_t count;

	__asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(count) : : "memory");
	return count;
}

uint64_t counter_ticks(uint64_t us)
{
	uint64_t hz = sysreg_read("cntfrq_el0");

	return us / 1000000 * hz + us % 1000000 * hz / 1000000;
}

uint64_t now_us(void)
{
	uint64_t hz = sysreg_read("cntfrq_el0"), count = counter();

	return count / hz * 1000000 + count % hz * 1000000 / hz;
}

void delay_us(uint64_t us)
{
	uint64_t end = now_us() + us;

	while (now_us() < end)
		;
}

uint64_t ticks_to_ns(uint64_t ticks)
{
	uint64_t hz = sysreg_read("cntfrq_el0");

	return ticks / hz * NS_PER_S + ticks % hz * NS_PER_S / hz;
}

#define CNTV_CTL_ENABLE UINT64_C(1)

void take_interrupts(void)
{
	wait_for_interrupt();
	irqs_on();
	__asm__ volatile("isb" : : : "memory");
	irqs_off();
}

void timer_set(uint64_t at)
{
	sysreg_write("cntv_cval_el0", at);
	sysreg_write("cntv_ctl_el0", CNTV_CTL_ENABLE);
}

void sleep_us(uint64_t us)
{
	timer_set(counter() + counter_ticks(us));
	while (sysreg_read("cntv_ctl_el0") & CNTV_CTL_ENABLE)
		take_interrupts();
}

void timer_off(void)
{
	sysreg_write("cntv_ctl_el0", 0);
}

/* ---- memory -------------------------------------------------------------- */

#define HEAP_SZ (6u << 20)

/* Not cleared at the start: most payloads use little of it. */
static char heap[HEAP_SZ] __attribute__((aligned(65536), section(".heap")));
static size_t heap_used;

void *memory_alloc(size_t size, size_t align)
{
	size_t at = (heap_used + align - 1) & ~(align - 1);

	CHECK(at + size <= HEAP_SZ, "out of memory");
	heap_used = at + size;
	return memset(heap + at, 0, size);
}

uint64_t address_of(const volatile void *memory)
{
	return (uint64_t)memory;
}
