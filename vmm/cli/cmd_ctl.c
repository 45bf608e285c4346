// SPDX-License-Identifier: MIT
/*
 * itsy ctl: ask a running guest, and change it, over its control socket.
 *
 * No locks.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "vmm/base/bits.h"
#include "vmm/base/suggest.h"
#include "vmm/base/table.h"
#include "vmm/cli/commands.h"
#include "vmm/cli/option_types.h"
#include "vmm/control/client.h"
#include "vmm/control/control_socket.h"
#include "vmm/control/irqview.h"
#include "vmm/irq/route_name.h"
#include "vmm/kvm/layout.h"

#define JSON_SCHEMA 1

struct ctl {
	bool json, histogram, audit;
	const char *name;
	char **words; /* behind the verb */
	int nr_words;

	int fd;
	struct failure failure;
};

static const struct option_row rows[] = {
	{ "histogram", NULL, option_flag, OPTION_MEMBER(struct ctl, histogram),
	  .help = "irqs: times of each vector; begins to record them if need be" },
	{ "audit", NULL, option_flag, OPTION_MEMBER(struct ctl, audit),
	  .help = "its: where the guest's tables differ from the shadow" },
	{ "json", NULL, option_flag, OPTION_MEMBER(struct ctl, json),
	  .help = "as one JSON object, for programs" },
};

const struct command_line ctl_line = {
	.name = "ctl",
	.usage = "itsy ctl [OPTION]... [NAME [VERB [ARGUMENT]...]]",
	.about =
		"Asks the running guest NAME, or changes it. Without NAME: lists those that run.\n"
		"\n"
		"Verbs:\n"
		"  NAME info                       what it is, and since when (the default)\n"
		"  NAME irqs                       its vectors: mapping, route, counts, rates\n"
		"  NAME histogram on|off           record the time each interrupt takes in itsy\n"
		"  NAME route DEVICE[/VECTOR] uring|spin|irqfd\n"
		"                                  change the route while interrupts come; DEVICE\n"
		"                                  may be \"all\"\n"
		"  NAME its                        its ITSs: registers, commands, failures\n",
	.rows = rows,
	.nr_rows = ARRAY_SIZE(rows),
};

static int ctl_ask(struct ctl *c, json_t *request, json_t **ret_reply)
{
	return client_ask(c->fd, c->name, request, ret_reply, &c->failure);
}

