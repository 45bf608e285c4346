/* SPDX-License-Identifier: MIT */
/*
 * The control protocol, itsy-control(7): one JSON object in a line each way.
 *
 *   {"itsy": 1, "do": "irqs", "device": "nvme"}
 *   {"itsy": 1, "ok": true, ...}    or    {"itsy": 1, "ok": false, "error": "..."}
 *
 * What a request may contain stands in a table of verbs, and is checked here,
 * before any of them runs.
 */
#ifndef VMM_CONTROL_CONTROL_PROTO_H
#define VMM_CONTROL_CONTROL_PROTO_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "vmm/base/cleanup.h"

#define CONTROL_VERSION	      1
#define CONTROL_LINE_MAX      4096u /* bytes of a request, with its end */
#define CONTROL_REPLY_MAX     (1u << 20)
#define CONTROL_ERROR_MAX     256u
#define CONTROL_MAX_ARGUMENTS 6u

enum control_type { CONTROL_STRING, CONTROL_NUMBER, CONTROL_BOOL };

struct control_argument {
	const char *name; /* NULL: there are no more */
	enum control_type type;
	bool required;
};

/* What a verb gets: its arguments, checked. */
struct control_request {
	size_t verb;	/* index in the table */
	json_t *object; /* owned */
};

struct control_verb {
	const char *name;
	struct control_argument arguments[CONTROL_MAX_ARGUMENTS];
	/*
	 * The reply: an object without "itsy" and "ok", the caller's. NULL, with a line
	 * of text in error, where it cannot be done.
	 */
	json_t *(*run)(void *ctx, const struct control_request *request,
		       char error[CONTROL_ERROR_MAX]);
};

/*
 * Read a line of len bytes, without its end. 0, and the request is for
 * control_request_fini(); or -EINVAL with a line of text in error.
 */
int control_parse(const char *line, size_t len, const struct control_verb verbs[], size_t nr_verbs,
		  struct control_request *ret_request, char error[CONTROL_ERROR_MAX]) _must_check_;
void control_request_fini(struct control_request *request);

/* Arguments, by name: NULL, fallback or false where there is none. Borrowed. */
const char *control_string(const struct control_request *request, const char *name);
/* Numbers are from 0 to 2^53 - 1. */
unsigned long long control_number(const struct control_request *request, const char *name,
				  unsigned long long fallback);
bool control_bool(const struct control_request *request, const char *name);

/*
 * Read, run, and the line that answers: with its newline, to be freed, never NULL
 * but for want of memory. *ret_len is its length.
 */
char *control_answer(const char *line, size_t len, const struct control_verb verbs[],
		     size_t nr_verbs, void *ctx, size_t *ret_len);
/* A line that says no. */
char *control_refusal(const char *error, size_t *ret_len);

#endif
