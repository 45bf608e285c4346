// SPDX-License-Identifier: MIT
/*
 * What a running guest answers: the verbs, on functions that are eventfds and an
 * ITS in memory. The LPI backend and the routes are played here.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/base/references.h"
#include "tests/unit/control/man_names.h"
#include "tests/unit/control/verb_ask.h"
#include "tests/unit/vitsmod/vits_world.h"
#include "vmm/control/stop.h"
#include "vmm/control/vector_list.h"
#include "vmm/control/verbs.h"
#include "vmm/irq/vector_routes.h"
#include "vmm/machine/machine.h"

#define DISK_VECTORS 700u

static struct {
	struct world *world;
	struct passthru functions[2]; /* DEV_A with 4 vectors, DEV_B with many */
	struct config config;
	struct running_guest guest;
	int answer; /* of the LPI backend */
	bool changing;
	uint64_t tied; /* of each vector, as soon as it is counted */
	unsigned vector_routes_set;
	struct stop stop;
	unsigned nr_power_presses, nr_resets;
	bool is_deaf, is_frozen, has_panicked;
	json_t *reply;
	char error[CONTROL_ERROR_MAX];
} g;

int kernel_its_signal(struct kernel_its *seal, size_t function, uint32_t eventid)
{
	(void)seal;
	(void)function;
	(void)eventid;
	return g.answer;
}

bool kernel_its_defers(struct kernel_its *seal, size_t function, uint32_t eventid)
{
	(void)seal;
	(void)function;
	(void)eventid;
	return false;
}

struct vector_routes *machine_routes(struct machine *m)
{
	(void)m;
	return NULL;
}

int machine_press(struct machine *m, unsigned port)
{
	(void)m;
	(void)port;
	return 0;
}

void machine_unplug(struct machine *m, unsigned port)
{
	(void)m;
	(void)port;
}

int machine_adopt(struct machine *m, size_t function, struct passthru_offer *offer,
		  struct failure *ret_failure)
{
	(void)m;
	(void)function;
	(void)offer;
	(void)ret_failure;
	return 0;
}

int machine_plug(struct machine *m, unsigned port, struct failure *ret_failure)
{
	(void)m;
	(void)port;
	(void)ret_failure;
	return 0;
}

void machine_freeze(struct machine *m)
{
	(void)m;
	g.is_frozen = true;
}

void machine_thaw(struct machine *m)
{
	(void)m;
	g.is_frozen = false;
}

bool machine_is_frozen(const struct machine *m)
{
	(void)m;
	return g.is_frozen;
}

void machine_reset(struct machine *m)
{
	(void)m;
	g.nr_resets++;
}

void machine_press_power(struct machine *m)
{
	(void)m;
	g.nr_power_presses++;
}

bool machine_has_panicked(const struct machine *m)
{
	(void)m;
	return g.has_panicked;
}

bool machine_hears_power(struct machine *m)
{
	(void)m;
	return !g.is_deaf;
}

void machine_stats_get(struct machine *m, struct machine_stats *ret_stats)
{
	(void)m;
	*ret_stats = (struct machine_stats){ 0 };
	vits_stats_get(g.world->v, &ret_stats->vits);
}

struct vits *machine_its(struct machine *m, size_t index)
{
	(void)m;
	assert_int_equal(index, 0);
	return g.world->v;
}

void vector_routes_set(struct vector_routes *r, size_t function, unsigned vector, enum route route)
{
	(void)r;
	g.vector_routes_set++;
	atomic_store(&g.functions[function].irq.vectors[vector].route, (uint8_t)route);
}

struct route_state vector_routes_get(struct vector_routes *r, size_t function, unsigned vector)
{
	(void)r;
	return (struct route_state){
		.asked = (enum route)g.functions[function].irq.vectors[vector].route,
		.is = ROUTE_URING,
		.changing = g.changing,
	};
}

