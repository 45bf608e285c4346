// SPDX-License-Identifier: MIT
/*
 * On which CPU a thread runs, and with which priority. No locks.
 */
#include "vmm/base/placement.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/report.h"

static void refused(const struct placement *p, const char *name, const char *what, int number)
{
	if (p->asked)
		report_warning("%s: the host refuses it %s %d (%s)", name, what, number,
			       strerror(errno));
}

void placement_apply(const struct placement *p, const char *name)
{
	if (!p)
		return;
	if (p->cpu >= 0) {
		cpu_set_t cpus;

		CPU_ZERO(&cpus);
		CPU_SET((size_t)p->cpu, &cpus);
		if (sched_setaffinity(0, sizeof(cpus), &cpus) < 0)
			refused(p, name, "CPU", p->cpu);
	}
	if (p->fifo) {
		const struct sched_param param = { .sched_priority = p->fifo };

		if (sched_setscheduler(0, SCHED_FIFO, &param) < 0)
			refused(p, name, "SCHED_FIFO priority", p->fifo);
	}
}

int placement_try_cpu(int cpu)
{
	cpu_set_t was, one;
	int r;

	CPU_ZERO(&one);
	CPU_SET((size_t)cpu, &one);
	if (sched_getaffinity(0, sizeof(was), &was) < 0)
		return -errno;
	r = sched_setaffinity(0, sizeof(one), &one) < 0 ? -errno : 0;
	(void)sched_setaffinity(0, sizeof(was), &was);
	return r;
}

/* Read a CPU number, digits only. Returns what follows it, or NULL. */
static const char *cpu_number(const char *text, unsigned *ret_cpu)
{
	char *end;
	unsigned long n;

	if (*text < '0' || *text > '9')
		return NULL;
	n = strtoul(text, &end, 10);
	if (n > PLACEMENT_MAX_CPU)
		return NULL;
	*ret_cpu = (unsigned)n;
	return end;
}

int placement_parse_cpus(const char *list, uint16_t cpus[], unsigned max)
{
	unsigned nr = 0;

	for (const char *p = list;; p++) {
		unsigned first, last;

		p = cpu_number(p, &first);
		last = first;
		if (p && *p == '-')
			p = cpu_number(p + 1, &last);
		if (!p || last < first)
			return -EINVAL;
		for (unsigned cpu = first; cpu <= last; cpu++) {
			if (nr == max)
				return -E2BIG;
			cpus[nr++] = (uint16_t)cpu;
		}
		if (!*p)
			return (int)nr;
		if (*p != ',')
			return -EINVAL;
	}
}
