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
#define CBASER_CACHEABLE                                          \
	(FIELD_PREP(GITS_CBASER_INNER_CACHE, GITS_CACHE_RAWAWB) | \
	 FIELD_PREP(GITS_CBASER_SHARE, GITS_SHARE_INNER))
#define BASER_CACHEABLE                                          \
	(FIELD_PREP(GITS_BASER_INNER_CACHE, GITS_CACHE_RAWAWB) | \
	 FIELD_PREP(GITS_BASER_SHARE, GITS_SHARE_INNER))
#define BASER_PAGES_64K FIELD_PREP(GITS_BASER_PAGE_SIZE, GITS_PAGE_64K)

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
	write64(platform()->gits + GITS_BASER(n), GITS_BASER_VALID | address_of(*table) |
							  BASER_CACHEABLE | BASER_PAGES_64K |
							  (size / PAGE_64K - 1));
}

void its_init_disabled(void)
{
	if (!its.queue)
		its.queue = memory_alloc(ITS_QUEUE_SZ, PAGE_64K);
	its.cwriter = 0;
	for (unsigned n = 0; n < GITS_NR_BASERS; n++) {
		uint64_t baser = read64(platform()->gits + GITS_BASER(n));

		if (FIELD_GET(GITS_BASER_TYPE, baser) == GITS_TABLE_DEVICES)
			give_table(n, &its.devices, DEVICES_SZ);
		else if (FIELD_GET(GITS_BASER_TYPE, baser) == GITS_TABLE_COLLECTIONS)
			give_table(n, &its.collections, COLLECTIONS_SZ);
	}
	write64(platform()->gits + GITS_CBASER, GITS_CBASER_VALID | address_of(its.queue) |
							CBASER_CACHEABLE |
							(ITS_QUEUE_SZ / GITS_CBASER_PAGE_SZ - 1));
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

static void post(const uint64_t words[GITS_CMD_NR_WORDS])
{
	memcpy(its.queue + its.cwriter, words, GITS_CMD_SZ);
	its.cwriter = (its.cwriter + GITS_CMD_SZ) % ITS_QUEUE_SZ;
}

void its_post_words(const uint64_t words[GITS_CMD_NR_WORDS])
{
	spin_lock(&its.lock);
	post(words);
	spin_unlock(&its.lock);
}

void its_post(const struct gits_cmd *command)
{
	uint64_t words[GITS_CMD_NR_WORDS];

	cmd_encode(command, words);
	its_post_words(words);
}

static uint32_t distance(uint32_t from, uint32_t to)
{
	return (to - from) % ITS_QUEUE_SZ;
}

bool its_try(const struct gits_cmd *commands, unsigned nr)
{
	uint64_t words[GITS_CMD_NR_WORDS];
	uint32_t used;

	spin_lock(&its.lock);
	used = distance((uint32_t)read64(platform()->gits + GITS_CREADR), its.cwriter);
	if (used + (nr + 1) * GITS_CMD_SZ > ITS_QUEUE_SZ) {
		spin_unlock(&its.lock);
		return false;
	}
	for (unsigned i = 0; i < nr; i++) {
		cmd_encode(&commands[i], words);
		post(words);
	}
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

static void post_and_run(const struct gits_cmd *command)
{
	uint64_t words[GITS_CMD_NR_WORDS];
	uint32_t from, to;

	if (command)
		cmd_encode(command, words);
	spin_lock(&its.lock);
	if (command)
		post(words);
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
	its.cwriter = (its.cwriter + ITS_QUEUE_SZ - GITS_CMD_SZ) % ITS_QUEUE_SZ;
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

static void run_on_event(enum gits_opcode opcode, uint32_t devid, uint32_t eventid, uint32_t icid)
{
	post_and_run(&(struct gits_cmd){
		.opcode = opcode, .devid = devid, .eventid = eventid, .icid = icid });
}

void its_mapd(uint32_t devid, uint64_t itt, unsigned eventid_bits, bool valid)
{
	post_and_run(&(struct gits_cmd){
		.opcode = GITS_CMD_MAPD,
		.devid = devid,
		.size = eventid_bits - 1,
		.itt = itt,
		.valid = valid,
	});
}

void its_mapc(uint32_t icid, uint32_t rdbase, bool valid)
{
	post_and_run(&(struct gits_cmd){
		.opcode = GITS_CMD_MAPC, .icid = icid, .rdbase = rdbase, .valid = valid });
}

void its_mapti(uint32_t devid, uint32_t eventid, uint32_t pintid, uint32_t icid)
{
	post_and_run(&(struct gits_cmd){
		.opcode = GITS_CMD_MAPTI,
		.devid = devid,
		.eventid = eventid,
		.pintid = pintid,
		.icid = icid,
	});
}

void its_mapi(uint32_t devid, uint32_t eventid, uint32_t icid)
{
	run_on_event(GITS_CMD_MAPI, devid, eventid, icid);
}

void its_movi(uint32_t devid, uint32_t eventid, uint32_t icid)
{
	run_on_event(GITS_CMD_MOVI, devid, eventid, icid);
}

void its_movall(uint32_t rdbase, uint32_t rdbase2)
{
	post_and_run(&(struct gits_cmd){
		.opcode = GITS_CMD_MOVALL, .rdbase = rdbase, .rdbase2 = rdbase2 });
}

void its_discard(uint32_t devid, uint32_t eventid)
{
	run_on_event(GITS_CMD_DISCARD, devid, eventid, 0);
}

void its_inv(uint32_t devid, uint32_t eventid)
{
	run_on_event(GITS_CMD_INV, devid, eventid, 0);
}

void its_invall(uint32_t icid)
{
	post_and_run(&(struct gits_cmd){ .opcode = GITS_CMD_INVALL, .icid = icid });
}

void its_int(uint32_t devid, uint32_t eventid)
{
	run_on_event(GITS_CMD_INT, devid, eventid, 0);
}

void its_clear(uint32_t devid, uint32_t eventid)
{
	run_on_event(GITS_CMD_CLEAR, devid, eventid, 0);
}

void its_sync(uint32_t rdbase)
{
	post_and_run(&(struct gits_cmd){ .opcode = GITS_CMD_SYNC, .rdbase = rdbase });
}
