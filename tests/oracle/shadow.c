// SPDX-License-Identifier: MIT
/*
 * vits as an ITS that scripts can be played on.
 */
#include "tests/oracle/shadow.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

static int side_mem_read(void *ctx, uint64_t gpa, void *buf, size_t len)
{
	struct shadow_side *side = ctx;

	return ram_read(&side->ram, gpa, buf, len);
}

static int side_mem_write(void *ctx, uint64_t gpa, const void *buf, size_t len)
{
	struct shadow_side *side = ctx;

	return ram_write(&side->ram, gpa, buf, len);
}

static void side_update(void *ctx, const struct vits_lpi_update *update)
{
	struct shadow_side *side = ctx;

	backend_update(&side->backend, update);
}

static void side_commit(void *ctx)
{
	struct shadow_side *side = ctx;

	backend_commit(&side->backend);
}

static bool side_claim(void *ctx, uint32_t intid)
{
	struct shadow_side *side = ctx;

	return backend_claim(&side->backend, intid);
}

static void side_release(void *ctx, uint32_t intid)
{
	struct shadow_side *side = ctx;

	backend_release(&side->backend, intid);
}

static void side_more(void *ctx)
{
	struct shadow_side *side = ctx;

	side->more = true;
}

static void side_trace(void *ctx, const uint64_t cmd[4], enum vits_result result, uint32_t code)
{
	static const enum model_result results[] = {
		[VITS_DONE] = MODEL_DONE,
		[VITS_SKIP] = MODEL_SKIP,
		[VITS_STALL] = MODEL_STALL,
	};
	struct shadow_side *side = ctx;

	(void)cmd;
	assert(side->nr_outcomes < MODEL_QUEUE);
	side->outcomes[side->nr_outcomes++] = (struct model_outcome){ results[result], code };
}

static const struct vits_ops ops = {
	.mem_read = side_mem_read,
	.mem_write = side_mem_write,
	.update = side_update,
	.commit = side_commit,
	.claim = side_claim,
	.release = side_release,
	.more = side_more,
	.trace = side_trace,
};

static uint64_t port_read(void *ctx, uint32_t offset)
{
	struct shadow_side *side = ctx;

	return vits_mmio_read(side->v, offset, offset == GITS_CTLR ? 4 : 8);
}

static void run_left(struct shadow_side *side)
{
	while (side->more) {
		side->more = false;
		vits_run(side->v);
	}
}

static void port_write(void *ctx, uint32_t offset, uint64_t value)
{
	struct shadow_side *side = ctx;

	vits_mmio_write(side->v, offset, offset == GITS_CTLR ? 4 : 8, value);
	run_left(side);
}

static enum msi_outcome msi_outcome(enum vits_msi outcome)
{
	static const enum msi_outcome outcomes[] = {
		[VITS_MSI_DELIVER] = MSI_DELIVERED,
		[VITS_MSI_DISABLED] = MSI_DISABLED,
		[VITS_MSI_BEYOND_SHADOW] = MSI_BEYOND,
		[VITS_MSI_UNMAPPED] = MSI_UNMAPPED,
	};

	return outcomes[outcome];
}

/* Only functions can signal; a script names no others. */
static enum msi_outcome port_msi(void *ctx, uint32_t devid, uint32_t eventid)
{
	struct shadow_side *side = ctx;
	struct vits_lpi lpi;
	enum vits_msi outcome;

	for (size_t i = 0; i < side->config.nr_functions; i++) {
		if (side->functions[i].devid != devid)
			continue;
		outcome = vits_translate(side->v, i, eventid, &lpi);
		if (outcome == VITS_MSI_DELIVER)
			backend_signal(&side->backend, (uint32_t)i, eventid, &lpi);
		return msi_outcome(outcome);
	}
	return MSI_UNMAPPED;
}

static void port_reset(void *ctx)
{
	struct shadow_side *side = ctx;

	vits_reset(side->v);
}

static int make_vits(struct shadow_side *side);

/*
 * Another vits takes the place of this one. What cannot be saved, for ITTs lie
 * over each other, goes on as it is.
 */
static void port_save(void *ctx)
{
	struct shadow_side *side = ctx;
	struct vits_state state;
	int r = vits_save(side->v, &state);

	if (r < 0)
		return;
	vits_destroy(side->v);
	side->v = NULL;
	backend_forget_events(&side->backend);
	r = make_vits(side);
	if (r == 0)
		r = vits_restore(side->v, &state);
	if (r < 0)
		side->backend.broken = "a saved state could not be restored";
	vits_state_fini(&state);
	run_left(side);
}

