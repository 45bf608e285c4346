// SPDX-License-Identifier: MIT
/*
 * itsy ctl: ask a running guest, and change it, over its control socket; and commands that are one
 * of its verbs, or what it does without a name.
 *
 * No locks.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "vmm/base/bits.h"
#include "vmm/base/output.h"
#include "vmm/base/suggest.h"
#include "vmm/base/table.h"
#include "vmm/base/word_list.h"
#include "vmm/cli/commands.h"
#include "vmm/cli/ctl_add.h"
#include "vmm/cli/left_behind.h"
#include "vmm/cli/option_types.h"
#include "vmm/cli/screen.h"
#include "vmm/control/client.h"
#include "vmm/control/control_socket.h"
#include "vmm/control/irqview.h"
#include "vmm/control/json_member.h"
#include "vmm/control/metrics.h"
#include "vmm/control/verbs.h"
#include "vmm/kvm/layout.h"

#define JSON_SCHEMA 1
#define MAX_VERBS   32u
#define USAGE_SZ    128u
/* How long one guest of a list may take to answer: it may be at work, as with a reset. */
#define LIST_PATIENCE_S 3

struct ctl {
	bool json, histogram, audit, force, now, wait;
	const char *name;
	const struct control_verb *verb;
	char **words; /* behind the verb */

	int fd;
	struct failure failure;
};

/* Those that other commands have, too, are the last ones. */
static const struct option_row rows[] = {
	{ "histogram", NULL, option_flag, OPTION_MEMBER(struct ctl, histogram),
	  .help = "irqs: times of each vector; begins to record them if need be" },
	{ "audit", NULL, option_flag, OPTION_MEMBER(struct ctl, audit),
	  .help = "its: where the guest's tables differ from the shadow" },
	{ "force", NULL, option_flag, OPTION_MEMBER(struct ctl, force),
	  .help = "remove: at once, without asking the guest" },
	{ "now", NULL, option_flag, OPTION_MEMBER(struct ctl, now),
	  .help = "stop: cut its power, without asking the guest" },
	{ "wait", NULL, option_flag, OPTION_MEMBER(struct ctl, wait),
	  .help = "stop: until it has ended and its devices are given back" },
	{ "json", NULL, option_flag, OPTION_MEMBER(struct ctl, json),
	  .help = "as one JSON object, for programs" },
};

#define STOP_ROWS (rows + ARRAY_SIZE(rows) - 3)
#define JSON_ROW  (rows + ARRAY_SIZE(rows) - 1)

/*
 * Options that only one verb has. Where the verb has an argument of the same name, the
 * option sets it.
 */
static const struct {
	const char *option, *verb;
	size_t at;
} of_verbs[] = {
	{ "histogram", "irqs", offsetof(struct ctl, histogram) },
	{ "audit", "its", offsetof(struct ctl, audit) },
	{ "force", "remove", offsetof(struct ctl, force) },
	{ "now", "stop", offsetof(struct ctl, now) },
	{ "wait", "stop", offsetof(struct ctl, wait) },
};

static const bool *flag_of(const struct ctl *c, size_t i)
{
	return (const bool *)((const char *)c + of_verbs[i].at);
}

/* The column where the help of a verb begins. */
#define HELP_COLUMN 34u

/* Such as "route DEVICE[/VECTOR] uring|spin|irqfd". */
static void usage_of(const struct control_verb *verb, char usage[USAGE_SZ])
{
	static const struct word_list_style style = { "", "|", "|" };
	size_t len = (size_t)snprintf(usage, USAGE_SZ, "%s", verb->name);
	char all[WORD_LIST_SZ];

	for (size_t i = 0; i < CONTROL_MAX_ARGUMENTS; i++) {
		const struct control_argument *argument = &verb->arguments[i];

		if (!argument->typed)
			continue;
		len += (size_t)snprintf(
			usage + len, USAGE_SZ - len, " %s",
			argument->typed[0]
				? argument->typed
				: word_list(argument->word, argument->nr_words, &style, all));
		assert(len < USAGE_SZ);
	}
}

static void print_verbs(FILE *out)
{
	char usage[USAGE_SZ];

	(void)fprintf(out, "Verbs:\n");
	for (size_t i = 0; i < nr_control_verbs; i++) {
		usage_of(&control_verbs[i], usage);
		/* The help of a verb with a long usage begins on the next line. */
		if (strlen(usage) + strlen("  NAME  ") > HELP_COLUMN)
			(void)fprintf(out, "  NAME %s\n%*s", usage, (int)HELP_COLUMN, "");
		else
			(void)fprintf(out, "  NAME %-*s", (int)(HELP_COLUMN - strlen("  NAME ")),
				      usage);
		options_print_text(control_verbs[i].help, HELP_COLUMN, out);
	}
}

