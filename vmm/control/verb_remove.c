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
	if (p->vacant)
		return "is a root port that is free";
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

static json_t *cannot_add(const struct failure *failure, char error[CONTROL_ERROR_MAX])
{
	(void)control_refuse(error, "%.40s: %.120s%s%.80s", failure->object, failure->cause,
			     failure->cure[0] ? ": " : "", failure->cure);
	return NULL;
}

/* What was removed comes back, from VFIO, to which somebody has bound it. */
static json_t *put_back(const struct running_guest *g, const struct passthru *p,
			char error[CONTROL_ERROR_MAX])
{
	const unsigned port = p->devfn / PCI_HOST_SIBLINGS;
	json_t *devices = devices_behind(g, port, true);
	struct failure failure = { 0 };

	if (machine_plug(g->machine, port, &failure) < 0) {
		json_decref(devices);
		return cannot_add(&failure, error);
	}
	return json_pack("{s:s, s:o}", "name", g->config->name, "devices", devices);
}

/* The place for a function that is offered: of the device that it was, or any that is vacant. */
static struct passthru *place_for(const struct running_guest *g, struct passthru *named,
				  const struct pci_bdf *bdf, char error[CONTROL_ERROR_MAX])
{
	if (named && pci_bdf_equal(&named->bdf, bdf))
		return named;
	for (size_t i = 0; i < g->nr_functions; i++) {
		if (pci_bdf_equal(&g->functions[i].bdf, bdf) && !g->functions[i].vacant) {
			(void)control_refuse(error, "it is device '%.40s' of the guest",
					     g->functions[i].irq.name);
			return NULL;
		}
	}
	for (size_t i = 0; !named && i < g->nr_functions; i++)
		if (g->functions[i].vacant)
			return &g->functions[i];
	if (named)
		(void)control_refuse(error, "that is another function than device '%.40s' was",
				     named->irq.name);
	else
		(void)control_refuse(error, "no root port is free: hotplug-ports = %u",
				     g->config->hotplug_ports);
	return NULL;
}

static int read_offer(const struct control_request *request, struct passthru_offer *ret_offer,
		      char error[CONTROL_ERROR_MAX])
{
	struct control_files *files = request->files;

	*ret_offer = (struct passthru_offer){
		.bound = control_bool(request, "bound"),
		.right = files ? files->fd[0] : -1,
		.file = { .group = (int)control_number(request, "group", 0), .fd = -1 },
		.has_route = control_string(request, "route") != NULL,
		.route = (enum route)control_word(request, "route", ROUTE_AUTO),
	};
	if (pci_bdf_parse(control_string(request, "function"), &ret_offer->bdf) < 0)
		return control_refuse(error, "'function' is no PCI address");
	if (ret_offer->right < 0)
		return control_refuse(error, "the right to the function has to come along, as by "
					     "itsy ctl");
	ret_offer->file.fd = TAKE_FD(files->fd[1]);
	return 0;
}

static json_t *adopt(const struct running_guest *g, struct passthru *named,
		     const struct control_request *request, char error[CONTROL_ERROR_MAX])
{
	struct failure failure = { 0 };
	struct passthru_offer offer;
	struct passthru *p;
	int r;

	if (read_offer(request, &offer, error) < 0)
		return NULL;
	p = place_for(g, named, &offer.bdf, error);
	r = p ? machine_adopt(g->machine, (size_t)(p - g->functions), &offer, &failure) : 0;
	cleanup_fd(&offer.file.fd);
	if (r < 0)
		return cannot_add(&failure, error);
	return p ? json_pack("{s:s, s:[s]}", "name", g->config->name, "devices", p->irq.name)
		 : NULL;
}

json_t *verb_add(void *ctx, const struct control_request *request, char error[CONTROL_ERROR_MAX])
{
	const struct running_guest *g = ctx;
	const bool is_offered = control_string(request, "function") != NULL;
	struct passthru *p = NULL;
	struct vector_list list;

	if (vector_list_choose(g, request, &list, error) < 0)
		return NULL;
	if (control_string(request, "device"))
		p = &g->functions[list.first];
	else if (!is_offered)
		(void)control_refuse(error, "'device' or 'function' is needed");
	if (p && (!p->removed || p->vacant)) {
		(void)control_refuse(error, "'%.40s' %s", p->irq.name,
				     p->vacant ? "is a root port that is free: add a BDF"
					       : "is in the guest");
		return NULL;
	}
	if (is_offered)
		return adopt(g, p, request, error);
	return p ? put_back(g, p, error) : NULL;
}

int verb_add_print(const json_t *request, const json_t *reply, FILE *out)
{
	const json_t *devices = json_object_get(reply, "devices");

	(void)request;
	for (size_t i = 0; i < json_array_size(devices); i++)
		(void)fprintf(out, "%s: added\n", json_string_value(json_array_get(devices, i)));
	return 0;
}
