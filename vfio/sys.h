/* SPDX-License-Identifier: MIT */
/*
 * What vfio/ asks of the kernel to drive a function, as a table, so that tests
 * can run the whole device model without VFIO and make each call fail in turn.
 * Private to vfio/ and its tests.
 */
#ifndef VFIO_SYS_H
#define VFIO_SYS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "vmm/base/cleanup.h"

/* All return 0 (or what they are named for), or negative errno. */
struct vfio_sys {
	void *ctx; /* handed to each of them */
	int (*open)(void *ctx, const char *path);
	void (*close)(void *ctx, int fd);
	int (*ioctl)(void *ctx, int fd, unsigned long request, void *arg);
	ssize_t (*pread)(void *ctx, int fd, void *buf, size_t len, uint64_t offset);
	ssize_t (*pwrite)(void *ctx, int fd, const void *buf, size_t len, uint64_t offset);
	/* Shared, readable and writable. */
	int (*mmap)(void *ctx, int fd, uint64_t offset, size_t len, void **ret_map);
	void (*munmap)(void *ctx, void *map, size_t len);
	/*
	 * The same mapping in its own place, at once for all who touch it, without a page of it:
	 * KVM's second stages have none any more, either.
	 */
	int (*map_anew)(void *ctx, int fd, uint64_t offset, size_t len, void *map);
	int (*eventfd)(void *ctx); /* non-blocking, closed on exec */
	void *(*zalloc)(void *ctx, size_t nr, size_t size);
	uint64_t (*now_ns)(void *ctx); /* CLOCK_MONOTONIC */
	void (*sleep_ns)(void *ctx, uint64_t ns);
	size_t page_size;
};

/* The kernel itself. */
struct vfio_sys vfio_sys_kernel(void);

/*
 * The capability of that id in a chain (struct vfio_info_cap_header) inside an
 * answer of size bytes, or NULL. first is the chain's start, 0 for no chain. *ret_room
 * is how many bytes of the answer lie from there to its end, a header's at least.
 */
const void *vfio_find_cap(const void *answer, size_t size, uint32_t first, uint16_t id,
			  size_t *ret_room);

/*
 * Ask with an argsz that grows to what the kernel asks for: *ret_answer is the
 * caller's to free(), *ret_size its size (at least fixed bytes).
 */
struct vfio_query {
	int fd;
	unsigned long request;
	const void *fixed; /* the question, whose first member is argsz */
	size_t fixed_size;
};
int vfio_ask(const struct vfio_sys *sys, const struct vfio_query *query, void **ret_answer,
	     size_t *ret_size) _must_check_;

#endif
