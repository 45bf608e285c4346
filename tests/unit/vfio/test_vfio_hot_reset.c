// SPDX-License-Identifier: MIT
/*
 * Resets by the slot, of functions that have none of their own or whose own fails; and what is
 * tried again. All with type1 and with iommufd.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "tests/unit/vfio/vfio_fake.h"
#include "vfio/iommufd_abi.h"

#define NS_PER_MS UINT64_C(1000000)
#define FIRST	  "0000:01:00.0"
#define SECOND	  "0000:01:00.1"
#define ALONE	  "0000:02:00.0"
#define TRIES	  8u

static const char *const names[] = { FIRST, SECOND, ALONE };

struct world {
	struct fake_vfio fake;
	struct fake_function *fns[3]; /* two of one slot, and one of another */
	struct vfio_container *container;
	struct vfio_device *devs[3];
	struct vfio_reset_result results[3];
	/* What the first one's guest was told. */
	unsigned bars_changed, nr_failed;
	struct vfio_failure why;
};

static void bars_changed(void *ctx)
{
	((struct world *)ctx)->bars_changed++;
}

static void reset_failed(void *ctx, const struct vfio_failure *why)
{
	struct world *w = ctx;

	w->nr_failed++;
	w->why = *why;
}

static const struct vfio_device_ops ops = { .bars_changed = bars_changed,
					    .reset_failed = reset_failed };

/* Who runs a test says what DMA goes by; what is not said otherwise holds for both. */
static enum vfio_iommu_kind kinds[] = { VFIO_IOMMU_TYPE1, VFIO_IOMMU_IOMMUFD };

static bool by_iommufd(const enum vfio_iommu_kind *kind)
{
	return *kind == VFIO_IOMMU_IOMMUFD;
}

/* None has a reset of its own; groups say who shares one. */
static void make(struct world *w, const enum vfio_iommu_kind *kind, const int groups[3])
{
	*w = (struct world){ 0 };
	fake_init(&w->fake);
	w->fake.kind = *kind;
	for (size_t i = 0; i < 3; i++) {
		w->fns[i] = fake_add_full(&w->fake, names[i], groups[i]);
		w->fns[i]->can_reset = false;
		w->fns[i]->slot = i < 2 ? 1 : 2;
	}
	fake_publish(&w->fake);
	fake_container(&w->fake, &w->container);
}

static void open_them(struct world *w, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		w->devs[i] = fake_open(&w->fake, w->container, names[i]);
	vfio_device_set_ops(w->devs[0], &ops, w);
}

static void make_and_open(struct world *w, const enum vfio_iommu_kind *kind)
{
	make(w, kind, (const int[]){ 1, 1, 2 });
	open_them(w, 3);
}

static void stop(struct world *w)
{
	for (size_t i = 0; i < 3; i++)
		vfio_device_destroy(w->devs[i]);
	vfio_container_destroy(w->container);
	fake_fini(&w->fake);
}

static void use(struct world *w)
{
	for (size_t i = 0; i < 3; i++) {
		if (!w->devs[i])
			continue;
		vfio_cfgspace_write(w->devs[i], PCI_BASE_ADDRESS_0, 4, 0x40000000);
		vfio_cfgspace_write(w->devs[i], PCI_COMMAND, 2,
				    PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	}
}

static void expect_quiet(const struct world *w, size_t i)
{
	assert_false(fake_cfgspace(w->fns[i], PCI_COMMAND, 2) & PCI_COMMAND_MASTER);
	assert_int_equal(vfio_cfgspace_read(w->devs[i], PCI_COMMAND, 2), 0);
	assert_int_equal(vfio_cfgspace_read(w->devs[i], PCI_BASE_ADDRESS_0, 4) & ~0xfu, 0);
}

static void expect_results(const struct world *w, size_t nr, enum vfio_failure_code code)
{
	for (size_t i = 0; i < nr; i++) {
		assert_int_equal(w->results[i].failed,
				 code ? VFIO_RESET_STEP_RESET : VFIO_RESET_STEP_NONE);
		assert_int_equal(w->results[i].why.code, code);
		if (code)
			assert_string_equal(w->results[i].why.object, names[i]);
	}
}

static void test_each_slot_is_reset_once(void **state)
{
	struct world w;

	make_and_open(&w, *state);
	assert_int_equal(w.fake.hot_reset_tries, 0);
	vfio_reset_due(w.devs, 3, w.results);
	expect_results(&w, 3, VFIO_FAILURE_NONE);
	assert_int_equal(w.fake.hot_resets, 2);
	/* Nothing is due any more. */
	vfio_reset_due(w.devs, 3, w.results);
	assert_int_equal(w.fake.hot_resets, 2);
	use(&w);
	vfio_reset_all(w.devs, 3, w.results);
	expect_results(&w, 3, VFIO_FAILURE_NONE);
	assert_int_equal(w.fake.hot_resets, 4);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(w.fns[i]->hot_resets, 2);
		expect_quiet(&w, i);
	}
	/* That its BAR is where it was not any more, after the reset; use() moved it, and back. */
	assert_int_equal(w.bars_changed, 2);
	assert_int_equal(w.fake.nr_sleeps, 0);
	stop(&w);
}

