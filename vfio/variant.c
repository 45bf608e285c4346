// SPDX-License-Identifier: MIT
/*
 * Which of VFIO's drivers a function is for.
 *
 * Since Linux 5.16 modules of vfio-pci's kind have aliases like those of all PCI drivers, with
 * vfio_pci: in the place of pci: (file2alias.c, do_pci_entry(); PCI_DRIVER_OVERRIDE_DEVICE_VFIO).
 * Nothing loads them by itself: who binds has to look, and of several the one with the fewest
 * wildcards is the most exact, as libvirt has it, too. vfio-pci's own alias fits all.
 *
 * kmod has them in /lib/modules/RELEASE/modules.alias, a line "alias PATTERN MODULE" each; those of
 * drivers that are built in are in modules.builtin.modinfo, as "MODULE.alias=PATTERN" with a NUL
 * behind it.
 */
#include "vfio/variant.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "vfio/fail.h"
#include "vfio/pci_priv.h"
#include "vmm/base/bits.h"

#define PREFIX	     "vfio_pci:"
#define PLAIN_MODULE "vfio_pci"

struct vfio_alias {
	char pattern[128]; /* without the prefix */
	char module[PCI_DRIVER_STRLEN];
};

struct vfio_aliases {
	struct vfio_alias *list;
	size_t nr, room;
};

/* The driver's name becomes part of a path, and all else that itsy has tells VFIO's by it. */
static bool is_module(const char *name)
{
	return strstr(name, "vfio") &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == strlen(name);
}

/* What is too long is no alias of the kernel's. 0, or -ENOMEM. */
static int add_alias(struct vfio_aliases *aliases, const char *pattern, const char *module)
{
	struct vfio_alias *alias;

	if (strncmp(pattern, PREFIX, strlen(PREFIX)) != 0 || !is_module(module) ||
	    strlen(pattern) - strlen(PREFIX) >= sizeof(alias->pattern) ||
	    strlen(module) >= sizeof(alias->module))
		return 0;
	if (aliases->nr == aliases->room) {
		size_t room = aliases->room ? 2 * aliases->room : 16;
		struct vfio_alias *list = reallocarray(aliases->list, room, sizeof(*list));

		if (!list)
			return -ENOMEM;
		aliases->list = list;
		aliases->room = room;
	}
	alias = &aliases->list[aliases->nr++];
	strcpy(alias->pattern, pattern + strlen(PREFIX));
	strcpy(alias->module, module);
	return 0;
}

/* "alias PATTERN MODULE" */
static int take_line(struct vfio_aliases *aliases, char *line)
{
	char *save, *word = strtok_r(line, " \n", &save);
	char *pattern = word && !strcmp(word, "alias") ? strtok_r(NULL, " \n", &save) : NULL;
	char *module = pattern ? strtok_r(NULL, " \n", &save) : NULL;

	return module ? add_alias(aliases, pattern, module) : 0;
}

/* "MODULE.alias=PATTERN" */
static int take_builtin(struct vfio_aliases *aliases, char *entry)
{
	static const char key[] = ".alias=";
	char *end = strstr(entry, key);

	if (!end)
		return 0;
	*end = '\0';
	return add_alias(aliases, end + strlen(key), entry);
}

static int read_list(struct vfio_aliases *aliases, const char *path, int end,
		     int (*take)(struct vfio_aliases *aliases, char *text))
{
	_cleanup_file_ FILE *file = fopen(path, "re");
	_cleanup_free_ char *text = NULL;
	size_t room = 0;
	int r = 0;

	while (file && r == 0 && getdelim(&text, &room, end, file) > 0)
		r = take(aliases, text);
	return r;
}

int vfio_aliases_read(const struct pci_host_fs *fs, struct vfio_aliases **ret_aliases)
{
	struct vfio_aliases *aliases = calloc(1, sizeof(*aliases));
	char release[80];
	struct host_path path;
	int r;

	if (!aliases)
		return -ENOMEM;
	*ret_aliases = aliases;
	if (host_path(&path, fs, "/proc/sys/kernel/osrelease") < 0 ||
	    host_read_text(path.text, release, sizeof(release)) < 0 || strchr(release, '/') ||
	    host_path(&path, fs, "/lib/modules/%s/modules.alias", release) < 0)
		return 0;
	r = read_list(aliases, path.text, '\n', take_line);
	if (r == 0 && host_path(&path, fs, "/lib/modules/%s/modules.builtin.modinfo", release) == 0)
		r = read_list(aliases, path.text, '\0', take_builtin);
	if (r < 0) {
		vfio_aliases_free(aliases);
		*ret_aliases = NULL;
	}
	return r;
}

void vfio_aliases_free(struct vfio_aliases *aliases)
{
	if (aliases)
		free(aliases->list);
	free(aliases);
}

static size_t wildcards_of(const char *pattern)
{
	size_t nr = 0;

	for (const char *c = pattern; *c; c++)
		nr += *c == '*' || *c == '?' || *c == '[';
	return nr;
}

bool vfio_variant_find(const struct vfio_aliases *aliases, const struct pci_host_fs *fs,
		       const struct pci_bdf *bdf, struct vfio_variant *ret_variant)
{
	const struct vfio_alias *best = NULL;
	struct host_path path;
	char modalias[128];

	if (pci_attr_path(&path, fs, bdf, "modalias") < 0 ||
	    host_read_text(path.text, modalias, sizeof(modalias)) < 0 ||
	    strncmp(modalias, "pci:", strlen("pci:")) != 0)
		return false;
	for (size_t i = 0; i < aliases->nr; i++) {
		const struct vfio_alias *alias = &aliases->list[i];

		if (fnmatch(alias->pattern, modalias + strlen("pci:"), 0) == 0 &&
		    (!best || wildcards_of(alias->pattern) < wildcards_of(best->pattern)))
			best = alias;
	}
	/* kmod writes a module's name with '_'. */
	if (!best || !strcmp(best->module, PLAIN_MODULE) ||
	    !strcmp(best->module, VFIO_DRIVER_PLAIN))
		return false;
	vfio_copy_text(ret_variant->module, sizeof(ret_variant->module), best->module);
	vfio_copy_text(ret_variant->driver, sizeof(ret_variant->driver), best->module);
	(void)vfio_variant_is_there(fs, ret_variant);
	return true;
}

/* "pci:mlx5_vfio_pci", in a module's folder of drivers. */
static int visit_driver(void *ctx, const char *name)
{
	struct vfio_variant *variant = ctx;

	if (strncmp(name, "pci:", strlen("pci:")) != 0 || !is_module(name + strlen("pci:")))
		return 0;
	vfio_copy_text(variant->driver, sizeof(variant->driver), name + strlen("pci:"));
	return 1;
}

bool vfio_variant_is_there(const struct pci_host_fs *fs, struct vfio_variant *variant)
{
	struct host_path path;

	if (host_path(&path, fs, "/sys/module/%s/drivers", variant->module) == 0)
		(void)!host_each_entry(path.text, visit_driver, variant);
	return host_path(&path, fs, "/sys/bus/pci/drivers/%s", variant->driver) == 0 &&
	       host_exists(path.text);
}