void vector_routes_count(struct vector_routes *r, size_t function, unsigned vector)
{
	(void)r;
	g.functions[function].irq.vectors[vector].tied = g.tied;
}

bool vector_routes_recount(struct vector_routes *r, size_t function, struct vfio_irq_counts *counts,
			   unsigned epoch)
{
	(void)r;
	(void)function;
	(void)counts;
	(void)epoch;
	return true;
}

void vector_routes_review(struct vector_routes *r, size_t function, unsigned vector)
{
	(void)r;
	(void)function;
	(void)vector;
}

static int begin(void **state)
{
	static const char *const names[] = { "edu", "disk" };
	static const unsigned vectors[] = { DEV_A_EVENTS, DISK_VECTORS };
	static const uint32_t events[] = { DEV_A_EVENTS, DEV_B_EVENTS };
	struct failure failure;

	(void)state;
	g.world = world_create_ready();
	run_ok(g.world, mapti(DEV_A, 0, LPI(1), 0));
	run_ok(g.world, mapti(DEV_A, 1, LPI(2), 1));
	g.config = (struct config){ .name = "box", .vcpus = NR_VCPUS, .memory = 128 * MiB };
	g.config.its[0].name = (char *)"its";
	g.config.nr_its = 1;
	g.answer = 1;
	g.changing = false;
	g.vector_routes_set = 0;
	g.stop = (struct stop){ .timeout_s = 90 };
	g.nr_power_presses = g.nr_resets = 0;
	g.is_deaf = g.is_frozen = false;
	for (size_t i = 0; i < ARRAY_SIZE(g.functions); i++) {
		const struct irq_wiring wiring = {
			.vits = g.world->v, .vits_function = i, .nr_events = events[i], .index = i
		};

		if (passthru_open_bare(&g.functions[i], names[i], i ? DEV_B : DEV_A, vectors[i],
				       &failure) < 0)
			fail_msg("%s: %s", failure.object, failure.cause);
		assert_int_equal(passthru_wire(&g.functions[i], &wiring, NULL), 0);
	}
	g.guest = (struct running_guest){ .config = &g.config,
					  .console = "stdio",
					  .iommu = "iommufd",
					  .functions = g.functions,
					  .nr_functions = ARRAY_SIZE(g.functions),
					  .stop = &g.stop,
					  .boots = 2 };
	return 0;
}

static int end(void **state)
{
	(void)state;
	json_decref(g.reply);
	g.reply = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(g.functions); i++) {
		passthru_unwire(&g.functions[i]);
		passthru_close(&g.functions[i]);
	}
	world_destroy(g.world);
	return 0;
}

/* The reply is in g.reply; or NULL, and g.error says why. */
static json_t *ask(const char *request)
{
	return verb_ask(request, NULL, control_verbs, nr_control_verbs, &g.guest, &g.reply,
			g.error);
}

static const json_t *vector(size_t i)
{
	return json_array_get(json_object_get(g.reply, "vectors"), i);
}

