// SPDX-License-Identifier: MIT
/* Asks a guest of the tests, as a client of its control socket does. */
#include "tests/unit/control/verb_ask.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

json_t *verb_ask(const char *request, struct control_files *files,
		 const struct control_verb verbs[], size_t nr_verbs, void *guest, json_t **reply,
		 char error[CONTROL_ERROR_MAX])
{
	size_t len = 0;
	char line[256], *answer;
	bool ok;

	(void)snprintf(line, sizeof(line), "{\"itsy\":1,%s}", request);
	answer = control_answer_with(line, strlen(line), files, verbs, nr_verbs, guest, &len);
	assert_non_null(answer);
	json_decref(*reply);
	*reply = json_loadb(answer, len, 0, NULL);
	free(answer);
	assert_non_null(*reply);
	ok = json_is_true(json_object_get(*reply, "ok"));
	(void)snprintf(error, CONTROL_ERROR_MAX, "%s",
		       ok ? "" : json_string_value(json_object_get(*reply, "error")));
	return ok ? *reply : NULL;
}
