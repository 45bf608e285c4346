// SPDX-License-Identifier: MIT
/*
 * A KVM virtual machine. Documentation/virt/kvm/api.rst.
 */
#include "vmm/kvm/vm.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "vmm/base/clock.h"
#include "vmm/kvm/kvm_arm64.h"
#include "vmm/kvm/layout.h"

#define VM_IPA_BITS 40u
#define FIRST_SPI   32u
#define BUSY_NAP_NS 100000 /* between two looks at what keeps KVM busy */

_Static_assert(LAYOUT_PCI64 + LAYOUT_PCI64_SZ <= UINT64_C(1) << VM_IPA_BITS,
	       "the layout fits the addresses");

int vm_ioctl(const struct vm *vm, int fd, unsigned long request, void *arg)
{
	int r;

	do {
		r = vm->sys->ioctl(vm->sys->ctx, fd, request, arg);
	} while (r == -EINTR);
	return r;
}

static int open_kvm(struct vm *vm, struct failure *ret_failure)
{
	int version, fd = vm->sys->open(vm->sys->ctx, KVM_PATH);

	if (fd == -EACCES || fd == -EPERM)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, -fd, KVM_PATH,
				   "run as root, or join the group that owns it",
				   "permission denied");
	if (fd < 0)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, -fd, KVM_PATH,
				   "boot the host at EL2 with a kernel that has CONFIG_KVM",
				   "the host has no KVM (%s)", strerror(-fd));

	vm->kvm = fd;
	version = vm_ioctl(vm, vm->kvm, KVM_GET_API_VERSION, NULL);
	if (version != KVM_API_VERSION)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, ENOTSUP, KVM_PATH,
				   "use a kernel with API version 12", "KVM API version %d",
				   version);
	return 0;
}

int vm_init(struct vm *vm, struct failure *ret_failure)
{
	return vm_init_with(vm, kvm_sys_kernel(), ret_failure);
}

int vm_init_with(struct vm *vm, const struct kvm_sys *sys, struct failure *ret_failure)
{
	int r, bits;

	assert(vm);
	assert(ret_failure);

	*vm = (struct vm){ .sys = sys, .kvm = -1, .fd = -1 };
	r = open_kvm(vm, ret_failure);
	if (r < 0)
		return r;

	/* Without the capability the size is fixed at 40 bits. */
	bits = vm_ioctl(vm, vm->kvm, KVM_CHECK_EXTENSION,
			(void *)(uintptr_t)KVM_CAP_ARM_VM_IPA_SIZE);
	if (bits > 0 && (unsigned)bits < VM_IPA_BITS)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, ENOTSUP, KVM_PATH,
				   "use a host with larger physical addresses",
				   "guests have %d-bit physical addresses here, itsy needs %u",
				   bits, VM_IPA_BITS);

	vm->fd =
		vm_ioctl(vm, vm->kvm, KVM_CREATE_VM,
			 (void *)(uintptr_t)(bits > 0 ? KVM_VM_TYPE_ARM_IPA_SIZE(VM_IPA_BITS) : 0));
	if (vm->fd < 0)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, -vm->fd, KVM_PATH,
				   CURE_KERNEL_LOG, "cannot make a VM (%s)", strerror(-vm->fd));

	r = vm_ioctl(vm, vm->kvm, KVM_GET_VCPU_MMAP_SIZE, NULL);
	if (r <= 0)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, r ? -r : EIO, KVM_PATH,
				   CURE_KERNEL_LOG, "KVM_GET_VCPU_MMAP_SIZE failed");
	vm->run_sz = (size_t)r;
	return 0;
}

void vm_fini(struct vm *vm)
{
	if (!vm)
		return;
	cleanup_fd(&vm->fd);
	cleanup_fd(&vm->kvm);
	vm->fd = vm->kvm = -1;
}

int vm_extension(const struct vm *vm, unsigned cap)
{
	int r = vm_ioctl(vm, vm->fd, KVM_CHECK_EXTENSION, (void *)(uintptr_t)cap);

	return r > 0 ? r : 0;
}

int vm_enable(const struct vm *vm, unsigned cap)
{
	struct kvm_enable_cap enable = { .cap = cap };

	return vm_ioctl(vm, vm->fd, KVM_ENABLE_CAP, &enable);
}

int vm_set_slot(const struct vm *vm, unsigned slot, uint64_t gpa, uint64_t size, void *va,
		bool readonly)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.flags = readonly ? KVM_MEM_READONLY : 0,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)va,
	};

	return vm_ioctl(vm, vm->fd, KVM_SET_USER_MEMORY_REGION, &region);
}

int vm_irq_line(const struct vm *vm, unsigned intid, bool level)
{
	struct kvm_irq_level line = {
		.irq = KVM_ARM_IRQ_TYPE_SPI << KVM_ARM_IRQ_TYPE_SHIFT | intid,
		.level = level,
	};

	assert(intid >= 32);
	assert(intid < 1020);

	return vm_ioctl(vm, vm->fd, KVM_IRQ_LINE, &line);
}