const struct command_line ctl_line = {
	.name = "ctl",
	.usage = "itsy ctl [OPTION]... [NAME [VERB [ARGUMENT]...]]",
	.about = "Asks the running guest NAME, or changes it. Without NAME: lists those that "
		 "run.\n",
	.more = print_verbs,
	.rows = rows,
	.nr_rows = ARRAY_SIZE(rows),
};

const struct command_line list_line = {
	.name = "list",
	.usage = "itsy list [OPTION]...",
	.about = "Lists the guests that run, as itsy ctl does without a name.\n",
	.rows = JSON_ROW,
	.nr_rows = 1,
};

const struct command_line stop_line = {
	.name = "stop",
	.usage = "itsy stop [OPTION]... NAME",
	.about = "Asks the running guest NAME to power off, as itsy ctl NAME stop does.\n",
	.rows = STOP_ROWS,
	.nr_rows = 3,
};

const struct command_line pause_line = {
	.name = "pause",
	.usage = "itsy pause [OPTION]... NAME",
	.about = "Has the running guest NAME run no further, as itsy ctl NAME pause does.\n",
	.rows = JSON_ROW,
	.nr_rows = 1,
};

const struct command_line resume_line = {
	.name = "resume",
	.usage = "itsy resume [OPTION]... NAME",
	.about = "Has the guest NAME go on that is paused, as itsy ctl NAME resume does.\n",
	.rows = JSON_ROW,
	.nr_rows = 1,
};

const struct command_line reset_line = {
	.name = "reset",
	.usage = "itsy reset [OPTION]... NAME",
	.about = "Resets the running guest NAME, as itsy ctl NAME reset does.\n",
	.rows = JSON_ROW,
	.nr_rows = 1,
};

/* The reply without the protocol's members, and with "schema". Takes the reply. */
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

/* ---- which vectors --------------------------------------------------------------------- */

/*
 * Add "device" and "vector" as typed: DEVICE/VECTOR, DEVICE, or "all", which adds neither; so does
 * NULL, where nothing was typed.
 */
static int add_vectors(struct ctl *c, const char *word, json_t *request)
{
	const char *slash = word ? strchr(word, '/') : NULL;
	char *end = NULL;
	unsigned long long vector = 0;

	if (!word || strcmp(word, "all") == 0)
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

/* A list of vectors, of those that were typed behind the verb. Takes the request. */
static int ask_vectors(struct ctl *c, json_t *request, json_t **ret_reply)
{
	int r = add_vectors(c, c->words[0], request);

	if (r == 0)
		return client_ask_all(c->fd, c->name, request, "vectors", ret_reply, &c->failure);
	json_decref(request);
	return r;
}

/* ---- irqs ----------------------------------------------------------------------------- */

static int ask_irqs(struct ctl *c, json_t **ret_reply, struct irq_sample *ret_sample)
{
	int r = ask_vectors(c, json_pack("{s:s}", "do", "irqs"), ret_reply);

	if (r < 0)
		return r;
	r = irqview_read(*ret_reply, ret_sample);
	if (r == 0)
		return 0;
	json_decref(*ret_reply);
	return not_understood(c, r);
}

/* The guest does not know rates: they are added to each row of its reply. */
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
	return irqview_print(sample, screen_columns(STDOUT_FILENO), stdout) < 0
		       ? not_understood(c, -ENOMEM)
		       : 0;
}

/* From two replies, a second apart. */
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
	return ask_vectors(c, json_pack("{s:s, s:s*}", "do", "histogram", "set", set), ret_reply);
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

/* ---- metrics --------------------------------------------------------------------------- */

/* For people, too, there is nothing better than the text; JSON has what is not in "irqs". */
static int list_metrics(struct ctl *c)
{
	_cleanup_(irqview_fini) struct irq_sample vectors = { 0 };
	json_t *reply = NULL, *irqs;
	int r = client_ask(c->fd, c->name, json_pack("{s:s}", "do", "metrics"), &reply,
			   &c->failure);

	if (r < 0)
		return r;
	if (c->json)
		return print_json(reply);
	r = ask_irqs(c, &irqs, &vectors);
	if (r == 0) {
		json_decref(irqs);
		r = metrics_print(reply, &vectors, stdout);
		r = r < 0 ? not_understood(c, r) : 0;
	}
	json_decref(reply);
	return r;
}

/* ---- any verb ------------------------------------------------------------------------ */

