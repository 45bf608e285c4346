// SPDX-License-Identifier: MIT
/*
 * The keys of a configuration file.
 *
 * A new one is a row here, a member of struct config, config_device or config_its, and
 * an entry in itsy.conf(5).
 *
 * No locks.
 */
#include "vmm/config/config_key.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "vfio/device.h"
#include "vfio/variant.h"
#include "vmm/base/bits.h"
#include "vmm/base/suggest.h"
#include "vmm/its/lpis.h"
#include "vmm/kvm/layout.h"

/* ---- which keys are printed, also where they are not given ------------------------------ */

static bool always(const struct config_key *key, const struct config *config, const void *block)
{
	(void)key;
	(void)config;
	(void)block;
	return true;
}

static bool if_given(const struct config_key *key, const struct config *config, const void *block)
{
	(void)config;
	assert(key->given_at);
	return *(const bool *)((const char *)block + key->given_at);
}

/* Of numbers, and of pointers, which are NULL by default. */
static bool if_changed(const struct config_key *key, const struct config *config, const void *block)
{
	uint64_t initial = 0;

	(void)config;
	config_member_set(key, &initial, key->initial);
	return config_member_get(key, (const char *)block + key->at) != initial;
}

static bool if_listed(const struct config_key *key, const struct config *config, const void *block)
{
	const struct config_cpus *cpus = (const void *)((const char *)block + key->at);

	(void)config;
	return cpus->nr > 0;
}

static bool if_several_its(const struct config_key *key, const struct config *config,
			   const void *block)
{
	(void)key;
	(void)block;
	return config->nr_its > 1;
}

/* Of arrays of characters. */
static bool if_any(const struct config_key *key, const struct config *config, const void *block)
{
	(void)config;
	return ((const char *)block)[key->at] != '\0';
}

/* Of a device whose interrupts have a limit. */
static bool if_limited(const struct config_key *key, const struct config *config, const void *block)
{
	(void)key;
	(void)config;
	return ((const struct config_device *)block)->policy.storm_rate > 0;
}

/* ---- the table ------------------------------------------------------------------------- */

static const char *on_error_word(unsigned stall)
{
	return stall ? "stall" : "skip";
}

static const char *boot_word(unsigned wish)
{
	return wish == BOOT_WISH_DISK ? "disk" : "kernel";
}

static const char *format_word(unsigned flat)
{
	return flat ? "flat" : "image";
}

static const char *sandbox_word(unsigned off)
{
	return off ? "off" : "on";
}

static const char *panic_word(unsigned wish)
{
	static const char *const words[] = {
		[PANIC_WISH_WAIT] = "wait",
		[PANIC_WISH_RESET] = "reset",
		[PANIC_WISH_STOP] = "stop",
	};

	return words[wish];
}

static const char *iommu_word(unsigned wish)
{
	return vfio_iommu_wish_name((enum vfio_iommu_wish)wish);
}

static const char *driver_word(unsigned plain)
{
	return plain ? VFIO_DRIVER_PLAIN : "auto";
}

static const char *off_on_word(unsigned on)
{
	return on ? "on" : "off";
}

static const char *notice_word(unsigned wish)
{
	static const char *const words[] = {
		[NOTICE_WISH_STOP] = "stop",
		[NOTICE_WISH_IGNORE] = "ignore",
		[NOTICE_WISH_REMOVE] = "remove",
	};

	return words[wish];
}

static const char *uncounted_word(unsigned tie)
{
	return tie ? "irqfd" : "uring";
}

#define GUEST(name_, member)                                                          \
	.name = (name_), .scope = SCOPE_GUEST, .at = offsetof(struct config, member), \
	.size = sizeof(((struct config *)NULL)->member)
#define DEVICE(name_, member)                                                                 \
	.name = (name_), .scope = SCOPE_DEVICE, .at = offsetof(struct config_device, member), \
	.size = sizeof(((struct config_device *)NULL)->member)
#define ITS(name_, member)                                                              \
	.name = (name_), .scope = SCOPE_ITS, .at = offsetof(struct config_its, member), \
	.size = sizeof(((struct config_its *)NULL)->member)

#define ANY_CPU UINT64_MAX /* as an int, -1 */

