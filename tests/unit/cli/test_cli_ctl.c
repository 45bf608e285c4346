// SPDX-License-Identifier: MIT
/*
 * itsy ctl and itsy top: what they ask a running guest, and what they make of its
 * answers. The other end of the control socket is played by ctl_guest.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/unit/base/capture.h"
#include "tests/unit/cli/ctl_guest.h"
#include "vitsmod/bits.h"
#include "vmm/cli/commands.h"
#include "vmm/control/client.h"
#include "vmm/control/verbs.h"

/* ---- asking ---------------------------------------------------------------------------- */

static int make(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	w.phase = CONTROL_RUNNING;
	return 0;
}

static enum exit_status run(enum exit_status (*command)(int, char **), const char *line)
{
	char text[256], *argv[16], *save;
	enum exit_status status;
	int argc = 0;

	(void)snprintf(text, sizeof(text), "%s", line);
	for (char *word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	argv[argc] = NULL;
	w.next = 0;
	w.asked[0] = '\0';
	w.slept_ns = 0;
	capture_begin(&w.said);
	status = command(argc, argv);
	(void)fflush(stdout);
	capture_end(&w.said);
	return status;
}

static void has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' does not contain '%s'", text, part);
}

static json_t *printed_json(void)
{
	json_t *object = json_loads(w.said.out, 0, NULL);

	assert_non_null(object);
	assert_int_equal(json_integer_value(json_object_get(object, "schema")), 1);
	/* The protocol's own stay out. */
	assert_null(json_object_get(object, "itsy"));
	assert_null(json_object_get(object, "ok"));
	return object;
}

#define INFO                                                                               \
	"{\"itsy\": 1, \"ok\": true, \"name\": \"box\", \"pid\": 42, \"vcpus\": 2, "       \
	"\"memory_bytes\": 536870912, \"boots\": 3, \"uptime_ns\": 5000000000, "           \
	"\"devices\": [{\"name\": \"nvme\", \"bdf\": \"0000:01:00.0\", \"at\": \"02.1\", " \
	"\"devid\": 8, "                                                                   \
	"\"vectors\": 17}]}"
#define ROW(device, vector, taken)                                                                \
	"{\"device\": \"" device "\", \"vector\": " #vector ", \"devid\": 8, "                    \
	"\"eventid\": 1, \"lpi\": 8193, \"vcpu\": 0, \"route\": \"uring\", "                      \
	"\"asked\": \"uring\", \"changing\": false, \"taken\": " #taken ", \"injected\": " #taken \
	", \"held\": 0, \"dropped\": 0, \"tied\": 0, \"last_ns\": 1}"
#define IRQS(now, rows) "{\"itsy\": 1, \"ok\": true, \"now_ns\": " #now ", \"vectors\": [" rows "]}"

static void test_info_tells_the_guest_and_its_devices(void **state)
{
	json_t *object;

	(void)state;
	w.answers[0] = INFO;
	assert_int_equal(run(cmd_ctl, "ctl box"), ITSY_OK);
	assert_string_equal(w.asked, "{\"do\":\"info\"}\n");
	assert_string_equal(w.said.out,
			    "box: process 42, 2 vCPUs, 512 MiB, boot 3, up 5.0 s\n"
			    "nvme: 0000:01:00.0, 02.1 on the guest's bus, DeviceID 0x0008, "
			    "17 vectors\n");
	assert_int_equal(run(cmd_ctl, "ctl --json box info"), ITSY_OK);
	object = printed_json();
	assert_int_equal(json_integer_value(json_object_get(object, "pid")), 42);
	json_decref(object);
}

