// SPDX-License-Identifier: MIT
/*
 * Fuzzes configuration files and the options of the command line (vmm/config/config.h).
 *
 * Input: the text; then, each behind a NUL, options: "--NAME=VALUE", or what stands behind --set.
 * Where the text is empty there is no file.
 *
 * A text is either refused with a message, or it is a configuration that is valid
 * and prints as a text of the same meaning.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/fuzz/input.h"
#include "vmm/config/config.h"

#define MAX_OPTIONS 8u
#define PATH	    "guest.conf" /* no folder: paths stay as they are */

struct given {
	char *bytes; /* owned: the input with a NUL behind it */
	const char *text;
	struct config_option options[MAX_OPTIONS];
	size_t nr_options;
};

static struct config_option option_of(char *text)
{
	char *equals = strncmp(text, "--", 2) == 0 ? strchr(text, '=') : NULL;

	if (!equals)
		return (struct config_option){ "set", text };
	*equals = '\0';
	return (struct config_option){ text + 2, equals + 1 };
}

static void split(struct given *given, const uint8_t *data, size_t size)
{
	char *end, *at;

	given->bytes = malloc(size + 1);
	assert(given->bytes);
	if (size)
		memcpy(given->bytes, data, size);
	given->bytes[size] = '\0';
	end = given->bytes + size;
	given->text = given->bytes;
	given->nr_options = 0;
	for (at = given->bytes + strlen(given->bytes) + 1;
	     at < end && given->nr_options < MAX_OPTIONS;) {
		size_t len = strlen(at);

		given->options[given->nr_options++] = option_of(at);
		at += len + 1;
	}
}

/* Parse; messages there are if, and only if, it was refused. */
static int parse(const struct given *given, struct config *ret_config)
{
	char *messages = NULL;
	size_t len = 0;
	FILE *errors = open_memstream(&messages, &len);
	int r;

	assert(errors);
	r = config_parse(given->text[0] ? PATH : NULL, given->text, given->options,
			 given->nr_options, errors, ret_config);
	(void)fclose(errors);
	assert(r == 0 || r == -EINVAL);
	assert((r == 0) == (len == 0));
	for (size_t i = 0; i < len; i++)
		assert(messages[i] == '\n' || (unsigned char)messages[i] >= 0x20);
	assert(!len || messages[len - 1] == '\n');
	free(messages);
	return r;
}

static void print(const struct config *config, char **ret_text)
{
	size_t len = 0;
	FILE *out = open_memstream(ret_text, &len);

	assert(out);
	config_print(config, out);
	(void)fclose(out);
}

static void check_its(const struct config *c)
{
	assert(c->nr_its >= 1);
	assert(c->nr_its <= CONFIG_MAX_ITS);
	for (size_t i = 0; i < c->nr_its; i++) {
		const struct config_its *its = &c->its[i];

		assert(its->name);
		assert(its->devid_bits >= 1);
		assert(its->devid_bits <= 32);
		assert(its->eventid_bits >= 1);
		assert(its->eventid_bits <= 16);
		assert(!its->lpis || its->lpis >= 32);
		assert(its->lpis <= 57344);
		for (size_t k = 0; k < i; k++)
			assert(strcmp(its->name, c->its[k].name) != 0);
	}
}

static bool is_named(const struct pci_name *name)
{
	for (enum pci_name_part part = 0; part < PCI_NR_NAME_PARTS; part++)
		if (pci_name_has(name, part))
			return true;
	return false;
}

/* What means one function each. */
static void check_names_differ(const struct pci_name *a, const struct pci_name *b)
{
	assert(!a->has_bdf || !b->has_bdf || !pci_bdf_equal(&a->bdf, &b->bdf));
	assert(!a->path[0] || strcmp(a->path, b->path) != 0);
}

