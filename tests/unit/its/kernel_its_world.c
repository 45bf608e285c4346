// SPDX-License-Identifier: MIT
/*
 * The kernel ITS and all that it needs, without KVM.
 */
#include "tests/unit/its/kernel_its_world.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "vmm/base/bits.h"
#include "vmm/kvm/gic.h"
#include "vmm/kvm/layout.h"

#define RAM_SZ (2 * MiB)

static void on_retry_due(void *ctx)
{
	struct world *w = ctx;

	w->nr_retries_due++;
}

static void on_failed(void *ctx, const char *why)
{
	struct world *w = ctx;

	assert(why && why[0]);
	(void)snprintf(w->why, sizeof(w->why), "%s", why);
	w->nr_failed++;
}

/* Says the header: no lock is held. So this must not hang. */
static void on_deferred_changed(void *ctx)
{
	struct world *w = ctx;

	(void)kernel_its_defers(w->its, 0, 0);
	w->nr_deferred_changed++;
}

struct world *world_bare(uint32_t nr_events)
{
	struct world *w = calloc(1, sizeof(*w));
	int r;

	assert(w);
	assert(nr_events <= WORLD_EVENTS);
	fake_kvm_init(&w->fake);
	kvm_its_model_init(&w->model, &w->fake);
	w->functions[0] = (struct kernel_its_function){ 0, nr_events };
	w->functions[1] = (struct kernel_its_function){ 0, 4 };
	w->functions[2] = (struct kernel_its_function){ 1, 8 };
	r = vm_init_with(&w->vm, &w->fake.sys, &w->failure);
	if (!r)
		r = gmem_init(&w->mem, LAYOUT_RAM, RAM_SZ);
	if (!r)
		r = vm_set_slot(&w->vm, VM_SLOT_RAM, LAYOUT_RAM, RAM_SZ, w->mem.banks[0].va, false);
	if (!r)
		r = gic_create(&w->vm, &w->gic, &w->failure);
	if (!r)
		r = vcpus_create(&w->vm, &w->bus, WORLD_VCPUS, &w->vcpus, &w->failure);
	assert(!r);
	return w;
}

int world_create_its(struct world *w)
{
	const struct kernel_its_config config = {
		.vm = &w->vm,
		.mem = &w->mem,
		.vcpus = w->vcpus,
		.gic = w->gic,
		.nr_vcpus = WORLD_VCPUS,
		.functions = w->functions,
		.nr_functions = WORLD_FUNCTIONS,
		.retry_due = on_retry_due,
		.failed = on_failed,
		.deferred_changed = on_deferred_changed,
		.ctx = w,
	};

	return kernel_its_create(&config, &w->its, &w->failure);
}

int world_start_its(struct world *w)
{
	int r = gic_start(&w->vm, w->gic, WORLD_VCPUS, &w->failure);

	if (!r)
		r = kernel_its_start(w->its, &w->failure);
	w->started = !r;
	return r;
}

struct world *world_new(uint32_t nr_events)
{
	struct world *w = world_bare(nr_events);
	int r = world_create_its(w);

	assert(!r);
	r = world_start_its(w);
	assert(!r);
	return w;
}

void world_free(struct world *w)
{
	if (w->started)
		world_check(w);
	vcpus_destroy(w->vcpus);
	kernel_its_destroy(w->its);
	(void)close(w->gic);
	vm_fini(&w->vm);
	gmem_fini(&w->mem);
	kvm_its_model_fini(&w->model);
	fake_kvm_fini(&w->fake);
	free(w);
}

/* ---- the guest ------------------------------------------------------------------- */

void world_set_propbaser(struct world *w, unsigned id_bits)
{
	fake_kvm_set_propbaser(&w->fake, id_bits ? WORLD_PROPERTIES | (id_bits - 1) : 0);
}

void world_set_pendbaser(struct world *w, uint32_t vcpu, bool readable)
{
	fake_kvm_set_pendbaser(&w->fake, vcpu, readable ? WORLD_PENDING(vcpu) : 0);
}

void world_enable_lpis(struct world *w, uint32_t vcpu, bool on)
{
	kvm_its_model_enable_lpis(&w->model, vcpu, on);
}

void world_set_up_lpis(struct world *w)
{
	world_set_propbaser(w, 16);
	for (uint32_t i = 0; i < WORLD_VCPUS; i++) {
		world_set_pendbaser(w, i, true);
		world_enable_lpis(w, i, true);
	}
}