static bool takes(const struct control_verb *verb, const char *name)
{
	for (size_t i = 0; i < CONTROL_MAX_ARGUMENTS && verb->arguments[i].name; i++)
		if (strcmp(verb->arguments[i].name, name) == 0)
			return true;
	return false;
}

/* Add what was typed behind the verb, word by word, and options that are arguments. */
static int add_arguments(struct ctl *c, json_t *request)
{
	char **word = c->words;
	int r = 0;

	for (size_t i = 0; i < CONTROL_MAX_ARGUMENTS && r == 0; i++) {
		const struct control_argument *argument = &c->verb->arguments[i];

		if (!argument->typed || !*word)
			continue;
		if (strcmp(argument->name, "device") == 0)
			r = add_vectors(c, *word, request);
		else
			(void)json_object_set_new(request, argument->name, json_string(*word));
		word++;
	}
	for (size_t i = 0; i < ARRAY_SIZE(of_verbs); i++)
		if (takes(c->verb, of_verbs[i].option))
			(void)json_object_set_new(request, of_verbs[i].option,
						  json_boolean(*flag_of(c, i)));
	return r;
}

/* A verb that knows "skip" answers with a list, in parts. The request stays the caller's. */
static int ask(struct ctl *c, json_t *request, json_t **ret_reply)
{
	/* client_ask() takes a reference. */
	json_incref(request);
	if (takes(c->verb, "skip"))
		return client_ask_all(c->fd, c->name, request, "vectors", ret_reply, &c->failure);
	return client_ask(c->fd, c->name, request, ret_reply, &c->failure);
}

static int run_verb(struct ctl *c)
{
	json_t *request = json_pack("{s:s}", "do", c->verb->name), *reply = NULL;
	int r = 0;

	if (strcmp(c->verb->name, "add") == 0)
		r = ctl_add(c->fd, c->name, c->words[0], request, &reply, &c->failure);
	else
		r = add_arguments(c, request);
	if (r == 0 && !reply)
		r = ask(c, request, &reply);
	if (r == 0 && (c->json || !c->verb->print)) {
		r = print_json(reply);
	} else if (r == 0) {
		r = c->verb->print(request, reply, stdout);
		json_decref(reply);
		if (r < 0)
			r = not_understood(c, r);
	}
	json_decref(request);
	return r;
}

/* However long that takes: the guest's stop-timeout is a limit of its own. */
static int run_verb_and_wait(struct ctl *c)
{
	_cleanup_fd_ int process = -1;
	struct pollfd ended = { .events = POLLIN };
	int r = client_process(c->fd, c->name, &process, &c->failure);

	if (r == 0)
		r = run_verb(c);
	if (r < 0)
		return r;
	(void)fflush(stdout);
	ended.fd = process;
	while (poll(&ended, 1, -1) < 0 && errno == EINTR)
		continue;
	return 0;
}

/* "irqs" is more than one request: rates need two, and --histogram is another verb; so is
 * "metrics". */
static int run(struct ctl *c)
{
	if (strcmp(c->verb->name, "irqs") == 0)
		return c->histogram ? list_histogram(c) : list_irqs(c);
	if (strcmp(c->verb->name, "metrics") == 0)
		return list_metrics(c);
	return c->wait ? run_verb_and_wait(c) : run_verb(c);
}

/* ---- without a name --------------------------------------------------------------- */

/* Who is paused after being asked does not get on with it. */
static const char *state_of(const json_t *info)
{
	if (json_is_true(json_object_get(info, "paused")))
		return "paused";
	if (json_is_true(json_object_get(info, "panicked")))
		return "panicked";
	return json_is_true(json_object_get(info, "stopping")) ? "stopping" : "running";
}

/* A row for one that cannot be asked, or does not answer. */
static void add_mute(struct table *t, json_t *list, const char *name, int pid, const char *state)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%d", pid);
	table_add(t, name);
	table_add(t, text);
	for (int i = 0; i < 3; i++)
		table_add(t, "-");
	table_add(t, state);
	(void)json_array_append_new(
		list, json_pack("{s:s, s:i, s:s}", "name", name, "pid", pid, "state", state));
}

/*
 * A row for it. Negative errno: -EACCES where it is another user's, -ETIMEDOUT where it does not
 * answer, and what else there is where it has ended since it was listed.
 */