/* Without the protocol's own, with the schema. Takes the reply. */
static int print_json(json_t *reply)
{
	int r;

	(void)json_object_del(reply, "itsy");
	(void)json_object_del(reply, "ok");
	(void)json_object_set_new(reply, "schema", json_integer(JSON_SCHEMA));
	r = json_dumpf(reply, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	(void)putchar('\n');
	json_decref(reply);
	return r < 0 ? -EIO : 0;
}

static int not_understood(struct ctl *c, int r)
{
	if (r == -ENOMEM)
		return failure_set(&c->failure, ITSY_RUNTIME, ENOMEM, c->name, NULL,
				   "out of memory");
	return failure_set(&c->failure, ITSY_RUNTIME, EPROTO, c->name,
			   "use the same itsy as the guest's", "its answer is not understood");
}

/* ---- info --------------------------------------------------------------------------- */

static json_int_t integer(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static const char *string(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "-";
}

static int do_info(struct ctl *c)
{
	char time[IRQVIEW_TIME_SZ];
	const json_t *devices;
	json_t *reply;
	int r = ctl_ask(c, json_pack("{s:s}", "do", "info"), &reply);

	if (r < 0 || c->json)
		return r < 0 ? r : print_json(reply);
	(void)printf("%s: process %lld, %lld vCPU%s, %lld MiB, boot %lld, up %s\n",
		     string(reply, "name"), integer(reply, "pid"), integer(reply, "vcpus"),
		     plural((unsigned long long)integer(reply, "vcpus")),
		     integer(reply, "memory_bytes") / (json_int_t)MiB, integer(reply, "boots"),
		     irqview_time((uint64_t)integer(reply, "uptime_ns"), time));
	devices = json_object_get(reply, "devices");
	for (size_t i = 0; i < json_array_size(devices); i++) {
		const json_t *d = json_array_get(devices, i);

		(void)printf("%s: %s, DeviceID 0x%04llx, %lld vector%s\n", string(d, "name"),
			     string(d, "bdf"), integer(d, "devid"), integer(d, "vectors"),
			     plural((unsigned long long)integer(d, "vectors")));
	}
	json_decref(reply);
	return 0;
}

/* ---- irqs ----------------------------------------------------------------------------- */

static int ask_irqs(struct ctl *c, json_t **ret_reply, struct irq_sample *ret_sample)
{
	int r = client_ask_all(c->fd, c->name, json_pack("{s:s}", "do", "irqs"), "vectors",
			       ret_reply, &c->failure);

	if (r < 0)
		return r;
	r = irqview_read(*ret_reply, ret_sample);
	if (r == 0)
		return 0;
	json_decref(*ret_reply);
	return not_understood(c, r);
}

/* The rates are the client's: they go into the reply, row by row. */
static void add_rates(json_t *reply, const struct irq_sample *sample)
{
	json_t *list = json_object_get(reply, "vectors");

	for (size_t i = 0; i < sample->nr; i++)
		if (sample->rows[i].rate >= 0)
			(void)json_object_set_new(json_array_get(list, i), "per_second",
						  json_real(sample->rows[i].rate));
}

static int show_irqs(struct ctl *c, json_t *reply, struct irq_sample *sample)
{
	if (c->json) {
		add_rates(reply, sample);
		return print_json(reply);
	}
	json_decref(reply);
	return irqview_print(sample, stdout) < 0 ? not_understood(c, -ENOMEM) : 0;
}

/* Two samples, a second apart. */
static int list_irqs(struct ctl *c)
{
	const struct timespec second = { .tv_sec = 1 };
	_cleanup_(irqview_fini) struct irq_sample before = { 0 }, now = { 0 };
	json_t *reply;
	int r = ask_irqs(c, &reply, &before);

	if (r < 0)
		return r;
	json_decref(reply);
	(void)nanosleep(&second, NULL);
	r = ask_irqs(c, &reply, &now);
	if (r < 0)
		return r;
	irqview_rates(&now, &before);
	return show_irqs(c, reply, &now);
}

static int ask_histogram(struct ctl *c, const char *set, json_t **ret_reply)
{
	return client_ask_all(c->fd, c->name,
			      json_pack("{s:s, s:s*}", "do", "histogram", "set", set), "vectors",
			      ret_reply, &c->failure);
}

static int list_histogram(struct ctl *c)
{
	json_t *reply = NULL;
	bool recording;
	int r = ask_histogram(c, NULL, &reply);

	if (r < 0)
		return r;
	recording = json_is_true(json_object_get(reply, "recording"));
	if (!recording) {
		json_decref(reply);
		r = ask_histogram(c, "on", &reply);
		if (r < 0)
			return r;
		(void)fputs("itsy: times are recorded from now on: ask again later\n", stderr);
	}
	if (c->json)
		return print_json(reply);
	r = irqview_print_histogram(reply, stdout);
	json_decref(reply);
	return r < 0 ? not_understood(c, r) : 0;
}

static int do_irqs(struct ctl *c)
{
	return c->histogram ? list_histogram(c) : list_irqs(c);
}

static int do_histogram(struct ctl *c)
{
	json_t *reply;
	int r = ctl_ask(c, json_pack("{s:s, s:s}", "do", "histogram", "set", c->words[0]), &reply);

	if (r < 0 || c->json)
		return r < 0 ? r : print_json(reply);
	json_decref(reply);
	return 0;
}

/* ---- route ------------------------------------------------------------------------------- */

/* "DEVICE/VECTOR" or "DEVICE", into a request; of "all", neither. */
static int add_vectors(struct ctl *c, const char *word, json_t *request)
{
	const char *slash = strchr(word, '/');
	char *end = NULL;
	unsigned long long vector = 0;

	if (strcmp(word, "all") == 0)
		return 0;
	(void)json_object_set_new(
		request, "device",
		json_stringn(word, slash ? (size_t)(slash - word) : strlen(word)));
	if (!slash || strcmp(slash, "/all") == 0)
		return 0;
	if (slash[1] >= '0' && slash[1] <= '9')
		vector = strtoull(slash + 1, &end, 10);
	if (!end || *end || vector > UINT32_MAX)
		return failure_set(&c->failure, ITSY_USAGE, EINVAL, word, NULL,
				   "a vector is a number, as in DEVICE/0");
	(void)json_object_set_new(request, "vector", json_integer((json_int_t)vector));
	return 0;
}

static int do_route(struct ctl *c)
{
	json_t *request = json_pack("{s:s, s:s}", "do", "route", "route", c->words[1]), *reply;
	int r = add_vectors(c, c->words[0], request);

	if (r < 0) {
		json_decref(request);
		return r;
	}
	r = ctl_ask(c, request, &reply);
	if (r < 0 || c->json)
		return r < 0 ? r : print_json(reply);
	(void)printf("%lld vector%s: %s\n", integer(reply, "vectors"),
		     plural((unsigned long long)integer(reply, "vectors")), c->words[1]);
	json_decref(reply);
	return 0;
}

/* ---- its ----------------------------------------------------------------------------------- */

static void print_commands(const json_t *its)
{
	json_t *commands = json_object_get(its, "commands"), *one;
	const char *name;

	json_object_foreach(commands, name, one)(void)
		printf("  %-12s done %lld, refused %lld, stalled %lld\n", name,
		       integer(one, "done"), integer(one, "skipped"), integer(one, "stalled"));
}

static void print_failures(const json_t *its)
{
	const json_t *list = json_object_get(its, "failures");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *f = json_array_get(list, i);

		(void)printf("  failure %lld: %s %s (%s) at %s\n", integer(f, "serial"),
			     string(f, "command"), string(f, "error"), string(f, "code"),
			     string(f, "creadr"));
	}
}

static void print_difference(const json_t *d)
{
	const json_t *icid = json_object_get(d, "icid"), *event = json_object_get(d, "eventid");

	(void)printf("  %s of ", string(d, "entry"));
	if (icid)
		(void)printf("collection %lld", json_integer_value(icid));
	else
		(void)printf("DeviceID 0x%04llx", integer(d, "devid"));
	if (event)
		(void)printf(", EventID %lld", json_integer_value(event));
	(void)printf(", at %s: %s, should be %s\n", string(d, "address"),
		     json_is_true(json_object_get(d, "readable")) ? string(d, "table")
								  : "not readable",
		     string(d, "shadow"));
}

static void print_its(const json_t *its)
{
	const json_t *list = json_object_get(its, "differences");
	json_t *registers = json_object_get(its, "registers"), *value;
	const char *name;

	(void)printf("%s:\n", string(its, "name"));
	json_object_foreach(registers, name, value)(void)
		printf("  %-12s %s\n", name, json_string_value(value));
	print_commands(its);
	print_failures(its);
	(void)printf("  tables found changed: %lld\n", integer(its, "shadow_differs"));
	if (!list)
		return;
	(void)printf("  entries that differ from the shadow: %lld\n",
		     integer(its, "nr_differences"));
	for (size_t i = 0; i < json_array_size(list); i++)
		print_difference(json_array_get(list, i));
}

static int do_its(struct ctl *c)
{
	const json_t *list;
	json_t *reply;
	int r = ctl_ask(c, json_pack("{s:s, s:b}", "do", "its", "audit", c->audit), &reply);

	if (r < 0 || c->json)
		return r < 0 ? r : print_json(reply);
	list = json_object_get(reply, "its");
	for (size_t i = 0; i < json_array_size(list); i++)
		print_its(json_array_get(list, i));
	json_decref(reply);
	return 0;
}

/* ---- without a name ----------------------------------------------------------------------------
 */

/* One that ends meanwhile, or that is not ours, has no row. */
static void add_guest(struct table *t, json_t *list, const char *name)
{
	char text[32], time[IRQVIEW_TIME_SZ];
	struct failure failure;
	json_t *reply;
	int fd;

	if (client_open(CONTROL_DIR, name, &fd, &failure) < 0)
		return;
	if (client_ask(fd, name, json_pack("{s:s}", "do", "info"), &reply, &failure) == 0) {
		table_add(t, name);
		(void)snprintf(text, sizeof(text), "%lld", integer(reply, "pid"));
		table_add(t, text);
		(void)snprintf(text, sizeof(text), "%lld", integer(reply, "vcpus"));
		table_add(t, text);
		(void)snprintf(text, sizeof(text), "%lldM",
			       integer(reply, "memory_bytes") / (json_int_t)MiB);
		table_add(t, text);
		table_add(t, irqview_time((uint64_t)integer(reply, "uptime_ns"), time));
		(void)json_object_del(reply, "itsy");
		(void)json_object_del(reply, "ok");
		(void)json_array_append_new(list, reply);
	}
	(void)close(fd);
}

static enum exit_status list_guests(const struct ctl *c)
{
	static const char *const headings[] = { "NAME", "PID", "VCPUS", "MEMORY", "UP" };
	_cleanup_free_ struct client_names *names = calloc(1, sizeof(*names));
	_cleanup_(table_fini) struct table t;
	json_t *list = json_array();
	int r = names ? client_list(CONTROL_DIR, names) : -ENOMEM;

	table_init(&t, headings, ARRAY_SIZE(headings));
	for (size_t i = 0; r == 0 && i < names->nr; i++)
		add_guest(&t, list, names->list[i]);
	if (r == 0 && c->json)
		r = print_json(json_pack("{s:O}", "guests", list));
	else if (r == 0 && json_array_size(list) == 0)
		(void)fputs("itsy: no guest runs\n", stderr);
	else if (r == 0)
		r = table_print(&t, stdout);
	json_decref(list);
	if (r < 0) {
		struct failure failure;

		(void)failure_set(&failure, ITSY_ENVIRONMENT, -r, CONTROL_DIR, NULL,
				  "cannot be listed: %s", strerror(-r));
		return report_failure(&failure);
	}
	return ITSY_OK;
}

/* ---- the command line
 * ------------------------------------------------------------------------------ */

static const struct verb {
	const char *name;
	int nr_words;
	const char *usage;
	int (*run)(struct ctl *c);
} verbs[] = {
	{ "info", 0, "info", do_info },
	{ "irqs", 0, "irqs [--histogram]", do_irqs },
	{ "histogram", 1, "histogram on|off", do_histogram },
	{ "route", 2, "route DEVICE[/VECTOR] uring|spin|irqfd", do_route },
	{ "its", 0, "its [--audit]", do_its },
};

static const struct verb *find_verb(const char *name)
{
	const char *names[ARRAY_SIZE(verbs)], *near;

	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
		names[i] = verbs[i].name;
	}
	near = suggest(name, names, ARRAY_SIZE(names));
	(void)fprintf(stderr, "itsy: error: ctl: unknown verb '%s': %s%s%s\n", name,
		      near ? "did you mean '" : "itsy help ctl lists them", near ? near : "",
		      near ? "'?" : "");
	return NULL;
}

