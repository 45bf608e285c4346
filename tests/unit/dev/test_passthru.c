// SPDX-License-Identifier: MIT
/*
 * A function that is passed through, on the fake VFIO: bound, opened, wired to a
 * machine, and given back, with each step failing in turn. The host's drivers, where
 * its interrupts go, the routes and the kernel ITS are played here.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/unit/base/capture.h"
#include "tests/unit/vfio/vfio_fake.h"
#include "tests/unit/vitsmod/vits_world.h"
#include "vfio/affinity.h"
#include "vfio/bind.h"
#include "vmm/dev/passthru.h"
#include "vmm/kvm/layout.h"

#define BDF	 "0000:00:01.0"
#define VECTORS	 65u
#define NUMBER	 3u    /* of the device, for its keeper */
#define DEVFN	 0x12u /* 02.2 */
#define INDEX	 2u    /* of the function in the configuration */
#define DOORBELL (LAYOUT_GITS_OF(0) + GITS_TRANSLATER)

/* Of the NVMe function: its MSI-X capability, its table in BAR 0. */
#define MSIX	   0x40u
#define MSIX_TABLE 0x2000u
#define BAR0	   LAYOUT_PCI64

/* Who is asked while a function is bound. */
static const struct vfio_listener nobody;

static struct {
	struct fake_vfio fake;
	struct fake_function *fn;
	struct vfio_container *container;
	struct config_device config;
	struct passthru p;
	struct failure failure;

	/* The host's drivers. */
	int bind_answer, release_answer;
	unsigned bind_flags; /* that it is to be bound with, beside its life */
	struct vfio_failure bind_warning;
	unsigned binds, releases;

	/* Where the host's interrupts go. */
	int move_answer, move_error; /* error: of one that stays */
	unsigned left, moves, restores, forgets, cpu;

	/* The machine. */
	struct world *world;
	struct pci_host *pci_host;
	struct bus bus;
	unsigned nr_slots; /* of memory */
	unsigned reviews, reviewed;
	unsigned recounts;
	uint64_t signals;

	unsigned calloc_fails_at; /* the nth from now on (1: the next); 0: none does */
	bool calloc_failed;
} w;

/* ---- what is played -------------------------------------------------------------- */

void *__real_calloc(size_t nr, size_t size);
void *__wrap_calloc(size_t nr, size_t size);

void *__wrap_calloc(size_t nr, size_t size)
{
	if (w.calloc_fails_at && !--w.calloc_fails_at) {
		w.calloc_failed = true;
		return NULL;
	}
	return __real_calloc(nr, size);
}

static int answer(int r, struct vfio_failure *ret_failure)
{
	if (r < 0)
		*ret_failure = (struct vfio_failure){
			.code = VFIO_FAILURE_BUSY,
			.error = -r,
			.object = BDF,
		};
	return r;
}

int vfio_bind_listening(const struct pci_host_fs *fs, const struct pci_bdf *bdf, unsigned flags,
			const struct vfio_listener *listener, struct vfio_failure *ret_failure)
{
	assert_ptr_equal(listener, &nobody);
	assert_ptr_equal(fs, &w.fake.tree.fs);
	assert_int_equal(bdf->dev, 1);
	assert_int_equal(flags, VFIO_BIND_FOR_LIFE | w.bind_flags);
	w.binds++;
	if (w.bind_warning.code)
		*ret_failure = w.bind_warning;
	return answer(w.bind_answer, ret_failure);
}

int vfio_release(const struct pci_host_fs *fs, const struct pci_bdf *bdf,
		 struct vfio_failure *ret_failure)
{
	assert_ptr_equal(fs, &w.fake.tree.fs);
	assert_int_equal(bdf->dev, 1);
	w.releases++;
	return answer(w.release_answer, ret_failure);
}

int vfio_affinity_set(const struct pci_host_fs *fs, const struct pci_bdf *bdf, unsigned cpu,
		      struct vfio_affinity **ret_affinity, unsigned *ret_left,
		      struct vfio_failure *ret_failure)
{
	assert_ptr_equal(fs, &w.fake.tree.fs);
	assert_int_equal(bdf->dev, 1);
	assert_int_equal(w.fn->nr_enabled, VECTORS); /* before, there is nothing to move */
	w.moves++;
	w.cpu = cpu;
	*ret_left = w.left;
	*ret_failure = (struct vfio_failure){ .error = w.move_error, .object = "41" };
	if (w.move_answer >= 0)
		*ret_affinity = (struct vfio_affinity *)&w;
	return w.move_answer;
}

