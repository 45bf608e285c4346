// SPDX-License-Identifier: MIT
/*
 * Making an ITS: what configurations it takes, and too little memory.
 */
#include "tests/unit/vitsmod/vits_world.h"

#include <errno.h>

#if defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN 1
#endif
#endif
#ifndef HAS_ASAN
#define HAS_ASAN 0
#endif

/* Read by AddressSanitizer: allocations above 64 MiB fail, as if memory were short. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1:max_allocation_size_mb=64";
}

static void test_configurations_out_of_range_are_refused(void **state)
{
	static const struct vits_function twice[] = { { 1, 1 }, { 2, 1 }, { 1, 2 } };
	static const struct vits_function big_id[] = { { 0x10000, 1 } };
	static const struct vits_function no_events[] = { { 1, 0 } };
	static const struct vits_function many_events[] = { { 1, 65537 } };
	struct vits_function too_many[VITS_MAX_FUNCTIONS + 1];
	struct vits_config cases[17];
	static const struct vits_ops ops;
	struct vits *v = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		world_default_config(&cases[i]);
	cases[0].nr_vcpus = 0;
	cases[1].nr_vcpus = VITS_MAX_VCPUS + 1;
	cases[2].devid_bits = 0;
	cases[3].devid_bits = VITS_MAX_DEVID_BITS + 1;
	cases[4].eventid_bits = 0;
	cases[5].eventid_bits = VITS_MAX_EVENTID_BITS + 1;
	cases[6].nr_lpis = 0;
	cases[7].nr_lpis = VITS_MAX_LPIS + 1;
	cases[8].functions = twice;
	cases[8].nr_functions = 3;
	cases[9].functions = big_id;
	cases[9].nr_functions = 1;
	cases[10].functions = no_events;
	cases[10].nr_functions = 1;
	cases[11].functions = many_events;
	cases[11].nr_functions = 1;
	cases[12].functions = NULL;
	for (uint32_t i = 0; i < ARRAY_SIZE(too_many); i++)
		too_many[i] = (struct vits_function){ i, 1 };
	cases[13].functions = too_many;
	cases[13].nr_functions = VITS_MAX_FUNCTIONS + 1;
	cases[14].on_error = (enum vits_on_error)2;
	cases[15].eventid_bits = 4; /* DEV_B has 32 events */
	cases[16].devid_bits = 4;   /* DEV_B is 0x10 */
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(vits_create(&cases[i], &ops, NULL, &v), -EINVAL);
		assert_null(v);
	}
	vits_destroy(NULL);
}

static void test_largest_configuration_works(void **state)
{
	struct vits_function functions[VITS_MAX_FUNCTIONS];
	struct vits_config config = {
		.nr_vcpus = VITS_MAX_VCPUS,
		.devid_bits = VITS_MAX_DEVID_BITS,
		.eventid_bits = VITS_MAX_EVENTID_BITS,
		.nr_lpis = VITS_MAX_LPIS,
		.functions = functions,
		.nr_functions = VITS_MAX_FUNCTIONS,
	};
	struct world *w;

	(void)state;
	for (uint32_t i = 0; i < VITS_MAX_FUNCTIONS; i++)
		functions[i] = (struct vits_function){ i * 37 % 256, i == 255 ? 65536 : 256 };
	w = world_create_on(&config);
	run_ok(w, mapc(0xffff, VITS_MAX_VCPUS - 1));
	run_ok(w, mapd(functions[255].devid, ITT_A, 16));
	run_ok(w, mapti(functions[255].devid, 65535, 65535, 0xffff));
	expect_msi(w, 255, 65535, 65535, VITS_MAX_VCPUS - 1);
	for (uint32_t i = 0; i < VITS_MAX_FUNCTIONS; i++) {
		run_ok(w, mapd(functions[i].devid, ITT_X, 8));
		run_ok(w, mapti(functions[i].devid, 255, LPI(i), 0xffff));
		expect_msi(w, i, 255, LPI(i), VITS_MAX_VCPUS - 1);
	}
	world_destroy(w);
}

static void test_too_little_memory_is_reported_and_nothing_leaks(void **state)
{
	struct vits_function functions[VITS_MAX_FUNCTIONS];
	struct vits_config config;
	static const struct vits_ops ops;
	struct vits *v = NULL;

	(void)state;
	if (!HAS_ASAN)
		skip();
	world_default_config(&config);
	config.functions = functions;
	config.nr_functions = VITS_MAX_FUNCTIONS;
	for (uint32_t i = 0; i < VITS_MAX_FUNCTIONS; i++)
		functions[i] = (struct vits_function){ i, 65536 };
	assert_int_equal(vits_create(&config, &ops, NULL, &v), -ENOMEM);
	assert_null(v);
}

static void test_the_configuration_is_copied(void **state)
{
	struct vits_function function = { DEV_A, 1 };
	struct vits_config config;
	struct world *w;

	(void)state;
	world_default_config(&config);
	config.functions = &function;
	config.nr_functions = 1;
	w = world_create_on(&config);
	function = (struct vits_function){ DEV_B, 0 };
	run_ok(w, mapd(DEV_A, ITT_A, 1));
	run_ok(w, mapc(0, 0));
	run_ok(w, mapti(DEV_A, 0, LPI(0), 0));
	expect_msi(w, 0, 0, LPI(0), 0);
	world_destroy(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_configurations_out_of_range_are_refused),
		cmocka_unit_test(test_largest_configuration_works),
		cmocka_unit_test(test_too_little_memory_is_reported_and_nothing_leaks),
		cmocka_unit_test(test_the_configuration_is_copied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
