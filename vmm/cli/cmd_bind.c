// SPDX-License-Identifier: MIT
/*
 * itsy bind, itsy release: give functions to vfio-pci, and give them back.
 *
 * Each function is tried, also after another one failed; the exit status is that
 * of the first failure.
 *
 * No locks.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vfio/bind.h"
#include "vmm/cli/commands.h"
#include "vmm/cli/hostroot.h"
#include "vmm/cli/options.h"
#include "vmm/dev/vfio_words.h"

#define MAX_FUNCTIONS 64

struct options {
	struct pci_host_fs fs;
	bool force, help;
	int nr;
	struct pci_bdf bdfs[MAX_FUNCTIONS];
};

static const char bind_help[] =
	"Usage: itsy bind [OPTION]... BDF...\n"
	"\n"
	"Binds PCI functions to vfio-pci, so that guests can have them, and records the\n"
	"driver that each had for itsy release. itsy run does this by itself; binding\n"
	"beforehand saves the time, and serves for groups of several functions.\n"
	"\n"
	"  --force       also where the host is using the function\n"
	"  --root DIR    work on the copy of a host's sysfs below DIR\n"
	"  --help        print this\n";

static const char release_help[] =
	"Usage: itsy release [OPTION]... BDF...\n"
	"\n"
	"Gives PCI functions back to the driver that they had before itsy bind; those\n"
	"that itsy did not bind go to the driver that the kernel chooses.\n"
	"\n"
	"  --root DIR    work on the copy of a host's sysfs below DIR\n"
	"  --help        print this\n";

/* All of them are read before the first is touched. */
static int take_functions(struct options *o, int nr, char *const names[])
{
	int r = 0;

	if (nr > MAX_FUNCTIONS) {
		(void)fprintf(stderr, "itsy: error: more than %d functions at once\n",
			      MAX_FUNCTIONS);
		return -EINVAL;
	}
	for (int i = 0; i < nr; i++) {
		if (pci_bdf_parse(names[i], &o->bdfs[i]) == 0)
			continue;
		(void)fprintf(stderr,
			      "itsy: error: '%s' is not the address of a PCI function such as "
			      "0000:01:00.0: itsy devices lists them\n",
			      names[i]);
		r = -EINVAL;
	}
	o->nr = nr;
	return r;
}

static int parse_arguments(int argc, char **argv, bool can_force, struct options *ret)
{
	enum { OPT_FORCE = 256, OPT_ROOT, OPT_HELP };
	static const struct option long_options[] = {
		{ "root", required_argument, NULL, OPT_ROOT },
		{ "help", no_argument, NULL, OPT_HELP },
		{ "force", no_argument, NULL, OPT_FORCE },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	*ret = (struct options){ 0 };
	options_begin();
	while ((option = options_next(argc, argv, long_options)) != -1) {
		if (option == OPT_HELP) {
			ret->help = true;
			return 0;
		}
		if (option == OPT_FORCE && can_force) {
			ret->force = true;
		} else if (option == OPT_FORCE) {
			(void)fprintf(stderr, "itsy: error: %s has no --force\n", argv[0]);
			return -EINVAL;
		} else if (option != OPT_ROOT || hostroot_set(&ret->fs, optarg) < 0) {
			return -EINVAL;
		}
	}
	if (optind == argc) {
		(void)fprintf(stderr, "itsy: error: %s: which function? itsy devices lists them\n",
			      argv[0]);
		return -EINVAL;
	}
	return take_functions(ret, argc - optind, argv + optind);
}

static const char *driver_of(const struct pci_host_fs *fs, const struct pci_bdf *bdf,
			     char buf[PCI_DRIVER_STRLEN])
{
	struct pci_function fn;

	buf[0] = '\0';
	if (pci_function_get(fs, bdf, &fn) == 0)
		memcpy(buf, fn.driver, PCI_DRIVER_STRLEN);
	return buf[0] ? buf : "no driver";
}

static void print_change(const struct pci_bdf *bdf, const char *from, const char *to)
{
	char name[PCI_BDF_STRLEN];

	if (strcmp(from, to) == 0)
		(void)printf("%s: %s already\n", pci_bdf_format(bdf, name), to);
	else
		(void)printf("%s: %s -> %s\n", pci_bdf_format(bdf, name), from, to);
}

/* What still keeps the function from a guest, though it is bound now. */
static void warn_of_group(const struct pci_host_fs *fs, const struct pci_bdf *bdf)
{
	struct vfio_failure vf = { 0 };
	struct pci_function fn;
	struct failure failure;

	if (pci_function_get(fs, bdf, &fn) < 0 || pci_group_viable(fs, &fn, &vf) == 0)
		return;
	(void)failure_from_vfio(&failure, &vf);
	report_warning("%s: %s: %s", failure.object, failure.cause, failure.cure);
}

static int bind_one(const struct options *o, const struct pci_bdf *bdf, struct vfio_failure *vf)
{
	return vfio_bind(&o->fs, bdf, o->force, vf);
}

static int release_one(const struct options *o, const struct pci_bdf *bdf, struct vfio_failure *vf)
{
	return vfio_release(&o->fs, bdf, vf);
}

typedef int change_fn(const struct options *o, const struct pci_bdf *bdf, struct vfio_failure *vf);

static enum exit_status change_all(const struct options *o, change_fn *change)
{
	enum exit_status status = ITSY_OK;

	for (int i = 0; i < o->nr; i++) {
		char before[PCI_DRIVER_STRLEN], after[PCI_DRIVER_STRLEN];
		const char *from = driver_of(&o->fs, &o->bdfs[i], before);
		struct vfio_failure vf = { 0 };
		struct failure failure;

		if (change(o, &o->bdfs[i], &vf) >= 0) {
			print_change(&o->bdfs[i], from, driver_of(&o->fs, &o->bdfs[i], after));
			continue;
		}
		(void)failure_from_vfio(&failure, &vf);
		(void)report_failure(&failure);
		if (!status)
			status = failure.status;
	}
	return status;
}

enum exit_status cmd_bind(int argc, char **argv)
{
	enum exit_status status;
	struct options options;

	if (parse_arguments(argc, argv, true, &options) < 0)
		return ITSY_USAGE;
	if (options.help) {
		(void)fputs(bind_help, stdout);
		return ITSY_OK;
	}
	status = change_all(&options, bind_one);
	/* Once all are bound: the functions of one group are often given together. */
	for (int i = 0; i < options.nr; i++)
		warn_of_group(&options.fs, &options.bdfs[i]);
	return status;
}

enum exit_status cmd_release(int argc, char **argv)
{
	struct options options;

	if (parse_arguments(argc, argv, false, &options) < 0)
		return ITSY_USAGE;
	if (options.help) {
		(void)fputs(release_help, stdout);
		return ITSY_OK;
	}
	return change_all(&options, release_one);
}