int vm_signal_msi(const struct vm *vm, uint64_t address, uint32_t devid, uint32_t eventid)
{
	struct kvm_msi msi = {
		.address_lo = (uint32_t)address,
		.address_hi = (uint32_t)(address >> 32),
		.data = eventid,
		.flags = KVM_MSI_VALID_DEVID,
		.devid = devid,
	};

	return vm_ioctl(vm, vm->fd, KVM_SIGNAL_MSI, &msi);
}

static struct kvm_irq_routing_entry msi_entry(uint32_t gsi, const struct vm_route *route)
{
	return (struct kvm_irq_routing_entry){
		.gsi = gsi,
		.type = KVM_IRQ_ROUTING_MSI,
		.flags = KVM_MSI_VALID_DEVID,
		.u.msi = {
			.address_lo = (uint32_t)route->address,
			.address_hi = (uint32_t)(route->address >> 32),
			.data = route->eventid,
			.devid = route->devid,
		},
	};
}

/* The pins of KVM's interrupt controller are its shared interrupts. */
static struct kvm_irq_routing_entry line_entry(uint32_t gsi, const struct vm_route *route)
{
	assert(route->intid >= FIRST_SPI);

	return (struct kvm_irq_routing_entry){
		.gsi = gsi,
		.type = KVM_IRQ_ROUTING_IRQCHIP,
		.u.irqchip = { .irqchip = 0, .pin = route->intid - FIRST_SPI },
	};
}

int vm_set_routes(const struct vm *vm, const struct vm_route *routes, size_t nr)
{
	_cleanup_free_ struct kvm_irq_routing *table =
		calloc(1, sizeof(*table) + nr * sizeof(table->entries[0]));

	assert(nr <= VM_MAX_ROUTES);

	if (!table)
		return -ENOMEM;
	table->nr = (uint32_t)nr;
	for (size_t i = 0; i < nr; i++)
		table->entries[i] = routes[i].intid ? line_entry((uint32_t)i, &routes[i])
						    : msi_entry((uint32_t)i, &routes[i]);
	return vm_ioctl(vm, vm->fd, KVM_SET_GSI_ROUTING, table);
}

int vm_irqfd(const struct vm *vm, int eventfd, unsigned gsi, bool tied)
{
	struct kvm_irqfd irqfd = {
		.fd = (uint32_t)eventfd,
		.gsi = gsi,
		.flags = tied ? 0 : KVM_IRQFD_FLAG_DEASSIGN,
	};

	return vm_ioctl(vm, vm->fd, KVM_IRQFD, &irqfd);
}

int vm_irqfd_level(const struct vm *vm, int eventfd, int resample, unsigned gsi, bool tied)
{
	struct kvm_irqfd irqfd = {
		.fd = (uint32_t)eventfd,
		.gsi = gsi,
		.flags = tied ? KVM_IRQFD_FLAG_RESAMPLE : KVM_IRQFD_FLAG_DEASSIGN,
		.resamplefd = tied ? (uint32_t)resample : 0,
	};

	return vm_ioctl(vm, vm->fd, KVM_IRQFD, &irqfd);
}

int vm_create_device(const struct vm *vm, unsigned type)
{
	struct kvm_create_device create = { .type = type };
	int r = vm_ioctl(vm, vm->fd, KVM_CREATE_DEVICE, &create);

	return r < 0 ? r : (int)create.fd;
}

/* Refused with -EBUSY nothing has happened: kvm_trylock_all_vcpus() comes first of all. */
static int device_attr(const struct vm *vm, int device, unsigned long request,
		       struct kvm_device_attr *attr)
{
	const struct timespec nap = { .tv_nsec = BUSY_NAP_NS };
	int r = vm_ioctl(vm, device, request, attr);

	if (r != -EBUSY)
		return r;
	for (uint64_t end = clock_ns() + VM_BUSY_MAX_MS * UINT64_C(1000000);
	     r == -EBUSY && clock_ns() < end;) {
		(void)nanosleep(&nap, NULL);
		r = vm_ioctl(vm, device, request, attr);
	}
	return r;
}

int vm_device_set(const struct vm *vm, int device, unsigned group, uint64_t attr, void *value)
{
	struct kvm_device_attr a = { .group = group, .attr = attr, .addr = (uintptr_t)value };

	return device_attr(vm, device, KVM_SET_DEVICE_ATTR, &a);
}

int vm_device_get(const struct vm *vm, int device, unsigned group, uint64_t attr, void *value)
{
	struct kvm_device_attr a = { .group = group, .attr = attr, .addr = (uintptr_t)value };

	return device_attr(vm, device, KVM_GET_DEVICE_ATTR, &a);
}