static void test_who_has_a_reset_of_its_own_gets_that(void **state)
{
	struct world w;

	make(&w, *state, (const int[]){ 1, 1, 2 });
	w.fns[0]->can_reset = w.fns[1]->can_reset = w.fns[2]->can_reset = true;
	open_them(&w, 3);
	vfio_reset_due(w.devs, 3, w.results);
	vfio_reset_all(w.devs, 3, w.results);
	expect_results(&w, 3, VFIO_FAILURE_NONE);
	assert_int_equal(w.fake.hot_reset_tries, 0);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(w.fns[i]->resets, 2);
	stop(&w);
}

static void test_where_its_own_reset_fails_its_slot_is_reset(void **state)
{
	struct world w;

	make(&w, *state, (const int[]){ 1, 1, 2 });
	w.fns[0]->can_reset = true;
	w.fns[0]->reset_errno = ENOTTY;
	w.fns[0]->reset_fails = 1;
	w.fns[1]->can_reset = true;
	w.fns[2]->can_reset = true;
	open_them(&w, 3);
	assert_int_equal(w.fns[0]->resets, 0);
	w.fns[0]->reset_fails = 1;
	vfio_reset_due(w.devs, 3, w.results);
	expect_results(&w, 3, VFIO_FAILURE_NONE);
	assert_int_equal(w.fns[0]->hot_resets, 1);
	assert_int_equal(w.fns[2]->hot_resets, 0);
	stop(&w);
}

/* An errno, how often it is seen, and what is told. */
static void test_what_fails_is_tried_again_unless_it_would_be_answered_again(void **state)
{
	static const struct {
		int error;
		unsigned fails, tries;
		enum vfio_failure_code told;
	} cases[] = {
		{ EAGAIN, 1, 2, VFIO_FAILURE_NONE },
		{ EBUSY, TRIES - 1, TRIES, VFIO_FAILURE_NONE },
		{ EAGAIN, 100, TRIES, VFIO_FAILURE_RESET_BUSY },
		{ EBUSY, 100, TRIES, VFIO_FAILURE_RESET_BUSY },
		{ EIO, 2, 3, VFIO_FAILURE_NONE },
		{ ETIMEDOUT, 100, TRIES, VFIO_FAILURE_RESET },
		{ ENOTTY, 100, 1, VFIO_FAILURE_RESET },
		{ ENODEV, 100, 1, VFIO_FAILURE_RESET },
		{ EPERM, 100, 1, VFIO_FAILURE_RESET },
		{ EINVAL, 100, 1, VFIO_FAILURE_RESET_SHARED },
	};
	struct world w;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		make_and_open(&w, *state);
		use(&w);
		w.fake.hot_reset_errno = cases[i].error;
		w.fake.hot_reset_fails = cases[i].fails;
		vfio_reset_all(w.devs, 2, w.results);
		expect_results(&w, 2, cases[i].told);
		assert_int_equal(w.fake.hot_reset_tries, cases[i].tries);
		assert_int_equal(w.fake.nr_sleeps, cases[i].tries - 1);
		assert_in_range(w.fake.slept_ns, NS_PER_MS * 10 * w.fake.nr_sleeps,
				NS_PER_MS * 2000);
		/* Whatever became of it, both are quiet. */
		expect_quiet(&w, 0);
		expect_quiet(&w, 1);
		stop(&w);
	}
}

static void test_its_own_reset_is_tried_again_too(void **state)
{
	struct world w;

	make(&w, *state, (const int[]){ 1, 1, 2 });
	w.fns[2]->can_reset = true;
	w.fns[2]->slot = 0;
	w.fns[2]->reset_errno = EAGAIN;
	w.fns[2]->reset_fails = 3;
	open_them(&w, 3);
	assert_int_equal(w.fns[2]->resets, 1);
	assert_int_equal(w.fake.nr_sleeps, 3);
	w.fns[2]->reset_fails = 100;
	vfio_reset_all(w.devs + 2, 1, w.results + 2);
	assert_int_equal(w.results[2].why.code, VFIO_FAILURE_RESET_BUSY);
	assert_int_equal(w.results[2].why.error, EAGAIN);
	assert_int_equal(w.fns[2]->reset_fails, 100 - TRIES);
	stop(&w);
}

