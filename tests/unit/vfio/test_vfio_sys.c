// SPDX-License-Identifier: MIT
/*
 * The calls that go to the kernel itself: what they return, and that errors come
 * back as negative errno.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <sys/mman.h>

#include "vfio/bind_priv.h"
#include "vfio/sys.h"

static void test_files_are_opened_read_written_and_mapped(void **state)
{
	struct vfio_sys sys = vfio_sys_kernel();
	int fd = memfd_create("file", MFD_CLOEXEC), again;
	char path[64], buf[8] = "";
	void *map = NULL;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)(2 * sys.page_size)), 0);
	assert_int_equal(sys.pwrite(sys.ctx, fd, "hello", 5, sys.page_size), 5);
	assert_int_equal(sys.pread(sys.ctx, fd, buf, 5, sys.page_size), 5);
	assert_string_equal(buf, "hello");
	assert_int_equal(sys.pread(sys.ctx, fd, buf, 5, 2 * sys.page_size), 0);
	assert_int_equal(sys.mmap(sys.ctx, fd, sys.page_size, sys.page_size, &map), 0);
	assert_memory_equal(map, "hello", 5);
	memcpy(map, "HELLO", 5);
	assert_int_equal(sys.pread(sys.ctx, fd, buf, 5, sys.page_size), 5);
	assert_string_equal(buf, "HELLO");
	sys.munmap(sys.ctx, map, sys.page_size);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = sys.open(sys.ctx, path);
	assert_true(again >= 0);
	assert_int_not_equal(again, fd);
	assert_true(fcntl(again, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(fcntl(again, F_GETFL) & O_ACCMODE, O_RDWR);
	sys.close(sys.ctx, again);
	assert_int_equal(fcntl(again, F_GETFD), -1);
	close(fd);
}

/* What KVM makes of it only a host with KVM shows: every-interrupt-arrives.sh. */
static void test_what_is_mapped_anew_is_the_same(void **state)
{
	struct vfio_sys sys = vfio_sys_kernel();
	int fd = memfd_create("file", MFD_CLOEXEC);
	void *map = NULL;
	char *p, buf;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)(2 * sys.page_size)), 0);
	assert_int_equal(sys.mmap(sys.ctx, fd, sys.page_size, sys.page_size, &map), 0);
	p = map;
	p[0] = 'a';
	assert_int_equal(sys.map_anew(sys.ctx, fd, sys.page_size, sys.page_size, map), 0);
	assert_int_equal(p[0], 'a');
	p[1] = 'b';
	assert_int_equal(sys.pread(sys.ctx, fd, &buf, 1, sys.page_size + 1), 1);
	assert_int_equal(buf, 'b');
	assert_int_equal(sys.map_anew(sys.ctx, -1, sys.page_size, sys.page_size, map), -EBADF);
	assert_int_equal(p[0], 'a');
	sys.munmap(sys.ctx, map, sys.page_size);
	close(fd);
}

static void test_large_mappings_agree_with_their_offset_in_the_low_bits(void **state)
{
	static const struct {
		uint64_t offset;
		size_t len, align;
	} cases[] = {
		{ 0, 2 << 20, 2 << 20 },
		{ 4096, 2 << 20, 2 << 20 },
		{ (2 << 20) - 4096, (2 << 20) + 8192, 2 << 20 },
		{ 3 << 20, (size_t)1 << 30, (size_t)1 << 30 },
	};
	struct vfio_sys sys = vfio_sys_kernel();
	int fd = memfd_create("file", MFD_CLOEXEC);
	uint32_t word;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)2 << 30), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t *map = NULL, *last;
		void *memory = NULL;

		assert_int_equal(sys.mmap(sys.ctx, fd, cases[i].offset, cases[i].len, &memory), 0);
		map = memory;
		assert_int_equal(((uintptr_t)map - cases[i].offset) % cases[i].align, 0);
		last = map + cases[i].len / sizeof(*map) - 1;
		map[0] = 0x1111;
		*last = 0x2222;
		assert_int_equal(pread(fd, &word, 4, (off_t)cases[i].offset), 4);
		assert_int_equal(word, 0x1111);
		assert_int_equal(pread(fd, &word, 4, (off_t)(cases[i].offset + cases[i].len - 4)),
				 4);
		assert_int_equal(word, 0x2222);
		sys.munmap(sys.ctx, map, cases[i].len);
	}
	close(fd);
	/* Nothing stays reserved where it cannot be done. */
	fd = sys.eventfd(sys.ctx);
	for (unsigned i = 0; i < 100; i++) {
		void *memory = NULL;

		assert_int_equal(sys.mmap(sys.ctx, fd, 0, (size_t)1 << 30, &memory), -ENODEV);
	}
	sys.close(sys.ctx, fd);
}

