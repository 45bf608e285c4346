// SPDX-License-Identifier: MIT
/*
 * The types of values in a configuration file: how each is read, and printed.
 *
 * No locks.
 */
#include "vmm/config/config_type.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "vmm/base/bits.h"
#include "vmm/base/suggest.h"
#include "vmm/base/word_list.h"
#include "vmm/config/config_place.h"

#define SHOWN CONFIG_SHOWN

void config_value_error(struct config_reader *r, struct config_value *v, const char *format, ...)
{
	char text[224];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	v->wrong = true;
	if (v->option)
		config_option_error(r->errors, v->option, "%s", text);
	else
		config_error_at(r->errors, v->line, "%s", text);
}

uint64_t config_member_get(const struct config_key *key, const void *member)
{
	uint64_t value = 0; /* little-endian, as all hosts are */

	assert(key->size <= sizeof(value));
	memcpy(&value, member, key->size);
	return value;
}

void config_member_set(const struct config_key *key, void *member, uint64_t value)
{
	assert(key->size <= sizeof(value));
	memcpy(member, &value, key->size);
}

static int init_number(const struct config_key *key, void *member)
{
	config_member_set(key, member, key->initial);
	return 0;
}

/* Of pointers, characters, lists and names of functions: without the key they are zeroed. */
static bool is_zeroed(const struct config_key *key, const void *member)
{
	for (size_t i = 0; i < key->size; i++)
		if (((const char *)member)[i])
			return false;
	return true;
}

/* ---- strings --------------------------------------------------------------------------- */

/* In double quotes, as config_text.c reads it back. */
static void print_text(const struct config_key *key, const struct config *config,
		       const void *member, FILE *out)
{
	(void)key;
	(void)config;
	(void)fputc('"', out);
	for (const char *p = *(char *const *)member; *p; p++) {
		if (*p == '"' || *p == '\\' || (*p == '$' && p[1] == '{'))
			(void)fputc('\\', out);
		(void)fputc(*p, out);
	}
	(void)fputc('"', out);
}

static void fini_text(void *member)
{
	free(*(char **)member);
	*(char **)member = NULL;
}

char *config_path_from(const struct config_reader *r, const struct config_value *v,
		       const char *path)
{
	const char *slash;
	char *joined;
	size_t dir_len;

	slash = v->option ? NULL : strrchr(r->errors->path, '/');
	if (path[0] == '/' || !slash)
		return strdup(path);
	dir_len = (size_t)(slash - r->errors->path) + 1;
	joined = malloc(dir_len + strlen(path) + 1);
	if (!joined)
		return NULL;
	memcpy(joined, r->errors->path, dir_len);
	strcpy(joined + dir_len, path);
	return joined;
}

/* Empty, it takes away what the file says. */
static bool read_path(struct config_reader *r, const struct config_key *key, struct config_value *v,
		      void *member)
{
	char *path;

	(void)key;
	if (!v->text[0])
		return true;
	path = config_path_from(r, v, v->text);
	r->out_of_memory |= !path;
	*(char **)member = path;
	return path;
}

const struct config_type config_type_path = {
	.placeholder = "_PATH_",
	.read = read_path,
	.print = print_text,
	.is_none = is_zeroed,
	.fini = fini_text,
};

static int init_text(const struct config_key *key, void *member)
{
	(void)key;
	*(char **)member = strdup("");
	return *(char **)member ? 0 : -ENOMEM;
}

static bool read_text(struct config_reader *r, const struct config_key *key, struct config_value *v,
		      void *member)
{
	size_t len = strlen(v->text);

	if (len > key->max) {
		config_value_error(r, v, "'%s' has %zu characters: the guest takes %" PRIu64,
				   key->name, len, key->max);
		return false;
	}
	fini_text(member);
	*(char **)member = strdup(v->text);
	r->out_of_memory |= !*(char **)member;
	return *(char **)member;
}

static void range_text(const struct config_key *key, char ret_range[CONFIG_RANGE_SZ])
{
	(void)snprintf(ret_range, CONFIG_RANGE_SZ, "up to %" PRIu64 " characters", key->max);
}

const struct config_type config_type_text = {
	.placeholder = "_STRING_",
	.init = init_text,
	.read = read_text,
	.print = print_text,
	.range = range_text,
	.fini = fini_text,
};

static void range_name(const struct config_key *key, char ret_range[CONFIG_RANGE_SZ])
{
	(void)key;
	(void)snprintf(ret_range, CONFIG_RANGE_SZ, "1 to %u letters, digits, '-' or '_'",
		       CONFIG_NAME_MAX);
}

