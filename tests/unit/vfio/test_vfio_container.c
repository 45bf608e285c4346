// SPDX-License-Identifier: MIT
/*
 * Containers and groups: what stands in the way is named, ranges of IOVAs are read
 * and respected, groups are shared and left. What holds of both kinds is tried with both.
 */
#include <errno.h>
#include <linux/vfio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <sys/resource.h>

#include "tests/unit/vfio/vfio_fake.h"
#include "vfio/container_priv.h"

#define BDF "0000:00:01.0"

struct world {
	struct fake_vfio fake;
	struct vfio_container *container;
	struct vfio_device *dev;
};

#define EACH_KIND(kind)                               \
	enum vfio_iommu_kind kind = VFIO_IOMMU_TYPE1; \
	kind < NR_VFIO_IOMMU_KINDS;                   \
	print_message("%s\n", vfio_iommu_kind_name(kind)), kind++

static void start_with(struct world *w, enum vfio_iommu_kind kind)
{
	fake_init(&w->fake);
	w->fake.kind = kind;
	fake_add_nvme(&w->fake, BDF, 1);
	fake_publish(&w->fake);
	fake_container(&w->fake, &w->container);
	w->dev = NULL;
}

static void start(struct world *w)
{
	start_with(w, VFIO_IOMMU_TYPE1);
}

static void stop(struct world *w)
{
	vfio_device_destroy(w->dev);
	vfio_container_destroy(w->container);
	fake_fini(&w->fake);
}

static void test_create_names_what_is_missing(void **state)
{
	static const struct {
		const char *why;
		int open_errno;
		bool no_type1;
		int api_version, want;
		enum vfio_failure_code code;
	} cases[] = {
		{ "no VFIO in this kernel", ENOENT, false, 0, -ENOENT, VFIO_FAILURE_NO_VFIO },
		{ "its module is not loaded", ENODEV, false, 0, -ENODEV, VFIO_FAILURE_NO_VFIO },
		{ "no right to open it", EACCES, false, 0, -EACCES, VFIO_FAILURE_PERMISSION },
		{ "out of descriptors", EMFILE, false, 0, -EMFILE, VFIO_FAILURE_OTHER },
		{ "no type 1 IOMMU", 0, true, 0, -ENODEV, VFIO_FAILURE_NO_VFIO },
		{ "another VFIO", 0, false, 99, -EPROTO, VFIO_FAILURE_OTHER },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct vfio_container *container = NULL;
		struct vfio_failure failure = { 0 };
		struct fake_vfio fake;

		print_message("%s\n", cases[i].why);
		fake_init(&fake);
		fake.open_errno = cases[i].open_errno;
		fake.no_type1 = cases[i].no_type1;
		fake.api_version = cases[i].api_version;
		assert_int_equal(vfio_container_create_with(&fake.sys, VFIO_IOMMU_TYPE1, &container,
							    &failure),
				 cases[i].want);
		assert_null(container);
		assert_int_equal(failure.code, cases[i].code);
		assert_int_equal(failure.error, -cases[i].want);
		assert_true(failure.object[0]);
		fake_fini(&fake);
	}
}

