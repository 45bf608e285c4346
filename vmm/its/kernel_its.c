// SPDX-License-Identifier: MIT
/*
 * The kernel ITS. IHI 0069 5.3 for the commands;
 * Documentation/virt/kvm/devices/arm-vgic-its.rst for the attributes;
 * linux arch/arm64/kvm/vgic/vgic-its.c for what a command really does there.
 *
 * What the kernel's ITS does and this file minds:
 *  - A command's error is dropped: everything is checked before it is staged.
 *  - A mapping is refused, silently, while the guest has not given PROPBASER, or
 *    PENDBASER of the target, memory that can be read. Such a mapping is *deferred*:
 *    kept in a list and tried again at each pause, and when its MSI comes. Once
 *    that has come it *waits* for EnableLPIs as well, without which it would be
 *    lost, and is tried again when a vCPU's are switched (kernel_its_retry()). The
 *    guest's redistributors hand its tables over with EnableLPIs, so that nothing
 *    else that a guest does makes an interrupt go on that waits, but a command.
 *  - An LPI that is pending keeps its object, target and all, over DISCARD and
 *    MAPTI: so MAPTI is followed by MOVI to the same collection and INV.
 *  - A collection is never unmapped (MAPC V=0 would wedge its events for good).
 *  - MOVALL takes the LPIs of all vCPUs along, not of one (Linux 6.10 and later):
 *    it is done by MOVI of each LPI instead. Choice: so what is pending of an event
 *    that MAPC V=0 left without a target stays pending where it is, and is not lost:
 *    KVM moves what is mapped only. Drivers move events first, then unmap.
 *  - One LPI is never mapped twice: the vITS sees to it for assigned events, and the
 *    scratch device gives an LPI up before an assigned event takes it.
 *  - Attributes answer -EBUSY unless all vCPUs are out: see vmm/kvm/vcpu.h. What they
 *    refuse besides is a failure of the host, never something of the guest's.
 *
 * Lock order:
 *   lock               (everything below; not held between the updates of a batch)
 *       vcpus.lock     (taken by vcpus_pause())
 *
 * Between two updates of a batch, with the vCPUs paused and `lock` free, vector_routes.lock is
 * waited for (struct vits_set_config, unmaps), and its holders may wait for `lock`. So who holds
 * `lock` never waits for a pause that is ours already (`paused`), and nobody who has paused the
 * vCPUs for something else takes one of the two: tests/model/pause.pml.
 */
#include "vmm/its/kernel_its.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "vitsmod/gits.h"
#include "vmm/base/bits.h"
#include "vmm/base/bitset.h"
#include "vmm/its/deferred.h"
#include "vmm/its/kernel_queue.h"
#include "vmm/its/lpi_tables.h"
#include "vmm/its/lpimap.h"
#include "vmm/kvm/kvm_arm64.h"
#include "vmm/kvm/layout.h"

/* Commands that one update needs at the most. */
#define UPDATE_COMMANDS 8u

/* Deferred mappings that a pause tries again, for a guest can have tens of thousands. */
#define RETRY_DEFERRED 1024u

/* LPIs of no function that the kernel ITS knows, and that can be pending, at a time. */
#define SCRATCH_EVENTS 256u

_Static_assert(LAYOUT_KERNEL_ITS_FRAME % (64 * KiB) == 0, "KVM wants the frame 64 KiB aligned");
_Static_assert(LAYOUT_KERNEL_ITS_FRAME + GITS_FRAME_SZ <= LAYOUT_KERNEL_ITS_MEM,
	       "slots do not overlap");
_Static_assert(LAYOUT_KERNEL_ITS_MEM + KERNEL_MEM_SZ <= LAYOUT_RAM, "slots do not overlap");

/* The functions of each of the guest's ITSs, in their order there, by their index in the
 * configuration. */
struct function_map {
	uint16_t index[KERNEL_ITS_MAX_ITS][KERNEL_ITS_MAX_FUNCTIONS];
	uint16_t nr[KERNEL_ITS_MAX_ITS];
};

struct kernel_its {
	/* Constant after kernel_its_start(). */
	struct kernel_its_config cfg;
	int its;
	uint8_t *frame; /* PROT_NONE */
	/* Here "devid" is a function's index, and the scratch events' is the next one. */
	struct function_map functions;
	uint32_t scratch_devid;