static int parse_arguments(int argc, char **argv, struct ctl *c, const struct verb **ret_verb)
{
	struct words words;
	int r;

	*ret_verb = NULL;
	r = options_parse(&ctl_line, argc, argv, c, &words);
	if (r)
		return r;
	c->name = words.list[0]; /* NULL where there is none */
	if (c->name)
		*ret_verb = find_verb(words.nr > 1 ? words.list[1] : verbs[0].name);
	if (c->name && !*ret_verb)
		return -EINVAL;
	if (c->histogram && (!c->name || (*ret_verb)->run != do_irqs))
		return option_error(&ctl_line, "--histogram belongs to irqs");
	if (c->audit && (!c->name || (*ret_verb)->run != do_its))
		return option_error(&ctl_line, "--audit belongs to its");
	if (!c->name)
		return 0;
	c->nr_words = words.nr > 2 ? words.nr - 2 : 0;
	c->words = words.list + words.nr - c->nr_words;
	if (c->nr_words != (*ret_verb)->nr_words) {
		(void)fprintf(stderr, "itsy: error: ctl: usage: itsy ctl %s %s\n", c->name,
			      (*ret_verb)->usage);
		return -EINVAL;
	}
	return 0;
}

enum exit_status cmd_ctl(int argc, char **argv)
{
	struct ctl c = { .fd = -1 };
	const struct verb *verb;
	int r = parse_arguments(argc, argv, &c, &verb);

	if (r)
		return r < 0 ? ITSY_USAGE : ITSY_OK;
	if (!c.name)
		return list_guests(&c);
	r = client_open(CONTROL_DIR, c.name, &c.fd, &c.failure);
	if (r == 0)
		r = verb->run(&c);
	cleanup_fd(&c.fd);
	/* What was asked went well, and could not be printed. */
	if ((r < 0 && !c.failure.cause[0]) || (r == 0 && fflush(stdout) == EOF))
		r = failure_set(&c.failure, ITSY_RUNTIME, errno ? errno : EIO, "standard output",
				NULL, "cannot be written: %s", strerror(errno));
	return r < 0 ? report_failure(&c.failure) : ITSY_OK;
}
