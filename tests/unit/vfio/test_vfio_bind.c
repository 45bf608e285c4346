// SPDX-License-Identifier: MIT
/*
 * Binding to vfio-pci and back: the order of it, what is put back when a step
 * fails or the process dies, and functions that the host uses.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <linux/pci_regs.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>

#include "tests/unit/vfio/vfio_bindhost.h"
#include "vfio/record.h"

#define BDF    "0000:00:01.0"
#define RECORD "run/itsy/bound/" BDF

static const struct pci_bdf bdf = { .dev = 1 };

static int bind(struct bindhost *h, struct vfio_failure *failure)
{
	*failure = (struct vfio_failure){ 0 };
	h->writes = 0;
	return vfio_bind_with(&h->host, &h->tree.fs, &bdf, 0, failure);
}

static int release(struct bindhost *h, struct vfio_failure *failure)
{
	*failure = (struct vfio_failure){ 0 };
	h->writes = 0;
	return vfio_release_with(&h->host, &h->tree.fs, &bdf, failure);
}

static void expect(const struct bindhost *h, const char *driver, const char *override,
		   bool recorded)
{
	struct bind_record record;
	char text[64];

	assert_string_equal(bindhost_driver(h, text), driver);
	assert_string_equal(bindhost_override(h, text), override);
	assert_int_equal(bindhost_recorded(h), recorded);
	assert_int_equal(record_read(&h->tree.fs, &bdf, &record) != -ENOENT, recorded);
}

static void test_binding_records_first_and_then_goes_step_by_step(void **state)
{
	struct vfio_failure failure;
	struct bindhost h;
	char text[128], want[128];

	(void)state;
	bindhost_init(&h, BDF, "nvme");
	assert_int_equal(bind(&h, &failure), 1);
	assert_true(h.recorded_first);
	assert_int_equal(h.writes, 3);
	assert_string_equal(h.steps[0], "override vfio-pci");
	assert_string_equal(h.steps[1], "unbind");
	assert_string_equal(h.steps[2], "bind vfio-pci");
	expect(&h, "vfio-pci", "vfio-pci", true);
	(void)snprintf(want, sizeof(want), "driver=nvme\ndriver_override=\nnode=%llu",
		       (unsigned long long)record_node(&h.tree.fs, &bdf));
	assert_string_equal(tree_read(&h.tree, RECORD, text, sizeof(text)), want);
	assert_int_equal(h.modprobes, 0);
	assert_int_equal(release(&h, &failure), 0);
	assert_string_equal(h.steps[0], "override ");
	assert_string_equal(h.steps[1], "unbind");
	assert_string_equal(h.steps[2], "bind nvme");
	expect(&h, "nvme", "", false);
	bindhost_fini(&h);
}

static void test_binding_again_changes_and_records_nothing(void **state)
{
	struct vfio_failure failure;
	struct bindhost h;

	(void)state;
	bindhost_init(&h, BDF, "vfio-pci");
	assert_int_equal(bind(&h, &failure), 0);
	assert_int_equal(h.writes, 0);
	expect(&h, "vfio-pci", "", false);
	bindhost_fini(&h);

	bindhost_init(&h, BDF, "nvme");
	assert_int_equal(bind(&h, &failure), 1);
	assert_int_equal(bind(&h, &failure), 0);
	assert_int_equal(h.writes, 0);
	expect(&h, "vfio-pci", "vfio-pci", true);
	bindhost_fini(&h);
}

static void test_function_without_driver_is_bound_and_left_without(void **state)
{
	struct vfio_failure failure;
	struct bindhost h;

	(void)state;
	bindhost_init(&h, BDF, NULL);
	assert_int_equal(bind(&h, &failure), 1);
	assert_int_equal(h.writes, 2);
	expect(&h, "vfio-pci", "vfio-pci", true);
	assert_int_equal(release(&h, &failure), 0);
	expect(&h, "", "", false);
	bindhost_fini(&h);
}

static void test_an_override_of_somebody_else_is_put_back(void **state)
{
	struct vfio_failure failure;
	struct bindhost h;

	(void)state;
	bindhost_init(&h, BDF, NULL);
	tree_write(&h.tree, "sys/devices/pci0000:00/" BDF "/driver_override", "pci-stub\n");
	assert_int_equal(bind(&h, &failure), 1);
	assert_int_equal(release(&h, &failure), 0);
	expect(&h, "", "pci-stub", false);
	bindhost_fini(&h);
}

static void test_drivers_that_show_up_late_are_waited_for(void **state)
{
	struct vfio_failure failure;
	struct bindhost h;

	(void)state;
	bindhost_init(&h, BDF, "nvme");
	h.late = 20;
	assert_int_equal(bind(&h, &failure), 1);
	expect(&h, "vfio-pci", "vfio-pci", true);
	assert_int_equal(release(&h, &failure), 0);
	expect(&h, "nvme", "", false);
	bindhost_fini(&h);
}

/* The tree's controller starts, and is up after some naps. */
static void start_nvme(struct bindhost *h, const char *state)
{
	tree_write(&h->tree, "sys/devices/pci0000:00/" BDF "/nvme/nvme0/state", state);
	h->nvme_up_at = 5;
}

