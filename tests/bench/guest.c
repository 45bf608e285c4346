// SPDX-License-Identifier: MIT
/*
 * The guest of guest.h. IHI 0069 5.3 (commands), 12.18 (registers).
 *
 * No locks: one thread.
 */
#include "tests/bench/guest.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vitsmod/bits.h"
#include "vitsmod/gits.h"

/* Where things lie in the guest's memory: tables and queue of 64 KiB each. */
#define RAM_BASE     UINT64_C(0x40000000)
#define RAM_SZ	     GUEST_RAM_SZ
#define DEVICE_TABLE (RAM_BASE + 0x00000)
#define COLL_TABLE   (RAM_BASE + 0x10000)
#define QUEUE	     (RAM_BASE + 0x20000)
#define QUEUE_SZ     0x10000u
#define NAMED_ITTS   (RAM_BASE + 0x100000)
#define NAMED_BITS   8u /* EventID bits of a function */
#define OTHER_ITTS   (RAM_BASE + 0x200000)
#define OTHER_BITS   16u
#define OTHER_DEVID  0x1000u

#define ITE_SZ UINT64_C(8)

_Static_assert(GUEST_NR_EVENTS <= 1u << NAMED_BITS, "a function's events fit into its ITT");
_Static_assert(OTHER_ITTS + GUEST_OTHERS * 65536u * ITE_SZ <= RAM_BASE + RAM_SZ, "all ITTs fit");

/* Of a table of 64K pages. */
#define TABLE (GITS_BASER_VALID | FIELD_PREP(GITS_BASER_PAGE_SIZE, GITS_PAGE_64K))

/*
 * The world below the ITS: memory as a VMM has it, bounds checked and copied, and
 * a backend that takes no time.
 */

static uint8_t *ram_at(struct guest *g, uint64_t gpa, size_t len)
{
	if (gpa < RAM_BASE || gpa - RAM_BASE > RAM_SZ || len > RAM_SZ - (gpa - RAM_BASE))
		return NULL;
	return g->ram + (gpa - RAM_BASE);
}

static int guest_mem_read(void *ctx, uint64_t gpa, void *buf, size_t len)
{
	const uint8_t *at = ram_at(ctx, gpa, len);

	if (!at)
		return -EFAULT;
	memcpy(buf, at, len);
	return 0;
}

static int guest_mem_write(void *ctx, uint64_t gpa, const void *buf, size_t len)
{
	uint8_t *at = ram_at(ctx, gpa, len);

	if (!at)
		return -EFAULT;
	memcpy(at, buf, len);
	return 0;
}

static void guest_update(void *ctx, const struct vits_lpi_update *update)
{
	struct guest *g = ctx;

	(void)update;
	g->nr_updates++;
}

static void guest_commit(void *ctx)
{
	struct guest *g = ctx;

	g->nr_commits++;
}

/* Who announces more than one call takes has vits_run() called. */
static void guest_more(void *ctx)
{
	(void)ctx;
}

static const struct vits_ops guest_ops = {
	.mem_read = guest_mem_read,
	.mem_write = guest_mem_write,
	.update = guest_update,
	.commit = guest_commit,
	.more = guest_more,
};

/*
 * The driver
 */

void guest_push(struct guest *g, const uint64_t cmd[4])
{
	uint8_t *at = ram_at(g, QUEUE + g->tail, GITS_CMD_SZ);

	for (unsigned i = 0; i < 4; i++) {
		uint64_t word = htole64(cmd[i]);

		memcpy(at + i * sizeof(word), &word, sizeof(word));
	}
	g->tail = (g->tail + GITS_CMD_SZ) % QUEUE_SZ;
	g->nr_pushed++;
}

void guest_kick(struct guest *g)
{
	vits_mmio_write(g->v, GITS_CWRITER, 4, g->tail);
}

uint32_t guest_nr_waiting(const struct guest *g)
{
	uint32_t creadr = (uint32_t)vits_mmio_read(g->v, GITS_CREADR, 4);

	return (g->tail + QUEUE_SZ - creadr) % QUEUE_SZ / GITS_CMD_SZ;
}

static void push(struct guest *g, const struct gits_cmd *cmd)
{
	uint64_t words[GITS_CMD_NR_WORDS];

	cmd_encode(cmd, words);
	guest_push(g, words);
}

/* An event by its number among those of its kind, neighbours in groups. */
struct place {
	size_t function; /* named ones */
	uint32_t devid;
	uint32_t eventid;
	uint32_t intid;
	uint32_t icid;
};

