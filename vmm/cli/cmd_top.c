// SPDX-License-Identifier: MIT
/*
 * itsy top: a table of a guest's interrupts, refreshed again and again.
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
#include "vmm/base/output.h"
#include "vmm/base/signals.h"
#include "vmm/base/table.h"
#include "vmm/cli/commands.h"
#include "vmm/cli/option_types.h"
#include "vmm/cli/screen.h"
#include "vmm/control/client.h"
#include "vmm/control/control_socket.h"
#include "vmm/control/irqview.h"
#include "vmm/kvm/layout.h"

#define INTERVAL_MAX 3600.0
#define INTERVAL_MIN 0.1
#define STEP	     0.25

struct top {
	double interval;
	bool once, histogram;
	const char *name;

	int fd;
	int signals;	    /* with histogram, so that the recording is ended; else -1 */
	bool was_recording; /* before */
	bool ended;	    /* by a signal */
	struct failure failure;
};

static int take_interval(const struct command_line *line, const struct option_row *row,
			 const char *value, void *member)
{
	double *interval = member;
	char *end;

	*interval = strtod(value, &end);
	/* NaN is refused, too: it is neither above one bound nor below the other. */
	if (end != value && !*end && *interval >= INTERVAL_MIN && *interval <= INTERVAL_MAX)
		return 0;
	return option_error(line, "--%s is 0.1 to 3600 seconds, not '%s'", row->name, value);
}

static const struct option_row rows[] = {
	{ "interval", "S", take_interval, OPTION_MEMBER(struct top, interval),
	  .help = "seconds between two tables (default 1; 0.1 to 3600)" },
	{ "once", NULL, option_flag, OPTION_MEMBER(struct top, once),
	  .help = "one table, after one interval, and end" },
	{ "histogram", NULL, option_flag, OPTION_MEMBER(struct top, histogram),
	  .help = "the times of each vector's interrupts, too; they are recorded meanwhile" },
};

const struct command_line top_line = {
	.name = "top",
	.usage = "itsy top [OPTION]... NAME",
	.about = "Shows the interrupts of the running guest NAME, the busiest vectors first, and\n"
		 "refreshes them; q or Ctrl-c ends it. In a pipe: one table after another.\n",
	.rows = rows,
	.nr_rows = ARRAY_SIZE(rows),
};

static int take_sample(struct top *top, struct irq_sample *ret_sample)
{
	json_t *reply;
	int r = client_ask_all(top->fd, top->name, json_pack("{s:s}", "do", "irqs"), "vectors",
			       &reply, &top->failure);

	if (r < 0)
		return r;
	r = irqview_read(reply, ret_sample);
	json_decref(reply);
	if (r < 0)
		return failure_set(&top->failure, ITSY_RUNTIME, -r, top->name,
				   "use the same itsy as the guest's",
				   "its answer is not understood");
	return 0;
}

/* ---- times ------------------------------------------------------------------------------ */

/* set: "on", "off"; NULL: leave it as it is. */
static int ask_histogram(struct top *top, const char *set, json_t **ret_reply)
{
	return client_ask_all(top->fd, top->name,
			      json_pack("{s:s, s:s*}", "do", "histogram", "set", set), "vectors",
			      ret_reply, &top->failure);
}

static int begin_recording(struct top *top)
{
	json_t *reply;
	int r = ask_histogram(top, NULL, &reply);

	if (r < 0)
		return r;
	top->was_recording = json_is_true(json_object_get(reply, "recording"));
	json_decref(reply);
	if (top->was_recording)
		return 0;
	top->signals = signals_open();
	if (top->signals < 0)
		return failure_set(&top->failure, ITSY_ENVIRONMENT, -top->signals, "itsy", NULL,
				   "no file descriptors (%s)", strerror(-top->signals));
	r = ask_histogram(top, "on", &reply);
	if (r == 0)
		json_decref(reply);
	return r;
}

/* Else the guest's interrupts would go on passing through itsy for nobody. */
static void end_recording(struct top *top)
{
	struct top quiet = *top; /* what went wrong before is what is told */
	json_t *reply;

	if (top->histogram && !top->was_recording && ask_histogram(&quiet, "off", &reply) == 0)
		json_decref(reply);
}

static int print_times(struct top *top, FILE *out)
{
	json_t *reply;
	int r = top->histogram ? ask_histogram(top, NULL, &reply) : 0;

	if (r < 0 || !top->histogram)
		return r;
	(void)fputc('\n', out);
	r = irqview_print_histogram(reply, out);
	json_decref(reply);
	return r < 0 ? failure_set(&top->failure, ITSY_RUNTIME, -r, top->name,
				   "use the same itsy as the guest's",
				   "its answer is not understood")
		     : 0;
}

static bool told_to_end(struct top *top)
{
	return top->signals >= 0 && signals_take(top->signals);
}

/* ---- pages ------------------------------------------------------------------------------ */

/* The line above the table. */
static int print_head(struct top *top, const struct irq_sample *sample, FILE *out)
{
	char time[IRQVIEW_TIME_SZ], rate[TABLE_NUMBER_SZ];
	json_t *reply;
	int r = client_ask(top->fd, top->name, json_pack("{s:s}", "do", "info"), &reply,
			   &top->failure);

	if (r < 0)
		return r;
	(void)fprintf(
		out, "%s: %lld vCPU%s, %lld MiB, boot %lld, up %s: %s interrupts per second\n\n",
		top->name, json_integer_value(json_object_get(reply, "vcpus")),
		plural((unsigned long long)json_integer_value(json_object_get(reply, "vcpus"))),
		json_integer_value(json_object_get(reply, "memory_bytes")) / (json_int_t)MiB,
		json_integer_value(json_object_get(reply, "boots")),
		irqview_time((uint64_t)json_integer_value(json_object_get(reply, "uptime_ns")),
			     time),
		table_number((uint64_t)(irqview_total_rate(sample) + 0.5), rate));
	json_decref(reply);
	return 0;
}

