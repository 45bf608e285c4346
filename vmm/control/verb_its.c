// SPDX-License-Identifier: MIT
/*
 * The verb "its": registers, commands and command errors of the guest's ITSs, and on
 * demand where the guest's tables differ from the shadow.
 *
 * No locks of its own: the thread that owns the machine.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "vitsmod/gits.h"
#include "vitsmod/vits.h"
#include "vmm/base/bits.h"
#include "vmm/control/irqstat.h"
#include "vmm/control/json_member.h"
#include "vmm/control/running_guest.h"
#include "vmm/control/verbs_priv.h"
#include "vmm/machine/machine.h"

/* As many a reply lists; it says how many there are. */
#define DIFFERENCES_MAX 256u

/* A batch of commands takes microseconds: a moment without one is found soon. */
#define AUDIT_TRIES  20u
#define AUDIT_NAP_NS 1000000

/* As a string: many JSON parsers keep numbers as doubles, with 53 bits. */
static json_t *hex(uint64_t value)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "0x%" PRIx64, value);
	return json_string(text);
}

static json_t *registers_json(struct vits *v)
{
	json_t *object = json_object();
	struct vits_register reg;

	for (size_t n = 0; vits_register_get(n, &reg); n++)
		(void)json_object_set_new(object, reg.name,
					  hex(vits_mmio_read(v, reg.offset, reg.size)));
	return object;
}

static json_t *error_json(const struct vits_failure *f)
{
	const char *command = vits_command_name(cmd_opcode(f->cmd));
	const char *error = vits_error_name(f->code);
	json_t *words = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(f->cmd); i++)
		(void)json_array_append_new(words, hex(f->cmd[i]));
	return json_pack("{s:I, s:s*, s:s*, s:o, s:s, s:o, s:o}", "serial", (json_int_t)f->serial,
			 "command", command, "error", error, "code", hex(f->code), "result",
			 f->result == VITS_STALL ? "stalled" : "skipped", "creadr", hex(f->creadr),
			 "words", words);
}

static json_t *errors_json(const struct vits_stats *stats)
{
	json_t *list = json_array();

	for (size_t i = 0; i < stats->nr_last; i++)
		(void)json_array_append_new(list, error_json(&stats->last[i]));
	return list;
}

struct audit {
	json_t *list;
	unsigned long long nr;
};

static void add_difference(void *arg, const struct vits_difference *d)
{
	static const char *const kinds[] = {
		[VITS_DIFFERENT_DTE] = "DTE",
		[VITS_DIFFERENT_ITE] = "ITE",
		[VITS_DIFFERENT_CTE] = "CTE",
	};
	struct audit *audit = arg;
	json_t *entry;

	if (audit->nr++ >= DIFFERENCES_MAX)
		return;
	entry = json_pack("{s:s, s:o, s:b}", "entry", kinds[d->kind], "shadow", hex(d->shadow),
			  "readable", d->readable);
	if (entry && d->kind != VITS_DIFFERENT_CTE)
		(void)json_object_set_new(entry, "devid", json_integer(d->devid));
	if (entry && d->kind == VITS_DIFFERENT_ITE)
		(void)json_object_set_new(entry, "eventid", json_integer(d->eventid));
	if (entry && d->kind == VITS_DIFFERENT_CTE)
		(void)json_object_set_new(entry, "icid", json_integer(d->icid));
	if (entry && d->readable) {
		(void)json_object_set_new(entry, "address", hex(d->gpa));
		(void)json_object_set_new(entry, "table", hex(d->table));
	}
	(void)json_array_append_new(audit->list, entry);
}

/* False: the ITS ran commands at each try. */
static bool add_audit(json_t *its, struct vits *v)
{
	const struct timespec nap = { .tv_nsec = AUDIT_NAP_NS };
	struct audit audit = { .list = json_array() };
	int r = vits_audit(v, add_difference, &audit);

	for (unsigned i = 1; r == -EBUSY && i < AUDIT_TRIES; i++) {
		(void)nanosleep(&nap, NULL);
		r = vits_audit(v, add_difference, &audit);
	}
	(void)json_object_set_new(its, "differences", audit.list);
	(void)json_object_set_new(its, "nr_differences", json_integer((json_int_t)audit.nr));
	return r == 0;
}

