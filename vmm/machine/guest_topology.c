// SPDX-License-Identifier: MIT
/*
 * How the host's CPUs lie that vCPUs are pinned to.
 *
 * Document: Documentation/ABI/stable/sysfs-devices-system-cpu (topology/, cache/). A host that
 * has its caches from neither device tree nor ACPI gives no sizes; nor does a guest have any then.
 *
 * No locks.
 */
#include "vmm/machine/guest_topology.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/cleanup.h"

#define CPU_DIR	   "/sys/devices/system/cpu/cpu%u/"
#define TEXT_SZ	   256u
#define MAX_LEAVES 8u /* of a CPU: index0 to index7 */
/* What Linux writes where a CPU is in no cluster; of 6.1, which has 16 bits of it, too. */
#define NO_CLUSTER (-1)

/* Where one of the host's CPUs is, in the host's numbers. */
struct place {
	int package, cluster, core;
};

/* A cache of the host's, and whom it is of. */
struct leaf {
	unsigned level;
	bool data, instructions;
	struct guest_cache cache;
	char shared[TEXT_SZ]; /* a list of CPUs */
};

struct reader {
	const char *root;
	const uint16_t *host_cpus; /* [topology->nr_cpus] */
	struct guest_topology *topology;
	struct place *places;	 /* [nr_cpus] */
	char (*shared)[TEXT_SZ]; /* of each cache of the topology */
};

/* The first line of a file of a CPU's, without its end. */
static bool read_text(const char *root, unsigned cpu, const char *name, char text[TEXT_SZ])
{
	_cleanup_file_ FILE *f = NULL;
	char path[sizeof(((struct pci_host_fs *)NULL)->root) + 96];

	(void)snprintf(path, sizeof(path), "%s" CPU_DIR "%s", root, cpu, name);
	f = fopen(path, "re");
	if (!f || !fgets(text, TEXT_SZ, f))
		return false;
	text[strcspn(text, "\n")] = '\0';
	return true;
}

static bool read_number(const char *root, unsigned cpu, const char *name, int *ret_number)
{
	char text[TEXT_SZ], *end;
	long number;

	if (!read_text(root, cpu, name, text))
		return false;
	number = strtol(text, &end, 10);
	*ret_number = (int)number;
	return end != text && !*end && number >= -1 && number <= INT32_MAX;
}

/* ---- packages, clusters, cores ------------------------------------------------------ */

static bool read_place(const char *root, unsigned cpu, struct place *ret)
{
	if (!read_number(root, cpu, "topology/cluster_id", &ret->cluster))
		ret->cluster = NO_CLUSTER;
	return read_number(root, cpu, "topology/physical_package_id", &ret->package) &&
	       read_number(root, cpu, "topology/core_id", &ret->core);
}

/* To which depth are they the same: 0 in no package, GUEST_NR_DEPTHS in one core? */
static unsigned common(const struct place *a, const struct place *b)
{
	if (a->package != b->package)
		return 0;
	if (a->cluster != b->cluster)
		return 1;
	return a->core != b->core ? 2 : GUEST_NR_DEPTHS;
}

/* A vCPU's number is its like's, or the next one inside of what is around it. */
static uint32_t number_at(const struct reader *r, uint32_t vcpu, enum guest_depth depth)
{
	uint32_t next = 0;

	for (uint32_t i = 0; i < vcpu; i++) {
		const uint32_t number = r->topology->cpus[i].at[depth];
		const unsigned same = common(&r->places[i], &r->places[vcpu]);

		if (same > depth)
			return number;
		if (same == depth && number >= next)
			next = number + 1;
	}
	return next;
}

static void number_cpus(const struct reader *r)
{
	struct guest_topology *t = r->topology;

	for (uint32_t i = 0; i < t->nr_cpus; i++) {
		struct guest_cpu *cpu = &t->cpus[i];

		for (unsigned depth = 0; depth < GUEST_NR_DEPTHS; depth++)
			cpu->at[depth] = number_at(r, i, depth);
		for (uint32_t j = 0; j < t->nr_cpus; j++) {
			bool is_of_core = common(&r->places[i], &r->places[j]) == GUEST_NR_DEPTHS;

			cpu->nr_threads += is_of_core;
			cpu->thread += is_of_core && j < i;
		}
		if (cpu->at[GUEST_PACKAGE] >= t->nr_packages)
			t->nr_packages = cpu->at[GUEST_PACKAGE] + 1;
	}
}

/* ---- caches ---------------------------------------------------------------------------- */

/* "64K" */
static uint32_t parse_size(const char *text)
{
	char *end;
	unsigned long long size = strtoull(text, &end, 10);

	if (end == text || strcmp(end, "K") || size > UINT32_MAX / 1024)
		return 0;
	return (uint32_t)size * 1024;
}

static uint32_t read_positive(const char *root, unsigned cpu, const char *name)
{
	int number;

	return read_number(root, cpu, name, &number) && number > 0 ? (uint32_t)number : 0;
}

