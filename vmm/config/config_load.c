// SPDX-License-Identifier: MIT
/*
 * The configuration of a guest: read, check, print.
 *
 * Four passes: vmm/config/config_text.c sees to what libconfuse would misread; libconfuse
 * splits the text into keys, values and blocks, and the overrides of the command
 * line replace values (vmm/config/config_raw.c); here, a table of keys checks each value
 * and fills struct config.
 *
 * No locks; one thread at a time.
 */
#include "vmm/config/config.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "vmm/base/bits.h"
#include "vmm/base/suggest.h"
#include "vmm/config/config_raw.h"
#include "vmm/its/lpis.h"
#include "vmm/kvm/layout.h"

#define FILE_SZ_MAX MiB
#define SHOWN	    CONFIG_SHOWN

#define MEMORY_MIN	   (64 * MiB)
#define MEMORY_UNIT	   (64 * KiB) /* a page of any host */
#define EVENTS_MAX	   65536u     /* as many as a device table entry of the shadow can name */
#define DEVID_BITS_MAX	   32u
#define DEVID_BITS_DEFAULT 16u
#define EVENTID_BITS_MAX   16u
#define CMDLINE_MAX	   2047u /* arm64's COMMAND_LINE_SIZE without its end */

struct overrides {
	const char *const *list;
	size_t nr;
};

struct checker {
	struct config_errors *errors;
	struct config_raw *raw;
	const struct config *config; /* as far as it is known; its ITSs from the start */
	bool out_of_memory;
};

