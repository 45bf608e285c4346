// SPDX-License-Identifier: MIT
/*
 * The GICv3 as its CPUs see it.
 *
 * Deliberately not here: PPIs but for the virtual timer's. Payloads poll the console.
 */
#include "lib/gic.h"

#include "lib/arch.h"
#include "lib/cpu.h"
#include "lib/payload.h"
#include "lib/platform.h"
#include "vitsmod/bits.h"
#include "vmm/kvm/layout.h"

#define GICD_CTLR	    0x0000u
#define GICD_CTLR_GRP1	    (1u << 1)
#define GICD_CTLR_ARE	    (1u << 4)
#define GICD_IGROUPR(n)	    (0x0080u + (n) / 32 * 4)
#define GICD_ISENABLER(n)   (0x0100u + (n) / 32 * 4)
#define GICD_ICENABLER(n)   (0x0180u + (n) / 32 * 4)
#define GICD_ISPENDR(n)	    (0x0200u + (n) / 32 * 4)
#define GICD_ICFGR(n)	    (0x0c00u + (n) / 16 * 4)
#define GICD_IROUTER(n)	    (UINT64_C(0x6000) + 8 * (n))
#define GICR_CTLR_RWP	    (1u << 3)
#define GICR_TYPER	    0x0008u
#define GICR_TYPER_LAST	    BIT64(4)
#define GICR_TYPER_NUMBER   MASK64(23, 8)
#define GICR_TYPER_AFFINITY MASK64(63, 32)
#define GICR_WAKER	    0x0014u
#define GICR_WAKER_SLEEP    (1u << 1)
#define GICR_WAKER_CHILDREN (1u << 2)
#define GICR_SGI_FRAME	    0x10000u
#define GICR_IGROUPR0	    (GICR_SGI_FRAME + 0x080u)
#define GICR_ISENABLER0	    (GICR_SGI_FRAME + 0x100u)
/* Inner shareable, write-back (InnerCache 0b111, Shareability 0b01). */
#define GICR_BASER_CACHEABLE (FIELD_PREP(MASK64(9, 7), 7) | FIELD_PREP(MASK64(11, 10), 1))

#define ICC_SRE	    "s3_0_c12_c12_5"
#define ICC_IGRPEN1 "s3_0_c12_c12_7"
#define ICC_PMR	    "s3_0_c4_c6_0"
#define ICC_IAR1    "s3_0_c12_c12_0"
#define ICC_EOIR1   "s3_0_c12_c12_1"
#define ICC_SGI1R   "s3_0_c12_c11_5"

#define LPI_ID_BITS    16u
#define PROP_TABLE_SZ  0x10000u
#define PEND_TABLE_SZ  0x10000u
#define LPI_PRIORITY   0xa0u
#define LPI_ENABLED    0x01u
#define LPI_FLAGS      0x03u
#define NR_SGIS	       16u
#define WAKE_SGI       1u
#define TIMER_PPI      27u /* the virtual timer's: Arm DEN 0094 (BSA), and both device trees */
#define FIRST_SPURIOUS 1020u
#define LAST_SPURIOUS  1023u

static struct {
	unsigned nr_cpus;
	uint8_t *prop;
	uint8_t *pend[MAX_CPUS];
	volatile uint64_t counts[MAX_CPUS][GIC_COUNTED_LPIS];
	volatile uint64_t strays[MAX_CPUS];
	uint64_t acknowledged_at[MAX_CPUS];
	void (*handler)(uint32_t lpi);
	void (*spi_handler)(uint32_t spi);
} gic;

uint64_t gic_redistributor(unsigned cpu)
{
	return platform()->gicr + cpu * LAYOUT_GICR_SZ_VCPU;
}

static uint64_t typer(unsigned cpu)
{
	return read64(gic_redistributor(cpu) + GICR_TYPER);
}

/* The calling CPU's own one: the one with its affinity. */
static uint64_t own_redistributor(void)
{
	uint64_t mpidr = sysreg_read("mpidr_el1");
	uint64_t affinity =
		FIELD_GET(MASK64(39, 32), mpidr) << 24 | FIELD_GET(MASK64(23, 0), mpidr);

	for (unsigned cpu = 0; cpu < gic.nr_cpus; cpu++)
		if (FIELD_GET(GICR_TYPER_AFFINITY, typer(cpu)) == affinity)
			return gic_redistributor(cpu);
	fail("no redistributor for MPIDR 0x%lx", mpidr);
}

