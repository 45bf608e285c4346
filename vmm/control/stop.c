// SPDX-License-Identifier: MIT
/*
 * How a guest is stopped from outside.
 *
 * No locks: one thread.
 */
#include "vmm/control/stop.h"

#include <errno.h>
#include <signal.h>

#include "vmm/base/clock.h"
#include "vmm/base/report.h"
#include "vmm/machine/machine.h"

#define NS_IN_S	 UINT64_C(1000000000)
#define NS_IN_MS UINT64_C(1000000)
/* A guest that boots may have a driver that hears the button, and nobody yet who acts on it. */
#define AGAIN_NS (10 * NS_IN_S)

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
	press(s, m, now_ns);
	if (s->asked)
		return 0;
	s->asked = true;
	s->signal = SIGTERM;
	s->asked_ns = now_ns;
	report_info("asked the guest to power off: its power is cut after %u s", s->timeout_s);
	return 0;
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
