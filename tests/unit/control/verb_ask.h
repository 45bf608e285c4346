/* SPDX-License-Identifier: MIT */
/* Asks a guest of the tests, as a client of its control socket does. */
#ifndef TESTS_UNIT_CONTROL_VERB_ASK_H
#define TESTS_UNIT_CONTROL_VERB_ASK_H

#include <jansson.h>
#include <stddef.h>

#include "vmm/control/control_proto.h"

/*
 * What is answered to a request (without its version: "\"do\":\"info\""), in *reply in place of the
 * last one. Returns that, too; or NULL, and error says why. files may be NULL.
 */
json_t *verb_ask(const char *request, struct control_files *files,
		 const struct control_verb verbs[], size_t nr_verbs, void *guest, json_t **reply,
		 char error[CONTROL_ERROR_MAX]);

#endif