const struct config_key config_keys[] = {
	{ GUEST("name", name), .type = &config_type_name, .is_shown = always,
	  .given_at = offsetof(struct config, has_name),
	  .otherwise = "the name of this file without .conf",
	  .summary = "what itsy ctl and itsy top know the guest by" },
	{ GUEST("boot", boot), .type = &config_type_word, .is_shown = if_changed, .word = boot_word,
	  .max = BOOT_WISH_DISK, .initial = BOOT_WISH_KERNEL,
	  .summary = "what the guest starts from" },
	{ GUEST("firmware", firmware), .type = &config_type_path, .is_shown = if_changed,
	  .otherwise = CONFIG_FIRMWARE, .summary = "the file of the firmware for boot = \"disk\"" },
	{ GUEST("kernel", kernel), .type = &config_type_path, .is_shown = if_changed,
	  .otherwise = "none; boot = \"kernel\" requires it",
	  .summary = "the file of the guest's kernel" },
	{ GUEST("kernel-format", flat), .type = &config_type_word, .is_shown = if_changed,
	  .word = format_word, .max = true, .initial = false,
	  .summary = "what is demanded of that file" },
	{ GUEST("initrd", initrd), .type = &config_type_path, .is_shown = if_changed,
	  .otherwise = "none", .summary = "the file of its initial RAM disk" },
	{ GUEST("cmdline", cmdline), .type = &config_type_text, .is_shown = always,
	  .max = 2047, /* arm64's COMMAND_LINE_SIZE without its end */
	  .otherwise = "empty", .summary = "the kernel's command line" },
	{ GUEST("vcpus", vcpus), .also = "cpus", .type = &config_type_number, .is_shown = always,
	  .min = 1, .max = LAYOUT_MAX_VCPUS, .initial = 1, .summary = "virtual CPUs" },
	{ GUEST("memory", memory), .also = "ram", .type = &config_type_size, .is_shown = always,
	  .min = 64 * MiB, .max = LAYOUT_RAM_MAX, .initial = 512 * MiB,
	  .unit = 64 * KiB, /* a page of any host */
	  .summary = "the guest's memory" },
	{ GUEST("memory-backing", huge_page), .type = &config_type_backing, .is_shown = if_changed,
	  .min = 64 * KiB, .max = 16 * GiB, .summary = "what the host takes it from" },
	{ GUEST("route", route), .type = &config_type_word, .is_shown = if_changed,
	  .word = route_word, .max = NR_ROUTES - 1, .initial = ROUTE_AUTO,
	  .summary = "the way that interrupts take from the devices to the guest" },
	/* As the kernel's own interrupt threads; a guest's CPU must not hold it up. */
	{ GUEST("router-sched", router.fifo), .type = &config_type_sched, .is_shown = if_given,
	  .given_at = offsetof(struct config, router.asked), .min = 1, .max = 99, .initial = 1,
	  .summary = "how the host schedules the thread for uring" },
	{ GUEST("router-cpu", router.cpu), .type = &config_type_cpu, .is_shown = if_changed,
	  .given_at = offsetof(struct config, router.asked), .max = PLACEMENT_MAX_CPU,
	  .initial = ANY_CPU, .summary = "the CPU of the host that the thread for uring runs on" },
	{ GUEST("spin-cpu", spin.cpu), .type = &config_type_cpu, .is_shown = if_changed,
	  .given_at = offsetof(struct config, spin.asked), .max = PLACEMENT_MAX_CPU,
	  .initial = ANY_CPU, .summary = "the CPU of the host that the thread for spin runs on" },
	{ GUEST("vcpu-sched", vcpu.fifo), .type = &config_type_sched, .is_shown = if_changed,
	  .given_at = offsetof(struct config, vcpu.asked), .min = 1, .max = 99, .initial = 0,
	  .summary = "how the host schedules the vCPUs" },
	{ GUEST("vcpu-cpus", vcpu_cpus), .type = &config_type_cpus, .is_shown = if_listed,
	  .given_at = offsetof(struct config, vcpu.asked), .otherwise = "any",
	  .summary = "the host's CPUs that the vCPUs run on" },

	{ GUEST("sandbox", sandbox), .type = &config_type_word, .is_shown = if_changed,
	  .word = sandbox_word, .max = SANDBOX_WISH_OFF, .initial = SANDBOX_WISH_ON,
	  .summary = "whether the guest's process gives up what it does not need" },
	{ GUEST("iommu", iommu), .type = &config_type_word, .is_shown = if_changed,
	  .word = iommu_word, .max = NR_VFIO_IOMMU_WISHES - 1, .initial = VFIO_IOMMU_WISH_AUTO,
	  .summary = "the kernel's interface by which devices reach the guest's memory" },
	{ GUEST("log-level", log_level), .type = &config_type_word, .is_shown = if_changed,
	  .word = log_level_word, .max = NR_LOG_LEVELS - 1, .initial = LOG_INFO,
	  .summary = "the least important messages that are printed" },
	{ GUEST("log-file", log_file), .type = &config_type_path, .is_shown = if_changed,
	  .otherwise = "standard error", .summary = "the file that messages are appended to" },
	{ GUEST("log-format", log_format), .type = &config_type_word, .is_shown = if_changed,
	  .word = log_format_word, .max = NR_LOG_FORMATS - 1, .initial = LOG_TEXT,
	  .summary = "what a message looks like" },
	{ GUEST("hotplug-ports", hotplug_ports), .type = &config_type_number,
	  .is_shown = if_changed, .max = LAYOUT_MAX_BUSES - 1,
	  .summary = "root ports that are kept free for devices to be added while the guest runs" },
	{ GUEST("hotplug-vectors", hotplug_vectors), .type = &config_type_number,
	  .is_shown = if_changed, .min = 1, .max = VFIO_MAX_VECTORS,
	  .initial = HOTPLUG_VECTORS_DEFAULT, .summary = "messages that each of those can have" },
	{ GUEST("console", console), .type = &config_type_console, .is_shown = if_changed,
	  .otherwise = "stdio", .summary = "where the guest's console is" },
	{ GUEST("console-log", console_log), .type = &config_type_path, .is_shown = if_changed,
	  .otherwise = "none",
	  .summary = "the file that what the guest prints is appended to, too" },
	{ GUEST("stop-timeout", stop_timeout), .type = &config_type_number, .is_shown = if_changed,
	  .max = STOP_TIMEOUT_MAX, .initial = STOP_TIMEOUT_DEFAULT,
	  .summary = "seconds that the guest has to power off when it is stopped" },
	{ GUEST("on-panic", on_panic), .type = &config_type_word, .is_shown = if_changed,
	  .word = panic_word, .max = PANIC_WISH_STOP, .initial = PANIC_WISH_WAIT,
	  .summary = "what becomes of the guest when its kernel has panicked" },

	{ DEVICE("bdf", wanted.bdf), .type = &config_type_bdf, .is_shown = if_given,
	  .given_at = offsetof(struct config_device, wanted.has_bdf), .is_name = true,
	  .otherwise = "any", .summary = "the function's address on the host" },
	{ DEVICE("path", wanted.path), .type = &config_type_path_of_function, .is_shown = if_any,
	  .is_name = true, .otherwise = "any", .summary = "the way to it from its root bus" },
	{ DEVICE("pci-id", wanted.id), .type = &config_type_pci_id, .is_shown = if_given,
	  .given_at = offsetof(struct config_device, wanted.has_id), .is_name = true,
	  .otherwise = "any", .summary = "its vendor and device" },
	{ DEVICE("serial", wanted.serial), .type = &config_type_serial, .is_shown = if_any,
	  .is_name = true, .otherwise = "any", .summary = "its serial number" },
	{ DEVICE("mac", wanted.mac), .type = &config_type_mac, .is_shown = if_any, .is_name = true,
	  .otherwise = "any", .summary = "a MAC address of its own" },
	{ DEVICE("driver", plain_driver), .type = &config_type_word, .is_shown = if_changed,
	  .word = driver_word, .max = true, .initial = false,
	  .summary = "which driver of VFIO's has the function while the guest does" },
	{ DEVICE("at", devfn), .type = &config_type_place, .is_shown = always,
	  .given_at = offsetof(struct config_device, has_devfn),
	  .otherwise =
		  "beside the function 0 that it has on the host, if the guest has that and bdf "
		  "or path says so of both; else the first free device",
	  .summary = "its place on the guest's bus" },
	{ DEVICE("root-port", root_port), .type = &config_type_word, .is_shown = if_given,
	  .given_at = offsetof(struct config_device, has_root_port), .word = off_on_word,
	  .max = true, .otherwise = "that of the other functions of its device; else off",
	  .summary = "whether it is behind a PCI Express root port" },
	{ DEVICE("its", its), .type = &config_type_its, .is_shown = if_several_its,
	  .otherwise = "the first",
	  .summary = "the interrupt translation service that its interrupts go to" },
	{ DEVICE("devid", devid), .type = &config_type_hex, .is_shown = if_given,
	  .given_at = offsetof(struct config_device, has_devid), .max = UINT32_MAX,
	  .otherwise = "its requester ID on the guest's bus", .summary = "its DeviceID there" },
	{ DEVICE("events", events), .type = &config_type_number, .is_shown = if_changed,
	  .max = 65536, /* as many as a device table entry of the shadow can name */
	  .summary = "EventIDs, from 0 on, by which the function's interrupts can be translated" },
	{ DEVICE("route", route), .type = &config_type_word, .is_shown = if_given,
	  .given_at = offsetof(struct config_device, has_route), .word = route_word,
	  .max = NR_ROUTES - 1, .otherwise = "the guest's route",
	  .summary = "as above, for the interrupts of this device" },
	{ DEVICE("hot-rate", heat.hot_rate), .type = &config_type_number, .is_shown = if_changed,
	  .min = 1, .max = HEAT_RATE_MAX, .initial = HEAT_HOT_RATE_DEFAULT,
	  .summary = "interrupts in a second from which on auto gives a vector to the kernel" },
	{ DEVICE("quiet-rate", heat.quiet_rate), .type = &config_type_number,
	  .is_shown = if_changed, .max = HEAT_RATE_MAX, .initial = HEAT_QUIET_RATE_DEFAULT,
	  .summary = "interrupts in a second below which auto takes it back" },
	{ DEVICE("auto-uncounted", tie_uncounted), .type = &config_type_word,
	  .is_shown = if_changed, .word = uncounted_word, .max = true, .initial = false,
	  .summary = "what auto does with a vector that nobody could count on irqfd" },
	{ DEVICE("storm-rate", policy.storm_rate), .type = &config_type_number,
	  .is_shown = if_changed, .max = POLICY_RATE_MAX,
	  .summary = "interrupts in a second that each of its vectors may take" },
	/* 0 stands for what config_check.c finds. */
	{ DEVICE("storm-burst", policy.storm_burst), .type = &config_type_number,
	  .is_shown = if_limited, .min = 1, .max = POLICY_BURST_MAX,
	  .otherwise = "what storm-rate allows in 10 ms, at least 16",
	  .summary = "how many may come at once" },
	{ DEVICE("storm-holdoff-us", policy.storm_holdoff_us), .type = &config_type_number,
	  .is_shown = if_limited, .min = POLICY_HOLDOFF_US_MIN, .max = POLICY_HOLDOFF_US_MAX,
	  .initial = POLICY_HOLDOFF_US_DEFAULT,
	  .summary = "how long a vector is silent, in microseconds" },
	{ DEVICE("hold-us", policy.hold_us), .type = &config_type_number, .is_shown = if_changed,
	  .max = POLICY_HOLD_US_MAX,
	  .summary = "the time in microseconds from an interrupt of a vector to the next one "
		     "that the guest gets" },
	{ DEVICE("msi-cpu", msi_cpu), .type = &config_type_cpu_or_any, .is_shown = if_given,
	  .given_at = offsetof(struct config_device, has_msi_cpu), .max = PLACEMENT_MAX_CPU,
	  .initial = ANY_CPU, .otherwise = "that of router-cpu or spin-cpu",
	  .summary = "the CPU of the host that takes the device's interrupts" },

	{ DEVICE("on-request", on_request), .type = &config_type_word, .is_shown = if_changed,
	  .word = notice_word, .max = NOTICE_WISH_REMOVE, .initial = NOTICE_WISH_STOP,
	  .summary = "what becomes of the guest where the host asks for the function back" },
	{ DEVICE("on-error", on_error), .type = &config_type_word, .is_shown = if_changed,
	  .word = notice_word, .max = NOTICE_WISH_IGNORE, .initial = NOTICE_WISH_STOP,
	  .summary = "what becomes of the guest where the host reports an error of the function" },

	{ ITS("devid-bits", devid_bits), .type = &config_type_number, .is_shown = always, .min = 1,
	  .max = 32, .initial = 16, .summary = "bits of a DeviceID" },
	{ ITS("eventid-bits", eventid_bits), .type = &config_type_number, .is_shown = always,
	  .min = 1, .max = 16, .initial = 16, .summary = "bits of an EventID" },
	/* 0 stands for what lpis_for() finds. */
	{ ITS("lpis", lpis), .type = &config_type_number, .is_shown = if_changed, .min = LPIS_MIN,
	  .max = LPIS_MAX, .otherwise = "as many as Linux uses for all devices of the guest",
	  .summary = "interrupts (LPIs) that it can raise, from INTID 8192 on" },
	{ ITS("on-error", stall), .type = &config_type_word, .is_shown = always,
	  .word = on_error_word, .max = true, .initial = false,
	  .summary = "what a wrong command of the guest's does" },
};

