// SPDX-License-Identifier: MIT
/*
 * Whether the host has the memory that a guest is to have, and where it lies.
 *
 * No locks.
 */
#include "vmm/machine/guest_memory.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "vmm/base/bits.h"
#include "vmm/base/hostmem.h"
#include "vmm/base/table.h"
#include "vmm/dev/vfio_words.h"
#include "vmm/kvm/layout.h"

static int find_huge(const struct config *config, const char *root, struct failure *failure)
{
	unsigned long long page = config->huge_page, need = config->memory / page;
	uint64_t unused = 0;
	char cure[128], size[TABLE_SIZE_SZ];

	if (!hostmem_huge_pages(root, page, &unused))
		return failure_set(failure, ITSY_ENVIRONMENT, ENOMEM, "guest memory",
				   "see /sys/kernel/mm/hugepages, or set memory-backing = \"thp\"",
				   "the host has no huge pages of %s", table_size(page, size));
	if (need <= unused)
		return GUEST_MEMORY_FREE;
	(void)snprintf(cure, sizeof(cure),
		       "add %llu to /sys/kernel/mm/hugepages/hugepages-%llukB/nr_hugepages",
		       need - (unsigned long long)unused, page / KiB);
	return failure_set(failure, ITSY_ENVIRONMENT, ENOMEM, "guest memory", cure,
			   "%llu huge pages of %s are needed, and %llu are free", need,
			   table_size(page, size), (unsigned long long)unused);
}

/*
 * What goes with it: page tables of the process, of the guest (stage 2) and of the IOMMU, 8 bytes
 * for each 4 KiB in each; and what itsy and the host need to go on.
 */
#define BESIDE		  (64 * MiB)
#define BESIDE_ONE_IN	  128u
#define BESIDE_OF(memory) (BESIDE + (memory) / BESIDE_ONE_IN)

/* What there is of memory, and who says so. */
struct room {
	uint64_t bytes; /* UINT64_MAX: nobody tells */
	bool is_cgroups;
	char cgroup[HOSTMEM_CGROUP_SZ];
};

static void look_for_room(const char *root, struct room *ret)
{
	const uint64_t available = hostmem_get(root, "MemAvailable");

	ret->bytes = hostmem_cgroup_room(root, ret->cgroup);
	ret->is_cgroups = ret->bytes != UINT64_MAX && (!available || ret->bytes < available);
	if (!ret->is_cgroups)
		ret->bytes = available ? available : UINT64_MAX;
}

static bool fits(const struct config *config, uint64_t room)
{
	return room == UINT64_MAX || config->memory + BESIDE_OF(config->memory) <= room;
}

/* "give the guest 440 MiB of memory at most, or end other programs" */
static void word_cure(const struct room *room, char cure[256])
{
	const uint64_t left = room->bytes > BESIDE ? room->bytes - BESIDE : 0;
	const unsigned long long most = left / (BESIDE_ONE_IN + 1) * BESIDE_ONE_IN / MiB;
	char less[64] = "";

	if (most)
		(void)snprintf(less, sizeof(less), "give the guest %llu MiB of memory at most, or ",
			       most);
	if (room->is_cgroups)
		(void)snprintf(cure, 256, "%sraise %.120s/memory.max (MemoryMax= of a unit)", less,
			       room->cgroup);
	else
		(void)snprintf(cure, 256, "%send other programs", less);
}

static int too_much(const struct config *config, const struct room *room, const char *what,
		    struct failure *failure)
{
	const unsigned long long beside = BESIDE_OF(config->memory) / MiB;
	char cure[256];

	word_cure(room, cure);
	return failure_set(failure, ITSY_ENVIRONMENT, ENOMEM, "guest memory", cure,
			   "%s %llu MiB, and %llu MiB beside it, and %llu MiB are free%s", what,
			   (unsigned long long)(config->memory / MiB), beside,
			   (unsigned long long)(room->bytes / MiB),
			   room->is_cgroups ? " in its cgroup" : "");
}

