// SPDX-License-Identifier: MIT
/*
 * Scripts and their text form.
 */
#include "tests/oracle/script.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "vitsmod/bits.h"

#define A(arg) (UINT32_C(1) << ARG_##arg)
#define TABLE  (A(V) | A(AREA) | A(PAGES) | A(PAGE) | A(INDIRECT) | A(L1))
#define EVENT  (A(DEV) | A(EVENT) | A(NOISE))

/* clang-format off */
static const struct {
	const char *name;
	uint32_t args;
} kinds[NR_STEP_KINDS] = {
	[STEP_MAPD] =	     { "mapd",	      A(DEV) | A(SIZE) | A(ITT) | A(V) | A(NOISE) },
	[STEP_MAPC] =	     { "mapc",	      A(ICID) | A(RD) | A(V) | A(NOISE) },
	[STEP_MAPTI] =	     { "mapti",	      EVENT | A(INTID) | A(ICID) },
	[STEP_MAPI] =	     { "mapi",	      EVENT | A(ICID) },
	[STEP_MOVI] =	     { "movi",	      EVENT | A(ICID) },
	[STEP_DISCARD] =     { "discard",     EVENT },
	[STEP_INT] =	     { "int",	      EVENT },
	[STEP_CLEAR] =	     { "clear",	      EVENT },
	[STEP_INV] =	     { "inv",	      EVENT },
	[STEP_INVALL] =	     { "invall",      A(ICID) | A(NOISE) },
	[STEP_MOVALL] =	     { "movall",      A(RD) | A(RD2) | A(NOISE) },
	[STEP_SYNC] =	     { "sync",	      A(RD) | A(COUNT) | A(NOISE) },
	[STEP_OPCODE] =	     { "opcode",      A(VALUE) | A(NOISE) },
	[STEP_MSI] =	     { "msi",	      A(DEV) | A(EVENT) },
	[STEP_BYTE] =	     { "byte",	      A(INTID) | A(VALUE) },
	[STEP_ZERO] =	     { "zero",	      A(ITT) },
	[STEP_CTLR] =	     { "ctlr",	      A(VALUE) },
	[STEP_DEVICES] =     { "devices",     TABLE },
	[STEP_COLLECTIONS] = { "collections", TABLE },
	[STEP_QUEUE] =	     { "queue",	      A(V) | A(AREA) | A(PAGES) },
	[STEP_BEYOND] =	     { "beyond",      A(VALUE) },
[STEP_RETRY] =	     { "retry",	      0 },
	[STEP_RESET] = { "reset", 0 },
	[STEP_SAVE] = { "save", 0 },
};
/* clang-format on */

static const char *const arg_names[NR_ARGS] = {
	[ARG_DEV] = "dev",	   [ARG_EVENT] = "event", [ARG_INTID] = "intid",
	[ARG_ICID] = "icid",	   [ARG_SIZE] = "size",	  [ARG_ITT] = "itt",
	[ARG_RD] = "rd",	   [ARG_RD2] = "rd2",	  [ARG_V] = "v",
	[ARG_COUNT] = "count",	   [ARG_VALUE] = "value", [ARG_AREA] = "area",
	[ARG_PAGES] = "pages",	   [ARG_PAGE] = "page",	  [ARG_INDIRECT] = "indirect",
	[ARG_L1] = "second-level", [ARG_NOISE] = "noise",
};

static const char *const cfg_names[NR_CFG] = {
	[CFG_VCPUS] = "vcpus",
	[CFG_DEVID_BITS] = "devid-bits",
	[CFG_EVENTID_BITS] = "eventid-bits",
	[CFG_LPIS] = "lpis",
	[CFG_STALL] = "stall",
	[CFG_BATCH] = "batch",
	[CFG_GROUP] = "group",
	[CFG_NO_PROPBASER] = "no-propbaser",
	[CFG_FOREIGN] = "foreign",
};

enum { FUNCTION_DEV, FUNCTION_EVENTS, NR_FUNCTION_ARGS };
static const char *const function_names[NR_FUNCTION_ARGS] = { "dev", "events" };

const char *step_name(enum step_kind kind)
{
	return kinds[kind].name;
}

bool step_has(enum step_kind kind, enum step_arg arg)
{
	return kinds[kind].args >> arg & 1;
}

bool script_add(struct script *script, const struct step *step)
{
	if (script->nr_steps == SCRIPT_STEPS)
		return false;
	script->steps[script->nr_steps++] = *step;
	return true;
}

int script_function(const struct script *script, uint32_t devid)
{
	for (size_t i = 0; i < script->nr_functions; i++) {
		if (script->functions[i].devid == devid)
			return (int)i;
	}
	return -1;
}

/*
 * Writing
 */

static void print_value(const char *name, uint64_t value, FILE *to)
{
	if (value)
		fprintf(to, value < 10 ? " %s=%" PRIu64 : " %s=%#" PRIx64, name, value);
}

void step_print(const struct step *step, FILE *to)
{
	fputs(kinds[step->kind].name, to);
	for (unsigned i = 0; i < NR_ARGS; i++) {
		if (step_has(step->kind, i))
			print_value(arg_names[i], step->arg[i], to);
	}
}

