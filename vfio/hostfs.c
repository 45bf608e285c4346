// SPDX-License-Identifier: MIT
/*
 * Small files and links below the root of the host's file systems.
 */
#include "vfio/hostfs.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>

int host_path(struct host_path *ret_path, const struct pci_host_fs *fs, const char *format, ...)
{
	size_t used = strnlen(fs->root, sizeof(fs->root));
	va_list args;
	int len;

	assert(used < sizeof(fs->root));
	memcpy(ret_path->text, fs->root, used);
	va_start(args, format);
	len = vsnprintf(ret_path->text + used, sizeof(ret_path->text) - used, format, args);
	va_end(args);
	if (len < 0 || (size_t)len >= sizeof(ret_path->text) - used)
		return -ENAMETOOLONG;
	return 0;
}

int host_read_bytes(const char *path, void *buf, size_t size)
{
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	size_t done = 0;

	assert(size <= INT_MAX);
	if (fd < 0)
		return -errno;

	while (done < size) {
		ssize_t n = read(fd, (char *)buf + done, size - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (int)done;
}

int host_read_text(const char *path, char *buf, size_t size)
{
	int len;

	assert(size > 1);
	len = host_read_bytes(path, buf, size - 1);
	if (len < 0)
		return len;
	if (len > 0 && buf[len - 1] == '\n')
		len--;
	buf[len] = '\0';
	return 0;
}

int host_read_u32(const char *path, uint32_t *ret_value)
{
	unsigned long long value;
	char text[32], *end;
	int r;

	r = host_read_text(path, text, sizeof(text));
	if (r < 0)
		return r;
	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno || end == text || *end || value > UINT32_MAX)
		return -EINVAL;
	*ret_value = (uint32_t)value;
	return 0;
}

int host_write_text(const char *path, const char *text)
{
	_cleanup_fd_ int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOCTTY);
	size_t len = strlen(text);
	ssize_t n;

	if (fd < 0)
		return -errno;
	do
		n = write(fd, text, len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EIO;
}

int host_read_link(const char *path, char *buf, size_t size)
{
	ssize_t len = readlink(path, buf, size);

	if (len < 0)
		return -errno;
	if ((size_t)len >= size)
		return -ENAMETOOLONG;
	buf[len] = '\0';
	return 0;
}

int host_link_name(const char *path, char *buf, size_t size)
{
	char target[HOST_PATH_MAX];
	const char *name;
	int r;

	r = host_read_link(path, target, sizeof(target));
	if (r < 0)
		return r;
	name = strrchr(target, '/');
	name = name ? name + 1 : target;
	if (strlen(name) >= size)
		return -ENAMETOOLONG;
	strcpy(buf, name);
	return 0;
}

int host_try_open(const char *path, int flags)
{
	_cleanup_fd_ int fd = open(path, flags | O_CLOEXEC | O_NOCTTY);

	return fd < 0 ? -errno : 0;
}

bool host_exists(const char *path)
{
	return access(path, F_OK) == 0;
}

int host_each_entry(const char *path, int (*fn)(void *ctx, const char *name), void *ctx)
{
	_cleanup_dir_ DIR *dir = opendir(path);
	struct dirent *entry;
	int r;

	if (!dir)
		return -errno;
	/* readdir() returns NULL both at the end and for an error: errno tells which. */
	while ((errno = 0, entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		r = fn(ctx, entry->d_name);
		if (r)
			return r;
	}
	return -errno;
}
