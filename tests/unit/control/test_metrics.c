// SPDX-License-Identifier: MIT
/*
 * Metrics: the text is read back as strictly as the format's description has it, and by promtool
 * (scripts/promtool).
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "vmm/base/bits.h"
#include "vmm/control/machine_counters.h"
#include "vmm/control/metrics.h"

#define LETTERS	   "abcdefghijklmnopqrstuvwxyz0123456789_"
#define MAX_LABELS 8u

static struct {
	struct irq_row rows[2];
	struct irq_sample vectors;
	json_t *reply;
	char *text;
	size_t len;
} w;

static int begin(void **state)
{
	json_t *counters = json_object();
	char name[MACHINE_COUNTER_NAME_SZ];

	(void)state;
	memset(&w, 0, sizeof(w));
	for (size_t v = 0; v < ARRAY_SIZE(w.rows); v++) {
		w.rows[v] = (struct irq_row){ .device = "net0", .vector = v };
		for (unsigned i = 0; i < NR_VECTOR_COUNTERS; i++)
			w.rows[v].counts[i] = 100 * v + i;
	}
	w.vectors = (struct irq_sample){ 1, ARRAY_SIZE(w.rows), w.rows };
	for (size_t i = 0; i < nr_machine_counters; i++)
		(void)json_object_set_new(counters, machine_counter_name(i, name),
					  json_integer(1000 + (json_int_t)i));
	w.reply = json_pack("{s:s, s:i, s:I, s:b, s:i, s:I, s:o, s:{s:{s:i, s:i, s:i}}}", "name",
			    "box", "boots", 2, "uptime_ns", (json_int_t)1500000007, "paused", 1,
			    "vcpus", 4, "memory_bytes", (json_int_t)1 << 30, "counters", counters,
			    "commands", "MAPTI", "done", 7, "skipped", 1, "stalled", 0);
	assert_non_null(w.reply);
	return 0;
}

static int end(void **state)
{
	(void)state;
	json_decref(w.reply);
	free(w.text);
	return 0;
}

static int print(void)
{
	FILE *out = open_memstream(&w.text, &w.len);
	int r;

	assert_non_null(out);
	r = metrics_print(w.reply, &w.vectors, out);
	assert_int_equal(fclose(out), 0);
	return r;
}

static void has(const char *line)
{
	char text[256];

	(void)snprintf(text, sizeof(text), "\n%s\n", line);
	if (!strstr(w.text, text))
		fail_msg("there is no line '%s' in\n%s", line, w.text);
}

/* ---- the format, strictly ------------------------------------------------------------ */

static size_t name_length(const char *at)
{
	size_t len = strspn(at, LETTERS);

	assert_true(len > 0 && (at[0] < '0' || at[0] > '9'));
	return len;
}

/* `"VALUE"`; where it ends. */
static const char *skip_value(const char *at)
{
	assert_int_equal(*at++, '"');
	for (; *at != '"'; at++) {
		assert_true(*at && *at != '\n');
		if (*at == '\\')
			assert_non_null(strchr("\\\"n", *++at));
	}
	return at + 1;
}

/* `{NAME="VALUE",...}`, each name once; where it ends. */
static const char *skip_labels(const char *at)
{
	const char *names[MAX_LABELS];
	size_t lengths[MAX_LABELS], nr = 0;

	do {
		size_t len = name_length(++at);

		assert_true(nr < MAX_LABELS);
		for (size_t i = 0; i < nr; i++)
			assert_false(len == lengths[i] && memcmp(at, names[i], len) == 0);
		names[nr] = at;
		lengths[nr++] = len;
		assert_int_equal(at[len], '=');
		at = skip_value(at + len + 1);
	} while (*at == ',');
	assert_int_equal(*at, '}');
	return at + 1;
}

/* A sample of the metric `name`. */
static void read_sample(const char *line, const char *name)
{
	size_t len = name_length(line);
	char *rest;

	assert_int_equal(len, strlen(name));
	assert_memory_equal(line, name, len);
	assert_int_equal(line[len], '{');
	line = skip_labels(line + len);
	assert_int_equal(*line, ' ');
	assert_true(line[1] >= '0' && line[1] <= '9');
	(void)strtod(line + 1, &rest);
	assert_string_equal(rest, "");
}

struct family {
	char name[128];
	bool has_help, has_type;
	json_t *seen;	 /* names of metrics; as a set */
	json_t *samples; /* up to their values */
};

static void read_help(struct family *f, const char *line)
{
	size_t len = name_length(line);

	assert_true(len < sizeof(f->name));
	memcpy(f->name, line, len);
	f->name[len] = '\0';
	if (json_object_get(f->seen, f->name))
		fail_msg("%s is in two places", f->name);
	(void)json_object_set_new(f->seen, f->name, json_true());
	assert_int_equal(line[len], ' ');
	assert_true(line[len + 1] >= 'A' && line[len + 1] <= 'Z');
	assert_int_not_equal(line[strlen(line) - 1], '.');
	f->has_help = true;
	f->has_type = false;
}

static void read_type(struct family *f, const char *line)
{
	bool is_total = strlen(f->name) > 6 && strcmp(f->name + strlen(f->name) - 6, "_total") == 0;
	size_t len = name_length(line);

	assert_true(f->has_help && !f->has_type);
	assert_int_equal(len, strlen(f->name));
	assert_memory_equal(line, f->name, len);
	assert_string_equal(line + len, is_total ? " counter" : " gauge");
	f->has_type = true;
}

