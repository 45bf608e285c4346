/* SPDX-License-Identifier: MIT */
/*
 * A device's interrupt line, a level: KVM is told of changes, and of nothing else.
 */
#ifndef VMM_DEV_LEVEL_LINE_H
#define VMM_DEV_LEVEL_LINE_H

#include <assert.h>
#include <stdbool.h>

#include "vmm/kvm/vm.h"

struct level_line {
	const struct vm *vm; /* borrowed; its interrupt controller has intid */
	unsigned intid;
	bool level; /* as it was last told; it begins low */
};

/* One caller at a time. */
static inline void level_line_set(struct level_line *line, bool level)
{
	int r = level == line->level ? 0 : vm_irq_line(line->vm, line->intid, level);

	assert(r == 0);
	line->level = level;
}

#endif
