/* SPDX-License-Identifier: MIT */
/*
 * What becomes of a guest whose kernel has panicked.
 */
#ifndef VMM_CONTROL_PANIC_H
#define VMM_CONTROL_PANIC_H

#include <stdbool.h>

#include "vmm/base/report.h"
#include "vmm/config/config.h"

struct machine;

/* Of all boots of a guest. Begins with the wish, and zeros. */
struct panic {
	enum panic_wish wish;

	unsigned told; /* in which boot it was, last; 0: in none */
	bool cut;      /* end it now */
};

/*
 * Has it panicked, in this boot (from 1 on)? Then that is told once, and what is wished is done: it
 * is left alone, ends with MACHINE_RESET, or is to be cut. 0: in this call, so that its end is to
 * be looked for; else -1. One thread, that of machine_service().
 */
int panic_service(struct panic *p, struct machine *m, unsigned boot);
/* The failure of a guest that was cut. Negative errno. */
int panic_failed(struct failure *ret_failure);

#endif