static json_int_t number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static const char *string(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static void signal_times(size_t function, unsigned v, unsigned times)
{
	for (unsigned i = 0; i < times; i++)
		irq_function_signalled(&g.functions[function].irq, v);
}

static void test_info_says_what_it_is(void **state)
{
	(void)state;
	assert_non_null(ask("\"do\":\"info\""));
	assert_string_equal(string(g.reply, "name"), "box");
	assert_int_equal(number(g.reply, "vcpus"), NR_VCPUS);
	assert_int_equal(number(g.reply, "memory_bytes"), 128 * MiB);
	assert_int_equal(number(g.reply, "boots"), 2);
	assert_string_equal(string(g.reply, "iommu"), "iommufd");
	assert_true(number(g.reply, "uptime_ns") > 0);
	assert_true(json_is_false(json_object_get(g.reply, "stopping")));
	assert_true(json_is_false(json_object_get(g.reply, "panicked")));
	assert_int_equal(json_array_size(json_object_get(g.reply, "devices")), 2);
	g.guest.iommu = NULL;
	assert_non_null(ask("\"do\":\"info\""));
	assert_null(json_object_get(g.reply, "iommu"));
}

static void test_info_says_where_devices_are_on_the_guests_bus(void **state)
{
	const json_t *devices;

	(void)state;
	g.functions[1].devfn = 0x11;
	assert_non_null(ask("\"do\":\"info\""));
	devices = json_object_get(g.reply, "devices");
	assert_string_equal(string(json_array_get(devices, 0), "at"), "00.0");
	assert_string_equal(string(json_array_get(devices, 1), "at"), "02.1");
}

static void test_a_guest_is_paused_until_it_is_resumed(void **state)
{
	static const struct {
		const char *verb;
		bool paused;
	} steps[] = {
		{ "resume", false }, { "pause", true }, { "pause", true }, { "resume", false }
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		char request[32];

		(void)snprintf(request, sizeof(request), "\"do\":\"%s\"", steps[i].verb);
		assert_non_null(ask(request));
		assert_int_equal(json_is_true(json_object_get(g.reply, "paused")), steps[i].paused);
		assert_int_equal(g.is_frozen, steps[i].paused);
		assert_non_null(ask("\"do\":\"info\""));
		assert_int_equal(json_is_true(json_object_get(g.reply, "paused")), steps[i].paused);
	}
}

static void test_reset_is_for_a_guest_that_is_not_to_stop(void **state)
{
	(void)state;
	assert_non_null(ask("\"do\":\"reset\""));
	assert_int_equal(g.nr_resets, 1);
	g.stop.asked = true;
	assert_null(ask("\"do\":\"reset\""));
	assert_string_equal(g.error,
			    "the guest was asked to power off; to cut its power: stop --now");
	assert_int_equal(g.nr_resets, 1);
}

static void test_stop_asks_and_may_be_told_to_cut(void **state)
{
	(void)state;
	g.is_deaf = true;
	assert_null(ask("\"do\":\"stop\""));
	assert_string_equal(g.error, "nobody in the guest listens to its power button (Linux needs "
				     "gpio-pl061 and gpio-keys); to cut its power: stop --now");
	assert_false(g.stop.asked || g.stop.cut);
	g.is_deaf = false;
	assert_non_null(ask("\"do\":\"stop\""));
	assert_true(json_is_true(json_object_get(g.reply, "asked")));
	assert_int_equal(number(g.reply, "timeout_s"), 90);
	assert_true(g.stop.asked && !g.stop.cut);
	assert_non_null(ask("\"do\":\"info\""));
	assert_true(json_is_true(json_object_get(g.reply, "stopping")));
	assert_non_null(ask("\"do\":\"stop\",\"now\":false"));
	assert_true(json_is_true(json_object_get(g.reply, "asked")));
	assert_int_equal(g.nr_power_presses, 2);
	assert_non_null(ask("\"do\":\"stop\",\"now\":true"));
	assert_true(json_is_false(json_object_get(g.reply, "asked")));
	assert_true(g.stop.cut);
	assert_int_equal(g.nr_power_presses, 2);
}

static void test_irqs_counts_and_says_where_they_go(void **state)
{
	const json_t *v;

	(void)state;
	signal_times(0, 0, 3); /* injected */
	signal_times(0, 2, 2); /* no mapping */
	g.answer = -EBUSY;
	signal_times(0, 1, 1);
	assert_non_null(ask("\"do\":\"irqs\",\"device\":\"edu\""));
	assert_int_equal(json_array_size(json_object_get(g.reply, "vectors")), DEV_A_EVENTS);
	assert_true(json_is_false(json_object_get(g.reply, "more")));

	v = vector(0);
	assert_string_equal(string(v, "device"), "edu");
	assert_string_equal(string(v, "route"), "uring");
	assert_int_equal(number(v, "devid"), DEV_A);
	assert_int_equal(number(v, "eventid"), 0);
	assert_int_equal(number(v, "lpi"), LPI(1));
	assert_int_equal(number(v, "vcpu"), 0);
	assert_int_equal(number(v, "taken"), 3);
	assert_int_equal(number(v, "injected"), 3);
	assert_true(number(v, "last_ns") > 0);
	assert_true(number(v, "last_ns") <= number(g.reply, "now_ns"));

	v = vector(1);
	assert_int_equal(number(v, "vcpu"), 1);
	assert_int_equal(number(v, "dropped"), 1);
	v = vector(2);
	assert_int_equal(number(v, "eventid"), 2);
	assert_null(json_object_get(v, "lpi"));
	assert_int_equal(number(v, "dropped"), 2);
	v = vector(3);
	assert_int_equal(number(v, "taken"), 0);
	assert_null(json_object_get(v, "last_ns"));
}

/* Vectors beyond the ITS's events cannot be asked for there. */
static void test_irqs_counts_what_the_kernel_took_before_it_tells(void **state)
{
	static const struct {
		enum tied_is is;
		const char *word;
	} words[] = { { TIED_DIRECT, "direct" }, { TIED_UNKNOWN, "unknown" } };
	const json_t *v;

	(void)state;
	signal_times(0, 0, 3);
	g.tied = 1000;
	assert_non_null(ask("\"do\":\"irqs\",\"device\":\"edu\",\"vector\":0"));
	v = vector(0);
	assert_int_equal(number(v, "taken"), 1003);
	assert_int_equal(number(v, "injected"), 1003);
	assert_int_equal(number(v, "tied"), 1000);
	assert_null(json_object_get(v, "tied_is"));
	assert_string_equal(string(v, "why"), "asked");
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		g.functions[0].irq.vectors[0].tied_is = words[i].is;
		assert_non_null(ask("\"do\":\"irqs\",\"device\":\"edu\",\"vector\":0"));
		assert_string_equal(string(vector(0), "tied_is"), words[i].word);
	}
	g.tied = 0;
}