static void test_what_is_added_is_a_device_or_a_function(void **state)
{
	(void)state;
	w.answers[0] = INFO;
	w.answers[1] = "{\"itsy\": 1, \"ok\": true, \"devices\": [\"nvme\"]}";
	assert_int_equal(run(cmd_ctl, "ctl box add nvme"), ITSY_OK);
	assert_string_equal(w.asked, "{\"do\":\"info\"}\n{\"device\":\"nvme\",\"do\":\"add\"}\n");
	assert_string_equal(w.said.out, "nvme: added\n");
	/* What is wrong with a function is told before the guest is asked. */
	assert_int_equal(run(cmd_ctl, "ctl box add ff:1f.6,at=3"), ITSY_USAGE);
	has(w.said.err, "behind the address there can be ,route=ROUTE and no more");
	assert_int_equal(run(cmd_ctl, "ctl box add 1:2:3:4"), ITSY_USAGE);
	has(w.said.err, "1:2:3:4: this is no PCI function");
	assert_int_equal(run(cmd_ctl, "ctl box add ff:1f.6,route=irqfd"), ITSY_ENVIRONMENT);
	has(w.said.err, "0000:ff:1f.6: there is no such PCI function");
	assert_string_equal(w.asked, "");
}

static void test_irqs_are_two_samples_with_a_second_between_them(void **state)
{
	json_t *object;

	(void)state;
	w.answers[0] = IRQS(1000000000, ROW("nvme", 0, 100));
	w.answers[1] = IRQS(3000000000, ROW("nvme", 0, 150));
	assert_int_equal(run(cmd_ctl, "ctl box irqs"), ITSY_OK);
	assert_string_equal(w.asked, "{\"do\":\"irqs\"}\n{\"do\":\"irqs\"}\n");
	assert_int_equal(w.slept_ns, 1000000000);
	has(w.said.out, "nvme[0]");
	has(w.said.out, " 25 ");
	assert_int_equal(run(cmd_ctl, "ctl box irqs --json"), ITSY_OK);
	object = printed_json();
	assert_true(json_real_value(json_object_get(
			    json_array_get(json_object_get(object, "vectors"), 0), "per_second")) ==
		    25.0);
	json_decref(object);
}

static void test_irqs_are_those_of_the_device_or_vector_that_is_typed(void **state)
{
	static const char nvme[] = "{\"device\":\"nvme\",\"do\":\"irqs\"}\n";
	static const char one[] = "{\"device\":\"nvme\",\"do\":\"irqs\",\"vector\":12}\n";

	(void)state;
	w.answers[0] = w.answers[1] = IRQS(1000000000, ROW("nvme", 12, 100));
	assert_int_equal(run(cmd_ctl, "ctl box irqs nvme"), ITSY_OK);
	has(w.asked, nvme);
	assert_int_equal(strlen(w.asked), 2 * strlen(nvme));
	assert_int_equal(run(cmd_ctl, "ctl box irqs --json nvme/12"), ITSY_OK);
	has(w.asked, one);
	assert_int_equal(strlen(w.asked), 2 * strlen(one));
	assert_int_equal(run(cmd_ctl, "ctl box irqs all"), ITSY_OK);
	assert_string_equal(w.asked, "{\"do\":\"irqs\"}\n{\"do\":\"irqs\"}\n");
	assert_int_equal(run(cmd_ctl, "ctl box irqs nvme/x"), ITSY_USAGE);
	assert_string_equal(w.asked, "");
	has(w.said.err, "a vector is a number");
	w.answers[0] = "{\"recording\": true, \"vectors\": []}";
	assert_int_equal(run(cmd_ctl, "ctl box irqs --histogram nvme/12"), ITSY_OK);
	assert_string_equal(w.asked, "{\"device\":\"nvme\",\"do\":\"histogram\",\"vector\":12}\n");
}

static void test_histograms_are_switched_and_shown(void **state)
{
	static const char off[] = "{\"recording\": false, \"vectors\": []}";
	static const char on[] =
		"{\"recording\": true, \"vectors\": [{\"device\": \"nvme\", \"vector\": 2, "
		"\"count\": 7, \"min\": 100, \"p50\": 200, \"p90\": 300, \"p99\": 400, "
		"\"p99_9\": 500, \"max\": 600}]}";

	(void)state;
	w.answers[0] = "{}";
	assert_int_equal(run(cmd_ctl, "ctl box histogram on"), ITSY_OK);
	assert_string_equal(w.asked, "{\"do\":\"histogram\",\"set\":\"on\"}\n");
	assert_string_equal(w.said.out, "");
	/* What is recorded is shown; what is not, is from now on. */
	w.answers[0] = on;
	assert_int_equal(run(cmd_ctl, "ctl box irqs --histogram"), ITSY_OK);
	assert_string_equal(w.asked, "{\"do\":\"histogram\"}\n");
	has(w.said.out, "nvme[2]");
	has(w.said.out, "600 ns");
	w.answers[0] = off;
	w.answers[1] = on;
	assert_int_equal(run(cmd_ctl, "ctl box irqs --histogram --json"), ITSY_OK);
	assert_string_equal(w.asked,
			    "{\"do\":\"histogram\"}\n{\"do\":\"histogram\",\"set\":\"on\"}\n");
	has(w.said.err, "times are recorded from now on");
	json_decref(printed_json());
}