/* False: there is none of this index, or the host does not say enough of it. */
static bool read_leaf(const char *root, unsigned cpu, unsigned index, struct leaf *ret)
{
	char name[64], text[TEXT_SZ];
	int at = snprintf(name, sizeof(name), "cache/index%u/", index);
	char *file = name + at;
	const size_t room = sizeof(name) - (size_t)at;

	(void)snprintf(file, room, "level");
	ret->level = read_positive(root, cpu, name);
	(void)snprintf(file, room, "coherency_line_size");
	ret->cache.line = read_positive(root, cpu, name);
	(void)snprintf(file, room, "number_of_sets");
	ret->cache.sets = read_positive(root, cpu, name);
	(void)snprintf(file, room, "size");
	ret->cache.size = read_text(root, cpu, name, text) ? parse_size(text) : 0;
	ret->cache.level = ret->level;
	ret->cache.next = -1;
	(void)snprintf(file, room, "type");
	if (!ret->level || !ret->cache.size || !read_text(root, cpu, name, text))
		return false;
	ret->data = strcmp(text, "Instruction");
	ret->instructions = strcmp(text, "Data");
	(void)snprintf(file, room, "shared_cpu_list");
	return read_text(root, cpu, name, ret->shared);
}

/* The topology's cache that this one is, which it is from now on if it was not there. */
static int find_cache(struct reader *r, const struct leaf *leaf)
{
	struct guest_topology *t = r->topology;

	for (size_t i = 0; i < t->nr_caches; i++)
		if (t->caches[i].level == leaf->level && !strcmp(r->shared[i], leaf->shared))
			return (int)i;
	t->caches[t->nr_caches] = leaf->cache;
	memcpy(r->shared[t->nr_caches], leaf->shared, TEXT_SZ);
	return (int)t->nr_caches++;
}

static const struct leaf *unified_of(const struct leaf leaves[], size_t nr, unsigned level)
{
	for (size_t i = 0; i < nr; i++)
		if (leaves[i].level == level && leaves[i].data && leaves[i].instructions)
			return &leaves[i];
	return NULL;
}

/* What is behind a level that the host does not tell is not told either. */
static void read_caches(struct reader *r, uint32_t vcpu)
{
	struct guest_cpu *cpu = &r->topology->cpus[vcpu];
	struct leaf leaves[MAX_LEAVES];
	const struct leaf *leaf;
	int *next = &cpu->next;
	size_t nr = 0;

	cpu->next = cpu->l1d.next = cpu->l1i.next = -1;
	for (unsigned i = 0; i < MAX_LEAVES; i++)
		nr += read_leaf(r->root, r->host_cpus[vcpu], i, &leaves[nr]);
	for (size_t i = 0; i < nr; i++)
		if (leaves[i].level == 1 && leaves[i].data != leaves[i].instructions)
			*(leaves[i].data ? &cpu->l1d : &cpu->l1i) = leaves[i].cache;
	if (!cpu->l1d.size || !cpu->l1i.size)
		return;
	for (unsigned level = 2; level <= GUEST_TOPOLOGY_MAX_LEVEL; level++) {
		leaf = unified_of(leaves, nr, level);
		if (!leaf)
			return;
		*next = find_cache(r, leaf);
		next = &r->topology->caches[*next].next;
	}
}

/* ---- all of it ---------------------------------------------------------------------------- */

static bool is_pinned(const struct config *config)
{
	const uint32_t nr = config->vcpu_cpus.nr;

	if (nr < config->vcpus)
		return false;
	for (uint32_t i = 0; i < nr; i++)
		for (uint32_t j = 0; j < i; j++)
			if (config->vcpu_cpus.list[i] == config->vcpu_cpus.list[j])
				return false;
	return true;
}

static void guest_topology_freep(struct guest_topology **topology)
{
	guest_topology_free(*topology);
}

static struct guest_topology *alloc_topology(uint32_t nr_cpus)
{
	_cleanup_(guest_topology_freep) struct guest_topology *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->nr_cpus = nr_cpus;
	t->cpus = calloc(nr_cpus, sizeof(*t->cpus));
	t->caches = calloc((size_t)nr_cpus * GUEST_TOPOLOGY_MAX_LEVEL, sizeof(*t->caches));
	return t->cpus && t->caches ? TAKE_PTR(t) : NULL;
}

int guest_topology_read(const struct config *config, const struct pci_host_fs *host,
			struct guest_topology **ret_topology, struct failure *ret_failure)
{
	const uint32_t nr = config->vcpus;
	_cleanup_(guest_topology_freep) struct guest_topology *t = NULL;
	_cleanup_free_ struct place *places = NULL;
	_cleanup_free_ char(*shared)[TEXT_SZ] = NULL;
	struct reader r = { .root = host->root, .host_cpus = config->vcpu_cpus.list };

	*ret_topology = NULL;
	if (!is_pinned(config))
		return 0;
	t = r.topology = alloc_topology(nr);
	places = r.places = calloc(nr, sizeof(*places));
	shared = r.shared = calloc((size_t)nr * GUEST_TOPOLOGY_MAX_LEVEL, sizeof(*shared));
	if (!t || !places || !shared)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, ENOMEM, "vcpus", NULL,
				   "out of memory");
	for (uint32_t i = 0; i < nr; i++)
		if (!read_place(r.root, r.host_cpus[i], &places[i]))
			return 0;
	number_cpus(&r);
	for (uint32_t i = 0; i < nr; i++)
		read_caches(&r, i);
	*ret_topology = TAKE_PTR(t);
	return 0;
}

void guest_topology_free(struct guest_topology *t)
{
	if (!t)
		return;
	free(t->cpus);
	free(t->caches);
	free(t);
}
