// SPDX-License-Identifier: MIT
/*
 * What a function can be named by.
 *
 * Paths are those of UEFI's and libvirt's kind: root bus, then device and function of each bridge,
 * numbers that firmware and wiring decide and no other device's presence does. A virtual function's
 * own numbers depend on where its bus is (SR-IOV 1.1, 3.3.8 to 3.3.11), so that it goes by its
 * number at its physical function. Device Serial Number: PCI Express Base 5.0, 7.9.3.
 */
#include "vfio/name_priv.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <string.h>
#include <unistd.h>

#include "vfio/pci_priv.h"
#include "vfio/record.h"
#include "vmm/base/bits.h"

#define CFG_EXT_START 0x100u
#define CFG_EXT_END   0x1000u
/* Each takes two dwords at least. */
#define EXT_CAPS_MAX ((CFG_EXT_END - CFG_EXT_START) / 8)

#define CLASS_NVME    0x0108u /* class and subclass */
#define CLASS_NETWORK 0x02u   /* class */

#define WAIT_STEP_MS 10u
#define WAIT_STEPS   300u

/* ---- reading names that are typed ---------------------------------------------------------- */

/* min to max hexadecimal digits at *at, which goes behind them. */
static bool take_hex(const char **at, unsigned min, unsigned max, uint32_t *ret_value)
{
	uint32_t value = 0;
	unsigned nr = 0;

	for (; nr < max && isxdigit((unsigned char)**at); nr++, (*at)++) {
		int c = tolower((unsigned char)**at);

		value = value << 4 | (uint32_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	*ret_value = value;
	return nr >= min;
}

static bool take(const char **at, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(*at, word, len) != 0)
		return false;
	*at += len;
	return true;
}

/* Adds to a path; false where that is full. */
static bool add(char path[PCI_PATH_STRLEN], const char *text)
{
	size_t len = strlen(path);

	if (len + strlen(text) >= PCI_PATH_STRLEN)
		return false;
	strcpy(path + len, text);
	return true;
}

static bool add_root(char path[PCI_PATH_STRLEN], uint32_t domain, uint32_t bus)
{
	char text[24];

	path[0] = '\0';
	(void)snprintf(text, sizeof(text), "%04x:%02x", domain, bus);
	return add(path, text);
}

static bool add_step(char path[PCI_PATH_STRLEN], uint32_t dev, uint32_t fn)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "/%02x.%x", dev, fn);
	return add(path, text);
}

static bool add_vf(char path[PCI_PATH_STRLEN], unsigned vf)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "/vf%u", vf);
	return add(path, text);
}

/* "vf12", at the end. */
static bool take_vf(const char **at, unsigned *ret_vf)
{
	unsigned nr = 0, vf = 0;

	if (!take(at, "vf"))
		return false;
	if (**at == '0' && (*at)[1])
		return false;
	for (; nr < 5 && isdigit((unsigned char)**at); nr++, (*at)++)
		vf = vf * 10 + (unsigned)(**at - '0');
	*ret_vf = vf;
	return nr > 0;
}

int pci_path_parse(const char *text, char ret_path[PCI_PATH_STRLEN])
{
	char path[PCI_PATH_STRLEN];
	uint32_t domain, bus, dev, fn;
	unsigned steps = 0, vf;
	bool sound = take_hex(&text, 1, 8, &domain) && take(&text, ":") &&
		     take_hex(&text, 1, 2, &bus) && add_root(path, domain, bus);

	while (sound && take(&text, "/")) {
		if (steps && *text == 'v') {
			sound = take_vf(&text, &vf) && add_vf(path, vf);
			break;
		}
		sound = take_hex(&text, 1, 2, &dev) && dev < 32 && take(&text, ".") &&
			take_hex(&text, 1, 1, &fn) && fn < 8 && add_step(path, dev, fn);
		steps++;
	}
	if (!sound || *text || !steps)
		return -EINVAL;
	memcpy(ret_path, path, sizeof(path));
	return 0;
}