static void test_routes_are_asked_for_by_device_and_vector(void **state)
{
	static const struct {
		const char *word, *asked;
	} cases[] = {
		{ "all", "{\"do\":\"route\",\"route\":\"irqfd\"}\n" },
		{ "nvme", "{\"device\":\"nvme\",\"do\":\"route\",\"route\":\"irqfd\"}\n" },
		{ "nvme/all", "{\"device\":\"nvme\",\"do\":\"route\",\"route\":\"irqfd\"}\n" },
		{ "nvme/12",
		  "{\"device\":\"nvme\",\"do\":\"route\",\"route\":\"irqfd\",\"vector\":12}\n" },
	};
	static const char *const wrong[] = { "nvme/", "nvme/x", "nvme/1x", "nvme/-1",
					     "nvme/4294967296" };

	(void)state;
	w.answers[0] = "{\"vectors\": 1}";
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char line[64];

		(void)snprintf(line, sizeof(line), "ctl box route %s irqfd", cases[i].word);
		assert_int_equal(run(cmd_ctl, line), ITSY_OK);
		assert_string_equal(w.asked, cases[i].asked);
		assert_string_equal(w.said.out, "1 vector: irqfd\n");
	}
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		char line[64];

		(void)snprintf(line, sizeof(line), "ctl box route %s irqfd", wrong[i]);
		assert_int_equal(run(cmd_ctl, line), ITSY_USAGE);
		assert_string_equal(w.asked, "");
		has(w.said.err, "a vector is a number");
	}
}

static void test_its_tells_registers_commands_and_differences(void **state)
{
	static const char its[] =
		"{\"its\": [{\"name\": \"its\", \"registers\": {\"GITS_CTLR\": \"0x1\"}, "
		"\"commands\": {\"MAPD\": {\"done\": 3, \"skipped\": 2, \"stalled\": 1}}, "
		"\"errors\": [{\"serial\": 9, \"command\": \"MAPTI\", \"error\": \"ID_OOR\", "
		"\"code\": \"0x1\", \"creadr\": \"0x20\"}], \"changed_entries\": 4, "
		"\"nr_differences\": 2, \"differences\": ["
		"{\"entry\": \"ITE\", \"devid\": 8, \"eventid\": 5, \"address\": \"0x1000\", "
		"\"readable\": true, \"table\": \"0x2\", \"shadow\": \"0x3\"}, "
		"{\"entry\": \"CTE\", \"icid\": 7, \"address\": \"0x2000\", "
		"\"readable\": false, \"shadow\": \"0x4\"}]}]}";

	(void)state;
	w.answers[0] = its;
	assert_int_equal(run(cmd_ctl, "ctl box its --audit"), ITSY_OK);
	assert_string_equal(w.asked, "{\"audit\":true,\"do\":\"its\"}\n");
	assert_string_equal(
		w.said.out,
		"its:\n  GITS_CTLR    0x1\n  MAPD         done 3, skipped 2, stalled 1\n"
		"  error 9: MAPTI ID_OOR (0x1) at 0x20\n  table entries found changed: 4\n"
		"  entries that differ from the shadow: 2\n"
		"  ITE of DeviceID 0x0008, EventID 5, at 0x1000: 0x2, should be 0x3\n"
		"  CTE of collection 7, at 0x2000: not readable, should be 0x4\n");
	w.answers[0] = "{\"its\": []}";
	assert_int_equal(run(cmd_ctl, "ctl box its"), ITSY_OK);
	assert_string_equal(w.asked, "{\"audit\":false,\"do\":\"its\"}\n");
}

