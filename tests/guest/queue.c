// SPDX-License-Identifier: MIT
/*
 * queue - one CPU has more commands run than the VMM does at a time, while another one waits
 * for its console. When they have run, edu sends an interrupt, which a host sees that reads
 * nothing of the console. Needs two CPUs.
 *
 * IHI 0069 5.3 (the command queue), 12.18 (GITS_CWRITER, GITS_CREADR).
 */
#include "lib/arch.h"
#include "lib/cpu.h"
#include "lib/edu.h"
#include "lib/gic.h"
#include "lib/its.h"
#include "lib/payload.h"

const char payload_name[] = "queue";

#define LPI	    8192u
#define NR_COMMANDS 2000u
#define SENDER	    1u

static struct edu edu;

static void send_commands(void)
{
	const struct gits_cmd inv = { .opcode = GITS_CMD_INV, .devid = edu.devid };

	for (unsigned n = 0; n < NR_COMMANDS; n++)
		its_post(&inv);
	its_run();
	edu_raise(&edu);
}

void payload_main(uint64_t fdt)
{
	(void)fdt;
	edu_bring_up(&edu, LPI);
	CHECK(cpu_start(SENDER, gic_mpidr(SENDER), gic_init_cpu), "CPU 1 does not start");
	CHECK(cpu_run(SENDER, send_commands), "CPU 1 does not listen");
	say("the console is read");
	CHECK(WAIT_UNTIL(gic_lpi_total(LPI) == 1, PATIENCE_MS), "CPU 1's commands do not end");
	edu_acknowledge(&edu);
	CHECK(cpu_is_idle(SENDER), "CPU 1 hangs");
	edu_rounds(&edu, 100);
	fact("commands", NR_COMMANDS);
	fact("handled", gic_lpi_total(LPI));
	CHECK(gic_strays() == 0, "%lu interrupts that nobody asked for", gic_strays());
}