static void test_a_function_of_others_is_never_reset(void **state)
{
	struct world w;

	/* Its sibling is in a group that the guest has not. */
	make(&w, *state, (const int[]){ 1, 3, 2 });
	open_them(&w, 1);
	vfio_reset_due(w.devs, 1, w.results);
	expect_results(&w, 1, VFIO_FAILURE_RESET_SHARED);
	assert_string_equal(w.results[0].why.other, SECOND);
	assert_int_equal(w.fake.hot_reset_tries, 0);
	stop(&w);

	/* Of its own group, it is nobody else's: it need not be the guest's. */
	make(&w, *state, (const int[]){ 1, 1, 2 });
	open_them(&w, 1);
	vfio_reset_due(w.devs, 1, w.results);
	expect_results(&w, 1, VFIO_FAILURE_NONE);
	assert_int_equal(w.fns[1]->hot_resets, 1);
	stop(&w);

	/* Where vfio-pci has it not, only iommufd's answer says which it is; else, that one
	 * refuses. */
	make(&w, *state, (const int[]){ 1, 1, 2 });
	w.fns[1]->driver = "pci-stub";
	open_them(&w, 1);
	vfio_reset_due(w.devs, 1, w.results);
	expect_results(&w, 1, VFIO_FAILURE_RESET_SHARED);
	assert_string_equal(w.results[0].why.other, by_iommufd(*state) ? SECOND : "");
	assert_int_equal(w.fns[1]->hot_resets, 0);
	stop(&w);
}

static void test_groups_of_a_slot_are_shown_once_each(void **state)
{
	struct world w;

	make(&w, *state, (const int[]){ 1, 3, 2 });
	open_them(&w, 3);
	vfio_reset_due(w.devs, 3, w.results);
	expect_results(&w, 3, VFIO_FAILURE_NONE);
	assert_int_equal(w.fake.hot_resets, 2);
	stop(&w);
}

/* Whose it is, is as of now: of a group that comes with its function, and goes with it. */
static void test_whose_a_function_is_is_asked_before_each_reset(void **state)
{
	struct world w;

	make(&w, *state, (const int[]){ 1, 3, 2 });
	open_them(&w, 1);
	vfio_reset_due(w.devs, 1, w.results);
	expect_results(&w, 1, VFIO_FAILURE_RESET_SHARED);
	assert_string_equal(w.results[0].why.other, SECOND);

	w.devs[1] = fake_open(&w.fake, w.container, SECOND);
	vfio_reset_all(w.devs, 2, w.results);
	expect_results(&w, 2, VFIO_FAILURE_NONE);
	assert_int_equal(w.fns[0]->hot_resets, 1);
	assert_int_equal(w.fns[1]->hot_resets, 1);

	vfio_device_destroy(TAKE_PTR(w.devs[1]));
	vfio_reset_all(w.devs, 1, w.results);
	expect_results(&w, 1, VFIO_FAILURE_RESET_SHARED);
	assert_string_equal(w.results[0].why.other, SECOND);
	assert_int_equal(w.fns[1]->hot_resets, 1);
	stop(&w);
}

static void test_a_slot_that_has_one_more_by_now_is_left_alone(void **state)
{
	struct world w;

	make(&w, *state, (const int[]){ 1, 3, 2 });
	w.fake.late_functions = 2;
	open_them(&w, 1);
	vfio_reset_due(w.devs, 1, w.results);
	expect_results(&w, 1, VFIO_FAILURE_RESET_SHARED);
	assert_string_equal(w.results[0].why.other, "");
	assert_int_equal(w.fake.hot_reset_tries, 0);
	/* Once it is away again, all is as it was. */
	w.fns[1]->slot = 0;
	vfio_reset_all(w.devs, 1, w.results);
	expect_results(&w, 1, VFIO_FAILURE_NONE);
	assert_int_equal(w.fns[0]->hot_resets, 1);
	stop(&w);
}