static void test_metrics_are_of_the_machine_and_of_its_vectors(void **state)
{
	(void)state;
	w.answers[0] = "{\"itsy\": 1, \"ok\": true, \"name\": \"box\", \"boots\": 1, "
		       "\"counters\": {\"unclaimed\": 3}, \"commands\": {}}";
	w.answers[1] = IRQS(1000000000, ROW("nvme", 0, 100));
	assert_int_equal(run(cmd_ctl, "ctl box metrics"), ITSY_OK);
	assert_string_equal(w.asked, "{\"do\":\"metrics\"}\n{\"do\":\"irqs\"}\n");
	assert_int_equal(w.slept_ns, 0);
	has(w.said.out, "itsy_unclaimed_total{guest=\"box\"} 3");
	has(w.said.out, "itsy_vector_taken_total{guest=\"box\",device=\"nvme\",vector=\"0\"} 100");
	assert_int_equal(run(cmd_ctl, "ctl box metrics --json"), ITSY_OK);
	assert_string_equal(w.asked, "{\"do\":\"metrics\"}\n");
	has(w.said.out, "\"unclaimed\": 3");
	w.answers[0] = "{}";
	assert_int_equal(run(cmd_ctl, "ctl box metrics"), ITSY_RUNTIME);
	assert_string_equal(w.said.out, "");
	has(w.said.err, "itsy: error: box: its answer is not understood");
}

static void test_guests_are_listed_without_a_name(void **state)
{
	json_t *object;

	(void)state;
	assert_int_equal(run(cmd_ctl, "ctl"), ITSY_OK);
	assert_string_equal(w.said.err, "itsy: no guest runs\n");
	/* The second ends meanwhile. */
	w.names[0] = "box";
	w.names[1] = "cat";
	w.answers[0] = INFO;
	assert_int_equal(run(cmd_ctl, "ctl"), ITSY_OK);
	has(w.said.out, "NAME");
	has(w.said.out, "box");
	has(w.said.out, "512M");
	assert_null(strstr(w.said.out, "cat"));
	assert_string_equal(w.said.err, "");
	assert_int_equal(run(cmd_ctl, "ctl --json"), ITSY_OK);
	object = printed_json();
	assert_int_equal(json_array_size(json_object_get(object, "guests")), 1);
	json_decref(object);
	w.list_error = -EACCES;
	assert_int_equal(run(cmd_ctl, "ctl"), ITSY_ENVIRONMENT);
	has(w.said.err, "/run/itsy: cannot be listed: Permission denied");
}

static void test_states_are_told_of_a_guest_and_in_the_list(void **state)
{
	static const struct {
		const char *paused, *stopping, *panicked, *told, *listed;
	} cases[] = {
		{ "false", "false", "false", "up 5.0 s\n", "5.0 s  running\n" },
		{ "true", "false", "false", "up 5.0 s, paused\n", "5.0 s  paused\n" },
		{ "false", "true", "false", "up 5.0 s, asked to power off\n", "5.0 s  stopping\n" },
		{ "false", "true", "true", "up 5.0 s, asked to power off, panicked\n",
		  "5.0 s  panicked\n" },
		{ "true", "true", "false", "up 5.0 s, paused, asked to power off\n",
		  "5.0 s  paused\n" },
	};

	(void)state;
	w.names[0] = "box";
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char answer[256];

		(void)snprintf(
			answer, sizeof(answer),
			"{\"name\": \"box\", \"uptime_ns\": 5000000000, "
			"\"paused\": %s, \"stopping\": %s, \"panicked\": %s, \"devices\": []}",
			cases[i].paused, cases[i].stopping, cases[i].panicked);
		w.answers[0] = answer;
		assert_int_equal(run(cmd_ctl, "ctl box"), ITSY_OK);
		has(w.said.out, cases[i].told);
		assert_int_equal(run(cmd_list, "list"), ITSY_OK);
		has(w.said.out, cases[i].listed);
	}
}