static void test_nvme_that_still_starts_is_not_torn_away(void **state)
{
	static const struct {
		const char *state;
		unsigned naps;
	} cases[] = { { "live\n", 0 },	     { "new\n", 6 },  { "resetting\n", 6 },
		      { "connecting\n", 6 }, { "dead\n", 0 }, { "deleting\n", 0 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct vfio_failure failure;
		struct bindhost h;

		bindhost_init(&h, BDF, "nvme");
		start_nvme(&h, cases[i].state);
		assert_int_equal(bind(&h, &failure), 1);
		assert_int_equal(h.naps, cases[i].naps);
		bindhost_fini(&h);
	}
}

static void test_driver_that_never_shows_up_is_given_up(void **state)
{
	struct vfio_failure failure;
	struct bindhost h;

	(void)state;
	bindhost_init(&h, BDF, "nvme");
	h.late = 1000000;
	assert_int_equal(bind(&h, &failure), -ETIMEDOUT);
	assert_int_equal(failure.code, VFIO_FAILURE_BIND);
	assert_in_range(h.naps, 10, 2000);
	/* Not even the old one came back, so the record stays. */
	expect(&h, "", "", true);
	h.late = 0;
	assert_int_equal(release(&h, &failure), 0);
	expect(&h, "nvme", "", false);
	bindhost_fini(&h);
}

static void test_refusal_of_vfio_puts_everything_back(void **state)
{
	static const char *const drivers[] = { "nvme", NULL };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct vfio_failure failure;
		struct bindhost h;

		bindhost_init(&h, BDF, drivers[i]);
		h.vfio_refuses = true;
		assert_int_equal(bind(&h, &failure), -EINVAL);
		assert_int_equal(failure.code, VFIO_FAILURE_BIND);
		assert_int_equal(failure.error, EINVAL);
		assert_string_equal(failure.object, BDF);
		assert_string_equal(failure.driver, drivers[i] ? drivers[i] : "");
		expect(&h, drivers[i] ? drivers[i] : "", "", false);
		bindhost_fini(&h);
	}
}

static void test_another_driver_that_wins_the_race_stays(void **state)
{
	struct vfio_failure failure;
	struct bindhost h;

	(void)state;
	bindhost_init(&h, BDF, "nvme");
	h.own_wins = true;
	assert_true(bind(&h, &failure) < 0);
	assert_int_equal(failure.code, VFIO_FAILURE_BIND);
	expect(&h, "nvme", "", false);
	bindhost_fini(&h);
}

static void test_each_write_failing_in_turn_leaves_all_as_it_was(void **state)
{
	(void)state;
	for (unsigned nth = 1;; nth++) {
		struct vfio_failure failure;
		struct bindhost h;
		int r;

		bindhost_init(&h, BDF, "nvme");
		h.fail_at = nth;
		r = bind(&h, &failure);
		if (!h.failed) {
			assert_int_equal(r, 1);
			assert_int_equal(nth, 4);
			bindhost_fini(&h);
			return;
		}
		assert_int_equal(r, -EACCES);
		assert_int_equal(failure.code, VFIO_FAILURE_PERMISSION);
		assert_int_equal(failure.error, EACCES);
		expect(&h, "nvme", "", false);
		bindhost_fini(&h);
	}
}

