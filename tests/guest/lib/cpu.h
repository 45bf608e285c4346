/* SPDX-License-Identifier: MIT */
/*
 * CPUs, PSCI (Arm DEN 0022), exceptions, time, and memory to give to hardware.
 */
#ifndef GUEST_LIB_CPU_H
#define GUEST_LIB_CPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAX_CPUS 8u

/* ---- PSCI ---------------------------------------------------------------- */

_Noreturn void power_off(void);
_Noreturn void reset_machine(void);

/* Any call of the hypervisor's (Arm DEN 0028), by HVC; returns what it left in x0. */
int64_t hypercall(uint64_t function, uint64_t a, uint64_t b, uint64_t c);

/* Index of the CPU that runs this: 0 is the one that booted. */
unsigned cpu_index(void);
/* CPUs there are (by their redistributors, gic.h); MAX_CPUS at most. */
unsigned cpus_present(void);
/*
 * Start CPU `index`, whose affinity is mpidr; it runs run(), then sleeps with
 * interrupts on. Waits until run() is through. False: PSCI refused.
 */
bool cpu_start(unsigned index, uint64_t mpidr, void (*run)(void));
/*
 * Have a CPU that was started run something more, interrupts on. Does not wait
 * for it. False: the CPU is busy.
 */
bool cpu_run(unsigned index, void (*run)(void));
/*
 * Switch the calling CPU off; interrupts are off then. Not for CPU 0. Returns if PSCI refuses.
 * cpu_on_again() has it go on with what it was running, from the beginning of that, interrupts off
 * and its CPU interface as after a reset; false while it is on.
 */
void cpu_off(void);
bool cpu_on_again(unsigned index, uint64_t mpidr);
/* Waits until the CPU has nothing to run; false when it is late. */
bool cpu_is_idle(unsigned index);

/* ---- exceptions ---------------------------------------------------------- */

/*
 * While allowed, a synchronous abort of a load or store is counted and the
 * instruction stepped over; one of a fetch returns to the caller (x30). Else
 * the payload fails. Interrupts go to gic.c.
 */
void aborts_allow(bool allowed);

struct abort_counts {
	uint64_t external;  /* the bus refused (DFSC 0x10) */
	uint64_t walk;	    /* the bus refused a page table walk */
	uint64_t alignment; /* or atomic where that cannot be: never got as far as the bus */
	uint64_t other;	    /* translation and permission faults, unknown instructions */
};

/* Of all CPUs. */
struct abort_counts aborts_taken(void);
/* Of the calling CPU alone, and where its last one was (FAR_EL1). */
struct abort_counts aborts_taken_here(void);
uint64_t abort_address_here(void);

/* ---- address translation -------------------------------------------------- */

/*
 * Put a level 1 descriptor into the last entry of the page tables, and return
 * the first address it translates; 1 GiB is reachable there. CPU 0 only.
 */
uint64_t mmu_alias(uint64_t descriptor);
#define MMU_BLOCK_DEVICE_EXEC (UINT64_C(0x401)) /* a block of 1 GiB, device, executable */
#define MMU_BLOCK_MEMORY      (UINT64_C(0x705)) /* the same, as write-back memory */
#define MMU_TABLE	      (UINT64_C(0x003)) /* the next level's table */

/* ---- time ---------------------------------------------------------------- */

/* Since some moment in the past. */
uint64_t now_us(void);
void delay_us(uint64_t us);
/*
 * As delay_us(), but asleep, by the virtual timer: for CPUs that called
 * gic_timer_on(), with interrupts off. What comes meanwhile is taken.
 */
void sleep_us(uint64_t us);
/*
 * Have the virtual timer end the calling CPU's sleep when the counter is at `at`,
 * once: after gic_timer_on(). gic.c calls timer_off() when it has interrupted.
 */
void timer_set(uint64_t at);
void timer_off(void);
/* WFI, then take what woke it up. Interrupts are off before and after. */
void take_interrupts(void);
/* The counter's ticks in nanoseconds. */
uint64_t ticks_to_ns(uint64_t ticks);

/* The virtual counter, not before what stands before; its ticks in so many microseconds. */
uint64_t counter(void);
uint64_t counter_ticks(uint64_t us);

/* Until condition holds; false after ms milliseconds without it. */
#define WAIT_UNTIL(condition, ms)                                \
	({                                                       \
		uint64_t end_ = now_us() + (uint64_t)(ms)*1000;  \
		bool met_;                                       \
		while (!(met_ = (condition)) && now_us() < end_) \
			;                                        \
		met_;                                            \
	})

/* ---- memory -------------------------------------------------------------- */

/* size bytes of zeros, aligned to `align` (a power of two); never given back. */
void *memory_alloc(size_t size, size_t align);
/* Its address, as hardware sees it. */
uint64_t address_of(const volatile void *memory);

#endif
