// SPDX-License-Identifier: MIT
/*
 * INTx on its way to the guest: Documentation/virt/kvm/api.rst, KVM_IRQFD. No locks.
 */
#include "vmm/irq/irq_line.h"

#include <assert.h>
#include <stdio.h>
#include <sys/eventfd.h>

#define NEEDS_EXIT_SINCE (6u << 16 | 19)

bool irq_line_needs_exit(const char *release)
{
	unsigned major = 0, minor = 0;

	/* What does not say its number is new. */
	return sscanf(release, "%u.%u", &major, &minor) != 2 ||
	       (major << 16 | minor) >= NEEDS_EXIT_SINCE;
}

static uint32_t gsi_of(const struct irq_function *f, uint32_t first_gsi)
{
	assert(f->line.intid >= LAYOUT_INTX_INTID);
	assert(f->line.intid < LAYOUT_INTX_INTID + LAYOUT_NR_INTX);

	return first_gsi + f->line.intid - LAYOUT_INTX_INTID;
}

size_t irq_lines_nr_gsis(struct irq_function *const *functions, size_t nr_functions)
{
	for (size_t i = 0; i < nr_functions; i++)
		if (functions[i]->line.intid)
			return LAYOUT_NR_INTX;
	return 0;
}

void irq_lines_routes(struct vm_route *ret_routes)
{
	for (unsigned i = 0; i < LAYOUT_NR_INTX; i++)
		ret_routes[i] = (struct vm_route){ .intid = LAYOUT_INTX_INTID + i };
}

int irq_lines_tie(const struct vm *vm, struct irq_function *const *functions, size_t nr_functions,
		  uint32_t first_gsi)
{
	for (size_t i = 0; i < nr_functions; i++) {
		const struct irq_line *line = &functions[i]->line;
		int r;

		if (!line->intid)
			continue;
		r = vm_irqfd_level(vm, line->trigger, line->unmask, gsi_of(functions[i], first_gsi),
				   true);
		if (r < 0) {
			irq_lines_untie(vm, functions, i, first_gsi);
			return r;
		}
		(void)eventfd_write(line->unmask, 1);
	}
	return 0;
}

void irq_lines_untie(const struct vm *vm, struct irq_function *const *functions,
		     size_t nr_functions, uint32_t first_gsi)
{
	for (size_t i = 0; i < nr_functions; i++) {
		const struct irq_line *line = &functions[i]->line;

		if (line->intid)
			(void)!vm_irqfd_level(vm, line->trigger, line->unmask,
					      gsi_of(functions[i], first_gsi), false);
	}
}
