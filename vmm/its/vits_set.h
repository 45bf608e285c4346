/* SPDX-License-Identifier: MIT */
/*
 * The ITSs that a guest sees, all those of one machine: vITSs (vitsmod/vits.h) with
 * guest memory, the kernel ITS and the bus around them.
 *
 * They share the kernel ITS, and so all INTIDs: an LPI is an assigned event's of one
 * of them. Their index here is that in struct kernel_its_function.
 */
#ifndef VMM_ITS_VITS_SET_H
#define VMM_ITS_VITS_SET_H

#include <stdbool.h>
#include <stddef.h>

#include "vitsmod/vits.h"
#include "vmm/base/cleanup.h"
#include "vmm/its/kernel_its.h"
#include "vmm/kvm/bus.h"
#include "vmm/kvm/gmem.h"

struct vits_set;

struct vits_set_config {
	const struct gmem *mem; /* both borrowed */
	struct kernel_its *kernel_its;
	/* Commands are left in a queue: vits_set_run() is due. Any thread; must not call back. */
	void (*more)(void *ctx);
	/*
	 * A guest has switched an ITS on or off, and with it all translations. On the
	 * vCPU's thread, before the guest goes on.
	 */
	void (*switched)(void *ctx);
	/*
	 * An event of a function is about to lose its mapping, or its vCPU: before the kernel ITS
	 * hears of it. function counts in all ITSs. Any thread; must not call back.
	 */
	void (*unmaps)(void *ctx, size_t function, uint32_t eventid);
	/*
	 * Those of nr calls of unmaps() have lost it. Before the guest sees in GITS_CREADR that
	 * the command has run. Any thread; must not call back.
	 */
	void (*unmapped)(void *ctx, uint64_t nr);
	void *ctx;
};

/* Without any ITS. 0 or -ENOMEM. */
int vits_set_create(const struct vits_set_config *config, struct vits_set **ret_set) _must_check_;
/* No thread may be inside. NULL is allowed. */
void vits_set_destroy(struct vits_set *set);

/*
 * Make one more ITS, with the index that is the number of those before; at most
 * KERNEL_ITS_MAX_ITS. Errors are those of vits_create().
 */
int vits_set_add(struct vits_set *set, const struct vits_config *config) _must_check_;

/* The frames of all ITSs, at LAYOUT_GITS_OF(index). */
int vits_set_add_to_bus(struct vits_set *set, struct bus *bus) _must_check_;

/* One of them; borrowed. */
struct vits *vits_set_get(struct vits_set *set, size_t index);

/* Run what is left in the queues of any, a bounded part of it; more() tells of the rest. One
 * thread. */
void vits_set_run(struct vits_set *set);

/* The counters of all together; the failures kept are those of the first ITS that has any. */
void vits_set_stats_get(struct vits_set *set, struct vits_stats *ret_stats);

#endif