int pci_id_parse(const char *text, struct pci_id *ret_id)
{
	uint32_t vendor, device;

	if (!take_hex(&text, 4, 4, &vendor) || !take(&text, ":") ||
	    !take_hex(&text, 4, 4, &device) || *text)
		return -EINVAL;
	*ret_id = (struct pci_id){ (uint16_t)vendor, (uint16_t)device };
	return 0;
}

static int serial_parse(const char *text, char ret_serial[PCI_SERIAL_STRLEN])
{
	if (!pci_serial_is_sound(text))
		return -EINVAL;
	strcpy(ret_serial, text);
	return 0;
}

/* ---- names of several parts ------------------------------------------------------------------ */

const char *pci_name_word(enum pci_name_part part)
{
	static const char *const words[PCI_NR_NAME_PARTS] = {
		[PCI_NAME_BDF] = "bdf",	      [PCI_NAME_PATH] = "path", [PCI_NAME_ID] = "pci-id",
		[PCI_NAME_SERIAL] = "serial", [PCI_NAME_MAC] = "mac",
	};

	assert(part < PCI_NR_NAME_PARTS);
	return words[part];
}

int pci_name_set(struct pci_name *name, enum pci_name_part part, const char *text)
{
	struct pci_name set = *name;
	int r = -EINVAL;

	if (part == PCI_NAME_BDF)
		r = pci_bdf_parse(text, &set.bdf);
	else if (part == PCI_NAME_PATH)
		r = pci_path_parse(text, set.path);
	else if (part == PCI_NAME_ID)
		r = pci_id_parse(text, &set.id);
	else if (part == PCI_NAME_SERIAL)
		r = serial_parse(text, set.serial);
	else if (part == PCI_NAME_MAC)
		r = pci_mac_parse(text, set.mac);
	if (r < 0)
		return r;
	set.has_bdf |= part == PCI_NAME_BDF;
	set.has_id |= part == PCI_NAME_ID;
	*name = set;
	return 0;
}

bool pci_name_has(const struct pci_name *name, enum pci_name_part part)
{
	const bool has[PCI_NR_NAME_PARTS] = {
		[PCI_NAME_BDF] = name->has_bdf, [PCI_NAME_PATH] = name->path[0],
		[PCI_NAME_ID] = name->has_id,	[PCI_NAME_SERIAL] = name->serial[0],
		[PCI_NAME_MAC] = name->mac[0],
	};

	assert(part < PCI_NR_NAME_PARTS);
	return has[part];
}

struct pci_name pci_name_only(const struct pci_name *name, enum pci_name_part part)
{
	struct pci_name only = { 0 };

	if (part == PCI_NAME_BDF) {
		only.has_bdf = name->has_bdf;
		only.bdf = name->bdf;
	} else if (part == PCI_NAME_ID) {
		only.has_id = name->has_id;
		only.id = name->id;
	} else if (part == PCI_NAME_PATH) {
		memcpy(only.path, name->path, sizeof(only.path));
	} else if (part == PCI_NAME_SERIAL) {
		memcpy(only.serial, name->serial, sizeof(only.serial));
	} else {
		memcpy(only.mac, name->mac, sizeof(only.mac));
	}
	return only;
}

const char *pci_name_value(const struct pci_name *name, enum pci_name_part part,
			   char buf[PCI_PATH_STRLEN])
{
	char bdf[PCI_BDF_STRLEN], id[16];
	const char *values[PCI_NR_NAME_PARTS] = {
		[PCI_NAME_BDF] = pci_bdf_format(&name->bdf, bdf),
		[PCI_NAME_PATH] = name->path,
		[PCI_NAME_ID] = id,
		[PCI_NAME_SERIAL] = name->serial,
		[PCI_NAME_MAC] = name->mac,
	};

	assert(part < PCI_NR_NAME_PARTS);
	(void)snprintf(id, sizeof(id), "%04x:%04x", name->id.vendor, name->id.device);
	return strcpy(buf, values[part]);
}