void vfio_affinity_restore(struct vfio_affinity *affinity)
{
	if (!affinity)
		return;
	assert_ptr_equal(affinity, &w);
	assert_int_equal(w.fn->nr_enabled, VECTORS);
	w.restores++;
}

void vfio_affinity_forget(struct vfio_affinity *affinity)
{
	assert_true(!affinity || affinity == (struct vfio_affinity *)&w);
	w.forgets += affinity != NULL;
}

void vector_routes_review(struct vector_routes *routes, size_t function, unsigned vector)
{
	assert_ptr_equal(routes, &w);
	assert_int_equal(function, INDEX);
	w.reviews++;
	w.reviewed = vector;
}

bool vector_routes_recount(struct vector_routes *routes, size_t function,
			   struct vfio_irq_counts *counts, unsigned epoch)
{
	assert_ptr_equal(routes, &w);
	assert_int_equal(function, INDEX);
	assert_int_equal(epoch, vfio_device_irqs_epoch(w.p.dev));
	w.recounts++;
	assert_null(counts);
	if (w.recounts < 3)
		return false;
	w.p.irq.counts_epoch = epoch;
	return true;
}

int kernel_its_signal(struct kernel_its *kernel_its, size_t function, uint32_t eventid)
{
	(void)kernel_its;
	assert_int_equal(function, INDEX);
	assert_int_equal(eventid, 1);
	w.signals++;
	return 1;
}

bool kernel_its_defers(struct kernel_its *kernel_its, size_t function, uint32_t eventid)
{
	(void)kernel_its;
	(void)function;
	(void)eventid;
	return false;
}

static int set_slot(void *ctx, unsigned slot, uint64_t gpa, uint64_t size, void *va)
{
	(void)ctx;
	(void)slot;
	(void)gpa;
	(void)va;
	w.nr_slots += size ? 1u : -1u;
	return 0;
}

static const struct pci_host_ops pci_host_ops = { .set_slot = set_slot };

/* ---- the way there and back -------------------------------------------------------- */

static int begin(void **state)
{
	static char name[] = "disk";

	(void)state;
	memset(&w, 0, sizeof(w));
	fake_init(&w.fake);
	w.fn = fake_add_nvme(&w.fake, BDF, 1);
	fake_publish(&w.fake);
	fake_container(&w.fake, &w.container);
	w.config = (struct config_device){
		.name = name,
		.bdf = { .dev = 1 },
		.devfn = DEVFN,
		.requester_id = DEVFN,
		.devid = DEVFN,
		.its = 0,
		.route = ROUTE_SPIN,
		.policy = { .hold_us = 5 },
		.msi_cpu = -1,
	};
	w.bind_answer = 1;
	return 0;
}

static int end(void **state)
{
	(void)state;
	vfio_container_destroy(w.container);
	fake_fini(&w.fake);
	return 0;
}

static int bind_it(void)
{
	return passthru_bind(&w.p, &w.fake.tree.fs, NULL, &nobody, &w.config, NUMBER, &w.failure);
}

static int open_it(void)
{
	return passthru_open(&w.p, &w.config, w.container, &w.failure);
}

static void close_it(void)
{
	passthru_close(&w.p);
	assert_null(w.p.dev);
	assert_int_equal(w.fn->nr_enabled, 0);
}

static void test_what_the_configuration_says_is_kept(void **state)
{
	(void)state;
	w.config.devid = 0x1234;
	assert_int_equal(bind_it(), 0);
	assert_string_equal(w.p.irq.name, "disk");
	assert_int_equal(w.p.irq.devid, 0x1234);
	assert_int_equal(w.p.irq.policy.hold_us, 5);
	assert_int_equal(w.p.index, NUMBER);
	assert_int_equal(w.p.devfn, DEVFN);
	assert_int_equal(w.p.requester_id, DEVFN);
	assert_int_equal(open_it(), 0);
	assert_int_equal(w.p.irq.nr_vectors, VECTORS);
	assert_int_equal(w.p.irq.nr_events, 128);
	assert_int_equal(w.p.irq.vectors[VECTORS - 1].route, ROUTE_SPIN);
	close_it();
	w.config.events = 200;
	assert_int_equal(open_it(), 0);
	assert_int_equal(w.p.irq.nr_events, 200);
	close_it();
}