static void test_joining_names_what_stands_in_the_way(void **state)
{
	static const struct {
		const char *why;
		int group_errno, set_iommu_errno;
		bool not_viable;
		enum vfio_failure_code code;
		const char *object;
	} cases[] = {
		{ "group is another's", EBUSY, 0, false, VFIO_FAILURE_BUSY, "/dev/vfio/1" },
		{ "no right to the group", EACCES, 0, false, VFIO_FAILURE_PERMISSION,
		  "/dev/vfio/1" },
		{ "no node of the group", ENOENT, 0, false, VFIO_FAILURE_OTHER, "/dev/vfio/1" },
		{ "not viable", 0, 0, true, VFIO_FAILURE_NOT_VIABLE, BDF },
		{ "MSIs not isolated", 0, EPERM, false, VFIO_FAILURE_UNSAFE_INTERRUPTS,
		  "IOMMU group 1" },
		{ "IOMMU held elsewhere", 0, EBUSY, false, VFIO_FAILURE_BUSY, "IOMMU group 1" },
		{ "IOMMU says no", 0, EINVAL, false, VFIO_FAILURE_OTHER, "IOMMU group 1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pci_bdf bdf = { .dev = 1 };
		struct vfio_failure failure = { 0 };
		struct world w;

		print_message("%s\n", cases[i].why);
		start(&w);
		w.fake.group_errno = cases[i].group_errno;
		w.fake.set_iommu_errno = cases[i].set_iommu_errno;
		w.fake.not_viable = cases[i].not_viable;
		assert_true(vfio_device_create(w.container, &w.fake.tree.fs, &bdf, &w.dev,
					       &failure) < 0);
		assert_int_equal(failure.code, cases[i].code);
		assert_string_equal(failure.object, cases[i].object);
		stop(&w);
	}
}

static void try_ranges_are_known_after_a_group_joined(enum vfio_iommu_kind kind)
{
	const struct iova_range *ranges;
	struct world w;

	start_with(&w, kind);
	assert_int_equal(w.container->iommu.nr_ranges, 0);
	w.dev = fake_open(&w.fake, w.container, BDF);
	ranges = w.container->iommu.ranges;
	assert_int_equal(w.container->iommu.nr_ranges, 2);
	assert_true(ranges[0].first == 0);
	assert_true(ranges[0].last == 0x7ffffff);
	assert_true(ranges[1].first == 0x8100000);
	assert_true(ranges[1].last == 0xffffffffffff);
	stop(&w);
}

static void test_ranges_are_known_after_a_group_joined(void **state)
{
	(void)state;
	for (EACH_KIND(kind))
		try_ranges_are_known_after_a_group_joined(kind);
}

static void try_mapping_outside_the_ranges_names_the_hole(enum vfio_iommu_kind kind)
{
	static const struct {
		const char *why;
		uint64_t iova, size;
		int want;
		const char *hole;
	} cases[] = {
		{ "first page", 0, 0x1000, 0, "" },
		{ "up to the hole", 0, 0x8000000, 0, "" },
		{ "one page too far", 0, 0x8001000, -ERANGE, "0x8000000-0x80fffff" },
		{ "in the hole", 0x8001000, 0x1000, -ERANGE, "0x8000000-0x80fffff" },
		{ "behind it", 0x8100000, 0x1000, 0, "" },
		{ "one page too early", 0x80ff000, 0x2000, -ERANGE, "0x8000000-0x80fffff" },
		{ "across it", 0, 0x10000000, -ERANGE, "0x8000000-0x80fffff" },
		{ "up to the last page", 0xfffffffff000, 0x1000, 0, "" },
		{ "over the end", 0xfffffffff000, 0x2000, -ERANGE,
		  "0x1000000000000-0xffffffffffffffff" },
		{ "beyond", 0x1000000000000, 0x1000, -ERANGE,
		  "0x1000000000000-0xffffffffffffffff" },
		{ "last page of all", UINT64_MAX - 0xfff, 0x1000, -ERANGE,
		  "0x1000000000000-0xffffffffffffffff" },
		{ "wraps", UINT64_MAX - 0xfff, 0x2000, -EINVAL, "" },
		{ "nothing", 0x40000000, 0, -EINVAL, "" },
		{ "not a page's size", 0x40000000, 0x1800, -EINVAL, "" },
		{ "not at a page", 0x40000800, 0x1000, -EINVAL, "" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct vfio_failure failure = { 0 };
		struct world w;

		start_with(&w, kind);
		w.dev = fake_open(&w.fake, w.container, BDF);

		print_message("%s\n", cases[i].why);
		assert_int_equal(vfio_dma_map(w.container, cases[i].iova, cases[i].size,
					      (void *)0x10000000, &failure),
				 cases[i].want);
		assert_string_equal(failure.other, cases[i].hole);
		if (cases[i].want == -ERANGE)
			assert_int_equal(failure.code, VFIO_FAILURE_IOVA);
		assert_int_equal(w.fake.nr_dma, cases[i].want == 0);
		stop(&w);
	}
}

static void test_mapping_outside_the_ranges_names_the_hole(void **state)
{
	(void)state;
	for (EACH_KIND(kind))
		try_mapping_outside_the_ranges_names_the_hole(kind);
}

static void test_what_is_not_mapped_is_told_once_a_group_has_joined(void **state)
{
	static struct vfio_holes holes;
	struct world w;

	(void)state;
	start(&w);
	memset(&holes, 0, sizeof(holes));
	assert_int_equal(vfio_container_holes(w.container, &holes), 0);
	assert_int_equal(holes.nr, 0);
	w.dev = fake_open(&w.fake, w.container, BDF);
	assert_int_equal(vfio_container_holes(w.container, &holes), 0);
	assert_int_equal(holes.nr, 2);
	assert_int_equal(holes.list[0].kind, VFIO_HOLE_IOMMU);
	assert_int_equal(holes.list[0].first, 0x8000000);
	assert_int_equal(holes.list[0].last, 0x80fffff);
	assert_int_equal(holes.list[1].first, UINT64_C(0x1000000000000));
	assert_true(holes.list[1].last == UINT64_MAX);
	stop(&w);

	/* A kernel that does not tell maps all, for all that is known. */
	start(&w);
	w.fake.no_ranges = true;
	w.dev = fake_open(&w.fake, w.container, BDF);
	memset(&holes, 0, sizeof(holes));
	assert_int_equal(vfio_container_holes(w.container, &holes), 0);
	assert_int_equal(holes.nr, 0);
	stop(&w);
}

static void test_kernel_without_ranges_leaves_the_answer_to_mapping(void **state)
{
	struct vfio_failure failure = { 0 };
	struct world w;

	(void)state;
	start(&w);
	w.fake.no_ranges = true;
	w.dev = fake_open(&w.fake, w.container, BDF);
	assert_int_equal(w.container->iommu.nr_ranges, 1);
	assert_true(w.container->iommu.ranges[0].last == UINT64_MAX);
	assert_int_equal(
		vfio_dma_map(w.container, UINT64_MAX - 0xfff, 0x1000, (void *)0x1000, &failure), 0);
	w.fake.map_errno = EINVAL;
	assert_int_equal(vfio_dma_map(w.container, 0x8000000, 0x1000, (void *)0x1000, &failure),
			 -EINVAL);
	assert_int_equal(failure.code, VFIO_FAILURE_OTHER);
	assert_string_equal(failure.object, "DMA 0x8000000-0x8000fff");
	stop(&w);
}

static void test_answer_that_claims_more_ranges_than_it_has_is_refused(void **state)
{
	struct pci_bdf bdf = { .dev = 1 };
	struct vfio_failure failure = { 0 };
	struct world w;

	(void)state;
	start(&w);
	w.fake.odd_ranges = true;
	assert_int_equal(vfio_device_create(w.container, &w.fake.tree.fs, &bdf, &w.dev, &failure),
			 -EPROTO);
	assert_string_equal(failure.object, "VFIO_IOMMU_GET_INFO");
	stop(&w);
}

static void test_ranges_that_overlap_are_refused(void **state)
{
	struct pci_bdf bdf = { .dev = 1 };
	struct vfio_failure failure = { 0 };
	struct world w;

	(void)state;
	start(&w);
	w.fake.crossed_ranges = true;
	assert_int_equal(vfio_device_create(w.container, &w.fake.tree.fs, &bdf, &w.dev, &failure),
			 -EPROTO);
	assert_string_equal(failure.object, "VFIO_IOMMU_GET_INFO");
	assert_null(w.dev);
	stop(&w);
}

static void try_mapping_over_the_lock_limit_says_by_how_much(enum vfio_iommu_kind kind)
{
	const struct rlimit small = { 1 << 20, 1 << 20 };
	struct vfio_failure failure = { 0 };
	struct rlimit before;
	struct world w;

	start_with(&w, kind);
	w.dev = fake_open(&w.fake, w.container, BDF);
	assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &before), 0);
	if (setrlimit(RLIMIT_MEMLOCK, &small) < 0) {
		stop(&w);
		skip();
	}
	assert_int_equal(vfio_dma_map(w.container, 0, 0x80000, (void *)0x1000000, &failure), 0);
	w.fake.map_errno = ENOMEM;
	assert_int_equal(
		vfio_dma_map(w.container, 0x40000000, 0x100000, (void *)0x1000000, &failure),
		-ENOMEM);
	assert_int_equal(failure.code, VFIO_FAILURE_MEMLOCK);
	assert_true(failure.have == 0x100000);
	assert_true(failure.want == 0x180000);
	/* Of all that is to be mapped, and not of the piece alone. */
	assert_int_equal(
		vfio_dma_map_in_pieces(w.container, 0x40000000, 0x100000, (void *)0x1000000,
				       &(struct vfio_dma_progress){ .piece = 0x1000 }, &failure),
		-ENOMEM);
	assert_true(failure.want == 0x180000);
	/* Where the limit is not the reason, it is not named. */
	assert_int_equal(
		vfio_dma_map(w.container, 0x40000000, 0x80000, (void *)0x1000000, &failure),
		-ENOMEM);
	assert_int_equal(failure.code, VFIO_FAILURE_OTHER);
	(void)setrlimit(RLIMIT_MEMLOCK, &before);
	stop(&w);
}

