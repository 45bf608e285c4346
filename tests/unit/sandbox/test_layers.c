// SPDX-License-Identifier: MIT
/*
 * The layers: the table, and each as this machine gives it, in a process of its own.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/unit/base/references.h"
#include "tests/unit/vfio/vfio_tree.h"
#include "vmm/base/bits.h"
#include "vmm/check/check.h"
#include "vmm/sandbox/calls.h"
#include "vmm/sandbox/layers.h"

#define DOC "docs/security.md"

static void test_each_row_is_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < NR_LAYERS; i++) {
		assert_non_null(layer_rows[i].name);
		assert_non_null(layer_rows[i].apply);
		assert_non_null(layer_rows[i].missing);
		assert_non_null(layer_rows[i].cure);
	}
}

static void test_this_process_is_left_alone_when_they_are_tried(void **state)
{
	int results[NR_LAYERS];

	(void)state;
	assert_int_equal(layers_try(results), 0);
	for (size_t i = 0; i < NR_LAYERS; i++) {
		print_message("%s: %d\n", layer_rows[i].name, results[i]);
		if (layer_rows[i].required)
			assert_int_equal(results[i], 0);
	}
	assert_int_equal(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0);
	assert_int_equal(access("/proc/self/status", R_OK), 0);
}

/* ---- in a process of its own ------------------------------------------------------------ */

static struct layers layers;
static int results[NR_LAYERS];

/* One layer, and what holds then; 77: this machine does not give it. */
static void expect_in_child(enum layer layer, int (*holds)(void))
{
	int status = 0;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		layers_prepare(&layers);
		if (layer == LAYER_ROOT && layer_rows[LAYER_NAMESPACES].apply(&layers) < 0)
			_exit(77);
		_exit(layer_rows[layer].apply(&layers) < 0 ? 77 : holds());
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		print_message("%s: not on this machine\n", layer_rows[layer].name);
	else
		assert_int_equal(WEXITSTATUS(status), 0);
}

static int inherited_is_closed(void)
{
	return fcntl(70, F_GETFD) >= 0 || fcntl(71, F_GETFD) < 0;
}

static void test_what_is_not_closed_on_exec_was_the_callers_and_is_closed(void **state)
{
	(void)state;
	assert_int_equal(dup2(STDERR_FILENO, 70), 70);
	assert_int_equal(dup3(STDERR_FILENO, 71, O_CLOEXEC), 71);
	expect_in_child(LAYER_FILES, inherited_is_closed);
	(void)close(70);
	(void)close(71);
}

static int root_is_empty(void)
{
	DIR *dir = opendir("/");
	unsigned nr = 0;

	while (dir && readdir(dir))
		nr++;
	if (open("/new", O_CREAT | O_WRONLY | O_CLOEXEC, 0600) >= 0 || errno != EROFS)
		return 1;
	/* "." and ".." */
	return nr != 2 || access("/..", F_OK) < 0 || access("/../proc", F_OK) == 0;
}

static void test_the_root_is_empty_and_cannot_be_written(void **state)
{
	(void)state;
	expect_in_child(LAYER_ROOT, root_is_empty);
}

static int nothing_can_be_opened(void)
{
	return open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0 || errno != EACCES;
}

static void test_what_landlock_can_forbid_it_does(void **state)
{
	(void)state;
	expect_in_child(LAYER_LANDLOCK, nothing_can_be_opened);
}

/* ---- core dumps ---------------------------------------------------------------------------- */

static void crash_in_all_layers(const char *folder)
{
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };

	if (setrlimit(RLIMIT_CORE, &all) < 0 || chdir(folder) < 0)
		_exit(77);
	layers_prepare(&layers);
	if (!layers.core.is_cwd || layers_apply(&layers, results) < 0 ||
	    results[LAYER_NAMESPACES] < 0 || results[LAYER_ROOT] == -EPERM)
		_exit(77);
	if (results[LAYER_ROOT] < 0)
		_exit(2);
	(void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	/* Not what a sanitizer makes of it. */
	(void)signal(SIGSEGV, SIG_DFL);
	(void)raise(SIGSEGV);
	_exit(1);
}

