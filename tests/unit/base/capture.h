/* SPDX-License-Identifier: MIT */
/*
 * What a piece of code prints on standard output and standard error.
 */
#ifndef TESTS_UNIT_CAPTURE_H
#define TESTS_UNIT_CAPTURE_H

#include <stddef.h>

#define CAPTURE_MAX 16384

struct capture {
	char out[CAPTURE_MAX], err[CAPTURE_MAX]; /* after capture_end() */
	int saved[2], files[2];
};

void capture_begin(struct capture *c);
void capture_end(struct capture *c);

#endif