static void test_mapping_over_the_lock_limit_says_by_how_much(void **state)
{
	(void)state;
	for (EACH_KIND(kind))
		try_mapping_over_the_lock_limit_says_by_how_much(kind);
}

struct watcher {
	uint64_t until, done[8];
	unsigned nr;
};

static bool watch(void *ctx, uint64_t done, uint64_t size)
{
	struct watcher *w = ctx;

	assert_true(size == 0x5000);
	assert_in_range(w->nr, 0, sizeof(w->done) / sizeof(w->done[0]) - 1);
	w->done[w->nr++] = done;
	return done < w->until;
}

static void try_much_memory_is_mapped_in_pieces_until_somebody_says_no(enum vfio_iommu_kind kind)
{
	struct vfio_failure failure = { 0 };
	struct watcher watcher = { .until = UINT64_MAX };
	const struct vfio_dma_progress progress = { 0x2000, watch, &watcher };
	struct world w;

	start_with(&w, kind);
	w.dev = fake_open(&w.fake, w.container, BDF);
	assert_int_equal(
		vfio_dma_map_in_pieces(w.container, 0, 0x5000, (void *)0x1000, &progress, &failure),
		0);
	assert_int_equal(watcher.nr, 3);
	assert_true(watcher.done[0] == 0 && watcher.done[1] == 0x2000 && watcher.done[2] == 0x4000);
	assert_int_equal(w.fake.nr_dma, 3);
	assert_int_equal(w.container->mapped, 0x5000);

	watcher = (struct watcher){ .until = 0x2000 };
	assert_int_equal(vfio_dma_map_in_pieces(w.container, 0x40000000, 0x5000, (void *)0x1000,
						&progress, &failure),
			 -EINTR);
	assert_int_equal(watcher.nr, 2);
	assert_int_equal(w.fake.nr_dma, 4);
	assert_int_equal(failure.error, EINTR);
	/* It is known in whole before the first piece whether it can be mapped. */
	watcher = (struct watcher){ .until = UINT64_MAX };
	assert_int_equal(vfio_dma_map_in_pieces(w.container, UINT64_MAX - 0x3fff, 0x5000,
						(void *)0x1000, &progress, &failure),
			 -EINVAL);
	assert_int_equal(watcher.nr, 0);
	stop(&w);
}

