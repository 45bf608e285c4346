// SPDX-License-Identifier: MIT
/*
 * The shadow of the functions that can send an MSI, and the translation of
 * their MSIs. IHI 0069 5.2 (translation), 5.3 (what commands do to events).
 *
 * No locks: one owner writes, translators read each event in one atomic load.
 */
#include "shadow.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "vits_priv.h"

/* An assigned event in one word, so that a translator sees all of it or nothing. */
#define EVENT_TRANSLATABLE BIT64(63)
#define EVENT_TARGETED	   BIT64(62)
#define EVENT_DETACHED	   BIT64(61)
#define EVENT_MAPPED	   BIT64(60)
#define EVENT_VCPU	   MASK64(57, 48)
#define EVENT_ICID	   MASK64(47, 32)
#define EVENT_INTID	   MASK64(31, 0)

_Static_assert(VITS_MAX_VCPUS <= 1024, "EVENT_VCPU is too narrow");

/* The assigned event that has an LPI. */
#define OWNER_VALID    MASK64(24, 24)
#define OWNER_FUNCTION MASK64(23, 16)
#define OWNER_EVENTID  MASK64(15, 0)

_Static_assert(VITS_MAX_FUNCTIONS <= 256, "OWNER_FUNCTION is too narrow");
_Static_assert(VITS_MAX_EVENTID_BITS <= 16, "OWNER_EVENTID is too narrow");

/*
 * Set-up
 */

/* Zeroed. NULL is always a failure, which calloc() does not promise for no elements. */
static void *new_array(size_t nr, size_t sz)
{
	return calloc(nr ? nr : 1, sz);
}

static int init_functions(struct shadow *shadow, const struct vits_config *config)
{
	shadow->functions = new_array(config->nr_functions, sizeof(*shadow->functions));
	shadow->by_devid = new_array(config->nr_functions, sizeof(*shadow->by_devid));
	if (!shadow->functions || !shadow->by_devid)
		return -ENOMEM;

	for (size_t i = 0; i < config->nr_functions; i++) {
		const struct vits_function *from = &config->functions[i];
		size_t at = i;

		shadow->functions[i] = (struct shadow_function){
			.devid = from->devid,
			.nr_events = from->nr_events,
			.first = shadow->nr_events,
			.index = (uint16_t)i,
		};
		shadow->nr_events += from->nr_events;

		while (at > 0 && config->functions[shadow->by_devid[at - 1]].devid > from->devid) {
			shadow->by_devid[at] = shadow->by_devid[at - 1];
			at--;
		}
		shadow->by_devid[at] = (uint16_t)i;
	}
	shadow->nr_functions = config->nr_functions;
	return 0;
}

int shadow_init(struct shadow *shadow, const struct vits_config *config)
{
	int r;

	*shadow = (struct shadow){ .nr_lpis = config->nr_lpis };
	r = init_functions(shadow, config);
	if (r < 0)
		return r;

	shadow->events = new_array(shadow->nr_events, sizeof(*shadow->events));
	shadow->owner = new_array(config->nr_lpis, sizeof(*shadow->owner));
	shadow->links = new_array(config->nr_lpis, sizeof(*shadow->links));
	shadow->untranslatable =
		new_array(SET_WORDS(config->nr_lpis), sizeof(*shadow->untranslatable));
	shadow->collections = new_array(NR_COLLECTIONS, sizeof(*shadow->collections));
	if (!shadow->events || !shadow->owner || !shadow->links || !shadow->untranslatable ||
	    !shadow->collections)
		return -ENOMEM;
	return 0;
}

void shadow_fini(struct shadow *shadow)
{
	free(shadow->collections);
	free(shadow->untranslatable);
	free(shadow->links);
	free(shadow->owner);
	free(shadow->events);
	free(shadow->by_devid);
	free(shadow->functions);
	*shadow = (struct shadow){ 0 };
}

/*
 * Looking
 */

struct shadow_function *shadow_find(struct vits *v, uint32_t devid)
{
	struct shadow *shadow = &v->shadow;
	size_t lo = 0, hi = shadow->nr_functions;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		struct shadow_function *function = &shadow->functions[shadow->by_devid[mid]];