/* Without devices it is taken bit by bit, and never all where there is not so much. */
static int find_without_devices(const struct config *config, const char *root,
				const struct room *room, struct failure *failure)
{
	uint64_t total = hostmem_get(root, "MemTotal");

	if (total)
		total += hostmem_get(root, "SwapTotal");
	if (total && !fits(config, total))
		return failure_set(failure, ITSY_ENVIRONMENT, ENOMEM, "guest memory",
				   "give the guest less memory",
				   "%llu MiB are more than this host has: %llu MiB, with its swap",
				   (unsigned long long)(config->memory / MiB),
				   (unsigned long long)(total / MiB));
	if (fits(config, room->bytes))
		return GUEST_MEMORY_FREE;
	(void)too_much(config, room, "the guest may use", failure);
	return GUEST_MEMORY_SHORT;
}

int guest_memory_find(const struct config *config, const char *root, struct failure *ret_failure)
{
	struct room room;

	if (config->huge_page)
		return find_huge(config, root, ret_failure);
	look_for_room(root, &room);
	if (!config->nr_devices)
		return find_without_devices(config, root, &room, ret_failure);
	/* A host that has not got it would kill the process in the middle, with functions bound. */
	return fits(config, room.bytes) ? GUEST_MEMORY_FREE
					: too_much(config, &room, "DMA would lock", ret_failure);
}

int guest_memory_lock(const struct config *config, uint64_t limit, struct failure *ret_failure)
{
	const struct vfio_failure vf = { .code = VFIO_FAILURE_MEMLOCK,
					 .error = ENOMEM,
					 .object = "RLIMIT_MEMLOCK",
					 .have = limit,
					 .want = config->memory };

	if (!config->nr_devices || config->memory <= limit)
		return 0;
	return failure_from_vfio(ret_failure, &vf);
}

/* ---- where it lies -------------------------------------------------------------------- */

/* A kernel lies text_offset above a multiple of 2 MiB (booting.rst 4): the start of any bank is
 * one. */
#define BANK_ALIGN (2 * MiB)

static int holes_failed(struct failure *failure, const char *object, int error)
{
	if (error == -E2BIG)
		return failure_set(failure, ITSY_ENVIRONMENT, E2BIG, object,
				   "give the guest fewer devices, or those of one host bridge",
				   "its devices have more than %u ranges where no memory can be",
				   VFIO_MAX_HOLES);
	return failure_set(failure, ITSY_ENVIRONMENT, -error, object,
			   error == -EACCES || error == -EPERM ? "run itsy as root" : NULL,
			   "what is in the way of memory cannot be read: %s", strerror(-error));
}

static int find_holes(const struct config *config, const struct pci_host_fs *host,
		      const struct vfio_container *container, struct vfio_holes *holes,
		      struct failure *failure)
{
	int r = 0;

	for (size_t i = 0; i < config->nr_devices; i++) {
		char bdf[PCI_BDF_STRLEN];

		r = vfio_holes_of_function(host, &config->devices[i].bdf, holes);
		if (r < 0 && r != -ENOENT)
			return holes_failed(failure, pci_bdf_format(&config->devices[i].bdf, bdf),
					    r);
	}
	r = container ? vfio_container_holes(container, holes) : 0;
	return r < 0 ? holes_failed(failure, "guest memory", r) : 0;
}

static void does_not_fit(const struct config *config, const struct ram_plan *most,
			 struct failure *failure)
{
	(void)failure_set(
		failure, ITSY_ENVIRONMENT, ENOSPC, "guest memory",
		"give the guest less memory; itsy run --print-memory-map shows "
		"what is in the way",
		"%llu MiB do not fit around what devices do not reach: %llu MiB are left, "
		"in %zu ranges of %u at most",
		(unsigned long long)(config->memory / MiB), (unsigned long long)(most->room / MiB),
		most->nr, GMEM_MAX_BANKS);
}

