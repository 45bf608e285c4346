/* SPDX-License-Identifier: MIT */
/*
 * What becomes of a guest whose kernel has panicked.
 */
#ifndef VMM_CONTROL_PANIC_H
#define VMM_CONTROL_PANIC_H

#include <stdbool.h>

#include "vmm/config/config.h"

struct machine;

/* Of all boots of a guest. Begins with the wish, and zeros. */
struct panic {
	enum panic_wish wish;

	bool told; /* that of this boot */
	bool cut;  /* end it now */
};

/*
 * Has it panicked? Then that is told, and what is wished is done: it is left alone, ends with
 * MACHINE_RESET, or is to be cut. 0: in this call, so that its end is to be looked for; else -1.
 * One thread, that of machine_service().
 */
int panic_service(struct panic *p, struct machine *m);
/* A machine begins: no panic of it was told. */
void panic_begin(struct panic *p);

#endif