const char *pci_name_format(const struct pci_name *name, char buf[PCI_NAME_STRLEN])
{
	char value[PCI_PATH_STRLEN];
	size_t len = 0;

	buf[0] = '\0';
	for (enum pci_name_part part = 0; part < PCI_NR_NAME_PARTS; part++) {
		if (!pci_name_has(name, part))
			continue;
		len += (size_t)snprintf(buf + len, PCI_NAME_STRLEN - len, "%s%s = \"%s\"",
					len ? ", " : "", pci_name_word(part),
					pci_name_value(name, part, value));
		assert(len < PCI_NAME_STRLEN);
	}
	return buf;
}

/* ---- what functions have ----------------------------------------------------------------------
 */

/* The way down to a function, as sysfs nests its folders. 0, or negative errno. */
static int read_path(const struct pci_host_fs *fs, const struct pci_bdf *bdf,
		     char ret_path[PCI_PATH_STRLEN])
{
	char place[HOST_PATH_MAX], *save;
	uint32_t domain, bus;
	struct host_path path;
	struct pci_bdf step;
	bool sound = false;
	int r;

	r = pci_attr_path(&path, fs, bdf, "");
	if (r == 0)
		r = host_read_link(path.text, place, sizeof(place));
	if (r < 0)
		return r;
	/* ../../../devices/pci0000:00/0000:00:01.0/0000:01:00.0; behind a VMD there is another
	 * root. */
	for (char *at = strtok_r(place, "/", &save); at; at = strtok_r(NULL, "/", &save)) {
		const char *root = at;

		if (take(&root, "pci") && take_hex(&root, 4, 8, &domain) && take(&root, ":") &&
		    take_hex(&root, 2, 2, &bus) && !*root)
			sound = add_root(ret_path, domain, bus);
		else if (pci_bdf_parse(at, &step) == 0)
			sound = sound && add_step(ret_path, step.dev, step.fn);
	}
	return sound ? 0 : -ENAMETOOLONG;
}

/* A search for the number of a virtual function. */
struct vf_search {
	const struct pci_host_fs *fs;
	char physical[PCI_BDF_STRLEN], name[PCI_BDF_STRLEN];
	unsigned vf;
};

static int visit_virtfn(void *ctx, const char *name)
{
	static const char virtfn[] = "virtfn";
	struct vf_search *search = ctx;
	char target[PCI_BDF_STRLEN], *end;
	struct host_path path;
	unsigned long vf;

	if (strncmp(name, virtfn, strlen(virtfn)) != 0)
		return 0;
	vf = strtoul(name + strlen(virtfn), &end, 10);
	if (*end || end == name + strlen(virtfn) || vf > UINT16_MAX ||
	    host_path(&path, search->fs, "/sys/bus/pci/devices/%s/%s", search->physical, name) <
		    0 ||
	    host_link_name(path.text, target, sizeof(target)) < 0 || strcmp(target, search->name))
		return 0;
	search->vf = (unsigned)vf;
	return 1;
}

/* 1: it is a virtual one, and that is its path. 0: it is none. */
static int read_virtual_path(const struct pci_host_fs *fs, const struct pci_bdf *bdf,
			     char ret_path[PCI_PATH_STRLEN])
{
	struct vf_search search = { .fs = fs };
	struct pci_bdf physical;
	struct host_path path;
	int r;

	r = pci_attr_path(&path, fs, bdf, "physfn");
	if (r < 0 || host_link_name(path.text, search.physical, sizeof(search.physical)) < 0 ||
	    pci_bdf_parse(search.physical, &physical) < 0)
		return r;
	pci_bdf_format(bdf, search.name);
	r = pci_attr_path(&path, fs, &physical, "");
	if (r == 0)
		r = host_each_entry(path.text, visit_virtfn, &search);
	if (r != 1)
		return r < 0 ? r : -ENOENT;
	r = read_path(fs, &physical, ret_path);
	return r == 0 && !add_vf(ret_path, search.vf) ? -ENAMETOOLONG : r == 0 ? 1 : r;
}

