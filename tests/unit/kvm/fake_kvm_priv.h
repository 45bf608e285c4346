/* SPDX-License-Identifier: MIT */
/*
 * What the files of the fake KVM share.
 */
#ifndef TESTS_UNIT_KVM_FAKE_KVM_PRIV_H
#define TESTS_UNIT_KVM_FAKE_KVM_PRIV_H

#include "tests/unit/kvm/fake_kvm.h"

/* With the lock held. */
int fake_kvm_new_fd(struct fake_kvm *fake, enum fake_kvm_kind kind, unsigned number);
int fake_kvm_create_vcpu(struct fake_kvm *fake, uintptr_t id);
int fake_kvm_create_device(struct fake_kvm *fake, struct kvm_create_device *create);

/* Without. */
int fake_kvm_vcpu_ioctl(struct fake_kvm *fake, unsigned vcpu, unsigned long request, void *arg);
int fake_kvm_device_ioctl(struct fake_kvm *fake, enum fake_kvm_kind kind, unsigned long request,
			  const struct kvm_device_attr *attr);
int fake_kvm_signal_msi(struct fake_kvm *fake, const struct kvm_msi *msi);

/* A register of a redistributor, of 32 bits, or the levels of its lines. With the lock held. */
void fake_kvm_redist_init(struct fake_redist *redist);
int fake_kvm_redist_attr(struct fake_kvm *fake, const struct kvm_device_attr *attr, bool set);

#endif
