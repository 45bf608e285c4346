// SPDX-License-Identifier: MIT
/*
 * Results. No locks: one thread.
 */
#include "tests/bench/result.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "vitsmod/bits.h"
#include "vmm/base/cleanup.h"

#ifdef __clang__
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

static const struct {
	const char *heading, *name;
} ops[NR_GUEST_OPS] = {
	[OP_HIT] = { "hit", "translate, hit" },
	[OP_MISS] = { "miss", "translate, miss" },
	[OP_MAPTI] = { "MAPTI", "MAPTI" },
	[OP_MOVI] = { "MOVI", "MOVI" },
	[OP_INV] = { "INV", "INV" },
	[OP_DISCARD] = { "DISCARD", "DISCARD" },
};

static const char *const kind_names[] = {
	[GUEST_NAMED] = "events of functions, which the shadow has",
	[GUEST_UNNAMED] = "events of other devices, which only the guest's tables have",
};

/* The row with which a row's times and instructions are compared. */
static const struct row *first_of(const struct result *result, const struct row *row)
{
	for (size_t i = 0; i < result->list.nr; i++) {
		const struct row *first = &result->list.rows[i];

		if (first->use == row->use && first->config.kind == row->config.kind)
			return first;
	}
	return row;
}

/* Of an operation of the same kind with the same number of commands in a write. */
static double growth(const struct result *result, const struct row *row, unsigned op)
{
	return row->cells[op].instructions / first_of(result, row)->cells[op].instructions;
}

static double slowdown(const struct result *result, const struct row *row, unsigned op)
{
	return row->cells[op].time_ns / first_of(result, row)->cells[op].time_ns;
}

/*
 * For people
 */

static void print_intro(const struct result *result)
{
	struct utsname name;

	(void)printf(
		"One vITS, %u vCPUs, %u functions of %u EventIDs, %s %s, -O2, assertions on.\n",
		GUEST_VCPUS, GUEST_FUNCTIONS, GUEST_NR_EVENTS,
		uname(&name) == 0 ? name.machine : "?", COMPILER);
	(void)printf(
		"Translation: all of vits_translate(). A command: its share of the write of\n"
		"GITS_CWRITER that runs it: fetching it from the queue in guest memory, checks,\n"
		"guest tables, shadow, commit, GITS_CREADR. Guest memory is copied, bounds "
		"checked;\n"
		"the backend below does nothing. %u events are mapped for functions at most,\n"
		"so that some of the %u LPIs are left for other devices; further events assigned "
		"in\n"
		"the guest's tables alone. Median of %u runs, rows in turn; INV is\n"
		"the first to touch its events, and finds them cold.\n",
		GUEST_MAX_NAMED, VITS_MAX_LPIS, result->nr_runs);
}

static void print_headings(const char *first, const char *second, int width)
{
	(void)printf("%9s %9s", first, second);
	for (unsigned op = 0; op < NR_GUEST_OPS; op++)
		(void)printf(" %*s", width, ops[op].heading);
	(void)putchar('\n');
}

static void print_instructions(const struct row *row)
{
	for (unsigned op = 0; op < NR_GUEST_OPS; op++) {
		if (row_has(row, (enum guest_op)op))
			(void)printf(" %13.0f", row->cells[op].instructions);
		else
			(void)printf(" %13s", "-");
	}
	(void)putchar('\n');
}

static void print_times(const struct result *result, const struct row *row)
{
	for (unsigned op = 0; op < NR_GUEST_OPS; op++) {
		if (row_has(row, (enum guest_op)op))
			(void)printf(" %6.1f (%4.2f)", row->cells[op].time_ns,
				     slowdown(result, row, op));
		else
			(void)printf(" %13s", "-");
	}
	(void)putchar('\n');
}

static void print_by_number(const struct result *result, bool times)
{
	(void)printf(
		times ? "\nTime of an operation in ns (ratio to the first row), %u commands in "
			"each write\n"
		      : "\nInstructions of an operation, %u commands in each write\n",
		GUEST_GROUP);
	print_headings("mapped", "named", 13);
	for (unsigned kind = GUEST_NAMED; kind <= GUEST_UNNAMED; kind++) {
		(void)printf("%s:\n", kind_names[kind]);
		for (size_t i = 0; i < result->list.nr; i++) {
			const struct row *row = &result->list.rows[i];

			if (row->use != ROW_NR_MAPPED || row->config.kind != kind)
				continue;
			(void)printf("%9u %9u", row->config.nr_mapped, row->nr_named);
			if (times)
				print_times(result, row);
			else
				print_instructions(row);
		}
	}
}

