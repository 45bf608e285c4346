/* SPDX-License-Identifier: MIT */
/*
 * The other end of the control socket, and the clock, for the tests of itsy ctl and itsy top. One
 * program includes it once.
 */
#ifndef TESTS_UNIT_CLI_CTL_GUEST_H
#define TESTS_UNIT_CLI_CTL_GUEST_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/unit/base/capture.h"
#include "vitsmod/bits.h"
#include "vmm/control/client.h"
#include "vmm/control/control_proto.h"

#define MAX_ANSWERS 8u

static struct {
	/* What the guest answers, one after the other; NULL: it is over. */
	const char *answers[MAX_ANSWERS];
	size_t next;
	char asked[1024]; /* all requests, with a newline behind each */
	const char *names[4];
	int list_error, open_error;
	int process; /* what can be read when it has ended; -1: it cannot be seen */
	_Atomic bool has_ended;
	uint64_t slept_ns;
	bool is_silent; /* it does not answer */
	enum control_phase phase;
	struct capture said;
} w;

/* ---- the guest, and the clock ---------------------------------------------------------- */

int client_list(const char *dir, struct client_names *ret_names)
{
	assert_string_equal(dir, "/run/itsy");
	*ret_names = (struct client_names){ 0 };
	for (size_t i = 0; i < ARRAY_SIZE(w.names) && w.names[i]; i++)
		(void)snprintf(ret_names->list[ret_names->nr++], CONFIG_NAME_MAX + 1, "%s",
			       w.names[i]);
	return w.list_error;
}

int client_look(const char *dir, const char *name, enum control_phase *ret_phase, int *ret_pid)
{
	assert_string_equal(dir, "/run/itsy");
	if (strcmp(name, "of-root") == 0)
		return -EACCES;
	*ret_phase = w.phase;
	*ret_pid = 7;
	return 0;
}

int client_open_for(const char *dir, const char *name, unsigned seconds, int *ret_fd,
		    struct failure *ret_failure)
{
	assert_true(seconds > 0);
	return client_open(dir, name, ret_fd, ret_failure);
}

int client_open(const char *dir, const char *name, int *ret_fd, struct failure *ret_failure)
{
	assert_string_equal(dir, "/run/itsy");
	if (w.open_error || strcmp(name, "of-root") == 0)
		return failure_set(ret_failure, ITSY_USAGE, w.open_error ?: EACCES, name, NULL,
				   "no guest of this name runs");
	*ret_fd = dup(STDERR_FILENO);
	return 0;
}

int client_process(int fd, const char *name, int *ret_process, struct failure *ret_failure)
{
	assert_true(fd >= 0);
	if (w.process < 0)
		return failure_set(ret_failure, ITSY_RUNTIME, EIO, name, NULL, "is out of sight");
	*ret_process = dup(w.process);
	return 0;
}

int client_ask(int fd, const char *name, json_t *request, json_t **ret_reply,
	       struct failure *ret_failure)
{
	char *text = json_dumps(request, JSON_COMPACT | JSON_SORT_KEYS);
	size_t len = strlen(w.asked);
	const char *answer;

	assert_true(fd >= 0);
	assert_non_null(text);
	(void)snprintf(w.asked + len, sizeof(w.asked) - len, "%s\n", text);
	free(text);
	json_decref(request);
	if (w.is_silent)
		return failure_set(ret_failure, ITSY_RUNTIME, ETIMEDOUT, name, "ask again",
				   "it has not answered for 5 s");
	assert_true(w.next < MAX_ANSWERS);
	answer = w.answers[w.next++];
	if (!answer)
		return failure_set(ret_failure, ITSY_RUNTIME, ECONNRESET, name, NULL,
				   "the guest has ended");
	*ret_reply = json_loads(answer, 0, NULL);
	assert_non_null(*ret_reply);
	return 0;
}

int client_ask_with(int fd, const char *name, json_t *request, const int files[], size_t nr,
		    json_t **ret_reply, struct failure *ret_failure)
{
	(void)files;
	(void)nr;
	return client_ask(fd, name, request, ret_reply, ret_failure);
}

int client_ask_all(int fd, const char *name, json_t *request, const char *list, json_t **ret_reply,
		   struct failure *ret_failure)
{
	assert_string_equal(list, "vectors");
	return client_ask(fd, name, request, ret_reply, ret_failure);
}

/* Nobody waits for a second here. */
int nanosleep(const struct timespec *time, struct timespec *left)
{
	(void)left;
	w.slept_ns += (uint64_t)time->tv_sec * 1000000000 + (uint64_t)time->tv_nsec;
	return 0;
}

#endif