	pthread_mutex_t lock;
	bool paused;
	struct kernel_queue queue;
	struct lpi_tables tables; /* what is read of them at most once a pause */
	uint8_t assigned[BITSET_BYTES(
		VITS_MAX_LPIS)];	  /* n: an assigned event has the LPI 8192 + n */
	uint32_t scratch[SCRATCH_EVENTS]; /* INTID that scratch event i maps; 0: none */
	struct lpimap map;
	struct deferred_set deferred;
	/* Any thread reads it. One that is staged counts until the kernel has it. */
	_Atomic bool any_deferred;
	size_t deferred_next; /* the next to be tried again */
	bool retry_due;	      /* one that waits may go on, and has not been tried since */
	bool broken;	      /* the host has failed; nothing is sent any more */

	_Atomic uint64_t pauses, commands, total_deferred, not_ready, table_writes;
};

static void function_map_add(struct function_map *map, unsigned its, uint32_t index)
{
	map->index[its][map->nr[its]++] = (uint16_t)index;
}

static uint32_t function_index(const struct function_map *map, unsigned its, uint32_t function)
{
	assert(its < KERNEL_ITS_MAX_ITS);
	assert(function < map->nr[its]);

	return map->index[its][function];
}

size_t kernel_its_function_of(const struct kernel_its *s, unsigned its, uint32_t function)
{
	return function_index(&s->functions, its, function);
}

static void count(_Atomic uint64_t *counter, uint64_t by)
{
	atomic_fetch_add_explicit(counter, by, memory_order_relaxed);
}

/* ---- pauses: vCPUs are out of KVM, commands are staged, then run -------- */

static int its_set(const struct kernel_its *s, uint64_t reg, uint64_t value)
{
	return vm_device_set(s->cfg.vm, s->its, KVM_DEV_ARM_VGIC_GRP_ITS_REGS, reg, &value);
}

static void begin_pause(struct kernel_its *s)
{
	if (s->paused)
		return;
	vcpus_pause(s->cfg.vcpus);
	s->paused = true;
	count(&s->pauses, 1);
	lpi_tables_forget(&s->tables);
}

static void end_pause(struct kernel_its *s)
{
	if (!s->paused)
		return;
	s->paused = false;
	vcpus_resume(s->cfg.vcpus);
}

/* The guest cannot go on: told once. */
static void fail(struct kernel_its *s, const char *why)
{
	if (s->broken)
		return;
	s->broken = true;
	s->cfg.failed(s->cfg.ctx, why);
}

/* Have the kernel run what is staged. */
static void flush(struct kernel_its *s)
{
	char why[96];
	int r;

	if (s->broken)
		s->queue.nr_staged = 0; /* there is always room for more */
	if (!s->queue.nr_staged)
		return;
	begin_pause(s);
	r = its_set(s, GITS_CWRITER, s->queue.cwriter);
	count(&s->commands, s->queue.nr_staged);
	s->queue.nr_staged = 0;
	if (r < 0) {
		(void)snprintf(why, sizeof(why), "the kernel's ITS refused commands (%s)",
			       strerror(-r));
		fail(s, why);
	}
}

/* Make room for the commands of one more update. */
static void make_room(struct kernel_its *s)
{
	if (kernel_queue_room(&s->queue) < UPDATE_COMMANDS)
		flush(s);
}

/* ---- is the guest ready for a mapping? ---------------------------------- */

/* False, too, where the host has failed, and is told to have. */
static bool lpi_ready(struct kernel_its *s, uint32_t intid, uint32_t vcpu)
{
	char why[112];
	int r;

	if (s->broken)
		return false;
	begin_pause(s);
	r = lpi_tables_ready(&s->tables, intid, vcpu);
	if (r < 0) {
		(void)snprintf(why, sizeof(why),
			       "KVM does not tell what the redistributor of vCPU %u holds (%s)",
			       s->tables.refused, strerror(-r));
		fail(s, why);
	}
	return r > 0;
}

/* ---- what the kernel ITS maps ------------------------------------------- */