static void test_a_function_without_any_reset_is_told(void **state)
{
	struct world w;

	make(&w, *state, (const int[]){ 1, 1, 2 });
	w.fns[0]->slot = 0;
	open_them(&w, 1);
	vfio_reset_due(w.devs, 1, w.results);
	expect_results(&w, 1, VFIO_FAILURE_NO_RESET);
	use(&w);
	vfio_reset_all(w.devs, 1, w.results);
	expect_results(&w, 1, VFIO_FAILURE_NO_RESET);
	expect_quiet(&w, 0);
	stop(&w);
}

/* Function Level Reset by the guest. */
static void ask_flr(struct world *w, size_t i)
{
	vfio_cfgspace_write(w->devs[i], FULL_AF + PCI_AF_CTRL, 1, PCI_AF_CTRL_FLR);
}

static bool shows_flr(struct world *w, size_t i)
{
	return vfio_cfgspace_read(w->devs[i], FULL_EXP + PCI_EXP_DEVCAP, 4) & PCI_EXP_DEVCAP_FLR;
}

static void test_the_guests_reset_of_a_function_is_of_that_one(void **state)
{
	struct world w;

	make(&w, *state, (const int[]){ 1, 1, 2 });
	w.fns[0]->can_reset = true;
	open_them(&w, 3);
	assert_true(shows_flr(&w, 0));
	assert_false(shows_flr(&w, 1)); /* there is none that leaves the first one alone */
	assert_true(shows_flr(&w, 2));	/* its slot's is one */

	ask_flr(&w, 2);
	assert_int_equal(w.fns[2]->hot_resets, 1);

	/* That its own fails is no reason to reset the second one. */
	w.fns[0]->reset_errno = EIO;
	w.fns[0]->reset_fails = 100;
	ask_flr(&w, 0);
	assert_int_equal(w.fns[0]->hot_resets, 0);
	assert_int_equal(w.nr_failed, 1);
	assert_int_equal(w.why.code, VFIO_FAILURE_RESET);
	assert_int_equal(w.why.error, EIO);
	assert_string_equal(w.why.object, FIRST);
	expect_quiet(&w, 0);
	w.fns[0]->reset_fails = 0;
	ask_flr(&w, 0);
	assert_int_equal(w.nr_failed, 1);
	stop(&w);
}

static void test_a_function_that_comes_between_two_questions_is_known(void **state)
{
	struct world w;

	make(&w, *state, (const int[]){ 1, 3, 2 });
	w.fake.late_functions = 1;
	open_them(&w, 1);
	vfio_reset_due(w.devs, 1, w.results);
	expect_results(&w, 1, VFIO_FAILURE_RESET_SHARED);
	stop(&w);
}

/* ---- a kernel that answers something else --------------------------------------------- */

static int (*fake_ioctl)(void *ctx, int fd, unsigned long request, void *arg);
static void *(*fake_zalloc)(void *ctx, size_t nr, size_t size);
static uint32_t odd_count, odd_flags;
static unsigned nr_zallocs;

static int odd_ioctl(void *ctx, int fd, unsigned long request, void *arg)
{
	int r = fake_ioctl(ctx, fd, request, arg);
	struct vfio_pci_hot_reset_info *info = arg;

	if (request != VFIO_DEVICE_GET_PCI_HOT_RESET_INFO)
		return r;
	info->count = odd_flags ? info->count : odd_count;
	info->flags ^= odd_flags;
	return r;
}

static void *counting_zalloc(void *ctx, size_t nr, size_t size)
{
	nr_zallocs++;
	return fake_zalloc(ctx, nr, size);
}

/* make(), with these in the fake's place. */
static void make_odd(struct world *w, const enum vfio_iommu_kind *kind)
{
	make(w, kind, (const int[]){ 1, 1, 2 });
	vfio_container_destroy(w->container);
	fake_ioctl = w->fake.sys.ioctl;
	fake_zalloc = w->fake.sys.zalloc;
	w->fake.sys.ioctl = odd_ioctl;
	w->fake.sys.zalloc = counting_zalloc;
	fake_container(&w->fake, &w->container);
	open_them(w, 1);
}

static void test_an_answer_that_makes_no_sense_is_none(void **state)
{
	static const uint32_t odd[] = { 0, 1000000, UINT32_MAX };
	struct world w;

	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		odd_count = odd[i];
		odd_flags = 0;
		make_odd(&w, *state);
		vfio_reset_due(w.devs, 1, w.results);
		expect_results(&w, 1, VFIO_FAILURE_NO_RESET);
		stop(&w);
	}
}

