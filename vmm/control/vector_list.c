// SPDX-License-Identifier: MIT
/* The vectors that a request is about. No locks: the thread that owns the machine. */
#include "vmm/control/vector_list.h"

#include <stdio.h>
#include <string.h>

#include "vmm/base/suggest.h"

#define LIST_SZ 128u
#define SHOWN	"%.40s" /* as much of a wrong name as an error shows */

/* "disk, net": those that there are, cut where they do not fit. */
static void list_names(const char *const names[], size_t nr, char *out, size_t cap)
{
	size_t at = 0;

	for (size_t i = 0; i < nr && at < cap; i++)
		at += (size_t)snprintf(out + at, cap - at, "%s%s", i ? ", " : "", names[i]);
}

static int unknown_device(const struct running_guest *g, const char *name,
			  char error[CONTROL_ERROR_MAX])
{
	const char *names[CONFIG_MAX_DEVICES], *near;
	char all[LIST_SZ] = "";

	for (size_t i = 0; i < g->nr_functions; i++)
		names[i] = g->functions[i].irq.name;
	near = suggest(name, names, g->nr_functions);
	if (near)
		return control_refuse(error, "there is no device '" SHOWN "': did you mean '%s'?",
				      name, near);
	list_names(names, g->nr_functions, all, sizeof(all));
	return control_refuse(error, "there is no device '" SHOWN "': this guest has %s", name,
			      all[0] ? all : "none");
}

int vector_list_choose(const struct running_guest *g, const struct control_request *request,
		       struct vector_list *ret_list, char error[CONTROL_ERROR_MAX])
{
	const char *device = control_string(request, "device");
	unsigned long long vector = control_number(request, "vector", UINT64_MAX);
	size_t f = 0;

	*ret_list = (struct vector_list){
		.end = g->nr_functions,
		.skip = control_number(request, "skip", 0),
	};
	if (!device)
		return vector == UINT64_MAX ? 0 : control_refuse(error, "'vector' needs 'device'");
	while (f < g->nr_functions && strcmp(g->functions[f].irq.name, device) != 0)
		f++;
	if (f == g->nr_functions)
		return unknown_device(g, device, error);
	ret_list->first = f;
	ret_list->end = f + 1;
	if (vector == UINT64_MAX)
		return 0;
	if (vector >= g->functions[f].irq.nr_vectors)
		return control_refuse(error, "'" SHOWN "' has no vector %llu: it has %u, from 0 on",
				      device, vector, g->functions[f].irq.nr_vectors);
	ret_list->has_vector = true;
	ret_list->vector = (unsigned)vector;
	return 0;
}

bool vector_list_next(const struct running_guest *g, const struct vector_list *list,
		      struct vector_position *at)
{
	if (!at->begun)
		*at = (struct vector_position){ list->first, list->has_vector ? list->vector : 0,
						true };
	else if (list->has_vector)
		at->function = list->end;
	else
		at->vector++;
	/* On to the next function with vectors. */
	while (at->function < list->end &&
	       (!passthru_is_known(&g->functions[at->function]) ||
		at->vector >= g->functions[at->function].irq.nr_vectors)) {
		at->function++;
		at->vector = 0;
	}
	return at->function < list->end;
}

json_t *vector_list_reply(const struct running_guest *g, const struct vector_list *list,
			  vector_row *row, json_t *reply)
{
	unsigned long long skip = list->skip;
	struct vector_position at = { 0 };
	json_t *rows = json_array();
	bool more = false;

	while (vector_list_next(g, list, &at) && !more) {
		if (skip) {
			skip--;
			continue;
		}
		more = json_array_size(rows) == VECTOR_LIST_MAX;
		if (!more && json_array_append_new(rows, row(g, at.function, at.vector)) < 0) {
			json_decref(rows);
			rows = NULL;
			break;
		}
	}
	if (json_object_set_new(reply, "vectors", rows) == 0 &&
	    json_object_set_new(reply, "more", json_boolean(more)) == 0)
		return reply;
	json_decref(reply);
	return NULL;
}