/* MOVI of an LPI that is mapped. */
static void move_in_kernel(struct kernel_its *s, uint32_t intid, uint32_t vcpu)
{
	struct lpimap_entry *m = lpimap_find(&s->map, intid);

	assert(m);
	m->vcpu = (uint16_t)vcpu;
	kernel_queue_move(&s->queue, m->devid, m->eventid, vcpu);
}

static void move_all_in_kernel(struct kernel_its *s, uint32_t from, uint32_t to)
{
	for (uint32_t i = 0; i < s->map.nr; i++) {
		uint32_t intid = lpimap_intid(&s->map, i);

		if (lpimap_find(&s->map, intid)->vcpu != from)
			continue;
		make_room(s);
		move_in_kernel(s, intid, to);
	}
}

/* ---- deferred mappings ------------------------------------------------------ */

static void map_in_kernel(struct kernel_its *s, const struct deferred *o)
{
	uint32_t slot = o->intid % SCRATCH_EVENTS;

	if (s->scratch[slot] == o->intid) {
		kernel_queue_event(&s->queue, GITS_CMD_DISCARD, s->scratch_devid, slot);
		s->scratch[slot] = 0;
	}
	kernel_queue_map(&s->queue, o->devid, o->eventid, o->intid, o->vcpu);
	(void)lpimap_set(&s->map, o->intid, o->devid, o->eventid);
	move_in_kernel(s, o->intid, o->vcpu);
	kernel_queue_event(&s->queue, GITS_CMD_INV, o->devid, o->eventid);
	if (o->pending)
		kernel_queue_event(&s->queue, GITS_CMD_INT, o->devid, o->eventid);
}

/* The guest may have set up its tables since. True: it is deferred no longer. */
static bool try_deferred(struct kernel_its *s, struct deferred *o)
{
	/* The kernel makes nothing pending while the target has its LPIs off. */
	if (!lpi_ready(s, o->intid, o->vcpu) || (o->pending && !lpi_tables_on(&s->tables, o->vcpu)))
		return false;
	make_room(s);
	map_in_kernel(s, o);
	deferred_drop(&s->deferred, o);
	return true;
}

/* Try as many of them, in turn. */
static void retry_deferred(struct kernel_its *s, size_t most)
{
	for (size_t left = s->deferred.nr < most ? s->deferred.nr : most; left; left--) {
		if (s->deferred_next >= s->deferred.nr)
			s->deferred_next = 0;
		if (!try_deferred(s, &s->deferred.list[s->deferred_next]))
			s->deferred_next++;
	}
}

/* ---- updates of assigned events --------------------------------------------- */

static void assigned_map(struct kernel_its *s, uint32_t devid, const struct vits_lpi_update *e)
{
	const struct deferred o = { devid, e->eventid, e->intid, e->vcpu, false };

	if (lpi_ready(s, e->intid, e->vcpu)) {
		map_in_kernel(s, &o);
		return;
	}
	deferred_add(&s->deferred, &o);
	atomic_store(&s->any_deferred, true);
	count(&s->total_deferred, 1);
}

static void assigned_unmap(struct kernel_its *s, uint32_t devid, const struct vits_lpi_update *e)
{
	if (e->op == VITS_LPI_UNMAP)
		kernel_queue_event(&s->queue, GITS_CMD_CLEAR, devid, e->eventid);
	kernel_queue_event(&s->queue, GITS_CMD_DISCARD, devid, e->eventid);
	lpimap_drop(&s->map, e->intid);
}

/* Where it goes LPIs may be on. */
static void move_deferred(struct kernel_its *s, struct deferred *o, uint32_t vcpu)
{
	o->vcpu = vcpu;
	s->retry_due |= o->pending;
}

static void update_deferred(struct kernel_its *s, struct deferred *o,
			    const struct vits_lpi_update *e)
{
	switch (e->op) {
	case VITS_LPI_MOVE:
		move_deferred(s, o, e->vcpu);
		break;
	case VITS_LPI_UNMAP:
	case VITS_LPI_DETACH:
		deferred_drop(&s->deferred, o);
		break;
	case VITS_LPI_CLEAR:
		deferred_set_pending(&s->deferred, o, false);
		break;
	case VITS_LPI_RAISE:
		deferred_set_pending(&s->deferred, o, true);
		s->retry_due = true;
		break;
	default:
		break; /* the configuration byte is read when it is mapped */
	}
}