static void test_what_was_bound_here_is_given_back_once(void **state)
{
	(void)state;
	assert_int_equal(bind_it(), 0);
	assert_int_equal(open_it(), 0);
	close_it();
	assert_int_equal(w.releases, 0);
	passthru_give_back(&w.p);
	passthru_give_back(&w.p);
	assert_int_equal(w.binds, 1);
	assert_int_equal(w.releases, 1);
}

static void test_the_driver_that_is_asked_for_is_bound(void **state)
{
	(void)state;
	w.config.plain_driver = true;
	w.bind_flags = VFIO_BIND_PLAIN;
	assert_int_equal(bind_it(), 0);
	assert_int_equal(w.binds, 1);
}

static void test_a_variant_that_does_not_take_it_is_a_warning(void **state)
{
	struct capture said;

	(void)state;
	w.bind_warning = (struct vfio_failure){ .code = VFIO_FAILURE_VARIANT,
						.error = ENODEV,
						.object = BDF,
						.driver = "mlx5_vfio_pci" };
	capture_begin(&said);
	assert_int_equal(bind_it(), 0);
	capture_end(&said);
	assert_non_null(strstr(said.err, "itsy: warning: "));
	assert_non_null(strstr(said.err,
			       BDF ": mlx5_vfio_pci, the driver that the kernel has for it, "
				   "does not take it (No such device): vfio-pci has it: "));
	passthru_give_back(&w.p);
	assert_int_equal(w.releases, 1);
}

static void test_what_was_bound_before_stays_bound(void **state)
{
	(void)state;
	w.bind_answer = 0;
	assert_int_equal(bind_it(), 0);
	passthru_give_back(&w.p);
	assert_int_equal(w.releases, 0);
}

static void test_what_could_not_be_bound_is_reported_and_not_given_back(void **state)
{
	(void)state;
	w.bind_answer = -EBUSY;
	assert_int_equal(bind_it(), -EBUSY);
	assert_string_equal(w.failure.object, BDF);
	assert_true(w.failure.cause[0]);
	passthru_close(&w.p);
	passthru_give_back(&w.p);
	assert_int_equal(w.releases, 0);
}

static void test_one_that_nobody_bound_can_be_closed_and_given_back(void **state)
{
	struct passthru none = { 0 };

	(void)state;
	passthru_close(&none);
	passthru_give_back(&none);
	assert_int_equal(w.releases, 0);
}

static void test_a_driver_that_does_not_take_it_back_is_a_warning(void **state)
{
	struct capture c;

	(void)state;
	assert_int_equal(bind_it(), 0);
	w.release_answer = -EBUSY;
	capture_begin(&c);
	passthru_give_back(&w.p);
	capture_end(&c);
	assert_non_null(strstr(c.err, "warning: " BDF ": not given back: "));
	assert_ptr_equal(strchr(c.err, '\n'), c.err + strlen(c.err) - 1);
}

/* True: there was such a call. */
static bool open_with_failure(unsigned nth, int error)
{
	int r;

	w.fake.fail_at = nth;
	w.fake.fail_errno = error;
	w.fake.failed = false;
	w.fake.failed_request = 0;
	r = open_it();
	w.fake.fail_at = 0;
	if (w.fake.failed && !fake_did_without(&w.fake)) {
		assert_true(r < 0);
		assert_true(w.failure.object[0] && w.failure.cause[0]);
	} else {
		assert_int_equal(r, 0);
	}
	close_it();
	return w.fake.failed;
}