static void test_list_is_ctl_without_a_name(void **state)
{
	char *text;

	(void)state;
	w.names[0] = "box";
	w.answers[0] = INFO;
	for (unsigned json = 0; json <= 1; json++) {
		assert_int_equal(run(cmd_ctl, json ? "ctl --json" : "ctl"), ITSY_OK);
		text = strdup(w.said.out);
		assert_non_null(text);
		assert_int_equal(run(cmd_list, json ? "list --json" : "list"), ITSY_OK);
		assert_string_equal(w.said.out, text);
		assert_string_equal(w.asked, "{\"do\":\"info\"}\n");
		free(text);
	}
}

static void *end_soon(void *arg)
{
	for (unsigned i = 0; i < 50; i++)
		sched_yield();
	w.has_ended = true;
	assert_int_equal(write(*(int *)arg, "", 1), 1);
	return NULL;
}

static void test_stop_waits_for_the_end_where_it_is_told_to(void **state)
{
	pthread_t thread;
	int fds[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	w.process = fds[0];
	w.answers[0] = "{\"asked\": true, \"timeout_s\": 80}";
	assert_int_equal(pthread_create(&thread, NULL, end_soon, &fds[1]), 0);
	assert_int_equal(run(cmd_verb, "stop --wait box"), ITSY_OK);
	assert_true(w.has_ended);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_string_equal(w.asked, "{\"do\":\"stop\",\"now\":false}\n");
	/* Whom it cannot wait for it does not ask. */
	w.process = -1;
	assert_int_equal(run(cmd_ctl, "ctl box stop --wait"), ITSY_RUNTIME);
	assert_string_equal(w.asked, "");
	has(w.said.err, "itsy: error: box: is out of sight");
	assert_int_equal(run(cmd_verb, "stop box"), ITSY_OK);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

static void test_a_command_of_its_own_is_the_verb_of_ctl(void **state)
{
	static const struct {
		const char *ctl, *stop, *asked;
	} cases[] = {
		{ "ctl box stop", "stop box", "{\"do\":\"stop\",\"now\":false}\n" },
		{ "ctl box stop --now", "stop --now box", "{\"do\":\"stop\",\"now\":true}\n" },
		{ "ctl --json box stop", "stop box --json", "{\"do\":\"stop\",\"now\":false}\n" },
	};

	(void)state;
	w.answers[0] = "{\"asked\": true, \"timeout_s\": 80}";
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *text;

		assert_int_equal(run(cmd_ctl, cases[i].ctl), ITSY_OK);
		assert_string_equal(w.asked, cases[i].asked);
		text = strdup(w.said.out);
		assert_non_null(text);
		has(text,
		    i < 2 ? "asked to power off: its power is cut after 80 s\n" : "\"schema\": 1");
		assert_int_equal(run(cmd_verb, cases[i].stop), ITSY_OK);
		assert_string_equal(w.asked, cases[i].asked);
		assert_string_equal(w.said.out, text);
		free(text);
	}
	w.answers[0] = "{\"asked\": false, \"timeout_s\": 80}";
	assert_int_equal(run(cmd_verb, "stop --now box"), ITSY_OK);
	assert_string_equal(w.said.out, "the guest's power is cut\n");
	w.answers[0] = "{\"paused\": true}";
	assert_int_equal(run(cmd_verb, "pause box"), ITSY_OK);
	assert_string_equal(w.asked, "{\"do\":\"pause\"}\n");
	assert_string_equal(w.said.out, "the guest is paused\n");
	w.answers[0] = "{\"paused\": false}";
	assert_int_equal(run(cmd_verb, "resume box"), ITSY_OK);
	assert_string_equal(w.asked, "{\"do\":\"resume\"}\n");
	assert_string_equal(w.said.out, "the guest goes on\n");
	w.answers[0] = "{}";
	assert_int_equal(run(cmd_verb, "reset box"), ITSY_OK);
	assert_string_equal(w.asked, "{\"do\":\"reset\"}\n");
	assert_string_equal(w.said.out, "the guest is reset\n");
	w.open_error = ENOENT;
	assert_int_equal(run(cmd_verb, "stop box"), ITSY_USAGE);
	has(w.said.err, "itsy: error: box: no guest of this name runs");
}

static void test_guests_of_others_and_those_that_are_silent_are_told(void **state)
{
	(void)state;
	w.names[0] = "of-root";
	assert_int_equal(run(cmd_ctl, "ctl"), ITSY_OK);
	assert_string_equal(w.said.err, "itsy: no guest of yours runs; of others 1 does: sudo itsy "
					"list shows it\n");
	assert_string_equal(w.said.out, "");
	w.names[1] = "of-root";
	assert_int_equal(run(cmd_ctl, "ctl"), ITSY_OK);
	assert_string_equal(w.said.err, "itsy: no guest of yours runs; of others 2 do: sudo itsy "
					"list shows them\n");
	w.names[1] = "box";
	w.answers[0] = INFO;
	assert_int_equal(run(cmd_ctl, "ctl"), ITSY_OK);
	has(w.said.out, "box");
	assert_string_equal(w.said.err, "itsy: of others 1 more runs: sudo itsy list shows it\n");
	assert_int_equal(run(cmd_ctl, "ctl --json"), ITSY_OK);
	assert_string_equal(w.said.err, "");
	/* It runs, and is no other's. */
	w.is_silent = true;
	w.names[0] = "box";
	w.names[1] = NULL;
	assert_int_equal(run(cmd_ctl, "ctl"), ITSY_OK);
	has(w.said.out, "box   7    -      -       -   silent\n");
	assert_string_equal(w.said.err,
			    "itsy: warning: box: it has not answered for 3 s: ask again; a "
			    "process that was stopped (SIGSTOP) answers none\n");
}

static void test_a_guest_that_is_being_set_up_or_ends_is_listed_and_not_asked(void **state)
{
	static const struct {
		enum control_phase phase;
		const char *word;
	} cases[] = { { CONTROL_SET_UP, "set-up" }, { CONTROL_ENDING, "ending" } };
	json_t *object;

	(void)state;
	w.names[0] = "box";
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const json_t *guest;

		w.phase = cases[i].phase;
		assert_int_equal(run(cmd_list, "list"), ITSY_OK);
		has(w.said.out, "box   7    -      -       -   ");
		has(w.said.out, cases[i].word);
		assert_string_equal(w.said.err, "");
		assert_string_equal(w.asked, "");
		assert_int_equal(run(cmd_list, "list --json"), ITSY_OK);
		object = printed_json();
		guest = json_array_get(json_object_get(object, "guests"), 0);
		assert_string_equal(json_string_value(json_object_get(guest, "state")),
				    cases[i].word);
		assert_int_equal(json_integer_value(json_object_get(guest, "pid")), 7);
		json_decref(object);
	}
}

