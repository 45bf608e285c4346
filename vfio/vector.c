// SPDX-License-Identifier: MIT
/*
 * One interrupt vector: see vfio/vector.h for the protocol. What it must hold
 * to is PCI Local Bus 3.0, 6.8.2.9 and 6.8.3 (pending bits, masking).
 *
 * No lock here. Ordering: slots are stored with release and loaded with
 * acquire, so a reader that saw a slot's newer half also sees the newer word.
 */
#include "vfio/vector.h"

#include <assert.h>

static unsigned slot_of(uint64_t state)
{
	return (state & VECTOR_GENERATION) != 0;
}

static void slot_load(const struct vfio_vector *vector, uint64_t state,
		      struct msi_message *ret_message)
{
	unsigned slot = slot_of(state);

	ret_message->address =
		atomic_load_explicit(&vector->slots[slot].address, memory_order_acquire);
	ret_message->data = atomic_load_explicit(&vector->slots[slot].data, memory_order_acquire);
}

static void slot_store(struct vfio_vector *vector, uint64_t state,
		       const struct msi_message *message)
{
	unsigned slot = slot_of(state);

	atomic_store_explicit(&vector->slots[slot].address, message->address, memory_order_release);
	atomic_store_explicit(&vector->slots[slot].data, message->data, memory_order_release);
}

void vector_init(struct vfio_vector *vector)
{
	vector->eventfd = -1;
	atomic_init(&vector->state, VECTOR_OFF | VECTOR_MASKED);
	for (unsigned i = 0; i < 2; i++) {
		atomic_init(&vector->slots[i].address, 0);
		atomic_init(&vector->slots[i].data, 0);
	}
}

/* The next state. An interrupt goes on waiting while a reason is left, unless forgotten. */
static uint64_t next_state(uint64_t old, uint64_t why, bool forget)
{
	uint64_t next = (old & ~(VECTOR_WHY | VECTOR_PENDING)) + VECTOR_GENERATION;

	next |= why;
	if (why && !forget)
		next |= old & VECTOR_PENDING;
	return next;
}

static uint64_t publish(struct vfio_vector *vector, uint64_t why, const struct msi_message *message,
			bool forget)
{
	uint64_t old = atomic_load_explicit(&vector->state, memory_order_relaxed);

	assert(!(why & ~VECTOR_WHY));
	slot_store(vector, old + VECTOR_GENERATION, message);
	/* Only vector_take() can come between, and all that it does is set the pending bit. */
	while (!atomic_compare_exchange_weak_explicit(&vector->state, &old,
						      next_state(old, why, forget),
						      memory_order_acq_rel, memory_order_relaxed))
		continue;
	return old;
}

bool vector_update(struct vfio_vector *vector, uint64_t why, const struct msi_message *message)
{
	uint64_t old = atomic_load_explicit(&vector->state, memory_order_relaxed);
	struct msi_message current;

	/* Nothing new: leave the word as it is, so that no reader has to try again. */
	slot_load(vector, old, &current);
	if ((old & VECTOR_WHY) == why && current.address == message->address &&
	    current.data == message->data)
		return false;
	old = publish(vector, why, message, false);
	return !why && (old & VECTOR_PENDING);
}

void vector_forget(struct vfio_vector *vector)
{
	static const struct msi_message none;

	(void)publish(vector, VECTOR_OFF | VECTOR_MASKED, &none, true);
}

void vector_message(const struct vfio_vector *vector, struct msi_message *ret_message)
{
	slot_load(vector, atomic_load_explicit(&vector->state, memory_order_relaxed), ret_message);
}

bool vector_pending(const struct vfio_vector *vector)
{
	return atomic_load_explicit(&vector->state, memory_order_acquire) & VECTOR_PENDING;
}

bool vector_target(const struct vfio_vector *vector, struct msi_message *ret_message)
{
	uint64_t seen, again = atomic_load_explicit(&vector->state, memory_order_acquire);

	do {
		seen = again;
		if (seen & VECTOR_WHY)
			return false;
		slot_load(vector, seen, ret_message);
		again = atomic_load_explicit(&vector->state, memory_order_acquire);
	} while (again != seen);
	return true;
}

enum vfio_take vector_take(struct vfio_vector *vector, struct msi_message *ret_message)
{
	uint64_t seen = atomic_load_explicit(&vector->state, memory_order_acquire);
	struct msi_message message;
	uint64_t again;

	/* It goes round again only if the guest's side has changed something meanwhile. */
	for (;;) {
		if (seen & VECTOR_WHY) {
			if (atomic_compare_exchange_weak_explicit(
				    &vector->state, &seen, seen | VECTOR_PENDING,
				    memory_order_acq_rel, memory_order_acquire))
				return seen & VECTOR_OFF ? VFIO_TAKE_OFF : VFIO_TAKE_HELD;
			continue;
		}
		assert(!(seen & VECTOR_PENDING));
		slot_load(vector, seen, &message);
		again = atomic_load_explicit(&vector->state, memory_order_acquire);
		if (again == seen) {
			*ret_message = message;
			return VFIO_TAKE_DELIVER;
		}
		seen = again;
	}
}