static json_t *its_json(const char *name, struct vits *v)
{
	struct vits_stats s;

	vits_stats_get(v, &s);
	return json_pack("{s:s, s:o, s:o, s:o, s:I, s:I, s:I, s:{s:I, s:I, s:I, s:I}}", "name",
			 name, "registers", registers_json(v), "commands",
			 irqstat_commands_json(&s), "errors", errors_json(&s),
			 "unreadable_commands", (json_int_t)s.cmd_unreadable, "ignored_accesses",
			 (json_int_t)s.mmio_ignored, "changed_entries",
			 (json_int_t)s.shadow_differs, "msis", "delivered",
			 (json_int_t)s.msi[VITS_MSI_DELIVER], "disabled",
			 (json_int_t)s.msi[VITS_MSI_DISABLED], "beyond_shadow",
			 (json_int_t)s.msi[VITS_MSI_BEYOND_SHADOW], "unmapped",
			 (json_int_t)s.msi[VITS_MSI_UNMAPPED]);
}

json_t *verb_its(void *ctx, const struct control_request *request, char error[CONTROL_ERROR_MAX])
{
	const struct running_guest *g = ctx;
	json_t *list = json_array();

	for (size_t i = 0; i < g->config->nr_its; i++) {
		struct vits *v = machine_its(g->machine, i);
		json_t *its = its_json(g->config->its[i].name, v);

		if (its && control_bool(request, "audit") && !add_audit(its, v)) {
			(void)snprintf(error, CONTROL_ERROR_MAX,
				       "%s runs commands all the time: try again later",
				       g->config->its[i].name);
			json_decref(its);
			json_decref(list);
			return NULL;
		}
		if (json_array_append_new(list, its) < 0)
			break;
	}
	return json_pack("{s:s, s:o}", "name", g->config->name, "its", list);
}

/* ---- for people ------------------------------------------------------------------- */

static void print_commands(FILE *out, const json_t *its)
{
	json_t *commands = json_object_get(its, "commands"), *one;
	const char *name;

	json_object_foreach(commands, name, one)(void)
		fprintf(out, "  %-12s done %lld, skipped %lld, stalled %lld\n", name,
			member_number(one, "done"), member_number(one, "skipped"),
			member_number(one, "stalled"));
}

static void print_errors(FILE *out, const json_t *its)
{
	const json_t *list = json_object_get(its, "errors");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *f = json_array_get(list, i);

		(void)fprintf(out, "  error %lld: %s %s (%s) at %s\n", member_number(f, "serial"),
			      member_string(f, "command"), member_string(f, "error"),
			      member_string(f, "code"), member_string(f, "creadr"));
	}
}

static void print_difference(FILE *out, const json_t *d)
{
	const json_t *icid = json_object_get(d, "icid"), *event = json_object_get(d, "eventid");

	(void)fprintf(out, "  %s of ", member_string(d, "entry"));
	if (icid)
		(void)fprintf(out, "collection %lld", json_integer_value(icid));
	else
		(void)fprintf(out, "DeviceID 0x%04llx", member_number(d, "devid"));
	if (event)
		(void)fprintf(out, ", EventID %lld", json_integer_value(event));
	(void)fprintf(out, ", at %s: %s, should be %s\n", member_string(d, "address"),
		      json_is_true(json_object_get(d, "readable")) ? member_string(d, "table")
								   : "not readable",
		      member_string(d, "shadow"));
}

static void print_its(FILE *out, const json_t *its)
{
	const json_t *list = json_object_get(its, "differences");
	json_t *registers = json_object_get(its, "registers"), *value;
	const char *name;

	(void)fprintf(out, "%s:\n", member_string(its, "name"));
	json_object_foreach(registers, name, value)(void)
		fprintf(out, "  %-12s %s\n", name, json_string_value(value));
	print_commands(out, its);
	print_errors(out, its);
	(void)fprintf(out, "  table entries found changed: %lld\n",
		      member_number(its, "changed_entries"));
	if (!list)
		return;
	(void)fprintf(out, "  entries that differ from the shadow: %lld\n",
		      member_number(its, "nr_differences"));
	for (size_t i = 0; i < json_array_size(list); i++)
		print_difference(out, json_array_get(list, i));
}

int verb_its_print(const json_t *request, const json_t *reply, FILE *out)
{
	const json_t *list = json_object_get(reply, "its");

	(void)request;
	for (size_t i = 0; i < json_array_size(list); i++)
		print_its(out, json_array_get(list, i));
	return 0;
}
