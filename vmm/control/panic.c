// SPDX-License-Identifier: MIT
/*
 * What becomes of a guest whose kernel has panicked.
 *
 * No locks: one thread.
 */
#include "vmm/control/panic.h"

#include "vmm/base/report.h"
#include "vmm/machine/machine.h"

void panic_begin(struct panic *p)
{
	p->told = false;
}

int panic_service(struct panic *p, struct machine *m)
{
	if (p->told || !machine_has_panicked(m))
		return -1;
	p->told = true;
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
