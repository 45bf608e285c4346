// SPDX-License-Identifier: MIT
/*
 * Which function of the host a name means. What the name does not say, nobody guesses: several
 * functions that fit are an error, as one that fits almost is.
 *
 * No locks.
 */
#include "vmm/dev/function_find.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/suggest.h"

#define LISTED_MAX 8u /* functions in a message */

#define CURE_LOOK "itsy devices --names shows what each function can be named by"

/* One search. */
struct search {
	const struct function_list *functions;
	const char *whose;
	const struct pci_name *name;
	struct failure *failure;
};

/* The first from *at on; NULL: none is left. */
static const struct pci_named *next_fit(const struct function_list *functions,
					const struct pci_name *name, size_t *at)
{
	while (*at < functions->nr) {
		const struct pci_named *named = &functions->list[(*at)++];

		if (pci_named_fits(named, name))
			return named;
	}
	return NULL;
}

size_t function_count(const struct function_list *functions, const struct pci_name *name)
{
	size_t at = 0, nr = 0;

	while (next_fit(functions, name, &at))
		nr++;
	return nr;
}

static int fail_several(const struct search *s, size_t nr)
{
	char list[LISTED_MAX * (PCI_BDF_STRLEN + 2) + 32] = "", name[PCI_NAME_STRLEN];
	char bdf[PCI_BDF_STRLEN];
	const struct pci_named *named;
	size_t at = 0, len = 0;

	for (unsigned i = 0; i < LISTED_MAX && (named = next_fit(s->functions, s->name, &at)); i++)
		len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s", i ? ", " : "",
					pci_bdf_format(&named->fn.bdf, bdf));
	if (nr > LISTED_MAX)
		(void)snprintf(list + len, sizeof(list) - len, " and %zu more", nr - LISTED_MAX);
	return failure_set(s->failure, ITSY_ENVIRONMENT, ENOTUNIQ, s->whose,
			   "name it by something that they do not share (itsy devices --names)",
			   "%zu functions have %.120s: %s", nr, pci_name_format(s->name, name),
			   list);
}

/* What comes nearest of all that functions have of a part; "" where nothing does. */
static void find_near(const struct search *s, enum pci_name_part part, char ret_near[160])
{
	size_t room = s->functions->nr * (PCI_MACS_MAX + 1), nr = 0;
	_cleanup_free_ char(*values)[PCI_PATH_STRLEN] = calloc(room + 1, sizeof(*values));
	_cleanup_free_ const char **names = calloc(room + 1, sizeof(*names));
	_cleanup_free_ const struct pci_named **whose = calloc(room + 1, sizeof(*whose));
	char wanted[PCI_PATH_STRLEN], bdf[PCI_BDF_STRLEN];
	const char *near;
	struct pci_name has;

	ret_near[0] = '\0';
	if (!values || !names || !whose)
		return;
	for (size_t i = 0; i < s->functions->nr; i++)
		for (unsigned n = 0; !s->functions->list[i].fn.is_bridge &&
				     pci_named_get(&s->functions->list[i], part, n, &has);
		     n++) {
			names[nr] = pci_name_value(&has, part, values[nr]);
			whose[nr++] = &s->functions->list[i];
		}
	near = suggest(pci_name_value(s->name, part, wanted), names, nr);
	for (size_t i = 0; near && i < nr; i++)
		if (names[i] == near)
			(void)snprintf(ret_near, 160, ": did you mean \"%s\", which %s has?", near,
				       pci_bdf_format(&whose[i]->fn.bdf, bdf));
}

/* One whose part is not known while it has the driver that it has. */
static const struct pci_named *find_hidden(const struct search *s, enum pci_name_part part)
{
	const uint32_t class = part == PCI_NAME_SERIAL ? 0x01 : 0x02;

	for (size_t i = 0; i < s->functions->nr; i++) {
		const struct pci_named *named = &s->functions->list[i];

		if (named->hides_told && named->fn.class_code >> 16 == class &&
		    (part == PCI_NAME_SERIAL || part == PCI_NAME_MAC))
			return named;
	}
	return NULL;
}