static void test_each_call_of_open_that_fails_is_reported_and_leaves_it_closed(void **state)
{
	static const int errors[] = { EIO, ENOMEM, EPERM, ENODEV };

	(void)state;
	assert_int_equal(bind_it(), 0);
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		unsigned nth = 1;

		while (open_with_failure(nth, errors[i]))
			nth++;
		assert_true(nth > 20);
	}
	/* It can be opened after that. */
	assert_int_equal(open_it(), 0);
	close_it();
	passthru_give_back(&w.p);
	assert_int_equal(w.releases, 1);
}

/* By somebody who looks whether it opens. */
static void test_a_group_that_is_busy_for_a_moment_is_asked_for_again(void **state)
{
	unsigned again = 0;

	(void)state;
	assert_int_equal(bind_it(), 0);
	for (unsigned nth = 1; nth <= 3; nth++) {
		w.fake.fail_at = nth;
		w.fake.fail_errno = EBUSY;
		w.fake.failed = false;
		again += open_it() == 0 && w.fake.failed;
		w.fake.fail_at = 0;
		close_it();
	}
	assert_in_range(again, 1, 3);
	/* One that stays busy is somebody's. */
	w.fake.group_errno = EBUSY;
	assert_int_equal(open_it(), -EBUSY);
	assert_non_null(strstr(w.failure.cause, "another process has it open"));
}

static void test_open_without_memory_is_reported_and_leaves_it_closed(void **state)
{
	unsigned nth = 0;
	int r;

	(void)state;
	assert_int_equal(bind_it(), 0);
	do {
		w.calloc_failed = false;
		w.calloc_fails_at = ++nth;
		r = open_it();
		w.calloc_fails_at = 0;
		assert_int_equal(r, w.calloc_failed ? -ENOMEM : 0);
		close_it();
	} while (w.calloc_failed);
	assert_true(nth > 2);
}

/* ---- the host's interrupts ---------------------------------------------------------- */

static void test_interrupts_move_to_the_cpu_asked_for_until_it_is_closed(void **state)
{
	struct capture c;

	(void)state;
	assert_int_equal(bind_it(), 0);
	assert_int_equal(open_it(), 0);
	assert_int_equal(w.moves, 0);
	close_it();
	assert_int_equal(w.restores, 0);

	w.config.msi_cpu = 2;
	capture_begin(&c);
	assert_int_equal(open_it(), 0);
	capture_end(&c);
	assert_string_equal(c.err, "");
	assert_int_equal(w.moves, 1);
	assert_int_equal(w.cpu, 2);
	close_it();
	assert_int_equal(w.restores, 1);
	passthru_close(&w.p);
	assert_int_equal(w.restores, 1);
}

static void test_interrupts_that_stay_where_they_are_are_a_warning_with_a_cure(void **state)
{
	static const struct {
		int error;
		const char *cure;
	} cases[] = {
		{ EACCES, "run itsy as root" },
		{ EPERM, "run itsy as root" },
		{ EINVAL, "name a CPU that is online" },
		{ EIO, "msi-cpu = any" },
		{ ENOENT, "see /proc/irq" },
	};

	(void)state;
	w.config.msi_cpu = 2;
	w.left = 7;
	assert_int_equal(bind_it(), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct capture c;

		w.move_error = cases[i].error;
		capture_begin(&c);
		assert_int_equal(open_it(), 0);
		capture_end(&c);
		assert_non_null(strstr(c.err, "disk: 7 of its interrupts, such as 41, are not "
					      "moved to CPU 2"));
		assert_non_null(strstr(c.err, strerror(cases[i].error)));
		assert_non_null(strstr(c.err, cases[i].cure));
		close_it();
	}
	assert_int_equal(w.restores, ARRAY_SIZE(cases));
}

static void test_a_host_that_moves_no_interrupt_is_a_warning(void **state)
{
	struct capture c;

	(void)state;
	w.config.msi_cpu = 1;
	w.move_answer = -ENOENT;
	w.move_error = ENOENT;
	assert_int_equal(bind_it(), 0);
	capture_begin(&c);
	assert_int_equal(open_it(), 0);
	capture_end(&c);
	assert_non_null(strstr(c.err, "disk: its interrupts are not moved to CPU 1"));
	close_it();
	assert_int_equal(w.restores, 0);
}

/* ---- wired to a machine --------------------------------------------------------------- */

