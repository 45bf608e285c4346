// SPDX-License-Identifier: MIT
/*
 * The kernel's side of struct kvm_sys.
 */
#include "vmm/kvm/kvm_sys.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

static int kernel_open(void *ctx, const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	(void)ctx;
	return fd < 0 ? -errno : fd;
}

static int kernel_ioctl(void *ctx, int fd, unsigned long request, void *arg)
{
	int r = ioctl(fd, request, arg);

	(void)ctx;
	return r < 0 ? -errno : r;
}

static int kernel_mmap(void *ctx, int fd, size_t len, void **ret_map)
{
	void *map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	(void)ctx;
	if (map == MAP_FAILED)
		return -errno;
	*ret_map = map;
	return 0;
}

const struct kvm_sys *kvm_sys_kernel(void)
{
	static const struct kvm_sys kernel = {
		.open = kernel_open,
		.ioctl = kernel_ioctl,
		.mmap = kernel_mmap,
	};

	return &kernel;
}

static int kept_open(void *ctx, const char *path)
{
	int fd = fcntl(*(const int *)ctx, F_DUPFD_CLOEXEC, 0);

	(void)path;
	return fd < 0 ? -errno : fd;
}

struct kvm_sys kvm_sys_kept(int *fd)
{
	struct kvm_sys kept = *kvm_sys_kernel();

	kept.ctx = fd;
	kept.open = kept_open;
	return kept;
}
