// SPDX-License-Identifier: MIT
/*
 * A guest's interrupts as tables. No locks.
 */
#include "vmm/control/irqview.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/bits.h"
#include "vmm/base/report.h"
#include "vmm/base/table.h"
#include "vmm/irq/route_name.h"

#define US UINT64_C(1000)
#define MS (1000 * US)
#define S  (1000 * MS)

/* ---- reading ------------------------------------------------------------------- */

static uint64_t number_of(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_integer(value) && json_integer_value(value) >= 0
		       ? (uint64_t)json_integer_value(value)
		       : IRQVIEW_NONE;
}

/* False: there is no such string, or it does not fit. */
static bool copy_string(const json_t *object, const char *key, char *out, size_t cap)
{
	const char *text = json_string_value(json_object_get(object, key));
	int n = text ? snprintf(out, cap, "%s", text) : -1;

	return n >= 0 && (size_t)n < cap;
}

/* Has the row all counters that a table shows? */
static bool counted(const struct irq_row *row)
{
	for (unsigned i = 0; i < NR_VECTOR_COUNTERS; i++)
		if (vector_counters[i].heading && row->counts[i] == IRQVIEW_NONE)
			return false;
	return true;
}

static bool read_row(const json_t *from, struct irq_row *row)
{
	*row = (struct irq_row){
		.vector = number_of(from, "vector"),
		.devid = number_of(from, "devid"),
		.eventid = number_of(from, "eventid"),
		.lpi = number_of(from, "lpi"),
		.vcpu = number_of(from, "vcpu"),
		.changing = json_is_true(json_object_get(from, "changing")),
		.last_ns = number_of(from, "last_ns"),
		.since_ns = number_of(from, "since_ns"),
		.rate = -1,
	};
	for (unsigned i = 0; i < NR_VECTOR_COUNTERS; i++)
		row->counts[i] = number_of(from, vector_counters[i].name);
	(void)copy_string(from, "why", row->why, sizeof(row->why));
	(void)copy_string(from, "tied_is", row->tied_is, sizeof(row->tied_is));
	return row->vector != IRQVIEW_NONE && row->devid != IRQVIEW_NONE && counted(row) &&
	       copy_string(from, "device", row->device, sizeof(row->device)) &&
	       copy_string(from, "route", row->route, sizeof(row->route)) &&
	       copy_string(from, "asked", row->asked, sizeof(row->asked));
}

int irqview_read(const json_t *reply, struct irq_sample *ret_sample)
{
	const json_t *list = json_object_get(reply, "vectors");
	uint64_t now = number_of(reply, "now_ns");
	_cleanup_free_ struct irq_row *rows = NULL;
	size_t nr = json_array_size(list);

	if (!json_is_array(list) || now == IRQVIEW_NONE)
		return -EPROTO;
	rows = calloc(nr ? nr : 1, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++)
		if (!read_row(json_array_get(list, i), &rows[i]))
			return -EPROTO;
	*ret_sample = (struct irq_sample){ now, nr, TAKE_PTR(rows) };
	return 0;
}

void irqview_fini(struct irq_sample *sample)
{
	free(sample->rows);
	*sample = (struct irq_sample){ 0 };
}

/* ---- rates ---------------------------------------------------------------------- */

static bool same_vector(const struct irq_row *a, const struct irq_row *b)
{
	return a->vector == b->vector && strcmp(a->device, b->device) == 0;
}

/* Both samples mostly have the same order, so that each search begins where the last ended. */
static const struct irq_row *find_row(const struct irq_sample *sample, const struct irq_row *row,
				      size_t *at)
{
	for (size_t i = 0; i < sample->nr; i++) {
		const struct irq_row *one = &sample->rows[(*at + i) % sample->nr];

		if (!same_vector(one, row))
			continue;
		*at = (*at + i + 1) % sample->nr;
		return one;
	}
	return NULL;
}

void irqview_rates(struct irq_sample *sample, const struct irq_sample *before)
{
	uint64_t span = sample->now_ns - before->now_ns;
	size_t at = 0;

	for (size_t i = 0; i < sample->nr; i++) {
		struct irq_row *row = &sample->rows[i];
		const struct irq_row *old = find_row(before, row, &at);

		if (!old || sample->now_ns <= before->now_ns ||
		    row->counts[COUNTER_TAKEN] < old->counts[COUNTER_TAKEN])
			continue;
		row->rate = (double)(row->counts[COUNTER_TAKEN] - old->counts[COUNTER_TAKEN]) *
			    (double)S / (double)span;
	}
}

static int busiest_first(const void *a, const void *b)
{
	const struct irq_row *x = a, *y = b;
	int by_name = strcmp(x->device, y->device);

	if (x->rate < y->rate || x->rate > y->rate)
		return x->rate < y->rate ? 1 : -1;
	if (x->counts[COUNTER_TAKEN] != y->counts[COUNTER_TAKEN])
		return x->counts[COUNTER_TAKEN] < y->counts[COUNTER_TAKEN] ? 1 : -1;
	return by_name ? by_name : (x->vector > y->vector) - (x->vector < y->vector);
}