static void test_vectors_beyond_the_shadow_have_no_target(void **state)
{
	(void)state;
	assert_non_null(ask("\"do\":\"irqs\",\"device\":\"disk\",\"vector\":31"));
	assert_int_equal(number(vector(0), "eventid"), 31);
	assert_non_null(ask("\"do\":\"irqs\",\"device\":\"disk\",\"vector\":32"));
	assert_null(json_object_get(vector(0), "eventid"));
}

static void test_without_a_target_the_last_one_is_told(void **state)
{
	(void)state;
	atomic_store(&g.functions[1].irq.vectors[32].last, (uint64_t)LPI(5) << 32 | 1 << 16 | 32);
	assert_non_null(ask("\"do\":\"irqs\",\"device\":\"disk\",\"vector\":32"));
	assert_int_equal(number(vector(0), "eventid"), 32);
	assert_int_equal(number(vector(0), "lpi"), LPI(5));
	assert_int_equal(number(vector(0), "vcpu"), 1);
}

static void test_long_lists_come_in_parts_that_join(void **state)
{
	char request[64];

	(void)state;
	assert_non_null(ask("\"do\":\"irqs\""));
	assert_int_equal(json_array_size(json_object_get(g.reply, "vectors")), VECTOR_LIST_MAX);
	assert_true(json_is_true(json_object_get(g.reply, "more")));
	(void)snprintf(request, sizeof(request), "\"do\":\"irqs\",\"skip\":%u", VECTOR_LIST_MAX);
	assert_non_null(ask(request));
	assert_int_equal(json_array_size(json_object_get(g.reply, "vectors")),
			 DEV_A_EVENTS + DISK_VECTORS - VECTOR_LIST_MAX);
	assert_int_equal(number(vector(0), "vector"), VECTOR_LIST_MAX - DEV_A_EVENTS);
	assert_true(json_is_false(json_object_get(g.reply, "more")));
	assert_non_null(ask("\"do\":\"irqs\",\"skip\":100000"));
	assert_int_equal(json_array_size(json_object_get(g.reply, "vectors")), 0);
}