/* Killed after any step, of binding or of releasing: a later process puts all back. */
static void test_release_works_after_death_at_any_step(void **state)
{
	(void)state;
	for (unsigned at = 1; at <= 8; at++) {
		struct vfio_failure failure;
		struct bindhost h;

		bindhost_init(&h, BDF, "nvme");
		if (at <= 4) {
			h.die_at = at;
			(void)!bind(&h, &failure);
			/* Dead processes do not clean up, and neither remove records. */
			if (!bindhost_recorded(&h))
				tree_write(&h.tree, RECORD, "driver=nvme\ndriver_override=\n");
		} else {
			assert_int_equal(bind(&h, &failure), 1);
			h.die_at = at - 4;
			(void)!release(&h, &failure);
			if (!bindhost_recorded(&h))
				tree_write(&h.tree, RECORD, "driver=nvme\ndriver_override=\n");
		}
		h.die_at = 0;
		assert_int_equal(release(&h, &failure), 0);
		expect(&h, "nvme", "", false);
		bindhost_fini(&h);
	}
}

static void test_binding_after_a_crash_keeps_the_first_record(void **state)
{
	struct vfio_failure failure;
	struct bindhost h;

	(void)state;
	bindhost_init(&h, BDF, NULL);
	/* Died between unbind and bind: nothing is bound, the override is ours. */
	tree_write(&h.tree, RECORD, "driver=nvme\ndriver_override=\n");
	tree_write(&h.tree, "sys/devices/pci0000:00/" BDF "/driver_override", "vfio-pci\n");
	assert_int_equal(bind(&h, &failure), 1);
	assert_int_equal(release(&h, &failure), 0);
	expect(&h, "nvme", "", false);
	bindhost_fini(&h);
}

static void test_stale_record_is_replaced(void **state)
{
	struct vfio_failure failure;
	struct bind_record record;
	struct bindhost h;

	(void)state;
	bindhost_init(&h, BDF, "nvme");
	tree_write(&h.tree, RECORD, "driver=other\ndriver_override=\n");
	assert_int_equal(bind(&h, &failure), 1);
	assert_int_equal(record_read(&h.tree.fs, &bdf, &record), 0);
	assert_string_equal(record.driver, "nvme");
	bindhost_fini(&h);
}

static void test_damaged_record_lets_the_kernel_choose(void **state)
{
	static const char *const records[] = {
		"",
		"\n\n",
		"driver",
		"driver=../../../../etc\ndriver_override=\n",
		"\xff\xfe",
		"driver=.\n",
		"driver=0123456789012345678901234567890123456789012345\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		struct vfio_failure failure;
		struct bindhost h;

		bindhost_init(&h, BDF, "vfio-pci");
		tree_write(&h.tree, RECORD, records[i]);
		assert_int_equal(release(&h, &failure), 0);
		expect(&h, "nvme", "", false);
		bindhost_fini(&h);
	}
}

static void test_release_leaves_a_driver_that_somebody_else_bound(void **state)
{
	struct vfio_failure failure;
	struct bindhost h;

	(void)state;
	bindhost_init(&h, BDF, "nvme");
	assert_int_equal(bind(&h, &failure), 1);
	tree_set_driver(&h.tree, BDF, "uio_pci_generic");
	assert_int_equal(release(&h, &failure), 0);
	expect(&h, "uio_pci_generic", "", false);
	bindhost_fini(&h);
}

