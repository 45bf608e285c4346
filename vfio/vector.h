/* SPDX-License-Identifier: MIT */
/*
 * One interrupt vector of a function: its message, what keeps it from being
 * sent, and whether an interrupt waits. Private to vfio/ and its tests.
 *
 * Two sides meet here without a lock. The guest's side (vector_update() and
 * vector_forget(), whose callers hold the device's lock) changes messages and
 * masks. The kernel's side (vector_take(), one thread) comes with interrupts. All
 * that both must agree on is in one word, changed by compare-and-swap only:
 *
 *	bit 0		an interrupt waits (only while one of the next three is set)
 *	bits 1 to 3	reasons why the vector may not be sent, see below
 *	bits 4 to 63	generation, one up with each update
 *
 * The message lies in two slots; the generation's lowest bit names the current
 * one. An update fills the other slot and then swaps the word. A reader that
 * finds the word unchanged after it copied the slot has a message that was
 * valid, and unmasked, at one instant; only an update makes it try again.
 */
#ifndef VFIO_VECTOR_H
#define VFIO_VECTOR_H

#include <stdatomic.h>

#include "vfio/device.h"

#define VECTOR_PENDING	  UINT64_C(0x1)
#define VECTOR_OFF	  UINT64_C(0x2) /* the capability's Enable is clear */
#define VECTOR_MASKED_ALL UINT64_C(0x4) /* MSI-X Function Mask */
#define VECTOR_MASKED	  UINT64_C(0x8) /* the vector's own mask bit */
#define VECTOR_WHY	  (VECTOR_OFF | VECTOR_MASKED_ALL | VECTOR_MASKED)
#define VECTOR_GENERATION UINT64_C(0x10)

struct vfio_vector {
	int eventfd; /* owned, constant */
	bool silent; /* masked at the device; the device's lock */
	_Atomic uint64_t state;
	struct {
		_Atomic uint64_t address;
		_Atomic uint32_t data;
	} slots[2];
};

/* Masked and off, no message, nothing waits. */
void vector_init(struct vfio_vector *vector);

/*
 * Set message and reasons (of VECTOR_WHY). True: an interrupt had waited and
 * nothing holds it any more, so the caller delivers it, once.
 */
bool vector_update(struct vfio_vector *vector, uint64_t why, const struct msi_message *message);

/* Back to what vector_init() made of it, but for the eventfd; vector_take() may run. */
void vector_forget(struct vfio_vector *vector);

/* For whoever makes the updates: what the last one set. */
void vector_message(const struct vfio_vector *vector, struct msi_message *ret_message);
bool vector_pending(const struct vfio_vector *vector);

/* Any thread: where an interrupt would go now, or false where it would be held. */
bool vector_target(const struct vfio_vector *vector, struct msi_message *ret_message);
/* Differs after each update that changed anything. */
static inline uint64_t vector_generation(const struct vfio_vector *vector)
{
	return atomic_load_explicit(&vector->state, memory_order_relaxed) / VECTOR_GENERATION;
}

/* An interrupt came: what is to be done about it? As vfio_vector_take(). */
enum vfio_take vector_take(struct vfio_vector *vector, struct msi_message *ret_message);

#endif
