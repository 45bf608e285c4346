// SPDX-License-Identifier: MIT
/*
 * Which driver of VFIO's a function is for, by what the kernel's modules say; and that it gets that
 * one, or vfio-pci.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>

#include "tests/unit/vfio/vfio_bindhost.h"
#include "vfio/variant.h"
#include "vitsmod/bits.h"

#define BDF	"0000:00:01.0"
#define PLACE	"sys/devices/pci0000:00/" BDF
#define RELEASE "6.12.95-arm64"
#define MODULES "lib/modules/" RELEASE

/* As depmod writes it; of a ConnectX-6 virtual function, as it is in Linux 6.12, and some that are
 * not. */
static const char modalias[] = "pci:v000015B3d0000101Esv000015B3sd00000000bc02sc00i00\n";
static const char plain[] = "alias vfio_pci:v*d*sv*sd*bc*sc*i* vfio_pci\n";
static const char mlx5[] = "alias vfio_pci:v000015B3d0000101Esv*sd*bc*sc*i* mlx5_vfio_pci\n";
static const char other[] = "alias vfio_pci:v000019E5d0000A251sv*sd*bc*sc*i* hisi_acc_vfio_pci\n";

static const struct pci_bdf bdf = { .dev = 1 };

static void host_init(struct bindhost *h, const char *const aliases[])
{
	char text[4096] = "# Aliases extracted from modules themselves.\n";

	bindhost_init(h, BDF, "mlx5_core");
	h->own_driver = "mlx5_core";
	tree_write(&h->tree, "proc/sys/kernel/osrelease", RELEASE "\n");
	tree_write(&h->tree, PLACE "/modalias", modalias);
	for (size_t i = 0; aliases && aliases[i]; i++)
		strcat(text, aliases[i]);
	if (aliases)
		tree_write(&h->tree, MODULES "/modules.alias", text);
}

/* The module, or "" for none. */
static const char *find(struct bindhost *h, struct vfio_variant *variant)
{
	struct vfio_aliases *aliases;
	bool found;

	memset(variant, 0, sizeof(*variant));
	assert_int_equal(vfio_aliases_read(&h->tree.fs, &aliases), 0);
	found = vfio_variant_find(aliases, &h->tree.fs, &bdf, variant);
	vfio_aliases_free(aliases);
	assert_int_equal(found, variant->module[0] != '\0');
	return variant->module;
}

