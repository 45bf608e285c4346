// SPDX-License-Identifier: MIT
/*
 * The guest's mistakes. No locks: the thread that owns the machine. vCPUs and routers only count;
 * that thread looks at the counters, so that a guest cannot have it print more than it wants to.
 */
#include "vmm/control/mistakes.h"

#include <assert.h>

#include "vmm/base/bits.h"
#include "vmm/base/log.h"
#include "vmm/base/report.h"
#include "vmm/control/machine_counters.h"

#define NS_IN_MS UINT64_C(1000000)

static void tell_more(const char *what, uint64_t *told, uint64_t now)
{
	if (now > *told)
		report_guest("%s: %llu more, %llu in all", what, (unsigned long long)(now - *told),
			     (unsigned long long)now);
	*told = now;
}

static void tell_commands(struct mistakes *m, const struct vits_stats *stats)
{
	uint64_t skipped = stats->cmd_unreadable, stalled = 0;

	for (size_t i = 0; i < ARRAY_SIZE(stats->cmd); i++) {
		skipped += stats->cmd[i].skipped;
		stalled += stats->cmd[i].stalled;
	}
	tell_more("ITS commands skipped", &m->skipped, skipped);
	tell_more("ITS commands stalled", &m->stalled, stalled);
}

void mistakes_tell(struct mistakes *m, const struct machine_stats *stats)
{
	assert(nr_machine_counters <= MISTAKES_MAX);
	tell_commands(m, &stats->vits);
	for (size_t i = 0; i < nr_machine_counters; i++)
		if (machine_counters[i].note)
			tell_more(machine_counters[i].note, &m->told[i],
				  machine_counter_get(stats, i));
}

int mistakes_service(struct mistakes *m, struct machine *machine, uint64_t now_ns)
{
	struct machine_stats stats;

	if (!log_takes(LOG_INFO))
		return -1;
	if (m->next_ns && now_ns >= m->next_ns) {
		machine_stats_get(machine, &stats);
		mistakes_tell(m, &stats);
	}
	if (!m->next_ns || now_ns >= m->next_ns)
		m->next_ns = now_ns + MISTAKES_NS;
	return (int)((m->next_ns - now_ns) / NS_IN_MS) + 1;
}
