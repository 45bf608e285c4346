// SPDX-License-Identifier: MIT
/*
 * KVM without a kernel: the VM and its descriptors. The vCPUs are in
 * fake_kvm_vcpu.c, the interrupt controller in fake_kvm_gic.c.
 * Documentation/virt/kvm/api.rst.
 */
#include "tests/unit/kvm/fake_kvm.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/kvm/fake_kvm_priv.h"

#define RUN_SIZE 12288
#define NAME	 "fake-kvm"

/* ---- descriptors --------------------------------------------------------- */

static bool is_open(const struct fake_kvm_fd *entry)
{
	struct stat st;

	return fstat(entry->fd, &st) == 0 && st.st_ino == entry->inode;
}

/* Each is a file of its own, so that the kernel tells whether it is still open. */
int fake_kvm_new_fd(struct fake_kvm *fake, enum fake_kvm_kind kind, unsigned number)
{
	int fd = memfd_create(NAME, MFD_CLOEXEC);
	struct stat st;
	int r = fstat(fd, &st);

	assert(r == 0);
	assert(fake->nr_fds < FAKE_KVM_FDS);
	fake->fds[fake->nr_fds++] = (struct fake_kvm_fd){ fd, st.st_ino, kind, number };
	return fd;
}

static struct fake_kvm_fd *find_fd(struct fake_kvm *fake, int fd)
{
	for (unsigned i = fake->nr_fds; i-- > 0;)
		if (fake->fds[i].fd == fd && is_open(&fake->fds[i]))
			return &fake->fds[i];
	return NULL;
}

unsigned fake_kvm_nr_open(struct fake_kvm *fake)
{
	unsigned nr = 0;

	pthread_mutex_lock(&fake->lock);
	for (unsigned i = 0; i < fake->nr_fds; i++)
		nr += is_open(&fake->fds[i]);
	pthread_mutex_unlock(&fake->lock);
	return nr;
}

/* The mappings of this process, less the fake's own. */
unsigned fake_kvm_nr_mapped(struct fake_kvm *fake)
{
	FILE *f = fopen("/proc/self/maps", "re");
	char line[512];
	unsigned nr = 0;

	assert(f);
	while (fgets(line, sizeof(line), f))
		nr += strstr(line, NAME) != NULL;
	(void)fclose(f);
	for (unsigned i = 0; i < FAKE_KVM_VCPUS; i++)
		nr -= fake->vcpus[i].run != NULL;
	return nr;
}

/* ---- calls that fail -------------------------------------------------------- */

static bool fails(struct fake_kvm *fake, const char *call)
{
	fake->calls++;
	if (fake->fail_at == 0 || --fake->fail_at > 0)
		return false;
	fake->failed_call = call;
	return true;
}

static int fake_open(void *ctx, const char *path)
{
	struct fake_kvm *fake = ctx;
	int r;

	assert(!strcmp(path, "/dev/kvm"));
	pthread_mutex_lock(&fake->lock);
	if (fails(fake, "open"))
		r = -fake->fail_errno;
	else if (fake->open_errno)
		r = -fake->open_errno;
	else
		r = fake_kvm_new_fd(fake, FAKE_KVM_DEV, 0);
	pthread_mutex_unlock(&fake->lock);
	return r;
}

static int fake_mmap(void *ctx, int fd, size_t len, void **ret_map)
{
	struct fake_kvm *fake = ctx;
	struct fake_kvm_fd *entry;
	bool failed;
	void *map;

	pthread_mutex_lock(&fake->lock);
	entry = find_fd(fake, fd);
	failed = fails(fake, "mmap");
	pthread_mutex_unlock(&fake->lock);
	assert(entry);
	assert(entry->kind == FAKE_KVM_VCPU);
	assert(len == (size_t)fake->run_size);
	if (failed)
		return -fake->fail_errno;
	map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert(map != MAP_FAILED);
	*ret_map = map;
	return 0;
}

/* ---- /dev/kvm ----------------------------------------------------------------- */