static void test_much_memory_is_mapped_in_pieces_until_somebody_says_no(void **state)
{
	(void)state;
	for (EACH_KIND(kind))
		try_much_memory_is_mapped_in_pieces_until_somebody_says_no(kind);
}

static void try_nothing_is_mapped_before_a_group_joins_or_after_the_last_left(
	enum vfio_iommu_kind kind)
{
	struct vfio_failure failure = { 0 };
	struct world w;

	start_with(&w, kind);
	assert_int_equal(vfio_dma_map(w.container, 0, 0x1000, (void *)0x1000, &failure), -ENODEV);
	assert_int_equal(failure.code, VFIO_FAILURE_OTHER);
	assert_string_equal(failure.object, "container without a function");
	w.dev = fake_open(&w.fake, w.container, BDF);
	assert_int_equal(vfio_dma_map(w.container, 0, 0x1000, (void *)0x1000, &failure), 0);
	assert_int_equal(w.container->mapped, 0x1000);
	vfio_device_destroy(TAKE_PTR(w.dev));
	assert_int_equal(w.fake.nr_dma, 0);
	assert_int_equal(w.container->mapped, 0);
	assert_int_equal(vfio_dma_map(w.container, 0, 0x1000, (void *)0x1000, &failure), -ENODEV);
	stop(&w);
}

static void test_nothing_is_mapped_before_a_group_joins_or_after_the_last_left(void **state)
{
	(void)state;
	for (EACH_KIND(kind))
		try_nothing_is_mapped_before_a_group_joins_or_after_the_last_left(kind);
}

