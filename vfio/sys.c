// SPDX-License-Identifier: MIT
/*
 * The kernel's side of struct vfio_sys, and the two things that all answers of
 * VFIO share: sizes that grow (argsz) and chains of capabilities. linux/vfio.h.
 */
#include "vfio/sys.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>

#include "vfio/fail.h"

/* Answers of today take a page at most; one larger than this is refused. */
#define VFIO_ANSWER_MAX 65536u

#define NS_PER_S UINT64_C(1000000000)

static int kernel_open(void *ctx, const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	(void)ctx;
	return fd < 0 ? -errno : fd;
}

static void kernel_close(void *ctx, int fd)
{
	(void)ctx;
	(void)close(fd);
}

static int kernel_ioctl(void *ctx, int fd, unsigned long request, void *arg)
{
	int r = ioctl(fd, request, arg);

	(void)ctx;
	return r < 0 ? -errno : r;
}

static ssize_t kernel_pread(void *ctx, int fd, void *buf, size_t len, uint64_t offset)
{
	ssize_t r = pread(fd, buf, len, (off_t)offset);

	(void)ctx;
	return r < 0 ? -errno : r;
}

static ssize_t kernel_pwrite(void *ctx, int fd, const void *buf, size_t len, uint64_t offset)
{
	ssize_t r = pwrite(fd, buf, len, (off_t)offset);

	(void)ctx;
	return r < 0 ? -errno : r;
}

/*
 * Where the kernel can map with large pages it needs address and offset to agree
 * in their low bits, for us and for KVM's second stage alike: reserve more than is
 * needed, map at the right place in it, and give the rest back.
 */
static int map_aligned(int fd, uint64_t offset, size_t len, size_t align, void **ret_map)
{
	size_t head;
	char *area;
	void *map;

	area = mmap(NULL, len + align, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
		    0);
	if (area == MAP_FAILED)
		return -errno;
	head = (size_t)(offset - (uintptr_t)area) & (align - 1);
	map = mmap(area + head, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
		   (off_t)offset);
	if (map == MAP_FAILED) {
		int r = -errno;

		(void)munmap(area, len + align);
		return r;
	}
	if (head)
		(void)munmap(area, head);
	(void)munmap(area + head + len, align - head);
	*ret_map = map;
	return 0;
}

static int kernel_mmap(void *ctx, int fd, uint64_t offset, size_t len, void **ret_map)
{
	static const size_t large[] = { (size_t)1 << 30, (size_t)2 << 20 };
	void *map;

	(void)ctx;
	for (size_t i = 0; i < ARRAY_SIZE(large); i++) {
		if (len >= large[i])
			return map_aligned(fd, offset, len, large[i], ret_map);
	}
	map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)offset);
	if (map == MAP_FAILED)
		return -errno;
	*ret_map = map;
	return 0;
}

static void kernel_munmap(void *ctx, void *map, size_t len)
{
	(void)ctx;
	(void)munmap(map, len);
}

/*
 * No page fault, and none of KVM's, sees the mapping gone: that would be the end of its vCPU. Two
 * calls (munmap() and mmap(), mprotect() twice) would have a moment between them.
 */
static int kernel_map_anew(void *ctx, int fd, uint64_t offset, size_t len, void *map)
{
	const void *again =
		mmap(map, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, (off_t)offset);

	(void)ctx;
	return again == MAP_FAILED ? -errno : 0;
}

static int kernel_eventfd(void *ctx)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	(void)ctx;
	return fd < 0 ? -errno : fd;
}

static void *kernel_zalloc(void *ctx, size_t nr, size_t size)
{
	(void)ctx;
	return calloc(nr, size);
}

static uint64_t kernel_now_ns(void *ctx)
{
	struct timespec now = { 0 };

	(void)ctx;
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* A signal does not end it. */
static void kernel_sleep_ns(void *ctx, uint64_t ns)
{
	struct timespec left = { .tv_sec = (time_t)(ns / NS_PER_S),
				 .tv_nsec = (long)(ns % NS_PER_S) };

	(void)ctx;
	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR)
		continue;
}

struct vfio_sys vfio_sys_kernel(void)
{
	return (struct vfio_sys){
		.open = kernel_open,
		.close = kernel_close,
		.ioctl = kernel_ioctl,
		.pread = kernel_pread,
		.pwrite = kernel_pwrite,
		.mmap = kernel_mmap,
		.munmap = kernel_munmap,
		.map_anew = kernel_map_anew,
		.eventfd = kernel_eventfd,
		.zalloc = kernel_zalloc,
		.now_ns = kernel_now_ns,
		.sleep_ns = kernel_sleep_ns,
		.page_size = (size_t)sysconf(_SC_PAGESIZE),
	};
}

const void *vfio_find_cap(const void *answer, size_t size, uint32_t first, uint16_t id,
			  size_t *ret_room)
{
	struct vfio_info_cap_header header;
	uint32_t at = first;

	/* A circular chain ends here: there cannot be more headers than fit. */
	for (size_t seen = 0; at != 0 && seen <= size / sizeof(header); seen++) {
		/* Kernels before 6.6 do not align it: copy it out. */
		if (at > size || size - at < sizeof(header))
			return NULL;
		memcpy(&header, (const char *)answer + at, sizeof(header));
		if (header.id == id) {
			*ret_room = size - at;
			return (const char *)answer + at;
		}
		at = header.next;
	}
	return NULL;
}

int vfio_ask(const struct vfio_sys *sys, const struct vfio_query *query, void **ret_answer,
	     size_t *ret_size)
{
	uint32_t size = (uint32_t)query->fixed_size, wanted;

	assert(query->fixed_size >= sizeof(size));
	assert(query->fixed_size <= VFIO_ANSWER_MAX);
	/* The second try has the size that the first one named, unless that changes. */
	for (unsigned attempt = 0; attempt < 4; attempt++) {
		_cleanup_free_ void *answer = sys->zalloc(sys->ctx, 1, size);
		int r;

		if (!answer)
			return -ENOMEM;
		memcpy(answer, query->fixed, query->fixed_size);
		memcpy(answer, &size, sizeof(size));
		r = sys->ioctl(sys->ctx, query->fd, query->request, answer);
		if (r < 0)
			return r;
		memcpy(&wanted, answer, sizeof(wanted));
		if (wanted <= size) {
			*ret_answer = TAKE_PTR(answer);
			*ret_size = size;
			return 0;
		}
		if (wanted > VFIO_ANSWER_MAX)
			return -E2BIG;
		size = wanted;
	}
	return -EAGAIN;
}