static struct place place_of(const struct guest *g, bool named, uint32_t n)
{
	uint32_t group = n / GUEST_GROUP, in_group = n % GUEST_GROUP;
	uint32_t nr_devices = named ? g->config.nr_functions : GUEST_OTHERS;
	uint32_t device = group % nr_devices;
	struct place place = { .icid = group % GUEST_VCPUS };

	place.eventid = group / nr_devices * GUEST_GROUP + in_group;
	/* One event in each eighth of the functions. */
	if (g->config.apart && named)
		device = (device + in_group * (nr_devices / GUEST_GROUP)) % nr_devices;
	place.function = device;
	place.devid = named ? device : OTHER_DEVID + device;
	/* An LPI for each assigned event; the others, which nothing can signal, share the rest. */
	place.intid = VITS_LPI_BASE +
		      (named ? n : GUEST_MAX_NAMED + n % (VITS_MAX_LPIS - GUEST_MAX_NAMED));
	return place;
}

static void push_op(struct guest *g, enum guest_op op, const struct place *place)
{
	static const uint8_t opcodes[NR_GUEST_OPS] = {
		[OP_MAPTI] = GITS_CMD_MAPTI,
		[OP_MOVI] = GITS_CMD_MOVI,
		[OP_INV] = GITS_CMD_INV,
		[OP_DISCARD] = GITS_CMD_DISCARD,
	};
	struct gits_cmd cmd = {
		.opcode = opcodes[op],
		.devid = place->devid,
		.eventid = place->eventid,
	};

	if (op == OP_MAPTI) {
		cmd.pintid = place->intid;
		cmd.icid = place->icid;
	}
	/* To another vCPU than MAPTI's, so that the LPI has to move. */
	if (op == OP_MOVI)
		cmd.icid = (place->icid + 1) % GUEST_VCPUS;
	push(g, &cmd);
}

static void push_mapd(struct guest *g, uint32_t devid, uint64_t itt, unsigned bits)
{
	push(g, &(struct gits_cmd){
			.opcode = GITS_CMD_MAPD,
			.devid = devid,
			.size = bits - 1,
			.itt = itt,
			.valid = true,
		});
}

void guest_map_devices(struct guest *g)
{
	/* Software hands over zeroed ITTs. */
	memset(ram_at(g, NAMED_ITTS, 1), 0, OTHER_ITTS - NAMED_ITTS);
	for (uint32_t i = 0; i < GUEST_VCPUS; i++)
		push(g, &(struct gits_cmd){
				.opcode = GITS_CMD_MAPC, .icid = i, .rdbase = i, .valid = true });
	guest_kick(g);
	for (uint32_t i = 0; i < g->config.nr_functions; i++) {
		push_mapd(g, i, NAMED_ITTS + i * (ITE_SZ << NAMED_BITS), NAMED_BITS);
		guest_kick(g);
	}
	for (uint32_t i = 0; i < GUEST_OTHERS; i++)
		push_mapd(g, OTHER_DEVID + i, OTHER_ITTS + i * (ITE_SZ << OTHER_BITS), OTHER_BITS);
	guest_kick(g);
}

static void map_events(struct guest *g, bool named, uint32_t nr)
{
	for (uint32_t n = 0; n < nr; n++) {
		const struct place place = place_of(g, named, n);

		push_op(g, OP_MAPTI, &place);
		if (n % GUEST_GROUP == GUEST_GROUP - 1 || n == nr - 1)
			guest_kick(g);
	}
}

static void enable(struct guest *g)
{
	vits_mmio_write(g->v, GITS_CBASER, 8,
			GITS_CBASER_VALID | QUEUE | (QUEUE_SZ / GITS_CBASER_PAGE_SZ - 1));
	vits_mmio_write(g->v, GITS_BASER(0), 8, TABLE | DEVICE_TABLE);
	vits_mmio_write(g->v, GITS_BASER(1), 8, TABLE | COLL_TABLE);
	vits_mmio_write(g->v, GITS_CTLR, 4, GITS_CTLR_ENABLED);
}

static void *or_die(void *p)
{
	if (p)
		return p;
	(void)fputs("bench-vits: error: out of memory\n", stderr);
	exit(EXIT_FAILURE);
}

struct guest *guest_alloc(const struct guest_config *config)
{
	struct guest *g = or_die(calloc(1, sizeof(*g)));

	assert(config->per_write);
	assert(GUEST_GROUP % config->per_write == 0);

