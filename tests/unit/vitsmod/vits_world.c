// SPDX-License-Identifier: MIT
/*
 * The world of vits_world.h. IHI 0069 5.3 (commands), 12.18 (registers).
 */
#include "tests/unit/vitsmod/vits_world.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * Guest memory
 */

static bool overlaps(uint64_t gpa, size_t len, uint64_t from, uint64_t to)
{
	return gpa < to && gpa + len > from;
}

static bool is_ram(struct world *w, uint64_t gpa, size_t len)
{
	return gpa >= RAM_BASE && gpa < RAM_END && len <= RAM_END - gpa &&
	       !overlaps(gpa, len, w->bad, w->bad_end);
}

static int world_mem_read(void *ctx, uint64_t gpa, void *buf, size_t len)
{
	struct world *w = ctx;

	w->nr_reads++;
	if (!is_ram(w, gpa, len))
		return -EFAULT;
	memcpy(buf, w->ram + (gpa - RAM_BASE), len);
	if (w->on_read)
		w->on_read(w, gpa, len);
	return 0;
}

static int world_mem_write(void *ctx, uint64_t gpa, const void *buf, size_t len)
{
	struct world *w = ctx;

	if (!is_ram(w, gpa, len) || overlaps(gpa, len, w->ro, w->ro_end))
		return -EFAULT;
	memcpy(w->ram + (gpa - RAM_BASE), buf, len);
	return 0;
}

uint64_t ram_get(const struct world *w, uint64_t gpa)
{
	uint64_t le;

	assert_true(gpa >= RAM_BASE && gpa <= RAM_END - sizeof(le));
	memcpy(&le, w->ram + (gpa - RAM_BASE), sizeof(le));
	return le64toh(le);
}

void ram_set(struct world *w, uint64_t gpa, uint64_t value)
{
	uint64_t le = htole64(value);

	assert_true(gpa >= RAM_BASE && gpa <= RAM_END - sizeof(le));
	memcpy(w->ram + (gpa - RAM_BASE), &le, sizeof(le));
}

void ram_zero(struct world *w, uint64_t gpa, size_t len)
{
	assert_true(gpa >= RAM_BASE && gpa + len <= RAM_END);
	memset(w->ram + (gpa - RAM_BASE), 0, len);
}

/*
 * The backend
 */

static bool is_function(struct world *w, const struct vits_lpi_update *e)
{
	return e->function < w->config.nr_functions &&
	       e->eventid < w->functions[e->function].nr_events;
}

/* A step for one event: is it one that the model may take now? Then take it. */
static void backend_event_update(struct world *w, const struct vits_lpi_update *e)
{
	struct world_lpi *lpi = &w->lpis[e->intid - VITS_LPI_BASE];

	assert_true(!e->assigned || is_function(w, e));
	assert_in_range(e->intid, VITS_LPI_BASE, VITS_LPI_BASE + w->config.nr_lpis - 1);
	if (e->op == VITS_LPI_MAP) {
		assert_true(e->assigned);
		assert_true(lpi->claimed);
		assert_false(lpi->targeted);
		*lpi = (struct world_lpi){ true,	 true,
					   lpi->pending, w->functions[e->function].devid,
					   e->eventid,	 e->vcpu };
		return;
	}
	assert_int_equal(lpi->targeted, e->assigned);
	if (e->assigned) {
		assert_int_equal(lpi->devid, w->functions[e->function].devid);
		assert_int_equal(lpi->eventid, e->eventid);
		if (e->op == VITS_LPI_MOVE)
			assert_int_not_equal(lpi->vcpu, e->vcpu);
		else
			assert_int_equal(lpi->vcpu, e->vcpu);
	}
	if (e->op == VITS_LPI_MOVE)
		lpi->vcpu = e->vcpu;
	if (e->op == VITS_LPI_RAISE)
		lpi->pending = true;
	if (e->op == VITS_LPI_CLEAR || e->op == VITS_LPI_UNMAP)
		lpi->pending = false;
	if (e->op == VITS_LPI_UNMAP || e->op == VITS_LPI_DETACH)
		lpi->targeted = false;
	if (e->op == VITS_LPI_DETACH)
		assert_true(e->assigned);
}

