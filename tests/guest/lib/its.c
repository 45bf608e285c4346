// SPDX-License-Identifier: MIT
/*
 * A driver for the visible ITS.
 *
 * Several CPUs may send commands. Like Linux, each writes GITS_CWRITER under the
 * lock, and waits for GITS_CREADR to pass its own commands outside.
 */
#include "lib/its.h"

#include "lib/arch.h"
#include "lib/cpu.h"
#include "lib/payload.h"
#include "lib/platform.h"
#include "vitsmod/bits.h"

#define DEVICES_SZ     0x80000u /* 2^16 entries of 8 bytes */
#define COLLECTIONS_SZ 0x10000u
#define PAGE_64K       0x10000u

/* Inner shareable, write-back. */
#define CBASER_CACHEABLE (FIELD_PREP(MASK64(61, 59), 7) | FIELD_PREP(MASK64(11, 10), 1))
#define BASER_CACHEABLE	 CBASER_CACHEABLE
#define BASER_PAGES_64K	 FIELD_PREP(MASK64(9, 8), 2)

static struct {
	uint8_t *queue;
	void *devices, *collections;
	uint32_t cwriter;
	uint32_t lock; /* cwriter, and the queue from there on */
} its;

/* Memory is taken once, and is all zeros each time: so a table has to begin. */
static void give_table(unsigned n, void **table, size_t size)
{
	if (*table)
		memset(*table, 0, size);
	else
		*table = memory_alloc(size, PAGE_64K);
	write64(platform()->gits + GITS_BASER(n), GITS_VALID | address_of(*table) |
							  BASER_CACHEABLE | BASER_PAGES_64K |
							  (size / PAGE_64K - 1));
}

void its_init_disabled(void)
{
	if (!its.queue)
		its.queue = memory_alloc(ITS_QUEUE_SZ, PAGE_64K);
	its.cwriter = 0;
	for (unsigned n = 0; n < GITS_BASERS; n++) {
		uint64_t baser = read64(platform()->gits + GITS_BASER(n));

		if (GITS_BASER_TYPE(baser) == GITS_TYPE_DEVICES)
			give_table(n, &its.devices, DEVICES_SZ);
		else if (GITS_BASER_TYPE(baser) == GITS_TYPE_COLLECTIONS)
			give_table(n, &its.collections, COLLECTIONS_SZ);
	}
	write64(platform()->gits + GITS_CBASER,
		GITS_VALID | address_of(its.queue) | CBASER_CACHEABLE | (ITS_QUEUE_SZ / 4096 - 1));
	write64(platform()->gits + GITS_CWRITER, 0);
}

void its_init(void)
{
	its_init_disabled();
	write32(platform()->gits + GITS_CTLR, GITS_CTLR_ENABLED);
	CHECK(read32(platform()->gits + GITS_CTLR) & GITS_CTLR_ENABLED,
	      "GITS_CTLR.Enabled stays 0");
}

void its_off(void)
{
	write32(platform()->gits + GITS_CTLR, 0);
	CHECK(WAIT_UNTIL(read32(platform()->gits + GITS_CTLR) & GITS_CTLR_QUIESCENT, PATIENCE_MS),
	      "the ITS does not become quiescent");
}

void its_new_tables(void)
{
	its.queue = NULL;
	its.devices = NULL;
	its.collections = NULL;
}

void its_restart(void)
{
	spin_lock(&its.lock);
	its_off();
	its_init_disabled();
	write32(platform()->gits + GITS_CTLR, GITS_CTLR_ENABLED);
	spin_unlock(&its.lock);
}

uint64_t its_itt_alloc(unsigned bits)
{
	size_t size = (size_t)8 << bits;

	return address_of(memory_alloc(size < 256 ? 256 : size, 256));
}

/* ---- the queue ------------------------------------------------------------ */

static void post(const uint64_t command[4])
{
	memcpy(its.queue + its.cwriter, command, ITS_COMMAND_SZ);
	its.cwriter = (its.cwriter + ITS_COMMAND_SZ) % ITS_QUEUE_SZ;
}

void its_post(const uint64_t command[4])
{
	spin_lock(&its.lock);
	post(command);
	spin_unlock(&its.lock);
}

static uint32_t distance(uint32_t from, uint32_t to)
{
	return (to - from) % ITS_QUEUE_SZ;
}

