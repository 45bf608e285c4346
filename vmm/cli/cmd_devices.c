// SPDX-License-Identifier: MIT
/*
 * itsy devices: the host's PCI functions, and what stands in the way of passing
 * each of them through; and virtual functions, which are made and taken away.
 *
 * Documents: PCI Code and ID Assignment (class codes), vfio.rst (viable groups).
 *
 * No locks.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vfio/bar_look.h"
#include "vfio/look.h"
#include "vfio/reset_way.h"
#include "vfio/sriov.h"
#include "vfio/variant.h"
#include "vmm/base/bits.h"
#include "vmm/base/output.h"
#include "vmm/base/table.h"
#include "vmm/cli/commands.h"
#include "vmm/cli/device_names.h"
#include "vmm/cli/left_behind.h"
#include "vmm/cli/option_types.h"
#include "vmm/cli/screen.h"
#include "vmm/dev/vfio_words.h"

#define JSON_SCHEMA 1

#define ANY (-1)

/* Base class, subclass, name. The first row that fits counts. */
static const struct {
	int base, sub;
	const char *name;
} class_names[] = {
	{ 0x00, ANY, "Old" },	      { 0x01, 0x00, "SCSI" },	    { 0x01, 0x01, "IDE" },
	{ 0x01, 0x04, "RAID" },	      { 0x01, 0x06, "SATA" },	    { 0x01, 0x07, "SAS" },
	{ 0x01, 0x08, "NVMe" },	      { 0x01, ANY, "Storage" },	    { 0x02, 0x00, "Ethernet" },
	{ 0x02, 0x07, "InfiniBand" }, { 0x02, ANY, "Network" },	    { 0x03, ANY, "Display" },
	{ 0x04, ANY, "Multimedia" },  { 0x05, ANY, "Memory" },	    { 0x06, 0x00, "Host bridge" },
	{ 0x06, 0x01, "ISA bridge" }, { 0x06, 0x04, "PCI bridge" }, { 0x06, ANY, "Bridge" },
	{ 0x07, 0x00, "Serial" },     { 0x07, ANY, "Comm" },	    { 0x08, 0x06, "IOMMU" },
	{ 0x08, ANY, "System" },      { 0x09, ANY, "Input" },	    { 0x0a, ANY, "Docking" },
	{ 0x0b, ANY, "Processor" },   { 0x0c, 0x03, "USB" },	    { 0x0c, 0x05, "SMBus" },
	{ 0x0c, ANY, "Serial bus" },  { 0x0d, ANY, "Wireless" },    { 0x0f, ANY, "Satellite" },
	{ 0x10, ANY, "Crypto" },      { 0x11, ANY, "Signal" },	    { 0x12, ANY, "Accelerator" },
};

/* The most that PCI Express has room for: NumVFs, 16 bits. */
#define VFS_MAX	    65535u
#define VFS_UNASKED UINT32_MAX

struct options {
	bool json, all, names;
	uint32_t vfs; /* VFS_UNASKED: nothing is changed */
	struct pci_bdf pf;
	struct pci_host_fs fs;
};

static const struct option_row rows[] = {
	{ "all", NULL, option_flag, OPTION_MEMBER(struct options, all),
	  .help = "bridges too, which cannot be passed through" },
	{ "create-vfs", "N", option_number, OPTION_MEMBER(struct options, vfs), 0, VFS_MAX,
	  .help = "let the function have N virtual functions, which no driver of the host takes, "
		  "and list them; 0 takes them away, unless a guest or the host uses one" },
	{ "json", NULL, option_flag, OPTION_MEMBER(struct options, json),
	  .help = "as one JSON object, for programs" },
	{ "names", NULL, option_flag, OPTION_MEMBER(struct options, names),
	  .help = "instead, what a configuration can name each function by" },
	OPTION_ROOT(struct options, fs, "look at the copy of a host's sysfs below DIR"),
};