static void test_a_core_dump_goes_where_the_caller_has_it(void **state)
{
	char folder[] = "/tmp/itsy-core-XXXXXX", pattern[64];
	int status = 0;
	pid_t child;
	glob_t found;

	(void)state;
	assert_non_null(mkdtemp(folder));
	/* A user itsy writes here, too. */
	assert_int_equal(chmod(folder, 01777), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		crash_in_all_layers(folder);
	assert_int_equal(waitpid(child, &status, 0), child);
	(void)snprintf(pattern, sizeof(pattern), "%s/*core*", folder);
	if (WIFSIGNALED(status)) {
		assert_true(WCOREDUMP(status));
		assert_int_equal(glob(pattern, 0, NULL, &found), 0);
		assert_int_equal(found.gl_pathc, 1);
		assert_int_equal(unlink(found.gl_pathv[0]), 0);
		globfree(&found);
	} else {
		print_message("no core dumps as files on this machine: 0x%x\n", status);
		assert_int_equal(WEXITSTATUS(status), 77);
	}
	assert_int_equal(rmdir(folder), 0);
}

static void expect_folder(const char *pattern, const char *want, bool is_cwd)
{
	const struct rlimit one = { 1, RLIM_INFINITY };
	struct core_folder found;
	struct host_tree tree;

	(void)setrlimit(RLIMIT_CORE, &one);
	tree_init(&tree);
	tree_write(&tree, "/proc/sys/kernel/core_pattern", pattern);
	core_folder_find(&found, tree.fs.root);
	tree_fini(&tree);
	if (is_cwd)
		assert_int_equal(found.path[0], '/');
	else
		assert_string_equal(found.path, want);
	assert_int_equal(found.is_cwd, is_cwd);
}

static void test_the_folder_of_core_dumps_is_found_or_there_is_none(void **state)
{
	struct rlimit before;
	char here[PATH_MAX];

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_CORE, &before), 0);
	expect_folder("core\n", "", true);
	expect_folder("core.%e.%p\n", "", true);
	expect_folder("/var/crash/core.%p\n", "/var/crash", false);
	expect_folder("|/usr/lib/systemd/systemd-coredump %P\n", "", false);
	expect_folder("@/run/dumps\n", "", false);
	expect_folder("/var/%e/core\n", "", false);
	expect_folder("here/core\n", "", false);
	expect_folder("/core\n", "", false);
	assert_non_null(getcwd(here, sizeof(here)));
	assert_int_equal(chdir("/"), 0);
	expect_folder("core\n", "", false);
	assert_int_equal(chdir(here), 0);
	(void)setrlimit(RLIMIT_CORE, &before);
}

/* ---- what is told of them ----------------------------------------------------------------- */

static void test_check_names_what_is_missing_and_fails_for_what_is_required(void **state)
{
	struct check_result r = { 0 };

	(void)state;
	memset(results, 0, sizeof(results));
	check_layers(results, &r);
	assert_int_equal(r.verdict, VERDICT_PASS);
	for (size_t i = 0; i < NR_LAYERS; i++)
		assert_non_null(strstr(r.text, layer_rows[i].name));
	results[LAYER_LANDLOCK] = -ENOSYS;
	results[LAYER_USER] = -ENOENT;
	check_layers(results, &r);
	assert_int_equal(r.verdict, VERDICT_WARN);
	assert_string_equal(r.text,
			    "without user, Landlock: it stays root's, without capabilities");
	assert_non_null(strstr(r.cure, "useradd"));
	results[LAYER_CALLS] = -ENOSYS;
	check_layers(results, &r);
	assert_int_equal(r.verdict, VERDICT_FAIL);
	assert_non_null(strstr(r.cure, "CONFIG_SECCOMP_FILTER"));
}

static void test_docs_name_each_layer_and_kind_of_thread_and_what_they_name_exists(void **state)
{
	char *text = text_of(DOC);

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < NR_LAYERS; i++) {
		char row[64];

		(void)snprintf(row, sizeof(row),
			       layer_rows[i].required ? "\n| **%s** |" : "\n| %s |",
			       layer_rows[i].name);
		if (!strstr(text, row))
			fail_msg(DOC " has no row for '%s'", layer_rows[i].name);
	}
	for (size_t i = 0; i < NR_THREAD_KINDS; i++) {
		char row[64];

		(void)snprintf(row, sizeof(row), "\n| %s |", sandbox_kind_names[i]);
		if (!strstr(text, row))
			fail_msg(DOC " has no row for '%s'", sandbox_kind_names[i]);
	}
	free(text);
	assert_in_range(references_in(DOC), 20, 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_row_is_whole),
		cmocka_unit_test(test_this_process_is_left_alone_when_they_are_tried),
		cmocka_unit_test(test_what_is_not_closed_on_exec_was_the_callers_and_is_closed),
		cmocka_unit_test(test_the_root_is_empty_and_cannot_be_written),
		cmocka_unit_test(test_what_landlock_can_forbid_it_does),
		cmocka_unit_test(test_a_core_dump_goes_where_the_caller_has_it),
		cmocka_unit_test(test_the_folder_of_core_dumps_is_found_or_there_is_none),
		cmocka_unit_test(test_check_names_what_is_missing_and_fails_for_what_is_required),
		cmocka_unit_test(
			test_docs_name_each_layer_and_kind_of_thread_and_what_they_name_exists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
