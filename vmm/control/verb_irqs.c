// SPDX-License-Identifier: MIT
/*
 * The verb "irqs": a row for each vector, with its route, its target and its counters.
 *
 * No locks of its own: the thread that owns the machine. Other threads count meanwhile,
 * so that numbers of one reply may be an interrupt apart.
 */
#include "vmm/base/clock.h"
#include "vmm/control/json_member.h"
#include "vmm/control/vector_list.h"
#include "vmm/control/verbs_priv.h"
#include "vmm/irq/counters.h"
#include "vmm/irq/vector_routes.h"
#include "vmm/machine/machine.h"

static void add_counters(json_t *row, const struct vector_counts *c)
{
	for (unsigned i = 0; i < NR_VECTOR_COUNTERS; i++)
		(void)json_object_set_new(row, vector_counters[i].name,
					  json_number(vector_counter_get(c, i)));
}

/* Where an interrupt would go now; else where the last one went; else nothing is added. */
static void add_target(json_t *row, const struct irq_function *f, unsigned vector)
{
	struct vector_last last;
	struct vits_event event;
	uint32_t eventid;

	if (irq_function_target(f, vector, &eventid, &event)) {
		(void)json_object_set_new(row, "eventid", json_number(eventid));
		if (event.mapped)
			(void)json_object_set_new(row, "lpi", json_number(event.intid));
		if (event.delivering)
			(void)json_object_set_new(row, "vcpu", json_number(event.vcpu));
	} else if (vector_last_get(&f->vectors[vector], &last)) {
		(void)json_object_set_new(row, "eventid", json_number(last.eventid));
		(void)json_object_set_new(row, "lpi", json_number(last.lpi));
		(void)json_object_set_new(row, "vcpu", json_number(last.vcpu));
	}
}

static json_t *irq_row(const struct running_guest *g, size_t function, unsigned vector)
{
	const struct irq_function *f = &g->functions[function].irq;
	const struct vector_counts *c = &f->vectors[vector];
	const struct route_state route =
		vector_routes_get(machine_routes(g->machine), function, vector);
	uint64_t last_ns;
	json_t *row = json_pack("{s:s, s:I, s:I, s:s, s:s, s:b, s:s, s:I}", "device", f->name,
				"vector", (json_int_t)vector, "devid", (json_int_t)f->devid,
				"route", route_name(route.is), "asked", route_name(route.asked),
				"changing", route.changing, "why", route_why_name(route.why),
				"since_ns", (json_int_t)route.since_ns);

	if (!row)
		return NULL;
	vector_routes_count(machine_routes(g->machine), function, vector);
	last_ns = c->last_ns;
	if (last_ns)
		(void)json_object_set_new(row, "last_ns", json_number(last_ns));
	add_counters(row, c);
	if (vector_tied_word(c))
		(void)json_object_set_new(row, "tied_is", json_string(vector_tied_word(c)));
	add_target(row, f, vector);
	return row;
}

json_t *verb_irqs(void *ctx, const struct control_request *request, char error[CONTROL_ERROR_MAX])
{
	const struct running_guest *g = ctx;
	struct vector_list list;

	if (vector_list_choose(g, request, &list, error) < 0)
		return NULL;
	return vector_list_reply(
		g, &list, irq_row,
		json_pack("{s:s, s:I}", "name", g->config->name, "now_ns", (json_int_t)clock_ns()));
}