void irqview_sort(struct irq_sample *sample)
{
	if (sample->nr)
		qsort(sample->rows, sample->nr, sizeof(*sample->rows), busiest_first);
}

double irqview_total_rate(const struct irq_sample *sample)
{
	double sum = 0;

	for (size_t i = 0; i < sample->nr; i++)
		sum += sample->rows[i].rate > 0 ? sample->rows[i].rate : 0;
	return sum;
}

/* ---- printing ----------------------------------------------------------------------- */

const char *irqview_time(uint64_t ns, char text[IRQVIEW_TIME_SZ])
{
	static const struct {
		uint64_t unit, until; /* in ns */
		const char *name;
	} units[] = {
		{ 1, US, "ns" },
		{ US, MS, "us" },
		{ MS, S, "ms" },
		{ S, 120 * S, "s" },
		{ 60 * S, 7200 * S, "min" },
		{ 3600 * S, 172800 * S, "h" },
		{ 86400 * S, UINT64_MAX, "d" },
	};
	size_t i = 0;

	while (ns >= units[i].until && i < ARRAY_SIZE(units) - 1)
		i++;
	/* Below 10 with one decimal: "1.2 us". */
	if (i > 0 && ns < 10 * units[i].unit)
		(void)snprintf(text, IRQVIEW_TIME_SZ, "%" PRIu64 ".%" PRIu64 " %s",
			       ns / units[i].unit, ns % units[i].unit * 10 / units[i].unit,
			       units[i].name);
	else
		(void)snprintf(text, IRQVIEW_TIME_SZ, "%" PRIu64 " %s", ns / units[i].unit,
			       units[i].name);
	return text;
}

static void add_number(struct table *t, uint64_t n)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRIu64, n);
	table_add(t, n == IRQVIEW_NONE ? "-" : text);
}

/* Of what is counted; other numbers are names. */
static void add_count(struct table *t, uint64_t n)
{
	char text[TABLE_NUMBER_SZ];

	table_add(t, n == IRQVIEW_NONE ? "-" : table_number(n, text));
}

/* The route in force: "uring"; "uring->irqfd" until another one is taken; "auto: irqfd". */
static void add_route(struct table *t, const struct irq_row *row)
{
	const bool is_auto = strcmp(row->asked, route_name(ROUTE_AUTO)) == 0;
	char text[24];

	if (is_auto)
		(void)snprintf(text, sizeof(text), "%s: %s", row->asked, row->route);
	else if (row->changing || strcmp(row->route, row->asked) != 0)
		(void)snprintf(text, sizeof(text), "%s->%s", row->route, row->asked);
	else
		(void)snprintf(text, sizeof(text), "%s", row->route);
	table_add(t, text);
}

/* "hot 12 s": why, and for how long. */
static void add_why(struct table *t, const struct irq_row *row, uint64_t now_ns)
{
	char text[sizeof(row->why) + IRQVIEW_TIME_SZ + 1], time[IRQVIEW_TIME_SZ];
	uint64_t ns = row->since_ns < now_ns ? now_ns - row->since_ns : 0;

	(void)snprintf(text, sizeof(text), "%s %s", row->why,
		       row->since_ns == IRQVIEW_NONE ? "" : irqview_time(ns, time));
	table_add(t, row->why[0] ? text : "-");
}

static void add_rate(struct table *t, const struct irq_row *row)
{
	char text[32];

	/* Where nobody counts, 0 does not mean that none came. */
	if (row->rate < 0 || (row->tied_is[0] && row->rate <= 0))
		(void)snprintf(text, sizeof(text), "-");
	else if (row->rate > 0 && row->rate < 10)
		(void)snprintf(text, sizeof(text), "%.1f", row->rate);
	else
		(void)table_number((uint64_t)(row->rate + 0.5), text);
	table_add(t, text);
}

static void add_row(struct table *t, const struct irq_row *row, uint64_t now_ns)
{
	char text[64], event[24], time[IRQVIEW_TIME_SZ];
	uint64_t ago = row->last_ns < now_ns ? now_ns - row->last_ns : 0;

	(void)snprintf(text, sizeof(text), "%s[%" PRIu64 "]", row->device, row->vector);
	table_add(t, text);
	(void)snprintf(event, sizeof(event), "%" PRIu64, row->eventid);
	(void)snprintf(text, sizeof(text), "0x%04" PRIx64 "/%s", row->devid,
		       row->eventid == IRQVIEW_NONE ? "-" : event);
	table_add(t, text);
	add_number(t, row->lpi);
	add_number(t, row->vcpu);
	add_route(t, row);
	add_why(t, row, now_ns);
	add_rate(t, row);
	for (unsigned i = 0; i < NR_VECTOR_COUNTERS; i++)
		if (i == COUNTER_TIED && row->tied_is[0])
			table_add(t, row->tied_is);
		else if (vector_counters[i].heading)
			add_count(t, row->counts[i]);
	table_add(t, row->last_ns == IRQVIEW_NONE ? "-" : irqview_time(ago, time));
}

