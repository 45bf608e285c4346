// SPDX-License-Identifier: MIT
/*
 * Devices that are taken out of a running guest, and put back: what is asked of the machine, which
 * is played here, and what is answered.
 */
#include <errno.h>
#include <string.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/control/verb_ask.h"
#include "vmm/base/bits.h"
#include "vmm/control/running_guest.h"
#include "vmm/control/verbs_priv.h"
#include "vmm/machine/machine.h"

static const char *word_of_route(unsigned index)
{
	return route_name((enum route)index);
}

static const struct control_verb verbs[] = {
	{
		.name = "remove",
		.arguments = { { .name = "device", .type = CONTROL_STRING, .required = true },
			       { .name = "force", .type = CONTROL_BOOL } },
		.run = verb_remove,
	},
	{
		.name = "add",
		.arguments = { { .name = "device", .type = CONTROL_STRING },
			       { .name = "function", .type = CONTROL_STRING },
			       { .name = "group", .type = CONTROL_NUMBER },
			       { .name = "bound", .type = CONTROL_BOOL },
			       { .name = "route",
				 .type = CONTROL_WORD,
				 .word = word_of_route,
				 .nr_words = NR_ROUTES } },
		.run = verb_add,
	},
};

static struct {
	struct passthru functions[2];
	struct config config;
	struct running_guest guest;
	unsigned pressed, unplugged, plugged; /* port; 0: none */
	bool is_empty, is_replaced;
	size_t adopting; /* function; SIZE_MAX: none */
	struct passthru_offer offer;
	struct control_files files;
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

int machine_adopt(struct machine *m, size_t function, struct passthru_offer *offer,
		  struct failure *ret_failure)
{
	(void)m;
	if (g.is_replaced)
		return failure_set(ret_failure, ITSY_RUNTIME, ENOSPC, "0000:00:05.0", NULL,
				   "it has too many vectors");
	g.adopting = function;
	g.offer = *offer;
	return 0;
}

static int begin(void **state)
{
	(void)state;
	memset(&g, 0, sizeof(g));
	g.adopting = SIZE_MAX;
	g.files = (struct control_files){ { -1, -1 } };
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
	return verb_ask(request, &g.files, verbs, ARRAY_SIZE(verbs), &g.guest, &g.reply, g.error);
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

#define OFFER "\"do\":\"add\",\"function\":\"0000:00:05.0\",\"group\":7,\"bound\":true"

static void test_a_function_that_is_offered_takes_a_port_that_is_free(void **state)
{
	(void)state;
	g.functions[0].bdf = (struct pci_bdf){ .dev = 4 };
	g.functions[1].vacant = g.functions[1].removed = true;
	assert_null(ask("\"do\":\"add\""));
	assert_string_equal(g.error, "'device' or 'function' is needed");
	assert_null(ask("\"do\":\"add\",\"device\":\"disk\""));
	assert_string_equal(g.error, "'disk' is a root port that is free: add a BDF");
	assert_null(ask("\"do\":\"remove\",\"device\":\"disk\""));
	assert_string_equal(g.error, "'disk' is a root port that is free");
	/* Who says that it is his shows it. */
	assert_null(ask(OFFER));
	assert_string_equal(g.error, "the right to the function has to come along, as by itsy ctl");
	g.files.fd[0] = 900;
	assert_null(ask("\"do\":\"add\",\"function\":\"disk\""));
	assert_string_equal(g.error, "'function' is no PCI address");
	assert_null(ask("\"do\":\"add\",\"function\":\"00:04.0\""));
	assert_string_equal(g.error, "it is device 'edu' of the guest");
	g.is_replaced = true;
	assert_null(ask(OFFER));
	assert_string_equal(g.error, "0000:00:05.0: it has too many vectors");
	g.is_replaced = false;
	assert_int_equal(g.adopting, SIZE_MAX);
	assert_non_null(ask(OFFER ",\"route\":\"irqfd\""));
	assert_int_equal(g.adopting, 1);
	assert_int_equal(g.offer.bdf.dev, 5);
	assert_int_equal(g.offer.file.group, 7);
	assert_int_equal(g.offer.file.fd, -1);
	assert_int_equal(g.offer.right, 900);
	assert_true(g.offer.bound && g.offer.has_route && g.offer.route == ROUTE_IRQFD);
	assert_string_equal(
		json_string_value(json_array_get(json_object_get(g.reply, "devices"), 0)), "disk");
	g.functions[1].vacant = g.functions[1].removed = false;
	assert_null(ask(OFFER));
	assert_string_equal(g.error, "no root port is free: hotplug-ports = 0");
}

static void test_a_device_that_was_removed_takes_its_own_function_alone(void **state)
{
	(void)state;
	g.functions[0].bdf = (struct pci_bdf){ .dev = 5 };
	g.functions[0].removed = true;
	g.functions[1].vacant = g.functions[1].removed = true;
	g.files.fd[0] = 900;
	assert_non_null(ask(OFFER ",\"device\":\"edu\""));
	assert_int_equal(g.adopting, 0);
	g.functions[0].bdf.dev = 6;
	assert_null(ask(OFFER ",\"device\":\"edu\""));
	assert_string_equal(g.error, "that is another function than device 'edu' was");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(test_a_device_behind_a_root_port_can_be_removed),
		TEST(test_a_device_that_was_removed_can_be_put_back),
		TEST(test_a_function_that_is_offered_takes_a_port_that_is_free),
		TEST(test_a_device_that_was_removed_takes_its_own_function_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
