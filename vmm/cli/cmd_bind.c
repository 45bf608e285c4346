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
#include "vfio/group.h"
#include "vfio/variant.h"
#include "vmm/base/bits.h"
#include "vmm/cli/commands.h"
#include "vmm/cli/left_behind.h"
#include "vmm/cli/option_types.h"
#include "vmm/dev/function_find.h"
#include "vmm/dev/vfio_words.h"

#define MAX_FUNCTIONS 64

struct options {
	struct pci_host_fs fs;
	bool force, plain;
	int nr;
	struct pci_name names[MAX_FUNCTIONS]; /* as they are typed */
	struct pci_bdf bdfs[MAX_FUNCTIONS];   /* whose they are */
};

#define ROOT OPTION_ROOT(struct options, fs, "work on the copy of a host's sysfs below DIR")

static int take_driver(const struct command_line *line, const struct option_row *row,
		       const char *value, void *member)
{
	*(bool *)member = strcmp(value, VFIO_DRIVER_PLAIN) == 0;
	if (*(bool *)member || strcmp(value, "auto") == 0)
		return 0;
	return option_error(line, "--%s is auto or " VFIO_DRIVER_PLAIN ", not '%s'", row->name,
			    value);
}

static const struct option_row bind_rows[] = {
	{ "driver", "auto|vfio-pci", take_driver, OPTION_MEMBER(struct options, plain),
	  .help = "vfio-pci, or (by default) the one that the kernel has for the very function" },
	{ "force", NULL, option_flag, OPTION_MEMBER(struct options, force),
	  .help = "also where the host is using the function" },
	ROOT,
};
static const struct option_row release_rows[] = { ROOT };

const struct command_line bind_line = {
	.name = "bind",
	.usage = "itsy bind [OPTION]... BDF|KEY=VALUE...",
	.about =
		"Binds PCI functions to vfio-pci, or to the variant of it that the kernel has for\n"
		"them, so that guests can have them, and records the driver that each had for\n"
		"itsy release. itsy run does this by itself; binding beforehand saves the time,\n"
		"and takes what else an IOMMU group needs: its other functions, unless the host\n"
		"uses them, and drivers of bridges. path=, pci-id=, serial= and mac= name\n"
		"functions as in configurations.\n",
	.rows = bind_rows,
	.nr_rows = ARRAY_SIZE(bind_rows),
};

const struct command_line release_line = {
	.name = "release",
	.usage = "itsy release [OPTION]... BDF|KEY=VALUE...",
	.about = "Gives PCI functions back to the driver that they had before itsy bind; those\n"
		 "that itsy did not bind go to the driver that the kernel chooses. What was\n"
		 "taken for their groups goes back with them.\n"
		 "path=, pci-id=, serial= and mac= name functions as in configurations.\n",
	.rows = release_rows,
	.nr_rows = ARRAY_SIZE(release_rows),
};

/* An address; or KEY=VALUE, as a configuration has it. */
static int read_name(const char *word, struct pci_name *ret_name)
{
	const char *value = strchr(word, '=');

	for (enum pci_name_part part = 0; value && part < PCI_NR_NAME_PARTS; part++) {
		const char *key = pci_name_word(part);

		if (strlen(key) == (size_t)(value - word) && strncmp(word, key, strlen(key)) == 0)
			return pci_name_set(ret_name, part, value + 1);
	}
	return value ? -EINVAL : pci_name_set(ret_name, PCI_NAME_BDF, word);
}

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
		if (read_name(names[i], &o->names[i]) == 0)
			continue;
		(void)fprintf(stderr,
			      "itsy: error: '%s' is not the address of a PCI function such as "
			      "0000:01:00.0, nor another name of one such as "
			      "mac=52:54:00:12:34:56: itsy devices lists them\n",
			      names[i]);
		r = -EINVAL;
	}
	o->nr = nr;
	return r;
}

/* And all of them are found. */
static enum exit_status find_functions(struct options *o)
{
	_cleanup_free_ struct pci_named *list = NULL;
	enum exit_status status = ITSY_OK;
	struct function_list functions = { 0 };
	struct failure failure;

