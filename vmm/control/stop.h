/* SPDX-License-Identifier: MIT */
/*
 * The end of a running guest that somebody outside wants: it is asked to power off, as by its
 * power button, and has its power cut where it has not done so in time.
 */
#ifndef VMM_CONTROL_STOP_H
#define VMM_CONTROL_STOP_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/base/cleanup.h"

struct machine;

/* Of all boots of a guest. Begins with the timeout, and zeros. */
struct stop {
	uint32_t timeout_s; /* from being asked to the cut; 0: nobody asks */

	bool asked;
	bool cut;   /* end it now */
	int signal; /* what it is ended by, where it is cut */
	unsigned nr_signals;
	uint64_t asked_ns, pressed_ns; /* CLOCK_MONOTONIC */
	uint64_t signalled_ns;	       /* of the first signal */
};

/* One thread calls these, that of machine_service(); now_ns is CLOCK_MONOTONIC. */

/* Why a guest cannot be asked, in words. */
#define STOP_NOBODY \
	"nobody in the guest listens to its power button (Linux needs gpio-pl061 and gpio-keys)"
/*
 * Ask the guest, or ask it again; that begins no new time. One that is frozen goes on. Without a
 * timeout it is cut. 0, or -ENXIO: it has no driver for the button, so that nobody can be asked,
 * and nothing is done.
 */
int stop_ask(struct stop *s, struct machine *m, uint64_t now_ns) _must_check_;
/* End it now, as if by this signal. */
void stop_cut(struct stop *s, int signal);
/*
 * A signal has come that ends commands (signals_open()); 0: none has. A guest that cannot be asked
 * is cut, and that is told.
 */
void stop_by_signal(struct stop *s, struct machine *m, int signal, uint64_t now_ns);
/*
 * Press again, or cut, when that is due. Returns after how many milliseconds to call it again; 0:
 * it is cut; -1: never.
 */
int stop_service(struct stop *s, struct machine *m, uint64_t now_ns);

#endif
