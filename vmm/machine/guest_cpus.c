// SPDX-License-Identifier: MIT
/*
 * CPUs that a configuration names. A thread that is not where it was asked to be costs time that
 * nobody finds: so it is refused, before anything is done.
 *
 * Documents: sysfs-devices-system-cpu, sched(7).
 *
 * No locks.
 */
#include "vmm/machine/guest_cpus.h"

#include <errno.h>
#include <string.h>

#include "vmm/base/bits.h"

#define ONLINE	"/sys/devices/system/cpu/online"
#define LIST_SZ 256u
#define KEY_SZ	96u

struct host_cpus {
	const char *root;   /* of the host whose they are */
	char list[LIST_SZ]; /* as the kernel writes it; "": it is not known */
};

static void read_online(struct host_cpus *cpus)
{
	_cleanup_file_ FILE *f = NULL;
	char path[sizeof(((struct pci_host_fs *)NULL)->root) + sizeof(ONLINE)];

	(void)snprintf(path, sizeof(path), "%s" ONLINE, cpus->root);
	f = fopen(path, "re");
	if (!f || !fgets(cpus->list, (int)sizeof(cpus->list), f))
		cpus->list[0] = '\0';
	cpus->list[strcspn(cpus->list, "\n")] = '\0';
}

static bool is_online(const struct host_cpus *cpus, int cpu)
{
	uint16_t list[PLACEMENT_MAX_CPU + 1];
	int nr = placement_parse_cpus(cpus->list, list, PLACEMENT_MAX_CPU + 1);

	for (int i = 0; i < nr; i++)
		if (list[i] == cpu)
			return true;
	return nr < 0; /* placement_try_cpu() knows */
}

static int look(const struct host_cpus *cpus, const char *key, int cpu, bool is_for_thread,
		struct failure *ret_failure)
{
	char cure[LIST_SZ + 16];
	int r;

	if (cpu < 0)
		return 0;
	(void)snprintf(cure, sizeof(cure), "name one of %s", cpus->list);
	if (!is_online(cpus, cpu))
		return failure_set(ret_failure, ITSY_ENVIRONMENT, EINVAL, key, cure,
				   "CPU %d is not online", cpu);
	/* A copy of a host's files cannot be tried. */
	r = is_for_thread && !cpus->root[0] ? placement_try_cpu(cpu) : 0;
	return r < 0 ? failure_set(ret_failure, ITSY_ENVIRONMENT, -r, key,
				   "name one that this process may use (taskset -cp $$)",
				   "the host refuses CPU %d (%s)", cpu, strerror(-r))
		     : 0;
}

int guest_cpus_look(const struct config *config, const struct pci_host_fs *host,
		    struct failure *ret_failure)
{
	struct host_cpus cpus = { .root = host->root };
	int r;

	read_online(&cpus);
	r = look(&cpus, "router-cpu", config->router.cpu, true, ret_failure);
	if (r == 0)
		r = look(&cpus, "spin-cpu", config->spin.cpu, true, ret_failure);
	for (uint32_t i = 0; r == 0 && i < config->vcpu_cpus.nr; i++)
		r = look(&cpus, "vcpu-cpus", config->vcpu_cpus.list[i], true, ret_failure);
	for (size_t i = 0; r == 0 && i < config->nr_devices; i++) {
		char key[KEY_SZ];

		(void)snprintf(key, sizeof(key), "msi-cpu of device %s", config->devices[i].name);
		r = look(&cpus, key, config->devices[i].msi_cpu, false, ret_failure);
	}
	return r;
}

int guest_cpus_look_at(const struct pci_host_fs *host, const char *key, int cpu, bool is_for_thread,
		       struct failure *ret_failure)
{
	struct host_cpus cpus = { .root = host->root };

	read_online(&cpus);
	return look(&cpus, key, cpu, is_for_thread, ret_failure);
}

int guest_cpus_fifo(const struct config *config)
{
	/* The thread its is one above the vCPUs (vmm/its/its_thread.c). */
	const int its = config->vcpu.fifo ? config->vcpu.fifo + 1 : 0;
	const int all[] = { config->router.fifo, config->spin.fifo, its };
	int highest = 0;

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (all[i] > highest)
			highest = all[i];
	return highest;
}
