/* SPDX-License-Identifier: MIT */
/*
 * Local variables that free what they own when they go out of scope, and TAKE_PTR()
 * and TAKE_FD(), which hand it to somebody else before that.
 *
 * What was freed is forgotten: a field that is freed again, by whoever takes the whole down,
 * must not close a descriptor that has become somebody else's meanwhile.
 */
#ifndef VMM_BASE_CLEANUP_H
#define VMM_BASE_CLEANUP_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(fn) __attribute__((cleanup(fn)))
#define _must_check_  __attribute__((warn_unused_result))

static inline void cleanup_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
	*(void **)p = NULL;
}

static inline void cleanup_file(FILE **f)
{
	if (*f)
		(void)fclose(*f);
	*f = NULL;
}

static inline void cleanup_dir(DIR **d)
{
	if (*d)
		(void)closedir(*d);
	*d = NULL;
}

#define _cleanup_fd_   _cleanup_(cleanup_fd)
#define _cleanup_free_ _cleanup_(cleanup_free)
#define _cleanup_file_ _cleanup_(cleanup_file)
#define _cleanup_dir_  _cleanup_(cleanup_dir)

/* The value of a pointer or descriptor, which the variable does not own any more. */
#define TAKE_PTR(p)                         \
	({                                  \
		__typeof__(p) taken_ = (p); \
		(p) = NULL;                 \
		taken_;                     \
	})
#define TAKE_FD(fd)                \
	({                         \
		int taken_ = (fd); \
		(fd) = -1;         \
		taken_;            \
	})

#endif