/* Usage and help of each verb come from its row. */
static void test_help_lists_each_verb_with_what_is_typed_behind_it(void **state)
{
	(void)state;
	assert_int_equal(run(cmd_ctl, "ctl --help"), ITSY_OK);
	has(w.said.out,
	    "Verbs:\n"
	    "  NAME info                       what it is, and since when (the default)\n"
	    "  NAME irqs [DEVICE[/VECTOR]]     its vectors: mapping, route, counts, rates\n"
	    "  NAME histogram on|off           record the time each interrupt takes in itsy\n"
	    "  NAME route DEVICE[/VECTOR] uring|spin|irqfd|auto\n"
	    "                                  change the route while interrupts come; DEVICE\n");
	for (size_t i = 0; i < nr_control_verbs; i++) {
		char line[64];

		assert_true(control_verbs[i].help[0]);
		(void)snprintf(line, sizeof(line), "\n  NAME %s ", control_verbs[i].name);
		has(w.said.out, line);
	}
}

static void test_a_guest_that_is_not_there_or_not_understood_is_told(void **state)
{
	(void)state;
	w.open_error = ENOENT;
	assert_int_equal(run(cmd_ctl, "ctl box"), ITSY_USAGE);
	has(w.said.err, "itsy: error: box: no guest of this name runs");
	assert_int_equal(run(cmd_top, "top --once box"), ITSY_USAGE);
	w.open_error = 0;
	w.answers[0] = "{\"now_ns\": \"soon\"}";
	assert_int_equal(run(cmd_ctl, "ctl box irqs"), ITSY_RUNTIME);
	has(w.said.err, "its answer is not understood: use the same itsy as the guest's");
	assert_int_equal(run(cmd_top, "top --once box"), ITSY_RUNTIME);
	has(w.said.err, "its answer is not understood");
	w.answers[0] = "{\"recording\": true}";
	assert_int_equal(run(cmd_ctl, "ctl box irqs --histogram"), ITSY_RUNTIME);
	has(w.said.err, "its answer is not understood");
	w.answers[0] = NULL;
	assert_int_equal(run(cmd_ctl, "ctl box its"), ITSY_RUNTIME);
	has(w.said.err, "the guest has ended");
}

