// SPDX-License-Identifier: MIT
/*
 * itsy check CONFIG: where the configuration has threads and interrupts go, and
 * what the host says to that.
 *
 * Documents: sysfs-devices-system-cpu, sched(7), admin-guide/kernel-parameters.txt
 * (kvm-arm.vgic_v4_enable).
 *
 * No locks.
 */
#include "vfio/irq_count.h"
#include "vmm/check/check.h"
#include "vmm/irq/irq_function.h"
#include "vmm/kvm/vm.h"
#include "vmm/machine/guest_cpus.h"

#include <string.h>

#define CPUS_MAX (PLACEMENT_MAX_CPU + 1u)
#define CURE_SZ	 256u /* as that of a result */

/* Is the CPU in a list of the host's? Where there is no such list: otherwise. */
static bool is_listed(const struct check_host *host, const char *path, unsigned cpu, bool otherwise)
{
	uint16_t cpus[CPUS_MAX];
	char line[1024];
	int nr;

	check_read_line(host, path, line, sizeof(line));
	nr = placement_parse_cpus(line, cpus, CPUS_MAX);
	for (int i = 0; i < nr; i++)
		if (cpus[i] == cpu)
			return true;
	return nr < 0 && line[0] == '\0' && otherwise;
}

static bool is_isolated(const struct check_host *host, unsigned cpu)
{
	return is_listed(host, "/sys/devices/system/cpu/isolated", cpu, false);
}

struct says {
	enum verdict verdict;
	const char *cure;
	char text[256], cpus[CURE_SZ];
};

/* By the same look as itsy run's. False: why not is said, after the CPU's number. */
static bool can_use(const struct check_host *host, int cpu, bool is_for_thread, struct says *s,
		    const char **ret_why)
{
	struct failure failure;
	int r = guest_cpus_look_at(&host->fs, "cpu", cpu, is_for_thread, &failure);

	if (r >= 0)
		return true;
	*ret_why =
		strstr(failure.cause, "not online") ? "is not online" : "this process may not use";
	s->verdict = VERDICT_FAIL;
	(void)snprintf(s->cpus, sizeof(s->cpus), "%s", failure.cure);
	s->cure = s->cpus;
	return false;
}

static void say_cpu(const struct check_host *host, int cpu, bool is_for_thread, struct says *s)
{
	const char *why;
	size_t len = strlen(s->text);
	char *to = s->text + len;

	if (cpu < 0) {
		(void)snprintf(to, sizeof(s->text) - len, "any CPU");
		return;
	}
	s->verdict = VERDICT_PASS;
	if (can_use(host, cpu, is_for_thread, s, &why))
		(void)snprintf(to, sizeof(s->text) - len, "CPU %d, %s", cpu,
			       is_isolated(host, (unsigned)cpu) ? "isolated" : "not isolated");
	else
		(void)snprintf(to, sizeof(s->text) - len, "CPU %d, which %s", cpu, why);
}

static void say_sched(const struct check_host *host, const struct placement *p, struct says *s)
{
	size_t len = strlen(s->text);
	char *to = s->text + len;

	if (!p->fifo) {
		(void)snprintf(to, sizeof(s->text) - len, "; an ordinary thread");
		return;
	}
	if (p->fifo <= host->max_fifo) {
		(void)snprintf(to, sizeof(s->text) - len, "; SCHED_FIFO %d", p->fifo);
		if (s->verdict == VERDICT_INFO)
			s->verdict = VERDICT_PASS;
		return;
	}
	(void)snprintf(to, sizeof(s->text) - len, "; SCHED_FIFO %d is not permitted: %s", p->fifo,
		       "an ordinary thread");
	if (s->verdict == VERDICT_FAIL)
		return;
	s->verdict = VERDICT_WARN;
	s->cure = "run itsy as root, or grant CAP_SYS_NICE or RLIMIT_RTPRIO (ulimit -r)";
}

static bool some_route(const struct config *c, enum route route)
{
	for (size_t i = 0; i < c->nr_devices; i++)
		if (c->devices[i].route == route)
			return true;
	return false;
}

static void say_placement(const struct check_host *host, const struct placement *p,
			  struct check_result *ret)
{
	struct says s = { .verdict = VERDICT_INFO };

	say_cpu(host, p->cpu, true, &s);
	say_sched(host, p, &s);
	check_say(ret, s.verdict, s.cure, "%s", s.text);
}

void check_router(const struct check_host *host, struct check_result *ret)
{
	ret->verdict = VERDICT_NONE;
	if (host->config && host->config->nr_devices)
		say_placement(host, &host->config->router, ret);
}

/* A thread that never sleeps takes a whole CPU: from the guest, where it has none of its own. */
void check_spinner(const struct check_host *host, struct check_result *ret)
{
	const struct config *c = host->config;

	ret->verdict = VERDICT_NONE;
	if (!c || (!some_route(c, ROUTE_SPIN) && c->spin.cpu < 0))
		return;
	say_placement(host, &c->spin, ret);
	if (ret->verdict != VERDICT_WARN && c->spin.cpu < 0)
		check_say(ret, VERDICT_WARN, "give it a CPU of its own with spin-cpu",
			  "any CPU: it never sleeps, and takes one from the others");
}