static int check_extension(const struct fake_kvm *fake, uintptr_t cap)
{
	switch (cap) {
	case KVM_CAP_ARM_VM_IPA_SIZE:
		return fake->ipa_bits;
	case KVM_CAP_MAX_VCPUS:
		return fake->max_vcpus;
	case KVM_CAP_ARM_SVE:
		return fake->sve;
	case KVM_CAP_ARM_PTRAUTH_ADDRESS:
	case KVM_CAP_ARM_PTRAUTH_GENERIC:
		return fake->ptrauth;
	case KVM_CAP_ARM_PMU_V3:
		return fake->pmu;
	case KVM_CAP_STEAL_TIME:
		return fake->steal_time;
	case KVM_CAP_ARM_NISV_TO_USER:
		return !fake->no_nisv;
	default:
		return cap != fake->lacks;
	}
}

static int dev_ioctl(struct fake_kvm *fake, unsigned long request, void *arg)
{
	switch (request) {
	case KVM_GET_API_VERSION:
		return fake->api_version;
	case KVM_CREATE_VM:
		fake->vm_type = (uintptr_t)arg;
		return fake_kvm_new_fd(fake, FAKE_KVM_VM, 0);
	case KVM_GET_VCPU_MMAP_SIZE:
		return fake->run_size;
	default:
		return -ENOTTY;
	}
}

/* ---- the VM ------------------------------------------------------------------- */

static bool overlap(const struct fake_slot *a, const struct kvm_userspace_memory_region *b)
{
	return a->size && b->guest_phys_addr < a->gpa + a->size &&
	       a->gpa < b->guest_phys_addr + b->memory_size;
}

static int set_slot(struct fake_kvm *fake, const struct kvm_userspace_memory_region *region)
{
	struct fake_slot *slot = &fake->slots[region->slot];

	assert(region->slot < FAKE_KVM_SLOTS);
	if ((region->memory_size | region->guest_phys_addr | region->userspace_addr) % 4096)
		return -EINVAL;
	if (!region->memory_size) {
		if (!slot->size)
			return -EINVAL;
		*slot = (struct fake_slot){ 0 };
		return 0;
	}
	for (unsigned i = 0; i < FAKE_KVM_SLOTS; i++)
		if (i != region->slot && overlap(&fake->slots[i], region))
			return -EEXIST;
	*slot = (struct fake_slot){
		.gpa = region->guest_phys_addr,
		.size = region->memory_size,
		.va = (uint8_t *)(uintptr_t)region->userspace_addr,
		.readonly = region->flags & KVM_MEM_READONLY,
	};
	return 0;
}

uint8_t *fake_kvm_memory(struct fake_kvm *fake, uint64_t gpa, uint64_t len, bool to_write)
{
	uint8_t *va = NULL;

	pthread_mutex_lock(&fake->lock);
	for (unsigned i = 0; i < FAKE_KVM_SLOTS && !va; i++) {
		const struct fake_slot *slot = &fake->slots[i];

		if (gpa >= slot->gpa && gpa - slot->gpa < slot->size &&
		    len <= slot->size - (gpa - slot->gpa) && !(to_write && slot->readonly))
			va = slot->va + (gpa - slot->gpa);
	}
	pthread_mutex_unlock(&fake->lock);
	return va;
}

static int set_line(struct fake_kvm *fake, const struct kvm_irq_level *line)
{
	unsigned intid = line->irq & 0xffff;

	if (line->irq >> 24 != KVM_ARM_IRQ_TYPE_SPI || intid < 32 || intid >= FAKE_KVM_NR_LINES)
		return -EINVAL;
	fake->nr_line_changes += fake->lines[intid] != !!line->level;
	fake->lines[intid] = line->level;
	return 0;
}

static int set_routes(struct fake_kvm *fake, const struct kvm_irq_routing *table)
{
	if (table->nr > FAKE_KVM_GSIS || table->flags)
		return -EINVAL;
	memcpy(fake->routes, table->entries, table->nr * sizeof(table->entries[0]));
	fake->nr_routes = table->nr;
	return 0;
}

