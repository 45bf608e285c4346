// SPDX-License-Identifier: MIT
/*
 * attack_rewrite - the ITS's tables, ITTs and queue are written over while the
 * ITS works on them: by another CPU, and by a device's DMA. A command is not
 * what was posted, an entry is not what the ITS wrote; the functions of the
 * configuration interrupt all the same (the shadow is right, vitsmod/README.md).
 */
#include "lib/arch.h"
#include "lib/attack.h"
#include "lib/cpu.h"
#include "lib/flood.h"
#include "lib/gic.h"
#include "lib/its.h"
#include "lib/payload.h"
#include "lib/witness.h"
#include "vitsmod/bits.h"

const char payload_name[] = "attack_rewrite";

#define STRANGERS     0x40u /* DeviceIDs 0x100 to 0x13f: no function's */
#define FIRST_ID      0x100u
#define ITT_BITS      6u
#define ENTRY_VALID   BIT64(63) /* of a device or a collection */
#define BAD_OPCODE    0x55u	/* of commands that only the other writer writes */
#define DMA_MS	      5000u	/* one transfer takes 100 ms */
#define MIN_TRANSFERS 8u

/* What is written over, and how much of it. */
struct place {
	uint64_t at;
	uint64_t size;
};

enum { DEVICES, COLLECTIONS, QUEUE, STRANGERS_ITT, DISK_ITT, NR_PLACES };

static struct place places[NR_PLACES];
static volatile bool ends;
static volatile uint64_t overwrites, survived;

static uint64_t table_of(uint64_t type)
{
	for (unsigned n = 0; n < GITS_NR_BASERS; n++) {
		uint64_t baser = read64(LAYOUT_GITS + GITS_BASER(n));

		if (FIELD_GET(GITS_BASER_TYPE, baser) == type)
			return baser & MASK64(47, 16);
	}
	fail("no table of type %lu", type);
}

static void find_places(void)
{
	const struct attack_world *w = attack_world();
	static uint64_t itt, disk_itt;

	if (!itt) {
		itt = its_itt_alloc(ITT_BITS);
		disk_itt = its_itt_alloc(8);
	}
	places[DEVICES] =
		(struct place){ table_of(GITS_TABLE_DEVICES), 8 * (FIRST_ID + STRANGERS) };
	places[COLLECTIONS] = (struct place){ table_of(GITS_TABLE_COLLECTIONS), 8 * STRANGERS };
	places[QUEUE] = (struct place){ its_queue(), EDU_DMA_MAX };
	places[STRANGERS_ITT] = (struct place){ itt, 8 << ITT_BITS };
	places[DISK_ITT] = (struct place){ disk_itt, 8 << 8 };
	if (!w->has_disk)
		places[DISK_ITT] = places[STRANGERS_ITT];
}

/* Entries that look right and are not: ITTs in the tables themselves, LPIs of others. */
static uint64_t forged_word(uint64_t random)
{
	switch (random % 5) {
	case 0: /* a device */
		return ENTRY_VALID |
		       FIELD_PREP(MASK64(48, 5), places[random / 5 % NR_PLACES].at >> 8) |
		       (random >> 20 & 0x1f);
	case 1: /* an event */
		return (random >> 8 & 0xff00000000000000) | (EDU_LPI + (random >> 8 & 0xff)) << 16 |
		       (random >> 20 & 0x3);
	case 2: /* a collection */
		return ENTRY_VALID | (random >> 8 & 0x3) << 16 | (random >> 20 & 0x3f);
	case 3: /* a command's first word */
		return BAD_OPCODE | FIELD_PREP(GITS_CMD0_DEVID, FIRST_ID + (random >> 8 & 0x3f));
	default:
		return random;
	}
}

/* Commands that only the forger knows; half of them do something. */
static void forge_commands(uint64_t *at, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++) {
		uint64_t random = attack_random();
		uint32_t devid = FIRST_ID + (uint32_t)(random >> 8) % STRANGERS;
		struct gits_cmd command = cmd_int(devid, (uint32_t)(random >> 16) % 64);

		if (random % 2)
			command = cmd_event(BAD_OPCODE, devid, 0);
		cmd_encode(&command, &at[i * GITS_CMD_NR_WORDS]);
	}
}

/* ---- the victim: commands, and interrupts of functions --------------------------- */

/* Everything that reads tables, on strangers; MOVI and INV on events of functions. */
static void work(uint64_t round)
{
	const struct attack_world *w = attack_world();
	struct edu *edu = attack_edu();

	for (unsigned i = 0; i < 8; i++) {
		uint64_t random = attack_random();
		uint32_t devid = FIRST_ID + (uint32_t)(random >> 8) % STRANGERS;
		uint32_t event = (uint32_t)(random >> 16) % 64,
			 icid = (uint32_t)(random >> 24) % 64;

		const struct gits_cmd commands[] = {
			cmd_mapd(devid, places[STRANGERS_ITT].at, ITT_BITS),
			cmd_mapti(devid, event, STRANGER_LPI + event % 16, icid),
			cmd_mapc(3 + icid % 60, w->rdbase[random % 2], random % 3),
			cmd_int(devid, event),
			cmd_inv(devid, event),
			cmd_discard(devid, event),
		};

		for (size_t n = 0; n < ARRAY_SIZE(commands); n++)
			its_post(&commands[n]);
	}
	its_run();
	/* The whole ring, with whatever is in it by now. */
	for (unsigned i = 0; i < 2; i++)
		its_run_ring();
	its_movi(edu->devid, 0, round % 2);
	its_inv(edu->devid, 0);
	if (w->has_disk) {
		its_movi(w->disk_devid, (uint32_t)(round % w->disk_events), round % 2);
		its_inv(w->disk_devid, (uint32_t)(round % w->disk_events));
	}
	edu_raise(edu);
}

