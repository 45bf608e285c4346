// SPDX-License-Identifier: MIT
/*
 * bench-vits: what the operations of a vITS cost, in instructions and in time, and
 * the memory that a vector takes. `make bench-vits` builds it as the program is
 * built, optimized and without sanitizers, and runs it.
 *
 * Exit status: 0; 1 where a promise is broken (see the last lines of the output)
 * or nothing could be measured; 2 if the command line is wrong.
 *
 * No locks: one thread.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/bench/count.h"
#include "tests/bench/memory.h"
#include "tests/bench/result.h"
#include "tests/bench/storm.h"
#include "tests/bench/timing.h"
#include "vitsmod/bits.h"

#define MAX_ROWS   32u
#define RUNS	   101u
#define MAX_EVENTS 1000000u
#define SIDE_ROWS  10000u /* events mapped where something else is varied */

struct options {
	const char *json, *plot;
	unsigned nr_runs;
	uint32_t max_events;
};

static const char help_text[] =
	"Usage: bench-vits [OPTION]...\n"
	"\n"
	"Says what the operations of the vITS cost: translation of an MSI, MAPTI, MOVI,\n"
	"INV and DISCARD, against the number of events that are mapped, in instructions\n"
	"(counted by valgrind) and in time; what a write of GITS_CWRITER costs at worst;\n"
	"and the host memory for each vector.\n"
	"\n"
	"  --json FILE       also as one JSON object, for programs\n"
	"  --plot FILE.svg   instructions as a picture, drawn by gnuplot\n"
	"  --runs N          runs of which times are the median: 1 to 1001 (101)\n"
	"  --max-events N    no rows with more mapped events: 10 to 1000000 (1000000)\n"
	"  --help            print this\n"
	"\n"
	"Exit status: 0; 1 where a promise is broken; 2 the command line is wrong.\n";

static void progress(unsigned percent)
{
	if (isatty(STDERR_FILENO))
		(void)fprintf(stderr, "\r\033[Kmeasuring time: %u %%", percent);
}

static void say(const char *what)
{
	if (isatty(STDERR_FILENO))
		(void)fprintf(stderr, "\r\033[K%s", what);
}

static void add_row(struct row_list *list, enum row_use use, const struct guest_config *config)
{
	if (list->nr < MAX_ROWS)
		list->rows[list->nr++] = (struct row){ .use = use, .config = *config };
}

static void make_rows(struct row_list *list, uint32_t max_events)
{
	static const uint32_t numbers[] = {
		10, 100, 1000, 10000, GUEST_MAX_NAMED, 100000, 1000000
	};
	struct guest_config config = { .per_write = GUEST_GROUP };

	for (unsigned kind = GUEST_NAMED; kind <= GUEST_UNNAMED; kind++) {
		config.kind = (enum guest_kind)kind;
		for (size_t i = 0; i < ARRAY_SIZE(numbers) && numbers[i] <= max_events; i++) {
			config.nr_mapped = numbers[i];
			if (kind == GUEST_NAMED || numbers[i] != GUEST_MAX_NAMED)
				add_row(list, ROW_NR_MAPPED, &config);
		}
	}
	config.kind = GUEST_NAMED;
	config.nr_mapped = max_events < SIDE_ROWS ? max_events : SIDE_ROWS;
	for (config.per_write = 1; config.per_write <= GUEST_GROUP; config.per_write *= 2)
		add_row(list, ROW_PER_WRITE, &config);
	config.per_write = GUEST_GROUP;
	config.apart = true;
	add_row(list, ROW_APART, &config);
}

static int take_number(const char *text, const char *what, unsigned long min, unsigned long max,
		       unsigned long *ret_number)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (text[0] >= '0' && text[0] <= '9' && !*end && n >= min && n <= max) {
		*ret_number = n;
		return 0;
	}
	(void)fprintf(stderr, "bench-vits: error: --%s is a number from %lu to %lu, not '%s'\n",
		      what, min, max, text);
	return -1;
}

static int parse_arguments(int argc, char **argv, struct options *o)
{
	static const struct option long_options[] = {
		{ "json", required_argument, NULL, 'j' },
		{ "plot", required_argument, NULL, 'p' },
		{ "runs", required_argument, NULL, 'r' },
		{ "max-events", required_argument, NULL, 'm' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	unsigned long n = 0;
	int option;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (option == 'h') {
			(void)fputs(help_text, stdout);
			exit(EXIT_SUCCESS);
		} else if (option == 'j') {
			o->json = optarg;
		} else if (option == 'p') {
			o->plot = optarg;
		} else if (option == 'r' &&
			   take_number(optarg, "runs", 1, TIMING_MAX_RUNS, &n) == 0) {
			o->nr_runs = (unsigned)n;
		} else if (option == 'm' &&
			   take_number(optarg, "max-events", 10, MAX_EVENTS, &n) == 0) {
			o->max_events = (uint32_t)n;
		} else {
			return -1;
		}
	}
	if (optind == argc)
		return 0;
	(void)fprintf(stderr, "bench-vits: error: '%s' is too much\n", argv[optind]);
	return -1;
}

int main(int argc, char **argv)
{
	struct memory_row memory[] = { { GUEST_NR_EVENTS, 0, 0 },
				       { 16 * GUEST_NR_EVENTS, 0, 0 },
				       { 64 * GUEST_NR_EVENTS, 0, 0 },
				       { 256 * GUEST_NR_EVENTS, 0, 0 } };
	struct options o = { .nr_runs = RUNS, .max_events = MAX_EVENTS };
	struct storm storms[NR_STORMS] = { 0 };
	struct row rows[MAX_ROWS];
	struct row_list list = { .rows = rows };
	char callee[64];
	bool ok;

	if (parse_arguments(argc, argv, &o) < 0)
		return 2;
	make_rows(&list, o.max_events);
	if (count_is_child()) {
		count_child(&list);
		return EXIT_SUCCESS;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	say("measuring memory");
	if (memory_measure(memory, ARRAY_SIZE(memory)) < 0)
		return EXIT_FAILURE;
	say("counting instructions");
	if (count_instructions(argv, &list, storms, callee) < 0 ||
	    timing_run(&list, o.nr_runs, progress) < 0 || storm_time(storms) < 0)
		return EXIT_FAILURE;
	say("");

	const struct result result = {
		.list = list,
		.callee = callee,
		.memory = memory,
		.nr_memory = ARRAY_SIZE(memory),
		.storms = storms,
		.nr_runs = o.nr_runs,
	};

	ok = result_print(&result);
	if (o.json && result_write_json(&result, o.json) < 0)
		ok = false;
	if (o.plot && result_plot(&result, o.plot) < 0)
		ok = false;
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