/* KVM_IRQFD: to untie what is not tied is no error. */
static int set_irqfd(struct fake_kvm *fake, const struct kvm_irqfd *irqfd)
{
	bool tie = !(irqfd->flags & KVM_IRQFD_FLAG_DEASSIGN);
	unsigned at = FAKE_KVM_IRQFDS;

	for (unsigned i = 0; i < FAKE_KVM_IRQFDS; i++) {
		bool is_this = fake->irqfds[i].fd == (int)irqfd->fd;

		if (tie && is_this)
			return -EBUSY;
		if (tie ? fake->irqfds[i].fd < 0 && at == FAKE_KVM_IRQFDS
			: is_this && fake->irqfds[i].gsi == irqfd->gsi)
			at = i;
	}
	if (at == FAKE_KVM_IRQFDS)
		return tie ? -ENOSPC : 0;
	fake->irqfds[at].fd = tie ? (int)irqfd->fd : -1;
	fake->irqfds[at].gsi = irqfd->gsi;
	fake->irqfds[at].resample =
		irqfd->flags & KVM_IRQFD_FLAG_RESAMPLE ? (int)irqfd->resamplefd : -1;
	fake->nr_irqfds += tie ? 1u : -1u;
	return 0;
}

static int enable_cap(struct fake_kvm *fake, const struct kvm_enable_cap *enable)
{
	if (enable->cap != KVM_CAP_ARM_NISV_TO_USER || fake->no_nisv)
		return -EINVAL;
	fake->nisv_enabled = true;
	return 0;
}

static int preferred_target(struct kvm_vcpu_init *init)
{
	*init = (struct kvm_vcpu_init){ .target = 5 /* KVM_ARM_TARGET_GENERIC_V8 */ };
	return 0;
}

static int vm_fd_ioctl(struct fake_kvm *fake, unsigned long request, void *arg)
{
	switch (request) {
	case KVM_SET_USER_MEMORY_REGION:
		return set_slot(fake, arg);
	case KVM_IRQ_LINE:
		return set_line(fake, arg);
	case KVM_SET_GSI_ROUTING:
		return set_routes(fake, arg);
	case KVM_IRQFD:
		return set_irqfd(fake, arg);
	case KVM_ENABLE_CAP:
		return enable_cap(fake, arg);
	case KVM_ARM_PREFERRED_TARGET:
		return preferred_target(arg);
	case KVM_CREATE_VCPU:
		return fake_kvm_create_vcpu(fake, (uintptr_t)arg);
	case KVM_CREATE_DEVICE:
		return fake_kvm_create_device(fake, arg);
	default:
		return -ENOTTY;
	}
}

/* ---- which call it is ------------------------------------------------------------ */

static const struct {
	unsigned long request;
	const char *name;
} names[] = {
	{ KVM_GET_API_VERSION, "KVM_GET_API_VERSION" },
	{ KVM_CREATE_VM, "KVM_CREATE_VM" },
	{ KVM_GET_VCPU_MMAP_SIZE, "KVM_GET_VCPU_MMAP_SIZE" },
	{ KVM_SET_USER_MEMORY_REGION, "KVM_SET_USER_MEMORY_REGION" },
	{ KVM_IRQ_LINE, "KVM_IRQ_LINE" },
	{ KVM_SET_GSI_ROUTING, "KVM_SET_GSI_ROUTING" },
	{ KVM_IRQFD, "KVM_IRQFD" },
	{ KVM_ENABLE_CAP, "KVM_ENABLE_CAP" },
	{ KVM_ARM_PREFERRED_TARGET, "KVM_ARM_PREFERRED_TARGET" },
	{ KVM_CREATE_VCPU, "KVM_CREATE_VCPU" },
	{ KVM_CREATE_DEVICE, "KVM_CREATE_DEVICE" },
	{ KVM_SIGNAL_MSI, "KVM_SIGNAL_MSI" },
	{ KVM_ARM_VCPU_INIT, "KVM_ARM_VCPU_INIT" },
	{ KVM_ARM_VCPU_FINALIZE, "KVM_ARM_VCPU_FINALIZE" },
	{ KVM_GET_ONE_REG, "KVM_GET_ONE_REG" },
	{ KVM_SET_ONE_REG, "KVM_SET_ONE_REG" },
	{ KVM_SET_VCPU_EVENTS, "KVM_SET_VCPU_EVENTS" },
	{ KVM_SET_DEVICE_ATTR, "KVM_SET_DEVICE_ATTR" },
	{ KVM_GET_DEVICE_ATTR, "KVM_GET_DEVICE_ATTR" },
};