static int add_guest(struct table *t, json_t *list, const char *name, struct failure *ret_failure)
{
	char text[32], time[IRQVIEW_TIME_SZ];
	_cleanup_fd_ int fd = -1;
	enum control_phase phase = CONTROL_RUNNING;
	json_t *reply;
	int pid = 0, r = client_look(CONTROL_DIR, name, &phase, &pid);

	/* That nobody answers there is as it should be. */
	if (r == 0 && phase != CONTROL_RUNNING) {
		add_mute(t, list, name, pid, control_phase_word(phase));
		return 0;
	}
	r = client_open_for(CONTROL_DIR, name, LIST_PATIENCE_S, &fd, ret_failure);
	if (r == 0)
		r = client_ask(fd, name, json_pack("{s:s}", "do", "info"), &reply, ret_failure);
	if (r == -ETIMEDOUT)
		add_mute(t, list, name, pid, "silent");
	if (r < 0)
		return r;
	table_add(t, name);
	(void)snprintf(text, sizeof(text), "%lld", member_number(reply, "pid"));
	table_add(t, text);
	(void)snprintf(text, sizeof(text), "%lld", member_number(reply, "vcpus"));
	table_add(t, text);
	(void)snprintf(text, sizeof(text), "%lldM",
		       member_number(reply, "memory_bytes") / (json_int_t)MiB);
	table_add(t, text);
	table_add(t, irqview_time((uint64_t)member_number(reply, "uptime_ns"), time));
	table_add(t, state_of(reply));
	(void)json_object_set_new(reply, "state", json_string(state_of(reply)));
	(void)json_object_del(reply, "itsy");
	(void)json_object_del(reply, "ok");
	(void)json_array_append_new(list, reply);
	return 0;
}

/* Those that are not listed, as only their users and root can ask them. nr: that are listed. */
static void say_what_is_not_listed(size_t nr, size_t others)
{
	if (!nr && !others)
		report_info("no guest runs");
	else if (!nr)
		report_info("no guest of yours runs; of others %zu do%s: sudo itsy list shows %s",
			    others, others == 1 ? "es" : "", others == 1 ? "it" : "them");
	else if (others)
		report_info("of others %zu more run%s: sudo itsy list shows %s", others,
			    others == 1 ? "s" : "", others == 1 ? "it" : "them");
}

static size_t add_guests(struct table *t, json_t *list, const struct client_names *names,
			 size_t *ret_others)
{
	size_t nr = 0, others = 0;

	for (size_t i = 0; i < names->nr; i++) {
		struct failure failure;
		int r = add_guest(t, list, names->list[i], &failure);

		nr += r == 0 || r == -ETIMEDOUT;
		others += r == -EACCES;
		if (r == -ETIMEDOUT)
			report_warning("%s: it has not answered for %d s: ask again; a process "
				       "that was stopped (SIGSTOP) answers none",
				       failure.object, LIST_PATIENCE_S);
	}
	*ret_others = others;
	return nr;
}

static enum exit_status list_guests(const struct ctl *c)
{
	static const char *const headings[] = { "NAME", "PID", "VCPUS", "MEMORY", "UP", "STATE" };
	_cleanup_free_ struct client_names *names = calloc(1, sizeof(*names));
	_cleanup_(table_fini) struct table t;
	json_t *list = json_array();
	size_t nr = 0, others = 0;
	int r = names ? client_list(CONTROL_DIR, names) : -ENOMEM;

	table_init(&t, headings, ARRAY_SIZE(headings));
	if (r == 0)
		nr = add_guests(&t, list, names, &others);
	if (r == 0 && c->json)
		r = print_json(json_pack("{s:O}", "guests", list));
	else if (r == 0 && json_array_size(list))
		r = table_print(&t, stdout);
	if (r == 0 && !c->json)
		say_what_is_not_listed(nr, others);
	json_decref(list);
	if (r < 0) {
		struct failure failure;

		(void)failure_set(&failure, ITSY_ENVIRONMENT, -r, CONTROL_DIR,
				  "see its rights: anybody may list it as itsy makes it",
				  "cannot be listed: %s", strerror(-r));
		return report_failure(&failure);
	}
	return ITSY_OK;
}

/* ---- the command line ------------------------------------------------------------- */

static const struct control_verb *find_verb(const char *name)
{
	const char *names[MAX_VERBS], *near;

	assert(nr_control_verbs <= MAX_VERBS);
	for (size_t i = 0; i < nr_control_verbs; i++) {
		if (strcmp(control_verbs[i].name, name) == 0)
			return &control_verbs[i];
		names[i] = control_verbs[i].name;
	}
	near = suggest(name, names, nr_control_verbs);
	(void)fprintf(stderr, "itsy: error: ctl: unknown verb '%s': %s%s%s\n", name,
		      near ? "did you mean '" : "itsy help ctl lists them", near ? near : "",
		      near ? "'?" : "");
	return NULL;
}

