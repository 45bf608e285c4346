/* SPDX-License-Identifier: MIT */
/*
 * The GICv3 as its CPUs see it: distributor, redistributors, ICC_* registers,
 * LPIs. Arm IHI 0069: 5.1 (LPIs), 12.9 to 12.11 (registers), 12.2 (ICC_*).
 */
#ifndef GUEST_LIB_GIC_H
#define GUEST_LIB_GIC_H

#include <stdbool.h>
#include <stdint.h>

#define GIC_FIRST_LPI 8192u
/* LPIs that are counted: the first ones. */
#define GIC_COUNTED_LPIS 2048u

/* Registers of a redistributor that payloads use on their own, as offsets: 12.11. */
#define GICR_CTLR	   0x0000u
#define GICR_CTLR_LPIS	   (1u << 0)
#define GICR_PROPBASER	   0x0070u
#define GICR_PENDBASER	   0x0078u
#define GICR_PENDBASER_PTZ (UINT64_C(1) << 62)
#define GICR_INVLPIR	   0x00a0u
#define GICR_INVALLR	   0x00b0u
#define GICR_SYNCR	   0x00c0u

/* Distributor, then what belongs to CPU 0. Interrupts stay masked in PSTATE. */
void gic_init(void);
/* What belongs to the calling CPU; gic_init() does it for CPU 0. */
void gic_init_cpu(void);
/* After it: the virtual timer interrupts the calling CPU (sleep_us(), timer_set()). */
void gic_timer_on(void);

unsigned gic_nr_cpus(void);
/* As PSCI wants it, and MPIDR_EL1 has it. */
uint64_t gic_mpidr(unsigned cpu);
/* The number that ITS commands know the CPU by, while GITS_TYPER.PTA is 0. */
uint32_t gic_processor_number(unsigned cpu);

/* Where a CPU's redistributor is: any CPU can write to it. */
uint64_t gic_redistributor(unsigned cpu);

/* Send a CPU an SGI, which does no more than wake it up. */
void gic_wake(unsigned cpu);

/*
 * LPIs of the calling CPU: GICR_PROPBASER, GICR_PENDBASER, then EnableLPIs. The
 * configuration table is made at the first call, all LPIs disabled.
 */
void gic_lpis_on(void);
void gic_lpis_off(void);
/*
 * GICR_PROPBASER and GICR_PENDBASER of any CPU that had its LPIs on once, which
 * it takes while they are off. zeroed: promise that the pending table is zeros
 * (PTZ); else what is set there becomes pending.
 */
void gic_lpi_tables(unsigned cpu, bool zeroed);
/* Leave all tables where they are: each gic_lpis_on() makes new ones, as another kernel would. */
void gic_new_tables(void);
/* The CPU's pending table, a bit for each LPI: 5.1.2. */
uint8_t *gic_pending_table(unsigned cpu);

/* The LPI's byte in the configuration table. Takes effect at INV, INVALL, or MAPTI. */
void gic_lpi_configure(uint32_t lpi, bool enabled);

/* The same with a priority: 0 is the highest; gic_lpi_configure() gives 0xa0. */
void gic_lpi_prioritise(uint32_t lpi, uint8_t priority, bool enabled);
/* Only interrupts of a higher priority than this reach the calling CPU; 0xff: all (ICC_PMR_EL1). */
void gic_priority_mask(uint8_t priority);

/* How often the LPI was taken on that CPU. */
uint64_t gic_lpi_count(unsigned cpu, uint32_t lpi);
/* The same, on all CPUs. */
uint64_t gic_lpi_total(uint32_t lpi);
/* Interrupts that are no counted LPI. */
uint64_t gic_strays(void);

/* Called for each counted LPI, after it was acknowledged and before its end. NULL: none. */
void gic_on_lpi(void (*handler)(uint32_t lpi));

/* For the handler: the virtual counter, right behind the read of ICC_IAR1_EL1. */
uint64_t gic_acknowledged_at(void);

/*
 * Shared peripheral interrupts, levels, which CPU 0 takes: the handler is called for each, after it
 * was acknowledged and before its end. It begins unmasked.
 */
void gic_spi_on(uint32_t spi, void (*handler)(uint32_t spi));
void gic_spi_mask(uint32_t spi, bool masked);
bool gic_spi_is_pending(uint32_t spi);

/* Called by cpu.c: take everything that is pending. */
void gic_interrupt(void);

#endif
