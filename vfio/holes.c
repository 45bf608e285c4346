// SPDX-License-Identifier: MIT
/*
 * Addresses at which a function's DMA does not reach memory.
 *
 * Linux keeps its own DMA away from the same (drivers/iommu/dma-iommu.c:
 * iova_reserve_pci_windows(), iommu_dma_get_resv_regions()), but VFIO tells of the IOMMU's part
 * only.
 *
 * Documents: Devicetree Specification 0.4, 2.3.8 and 2.3.9 (ranges, dma-ranges); IEEE 1275 PCI bus
 * binding, 2.2.1.1 (phys.hi); Documentation/ABI/testing/sysfs-kernel-iommu_groups.
 *
 * No locks.
 */
#include "vfio/holes.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/pci_regs.h>
#include <string.h>

#include "vfio/hostfs.h"
#include "vfio/pci_priv.h"
#include "vmm/base/bits.h"

#define MAX_RANGES     64u
#define CELL	       4u
#define PCI_CELLS      3u /* #address-cells of a PCI bus */
#define SIZE_CELLS     2u
#define DEFAULT_CELLS  2u /* #address-cells of a node that does not say (2.3.5) */
#define SPACE_SHIFT    24u
#define SPACE_MASK     3u
#define SPACE_MEMORY32 2u
#define SPACE_MEMORY64 3u

int vfio_hole_add(struct vfio_holes *holes, const struct vfio_hole *hole)
{
	for (size_t i = 0; i < holes->nr; i++)
		if (hole->first >= holes->list[i].first && hole->last <= holes->list[i].last)
			return 0;
	if (holes->nr == VFIO_MAX_HOLES)
		return -E2BIG;
	holes->list[holes->nr++] = *hole;
	return 0;
}

static int add(struct vfio_holes *holes, enum vfio_hole_kind kind, const char *of, uint64_t first,
	       uint64_t last)
{
	struct vfio_hole hole = { .first = first, .last = last, .kind = kind };

	if (last < first)
		return 0;
	(void)snprintf(hole.of, sizeof(hole.of), "%s", of);
	return vfio_hole_add(holes, &hole);
}

/* ---- the host bridge of a function ----------------------------------------------- */

struct host_bridge {
	char name[24];	       /* of its device: "pci0000:00" */
	struct host_path node; /* where its device tree node would be */
};

/* Is it "pci", a domain, ':', a bus, and the end of the directory's name? */
static bool is_root_bus(const char *name)
{
	static const char digits[] = "0123456789abcdef";
	size_t domain;

	if (strncmp(name, "pci", 3) != 0)
		return false;
	name += 3;
	domain = strspn(name, digits);
	return domain >= 4 && domain <= 8 && name[domain] == ':' &&
	       strspn(name + domain + 1, digits) == 2 && name[domain + 3] == '/';
}

/*
 * The function's link ends in the folder of a host bridge's device, ".../pci0000:00/...". A domain
 * may lie behind a function of another one (VMD): the innermost is the function's own.
 */
static int find_host_bridge(const struct pci_host_fs *fs, const struct pci_bdf *bdf,
			    struct host_bridge *ret)
{
	char link[HOST_PATH_MAX];
	const char *found = NULL;
	struct host_path path;
	int r = pci_attr_path(&path, fs, bdf, "");

	if (r >= 0)
		r = host_read_link(path.text, link, sizeof(link));
	if (r < 0)
		return r;
	for (const char *at = link; (at = strchr(at, '/')); at++)
		if (is_root_bus(at + 1))
			found = at;
	if (!found)
		return -ENXIO;
	(void)snprintf(ret->name, sizeof(ret->name), "%.*s", (int)strcspn(found + 1, "/"),
		       found + 1);
	return host_path(&ret->node, fs, "/sys/bus/pci/devices/%.*s/of_node", (int)(found - link),
			 link);
}

/* ---- windows, by the device tree --------------------------------------------------- */

