// SPDX-License-Identifier: MIT
/*
 * Files that are written at the end. No locks.
 *
 * A file system that is full refuses fallocate(2) when the file is opened. One that fills up
 * meanwhile, or knows no fallocate(), is told when it refuses the write.
 */
#include "vmm/base/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/base/bits.h"

static const struct {
	int error;
	const char *cure;
} cures[] = {
	{ ENOENT, "make that folder, or name a file in one that is there" },
	{ ENOTDIR, "name a file in a folder that is there" },
	{ EISDIR, "name a file in it" },
	{ EACCES, "name a file where this user may write" },
	{ EPERM, "name a file where this user may write" },
	{ EROFS, "name a file on a file system that is not read-only" },
	{ ENOSPC, "make room there, or name a file on another file system" },
	{ EDQUOT, "make room there, or name a file on another file system" },
	{ EFBIG, "raise the limit of a file's size (ulimit -f)" },
	{ ENAMETOOLONG, "name a file with a shorter path" },
};

int output_failed(struct failure *ret_failure, const char *path, int error)
{
	const char *cure = "name another file";

	for (size_t i = 0; i < ARRAY_SIZE(cures); i++)
		if (cures[i].error == error)
			cure = cures[i].cure;
	return failure_set(ret_failure, ITSY_RUNTIME, error, path, cure, "cannot be written (%s)",
			   strerror(error));
}

/*
 * Can another file take its place? Where somebody else owns it, or it has other names, or it is a
 * link, that would not be the same file any more.
 */
static bool is_replaceable(const struct output *o, const struct stat *st)
{
	return o->is_new || (S_ISREG(st->st_mode) && st->st_nlink == 1 && st->st_uid == geteuid() &&
			     access(o->path, W_OK) == 0);
}

/* A file beside the one that is meant, so that rename(2) can put it there. */
static int open_beside(struct output *o, const struct stat *was)
{
	int n = snprintf(o->temporary, sizeof(o->temporary), "%s.%d.new", o->path, (int)getpid());
	int r = -ENAMETOOLONG;

	if (n > 0 && (size_t)n < sizeof(o->temporary)) {
		o->fd = open(o->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		r = o->fd < 0 ? -errno : 0;
	}
	if (r < 0)
		o->temporary[0] = '\0';
	else if (!o->is_new)
		(void)!fchmod(o->fd, was->st_mode & 07777);
	return r;
}

static int open_it(struct output *o, enum output_way way)
{
	struct stat st = { 0 };

	if (lstat(o->path, &st) < 0) {
		if (errno != ENOENT)
			return -errno;
		o->is_new = true;
	}
	if (way == OUTPUT_AS_A_WHOLE && is_replaceable(o, &st)) {
		int r = open_beside(o, &st);

		/* Its folder may be closed to who may write the file. */
		if (r >= 0 || o->is_new)
			return r;
	}
	o->fd = open(o->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	return o->fd < 0 ? -errno : 0;
}

static int keep_room(struct output *o, size_t room)
{
	struct stat st;

	if (fstat(o->fd, &st) < 0)
		return -errno;
	o->is_file = S_ISREG(st.st_mode);
	if (!o->is_file || fallocate(o->fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)room) == 0)
		return 0;
	return errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? -errno : 0;
}

int output_open(struct output *o, const char *path, enum output_way way, size_t room,
		struct failure *ret_failure)
{
	int r;

	*o = (struct output){ .path = path, .fd = -1 };
	r = open_it(o, way);
	if (r >= 0)
		r = keep_room(o, room);
	if (r >= 0)
		return 0;
	output_close(o);
	return output_failed(ret_failure, path, -r);
}

static int write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Only then is it known that all has arrived. */
static int close_it(struct output *o)
{
	return close(TAKE_FD(o->fd)) < 0 ? -errno : 0;
}

static int write_it(struct output *o, const void *data, size_t len)
{
	int r = write_all(o->fd, data, len);

	/* Of a longer one that was there before, the rest goes. */
	if (r == 0 && o->is_file && ftruncate(o->fd, (off_t)len) < 0)
		r = -errno;
	if (r == 0 && o->temporary[0] && fsync(o->fd) < 0)
		r = -errno;
	if (r == 0)
		r = close_it(o);
	if (r == 0 && o->temporary[0] && rename(o->temporary, o->path) < 0)
		r = -errno;
	return r;
}

int output_write(struct output *o, const void *data, size_t len, struct failure *ret_failure)
{
	int r = write_it(o, data, len);

	if (r < 0)
		return output_failed(ret_failure, o->path, -r);
	o->path = NULL;
	return 0;
}

void output_stays(struct output *o)
{
	o->is_new = false;
}

void output_close(struct output *o)
{
	if (!o->path)
		return;
	cleanup_fd(&o->fd);
	if (o->temporary[0])
		(void)unlink(o->temporary);
	else if (o->is_new && o->is_file)
		(void)unlink(o->path);
	*o = (struct output){ .fd = -1 };
}