const size_t config_nr_keys = ARRAY_SIZE(config_keys);

const struct config_scope_words config_scopes[NR_SCOPES] = {
	[SCOPE_DEVICE] = { "device", "a", "device", CONFIG_MAX_DEVICES, .first = "bdf",
			   .argument = "[BDF][,KEY=VALUE]...",
			   .summary = "a device block: its keys, and its name by name=" },
	[SCOPE_ITS] = { "its", "an", "ITS", CONFIG_MAX_ITS, .first = CONFIG_BLOCK_NAME,
			.argument = "[NAME][,KEY=VALUE]...",
			.summary = "an its block: its name and its keys" },
};

/* ---- finding a key --------------------------------------------------------------------- */

const struct config_key *config_key_find(enum config_scope scope, const char *name)
{
	for (size_t i = 0; i < config_nr_keys; i++)
		if (config_keys[i].scope == scope && strcmp(config_keys[i].name, name) == 0)
			return &config_keys[i];
	return NULL;
}

const struct config_key *config_key_of_option(const char *name)
{
	for (size_t i = 0; i < config_nr_keys; i++) {
		const struct config_key *key = &config_keys[i];

		if (key->scope == SCOPE_GUEST &&
		    (strcmp(key->name, name) == 0 || (key->also && strcmp(key->also, name) == 0)))
			return key;
	}
	return NULL;
}