static void test_wrong_vectors_are_refused(void **state)
{
	static const struct {
		const char *request, *error;
	} cases[] = {
		{ "\"do\":\"irqs\",\"device\":\"dusk\"",
		  "there is no device 'dusk': did you mean 'disk'?" },
		{ "\"do\":\"irqs\",\"device\":\"network\"",
		  "there is no device 'network': this guest has edu, disk" },
		{ "\"do\":\"irqs\",\"vector\":0", "'vector' needs 'device'" },
		{ "\"do\":\"irqs\",\"device\":\"edu\",\"vector\":4",
		  "'edu' has no vector 4: it has 4, from 0 on" },
		{ "\"do\":\"route\",\"device\":\"edu\",\"route\":\"fast\"",
		  "'route' is \"uring\", \"spin\", \"irqfd\" or \"auto\", not 'fast'" },
		{ "\"do\":\"route\",\"device\":\"edu\"", "'route' needs 'route'" },
		{ "\"do\":\"histogram\",\"set\":\"maybe\"",
		  "'set' is \"on\" or \"off\", not 'maybe'" },
		{ "\"do\":\"histogram\",\"buckets\":true,\"device\":\"edu\"",
		  "'buckets' needs 'device' and 'vector'" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_null(ask(cases[i].request));
		assert_string_equal(g.error, cases[i].error);
	}
	assert_int_equal(g.vector_routes_set, 0);
}

static void test_routes_are_set_for_one_for_a_device_or_for_all(void **state)
{
	(void)state;
	assert_non_null(ask("\"do\":\"route\",\"device\":\"edu\",\"vector\":2,\"route\":\"spin\""));
	assert_int_equal(g.vector_routes_set, 1);
	assert_int_equal(g.functions[0].irq.vectors[2].route, ROUTE_SPIN);
	assert_non_null(ask("\"do\":\"irqs\",\"device\":\"edu\",\"vector\":2"));
	assert_string_equal(string(vector(0), "asked"), "spin");
	assert_string_equal(string(vector(0), "route"), "uring");
	assert_non_null(ask("\"do\":\"route\",\"device\":\"disk\",\"route\":\"irqfd\""));
	assert_int_equal(number(g.reply, "vectors"), DISK_VECTORS);
	assert_int_equal(g.functions[0].irq.vectors[0].route, ROUTE_URING);
	assert_non_null(ask("\"do\":\"route\",\"route\":\"uring\""));
	assert_int_equal(number(g.reply, "vectors"), DEV_A_EVENTS + DISK_VECTORS);
	assert_int_equal(g.vector_routes_set, 1 + DISK_VECTORS + DEV_A_EVENTS + DISK_VECTORS);
}

static void test_histograms_record_from_when_they_are_asked_for(void **state)
{
	(void)state;
	signal_times(0, 0, 5);
	assert_non_null(ask("\"do\":\"histogram\",\"device\":\"edu\""));
	assert_true(json_is_false(json_object_get(g.reply, "recording")));
	assert_int_equal(number(vector(0), "count"), 0);

	assert_non_null(ask("\"do\":\"histogram\",\"device\":\"edu\",\"set\":\"on\""));
	assert_true(json_is_true(json_object_get(g.reply, "recording")));
	signal_times(0, 0, 7);
	signal_times(0, 2, 1); /* dropped: no time */
	signal_times(1, 0, 1); /* not asked for */
	assert_non_null(ask("\"do\":\"histogram\",\"device\":\"edu\""));
	assert_int_equal(number(vector(0), "count"), 7);
	assert_true(number(vector(0), "min") > 0);
	assert_true(number(vector(0), "p50") >= number(vector(0), "min"));
	assert_true(number(vector(0), "max") >= number(vector(0), "p50"));
	assert_int_equal(number(vector(2), "count"), 0);

	assert_non_null(ask("\"do\":\"histogram\",\"set\":\"off\""));
	signal_times(0, 0, 3);
	assert_non_null(ask("\"do\":\"histogram\",\"device\":\"edu\""));
	assert_int_equal(number(vector(0), "count"), 7);

	/* Anew. */
	assert_non_null(ask("\"do\":\"histogram\",\"set\":\"on\""));
	assert_int_equal(number(vector(0), "count"), 0);
	signal_times(0, 0, 2);
	signal_times(1, 0, 1);
	assert_non_null(ask("\"do\":\"histogram\""));
	assert_int_equal(number(vector(0), "count"), 2);
}

static void test_a_percentile_of_too_few_times_is_missing(void **state)
{
	static const struct {
		const char *name;
		unsigned needs;
	} percentiles[] = { { "p50", 2 }, { "p90", 10 }, { "p99", 100 }, { "p99_9", 1000 } };
	unsigned nr = 0;

	(void)state;
	assert_non_null(ask("\"do\":\"histogram\",\"device\":\"edu\",\"set\":\"on\""));
	for (size_t i = 0; i < ARRAY_SIZE(percentiles); i++) {
		signal_times(0, 0, percentiles[i].needs - 1 - nr);
		assert_non_null(ask("\"do\":\"histogram\",\"device\":\"edu\""));
		assert_null(json_object_get(vector(0), percentiles[i].name));
		signal_times(0, 0, 1);
		assert_non_null(ask("\"do\":\"histogram\",\"device\":\"edu\""));
		assert_non_null(json_object_get(vector(0), percentiles[i].name));
		nr = percentiles[i].needs;
	}
	assert_int_equal(number(vector(0), "count"), 1000);
}

static void test_buckets_add_up(void **state)
{
	const json_t *buckets;
	json_int_t sum = 0;

	(void)state;
	assert_non_null(ask("\"do\":\"histogram\",\"set\":\"on\""));
	signal_times(0, 1, 50);
	assert_non_null(
		ask("\"do\":\"histogram\",\"device\":\"edu\",\"vector\":1,\"buckets\":true"));
	buckets = json_object_get(g.reply, "buckets");
	for (size_t i = 0; i < json_array_size(buckets); i++) {
		const json_t *b = json_array_get(buckets, i);

		assert_true(number(b, "low") <= number(b, "high"));
		sum += number(b, "count");
	}
	assert_int_equal(sum, 50);
}

static void test_its_lists_commands_errors_and_differences(void **state)
{
	const json_t *its, *d;

	(void)state;
	run_skip(g.world, mapti(DEV_A, 1, 100, 0), 0x010a06);
	assert_non_null(ask("\"do\":\"its\""));
	its = json_array_get(json_object_get(g.reply, "its"), 0);
	assert_string_equal(string(its, "name"), "its");
	assert_string_equal(string(json_object_get(its, "registers"), "GITS_CTLR"), "0x80000001");
	d = json_object_get(json_object_get(its, "commands"), "MAPTI");
	assert_int_equal(number(d, "done"), 2);
	assert_int_equal(number(d, "skipped"), 1);
	d = json_array_get(json_object_get(its, "errors"), 0);
	assert_string_equal(string(d, "command"), "MAPTI");
	assert_string_equal(string(d, "code"), "0x10a06");
	assert_null(json_object_get(its, "differences"));

	assert_non_null(ask("\"do\":\"its\",\"audit\":true"));
	its = json_array_get(json_object_get(g.reply, "its"), 0);
	assert_int_equal(number(its, "nr_differences"), 0);

	ram_set(g.world, ITT_A + 8, (uint64_t)LPI(9) << 16);
	assert_non_null(ask("\"do\":\"its\",\"audit\":true"));
	its = json_array_get(json_object_get(g.reply, "its"), 0);
	assert_int_equal(number(its, "nr_differences"), 1);
	d = json_array_get(json_object_get(its, "differences"), 0);
	assert_string_equal(string(d, "entry"), "ITE");
	assert_int_equal(number(d, "devid"), DEV_A);
	assert_int_equal(number(d, "eventid"), 1);
	assert_true(json_is_true(json_object_get(d, "readable")));
}

static void audit_inside(struct world *w)
{
	(void)w;
	assert_null(ask("\"do\":\"its\",\"audit\":true"));
	assert_string_equal(g.error, "its runs commands all the time: try again later");
}

static void test_an_audit_that_finds_no_quiet_moment_says_so(void **state)
{
	(void)state;
	g.world->on_commit = audit_inside;
	run_ok(g.world, sync_cmd(0));
	g.world->on_commit = NULL;
	assert_non_null(ask("\"do\":\"its\",\"audit\":true"));
}

/* ---- the manual -------------------------------------------------------------------------- */

/* Of each verb such as bring out all that its reply can have. */
static const char *const requests[] = {
	"\"do\":\"info\"",
	"\"do\":\"irqs\"",
	"\"do\":\"histogram\",\"device\":\"edu\"",
	"\"do\":\"histogram\",\"device\":\"edu\",\"vector\":0,\"buckets\":true",
	"\"do\":\"route\",\"device\":\"edu\",\"route\":\"spin\"",
	"\"do\":\"remove\",\"device\":\"edu\"",
	"\"do\":\"add\",\"device\":\"disk\"",
	"\"do\":\"pause\"",
	"\"do\":\"resume\"",
	"\"do\":\"reset\"",
	"\"do\":\"stop\"",
	"\"do\":\"its\",\"audit\":true",
	"\"do\":\"metrics\"",
};

/* Interrupts, times, a wrong command, and an entry of each table that differs. */
static void bring_out_all(void)
{
	assert_non_null(ask("\"do\":\"histogram\",\"set\":\"on\""));
	signal_times(0, 0, 1000); /* as many as a p99_9 needs */
	g.functions[0].irq.vectors[0].tied_is = TIED_DIRECT;
	run_skip(g.world, mapti(DEV_A, 1, 100, 0), 0x010a06);
	ram_set(g.world, ITT_A + 8, (uint64_t)LPI(9) << 16);
	ram_set(g.world, COLL_TABLE, 0);
	g.functions[0].root_port = g.functions[1].root_port = true;
	g.functions[1].removed = true;
}

/* Its arguments, and the keys of its replies; these are added to `all` as well. */
static json_t *names_of_verb(const struct control_verb *verb, json_t *all)
{
	static const char *const tables[] = { "registers", "commands", "counters", NULL };
	json_t *names = json_object();
	unsigned nr = 0;
	char begin[64];

	(void)snprintf(begin, sizeof(begin), "\"do\":\"%s\"", verb->name);
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		if (strncmp(requests[i], begin, strlen(begin)) != 0)
			continue;
		assert_non_null(ask(requests[i]));
		man_add_keys(names, g.reply, tables);
		nr++;
	}
	if (!nr)
		fail_msg("the test has no request for '%s'", verb->name);
	for (size_t i = 0; i < CONTROL_MAX_ARGUMENTS && verb->arguments[i].name; i++)
		(void)json_object_set_new(names, verb->arguments[i].name, json_true());
	(void)json_object_update(all, names);
	return names;
}