int guest_memory_place(const struct config *config, const struct pci_host_fs *host,
		       const struct vfio_container *container, struct guest_memory_map *ret_map,
		       struct failure *ret_failure)
{
	struct ram_hole holes[VFIO_MAX_HOLES];
	struct ram_question question = {
		.from = LAYOUT_RAM,
		.to = LAYOUT_RAM + LAYOUT_RAM_MAX,
		.size = config->memory,
		.align = config->huge_page > BANK_ALIGN ? config->huge_page : BANK_ALIGN,
		.holes = holes,
	};
	int r;

	*ret_map = (struct guest_memory_map){ 0 };
	r = find_holes(config, host, container, &ret_map->holes, ret_failure);
	if (r < 0)
		return r;
	for (size_t i = 0; i < ret_map->holes.nr; i++)
		holes[question.nr_holes++] = (struct ram_hole){ ret_map->holes.list[i].first,
								ret_map->holes.list[i].last };
	r = ram_plan_make(&question, &ret_map->ram);
	if (r < 0) {
		does_not_fit(config, &ret_map->ram, ret_failure);
		ret_map->ram.nr = 0;
	}
	return r;
}

static bool lies_so(const struct gmem *mem, const struct ram_plan *plan)
{
	bool same = mem->nr == plan->nr;

	for (size_t i = 0; same && i < plan->nr; i++)
		same = mem->banks[i].base == plan->banks[i].base &&
		       mem->banks[i].size == plan->banks[i].size;
	return same;
}

int guest_memory_make(const struct config *config, const struct pci_host_fs *host,
		      const struct vfio_container *container, struct gmem *mem,
		      struct failure *ret_failure)
{
	struct guest_memory_map map;
	int r = guest_memory_place(config, host, container, &map, ret_failure);

	if (r < 0)
		return r;
	if (container)
		guest_memory_warn(&map);
	if (lies_so(mem, &map.ram))
		return 0;
	gmem_fini(mem);
	r = gmem_init_banks(mem, map.ram.banks, map.ram.nr, config->huge_page);
	if (r < 0)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, -r, "guest memory",
				   "give the guest less memory", "%llu MiB cannot be had (%s)",
				   (unsigned long long)(config->memory / MiB), strerror(-r));
	return 0;
}

void guest_memory_warn(const struct guest_memory_map *map)
{
	if (map->holes.unread_windows[0])
		report_warning("%s: the windows of this host bridge cannot be read, and the "
			       "guest's memory may lie in one: run itsy as root",
			       map->holes.unread_windows);
	if (map->holes.unknown_group)
		report_warning("guest memory: a device has no IOMMU group before it is bound: "
			       "what the IOMMU reserves is known then");
}

uint64_t guest_memory_below_4g(const struct guest_memory_map *map)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < map->ram.nr; i++) {
		const struct gmem_range *bank = &map->ram.banks[i];

		if (bank->base >= 4 * GiB)
			continue;
		sum += bank->size < 4 * GiB - bank->base ? bank->size : 4 * GiB - bank->base;
	}
	return sum;
}

const char *guest_memory_why(const struct vfio_hole *hole, char ret_text[GUEST_MEMORY_WHY_SZ])
{
	static const struct {
		const char *before, *after;
	} words[] = {
		[VFIO_HOLE_WINDOW] = { "window of the host's PCI bridge ", "" },
		[VFIO_HOLE_DMA_RANGES] = { "the host's PCI bridge ", " lets no DMA through" },
		[VFIO_HOLE_RESERVED] = { "reserved by the host's IOMMU: ", "" },
		[VFIO_HOLE_IOMMU] = { "beyond what the host's IOMMU maps", "" },
	};

	(void)snprintf(ret_text, GUEST_MEMORY_WHY_SZ, "%s%s%s", words[hole->kind].before, hole->of,
		       words[hole->kind].after);
	return ret_text;
}