static void begin(void)
{
	const struct attack_world *w = attack_world();

	attack_restore();
	find_places();
	for (uint32_t i = 0; i < STRANGERS; i++)
		its_mapd(FIRST_ID + i, places[STRANGERS_ITT].at, ITT_BITS, true);
	if (w->has_disk) {
		its_mapd(w->disk_devid, places[DISK_ITT].at, 8, true);
		for (unsigned event = 0; event < w->disk_events; event++)
			its_mapti(w->disk_devid, event, DISK_LPI + event, 0);
	}
	ends = false;
	overwrites = 0;
	survived = 0;
}

/* The tables are rubble, and the device's interrupts come, one by one. */
static void finish(uint64_t rounds)
{
	struct edu *edu = attack_edu();

	ends = true;
	CHECK(cpu_is_idle(ATTACK_HELPER), "the helper hangs");
	/* A forged MAPC may have taken the targets away: that is a guest's right. */
	for (unsigned cpu = 0; cpu < 3; cpu++)
		its_mapc(cpu, attack_world()->rdbase[cpu], true);
	its_movi(edu->devid, 0, 0);
	delay_us(100000);
	edu_acknowledge(edu);
	edu_rounds(edu, 20);
	fact("rounds", rounds);
	fact("overwrites", overwrites);
	fact("overwrites_seen", survived);
}

/* ---- by a CPU --------------------------------------------------------------------- */

static void scribble(void)
{
	while (!ends) {
		uint64_t random = attack_random();
		const struct place *place = &places[random % NR_PLACES];
		uint64_t at = place->at + (random >> 32) % (place->size / 8) * 8;
		uint64_t word = forged_word(random >> 3);

		/* Tables lie in RAM: nobody but the ITS can change it in between. */
		write64(at, word);
		overwrites++;
		survived += read64(at) == word;
	}
}

static void by_cpu(void)
{
	uint64_t start, rounds = 0;

	begin();
	CHECK(cpu_run(ATTACK_HELPER, scribble), "CPU 1 does not listen");
	start = now_us();
	while (attack_goes_on(start))
		work(rounds++);
	finish(rounds);
	CHECK(survived * 2 > overwrites, "few writes can be read back");
}

/* ---- by DMA ------------------------------------------------------------------------ */

static uint64_t *forged; /* EDU_DMA_MAX bytes */

static unsigned differing(uint64_t at, unsigned size)
{
	unsigned nr = 0;

	for (unsigned i = 0; i < size / 8; i++)
		nr += read64(at + 8 * i) != forged[i];
	return nr;
}

/* Forged commands go over the queue, forged entries over the tables. */
static void transfer(void)
{
	for (unsigned round = 0; !ends; round++) {
		const struct place *place = &places[round % NR_PLACES];
		unsigned size = (unsigned)(place->size < EDU_DMA_MAX ? place->size : EDU_DMA_MAX);

		if (round % NR_PLACES == QUEUE)
			forge_commands(forged, size / 32);
		else
			for (unsigned i = 0; i < size / 8; i++)
				forged[i] = forged_word(attack_random());
		edu_dma_load(attack_edu(), address_of(forged), size);
		CHECK(differing(place->at, size) > size / 32, "nothing to overwrite");
		edu_dma_store(attack_edu(), place->at, size);
		overwrites++;
		/* The ITS and CPU 0 write here, too; half of it is theirs at the most. */
		survived += differing(place->at, size) < size / 16;
	}
}

static void by_dma(void)
{
	uint64_t start, rounds = 0;

	if (!forged)
		forged = memory_alloc(EDU_DMA_MAX, 4096);
	begin();
	start = now_us();
	CHECK(cpu_run(ATTACK_HELPER, transfer), "CPU 1 does not listen");
	while ((attack_goes_on(start) || overwrites < MIN_TRANSFERS) &&
	       now_us() < start + DMA_MS * 1000)
		work(rounds++);
	finish(rounds);
	CHECK(overwrites >= MIN_TRANSFERS, "%lu transfers", overwrites);
	CHECK(survived * 2 > overwrites, "%lu of %lu transfers can be read back", survived,
	      overwrites);
}

void payload_main(uint64_t fdt)
{
	static const struct attack attacks[] = {
		{ "by_cpu", by_cpu },
		{ "by_dma", by_dma },
	};

	attack_main(fdt, attacks, ARRAY_SIZE(attacks));
}
