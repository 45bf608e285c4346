/* SPDX-License-Identifier: MIT */
/*
 * A KVM virtual machine: its memory slots, interrupt lines and message-signalled
 * interrupts. Documentation/virt/kvm/api.rst.
 */
#ifndef VMM_KVM_VM_H
#define VMM_KVM_VM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/report.h"
#include "vmm/kvm/gmem.h"
#include "vmm/kvm/kvm_sys.h"

/* Numbers of memory slots. */
enum vm_slot {
	VM_SLOT_RAM, /* of the first bank; those of the others follow */
	VM_SLOT_KERNEL_ITS_FRAME = VM_SLOT_RAM + GMEM_MAX_BANKS,
	VM_SLOT_KERNEL_ITS_MEM,
	VM_SLOT_KERNEL_GICR,
	VM_SLOT_KERNEL_CODE,
	VM_SLOT_STEAL_TIME,
	VM_SLOT_FIRMWARE,
	VM_SLOT_BARS = 16, /* and all above: pci_host.c */
};

struct vm {
	const struct kvm_sys *sys;
	int kvm;       /* /dev/kvm; -1: not open */
	int fd;	       /* the VM; -1: none */
	size_t run_sz; /* bytes of struct kvm_run's mapping */
};

/*
 * Open /dev/kvm and make a VM with 40-bit guest physical addresses. A host that
 * cannot is a failure with ITSY_ENVIRONMENT.
 */
int vm_init(struct vm *vm, struct failure *ret_failure) _must_check_;
/* The same by other calls than the kernel's; sys is borrowed. */
int vm_init_with(struct vm *vm, const struct kvm_sys *sys,
		 struct failure *ret_failure) _must_check_;
/* Also of one that could not be made, or was finished before. */
void vm_fini(struct vm *vm);

/* KVM_CHECK_EXTENSION of the VM: 0 for a missing one. */
int vm_extension(const struct vm *vm, unsigned cap);
/* KVM_ENABLE_CAP without arguments. */
int vm_enable(const struct vm *vm, unsigned cap) _must_check_;

/*
 * Put [va, va + size) at gpa, or remove the slot where size is 0. Thread-safe.
 * Negative errno, -EEXIST where it overlaps another slot.
 */
int vm_set_slot(const struct vm *vm, unsigned slot, uint64_t gpa, uint64_t size, void *va,
		bool readonly) _must_check_;

/* Set the level of a shared peripheral interrupt, 32..1019. */
int vm_irq_line(const struct vm *vm, unsigned intid, bool level) _must_check_;

/*
 * KVM_SIGNAL_MSI through the kernel ITS whose doorbell is at address. 1: made
 * pending; 0: not mapped there; -EBUSY: that ITS, or the target's LPIs, are off.
 */
int vm_signal_msi(const struct vm *vm, uint64_t address, uint32_t devid,
		  uint32_t eventid) _must_check_;

/*
 * Of KVM's GSI routing table: GSI n sends the message of entry n, or asserts its shared
 * peripheral interrupt (KVM_SET_GSI_ROUTING).
 */
#define VM_MAX_ROUTES 4096u

struct vm_route {
	uint64_t address;
	uint32_t devid, eventid;
	unsigned intid; /* 32..1019; 0: it is a message */
};

/* Replace the whole table; nr at most VM_MAX_ROUTES. -ENOMEM and others. */
int vm_set_routes(const struct vm *vm, const struct vm_route *routes, size_t nr) _must_check_;
/*
 * Tie an eventfd to a GSI, or untie it: KVM_IRQFD. While tied, the kernel makes
 * the GSI's interrupt pending when the eventfd is signalled, and no other reader
 * or poll sees the signal; one from before is taken too. After untying no
 * injection is under way. Any thread. -EBUSY: the eventfd is tied already.
 */
int vm_irqfd(const struct vm *vm, int eventfd, unsigned gsi, bool tied) _must_check_;

/*
 * The same for a GSI that is a level: while tied, a signal of eventfd asserts it; when the guest
 * has ended the interrupt, the kernel deasserts it and signals resample, of each eventfd that
 * is tied to this GSI (KVM_IRQFD_FLAG_RESAMPLE). Untying the last one deasserts it too.
 */
int vm_irqfd_level(const struct vm *vm, int eventfd, int resample, unsigned gsi,
		   bool tied) _must_check_;

/* ioctl() of the VM or of anything of it: a negative errno for errors; goes on after EINTR. */
int vm_ioctl(const struct vm *vm, int fd, unsigned long request, void *arg) _must_check_;

/* KVM_CREATE_DEVICE: the descriptor, or negative errno. */
int vm_create_device(const struct vm *vm, unsigned type) _must_check_;
/*
 * KVM_SET_DEVICE_ATTR and KVM_GET_DEVICE_ATTR. KVM serves registers while no vCPU is in
 * an ioctl, for which the caller has all of them paused: what still keeps it busy then is
 * something of the host's own, and is waited for. -EBUSY: it was all that time.
 */
#define VM_BUSY_MAX_MS 1000u
int vm_device_set(const struct vm *vm, int device, unsigned group, uint64_t attr,
		  void *value) _must_check_;
int vm_device_get(const struct vm *vm, int device, unsigned group, uint64_t attr,
		  void *value) _must_check_;

#endif
