// SPDX-License-Identifier: MIT
/*
 * What becomes of a guest whose kernel has panicked.
 *
 * No locks: one thread.
 */
#include "vmm/control/panic.h"

#include <errno.h>

#include "vmm/machine/machine.h"

int panic_service(struct panic *p, struct machine *m, unsigned boot)
{
	if (p->told == boot || !machine_has_panicked(m))
		return -1;
	p->told = boot;
	switch (p->wish) {
	case PANIC_WISH_STOP:
		p->cut = true; /* told when it has ended */
		break;
	case PANIC_WISH_RESET:
		report_warning("the guest's kernel has panicked: it is reset");
		machine_reset(m);
		break;
	case PANIC_WISH_WAIT:
		report_warning("the guest's kernel has panicked: it is left as it is");
		break;
	}
	return 0;
}

int panic_failed(struct failure *ret_failure)
{
	return failure_set(ret_failure, ITSY_PANICKED, ECANCELED, "guest", NULL,
			   "its kernel has panicked: its power is cut");
}