static void test_top_prints_the_busiest_first_in_a_pipe(void **state)
{
	const char *busy, *idle;

	(void)state;
	w.answers[0] = IRQS(1000000000, ROW("nvme", 0, 5) ", " ROW("nvme", 1, 5));
	w.answers[1] = IRQS(2000000000, ROW("nvme", 0, 6) ", " ROW("nvme", 1, 45));
	w.answers[2] = INFO;
	assert_int_equal(run(cmd_top, "top --once --interval 2.5 box"), ITSY_OK);
	assert_int_equal(w.slept_ns, 2500000000);
	has(w.said.out, "box: 2 vCPUs, 512 MiB, boot 3, up 5.0 s: 41 interrupts per second\n");
	busy = strstr(w.said.out, "nvme[1]");
	idle = strstr(w.said.out, "nvme[0]");
	assert_non_null(busy);
	assert_non_null(idle);
	assert_true(busy < idle);
}

static void test_top_goes_on_until_the_guest_is_over(void **state)
{
	(void)state;
	w.answers[0] = IRQS(1000000000, ROW("nvme", 0, 5));
	w.answers[1] = IRQS(2000000000, ROW("nvme", 0, 6));
	w.answers[2] = INFO;
	w.answers[3] = IRQS(3000000000, ROW("nvme", 0, 9));
	w.answers[4] = INFO;
	assert_int_equal(run(cmd_top, "top box"), ITSY_OK);
	assert_int_equal(w.next, 6);
	has(w.said.out, " 1 interrupts per second\n");
	has(w.said.out, " 3 interrupts per second\n");
	has(w.said.err, "box: the guest has ended");
}

static void test_top_records_times_as_long_as_it_shows_them(void **state)
{
	(void)state;
	w.answers[0] = "{\"itsy\": 1, \"ok\": true, \"recording\": false, \"vectors\": []}";
	w.answers[1] = "{\"itsy\": 1, \"ok\": true, \"recording\": true, \"vectors\": []}";
	w.answers[2] = IRQS(1000000000, ROW("nvme", 0, 5));
	w.answers[3] = IRQS(2000000000, ROW("nvme", 0, 6));
	w.answers[4] = INFO;
	w.answers[5] = "{\"itsy\": 1, \"ok\": true, \"recording\": true, \"vectors\": ["
		       "{\"device\": \"nvme\", \"vector\": 0, \"count\": 1, \"min\": 900, "
		       "\"max\": 900, \"p50\": 900}]}";
	w.answers[6] = w.answers[0];
	assert_int_equal(run(cmd_top, "top --once --histogram box"), ITSY_OK);
	has(w.said.out, "nvme[0]");
	has(w.said.out, "900 ns");
	assert_int_equal(w.next, 7);
	has(w.asked, "{\"do\":\"histogram\"}\n{\"do\":\"histogram\",\"set\":\"on\"}\n");
	has(w.asked, "{\"do\":\"histogram\",\"set\":\"off\"}\n");
	/* What somebody else records is left alone. */
	w.answers[0] = w.answers[1];
	for (unsigned i = 1; i < 5; i++)
		w.answers[i] = w.answers[i + 1];
	assert_int_equal(run(cmd_top, "top --once --histogram box"), ITSY_OK);
	assert_null(strstr(w.asked, "set"));
}

/* Runs itsy top on a terminal of its own, until the guest has ended. */
static void top_on_a_terminal(int slave)
{
	char top[] = "top", box[] = "box", *argv[] = { top, box, NULL };

	(void)setsid();
	(void)dup2(slave, STDIN_FILENO);
	(void)dup2(slave, STDOUT_FILENO);
	exit((int)cmd_top(2, argv));
}