/* Rates are since the sample `before`, which is replaced by the new one. */
static int refresh(struct top *top, struct irq_sample *before)
{
	struct irq_sample now = { 0 };
	int r = take_sample(top, &now);

	if (r < 0)
		return r;
	irqview_rates(&now, before);
	irqview_fini(before);
	irqview_sort(&now);
	*before = now;
	return 0;
}

/* The heading and the table as text, the caller's to free(). columns 0: any number. */
static int make_page(struct top *top, const struct irq_sample *sample, size_t columns,
		     char **ret_text)
{
	size_t len = 0;
	FILE *out = open_memstream(ret_text, &len);
	int r;

	if (!out)
		return failure_set(&top->failure, ITSY_RUNTIME, ENOMEM, "itsy", NULL,
				   "out of memory");
	r = print_head(top, sample, out);
	if (r == 0 && irqview_print(sample, columns, out) < 0)
		r = failure_set(&top->failure, ITSY_RUNTIME, ENOMEM, "itsy", NULL, "out of memory");
	if (r == 0)
		r = print_times(top, out);
	(void)fclose(out);
	return r;
}

static int show_page(struct top *top, const struct irq_sample *sample)
{
	_cleanup_free_ char *text = NULL;
	int r = make_page(top, sample, screen_columns(STDOUT_FILENO), &text);

	if (r == 0)
		screen_show(text);
	return r;
}

static int run_on_screen(struct top *top, struct screen *screen, struct irq_sample *before)
{
	/* Half a second to the first page at most: nobody likes to wait for an empty screen. */
	double wait = top->interval < 0.5 ? top->interval : 0.5;
	bool has_rates = false;
	enum screen_event event;
	int r = 0;

	while (r == 0 && (event = screen_wait(screen, (int)(wait * 1000))) != SCREEN_END &&
	       !told_to_end(top)) {
		if (event == SCREEN_TIME) {
			r = refresh(top, before);
			has_rates = true;
			wait = top->interval;
		}
		/* Of another size, it is the same page. */
		if (r == 0 && has_rates)
			r = show_page(top, before);
	}
	return r;
}

/* Until the next page, or a signal. Those that are read come to no sleep: it is cut in steps. */
static void sleep_in_pipe(struct top *top)
{
	const double most = top->signals >= 0 ? STEP : INTERVAL_MAX;

	for (double left = top->interval; left > 0 && !top->ended; left -= most) {
		double step = left < most ? left : most;
		const struct timespec wait = {
			.tv_sec = (time_t)step,
			.tv_nsec = (long)((step - (double)(time_t)step) * 1e9),
		};

		(void)nanosleep(&wait, NULL);
		top->ended = told_to_end(top);
	}
}

static int run_in_pipe(struct top *top, struct irq_sample *before)
{
	for (bool first = true; first || !top->once; first = false) {
		_cleanup_free_ char *text = NULL;
		int r;

		sleep_in_pipe(top);
		if (top->ended)
			return 0;
		r = refresh(top, before);
		if (r == 0)
			r = make_page(top, before, 0, &text);
		if (r < 0)
			return r;
		if (printf("%s%s", first ? "" : "\n", text) < 0 || fflush(stdout) == EOF)
			return output_failed(&top->failure, "standard output", errno ? errno : EIO);
	}
	return 0;
}

static int watch(struct top *top)
{
	_cleanup_(irqview_fini) struct irq_sample before = { 0 };
	struct screen screen;
	int r = client_open(CONTROL_DIR, top->name, &top->fd, &top->failure);

	if (r == 0 && top->histogram)
		r = begin_recording(top);
	if (r == 0)
		r = take_sample(top, &before);
	if (r < 0)
		return r;
	if (top->once || !isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO)) {
		r = run_in_pipe(top, &before);
	} else {
		r = screen_init(&screen);
		if (r < 0)
			r = failure_set(&top->failure, ITSY_RUNTIME, -r, "terminal",
					"itsy top --once needs none", "cannot be set up (%s)",
					strerror(-r));
		if (r == 0) {
			r = run_on_screen(top, &screen, &before);
			screen_fini(&screen);
		}
	}
	end_recording(top);
	/* That a guest ends while itsy top shows it is no failure. */
	if (r == -ECONNRESET) {
		report_info("%s: the guest has ended", top->name);
		r = 0;
	}
	return r;
}

enum exit_status cmd_top(int argc, char **argv)
{
	struct top top = { .interval = 1, .fd = -1, .signals = -1 };
	struct words words;
	int r = options_parse(&top_line, argc, argv, &top, &words);

	if (r == 0 && words.nr != 1)
		r = words.nr ? option_error(&top_line, "it takes one guest, and '%s' is more",
					    words.list[1])
			     : option_error(&top_line, "no guest is named (itsy list lists them)");
	if (r)
		return r < 0 ? ITSY_USAGE : ITSY_OK;
	top.name = words.list[0];
	r = watch(&top);
	cleanup_fd(&top.signals);
	cleanup_fd(&top.fd);
	return r < 0 ? report_failure(&top.failure) : ITSY_OK;
}
