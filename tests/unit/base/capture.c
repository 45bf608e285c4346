// SPDX-License-Identifier: MIT
/* Standard output and standard error into files, and back. */
#include "tests/unit/base/capture.h"

#include <assert.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static int divert(int fd, FILE *stream, int *ret_saved)
{
	int file = memfd_create("capture", MFD_CLOEXEC);

	assert(file >= 0);
	(void)fflush(stream);
	*ret_saved = dup(fd);
	assert(*ret_saved >= 0);
	(void)dup2(file, fd);
	return file;
}

static void restore(int fd, FILE *stream, int saved, int file, char text[CAPTURE_MAX])
{
	ssize_t n;

	(void)fflush(stream);
	(void)dup2(saved, fd);
	(void)close(saved);
	n = pread(file, text, CAPTURE_MAX - 1, 0);
	assert(n >= 0);
	text[n] = '\0';
	(void)close(file);
}

void capture_begin(struct capture *c)
{
	c->files[0] = divert(STDOUT_FILENO, stdout, &c->saved[0]);
	c->files[1] = divert(STDERR_FILENO, stderr, &c->saved[1]);
}

void capture_end(struct capture *c)
{
	restore(STDOUT_FILENO, stdout, c->saved[0], c->files[0], c->out);
	restore(STDERR_FILENO, stderr, c->saved[1], c->files[1], c->err);
}
