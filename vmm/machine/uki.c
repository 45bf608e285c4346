// SPDX-License-Identifier: MIT
/*
 * The sections of a unified kernel image. Of several with one name, as for profiles, the first
 * counts.
 *
 * Deliberately not here: signatures, .dtb (a guest has itsy's device tree), .ucode, profiles.
 *
 * No locks.
 */
#include "vmm/machine/uki.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "vmm/base/bits.h"

#define SECTION_NAME_SZ 8u
/* Windows' limit, and no stub comes near it. */
#define SECTIONS_MAX 96u

static const struct {
	char name[SECTION_NAME_SZ + 1];
	size_t at;
} parts[] = {
	{ ".linux", offsetof(struct uki, kernel) },
	{ ".initrd", offsetof(struct uki, initrd) },
	{ ".cmdline", offsetof(struct uki, cmdline) },
};

static struct boot_part *part_of(struct uki *uki, const uint8_t *section)
{
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (memcmp(section, parts[i].name, SECTION_NAME_SZ) == 0)
			return (struct boot_part *)(void *)((char *)uki + parts[i].at);
	return NULL;
}

static int take_section(const struct boot_file *file, const uint8_t section[SECTION_SZ],
			struct uki *uki, struct failure *ret_failure)
{
	struct boot_part *part = part_of(uki, section);
	uint64_t offset = boot_le32(section + SECTION_RAW);
	uint64_t size = boot_le32(section + SECTION_VIRTUAL_SZ);
	uint64_t raw = boot_le32(section + SECTION_RAW_SZ);

	if (!part || part->size)
		return 0;
	/* In the file a section is padded; a size in memory of 0 says nothing. */
	if (!size || size > raw)
		size = raw;
	if (offset > file->size || size > file->size - offset)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, ENODATA, file->path,
				   "build or copy it again",
				   "the unified kernel image is cut off: its section %.8s is not "
				   "all there",
				   (const char *)section);
	*part = (struct boot_part){ offset, size };
	return 0;
}

int uki_read(const struct boot_file *file, struct uki *ret_uki, struct failure *ret_failure)
{
	uint8_t header[PE_OPTIONAL], section[SECTION_SZ];
	uint64_t at = boot_le32(file->head + PE_AT);
	unsigned nr;
	int r;

	*ret_uki = (struct uki){ 0 };
	if (memcmp(file->head, "MZ", 2) != 0 || file->size < sizeof(header) ||
	    at > file->size - sizeof(header))
		return 0;
	r = boot_file_read(file, header, sizeof(header), at, ret_failure);
	if (r < 0)
		return r;
	if (memcmp(header, "PE\0\0", 4) != 0)
		return 0;
	nr = boot_le16(header + PE_SECTIONS);
	at += sizeof(header) + boot_le16(header + PE_OPTIONAL_SZ);
	for (unsigned i = 0; i < nr && i < SECTIONS_MAX; i++, at += sizeof(section)) {
		if (file->size < sizeof(section) || at > file->size - sizeof(section))
			break;
		r = boot_file_read(file, section, sizeof(section), at, ret_failure);
		if (r >= 0)
			r = take_section(file, section, ret_uki, ret_failure);
		if (r < 0)
			return r;
	}
	return ret_uki->kernel.size > 0;
}
