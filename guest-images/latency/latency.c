// SPDX-License-Identifier: MIT
/*
 * latency - the guest of itsy bench: takes interrupts and says when.
 *
 * The time is the virtual counter's, read right behind ICC_IAR1_EL1. What to set
 * up, and where to leave the figures, is in vmm/bench/bench_page.h. The host has a
 * function interrupt, or this guest does, and then it keeps the pace as well.
 */
#include "lib/arch.h"
#include "lib/cpu.h"
#include "lib/edu.h"
#include "lib/gic.h"
#include "lib/its.h"
#include "lib/nvme.h"
#include "lib/payload.h"
#include "lib/pci.h"
#include "vmm/bench/bench_page.h"
#include "vmm/kvm/layout.h"

const char payload_name[] = "latency";

#define IDLE_US 1000u /* between two looks for an order */

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

static void take_pending(void)
{
	irqs_on();
	__asm__ volatile("isb" : : : "memory");
	irqs_off();
}

/* Interrupts are off, and taken in here. */
static void rest(void)
{
	if (PAGE->busy)
		take_pending();
	else
		take_interrupts();
}

static void serve(void)
{
	irqs_off();
	while (true)
		rest();
}

/* ---- round trips ---------------------------------------------------------- */

static struct edu edu;
static struct nvme nvme;

static void edu_set_up(const struct pci_function *fn)
{
	edu.fn = *fn;
	edu_acknowledge(&edu);
}

static void edu_prepare(void)
{
}

static void edu_begin(void)
{
	edu_raise(&edu);
}

static void edu_end(void)
{
	edu_acknowledge(&edu);
}

static void nvme_set_up(const struct pci_function *fn)
{
	nvme.fn = *fn;
	nvme_start(&nvme, 1);
}

static void nvme_prepare_one(void)
{
	nvme_prepare(&nvme, 0);
}

static void nvme_begin(void)
{
	nvme_submit(&nvme, 0);
}

/* Its interrupt may be lost, its completion may not. */
static void nvme_end(void)
{
	CHECK(nvme_wait(&nvme, 0), "NVMe: no completion");
	nvme_reap(&nvme, 0);
}

/* A function that this guest drives. */
struct driver {
	void (*set_up)(const struct pci_function *fn);
	void (*prepare)(void); /* all that comes before begin */
	void (*begin)(void);   /* one register write, which the function answers by vector 0 */
	void (*end)(void);     /* whether or not it did */
};

static const struct driver drivers[] = {
	[BENCH_EDU] = { edu_set_up, edu_prepare, edu_begin, edu_end },
	[BENCH_NVME] = { nvme_set_up, nvme_prepare_one, nvme_begin, nvme_end },
};

/* Rests until vector 0 was taken once more than `before`, or the counter is at `end`: false. */
static bool taken_until(uint64_t before, uint64_t end)
{
	do
		rest();
	while (PAGE->vectors[0].count == before && counter() < end);
	return PAGE->vectors[0].count != before;
}

static void set_timer(uint64_t at)
{
	if (!PAGE->busy)
		timer_set(at);
}

static void pause_us(uint64_t us)
{
	uint64_t end = counter() + counter_ticks(us);

	if (!us)
		return;
	set_timer(end);
	(void)taken_until(PAGE->vectors[0].count, end);
	timer_off();
}

/* In ticks, or BENCH_LOST. */
static uint64_t round_trip(const struct driver *driver)
{
	uint64_t patience = counter_ticks(BENCH_PATIENCE_MS * 1000);
	uint64_t before, begun, end, ticks = BENCH_LOST;

	driver->prepare();
	barrier();
	/* The last one's, if it was late and so is lost, is no answer to this one. */
	take_pending();
	before = PAGE->vectors[0].count;
	/* The same end for both: a rest that begins behind the alarm would never end. */
	end = counter() + patience;
	set_timer(end);
	begun = counter();
	driver->begin();
	if (taken_until(before, end))
		ticks = PAGE->vectors[0].stamp - begun;
	timer_off();
	driver->end();
	return ticks;
}

static void make_round_trips(const struct driver *driver)
{
	volatile struct bench_trips *trips = &PAGE->trips;
	uint64_t made = 0, left = 0;
	uint32_t order = 0;

	gic_timer_on();
	irqs_off();
	while (true) {
		uint32_t latest = __atomic_load_n(&trips->order, __ATOMIC_ACQUIRE);

		if (latest != order) {
			order = latest;
			left = trips->wanted;
			__atomic_store_n(&trips->obeyed, order, __ATOMIC_RELEASE);
		}
		if (!left ||
		    made - __atomic_load_n(&trips->taken, __ATOMIC_ACQUIRE) >= BENCH_TRIPS) {
			pause_us(IDLE_US);
			continue;
		}
		pause_us(trips->gap_us);
		trips->ticks[made % BENCH_TRIPS] = round_trip(driver);
		__atomic_store_n(&trips->made, ++made, __ATOMIC_RELEASE);
		left--;
	}
}

/* ---- set-up ---------------------------------------------------------------- */

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

static void set_up_function(uint32_t function, struct pci_function *ret_fn)
{
	const uint32_t nr = PAGE->nr_vectors / PAGE->nr_functions +
			    (function < PAGE->nr_vectors % PAGE->nr_functions);
	const unsigned devfn = PAGE->functions[function].devfn;

	CHECK(pci_at(devfn, ret_fn), "no function at %x", devfn);
	pci_set_up(ret_fn);
	if (!ret_fn->msix) {
		pci_msi_on(ret_fn, ITS_DOORBELL, 0);
		return;
	}
	pci_msix_on(ret_fn);
	for (uint32_t v = 0; v < nr; v++)
		pci_msix_write(ret_fn, v, ITS_DOORBELL, v);
	for (uint32_t v = 0; v < nr; v++)
		pci_msix_mask(ret_fn, v, false);
}

void payload_main(uint64_t fdt)
{
	const struct driver *driver = PAGE->source >= BENCH_EDU ? &drivers[PAGE->source] : NULL;
	struct pci_function fn;

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
		set_up_function(f, &fn);
	/* One that is driven is the only one. */
	if (driver)
		driver->set_up(&fn);
	PAGE->frequency = (uint32_t)sysreg_read("cntfrq_el0");
	PAGE->offset = counter_offset();
	for (unsigned cpu = 1; cpu < PAGE->nr_cpus; cpu++)
		CHECK(cpu_run(cpu, serve), "vCPU %u is busy", cpu);
	__atomic_store_n(&PAGE->phase, BENCH_READY, __ATOMIC_RELEASE);
	if (driver)
		make_round_trips(driver);
	serve();
}
