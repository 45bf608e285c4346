// SPDX-License-Identifier: MIT
/*
 * See boot_file.h. No locks.
 */
#include "vmm/machine/boot_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_CHUNK (UINT64_C(64) << 20)

int boot_file_failed(const struct boot_file *file, int error, struct failure *ret_failure)
{
	return failure_set(ret_failure, ITSY_ENVIRONMENT, error, file->path,
			   failure_cure(error, CURE_KERNEL_LOG), "cannot be read: %s",
			   strerror(error));
}

int boot_file_read(const struct boot_file *file, void *buf, uint64_t len, uint64_t offset,
		   struct failure *ret_failure)
{
	uint8_t *p = buf;

	while (len) {
		ssize_t n = pread(file->fd, p, len < READ_CHUNK ? len : READ_CHUNK,
				  (off_t)(file->start + offset));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return boot_file_failed(file, errno, ret_failure);
		if (n == 0)
			return failure_set(ret_failure, ITSY_ENVIRONMENT, EIO, file->path,
					   "start again when it is complete",
					   "it became shorter while it was read");
		p += n;
		len -= (uint64_t)n;
		offset += (uint64_t)n;
	}
	return 0;
}

int boot_file_open(const char *path, const char *key, int *ret_fd, struct failure *ret_failure)
{
	/* O_NONBLOCK: a FIFO without a writer is refused later, not waited for. */
	*ret_fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (*ret_fd < 0) {
		int error = errno;

		return failure_set(ret_failure, ITSY_ENVIRONMENT, error, path,
				   error == EACCES ? "let this user read it (chmod), or run as root"
				   : error == ENOENT || error == ENOTDIR
					   ? "correct the path in the configuration; a relative "
					     "one counts from the folder of its file"
					   : NULL,
				   "the %s cannot be opened: %s", key, strerror(error));
	}
	return 0;
}

static int read_head(struct boot_file *file, struct failure *ret_failure)
{
	memset(file->head, 0, sizeof(file->head));
	return boot_file_read(file, file->head,
			      file->size < BOOT_HEAD_SZ ? file->size : BOOT_HEAD_SZ, 0,
			      ret_failure);
}

int boot_file_look(struct boot_file *ret_file, const char *path, int fd, const char *key,
		   struct failure *ret_failure)
{
	struct stat st;

	*ret_file = (struct boot_file){ .path = path, .fd = fd };
	if (fstat(fd, &st) < 0)
		return boot_file_failed(ret_file, errno, ret_failure);
	if (!S_ISREG(st.st_mode))
		return failure_set(ret_failure, ITSY_ENVIRONMENT, EINVAL, path, "name a file",
				   "the %s is not a regular file", key);
	if (st.st_size <= 0)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, EINVAL, path,
				   "build or copy it again", "the %s is empty", key);
	ret_file->size = (uint64_t)st.st_size;
	return read_head(ret_file, ret_failure);
}

int boot_file_narrow(struct boot_file *file, const struct boot_part *part,
		     struct failure *ret_failure)
{
	assert(part->offset <= file->size && part->size <= file->size - part->offset);

	file->start += part->offset;
	file->size = part->size;
	return read_head(file, ret_failure);
}