static void test_release_without_record_lets_the_kernel_choose(void **state)
{
	static const struct {
		const char *why, *driver, *override, *want, *want_override;
	} cases[] = {
		{ "bound to vfio-pci", "vfio-pci", "vfio-pci\n", "nvme", "" },
		{ "without an override", "vfio-pci", "(null)\n", "nvme", "" },
		{ "bound to nothing", NULL, "vfio-pci\n", "nvme", "" },
		{ "an override that is not ours", NULL, "pci-stub\n", "", "pci-stub" },
		{ "the host's driver is not touched", "nvme", "(null)\n", "nvme", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct vfio_failure failure;
		struct bindhost h;

		print_message("%s\n", cases[i].why);
		bindhost_init(&h, BDF, cases[i].driver);
		tree_write(&h.tree, "sys/devices/pci0000:00/" BDF "/driver_override",
			   cases[i].override);
		assert_int_equal(release(&h, &failure), 0);
		expect(&h, cases[i].want, cases[i].want_override, false);
		bindhost_fini(&h);
	}
}

static void test_release_of_a_function_in_use_says_so_and_keeps_the_record(void **state)
{
	struct vfio_failure failure;
	struct bindhost h;

	(void)state;
	bindhost_init(&h, BDF, "nvme");
	assert_int_equal(bind(&h, &failure), 1);
	h.group_errno = EBUSY;
	assert_int_equal(release(&h, &failure), -EBUSY);
	assert_int_equal(failure.code, VFIO_FAILURE_BUSY);
	assert_int_equal(h.writes, 0);
	expect(&h, "vfio-pci", "vfio-pci", true);
	/* Other answers are no reason. */
	h.group_errno = ENOENT;
	assert_int_equal(release(&h, &failure), 0);
	bindhost_fini(&h);
}

static void test_release_that_the_old_driver_refuses_keeps_the_record(void **state)
{
	struct vfio_failure failure;
	struct bindhost h;

	(void)state;
	bindhost_init(&h, BDF, "nvme");
	assert_int_equal(bind(&h, &failure), 1);
	h.own_refuses = true;
	assert_true(release(&h, &failure) < 0);
	assert_int_equal(failure.code, VFIO_FAILURE_BIND);
	assert_string_equal(failure.driver, "nvme");
	expect(&h, "", "", true);
	h.own_refuses = false;
	assert_int_equal(release(&h, &failure), 0);
	expect(&h, "nvme", "", false);
	bindhost_fini(&h);
}

static void test_release_of_an_unplugged_function_forgets_it(void **state)
{
	struct vfio_failure failure;
	struct bindhost h;

	(void)state;
	bindhost_init(&h, BDF, "nvme");
	assert_int_equal(bind(&h, &failure), 1);
	tree_remove(&h.tree, "sys/bus/pci/devices/" BDF);
	assert_int_equal(release(&h, &failure), 0);
	assert_false(bindhost_recorded(&h));
	assert_int_equal(release(&h, &failure), -ENOENT);
	assert_int_equal(failure.code, VFIO_FAILURE_NO_FUNCTION);
	assert_int_equal(bind(&h, &failure), -ENOENT);
	assert_int_equal(failure.code, VFIO_FAILURE_NO_FUNCTION);
	bindhost_fini(&h);
}

static void unplug(struct bindhost *h)
{
	if (h->naps == 3 && tree_has(&h->tree, "sys/bus/pci/devices/" BDF))
		tree_remove(&h->tree, "sys/bus/pci/devices/" BDF);
}

/* As on a hot-unplug that waited for the guest's end: the driver is awaited in vain. */
/* Another one has been plugged in, and somebody has bound it: to vfio-pci, by an override of their
 * own. */
static void test_release_of_another_device_in_its_place_goes_by_no_record(void **state)
{
	struct vfio_failure failure;
	struct bindhost h;

	(void)state;
	bindhost_init(&h, BDF, "e1000e");
	h.own_driver = "e1000e";
	tree_write(&h.tree, RECORD, "driver=nvme\ndriver_override=nvme\nnode=1\n");
	assert_int_equal(release(&h, &failure), 0);
	assert_int_equal(h.writes, 0);
	expect(&h, "e1000e", "", false);

	tree_write(&h.tree, RECORD, "driver=nvme\ndriver_override=nvme\nnode=1\n");
	tree_set_driver(&h.tree, BDF, "vfio-pci");
	tree_write(&h.tree, "sys/devices/pci0000:00/" BDF "/driver_override", "vfio-pci\n");
	assert_int_equal(release(&h, &failure), 0);
	expect(&h, "e1000e", "", false);
	bindhost_fini(&h);
}

static void test_release_of_a_function_that_is_unplugged_meanwhile_forgets_it(void **state)
{
	struct vfio_failure failure;
	struct bindhost h;

	(void)state;
	bindhost_init(&h, BDF, "nvme");
	assert_int_equal(bind(&h, &failure), 1);
	h.late = 1000000;
	h.on_nap = unplug;
	h.naps = 0;
	assert_int_equal(release(&h, &failure), 0);
	assert_int_equal(h.naps, 3);
	assert_false(bindhost_recorded(&h));
	bindhost_fini(&h);
}

static void test_missing_module_is_loaded_or_named(void **state)
{
	struct vfio_failure failure;
	struct bindhost h;

	(void)state;
	bindhost_init(&h, BDF, "nvme");
	tree_remove(&h.tree, "sys/bus/pci/drivers/vfio-pci");
	tree_remove(&h.tree, "dev/vfio/vfio");
	h.no_module = true;
	assert_int_equal(bind(&h, &failure), -ENODEV);
	assert_int_equal(failure.code, VFIO_FAILURE_NO_VFIO);
	expect(&h, "nvme", "", false);
	assert_int_equal(h.writes, 0);
	h.no_module = false;
	assert_int_equal(bind(&h, &failure), 1);
	assert_true(h.modprobes > 0);
	bindhost_fini(&h);
}

static void test_record_that_cannot_be_kept_stops_binding(void **state)
{
	static const char *const in_the_way[] = { "run/itsy", "run/itsy/bound",
						  "run/itsy/bound/" BDF ".new/x" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct vfio_failure failure;
		struct bindhost h;

		bindhost_init(&h, BDF, "nvme");
		tree_write(&h.tree, in_the_way[i], "");
		assert_true(bind(&h, &failure) < 0);
		assert_int_equal(failure.code, VFIO_FAILURE_STATE);
		assert_string_equal(failure.object, "/run/itsy/bound/" BDF);
		assert_int_equal(h.writes, 0);
		bindhost_fini(&h);
	}
}

/* A file may not grow: as on a full file system. What was begun is not left behind. */
static void test_record_that_cannot_be_written_whole_is_not_there(void **state)
{
	const struct bind_record record = { .driver = "nvme" };
	struct bind_record found;
	struct rlimit before, none;
	void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
	struct bindhost h;
	char path[256];
	int r;

	(void)state;
	bindhost_init(&h, BDF, "nvme");
	r = record_lock(&h.tree.fs);
	assert_true(r >= 0);
	close(r);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	none = (struct rlimit){ 0, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	r = record_write(&h.tree.fs, &bdf, &record);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	(void)signal(SIGXFSZ, handler);
	assert_int_equal(r, -EFBIG);
	assert_int_equal(record_read(&h.tree.fs, &bdf, &found), -ENOENT);
	(void)snprintf(path, sizeof(path), "%s/run/itsy/bound/" BDF ".new", h.tree.fs.root);
	assert_int_equal(access(path, F_OK), -1);
	bindhost_fini(&h);
}

static int hold_records(struct bindhost *h)
{
	char path[256];
	int fd;

	tree_write(&h->tree, "run/itsy/bound/.lock", "");
	(void)snprintf(path, sizeof(path), "%s/run/itsy/bound/.lock", h->tree.fs.root);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	return fd;
}

static void other_process_binds(struct bindhost *h)
{
	if (h->naps != 3)
		return;
	tree_set_driver(&h->tree, BDF, "vfio-pci");
	close(h->records);
}

static void test_function_that_another_process_binds_meanwhile_is_bound(void **state)
{
	struct vfio_failure failure;
	struct bindhost h;

	(void)state;
	bindhost_init(&h, BDF, "nvme");
	h.records = hold_records(&h);
	h.on_nap = other_process_binds;
	assert_int_equal(bind(&h, &failure), 0);
	assert_int_equal(h.naps, 3);
	assert_int_equal(h.writes, 0);
	assert_false(bindhost_recorded(&h));
	bindhost_fini(&h);
}

static void test_records_held_by_another_process_are_waited_for(void **state)
{
	struct vfio_failure failure;
	struct bindhost h;
	int fd;

	(void)state;
	bindhost_init(&h, BDF, "nvme");
	fd = hold_records(&h);
	assert_int_equal(bind(&h, &failure), -EWOULDBLOCK);
	assert_int_equal(failure.code, VFIO_FAILURE_STATE);
	assert_true(h.naps > 10);
	assert_int_equal(h.writes, 0);
	close(fd);
	assert_int_equal(bind(&h, &failure), 1);
	bindhost_fini(&h);
}

static void test_bridges_and_functions_without_group_are_refused(void **state)
{
	uint8_t config[64] = { [PCI_HEADER_TYPE] = PCI_HEADER_TYPE_BRIDGE };
	struct vfio_failure failure;
	struct bindhost h;

	(void)state;
	bindhost_init(&h, BDF, "nvme");
	tree_remove(&h.tree, "sys/devices/pci0000:00/" BDF "/iommu_group");
	assert_int_equal(bind(&h, &failure), -ENODEV);
	assert_int_equal(failure.code, VFIO_FAILURE_NO_GROUP);
	/* Without a driver it may get a group by being bound; here it does not. */
	tree_set_driver(&h.tree, BDF, NULL);
	h.vfio_refuses = true;
	assert_true(bind(&h, &failure) < 0);
	assert_int_equal(failure.code, VFIO_FAILURE_NO_GROUP);
	expect(&h, "", "", false);
	tree_write_bytes(&h.tree, "sys/devices/pci0000:00/" BDF "/config", config, sizeof(config));
	assert_int_equal(bind(&h, &failure), -EINVAL);
	assert_int_equal(failure.code, VFIO_FAILURE_BRIDGE);
	bindhost_fini(&h);
}

/* The kernel would refuse it too, and say no more than EBUSY. */
static void test_function_that_has_virtual_ones_is_refused(void **state)
{
	struct vfio_failure failure;
	struct bindhost h;

	(void)state;
	bindhost_init(&h, BDF, "nvme");
	tree_write(&h.tree, "sys/devices/pci0000:00/" BDF "/sriov_numvfs", "2\n");
	assert_int_equal(bind(&h, &failure), -EBUSY);
	assert_int_equal(failure.code, VFIO_FAILURE_HAS_VFS);
	assert_int_equal(failure.have, 2);
	assert_int_equal(h.writes, 0);
	expect(&h, "nvme", "", false);
	bindhost_fini(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_binding_records_first_and_then_goes_step_by_step),
		cmocka_unit_test(test_binding_again_changes_and_records_nothing),
		cmocka_unit_test(test_function_without_driver_is_bound_and_left_without),
		cmocka_unit_test(test_an_override_of_somebody_else_is_put_back),
		cmocka_unit_test(test_drivers_that_show_up_late_are_waited_for),
		cmocka_unit_test(test_nvme_that_still_starts_is_not_torn_away),
		cmocka_unit_test(test_driver_that_never_shows_up_is_given_up),
		cmocka_unit_test(test_refusal_of_vfio_puts_everything_back),
		cmocka_unit_test(test_another_driver_that_wins_the_race_stays),
		cmocka_unit_test(test_each_write_failing_in_turn_leaves_all_as_it_was),
		cmocka_unit_test(test_release_works_after_death_at_any_step),
		cmocka_unit_test(test_binding_after_a_crash_keeps_the_first_record),
		cmocka_unit_test(test_stale_record_is_replaced),
		cmocka_unit_test(test_damaged_record_lets_the_kernel_choose),
		cmocka_unit_test(test_release_leaves_a_driver_that_somebody_else_bound),
		cmocka_unit_test(test_release_without_record_lets_the_kernel_choose),
		cmocka_unit_test(test_release_of_a_function_in_use_says_so_and_keeps_the_record),
		cmocka_unit_test(test_release_that_the_old_driver_refuses_keeps_the_record),
		cmocka_unit_test(test_release_of_an_unplugged_function_forgets_it),
		cmocka_unit_test(test_release_of_another_device_in_its_place_goes_by_no_record),
		cmocka_unit_test(test_release_of_a_function_that_is_unplugged_meanwhile_forgets_it),
		cmocka_unit_test(test_missing_module_is_loaded_or_named),
		cmocka_unit_test(test_record_that_cannot_be_kept_stops_binding),
		cmocka_unit_test(test_record_that_cannot_be_written_whole_is_not_there),
		cmocka_unit_test(test_function_that_another_process_binds_meanwhile_is_bound),
		cmocka_unit_test(test_records_held_by_another_process_are_waited_for),
		cmocka_unit_test(test_bridges_and_functions_without_group_are_refused),
		cmocka_unit_test(test_function_that_has_virtual_ones_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
