// SPDX-License-Identifier: MIT
/*
 * The guest's addresses as a table.
 *
 * No locks.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "vmm/base/bits.h"
#include "vmm/base/table.h"
#include "vmm/config/config_place.h"
#include "vmm/kvm/layout.h"
#include "vmm/machine/guest_memory.h"

#define NR_FIXED 13u
#define MAX_ROWS (NR_FIXED + GMEM_MAX_BANKS + VFIO_MAX_HOLES)

struct row {
	uint64_t first, last;
	const char *what; /* NULL: the hole says */
	const struct vfio_hole *hole;
};

struct rows {
	struct row list[MAX_ROWS];
	size_t nr;
};

static void add_row(struct rows *rows, uint64_t at, uint64_t size, const char *what)
{
	rows->list[rows->nr++] = (struct row){ at, at + size - 1, what, NULL };
}

/* What the device tree describes. */
static void add_fixed(const struct config *config, struct rows *rows)
{
	/* Bus 0, and one behind each root port. */
	const unsigned nr_buses = 1 + (unsigned)__builtin_popcount(config_place_root_ports(config));

	add_row(rows, LAYOUT_GICD, LAYOUT_GICD_SZ, "interrupt distributor");
	add_row(rows, LAYOUT_GITS, config->nr_its * LAYOUT_GITS_SZ, "ITS");
	add_row(rows, LAYOUT_UART, LAYOUT_UART_SZ, "console");
	add_row(rows, LAYOUT_GPIO, LAYOUT_GPIO_SZ, "power button");
	add_row(rows, LAYOUT_RTC, LAYOUT_RTC_SZ, "real-time clock");
	add_row(rows, LAYOUT_STEAL_TIME, LAYOUT_STEAL_TIME_SZ, "stolen time of the vCPUs");
	add_row(rows, LAYOUT_GICR, config->vcpus * LAYOUT_GICR_SZ_VCPU, "interrupt redistributors");
	add_row(rows, LAYOUT_ECAM, nr_buses * LAYOUT_ECAM_SZ, "PCI configuration space");
	add_row(rows, LAYOUT_PCI_IO, LAYOUT_PCI_IO_SZ, "PCI I/O ports");
	add_row(rows, LAYOUT_PCI32, LAYOUT_PCI32_SZ, "PCI memory, 32 bits");
	if (config->boot == BOOT_WISH_DISK) {
		add_row(rows, LAYOUT_FIRMWARE, LAYOUT_FIRMWARE_SZ, "firmware");
		add_row(rows, LAYOUT_PL011, LAYOUT_PL011_SZ, "console of the firmware");
	}
	add_row(rows, LAYOUT_PCI64, LAYOUT_PCI64_SZ, "PCI memory, 64 bits");
}

/* Holes elsewhere are in nobody's way. */
static void add_holes(const struct guest_memory_map *map, struct rows *rows)
{
	const struct gmem_range *last = &map->ram.banks[map->ram.nr ? map->ram.nr - 1 : 0];
	const uint64_t end = map->ram.nr ? last->base + last->size : LAYOUT_PCI64;

	for (size_t i = 0; i < map->holes.nr; i++) {
		const struct vfio_hole *hole = &map->holes.list[i];

		if (hole->last < LAYOUT_RAM || hole->first >= end)
			continue;
		rows->list[rows->nr++] = (struct row){ hole->first, hole->last, NULL, hole };
	}
}

static int by_address(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

static void add_address(struct table *t, uint64_t address)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "0x%010" PRIx64, address);
	table_add(t, text);
}

static void add_size(struct table *t, uint64_t size)
{
	const bool is_mib = size && size % MiB == 0;
	char number[TABLE_NUMBER_SZ], text[TABLE_NUMBER_SZ + 4];

	(void)snprintf(text, sizeof(text), "%s %s",
		       table_number(is_mib ? size / MiB : size / KiB, number),
		       is_mib ? "MiB" : "KiB");
	/* All of 64 bits is a size of 65. */
	table_add(t, size ? text : "-");
}

int guest_memory_print(const struct config *config, const struct guest_memory_map *map, FILE *out)
{
	static const char *const headings[] = { "FROM", "TO", "SIZE", "WHAT" };
	_cleanup_(table_fini) struct table t;
	struct rows rows = { 0 };

	for (size_t i = 0; i < map->ram.nr; i++)
		add_row(&rows, map->ram.banks[i].base, map->ram.banks[i].size, "memory");
	add_fixed(config, &rows);
	add_holes(map, &rows);
	qsort(rows.list, rows.nr, sizeof(rows.list[0]), by_address);
	table_init(&t, headings, ARRAY_SIZE(headings));
	t.right = 1u << 2;
	for (size_t i = 0; i < rows.nr; i++) {
		const struct row *row = &rows.list[i];
		char why[GUEST_MEMORY_WHY_SZ], what[GUEST_MEMORY_WHY_SZ + 16];

		add_address(&t, row->first);
		add_address(&t, row->last);
		add_size(&t, row->last - row->first + 1);
		if (row->hole)
			(void)snprintf(what, sizeof(what), "no memory: %s",
				       guest_memory_why(row->hole, why));
		table_add(&t, row->hole ? what : row->what);
	}
	return table_print(&t, out);
}