const struct command_line devices_line = {
	.name = "devices",
	.usage = "itsy devices [OPTION]...\n"
		 "       itsy devices --create-vfs N [OPTION]... BDF",
	.about = "Lists the PCI functions of this host. VIABLE says whether a guest can have the\n"
		 "function, and if not, why: which other function of its IOMMU group stands in\n"
		 "the way and the driver it is bound to, or who uses it. MSI and MSI-X are\n"
		 "numbers of vectors; only root can see them ('?' otherwise). VFS: how many\n"
		 "virtual functions it has and can have, or whose virtual function it is.\n",
	.rows = rows,
	.nr_rows = ARRAY_SIZE(rows),
};

/* What is looked at. */
struct host {
	const struct pci_host_fs *fs;
	const struct vfio_aliases *aliases;
};

static const char *class_name(uint32_t class_code)
{
	int base = (int)(class_code >> 16 & 0xff), sub = (int)(class_code >> 8 & 0xff);

	for (size_t i = 0; i < ARRAY_SIZE(class_names); i++)
		if (class_names[i].base == base &&
		    (class_names[i].sub == ANY || class_names[i].sub == sub))
			return class_names[i].name;
	return "Other";
}

/* A bridge, or a host bridge, which sysfs shows as an ordinary function. */
static bool is_plumbing(const struct pci_function *fn)
{
	return fn->is_bridge || fn->class_code >> 16 == 0x06;
}

/* The vectors stand in the capabilities, which the kernel shows to root alone. */
static bool sees_capabilities(void)
{
	return geteuid() == 0;
}

static void add_count(struct table *t, unsigned nr)
{
	char text[16];

	if (nr)
		(void)snprintf(text, sizeof(text), "%u", nr);
	else
		(void)snprintf(text, sizeof(text), "%s", sees_capabilities() ? "-" : "?");
	table_add(t, text);
}

/* What a guest cannot have, and why. */
struct reason {
	char bdf[PCI_BDF_STRLEN], why[256];
};

/*
 * The table, as far as it is there. On a terminal, where a line has an end, reasons are not in it
 * but behind it.
 */
struct listing {
	struct table t;
	size_t columns;		/* of the terminal; 0: it is none */
	struct reason *reasons; /* owned */
	size_t nr_reasons;
};

static void listing_fini(struct listing *l)
{
	table_fini(&l->t);
	free(l->reasons);
}

/* In a few words, for a column. */
static void why_not(const struct vfio_failure *vf, char text[256])
{
	struct failure failure;

	if (vf->code == VFIO_FAILURE_NOT_VIABLE) {
		(void)snprintf(text, 256, "%s (%s)", vf->other, vf->driver);
		return;
	}
	(void)failure_from_vfio(&failure, vf);
	(void)snprintf(text, 256, "%s", failure.cause);
}

static void add_why_not(struct listing *l, const struct pci_function *fn,
			const struct vfio_failure *vf)
{
	struct reason *reason = &l->reasons[l->nr_reasons];
	char text[sizeof(reason->why) + 8];

	why_not(vf, reason->why);
	(void)pci_bdf_format(&fn->bdf, reason->bdf);
	(void)snprintf(text, sizeof(text), "no: %s", reason->why);
	table_add(&l->t, l->columns ? "no" : text);
	l->nr_reasons++;
}

/* Which of VFIO's drivers would have it, or has it. */
static void find_driver(const struct host *host, const struct pci_function *fn,
			char ret_driver[PCI_DRIVER_STRLEN])
{
	struct vfio_variant variant = { .driver = VFIO_DRIVER_PLAIN };

	if (pci_driver_is_vfio(fn->driver))
		memcpy(variant.driver, fn->driver, sizeof(variant.driver));
	else
		(void)vfio_variant_find(host->aliases, host->fs, &fn->bdf, &variant);
	memcpy(ret_driver, variant.driver, PCI_DRIVER_STRLEN);
}

static void add_viable(struct listing *l, const struct host *host, const struct pci_function *fn)
{
	char driver[PCI_DRIVER_STRLEN], text[PCI_DRIVER_STRLEN + 8] = "yes";
	struct vfio_failure vf = { 0 };
	struct pci_function now;

	if (fn->is_bridge) {
		table_add(&l->t, "-");
		return;
	}
	find_driver(host, fn, driver);
	if (vfio_look(host->fs, &fn->bdf, NULL, &now, &vf) < 0) {
		add_why_not(l, fn, &vf);
		return;
	}
	if (strcmp(driver, VFIO_DRIVER_PLAIN) != 0 && !pci_driver_is_vfio(fn->driver))
		(void)snprintf(text, sizeof(text), "yes (%s)", driver);
	table_add(&l->t, text);
}