static void update_assigned(struct kernel_its *s, uint32_t devid, const struct vits_lpi_update *e)
{
	struct deferred *o = s->deferred.nr ? deferred_find(&s->deferred, devid, e->eventid) : NULL;

	if (e->op == VITS_LPI_MAP)
		bitset_put(s->assigned, e->intid - VITS_LPI_BASE, true);
	if (e->op == VITS_LPI_UNMAP || e->op == VITS_LPI_DETACH)
		bitset_put(s->assigned, e->intid - VITS_LPI_BASE, false);
	if (o) {
		update_deferred(s, o, e);
		return;
	}

	switch (e->op) {
	case VITS_LPI_MAP:
		assigned_map(s, devid, e);
		break;
	case VITS_LPI_UNMAP:
	case VITS_LPI_DETACH:
		assigned_unmap(s, devid, e);
		break;
	case VITS_LPI_MOVE:
		move_in_kernel(s, e->intid, e->vcpu);
		break;
	case VITS_LPI_CLEAR:
		kernel_queue_event(&s->queue, GITS_CMD_CLEAR, devid, e->eventid);
		break;
	case VITS_LPI_INV:
		kernel_queue_event(&s->queue, GITS_CMD_INV, devid, e->eventid);
		break;
	case VITS_LPI_RAISE:
		kernel_queue_event(&s->queue, GITS_CMD_INT, devid, e->eventid);
		break;
	default:
		assert(!"not an update of an event");
	}
}

/* ---- updates of events that no function has ------------------------------------ */

/* Have scratch event `slot` map the LPI. False: the guest's LPI tables are not there. */
static bool scratch_map(struct kernel_its *s, const struct vits_lpi_update *e, uint32_t slot)
{
	if (s->scratch[slot] == e->intid)
		return true;
	if (!lpi_ready(s, e->intid, e->vcpu))
		return false;
	/*
	 * Choice: what is pending when its slot is needed by another LPI of no
	 * function is forgotten. KVM keeps an LPI that is pending after DISCARD,
	 * and sorts a vCPU's pending ones at each entry with interrupts off: all
	 * LPIs of a guest that takes none would be megabytes of the kernel's, and
	 * hold a CPU of the host for milliseconds at a time.
	 */
	if (s->scratch[slot]) {
		kernel_queue_event(&s->queue, GITS_CMD_CLEAR, s->scratch_devid, slot);
		kernel_queue_event(&s->queue, GITS_CMD_DISCARD, s->scratch_devid, slot);
	}
	kernel_queue_map(&s->queue, s->scratch_devid, slot, e->intid, e->vcpu);
	if (s->scratch[slot])
		lpimap_drop(&s->map, s->scratch[slot]);
	(void)lpimap_set(&s->map, e->intid, s->scratch_devid, slot);
	move_in_kernel(s, e->intid, e->vcpu);
	kernel_queue_event(&s->queue, GITS_CMD_INV, s->scratch_devid, slot);
	s->scratch[slot] = e->intid;
	return true;
}

static void update_scratch(struct kernel_its *s, const struct vits_lpi_update *e)
{
	uint32_t slot = e->intid % SCRATCH_EVENTS;

	/* An assigned event of another ITS has the LPI: a stray entry of this one's tables. */
	if (bitset_has(s->assigned, e->intid - VITS_LPI_BASE))
		return;
	if (!scratch_map(s, e, slot)) {
		count(&s->not_ready, 1);
		return;
	}
	switch (e->op) {
	case VITS_LPI_UNMAP:
		kernel_queue_event(&s->queue, GITS_CMD_CLEAR, s->scratch_devid, slot);
		kernel_queue_event(&s->queue, GITS_CMD_DISCARD, s->scratch_devid, slot);
		lpimap_drop(&s->map, e->intid);
		s->scratch[slot] = 0;
		break;
	case VITS_LPI_MOVE:
		move_in_kernel(s, e->intid, e->vcpu);
		break;
	case VITS_LPI_CLEAR:
		kernel_queue_event(&s->queue, GITS_CMD_CLEAR, s->scratch_devid, slot);
		break;
	case VITS_LPI_INV:
		kernel_queue_event(&s->queue, GITS_CMD_INV, s->scratch_devid, slot);
		break;
	case VITS_LPI_RAISE:
		/* The collection may have moved since the slot was mapped. */
		move_in_kernel(s, e->intid, e->vcpu);
		kernel_queue_event(&s->queue, GITS_CMD_INT, s->scratch_devid, slot);
		break;
	default:
		break; /* a mapping of no function exists in the guest's tables alone */
	}
}