bool its_try(const uint64_t (*commands)[4], unsigned nr)
{
	uint32_t used;

	spin_lock(&its.lock);
	used = distance((uint32_t)read64(platform()->gits + GITS_CREADR), its.cwriter);
	if (used + (nr + 1) * ITS_COMMAND_SZ > ITS_QUEUE_SZ) {
		spin_unlock(&its.lock);
		return false;
	}
	for (unsigned i = 0; i < nr; i++)
		post(commands[i]);
	barrier();
	write64(platform()->gits + GITS_CWRITER, its.cwriter);
	spin_unlock(&its.lock);
	return true;
}

static uint32_t read_creadr(void)
{
	uint64_t creadr = read64(platform()->gits + GITS_CREADR);

	CHECK(!(creadr & GITS_CREADR_STALLED), "the ITS stalled: GITS_CREADR 0x%lx", creadr);
	return (uint32_t)creadr;
}

/* Until GITS_CREADR has come from `from` to `to`, or further. */
static void wait_for(uint32_t from, uint32_t to)
{
	uint64_t end = now_us() + PATIENCE_MS * 1000;
	uint32_t left = distance(from, to);

	while (left) {
		uint32_t creadr = read_creadr(), step = distance(from, creadr);

		left -= step < left ? step : left;
		from = creadr;
		CHECK(now_us() < end, "the ITS hangs: GITS_CREADR 0x%x on the way to 0x%x", creadr,
		      to);
	}
}

static void post_and_run(const uint64_t command[4])
{
	uint32_t from, to;

	spin_lock(&its.lock);
	if (command)
		post(command);
	from = read_creadr();
	to = its.cwriter;
	barrier();
	write64(platform()->gits + GITS_CWRITER, to);
	spin_unlock(&its.lock);
	wait_for(from, to);
}

void its_run(void)
{
	post_and_run(NULL);
}

void its_run_ring(void)
{
	spin_lock(&its.lock);
	its.cwriter = (its.cwriter + ITS_QUEUE_SZ - ITS_COMMAND_SZ) % ITS_QUEUE_SZ;
	spin_unlock(&its.lock);
	its_run();
}

uint32_t its_cwriter(void)
{
	return its.cwriter;
}

uint64_t its_queue(void)
{
	return address_of(its.queue);
}

/* ---- commands -------------------------------------------------------------- */

static void run_one(uint64_t dw0, uint64_t dw1, uint64_t dw2, uint64_t dw3)
{
	const uint64_t command[4] = { dw0, dw1, dw2, dw3 };

	post_and_run(command);
}

static void run_on_event(uint64_t opcode, uint32_t devid, uint64_t dw1, uint64_t dw2)
{
	run_one((uint64_t)devid << 32 | opcode, dw1, dw2, 0);
}

void its_mapd(uint32_t devid, uint64_t itt, unsigned eventid_bits, bool valid)
{
	run_on_event(ITS_MAPD, devid, eventid_bits - 1, itt | (valid ? GITS_VALID : 0));
}

void its_mapc(uint32_t icid, uint32_t rdbase, bool valid)
{
	run_one(ITS_MAPC, 0, (uint64_t)rdbase << 16 | icid | (valid ? GITS_VALID : 0), 0);
}

void its_mapti(uint32_t devid, uint32_t eventid, uint32_t pintid, uint32_t icid)
{
	run_on_event(ITS_MAPTI, devid, (uint64_t)pintid << 32 | eventid, icid);
}

void its_mapi(uint32_t devid, uint32_t eventid, uint32_t icid)
{
	run_on_event(ITS_MAPI, devid, eventid, icid);
}

void its_movi(uint32_t devid, uint32_t eventid, uint32_t icid)
{
	run_on_event(ITS_MOVI, devid, eventid, icid);
}

void its_movall(uint32_t rdbase, uint32_t rdbase2)
{
	run_one(ITS_MOVALL, 0, (uint64_t)rdbase << 16, (uint64_t)rdbase2 << 16);
}

void its_discard(uint32_t devid, uint32_t eventid)
{
	run_on_event(ITS_DISCARD, devid, eventid, 0);
}

void its_inv(uint32_t devid, uint32_t eventid)
{
	run_on_event(ITS_INV, devid, eventid, 0);
}

void its_invall(uint32_t icid)
{
	run_one(ITS_INVALL, 0, icid, 0);
}

void its_int(uint32_t devid, uint32_t eventid)
{
	run_on_event(ITS_INT, devid, eventid, 0);
}

void its_clear(uint32_t devid, uint32_t eventid)
{
	run_on_event(ITS_CLEAR, devid, eventid, 0);
}

void its_sync(uint32_t rdbase)
{
	run_one(ITS_SYNC, 0, (uint64_t)rdbase << 16, 0);
}