enum config_scope config_scope_find(const char *word, size_t len)
{
	for (enum config_scope scope = SCOPE_DEVICE; scope < NR_SCOPES; scope++)
		if (strlen(config_scopes[scope].block) == len &&
		    memcmp(config_scopes[scope].block, word, len) == 0)
			return scope;
	return SCOPE_GUEST;
}

const char *config_key_suggest(enum config_scope scope, const char *name)
{
	const char *names[ARRAY_SIZE(config_keys) + NR_SCOPES];
	size_t nr = 0;

	for (size_t i = 0; i < config_nr_keys; i++)
		if (config_keys[i].scope == scope)
			names[nr++] = config_keys[i].name;
	for (size_t block = SCOPE_DEVICE; scope == SCOPE_GUEST && block < NR_SCOPES; block++)
		names[nr++] = config_scopes[block].block;
	return suggest(name, names, nr);
}

/* ---- a value for each key -------------------------------------------------------------- */

struct config_value *config_values_new(void)
{
	return calloc(config_nr_keys, sizeof(struct config_value));
}

void config_values_clear(struct config_value values[])
{
	for (size_t i = 0; i < config_nr_keys; i++) {
		free(values[i].text);
		values[i] = (struct config_value){ 0 };
	}
}

void config_values_free(struct config_value values[])
{
	if (values)
		config_values_clear(values);
	free(values);
}

struct config_value *config_value_of(struct config_value values[], enum config_scope scope,
				     const char *name)
{
	const struct config_key *key = config_key_find(scope, name);

	assert(key);
	return &values[key - config_keys];
}

/* ---- all keys of a scope --------------------------------------------------------------- */

int config_block_init(enum config_scope scope, void *block)
{
	int r = 0;

	for (const struct config_key *key = config_keys; key < config_keys + config_nr_keys; key++)
		if (key->scope == scope && key->type->init && r == 0)
			r = key->type->init(key, (char *)block + key->at);
	return r;
}

void config_block_read(struct config_reader *r, enum config_scope scope,
		       struct config_value values[], void *block)
{
	for (size_t i = 0; i < config_nr_keys; i++) {
		const struct config_key *key = &config_keys[i];

		if (key->scope != scope || !values[i].text ||
		    !key->type->read(r, key, &values[i], (char *)block + key->at))
			continue;
		if (key->given_at)
			*(bool *)((char *)block + key->given_at) = true;
	}
}

void config_block_fini(enum config_scope scope, void *block)
{
	for (const struct config_key *key = config_keys; key < config_keys + config_nr_keys; key++)
		if (key->scope == scope && key->type->fini)
			key->type->fini((char *)block + key->at);
}
