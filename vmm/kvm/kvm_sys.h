/* SPDX-License-Identifier: MIT */
/*
 * What vmm/ asks of KVM, as a table, so that tests can run machines without KVM and
 * make each call fail in turn. What the calls hand out are descriptors and mappings
 * like any others: they are given back with close() and munmap().
 */
#ifndef VMM_KVM_KVM_SYS_H
#define VMM_KVM_KVM_SYS_H

#include <stddef.h>

#define KVM_PATH "/dev/kvm"

/* All return 0 (or what they are named for), or negative errno. Any thread. */
struct kvm_sys {
	void *ctx; /* handed to each of them */
	/* A descriptor that can be read and written, closed on exec. */
	int (*open)(void *ctx, const char *path);
	/* -EINTR too: KVM_RUN ends so when the thread gets a signal. */
	int (*ioctl)(void *ctx, int fd, unsigned long request, void *arg);
	/* A vCPU's struct kvm_run: from the start of fd, shared, readable and writable. */
	int (*mmap)(void *ctx, int fd, size_t len, void **ret_map);
};

/* The kernel itself. */
const struct kvm_sys *kvm_sys_kernel(void);
/*
 * The same, but for open(), which gives copies of *fd: for a process that can open nothing any
 * more. fd is borrowed.
 */
struct kvm_sys kvm_sys_kept(int *fd);

#endif