static void check_valid(const struct config *c)
{
	assert(c->path);
	assert(c->name[0]);
	assert(strlen(c->name) <= CONFIG_NAME_MAX);
	assert(!c->kernel || c->kernel[0]);
	assert(!c->kernel == (c->boot == BOOT_WISH_DISK));
	assert(c->kernel || (!c->initrd && !c->cmdline[0] && !c->flat && c->nr_devices));
	assert(!c->kernel || !c->firmware);
	assert(c->cmdline);
	assert(c->vcpus >= 1);
	assert(c->memory > 0);
	assert(c->memory % 4096 == 0);
	check_its(c);
	assert(c->nr_devices <= CONFIG_MAX_DEVICES);
	for (size_t i = 0; i < c->nr_devices; i++) {
		assert(c->devices[i].name);
		assert(is_named(&c->devices[i].wanted));
		for (size_t k = 0; k < i; k++) {
			assert(strcmp(c->devices[i].name, c->devices[k].name) != 0);
			check_names_differ(&c->devices[i].wanted, &c->devices[k].wanted);
			assert(c->devices[i].its != c->devices[k].its || !c->devices[i].has_devid ||
			       !c->devices[k].has_devid ||
			       c->devices[i].devid != c->devices[k].devid);
		}
		assert(c->devices[i].its < c->nr_its);
		assert(!c->devices[i].has_devid ||
		       c->devices[i].devid >> (c->its[c->devices[i].its].devid_bits - 1) <= 1);
	}
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static void check_same_its(const struct config_its *a, const struct config_its *b)
{
	assert(same_text(a->name, b->name));
	assert(a->devid_bits == b->devid_bits);
	assert(a->eventid_bits == b->eventid_bits);
	assert(a->lpis == b->lpis);
	assert(a->stall == b->stall);
}

static void check_same_name(const struct pci_name *a, const struct pci_name *b)
{
	char text_a[PCI_NAME_STRLEN], text_b[PCI_NAME_STRLEN];

	assert(same_text(pci_name_format(a, text_a), pci_name_format(b, text_b)));
}

static void check_same(const struct config *a, const struct config *b)
{
	assert(same_text(a->name, b->name));
	assert(a->boot == b->boot);
	assert(same_text(a->firmware, b->firmware));
	assert(same_text(a->kernel, b->kernel));
	assert(same_text(a->initrd, b->initrd));
	assert(same_text(a->cmdline, b->cmdline));
	assert(a->vcpus == b->vcpus);
	assert(a->memory == b->memory);
	assert(a->nr_its == b->nr_its);
	for (size_t i = 0; i < a->nr_its; i++)
		check_same_its(&a->its[i], &b->its[i]);
	assert(a->nr_devices == b->nr_devices);
	for (size_t i = 0; i < a->nr_devices; i++) {
		assert(same_text(a->devices[i].name, b->devices[i].name));
		check_same_name(&a->devices[i].wanted, &b->devices[i].wanted);
		assert(a->devices[i].events == b->devices[i].events);
		assert(a->devices[i].its == b->devices[i].its);
		assert(a->devices[i].has_devid == b->devices[i].has_devid);
		assert(a->devices[i].devid == b->devices[i].devid);
	}
}

/* What was printed is read back as the same; and printed, again. */
static char *print_again(const struct config *config, const char *text)
{
	const struct given given = { .text = text };
	struct config other = { 0 };
	char *again = NULL;
	int r = parse(&given, &other);

	assert(r == 0);
	check_same(config, &other);
	print(&other, &again);
	config_fini(&other);
	return again;
}

/* From then on each value comes from its line of what was printed. */
static void check_round_trip(const struct config *config)
{
	char *text = NULL, *second, *third;

	print(config, &text);
	second = print_again(config, text);
	third = print_again(config, second);
	assert(same_text(second, third));
	free(third);
	free(second);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct given given;
	struct config config = { 0 };

	split(&given, data, size);
	if (parse(&given, &config) == 0) {
		check_valid(&config);
		check_round_trip(&config);
	}
	config_fini(&config);
	free(given.bytes);
	return 0;
}
