/* SPDX-License-Identifier: MIT */
/*
 * A file that somebody wants written when all is over: it is opened when nothing has been done
 * yet, so that what cannot be written is told then.
 */
#ifndef VMM_BASE_OUTPUT_H
#define VMM_BASE_OUTPUT_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "vmm/base/cleanup.h"
#include "vmm/base/report.h"

struct output {
	const char *path; /* borrowed; NULL: none is open */
	int fd;
	bool is_file;		       /* and no terminal, pipe or device */
	bool is_new;		       /* there was none before */
	char temporary[PATH_MAX + 32]; /* which takes the place of path; "": written in place */
};

enum output_way {
	/* For who cannot rename files any more then. What the file has stays until the end. */
	OUTPUT_IN_PLACE,
	/* Whoever reads the file sees the old one or the new one, and none in part. */
	OUTPUT_AS_A_WHOLE,
};

/*
 * Open path, and have the file system keep `room` bytes for it, where it can do that. Negative
 * errno where it cannot be written. Also then the output may be given to output_close().
 */
int output_open(struct output *o, const char *path, enum output_way way, size_t room,
		struct failure *ret_failure) _must_check_;
/* What the file is to have, all of it, once. Negative errno where it does not have it then. */
int output_write(struct output *o, const void *data, size_t len,
		 struct failure *ret_failure) _must_check_;
/*
 * From now on this process can remove no file: one that is written in place stays, whatever is in
 * it.
 */
void output_stays(struct output *o);
/*
 * What was not written leaves no file behind where there was none. Of a zeroed output nothing is
 * closed.
 */
void output_close(struct output *o);

/* Say why a file cannot be written, with ITSY_RUNTIME. error: positive. Returns -error. */
int output_failed(struct failure *ret_failure, const char *path, int error);

#endif