static unsigned count_cpus(void)
{
	unsigned nr = 0;

	while (!(typer(nr++) & GICR_TYPER_LAST))
		CHECK(nr < MAX_CPUS, "more than %u redistributors", MAX_CPUS);
	return nr;
}

void gic_init(void)
{
	gic.nr_cpus = count_cpus();
	write32(platform()->gicd + GICD_CTLR, GICD_CTLR_ARE);
	write32(platform()->gicd + GICD_CTLR, GICD_CTLR_ARE | GICD_CTLR_GRP1);
	gic_init_cpu();
}

void gic_init_cpu(void)
{
	uint64_t base = own_redistributor(), waker = base + GICR_WAKER;

	write32(waker, read32(waker) & ~GICR_WAKER_SLEEP);
	CHECK(WAIT_UNTIL(!(read32(waker) & GICR_WAKER_CHILDREN), PATIENCE_MS),
	      "redistributor does not wake up");
	write32(base + GICR_IGROUPR0, ~0u);
	write32(base + GICR_ISENABLER0, 1u << WAKE_SGI);
	sysreg_write(ICC_SRE, sysreg_read(ICC_SRE) | 1);
	sysreg_write(ICC_PMR, 0xff);
	sysreg_write(ICC_IGRPEN1, 1);
}

void gic_timer_on(void)
{
	write32(own_redistributor() + GICR_ISENABLER0, 1u << TIMER_PPI);
}

unsigned gic_nr_cpus(void)
{
	return gic.nr_cpus ? gic.nr_cpus : count_cpus();
}

uint64_t gic_mpidr(unsigned cpu)
{
	uint64_t affinity = FIELD_GET(GICR_TYPER_AFFINITY, typer(cpu));

	return FIELD_GET(MASK64(31, 24), affinity) << 32 | FIELD_GET(MASK64(23, 0), affinity);
}

uint32_t gic_processor_number(unsigned cpu)
{
	return (uint32_t)FIELD_GET(GICR_TYPER_NUMBER, typer(cpu));
}

static void write_enable_lpis(uint64_t base, bool on)
{
	uint32_t ctlr = read32(base + GICR_CTLR);

	write32(base + GICR_CTLR, on ? ctlr | GICR_CTLR_LPIS : ctlr & ~GICR_CTLR_LPIS);
	CHECK(WAIT_UNTIL(!(read32(base + GICR_CTLR) & GICR_CTLR_RWP), PATIENCE_MS),
	      "GICR_CTLR.RWP does not clear");
}

static void write_tables(uint64_t base, unsigned cpu, bool zeroed)
{
	write64(base + GICR_PROPBASER,
		address_of(gic.prop) | GICR_BASER_CACHEABLE | (LPI_ID_BITS - 1));
	write64(base + GICR_PENDBASER, address_of(gic.pend[cpu]) | GICR_BASER_CACHEABLE |
					       (zeroed ? GICR_PENDBASER_PTZ : 0));
	barrier();
}

void gic_lpi_tables(unsigned cpu, bool zeroed)
{
	write_tables(gic_redistributor(cpu), cpu, zeroed);
}

void gic_new_tables(void)
{
	gic.prop = NULL;
	for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
		gic.pend[cpu] = NULL;
}

uint8_t *gic_pending_table(unsigned cpu)
{
	return gic.pend[cpu];
}

void gic_lpis_on(void)
{
	uint64_t base = own_redistributor();
	unsigned cpu = cpu_index();

	if (!gic.prop)
		gic.prop = memory_alloc(PROP_TABLE_SZ, PROP_TABLE_SZ);
	if (!gic.pend[cpu])
		gic.pend[cpu] = memory_alloc(PEND_TABLE_SZ, PEND_TABLE_SZ);
	write_tables(base, cpu, true);
	write_enable_lpis(base, true);
	CHECK(read32(base + GICR_CTLR) & GICR_CTLR_LPIS, "EnableLPIs does not stay set");
}