static void print_by_write(const struct result *result)
{
	(void)printf("\nInstructions of an operation, by commands in each write\n");
	print_headings("mapped", "commands", 13);
	for (size_t i = 0; i < result->list.nr; i++) {
		const struct row *row = &result->list.rows[i];

		if (row->use == ROW_NR_MAPPED)
			continue;
		if (row->use == ROW_APART)
			(void)printf("each of another function, far apart in the shadow:\n");
		(void)printf("%9u %9u", row->config.nr_mapped, row->config.per_write);
		print_instructions(row);
	}
}

static double per_vector(const struct result *result, bool is_resident)
{
	const struct memory_row *a = &result->memory[0];
	const struct memory_row *b = &result->memory[result->nr_memory - 1];
	double vectors = (double)b->nr_vectors - (double)a->nr_vectors;

	if (is_resident)
		return ((double)b->resident_bytes - (double)a->resident_bytes) / vectors;
	return ((double)b->allocated_bytes - (double)a->allocated_bytes) / vectors;
}

static void print_memory(const struct result *result)
{
	(void)printf("\nHost memory of an ITS by vectors, each with an EventID and an LPI\n"
		     "%9s %17s %26s\n",
		     "vectors", "allocated (KiB)", "resident, all mapped (KiB)");
	for (unsigned i = 0; i < result->nr_memory; i++)
		(void)printf("%9u %17.1f %26.1f\n", result->memory[i].nr_vectors,
			     (double)result->memory[i].allocated_bytes / 1024,
			     (double)result->memory[i].resident_bytes / 1024);
	(void)printf("a vector more: %.1f bytes allocated, %.1f resident\n",
		     per_vector(result, false), per_vector(result, true));
}

static void print_storms(const struct result *result)
{
	(void)printf("\nOne write of GITS_CWRITER that announces %u commands, %u events mapped.\n"
		     "done: commands that the write ran; calls: of vits_run(), for the rest\n"
		     "%-24s %12s %9s %6s %6s %7s\n",
		     STORM_COMMANDS, GUEST_MAX_NAMED, "commands", "instructions", "time (us)",
		     "done", "updates", "calls");
	for (unsigned i = 0; i < NR_STORMS; i++) {
		const struct storm *storm = &result->storms[i];

		(void)printf("%-24s %12.0f %9.1f %6u %6u %7u\n", storm_name((enum storm_kind)i),
			     storm->instructions, storm->time_us, storm->nr_done, storm->nr_updates,
			     storm->nr_calls);
	}
}

static const char *verdict(bool ok)
{
	return ok ? "ok  " : "FAIL";
}

/* gcc's helper for atomics on arm64 chooses an instruction, and neither locks nor allocates. */
static bool callee_is_harmless(const char *callee)
{
	return !callee[0] || strncmp(callee, "__aarch64_", strlen("__aarch64_")) == 0;
}

static bool judge_translate(const struct result *result)
{
	double most = 0;
	bool ok;

	for (size_t i = 0; i < result->list.nr; i++) {
		const struct row *row = &result->list.rows[i];

		for (unsigned op = OP_HIT; op <= OP_MISS; op++)
			if (row_has(row, (enum guest_op)op) && row->cells[op].instructions > most)
				most = row->cells[op].instructions;
	}
	ok = most > 0 && most <= RESULT_TRANSLATE_MAX;
	(void)printf("%s  translate costs %.0f instructions at most; the limit is %.0f\n",
		     verdict(ok), most, RESULT_TRANSLATE_MAX);
	return ok;
}

static bool judge_flat(const struct result *result)
{
	double most = 0;
	unsigned worst = 0;
	bool ok;

	for (size_t i = 0; i < result->list.nr; i++) {
		const struct row *row = &result->list.rows[i];

		for (unsigned op = 0; op < NR_GUEST_OPS; op++) {
			if (row->use != ROW_NR_MAPPED || !row_has(row, (enum guest_op)op) ||
			    growth(result, row, op) <= most)
				continue;
			most = growth(result, row, op);
			worst = op;
		}
	}
	ok = most <= RESULT_FLAT_MAX;
	(void)printf("%s  instructions grow by a factor of %.2f at most with the number of events "
		     "(%s); the limit is %.2f\n",
		     verdict(ok), most, ops[worst].name, RESULT_FLAT_MAX);
	return ok;
}

