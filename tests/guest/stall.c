// SPDX-License-Identifier: MIT
/*
 * stall - a wrong command among right ones. Where errors stall, the queue stands
 * at it, whatever is posted behind it, while interrupts go on; the command is put
 * right in the queue, and Retry runs it and the rest. Where errors are skipped,
 * the queue is through at once, and only the wrong command has not happened.
 *
 * Says which of the two it met, and goes on accordingly: for the host to judge.
 * IHI 0069: 5.3 (errors), 12.18 (GITS_CREADR.Stalled, GITS_CWRITER.Retry). The
 * device needs 8 events.
 */
#include "lib/arch.h"
#include "lib/cpu.h"
#include "lib/edu.h"
#include "lib/gic.h"
#include "lib/its.h"
#include "lib/payload.h"
#include "vitsmod/bits.h"

const char payload_name[] = "stall";

#define FIRST_LPI 8192u
#define WRONG_LPI 100u
#define SETTLE_US 100000u

static struct edu edu;

static uint32_t lpi_of(uint32_t event)
{
	return FIRST_LPI + event;
}

/* A command on an event; the LPI is MAPTI's. */
static struct gits_cmd command(enum gits_opcode opcode, uint32_t event, uint32_t lpi)
{
	return (struct gits_cmd){
		.opcode = opcode, .devid = edu.devid, .eventid = event, .pintid = lpi
	};
}

/* The wrong command is made a right one where it stands. */
static void repair(uint32_t at)
{
	const struct gits_cmd right = command(GITS_CMD_MAPTI, 2, lpi_of(2));

	cmd_encode(&right, (uint64_t *)(its_queue() + at));
}

static uint32_t creadr(void)
{
	return (uint32_t)read64(LAYOUT_GITS + GITS_CREADR) & ~(uint32_t)GITS_CREADR_STALLED;
}

static bool is_stalled(void)
{
	return read64(LAYOUT_GITS + GITS_CREADR) & GITS_CREADR_STALLED;
}

/* Until the queue is through, or stands. */
static void wait_for_queue(void)
{
	CHECK(WAIT_UNTIL(is_stalled() || creadr() == its_cwriter(), PATIENCE_MS),
	      "the queue neither ends nor stalls: GITS_CREADR 0x%x", creadr());
}

static void write_cwriter(uint64_t flags)
{
	barrier();
	write64(LAYOUT_GITS + GITS_CWRITER, its_cwriter() | flags);
}

static void raise(uint32_t event)
{
	pci_msi_on(&edu.fn, ITS_DOORBELL, (uint16_t)event);
	edu_raise(&edu);
}

static void arrives(uint32_t event)
{
	uint64_t before = gic_lpi_total(lpi_of(event));

	raise(event);
	CHECK(WAIT_UNTIL(gic_lpi_total(lpi_of(event)) > before, PATIENCE_MS),
	      "event %u does not arrive", event);
	delay_us(SETTLE_US);
	CHECK(gic_lpi_total(lpi_of(event)) == before + 1, "event %u arrives %lu times", event,
	      gic_lpi_total(lpi_of(event)) - before);
	edu_acknowledge(&edu);
}

static void does_not_arrive(uint32_t event)
{
	uint64_t before = gic_lpi_total(lpi_of(event));

	raise(event);
	delay_us(SETTLE_US);
	CHECK(gic_lpi_total(lpi_of(event)) == before, "event %u arrives", event);
	edu_acknowledge(&edu);
}

/* Event 1 right, event 2 wrong, event 3 right. Returns where the queue began. */
static uint32_t post_the_wrong_one(void)
{
	const struct gits_cmd commands[] = {
		command(GITS_CMD_MAPTI, 1, lpi_of(1)),
		command(GITS_CMD_MAPTI, 2, WRONG_LPI),
		command(GITS_CMD_MAPTI, 3, lpi_of(3)),
	};
	uint32_t from = its_cwriter();

	CHECK(its_try(commands, ARRAY_SIZE(commands)), "the queue has no room");
	wait_for_queue();
	return from;
}

/* The queue stands at `at`, whatever is written that is no Retry. */
static void stands(uint32_t at)
{
	const struct gits_cmd more = command(GITS_CMD_MAPTI, 4, lpi_of(4));

	CHECK(is_stalled(), "the queue goes on by itself");
	CHECK(creadr() == at, "the queue stands at 0x%x, not at the wrong command", creadr());
	write_cwriter(0);
	CHECK(its_try(&more, 1), "the queue has no room");
	write32(LAYOUT_GITS + GITS_CTLR, 0);
	write32(LAYOUT_GITS + GITS_CTLR, GITS_CTLR_ENABLED);
	delay_us(SETTLE_US);
	CHECK(is_stalled() && creadr() == at, "the queue goes on without Retry");
	/* What was mapped before is delivered, what comes behind is not mapped. */
	arrives(0);
	arrives(1);
	does_not_arrive(2);
	does_not_arrive(3);
	does_not_arrive(4);
}

static void retry_in_vain(uint32_t at)
{
	write_cwriter(GITS_CWRITER_RETRY);
	wait_for_queue();
	CHECK(is_stalled() && creadr() == at, "a wrong command is passed over by Retry");
}

static void repair_and_retry(uint32_t at)
{
	repair(at);
	write_cwriter(GITS_CWRITER_RETRY);
	wait_for_queue();
	CHECK(!is_stalled(), "the queue stalls at a right command");
	CHECK(!(read64(LAYOUT_GITS + GITS_CWRITER) & GITS_CWRITER_RETRY), "Retry reads as 1");
	for (uint32_t event = 0; event <= 4; event++)
		arrives(event);
}

/* A queue that stands is left for another one. */
static void begin_a_new_queue(void)
{
	const struct gits_cmd wrong = command(GITS_CMD_DISCARD, 7, 0);

	CHECK(its_try(&wrong, 1), "the queue has no room");
	wait_for_queue();
	CHECK(is_stalled(), "DISCARD of an event that is not mapped does not stall");
	its_restart();
	CHECK(!is_stalled(), "another queue stalls");
	its_mapc(0, gic_processor_number(0), true);
	edu_start(&edu, FIRST_LPI);
	edu_rounds(&edu, 10);
}

void payload_main(uint64_t fdt)
{
	uint32_t from, wrong;
	bool stalled;

	(void)fdt;
	edu_bring_up(&edu, FIRST_LPI);
	for (uint32_t event = 0; event < 8; event++)
		gic_lpi_configure(lpi_of(event), true);
	edu_rounds(&edu, 10);
	from = post_the_wrong_one();
	wrong = (from + GITS_CMD_SZ) % ITS_QUEUE_SZ;
	stalled = is_stalled();
	fact("stalled", stalled);
	fact("commands_done", (creadr() - from) % ITS_QUEUE_SZ / GITS_CMD_SZ);
	if (stalled) {
		stands(wrong);
		retry_in_vain(wrong);
		repair_and_retry(wrong);
		begin_a_new_queue();
	} else {
		arrives(1);
		does_not_arrive(2);
		arrives(3);
		/* What was passed over is not looked at again. */
		repair(wrong);
		write_cwriter(GITS_CWRITER_RETRY);
		delay_us(SETTLE_US);
		does_not_arrive(2);
	}
	fact("handled", gic_lpi_total(FIRST_LPI));
	CHECK(gic_strays() == 0, "%lu interrupts that nobody asked for", gic_strays());
}