static void test_group_is_shared_and_left_with_its_last_function(void **state)
{
	struct vfio_device *first, *second, *other;
	struct vfio_container *container;
	struct fake_vfio fake;

	(void)state;
	fake_init(&fake);
	fake_add_nvme(&fake, "0000:00:01.0", 5);
	fake_add_e1000e(&fake, "0000:00:01.1", 5);
	fake_add_full(&fake, "0000:00:02.0", 6);
	fake_publish(&fake);
	fake_container(&fake, &container);
	first = fake_open(&fake, container, "0000:00:01.0");
	second = fake_open(&fake, container, "0000:00:01.1");
	assert_int_equal(fake.nr_groups_joined, 1);
	other = fake_open(&fake, container, "0000:00:02.0");
	assert_int_equal(fake.nr_groups_joined, 2);
	vfio_device_destroy(first);
	assert_int_equal(fake.nr_groups_joined, 2);
	vfio_device_destroy(second);
	assert_int_equal(fake.nr_groups_joined, 1);
	assert_int_not_equal(container->iommu.nr_ranges, 0);
	/* It can come back, and the IOMMU is set anew after the last one left. */
	second = fake_open(&fake, container, "0000:00:01.1");
	vfio_device_destroy(second);
	vfio_device_destroy(other);
	assert_false(fake.iommu_set);
	assert_false(container->iommu.ready);
	other = fake_open(&fake, container, "0000:00:02.0");
	assert_true(fake.iommu_set);
	vfio_device_destroy(other);
	vfio_container_destroy(container);
	fake_fini(&fake);
}

static void test_destroy_takes_null(void **state)
{
	(void)state;
	vfio_container_destroy(NULL);
	vfio_device_destroy(NULL);
}

/* Chains as a kernel could write them, and as none should. */
static void test_capability_chains_are_followed_within_the_answer_only(void **state)
{
	static const struct {
		const char *why;
		uint32_t first;
		struct vfio_info_cap_header headers[3]; /* at 8, 20 (not aligned to 8) and 32 */
		uint16_t id;
		size_t room; /* 0: not found */
	} cases[] = {
		{ "no chain", 0, { { 1, 1, 0 }, { 0 }, { 0 } }, 1, 0 },
		{ "first", 8, { { 1, 1, 20 }, { 2, 1, 0 }, { 0 } }, 1, 32 },
		{ "second, at a multiple of 4", 8, { { 1, 1, 20 }, { 2, 1, 0 }, { 0 } }, 2, 20 },
		{ "backwards", 32, { { 3, 1, 0 }, { 0 }, { 1, 1, 8 } }, 3, 32 },
		{ "not there", 8, { { 1, 1, 20 }, { 2, 1, 32 }, { 3, 1, 0 } }, 9, 0 },
		{ "itself", 8, { { 1, 1, 8 }, { 0 }, { 0 } }, 9, 0 },
		{ "circle", 8, { { 1, 1, 20 }, { 2, 1, 32 }, { 3, 1, 8 } }, 9, 0 },
		{ "starts beyond", 40, { { 0 } }, 0, 0 },
		{ "header crosses the end", 36, { { 0 } }, 0, 0 },
		{ "far beyond", UINT32_MAX, { { 0 } }, 0, 0 },
		{ "leads beyond", 8, { { 1, 1, 1000 }, { 0 }, { 0 } }, 2, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		/* Of exactly that size, so that the sanitizer sees a step too far. */
		char *answer = calloc(1, 40);
		size_t room = 0;
		const void *cap;

		print_message("%s\n", cases[i].why);
		assert_non_null(answer);
		for (unsigned k = 0; k < 3; k++)
			memcpy(answer + 8 + 12 * k, &cases[i].headers[k], 8);
		cap = vfio_find_cap(answer, 40, cases[i].first, cases[i].id, &room);
		assert_int_equal(!!cap, !!cases[i].room);
		assert_int_equal(room, cases[i].room);
		free(answer);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_create_names_what_is_missing),
		cmocka_unit_test(test_joining_names_what_stands_in_the_way),
		cmocka_unit_test(test_ranges_are_known_after_a_group_joined),
		cmocka_unit_test(test_mapping_outside_the_ranges_names_the_hole),
		cmocka_unit_test(test_what_is_not_mapped_is_told_once_a_group_has_joined),
		cmocka_unit_test(test_kernel_without_ranges_leaves_the_answer_to_mapping),
		cmocka_unit_test(test_answer_that_claims_more_ranges_than_it_has_is_refused),
		cmocka_unit_test(test_ranges_that_overlap_are_refused),
		cmocka_unit_test(test_mapping_over_the_lock_limit_says_by_how_much),
		cmocka_unit_test(test_much_memory_is_mapped_in_pieces_until_somebody_says_no),
		cmocka_unit_test(
			test_nothing_is_mapped_before_a_group_joins_or_after_the_last_left),
		cmocka_unit_test(test_group_is_shared_and_left_with_its_last_function),
		cmocka_unit_test(test_destroy_takes_null),
		cmocka_unit_test(test_capability_chains_are_followed_within_the_answer_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
