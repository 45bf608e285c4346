/* SPDX-License-Identifier: MIT */
/*
 * What the files of the KVM side share.
 */
#ifndef TESTS_DIFF_KVM_PRIV_H
#define TESTS_DIFF_KVM_PRIV_H

#include "tests/diff/kvm.h"

/* KVM_SET_DEVICE_ATTR. 0 or negative errno. */
int kvm_set_attr(int fd, uint32_t group, uint64_t attr, void *value);
/* The first broken promise of KVM's is kept in side->broken. */
void kvm_expect(struct kvm_side *side, bool promise, const char *what);

/* An ITS register. */
uint64_t kvm_port_read(void *ctx, uint32_t offset);
void kvm_port_write(void *ctx, uint32_t offset, uint64_t value);

/* The pending tables, as they were before KVM saved any. */
void kvm_zero_pending(struct kvm_side *side);

/* Save the machine, and restore it. */
void kvm_port_save(void *ctx);

#endif
