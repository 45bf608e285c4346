// SPDX-License-Identifier: MIT
/*
 * The table of verbs, and those that are short.
 *
 * No locks of its own: the thread that owns the machine.
 */
#include "vmm/control/verbs.h"

#include <assert.h>
#include <errno.h>
#include <unistd.h>

#include "vmm/base/bits.h"
#include "vmm/base/clock.h"
#include "vmm/base/report.h"
#include "vmm/config/config_place.h"
#include "vmm/control/irqview.h"
#include "vmm/control/json_member.h"
#include "vmm/control/stop.h"
#include "vmm/control/vector_list.h"
#include "vmm/control/verbs_priv.h"
#include "vmm/irq/vector_routes.h"
#include "vmm/kvm/layout.h"
#include "vmm/machine/machine.h"

/* ---- info -------------------------------------------------------------------------- */

static json_t *info(void *ctx, const struct control_request *request, char error[CONTROL_ERROR_MAX])
{
	const struct running_guest *g = ctx;
	json_t *devices = json_array();

	(void)request;
	(void)error;
	for (size_t i = 0; i < g->nr_functions; i++) {
		const struct passthru *p = &g->functions[i];
		char bdf[PCI_BDF_STRLEN], at[CONFIG_PLACE_STRLEN];

		if (p->vacant)
			continue;
		(void)json_array_append_new(
			devices, json_pack("{s:s, s:s, s:s, s:I, s:I, s:b}", "name", p->irq.name,
					   "bdf", pci_bdf_format(&p->bdf, bdf), "at",
					   config_place_format(p->devfn, at), "devid",
					   (json_int_t)p->irq.devid, "vectors",
					   (json_int_t)p->irq.nr_vectors, "removed",
					   p->removed && !p->vacant));
	}
	return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:b, s:b, s:b, s:s, s:s*, s:o}", "name",
			 g->config->name, "pid", (json_int_t)g->pid, "vcpus",
			 (json_int_t)g->config->vcpus, "memory_bytes",
			 (json_int_t)g->config->memory, "boots", (json_int_t)g->boots, "uptime_ns",
			 (json_int_t)(clock_ns() - g->since_ns), "paused",
			 machine_is_frozen(g->machine), "stopping", g->stop->asked, "panicked",
			 machine_has_panicked(g->machine), "console", g->console, "iommu", g->iommu,
			 "devices", devices);
}

static int info_print(const json_t *request, const json_t *reply, FILE *out)
{
	const json_t *devices = json_object_get(reply, "devices");
	char time[IRQVIEW_TIME_SZ];

	(void)request;
	(void)fprintf(out, "%s: process %lld, %lld vCPU%s, %lld MiB, boot %lld, up %s%s%s%s\n",
		      member_string(reply, "name"), member_number(reply, "pid"),
		      member_number(reply, "vcpus"),
		      plural((unsigned long long)member_number(reply, "vcpus")),
		      member_number(reply, "memory_bytes") / (json_int_t)MiB,
		      member_number(reply, "boots"),
		      irqview_time((uint64_t)member_number(reply, "uptime_ns"), time),
		      json_is_true(json_object_get(reply, "paused")) ? ", paused" : "",
		      json_is_true(json_object_get(reply, "stopping")) ? ", asked to power off"
								       : "",
		      json_is_true(json_object_get(reply, "panicked")) ? ", panicked" : "");
	for (size_t i = 0; i < json_array_size(devices); i++) {
		const json_t *d = json_array_get(devices, i);

		(void)fprintf(
			out, "%s: %s, %s on the guest's bus, DeviceID 0x%04llx, %lld vector%s%s\n",
			member_string(d, "name"), member_string(d, "bdf"), member_string(d, "at"),
			member_number(d, "devid"), member_number(d, "vectors"),
			plural((unsigned long long)member_number(d, "vectors")),
			json_is_true(json_object_get(d, "removed")) ? ", removed" : "");
	}
	return 0;
}

/* ---- route ------------------------------------------------------------------------- */

static json_t *set_route(void *ctx, const struct control_request *request,
			 char error[CONTROL_ERROR_MAX])
{
	const struct running_guest *g = ctx;
	const enum route route = (enum route)control_word(request, "route", NR_ROUTES);
	struct vector_position at = { 0 };
	struct vector_list list;
	unsigned nr = 0;

	assert(route < NR_ROUTES); /* it is required */
	if (vector_list_choose(g, request, &list, error) < 0)
		return NULL;
	for (; vector_list_next(g, &list, &at); nr++)
		vector_routes_set(machine_routes(g->machine), at.function, at.vector, route);
	return json_pack("{s:s, s:I}", "name", g->config->name, "vectors", (json_int_t)nr);
}

static int route_print(const json_t *request, const json_t *reply, FILE *out)
{
	(void)fprintf(out, "%lld vector%s: %s\n", member_number(reply, "vectors"),
		      plural((unsigned long long)member_number(reply, "vectors")),
		      member_string(request, "route"));
	return 0;
}

/* ---- pause, resume ----------------------------------------------------------------- */

static json_t *pause_guest(void *ctx, const struct control_request *request,
			   char error[CONTROL_ERROR_MAX])
{
	const struct running_guest *g = ctx;

	(void)request;
	(void)error;
	machine_freeze(g->machine);
	return json_pack("{s:s, s:b}", "name", g->config->name, "paused", true);
}