static void add_vfs(struct table *t, const struct pci_function *fn)
{
	char text[32] = "-", pf[PCI_BDF_STRLEN];

	if (fn->is_vf)
		(void)snprintf(text, sizeof(text), "of %s", pci_bdf_format(&fn->pf, pf));
	else if (fn->vfs_max)
		(void)snprintf(text, sizeof(text), "%u/%u", fn->vfs, fn->vfs_max);
	table_add(t, text);
}

/* "flr", "bus (with 0000:01:00.1)", "none". */
static void add_reset(struct table *t, const struct host *host, const struct pci_function *fn)
{
	struct vfio_failure vf = { 0 };
	char text[112], name[PCI_BDF_STRLEN];
	struct vfio_reset_way way;

	(void)!vfio_reset_look(host->fs, fn, NULL, &way, &vf);
	if (way.nr_others > 1)
		(void)snprintf(text, sizeof(text), "%s (with %zu others)", way.words,
			       way.nr_others);
	else if (way.nr_others)
		(void)snprintf(text, sizeof(text), "%s (with %s)", way.words,
			       pci_bdf_format(&way.other, name));
	else
		(void)snprintf(text, sizeof(text), "%s", way.words);
	table_add(t, fn->is_bridge ? "-" : text);
}

static void add_row(struct listing *l, const struct host *host, const struct pci_function *fn)
{
	char bdf[PCI_BDF_STRLEN], text[32];
	struct table *t = &l->t;

	table_add(t, pci_bdf_format(&fn->bdf, bdf));
	(void)snprintf(text, sizeof(text), "%04x:%04x", fn->vendor, fn->device);
	table_add(t, text);
	table_add(t, class_name(fn->class_code));
	table_add(t, fn->driver[0] ? fn->driver : "-");
	(void)snprintf(text, sizeof(text), "%d", fn->group);
	table_add(t, fn->group < 0 ? "-" : text);
	add_viable(l, host, fn);
	add_count(t, fn->msi_vectors);
	add_count(t, fn->msix_vectors);
	add_reset(t, host, fn);
	add_vfs(t, fn);
}

/* All but bridges; or the virtual functions that were asked for. */
static bool is_shown(const struct options *o, const struct pci_function *fn)
{
	if (o->vfs != VFS_UNASKED)
		return fn->is_vf && pci_bdf_equal(&fn->pf, &o->pf);
	return o->all || !is_plumbing(fn);
}

static void print_reasons(const struct listing *l)
{
	table_print_hidden(&l->t, stdout);
	for (size_t i = 0; i < l->nr_reasons; i++) {
		const struct reason *reason = &l->reasons[i];
		const size_t at = strlen(reason->bdf) + strlen(": ");
		const struct screen_fold fold = { l->columns, at, at };

		(void)printf("%s: ", reason->bdf);
		screen_print_folded(&fold, reason->why, stdout);
	}
}

static int print_table(const struct options *o, const struct host *host,
		       const struct pci_function *fns, size_t nr)
{
	static const char *const headings[] = { "BDF",	  "VENDOR:DEV", "CLASS", "DRIVER", "GROUP",
						"VIABLE", "MSI",	"MSI-X", "RESET",  "VFS" };
	/* What goes first where the terminal is too narrow: VFS, MSI, MSI-X, VENDOR:DEV. */
	static const uint8_t left_out[] = { 9, 6, 7, 1 };
	_cleanup_(listing_fini) struct listing l = { .columns = screen_columns(STDOUT_FILENO) };
	size_t shown = 0;
	int r;

	l.reasons = calloc(nr ? nr : 1, sizeof(*l.reasons));
	if (!l.reasons)
		return -ENOMEM;
	table_init(&l.t, headings, ARRAY_SIZE(headings));
	for (size_t i = 0; i < nr; i++) {
		if (!is_shown(o, &fns[i]))
			continue;
		add_row(&l, host, &fns[i]);
		shown++;
	}
	if (!shown) {
		(void)fputs("itsy: this host has no PCI function to pass through\n", stderr);
		return 0;
	}
	table_fit(&l.t, l.columns, left_out, ARRAY_SIZE(left_out));
	r = table_print(&l.t, stdout);
	if (r == 0 && l.columns)
		print_reasons(&l);
	return r;
}

