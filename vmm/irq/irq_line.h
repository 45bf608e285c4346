/* SPDX-License-Identifier: MIT */
/*
 * INTx on its way to the guest: a level, by one of the guest's shared peripheral interrupts.
 *
 * The router takes a signal of the function's INTx as it takes any other one, so that it is
 * counted and limited, and signals the line's eventfd (irq_function.c). That is KVM's: it sets
 * the interrupt's level, and when the guest has ended the interrupt it lowers the level and
 * signals VFIO's unmask eventfd (KVM_IRQFD_FLAG_RESAMPLE). Then VFIO signals INTx again, if the
 * function still asserts it.
 *
 * Choice: INTx goes by a router, whichever route is asked for. KVM could take VFIO's eventfd
 * itself, but then nobody knows how often it did. What the function still asserts when it is
 * unmasked VFIO signals at once, without an interrupt of the host's (functions that have Interrupt
 * Disable: vfio_pci_intx_unmask_handler()); and where the host's line is shared, its interrupts may
 * be another device's. A guest that acknowledges nothing would interrupt itself unseen, past any
 * limit.
 *
 * Several functions may share an interrupt: when the guest has ended it, KVM has all of them
 * looked at, and who still asserts it is signalled again.
 */
#ifndef VMM_IRQ_IRQ_LINE_H
#define VMM_IRQ_IRQ_LINE_H

#include "vmm/irq/irq_function.h"
#include "vmm/kvm/layout.h"
#include "vmm/kvm/vm.h"

/* So many GSIs it takes: how many there are of all functions together. 0: no function has INTx. */
size_t irq_lines_nr_gsis(struct irq_function *const *functions, size_t nr_functions);
/* Entries of KVM's table, irq_lines_nr_gsis() of them. */
void irq_lines_routes(struct vm_route *ret_routes);
/*
 * Give KVM the lines of all functions, whose GSIs begin with first_gsi, and have VFIO look at
 * each: it may have signalled one to a machine that is gone. Negative errno: none is KVM's.
 */
int irq_lines_tie(const struct vm *vm, struct irq_function *const *functions, size_t nr_functions,
		  uint32_t first_gsi) _must_check_;
/* Take them back. */
void irq_lines_untie(const struct vm *vm, struct irq_function *const *functions,
		     size_t nr_functions, uint32_t first_gsi);

/*
 * Does KVM of this release (of utsname) take the end of a level for one only where it has seen the
 * interrupt active? So it is from Linux 6.19 on (vgic_v3_fold_lr() notifies if "deactivated"), up
 * to 7.3 at the least: what a guest takes and ends between two exits stays asserted, and comes
 * again and again, until one of its exits lies between the two by chance. KVM looks at each exit:
 * so the function's pages are dropped before its interrupt is asserted, and the handler's first
 * look at its function is one.
 */
bool irq_line_needs_exit(const char *release);

#endif
