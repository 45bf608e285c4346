/* SPDX-License-Identifier: MIT */
/*
 * What the keeper does for each message: apart from processes, so that tests can ask it
 * anything. Private to vmm/sandbox, and to its tests.
 */
#ifndef VMM_SANDBOX_KEEPER_PRIV_H
#define VMM_SANDBOX_KEEPER_PRIV_H

#include <stdbool.h>

#include "vmm/sandbox/keeper.h"
#include "vmm/sandbox/keeper_msg.h"

struct vfio_affinity;

struct keeper_state {
	const struct keeper_config *config;
	/* Called once, when set-up is over; 0 or negative errno. NULL: nothing is given up. */
	int (*lock_down)(void *ctx);
	/* Is a binding still wanted? Asked while one is waited for; NULL: it is. */
	bool (*go_on)(void *ctx);
	void *ctx;
	bool ready;
	struct {
		bool bound_here;
		bool adopted; /* it is that function, whatever the list says */
		struct pci_bdf bdf;
		struct vfio_affinity *moved; /* NULL: where they were */
	} devices[KEEPER_MAX_DEVICES];
	/* What came with the message: closed by who has received it. */
	bool has_right;
	int right;
	/* What goes with the answer, reply->nr_files of them: owned until they are sent. */
	int files[KEEPER_COUNTERS];
	unsigned nr_files;
	bool forbidden;
	struct keeper_request last_words; /* the first KEEPER_FORBIDDEN, its text made harmless */
};

/*
 * Take what a peer sent: size bytes that may be anything. True with the answer; false: there is
 * none, and the peer is to be ended.
 */
bool keeper_serve(struct keeper_state *state, const void *bytes, size_t size,
		  struct keeper_reply *ret_reply);

/* The answer was sent, or is not to be. */
void keeper_drop_files(struct keeper_state *state);

/* The guest's process is gone: give back what was bound here. */
void keeper_give_back(struct keeper_state *state);

#endif