/* Of events that are far apart in the shadow: MAPTI against that for neighbours. */
static bool judge_apart(const struct result *result)
{
	bool all_ok = true;

	for (size_t i = 0; i < result->list.nr; i++) {
		const struct row *row = &result->list.rows[i];
		double apart = row->cells[OP_MAPTI].instructions;
		double near = result->list.rows[0].cells[OP_MAPTI].instructions;
		bool ok = apart <= near * RESULT_APART_MAX;

		if (row->use != ROW_APART)
			continue;
		(void)printf("%s  MAPTI: %.0f instructions for events that are far apart, %.0f for "
			     "neighbours; the limit is %.2f times as many\n",
			     verdict(ok), apart, near, RESULT_APART_MAX);
		all_ok &= ok;
	}
	return all_ok;
}

static bool judge_storms(const struct result *result)
{
	unsigned worst = 0;
	bool ok;

	for (unsigned i = 0; i < NR_STORMS; i++)
		if (result->storms[i].instructions > result->storms[worst].instructions)
			worst = i;
	ok = result->storms[worst].instructions <= RESULT_WRITE_MAX;
	(void)printf("%s  a write of GITS_CWRITER costs %.0f instructions at most (%s); "
		     "the limit is %.0f\n",
		     verdict(ok), result->storms[worst].instructions,
		     storm_name((enum storm_kind)worst), RESULT_WRITE_MAX);
	return ok;
}

bool result_print(const struct result *result)
{
	bool calls = !callee_is_harmless(result->callee), ok;

	print_intro(result);
	print_by_number(result, false);
	print_by_number(result, true);
	print_by_write(result);
	print_storms(result);
	print_memory(result);

	(void)putchar('\n');
	ok = judge_translate(result);
	ok &= judge_flat(result);
	(void)printf("%s  translate calls %s: it takes no lock and allocates nothing\n",
		     verdict(!calls), result->callee[0] ? result->callee : "no function");
	ok &= judge_apart(result);
	ok &= judge_storms(result);
	return ok && !calls && fflush(stdout) == 0;
}

/*
 * For programs
 */

static json_t *cell_json(const struct result *result, const struct row *row, unsigned op)
{
	static const char *const uses[] = {
		[ROW_NR_MAPPED] = "mapped events",
		[ROW_PER_WRITE] = "commands per write",
		[ROW_APART] = "far apart",
	};

	return json_pack("{s:s, s:s, s:s, s:I, s:I, s:i, s:f, s:f, s:f, s:f}", "operation",
			 ops[op].name, "against", uses[row->use], "events",
			 row->config.kind == GUEST_NAMED ? "named" : "unnamed", "mapped_events",
			 (json_int_t)row->config.nr_mapped, "named_events",
			 (json_int_t)row->nr_named, "commands_per_write",
			 (int)row->config.per_write, "instructions", row->cells[op].instructions,
			 "instructions_ratio", growth(result, row, op), "time_ns",
			 row->cells[op].time_ns, "time_ratio", slowdown(result, row, op));
}

static json_t *cells_json(const struct result *result)
{
	json_t *list = json_array();

	for (size_t i = 0; i < result->list.nr; i++)
		for (unsigned op = 0; op < NR_GUEST_OPS; op++)
			if (row_has(&result->list.rows[i], (enum guest_op)op))
				(void)json_array_append_new(
					list, cell_json(result, &result->list.rows[i], op));
	return list;
}

static json_t *memory_json(const struct result *result)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < result->nr_memory; i++)
		(void)json_array_append_new(
			list,
			json_pack("{s:I, s:I, s:I}", "vectors",
				  (json_int_t)result->memory[i].nr_vectors, "allocated_bytes",
				  (json_int_t)result->memory[i].allocated_bytes, "resident_bytes",
				  (json_int_t)result->memory[i].resident_bytes));
	return list;
}

static json_t *storms_json(const struct result *result)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < NR_STORMS; i++) {
		const struct storm *storm = &result->storms[i];

		(void)json_array_append_new(
			list,
			json_pack("{s:s, s:i, s:f, s:f, s:i, s:i, s:i}", "command",
				  storm_name((enum storm_kind)i), "announced", (int)STORM_COMMANDS,
				  "instructions", storm->instructions, "time_us", storm->time_us,
				  "done", (int)storm->nr_done, "updates", (int)storm->nr_updates,
				  "calls_for_the_rest", (int)storm->nr_calls));
	}
	return list;
}

