// SPDX-License-Identifier: MIT
/*
 * A host's file systems in a directory: ordinary files where the kernel has
 * attributes, and the links that it has.
 */
#include "tests/unit/vfio/vfio_tree.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>

#define PATH_LEN 512

static void full_path(const struct host_tree *tree, const char *path, char buf[PATH_LEN])
{
	int len = snprintf(buf, PATH_LEN, "%s/%s", tree->fs.root, path);

	assert_in_range(len, 1, PATH_LEN - 1);
}

static void make_dirs(const char *path)
{
	char part[PATH_LEN];

	for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		memcpy(part, path, (size_t)(slash - path));
		part[slash - path] = '\0';
		if (mkdir(part, 0755) < 0)
			assert_int_equal(errno, EEXIST);
	}
}

void tree_init(struct host_tree *tree)
{
	const char *tmp = getenv("TMPDIR");

	/* Hundreds of small files each: memory, where there is no other wish. */
	if (!tmp || strlen(tmp) > 100)
		tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	(void)snprintf(tree->fs.root, sizeof(tree->fs.root), "%s/vfio-tree-XXXXXX", tmp);
	assert_non_null(mkdtemp(tree->fs.root));
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

void tree_fini(struct host_tree *tree)
{
	assert_int_equal(nftw(tree->fs.root, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

void tree_write_bytes(const struct host_tree *tree, const char *path, const void *bytes,
		      size_t size)
{
	char full[PATH_LEN];
	int fd;

	full_path(tree, path, full);
	make_dirs(full);
	fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	close(fd);
}

void tree_write(const struct host_tree *tree, const char *path, const char *text)
{
	tree_write_bytes(tree, path, text, strlen(text));
}

void tree_link(const struct host_tree *tree, const char *path, const char *target)
{
	char full[PATH_LEN];

	full_path(tree, path, full);
	make_dirs(full);
	assert_int_equal(symlink(target, full), 0);
}

void tree_dir(const struct host_tree *tree, const char *path)
{
	char full[PATH_LEN];

	full_path(tree, path, full);
	make_dirs(full);
	if (mkdir(full, 0755) < 0)
		assert_int_equal(errno, EEXIST);
}

void tree_remove(const struct host_tree *tree, const char *path)
{
	char full[PATH_LEN];

	full_path(tree, path, full);
	assert_int_equal(nftw(full, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

bool tree_has(const struct host_tree *tree, const char *path)
{
	char full[PATH_LEN];
	struct stat st;

	full_path(tree, path, full);
	return lstat(full, &st) == 0;
}

const char *tree_read(const struct host_tree *tree, const char *path, char *buf, size_t size)
{
	char full[PATH_LEN];
	ssize_t len;
	int fd;

	full_path(tree, path, full);
	fd = open(full, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	len = read(fd, buf, size - 1);
	assert_true(len >= 0);
	close(fd);
	if (len > 0 && buf[len - 1] == '\n')
		len--;
	buf[len] = '\0';
	return buf;
}

void tree_set_driver(const struct host_tree *tree, const char *bdf, const char *driver)
{
	char path[PATH_LEN], target[PATH_LEN];

	(void)snprintf(path, sizeof(path), "sys/devices/pci0000:00/%s/driver", bdf);
	if (tree_has(tree, path))
		tree_remove(tree, path);
	if (!driver)
		return;
	(void)snprintf(target, sizeof(target), "../../../bus/pci/drivers/%s", driver);
	tree_link(tree, path, target);
	(void)snprintf(path, sizeof(path), "sys/bus/pci/drivers/%s", driver);
	tree_dir(tree, path);
}

static void add_number(const struct host_tree *tree, const struct tree_function *fn,
		       const char *attr, unsigned digits, uint32_t value)
{
	char path[PATH_LEN], text[32];

	(void)snprintf(path, sizeof(path), "sys/devices/pci0000:00/%s/%s", fn->bdf, attr);
	(void)snprintf(text, sizeof(text), "0x%0*x\n", (int)digits, value);
	tree_write(tree, path, text);
}

static void add_group(const struct host_tree *tree, const struct tree_function *fn)
{
	char path[PATH_LEN], target[PATH_LEN];

	(void)snprintf(path, sizeof(path), "sys/devices/pci0000:00/%s/iommu_group", fn->bdf);
	(void)snprintf(target, sizeof(target), "../../../kernel/iommu_groups/%d", fn->group);
	tree_link(tree, path, target);
	(void)snprintf(path, sizeof(path), "sys/kernel/iommu_groups/%d/devices/%s", fn->group,
		       fn->bdf);
	(void)snprintf(target, sizeof(target), "../../../../devices/pci0000:00/%s", fn->bdf);
	tree_link(tree, path, target);
}

void tree_add_function(const struct host_tree *tree, const struct tree_function *fn)
{
	char path[PATH_LEN], target[PATH_LEN];

	add_number(tree, fn, "vendor", 4, fn->vendor);
	add_number(tree, fn, "device", 4, fn->device);
	add_number(tree, fn, "class", 6, fn->class_code);
	(void)snprintf(path, sizeof(path), "sys/devices/pci0000:00/%s/driver_override", fn->bdf);
	tree_write(tree, path, "(null)\n");
	(void)snprintf(path, sizeof(path), "sys/bus/pci/devices/%s", fn->bdf);
	(void)snprintf(target, sizeof(target), "../../../devices/pci0000:00/%s", fn->bdf);
	tree_link(tree, path, target);
	tree_set_driver(tree, fn->bdf, fn->driver);
	if (fn->config) {
		(void)snprintf(path, sizeof(path), "sys/devices/pci0000:00/%s/config", fn->bdf);
		tree_write_bytes(tree, path, fn->config, fn->config_size);
	}
	if (fn->reset) {
		(void)snprintf(path, sizeof(path), "sys/devices/pci0000:00/%s/reset_method",
			       fn->bdf);
		tree_write(tree, path, fn->reset);
	}
	if (fn->group >= 0)
		add_group(tree, fn);
}