	for (int i = 0; i < o->nr; i++) {
		char whose[PCI_NAME_STRLEN];
		int r = 0;

		o->bdfs[i] = o->names[i].bdf;
		if (o->names[i].has_bdf)
			continue;
		if (!list)
			r = function_list_get(&o->fs, &list, &functions.nr, &failure);
		functions.list = list;
		if (r >= 0)
			r = function_find(&functions, pci_name_format(&o->names[i], whose),
					  &o->names[i], &o->bdfs[i], &failure);
		if (r < 0)
			status = report_failure(&failure);
	}
	return status;
}

static int parse_arguments(const struct command_line *line, int argc, char **argv,
			   struct options *ret)
{
	struct words words;
	int r;

	*ret = (struct options){ 0 };
	r = options_parse(line, argc, argv, ret, &words);
	if (r)
		return r;
	if (words.nr)
		return take_functions(ret, words.nr, words.list);
	(void)fprintf(stderr, "itsy: error: %s: which function? itsy devices lists them\n",
		      line->name);
	return -EINVAL;
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

/* One function's group. */
struct group_of {
	const struct options *options;
	const struct pci_bdf *bdf;
};

static void print_taken(void *ctx, const struct pci_function *was)
{
	const struct group_of *group = ctx;
	char name[PCI_BDF_STRLEN], whom[PCI_BDF_STRLEN], after[PCI_DRIVER_STRLEN];

	(void)printf("%s: %s -> %s, of the group of %s\n", pci_bdf_format(&was->bdf, name),
		     was->driver, driver_of(&group->options->fs, &was->bdf, after),
		     pci_bdf_format(group->bdf, whom));
}

/* What still keeps the function from a guest, though it is bound now. */
static enum exit_status take_group(const struct options *o, const struct pci_bdf *bdf)
{
	struct group_of group = { o, bdf };
	const struct vfio_group_ops ops = { print_taken, &group };
	struct vfio_failure vf = { 0 };
	struct failure failure;

	if (vfio_group_take(&o->fs, bdf, &ops, &vf) == 0)
		return ITSY_OK;
	(void)failure_from_vfio(&failure, &vf);
	return report_failure(&failure);
}

static bool is_bound(const struct options *o, const struct pci_bdf *bdf)
{
	char driver[PCI_DRIVER_STRLEN];

	return pci_driver_is_vfio(driver_of(&o->fs, bdf, driver));
}

static int bind_one(const struct options *o, const struct pci_bdf *bdf, struct vfio_failure *vf)
{
	unsigned flags = (o->force ? VFIO_BIND_FORCE : 0u) | (o->plain ? VFIO_BIND_PLAIN : 0u);

	return vfio_bind(&o->fs, bdf, flags, vf);
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
			if (vf.code)
				vfio_words_of_binding("", &vf);
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
	int r = parse_arguments(&bind_line, argc, argv, &options);

	if (r)
		return r < 0 ? ITSY_USAGE : ITSY_OK;
	status = find_functions(&options);
	if (status)
		return status;
	left_behind_give_back(&options.fs, &(struct pci_set){ options.bdfs, (size_t)options.nr });
	status = change_all(&options, bind_one);
	/* Once all are bound: the functions of one group are often given together. */
	for (int i = 0; i < options.nr; i++) {
		enum exit_status of_group = ITSY_OK;

		if (is_bound(&options, &options.bdfs[i]))
			of_group = take_group(&options, &options.bdfs[i]);
		if (!status)
			status = of_group;
	}
	return status;
}

enum exit_status cmd_release(int argc, char **argv)
{
	enum exit_status status;
	struct options options;
	int r = parse_arguments(&release_line, argc, argv, &options);

	if (r)
		return r < 0 ? ITSY_USAGE : ITSY_OK;
	status = find_functions(&options);
	if (status)
		return status;
	left_behind_give_back(&options.fs, &(struct pci_set){ options.bdfs, (size_t)options.nr });
	return change_all(&options, release_one);
}
