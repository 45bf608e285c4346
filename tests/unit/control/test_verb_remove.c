// SPDX-License-Identifier: MIT
/*
 * Devices that are taken out of a running guest, and put back: what is asked of the machine, which
 * is played here, and what is answered.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "vmm/base/bits.h"
#include "vmm/control/control_proto.h"
#include "vmm/control/running_guest.h"
#include "vmm/control/verbs_priv.h"
#include "vmm/machine/machine.h"

static const struct control_verb verbs[] = {
	{
		.name = "remove",
		.arguments = { { .name = "device", .type = CONTROL_STRING, .required = true },
			       { .name = "force", .type = CONTROL_BOOL } },
		.run = verb_remove,
	},
	{
		.name = "add",
		.arguments = { { .name = "device", .type = CONTROL_STRING, .required = true } },
		.run = verb_add,
	},
};

static struct {
	struct passthru functions[2];
	struct config config;
	struct running_guest guest;
	unsigned pressed, unplugged, plugged; /* port; 0: none */
	bool is_empty, is_replaced;
	json_t *reply;
	char error[CONTROL_ERROR_MAX];
} g;

int machine_press(struct machine *m, unsigned port)
{
	(void)m;
	g.pressed = port;
	return g.is_empty ? -ENOENT : 0;
}

void machine_unplug(struct machine *m, unsigned port)
{
	(void)m;
	g.unplugged = port;
}

int machine_plug(struct machine *m, unsigned port, struct failure *ret_failure)
{
	(void)m;
	if (g.is_replaced)
		return failure_set(ret_failure, ITSY_RUNTIME, ENODEV, "0000:00:02.0",
				   "start the guest again", "another device is in its place");
	g.plugged = port;
	return 0;
}

static int begin(void **state)
{
	(void)state;
	memset(&g, 0, sizeof(g));
	g.functions[0].irq.name = "edu";
	g.functions[1].irq.name = "disk";
	g.config = (struct config){ .name = "box" };
	g.guest = (struct running_guest){ .config = &g.config,
					  .functions = g.functions,
					  .nr_functions = ARRAY_SIZE(g.functions) };
	return 0;
}

static int end(void **state)
{
	(void)state;
	json_decref(g.reply);
	return 0;
}

/* The reply is in g.reply; or NULL, and g.error says why. */
static json_t *ask(const char *request)
{
	size_t len = 0;
	char line[256], *answer;

	json_decref(g.reply);
	(void)snprintf(line, sizeof(line), "{\"itsy\":1,%s}", request);
	answer = control_answer(line, strlen(line), verbs, ARRAY_SIZE(verbs), &g.guest, &len);
	assert_non_null(answer);
	g.reply = json_loadb(answer, len, 0, NULL);
	free(answer);
	assert_non_null(g.reply);
	(void)snprintf(g.error, sizeof(g.error), "%s",
		       json_is_true(json_object_get(g.reply, "ok"))
			       ? ""
			       : json_string_value(json_object_get(g.reply, "error")));
	return g.error[0] ? NULL : g.reply;
}

static void test_a_device_behind_a_root_port_can_be_removed(void **state)
{
	(void)state;
	assert_null(ask("\"do\":\"remove\",\"device\":\"disk\""));
	assert_string_equal(g.error, "'disk' is not behind a root port (root-port = on): it stays "
				     "until the guest ends");
	assert_null(ask("\"do\":\"remove\",\"device\":\"dusk\""));
	assert_string_equal(g.error, "there is no device 'dusk': did you mean 'disk'?");
	for (size_t i = 0; i < ARRAY_SIZE(g.functions); i++) {
		g.functions[i].root_port = true;
		g.functions[i].devfn = 3 << 3 | (unsigned)i;
	}
	g.is_empty = true;
	assert_null(ask("\"do\":\"remove\",\"device\":\"disk\""));
	assert_string_equal(g.error, "'disk' is not in its slot");
	g.is_empty = false;
	assert_non_null(ask("\"do\":\"remove\",\"device\":\"disk\""));
	assert_int_equal(g.pressed, 3);
	assert_int_equal(g.unplugged, 0);
	assert_true(json_is_false(json_object_get(g.reply, "removed")));
	/* What is of the same device goes along. */
	assert_int_equal(json_array_size(json_object_get(g.reply, "devices")), 2);
	g.pressed = 0;
	g.functions[0].devfn = 4 << 3;
	assert_non_null(ask("\"do\":\"remove\",\"device\":\"disk\",\"force\":true"));
	assert_int_equal(g.unplugged, 3);
	assert_int_equal(g.pressed, 0);
	assert_true(json_is_true(json_object_get(g.reply, "removed")));
	assert_int_equal(json_array_size(json_object_get(g.reply, "devices")), 1);
	g.functions[1].removed = true;
	assert_null(ask("\"do\":\"remove\",\"device\":\"disk\",\"force\":true"));
	assert_string_equal(g.error, "'disk' was removed before");
}

static void test_a_device_that_was_removed_can_be_put_back(void **state)
{
	(void)state;
	assert_null(ask("\"do\":\"add\",\"device\":\"disk\""));
	assert_string_equal(g.error, "'disk' is in the guest");
	for (size_t i = 0; i < ARRAY_SIZE(g.functions); i++) {
		g.functions[i].root_port = g.functions[i].removed = true;
		g.functions[i].devfn = 3 << 3 | (unsigned)i;
	}
	g.is_replaced = true;
	assert_null(ask("\"do\":\"add\",\"device\":\"disk\""));
	assert_string_equal(g.error, "0000:00:02.0: another device is in its place: start the "
				     "guest again");
	assert_int_equal(g.plugged, 0);
	g.is_replaced = false;
	assert_non_null(ask("\"do\":\"add\",\"device\":\"disk\""));
	assert_int_equal(g.plugged, 3);
	/* What was removed with it comes with it. */
	assert_int_equal(json_array_size(json_object_get(g.reply, "devices")), 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(test_a_device_behind_a_root_port_can_be_removed),
		TEST(test_a_device_that_was_removed_can_be_put_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