int result_write_json(const struct result *result, const char *path)
{
	struct utsname name;
	json_t *root = json_pack(
		"{s:i, s:s, s:s, s:i, s:i, s:i, s:i, s:f, s:s, s:f, s:f, s:o, s:o, s:o}", "schema",
		1, "machine", uname(&name) == 0 ? name.machine : "?", "compiler", COMPILER, "runs",
		(int)result->nr_runs, "vcpus", (int)GUEST_VCPUS, "functions", (int)GUEST_FUNCTIONS,
		"events_per_function", (int)GUEST_NR_EVENTS, "translate_instructions_limit",
		RESULT_TRANSLATE_MAX, "translate_calls", result->callee,
		"allocated_bytes_per_vector", per_vector(result, false),
		"resident_bytes_per_vector", per_vector(result, true), "memory",
		memory_json(result), "operations", cells_json(result), "writes",
		storms_json(result));
	int r;

	errno = 0;
	r = root ? json_dump_file(root, path, JSON_INDENT(2)) : -1;
	json_decref(root);
	if (r == 0)
		return 0;
	r = errno ? errno : ENOMEM;
	(void)fprintf(stderr, "bench-vits: error: %s: cannot be written: %s\n", path, strerror(r));
	return -r;
}

/*
 * As a picture
 */

static void plot_points(const struct result *result, FILE *gnuplot, unsigned kind, unsigned op)
{
	(void)fprintf(gnuplot, "$points_%u_%u << END\n", kind, op);
	for (size_t i = 0; i < result->list.nr; i++) {
		const struct row *row = &result->list.rows[i];

		if (row->use == ROW_NR_MAPPED && row->config.kind == kind)
			(void)fprintf(gnuplot, "%u %.2f\n", row->config.nr_mapped,
				      row->cells[op].instructions);
	}
	(void)fputs("END\n", gnuplot);
}

/* For a string in gnuplot's single quotes. */
static void put_quoted(const char *text, FILE *gnuplot)
{
	for (; *text; text++) {
		if (*text == '\'')
			(void)fputc('\'', gnuplot);
		(void)fputc(*text, gnuplot);
	}
}

static void plot(const struct result *result, const char *path, FILE *gnuplot)
{
	static const struct row kinds[] = {
		[GUEST_NAMED] = { .config.kind = GUEST_NAMED },
		[GUEST_UNNAMED] = { .config.kind = GUEST_UNNAMED },
	};
	const char *comma = "plot";

	for (unsigned kind = 0; kind < ARRAY_SIZE(kinds); kind++)
		for (unsigned op = 0; op < NR_GUEST_OPS; op++)
			plot_points(result, gnuplot, kind, op);
	(void)fputs("set terminal svg size 900,540 background 'white'\nset output '", gnuplot);
	put_quoted(path, gnuplot);
	(void)fprintf(
		gnuplot,
		"'\nset title 'vITS: instructions of an operation (%u commands in each write)'\n"
		"set xlabel 'mapped events'\nset ylabel 'instructions'\n"
		"set logscale x\nset format x '10^{%%T}'\nset yrange [0:*]\nset grid\n"
		"set key outside right\n",
		GUEST_GROUP);
	for (unsigned kind = 0; kind < ARRAY_SIZE(kinds); kind++) {
		for (unsigned op = 0; op < NR_GUEST_OPS; op++) {
			if (!row_has(&kinds[kind], (enum guest_op)op))
				continue;
			(void)fprintf(gnuplot,
				      "%s $points_%u_%u with linespoints lc %u dt %u title '%s%s'",
				      comma, kind, op, op + 1, kind + 1, ops[op].name,
				      kind == GUEST_NAMED ? "" : ", other devices");
			comma = ",";
		}
	}
	(void)fputc('\n', gnuplot);
}

int result_plot(const struct result *result, const char *path)
{
	/* gnuplot draws on standard output where it cannot open a file. */
	_cleanup_file_ FILE *writable = fopen(path, "we");
	FILE *gnuplot = writable ? popen("gnuplot", "we") : NULL;
	int status;

	if (!gnuplot) {
		(void)fprintf(stderr, "bench-vits: error: %s: cannot be drawn: %s\n", path,
			      strerror(errno));
		return -EIO;
	}
	plot(result, path, gnuplot);
	status = pclose(gnuplot);
	if (status == 0)
		return 0;
	(void)fprintf(stderr, "bench-vits: error: %s: gnuplot (Debian: gnuplot-nox) failed\n",
		      path);
	return -EIO;
}