static void value_error(struct checker *k, struct config_value *v, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void value_error(struct checker *k, struct config_value *v, const char *format, ...)
{
	char text[224];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	v->wrong = true;
	if (v->option)
		config_error_option(k->errors, v->option, "%s", text);
	else
		config_error_at(k->errors, v->line, "%s", text);
}

/* True with *ret_number, or an error is recorded. */
static bool number_in(struct checker *k, struct config_value *v, const char *key, uint64_t min,
		      uint64_t max, uint64_t *ret_number)
{
	uint64_t n = 0;
	enum config_number kind = config_parse_number(v->text, false, &n);

	if (kind == NUMBER_OK && n >= min && n <= max) {
		*ret_number = n;
		return true;
	}
	if (kind == NUMBER_OCTAL)
		value_error(k, v, "'%s' begins with a zero: write it without", key);
	else
		value_error(k, v, "'%s' is a number from %llu to %llu, not '" SHOWN "'", key,
			    (unsigned long long)min, (unsigned long long)max, v->text);
	return false;
}

/* Relative paths count from the file's folder; on the command line, from the current one. */
static char *path_from(const struct checker *k, const struct config_value *v)
{
	const char *slash = strrchr(k->errors->path, '/');
	char *joined;
	size_t dir_len;

	if (v->option || v->text[0] == '/' || !slash)
		return strdup(v->text);
	dir_len = (size_t)(slash - k->errors->path) + 1;
	joined = malloc(dir_len + strlen(v->text) + 1);
	if (!joined)
		return NULL;
	memcpy(joined, k->errors->path, dir_len);
	strcpy(joined + dir_len, v->text);
	return joined;
}

static void set_path(struct checker *k, struct config_value *v, char **ret_path)
{
	*ret_path = path_from(k, v);
	if (!*ret_path)
		k->out_of_memory = true;
}

static void set_kernel(struct checker *k, struct config_value *v, struct config *c)
{
	if (v->text[0])
		set_path(k, v, &c->kernel);
	else
		value_error(k, v, "'kernel' is empty: it names the kernel's file");
}

static void set_initrd(struct checker *k, struct config_value *v, struct config *c)
{
	if (v->text[0]) /* empty: an override that takes it away */
		set_path(k, v, &c->initrd);
}

static void set_cmdline(struct checker *k, struct config_value *v, struct config *c)
{
	size_t len = strlen(v->text);

	if (len > CMDLINE_MAX) {
		value_error(k, v, "'cmdline' has %zu characters: the guest takes %u", len,
			    CMDLINE_MAX);
		return;
	}
	free(c->cmdline);
	c->cmdline = strdup(v->text);
	if (!c->cmdline)
		k->out_of_memory = true;
}

static void set_name(struct checker *k, struct config_value *v, struct config *c)
{
	if (!config_is_name(v->text)) {
		value_error(k, v, "'name' is 1 to %u letters, digits, '-' or '_', not '" SHOWN "'",
			    CONFIG_NAME_MAX, v->text);
		return;
	}
	memset(c->name, 0, sizeof(c->name));
	memcpy(c->name, v->text, strlen(v->text));
	c->has_name = true;
}

static void set_vcpus(struct checker *k, struct config_value *v, struct config *c)
{
	uint64_t n;

	if (number_in(k, v, "vcpus", 1, LAYOUT_MAX_VCPUS, &n))
		c->vcpus = (uint32_t)n;
}

static void set_memory(struct checker *k, struct config_value *v, struct config *c)
{
	uint64_t n = 0;
	enum config_number kind = config_parse_number(v->text, true, &n);

	if (kind == NUMBER_OCTAL)
		value_error(k, v, "'memory' begins with a zero: write it without");
	else if (kind == NUMBER_BAD)
		value_error(k, v, "'memory' is a size such as \"512M\" or \"4G\", not '" SHOWN "'",
			    v->text);
	else if (kind == NUMBER_HUGE || n < MEMORY_MIN || n > LAYOUT_RAM_MAX)
		value_error(k, v, "'memory' is from %lluM to %lluG, not '" SHOWN "'",
			    (unsigned long long)(MEMORY_MIN / MiB),
			    (unsigned long long)(LAYOUT_RAM_MAX / GiB), v->text);
	else if (n % MEMORY_UNIT)
		value_error(k, v, "'memory' is a multiple of %lluK, and '" SHOWN "' is not",
			    (unsigned long long)(MEMORY_UNIT / KiB), v->text);
	else
		c->memory = n;
}

static void set_bdf(struct checker *k, struct config_value *v, struct config_device *d)
{
	if (pci_bdf_parse(v->text, &d->bdf) < 0)
		value_error(k, v,
			    "'bdf' is the address of a PCI function such as "
			    "\"0000:01:00.0\", not '" SHOWN "'",
			    v->text);
}

/* Keys of a device that are a number within a range, and no more. */
static const struct {
	const char *name;
	uint32_t min, max;
	size_t at;
} device_numbers[NR_DEVICE_KEYS] = {
#define NUMBER(key, min, max, member)                                 \
	{                                                             \
		key, min, max, offsetof(struct config_device, member) \
	}
	[KEY_EVENTS] = NUMBER("events", 0, EVENTS_MAX, events),
	[KEY_STORM_RATE] = NUMBER("storm-rate", 0, POLICY_RATE_MAX, policy.storm_rate),
	[KEY_STORM_BURST] = NUMBER("storm-burst", 1, POLICY_BURST_MAX, policy.storm_burst),
	[KEY_STORM_HOLDOFF] = NUMBER("storm-holdoff-us", POLICY_HOLDOFF_US_MIN,
				     POLICY_HOLDOFF_US_MAX, policy.storm_holdoff_us),
	[KEY_HOLD] = NUMBER("hold-us", 0, POLICY_HOLD_US_MAX, policy.hold_us),
#undef NUMBER
};

static void set_device_number(struct checker *k, size_t key, struct config_value *v,
			      struct config_device *d)
{
	uint64_t n;

	if (number_in(k, v, device_numbers[key].name, device_numbers[key].min,
		      device_numbers[key].max, &n))
		*(uint32_t *)((char *)d + device_numbers[key].at) = (uint32_t)n;
}

static void set_devid(struct checker *k, struct config_value *v, struct config_device *d)
{
	uint64_t n;

	if (!number_in(k, v, "devid", 0, UINT32_MAX, &n))
		return;
	d->devid = (uint32_t)n;
	d->has_devid = true;
}

static void set_its(struct checker *k, struct config_value *v, struct config_device *d)
{
	const char *all[CONFIG_MAX_ITS] = { NULL }, *near;

	for (size_t i = 0; i < k->config->nr_its; i++) {
		all[i] = k->config->its[i].name;
		if (strcmp(v->text, all[i]) != 0)
			continue;
		d->its = i;
		return;
	}
	near = suggest(v->text, all, k->config->nr_its);
	value_error(k, v, "there is no ITS \"" SHOWN "\"%s" SHOWN "%s", v->text,
		    near ? ": did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static void set_devid_bits(struct checker *k, struct config_value *v, struct config_its *its)
{
	uint64_t n;

	if (number_in(k, v, "devid-bits", 1, DEVID_BITS_MAX, &n))
		its->devid_bits = (uint32_t)n;
}

static void set_eventid_bits(struct checker *k, struct config_value *v, struct config_its *its)
{
	uint64_t n;

	if (number_in(k, v, "eventid-bits", 1, EVENTID_BITS_MAX, &n))
		its->eventid_bits = (uint32_t)n;
}

static void set_lpis(struct checker *k, struct config_value *v, struct config_its *its)
{
	uint64_t n;

	if (number_in(k, v, "lpis", LPIS_MIN, LPIS_MAX, &n))
		its->lpis = (uint32_t)n;
}

const char *config_on_error_name(bool stall)
{
	return stall ? "stall" : "skip";
}

static void set_on_error(struct checker *k, struct config_value *v, struct config_its *its)
{
	its->stall = strcmp(v->text, config_on_error_name(true)) == 0;
	if (!its->stall && strcmp(v->text, config_on_error_name(false)) != 0)
		value_error(k, v, "'on-error' is \"skip\" or \"stall\", not '" SHOWN "'", v->text);
}

static bool route_of(struct checker *k, struct config_value *v, enum route *ret_route)
{
	if (route_parse(v->text, ret_route))
		return true;
	value_error(k, v, "'route' is \"uring\", \"spin\" or \"irqfd\", not '" SHOWN "'", v->text);
	return false;
}

static void set_route(struct checker *k, struct config_value *v, struct config *c)
{
	(void)route_of(k, v, &c->route);
}

static void set_device_route(struct checker *k, struct config_value *v, struct config_device *d)
{
	d->has_route = route_of(k, v, &d->route);
}

/* What a limit needs and was not given; without a limit, nothing. */
static void complete_policy(struct policy *p)
{
	if (!p->storm_rate) {
		*p = (struct policy){ .hold_us = p->hold_us };
		return;
	}
	if (!p->storm_burst)
		p->storm_burst = policy_default_burst(p->storm_rate);
	if (!p->storm_holdoff_us)
		p->storm_holdoff_us = POLICY_HOLDOFF_US_DEFAULT;
}

static void set_msi_cpu(struct checker *k, struct config_value *v, struct config_device *d)
{
	uint64_t n;

	d->has_msi_cpu = true;
	if (strcmp(v->text, "any") == 0)
		return;
	if (config_parse_number(v->text, false, &n) == NUMBER_OK && n <= PLACEMENT_MAX_CPU)
		d->msi_cpu = (int)n;
	else
		value_error(k, v, "'msi-cpu' is \"any\" or a number from 0 to %u, not '" SHOWN "'",
			    PLACEMENT_MAX_CPU, v->text);
}

static void set_cpu(struct checker *k, struct config_value *v, const char *key, struct placement *p)
{
	uint64_t n;

	if (!number_in(k, v, key, 0, PLACEMENT_MAX_CPU, &n))
		return;
	p->cpu = (int)n;
	p->asked = true;
}

/* "other", or "fifo:" and a priority. */
static void set_sched(struct checker *k, struct config_value *v, const char *key,
		      struct placement *p)
{
	uint64_t n = 0;

	if (strcmp(v->text, "other") != 0 &&
	    (strncmp(v->text, "fifo:", 5) != 0 ||
	     config_parse_number(v->text + 5, false, &n) != NUMBER_OK || n < 1 || n > 99)) {
		value_error(k, v,
			    "'%s' is \"other\", or \"fifo:1\" to \"fifo:99\", not '" SHOWN "'", key,
			    v->text);
		return;
	}
	p->fifo = (int)n;
	p->asked = true;
}

static void set_router_cpu(struct checker *k, struct config_value *v, struct config *c)
{
	set_cpu(k, v, "router-cpu", &c->router);
}

static void set_router_sched(struct checker *k, struct config_value *v, struct config *c)
{
	set_sched(k, v, "router-sched", &c->router);
}

static void set_spin_cpu(struct checker *k, struct config_value *v, struct config *c)
{
	set_cpu(k, v, "spin-cpu", &c->spin);
}

static void set_vcpu_sched(struct checker *k, struct config_value *v, struct config *c)
{
	set_sched(k, v, "vcpu-sched", &c->vcpu);
}

static void set_vcpu_cpus(struct checker *k, struct config_value *v, struct config *c)
{
	int nr = placement_parse_cpus(v->text, c->vcpu_cpus, LAYOUT_MAX_VCPUS);

	if (nr <= 0)
		value_error(k, v,
			    "'vcpu-cpus' is a list of CPUs such as \"2-5,8\", not '" SHOWN "'",
			    v->text);
	else
		c->nr_vcpu_cpus = (uint32_t)nr;
	c->vcpu.asked = true;
}

static void (*const setters[NR_KEYS])(struct checker *, struct config_value *, struct config *) = {
	[KEY_KERNEL] = set_kernel,	   [KEY_INITRD] = set_initrd,
	[KEY_CMDLINE] = set_cmdline,	   [KEY_VCPUS] = set_vcpus,
	[KEY_MEMORY] = set_memory,	   [KEY_ROUTE] = set_route,
	[KEY_ROUTER_CPU] = set_router_cpu, [KEY_ROUTER_SCHED] = set_router_sched,
	[KEY_SPIN_CPU] = set_spin_cpu,	   [KEY_VCPU_CPUS] = set_vcpu_cpus,
	[KEY_VCPU_SCHED] = set_vcpu_sched, [KEY_NAME] = set_name,
};
static void (*const device_setters[NR_DEVICE_KEYS])(struct checker *, struct config_value *,
						    struct config_device *) = {
	[KEY_BDF] = set_bdf,	     [KEY_ITS] = set_its,
	[KEY_DEVID] = set_devid,     [KEY_DEVICE_ROUTE] = set_device_route,
	[KEY_MSI_CPU] = set_msi_cpu,
};
static void (*const its_setters[NR_ITS_KEYS])(struct checker *, struct config_value *,
					      struct config_its *) = {
	[KEY_DEVID_BITS] = set_devid_bits,
	[KEY_EVENTID_BITS] = set_eventid_bits,
	[KEY_LPIS] = set_lpis,
	[KEY_ON_ERROR] = set_on_error,
};

/* The name of a block: it is said where it is not one; it changes hands. */
static char *take_name(struct checker *k, enum config_kind kind, struct config_block *raw)
{
	char *name = raw->name;

	if (!config_is_name(name))
		config_error_at(k->errors, raw->line,
				"the name of %s %s is 1 to %u letters, digits, '-' or '_', "
				"not \"" SHOWN "\"",
				config_nouns[kind].article, config_nouns[kind].noun,
				CONFIG_NAME_MAX, name);
	raw->name = NULL;
	return name;
}

static void check_its(struct checker *k, struct config_block *raw, struct config_its *its)
{
	*its = (struct config_its){
		.name = take_name(k, KIND_ITS, raw),
		.devid_bits = DEVID_BITS_DEFAULT,
		.eventid_bits = EVENTID_BITS_MAX,
		.line = raw->line,
	};
	for (size_t i = 0; i < NR_ITS_KEYS; i++)
		if (raw->values[i].text)
			its_setters[i](k, &raw->values[i], its);
}

/* Those of the blocks; without one, a block "its" without keys and line. 0, or -ENOMEM. */
static int check_all_its(struct checker *k, struct config *c)
{
	struct config_blocks *raw = &k->raw->blocks[KIND_ITS];

	if (!raw->nr) {
		raw->list[0].name = strdup("its");
		if (!raw->list[0].name)
			return -ENOMEM;
		raw->nr = 1;
	}
	for (size_t i = 0; i < raw->nr; i++)
		check_its(k, &raw->list[i], &c->its[i]);
	c->nr_its = raw->nr;
	return 0;
}

static void check_device(struct checker *k, struct config_block *raw, struct config_device *d)
{
	d->line = raw->line;
	d->msi_cpu = -1;
	for (size_t i = 0; i < NR_DEVICE_KEYS; i++)
		if (raw->values[i].text && device_numbers[i].name)
			set_device_number(k, i, &raw->values[i], d);
		else if (raw->values[i].text)
			device_setters[i](k, &raw->values[i], d);
	complete_policy(&d->policy);
	if (!raw->values[KEY_BDF].text)
		config_error_at(k->errors, raw->line, "device \"" SHOWN "\" has no 'bdf'",
				raw->name);
	d->name = take_name(k, KIND_DEVICE, raw);
}

static struct config_value *device_value(const struct checker *k, size_t device, unsigned key)
{
	return &k->raw->blocks[KIND_DEVICE].list[device].values[key];
}

/* Where a value was given in the file; else the line of its device. */
static int line_of(const struct config_value *v, const struct config_device *d)
{
	return v->line ? v->line : d->line;
}

/* One function cannot be two devices. */
static void check_bdf_is_new(struct checker *k, const struct config *c, size_t i)
{
	struct config_value *v = device_value(k, i, KEY_BDF);
	char name[PCI_BDF_STRLEN];

	if (!v->text || v->wrong)
		return;
	for (size_t j = 0; j < i; j++) {
		const struct config_value *first = device_value(k, j, KEY_BDF);

		if (!first->text || first->wrong ||
		    !pci_bdf_equal(&c->devices[i].bdf, &c->devices[j].bdf))
			continue;
		value_error(k, v, "%s is the device \"" SHOWN "\" already: line %d",
			    pci_bdf_format(&c->devices[i].bdf, name), c->devices[j].name,
			    line_of(first, &c->devices[j]));
		return;
	}
}

/* Is it known which DeviceID the device has, on which ITS? */
static bool is_wired(const struct checker *k, size_t i)
{
	return !device_value(k, i, KEY_ITS)->wrong && !device_value(k, i, KEY_DEVID)->wrong;
}

static void check_devid_fits(struct checker *k, const struct config *c, size_t i)
{
	const struct config_device *d = &c->devices[i];
	const struct config_its *its = &c->its[d->its];
	uint64_t last = (UINT64_C(1) << its->devid_bits) - 1;

	if (!is_wired(k, i) || d->devid <= last ||
	    k->raw->blocks[KIND_ITS].list[d->its].values[KEY_DEVID_BITS].wrong)
		return;
	if (d->has_devid)
		value_error(k, device_value(k, i, KEY_DEVID),
			    "'devid' is at most 0x%llx, by the devid-bits of ITS \"" SHOWN
			    "\", not 0x%x",
			    (unsigned long long)last, its->name, d->devid);
	else
		config_error_at(k->errors, d->line,
				"device \"" SHOWN "\" needs a 'devid': without one it is its "
				"requester ID, 0x%x, and ITS \"" SHOWN "\" has %u devid-bits",
				d->name, d->devid, its->name, its->devid_bits);
}

/* On one ITS, a DeviceID is of one device. */
static void check_devid_is_new(struct checker *k, const struct config *c, size_t i)
{
	const struct config_device *d = &c->devices[i];
	struct config_value *v = device_value(k, i, KEY_DEVID);

	for (size_t j = 0; j < i; j++) {
		const struct config_device *first = &c->devices[j];
		int line = line_of(device_value(k, j, KEY_DEVID), first);

		if (!is_wired(k, i) || !is_wired(k, j) || d->its != first->its ||
		    d->devid != first->devid)
			continue;
		if (d->has_devid)
			value_error(k, v,
				    "DeviceID 0x%x on ITS \"" SHOWN "\" is of device \"" SHOWN
				    "\" already: line %d",
				    d->devid, c->its[d->its].name, first->name, line);
		else
			config_error_at(k->errors, d->line,
					"device \"" SHOWN "\" needs a 'devid': its requester ID, "
					"0x%x, is of device \"" SHOWN "\" already: line %d",
					d->name, d->devid, first->name, line);
		return;
	}
}

static void check_events_fit(struct checker *k, const struct config *c, size_t i)
{
	const struct config_device *d = &c->devices[i];
	const struct config_its *its = &c->its[d->its];

	if (!device_value(k, i, KEY_ITS)->wrong && d->events > 1u << its->eventid_bits &&
	    !k->raw->blocks[KIND_ITS].list[d->its].values[KEY_EVENTID_BITS].wrong)
		value_error(k, device_value(k, i, KEY_EVENTS),
			    "'events' is at most %u, by the eventid-bits of ITS \"" SHOWN
			    "\", not %u",
			    1u << its->eventid_bits, its->name, d->events);
}

/* What a device does not say follows from the configuration. */
static void inherit(const struct config *c, struct config_device *d, size_t i)
{
	/* Its requester ID: device i of the guest's bus 0, function 0. */
	if (!d->has_devid)
		d->devid = (uint32_t)i << 3;
	if (!d->has_route)
		d->route = c->route;
	/* Beside the thread that waits for them; the kernel's own route has none. */
	if (!d->has_msi_cpu && d->route != ROUTE_IRQFD)
		d->msi_cpu = d->route == ROUTE_SPIN ? c->spin.cpu : c->router.cpu;
}

static void check_devices(struct checker *k, struct config *c)
{
	struct config_blocks *raw = &k->raw->blocks[KIND_DEVICE];

	for (size_t i = 0; i < raw->nr; i++) {
		check_device(k, &raw->list[i], &c->devices[i]);
		inherit(c, &c->devices[i], i);
	}
	c->nr_devices = raw->nr;
	for (size_t i = 0; i < c->nr_devices; i++) {
		check_bdf_is_new(k, c, i);
		check_devid_fits(k, c, i);
		check_devid_is_new(k, c, i);
		check_events_fit(k, c, i);
	}
}

static void check_vcpu_cpus(struct checker *k, const struct config *c)
{
	struct config_value *v = &k->raw->values[KEY_VCPU_CPUS];

	if (!c->nr_vcpu_cpus || v->wrong || k->raw->values[KEY_VCPUS].wrong ||
	    c->nr_vcpu_cpus == c->vcpus)
		return;
	value_error(k, v, "'vcpu-cpus' names %u CPUs: %u are needed, one for each of 'vcpus'",
		    c->nr_vcpu_cpus, c->vcpus);
}

static void set_defaults(struct config *c)
{
	c->vcpus = 1;
	c->memory = 512 * MiB;
	/* As the kernel's own interrupt threads; a guest's CPU must not hold it up. */
	c->router = (struct placement){ .cpu = -1, .fifo = 1 };
	c->spin = (struct placement){ .cpu = -1 };
	c->vcpu = (struct placement){ .cpu = -1 };
}

static int check(struct checker *k, struct config *c)
{
	set_defaults(c);
	c->path = strdup(k->errors->path);
	c->cmdline = strdup("");
	if (!c->path || !c->cmdline)
		return -ENOMEM;
	config_default_name(c->path, c->name);
	for (size_t i = 0; i < NR_KEYS; i++)
		if (k->raw->values[i].text)
			setters[i](k, &k->raw->values[i], c);
	if (!k->raw->values[KEY_KERNEL].text)
		config_error_at(k->errors, 1,
				"'kernel' is missing: the file of the guest's kernel");
	if (check_all_its(k, c) < 0)
		return -ENOMEM;
	k->config = c;
	check_vcpu_cpus(k, c);
	check_devices(k, c);
	return k->out_of_memory ? -ENOMEM : 0;
}

static int not_read(const char *path, int error, FILE *errors)
{
	(void)fprintf(errors, "%s: error: cannot be read: %s\n", path, strerror(error));
	return -error;
}

static int split_and_check(struct checker *k, const struct config_text *text,
			   const struct overrides *overrides, struct config *c)
{
	int r;

	r = config_raw_parse(text, k->errors, k->raw);
	/* What was not parsed to its end is not said to miss anything. */
	if (r < 0)
		return r;
	for (size_t i = 0; i < overrides->nr; i++) {
		r = config_raw_override(k->raw, overrides->list[i], k->errors);
		if (r < 0)
			return r;
	}
	return check(k, c);
}

int config_parse(const char *path, const char *text, const char *const overrides[],
		 size_t nr_overrides, FILE *errors, struct config *ret_config)
{
	const struct overrides all = { .list = overrides, .nr = nr_overrides };
	_cleanup_(config_text_fini) struct config_text prepared = { 0 };
	_cleanup_free_ struct config_errors *list = calloc(1, sizeof(*list));
	_cleanup_(config_raw_fini) struct config_raw raw = { 0 };
	struct checker k = { .errors = list, .raw = &raw };
	struct config config = { 0 };
	int r;

	assert(path);
	assert(text);
	if (!list)
		return not_read(path, ENOMEM, errors);
	list->path = path;
	r = config_text_prepare(text, list, &prepared);
	if (r == 0 && prepared.sound)
		r = split_and_check(&k, &prepared, &all, &config);
	config_errors_print(list, errors);
	if (r == -ENOMEM)
		(void)not_read(path, ENOMEM, errors);
	if (r == 0 && list->nr)
		r = -EINVAL;
	if (r < 0)
		config_fini(&config);
	else
		*ret_config = config;
	return r;
}

/* The whole file, with a NUL behind it. */
static int read_file(const char *path, FILE *errors, char **ret_text, size_t *ret_len)
{
	_cleanup_free_ char *text = malloc(FILE_SZ_MAX + 2);
	_cleanup_file_ FILE *f = NULL;
	size_t len;

	if (!text)
		return not_read(path, ENOMEM, errors);
	f = fopen(path, "re");
	if (!f)
		return not_read(path, errno, errors);
	len = fread(text, 1, FILE_SZ_MAX + 1, f);
	if (ferror(f))
		return not_read(path, errno ? errno : EIO, errors);
	if (len > FILE_SZ_MAX)
		return not_read(path, EFBIG, errors);
	text[len] = '\0';
	*ret_text = TAKE_PTR(text);
	*ret_len = len;
	return 0;
}

int config_load(const char *path, const char *const overrides[], size_t nr_overrides, FILE *errors,
		struct config *ret_config)
{
	_cleanup_free_ char *text = NULL;
	const char *nul;
	size_t len = 0;
	int r;

	r = read_file(path, errors, &text, &len);
	if (r < 0)
		return r;
	nul = memchr(text, '\0', len);
	if (nul) {
		int line = 1;

		for (const char *p = text; p < nul; p++)
			line += *p == '\n';
		(void)fprintf(errors, "%s:%d: error: a NUL byte: this is not a text file\n", path,
			      line);
		return -EINVAL;
	}
	return config_parse(path, text, overrides, nr_overrides, errors, ret_config);
}

void config_fini(struct config *config)
{
	free(config->path);
	free(config->kernel);
	free(config->initrd);
	free(config->cmdline);
	for (size_t i = 0; i < config->nr_its; i++)
		free(config->its[i].name);
	for (size_t i = 0; i < config->nr_devices; i++)
		free(config->devices[i].name);
	*config = (struct config){ 0 };
}