static json_t *or_null(json_t *value, bool known)
{
	if (known)
		return value;
	json_decref(value);
	return json_null();
}

static json_t *json_of(const struct host *host, const struct pci_function *fn)
{
	bool known = sees_capabilities();
	char bdf[PCI_BDF_STRLEN], pf[PCI_BDF_STRLEN], vendor[8], device[8], class_code[16],
		driver[PCI_DRIVER_STRLEN];
	struct vfio_failure vf = { 0 };
	struct failure failure = { 0 };
	struct vfio_failure no_reset = { 0 };
	struct vfio_reset_way way;
	struct pci_function now;
	bool viable = vfio_look(host->fs, &fn->bdf, NULL, &now, &vf) == 0;
	bool blocked = vf.code == VFIO_FAILURE_NOT_VIABLE;

	if (!viable)
		(void)failure_from_vfio(&failure, &vf);
	(void)!vfio_reset_look(host->fs, fn, NULL, &way, &no_reset);
	find_driver(host, fn, driver);
	(void)snprintf(vendor, sizeof(vendor), "0x%04x", fn->vendor);
	(void)snprintf(device, sizeof(device), "0x%04x", fn->device);
	(void)snprintf(class_code, sizeof(class_code), "0x%06x", fn->class_code & 0xffffffu);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:s*, s:s, s:o, s:b, s:s*, s:s*, s:s*, "
			 "s:o, s:o, s:s, s:I, s:i, s:i, s:s*}",
			 "bdf", pci_bdf_format(&fn->bdf, bdf), "vendor", vendor, "device", device,
			 "class", class_code, "class_name", class_name(fn->class_code), "bridge",
			 fn->is_bridge, "driver", fn->driver[0] ? fn->driver : NULL, "vfio_driver",
			 driver, "group", or_null(json_integer(fn->group), fn->group >= 0),
			 "viable", viable, "why_not", viable ? NULL : failure.cause, "blocker",
			 blocked ? vf.other : NULL, "blocker_driver", blocked ? vf.driver : NULL,
			 "msi_vectors", or_null(json_integer(fn->msi_vectors), known),
			 "msix_vectors", or_null(json_integer(fn->msix_vectors), known), "reset",
			 way.words, "reset_others", (json_int_t)way.nr_others, "vfs", (int)fn->vfs,
			 "vfs_max", (int)fn->vfs_max, "vf_of",
			 fn->is_vf ? pci_bdf_format(&fn->pf, pf) : NULL);
}

static int print_names(const struct options *o, const struct function_list *named)
{
	for (size_t i = 0; i < named->nr; i++) {
		const struct pci_function *fn = &named->list[i].fn;

		if (is_shown(o, fn))
			device_names_print(named, i, class_name(fn->class_code), stdout);
	}
	return 0;
}

/* Where the host's pages are larger than usual: what is trapped for that. */
static int add_traps(json_t *object, const struct pci_host_fs *fs, const struct pci_function *fn)
{
	json_t *bars = json_array();
	struct vfio_bar_look look;
	int r = 0;

	vfio_bar_look(fs, fn, (uint64_t)sysconf(_SC_PAGESIZE), &look);
	for (unsigned i = 0; r == 0 && look.trapped >> i; i++)
		if (look.trapped >> i & 1)
			r = json_array_append_new(bars, json_integer(i));
	r |= json_object_set_new(object, "trapped_bars", bars);
	r |= json_object_set_new(
		object, "msix_table_moved_to",
		or_null(json_integer(look.table_moved_to), look.table_moved_to >= 0));
	return r;
}

