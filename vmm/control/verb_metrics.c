// SPDX-License-Identifier: MIT
/*
 * The verb "metrics": the counters of the machine, as they are now. Those of vectors are in "irqs";
 * who asks makes metrics of both (vmm/control/metrics.h).
 *
 * No locks of its own: the thread that owns the machine. Other threads count meanwhile.
 */
#include "vmm/base/clock.h"
#include "vmm/control/irqstat.h"
#include "vmm/control/json_member.h"
#include "vmm/control/machine_counters.h"
#include "vmm/control/running_guest.h"
#include "vmm/control/verbs_priv.h"
#include "vmm/machine/machine.h"

static json_t *counters_json(const struct machine_stats *stats)
{
	json_t *object = json_object();
	char name[MACHINE_COUNTER_NAME_SZ];

	for (size_t i = 0; i < nr_machine_counters; i++)
		(void)json_object_set_new(object, machine_counter_name(i, name),
					  json_number(machine_counter_get(stats, i)));
	return object;
}

json_t *verb_metrics(void *ctx, const struct control_request *request,
		     char error[CONTROL_ERROR_MAX])
{
	const struct running_guest *g = ctx;
	struct machine_stats stats;

	(void)request;
	(void)error;
	machine_stats_get(g->machine, &stats);
	return json_pack("{s:s, s:I, s:I, s:b, s:I, s:I, s:o, s:o}", "name", g->config->name,
			 "boots", (json_int_t)g->boots, "uptime_ns",
			 (json_int_t)(clock_ns() - g->since_ns), "paused",
			 machine_is_frozen(g->machine), "vcpus", (json_int_t)g->config->vcpus,
			 "memory_bytes", (json_int_t)g->config->memory, "counters",
			 counters_json(&stats), "commands", irqstat_commands_json(&stats.vits));
}