static bool read_name(struct config_reader *r, const struct config_key *key, struct config_value *v,
		      void *member)
{
	char range[CONFIG_RANGE_SZ];

	if (!config_is_name(v->text)) {
		range_name(key, range);
		config_value_error(r, v, "'%s' is %s, not '" SHOWN "'", key->name, range, v->text);
		return false;
	}
	memset(member, 0, CONFIG_NAME_MAX + 1);
	memcpy(member, v->text, strlen(v->text));
	return true;
}

static void print_name(const struct config_key *key, const struct config *config,
		       const void *member, FILE *out)
{
	(void)key;
	(void)config;
	(void)fprintf(out, "\"%s\"", (const char *)member);
}

const struct config_type config_type_name = {
	.placeholder = "_NAME_",
	.read = read_name,
	.print = print_name,
	.range = range_name,
};

/* ---- numbers --------------------------------------------------------------------------- */

static void range_number(const struct config_key *key, char ret_range[CONFIG_RANGE_SZ])
{
	(void)snprintf(ret_range, CONFIG_RANGE_SZ, "%" PRIu64 " to %" PRIu64, key->min, key->max);
}

static bool is_in_range(const struct config_key *key, const char *text, uint64_t *ret)
{
	return config_parse_number(text, false, ret) == NUMBER_OK && *ret >= key->min &&
	       *ret <= key->max;
}

static bool read_number(struct config_reader *r, const struct config_key *key,
			struct config_value *v, void *member)
{
	char range[CONFIG_RANGE_SZ];
	uint64_t n = 0;

	if (is_in_range(key, v->text, &n)) {
		config_member_set(key, member, n);
		return true;
	}
	range_number(key, range);
	if (config_parse_number(v->text, false, &n) == NUMBER_OCTAL)
		config_value_error(r, v, "'%s' begins with a zero: write it without", key->name);
	else
		config_value_error(r, v, "'%s' is a number from %s, not '" SHOWN "'", key->name,
				   range, v->text);
	return false;
}

/* Where the least is not 0, 0 stands for what is found out later. */
static bool is_below_least(const struct config_key *key, const void *member)
{
	return config_member_get(key, member) < key->min;
}

static void print_number(const struct config_key *key, const struct config *config,
			 const void *member, FILE *out)
{
	(void)config;
	(void)fprintf(out, "%" PRIu64, config_member_get(key, member));
}

const struct config_type config_type_number = {
	.placeholder = "_NUMBER_",
	.init = init_number,
	.read = read_number,
	.print = print_number,
	.is_none = is_below_least,
	.range = range_number,
};

static void print_hex(const struct config_key *key, const struct config *config, const void *member,
		      FILE *out)
{
	(void)config;
	(void)fprintf(out, "0x%" PRIx64, config_member_get(key, member));
}

const struct config_type config_type_hex = {
	.placeholder = "_NUMBER_",
	.init = init_number,
	.read = read_number,
	.print = print_hex,
	.range = range_number,
};

/* With the largest suffix, up to G or M, that leaves a whole number. */
static void format_size(uint64_t size, uint64_t largest, char ret_text[24])
{
	static const struct {
		uint64_t unit;
		char suffix;
	} suffixes[] = { { GiB, 'G' }, { MiB, 'M' }, { KiB, 'K' } };

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		if (suffixes[i].unit > largest || size % suffixes[i].unit)
			continue;
		(void)snprintf(ret_text, 24, "%" PRIu64 "%c", size / suffixes[i].unit,
			       suffixes[i].suffix);
		return;
	}
	(void)snprintf(ret_text, 24, "%" PRIu64, size);
}

static void range_size(const struct config_key *key, char ret_range[CONFIG_RANGE_SZ])
{
	char min[24], max[24];

	format_size(key->min, GiB, min);
	format_size(key->max, GiB, max);
	(void)snprintf(ret_range, CONFIG_RANGE_SZ, "%s to %s", min, max);
}

