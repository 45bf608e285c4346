/* SPDX-License-Identifier: MIT */
/*
 * A device tree, read back with libfdt as a guest reads it: for one file of a test program each.
 */
#ifndef TESTS_UNIT_MACHINE_FDT_WORLD_H
#define TESTS_UNIT_MACHINE_FDT_WORLD_H

#include <libfdt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "vitsmod/bits.h"
#include "vmm/kvm/layout.h"
#include "vmm/machine/fdt.h"

#define TREE_SZ (2 * MiB)

static uint8_t tree[TREE_SZ];
static uint64_t mpidr[LAYOUT_MAX_VCPUS];

static const struct gmem_range one_bank[] = { { LAYOUT_RAM, 3 * GiB + 64 * KiB } };

/* As KVM numbers its vCPUs: 16 to a cluster, 256 clusters to the next level. */
static inline struct fdt_machine machine_of(uint32_t nr_vcpus)
{
	for (uint32_t i = 0; i < LAYOUT_MAX_VCPUS; i++)
		mpidr[i] = (i & 0xf) | (i >> 4 & 0xff) << 8 | (uint64_t)(i >> 12) << 16;
	return (struct fdt_machine){
		.nr_its = 1,
		.nr_vcpus = nr_vcpus,
		.mpidr = mpidr,
		.ram = one_bank,
		.nr_ram = 1,
		.cmdline = "console=ttyS0 x=\"y\"",
		.seed = { 0x1122334455667788, 2, 3, 4, 5, 6, 7, 0x99aabbccddeeff00 },
	};
}

static inline int node(const char *path)
{
	int offset = fdt_path_offset(tree, path);

	if (offset < 0)
		fail_msg("%s: %s", path, fdt_strerror(offset));
	return offset;
}

static const void *property(const char *path, const char *name, int want_len)
{
	int len;
	const void *value = fdt_getprop(tree, node(path), name, &len);

	if (!value || (want_len >= 0 && len != want_len))
		fail_msg("%s: %s: length %d, not %d", path, name, len, want_len);
	return value;
}

/* Values are aligned to 4 bytes only. */
static inline uint64_t u64_at(const void *value)
{
	fdt64_t be;

	memcpy(&be, value, sizeof(be));
	return fdt64_to_cpu(be);
}

static inline void has_string(const char *path, const char *name, const char *want)
{
	assert_string_equal(property(path, name, (int)strlen(want) + 1), want);
}

static inline void has_cells(const char *path, const char *name, const uint32_t want[], size_t nr)
{
	const fdt32_t *cells = property(path, name, (int)(nr * 4));

	for (size_t i = 0; i < nr; i++)
		if (fdt32_to_cpu(cells[i]) != want[i])
			fail_msg("%s: %s: cell %zu is 0x%x, not 0x%x", path, name, i,
				 fdt32_to_cpu(cells[i]), want[i]);
}

#define HAS_CELLS(path, name, ...)                               \
	do {                                                     \
		const uint32_t want_[] = { __VA_ARGS__ };        \
		has_cells(path, name, want_, ARRAY_SIZE(want_)); \
	} while (0)

static inline void has_flag(const char *path, const char *name)
{
	(void)property(path, name, 0);
}

static inline void build(const struct fdt_machine *m)
{
	memset(tree, 0xa5, sizeof(tree));
	assert_int_equal(fdt_build(m, tree, sizeof(tree)), 0);
	assert_int_equal(fdt_check_full(tree, sizeof(tree)), 0);
}

#endif
