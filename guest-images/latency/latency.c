// SPDX-License-Identifier: MIT
/*
 * latency - the guest of itsy bench: takes interrupts and says when.
 *
 * The time is the virtual counter's, read right behind ICC_IAR1_EL1. What to set
 * up, and where to leave the figures, is in vmm/bench_page.h.
 */
#include "lib/arch.h"
#include "lib/cpu.h"
#include "lib/gic.h"
#include "lib/its.h"
#include "lib/payload.h"
#include "lib/pci.h"
#include "vmm/bench_page.h"
#include "vmm/layout.h"

const char payload_name[] = "latency";

#define PAGE ((volatile struct bench_page *)LAYOUT_RAM)

static void taken(uint32_t lpi)
{
	volatile struct bench_vector *vector = &PAGE->vectors[lpi - GIC_FIRST_LPI];

	vector->stamp = gic_acknowledged_at();
	__atomic_store_n(&vector->count, vector->count + 1, __ATOMIC_RELEASE);
}

/* The difference is a constant; a reading between two equal ones has it exactly. */
static uint64_t counter_offset(void)
{
	uint64_t best = ~UINT64_C(0), offset = 0;

	for (unsigned i = 0; i < 64 && best; i++) {
		uint64_t before, physical, after;

		__asm__ volatile("isb\n\tmrs %0, cntvct_el0\n\tisb\n\tmrs %1, cntpct_el0\n\t"
				 "isb\n\tmrs %2, cntvct_el0"
				 : "=r"(before), "=r"(physical), "=r"(after));
		if (after - before < best) {
			best = after - before;
			offset = physical - before;
		}
	}
	return offset;
}

static void serve(void)
{
	irqs_off();
	while (true) {
		if (!PAGE->busy)
			wait_for_interrupt();
		irqs_on();
		__asm__ volatile("isb" : : : "memory");
		irqs_off();
	}
}

static void start_cpu(void)
{
	gic_init_cpu();
	gic_lpis_on();
	its_mapc(cpu_index(), gic_processor_number(cpu_index()), true);
}

static unsigned bits_for(uint32_t nr)
{
	unsigned bits = 1;

	while (1u << bits < nr)
		bits++;
	return bits;
}

static void map_vectors(void)
{
	uint32_t nr = PAGE->nr_vectors, cpus = PAGE->nr_cpus, functions = PAGE->nr_functions;
	unsigned bits = bits_for((nr + functions - 1) / functions);

	for (uint32_t f = 0; f < functions; f++)
		its_mapd(PAGE->functions[f].devid, its_itt_alloc(bits), bits, true);
	for (uint32_t v = 0; v < nr; v++) {
		gic_lpi_configure(GIC_FIRST_LPI + v, true);
		its_mapti(PAGE->functions[v % functions].devid, v / functions, GIC_FIRST_LPI + v,
			  v % cpus);
	}
}

static void set_up_function(uint32_t function)
{
	const uint32_t nr = PAGE->nr_vectors / PAGE->nr_functions +
			    (function < PAGE->nr_vectors % PAGE->nr_functions);
	const unsigned devfn = PAGE->functions[function].devfn;
	struct pci_function fn;

	CHECK(pci_at(devfn, &fn), "no function at %x", devfn);
	pci_set_up(&fn);
	if (!fn.msix) {
		pci_msi_on(&fn, ITS_DOORBELL, 0);
		return;
	}
	pci_msix_on(&fn);
	for (uint32_t v = 0; v < nr; v++)
		pci_msix_write(&fn, v, ITS_DOORBELL, v);
	for (uint32_t v = 0; v < nr; v++)
		pci_msix_mask(&fn, v, false);
}

void payload_main(uint64_t fdt)
{
	(void)fdt;
	CHECK(PAGE->magic == BENCH_MAGIC, "started by something else than itsy bench");
	gic_init();
	gic_lpis_on();
	its_init();
	its_mapc(0, gic_processor_number(0), true);
	for (unsigned cpu = 1; cpu < PAGE->nr_cpus; cpu++)
		CHECK(cpu_start(cpu, gic_mpidr(cpu), start_cpu), "vCPU %u does not start", cpu);
	gic_on_lpi(taken);
	map_vectors();
	for (uint32_t f = 0; PAGE->source != BENCH_BARE && f < PAGE->nr_functions; f++)
		set_up_function(f);
	PAGE->frequency = (uint32_t)sysreg_read("cntfrq_el0");
	PAGE->offset = counter_offset();
	for (unsigned cpu = 1; cpu < PAGE->nr_cpus; cpu++)
		CHECK(cpu_run(cpu, serve), "vCPU %u is busy", cpu);
	__atomic_store_n(&PAGE->phase, BENCH_READY, __ATOMIC_RELEASE);
	serve();
}