void world_configure(struct world *w, uint32_t intid, bool enabled)
{
	uint8_t byte = enabled;
	int r = gmem_write(&w->mem, WORLD_PROPERTIES + intid - VITS_LPI_BASE, &byte, 1);

	assert(!r);
}

/* ---- updates ---------------------------------------------------------------------- */

static void apply(struct world *w, uint32_t function, const struct vits_lpi_update *e)
{
	struct vits_lpi_update update = *e;

	/* The function's index in its own ITS. */
	for (uint32_t i = 0; i < function; i++)
		update.function += w->functions[i].its == w->functions[function].its;
	kernel_its_update(w->its, w->functions[function].its, &update);
}

static struct world_event *event_of(struct world *w, uint32_t function, uint32_t eventid)
{
	assert(function < WORLD_FUNCTIONS);
	assert(eventid < w->functions[function].nr_events);
	return &w->events[function][eventid];
}

void world_map(struct world *w, uint32_t function, uint32_t eventid, uint32_t intid, uint32_t vcpu)
{
	struct world_event *event = event_of(w, function, eventid);
	const struct vits_lpi_update e = { .op = VITS_LPI_MAP,
					   .assigned = true,
					   .eventid = eventid,
					   .intid = intid,
					   .vcpu = vcpu };

	assert(!event->assigned);
	assert(!w->owner[intid - VITS_LPI_BASE]);
	*event = (struct world_event){ .assigned = true, .intid = intid, .vcpu = vcpu };
	w->owner[intid - VITS_LPI_BASE] = (uint8_t)(function + 1);
	apply(w, function, &e);
}

void world_update(struct world *w, int op, uint32_t function, uint32_t eventid)
{
	struct world_event *event = event_of(w, function, eventid);
	const struct vits_lpi_update e = { .op = (enum vits_lpi_op)op,
					   .assigned = true,
					   .eventid = eventid,
					   .intid = event->intid,
					   .vcpu = event->vcpu };

	assert(event->assigned);
	apply(w, function, &e);
	if (op == VITS_LPI_RAISE || op == VITS_LPI_CLEAR)
		event->raised =
			op == VITS_LPI_RAISE && kernel_its_defers(w->its, function, eventid);
	if (op == VITS_LPI_UNMAP || op == VITS_LPI_DETACH) {
		w->owner[event->intid - VITS_LPI_BASE] = 0;
		*event = (struct world_event){ 0 };
	}
}

void world_move(struct world *w, uint32_t function, uint32_t eventid, uint32_t vcpu)
{
	event_of(w, function, eventid)->vcpu = vcpu;
	world_update(w, VITS_LPI_MOVE, function, eventid);
}

void world_update_other(struct world *w, int op, unsigned its, uint32_t intid, uint32_t vcpu)
{
	const struct vits_lpi_update e = { .op = (enum vits_lpi_op)op,
					   .devid = 0x999,
					   .eventid = 1,
					   .intid = intid,
					   .vcpu = vcpu };
	uint8_t owner = w->owner[intid - VITS_LPI_BASE];

	assert(!owner || w->functions[owner - 1].its != its);
	kernel_its_update(w->its, its, &e);
}

void world_invall(struct world *w, uint32_t vcpu)
{
	const struct vits_lpi_update e = { .op = VITS_INVALL, .vcpu = vcpu };

	kernel_its_update(w->its, 0, &e);
}

void world_movall(struct world *w, uint32_t from, uint32_t to)
{
	const struct vits_lpi_update e = { .op = VITS_MOVALL, .vcpu = to, .vcpu_from = from };

	for (uint32_t f = 0; f < WORLD_FUNCTIONS; f++)
		for (uint32_t i = 0; i < w->functions[f].nr_events; i++)
			if (w->events[f][i].assigned && w->events[f][i].vcpu == from)
				w->events[f][i].vcpu = to;
	kernel_its_update(w->its, 0, &e);
}

void world_commit(struct world *w)
{
	kernel_its_commit(w->its);
}

void world_retry(struct world *w)
{
	kernel_its_retry(w->its);
}