static void test_top_refreshes_a_page_on_a_terminal(void **state)
{
	const struct winsize size = { .ws_row = 24, .ws_col = 100 };
	char seen[8192] = "";
	size_t len = 0;
	int master, slave, status;
	ssize_t n;
	pid_t pid;

	(void)state;
	w.next = 0;
	w.answers[0] = IRQS(1000000000, ROW("nvme", 0, 5));
	w.answers[1] = IRQS(2000000000, ROW("nvme", 0, 6));
	w.answers[2] = INFO;
	assert_int_equal(openpty(&master, &slave, NULL, NULL, &size), 0);
	(void)fflush(NULL); /* or the child prints it again */
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		top_on_a_terminal(slave);
	(void)close(slave);
	/* To the end: EIO, where nobody has the other side open any more. */
	while ((n = read(master, seen + len, sizeof(seen) - 1 - len)) > 0)
		len += (size_t)n;
	(void)close(master);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), ITSY_OK);
	has(seen, "\033[?1049h\033[?25l"); /* the other screen, without a cursor */
	has(seen, "boot 3, up 5.0 s: 1 interrupts per second\r\n");
	has(seen, "nvme[0]");
	has(seen, "\033[?25h\033[?1049l");
}

static void test_top_tells_what_it_cannot_write(void **state)
{
	int saved = dup(STDOUT_FILENO), full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	char top[] = "top", once[] = "--once", box[] = "box", *argv[] = { top, once, box, NULL };
	enum exit_status status;

	(void)state;
	assert_true(saved >= 0 && full >= 0);
	w.next = 0;
	w.answers[0] = IRQS(1000000000, ROW("nvme", 0, 5));
	w.answers[1] = IRQS(2000000000, ROW("nvme", 0, 6));
	w.answers[2] = INFO;
	(void)fflush(NULL);
	(void)dup2(full, STDOUT_FILENO);
	status = cmd_top(3, argv);
	/* What could not be written is not for the next test. */
	__fpurge(stdout);
	(void)dup2(saved, STDOUT_FILENO);
	(void)close(saved);
	(void)close(full);
	assert_int_equal(status, ITSY_RUNTIME);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_info_tells_the_guest_and_its_devices, make),
		cmocka_unit_test_setup(test_what_is_added_is_a_device_or_a_function, make),
		cmocka_unit_test_setup(test_irqs_are_two_samples_with_a_second_between_them, make),
		cmocka_unit_test_setup(test_irqs_are_those_of_the_device_or_vector_that_is_typed,
				       make),
		cmocka_unit_test_setup(test_histograms_are_switched_and_shown, make),
		cmocka_unit_test_setup(test_routes_are_asked_for_by_device_and_vector, make),
		cmocka_unit_test_setup(test_its_tells_registers_commands_and_differences, make),
		cmocka_unit_test_setup(test_guests_are_listed_without_a_name, make),
		cmocka_unit_test_setup(test_metrics_are_of_the_machine_and_of_its_vectors, make),
		cmocka_unit_test_setup(test_states_are_told_of_a_guest_and_in_the_list, make),
		cmocka_unit_test_setup(test_list_is_ctl_without_a_name, make),
		cmocka_unit_test_setup(test_a_command_of_its_own_is_the_verb_of_ctl, make),
		cmocka_unit_test_setup(test_stop_waits_for_the_end_where_it_is_told_to, make),
		cmocka_unit_test_setup(test_guests_of_others_and_those_that_are_silent_are_told,
				       make),
		cmocka_unit_test_setup(
			test_a_guest_that_is_being_set_up_or_ends_is_listed_and_not_asked, make),
		cmocka_unit_test_setup(test_help_lists_each_verb_with_what_is_typed_behind_it,
				       make),
		cmocka_unit_test_setup(test_a_guest_that_is_not_there_or_not_understood_is_told,
				       make),
		cmocka_unit_test_setup(test_top_prints_the_busiest_first_in_a_pipe, make),
		cmocka_unit_test_setup(test_top_goes_on_until_the_guest_is_over, make),
		cmocka_unit_test_setup(test_top_records_times_as_long_as_it_shows_them, make),
		cmocka_unit_test_setup(test_top_refreshes_a_page_on_a_terminal, make),
		cmocka_unit_test_setup(test_top_tells_what_it_cannot_write, make),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
