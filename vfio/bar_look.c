// SPDX-License-Identifier: MIT
/*
 * Which of a function's BARs are trapped on a host with pages of that size, from its sysfs:
 * Documentation/PCI/sysfs-pci.rst (config, resource), linux/ioport.h. What bar.c and msix_move.c
 * do when it is opened. No locks.
 */
#include "vfio/bar_look.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <string.h>

#include "vfio/cfgspace.h"
#include "vfio/msix_layout.h"
#include "vfio/pci_priv.h"

#define BARS	   6u
#define ROWS	   (BARS + 1) /* and the expansion ROM */
#define RES_MEM	   UINT64_C(0x200)
#define RES_MEM_64 UINT64_C(0x100000)
#define USUAL_PAGE UINT64_C(4096)

struct bar_row {
	uint64_t first, size, flags; /* size 0: it has none */
	bool maps;		     /* in whole pages */
};

static int read_rows(const struct pci_host_fs *fs, const struct pci_bdf *bdf,
		     struct bar_row rows[ROWS])
{
	char text[1024], *save, *line;
	struct host_path path;
	int r;

	r = pci_attr_path(&path, fs, bdf, "resource");
	if (r == 0)
		r = host_read_text(path.text, text, sizeof(text));
	line = r == 0 ? strtok_r(text, "\n", &save) : NULL;
	for (unsigned i = 0; i < ROWS; i++) {
		uint64_t first, last, flags;

		if (!line ||
		    sscanf(line, "%" SCNx64 " %" SCNx64 " %" SCNx64, &first, &last, &flags) != 3)
			return r < 0 ? r : -EINVAL;
		rows[i] = (struct bar_row){ first, last > first ? last - first + 1 : 0, flags,
					    false };
		line = strtok_r(NULL, "\n", &save);
	}
	return 0;
}

/* What is behind a BAR in its last page. */
struct page_rest {
	const struct pci_host_fs *fs;
	uint64_t first, end;
};

/* 1: this function has a part of it. */
static int is_in_rest(void *ctx, const char *name)
{
	const struct page_rest *rest = ctx;
	struct bar_row rows[ROWS];
	struct pci_bdf bdf;

	if (pci_bdf_parse(name, &bdf) < 0 || read_rows(rest->fs, &bdf, rows) < 0)
		return 0;
	for (unsigned i = 0; i < ROWS; i++) {
		if ((rows[i].flags & RES_MEM) && rows[i].size && rows[i].first < rest->end &&
		    rows[i].first + rows[i].size > rest->first)
			return 1;
	}
	return 0;
}

/*
 * Does the kernel map it? One that is smaller than a page, where that is its own
 * (vfio_pci_probe_mmaps()), and then it is bar.c's to say from which size on.
 */
static bool row_maps(const struct pci_host_fs *fs, const struct bar_row *row, uint64_t page)
{
	struct page_rest rest = { fs, row->first + row->size, row->first + page };
	struct host_path path;

	if (!(row->flags & RES_MEM) || row->size < USUAL_PAGE)
		return false;
	if (row->size >= page)
		return true;
	return row->first % page == 0 && host_path(&path, fs, "/sys/bus/pci/devices") == 0 &&
	       host_each_entry(path.text, is_in_rest, &rest) == 0;
}

static int read_layout(const struct pci_host_fs *fs, const struct pci_bdf *bdf,
		       struct msix_layout *ret_layout)
{
	uint8_t image[CFGSPACE_SIZE_PCI];
	struct host_path path;
	unsigned at;
	int r;

	r = pci_attr_path(&path, fs, bdf, "config");
	if (r == 0)
		r = host_read_bytes(path.text, image, sizeof(image));
	if (r < (int)sizeof(image))
		return r < 0 ? r : -EPERM;
	at = cfgspace_find_cap(image, PCI_CAP_ID_MSIX);
	if (!at || at + MSIX_LAYOUT_CAP_SIZE > sizeof(image))
		return -ENOENT;
	msix_layout_read(image + at, ret_layout);
	return 0;
}

static int free_row(const struct bar_row rows[ROWS])
{
	for (unsigned i = 0; i < BARS; i++) {
		if (!rows[i].size)
			return (int)i;
		i += !!(rows[i].flags & RES_MEM_64);
	}
	return -1;
}

static unsigned crowded_bars(const struct msix_layout *layout, const struct bar_row rows[ROWS],
			     uint64_t page)
{
	unsigned crowded = 0;

	for (unsigned i = 0; i < BARS; i++) {
		if (rows[i].maps && msix_layout_crowds(layout, i, rows[i].size, page))
			crowded |= 1u << i;
	}
	return crowded;
}

void vfio_bar_look(const struct pci_host_fs *fs, const struct pci_function *fn, uint64_t page,
		   struct vfio_bar_look *ret_look)
{
	struct bar_row rows[ROWS];
	struct msix_layout layout;
	unsigned crowded;

	*ret_look = (struct vfio_bar_look){ .page = page, .table_moved_to = -1 };
	if (page <= USUAL_PAGE || read_rows(fs, &fn->bdf, rows) < 0)
		return;
	for (unsigned i = 0; i < BARS; i++) {
		rows[i].maps = row_maps(fs, &rows[i], page);
		if (rows[i].size && (rows[i].flags & RES_MEM) && !rows[i].maps)
			ret_look->trapped |= 1u << i;
	}
	if (read_layout(fs, &fn->bdf, &layout) < 0)
		return;
	ret_look->table_bar = layout.table.bar;
	crowded = crowded_bars(&layout, rows, page);
	if (crowded && pci_interrupts_are_isolated(fs))
		ret_look->table_moved_to = free_row(rows);
	if (ret_look->table_moved_to < 0)
		ret_look->trapped |= crowded;
}
