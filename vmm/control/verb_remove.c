// SPDX-License-Identifier: MIT
/*
 * A device is taken out of the running guest, and put back. No locks: the thread that owns the
 * machine.
 */
#include <assert.h>

#include "vmm/base/bits.h"
#include "vmm/control/json_member.h"
#include "vmm/control/vector_list.h"
#include "vmm/control/verbs_priv.h"
#include "vmm/machine/machine.h"

/* What is behind the port, or was removed from there, by name. */
static json_t *devices_behind(const struct running_guest *g, unsigned port, bool removed)
{
	json_t *devices = json_array();

	for (size_t i = 0; i < g->nr_functions; i++)
		if (g->functions[i].root_port && g->functions[i].removed == removed &&
		    g->functions[i].devfn / PCI_HOST_SIBLINGS == port)
			(void)json_array_append_new(devices, json_string(g->functions[i].irq.name));
	return devices;
}

/* NULL: it can be taken out. */
static const char *obstacle_of(const struct passthru *p)
{
	if (p->removed)
		return "was removed before";
	return p->root_port ? NULL
			    : "is not behind a root port (root-port = on): it stays until the "
			      "guest ends";
}

json_t *verb_remove(void *ctx, const struct control_request *request, char error[CONTROL_ERROR_MAX])
{
	const struct running_guest *g = ctx;
	bool force = control_bool(request, "force");
	const char *obstacle;
	struct vector_list list;
	const struct passthru *p;
	json_t *devices;
	unsigned port;

	if (vector_list_choose(g, request, &list, error) < 0)
		return NULL;
	assert(list.end == list.first + 1); /* the device is required */
	p = &g->functions[list.first];
	port = p->devfn / PCI_HOST_SIBLINGS;
	obstacle = obstacle_of(p);
	if (!obstacle && !force && machine_press(g->machine, port) < 0)
		obstacle = "is not in its slot";
	if (obstacle) {
		(void)control_refuse(error, "'%.40s' %s", p->irq.name, obstacle);
		return NULL;
	}
	devices = devices_behind(g, port, false);
	if (force)
		machine_unplug(g->machine, port);
	return json_pack("{s:s, s:b, s:o}", "name", g->config->name, "removed", force, "devices",
			 devices);
}

int verb_remove_print(const json_t *request, const json_t *reply, FILE *out)
{
	const json_t *devices = json_object_get(reply, "devices");
	bool removed = json_is_true(json_object_get(reply, "removed"));

	(void)request;
	for (size_t i = 0; i < json_array_size(devices); i++)
		(void)fprintf(out, "%s: %s\n", json_string_value(json_array_get(devices, i)),
			      removed ? "removed" : "the guest was asked to let go of it");
	return 0;
}

json_t *verb_add(void *ctx, const struct control_request *request, char error[CONTROL_ERROR_MAX])
{
	const struct running_guest *g = ctx;
	struct failure failure = { 0 };
	struct vector_list list;
	const struct passthru *p;
	json_t *devices;
	unsigned port;

	if (vector_list_choose(g, request, &list, error) < 0)
		return NULL;
	assert(list.end == list.first + 1); /* the device is required */
	p = &g->functions[list.first];
	port = p->devfn / PCI_HOST_SIBLINGS;
	if (!p->removed) {
		(void)control_refuse(error, "'%.40s' is in the guest", p->irq.name);
		return NULL;
	}
	devices = devices_behind(g, port, true);
	if (machine_plug(g->machine, port, &failure) < 0) {
		json_decref(devices);
		(void)control_refuse(error, "%.40s: %.120s%s%.80s", failure.object, failure.cause,
				     failure.cure[0] ? ": " : "", failure.cure);
		return NULL;
	}
	return json_pack("{s:s, s:o}", "name", g->config->name, "devices", devices);
}

int verb_add_print(const json_t *request, const json_t *reply, FILE *out)
{
	const json_t *devices = json_object_get(reply, "devices");

	(void)request;
	for (size_t i = 0; i < json_array_size(devices); i++)
		(void)fprintf(out, "%s: added\n", json_string_value(json_array_get(devices, i)));
	return 0;
}