static int print_json(const struct options *o, const struct host *host,
		      const struct function_list *named, const struct pci_function *fns, size_t nr)
{
	json_t *root = json_object(), *list = json_array();
	int r;

	r = json_object_set_new(root, "schema", json_integer(JSON_SCHEMA));
	for (size_t i = 0; r == 0 && i < nr; i++) {
		json_t *object;

		if (!is_shown(o, &fns[i]))
			continue;
		object = device_names_json(named, &fns[i].bdf, json_of(host, &fns[i]));
		r = add_traps(object, host->fs, &fns[i]) | json_array_append_new(list, object);
	}
	r |= json_object_set_new(root, "devices", list);
	if (r == 0) {
		r = json_dumpf(root, stdout, JSON_INDENT(2));
		(void)fputc('\n', stdout);
	}
	json_decref(root);
	return r == 0 ? 0 : -ENOMEM;
}

/* 0, or negative errno of standard output; 1: the host's functions cannot be listed. */
static int print(const struct options *o, struct failure *ret_failure)
{
	_cleanup_free_ struct pci_named *list = NULL;
	_cleanup_free_ struct pci_function *fns = NULL;
	struct vfio_aliases *aliases = NULL;
	struct host host = { .fs = &o->fs };
	struct function_list named = { 0 };
	size_t nr = 0;
	int r = 0;

	if (o->names || o->json)
		r = function_list_get(&o->fs, &list, &named.nr, ret_failure);
	if (r < 0)
		return 1;
	named.list = list;
	if (o->names && !o->json)
		return print_names(o, &named);
	r = pci_functions_list(&o->fs, &fns, &nr);
	if (r < 0) {
		(void)function_list_failed(r, ret_failure);
		return 1;
	}
	r = vfio_aliases_read(&o->fs, &aliases);
	host.aliases = aliases;
	if (r == 0)
		r = o->json ? print_json(o, &host, &named, fns, nr)
			    : print_table(o, &host, fns, nr);
	vfio_aliases_free(aliases);
	return r;
}

static int parse(int argc, char **argv, struct options *ret)
{
	struct words words;
	int r, wanted;

	*ret = (struct options){ .vfs = VFS_UNASKED };
	r = options_parse(&devices_line, argc, argv, ret, &words);
	if (r)
		return r;
	wanted = ret->vfs != VFS_UNASKED;
	if (words.nr > wanted)
		return option_error(&devices_line,
				    wanted ? "--create-vfs takes one function, and '%s' is more"
					   : "it lists all functions, and takes no '%s'",
				    words.list[wanted]);
	if (words.nr < wanted)
		return option_error(&devices_line, "--create-vfs needs the address of a function");
	if (wanted && pci_bdf_parse(words.list[0], &ret->pf) < 0)
		return option_error(&devices_line,
				    "'%s' is not the address of a PCI function such as "
				    "0000:01:00.0",
				    words.list[0]);
	return 0;
}

/* 0: there is something to be listed; 1: there is not, and that was told. */
static int change_vfs(const struct options *o, struct failure *ret_failure)
{
	struct vfio_failure vf = { 0 };
	char name[PCI_BDF_STRLEN];
	int r = vfio_vfs_set(&o->fs, &o->pf, o->vfs, &vf);

	if (r < 0)
		return failure_from_vfio(ret_failure, &vf);
	if (o->vfs || o->json)
		return 0;
	(void)printf("%s: %s\n", pci_bdf_format(&o->pf, name),
		     r ? "its virtual functions are gone" : "it has no virtual functions");
	return 1;
}

enum exit_status cmd_devices(int argc, char **argv)
{
	struct options options;
	struct failure failure;
	int r = parse(argc, argv, &options);

	if (r)
		return r < 0 ? ITSY_USAGE : ITSY_OK;
	left_behind_give_back(&options.fs, NULL);
	if (options.vfs != VFS_UNASKED)
		r = change_vfs(&options, &failure);
	if (r)
		return r < 0 ? report_failure(&failure) : ITSY_OK;
	r = print(&options, &failure);
	if (r > 0)
		return report_failure(&failure);
	if (r < 0 || fflush(stdout) == EOF) {
		(void)output_failed(&failure, "standard output", r < 0 ? -r : errno);
		return report_failure(&failure);
	}
	return ITSY_OK;
}
