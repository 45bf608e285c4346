// SPDX-License-Identifier: MIT
/*
 * The verb "histogram": how long interrupts take in itsy; and whether that is recorded.
 *
 * No locks of its own: the thread that owns the machine. The router records meanwhile.
 */
#include "vmm/base/bits.h"
#include "vmm/control/json_member.h"
#include "vmm/control/vector_list.h"
#include "vmm/control/verbs_priv.h"
#include "vmm/irq/vector_routes.h"
#include "vmm/machine/machine.h"

static json_t *histogram_row(const struct running_guest *g, size_t function, unsigned vector)
{
	static const struct {
		const char *name;
		double percent;
	} percentiles[] = { { "p50", 50 }, { "p90", 90 }, { "p99", 99 }, { "p99_9", 99.9 } };
	const struct irq_function *f = &g->functions[function].irq;
	const struct hist *h = irq_function_histogram(f, vector);
	json_t *row = json_pack("{s:s, s:I, s:I}", "device", f->name, "vector", (json_int_t)vector,
				"count", (json_int_t)(h ? hist_count(h) : 0));

	if (!row || !h)
		return row;
	(void)json_object_set_new(row, "min", json_number(hist_min(h)));
	(void)json_object_set_new(row, "max", json_number(hist_max(h)));
	(void)json_object_set_new(row, "mean", json_real(hist_mean(h)));
	for (size_t i = 0; i < ARRAY_SIZE(percentiles); i++)
		if (hist_has_percentile(h, percentiles[i].percent))
			(void)json_object_set_new(
				row, percentiles[i].name,
				json_number(hist_percentile(h, percentiles[i].percent)));
	return row;
}

/* The buckets that are not empty. */
static json_t *buckets_of(const struct hist *h)
{
	json_t *list = json_array();
	struct hist_bucket bucket;
	size_t at = 0;

	while (h && hist_next(h, &at, &bucket)) {
		uint64_t high = bucket.high > INT64_MAX ? INT64_MAX : bucket.high;

		(void)json_array_append_new(
			list, json_pack("{s:I, s:I, s:I}", "low", (json_int_t)bucket.low, "high",
					(json_int_t)high, "count", (json_int_t)bucket.count));
	}
	return list;
}

/* On failure the devices before the one without memory are switched already. */
static int switch_recording(const struct running_guest *g, const struct vector_list *list, bool on,
			    char error[CONTROL_ERROR_MAX])
{
	for (size_t f = list->first; f < list->end; f++) {
		if (irq_function_record(&g->functions[f].irq, on) < 0)
			return control_refuse(error, "not enough memory for histograms of '%.40s'",
					      g->functions[f].irq.name);
		/* Of what goes by irqfd there are no times: auto takes it back. */
		for (unsigned v = 0; v < g->functions[f].irq.nr_vectors; v++)
			vector_routes_review(machine_routes(g->machine), f, v);
	}
	return 0;
}

static bool all_record(const struct running_guest *g, const struct vector_list *list)
{
	for (size_t f = list->first; f < list->end; f++)
		if (g->functions[f].irq.nr_vectors && !irq_function_records(&g->functions[f].irq))
			return false;
	return true;
}

json_t *verb_histogram(void *ctx, const struct control_request *request,
		       char error[CONTROL_ERROR_MAX])
{
	const struct running_guest *g = ctx;
	bool buckets = control_bool(request, "buckets");
	struct vector_list list;
	json_t *reply;

	if (vector_list_choose(g, request, &list, error) < 0)
		return NULL;
	if (buckets && !list.has_vector) {
		(void)control_refuse(error, "'buckets' needs 'device' and 'vector'");
		return NULL;
	}
	if (control_string(request, "set") &&
	    switch_recording(g, &list, control_word(request, "set", 0) == VERB_ON, error) < 0)
		return NULL;
	reply = json_pack("{s:s, s:s, s:b}", "name", g->config->name, "unit", "ns", "recording",
			  all_record(g, &list));
	if (reply && buckets)
		(void)json_object_set_new(reply, "buckets",
					  buckets_of(irq_function_histogram(
						  &g->functions[list.first].irq, list.vector)));
	return vector_list_reply(g, &list, histogram_row, reply);
}
