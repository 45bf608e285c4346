/* SPDX-License-Identifier: MIT */
/*
 * The kernel ITS on a fake KVM with the model of KVM's ITS behind it, and a record
 * of what it was asked for, against which all of it can be checked. What is done
 * through here keeps to the contract of struct vits_ops.
 */
#ifndef TESTS_UNIT_ITS_KERNEL_ITS_WORLD_H
#define TESTS_UNIT_ITS_KERNEL_ITS_WORLD_H

#include "tests/unit/its/kvm_its_model.h"
#include "vmm/its/kernel_its.h"

#define WORLD_VCPUS	3u
#define WORLD_FUNCTIONS 3u
#define WORLD_EVENTS	4096u /* of a function, at the most */

struct world_event {
	bool assigned;
	bool raised; /* while its mapping was deferred */
	uint32_t intid, vcpu;
};

struct world {
	struct fake_kvm fake;
	struct kvm_its_model model;
	struct vm vm;
	struct gmem mem;
	struct bus bus;
	struct vcpus *vcpus;
	int gic;
	struct kernel_its_function functions[WORLD_FUNCTIONS];
	struct kernel_its *its;
	bool started;
	struct failure failure;
	_Atomic unsigned nr_retries_due, nr_failed, nr_deferred_changed;
	char why[128]; /* the last time that it failed */

	struct world_event events[WORLD_FUNCTIONS][WORLD_EVENTS];
	uint8_t owner[VITS_MAX_LPIS]; /* 1 + the function whose assigned event has LPI n; 0: none */
};

/* Functions 0 and 1 are on ITS 0, function 2 on ITS 1; function 0 has so many events. */
struct world *world_new(uint32_t nr_events);
/* As far as before kernel_its_create(). */
struct world *world_bare(uint32_t nr_events);
int world_create_its(struct world *w);
int world_start_its(struct world *w);
/* Checks it once more, if it was started. */
void world_free(struct world *w);

/* What the guest does with its redistributors and tables. */
#define WORLD_PROPERTIES LAYOUT_RAM
#define WORLD_PENDING(n) (LAYOUT_RAM + 0x20000 + (n)*UINT64_C(0x10000))
void world_set_up_lpis(struct world *w);
void world_set_pendbaser(struct world *w, uint32_t vcpu, bool readable);
void world_set_propbaser(struct world *w, unsigned id_bits);
void world_enable_lpis(struct world *w, uint32_t vcpu, bool on);
void world_configure(struct world *w, uint32_t intid, bool enabled);

/* Updates of an event of a function; intid and vcpu of those but MAP and MOVE are its own. */
void world_map(struct world *w, uint32_t function, uint32_t eventid, uint32_t intid, uint32_t vcpu);
void world_move(struct world *w, uint32_t function, uint32_t eventid, uint32_t vcpu);
void world_update(struct world *w, int op, uint32_t function, uint32_t eventid);
/* Of an event of no function, of one of the guest's ITSs. */
void world_update_other(struct world *w, int op, unsigned its, uint32_t intid, uint32_t vcpu);
void world_invall(struct world *w, uint32_t vcpu);
void world_movall(struct world *w, uint32_t from, uint32_t to);
void world_commit(struct world *w);
int world_signal(struct world *w, uint32_t function, uint32_t eventid);
void world_retry(struct world *w);
/* Whatever waits could not be mapped by a retry now. */
void world_nothing_is_owed(struct world *w);

/* Is the event's mapping in the model, and its LPI pending? */
bool world_mapped(struct world *w, uint32_t function, uint32_t eventid);
bool world_pending(struct world *w, uint32_t intid);
uint32_t world_nr_mapped(struct world *w);

/* Every promise, after a commit. An assert() where one is broken. */
void world_check(struct world *w);

#endif
