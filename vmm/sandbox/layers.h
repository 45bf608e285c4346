/* SPDX-License-Identifier: MIT */
/*
 * The layers of the sandbox that a process puts around itself, one row each: itsy run takes
 * them from the first to the last, and itsy check tells from the same rows what this host
 * gives. docs/security.md says what each is for.
 */
#ifndef VMM_SANDBOX_LAYERS_H
#define VMM_SANDBOX_LAYERS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "vmm/base/cleanup.h"
#include "vmm/sandbox/core_folder.h"

/* The user that the guest's process becomes, where itsy was started by root. */
#define SANDBOX_USER "itsy"

enum layer {
	LAYER_FILES,
	LAYER_NAMESPACES,
	LAYER_ROOT,
	LAYER_USER,
	LAYER_CAPABILITIES,
	LAYER_NO_NEW_PRIVS,
	LAYER_LANDLOCK,
	LAYER_CALLS,
	NR_LAYERS,
};

/* What the layers need to know; filled by layers_prepare(). */
struct layers {
	bool is_root;
	bool has_user; /* SANDBOX_USER exists */
	uid_t uid;     /* to become */
	gid_t gid;
	/* The one folder that stays in sight, where the caller wants core dumps as files. */
	struct core_folder core;
	bool new_mounts;	 /* LAYER_NAMESPACES gave a mount namespace */
	int (*calls)(void *ctx); /* LAYER_CALLS; NULL: it is left out */
	void *ctx;
};

struct layer_row {
	const char *name;
	/* 0, or negative errno: this host, or this caller, does not give it. */
	int (*apply)(struct layers *layers);
	bool required; /* without it no guest runs */
	/* Of one that is missing: what that means, and what cures it. */
	const char *missing, *cure;
};
extern const struct layer_row layer_rows[NR_LAYERS];

/* Look up what can be looked up only while there are files. */
void layers_prepare(struct layers *layers);
/*
 * Put them around the calling process, which has one thread. results[] has what each gave: 0, or
 * negative errno. 0, or the error of the first that is required and failed: those after it are
 * not there then.
 */
int layers_apply(struct layers *layers, int results[NR_LAYERS]) _must_check_;

/*
 * Which of them would this process get? Tried in a child that ends at once. calls as in
 * struct layers. 0 with results[] as above, or negative errno where it could not be tried.
 */
int layers_try(int results[NR_LAYERS]) _must_check_;

#endif