struct bus_range {
	uint64_t first, last;
};

struct bus_ranges {
	struct bus_range list[MAX_RANGES];
	size_t nr;
};

static uint32_t cell_at(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint32_t le32_at(const uint8_t *p)
{
	return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static uint64_t cells_at(const uint8_t *p)
{
	return (uint64_t)cell_at(p) << 32 | cell_at(p + CELL);
}

static int read_property(const struct host_path *node, const char *name, uint8_t *buf, size_t size)
{
	char path[HOST_PATH_MAX + 32];

	(void)snprintf(path, sizeof(path), "%s/%s", node->text, name);
	return host_read_bytes(path, buf, size);
}

static unsigned parent_cells(const struct host_path *node)
{
	uint8_t cells[CELL];

	if (read_property(node, "../#address-cells", cells, sizeof(cells)) != CELL)
		return DEFAULT_CELLS;
	return cell_at(cells);
}

static int add_range(struct bus_ranges *ranges, const uint8_t *entry, unsigned cells)
{
	const uint32_t space = cell_at(entry) >> SPACE_SHIFT & SPACE_MASK;
	const uint64_t first = cells_at(entry + CELL);
	const uint64_t size = cells_at(entry + CELL * (cells - SIZE_CELLS));

	if ((space != SPACE_MEMORY32 && space != SPACE_MEMORY64) || !size)
		return 0;
	if (ranges->nr == MAX_RANGES)
		return -E2BIG;
	ranges->list[ranges->nr++] =
		(struct bus_range){ first,
				    first + size - 1 < first ? UINT64_MAX : first + size - 1 };
	return 0;
}

/*
 * Those of memory, in addresses of the bus; none where the property is empty, for addresses are the
 * same on both sides then. 0, -ENOENT without the property, -EPROTO.
 */
static int read_ranges(const struct host_path *node, const char *name, struct bus_ranges *ret)
{
	const unsigned parent = parent_cells(node), cells = PCI_CELLS + parent + SIZE_CELLS;
	uint8_t buf[(MAX_RANGES + 1) * CELL * (PCI_CELLS + 2 + SIZE_CELLS)];
	int len = read_property(node, name, buf, sizeof(buf)), r = 0;

	*ret = (struct bus_ranges){ 0 };
	if (len < 0)
		return len;
	if (parent < 1 || parent > 2 || (unsigned)len % (CELL * cells))
		return -EPROTO;
	for (unsigned at = 0; at < (unsigned)len && r == 0; at += CELL * cells)
		r = add_range(ret, buf + at, cells);
	return r;
}

/* The first address from *at on that is in no range; false: none is. */
static bool leave_ranges(const struct bus_ranges *ranges, uint64_t *at)
{
	for (size_t i = 0; i < ranges->nr; i++) {
		const struct bus_range *range = &ranges->list[i];

		if (*at < range->first || *at > range->last)
			continue;
		if (range->last == UINT64_MAX)
			return false;
		*at = range->last + 1;
		i = (size_t)-1; /* from the first again: they are in no order */
	}
	return true;
}

/* All that no range has. */
static int add_rest(struct vfio_holes *holes, const char *name, const struct bus_ranges *ranges)
{
	uint64_t at = 0;
	int r = 0;

	while (r == 0 && leave_ranges(ranges, &at)) {
		uint64_t last = UINT64_MAX;

		for (size_t i = 0; i < ranges->nr; i++)
			if (ranges->list[i].first > at && ranges->list[i].first - 1 < last)
				last = ranges->list[i].first - 1;
		r = add(holes, VFIO_HOLE_DMA_RANGES, name, at, last);
		if (last == UINT64_MAX)
			return r;
		at = last + 1;
	}
	return r;
}

/* 0; -ENOENT where the device tree does not tell. */
static int add_from_tree(const struct host_bridge *bridge, struct vfio_holes *holes)
{
	struct bus_ranges ranges;
	int r = read_ranges(&bridge->node, "ranges", &ranges);

	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < ranges.nr; i++)
		r = add(holes, VFIO_HOLE_WINDOW, bridge->name, ranges.list[i].first,
			ranges.list[i].last);
	if (r < 0)
		return r;
	r = read_ranges(&bridge->node, "dma-ranges", &ranges);
	if (r == -ENOENT || (r == 0 && !ranges.nr))
		return 0;
	return r < 0 ? r : add_rest(holes, bridge->name, &ranges);
}

/* ---- windows, by the map of memory --------------------------------------------------- */

#define NR_BARS	     6u
#define CONFIG_SZ    64u
#define RESOURCE_MEM UINT64_C(0x200) /* include/linux/ioport.h: IORESOURCE_MEM */

/* How far the CPU's addresses of a window are above those of the bus: asked of BARs in it. */
struct offset_search {
	const struct pci_host_fs *fs;
	const struct host_bridge *bridge;
	struct bus_range window; /* in the CPU's addresses */
	uint64_t offset;	 /* once it is found */
};

/* What the nth BAR has of an address; 0 where it is none of memory's, or not set. */
static uint64_t bar_address(const uint8_t config[CONFIG_SZ], unsigned n)
{
	const uint8_t *at = config + PCI_BASE_ADDRESS_0 + CELL * n;
	const uint32_t low = le32_at(at);
	uint64_t address = low & (uint32_t)PCI_BASE_ADDRESS_MEM_MASK;

	if (low == UINT32_MAX || (low & PCI_BASE_ADDRESS_SPACE_IO))
		return 0;
	if ((low & PCI_BASE_ADDRESS_MEM_TYPE_MASK) == PCI_BASE_ADDRESS_MEM_TYPE_64 &&
	    n + 1 < NR_BARS)
		address |= (uint64_t)le32_at(at + CELL) << 32;
	return address;
}

/* Lines of a function's BARs: first and last address as the CPU has them, and flags. */
static bool take_offset(struct offset_search *s, FILE *resources, const uint8_t config[CONFIG_SZ])
{
	char line[128];

	for (unsigned n = 0; n < NR_BARS && fgets(line, sizeof(line), resources); n++) {
		const uint64_t bar = bar_address(config, n);
		uint64_t first, last, flags;

		if (sscanf(line, "%" SCNx64 " %" SCNx64 " %" SCNx64, &first, &last, &flags) != 3 ||
		    !(flags & RESOURCE_MEM) || !bar || first < s->window.first ||
		    last > s->window.last)
			continue;
		s->offset = first - bar;
		return true;
	}
	return false;
}

/* 1: this function's BARs have told, and nobody else is asked. */
static int ask_function(void *ctx, const char *name)
{
	struct offset_search *s = ctx;
	_cleanup_file_ FILE *resources = NULL;
	uint8_t config[CONFIG_SZ] = { 0 };
	struct host_bridge bridge;
	struct host_path path;
	struct pci_bdf bdf;

	if (pci_bdf_parse(name, &bdf) < 0 || find_host_bridge(s->fs, &bdf, &bridge) < 0 ||
	    strcmp(bridge.name, s->bridge->name) != 0 ||
	    pci_attr_path(&path, s->fs, &bdf, "config") < 0 ||
	    host_read_bytes(path.text, config, sizeof(config)) != (int)sizeof(config) ||
	    (config[PCI_HEADER_TYPE] & 0x7f) != PCI_HEADER_TYPE_NORMAL ||
	    pci_attr_path(&path, s->fs, &bdf, "resource") < 0)
		return 0;
	resources = fopen(path.text, "re");
	return resources && take_offset(s, resources, config);
}

/* 0 also where no function has a BAR in the window. */
static uint64_t find_offset(const struct pci_host_fs *fs, const struct host_bridge *bridge,
			    uint64_t first, uint64_t last)
{
	struct offset_search s = { fs, bridge, { first, last }, 0 };
	struct host_path path;

	if (host_path(&path, fs, "/sys/bus/pci/devices") == 0)
		(void)!host_each_entry(path.text, ask_function, &s);
	return s.offset;
}

/*
 * With ACPI, Linux calls a host bridge's windows there "PCI Bus 0000:00" (drivers/acpi/pci_root.c),
 * and has them in addresses of the CPU, which _CRS may translate.
 */
static int add_from_iomem(const struct pci_host_fs *fs, const struct host_bridge *bridge,
			  struct vfio_holes *holes)
{
	_cleanup_file_ FILE *f = NULL;
	struct host_path path;
	char line[256];
	bool found = false;
	int r = host_path(&path, fs, "/proc/iomem");

	if (r < 0)
		return r;
	f = fopen(path.text, "re");
	while (f && r == 0 && fgets(line, sizeof(line), f)) {
		uint64_t first, last, offset;
		int text = 0;

		line[strcspn(line, "\n")] = '\0';
		if (sscanf(line, " %" SCNx64 "-%" SCNx64 " : PCI Bus %n", &first, &last, &text) !=
			    2 ||
		    !text || strcmp(line + text, bridge->name + strlen("pci")) != 0)
			continue;
		/* Who may not see addresses sees zeros. */
		if (!last)
			return -EACCES;
		found = true;
		offset = find_offset(fs, bridge, first, last);
		r = add(holes, VFIO_HOLE_WINDOW, bridge->name, first - offset, last - offset);
	}
	return r < 0 || found ? r : -ENOENT;
}

static int unread(struct vfio_holes *holes, const char *host_bridge)
{
	(void)snprintf(holes->unread_windows, sizeof(holes->unread_windows), "%s", host_bridge);
	return 0;
}

static int add_windows(const struct pci_host_fs *fs, const struct host_bridge *bridge,
		       struct vfio_holes *holes)
{
	int r = add_from_tree(bridge, holes);

	if (r == -ENOENT || r == -ENOTDIR)
		r = add_from_iomem(fs, bridge, holes);
	return r < 0 && r != -E2BIG ? unread(holes, bridge->name) : r;
}

/* ---- the IOMMU --------------------------------------------------------------------------- */

/*
 * Lines of first and last address, and a type. Of type direct-relaxable are those that the
 * function needs with its host driver only; VFIO takes them for ordinary addresses as well.
 */
static int add_region(struct vfio_holes *holes, const char *line)
{
	uint64_t first, last;
	char type[32];

	if (sscanf(line, "%" SCNx64 " %" SCNx64 " %31s", &first, &last, type) != 3 ||
	    strcmp(type, "direct-relaxable") == 0)
		return 0;
	return add(holes, VFIO_HOLE_RESERVED, type, first, last);
}

static int add_regions(const struct pci_host_fs *fs, const struct pci_bdf *bdf,
		       struct vfio_holes *holes)
{
	_cleanup_file_ FILE *f = NULL;
	struct host_path path;
	char line[128];
	int r = pci_attr_path(&path, fs, bdf, "iommu_group");

	if (r == 0 && !host_exists(path.text))
		holes->unknown_group = true;
	if (r == 0)
		r = pci_attr_path(&path, fs, bdf, "iommu_group/reserved_regions");
	if (r < 0)
		return r;
	f = fopen(path.text, "re");
	while (f && r == 0 && fgets(line, sizeof(line), f))
		r = add_region(holes, line);
	return r;
}

int vfio_holes_of_function(const struct pci_host_fs *fs, const struct pci_bdf *bdf,
			   struct vfio_holes *holes)
{
	struct host_bridge bridge;
	int r = find_host_bridge(fs, bdf, &bridge);

	if (r == 0)
		r = add_windows(fs, &bridge, holes);
	else if (r == -ENXIO)
		r = unread(holes, "its host bridge");
	return r < 0 ? r : add_regions(fs, bdf, holes);
}