static void world_update(void *ctx, const struct vits_lpi_update *e)
{
	struct world *w = ctx;

	if (w->nr_log < WORLD_LOG)
		w->log[w->nr_log++] = *e;
	w->nr_updates++;
	assert_in_range(e->vcpu, 0, w->config.nr_vcpus - 1);
	assert_in_range(e->op, VITS_LPI_MAP, VITS_MOVALL);
	if (e->op == VITS_MOVALL) {
		assert_in_range(e->vcpu_from, 0, w->config.nr_vcpus - 1);
		assert_int_not_equal(e->vcpu_from, e->vcpu);
		for (uint32_t n = 0; n < w->config.nr_lpis; n++) {
			if (w->lpis[n].vcpu == e->vcpu_from)
				w->lpis[n].vcpu = e->vcpu;
		}
	} else if (e->op != VITS_INVALL) {
		backend_event_update(w, e);
	}
}

static void world_commit(void *ctx)
{
	struct world *w = ctx;

	w->nr_commits++;
	w->updates_at_commit = w->nr_updates;
	if (w->on_commit)
		w->on_commit(w);
}

static bool world_claim(void *ctx, uint32_t intid)
{
	struct world *w = ctx;
	uint32_t n = intid - VITS_LPI_BASE;

	assert_in_range(n, 0, w->config.nr_lpis - 1);
	assert_false(w->lpis[n].claimed);
	if (w->rival && w->rival->lpis[n].claimed)
		return false;
	w->lpis[n].claimed = true;
	return true;
}

static void world_release(void *ctx, uint32_t intid)
{
	struct world *w = ctx;
	struct world_lpi *lpi = &w->lpis[intid - VITS_LPI_BASE];

	assert_true(lpi->claimed);
	assert_false(lpi->targeted);
	lpi->claimed = false;
}

static void world_more(void *ctx)
{
	struct world *w = ctx;

	w->nr_more++;
}

static void world_trace(void *ctx, const uint64_t cmd[4], enum vits_result result, uint32_t code)
{
	struct world *w = ctx;

	(void)cmd;
	w->nr_commands++;
	w->result = result;
	w->code = code;
}

static const struct vits_ops world_ops = {
	.mem_read = world_mem_read,
	.mem_write = world_mem_write,
	.update = world_update,
	.commit = world_commit,
	.claim = world_claim,
	.release = world_release,
	.more = world_more,
	.trace = world_trace,
};

/*
 * Making one
 */

void world_default_config(struct vits_config *ret_config)
{
	static const struct vits_function functions[] = {
		{ DEV_A, DEV_A_EVENTS },
		{ DEV_B, DEV_B_EVENTS },
	};

	*ret_config = (struct vits_config){
		.nr_vcpus = NR_VCPUS,
		.devid_bits = 16,
		.eventid_bits = 16,
		.nr_lpis = NR_LPIS,
		.functions = functions,
		.nr_functions = ARRAY_SIZE(functions),
	};
}

struct world *world_create(const struct vits_config *config)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	if (config)
		w->config = *config;
	else
		world_default_config(&w->config);
	if (w->config.nr_functions)
		memcpy(w->functions, w->config.functions,
		       w->config.nr_functions * sizeof(w->functions[0]));
	w->ram = calloc(1, RAM_SZ);
	assert_non_null(w->ram);
	assert_int_equal(vits_create(&w->config, &world_ops, w, &w->v), 0);
	return w;
}

uint64_t baser_value(uint64_t gpa, unsigned nr_pages)
{
	return VALID | FIELD_PREP(GITS_BASER_INNER_CACHE, GITS_CACHE_RAWAWB) |
	       FIELD_PREP(GITS_BASER_SHARE, GITS_SHARE_INNER) |
	       FIELD_PREP(GITS_BASER_PAGE_SIZE, GITS_PAGE_64K) | gpa |
	       FIELD_PREP(GITS_BASER_SIZE, nr_pages - 1);
}

