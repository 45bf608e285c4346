// SPDX-License-Identifier: MIT
/*
 * The console of the guest that itsy run has. No locks: one thread.
 */
#include "vmm/cli/guest_console.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "vmm/base/clock.h"
#include "vmm/base/signals.h"

#define TYPE_AGAIN_MS 20
#define NS_PER_MS     UINT64_C(1000000)
#define NS_PER_S      UINT64_C(1000000000)

/* Is it the terminal, or what else standard input and output are? */
static bool is_stdio(const struct guest_console *c)
{
	return console_port_kind(c->port) == CONSOLE_WISH_STDIO;
}

int guest_console_open(struct guest_console *c, const struct config *config,
		       struct failure *ret_failure)
{
	const struct console_port_config port = { config->name, config->console,
						  config->console_log };

	return console_port_create(&port, &c->port, ret_failure);
}

void guest_console_close(struct guest_console *c)
{
	console_port_destroy(c->port, true);
}

int guest_console_catch_signals(struct guest_console *c)
{
	/* Else they are as ever: whoever started itsy may ignore them. */
	if (!c->port || !is_stdio(c) || !isatty(STDIN_FILENO))
		return 0;
	c->job = signals_open_job();
	return c->job < 0 ? c->job : 0;
}

int guest_console_begin(struct guest_console *c, struct failure *ret_failure)
{
	int r = c->port && is_stdio(c) ? term_init_job(&c->term) : 0;

	return r < 0 ? failure_set(ret_failure, ITSY_ENVIRONMENT, -r, "terminal",
				   "run itsy without one: </dev/null", "cannot be set up (%s)",
				   strerror(-r))
		     : 0;
}

void guest_console_end(struct guest_console *c)
{
	term_fini(&c->term);
	cleanup_fd(&c->job);
	c->job = -1;
}

const char *guest_console_keys(const struct guest_console *c)
{
	return c->port && is_stdio(c) && isatty(STDIN_FILENO) ? "; Ctrl-a x quits, Ctrl-a h helps"
							      : "";
}

void guest_console_say_where(const struct guest_console *c)
{
	if (c->port && !is_stdio(c))
		report_notice("its console is %s", console_port_where(c->port));
}

/* ---- while the guest runs ----------------------------------------------------------- */

bool guest_console_fds(struct guest_console *c, struct machine *m, int ms,
		       struct pollfd fds[GUEST_CONSOLE_FDS], struct timespec *ret_wait)
{
	const bool has_room = c->nr_typed < sizeof(c->typed);
	const bool keys = is_stdio(c) && term_look(&c->term) && !c->input_ended && has_room;
	uint64_t ns = machine_console_service(m);

	fds[0] = (struct pollfd){ .fd = keys ? STDIN_FILENO : -1, .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = c->job, .events = POLLIN };
	ms = sooner_ms(ms, console_port_fds(c->port, has_room, fds + 2));
	/* What the guest would not take is offered again. */
	ms = sooner_ms(ms, c->nr_typed ? TYPE_AGAIN_MS : -1);
	/* A shell's fg does not tell a job that runs. */
	if (c->term.is_tty && !c->term.raw)
		ms = sooner_ms(ms, TERM_LOOK_MS);
	if (ms >= 0 && (uint64_t)ms * NS_PER_MS < ns)
		ns = (uint64_t)ms * NS_PER_MS;
	*ret_wait = (struct timespec){ .tv_sec = (time_t)(ns / NS_PER_S),
				       .tv_nsec = (long)(ns % NS_PER_S) };
	return ns != UINT64_MAX;
}

static void feed(struct guest_console *c, struct machine *m)
{
	size_t taken = machine_type(m, c->typed, c->nr_typed);

	assert(taken <= c->nr_typed);
	c->nr_typed -= taken;
	memmove(c->typed, c->typed + taken, c->nr_typed);
}

static void read_keys(struct guest_console *c)
{
	size_t room = sizeof(c->typed) - c->nr_typed;
	ssize_t nr = read(STDIN_FILENO, c->typed + c->nr_typed, room);

	if (nr < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	/* In this moment it has become a job in the background. */
	if (nr < 0 && errno == EIO && !term_look(&c->term))
		return;
	if (nr <= 0) {
		c->input_ended = true; /* the guest's console has no end of file */
		return;
	}
	c->nr_typed += term_filter(&c->term, c->typed + c->nr_typed, (size_t)nr, &c->quit);
}

void guest_console_serve(struct guest_console *c, struct machine *m,
			 const struct pollfd fds[GUEST_CONSOLE_FDS])
{
	/* First what waits, for which there was room when the bytes behind it were polled for. */
	feed(c, m);
	if (fds[1].revents)
		term_take_signal(&c->term, signals_take(c->job));
	else if (fds[0].revents)
		read_keys(c);
	c->nr_typed += console_port_serve(c->port, fds + 2, c->typed + c->nr_typed,
					  sizeof(c->typed) - c->nr_typed);
	feed(c, m);
}
