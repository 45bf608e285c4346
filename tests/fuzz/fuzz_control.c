// SPDX-License-Identifier: MIT
/*
 * Fuzzes requests of the control protocol (vmm/control/control_proto.h).
 *
 * Input: a line.
 *
 * Each is answered with one line, a JSON object that says yes or no; a verb runs
 * only with arguments of the types that its table says.
 */
#include <stdlib.h>

#include "tests/fuzz/input.h"
#include "vmm/control/control_proto.h"

struct world {
	unsigned calls;
};

#define NR_WORDS 2u

static const struct control_verb verbs[2];

static const char *word(unsigned index)
{
	return index ? "irqfd" : "uring";
}

static json_t *check(void *ctx, const struct control_request *request,
		     char error[CONTROL_ERROR_MAX])
{
	struct world *world = ctx;
	const char *device = control_string(request, "device");
	unsigned long long vector = control_number(request, "vector", 0);
	unsigned route = control_word(request, "route", NR_WORDS);
	bool audit = control_bool(request, "audit");

	assert(request->verb == &verbs[0] || request->verb == &verbs[1]);
	assert(request->verb == &verbs[1] || device);
	assert(request->verb == &verbs[1] || route < NR_WORDS);
	assert(route <= NR_WORDS);
	assert(vector < 1ull << 53);
	assert(!world->calls++);
	if (vector > 1000) {
		memset(error, (int)(vector & 0xff), CONTROL_ERROR_MAX);
		error[CONTROL_ERROR_MAX - 1] = '\0';
		return NULL;
	}
	return json_pack("{s:s*, s:I, s:b}", "device", device, "vector", (json_int_t)vector,
			 "audit", audit);
}

static const struct control_verb verbs[2] = {
	{ .name = "route",
	  .arguments = { { .name = "device", .type = CONTROL_STRING, .required = true },
			 { .name = "vector", .type = CONTROL_NUMBER },
			 { .name = "route",
			   .type = CONTROL_WORD,
			   .required = true,
			   .word = word,
			   .nr_words = NR_WORDS },
			 { .name = "audit", .type = CONTROL_BOOL } },
	  .run = check },
	{ .name = "irqs",
	  .arguments = { { .name = "device", .type = CONTROL_STRING },
			 { .name = "vector", .type = CONTROL_NUMBER },
			 { .name = "route",
			   .type = CONTROL_WORD,
			   .word = word,
			   .nr_words = NR_WORDS },
			 { .name = "audit", .type = CONTROL_BOOL } },
	  .run = check },
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world world = { 0 };
	size_t len = 0;
	char *answer = control_answer((const char *)data, size, verbs,
				      sizeof(verbs) / sizeof(verbs[0]), &world, &len);
	json_t *reply;
	const json_t *ok;

	assert(answer);
	assert(len >= 2);
	assert(len <= CONTROL_REPLY_MAX);
	assert(memchr(answer, '\n', len) == answer + len - 1);
	reply = json_loadb(answer, len, 0, NULL);
	assert(json_is_object(reply));
	assert(json_integer_value(json_object_get(reply, "itsy")) == CONTROL_VERSION);
	ok = json_object_get(reply, "ok");
	assert(json_is_boolean(ok));
	assert(json_is_true(ok) || json_is_string(json_object_get(reply, "error")));
	assert(!json_is_true(ok) || world.calls == 1);
	json_decref(reply);
	free(answer);
	return 0;
}