static bool read_size(struct config_reader *r, const struct config_key *key, struct config_value *v,
		      void *member)
{
	uint64_t n = 0;
	enum config_number kind = config_parse_number(v->text, true, &n);
	char range[CONFIG_RANGE_SZ], unit[24];

	range_size(key, range);
	format_size(key->unit, GiB, unit);
	if (kind == NUMBER_OCTAL)
		config_value_error(r, v, "'%s' begins with a zero: write it without", key->name);
	else if (kind == NUMBER_BAD)
		config_value_error(r, v,
				   "'%s' is a size such as \"512M\" or \"4G\", not '" SHOWN "'",
				   key->name, v->text);
	else if (kind == NUMBER_HUGE || n < key->min || n > key->max)
		config_value_error(r, v, "'%s' is from %s, not '" SHOWN "'", key->name, range,
				   v->text);
	else if (n % key->unit)
		config_value_error(r, v, "'%s' is a multiple of %s, and '" SHOWN "' is not",
				   key->name, unit, v->text);
	else
		config_member_set(key, member, n);
	return !v->wrong;
}

static void print_size(const struct config_key *key, const struct config *config,
		       const void *member, FILE *out)
{
	char text[24];

	(void)config;
	format_size(config_member_get(key, member), MiB, text);
	(void)fprintf(out, "\"%s\"", text);
}

const struct config_type config_type_size = {
	.placeholder = "_SIZE_",
	.init = init_number,
	.read = read_size,
	.print = print_size,
	.range = range_size,
};

/* ---- what memory lies in ----------------------------------------------------------------- */

#define HUGETLB "hugetlb:"

static void range_backing(const struct config_key *key, char ret_range[CONFIG_RANGE_SZ])
{
	(void)key;
	(void)snprintf(ret_range, CONFIG_RANGE_SZ, "\"thp\" or a size such as \"" HUGETLB "2M\"");
}

/* Of which sizes the host has pages is for the host to say. */
static bool is_huge_page(const struct config_key *key, const char *text, uint64_t *ret)
{
	if (strncmp(text, HUGETLB, strlen(HUGETLB)) != 0 ||
	    config_parse_number(text + strlen(HUGETLB), true, ret) != NUMBER_OK)
		return false;
	return *ret >= key->min && *ret <= key->max && !(*ret & (*ret - 1));
}

static bool read_backing(struct config_reader *r, const struct config_key *key,
			 struct config_value *v, void *member)
{
	char range[CONFIG_RANGE_SZ];
	uint64_t size = 0;

	range_backing(key, range);
	if (strcmp(v->text, "thp") != 0 && !is_huge_page(key, v->text, &size)) {
		config_value_error(r, v, "'%s' is %s, not '" SHOWN "'", key->name, range, v->text);
		return false;
	}
	config_member_set(key, member, size);
	return true;
}

static void print_backing(const struct config_key *key, const struct config *config,
			  const void *member, FILE *out)
{
	uint64_t size = config_member_get(key, member);
	char text[24];

	(void)config;
	format_size(size, GiB, text);
	(void)fprintf(out, size ? "\"" HUGETLB "%s\"" : "\"thp\"", text);
}

const struct config_type config_type_backing = {
	.placeholder = "_thp_ | _hugetlb:SIZE_",
	.init = init_number,
	.read = read_backing,
	.print = print_backing,
	.range = range_backing,
};

/* ---- words ----------------------------------------------------------------------------- */

static bool read_word(struct config_reader *r, const struct config_key *key, struct config_value *v,
		      void *member)
{
	static const struct word_list_style style = { "\"", ", ", " or " };
	char all[WORD_LIST_SZ];

	for (unsigned i = 0; i <= key->max; i++)
		if (strcmp(v->text, key->word(i)) == 0) {
			config_member_set(key, member, i);
			return true;
		}
	config_value_error(r, v, "'%s' is %s, not '" SHOWN "'", key->name,
			   word_list(key->word, (unsigned)key->max + 1, &style, all), v->text);
	return false;
}

static void print_word(const struct config_key *key, const struct config *config,
		       const void *member, FILE *out)
{
	(void)config;
	(void)fprintf(out, "\"%s\"", key->word((unsigned)config_member_get(key, member)));
}

const struct config_type config_type_word = {
	.init = init_number,
	.read = read_word,
	.print = print_word,
};

/* ---- what a device is, and is wired to ------------------------------------------------- */

static bool read_bdf(struct config_reader *r, const struct config_key *key, struct config_value *v,
		     void *member)
{
	if (pci_bdf_parse(v->text, member) == 0)
		return true;
	config_value_error(r, v,
			   "'%s' is the address of a PCI function such as \"0000:01:00.0\", "
			   "not '" SHOWN "'",
			   key->name, v->text);
	return false;
}