	g->ram = or_die(calloc(1, RAM_SZ));
	g->config = *config;
	if (!config->nr_functions)
		g->config.nr_functions = GUEST_FUNCTIONS;
	if (!config->nr_lpis)
		g->config.nr_lpis = VITS_MAX_LPIS;
	if (config->kind == GUEST_NAMED)
		g->nr_named =
			config->nr_mapped < GUEST_MAX_NAMED ? config->nr_mapped : GUEST_MAX_NAMED;
	g->nr_others = config->nr_mapped - g->nr_named;
	assert(g->nr_others <= GUEST_MAX_OTHERS);
	return g;
}

void guest_start(struct guest *g)
{
	struct vits_function functions[GUEST_FUNCTIONS];
	const struct vits_config config = {
		.nr_vcpus = GUEST_VCPUS,
		.devid_bits = 16,
		.eventid_bits = 16,
		.nr_lpis = g->config.nr_lpis,
		.functions = functions,
		.nr_functions = g->config.nr_functions,
	};

	for (uint32_t i = 0; i < GUEST_FUNCTIONS; i++)
		functions[i] = (struct vits_function){ i, GUEST_NR_EVENTS };
	if (vits_create(&config, &guest_ops, g, &g->v) < 0)
		(void)or_die(NULL);
	enable(g);
	guest_map_devices(g);
	map_events(g, true, g->nr_named);
	map_events(g, false, g->nr_others);
}

struct guest *guest_create(const struct guest_config *config)
{
	struct guest *g = guest_alloc(config);

	guest_start(g);
	return g;
}

void guest_destroy(struct guest *g)
{
	if (!g)
		return;
	vits_destroy(g->v);
	free(g->ram);
	free(g);
}

bool guest_is_sound(struct guest *g)
{
	struct vits_stats stats;
	uint64_t done = 0;

	vits_stats_get(g->v, &stats);
	for (size_t i = 0; i < ARRAY_SIZE(stats.cmd); i++)
		done += stats.cmd[i].done;
	return done == g->nr_pushed && !stats.shadow_differs && !stats.msi[VITS_MSI_DISABLED] &&
	       !stats.msi[VITS_MSI_BEYOND_SHADOW] &&
	       vits_mmio_read(g->v, GITS_CREADR, 4) == g->tail;
}

uint32_t guest_nr_groups(const struct guest *g)
{
	return (g->config.kind == GUEST_NAMED ? g->nr_named : g->nr_others) / GUEST_GROUP;
}

/*
 * What is measured
 */

static void translate_group(struct guest *g, enum guest_op op, uint32_t group,
			    const struct guest_meter *meter)
{
	enum vits_msi want = op == OP_HIT ? VITS_MSI_DELIVER : VITS_MSI_UNMAPPED;
	struct place places[GUEST_GROUP];
	struct vits_lpi lpi;
	unsigned wrong = 0;

	for (uint32_t i = 0; i < GUEST_GROUP; i++) {
		places[i] = place_of(g, true, group * GUEST_GROUP + i);
		if (op == OP_MISS)
			places[i].eventid = GUEST_PER;
	}
	meter->begin(meter->ctx);
	for (uint32_t round = 0; round < GUEST_TRANSLATIONS; round++)
		for (uint32_t i = 0; i < GUEST_GROUP; i++)
			wrong += vits_translate(g->v, places[i].function, places[i].eventid,
						&lpi) != want;
	meter->end(meter->ctx);
	assert(!wrong);
}

static void command_group(struct guest *g, enum guest_op op, uint32_t group,
			  const struct guest_meter *meter)
{
	for (uint32_t i = 0; i < GUEST_GROUP; i += g->config.per_write) {
		for (uint32_t j = 0; j < g->config.per_write; j++) {
			const struct place place = place_of(g, g->config.kind == GUEST_NAMED,
							    group * GUEST_GROUP + i + j);

			push_op(g, op, &place);
		}
		meter->begin(meter->ctx);
		guest_kick(g);
		meter->end(meter->ctx);
	}
}

void guest_do(struct guest *g, enum guest_op op, uint32_t first, uint32_t nr,
	      const struct guest_meter *meter)
{
	bool translate = op == OP_HIT || op == OP_MISS;

	assert(!translate || g->config.kind == GUEST_NAMED);
	for (uint32_t i = 0; i < nr; i++) {
		uint32_t group = (first + i) % guest_nr_groups(g);

		if (translate)
			translate_group(g, op, group, meter);
		else
			command_group(g, op, group, meter);
	}
}

uint64_t guest_nr_ops(enum guest_op op, uint32_t nr_groups)
{
	uint64_t per_event = op == OP_HIT || op == OP_MISS ? GUEST_TRANSLATIONS : 1;

	return per_event * GUEST_GROUP * nr_groups;
}