static void test_errors_come_back_as_negative_errno(void **state)
{
	struct vfio_sys sys = vfio_sys_kernel();
	int fd = sys.eventfd(sys.ctx);
	char buf[4];
	void *map = NULL;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(sys.open(sys.ctx, "/nowhere/at/all"), -ENOENT);
	assert_int_equal(sys.ioctl(sys.ctx, fd, VFIO_GET_API_VERSION, NULL), -ENOTTY);
	assert_int_equal(sys.pread(sys.ctx, fd, buf, sizeof(buf), 0), -ESPIPE);
	assert_int_equal(sys.pwrite(sys.ctx, fd, buf, sizeof(buf), 0), -ESPIPE);
	assert_int_equal(sys.mmap(sys.ctx, fd, 0, sys.page_size, &map), -ENODEV);
	assert_null(map);
	sys.close(sys.ctx, fd);
}

static void test_eventfd_never_blocks_and_is_closed_on_exec(void **state)
{
	struct vfio_sys sys = vfio_sys_kernel();
	int fd = sys.eventfd(sys.ctx);
	uint64_t count = 41;

	(void)state;
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(write(fd, &count, sizeof(count)), sizeof(count));
	assert_int_equal(read(fd, &count, sizeof(count)), sizeof(count));
	assert_int_equal(count, 41);
	assert_int_equal(read(fd, &count, sizeof(count)), -1);
	assert_int_equal(errno, EAGAIN);
	sys.close(sys.ctx, fd);
}

static void test_memory_is_zeroed_and_pages_are_powers_of_two(void **state)
{
	struct vfio_sys sys = vfio_sys_kernel();
	char *memory = sys.zalloc(sys.ctx, 16, 16), zeros[256] = { 0 };

	(void)state;
	assert_non_null(memory);
	assert_memory_equal(memory, zeros, sizeof(zeros));
	free(memory);
	assert_true(sys.page_size >= 4096);
	assert_true((sys.page_size & (sys.page_size - 1)) == 0);
}

static void test_binding_writes_texts_and_reports_errors(void **state)
{
	struct bind_host host = bind_host_kernel(NULL);
	int fd = memfd_create("file", MFD_CLOEXEC);
	char path[64], buf[16] = "";

	(void)state;
	assert_true(fd >= 0);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_int_equal(host.write(host.ctx, path, "vfio-pci"), 0);
	assert_int_equal(pread(fd, buf, sizeof(buf) - 1, 0), 8);
	assert_string_equal(buf, "vfio-pci");
	assert_int_equal(host.try_open(host.ctx, path, O_RDWR), 0);
	assert_int_equal(host.try_open(host.ctx, "/nowhere/at/all", O_RDWR), -ENOENT);
	assert_int_equal(host.write(host.ctx, "/nowhere/at/all", "x"), -ENOENT);
	assert_int_equal(host.write(host.ctx, "/dev/full", "x"), -ENOSPC);
	host.nap(host.ctx, 1);
	close(fd);
}

static void test_module_that_does_not_exist_is_quietly_refused(void **state)
{
	struct bind_host host = bind_host_kernel(NULL);

	(void)state;
	assert_true(host.modprobe(host.ctx, "itsy-no-such-module") < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files_are_opened_read_written_and_mapped),
		cmocka_unit_test(test_what_is_mapped_anew_is_the_same),
		cmocka_unit_test(test_large_mappings_agree_with_their_offset_in_the_low_bits),
		cmocka_unit_test(test_errors_come_back_as_negative_errno),
		cmocka_unit_test(test_eventfd_never_blocks_and_is_closed_on_exec),
		cmocka_unit_test(test_memory_is_zeroed_and_pages_are_powers_of_two),
		cmocka_unit_test(test_binding_writes_texts_and_reports_errors),
		cmocka_unit_test(test_module_that_does_not_exist_is_quietly_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