static const struct irq_wiring *wiring(void)
{
	static struct irq_wiring wiring;

	wiring = (struct irq_wiring){
		.vits = w.world->v,
		.vits_function = 0,
		.nr_events = DEV_A_EVENTS,
		.index = INDEX,
	};
	return &wiring;
}

static int begin_wired(void **state)
{
	(void)begin(state);
	w.world = world_create_ready();
	run_ok(w.world, mapti(DEV_A, 1, LPI(2), 1));
	assert_int_equal(pci_host_create(&pci_host_ops, &w, &w.pci_host), 0);
	assert_int_equal(pci_host_add_to_bus(w.pci_host, &w.bus), 0);
	assert_int_equal(bind_it(), 0);
	assert_int_equal(open_it(), 0);
	assert_int_equal(passthru_wire(&w.p, wiring(), w.pci_host), 0);
	return 0;
}

static int end_wired(void **state)
{
	passthru_unwire(&w.p);
	assert_null(w.p.irq.wiring.vits);
	pci_host_destroy(w.pci_host);
	passthru_close(&w.p);
	passthru_give_back(&w.p);
	world_destroy(w.world);
	return end(state);
}

static uint64_t ecam(unsigned reg)
{
	return LAYOUT_ECAM + ((uint64_t)DEVFN << 12) + reg;
}

static void decode(bool on)
{
	bus_write(&w.bus, ecam(PCI_BASE_ADDRESS_0), 4, (uint32_t)BAR0);
	bus_write(&w.bus, ecam(PCI_BASE_ADDRESS_1), 4, BAR0 >> 32);
	bus_write(&w.bus, ecam(PCI_COMMAND), 2, on ? PCI_COMMAND_MEMORY : 0);
}

/* As a driver sets up a vector. */
static void program(unsigned vector, uint32_t data, bool masked)
{
	const uint64_t entry = BAR0 + MSIX_TABLE + 16 * vector;

	bus_write(&w.bus, entry + 12, 4, 1);
	bus_write(&w.bus, entry, 4, (uint32_t)DOORBELL);
	bus_write(&w.bus, entry + 4, 4, DOORBELL >> 32);
	bus_write(&w.bus, entry + 8, 4, data);
	bus_write(&w.bus, entry + 12, 4, masked);
}

static void test_a_wired_function_is_on_the_bus_at_its_slot(void **state)
{
	(void)state;
	assert_int_equal(bus_read(&w.bus, ecam(PCI_VENDOR_ID), 4), 0x00101b36);
	assert_int_equal(w.nr_slots, 0);
	decode(true);
	assert_true(w.nr_slots > 0);
	decode(false);
	assert_int_equal(w.nr_slots, 0);
}

static void wake_up(void *ctx)
{
	++*(unsigned *)ctx;
}

static void have_intx(void)
{
	passthru_unwire(&w.p);
	passthru_close(&w.p);
	pci_host_destroy(w.pci_host);
	w.fn->irqs[VFIO_PCI_INTX_IRQ_INDEX] = 1;
	assert_int_equal(open_it(), 0);
	assert_int_equal(w.p.irq.nr_vectors, VECTORS + 1);
	assert_int_equal(w.p.irq.nr_events, 128);
	assert_int_equal(w.p.irq.line.intid, LAYOUT_INTX_INTID + 2); /* device 2, INTA */
	w.bus = (struct bus){ 0 };
	assert_int_equal(pci_host_create(&pci_host_ops, &w, &w.pci_host), 0);
	assert_int_equal(pci_host_add_to_bus(w.pci_host, &w.bus), 0);
	assert_int_equal(passthru_wire(&w.p, wiring(), w.pci_host), 0);
}

/* A guest that stays without MSI-X gets INTx, at the pin of its slot. */
static void test_a_guest_without_messages_is_followed_to_intx(void **state)
{
	unsigned wakes = 0;

	(void)state;
	have_intx();
	passthru_set_wake_up(&w.p, wake_up, &wakes);
	assert_int_equal(passthru_service(&w.p), -1);
	bus_write(&w.bus, ecam(PCI_COMMAND), 2, PCI_COMMAND_MASTER);
	assert_int_equal(wakes, 1);
	assert_in_range(passthru_service(&w.p), 1, VFIO_INTX_GRACE_NS / 1000000 + 1);
	bus_write(&w.bus, ecam(MSIX + PCI_MSIX_FLAGS), 2, PCI_MSIX_FLAGS_ENABLE);
	assert_int_equal(passthru_service(&w.p), -1);
}