void kernel_its_update(struct kernel_its *s, unsigned its, const struct vits_lpi_update *e)
{
	assert(e->vcpu < s->cfg.nr_vcpus);

	pthread_mutex_lock(&s->lock);
	make_room(s);
	if (e->op == VITS_INVALL) {
		kernel_queue_put(&s->queue,
				 &(struct gits_cmd){ .opcode = GITS_CMD_INVALL, .icid = e->vcpu });
	} else if (e->op == VITS_MOVALL) {
		assert(e->vcpu_from < s->cfg.nr_vcpus);
		for (size_t i = 0; i < s->deferred.nr; i++)
			if (s->deferred.list[i].vcpu == e->vcpu_from)
				move_deferred(s, &s->deferred.list[i], e->vcpu);
		move_all_in_kernel(s, e->vcpu_from, e->vcpu);
	} else if (e->assigned) {
		update_assigned(s, function_index(&s->functions, its, e->function), e);
	} else {
		update_scratch(s, e);
	}
	pthread_mutex_unlock(&s->lock);
}

/* Give the lock back, and tell what changed under it. */
static void unlock_and_tell(struct kernel_its *s)
{
	bool changed = s->deferred.changed && !s->paused;

	/* What is staged may have been deferred until just now. */
	if (!s->deferred.nr && !s->queue.nr_staged)
		atomic_store(&s->any_deferred, false);
	if (changed)
		s->deferred.changed = false;
	pthread_mutex_unlock(&s->lock);
	if (changed && s->cfg.deferred_changed)
		s->cfg.deferred_changed(s->cfg.ctx);
}

bool kernel_its_defers(struct kernel_its *s, size_t function, uint32_t eventid)
{
	bool defers;

	if (!atomic_load(&s->any_deferred))
		return false;
	pthread_mutex_lock(&s->lock);
	defers = deferred_find(&s->deferred, (uint32_t)function, eventid);
	pthread_mutex_unlock(&s->lock);
	return defers;
}

/* Is a batch under way, between two of its updates? Then its commit tries again. */
static bool is_staging(const struct kernel_its *s)
{
	return s->paused || s->queue.nr_staged;
}

void kernel_its_commit(struct kernel_its *s)
{
	pthread_mutex_lock(&s->lock);
	if (s->deferred.nr && is_staging(s)) {
		s->retry_due |= s->deferred.nr > RETRY_DEFERRED;
		retry_deferred(s, RETRY_DEFERRED);
	}
	flush(s);
	end_pause(s);
	if (s->retry_due && s->deferred.nr_pending)
		s->cfg.retry_due(s->cfg.ctx);
	s->retry_due = false;
	unlock_and_tell(s);
}

void kernel_its_retry(struct kernel_its *s)
{
	pthread_mutex_lock(&s->lock);
	if (s->deferred.nr_pending && !is_staging(s)) {
		retry_deferred(s, s->deferred.nr);
		flush(s);
		end_pause(s);
	}
	unlock_and_tell(s);
}

/* The kernel has no such mapping: is it one that is deferred? 1: it will be raised. */
static int signal_deferred(struct kernel_its *s, uint32_t devid, uint32_t eventid)
{
	struct deferred *o;

	pthread_mutex_lock(&s->lock);
	o = deferred_find(&s->deferred, devid, eventid);
	if (o)
		deferred_set_pending(&s->deferred, o, true);
	if (o && !is_staging(s)) {
		if (try_deferred(s, o))
			retry_deferred(s, RETRY_DEFERRED);
		flush(s);
		end_pause(s);
	}
	unlock_and_tell(s);
	return o ? 1 : 0;
}