static const struct port port = { port_read, port_write, port_msi, port_reset, port_save };

static int make_vits(struct shadow_side *side)
{
	return vits_create(&side->config, &ops, side, &side->v);
}

static void configure(struct shadow_side *side, const struct script *script)
{
	side->config = (struct vits_config){
		.nr_vcpus = (uint32_t)script->cfg[CFG_VCPUS],
		.devid_bits = (uint32_t)script->cfg[CFG_DEVID_BITS],
		.eventid_bits = (uint32_t)script->cfg[CFG_EVENTID_BITS],
		.nr_lpis = (uint32_t)script->cfg[CFG_LPIS],
		.on_error = script->cfg[CFG_STALL] ? VITS_ON_ERROR_STALL : VITS_ON_ERROR_SKIP,
		.functions = side->functions,
		.nr_functions = script->nr_functions,
	};
	for (size_t i = 0; i < script->nr_functions; i++)
		side->functions[i] = (struct vits_function){
			.devid = script->functions[i].devid,
			.nr_events = script->functions[i].nr_events,
		};
	side->backend.ram = &side->ram;
	side->backend.nr_vcpus = side->config.nr_vcpus;
	side->backend.nr_lpis = side->config.nr_lpis;
	side->backend.foreign = (uint32_t)script->cfg[CFG_FOREIGN];
}

int shadow_side_create(const struct script *script, struct shadow_side **ret_side)
{
	struct shadow_side *side = calloc(1, sizeof(*side));
	int r;

	if (!side)
		return -ENOMEM;
	side->guest.port = &port;
	side->guest.ctx = side;
	side->guest.ram = &side->ram;
	configure(side, script);
	r = ram_init(&side->ram);
	if (r == 0)
		r = make_vits(side);
	if (r < 0) {
		shadow_side_destroy(side);
		return r;
	}
	*ret_side = side;
	return 0;
}

void shadow_side_destroy(struct shadow_side *side)
{
	if (!side)
		return;
	vits_destroy(side->v);
	ram_fini(&side->ram);
	free(side);
}

void shadow_side_begin(struct shadow_side *side, const struct script *script,
		       const struct universe *universe)
{
	vits_reset(side->v);
	ram_clear(&side->ram);
	backend_reset(&side->backend);
	side->more = false;
	side->nr_outcomes = 0;
	guest_begin(&side->guest, script, universe);
}

void shadow_side_save_tables(struct shadow_side *side)
{
	struct vits_state state = { 0 };
	int r = vits_save(side->v, &state);

	/* -EFAULT: ITTs lie over each other. What could be written was. */
	if (r != 0 && r != -EFAULT)
		side->backend.broken = "a state could not be saved";
	vits_state_fini(&state);
}

struct model_msi shadow_side_translate(struct shadow_side *side, size_t function, uint32_t eventid)
{
	struct vits_lpi lpi = { 0 };
	enum vits_msi outcome = vits_translate(side->v, function, eventid, &lpi);

	return (struct model_msi){ msi_outcome(outcome), lpi.intid, lpi.vcpu };
}

uint64_t shadow_side_reg(struct shadow_side *side, uint32_t offset)
{
	uint64_t value = port_read(side, offset);

	return value & model_reg_mask(offset, value);
}

struct dte shadow_side_dte(struct shadow_side *side, uint32_t devid)
{
	uint64_t gpa;

	if (!abi_slot(&side->ram, port_read(side, GITS_BASER(0)), devid, &gpa))
		return (struct dte){ .valid = false };
	return abi_dte(ram_get64(&side->ram, gpa));
}

struct cte shadow_side_cte(struct shadow_side *side, uint32_t icid)
{
	uint64_t gpa;

	if (!abi_slot(&side->ram, port_read(side, GITS_BASER(1)), icid, &gpa))
		return (struct cte){ .valid = false };
	return abi_cte(ram_get64(&side->ram, gpa));
}

struct ite shadow_side_ite(struct shadow_side *side, uint64_t itt, uint32_t eventid)
{
	return abi_ite(ram_get64(&side->ram, guest_itt(itt) + (uint64_t)eventid * 8));
}