static void nap_ms(unsigned ms)
{
	const struct timespec time = { .tv_nsec = (long)ms * 1000000 };

	(void)nanosleep(&time, NULL);
}

/* To INTx, whose interrupt is nobody's to move, and back. */
static void test_interrupts_of_another_kind_are_counted_and_moved_again(void **state)
{
	int ms = 1;

	(void)state;
	have_intx();
	passthru_set_routes(&w.p, (struct vector_routes *)&w);
	w.p.msi_cpu = 2;
	w.p.moved = (struct vfio_affinity *)&w;
	bus_write(&w.bus, ecam(PCI_COMMAND), 2, PCI_COMMAND_MASTER);
	while (!w.recounts) {
		nap_ms((unsigned)ms);
		ms = passthru_service(&w.p);
	}
	assert_int_equal(w.fn->enabled_index, VFIO_PCI_INTX_IRQ_INDEX);
	assert_int_equal(w.moves, 0);
	assert_int_equal(w.forgets, 1);
	assert_null(w.p.moved);
	/* They are looked at some more times. */
	while (w.recounts < 3) {
		assert_in_range(ms, 1, VECTOR_RECOUNT_NS / 1000000 + 1);
		nap_ms((unsigned)ms);
		ms = passthru_service(&w.p);
	}
	assert_int_equal(ms, -1);
	bus_write(&w.bus, ecam(MSIX + PCI_MSIX_FLAGS), 2, PCI_MSIX_FLAGS_ENABLE);
	assert_int_equal(w.fn->enabled_index, VFIO_PCI_MSIX_IRQ_INDEX);
	/* The files of the kind before were opened a moment ago: not so soon again. */
	ms = passthru_service(&w.p);
	assert_in_range(ms, 1, 251);
	assert_int_equal(w.moves, 0);
	nap_ms((unsigned)ms);
	assert_int_equal(passthru_service(&w.p), -1);
	assert_int_equal(w.moves, 1);
	assert_int_equal(w.cpu, 2);
	assert_int_equal(w.recounts, 4);
	assert_int_equal(passthru_service(&w.p), -1);
	assert_int_equal(w.recounts, 4);
}

static void test_a_kind_that_the_host_refuses_is_told_once(void **state)
{
	struct capture c;

	(void)state;
	have_intx();
	bus_write(&w.bus, ecam(PCI_COMMAND), 2, PCI_COMMAND_MASTER);
	for (int ms = 1; ms > 0; ms = passthru_service(&w.p))
		nap_ms((unsigned)ms);
	w.fn->irqs_errno = ENOSPC;
	capture_begin(&c);
	for (unsigned i = 0; i < 6; i++)
		bus_write(&w.bus, ecam(MSIX + PCI_MSIX_FLAGS), 2,
			  i % 2 ? 0 : PCI_MSIX_FLAGS_ENABLE);
	capture_end(&c);
	w.fn->irqs_errno = 0;
	assert_non_null(strstr(c.err, "disk: the guest uses MSI-X, which the host refuses"));
	assert_ptr_equal(strchr(c.err, '\n'), c.err + strlen(c.err) - 1);
}

static void test_a_slot_that_is_taken_is_refused(void **state)
{
	(void)state;
	assert_int_equal(passthru_wire(&w.p, wiring(), w.pci_host), -EEXIST);
}

static void test_routes_are_told_of_changes_from_when_they_are_set(void **state)
{
	(void)state;
	decode(true);
	bus_write(&w.bus, ecam(MSIX + PCI_MSIX_FLAGS), 2, PCI_MSIX_FLAGS_ENABLE);
	program(1, 1, false);
	assert_int_equal(w.reviews, 0);
	passthru_set_routes(&w.p, (struct vector_routes *)&w);
	program(4, 1, false);
	assert_true(w.reviews > 0);
	assert_int_equal(w.reviewed, 4);
	w.reviews = 0;
	passthru_set_routes(&w.p, NULL);
	program(1, 1, true);
	assert_int_equal(w.reviews, 0);
}

