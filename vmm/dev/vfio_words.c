// SPDX-License-Identifier: MIT
/*
 * The words for what the host side of passthrough says: templates in a table, one
 * row per code. {object}, {other}, {driver}, {have}, {want} (and as sizes
 * {have_size}, {want_size}) and {error} in them are filled in from the failure. No locks.
 */
#include "vmm/dev/vfio_words.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vmm/base/bits.h"
#include "vmm/base/table.h"

#define CURE_ROOT "run itsy as root, or give this user access to it"

static const struct vfio_words {
	enum vfio_failure_code code;
	enum exit_status status;
	const char *cause;
	const char *cure; /* NULL: none that holds always */
} vfio_words[] = {
	{ VFIO_FAILURE_NO_FUNCTION, ITSY_ENVIRONMENT, "there is no such PCI function",
	  "itsy devices lists them" },
	{ VFIO_FAILURE_BRIDGE, ITSY_ENVIRONMENT, "it is a bridge, which cannot be passed through",
	  "name a function behind it (itsy devices)" },
	{ VFIO_FAILURE_NO_GROUP, ITSY_ENVIRONMENT, "it is in no IOMMU group",
	  "enable the IOMMU (SMMU) in the host's firmware and kernel" },
	{ VFIO_FAILURE_NOT_VIABLE, ITSY_ENVIRONMENT,
	  "its IOMMU group is not viable: {other} of the same group is bound to {driver}",
	  "itsy bind {object} takes that one too, or says why it cannot" },
	{ VFIO_FAILURE_GROUP_IN_USE, ITSY_ENVIRONMENT,
	  "its IOMMU group has {other}, which the host is using",
	  "unmount that or take it down first; itsy bind --force takes it all the same where it is "
	  "named" },
	{ VFIO_FAILURE_NOT_BOUND, ITSY_ENVIRONMENT, "it is bound to {driver}, not to vfio-pci",
	  "itsy bind {object}" },
	{ VFIO_FAILURE_BIND, ITSY_ENVIRONMENT, "the kernel did not bind it to vfio-pci: {error}",
	  "modprobe vfio-pci where that is not loaded; dmesg says more" },
	{ VFIO_FAILURE_VARIANT, ITSY_ENVIRONMENT,
	  "{driver}, the driver that the kernel has for it, does not take it ({error}): vfio-pci "
	  "has it",
	  "dmesg may say why; driver = \"vfio-pci\", or itsy bind --driver, asks for no other "
	  "one" },
	{ VFIO_FAILURE_LEFT, ITSY_ENVIRONMENT,
	  "itsy (process {have}) was killed and left it bound: taken over", NULL },
	{ VFIO_FAILURE_LEFT_SO, ITSY_ENVIRONMENT,
	  "itsy (process {have}) was killed and left it bound, and so it stays after this guest",
	  "sudo itsy release {object}" },
	{ VFIO_FAILURE_IN_USE_BY_HOST, ITSY_ENVIRONMENT, "the host is using it: {other}",
	  "unmount it or take it down first; itsy bind --force {object} takes it all the same" },
	{ VFIO_FAILURE_NO_VFIO, ITSY_ENVIRONMENT, "VFIO is not there: {error}",
	  "modprobe vfio-pci" },
	{ VFIO_FAILURE_NO_IOMMUFD, ITSY_ENVIRONMENT, "it cannot be had: {other}",
	  "iommu = auto in the configuration takes what there is; iommufd needs a kernel with "
	  "CONFIG_IOMMUFD and CONFIG_VFIO_DEVICE_CDEV (6.6)" },
	{ VFIO_FAILURE_BUSY, ITSY_ENVIRONMENT, "another process has it open: {other}",
	  "end the guest that uses it" },
	{ VFIO_FAILURE_PERMISSION, ITSY_ENVIRONMENT, "no permission: {error}", CURE_ROOT },
	{ VFIO_FAILURE_UNSAFE_INTERRUPTS, ITSY_ENVIRONMENT,
	  "the host does not isolate interrupts: a device could forge those of others",
	  "use another host; or, where every guest is trusted, "
	  "modprobe {driver} allow_unsafe_interrupts=1" },
	{ VFIO_FAILURE_MEMLOCK, ITSY_ENVIRONMENT,
	  "{want_size} of guest memory must be locked for DMA, and the limit is {have_size}",
	  "raise it (ulimit -l unlimited, LimitMEMLOCK=infinity), or run itsy as root" },
	{ VFIO_FAILURE_MEMLOCK_OF_USER, ITSY_ENVIRONMENT,
	  "{want_size} of guest memory must be locked for DMA, and the limit of {have_size} is for "
	  "all processes of this user together",
	  "raise it (ulimit -l unlimited, LimitMEMLOCK=infinity), run itsy as root, or take "
	  "iommu = type1" },
	{ VFIO_FAILURE_IOVA, ITSY_ENVIRONMENT,
	  "this guest memory contains {other}, which the host's IOMMU cannot map",
	  "give the guest less memory (/sys/kernel/iommu_groups/*/reserved_regions lists what "
	  "is taken)" },
	{ VFIO_FAILURE_NO_IRQ, ITSY_ENVIRONMENT,
	  "the host's VFIO does not give its interrupts to programs",
	  "pass another function through, or use another kernel" },
	{ VFIO_FAILURE_VECTORS, ITSY_ENVIRONMENT,
	  "the host gives {have} interrupt vectors of the {want} that it has",
	  "release other devices: the host has run out of interrupts" },
	{ VFIO_FAILURE_NO_RESET, ITSY_ENVIRONMENT,
	  "it cannot be reset, and keeps its state from guest to guest",
	  "power-cycle the host where a guest left it unusable" },
	{ VFIO_FAILURE_RESET_SHARED, ITSY_ENVIRONMENT,
	  "it has no reset of its own, and one of its slot would reset {other} too, which this "
	  "guest has not: it keeps its state from guest to guest",
	  "give this guest {other} as well" },
	{ VFIO_FAILURE_RESET, ITSY_RUNTIME, "the host could not reset it: {error}",
	  "see the host's kernel log; power-cycle the host where that lasts" },
	{ VFIO_FAILURE_RESET_BUSY, ITSY_RUNTIME,
	  "the host could not reset it, as something else had it, or a neighbour, locked: {error}",
	  "reset it again when no bind, unbind or reset of the host's is under way" },
	{ VFIO_FAILURE_STATE, ITSY_ENVIRONMENT,
	  "the record of what binding changes cannot be kept: {error}",
	  "run itsy as root, and see that /run is writable and not full" },
	{ VFIO_FAILURE_HAS_VFS, ITSY_ENVIRONMENT, "it has virtual functions: {have}",
	  "take them away, if nobody uses them: itsy devices --create-vfs 0 {object}" },
	{ VFIO_FAILURE_PF_IS_VFIOS, ITSY_ENVIRONMENT,
	  "its physical function {other} is bound to {driver}, whose owner has to agree by a "
	  "token, "
	  "which itsy has not",
	  "give that one to its own driver, and make virtual functions there: itsy release "
	  "{other}" },
	{ VFIO_FAILURE_NO_SRIOV, ITSY_ENVIRONMENT, "it can have no virtual functions",
	  "itsy devices shows which functions can, and how many (VFS)" },
	{ VFIO_FAILURE_TOO_MANY_VFS, ITSY_ENVIRONMENT,
	  "it can have {have} virtual functions, and not {want}",
	  "itsy devices --create-vfs {have} {object}" },
	{ VFIO_FAILURE_NO_VFS_BY_DRIVER, ITSY_ENVIRONMENT,
	  "it is bound to {driver}, which makes no virtual functions for guests",
	  "give it to its own driver: itsy release {object}" },
	{ VFIO_FAILURE_NO_VFS, ITSY_ENVIRONMENT,
	  "the kernel does not change its virtual functions: {error}",
	  "dmesg says more: addresses or bus numbers may be missing, or pci=realloc may be "
	  "needed" },
	{ VFIO_FAILURE_TAKEN, ITSY_ENVIRONMENT, "itsy has bound it for a guest",
	  "end the guest that uses it, or itsy release {object}" },
	{ VFIO_FAILURE_UNMAPPED, ITSY_RUNTIME,
	  "the guest has no other device now, and with the last one its memory was unlocked",
	  "start the guest again" },
	{ VFIO_FAILURE_REPLACED, ITSY_RUNTIME, "another device is in the place of the removed one",
	  "start the guest again, which has that one then" },
	{ VFIO_FAILURE_OTHER, ITSY_RUNTIME, "{error}", NULL },
};

