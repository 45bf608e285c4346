// SPDX-License-Identifier: MIT
/*
 * The running guest is asked to power off. No locks: the thread that owns the machine.
 */
#include <signal.h>

#include "vmm/base/clock.h"
#include "vmm/control/json_member.h"
#include "vmm/control/running_guest.h"
#include "vmm/control/stop.h"
#include "vmm/control/verbs_priv.h"

/* Who asks for an end in order is not given another one: that has an option of its own. */
json_t *verb_stop(void *ctx, const struct control_request *request, char error[CONTROL_ERROR_MAX])
{
	const struct running_guest *g = ctx;

	if (control_bool(request, "now")) {
		stop_cut(g->stop, SIGTERM);
	} else if (stop_ask(g->stop, g->machine, clock_ns()) < 0) {
		(void)control_refuse(error, STOP_NOBODY "; to cut its power: stop --now");
		return NULL;
	}
	return json_pack("{s:s, s:b, s:I}", "name", g->config->name, "asked", !g->stop->cut,
			 "timeout_s", (json_int_t)g->stop->timeout_s);
}

int verb_stop_print(const json_t *request, const json_t *reply, FILE *out)
{
	(void)request;
	if (json_is_true(json_object_get(reply, "asked")))
		(void)fprintf(out,
			      "the guest was asked to power off: its power is cut after %lld s\n",
			      member_number(reply, "timeout_s"));
	else
		(void)fprintf(out, "the guest's power is cut\n");
	return 0;
}