static void read_line(struct family *f, char *line)
{
	char *value;

	if (strncmp(line, "# HELP ", 7) == 0) {
		read_help(f, line + 7);
	} else if (strncmp(line, "# TYPE ", 7) == 0) {
		read_type(f, line + 7);
	} else {
		assert_true(f->has_type);
		read_sample(line, f->name);
		value = strrchr(line, ' ');
		*value = '\0';
		if (json_object_get(f->samples, line))
			fail_msg("%s is there twice", line);
		(void)json_object_set_new(f->samples, line, json_true());
	}
}

/* How many metrics and samples there are. */
static void read_back(size_t *ret_metrics, size_t *ret_samples)
{
	struct family f = { .seen = json_object(), .samples = json_object() };
	char *copy = strdup(w.text), *save;

	assert_int_equal(w.text[w.len - 1], '\n');
	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		read_line(&f, line);
	*ret_metrics = json_object_size(f.seen);
	*ret_samples = json_object_size(f.samples);
	json_decref(f.seen);
	json_decref(f.samples);
	free(copy);
}

/* ---- the tests ----------------------------------------------------------------------- */

static void test_each_counter_is_a_metric_with_help_type_and_labels(void **state)
{
	size_t metrics, samples;

	(void)state;
	assert_int_equal(print(), 0);
	read_back(&metrics, &samples);
	assert_int_equal(metrics, 5 + nr_machine_counters + 1 + NR_VECTOR_COUNTERS + 1);
	assert_int_equal(samples, 5 + nr_machine_counters + 3 + 2 * (NR_VECTOR_COUNTERS + 1));
	has("itsy_uptime_seconds{guest=\"box\"} 1.500000007");
	has("itsy_paused{guest=\"box\"} 1");
	has("itsy_memory_bytes{guest=\"box\"} 1073741824");
	has("itsy_its_mistakes_unreadable_commands_total{guest=\"box\"} 1000");
	has("itsy_unclaimed_total{guest=\"box\"} 1021");
	has("itsy_its_commands_total{guest=\"box\",command=\"MAPTI\",result=\"done\"} 7");
	has("# TYPE itsy_vector_taken_total counter");
	has("itsy_vector_taken_total{guest=\"box\",device=\"net0\",vector=\"1\"} 100");
}

static void test_promtool_has_nothing_to_say(void **state)
{
	FILE *promtool;

	(void)state;
	if (system("[ -x \"${BUILD:-build}/promtool\" ]") != 0) {
		print_message("no promtool (make test fetches it)\n");
		skip();
	}
	assert_int_equal(print(), 0);
	promtool = popen("\"${BUILD:-build}/promtool\" check metrics", "w");
	assert_non_null(promtool);
	assert_int_equal(fwrite(w.text, 1, w.len, promtool), w.len);
	assert_int_equal(pclose(promtool), 0);
}

/* The guest's itsy may be another one. */
static void test_what_an_answer_does_not_have_is_left_out(void **state)
{
	size_t metrics, samples;

	(void)state;
	(void)json_object_del(w.reply, "paused");
	(void)json_object_del(w.reply, "commands");
	(void)json_object_del(json_object_get(w.reply, "counters"), "unclaimed");
	(void)json_object_set_new(json_object_get(w.reply, "counters"), "newer", json_integer(1));
	w.vectors.nr = 0;
	assert_int_equal(print(), 0);
	read_back(&metrics, &samples);
	assert_int_equal(metrics, 4 + nr_machine_counters - 1);
	assert_int_equal(samples, metrics);
	free(w.text);
	(void)json_object_del(w.reply, "counters");
	assert_int_equal(print(), -EPROTO);
	assert_int_equal(w.len, 0);
}

static void test_what_a_guest_is_called_cannot_end_its_label(void **state)
{
	size_t metrics, samples;

	(void)state;
	(void)json_object_set_new(w.reply, "name", json_string("a\"b\\c\nd"));
	assert_int_equal(print(), 0);
	read_back(&metrics, &samples);
	has("itsy_vcpus{guest=\"a\\\"b\\\\c\\nd\"} 4");
}

static void test_a_vector_whose_count_is_not_all_is_told(void **state)
{
	(void)state;
	(void)snprintf(w.rows[1].tied_is, sizeof(w.rows[1].tied_is), "direct");
	assert_int_equal(print(), 0);
	has("itsy_vector_tied_exact{guest=\"box\",device=\"net0\",vector=\"0\"} 1");
	has("itsy_vector_tied_exact{guest=\"box\",device=\"net0\",vector=\"1\"} 0");
}

static void test_each_counter_of_the_machine_has_a_place_and_a_name_of_its_own(void **state)
{
	char name[MACHINE_COUNTER_NAME_SZ], other[MACHINE_COUNTER_NAME_SZ];
	struct machine_stats stats = { 0 };

	(void)state;
	for (size_t i = 0; i < nr_machine_counters; i++) {
		uint64_t n = i + 1;

		assert_int_equal(machine_counter_get(&stats, i), 0);
		memcpy((char *)&stats + machine_counters[i].at, &n, sizeof(n));
		assert_int_equal(machine_counter_get(&stats, i), n);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(machine_counter_name(i, name),
						machine_counter_name(j, other));
	}
}

#define WITH_ANSWERS(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_ANSWERS(test_each_counter_is_a_metric_with_help_type_and_labels),
		WITH_ANSWERS(test_promtool_has_nothing_to_say),
		WITH_ANSWERS(test_what_an_answer_does_not_have_is_left_out),
		WITH_ANSWERS(test_what_a_guest_is_called_cannot_end_its_label),
		WITH_ANSWERS(test_a_vector_whose_count_is_not_all_is_told),
		cmocka_unit_test(
			test_each_counter_of_the_machine_has_a_place_and_a_name_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