void world_set_tables(struct world *w)
{
	w->queue_sz = 0x10000;
	w->tail = 0;
	wr64(w, GITS_CBASER, VALID | QUEUE | 15);
	wr64(w, GITS_BASER(0), baser_value(DEVICE_TABLE, 8));
	wr64(w, GITS_BASER(1), baser_value(COLL_TABLE, 8));
}

struct world *world_create_on(const struct vits_config *config)
{
	struct world *w = world_create(config);

	world_set_tables(w);
	wr32(w, GITS_CTLR, GITS_CTLR_ENABLED);
	assert_int_equal(rd32(w, GITS_CTLR), GITS_CTLR_QUIESCENT | GITS_CTLR_ENABLED);
	return w;
}

struct world *world_create_ready(void)
{
	struct world *w = world_create_on(NULL);

	run_ok(w, mapd(DEV_A, ITT_A, 3));
	run_ok(w, mapd(DEV_B, ITT_B, 5));
	run_ok(w, mapd(DEV_X, ITT_X, 5));
	run_ok(w, mapc(0, 0));
	run_ok(w, mapc(1, 1));
	expect_no_more_updates(w);
	return w;
}

void world_destroy(struct world *w)
{
	vits_destroy(w->v);
	free(w->ram);
	free(w);
}

/*
 * Registers
 */

uint64_t rd64(struct world *w, uint64_t offset)
{
	return vits_mmio_read(w->v, offset, 8);
}

uint32_t rd32(struct world *w, uint64_t offset)
{
	return (uint32_t)vits_mmio_read(w->v, offset, 4);
}

void wr64(struct world *w, uint64_t offset, uint64_t value)
{
	vits_mmio_write(w->v, offset, 8, value);
}

void wr32(struct world *w, uint64_t offset, uint32_t value)
{
	vits_mmio_write(w->v, offset, 4, value);
}

/*
 * Commands
 */

struct words encoded(struct gits_cmd cmd)
{
	struct words words;

	cmd_encode(&cmd, words.w);
	return words;
}

struct words opcode(unsigned op)
{
	return encoded((struct gits_cmd){ .opcode = (uint8_t)op });
}

static struct words event_cmd(enum gits_opcode op, uint32_t devid, uint32_t eventid)
{
	return encoded((struct gits_cmd){ .opcode = op, .devid = devid, .eventid = eventid });
}

static struct words event_to_collection(enum gits_opcode op, uint32_t devid, uint32_t eventid,
					uint32_t icid)
{
	return encoded((struct gits_cmd){
		.opcode = op, .devid = devid, .eventid = eventid, .icid = icid });
}

struct words mapd(uint32_t devid, uint64_t itt, unsigned eventid_bits)
{
	return encoded((struct gits_cmd){
		.opcode = GITS_CMD_MAPD,
		.devid = devid,
		.size = eventid_bits - 1,
		.itt = itt,
		.valid = true,
	});
}

struct words mapd_off(uint32_t devid)
{
	return encoded((struct gits_cmd){ .opcode = GITS_CMD_MAPD, .devid = devid });
}

struct words mapc(uint32_t icid, uint64_t rdbase)
{
	return encoded((struct gits_cmd){
		.opcode = GITS_CMD_MAPC, .icid = icid, .rdbase = rdbase, .valid = true });
}

struct words mapc_off(uint32_t icid)
{
	return encoded((struct gits_cmd){ .opcode = GITS_CMD_MAPC, .icid = icid });
}

struct words mapti(uint32_t devid, uint32_t eventid, uint32_t intid, uint32_t icid)
{
	return encoded((struct gits_cmd){
		.opcode = GITS_CMD_MAPTI,
		.devid = devid,
		.eventid = eventid,
		.pintid = intid,
		.icid = icid,
	});
}

struct words mapi(uint32_t devid, uint32_t eventid, uint32_t icid)
{
	return event_to_collection(GITS_CMD_MAPI, devid, eventid, icid);
}

struct words movi(uint32_t devid, uint32_t eventid, uint32_t icid)
{
	return event_to_collection(GITS_CMD_MOVI, devid, eventid, icid);
}

struct words discard(uint32_t devid, uint32_t eventid)
{
	return event_cmd(GITS_CMD_DISCARD, devid, eventid);
}