void gic_lpis_off(void)
{
	write_enable_lpis(own_redistributor(), false);
}

void gic_lpi_prioritise(uint32_t lpi, uint8_t priority, bool enabled)
{
	if (!gic.prop)
		gic.prop = memory_alloc(PROP_TABLE_SZ, PROP_TABLE_SZ);
	gic.prop[lpi - GIC_FIRST_LPI] =
		(uint8_t)((priority & ~LPI_FLAGS) | (enabled ? LPI_ENABLED : 0));
	barrier();
}

void gic_lpi_configure(uint32_t lpi, bool enabled)
{
	gic_lpi_prioritise(lpi, LPI_PRIORITY, enabled);
}

void gic_priority_mask(uint8_t priority)
{
	sysreg_write(ICC_PMR, priority);
}

uint64_t gic_lpi_count(unsigned cpu, uint32_t lpi)
{
	return gic.counts[cpu][lpi - GIC_FIRST_LPI];
}

uint64_t gic_lpi_total(uint32_t lpi)
{
	uint64_t total = 0;

	for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
		total += gic_lpi_count(cpu, lpi);
	return total;
}

uint64_t gic_strays(void)
{
	uint64_t total = 0;

	for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
		total += gic.strays[cpu];
	return total;
}

void gic_on_lpi(void (*handler)(uint32_t lpi))
{
	gic.handler = handler;
	barrier();
}

/* Affinity 0 in the target list, the others beside it: IHI 0069 12.2. */
void gic_wake(unsigned cpu)
{
	uint64_t mpidr = gic_mpidr(cpu);

	barrier();
	sysreg_write(ICC_SGI1R,
		     BIT64(FIELD_GET(MASK64(3, 0), mpidr)) | FIELD_GET(MASK64(15, 8), mpidr) << 16 |
			     (uint64_t)WAKE_SGI << 24 | FIELD_GET(MASK64(23, 16), mpidr) << 32);
}

/* KVM's are edges after reset. */
void gic_spi_on(uint32_t spi, void (*handler)(uint32_t spi))
{
	uint64_t base = platform()->gicd;

	gic.spi_handler = handler;
	barrier();
	write32(base + GICD_IGROUPR(spi), read32(base + GICD_IGROUPR(spi)) | 1u << spi % 32);
	write32(base + GICD_ICFGR(spi), read32(base + GICD_ICFGR(spi)) & ~(2u << spi % 16 * 2));
	write64(base + GICD_IROUTER(spi), gic_mpidr(0) & MASK64(23, 0));
	gic_spi_mask(spi, false);
}

void gic_spi_mask(uint32_t spi, bool masked)
{
	write32(platform()->gicd + (masked ? GICD_ICENABLER(spi) : GICD_ISENABLER(spi)),
		1u << spi % 32);
}

bool gic_spi_is_pending(uint32_t spi)
{
	return read32(platform()->gicd + GICD_ISPENDR(spi)) >> spi % 32 & 1;
}

static void take(uint32_t intid)
{
	if (intid < NR_SGIS)
		return;
	if (intid == TIMER_PPI) {
		timer_off();
		return;
	}
	if (intid < GIC_FIRST_LPI && gic.spi_handler) {
		gic.spi_handler(intid);
		return;
	}
	if (intid < GIC_FIRST_LPI || intid >= GIC_FIRST_LPI + GIC_COUNTED_LPIS) {
		gic.strays[cpu_index()]++;
		return;
	}
	gic.counts[cpu_index()][intid - GIC_FIRST_LPI]++;
	if (gic.handler)
		gic.handler(intid);
}

uint64_t gic_acknowledged_at(void)
{
	return gic.acknowledged_at[cpu_index()];
}

void gic_interrupt(void)
{
	while (true) {
		uint32_t intid = (uint32_t)sysreg_read(ICC_IAR1);

		__asm__ volatile("isb" : : : "memory");
		gic.acknowledged_at[cpu_index()] = sysreg_read("cntvct_el0");
		barrier();
		if (intid >= FIRST_SPURIOUS && intid <= LAST_SPURIOUS)
			return;
		take(intid);
		sysreg_write(ICC_EOIR1, intid);
	}
}
