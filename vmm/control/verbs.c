// SPDX-License-Identifier: MIT
/*
 * What can be asked of a running guest.
 *
 * No locks of its own: the thread that owns the machine. What it reads of vectors
 * is counted by other threads meanwhile, so that numbers in a reply may be an
 * interrupt apart.
 */
#include "vmm/control/verbs.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "vmm/base/bits.h"
#include "vmm/base/clock.h"
#include "vmm/base/suggest.h"
#include "vmm/irq/vector_routes.h"
#include "vmm/machine/machine.h"
#include "vmm/irq/counters.h"

#define SHOWN "%.40s"

static json_t *refuse(char error[CONTROL_ERROR_MAX], const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static json_t *refuse(char error[CONTROL_ERROR_MAX], const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(error, CONTROL_ERROR_MAX, format, ap);
	va_end(ap);
	return NULL;
}

static json_t *number(uint64_t n)
{
	return json_integer((json_int_t)n);
}

/* ---- which vectors ----------------------------------------------------------------- */

/* Functions and vectors that a request is about: all, one function's, or one. */
struct selection {
	size_t first, end; /* functions */
	bool has_vector;
	unsigned vector;
	unsigned long long skip;
};

static bool unknown_device(const struct running_guest *g, const char *name,
			   char error[CONTROL_ERROR_MAX])
{
	const char *names[CONFIG_MAX_DEVICES], *near;

	for (size_t i = 0; i < g->nr_functions; i++)
		names[i] = g->functions[i].irq.name;
	near = suggest(name, names, g->nr_functions);
	(void)refuse(error, "there is no device '" SHOWN "'%s%s%s", name,
		     near ? ": did you mean '" : "", near ? near : "", near ? "'?" : "");
	return false;
}

static bool select_vectors(const struct running_guest *g, const struct control_request *request,
			   struct selection *ret, char error[CONTROL_ERROR_MAX])
{
	const char *device = control_string(request, "device");
	unsigned long long vector = control_number(request, "vector", UINT64_MAX);

	*ret = (struct selection){ .end = g->nr_functions,
				   .skip = control_number(request, "skip", 0) };
	if (!device && vector != UINT64_MAX)
		return refuse(error, "'vector' needs 'device'");
	if (!device)
		return true;
	while (ret->first < g->nr_functions &&
	       strcmp(g->functions[ret->first].irq.name, device) != 0)
		ret->first++;
	if (ret->first == g->nr_functions)
		return unknown_device(g, device, error);
	ret->end = ret->first + 1;
	if (vector == UINT64_MAX)
		return true;
	if (vector >= g->functions[ret->first].irq.nr_vectors)
		return refuse(error, "'" SHOWN "' has no vector %llu: it has %u", device, vector,
			      g->functions[ret->first].irq.nr_vectors);
	ret->has_vector = true;
	ret->vector = (unsigned)vector;
	return true;
}

/* The next one, from *at on, which begins at all zeros. */
struct position {
	size_t function;
	unsigned vector;
	bool begun;
};

static bool next_vector(const struct running_guest *g, const struct selection *s,
			struct position *at)
{
	if (!at->begun)
		*at = (struct position){ s->first, s->has_vector ? s->vector : 0, true };
	else if (s->has_vector)
		at->function = s->end;
	else
		at->vector++;
	while (at->function < s->end && at->vector >= g->functions[at->function].irq.nr_vectors) {
		at->function++;
		at->vector = 0;
	}
	return at->function < s->end;
}

typedef json_t *row_fn(const struct running_guest *g, size_t function, unsigned vector);

/* The rows of all that are selected, as far as one reply goes. */
static bool list_vectors(const struct running_guest *g, const struct selection *s, row_fn *row,
			 json_t *reply)
{
	unsigned long long skip = s->skip;
	struct position at = { 0 };
	json_t *list = json_array();
	bool more = false;

	while (next_vector(g, s, &at) && !more) {
		if (skip) {
			skip--;
			continue;
		}
		more = json_array_size(list) == REPLY_VECTORS_MAX;
		if (!more && json_array_append_new(list, row(g, at.function, at.vector)) < 0)
			break;
	}
	return json_object_set_new(reply, "vectors", list) == 0 &&
	       json_object_set_new(reply, "more", json_boolean(more)) == 0;
}

/* ---- irqs ---------------------------------------------------------------------------- */

static void add_counters(json_t *row, const struct vector_counts *c)
{
	for (unsigned i = 0; i < NR_VECTOR_COUNTERS; i++)
		(void)json_object_set_new(row, vector_counters[i].name,
					  number(vector_counter_get(c, i)));
}

/* Where it would go now; else where the last one went; else nothing is said. */
static void add_target(json_t *row, const struct passthru *p, unsigned vector)
{
	uint64_t last = p->irq.vectors[vector].last;
	struct vits_event event;
	uint32_t eventid;

	if (irq_function_target(&p->irq, vector, &eventid, &event)) {
		(void)json_object_set_new(row, "eventid", number(eventid));
		if (event.mapped)
			(void)json_object_set_new(row, "lpi", number(event.intid));
		if (event.delivering)
			(void)json_object_set_new(row, "vcpu", number(event.vcpu));
	} else if (last) {
		(void)json_object_set_new(row, "eventid", number(last & 0xffff));
		(void)json_object_set_new(row, "lpi", number(last >> 32));
		(void)json_object_set_new(row, "vcpu", number(last >> 16 & 0xffff));
	}
}

static json_t *irq_row(const struct running_guest *g, size_t function, unsigned vector)
{
	const struct passthru *p = &g->functions[function];
	const struct vector_counts *c = &p->irq.vectors[vector];
	const struct route_state route =
		vector_routes_get(machine_routes(g->machine), function, vector);
	uint64_t last_ns = c->last_ns;
	json_t *row = json_pack("{s:s, s:I, s:I, s:s, s:s, s:b}", "device", p->irq.name, "vector",
				(json_int_t)vector, "devid", (json_int_t)p->irq.devid, "route",
				route_name(route.is), "asked", route_name(route.asked), "changing",
				route.changing);

	if (row && last_ns)
		(void)json_object_set_new(row, "last_ns", number(last_ns));
	if (row) {
		add_counters(row, c);
		add_target(row, p, vector);
	}
	return row;
}

static json_t *irqs(void *ctx, const struct control_request *request, char error[CONTROL_ERROR_MAX])
{
	const struct running_guest *g = ctx;
	struct selection s;
	json_t *reply;

	if (!select_vectors(g, request, &s, error))
		return NULL;
	reply = json_pack("{s:s, s:I}", "name", g->config->name, "now_ns", (json_int_t)clock_ns());
	if (list_vectors(g, &s, irq_row, reply))
		return reply;
	json_decref(reply);
	return NULL;
}

/* ---- histogram ------------------------------------------------------------------------- */

static json_t *summary(const struct passthru *p, unsigned vector, const struct hist *h)
{
	static const struct {
		const char *name;
		double percent;
	} percentiles[] = { { "p50", 50 }, { "p90", 90 }, { "p99", 99 }, { "p99_9", 99.9 } };
	json_t *row = json_pack("{s:s, s:I, s:I}", "device", p->irq.name, "vector",
				(json_int_t)vector, "count", (json_int_t)(h ? hist_count(h) : 0));

	if (!row || !h)
		return row;
	(void)json_object_set_new(row, "min", number(hist_min(h)));
	(void)json_object_set_new(row, "max", number(hist_max(h)));
	(void)json_object_set_new(row, "mean", json_real(hist_mean(h)));
	for (size_t i = 0; i < ARRAY_SIZE(percentiles); i++)
		(void)json_object_set_new(row, percentiles[i].name,
					  number(hist_percentile(h, percentiles[i].percent)));
	return row;
}

static json_t *histogram_row(const struct running_guest *g, size_t function, unsigned vector)
{
	const struct passthru *p = &g->functions[function];

	return summary(p, vector, irq_function_histogram(&p->irq, vector));
}

/* The buckets themselves, of one vector. */
static json_t *buckets_of(const struct hist *h)
{
	json_t *list = json_array();
	struct hist_bucket bucket;
	size_t at = 0;

	while (h && hist_next(h, &at, &bucket))
		(void)json_array_append_new(
			list,
			json_pack("{s:I, s:I, s:I}", "low", (json_int_t)bucket.low, "high",
				  (json_int_t)(bucket.high > INT64_MAX ? INT64_MAX : bucket.high),
				  "count", (json_int_t)bucket.count));
	return list;
}

/* 0, 1: nothing was to be switched; or -errno, and error says so. */
static int switch_histograms(struct running_guest *g, const struct selection *s, const char *set,
			     char error[CONTROL_ERROR_MAX])
{
	bool on = set && strcmp(set, "on") == 0;

	if (!set)
		return 0;
	if (!on && strcmp(set, "off") != 0) {
		(void)refuse(error, "'set' is \"on\" or \"off\"");
		return -EINVAL;
	}
	for (size_t f = s->first; f < s->end; f++)
		if (irq_function_record(&g->functions[f].irq, on) < 0) {
			(void)refuse(error, "not enough memory for histograms of '" SHOWN "'",
				     g->functions[f].irq.name);
			return -ENOMEM;
		}
	return 0;
}

static bool all_recording(const struct running_guest *g, const struct selection *s)
{
	for (size_t f = s->first; f < s->end; f++)
		if (g->functions[f].irq.nr_vectors && !irq_function_records(&g->functions[f].irq))
			return false;
	return true;
}

static json_t *histogram(void *ctx, const struct control_request *request,
			 char error[CONTROL_ERROR_MAX])
{
	struct running_guest *g = ctx;
	struct selection s;
	json_t *reply;

	if (!select_vectors(g, request, &s, error) ||
	    switch_histograms(g, &s, control_string(request, "set"), error) < 0)
		return NULL;
	if (control_bool(request, "buckets") && !s.has_vector)
		return refuse(error, "'buckets' needs 'device' and 'vector'");
	reply = json_pack("{s:s, s:s, s:b}", "name", g->config->name, "unit", "ns", "recording",
			  all_recording(g, &s));
	if (reply && control_bool(request, "buckets"))
		(void)json_object_set_new(
			reply, "buckets",
			buckets_of(irq_function_histogram(&g->functions[s.first].irq, s.vector)));
	if (list_vectors(g, &s, histogram_row, reply))
		return reply;
	json_decref(reply);
	return NULL;
}

/* ---- route, info ------------------------------------------------------------------------ */

static json_t *set_route(void *ctx, const struct control_request *request,
			 char error[CONTROL_ERROR_MAX])
{
	const struct running_guest *g = ctx;
	const char *name = control_string(request, "route");
	struct position at = { 0 };
	struct selection s;
	enum route route;
	unsigned nr = 0;

	if (!route_parse(name, &route))
		return refuse(error, "'route' is \"uring\", \"spin\" or \"irqfd\", not '" SHOWN "'",
			      name);
	if (!select_vectors(g, request, &s, error))
		return NULL;
	for (; next_vector(g, &s, &at); nr++)
		vector_routes_set(machine_routes(g->machine), at.function, at.vector, route);
	return json_pack("{s:s, s:I}", "name", g->config->name, "vectors", (json_int_t)nr);
}

static json_t *info(void *ctx, const struct control_request *request, char error[CONTROL_ERROR_MAX])
{
	const struct running_guest *g = ctx;
	json_t *devices = json_array();

	(void)request;
	(void)error;
	for (size_t i = 0; i < g->nr_functions; i++) {
		const struct passthru *p = &g->functions[i];
		char bdf[PCI_BDF_STRLEN];

		(void)json_array_append_new(devices,
					    json_pack("{s:s, s:s, s:I, s:I}", "name", p->irq.name,
						      "bdf", pci_bdf_format(&p->bdf, bdf), "devid",
						      (json_int_t)p->irq.devid, "vectors",
						      (json_int_t)p->irq.nr_vectors));
	}
	return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:o}", "name", g->config->name, "pid",
			 (json_int_t)getpid(), "vcpus", (json_int_t)g->config->vcpus,
			 "memory_bytes", (json_int_t)g->config->memory, "boots",
			 (json_int_t)g->boots, "uptime_ns", (json_int_t)(clock_ns() - g->since_ns),
			 "devices", devices);
}

const struct control_verb control_verbs[] = {
	{ .name = "info", .run = info },
	{ "irqs",
	  { { "device", CONTROL_STRING, false },
	    { "vector", CONTROL_NUMBER, false },
	    { "skip", CONTROL_NUMBER, false } },
	  irqs },
	{ "histogram",
	  { { "device", CONTROL_STRING, false },
	    { "vector", CONTROL_NUMBER, false },
	    { "skip", CONTROL_NUMBER, false },
	    { "set", CONTROL_STRING, false },
	    { "buckets", CONTROL_BOOL, false } },
	  histogram },
	{ "route",
	  { { "device", CONTROL_STRING, false },
	    { "vector", CONTROL_NUMBER, false },
	    { "route", CONTROL_STRING, true } },
	  set_route },
	{ "its", { { "audit", CONTROL_BOOL, false } }, verb_its },
};
const size_t nr_control_verbs = ARRAY_SIZE(control_verbs);
