// SPDX-License-Identifier: MIT
/*
 * Files that are written at the end: what cannot be is told at the beginning, and what was there
 * stays until then.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "vmm/base/bits.h"
#include "vmm/base/output.h"

#define ROOM 4096u

static struct {
	char dir[32], path[64], text[64];
	struct output out;
	struct failure failure;
	int no_room; /* what the file system says to who wants some kept */
} w;

int fallocate(int fd, int mode, off_t offset, off_t len)
{
	assert_true(fd >= 0);
	assert_int_equal(mode, FALLOC_FL_KEEP_SIZE);
	assert_int_equal(offset, 0);
	assert_true(len >= (off_t)ROOM);
	errno = w.no_room;
	return w.no_room ? -1 : 0;
}

static int make(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	strcpy(w.dir, "/tmp/itsy-output-XXXXXX");
	if (!mkdtemp(w.dir))
		return -1;
	(void)snprintf(w.path, sizeof(w.path), "%s/a", w.dir);
	return 0;
}

static int unmake(void **state)
{
	(void)state;
	(void)unlink(w.path);
	return rmdir(w.dir); /* fails where anything else is left there */
}

static void put(const char *text)
{
	_cleanup_file_ FILE *f = fopen(w.path, "we");

	assert_non_null(f);
	(void)fputs(text, f);
}

static const char *got(void)
{
	_cleanup_file_ FILE *f = fopen(w.path, "re");
	size_t len;

	assert_non_null(f);
	len = fread(w.text, 1, sizeof(w.text) - 1, f);
	w.text[len] = '\0';
	return w.text;
}

static unsigned nr_files(void)
{
	_cleanup_dir_ DIR *dir = opendir(w.dir);
	unsigned nr = 0;

	assert_non_null(dir);
	for (const struct dirent *e; (e = readdir(dir)) != NULL;)
		nr += e->d_name[0] != '.';
	return nr;
}

static int open_as(enum output_way way)
{
	return output_open(&w.out, w.path, way, ROOM, &w.failure);
}

static const enum output_way ways[] = { OUTPUT_IN_PLACE, OUTPUT_AS_A_WHOLE };

static void test_what_a_file_has_stays_until_it_is_written(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		put("what was there, and is longer");
		assert_int_equal(chmod(w.path, 0640), 0);
		assert_int_equal(open_as(ways[i]), 0);
		assert_string_equal(got(), "what was there, and is longer");
		assert_int_equal(output_write(&w.out, "new", 3, &w.failure), 0);
		assert_string_equal(got(), "new");
		output_close(&w.out);
		assert_string_equal(got(), "new");
		assert_int_equal(nr_files(), 1);
	}
}

static void test_it_has_the_rights_that_it_had(void **state)
{
	struct stat st;

	(void)state;
	put("");
	assert_int_equal(chmod(w.path, 0604), 0);
	assert_int_equal(open_as(OUTPUT_AS_A_WHOLE), 0);
	assert_int_equal(output_write(&w.out, "new", 3, &w.failure), 0);
	output_close(&w.out);
	assert_int_equal(stat(w.path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0604);
}

static void test_what_is_not_written_leaves_nothing_new(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		assert_int_equal(open_as(ways[i]), 0);
		output_close(&w.out);
		assert_int_equal(nr_files(), 0);
	}
	put("old");
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		assert_int_equal(open_as(ways[i]), 0);
		output_close(&w.out);
		assert_string_equal(got(), "old");
		assert_int_equal(nr_files(), 1);
	}
	assert_int_equal(unlink(w.path), 0);
	/* But by who can remove no file. */
	assert_int_equal(open_as(OUTPUT_IN_PLACE), 0);
	output_stays(&w.out);
	output_close(&w.out);
	assert_string_equal(got(), "");
	/* Of none that was asked for. */
	w.out = (struct output){ 0 };
	output_close(&w.out);
	assert_true(fcntl(STDIN_FILENO, F_GETFD) >= 0);
}

static void test_a_link_stays_a_link(void **state)
{
	char link[64];
	struct stat st;

	(void)state;
	put("old");
	(void)snprintf(link, sizeof(link), "%s/link", w.dir);
	assert_int_equal(symlink("a", link), 0);
	assert_int_equal(output_open(&w.out, link, OUTPUT_AS_A_WHOLE, ROOM, &w.failure), 0);
	assert_int_equal(output_write(&w.out, "new", 3, &w.failure), 0);
	output_close(&w.out);
	assert_string_equal(got(), "new");
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(unlink(link), 0);
}

static void expect_failure(int r, int error, const char *object, const char *cure)
{
	char cause[128];

	(void)snprintf(cause, sizeof(cause), "cannot be written (%s)", strerror(error));
	assert_int_equal(r, -error);
	assert_int_equal(w.failure.status, ITSY_RUNTIME);
	assert_string_equal(w.failure.object, object);
	assert_string_equal(w.failure.cause, cause);
	if (!strstr(w.failure.cure, cure))
		fail_msg("'%s' does not tell of '%s'", w.failure.cure, cure);
}

static void test_what_cannot_be_written_is_told_when_it_is_opened(void **state)
{
	char below[80];

	(void)state;
	(void)snprintf(below, sizeof(below), "%s/b", w.path);
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		expect_failure(output_open(&w.out, below, ways[i], ROOM, &w.failure), ENOENT, below,
			       "make that folder");
		put("");
		expect_failure(output_open(&w.out, below, ways[i], ROOM, &w.failure), ENOTDIR,
			       below, "in a folder");
		assert_int_equal(unlink(w.path), 0);
		expect_failure(output_open(&w.out, w.dir, ways[i], ROOM, &w.failure), EISDIR, w.dir,
			       "a file in it");
	}
	w.no_room = ENOSPC;
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		expect_failure(open_as(ways[i]), ENOSPC, w.path, "make room there");
		assert_int_equal(nr_files(), 0);
	}
	/* One that keeps no room for anybody says nothing of how much it has. */
	w.no_room = EOPNOTSUPP;
	assert_int_equal(open_as(OUTPUT_IN_PLACE), 0);
	output_close(&w.out);
}

static void test_what_is_full_by_then_is_told_when_it_is_written(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		assert_int_equal(output_open(&w.out, "/dev/full", ways[i], ROOM, &w.failure), 0);
		expect_failure(output_write(&w.out, "x", 1, &w.failure), ENOSPC, "/dev/full",
			       "make room");
		output_close(&w.out);
		assert_int_equal(access("/dev/full", F_OK), 0);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_what_a_file_has_stays_until_it_is_written),
		TEST(test_it_has_the_rights_that_it_had),
		TEST(test_what_is_not_written_leaves_nothing_new),
		TEST(test_a_link_stays_a_link),
		TEST(test_what_cannot_be_written_is_told_when_it_is_opened),
		TEST(test_what_is_full_by_then_is_told_when_it_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
