// SPDX-License-Identifier: MIT
/*
 * lockup - a CPU switches off the LPIs of another one, which runs with more of
 * them pending than there are list registers. Nothing may come of it but that
 * they are gone.
 *
 * Where KVM keeps the redistributors and empties the other vCPU's list of
 * interrupts (vgic_flush_pending_lpis()) under its feet, that vCPU's next exit
 * finds the list empty, takes it that no list register was in use
 * (kvm_vgic_sync_hwstate()), and leaves ICH_HCR_EL2.En and UIE set in the host:
 * the maintenance interrupt comes again and again, and the host's CPU does
 * nothing else any more. Seen on Linux 6.1.0-56, 6.12.95 and 6.12.107, with VMMs that
 * leave GICR_CTLR to KVM.
 *
 * Needs two CPUs and no device.
 */
#include "lib/arch.h"
#include "lib/cpu.h"
#include "lib/gic.h"
#include "lib/its.h"
#include "lib/payload.h"

const char payload_name[] = "lockup";

#define DEVID	   0x1234u
#define EVENT_BITS 5u
#define EVENTS	   (1u << EVENT_BITS) /* list registers are 16 at the most */
#define LPI	   GIC_FIRST_LPI
#define ROUNDS	   20u

static volatile bool masked, unmask;

static void victim(void)
{
	irqs_off();
	masked = true;
	while (!unmask)
		;
	irqs_on();
	delay_us(1000);
}

static void second_cpu(void)
{
	gic_init_cpu();
	gic_lpis_on();
}

static void switch_off_under_way(unsigned round)
{
	masked = unmask = false;
	CHECK(cpu_run(1, victim), "CPU 1 does not listen");
	CHECK(WAIT_UNTIL(masked, PATIENCE_MS), "CPU 1 does not run");
	for (uint32_t event = 0; event < EVENTS; event++)
		its_int(DEVID, event);
	delay_us(20000);
	say("round %u", round);
	write32(gic_redistributor(1) + GICR_CTLR, 0);
	unmask = true;
	CHECK(cpu_is_idle(1), "CPU 1 did not come back");
	write32(gic_redistributor(1) + GICR_CTLR, GICR_CTLR_LPIS);
}

void payload_main(uint64_t fdt)
{
	(void)fdt;
	gic_init();
	CHECK(cpus_present() >= 2, "two CPUs are needed");
	gic_lpis_on();
	irqs_on();
	CHECK(cpu_start(1, gic_mpidr(1), second_cpu), "CPU 1 does not start");
	its_init();
	its_mapc(1, gic_processor_number(1), true);
	its_mapd(DEVID, its_itt_alloc(EVENT_BITS), EVENT_BITS, true);
	for (uint32_t event = 0; event < EVENTS; event++) {
		gic_lpi_configure(LPI + event, true);
		its_mapti(DEVID, event, LPI + event, 1);
	}
	for (unsigned round = 0; round < ROUNDS; round++)
		switch_off_under_way(round);
	fact("rounds", ROUNDS);
}