static bool hides_serials(const struct search *s, enum pci_name_part part)
{
	for (size_t i = 0; part == PCI_NAME_SERIAL && i < s->functions->nr; i++)
		if (s->functions->list[i].hides_dsn)
			return true;
	return false;
}

/* No function has this part of the name. */
static int fail_none(const struct search *s, enum pci_name_part part)
{
	const struct pci_name only = pci_name_only(s->name, part);
	const struct pci_named *hidden = find_hidden(s, part);
	char near[160], name[PCI_NAME_STRLEN], bdf[PCI_BDF_STRLEN], cure[160];

	find_near(s, part, near);
	(void)pci_name_format(&only, name);
	if (near[0])
		return failure_set(s->failure, ITSY_ENVIRONMENT, ENOENT, s->whose, CURE_LOOK,
				   "no function has %.110s%s", name, near);
	if (hidden) {
		(void)pci_bdf_format(&hidden->fn.bdf, bdf);
		(void)snprintf(cure, sizeof(cure),
			       "itsy release %s gives it to the driver that tells; or name it by "
			       "its path (itsy devices --names)",
			       bdf);
		return failure_set(s->failure, ITSY_ENVIRONMENT, ENOENT, s->whose, cure,
				   "no function has %.110s, as far as is known: %s, bound to %s, "
				   "does not tell its own",
				   name, bdf,
				   hidden->fn.driver[0] ? hidden->fn.driver : "no driver");
	}
	return failure_set(s->failure, ITSY_ENVIRONMENT, ENOENT, s->whose,
			   hides_serials(s, part)
				   ? "run itsy as root, who alone sees all serial numbers"
				   : CURE_LOOK,
			   "no function has %.110s", name);
}

/* Each part is some function's, and all of them no one's: what the first who has each else lacks.
 */
static int fail_apart(const struct search *s)
{
	char name[PCI_NAME_STRLEN], text[160] = "", bdf[PCI_BDF_STRLEN];
	size_t len = 0;

	for (enum pci_name_part part = 0; part < PCI_NR_NAME_PARTS; part++) {
		const struct pci_name only = pci_name_only(s->name, part);
		const struct pci_named *named;
		size_t at = 0;

		named = pci_name_has(s->name, part) ? next_fit(s->functions, &only, &at) : NULL;
		if (named)
			len += (size_t)snprintf(text + len, sizeof(text) - len, "; %s has that %s",
						pci_bdf_format(&named->fn.bdf, bdf),
						pci_name_word(part));
	}
	return failure_set(s->failure, ITSY_ENVIRONMENT, ENOENT, s->whose, CURE_LOOK,
			   "no function has %.120s at once%s", pci_name_format(s->name, name),
			   text);
}

static int fail_to_find(const struct search *s)
{
	for (enum pci_name_part part = 0; part < PCI_NR_NAME_PARTS; part++) {
		const struct pci_name only = pci_name_only(s->name, part);

		if (pci_name_has(s->name, part) && !function_count(s->functions, &only))
			return fail_none(s, part);
	}
	return fail_apart(s);
}

int function_find(const struct function_list *functions, const char *whose,
		  const struct pci_name *name, struct pci_bdf *ret_bdf, struct failure *ret_failure)
{
	const struct search s = { functions, whose, name, ret_failure };
	size_t nr = function_count(functions, name), at = 0;

	if (nr != 1)
		return nr ? fail_several(&s, nr) : fail_to_find(&s);
	*ret_bdf = next_fit(functions, name, &at)->fn.bdf;
	return 0;
}

int function_list_failed(int r, struct failure *ret_failure)
{
	return failure_set(ret_failure, ITSY_ENVIRONMENT, -r, "/sys/bus/pci/devices",
			   "mount sysfs; a kernel without PCI has none", "cannot be listed: %s",
			   strerror(-r));
}

int function_list_get(const struct pci_host_fs *host, struct pci_named **ret_list, size_t *ret_nr,
		      struct failure *ret_failure)
{
	int r = pci_named_list(host, ret_list, ret_nr);

	return r < 0 ? function_list_failed(r, ret_failure) : 0;
}