static void find_path(const struct pci_host_fs *fs, struct pci_named *named)
{
	int r = read_virtual_path(fs, &named->fn.bdf, named->path);

	if (r == 0)
		r = read_path(fs, &named->fn.bdf, named->path);
	if (r < 0)
		named->path[0] = '\0';
}

static bool read_dword(int fd, unsigned pos, uint32_t *ret_value)
{
	uint8_t b[4];

	if (pread(fd, b, sizeof(b), (off_t)pos) != (ssize_t)sizeof(b))
		return false;
	*ret_value = b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
	return true;
}

/* As lspci writes it; of zeros or ones it is nobody's. */
static void format_dsn(uint32_t low, uint32_t high, char dsn[PCI_SERIAL_STRLEN])
{
	const uint32_t words[2] = { high, low };
	size_t len = 0;

	dsn[0] = '\0';
	if ((!low && !high) || (low == UINT32_MAX && high == UINT32_MAX))
		return;
	for (unsigned i = 0; i < 8; i++)
		len += (size_t)snprintf(dsn + len, PCI_SERIAL_STRLEN - len, "%s%02x", i ? "-" : "",
					words[i / 4] >> (24 - 8 * (i % 4)) & 0xff);
}

/* A device may say anything: the list is followed for so many steps. */
static void read_dsn(int fd, char dsn[PCI_SERIAL_STRLEN])
{
	unsigned pos = CFG_EXT_START;
	uint32_t header, low, high;

	for (unsigned i = 0; i < EXT_CAPS_MAX && pos >= CFG_EXT_START; i++) {
		if (!read_dword(fd, pos, &header) || !header || header == UINT32_MAX)
			return;
		if (PCI_EXT_CAP_ID(header) == PCI_EXT_CAP_ID_DSN) {
			if (read_dword(fd, pos + 4, &low) && read_dword(fd, pos + 8, &high))
				format_dsn(low, high, dsn);
			return;
		}
		pos = PCI_EXT_CAP_NEXT(header);
	}
}