static const char *upper_case(const char *text, char ret_text[16])
{
	size_t i;

	for (i = 0; text[i] && i < 15; i++)
		ret_text[i] = (char)toupper((unsigned char)text[i]);
	ret_text[i] = '\0';
	return ret_text;
}

/* The columns; those of counters are before LAST, in the order of vector_counters[]. */
enum {
	COLUMN_VECTOR,
	COLUMN_EVENT,
	COLUMN_LPI,
	COLUMN_VCPU,
	COLUMN_ROUTE,
	COLUMN_WHY,
	COLUMN_RATE,
	COLUMN_TAKEN,
	COLUMN_INJECTED,
	COLUMN_HELD,
	COLUMN_DROPPED,
	COLUMN_TIED,
	COLUMN_LAST,
	NR_COLUMNS
};

/* What is left out where there is no room, least missed first. */
static const uint8_t left_out[] = { COLUMN_EVENT, COLUMN_LPI,	 COLUMN_WHY,  COLUMN_LAST,
				    COLUMN_VCPU,  COLUMN_TIED,	 COLUMN_HELD, COLUMN_INJECTED,
				    COLUMN_ROUTE, COLUMN_DROPPED };

static void begin_table(struct table *t)
{
	static const char *const first[] = {
		[COLUMN_VECTOR] = "VECTOR", [COLUMN_EVENT] = "DEV/EVENT", [COLUMN_LPI] = "LPI",
		[COLUMN_VCPU] = "VCPU",	    [COLUMN_ROUTE] = "ROUTE",	  [COLUMN_WHY] = "WHY",
		[COLUMN_RATE] = "PER S",
	};
	const unsigned words =
		1u << COLUMN_VECTOR | 1u << COLUMN_EVENT | 1u << COLUMN_ROUTE | 1u << COLUMN_WHY;
	const char *headings[NR_COLUMNS];
	char names[NR_VECTOR_COUNTERS][16];
	size_t nr = 0;

	for (; nr < ARRAY_SIZE(first); nr++)
		headings[nr] = first[nr];
	for (unsigned i = 0; i < NR_VECTOR_COUNTERS; i++)
		if (vector_counters[i].heading)
			headings[nr++] = upper_case(vector_counters[i].heading, names[i]);
	headings[nr++] = "LAST";
	assert(nr == NR_COLUMNS);
	table_init(t, headings, nr);
	t->right = ((1u << nr) - 1) & ~words;
}

int irqview_print(const struct irq_sample *sample, size_t columns, FILE *out)
{
	_cleanup_(table_fini) struct table t;
	size_t quiet = 0, uncounted = 0;
	int r;

	begin_table(&t);
	for (size_t i = 0; i < sample->nr; i++) {
		const struct irq_row *row = &sample->rows[i];

		/* Who asks for one alone wants to see it. */
		if (row->counts[COUNTER_TAKEN] || row->changing || sample->nr == 1)
			add_row(&t, row, sample->now_ns);
		else if (row->tied_is[0])
			uncounted++;
		else
			quiet++;
	}
	table_fit(&t, columns, left_out, ARRAY_SIZE(left_out));
	r = table_print(&t, out);
	if (r < 0)
		return r;
	if (uncounted)
		(void)fprintf(out, "(%zu more vector%s on irqfd, whose interrupts nobody counts)\n",
			      uncounted, plural(uncounted));
	if (quiet)
		(void)fprintf(out, "(%zu more vector%s without an interrupt)\n", quiet,
			      plural(quiet));
	table_print_hidden(&t, out);
	return 0;
}

static void add_time(struct table *t, const json_t *row, const char *key)
{
	uint64_t ns = number_of(row, key);
	char text[IRQVIEW_TIME_SZ];

	table_add(t, ns == IRQVIEW_NONE ? "-" : irqview_time(ns, text));
}

int irqview_print_histogram(const json_t *reply, FILE *out)
{
	static const char *const headings[] = { "VECTOR", "COUNT", "MIN",   "P50",
						"P90",	  "P99",   "P99.9", "MAX" };
	static const char *const keys[] = { "min", "p50", "p90", "p99", "p99_9", "max" };
	const json_t *list = json_object_get(reply, "vectors");
	_cleanup_(table_fini) struct table t;
	size_t quiet = 0;
	int r;

	table_init(&t, headings, ARRAY_SIZE(headings));
	t.right = 0xfe;
	if (!json_is_array(list))
		return -EPROTO;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *row = json_array_get(list, i);
		const char *device = json_string_value(json_object_get(row, "device"));
		uint64_t count = number_of(row, "count");
		char text[64];

		if (!device || count == IRQVIEW_NONE)
			return -EPROTO;
		quiet += !count;
		if (!count)
			continue;
		(void)snprintf(text, sizeof(text), "%s[%" PRIu64 "]", device,
			       number_of(row, "vector"));
		table_add(&t, text);
		add_count(&t, count);
		for (size_t k = 0; k < ARRAY_SIZE(keys); k++)
			add_time(&t, row, keys[k]);
	}
	r = table_print(&t, out);
	if (r == 0 && quiet)
		(void)fprintf(out, "(%zu more vector%s without a time)\n", quiet, plural(quiet));
	return r;
}
