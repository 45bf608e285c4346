/* SPDX-License-Identifier: MIT */
/*
 * A host that is a folder, a guest with a device, and what a check says of them: for one file of a
 * test program each.
 */
#ifndef TESTS_UNIT_CHECK_CHECK_WORLD_H
#define TESTS_UNIT_CHECK_CHECK_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/vfio/vfio_tree.h"
#include "vitsmod/bits.h"
#include "vmm/base/bits.h"
#include "vmm/check/check.h"

static struct {
	struct host_tree tree;
	struct config config; /* host.config, where a test says so */
	struct check_host host;
	struct check_result result;
} w;

static inline int make(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	tree_init(&w.tree);
	w.host = (struct check_host){ .fs = w.tree.fs, .memlock = UINT64_MAX };
	strcpy(w.host.machine, "aarch64");
	strcpy(w.host.release, "6.12.95");
	w.config = (struct config){ .memory = 512 * MiB, .nr_devices = 1 };
	w.config.router.cpu = w.config.spin.cpu = w.config.vcpu.cpu = -1;
	/* The second one counts where a test says so. */
	w.config.devices[0].name = (char *)(uintptr_t) "net0";
	w.config.devices[0].bdf = (struct pci_bdf){ .dev = 2 };
	w.config.devices[1].name = (char *)(uintptr_t) "net1";
	w.config.devices[1].bdf = (struct pci_bdf){ .dev = 2, .fn = 1 };
	return 0;
}

static inline int unmake(void **state)
{
	(void)state;
	tree_fini(&w.tree);
	return 0;
}

static inline void check(check_fn *fn)
{
	w.result = (struct check_result){ 0 };
	fn(&w.host, &w.result);
}

/* The same, of one that is about a device: the guest's first. */
static inline void check_first(void (*fn)(const struct check_host *host, size_t device,
					  struct check_result *ret))
{
	w.host.config = &w.config;
	w.result = (struct check_result){ 0 };
	fn(&w.host, 0, &w.result);
}

/* What was said has to be that: text and cure, NULL for any, are parts of it. */
static inline void expect(enum verdict verdict, const char *text, const char *cure)
{
	const struct check_result *r = &w.result;

	if (r->verdict != verdict)
		fail_msg("verdict %d: %s (%s)", r->verdict, r->text, r->cure);
	if (verdict == VERDICT_NONE)
		return;
	if (text && !strstr(r->text, text))
		fail_msg("'%s' does not tell of '%s'", r->text, text);
	if (cure && !strstr(r->cure, cure))
		fail_msg("'%s' does not tell of '%s'", r->cure, cure);
	/* A cure with each that is not as it should be, and with no other. */
	assert_int_equal(r->cure[0] != '\0', verdict == VERDICT_WARN || verdict == VERDICT_FAIL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, unmake)

#endif