static void print_bdf(const struct config_key *key, const struct config *config, const void *member,
		      FILE *out)
{
	char bdf[PCI_BDF_STRLEN];

	(void)key;
	(void)config;
	(void)fprintf(out, "\"%s\"", pci_bdf_format(member, bdf));
}

const struct config_type config_type_bdf = {
	.placeholder = "_ADDRESS_",
	.read = read_bdf,
	.print = print_bdf,
	.is_none = is_zeroed,
};

static bool read_path_of_function(struct config_reader *r, const struct config_key *key,
				  struct config_value *v, void *member)
{
	if (pci_path_parse(v->text, member) == 0)
		return true;
	config_value_error(r, v,
			   "'%s' is a root bus, and device.function of all on the way down, such "
			   "as \"0000:00/01.0/00.0\", not '" SHOWN "'",
			   key->name, v->text);
	return false;
}

/* Nothing in it is special to this file's syntax, but for a serial number's characters. */
static void print_chars(const struct config_key *key, const struct config *config,
			const void *member, FILE *out)
{
	const char *text = member;

	print_text(key, config, &text, out);
}

const struct config_type config_type_path_of_function = {
	.placeholder = "_PATH_",
	.read = read_path_of_function,
	.print = print_chars,
	.is_none = is_zeroed,
};

static bool read_pci_id(struct config_reader *r, const struct config_key *key,
			struct config_value *v, void *member)
{
	if (pci_id_parse(v->text, member) == 0)
		return true;
	config_value_error(r, v, "'%s' is vendor and device such as \"8086:10d3\", not '" SHOWN "'",
			   key->name, v->text);
	return false;
}

static void print_pci_id(const struct config_key *key, const struct config *config,
			 const void *member, FILE *out)
{
	const struct pci_id *id = member;

	(void)key;
	(void)config;
	(void)fprintf(out, "\"%04x:%04x\"", id->vendor, id->device);
}

const struct config_type config_type_pci_id = {
	.placeholder = "_VENDOR:DEVICE_",
	.read = read_pci_id,
	.print = print_pci_id,
	.is_none = is_zeroed,
};

static bool read_serial(struct config_reader *r, const struct config_key *key,
			struct config_value *v, void *member)
{
	if (pci_serial_is_sound(v->text)) {
		strcpy(member, v->text);
		return true;
	}
	config_value_error(r, v,
			   "'%s' is 1 to %u ASCII characters without blanks at its ends, not "
			   "'" SHOWN "'",
			   key->name, PCI_SERIAL_STRLEN - 1, v->text);
	return false;
}

const struct config_type config_type_serial = {
	.placeholder = "_STRING_",
	.read = read_serial,
	.print = print_chars,
	.is_none = is_zeroed,
};

static bool read_mac(struct config_reader *r, const struct config_key *key, struct config_value *v,
		     void *member)
{
	if (pci_mac_parse(v->text, member) == 0)
		return true;
	config_value_error(r, v,
			   "'%s' is a MAC address such as \"52:54:00:12:34:56\", not '" SHOWN "'",
			   key->name, v->text);
	return false;
}

const struct config_type config_type_mac = {
	.placeholder = "_ADDRESS_",
	.read = read_mac,
	.print = print_chars,
	.is_none = is_zeroed,
};

static bool read_place(struct config_reader *r, const struct config_key *key,
		       struct config_value *v, void *member)
{
	if (config_place_parse(v->text, member) == 0)
		return true;
	config_value_error(r, v,
			   "'%s' is a device and function such as \"02.0\", from 00.0 to 1f.7, "
			   "not '" SHOWN "'",
			   key->name, v->text);
	return false;
}

static void print_place(const struct config_key *key, const struct config *config,
			const void *member, FILE *out)
{
	char place[CONFIG_PLACE_STRLEN];

	(void)config;
	(void)fprintf(out, "\"%s\"",
		      config_place_format((uint32_t)config_member_get(key, member), place));
}

const struct config_type config_type_place = {
	.placeholder = "_PLACE_",
	.read = read_place,
	.print = print_place,
};

static bool read_its(struct config_reader *r, const struct config_key *key, struct config_value *v,
		     void *member)
{
	const char *all[CONFIG_MAX_ITS] = { NULL }, *near;

	for (size_t i = 0; i < r->config->nr_its; i++) {
		all[i] = r->config->its[i].name;
		if (strcmp(v->text, all[i]) != 0)
			continue;
		config_member_set(key, member, i);
		return true;
	}
	near = suggest(v->text, all, r->config->nr_its);
	config_value_error(r, v, "there is no ITS \"" SHOWN "\"%s" SHOWN "%s", v->text,
			   near ? ": did you mean \"" : "", near ? near : "", near ? "\"?" : "");
	return false;
}