/* Each word that an argument may be is in the section: _"on"_. */
static void expect_words(const struct control_verb *verb, const char *section)
{
	for (size_t i = 0; i < CONTROL_MAX_ARGUMENTS; i++)
		for (unsigned w = 0; w < verb->arguments[i].nr_words; w++) {
			char word[64];

			(void)snprintf(word, sizeof(word), "_\"%s\"_", verb->arguments[i].word(w));
			if (!strstr(section, word))
				fail_msg("itsy-control(7), %s: no %s", verb->name, word);
		}
}

static char *section_of(const char *page, const char *verb)
{
	char heading[64];

	(void)snprintf(heading, sizeof(heading), "\n## %s\n", verb);
	return man_part(page, heading, "\n#");
}

static void test_the_manual_defines_arguments_and_replies_and_no_others(void **state)
{
	_cleanup_free_ char *page = text_of("man/itsy-control.7.scd");
	_cleanup_free_ char *common = man_part(page, "\n# DESCRIPTION\n", "\n## info\n");
	json_t *in_common = man_names_of(common);
	json_t *all = json_pack("{s:b, s:b}", "do", 1, "error", 1);

	(void)state;
	bring_out_all();
	for (size_t i = 0; i < nr_control_verbs; i++) {
		const struct control_verb *verb = &control_verbs[i];
		_cleanup_free_ char *section = section_of(page, verb->name);
		json_t *names = names_of_verb(verb, all), *defined = man_names_of(section);
		char where[64];

		(void)snprintf(where, sizeof(where), "%s: not in itsy-control(7)", verb->name);
		man_expect_all(where, names, defined, in_common);
		(void)snprintf(where, sizeof(where), "%s: only in itsy-control(7)", verb->name);
		man_expect_all(where, defined, names, NULL);
		expect_words(verb, section);
		json_decref(names);
		json_decref(defined);
	}
	man_expect_all("only in itsy-control(7)", in_common, all, NULL);
	json_decref(in_common);
	json_decref(all);
}