void check_vcpus(const struct check_host *host, struct check_result *ret)
{
	struct says s = { .verdict = VERDICT_INFO };
	const struct config *c = host->config;
	unsigned isolated = 0;
	const char *why;

	ret->verdict = VERDICT_NONE;
	if (!c)
		return;
	for (uint32_t i = 0; i < c->vcpu_cpus.nr; i++) {
		isolated += is_isolated(host, c->vcpu_cpus.list[i]);
		if (can_use(host, c->vcpu_cpus.list[i], true, &s, &why))
			continue;
		check_say(ret, VERDICT_FAIL, s.cure, "CPU %u for vCPU %u %s", c->vcpu_cpus.list[i],
			  i, why);
		return;
	}
	if (c->vcpu_cpus.nr) {
		s.verdict = VERDICT_PASS;
		(void)snprintf(s.text, sizeof(s.text), "a CPU for each, %u of %u isolated",
			       isolated, c->vcpu_cpus.nr);
	} else {
		(void)snprintf(s.text, sizeof(s.text), "any CPU");
	}
	say_sched(host, &c->vcpu, &s);
	check_say(ret, s.verdict, s.cure, "%s", s.text);
}

/*
 * KVM's log says it where the hardware has it (vgic_v3_probe()); no file does. Without
 * that line, and with others of KVM's, the hardware does not have it.
 */
void check_direct(const struct check_host *host, struct check_result *ret)
{
	char cmdline[4096], said[64], any[64];

	ret->verdict = VERDICT_NONE;
	if (host->config && !some_route(host->config, ROUTE_IRQFD) &&
	    !some_route(host->config, ROUTE_AUTO))
		return;
	check_read_line(host, "/proc/cmdline", cmdline, sizeof(cmdline));
	check_read_log(host, "GICv4.1 support ", said, sizeof(said));
	if (!said[0])
		check_read_log(host, "GICv4 support ", said, sizeof(said));
	check_read_log(host, "kvm [", any, sizeof(any));
	if (strstr(said, "support enabled"))
		check_say(ret, VERDICT_INFO, NULL,
			  "yes, by irqfd: %s; nobody counts then, and auto leaves vectors on uring "
			  "unless auto-uncounted = irqfd",
			  said);
	else if (strstr(said, "support disabled"))
		check_say(ret, VERDICT_INFO, NULL,
			  "no: the hardware has GICv4, and the kernel is not asked for it "
			  "(kvm-arm.vgic_v4_enable=1); irqfd works without");
	else if (!cmdline[0])
		check_say(ret, VERDICT_INFO, NULL,
			  "cannot tell: the kernel's command line is not readable");
	else if (!vfio_gicv4_is_asked_for(cmdline))
		check_say(ret, VERDICT_INFO, NULL,
			  "no: the kernel is not asked for it (kvm-arm.vgic_v4_enable=1); irqfd "
			  "works without");
	else if (any[0])
		check_say(ret, VERDICT_INFO, NULL,
			  "no: the kernel is asked for it, and the hardware has no GICv4; irqfd "
			  "works without");
	else
		check_say(ret, VERDICT_INFO, NULL,
			  "cannot tell: the kernel is asked for it, and uses it where the hardware "
			  "has GICv4 (its log says 'GICv4 support enabled')");
}

static void append(struct says *s, const char *text)
{
	(void)strncat(s->text, text, sizeof(s->text) - strlen(s->text) - 1);
}

static void say_policy(const struct policy *p, struct says *s)
{
	size_t len = strlen(s->text);

	if (p->storm_rate)
		(void)snprintf(s->text + len, sizeof(s->text) - len,
			       "; at most %u per second and vector, %u at once, else silent for "
			       "%u us",
			       p->storm_rate, p->storm_burst, p->storm_holdoff_us);
	len = strlen(s->text);
	if (p->hold_us)
		(void)snprintf(s->text + len, sizeof(s->text) - len, "; one in %u us", p->hold_us);
}

void check_interrupts(const struct check_host *host, size_t nr, struct check_result *ret)
{
	const struct config_device *d = &host->config->devices[nr];
	struct says s = { .verdict = VERDICT_INFO };

	(void)snprintf(s.text, sizeof(s.text), "by %s; taken by ", route_name(d->route));
	say_cpu(host, d->msi_cpu, false, &s);
	say_policy(&d->policy, &s);
	if (s.verdict != VERDICT_FAIL && d->route == ROUTE_IRQFD && d->policy.hold_us) {
		s.verdict = VERDICT_WARN;
		s.cure = "take route = auto, uring or spin, where itsy sees each interrupt";
		append(&s, "; hold-us does not hold, as the kernel routes alone");
	} else if (d->route == ROUTE_IRQFD && d->policy.storm_rate) {
		append(&s, "; a storm is seen within a tenth of a second");
	} else if (d->route == ROUTE_AUTO && !policy_is_off(&d->policy)) {
		append(&s, "; by uring, for these limits");
	}
	check_say(ret, s.verdict, s.cure, "%s", s.text);
}

/* As vector_routes.c numbers them: the events of all functions, one after the other. */
void check_gsis(const struct check_host *host, struct check_result *ret)
{
	const struct config *c = host->config;
	uint64_t nr = 0;

	ret->verdict = VERDICT_NONE;
	if (!c || (!some_route(c, ROUTE_IRQFD) && !some_route(c, ROUTE_AUTO)))
		return;
	for (size_t i = 0; i < c->nr_devices; i++) {
		struct pci_function fn = { 0 };

		(void)!pci_function_get(&host->fs, &c->devices[i].bdf, &fn);
		nr += c->devices[i].events
			      ? c->devices[i].events
			      : irq_function_events_for(fn.msix_vectors ? fn.msix_vectors
									: fn.msi_vectors);
	}
	if (nr > VM_MAX_ROUTES)
		check_say(ret, VERDICT_WARN,
			  "put the devices that interrupt most first, or lower their 'events'",
			  "KVM has %u for %llu events: vectors beyond them are never on irqfd",
			  VM_MAX_ROUTES, (unsigned long long)nr);
}