/*
 * Where there is no {other}: VFIO refuses a group, or a slot, that sysfs had shown as viable, or
 * /proc does not tell whose a file is.
 */
static const struct vfio_words nameless_words[] = {
	{ VFIO_FAILURE_NOT_VIABLE, ITSY_ENVIRONMENT, "its IOMMU group is not viable",
	  "bind the group's other functions to vfio-pci too, or unbind them (itsy devices)" },
	{ VFIO_FAILURE_RESET_SHARED, ITSY_ENVIRONMENT,
	  "it has no reset of its own, and its slot has a function that is not bound to vfio-pci: "
	  "it keeps its state from guest to guest",
	  "itsy bind all functions of its slot (itsy devices)" },
	{ VFIO_FAILURE_BUSY, ITSY_ENVIRONMENT, "another process has it open",
	  "end the other guest that uses it (fuser -v /dev/vfio/* names it)" },
};

static const struct vfio_words *find_words(const struct vfio_words rows[], size_t nr,
					   enum vfio_failure_code code)
{
	for (size_t i = 0; i < nr; i++)
		if (rows[i].code == code)
			return &rows[i];
	return NULL;
}

static const struct vfio_words *words_of(const struct vfio_failure *vf)
{
	const struct vfio_words *words = NULL;

	if (!vf->other[0])
		words = find_words(nameless_words, ARRAY_SIZE(nameless_words), vf->code);
	if (!words)
		words = find_words(vfio_words, ARRAY_SIZE(vfio_words), vf->code);
	return words ? words : find_words(vfio_words, ARRAY_SIZE(vfio_words), VFIO_FAILURE_OTHER);
}