static json_t *resume_guest(void *ctx, const struct control_request *request,
			    char error[CONTROL_ERROR_MAX])
{
	const struct running_guest *g = ctx;

	(void)request;
	(void)error;
	machine_thaw(g->machine);
	return json_pack("{s:s, s:b}", "name", g->config->name, "paused", false);
}

static int paused_print(const json_t *request, const json_t *reply, FILE *out)
{
	(void)request;
	(void)fprintf(out, "the guest %s\n",
		      json_is_true(json_object_get(reply, "paused")) ? "is paused" : "goes on");
	return 0;
}

/* ---- reset ------------------------------------------------------------------------- */

/* One that is to power off is not started again. */
static json_t *reset(void *ctx, const struct control_request *request,
		     char error[CONTROL_ERROR_MAX])
{
	const struct running_guest *g = ctx;

	(void)request;
	if (g->stop->asked) {
		(void)control_refuse(error, "the guest was asked to power off; to cut its power: "
					    "stop --now");
		return NULL;
	}
	machine_reset(g->machine);
	return json_pack("{s:s}", "name", g->config->name);
}

static int reset_print(const json_t *request, const json_t *reply, FILE *out)
{
	(void)request;
	(void)reply;
	(void)fprintf(out, "the guest is reset\n");
	return 0;
}

/* ---- the table --------------------------------------------------------------------- */

static const char *on_off(unsigned index)
{
	return index == VERB_ON ? "on" : "off";
}

/* For verbs that only change something. */
static int print_nothing(const json_t *request, const json_t *reply, FILE *out)
{
	(void)request;
	(void)reply;
	(void)out;
	return 0;
}

const struct control_verb control_verbs[] = {
	{
		.name = "info",
		.help = "what it is, and since when (the default)",
		.run = info,
		.print = info_print,
	},
	{
		.name = "irqs",
		.help = "its vectors: mapping, route, counts, rates",
		.arguments = {
			{ .name = "device", .type = CONTROL_STRING, .typed = "[DEVICE[/VECTOR]]" },
			VECTOR_LIST_VECTOR, VECTOR_LIST_SKIP,
		},
		.run = verb_irqs,
		/* Not printed from one reply: rates take two, vmm/cli/cmd_ctl.c. */
	},
	{
		.name = "histogram",
		.help = "record the time each interrupt takes in itsy",
		.arguments = {
			VECTOR_LIST_DEVICE, VECTOR_LIST_VECTOR, VECTOR_LIST_SKIP,
			{ .name = "set", .type = CONTROL_WORD, .word = on_off, .nr_words = 2,
			  .typed = "" },
			{ .name = "buckets", .type = CONTROL_BOOL },
		},
		.run = verb_histogram,
		.print = print_nothing,
	},
	{
		.name = "route",
		.help = "change the route while interrupts come; DEVICE may be \"all\"",
		.arguments = {
			{ .name = "device", .type = CONTROL_STRING, .typed = "DEVICE[/VECTOR]" },
			VECTOR_LIST_VECTOR,
			{ .name = "route", .type = CONTROL_WORD, .required = true,
			  .word = route_word, .nr_words = NR_ROUTES, .typed = "" },
		},
		.run = set_route,
		.print = route_print,
	},
	{
		.name = "remove",
		.help = "take a device out that is behind a root port",
		.arguments = {
			{ .name = "device", .type = CONTROL_STRING, .required = true,
			  .typed = "DEVICE" },
			{ .name = "force", .type = CONTROL_BOOL },
		},
		.run = verb_remove,
		.print = verb_remove_print,
	},
	{
		.name = "add",
		.help = "give it a function, or put back a device that was removed",
		.arguments = {
			{ .name = "device", .type = CONTROL_STRING,
			  .typed = "DEVICE|BDF[,route=ROUTE]" },
			{ .name = "function", .type = CONTROL_STRING },
			{ .name = "group", .type = CONTROL_NUMBER },
			{ .name = "bound", .type = CONTROL_BOOL },
			{ .name = "route", .type = CONTROL_WORD, .word = route_word,
			  .nr_words = NR_ROUTES },
		},
		.run = verb_add,
		.print = verb_add_print,
	},
	{
		.name = "pause",
		.help = "have its vCPUs run no further",
		.run = pause_guest,
		.print = paused_print,
	},
	{
		.name = "resume",
		.help = "have them go on",
		.run = resume_guest,
		.print = paused_print,
	},
	{
		.name = "reset",
		.help = "reset it, as by a reset button",
		.run = reset,
		.print = reset_print,
	},
	{
		.name = "stop",
		.help = "ask it to power off, as by its power button",
		.arguments = { { .name = "now", .type = CONTROL_BOOL } },
		.run = verb_stop,
		.print = verb_stop_print,
	},
	{
		.name = "its",
		.help = "its ITSs: registers, commands, errors",
		.arguments = { { .name = "audit", .type = CONTROL_BOOL } },
		.run = verb_its,
		.print = verb_its_print,
	},
	{
		.name = "metrics",
		.help = "its counters, for Prometheus",
		.run = verb_metrics,
		/* Not printed from one reply: those of vectors are in "irqs", vmm/cli/cmd_ctl.c. */
	},
};
const size_t nr_control_verbs = ARRAY_SIZE(control_verbs);