static void test_what_came_masked_reaches_the_guest_at_the_unmask(void **state)
{
	const struct vector_counts *c = &w.p.irq.vectors[4];

	(void)state;
	decode(true);
	bus_write(&w.bus, ecam(MSIX + PCI_MSIX_FLAGS), 2, PCI_MSIX_FLAGS_ENABLE);
	program(4, 1, true);
	irq_function_signalled(&w.p.irq, 4);
	assert_int_equal(c->held, 1);
	assert_int_equal(w.signals, 0);
	program(4, 1, false);
	assert_int_equal(c->released, 1);
	assert_int_equal(c->injected, 1);
	assert_int_equal(w.signals, 1);
	irq_function_signalled(&w.p.irq, 4);
	assert_int_equal(c->injected, 2);
	assert_int_equal(c->taken, c->injected + c->held - c->released + c->dropped);
}

/* The eventfd is VFIO's, and masking at the device takes it away from the kernel. */
static void test_a_vector_is_masked_at_the_device_and_back(void **state)
{
	(void)state;
	assert_true(irq_function_can_mask(&w.p.irq));
	assert_int_equal(w.fn->eventfds[4], irq_function_eventfd(&w.p.irq, 4));
	assert_int_equal(irq_function_mask(&w.p.irq, 4, true), 0);
	assert_int_equal(w.fn->eventfds[4], -1);
	assert_int_equal(irq_function_mask(&w.p.irq, 4, false), 0);
	assert_int_equal(w.fn->eventfds[4], irq_function_eventfd(&w.p.irq, 4));
}

static void test_a_bare_function_is_wired_without_a_bus(void **state)
{
	struct passthru bare;

	(void)state;
	assert_int_equal(passthru_open_bare(&bare, "bare", DEV_A, 4, &w.failure), 0);
	assert_int_equal(passthru_wire(&bare, wiring(), NULL), 0);
	irq_function_signalled(&bare.irq, 1);
	assert_int_equal(w.signals, 1);
	passthru_unwire(&bare);
	passthru_close(&bare);
	passthru_give_back(&bare);
	assert_int_equal(w.releases, 0);
}

int main(void)
{
#define TEST(name)  cmocka_unit_test_setup_teardown(name, begin, end)
#define WIRED(name) cmocka_unit_test_setup_teardown(name, begin_wired, end_wired)
	const struct CMUnitTest tests[] = {
		TEST(test_what_the_configuration_says_is_kept),
		TEST(test_what_was_bound_here_is_given_back_once),
		TEST(test_the_driver_that_is_asked_for_is_bound),
		TEST(test_a_variant_that_does_not_take_it_is_a_warning),
		TEST(test_what_was_bound_before_stays_bound),
		TEST(test_what_could_not_be_bound_is_reported_and_not_given_back),
		TEST(test_one_that_nobody_bound_can_be_closed_and_given_back),
		TEST(test_a_driver_that_does_not_take_it_back_is_a_warning),
		TEST(test_each_call_of_open_that_fails_is_reported_and_leaves_it_closed),
		TEST(test_a_group_that_is_busy_for_a_moment_is_asked_for_again),
		TEST(test_open_without_memory_is_reported_and_leaves_it_closed),
		TEST(test_interrupts_move_to_the_cpu_asked_for_until_it_is_closed),
		TEST(test_interrupts_that_stay_where_they_are_are_a_warning_with_a_cure),
		TEST(test_a_host_that_moves_no_interrupt_is_a_warning),
		WIRED(test_a_wired_function_is_on_the_bus_at_its_slot),
		WIRED(test_a_guest_without_messages_is_followed_to_intx),
		WIRED(test_interrupts_of_another_kind_are_counted_and_moved_again),
		WIRED(test_a_kind_that_the_host_refuses_is_told_once),
		WIRED(test_a_slot_that_is_taken_is_refused),
		WIRED(test_routes_are_told_of_changes_from_when_they_are_set),
		WIRED(test_what_came_masked_reaches_the_guest_at_the_unmask),
		WIRED(test_a_vector_is_masked_at_the_device_and_back),
		WIRED(test_a_bare_function_is_wired_without_a_bus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
