// SPDX-License-Identifier: MIT
/*
 * The statistics at the end of a run, itsy(1). No locks: the machine has stopped.
 */
#include "vmm/control/irqstat.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "vmm/base/bits.h"
#include "vmm/base/clock.h"
#include "vmm/base/report.h"
#include "vmm/base/table.h"
#include "vmm/control/json_member.h"
#include "vmm/control/machine_counters.h"
#include "vmm/irq/counters.h"

struct row {
	uint64_t counts[NR_VECTOR_COUNTERS];
	bool has_last;
	struct vector_last last;
	enum route route, on;
	enum route_why why;
	uint64_t since_ns;
	const char *tied_is; /* vector_tied_word() */
};

static struct row read_row(const struct vector_counts *c)
{
	struct row row = {
		.route = (enum route)c->route,
		.on = (enum route)c->on,
		.why = (enum route_why)c->why,
		.since_ns = c->since_ns,
		.tied_is = vector_tied_word(c),
	};

	for (unsigned i = 0; i < NR_VECTOR_COUNTERS; i++)
		row.counts[i] = vector_counter_get(c, i);
	row.has_last = vector_last_get(c, &row.last);
	return row;
}

/* A line of the counters that are not 0 and have no column. */
static void print_notes(FILE *out, const struct row *row)
{
	const char *before = "  ";
	char text[TABLE_NUMBER_SZ];

	for (unsigned i = 0; i < NR_VECTOR_COUNTERS; i++) {
		if (!vector_counters[i].note || !row->counts[i])
			continue;
		(void)fprintf(out, "%s%s: %s", before, vector_counters[i].note,
			      table_number(row->counts[i], text));
		before = ", ";
	}
	if (*before == ',')
		(void)fprintf(out, "\n");
}

/* The columns; those of counters follow, in the order of vector_counters[]. */
enum {
	COLUMN_VECTOR,
	COLUMN_EVENT,
	COLUMN_LPI,
	COLUMN_VCPU,
	COLUMN_ROUTE,
	COLUMN_TAKEN,
	COLUMN_INJECTED,
	COLUMN_HELD,
	COLUMN_DROPPED,
	COLUMN_TIED,
	NR_COLUMNS
};

/* What is left out where there is no room, least missed first. */
static const uint8_t left_out[] = { COLUMN_HELD, COLUMN_TIED,  COLUMN_EVENT,  COLUMN_LPI,
				    COLUMN_VCPU, COLUMN_ROUTE, COLUMN_DROPPED };

static void begin_table(struct table *t)
{
	const char *headings[NR_COLUMNS] = { "vector", "DeviceID/EventID", "LPI", "vCPU", "route" };
	size_t nr = COLUMN_TAKEN;

	for (unsigned i = 0; i < NR_VECTOR_COUNTERS; i++)
		if (vector_counters[i].heading)
			headings[nr++] = vector_counters[i].heading;
	assert(nr == NR_COLUMNS);
	table_init(t, headings, nr);
	t->right =
		((1u << nr) - 1) & ~(1u << COLUMN_VECTOR | 1u << COLUMN_EVENT | 1u << COLUMN_ROUTE);
}

static void add_counts(struct table *t, const struct row *row)
{
	for (unsigned i = 0; i < NR_VECTOR_COUNTERS; i++)
		if (i == COUNTER_TIED && row->tied_is)
			table_add(t, row->tied_is);
		else if (vector_counters[i].heading)
			table_add_number(t, row->counts[i]);
}

static void add_where(struct table *t, const struct passthru *p, const struct row *row)
{
	char text[32];

	if (!row->has_last) {
		(void)snprintf(text, sizeof(text), "0x%04" PRIx32 "/-", p->irq.devid);
		table_add(t, text);
		table_add(t, "-");
		table_add(t, "-");
		return;
	}
	(void)snprintf(text, sizeof(text), "0x%04" PRIx32 "/%" PRIu32, p->irq.devid,
		       row->last.eventid);
	table_add(t, text);
	(void)snprintf(text, sizeof(text), "%" PRIu32, row->last.lpi);
	table_add(t, text);
	(void)snprintf(text, sizeof(text), "%" PRIu32, row->last.vcpu);
	table_add(t, text);
}