int kernel_its_signal(struct kernel_its *s, size_t function, uint32_t eventid)
{
	const uint64_t doorbell = LAYOUT_KERNEL_ITS_FRAME + GITS_TRANSLATER;
	uint32_t device = kernel_its_devid(function, eventid), event = kernel_its_eventid(eventid);
	/* Asked first: right after the doorbell found nothing the last of them may be mapped. */
	bool any_deferred = atomic_load(&s->any_deferred);
	int r = vm_signal_msi(s->cfg.vm, doorbell, device, event);

	if (r || !any_deferred)
		return r;
	if (signal_deferred(s, (uint32_t)function, eventid))
		return 1;
	/* It may have been mapped while we looked. */
	return vm_signal_msi(s->cfg.vm, doorbell, device, event);
}

/* ---- what the guest tries ----------------------------------------------------------- */

static uint64_t table_read(void *ctx, uint64_t offset, unsigned len)
{
	(void)ctx, (void)offset, (void)len;
	return 0; /* a read-only slot answers reads by itself */
}

static void table_write(void *ctx, uint64_t offset, unsigned len, uint64_t value)
{
	struct kernel_its *s = ctx;

	(void)offset, (void)len, (void)value;
	count(&s->table_writes, 1);
}

int kernel_its_add_to_bus(struct kernel_its *s, struct bus *bus)
{
	const struct bus_region region = {
		.name = "kernel ITS tables",
		.base = LAYOUT_KERNEL_ITS_MEM,
		.size = KERNEL_MEM_SZ,
		.read = table_read,
		.write = table_write,
		.ctx = s,
	};

	return bus_add(bus, &region);
}

void kernel_its_stats_get(struct kernel_its *s, struct kernel_its_stats *ret_stats)
{
	*ret_stats = (struct kernel_its_stats){
		.pauses = s->pauses,
		.commands = s->commands,
		.deferred = s->total_deferred,
		.not_ready = s->not_ready,
		.table_writes = s->table_writes,
	};
}

/* ---- set-up ------------------------------------------------------------- */

static void kernel_its_destroyp(struct kernel_its **s)
{
	kernel_its_destroy(*s);
}

static int alloc_tables(struct kernel_its *s)
{
	uint32_t nr_events[KERNEL_ITS_MAX_FUNCTIONS];
	size_t nr = s->cfg.nr_functions;
	int r;

	for (size_t i = 0; i < nr; i++) {
		assert(s->cfg.functions[i].its < KERNEL_ITS_MAX_ITS);
		function_map_add(&s->functions, s->cfg.functions[i].its, (uint32_t)i);
		nr_events[i] = s->cfg.functions[i].nr_events;
	}
	s->cfg.functions = NULL;
	s->tables = (struct lpi_tables){
		.vm = s->cfg.vm,
		.mem = s->cfg.mem,
		.gic = s->cfg.gic,
		.mpidr = vcpus_mpidr(s->cfg.vcpus),
		.nr_vcpus = s->cfg.nr_vcpus,
	};
	r = lpi_tables_init(&s->tables);
	return r ? r : deferred_init(&s->deferred, nr_events, nr);
}