/* Groups are no devids, nor are devids groups. */
static void test_an_answer_of_the_other_interface_says_that_nobody_is_ours(void **state)
{
	struct world w;

	odd_flags = ABI_VFIO_PCI_HOT_RESET_FLAG_DEV_ID;
	make_odd(&w, *state);
	vfio_reset_due(w.devs, 1, w.results);
	expect_results(&w, 1, VFIO_FAILURE_RESET_SHARED);
	assert_string_equal(w.results[0].why.other, FIRST);
	assert_int_equal(w.fake.hot_reset_tries, 0);
	stop(&w);
}

/* A guest's reset is on a vCPU's thread. */
static void test_a_reset_allocates_nothing(void **state)
{
	struct world w;

	odd_flags = ABI_VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED; /* which nobody asks for */
	make_odd(&w, *state);
	nr_zallocs = 0;
	vfio_reset_due(w.devs, 1, w.results);
	expect_results(&w, 1, VFIO_FAILURE_NONE);
	assert_int_equal(w.fake.hot_resets, 1);
	assert_int_equal(nr_zallocs, 0);
	stop(&w);
}

/* ---- one that leaves --------------------------------------------------------------- */

struct leaving {
	struct fake_vfio fake;
	struct fake_function *fn;
	struct vfio_container *container;
	struct vfio_device *dev, *leaves;
	pthread_t other;
	_Atomic bool began, ended;
	bool ended_before;
};

static void *leave(void *arg)
{
	struct leaving *l = arg;

	l->began = true;
	vfio_device_detach(l->leaves);
	l->ended = true;
	return NULL;
}

static void see_it_leave(void *arg)
{
	const struct timespec a_while = { .tv_nsec = 20000000 };
	struct leaving *l = arg;

	assert_int_equal(pthread_create(&l->other, NULL, leave, l), 0);
	while (!l->began)
		sched_yield();
	(void)nanosleep(&a_while, NULL);
	l->ended_before = l->ended;
}

/* Its group's file is closed, and it is in no list any more, when the reset has done with both. */
static void test_who_leaves_waits_for_the_reset_of_a_slot(void **state)
{
	const enum vfio_iommu_kind *kind = *state;
	struct leaving l = { 0 };
	enum vfio_reset_step failed;

	fake_init(&l.fake);
	l.fake.kind = *kind;
	l.fn = fake_add_full(&l.fake, FIRST, 1);
	l.fn->can_reset = false;
	l.fn->slot = 1;
	(void)fake_add_full(&l.fake, ALONE, 2);
	fake_publish(&l.fake);
	fake_container(&l.fake, &l.container);
	l.dev = fake_open(&l.fake, l.container, FIRST);
	l.leaves = fake_open(&l.fake, l.container, ALONE);
	l.fn->resetting = see_it_leave;
	l.fn->resetting_arg = &l;
	assert_int_equal(vfio_device_reset(l.dev, &failed), 0);
	assert_int_equal(l.fake.hot_resets, 1);
	assert_false(l.ended_before);
	assert_int_equal(pthread_join(l.other, NULL), 0);
	assert_true(l.ended);
	vfio_device_destroy(l.leaves);
	vfio_device_destroy(l.dev);
	vfio_container_destroy(l.container);
	fake_fini(&l.fake);
}

/* With type1, and with iommufd. */
#define BY_BOTH(test) \
	cmocka_unit_test_prestate(test, &kinds[0]), cmocka_unit_test_prestate(test, &kinds[1])

int main(void)
{
	const struct CMUnitTest tests[] = {
		BY_BOTH(test_each_slot_is_reset_once),
		BY_BOTH(test_who_has_a_reset_of_its_own_gets_that),
		BY_BOTH(test_where_its_own_reset_fails_its_slot_is_reset),
		BY_BOTH(test_what_fails_is_tried_again_unless_it_would_be_answered_again),
		BY_BOTH(test_its_own_reset_is_tried_again_too),
		BY_BOTH(test_a_function_of_others_is_never_reset),
		BY_BOTH(test_groups_of_a_slot_are_shown_once_each),
		BY_BOTH(test_whose_a_function_is_is_asked_before_each_reset),
		BY_BOTH(test_a_slot_that_has_one_more_by_now_is_left_alone),
		BY_BOTH(test_a_function_without_any_reset_is_told),
		BY_BOTH(test_the_guests_reset_of_a_function_is_of_that_one),
		BY_BOTH(test_a_function_that_comes_between_two_questions_is_known),
		BY_BOTH(test_an_answer_that_makes_no_sense_is_none),
		BY_BOTH(test_an_answer_of_the_other_interface_says_that_nobody_is_ours),
		BY_BOTH(test_a_reset_allocates_nothing),
		BY_BOTH(test_who_leaves_waits_for_the_reset_of_a_slot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
