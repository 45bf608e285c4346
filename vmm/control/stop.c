// SPDX-License-Identifier: MIT
/*
 * How a guest is stopped from outside.
 *
 * SIGTERM, SIGINT and SIGHUP ask; a second SIGTERM or SIGINT cuts, and so does SIGQUIT. QEMU,
 * kvmtool and Firecracker cut at the first, and leave asking to who has a monitor or an API; but
 * what sends signals here are service managers and people, who mean by SIGTERM that a program ends
 * in order, and by a second one that it has not. Where standard input is a terminal, Ctrl-c is the
 * guest's (vmm/cli/term.c), so that SIGINT is from elsewhere. A terminal that goes away (SIGHUP)
 * can say so several times, and cuts nothing.
 *
 * One signal can come twice: service managers send it to all processes of a service, and the keeper
 * sends on what it gets (vmm/sandbox/keeper.c); timeout(1) sends it to its child, and to its group.
 *
 * No locks: one thread.
 */
#include "vmm/control/stop.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>

#include "vmm/base/bits.h"
#include "vmm/base/clock.h"
#include "vmm/base/report.h"
#include "vmm/machine/machine.h"

#define NS_IN_S	 UINT64_C(1000000000)
#define NS_IN_MS UINT64_C(1000000)
/* Signals in this time after the first are that one. */
#define ECHO_NS NS_IN_S
/* A guest that boots may have a driver that hears the button, and nobody yet who acts on it. */
#define AGAIN_NS (10 * NS_IN_S)

static const struct {
	int signal;
	bool asks, cuts; /* the first one; a later one */
} ways[] = {
	{ SIGTERM, true, true },
	{ SIGINT, true, true },
	{ SIGHUP, true, false },
	{ SIGQUIT, false, true },
};

void stop_cut(struct stop *s, int signal)
{
	if (!s->cut)
		s->signal = signal;
	s->cut = true;
}

static void press(struct stop *s, struct machine *m, uint64_t now_ns)
{
	machine_press_power(m);
	s->pressed_ns = now_ns;
}

int stop_ask(struct stop *s, struct machine *m, uint64_t now_ns)
{
	if (!s->timeout_s) {
		stop_cut(s, SIGTERM);
		return 0;
	}
	if (!machine_hears_power(m))
		return -ENXIO;
	machine_thaw(m); /* who is to act on it has to run */
	press(s, m, now_ns);
	if (s->asked)
		return 0;
	s->asked = true;
	s->signal = SIGTERM;
	s->asked_ns = now_ns;
	report_notice("asked the guest to power off: its power is cut after %u s, or by a second "
		      "signal",
		      s->timeout_s);
	return 0;
}

/* Nothing comes of waiting for one that has nobody to ask. */
static void ask_or_cut(struct stop *s, struct machine *m, int signal, uint64_t now_ns)
{
	if (stop_ask(s, m, now_ns) < 0) {
		report_notice(STOP_NOBODY ": its power is cut");
		stop_cut(s, signal);
	}
	s->signal = signal;
	s->signalled_ns = now_ns;
}

void stop_by_signal(struct stop *s, struct machine *m, int signal, uint64_t now_ns)
{
	size_t i = 0;

	while (i < ARRAY_SIZE(ways) && ways[i].signal != signal)
		i++;
	if (i == ARRAY_SIZE(ways))
		return;
	if (!ways[i].asks || !s->timeout_s) {
		stop_cut(s, signal);
		return;
	}
	if (s->nr_signals++ == 0)
		ask_or_cut(s, m, signal, now_ns);
	else if (ways[i].cuts && now_ns - s->signalled_ns >= ECHO_NS)
		stop_cut(s, signal);
}

static int ms_until(uint64_t then_ns, uint64_t now_ns)
{
	return (int)((then_ns - now_ns) / NS_IN_MS) + 1;
}

int stop_service(struct stop *s, struct machine *m, uint64_t now_ns)
{
	const uint64_t end_ns = s->asked_ns + s->timeout_s * NS_IN_S;

	if (s->cut || !s->asked)
		return s->cut ? 0 : -1;
	if (now_ns >= end_ns) {
		report_warning("the guest has not powered off in %u s: its power is cut",
			       s->timeout_s);
		stop_cut(s, s->signal);
		return 0;
	}
	if (now_ns - s->pressed_ns >= AGAIN_NS)
		press(s, m, now_ns);
	return sooner_ms(ms_until(end_ns, now_ns), ms_until(s->pressed_ns + AGAIN_NS, now_ns));
}