/* Such as "usage: itsy ctl box its [--audit]". */
static int usage_error(const struct ctl *c)
{
	char usage[USAGE_SZ];

	usage_of(c->verb, usage);
	(void)fprintf(stderr, "itsy: error: ctl: usage: itsy ctl %s %s", c->name, usage);
	for (size_t i = 0; i < ARRAY_SIZE(of_verbs); i++)
		if (strcmp(of_verbs[i].verb, c->verb->name) == 0)
			(void)fprintf(stderr, " [--%s]", of_verbs[i].option);
	(void)fputc('\n', stderr);
	return -EINVAL;
}

/* Those that may be left out are in brackets. */
static bool is_nr_typed(const struct control_verb *verb, int nr)
{
	int least = 0, most = 0;

	for (size_t i = 0; i < CONTROL_MAX_ARGUMENTS; i++) {
		const char *typed = verb->arguments[i].typed;

		most += typed != NULL;
		least += typed && typed[0] != '[';
	}
	return nr >= least && nr <= most;
}

static int parse_arguments(int argc, char **argv, struct ctl *c)
{
	struct words words;
	int r = options_parse(&ctl_line, argc, argv, c, &words);

	if (r)
		return r;
	c->name = words.list[0]; /* NULL where there is none */
	if (c->name)
		c->verb = find_verb(words.nr > 1 ? words.list[1] : control_verbs[0].name);
	if (c->name && !c->verb)
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_SIZE(of_verbs); i++)
		if (*flag_of(c, i) && (!c->verb || strcmp(c->verb->name, of_verbs[i].verb) != 0))
			return option_error(&ctl_line, "--%s belongs to %s", of_verbs[i].option,
					    of_verbs[i].verb);
	if (!c->name)
		return 0;
	c->words = words.list + (words.nr > 2 ? 2 : words.nr);
	return is_nr_typed(c->verb, words.nr - (int)(c->words - words.list)) ? 0 : usage_error(c);
}

static enum exit_status run_with_guest(struct ctl *c)
{
	int r = client_open(CONTROL_DIR, c->name, &c->fd, &c->failure);

	if (r == 0)
		r = run(c);
	cleanup_fd(&c->fd);
	/* No failure is set where the request went well, and the reply could not be printed. */
	if ((r < 0 && !c->failure.cause[0]) || (r == 0 && fflush(stdout) == EOF))
		r = output_failed(&c->failure, "standard output", errno ? errno : EIO);
	return r < 0 ? report_failure(&c->failure) : ITSY_OK;
}

enum exit_status cmd_ctl(int argc, char **argv)
{
	struct ctl c = { .fd = -1 };
	int r = parse_arguments(argc, argv, &c);

	if (r)
		return r < 0 ? ITSY_USAGE : ITSY_OK;
	return c.name ? run_with_guest(&c) : list_guests(&c);
}

/* ---- commands that are a part of it ------------------------------------------------- */

enum exit_status cmd_list(int argc, char **argv)
{
	static const struct pci_host_fs this_host = { "" };
	struct ctl c = { .fd = -1 };
	struct words words;
	int r = options_parse(&list_line, argc, argv, &c, &words);

	if (r == 0 && words.nr)
		r = option_error(&list_line, "it lists all guests, and takes no '%s'",
				 words.list[0]);
	if (r)
		return r < 0 ? ITSY_USAGE : ITSY_OK;
	left_behind_give_back(&this_host, NULL);
	return list_guests(&c);
}

/* Each has the name of its verb. */
static const struct command_line *const lines_of_verbs[] = { &stop_line, &pause_line, &resume_line,
							     &reset_line };

static const struct command_line *line_of(const char *command)
{
	size_t i = 0;

	while (i < ARRAY_SIZE(lines_of_verbs) && strcmp(lines_of_verbs[i]->name, command) != 0)
		i++;
	assert(i < ARRAY_SIZE(lines_of_verbs));
	return lines_of_verbs[i];
}

enum exit_status cmd_verb(int argc, char **argv)
{
	const struct command_line *line = line_of(argv[0]);
	struct ctl c = { .fd = -1, .verb = find_verb(line->name) };
	struct words words;
	int r = options_parse(line, argc, argv, &c, &words);

	assert(c.verb);
	if (r == 0 && words.nr != 1)
		r = words.nr ? option_error(line, "it takes one guest, and '%s' is more",
					    words.list[1])
			     : option_error(line, "no guest is named (itsy list lists them)");
	if (r)
		return r < 0 ? ITSY_USAGE : ITSY_OK;
	c.name = words.list[0];
	c.words = words.list + words.nr;
	return run_with_guest(&c);
}