struct words intr(uint32_t devid, uint32_t eventid)
{
	return event_cmd(GITS_CMD_INT, devid, eventid);
}

struct words clear(uint32_t devid, uint32_t eventid)
{
	return event_cmd(GITS_CMD_CLEAR, devid, eventid);
}

struct words inv(uint32_t devid, uint32_t eventid)
{
	return event_cmd(GITS_CMD_INV, devid, eventid);
}

struct words invall(uint32_t icid)
{
	return encoded((struct gits_cmd){ .opcode = GITS_CMD_INVALL, .icid = icid });
}

struct words movall(uint64_t from, uint64_t to)
{
	return encoded(
		(struct gits_cmd){ .opcode = GITS_CMD_MOVALL, .rdbase = from, .rdbase2 = to });
}

struct words sync_cmd(uint64_t rdbase)
{
	return encoded((struct gits_cmd){ .opcode = GITS_CMD_SYNC, .rdbase = rdbase });
}

void push(struct world *w, struct words cmd)
{
	for (unsigned i = 0; i < 4; i++)
		ram_set(w, QUEUE + w->tail + i * 8, cmd.w[i]);
	w->tail = (w->tail + GITS_CMD_SZ) % w->queue_sz;
}

void kick(struct world *w)
{
	wr32(w, GITS_CWRITER, w->tail);
}

uint32_t run(struct world *w, struct words cmd)
{
	uint64_t before = w->nr_commands;

	push(w, cmd);
	kick(w);
	assert_int_equal(w->nr_commands, before + 1);
	assert_int_equal(rd32(w, GITS_CREADR), w->tail);
	return w->result == VITS_DONE ? 0 : w->code;
}

void run_expect(struct world *w, struct words cmd, enum vits_result result, uint32_t code,
		const char *file, int line)
{
	uint64_t effects = w->nr_updates;
	uint32_t got = run(w, cmd);

	if (w->result != result || got != code) {
		print_error("command %02x: result %d code %06x\n", (unsigned)cmd_opcode(cmd.w),
			    (int)w->result, got);
		_fail(file, line);
	}
	if (result != VITS_DONE && w->nr_updates != effects)
		_fail(file, line);
}

void expect_update_at(struct world *w, const struct vits_lpi_update *want, const char *file,
		      int line)
{
	const struct vits_lpi_update *got = &w->log[w->log_next];

	if (w->log_next == w->nr_log) {
		print_error("no step, wanted op %d\n", (int)want->op);
		_fail(file, line);
	}
	w->log_next++;
	if (got->op != want->op || got->assigned != want->assigned || got->intid != want->intid ||
	    got->vcpu != want->vcpu) {
		print_error("step: op %d assigned %d intid %u vcpu %u\n", (int)got->op,
			    got->assigned, got->intid, got->vcpu);
		_fail(file, line);
	}
}

void expect_no_more_updates_at(struct world *w, const char *file, int line)
{
	if (w->log_next != w->nr_log) {
		print_error("step: op %d intid %u\n", (int)w->log[w->log_next].op,
			    w->log[w->log_next].intid);
		_fail(file, line);
	}
}

void forget_updates(struct world *w)
{
	w->nr_log = 0;
	w->log_next = 0;
}

uint32_t translated(struct world *w, size_t function, uint32_t eventid)
{
	struct vits_lpi lpi;

	if (vits_translate(w->v, function, eventid, &lpi) != VITS_MSI_DELIVER)
		return 0;
	return lpi.intid;
}

void expect_msi_at(struct world *w, size_t function, uint32_t eventid, const struct vits_lpi *want,
		   int line)
{
	struct vits_lpi got = { 0 };
	enum vits_msi outcome = vits_translate(w->v, function, eventid, &got);

	if (outcome != VITS_MSI_DELIVER || got.intid != want->intid || got.vcpu != want->vcpu) {
		print_error("line %d: msi outcome %d intid %u vcpu %u\n", line, (int)outcome,
			    got.intid, got.vcpu);
		fail();
	}
}

struct vits_stats world_stats(struct world *w)
{
	struct vits_stats stats;

	vits_stats_get(w->v, &stats);
	return stats;
}
