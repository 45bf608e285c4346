// SPDX-License-Identifier: MIT
/*
 * What itsy devices shows of a function's names. What a device says of itself has been looked at
 * (vfio/told.c): it is printable ASCII.
 *
 * No locks.
 */
#include "vmm/cli/device_names.h"

#include <string.h>

/* In double quotes, as a configuration has it. */
static void print_quoted(const char *text, FILE *out)
{
	(void)fputc('"', out);
	for (const char *c = text; *c; c++) {
		if (*c == '"' || *c == '\\' || (*c == '$' && c[1] == '{'))
			(void)fputc('\\', out);
		(void)fputc(*c, out);
	}
	(void)fputc('"', out);
}

static void print_part(const struct function_list *functions, const struct pci_name *name,
		       enum pci_name_part part, FILE *out)
{
	size_t others = function_count(functions, name) - 1;
	char value[PCI_PATH_STRLEN];

	(void)fprintf(out, "%s = ", pci_name_word(part));
	print_quoted(pci_name_value(name, part, value), out);
	if (others)
		(void)fprintf(out, "\t# and of %zu other%s", others, plural(others));
	(void)fputc('\n', out);
}

static void print_unknown(const struct pci_named *named, FILE *out)
{
	const char *driver = named->fn.driver;
	bool is_disk = named->fn.class_code >> 16 == 0x01;

	if (named->hides_told)
		(void)fprintf(out, "# its %s is not known while it is bound to %s\n",
			      is_disk ? "serial number" : "MAC address",
			      driver[0] ? driver : "no driver");
	if (named->hides_dsn)
		(void)fputs("# root alone sees whether it has a Device Serial Number\n", out);
}

void device_names_print(const struct function_list *functions, size_t nr, const char *class_name,
			FILE *out)
{
	const struct pci_named *named = &functions->list[nr];
	char bdf[PCI_BDF_STRLEN];
	struct pci_name name;

	(void)fprintf(out, "# %s: %s\n", pci_bdf_format(&named->fn.bdf, bdf), class_name);
	for (enum pci_name_part part = PCI_NAME_PATH; part < PCI_NR_NAME_PARTS; part++)
		for (unsigned n = 0; pci_named_get(named, part, n, &name); n++)
			print_part(functions, &name, part, out);
	print_unknown(named, out);
}

/* A list of all that a function has of a part. */
static json_t *json_of(const struct pci_named *named, enum pci_name_part part)
{
	json_t *list = json_array();
	char value[PCI_PATH_STRLEN];
	struct pci_name name;

	for (unsigned n = 0; pci_named_get(named, part, n, &name); n++)
		(void)json_array_append_new(list, json_string(pci_name_value(&name, part, value)));
	return list;
}

json_t *device_names_json(const struct function_list *functions, const struct pci_bdf *bdf,
			  json_t *object)
{
	for (size_t i = 0; object && i < functions->nr; i++) {
		const struct pci_named *named = &functions->list[i];

		if (!pci_bdf_equal(&named->fn.bdf, bdf))
			continue;
		if (named->path[0])
			(void)json_object_set_new(object, "path", json_string(named->path));
		(void)json_object_set_new(object, "serials", json_of(named, PCI_NAME_SERIAL));
		(void)json_object_set_new(object, "macs", json_of(named, PCI_NAME_MAC));
	}
	return object;
}