		if (function->devid == devid)
			return function;
		if (function->devid < devid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

static _Atomic uint64_t *event_word(struct vits *v, const struct shadow_function *function,
				    uint32_t eventid)
{
	assert(eventid < function->nr_events);

	return &v->shadow.events[function->first + eventid];
}

void shadow_get(struct vits *v, struct shadow_function *function, uint32_t eventid,
		struct shadow_event *ret_event)
{
	uint64_t word =
		atomic_load_explicit(event_word(v, function, eventid), memory_order_relaxed);

	*ret_event = (struct shadow_event){
		.function = function,
		.eventid = eventid,
		.mapped = word & EVENT_MAPPED,
		.targeted = word & EVENT_TARGETED,
		.translatable = word & EVENT_TRANSLATABLE,
		.detached = word & EVENT_DETACHED,
		.intid = (uint32_t)FIELD_GET(EVENT_INTID, word),
		.icid = (uint32_t)FIELD_GET(EVENT_ICID, word),
		.vcpu = (uint32_t)FIELD_GET(EVENT_VCPU, word),
	};
}

/* Release: a translator that sees the word sees what the backend did before. */
static void store(struct vits *v, const struct shadow_event *event)
{
	uint64_t word = 0;

	assert(!event->translatable || event->targeted);
	assert(!event->targeted || event->mapped);
	assert(!event->targeted || !event->detached);

	if (event->mapped)
		word = EVENT_MAPPED | (event->targeted ? EVENT_TARGETED : 0) |
		       (event->translatable ? EVENT_TRANSLATABLE : 0) |
		       (event->detached ? EVENT_DETACHED : 0) |
		       FIELD_PREP(EVENT_VCPU, event->vcpu) | FIELD_PREP(EVENT_ICID, event->icid) |
		       FIELD_PREP(EVENT_INTID, event->intid);
	atomic_store_explicit(event_word(v, event->function, event->eventid), word,
			      memory_order_release);
}

static uint32_t *owner_of(struct vits *v, uint32_t intid)
{
	assert(vits_lpi_in_range(v, intid));

	return &v->shadow.owner[intid - VITS_LPI_BASE];
}

bool shadow_owner(struct vits *v, uint32_t intid, struct shadow_event *ret_event)
{
	uint32_t owner = *owner_of(v, intid);

	if (!(owner & OWNER_VALID))
		return false;
	shadow_get(v, &v->shadow.functions[FIELD_GET(OWNER_FUNCTION, owner)],
		   (uint32_t)FIELD_GET(OWNER_EVENTID, owner), ret_event);
	assert(ret_event->mapped);
	assert(ret_event->intid == intid);
	return true;
}

static struct shadow_collection *collection_of(struct vits *v, uint32_t icid)
{
	assert(icid < NR_COLLECTIONS);

	return &v->shadow.collections[icid];
}

const struct shadow_collection *shadow_collection(struct vits *v, uint32_t icid)
{
	const struct shadow_collection *collection = collection_of(v, icid);

	return collection->nr_events ? collection : NULL;
}

bool shadow_claim(struct vits *v, uint32_t intid)
{
	return !v->ops->claim || v->ops->claim(v->ctx, intid);
}

void shadow_release(struct vits *v, uint32_t intid)
{
	if (v->ops->release)
		v->ops->release(v->ctx, intid);
}

/*
 * Who is in a collection
 */

static uint16_t lpi_number(uint32_t intid)
{
	return (uint16_t)(intid - VITS_LPI_BASE);
}

/* At the end of the ring: before the first. */
static void join(struct vits *v, struct shadow_collection *collection, uint32_t intid)
{
	struct shadow_link *links = v->shadow.links;
	uint16_t n = lpi_number(intid);

	if (collection->nr_events++ == 0) {
		collection->first = n;
		links[n] = (struct shadow_link){ n, n };
		return;
	}
	links[n].next = collection->first;
	links[n].prev = links[collection->first].prev;
	links[links[n].prev].next = n;
	links[links[n].next].prev = n;
}

static void leave(struct vits *v, struct shadow_collection *collection, uint32_t intid)
{
	struct shadow_link *links = v->shadow.links;
	uint16_t n = lpi_number(intid);

	assert(collection->nr_events);

	collection->nr_events--;
	links[links[n].prev].next = links[n].next;
	links[links[n].next].prev = links[n].prev;
	if (collection->first == n)
		collection->first = links[n].next;
}

/*
 * An event's life
 */

/* To be translatable with the next commit(). */
static void add_untranslatable(struct vits *v, uint32_t intid)
{
	struct shadow *shadow = &v->shadow;
	uint32_t n = lpi_number(intid), word = n / SET_BITS;

	shadow->untranslatable[word] |= BIT64(n % SET_BITS);
	shadow->untranslatable_words[word / SET_BITS] |= BIT64(word % SET_BITS);
	shadow->any_untranslatable = true;
}

void shadow_emit(struct vits *v, enum vits_lpi_op op, const struct shadow_event *event)
{
	vits_emit(v, &(struct vits_lpi_update){
			     .op = op,
			     .assigned = true,
			     .function = event->function->index,
			     .eventid = event->eventid,
			     .intid = event->intid,
			     .vcpu = event->vcpu,
		     });
}

/* What stayed pending of a detached event goes: the backend let go of the event at DETACH. */
static void emit_clear_detached(struct vits *v, const struct shadow_event *event)
{
	vits_emit(v, &(struct vits_lpi_update){
			     .op = VITS_LPI_CLEAR,
			     .devid = event->function->devid,
			     .eventid = event->eventid,
			     .intid = event->intid,
			     .vcpu = event->vcpu,
		     });
}

/* The event's collection has a target now. */
void shadow_target_event(struct vits *v, struct shadow_event *event, uint32_t vcpu)
{
	assert(event->mapped);
	assert(!event->targeted);

	event->targeted = true;
	event->detached = false;
	event->vcpu = vcpu;
	store(v, event);
	shadow_emit(v, VITS_LPI_MAP, event);
	add_untranslatable(v, event->intid);
}

/* The event's collection has no target any more. */
static void detach(struct vits *v, struct shadow_event *event)
{
	assert(event->targeted);

	event->translatable = false;
	event->targeted = false;
	event->detached = true;
	store(v, event);
	shadow_emit(v, VITS_LPI_DETACH, event);
}

static void retarget(struct vits *v, struct shadow_event *event, uint32_t vcpu)
{
	assert(event->targeted);

	if (event->vcpu == vcpu)
		return;
	event->vcpu = vcpu;
	store(v, event);
	shadow_emit(v, VITS_LPI_MOVE, event);
}

void shadow_map_event(struct vits *v, struct shadow_event *event,
		      const struct shadow_collection *collection)
{
	struct shadow_collection *ours = collection_of(v, event->icid);
	uint32_t *owner = owner_of(v, event->intid);

	assert(!event->mapped);
	assert(!event->targeted);
	assert(!event->detached);
	assert(!(*owner & OWNER_VALID));
	assert(event->function->mapped);

	if (ours->nr_events == 0) {
		ours->mapped = collection->mapped;
		ours->vcpu = collection->vcpu;
	}
	assert(ours->mapped == collection->mapped);
	join(v, ours, event->intid);

	*owner = (uint32_t)(OWNER_VALID | FIELD_PREP(OWNER_FUNCTION, event->function->index) |
			    FIELD_PREP(OWNER_EVENTID, event->eventid));
	event->function->nr_mapped++;
	v->shadow.nr_mapped++;
	event->mapped = true;
	store(v, event);
	if (ours->mapped)
		shadow_target_event(v, event, ours->vcpu);
}

void shadow_clear_detached(struct vits *v, struct shadow_event *event)
{
	assert(event->detached);

	emit_clear_detached(v, event);
	event->detached = false;
	store(v, event);
}

void shadow_unmap_event(struct vits *v, const struct shadow_event *event)
{
	assert(event->mapped);

	/* No MSI is translated by an event that the backend is about to lose. */
	atomic_store_explicit(event_word(v, event->function, event->eventid), 0,
			      memory_order_release);

	/*
	 * DISCARD takes the pending state along (IHI 0069 5.3). That of a
	 * detached event stayed where the event was last: it is cleared there,
	 * so that it cannot show up under the LPI's next event.
	 */
	if (event->targeted)
		shadow_emit(v, VITS_LPI_UNMAP, event);
	else if (event->detached)
		emit_clear_detached(v, event);

	*owner_of(v, event->intid) = 0;
	shadow_release(v, event->intid);
	event->function->nr_mapped--;
	v->shadow.nr_mapped--;
	leave(v, collection_of(v, event->icid), event->intid);
}

void shadow_move_event(struct vits *v, struct shadow_event *event, uint32_t icid,
		       const struct shadow_collection *to)
{
	struct shadow_collection *ours = collection_of(v, icid);

	assert(event->targeted);
	assert(to->mapped);

	if (icid != event->icid) {
		leave(v, collection_of(v, event->icid), event->intid);
		if (ours->nr_events == 0) {
			ours->mapped = true;
			ours->vcpu = to->vcpu;
		}
		join(v, ours, event->intid);
		event->icid = icid;
		store(v, event);
	}
	retarget(v, event, ours->vcpu);
}

/*
 * Devices and collections
 */

void shadow_map_device(struct vits *v, struct shadow_function *function, uint64_t itt,
		       unsigned eventid_bits)
{
	assert(function->nr_mapped == 0);
	assert(eventid_bits >= 1);
	assert(eventid_bits <= v->config.eventid_bits);

	function->mapped = true;
	function->itt = itt;
	function->eventid_bits = (uint8_t)eventid_bits;
}

/*
 * Tasks. Each of these does some of what is left of one, at least one event, until
 * it is done or enough work was done.
 */

/* What most of an array that is looked through says quickly. */
static bool is_mapped(struct vits *v, const struct shadow_function *function, uint32_t eventid)
{
	return atomic_load_explicit(event_word(v, function, eventid), memory_order_relaxed) &
	       EVENT_MAPPED;
}

static bool has_worked(const struct vits *v)
{
	return v->work >= v->work_end;
}

static void go_on_with_device(struct vits *v, struct shadow_task *task)
{
	struct shadow_function *function = task->function;

	while (function->nr_mapped) {
		struct shadow_event event;

		assert(task->next < function->nr_events);

		v->work += WORK_LOOK;
		if (is_mapped(v, function, task->next)) {
			v->work += WORK_EVENT;
			shadow_get(v, function, task->next, &event);
			shadow_unmap_event(v, &event);
		}
		task->next++;
		if (has_worked(v))
			break;
	}
	task->left = function->nr_mapped;
	if (task->left)
		return;
	function->mapped = false;
	if (task->eventid_bits)
		shadow_map_device(v, function, task->itt, task->eventid_bits);
}

/* The ring turns by an event at a time, so that the first one is always the next. */
static void go_on_with_collection(struct vits *v, struct shadow_task *task)
{
	struct shadow_collection *collection = collection_of(v, task->icid);

	while (task->left) {
		struct shadow_event event;
		bool known = shadow_owner(v, VITS_LPI_BASE + collection->first, &event);

		assert(known);
		assert(event.icid == task->icid);

		v->work += WORK_EVENT;
		if (!collection->mapped)
			detach(v, &event);
		else if (event.targeted)
			retarget(v, &event, collection->vcpu);
		else
			shadow_target_event(v, &event, collection->vcpu);
		collection->first = v->shadow.links[collection->first].next;
		task->left--;
		if (has_worked(v))
			break;
	}
}

static void go_on_with_all(struct vits *v, struct shadow_task *task)
{
	while (task->left) {
		struct shadow_event event;

		assert(task->next < v->shadow.nr_lpis);

		v->work += WORK_LOOK;
		if (shadow_owner(v, VITS_LPI_BASE + task->next++, &event)) {
			v->work += WORK_EVENT;
			task->left--;
			if (event.vcpu == task->from) {
				event.vcpu = task->to;
				store(v, &event);
			}
		}
		if (has_worked(v))
			break;
	}
}

bool shadow_go_on(struct vits *v)
{
	static void (*const kinds[])(struct vits * v, struct shadow_task * task) = {
		[TASK_DEVICE] = go_on_with_device,
		[TASK_COLLECTION] = go_on_with_collection,
		[TASK_MOVE_ALL] = go_on_with_all,
	};
	struct shadow_task *task = &v->shadow.task;

	if (task->kind == NO_TASK)
		return true;
	kinds[task->kind](v, task);
	if (task->left)
		return false;
	*task = (struct shadow_task){ .kind = NO_TASK };
	return true;
}

static void begin(struct vits *v, const struct shadow_task *task)
{
	assert(v->shadow.task.kind == NO_TASK);

	v->shadow.task = *task;
}

void shadow_remap_device(struct vits *v, struct shadow_function *function, uint64_t itt,
			 unsigned eventid_bits)
{
	begin(v, &(struct shadow_task){
			 .kind = TASK_DEVICE,
			 .left = function->nr_mapped,
			 .function = function,
			 .itt = itt,
			 .eventid_bits = eventid_bits,
		 });
}

static void begin_collection(struct vits *v, uint32_t icid)
{
	begin(v, &(struct shadow_task){
			 .kind = TASK_COLLECTION,
			 .left = collection_of(v, icid)->nr_events,
			 .icid = icid,
		 });
}

void shadow_map_collection(struct vits *v, uint32_t icid, uint32_t vcpu)
{
	struct shadow_collection *collection = collection_of(v, icid);

	assert(vcpu < v->config.nr_vcpus);

	if (collection->nr_events == 0)
		return;
	collection->mapped = true;
	collection->vcpu = (uint16_t)vcpu;
	begin_collection(v, icid);
}

void shadow_unmap_collection(struct vits *v, uint32_t icid)
{
	struct shadow_collection *collection = collection_of(v, icid);

	if (collection->nr_events == 0 || !collection->mapped)
		return;
	collection->mapped = false;
	begin_collection(v, icid);
}

void shadow_move_all(struct vits *v, uint32_t from, uint32_t to)
{
	begin(v, &(struct shadow_task){
			 .kind = TASK_MOVE_ALL,
			 .left = v->shadow.nr_mapped,
			 .from = from,
			 .to = to,
		 });
}

void shadow_set_target(struct vits *v, uint32_t icid, uint32_t vcpu)
{
	struct shadow_collection *collection = collection_of(v, icid);

	assert(vcpu < v->config.nr_vcpus);
	assert(collection->nr_events);
	assert(!collection->mapped);

	collection->mapped = true;
	collection->vcpu = (uint16_t)vcpu;
}

void shadow_set_detached(struct vits *v, struct shadow_event *event, uint32_t vcpu)
{
	assert(vcpu < v->config.nr_vcpus);
	assert(event->mapped);

	event->detached = true;
	event->vcpu = vcpu;
	store(v, event);
}

void shadow_drop_device(struct vits *v, struct shadow_function *function)
{
	assert(v->shadow.task.kind == NO_TASK);

	for (uint32_t i = 0; i < function->nr_events && function->nr_mapped; i++) {
		struct shadow_event event;

		shadow_get(v, function, i, &event);
		if (event.mapped)
			shadow_unmap_event(v, &event);
	}
	assert(function->nr_mapped == 0);
	function->mapped = false;
}

void shadow_drop_devices(struct vits *v)
{
	for (size_t f = 0; f < v->shadow.nr_functions; f++)
		shadow_drop_device(v, &v->shadow.functions[f]);
}

void shadow_drop_collection(struct vits *v, uint32_t icid)
{
	struct shadow_collection *collection = collection_of(v, icid);
	uint16_t n = collection->first;

	assert(v->shadow.task.kind == NO_TASK);

	collection->mapped = false;
	for (uint32_t left = collection->nr_events; left; left--) {
		struct shadow_event event;
		bool known = shadow_owner(v, VITS_LPI_BASE + n, &event);

		assert(known);
		if (event.targeted)
			detach(v, &event);
		n = v->shadow.links[n].next;
	}
}

void shadow_drop_collections(struct vits *v)
{
	uint32_t left = v->shadow.nr_mapped;

	assert(v->shadow.task.kind == NO_TASK);

	for (uint32_t n = 0; left; n++) {
		struct shadow_event event;

		if (!shadow_owner(v, VITS_LPI_BASE + n, &event))
			continue;
		left--;
		collection_of(v, event.icid)->mapped = false;
		if (event.targeted)
			detach(v, &event);
	}
}

void vits_event_get(struct vits *v, size_t function, uint32_t eventid, struct vits_event *ret_event)
{
	struct shadow_event event;

	assert(function < v->shadow.nr_functions);

	shadow_get(v, &v->shadow.functions[function], eventid, &event);
	*ret_event = (struct vits_event){
		.mapped = event.mapped,
		.delivering = event.translatable,
		.intid = event.intid,
		.icid = event.icid,
		.vcpu = event.vcpu,
	};
}

/* An LPI of the set may have changed hands since, or be nobody's any more. */
static void make_translatable(struct vits *v, uint32_t intid)
{
	uint32_t owner = *owner_of(v, intid);
	_Atomic uint64_t *event;
	uint64_t word;

	if (!(owner & OWNER_VALID))
		return;
	event = event_word(v, &v->shadow.functions[FIELD_GET(OWNER_FUNCTION, owner)],
			   (uint32_t)FIELD_GET(OWNER_EVENTID, owner));
	word = atomic_load_explicit(event, memory_order_relaxed);
	if (word & EVENT_TARGETED)
		atomic_store_explicit(event, word | EVENT_TRANSLATABLE, memory_order_release);
}

static void make_word_translatable(struct vits *v, uint32_t word)
{
	uint64_t *bits = &v->shadow.untranslatable[word];

	for (; *bits; *bits &= *bits - 1)
		make_translatable(v, VITS_LPI_BASE + word * SET_BITS +
					     (uint32_t)__builtin_ctzll(*bits));
}

void shadow_make_translatable(struct vits *v)
{
	struct shadow *shadow = &v->shadow;

	if (!shadow->any_untranslatable)
		return;
	for (uint32_t i = 0; i < ARRAY_SIZE(shadow->untranslatable_words); i++) {
		uint64_t *words = &shadow->untranslatable_words[i];

		for (; *words; *words &= *words - 1)
			make_word_translatable(v, i * SET_BITS + (uint32_t)__builtin_ctzll(*words));
	}
	shadow->any_untranslatable = false;
}

/*
 * The interrupt path
 */

static enum vits_msi msi_outcome(struct vits *v, enum vits_msi outcome)
{
	vits_count(&v->counters.msi[outcome]);
	return outcome;
}

enum vits_msi vits_translate(struct vits *v, size_t function, uint32_t eventid,
			     struct vits_lpi *ret_lpi)
{
	const struct shadow_function *from;
	uint64_t word;

	assert(function < v->shadow.nr_functions);
	from = &v->shadow.functions[function];

	if (!atomic_load_explicit(&v->enabled, memory_order_acquire))
		return msi_outcome(v, VITS_MSI_DISABLED);
	/*
	 * Choice: an EventID beyond the ITT (IHI 0069 5.2: CONSTRAINED
	 * UNPREDICTABLE) is ignored. It cannot be mapped, so the event's word
	 * says so; only EventIDs that have no word need a test of their own.
	 */
	if (eventid >= from->nr_events)
		return msi_outcome(v, VITS_MSI_BEYOND_SHADOW);
	word = atomic_load_explicit(&v->shadow.events[from->first + eventid], memory_order_acquire);
	if (!(word & EVENT_TRANSLATABLE))
		return msi_outcome(v, VITS_MSI_UNMAPPED);

	ret_lpi->intid = (uint32_t)FIELD_GET(EVENT_INTID, word);
	ret_lpi->vcpu = (uint32_t)FIELD_GET(EVENT_VCPU, word);
	return msi_outcome(v, VITS_MSI_DELIVER);
}
