// SPDX-License-Identifier: MIT
/*
 * PCI functions as the host's sysfs shows them: Documentation/ABI/testing/
 * sysfs-bus-pci (vendor, device, class, config, driver, reset_method, sriov_totalvfs,
 * sriov_numvfs, physfn, virtfnN) and sysfs-kernel-iommu_groups.
 *
 * sysfs may change while it is read: an attribute that is gone by the time it
 * is looked at counts as absent, a function that is gone as -ENOENT.
 */
#include "vfio/pci.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <linux/pci_regs.h>
#include <string.h>

#include "vfio/fail.h"
#include "vfio/hostfs.h"
#include "vfio/pci_priv.h"

/* A capability takes at least a dword, and those lie from 0x40 to 0xff. */
#define PCI_STD_CAPS_MAX 48u
/* Class and subclass of what has a header of type 1: PCI Code and ID Assignment, 1.7. */
#define PCI_CLASS_PCI_BRIDGE 0x0604u

/* One to max hexadecimal digits, then the character end. */
static const char *parse_hex(const char *text, unsigned max, char end, uint32_t *ret_value)
{
	uint32_t value = 0;
	unsigned digits;

	for (digits = 0; digits < max && isxdigit((unsigned char)text[digits]); digits++) {
		int c = tolower((unsigned char)text[digits]);

		value = value << 4 | (uint32_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	if (digits == 0 || text[digits] != end)
		return NULL;
	*ret_value = value;
	return text + digits + (end != '\0');
}

int pci_bdf_parse(const char *text, struct pci_bdf *ret_bdf)
{
	uint32_t domain = 0, bus = 0, dev = 0, fn = 0;
	const char *colon = strchr(text, ':');

	if (colon && strchr(colon + 1, ':')) {
		text = parse_hex(text, 8, ':', &domain);
		if (!text)
			return -EINVAL;
	}
	text = parse_hex(text, 2, ':', &bus);
	if (text)
		text = parse_hex(text, 2, '.', &dev);
	if (text)
		text = parse_hex(text, 1, '\0', &fn);
	if (!text || dev > 31 || fn > 7)
		return -EINVAL;

	*ret_bdf = (struct pci_bdf){
		.domain = domain,
		.bus = (uint8_t)bus,
		.dev = (uint8_t)dev,
		.fn = (uint8_t)fn,
	};
	return 0;
}

const char *pci_bdf_format(const struct pci_bdf *bdf, char buf[PCI_BDF_STRLEN])
{
	/* The masks are the field's own range; they let the compiler see the length. */
	(void)snprintf(buf, PCI_BDF_STRLEN, "%04x:%02x:%02x.%x", bdf->domain, bdf->bus,
		       bdf->dev & 0x1fu, bdf->fn & 0x7u);
	return buf;
}

bool pci_bdf_equal(const struct pci_bdf *a, const struct pci_bdf *b)
{
	return a->domain == b->domain && a->bus == b->bus && a->dev == b->dev && a->fn == b->fn;
}

bool pci_driver_is_vfio(const char *driver)
{
	return strstr(driver, "vfio") != NULL;
}

/* By which of the two functions are opened, is not known here: none may allow it. */
bool pci_interrupts_are_isolated(const struct pci_host_fs *fs)
{
	static const char *const modules[] = { "vfio_iommu_type1", "iommufd" };
	unsigned refuse = 0, allow = 0;

	for (size_t i = 0; i < ARRAY_SIZE(modules); i++) {
		struct host_path path;
		char text[8];

		if (host_path(&path, fs, "/sys/module/%s/parameters/allow_unsafe_interrupts",
			      modules[i]) < 0 ||
		    host_read_text(path.text, text, sizeof(text)) < 0)
			continue; /* the host has not this one */
		refuse += !strcmp(text, "N");
		allow += strcmp(text, "N") != 0;
	}
	return refuse && !allow;
}

int pci_attr_path(struct host_path *ret_path, const struct pci_host_fs *fs,
		  const struct pci_bdf *bdf, const char *attr)
{
	char name[PCI_BDF_STRLEN];

	return host_path(ret_path, fs, "/sys/bus/pci/devices/%s%s%s", pci_bdf_format(bdf, name),
			 *attr ? "/" : "", attr);
}

int pci_driver_get(const struct pci_host_fs *fs, const struct pci_bdf *bdf,
		   char ret_driver[PCI_DRIVER_STRLEN])
{
	struct host_path path;
	int r;

	r = pci_attr_path(&path, fs, bdf, "driver");
	if (r < 0)
		return r;
	r = host_link_name(path.text, ret_driver, PCI_DRIVER_STRLEN);
	if (r == -ENOENT) {
		ret_driver[0] = '\0';
		return 0;
	}
	return r;
}

static int attr_u32(const struct pci_host_fs *fs, const struct pci_bdf *bdf, const char *attr,
		    uint32_t *ret_value)
{
	struct host_path path;
	int r;

	r = pci_attr_path(&path, fs, bdf, attr);
	return r < 0 ? r : host_read_u32(path.text, ret_value);
}

static uint16_t get_le16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

/* PCI Local Bus 3.0, 6.7: the list of capabilities. A device may say anything: so bounded. */
static void parse_vectors(const uint8_t config[PCI_CFG_SPACE_SIZE], struct pci_function *fn)
{
	unsigned pos;

	if (!(get_le16(config + PCI_STATUS) & PCI_STATUS_CAP_LIST))
		return;
	pos = config[PCI_CAPABILITY_LIST] & ~3u;
	for (unsigned i = 0; i < PCI_STD_CAPS_MAX && pos >= PCI_STD_HEADER_SIZEOF; i++) {
		uint16_t flags = get_le16(config + pos + PCI_CAP_FLAGS);

		if (config[pos] == PCI_CAP_ID_MSI)
			fn->msi_vectors = 1u << ((flags & PCI_MSI_FLAGS_QMASK) >> 1);
		else if (config[pos] == PCI_CAP_ID_MSIX)
			fn->msix_vectors = (flags & PCI_MSIX_FLAGS_QSIZE) + 1u;
		pos = config[pos + PCI_CAP_LIST_NEXT] & ~3u;
	}
}

static void read_cfgspace(const struct pci_host_fs *fs, struct pci_function *fn)
{
	uint8_t config[PCI_CFG_SPACE_SIZE];
	struct host_path path;
	int len = -ENOENT;

	if (pci_attr_path(&path, fs, &fn->bdf, "config") == 0)
		len = host_read_bytes(path.text, config, sizeof(config));
	if (len < (int)PCI_STD_HEADER_SIZEOF)
		return;
	fn->is_bridge = (config[PCI_HEADER_TYPE] & 0x7f) != PCI_HEADER_TYPE_NORMAL;
	/* Without CAP_SYS_ADMIN the kernel gives out the first 64 bytes only. */
	fn->knows_vectors = len == (int)sizeof(config);
	if (fn->knows_vectors)
		parse_vectors(config, fn);
}

static void read_group_and_reset(const struct pci_host_fs *fs, struct pci_function *fn)
{
	struct host_path path;
	char name[16], *end;
	long group;

	fn->group = -1;
	if (pci_attr_path(&path, fs, &fn->bdf, "iommu_group") == 0 &&
	    host_link_name(path.text, name, sizeof(name)) == 0) {
		group = strtol(name, &end, 10);
		if (end != name && !*end && group >= 0 && group <= INT32_MAX)
			fn->group = (int)group;
	}
	if (pci_attr_path(&path, fs, &fn->bdf, "reset_method") < 0 ||
	    host_read_text(path.text, fn->reset, sizeof(fn->reset)) < 0)
		fn->reset[0] = '\0';
}

/* Where one of a function's links leads, as a function. */
static int linked_function(const struct pci_host_fs *fs, const struct pci_bdf *bdf,
			   const char *link, struct pci_bdf *ret_bdf)
{
	char name[PCI_BDF_STRLEN];
	struct host_path path;
	int r;

	r = pci_attr_path(&path, fs, bdf, link);
	if (r == 0)
		r = host_link_name(path.text, name, sizeof(name));
	return r < 0 ? r : pci_bdf_parse(name, ret_bdf);
}

int pci_vf_get(const struct pci_host_fs *fs, const struct pci_bdf *pf, unsigned nr,
	       struct pci_bdf *ret_vf)
{
	char link[24];

	(void)snprintf(link, sizeof(link), "virtfn%u", nr);
	return linked_function(fs, pf, link, ret_vf);
}

/* TotalVFs and NumVFs have 16 bits (PCI Express Base 5.0, 9.3.3.6); most functions have neither. */
static uint32_t nr_vfs(const struct pci_host_fs *fs, const struct pci_bdf *bdf, const char *attr)
{
	uint32_t nr;

	return attr_u32(fs, bdf, attr, &nr) == 0 && nr <= UINT16_MAX ? nr : 0;
}

static void read_sriov(const struct pci_host_fs *fs, struct pci_function *fn)
{
	fn->vfs_max = nr_vfs(fs, &fn->bdf, "sriov_totalvfs");
	fn->vfs = nr_vfs(fs, &fn->bdf, "sriov_numvfs");
	fn->is_vf = linked_function(fs, &fn->bdf, "physfn", &fn->pf) == 0;
}

int pci_function_get(const struct pci_host_fs *fs, const struct pci_bdf *bdf,
		     struct pci_function *ret_fn)
{
	struct pci_function fn = { .bdf = *bdf };
	uint32_t vendor = 0, device = 0;
	int r;

	r = attr_u32(fs, bdf, "vendor", &vendor);
	if (r == 0)
		r = attr_u32(fs, bdf, "device", &device);
	if (r == 0)
		r = attr_u32(fs, bdf, "class", &fn.class_code);
	if (r == 0)
		r = pci_driver_get(fs, bdf, fn.driver);
	if (r < 0)
		return r;

	fn.vendor = (uint16_t)vendor;
	fn.device = (uint16_t)device;
	fn.class_code &= 0xffffffu;
	fn.is_bridge = fn.class_code >> 8 == PCI_CLASS_PCI_BRIDGE;
	read_cfgspace(fs, &fn);
	read_group_and_reset(fs, &fn);
	read_sriov(fs, &fn);
	*ret_fn = fn;
	return 0;
}

/* A growing list of functions. */
struct pci_list {
	const struct pci_host_fs *fs;
	struct pci_function *fns;
	size_t nr, room;
};

static int list_add(void *ctx, const char *name)
{
	struct pci_list *list = ctx;
	struct pci_bdf bdf;
	int r;

	if (pci_bdf_parse(name, &bdf) < 0)
		return 0;
	if (list->nr == list->room) {
		size_t room = list->room ? 2 * list->room : 32;
		struct pci_function *fns = reallocarray(list->fns, room, sizeof(*fns));

		if (!fns)
			return -ENOMEM;
		list->fns = fns;
		list->room = room;
	}
	r = pci_function_get(list->fs, &bdf, &list->fns[list->nr]);
	if (r == 0)
		list->nr++;
	/* Unplugged meanwhile: the others are still worth showing. */
	return r == -ENOENT || r == -ENODEV ? 0 : r;
}

static int compare_functions(const void *a, const void *b)
{
	const struct pci_bdf *x = &((const struct pci_function *)a)->bdf;
	const struct pci_bdf *y = &((const struct pci_function *)b)->bdf;
	uint32_t rx = (uint32_t)(x->bus << 8 | x->dev << 3 | x->fn);
	uint32_t ry = (uint32_t)(y->bus << 8 | y->dev << 3 | y->fn);

	if (x->domain != y->domain)
		return x->domain < y->domain ? -1 : 1;
	return rx < ry ? -1 : rx > ry;
}

int pci_functions_list(const struct pci_host_fs *fs, struct pci_function **ret_fns, size_t *ret_nr)
{
	struct pci_list list = { .fs = fs };
	struct host_path path;
	int r;

	r = host_path(&path, fs, "/sys/bus/pci/devices");
	if (r == 0)
		r = host_each_entry(path.text, list_add, &list);
	/* A host without PCI has no such directory: an empty list, no error. */
	if (r < 0 && r != -ENOENT) {
		free(list.fns);
		return r;
	}
	if (list.nr > 1)
		qsort(list.fns, list.nr, sizeof(list.fns[0]), compare_functions);
	*ret_fns = list.fns;
	*ret_nr = list.nr;
	return 0;
}

/* Why a group is not viable: of the members in its way, the first in order of names. */
struct group_check {
	const struct pci_host_fs *fs;
	const struct pci_function *fn;
	const struct pci_set *with; /* NULL: none */
	char blocker[64];
	char driver[PCI_DRIVER_STRLEN];
};

static bool is_in_set(const struct pci_set *set, const struct pci_bdf *bdf)
{
	for (size_t i = 0; set && i < set->nr; i++) {
		if (pci_bdf_equal(&set->bdfs[i], bdf))
			return true;
	}
	return false;
}

/*
 * Since Linux 5.18 a driver either claims the DMA of its device's whole group for the kernel, or
 * has driver_managed_dma set in struct pci_driver (iommu_device_use_default_domain()). Of
 * bridges' drivers pcieport has it, and shpchp has not.
 */
static bool leaves_dma_to_others(const char *driver)
{
	return pci_driver_is_vfio(driver) || !strcmp(driver, "pci-stub") ||
	       !strcmp(driver, "pcieport");
}

static int check_member(void *ctx, const char *name)
{
	struct group_check *check = ctx;
	char driver[PCI_DRIVER_STRLEN];
	struct host_path path;
	struct pci_bdf bdf;
	int r;

	r = host_path(&path, check->fs, "/sys/kernel/iommu_groups/%d/devices/%s/driver",
		      check->fn->group, name);
	if (r < 0)
		return r;
	r = host_link_name(path.text, driver, sizeof(driver));
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	if (leaves_dma_to_others(driver))
		return 0;
	if (pci_bdf_parse(name, &bdf) == 0 &&
	    (pci_bdf_equal(&bdf, &check->fn->bdf) || is_in_set(check->with, &bdf)))
		return 0;
	if (!check->blocker[0] || strcmp(name, check->blocker) < 0) {
		vfio_copy_text(check->blocker, sizeof(check->blocker), name);
		vfio_copy_text(check->driver, sizeof(check->driver), driver);
	}
	return 0;
}

int pci_group_viable(const struct pci_host_fs *fs, const struct pci_function *fn,
		     const struct pci_set *with, struct vfio_failure *ret_failure)
{
	struct group_check check = { .fs = fs, .fn = fn, .with = with };
	char name[PCI_BDF_STRLEN];
	struct host_path path;
	int r;

	pci_bdf_format(&fn->bdf, name);
	if (fn->group < 0)
		return vfio_fail(ret_failure, VFIO_FAILURE_NO_GROUP, -ENODEV, "%s", name);
	r = host_path(&path, fs, "/sys/kernel/iommu_groups/%d/devices", fn->group);
	if (r == 0)
		r = host_each_entry(path.text, check_member, &check);
	if (r < 0)
		return vfio_fail(ret_failure, VFIO_FAILURE_OTHER, r, "IOMMU group %d", fn->group);
	if (!check.blocker[0])
		return 0;

	r = vfio_fail(ret_failure, VFIO_FAILURE_NOT_VIABLE, -EPERM, "%s", name);
	vfio_failure_other(ret_failure, check.blocker);
	vfio_failure_driver(ret_failure, check.driver);
	return r;
}

int pci_upstream_viable(const struct pci_host_fs *fs, const struct pci_function *fn,
			struct vfio_failure *ret_failure)
{
	char place[HOST_PATH_MAX], driver[PCI_DRIVER_STRLEN], name[PCI_BDF_STRLEN], *save;
	struct host_path path;
	struct pci_bdf bdf;
	int r;

	r = pci_attr_path(&path, fs, &fn->bdf, "");
	if (r == 0)
		r = host_read_link(path.text, place, sizeof(place));
	pci_bdf_format(&fn->bdf, name);
	if (r < 0)
		return vfio_fail(ret_failure, VFIO_FAILURE_OTHER, r, "%s", name);
	/* ../../../devices/pci0000:00/0000:00:01.0/0000:01:01.0: from the root down. */
	for (char *at = strtok_r(place, "/", &save); at; at = strtok_r(NULL, "/", &save)) {
		if (pci_bdf_parse(at, &bdf) < 0 || pci_bdf_equal(&bdf, &fn->bdf) ||
		    pci_driver_get(fs, &bdf, driver) < 0 || !driver[0] ||
		    leaves_dma_to_others(driver))
			continue;
		r = vfio_fail(ret_failure, VFIO_FAILURE_NOT_VIABLE, -EPERM, "%s", name);
		vfio_failure_other(ret_failure, at);
		vfio_failure_driver(ret_failure, driver);
		return r;
	}
	return 0;
}

/* vfio_pci_core_register_device() and vfio_pci_validate_vf_token() in drivers/vfio/pci. */
int pci_sriov_viable(const struct pci_host_fs *fs, const struct pci_function *fn,
		     struct vfio_failure *ret_failure)
{
	char name[PCI_BDF_STRLEN], pf[PCI_BDF_STRLEN], driver[PCI_DRIVER_STRLEN];
	int r;

	pci_bdf_format(&fn->bdf, name);
	if (fn->vfs) {
		r = vfio_fail(ret_failure, VFIO_FAILURE_HAS_VFS, -EBUSY, "%s", name);
		vfio_failure_numbers(ret_failure, fn->vfs, 0);
		return r;
	}
	if (!fn->is_vf || pci_driver_get(fs, &fn->pf, driver) < 0 || !pci_driver_is_vfio(driver))
		return 0;
	r = vfio_fail(ret_failure, VFIO_FAILURE_PF_IS_VFIOS, -EACCES, "%s", name);
	vfio_failure_other(ret_failure, pci_bdf_format(&fn->pf, pf));
	vfio_failure_driver(ret_failure, driver);
	return r;
}