static void test_the_most_exact_alias_counts(void **state)
{
	static const struct {
		const char *aliases[5], *want;
	} cases[] = {
		{ { plain }, "" },
		{ { other, plain }, "" },
		{ { plain, mlx5, other }, "mlx5_vfio_pci" },
		{ { mlx5, plain }, "mlx5_vfio_pci" },
		{ { "alias vfio_pci:v000015B3d*sv*sd*bc*sc*i* wide_vfio_pci\n", mlx5, plain },
		  "mlx5_vfio_pci" },
		{ { mlx5,
		    "alias vfio_pci:v000015B3d0000101Esv000015B3sd*bc*sc*i* exact_vfio_pci\n" },
		  "exact_vfio_pci" },
		/* Of two that are as exact, the first. */
		{ { mlx5, "alias vfio_pci:v000015B3d0000101Esv*sd*bc*sc*i* twin_vfio_pci\n" },
		  "mlx5_vfio_pci" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct vfio_variant variant;
		struct bindhost h;

		host_init(&h, cases[i].aliases);
		assert_string_equal(find(&h, &variant), cases[i].want);
		assert_string_equal(variant.driver, cases[i].want);
		bindhost_fini(&h);
	}
}

static void test_what_is_no_alias_of_vfios_is_passed_over(void **state)
{
	static const char *const aliases[] = {
		"alias pci:v000015B3d0000101Esv*sd*bc*sc*i* mlx5_core\n",
		"alias vfio_pci:v000015B3d0000101Esv*sd*bc*sc*i*\n",
		"alias\n",
		"\n",
		"alias vfio_pci:v000015B3d0000101Esv*sd*bc*sc*i* ../../vfio\n",
		"alias vfio_pci:v000015B3d0000101Esv*sd*bc*sc*i* mlx5_core\n",
		"options vfio_pci:v000015B3d0000101Esv*sd*bc*sc*i* mlx5_vfio_pci\n",
		"alias vfio_pci:v000015B3d0000101Esv*sd*bc*sc*i* "
		"a_vfio_module_with_a_name_that_is_longer_than_any\n",
		NULL,
	};
	struct vfio_variant variant;
	struct bindhost h;

	(void)state;
	host_init(&h, aliases);
	assert_string_equal(find(&h, &variant), "");
	bindhost_fini(&h);
}

static void test_what_is_built_in_has_its_aliases_elsewhere(void **state)
{
	static const char text[] = "mlx5_vfio_pci.license=GPL\0mlx5_vfio_pci.alias=vfio_pci:"
				   "v000015B3d0000101Esv*sd*bc*sc*"
				   "i*\0"
				   "vfio_pci.alias=vfio_pci:v*d*sv*sd*bc*sc*i*";
	struct vfio_variant variant;
	struct bindhost h;

	(void)state;
	host_init(&h, NULL);
	tree_write_bytes(&h.tree, MODULES "/modules.builtin.modinfo", text, sizeof(text));
	assert_string_equal(find(&h, &variant), "mlx5_vfio_pci");
	bindhost_fini(&h);
}

static void test_a_kernel_that_tells_nothing_has_no_variants(void **state)
{
	static const char *const aliases[] = { mlx5, NULL };
	static const char *const gone[] = { "proc/sys/kernel/osrelease", MODULES "/modules.alias",
					    PLACE "/modalias" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(gone); i++) {
		struct vfio_variant variant;
		struct bindhost h;

		host_init(&h, aliases);
		assert_string_equal(find(&h, &variant), "mlx5_vfio_pci");
		tree_remove(&h.tree, gone[i]);
		assert_string_equal(find(&h, &variant), "");
		bindhost_fini(&h);
	}
}

/* A module and its driver are not always called the same. */
static void test_a_driver_is_called_as_its_module_says(void **state)
{
	static const char *const aliases[] = { mlx5, NULL };
	struct vfio_variant variant;
	struct bindhost h;

	(void)state;
	host_init(&h, aliases);
	tree_dir(&h.tree, "sys/module/mlx5_vfio_pci/drivers/auxiliary:mlx5-vfio");
	tree_dir(&h.tree, "sys/module/mlx5_vfio_pci/drivers/pci:mlx5-vfio-pci");
	assert_string_equal(find(&h, &variant), "mlx5_vfio_pci");
	assert_string_equal(variant.driver, "mlx5-vfio-pci");
	assert_false(vfio_variant_is_there(&h.tree.fs, &variant));
	tree_dir(&h.tree, "sys/bus/pci/drivers/mlx5-vfio-pci");
	assert_true(vfio_variant_is_there(&h.tree.fs, &variant));
	bindhost_fini(&h);
}

/* ---- binding ----------------------------------------------------------------------------------
 */

static void variant_init(struct bindhost *h)
{
	static const char *const aliases[] = { plain, mlx5, NULL };

	host_init(h, aliases);
	h->variant_module = "mlx5_vfio_pci";
	h->variant_driver = "mlx5-vfio-pci";
}

static int bind(struct bindhost *h, unsigned flags, struct vfio_failure *failure)
{
	*failure = (struct vfio_failure){ 0 };
	return vfio_bind_with(&h->host, &h->tree.fs, &bdf, flags, failure);
}

static void expect(const struct bindhost *h, const char *want_driver, const char *want_override)
{
	char driver[PCI_DRIVER_STRLEN], override[64];

	assert_string_equal(bindhost_driver(h, driver), want_driver);
	assert_string_equal(bindhost_override(h, override), want_override);
}

static void test_the_variant_that_fits_has_the_function(void **state)
{
	struct vfio_failure failure;
	struct bindhost h;

	(void)state;
	variant_init(&h);
	assert_int_equal(bind(&h, 0, &failure), 1);
	assert_int_equal(failure.code, VFIO_FAILURE_NONE);
	assert_true(h.recorded_first);
	assert_int_equal(h.modprobes, 1);
	assert_int_equal(h.writes, 3);
	expect(&h, "mlx5-vfio-pci", "mlx5-vfio-pci");
	/* It is one of VFIO's: bound already. */
	assert_int_equal(bind(&h, 0, &failure), 0);
	assert_int_equal(bind(&h, VFIO_BIND_PLAIN, &failure), 0);
	assert_int_equal(vfio_release_with(&h.host, &h.tree.fs, &bdf, &failure), 0);
	expect(&h, "mlx5_core", "");
	assert_false(bindhost_recorded(&h));
	bindhost_fini(&h);
}

static void test_plain_is_vfio_pci_whatever_fits(void **state)
{
	struct vfio_failure failure;
	struct bindhost h;

	(void)state;
	variant_init(&h);
	assert_int_equal(bind(&h, VFIO_BIND_PLAIN, &failure), 1);
	assert_int_equal(failure.code, VFIO_FAILURE_NONE);
	assert_int_equal(h.modprobes, 0);
	expect(&h, "vfio-pci", "vfio-pci");
	bindhost_fini(&h);
}

static void test_where_a_variant_refuses_vfio_pci_takes_over_and_tells(void **state)
{
	(void)state;
	for (unsigned loads = 0; loads < 2; loads++) {
		struct vfio_failure failure;
		struct bindhost h;

		variant_init(&h);
		h.variant_refuses = true;
		if (!loads)
			h.variant_module = NULL;
		assert_int_equal(bind(&h, 0, &failure), 1);
		assert_int_equal(failure.code, VFIO_FAILURE_VARIANT);
		assert_int_equal(failure.error, loads ? EINVAL : ENOENT);
		assert_string_equal(failure.object, BDF);
		assert_string_equal(failure.driver, loads ? "mlx5-vfio-pci" : "mlx5_vfio_pci");
		expect(&h, "vfio-pci", "vfio-pci");
		assert_int_equal(vfio_release_with(&h.host, &h.tree.fs, &bdf, &failure), 0);
		expect(&h, "mlx5_core", "");
		bindhost_fini(&h);
	}
}

static void test_where_both_refuse_all_is_as_it_was(void **state)
{
	struct vfio_failure failure;
	struct bindhost h;

	(void)state;
	variant_init(&h);
	h.variant_refuses = h.vfio_refuses = true;
	assert_int_equal(bind(&h, 0, &failure), -EINVAL);
	assert_int_equal(failure.code, VFIO_FAILURE_BIND);
	expect(&h, "mlx5_core", "");
	assert_false(bindhost_recorded(&h));
	bindhost_fini(&h);
}

static void test_each_write_failing_in_turn_leaves_a_driver_that_works(void **state)
{
	unsigned at = 1;
	bool failed;

	(void)state;
	do {
		struct vfio_failure failure;
		char driver[PCI_DRIVER_STRLEN];
		struct bindhost h;
		int r;

		variant_init(&h);
		h.fail_at = at++;
		r = bind(&h, 0, &failure);
		failed = h.failed;
		h.fail_at = 0;
		bindhost_driver(&h, driver);
		/* What one write only is in the way of, vfio-pci gets. */
		assert_string_equal(driver, r < 0    ? "mlx5_core"
					    : failed ? "vfio-pci"
						     : "mlx5-vfio-pci");
		assert_int_equal(failure.code != VFIO_FAILURE_NONE, failed);
		assert_int_equal(vfio_release_with(&h.host, &h.tree.fs, &bdf, &failure), 0);
		expect(&h, "mlx5_core", "");
		bindhost_fini(&h);
	} while (failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_most_exact_alias_counts),
		cmocka_unit_test(test_what_is_no_alias_of_vfios_is_passed_over),
		cmocka_unit_test(test_what_is_built_in_has_its_aliases_elsewhere),
		cmocka_unit_test(test_a_kernel_that_tells_nothing_has_no_variants),
		cmocka_unit_test(test_a_driver_is_called_as_its_module_says),
		cmocka_unit_test(test_the_variant_that_fits_has_the_function),
		cmocka_unit_test(test_plain_is_vfio_pci_whatever_fits),
		cmocka_unit_test(test_where_a_variant_refuses_vfio_pci_takes_over_and_tells),
		cmocka_unit_test(test_where_both_refuse_all_is_as_it_was),
		cmocka_unit_test(test_each_write_failing_in_turn_leaves_a_driver_that_works),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