static void find_dsn(const struct pci_host_fs *fs, struct pci_named *named)
{
	_cleanup_fd_ int fd = -1;
	struct host_path path;
	uint32_t beyond_header;

	if (pci_attr_path(&path, fs, &named->fn.bdf, "config") < 0)
		return;
	fd = open(path.text, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	/* Without CAP_SYS_ADMIN the kernel gives out the first 64 bytes only. */
	named->hides_dsn = !read_dword(fd, PCI_STD_HEADER_SIZEOF, &beyond_header);
	if (!named->hides_dsn)
		read_dsn(fd, named->dsn);
}

/* What its driver tells; after that has gone, what it told when the function was bound. */
static void find_told(const struct pci_host_fs *fs, struct pci_named *named)
{
	const struct pci_function *fn = &named->fn;
	struct bind_record record;

	pci_told_get(fs, &fn->bdf, &named->told);
	if (pci_driver_is_vfio(fn->driver) && record_read_told(fs, &fn->bdf, &record) == 0)
		named->told = record.told;
	if (fn->driver[0] && !pci_driver_is_vfio(fn->driver))
		return;
	if (fn->class_code >> 8 == CLASS_NVME)
		named->hides_told = !named->told.serial[0];
	else if (fn->class_code >> 16 == CLASS_NETWORK)
		named->hides_told = !named->told.nr_macs;
}

static int list_once(const struct pci_host_fs *fs, struct pci_named **ret_list, size_t *ret_nr)
{
	_cleanup_free_ struct pci_function *fns = NULL;
	struct pci_named *list;
	size_t nr = 0;
	int r = pci_functions_list(fs, &fns, &nr);

	if (r < 0)
		return r;
	list = calloc(nr ? nr : 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++) {
		list[i].fn = fns[i];
		find_path(fs, &list[i]);
		find_dsn(fs, &list[i]);
		find_told(fs, &list[i]);
	}
	*ret_list = list;
	*ret_nr = nr;
	return 0;
}

static bool is_settled(const struct pci_named *list, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (list[i].told.is_starting)
			return false;
	return true;
}

int pci_named_list_with(const struct hostuse_sys *sys, const struct pci_host_fs *fs,
			struct pci_named **ret_list, size_t *ret_nr)
{
	for (unsigned i = 0;; i++) {
		_cleanup_free_ struct pci_named *list = NULL;
		int r = list_once(fs, &list, ret_nr);

		if (r < 0)
			return r;
		if (i == WAIT_STEPS || is_settled(list, *ret_nr)) {
			*ret_list = TAKE_PTR(list);
			return 0;
		}
		sys->nap(sys->ctx, WAIT_STEP_MS);
	}
}

int pci_named_list(const struct pci_host_fs *fs, struct pci_named **ret_list, size_t *ret_nr)
{
	const struct hostuse_sys sys = hostuse_sys_kernel();

	return pci_named_list_with(&sys, fs, ret_list, ret_nr);
}

/* ---- which function a name means ---------------------------------------------------------------
 */

static bool has_mac(const struct pci_told *told, const char *mac)
{
	for (unsigned i = 0; i < told->nr_macs; i++)
		if (!strcmp(told->macs[i], mac))
			return true;
	return false;
}

bool pci_named_fits(const struct pci_named *named, const struct pci_name *name)
{
	if (name->has_bdf && !pci_bdf_equal(&name->bdf, &named->fn.bdf))
		return false;
	if (name->path[0] && strcmp(name->path, named->path) != 0)
		return false;
	if (name->has_id &&
	    (name->id.vendor != named->fn.vendor || name->id.device != named->fn.device))
		return false;
	/* Digits of a Device Serial Number may be of either case; those of a disk are as they are.
	 */
	if (name->serial[0] && strcmp(name->serial, named->told.serial) != 0 &&
	    strcasecmp(name->serial, named->dsn) != 0)
		return false;
	return !name->mac[0] || has_mac(&named->told, name->mac);
}

static const char *serial_of(const struct pci_named *named, unsigned nr)
{
	const char *const serials[] = { named->told.serial, named->dsn };
	unsigned at = 0;

	for (size_t i = 0; i < ARRAY_SIZE(serials); i++)
		if (serials[i][0] && at++ == nr)
			return serials[i];
	return NULL;
}

bool pci_named_get(const struct pci_named *named, enum pci_name_part part, unsigned nr,
		   struct pci_name *ret_name)
{
	const struct pci_function *fn = &named->fn;
	const char *serial = serial_of(named, nr);

	*ret_name = (struct pci_name){ 0 };
	if (part == PCI_NAME_BDF && nr == 0) {
		ret_name->has_bdf = true;
		ret_name->bdf = fn->bdf;
	} else if (part == PCI_NAME_PATH && nr == 0) {
		memcpy(ret_name->path, named->path, sizeof(ret_name->path));
	} else if (part == PCI_NAME_ID && nr == 0) {
		ret_name->has_id = true;
		ret_name->id = (struct pci_id){ fn->vendor, fn->device };
	} else if (part == PCI_NAME_SERIAL && serial) {
		strcpy(ret_name->serial, serial);
	} else if (part == PCI_NAME_MAC && nr < named->told.nr_macs) {
		memcpy(ret_name->mac, named->told.macs[nr], PCI_MAC_STRLEN);
	}
	return pci_name_has(ret_name, part);
}
