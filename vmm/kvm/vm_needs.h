/* SPDX-License-Identifier: MIT */
/*
 * What itsy needs of KVM beside the calls that every KVM has: one table, by which itsy
 * check tells of a host, and guests are made.
 */
#ifndef VMM_KVM_VM_NEEDS_H
#define VMM_KVM_VM_NEEDS_H

#include "vmm/kvm/vm.h"

/* How many capabilities itsy asks for. */
size_t vm_needs_nr(void);

/* A VM without one that guests cannot do without: -ENOTSUP, and a failure that names all. */
int vm_needs_met(const struct vm *vm, struct failure *ret_failure) _must_check_;
/* "KVM_CAP_A, KVM_CAP_B": those that guests can do without, and that are missing; "" for none. */
void vm_needs_unmet_options(const struct vm *vm, char *ret_names, size_t cap);

#endif
