/* SPDX-License-Identifier: MIT */
/*
 * The control protocol, itsy-control(7): one JSON object in a line each way.
 *
 *   {"itsy": 1, "do": "irqs", "device": "nvme"}
 *   {"itsy": 1, "ok": true, ...}    or    {"itsy": 1, "ok": false, "error": "..."}
 *
 * A table of verbs says what a request may contain. Requests are checked against it
 * here, so that a verb only gets arguments that it knows, of the right type.
 */
#ifndef VMM_CONTROL_CONTROL_PROTO_H
#define VMM_CONTROL_CONTROL_PROTO_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "vmm/base/cleanup.h"

#define CONTROL_VERSION	      1
#define CONTROL_LINE_MAX      4096u /* bytes of a request, with its end */
#define CONTROL_REPLY_MAX     (1u << 20)
#define CONTROL_ERROR_MAX     256u
#define CONTROL_MAX_ARGUMENTS 6u

enum control_type {
	CONTROL_STRING,
	CONTROL_WORD,	/* a string that is one of a few words */
	CONTROL_NUMBER, /* from 0 to 2^53 - 1 */
	CONTROL_BOOL,
};

struct control_argument {
	const char *name; /* NULL: there are no more */
	enum control_type type;
	bool required;
	const char *(*word)(unsigned index); /* of CONTROL_WORD: word(0) to word(nr_words - 1) */
	unsigned nr_words;
	/*
	 * Such an argument is typed behind the verb of itsy ctl, in the order of the table.
	 * What its usage calls it; "": the words themselves; in brackets: it may be left out, and
	 * so may all behind it. NULL: it is not typed there.
	 */
	const char *typed;
};

struct control_verb;

/* Files that came with a request; -1: that one did not. */
#define CONTROL_MAX_FILES 2u

struct control_files {
	int fd[CONTROL_MAX_FILES];
};

/* What a verb gets: its arguments, checked. */
struct control_request {
	const struct control_verb *verb; /* its row in the table */
	json_t *object;			 /* owned */
	struct control_files *files;	 /* borrowed: what it takes it sets to -1; NULL: none */
};

/*
 * All there is of a verb: what the guest does for it, and what itsy ctl makes of that.
 * Its section in itsy-control(7) has its name, and defines what is in the reply.
 */
struct control_verb {
	const char *name;
	const char *help; /* for itsy ctl, without a full stop */
	struct control_argument arguments[CONTROL_MAX_ARGUMENTS];
	/*
	 * The reply: an object without "itsy" and "ok", the caller's. NULL, with a line
	 * of text in error, where it cannot be done.
	 */
	json_t *(*run)(void *ctx, const struct control_request *request,
		       char error[CONTROL_ERROR_MAX]);
	/*
	 * Print the reply for people, in itsy ctl: 0, -ENOMEM, or -EPROTO where it is not
	 * as it should be. NULL: it is printed as JSON.
	 */
	int (*print)(const json_t *request, const json_t *reply, FILE *out);
};

/*
 * Read and check a request: a line of len bytes, without its newline. 0, and the request
 * is to be freed by control_request_fini(); or -EINVAL, and error says why in a line.
 */
int control_parse(const char *line, size_t len, const struct control_verb verbs[], size_t nr_verbs,
		  struct control_request *ret_request, char error[CONTROL_ERROR_MAX]) _must_check_;
void control_request_fini(struct control_request *request);

/* Write into error why a request is refused, as one line. The result is always -EINVAL. */
int control_refuse(char error[CONTROL_ERROR_MAX], const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* An argument by its name; NULL, fallback or false where it was not given. Borrowed. */
const char *control_string(const struct control_request *request, const char *name);
unsigned long long control_number(const struct control_request *request, const char *name,
				  unsigned long long fallback);
/* The index of the word that was given for a CONTROL_WORD. */
unsigned control_word(const struct control_request *request, const char *name, unsigned fallback);
bool control_bool(const struct control_request *request, const char *name);

/*
 * Read a request, run its verb, and return the answer: a line with its newline, *ret_len
 * bytes, the caller's to free(). What is wrong with the request is an answer, too. NULL:
 * no memory.
 */
char *control_answer(const char *line, size_t len, const struct control_verb verbs[],
		     size_t nr_verbs, void *ctx, size_t *ret_len);
/* The same, of a request that files came with, which stay the caller's. */
char *control_answer_with(const char *line, size_t len, struct control_files *files,
			  const struct control_verb verbs[], size_t nr_verbs, void *ctx,
			  size_t *ret_len);
/* The answer that refuses a request, likewise. */
char *control_refusal(const char *error, size_t *ret_len);

#endif