static const char *name_of(unsigned long request)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].request == request)
			return names[i].name;
	return "an ioctl of another name";
}

static int locked_ioctl(struct fake_kvm *fake, const struct fake_kvm_fd *entry,
			unsigned long request, void *arg)
{
	if (entry->kind == FAKE_KVM_DEV)
		return dev_ioctl(fake, request, arg);
	assert(entry->kind == FAKE_KVM_VM);
	return vm_fd_ioctl(fake, request, arg);
}

static int fake_ioctl(void *ctx, int fd, unsigned long request, void *arg)
{
	struct fake_kvm *fake = ctx;
	struct fake_kvm_fd *entry;
	bool failed;
	int r = -EBADF;

	pthread_mutex_lock(&fake->lock);
	entry = find_fd(fake, fd);
	if (request == KVM_CHECK_EXTENSION && entry) {
		r = check_extension(fake, (uintptr_t)arg);
		pthread_mutex_unlock(&fake->lock);
		return r;
	}
	failed = request != KVM_RUN && fails(fake, name_of(request));
	if (failed)
		r = -fake->fail_errno;
	else if (entry && entry->kind <= FAKE_KVM_VM && request != KVM_SIGNAL_MSI)
		r = locked_ioctl(fake, entry, request, arg);
	pthread_mutex_unlock(&fake->lock);
	if (failed || !entry || (entry->kind <= FAKE_KVM_VM && request != KVM_SIGNAL_MSI))
		return r;

	/* These take other locks first. */
	if (entry->kind == FAKE_KVM_VM)
		return fake_kvm_signal_msi(fake, arg);
	if (entry->kind == FAKE_KVM_VCPU)
		return fake_kvm_vcpu_ioctl(fake, entry->number, request, arg);
	return fake_kvm_device_ioctl(fake, entry->kind, request, arg);
}

/* ---- making one ------------------------------------------------------------------ */

void fake_kvm_init(struct fake_kvm *fake)
{
	*fake = (struct fake_kvm){
		.sys = { .ctx = fake, .open = fake_open, .ioctl = fake_ioctl, .mmap = fake_mmap },
		.api_version = KVM_API_VERSION,
		.ipa_bits = 44,
		.max_vcpus = FAKE_KVM_VCPUS,
		.run_size = RUN_SIZE,
		.lacks = UINT_MAX,
	};
	pthread_mutex_init(&fake->lock, NULL);
	for (unsigned i = 0; i < FAKE_KVM_IRQFDS; i++)
		fake->irqfds[i].fd = -1;
	for (unsigned i = 0; i < FAKE_KVM_VCPUS; i++) {
		pthread_mutex_init(&fake->vcpus[i].mutex, NULL);
		fake->vcpus[i].wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		assert(fake->vcpus[i].wake >= 0);
	}
}

void fake_kvm_fini(struct fake_kvm *fake)
{
	unsigned nr_open = fake_kvm_nr_open(fake), nr_mapped = fake_kvm_nr_mapped(fake);

	assert(nr_open == 0);
	assert(nr_mapped == 0);
	assert(fake->nr_met == 0);
	for (unsigned i = 0; i < FAKE_KVM_VCPUS; i++) {
		if (fake->vcpus[i].run)
			(void)munmap(fake->vcpus[i].run, RUN_SIZE);
		(void)close(fake->vcpus[i].wake);
		pthread_mutex_destroy(&fake->vcpus[i].mutex);
	}
	pthread_mutex_destroy(&fake->lock);
}
