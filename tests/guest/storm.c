// SPDX-License-Identifier: MIT
/*
 * storm - a device storms: CPU 1 raises edu's interrupt in a tight loop, while an
 * NVMe function, if there is one, works by interrupts alone on CPU 0. None of them
 * is lost, and none takes for ever.
 *
 * Without edu, the NVMe function is the one that storms: commands in bursts, as
 * fast as they end.
 */
#include "lib/arch.h"
#include "lib/cpu.h"
#include "lib/edu.h"
#include "lib/gic.h"
#include "lib/its.h"
#include "lib/nvme.h"
#include "lib/payload.h"

const char payload_name[] = "storm";

#define CLASS_NVME 0x010802u
#define LPI_EDU	   8192u
#define LPI_NVME   8200u
#define PAIR	   1u /* and its vector */
#define STORM_US   3000000u
#define ROUNDS	   40u
#define BURST	   8u

static struct edu edu;
static struct nvme nvme;
static bool has_edu, has_nvme;
static volatile uint64_t reaped;
static volatile bool storm_is_over;

/* As a driver does it: what is not told by an interrupt is not seen. */
static void on_lpi(uint32_t lpi)
{
	if (lpi != LPI_NVME)
		return;
	while (nvme_is_done(&nvme, PAIR)) {
		nvme_reap(&nvme, PAIR);
		reaped++;
	}
}

static void set_up_edu(void)
{
	edu_find(&edu);
	gic_lpi_configure(LPI_EDU, true);
	edu.lpi = LPI_EDU;
	its_mapd(edu.devid, its_itt_alloc(5), 5, true);
	its_mapti(edu.devid, 0, LPI_EDU, gic_nr_cpus() > 1);
	pci_msi_on(&edu.fn, ITS_DOORBELL, 0);
}

static void set_up_nvme(void)
{
	nvme_find(&nvme);
	gic_lpi_configure(LPI_NVME, true);
	its_mapd(nvme.fn.devfn, its_itt_alloc(6), 6, true);
	its_mapti(nvme.fn.devfn, PAIR, LPI_NVME, 0);
	pci_msix_write(&nvme.fn, PAIR, ITS_DOORBELL, PAIR);
	pci_msix_mask(&nvme.fn, PAIR, false);
	pci_msix_on(&nvme.fn);
	nvme_start(&nvme, PAIR + 1);
}

static void second_cpu(void)
{
	gic_init_cpu();
	gic_lpis_on();
}

static void storm(void)
{
	uint64_t end = now_us() + STORM_US;

	while (now_us() < end) {
		edu_raise(&edu);
		edu_acknowledge(&edu);
	}
	storm_is_over = true;
}

/* The longest time that a burst of commands took, in us. */
static uint64_t work(void)
{
	uint64_t worst = 0;

	for (unsigned round = 0; round < ROUNDS; round++) {
		uint64_t begin = now_us(), want = reaped + BURST, took;

		for (unsigned i = 0; i < BURST; i++)
			nvme_work(&nvme, PAIR);
		CHECK(WAIT_UNTIL(reaped == want, PATIENCE_MS),
		      "round %u: %lu of %u commands were told", round, reaped + BURST - want,
		      BURST);
		took = now_us() - begin;
		worst = took > worst ? took : worst;
	}
	return worst;
}

void payload_main(uint64_t fdt)
{
	struct pci_function fn;
	uint64_t begin;

	(void)fdt;
	has_edu = pci_find(EDU_ID, 0, &fn);
	has_nvme = pci_find_class(CLASS_NVME, 0, &fn);
	gic_init();
	gic_lpis_on();
	its_init();
	its_mapc(0, gic_processor_number(0), true);
	gic_on_lpi(on_lpi);
	irqs_on();
	if (has_edu) {
		CHECK(gic_nr_cpus() > 1, "edu storms on a second CPU");
		CHECK(cpu_start(1, gic_mpidr(1), second_cpu), "CPU 1 does not start");
		its_mapc(1, gic_processor_number(1), true);
		set_up_edu();
	}
	if (has_nvme) {
		set_up_nvme();
		fact("alone_us", work());
	}
	begin = now_us();
	if (has_edu)
		CHECK(cpu_run(1, storm), "CPU 1 does not run");
	if (has_nvme)
		fact("worst_us", work());
	if (has_edu) {
		CHECK(WAIT_UNTIL(storm_is_over, PATIENCE_MS), "the storm does not end");
		/* The last one comes when a limit allows it. */
		delay_us(500000);
		fact("raised", edu.raised);
		fact("handled", gic_lpi_total(LPI_EDU));
		CHECK(gic_lpi_total(LPI_EDU) > 0, "no interrupt of the storm came");
	}
	fact("storm_ms", (now_us() - begin) / 1000);
	fact("nvme_handled", gic_lpi_total(LPI_NVME));
	CHECK(gic_strays() == 0, "%lu interrupts that nobody asked for", gic_strays());
}
