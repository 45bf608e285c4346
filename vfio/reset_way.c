// SPDX-License-Identifier: MIT
/*
 * How a function can be reset: Documentation/ABI/testing/sysfs-bus-pci (reset_method). What a
 * function's own attribute does not name is a reset of its slot, which the kernel has where there
 * is a bridge above (pci_probe_reset_bus()), and does for a guest that has all functions below
 * it (hot_reset.c). No lock.
 */
#include "vfio/reset_way.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "vfio/fail.h"
#include "vfio/pci_priv.h"

/* Who is on the bus of a function. */
struct bus_look {
	const struct pci_host_fs *fs;
	const struct pci_function *fn;
	const struct pci_set *with;
	struct vfio_reset_way *way;
	bool has_bridge;
	bool has_stranger;
	struct pci_bdf stranger; /* the first, by name, that is not the guest's */
};

/* The bridge above it. -ENODEV: it is on a root bus. */
static int bridge_above(const struct pci_host_fs *fs, const struct pci_bdf *bdf,
			struct pci_bdf *ret_bridge)
{
	char place[HOST_PATH_MAX], *end;
	struct host_path path;
	int r;

	r = pci_attr_path(&path, fs, bdf, "");
	if (r == 0)
		r = host_read_link(path.text, place, sizeof(place));
	if (r < 0)
		return r;
	/* ../../../devices/pci0000:00/0000:00:01.0/0000:01:01.0 */
	end = strrchr(place, '/');
	if (!end)
		return -ENODEV;
	*end = '\0';
	end = strrchr(place, '/');
	return end && pci_bdf_parse(end + 1, ret_bridge) == 0 ? 0 : -ENODEV;
}

static bool is_before(const struct pci_bdf *a, const struct pci_bdf *b)
{
	char x[PCI_BDF_STRLEN], y[PCI_BDF_STRLEN];

	return strcmp(pci_bdf_format(a, x), pci_bdf_format(b, y)) < 0;
}

/* Taken for the sake of a group that the guest has a function of? */
static bool goes_with_a_group(const struct bus_look *look, const struct pci_function *fn)
{
	struct pci_function member;

	if (fn->group < 0 || !pci_driver_is_vfio(fn->driver))
		return false;
	for (size_t i = 0; i < look->with->nr; i++) {
		if (pci_function_get(look->fs, &look->with->bdfs[i], &member) == 0 &&
		    member.group == fn->group)
			return true;
	}
	return false;
}

static bool is_the_guests(const struct bus_look *look, const struct pci_function *fn)
{
	for (size_t i = 0; look->with && i < look->with->nr; i++) {
		if (pci_bdf_equal(&look->with->bdfs[i], &fn->bdf))
			return true;
	}
	return !look->with || goes_with_a_group(look, fn);
}

static int visit(void *ctx, const char *name)
{
	struct bus_look *look = ctx;
	struct vfio_reset_way *way = look->way;
	struct pci_function fn;
	struct pci_bdf bdf;

	if (pci_bdf_parse(name, &bdf) < 0 || pci_bdf_equal(&bdf, &look->fn->bdf) ||
	    pci_function_get(look->fs, &bdf, &fn) < 0)
		return 0;
	look->has_bridge |= fn.is_bridge;
	if (!way->nr_others || is_before(&bdf, &way->other))
		way->other = bdf;
	way->nr_others++;
	if (is_the_guests(look, &fn))
		return 0;
	if (!look->has_stranger || is_before(&bdf, &look->stranger))
		look->stranger = bdf;
	look->has_stranger = true;
	return 0;
}

/* Has it a bus that can be reset? Not one with a bridge, for no guest has those. */
static int look_at_bus(struct bus_look *look)
{
	struct pci_bdf bridge;
	struct host_path path;
	int r;

	r = bridge_above(look->fs, &look->fn->bdf, &bridge);
	if (r == 0)
		r = pci_attr_path(&path, look->fs, &bridge, "");
	if (r == 0)
		r = host_each_entry(path.text, visit, look);
	return r == 0 && look->has_bridge ? -ENODEV : r;
}

/*
 * The words without "bus". The kernel looks for a function's resets when it finds it, and does
 * not see then who else is on the bus and is found later (pci_init_reset_methods(),
 * pci_parent_bus_reset()): when it is asked for that reset, it has it no more.
 */
static void leave_out_bus(char *words)
{
	char text[sizeof(((struct vfio_reset_way *)0)->words)], *save;
	size_t at = 0;

	vfio_copy_text(text, sizeof(text), words);
	words[0] = '\0';
	for (const char *word = strtok_r(text, " ", &save); word;
	     word = strtok_r(NULL, " ", &save)) {
		if (!strcmp(word, "bus"))
			continue;
		at += (size_t)sprintf(words + at, "%s%s", at ? " " : "", word);
	}
}

int vfio_reset_look(const struct pci_host_fs *fs, const struct pci_function *fn,
		    const struct pci_set *with, struct vfio_reset_way *ret_way,
		    struct vfio_failure *ret_failure)
{
	struct bus_look look = { .fs = fs, .fn = fn, .with = with, .way = ret_way };
	char name[PCI_BDF_STRLEN], stranger[PCI_BDF_STRLEN];
	bool has_bus;
	int r;

	_Static_assert(sizeof(ret_way->words) == sizeof(fn->reset), "the kernel's words fit");
	*ret_way = (struct vfio_reset_way){ 0 };
	has_bus = look_at_bus(&look) == 0;
	vfio_copy_text(ret_way->words, sizeof(ret_way->words), fn->reset);
	if (ret_way->nr_others)
		leave_out_bus(ret_way->words);
	if (ret_way->words[0] || !has_bus)
		ret_way->nr_others = 0;
	if (ret_way->words[0])
		return 0;

	pci_bdf_format(&fn->bdf, name);
	strcpy(ret_way->words, "none");
	if (!has_bus)
		return vfio_fail(ret_failure, VFIO_FAILURE_NO_RESET, -ENOTTY, "%s", name);
	if (look.has_stranger) {
		r = vfio_fail(ret_failure, VFIO_FAILURE_RESET_SHARED, -EPERM, "%s", name);
		vfio_failure_other(ret_failure, pci_bdf_format(&look.stranger, stranger));
		return r;
	}
	strcpy(ret_way->words, "bus");
	return 0;
}