void script_print(const struct script *script, FILE *to)
{
	fputs("config", to);
	for (unsigned i = 0; i < NR_CFG; i++)
		print_value(cfg_names[i], script->cfg[i], to);
	fputc('\n', to);
	for (size_t i = 0; i < script->nr_functions; i++) {
		fputs("function", to);
		print_value("dev", script->functions[i].devid, to);
		print_value("events", script->functions[i].nr_events, to);
		fputc('\n', to);
	}
	for (size_t i = 0; i < script->nr_steps; i++) {
		step_print(&script->steps[i], to);
		fputc('\n', to);
	}
}

/*
 * Reading
 */

/* "name=value ...": known names only, each into its place. */
static bool read_values(char *text, const char *const *names, unsigned nr, uint64_t *ret_values)
{
	char *rest = NULL;

	for (char *word = strtok_r(text, " \t\n", &rest); word;
	     word = strtok_r(NULL, " \t\n", &rest)) {
		char *eq = strchr(word, '=');
		char *end;
		unsigned i;

		if (!eq)
			return false;
		*eq = '\0';
		for (i = 0; i < nr && strcmp(word, names[i]) != 0; i++)
			;
		errno = 0;
		if (i == nr || eq[1] == '-' || eq[1] == '\0')
			return false;
		ret_values[i] = strtoull(eq + 1, &end, 0);
		if (*end || errno)
			return false;
	}
	return true;
}

static bool read_function(char *text, struct script *script)
{
	uint64_t values[NR_FUNCTION_ARGS] = { 0 };

	if (script->nr_functions == SCRIPT_FUNCTIONS ||
	    !read_values(text, function_names, NR_FUNCTION_ARGS, values) ||
	    values[FUNCTION_DEV] > UINT32_MAX || values[FUNCTION_EVENTS] > UINT32_MAX)
		return false;
	script->functions[script->nr_functions++] = (struct script_function){
		.devid = (uint32_t)values[FUNCTION_DEV],
		.nr_events = (uint32_t)values[FUNCTION_EVENTS],
	};
	return true;
}

static bool read_line(char *line, struct script *script)
{
	size_t len = strcspn(line, " \t\n");
	char *rest = line + len + (line[len] != '\0');
	struct step step = { 0 };

	line[len] = '\0';
	if (len == 0 || line[0] == '#')
		return true;
	if (strcmp(line, "config") == 0)
		return read_values(rest, cfg_names, NR_CFG, script->cfg);
	if (strcmp(line, "function") == 0)
		return read_function(rest, script);
	while (step.kind < NR_STEP_KINDS && strcmp(line, kinds[step.kind].name) != 0)
		step.kind++;
	if (step.kind == NR_STEP_KINDS || !read_values(rest, arg_names, NR_ARGS, step.arg))
		return false;
	for (unsigned i = 0; i < NR_ARGS; i++) {
		if (step.arg[i] && !step_has(step.kind, i))
			return false;
	}
	return script_add(script, &step);
}

int script_read(FILE *from, struct script *ret_script, unsigned *ret_line)
{
	char line[512];

	memset(ret_script, 0, sizeof(*ret_script));
	for (*ret_line = 1; fgets(line, sizeof(line), from); (*ret_line)++) {
		if (!read_line(line, ret_script))
			return -EINVAL;
	}
	return 0;
}

/*
 * The universe
 */

static bool add_number(struct numbers *numbers, uint64_t number)
{
	for (size_t i = 0; i < numbers->nr; i++) {
		if (numbers->at[i] == number)
			return true;
	}
	if (numbers->nr == UNIVERSE_MAX)
		return false;
	numbers->at[numbers->nr++] = number;
	return true;
}

static bool add_step(struct universe *u, const struct step *step)
{
	struct {
		enum step_arg arg;
		struct numbers *numbers;
	} places[] = {
		{ ARG_DEV, &u->devids },   { ARG_EVENT, &u->eventids }, { ARG_ICID, &u->icids },
		{ ARG_INTID, &u->intids }, { ARG_ITT, &u->itts },
	};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		if (step_has(step->kind, places[i].arg) &&
		    !add_number(places[i].numbers, step->arg[places[i].arg]))
			return false;
	}
	return step->kind != STEP_MAPI || add_number(&u->intids, step->arg[ARG_EVENT]);
}

bool universe_of(const struct script *script, struct universe *ret_universe)
{
	memset(ret_universe, 0, sizeof(*ret_universe));
	for (size_t i = 0; i < script->nr_functions; i++) {
		if (!add_number(&ret_universe->devids, script->functions[i].devid))
			return false;
	}
	for (size_t i = 0; i < script->nr_steps; i++) {
		if (!add_step(ret_universe, &script->steps[i]))
			return false;
	}
	return true;
}

bool script_probe(const struct script *script, const struct universe *universe,
		  struct script *ret_probe)
{
	memcpy(ret_probe, script, offsetof(struct script, steps));
	ret_probe->nr_steps = 0;
	for (size_t d = 0; d < universe->devids.nr; d++) {
		int function = script_function(script, (uint32_t)universe->devids.at[d]);

		for (size_t e = 0; e < universe->eventids.nr; e++) {
			uint64_t eventid = universe->eventids.at[e];
			struct step step = { .kind = STEP_INT };

			if (function >= 0 && eventid < script->functions[function].nr_events)
				step.kind = STEP_MSI;
			step.arg[ARG_DEV] = universe->devids.at[d];
			step.arg[ARG_EVENT] = eventid;
			if (!script_add(ret_probe, &step))
				return false;
		}
	}
	return true;
}