/* Where nobody counts, 0 does not mean that none came; but more is not known of them, either. */
static bool has_row(const struct row *row)
{
	return row->counts[COUNTER_TAKEN] != 0;
}

static void add_function(struct table *t, const struct passthru *p, struct row *sum)
{
	for (unsigned v = 0; v < p->irq.nr_vectors; v++) {
		const struct row row = read_row(&p->irq.vectors[v]);
		char vector[48];

		if (!has_row(&row))
			continue;
		(void)snprintf(vector, sizeof(vector), "%s[%u]", p->irq.name, v);
		table_add(t, vector);
		add_where(t, p, &row);
		table_add(t, route_name(row.route));
		add_counts(t, &row);
		for (unsigned i = 0; i < NR_VECTOR_COUNTERS; i++)
			sum->counts[i] += row.counts[i];
	}
}

/* Its rows, from *at on, each with its notes; and how many vectors have none. */
static void print_function(FILE *out, const struct table *t, size_t *at, const struct passthru *p)
{
	unsigned quiet = 0, uncounted = 0;

	for (unsigned v = 0; v < p->irq.nr_vectors; v++) {
		const struct row row = read_row(&p->irq.vectors[v]);

		if (has_row(&row)) {
			table_print_row(t, (*at)++, out);
			print_notes(out, &row);
		} else if (row.tied_is) {
			uncounted++;
		} else {
			quiet++;
		}
	}
	if (uncounted)
		(void)fprintf(out,
			      "%s  (%u more vector%s on irqfd, whose interrupts nobody counts)\n",
			      p->irq.name, uncounted, plural(uncounted));
	if (quiet)
		(void)fprintf(out, "%s  (%u more vector%s without an interrupt)\n", p->irq.name,
			      quiet, plural(quiet));
}

static void print_vectors(FILE *out, size_t columns, const struct passthru *functions,
			  size_t nr_functions)
{
	_cleanup_(table_fini) struct table t;
	struct row sum = { 0 };
	size_t row = 1;

	begin_table(&t);
	for (size_t i = 0; i < nr_functions; i++)
		if (passthru_is_known(&functions[i]))
			add_function(&t, &functions[i], &sum);
	table_add(&t, "all");
	for (unsigned i = COLUMN_EVENT; i < COLUMN_TAKEN; i++)
		table_add(&t, "");
	add_counts(&t, &sum);
	if (t.failed) {
		report_warning("the statistics: there is no memory to print them");
		return;
	}
	table_fit(&t, columns, left_out, ARRAY_SIZE(left_out));
	table_print_row(&t, 0, out);
	for (size_t i = 0; i < nr_functions; i++)
		if (passthru_is_known(&functions[i]))
			print_function(out, &t, &row, &functions[i]);
	table_print_row(&t, row, out);
	table_print_hidden(&t, out);
}

/* ---- counters of the machine --------------------------------------------------- */

/* What the guest did wrong, if anything. */
static void print_mistakes(FILE *out, const struct machine_stats *s)
{
	uint64_t skipped = s->vits.cmd_unreadable, stalled = 0;
	char text[TABLE_NUMBER_SZ], more[TABLE_NUMBER_SZ];

	for (size_t i = 0; i < ARRAY_SIZE(s->vits.cmd); i++) {
		skipped += s->vits.cmd[i].skipped;
		stalled += s->vits.cmd[i].stalled;
	}
	if (skipped || stalled)
		(void)fprintf(out, "ITS commands skipped: %s, stalled: %s\n",
			      table_number(skipped, text), table_number(stalled, more));
	for (size_t i = 0; i < nr_machine_counters; i++)
		if (machine_counters[i].note && machine_counter_get(s, i))
			(void)fprintf(out, "%s: %s\n", machine_counters[i].note,
				      table_number(machine_counter_get(s, i), text));
}

void irqstat_print(FILE *out, size_t columns, const struct passthru *functions, size_t nr_functions,
		   const struct machine_stats *stats)
{
	if (nr_functions)
		print_vectors(out, columns, functions, nr_functions);
	print_mistakes(out, stats);
}

/* ---- JSON -------------------------------------------------------------------- */