static void print_its(const struct config_key *key, const struct config *config, const void *member,
		      FILE *out)
{
	(void)fprintf(out, "\"%s\"", config->its[config_member_get(key, member)].name);
}

const struct config_type config_type_its = {
	.placeholder = "_NAME_",
	.read = read_its,
	.print = print_its,
};

/* ---- where a thread runs --------------------------------------------------------------- */

static void print_cpu(const struct config_key *key, const struct config *config, const void *member,
		      FILE *out)
{
	int cpu = *(const int *)member;

	(void)key;
	(void)config;
	if (cpu < 0)
		(void)fputs("\"any\"", out);
	else
		(void)fprintf(out, "%d", cpu);
}

static bool is_any_cpu(const struct config_key *key, const void *member)
{
	(void)key;
	return *(const int *)member < 0;
}

const struct config_type config_type_cpu = {
	.placeholder = "_NUMBER_",
	.init = init_number,
	.read = read_number,
	.print = print_cpu,
	.is_none = is_any_cpu,
	.range = range_number,
};

static bool read_cpu_or_any(struct config_reader *r, const struct config_key *key,
			    struct config_value *v, void *member)
{
	char range[CONFIG_RANGE_SZ];
	uint64_t n = 0;

	if (strcmp(v->text, "any") == 0) {
		*(int *)member = -1;
		return true;
	}
	if (is_in_range(key, v->text, &n)) {
		*(int *)member = (int)n;
		return true;
	}
	range_number(key, range);
	config_value_error(r, v, "'%s' is \"any\" or a number from %s, not '" SHOWN "'", key->name,
			   range, v->text);
	return false;
}

const struct config_type config_type_cpu_or_any = {
	.placeholder = "_NUMBER_ | _any_",
	.init = init_number,
	.read = read_cpu_or_any,
	.print = print_cpu,
	.range = range_number,
};

static bool read_cpus(struct config_reader *r, const struct config_key *key, struct config_value *v,
		      void *member)
{
	struct config_cpus *cpus = member;
	int nr = placement_parse_cpus(v->text, cpus->list, ARRAY_SIZE(cpus->list));

	if (nr <= 0) {
		config_value_error(r, v,
				   "'%s' is a list of CPUs such as \"2-5,8\", not '" SHOWN "'",
				   key->name, v->text);
		return false;
	}
	cpus->nr = (uint32_t)nr;
	return true;
}

static void print_cpus(const struct config_key *key, const struct config *config,
		       const void *member, FILE *out)
{
	const struct config_cpus *cpus = member;

	(void)key;
	(void)config;
	for (uint32_t i = 0; i < cpus->nr; i++)
		(void)fprintf(out, "%s%u", i ? "," : "\"", cpus->list[i]);
	(void)fputc('"', out);
}

const struct config_type config_type_cpus = {
	.placeholder = "_LIST_",
	.read = read_cpus,
	.print = print_cpus,
	.is_none = is_zeroed,
};

#define FIFO "fifo:"

/* "other", or "fifo:" and a priority. */
static bool read_sched(struct config_reader *r, const struct config_key *key,
		       struct config_value *v, void *member)
{
	uint64_t n = 0;

	if (strcmp(v->text, "other") != 0 && (strncmp(v->text, FIFO, strlen(FIFO)) != 0 ||
					      !is_in_range(key, v->text + strlen(FIFO), &n))) {
		config_value_error(r, v,
				   "'%s' is \"other\", or \"" FIFO "%" PRIu64 "\" to \"" FIFO
				   "%" PRIu64 "\", not '" SHOWN "'",
				   key->name, key->min, key->max, v->text);
		return false;
	}
	config_member_set(key, member, n);
	return true;
}

static void print_sched(const struct config_key *key, const struct config *config,
			const void *member, FILE *out)
{
	uint64_t priority = config_member_get(key, member);

	(void)config;
	if (priority)
		(void)fprintf(out, "\"" FIFO "%" PRIu64 "\"", priority);
	else
		(void)fputs("\"other\"", out);
}

const struct config_type config_type_sched = {
	.placeholder = "_other_ | _fifo:PRIORITY_",
	.init = init_number,
	.read = read_sched,
	.print = print_sched,
	.range = range_number,
};
