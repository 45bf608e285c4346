// SPDX-License-Identifier: MIT
/*
 * Values of a configuration together: what one key alone cannot tell.
 *
 * No locks.
 */
#include "vmm/config/config_check.h"

#include <assert.h>
#include <errno.h>
#include <linux/pci.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "vmm/base/bits.h"
#include "vmm/base/table.h"
#include "vmm/config/config_hotplug.h"
#include "vmm/config/config_place.h"

struct checker {
	struct config_reader reader;
	struct config_raw *raw;
	bool placed; /* all devices have given what their places follow from */
};

/* An error about a block as a whole. */
static void block_error(struct checker *k, const struct config_block *b, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void block_error(struct checker *k, const struct config_block *b, const char *format, ...)
{
	char text[224];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (b->option)
		config_option_error(k->reader.errors, b->option, "%s", text);
	else
		config_error_at(k->reader.errors, b->line, "%s", text);
}

/* The name of a block: it is said where it is not one; it changes hands. */
static char *take_name(struct checker *k, enum config_scope scope, struct config_block *raw)
{
	char *name = raw->name;

	if (!config_is_name(name))
		block_error(k, raw,
			    "the name of %s %s is 1 to %u letters, digits, '-' or '_', not "
			    "\"" CONFIG_SHOWN "\"",
			    config_scopes[scope].article, config_scopes[scope].noun,
			    CONFIG_NAME_MAX, name);
	raw->name = NULL;
	return name;
}

static int check_its(struct checker *k, struct config_block *raw, struct config_its *its)
{
	its->name = take_name(k, SCOPE_ITS, raw);
	its->line = raw->line;
	if (config_block_init(SCOPE_ITS, its) < 0)
		return -ENOMEM;
	config_block_read(&k->reader, SCOPE_ITS, raw->values, its);
	return 0;
}

/* A block "its" without keys and line, for a file that has none. */
static int add_default_its(struct config_blocks *raw)
{
	raw->list[0].name = strdup("its");
	raw->list[0].values = config_values_new();
	raw->nr = 1;
	return raw->list[0].name && raw->list[0].values ? 0 : -ENOMEM;
}

static int check_all_its(struct checker *k, struct config *c)
{
	struct config_blocks *raw = &k->raw->blocks[SCOPE_ITS];
	int r = raw->nr ? 0 : add_default_its(raw);

	for (size_t i = 0; r == 0 && i < raw->nr; i++) {
		c->nr_its++;
		r = check_its(k, &raw->list[i], &c->its[i]);
	}
	return r;
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

/* A device is some function, by whichever keys; they are listed from the table. */
static void check_is_named(struct checker *k, const struct config_block *raw)
{
	char keys[96] = "";
	size_t len = 0;

	for (size_t i = 0; i < config_nr_keys; i++) {
		if (!config_keys[i].is_name)
			continue;
		if (raw->values[i].text)
			return;
		len += (size_t)snprintf(keys + len, sizeof(keys) - len, "%s'%s'", len ? ", " : "",
					config_keys[i].name);
		assert(len < sizeof(keys));
	}
	block_error(k, raw,
		    "device \"" CONFIG_SHOWN "\" has none of %s: they say which function it is",
		    raw->name, keys);
}

static int check_device(struct checker *k, struct config_block *raw, struct config_device *d)
{
	d->line = raw->line;
	if (config_block_init(SCOPE_DEVICE, d) < 0)
		return -ENOMEM;
	config_block_read(&k->reader, SCOPE_DEVICE, raw->values, d);
	complete_policy(&d->policy);
	d->bdf = d->wanted.bdf;
	check_is_named(k, raw);
	d->name = take_name(k, SCOPE_DEVICE, raw);
	return 0;
}

static struct config_value *device_value(const struct checker *k, size_t device, const char *key)
{
	return config_value_of(k->raw->blocks[SCOPE_DEVICE].list[device].values, SCOPE_DEVICE, key);
}

static struct config_value *its_value(const struct checker *k, size_t its, const char *key)
{
	return config_value_of(k->raw->blocks[SCOPE_ITS].list[its].values, SCOPE_ITS, key);
}

static const struct config_block *device_block(const struct checker *k, size_t device)
{
	return &k->raw->blocks[SCOPE_DEVICE].list[device];
}

#define ORIGIN_SZ 64u

/* "line 2", or "--device 01:00.0": of a value where it was given, else of its device. */
static const char *origin_of(const struct checker *k, size_t device, const char *key,
			     char origin[ORIGIN_SZ])
{
	const struct config_value *v = device_value(k, device, key);
	const struct config_block *b = device_block(k, device);
	const struct config_option *option = v->option ? v->option : v->line ? NULL : b->option;

	if (option)
		config_option_format(option, origin, ORIGIN_SZ);
	else
		(void)snprintf(origin, ORIGIN_SZ, "line %d", v->line ? v->line : b->line);
	return origin;
}

static bool has_same_bdf(const struct pci_name *a, const struct pci_name *b)
{
	return pci_bdf_equal(&a->bdf, &b->bdf);
}

static bool has_same_path(const struct pci_name *a, const struct pci_name *b)
{
	return strcmp(a->path, b->path) == 0;
}

/* One function cannot be two devices: of keys that mean one function each. */
static const struct {
	const char *key;
	enum pci_name_part part;
	bool (*is_same)(const struct pci_name *a, const struct pci_name *b);
} unique_names[] = {
	{ "bdf", PCI_NAME_BDF, has_same_bdf },
	{ "path", PCI_NAME_PATH, has_same_path },
};

static void check_name_is_new(struct checker *k, const struct config *c, size_t i, size_t unique)
{
	const char *key = unique_names[unique].key;
	struct config_value *v = device_value(k, i, key);
	const struct config_device *d = &c->devices[i];
	char text[PCI_PATH_STRLEN], origin[ORIGIN_SZ];

	if (!v->text || v->wrong)
		return;
	for (size_t j = 0; j < i; j++) {
		const struct config_value *first = device_value(k, j, key);

		if (!first->text || first->wrong ||
		    !unique_names[unique].is_same(&d->wanted, &c->devices[j].wanted))
			continue;
		config_value_error(&k->reader, v,
				   "%s is the device \"" CONFIG_SHOWN "\" already: %s",
				   pci_name_value(&d->wanted, unique_names[unique].part, text),
				   c->devices[j].name, origin_of(k, j, key, origin));
		return;
	}
}

static void check_function_is_new(struct checker *k, const struct config *c, size_t i)
{
	for (size_t unique = 0; unique < ARRAY_SIZE(unique_names); unique++)
		check_name_is_new(k, c, i, unique);
}

/* Has each device given what places follow from? */
static bool are_placed(const struct checker *k, const struct config *c)
{
	for (size_t i = 0; i < c->nr_devices; i++)
		if (device_value(k, i, "at")->wrong || device_value(k, i, "bdf")->wrong ||
		    device_value(k, i, "path")->wrong)
			return false;
	return true;
}

static void check_place_is_new(struct checker *k, const struct config *c, size_t i)
{
	const struct config_device *d = &c->devices[i];
	struct config_value *v = device_value(k, i, "at");
	char place[CONFIG_PLACE_STRLEN], origin[ORIGIN_SZ];

	config_place_format(d->devfn, place);
	for (size_t j = 0; k->placed && j < i; j++) {
		const struct config_device *first = &c->devices[j];

		if (first->devfn != d->devfn)
			continue;
		(void)origin_of(k, j, "at", origin);
		if (d->has_devfn)
			config_value_error(&k->reader, v,
					   "%s is the place of device \"" CONFIG_SHOWN
					   "\" already: %s",
					   place, first->name, origin);
		else
			block_error(k, device_block(k, i),
				    "device \"" CONFIG_SHOWN "\" needs an 'at': %s, beside its "
				    "function 0, is the place of device \"" CONFIG_SHOWN
				    "\" already: %s",
				    d->name, place, first->name, origin);
		v->wrong = true;
		return;
	}
}

/* A guest asks a device for its function 0, and for others only if that one answers. */
static void check_place_is_found(struct checker *k, const struct config *c, size_t i)
{
	const struct config_device *d = &c->devices[i];
	const uint32_t function0 = PCI_DEVFN(PCI_SLOT(d->devfn), 0);
	char place[CONFIG_PLACE_STRLEN], first[CONFIG_PLACE_STRLEN];

	for (size_t j = 0; j < c->nr_devices; j++)
		if (c->devices[j].devfn == function0)
			return;
	if (!k->placed)
		return;
	config_value_error(&k->reader, device_value(k, i, "at"),
			   "no device is at %s, and without one guests do not look at %s: "
			   "give one that place, or this one another",
			   config_place_format(function0, first),
			   config_place_format(d->devfn, place));
}

/* A root port has a link to one device, and a device number of bus 0 is a port's or a device's. */
static void check_siblings_agree(struct checker *k, const struct config *c, size_t i)
{
	const struct config_device *d = &c->devices[i];
	struct config_value *v = device_value(k, i, "root-port");
	char place[CONFIG_PLACE_STRLEN], origin[ORIGIN_SZ], text[224];

	for (size_t j = 0; k->placed && !v->wrong && j < i; j++) {
		const struct config_device *first = &c->devices[j];
		const struct config_value *other = device_value(k, j, "root-port");

		if (PCI_SLOT(first->devfn) != PCI_SLOT(d->devfn) || other->wrong ||
		    first->root_port == d->root_port)
			continue;
		(void)snprintf(
			text, sizeof(text),
			"device \"" CONFIG_SHOWN "\" is %sbehind a root port, and \"" CONFIG_SHOWN
			"\", of the same device at %s, is%s: %s",
			d->name, d->root_port ? "" : "not ", first->name,
			config_place_format(first->devfn, place), first->root_port ? "" : " not",
			origin_of(k, j, "root-port", origin));
		if (v->text)
			config_value_error(&k->reader, v, "%s", text);
		else
			block_error(k, device_block(k, i), "%s", text);
		return;
	}
}

/* Behind each is a bus, of which there are so many. */
static void check_root_port_fits(struct checker *k, const struct config *c, size_t i)
{
	const unsigned most = LAYOUT_MAX_BUSES - 1;
	uint32_t before = 0, slot = UINT32_C(1) << PCI_SLOT(c->devices[i].devfn);

	for (size_t j = 0; j < i; j++)
		if (c->devices[j].root_port)
			before |= UINT32_C(1) << PCI_SLOT(c->devices[j].devfn);
	if (k->placed && c->devices[i].root_port && !(before & slot) &&
	    (unsigned)__builtin_popcount(before) == most)
		block_error(k, device_block(k, i),
			    "device \"" CONFIG_SHOWN
			    "\" is behind one root port too many: there can be %u",
			    c->devices[i].name, most);
}

/* Only a slot can be emptied while the guest runs. */
static void check_can_be_removed(struct checker *k, const struct config *c, size_t i)
{
	const struct config_device *d = &c->devices[i];
	struct config_value *v = device_value(k, i, "on-request");

	if (d->on_request == NOTICE_WISH_REMOVE && !d->root_port && k->placed &&
	    !device_value(k, i, "root-port")->wrong)
		config_value_error(&k->reader, v,
				   "'on-request' is \"remove\" for devices behind a root port: "
				   "root-port = on");
}

/* Is it known which DeviceID the device has, on which ITS? */
static bool is_wired(const struct checker *k, const struct config *c, size_t i)
{
	return !device_value(k, i, "its")->wrong && !device_value(k, i, "devid")->wrong &&
	       (c->devices[i].has_devid || (k->placed && !device_value(k, i, "at")->wrong));
}

static void check_devid_fits(struct checker *k, const struct config *c, size_t i)
{
	const struct config_device *d = &c->devices[i];
	const struct config_its *its = &c->its[d->its];
	uint64_t last = (UINT64_C(1) << its->devid_bits) - 1;

	if (!is_wired(k, c, i) || d->devid <= last || its_value(k, d->its, "devid-bits")->wrong)
		return;
	if (d->has_devid)
		config_value_error(
			&k->reader, device_value(k, i, "devid"),
			"'devid' is at most 0x%llx, by the devid-bits of ITS \"" CONFIG_SHOWN
			"\", not 0x%x",
			(unsigned long long)last, its->name, d->devid);
	else
		block_error(k, device_block(k, i),
			    "device \"" CONFIG_SHOWN "\" needs a 'devid': without one it is its "
			    "requester ID, 0x%x, and ITS \"" CONFIG_SHOWN "\" has %u devid-bits",
			    d->name, d->devid, its->name, its->devid_bits);
}

/* On one ITS, a DeviceID is of one device. */
static void check_devid_is_new(struct checker *k, const struct config *c, size_t i)
{
	const struct config_device *d = &c->devices[i];
	struct config_value *v = device_value(k, i, "devid");
	char origin[ORIGIN_SZ];

	for (size_t j = 0; j < i; j++) {
		const struct config_device *first = &c->devices[j];

		if (!is_wired(k, c, i) || !is_wired(k, c, j) || d->its != first->its ||
		    d->devid != first->devid)
			continue;
		(void)origin_of(k, j, "devid", origin);
		if (d->has_devid)
			config_value_error(&k->reader, v,
					   "DeviceID 0x%x on ITS \"" CONFIG_SHOWN
					   "\" is of device \"" CONFIG_SHOWN "\" already: %s",
					   d->devid, c->its[d->its].name, first->name, origin);
		else
			block_error(k, device_block(k, i),
				    "device \"" CONFIG_SHOWN
				    "\" needs a 'devid': its requester ID, 0x%x, is of device "
				    "\"" CONFIG_SHOWN "\" already: %s",
				    d->name, d->devid, first->name, origin);
		return;
	}
}

/* A root port sends messages, too, under its requester ID, to the first ITS. */
static void check_devid_of_port(struct checker *k, const struct config *c, size_t i)
{
	const struct config_device *d = &c->devices[i];
	const uint32_t port = PCI_DEVFN(PCI_SLOT(d->devfn), 0);
	uint64_t last = (UINT64_C(1) << c->its[0].devid_bits) - 1;
	char origin[ORIGIN_SZ];

	if (!d->root_port || !k->placed || d->devfn != port)
		return;
	if (port > last && !its_value(k, 0, "devid-bits")->wrong)
		block_error(k, device_block(k, i),
			    "device \"" CONFIG_SHOWN
			    "\" needs another 'at': the DeviceID of its root port is 0x%x, and ITS "
			    "\"" CONFIG_SHOWN "\" has %u devid-bits",
			    d->name, port, c->its[0].name, c->its[0].devid_bits);
	for (size_t j = 0; j < c->nr_devices; j++)
		if (is_wired(k, c, j) && c->devices[j].its == 0 && c->devices[j].devid == port)
			block_error(
				k, device_block(k, i),
				"device \"" CONFIG_SHOWN
				"\" needs another 'at': the DeviceID of its root port, 0x%x, is "
				"of device \"" CONFIG_SHOWN "\": %s",
				d->name, port, c->devices[j].name,
				origin_of(k, j, "devid", origin));
}

static void check_events_fit(struct checker *k, const struct config *c, size_t i)
{
	const struct config_device *d = &c->devices[i];
	const struct config_its *its = &c->its[d->its];

	if (!device_value(k, i, "its")->wrong && d->events > 1u << its->eventid_bits &&
	    !its_value(k, d->its, "eventid-bits")->wrong)
		config_value_error(
			&k->reader, device_value(k, i, "events"),
			"'events' is at most %u, by the eventid-bits of ITS \"" CONFIG_SHOWN
			"\", not %u",
			1u << its->eventid_bits, its->name, d->events);
}

/* Else a vector would come and go for ever. */
static void check_rates_differ(struct checker *k, const struct config *c, size_t i)
{
	const struct config_device *d = &c->devices[i];
	struct config_value *hot = device_value(k, i, "hot-rate");
	struct config_value *quiet = device_value(k, i, "quiet-rate");

	if (d->heat.quiet_rate < d->heat.hot_rate || hot->wrong || quiet->wrong)
		return;
	config_value_error(&k->reader, quiet->text ? quiet : hot,
			   "'quiet-rate' (%u) must be below 'hot-rate' (%u)", d->heat.quiet_rate,
			   d->heat.hot_rate);
}

/* What a device does not say follows from the configuration. */
static void inherit(const struct config *c, struct config_device *d)
{
	d->requester_id = config_place_requester_id(c, d);
	if (!d->has_devid)
		d->devid = d->requester_id;
	if (!d->has_route)
		d->route = c->route;
	/* Beside the thread that waits for them; the kernel's own route has none. */
	if (!d->has_msi_cpu && d->route != ROUTE_IRQFD)
		d->msi_cpu = d->route == ROUTE_SPIN ? c->spin.cpu : c->router.cpu;
}

/* What hotplug-ports asks for. */
static void check_hotplug(struct checker *k, enum config_hotplug_obstacle obstacle)
{
	static const char *const words[] = {
		[CONFIG_HOTPLUG_PORTS] = "are too many beside the devices' own root ports",
		[CONFIG_HOTPLUG_PLACES] = "have no room on the bus beside the devices",
		[CONFIG_HOTPLUG_NAME] = "are called hotplug0 and so on, as one of the devices is",
		[CONFIG_HOTPLUG_DEVID] = "need DeviceIDs that the first ITS has, and no device",
	};
	struct config_value *v = config_value_of(k->raw->values, SCOPE_GUEST, "hotplug-ports");

	if (obstacle == CONFIG_HOTPLUG_NO_MEMORY)
		k->reader.out_of_memory = true;
	else if (obstacle != CONFIG_HOTPLUG_FITS && !v->wrong)
		config_value_error(&k->reader, v, "'hotplug-ports' %s", words[obstacle]);
}

static int check_devices(struct checker *k, struct config *c)
{
	struct config_blocks *raw = &k->raw->blocks[SCOPE_DEVICE];

	for (size_t i = 0; i < raw->nr; i++) {
		c->nr_devices++;
		if (check_device(k, &raw->list[i], &c->devices[i]) < 0)
			return -ENOMEM;
	}
	config_place_devices(c);
	check_hotplug(k, config_hotplug_place(c));
	for (size_t i = 0; i < c->nr_devices + c->hotplug_ports; i++)
		inherit(c, &c->devices[i]);
	for (size_t i = 0; i < c->nr_devices; i++)
		check_function_is_new(k, c, i);
	k->placed = are_placed(k, c);
	for (size_t i = 0; i < c->nr_devices; i++) {
		check_place_is_new(k, c, i);
		check_place_is_found(k, c, i);
		check_siblings_agree(k, c, i);
		check_root_port_fits(k, c, i);
		check_can_be_removed(k, c, i);
		check_devid_fits(k, c, i);
		check_devid_is_new(k, c, i);
		check_devid_of_port(k, c, i);
		check_events_fit(k, c, i);
		check_rates_differ(k, c, i);
	}
	if (k->placed)
		check_hotplug(k, config_hotplug_look(c));
	return 0;
}

static void check_vcpu_cpus(struct checker *k, const struct config *c)
{
	struct config_value *v = config_value_of(k->raw->values, SCOPE_GUEST, "vcpu-cpus");

	if (!c->vcpu_cpus.nr || v->wrong ||
	    config_value_of(k->raw->values, SCOPE_GUEST, "vcpus")->wrong ||
	    c->vcpu_cpus.nr == c->vcpus)
		return;
	config_value_error(&k->reader, v,
			   "'vcpu-cpus' names %u CPUs: %u are needed, one for each of 'vcpus'",
			   c->vcpu_cpus.nr, c->vcpus);
}

static void check_memory_is_whole_pages(struct checker *k, const struct config *c)
{
	struct config_value *v = config_value_of(k->raw->values, SCOPE_GUEST, "memory-backing");
	char page[TABLE_SIZE_SZ], memory[TABLE_SIZE_SZ];

	if (!c->huge_page || v->wrong ||
	    config_value_of(k->raw->values, SCOPE_GUEST, "memory")->wrong ||
	    c->memory % c->huge_page == 0)
		return;
	config_value_error(&k->reader, v,
			   "'memory-backing' has pages of %s, and 'memory', %s, is no multiple of "
			   "that",
			   table_size(c->huge_page, page), table_size(c->memory, memory));
}

static void tell_missing(struct config_errors *errors, const char *name)
{
	const struct config_key *key = config_key_find(SCOPE_GUEST, name);
	char where[64];

	(void)snprintf(where, sizeof(where), "--%s", name);
	if (errors->path)
		config_error_at(errors, 1, "'%s' is missing: %s", name, key->summary);
	else
		config_error_option(errors, where, "it is missing: %s", key->summary);
}

static void check_boot_kernel(struct checker *k)
{
	struct config_value *kernel = config_value_of(k->raw->values, SCOPE_GUEST, "kernel");
	struct config_value *firmware = config_value_of(k->raw->values, SCOPE_GUEST, "firmware");

	if (!kernel->text)
		tell_missing(k->reader.errors, "kernel");
	else if (!kernel->text[0])
		config_value_error(&k->reader, kernel,
				   "'kernel' is empty: it names the kernel's file");
	if (firmware->text && firmware->text[0])
		config_value_error(&k->reader, firmware, "'firmware' is for boot = \"disk\"");
}

static void check_boot_disk(struct checker *k)
{
	static const char *const others[] = { "kernel", "kernel-format", "initrd", "cmdline" };

	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		struct config_value *v = config_value_of(k->raw->values, SCOPE_GUEST, others[i]);

		if (v->text && v->text[0])
			config_value_error(&k->reader, v,
					   "'%s' and boot = \"disk\" exclude each other: the "
					   "disk has what the guest starts from",
					   others[i]);
	}
	if (!k->raw->blocks[SCOPE_DEVICE].nr)
		config_value_error(&k->reader, config_value_of(k->raw->values, SCOPE_GUEST, "boot"),
				   "'boot' is \"disk\", and there is no device that has one");
}

/* What it starts from: one of them, and whole. */
static void check_boot(struct checker *k, const struct config *c)
{
	if (config_value_of(k->raw->values, SCOPE_GUEST, "boot")->wrong)
		return;
	if (c->boot == BOOT_WISH_DISK)
		check_boot_disk(k);
	else
		check_boot_kernel(k);
}

int config_check(struct config_raw *raw, struct config_errors *errors, struct config *config)
{
	struct checker k = { .reader = { .errors = errors, .config = config }, .raw = raw };
	const bool is_file = errors->path && strcmp(errors->path, "-") != 0;

	config->path = strdup(config_path_shown(errors->path));
	config->vcpu.cpu = -1; /* each vCPU has its own: vcpu-cpus */
	if (!config->path || config_block_init(SCOPE_GUEST, config) < 0)
		return -ENOMEM;
	config_default_name(is_file ? errors->path : "", config->name);
	config_block_read(&k.reader, SCOPE_GUEST, raw->values, config);
	check_boot(&k, config);
	if (check_all_its(&k, config) < 0)
		return -ENOMEM;
	check_vcpu_cpus(&k, config);
	check_memory_is_whole_pages(&k, config);
	if (check_devices(&k, config) < 0)
		return -ENOMEM;
	return k.reader.out_of_memory ? -ENOMEM : 0;
}