/* Appends at *at, cuts what does not fit, keeps the end in place. */
static void append(char *out, size_t cap, size_t *at, const char *text, size_t len)
{
	size_t room = cap - 1 - *at;

	if (len > room)
		len = room;
	memcpy(out + *at, text, len);
	*at += len;
	out[*at] = '\0';
}

/* What stands for {name} of len characters; numbers are written into scratch. */
static const char *field_of(const struct vfio_failure *vf, const char *name, size_t len,
			    char scratch[TABLE_SIZE_SZ])
{
	const struct {
		const char *name, *text;
		unsigned long long number;
		bool is_size;
	} fields[] = {
		{ .name = "object", .text = vf->object },
		{ .name = "other", .text = vf->other },
		{ .name = "driver", .text = vf->driver[0] ? vf->driver : "no driver" },
		{ .name = "error", .text = strerror(vf->error) },
		{ .name = "have", .number = vf->have },
		{ .name = "want", .number = vf->want },
		{ .name = "have_size", .number = vf->have, .is_size = true },
		{ .name = "want_size", .number = vf->want, .is_size = true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (strlen(fields[i].name) != len || memcmp(fields[i].name, name, len) != 0)
			continue;
		if (fields[i].text)
			return fields[i].text;
		if (fields[i].is_size)
			return table_size(fields[i].number, scratch);
		(void)snprintf(scratch, TABLE_SIZE_SZ, "%llu", fields[i].number);
		return scratch;
	}
	return NULL;
}

static void fill_in(char *out, size_t cap, const char *template, const struct vfio_failure *vf)
{
	size_t at = 0;

	out[0] = '\0';
	for (const char *p = template; *p;) {
		const char *open = strchr(p, '{');
		const char *close = open ? strchr(open, '}') : NULL;
		const char *value;
		char scratch[TABLE_SIZE_SZ];

		if (!close) {
			append(out, cap, &at, p, strlen(p));
			return;
		}
		append(out, cap, &at, p, (size_t)(open - p));
		value = field_of(vf, open + 1, (size_t)(close - open - 1), scratch);
		assert(value); /* the table names fields that exist */
		append(out, cap, &at, value, strlen(value));
		p = close + 1;
	}
}

static void copy_cut(char *out, size_t cap, const char *text)
{
	size_t at = 0;

	append(out, cap, &at, text, strlen(text));
}

int failure_from_vfio(struct failure *failure, const struct vfio_failure *vf)
{
	const struct vfio_words *words = words_of(vf);

	failure->status = words->status;
	copy_cut(failure->object, sizeof(failure->object), vf->object);
	fill_in(failure->cause, sizeof(failure->cause), words->cause, vf);
	failure->cure[0] = '\0';
	if (words->cure)
		fill_in(failure->cure, sizeof(failure->cure), words->cure, vf);
	else if (vf->error == EACCES || vf->error == EPERM)
		copy_cut(failure->cure, sizeof(failure->cure), CURE_ROOT);
	return vf->error ? -vf->error : -EIO;
}

void vfio_words_of_binding(const char *whose, const struct vfio_failure *vf)
{
	const char *colon = whose[0] ? ": " : "";
	struct failure failure;

	(void)failure_from_vfio(&failure, vf);
	if (vf->code == VFIO_FAILURE_LEFT)
		report_info("%s%s%s: %s", whose, colon, failure.object, failure.cause);
	else
		report_warning("%s%s%s: %s: %s", whose, colon, failure.object, failure.cause,
			       failure.cure);
}