static unsigned nr_waiting(struct world *w)
{
	unsigned nr = 0;

	for (uint32_t f = 0; f < WORLD_FUNCTIONS; f++)
		for (uint32_t i = 0; i < w->functions[f].nr_events; i++)
			nr += w->events[f][i].raised && kernel_its_defers(w->its, f, i);
	return nr;
}

void world_nothing_is_owed(struct world *w)
{
	unsigned nr = nr_waiting(w);

	world_retry(w);
	assert(nr_waiting(w) == nr);
}

int world_signal(struct world *w, uint32_t function, uint32_t eventid)
{
	struct world_event *event = event_of(w, function, eventid);
	bool defers = kernel_its_defers(w->its, function, eventid);
	int r = kernel_its_signal(w->its, function, eventid);

	assert(!defers || r == 1);
	assert(event->assigned || r <= 0);
	event->raised = event->raised || (defers && kernel_its_defers(w->its, function, eventid));
	return r;
}

/* ---- looking ------------------------------------------------------------------------ */

static const struct model_ite *find(struct world *w, uint32_t function, uint32_t eventid)
{
	return kvm_its_model_find(&w->model, kernel_its_devid(function, eventid),
				  kernel_its_eventid(eventid));
}

bool world_mapped(struct world *w, uint32_t function, uint32_t eventid)
{
	return find(w, function, eventid);
}

bool world_pending(struct world *w, uint32_t intid)
{
	return kvm_its_model_lpi(&w->model, intid)->pending;
}

uint32_t world_nr_mapped(struct world *w)
{
	return w->model.nr_ites;
}

static void check_event(struct world *w, uint32_t function, uint32_t eventid)
{
	struct world_event *event = &w->events[function][eventid];
	const struct model_ite *ite = find(w, function, eventid);
	bool defers = kernel_its_defers(w->its, function, eventid);

	if (!event->assigned || defers) {
		assert(!ite);
		assert(event->assigned || !defers);
		return;
	}
	assert(ite);
	assert(ite->intid == event->intid);
	assert(ite->icid == event->vcpu);
	assert(kvm_its_model_lpi(&w->model, event->intid)->vcpu == event->vcpu);
	/* What was raised while the mapping was deferred came with it. */
	assert(!event->raised || world_pending(w, event->intid));
	event->raised = false;
}

/* Everything mapped is an event's of a function, as checked above, or a scratch event. */
static void check_mapping(struct world *w, const struct model_ite *ite)
{
	uint32_t function = ite->devid / KERNEL_ITS_FUNCTION_DEVICES;
	uint32_t eventid =
		ite->devid % KERNEL_ITS_FUNCTION_DEVICES * KERNEL_ITS_DEVICE_EVENTS + ite->eventid;
	uint8_t owner = w->owner[ite->intid - VITS_LPI_BASE];

	assert(ite->eventid < KERNEL_ITS_DEVICE_EVENTS);
	assert(function <= WORLD_FUNCTIONS);
	if (function < WORLD_FUNCTIONS) {
		assert(eventid < w->functions[function].nr_events);
		assert(w->events[function][eventid].assigned);
		return;
	}
	assert(eventid == ite->intid % 256);
	/* It gives its LPI up when the mapping of the event that wants it is made. */
	for (uint32_t i = 0; owner && i < w->functions[owner - 1].nr_events; i++) {
		const struct world_event *event = &w->events[owner - 1][i];

		assert(!event->assigned || event->intid != ite->intid ||
		       kernel_its_defers(w->its, owner - 1u, i));
	}
}

void world_check(struct world *w)
{
	if (w->model.broken[0])
		fprintf(stderr, "broken: %s\n", w->model.broken);
	assert(!w->model.broken[0]);
	assert(w->model.enabled);
	if (w->nr_failed)
		return;
	for (uint32_t i = 0; i < WORLD_VCPUS; i++)
		assert(w->model.mapped[i] && w->model.target[i] == i);
	assert(w->model.creadr == w->model.cwriter);
	for (uint32_t f = 0; f < WORLD_FUNCTIONS; f++)
		for (uint32_t i = 0; i < w->functions[f].nr_events; i++)
			check_event(w, f, i);
	for (uint32_t i = 0; i < w->model.nr_ites; i++)
		check_mapping(w, &w->model.ites[i]);
	for (uint32_t n = 0; n < VITS_MAX_LPIS; n++)
		assert(w->model.lpis[n].nr_ites <= 1);
}