static int map_region(size_t size, int prot, uint8_t **ret_va)
{
	void *va = mmap(NULL, size, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (va == MAP_FAILED)
		return -errno;
	*ret_va = va;
	return 0;
}

/* The ITS, its address, and the two slots that seal it. */
static int place(struct kernel_its *s)
{
	uint64_t frame = LAYOUT_KERNEL_ITS_FRAME;
	int r;

	s->its = vm_create_device(s->cfg.vm, KVM_DEV_TYPE_ARM_VGIC_ITS);
	if (s->its < 0)
		return s->its;
	r = vm_device_set(s->cfg.vm, s->its, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_ITS_ADDR_TYPE,
			  &frame);
	if (!r)
		r = map_region(GITS_FRAME_SZ, PROT_NONE, &s->frame);
	if (!r)
		r = map_region(KERNEL_MEM_SZ, PROT_READ | PROT_WRITE, &s->queue.mem);
	/* A few pages of it are used: no huge one, alone or together with a neighbour. */
	if (!r)
		(void)madvise(s->queue.mem, KERNEL_MEM_SZ, MADV_NOHUGEPAGE);
	/* Read-write, or guest writes would pass the slot and reach the ITS. */
	if (!r)
		r = vm_set_slot(s->cfg.vm, VM_SLOT_KERNEL_ITS_FRAME, LAYOUT_KERNEL_ITS_FRAME,
				GITS_FRAME_SZ, s->frame, false);
	if (!r)
		r = vm_set_slot(s->cfg.vm, VM_SLOT_KERNEL_ITS_MEM, LAYOUT_KERNEL_ITS_MEM,
				KERNEL_MEM_SZ, s->queue.mem, true);
	return r;
}

int kernel_its_create(const struct kernel_its_config *config, struct kernel_its **ret_kernel_its,
		      struct failure *ret_failure)
{
	_cleanup_(kernel_its_destroyp) struct kernel_its *s = calloc(1, sizeof(*s));
	int r;

	assert(config->nr_functions <= KERNEL_ITS_MAX_FUNCTIONS);

	if (!s)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, ENOMEM, "kernel ITS", NULL,
				   "out of memory");
	s->cfg = *config;
	s->its = -1;
	s->scratch_devid = (uint32_t)config->nr_functions;
	pthread_mutex_init(&s->lock, NULL);
	r = alloc_tables(s);
	if (!r)
		r = place(s);
	if (r < 0)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, -r, "kernel ITS",
				   "use a host with KVM and a GICv3", "KVM refused it (%s)",
				   strerror(-r));
	*ret_kernel_its = TAKE_PTR(s);
	return 0;
}

void kernel_its_destroy(struct kernel_its *s)
{
	if (!s)
		return;
	cleanup_fd(&s->its);
	if (s->frame)
		(void)munmap(s->frame, GITS_FRAME_SZ);
	if (s->queue.mem)
		(void)munmap(s->queue.mem, KERNEL_MEM_SZ);
	pthread_mutex_destroy(&s->lock);
	lpi_tables_fini(&s->tables);
	deferred_fini(&s->deferred);
	free(s);
}

static int program(struct kernel_its *s)
{
	const uint64_t base = LAYOUT_KERNEL_ITS_MEM;
	const struct {
		uint64_t reg, value;
	} writes[] = {
		{ GITS_CBASER, GITS_CBASER_VALID | (base + KERNEL_QUEUE_AT) |
				       (KERNEL_QUEUE_SZ / GITS_CBASER_PAGE_SZ - 1) },
		{ GITS_BASER(0), GITS_BASER_VALID | (base + KERNEL_DEVICES_AT) |
					 (KERNEL_DEVICES_SZ / (64 * KiB) - 1) },
		{ GITS_BASER(1), GITS_BASER_VALID | (base + KERNEL_COLLECTIONS_AT) |
					 (KERNEL_COLLECTIONS_SZ / (64 * KiB) - 1) },
		{ GITS_CTLR, GITS_CTLR_ENABLED },
	};
	uint64_t ctlr = 0;
	int r = 0;

	for (size_t i = 0; !r && i < ARRAY_SIZE(writes); i++)
		r = its_set(s, writes[i].reg, writes[i].value);
	if (!r)
		r = vm_device_get(s->cfg.vm, s->its, KVM_DEV_ARM_VGIC_GRP_ITS_REGS, GITS_CTLR,
				  &ctlr);
	if (!r && !(ctlr & GITS_CTLR_ENABLED))
		r = -EIO; /* enabling is refused without a word where a table does not suit */
	return r;
}

int kernel_its_start(struct kernel_its *s, struct failure *ret_failure)
{
	int r = program(s);

	if (r < 0)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, -r, "kernel ITS",
				   failure_cure(-r, CURE_KERNEL_LOG),
				   "it does not take its tables (%s)", strerror(-r));

	pthread_mutex_lock(&s->lock);
	for (uint32_t i = 0; i < s->cfg.nr_vcpus; i++)
		kernel_queue_put(&s->queue, &(struct gits_cmd){
						    .opcode = GITS_CMD_MAPC,
						    .icid = i,
						    .rdbase = i,
						    .valid = true,
					    });
	flush(s);
	end_pause(s);
	r = s->broken ? -EIO : 0;
	pthread_mutex_unlock(&s->lock);
	if (r < 0)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, -r, "kernel ITS",
				   failure_cure(-r, CURE_KERNEL_LOG), "it does not take commands");
	return 0;
}