static void test_each_verb_is_in_both_manuals_and_no_other_is(void **state)
{
	_cleanup_free_ char *page = text_of("man/itsy-control.7.scd");
	_cleanup_free_ char *verbs = man_part(page, "\n## Vectors\n", "\n# ");
	_cleanup_free_ char *itsy = text_of("man/itsy.1.scd");
	_cleanup_free_ char *ctl = man_part(itsy, "\n## itsy ctl\n", "\n## ");
	size_t nr = 0;

	(void)state;
	for (const char *at = verbs; (at = strstr(at + 1, "\n## "));)
		nr++;
	assert_int_equal(nr, nr_control_verbs);
	for (size_t i = 0; i < nr_control_verbs; i++) {
		_cleanup_free_ char *section = section_of(page, control_verbs[i].name);
		char entry[64];

		assert_non_null(section);
		(void)snprintf(entry, sizeof(entry), "\n*%s*", control_verbs[i].name);
		if (!strstr(ctl, entry))
			fail_msg("itsy(1) has no entry for itsy ctl %s", control_verbs[i].name);
	}
}

#define ON_A_GUEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_A_GUEST(test_info_says_what_it_is),
		ON_A_GUEST(test_info_says_where_devices_are_on_the_guests_bus),
		ON_A_GUEST(test_a_guest_is_paused_until_it_is_resumed),
		ON_A_GUEST(test_reset_is_for_a_guest_that_is_not_to_stop),
		ON_A_GUEST(test_stop_asks_and_may_be_told_to_cut),
		ON_A_GUEST(test_irqs_counts_and_says_where_they_go),
		ON_A_GUEST(test_irqs_counts_what_the_kernel_took_before_it_tells),
		ON_A_GUEST(test_vectors_beyond_the_shadow_have_no_target),
		ON_A_GUEST(test_without_a_target_the_last_one_is_told),
		ON_A_GUEST(test_long_lists_come_in_parts_that_join),
		ON_A_GUEST(test_wrong_vectors_are_refused),
		ON_A_GUEST(test_routes_are_set_for_one_for_a_device_or_for_all),
		ON_A_GUEST(test_histograms_record_from_when_they_are_asked_for),
		ON_A_GUEST(test_a_percentile_of_too_few_times_is_missing),
		ON_A_GUEST(test_buckets_add_up),
		ON_A_GUEST(test_its_lists_commands_errors_and_differences),
		ON_A_GUEST(test_an_audit_that_finds_no_quiet_moment_says_so),
		ON_A_GUEST(test_the_manual_defines_arguments_and_replies_and_no_others),
		ON_A_GUEST(test_each_verb_is_in_both_manuals_and_no_other_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