static json_t *vector_json(unsigned vector, const struct row *row)
{
	json_t *v = json_pack("{s:i, s:s, s:s, s:s, s:I}", "vector", (int)vector, "route",
			      route_name(row->route), "on", route_name(row->on), "why",
			      route_why_name(row->why), "since_ns", (json_int_t)row->since_ns);

	for (unsigned i = 0; v && i < NR_VECTOR_COUNTERS; i++)
		(void)json_object_set_new(v, vector_counters[i].name, json_number(row->counts[i]));
	if (v && row->tied_is)
		(void)json_object_set_new(v, "tied_is", json_string(row->tied_is));
	if (v && row->has_last) {
		(void)json_object_set_new(v, "eventid", json_number(row->last.eventid));
		(void)json_object_set_new(v, "vcpu", json_number(row->last.vcpu));
		(void)json_object_set_new(v, "lpi", json_number(row->last.lpi));
	}
	return v;
}

static json_t *function_json(const struct passthru *p)
{
	json_t *vectors = json_array();
	char bdf[PCI_BDF_STRLEN], devid[16];

	(void)snprintf(devid, sizeof(devid), "0x%04" PRIx32, p->irq.devid);
	for (unsigned v = 0; v < p->irq.nr_vectors; v++) {
		const struct row row = read_row(&p->irq.vectors[v]);

		(void)json_array_append_new(vectors, vector_json(v, &row));
	}
	return json_pack("{s:s, s:s, s:s, s:o}", "name", p->irq.name, "bdf",
			 pci_bdf_format(&p->bdf, bdf), "devid", devid, "vectors", vectors);
}

json_t *irqstat_commands_json(const struct vits_stats *stats)
{
	json_t *commands = json_object();

	for (unsigned op = 0; op < ARRAY_SIZE(stats->cmd); op++) {
		const __typeof__(stats->cmd[0]) *c = &stats->cmd[op];
		const char *name = vits_command_name((uint8_t)op);
		char number[16];

		if (!c->done && !c->skipped && !c->stalled)
			continue;
		(void)snprintf(number, sizeof(number), "0x%02x", op);
		(void)json_object_set_new(commands, name ? name : number,
					  json_pack("{s:I, s:I, s:I}", "done", (json_int_t)c->done,
						    "skipped", (json_int_t)c->skipped, "stalled",
						    (json_int_t)c->stalled));
	}
	return commands;
}

static json_t *errors_json(const struct vits_stats *stats)
{
	json_t *errors = json_array();

	for (size_t i = 0; i < stats->nr_last; i++) {
		const char *name = vits_error_name(stats->last[i].code);
		char code[16];

		(void)snprintf(code, sizeof(code), "0x%06" PRIx32, stats->last[i].code);
		(void)json_array_append_new(errors, json_string(name ? name : code));
	}
	return errors;
}

static void add_machine_counters(json_t *root, const struct machine_stats *s)
{
	for (size_t i = 0; i < nr_machine_counters; i++) {
		const char *name = machine_counters[i].object;
		json_t *object = name ? json_object_get(root, name) : root;

		if (!object) {
			object = json_object();
			(void)json_object_set_new(root, name, object);
		}
		(void)json_object_set_new(object, machine_counters[i].name,
					  json_number(machine_counter_get(s, i)));
	}
}

int irqstat_write_json(FILE *out, const struct passthru *functions, size_t nr_functions,
		       const struct machine_stats *s, unsigned boots)
{
	json_t *list = json_array(), *root;
	int r;

	for (size_t i = 0; i < nr_functions; i++)
		if (passthru_is_known(&functions[i]))
			(void)json_array_append_new(list, function_json(&functions[i]));
	root = json_pack("{s:i, s:i, s:I, s:o, s:o, s:o}", "schema", 1, "boots", (int)boots,
			 "now_ns", (json_int_t)clock_ns(), "devices", list, "its_commands",
			 irqstat_commands_json(&s->vits), "its_errors", errors_json(&s->vits));
	if (!root)
		return -ENOMEM;
	add_machine_counters(root, s);
	errno = 0;
	r = json_dumpf(root, out, JSON_INDENT(2)) < 0 || fflush(out) ? (errno ? -errno : -EIO) : 0;
	json_decref(root);
	return r;
}
