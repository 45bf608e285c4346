// SPDX-License-Identifier: MIT
/*
 * INTx on its way to the guest, with KVM played as it is (virt/kvm/eventfd.c): a signal asserts the
 * interrupt; when the guest has ended it, it is deasserted, and all who are on its GSI are told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "vmm/dev/pci_host.h"
#include "vmm/irq/irq_line.h"

#define FUNCTIONS 6u
#define FIRST_GSI 100u

static struct {
	struct irq_function functions[FUNCTIONS];
	struct irq_function *list[FUNCTIONS];
	/* KVM. */
	struct {
		int eventfd, resample; /* -1: free */
		unsigned gsi;
	} irqfds[FUNCTIONS];
	bool level[LAYOUT_NR_INTX];
	unsigned refused_at; /* the nth that is tied from now on (1: the next); 0: none */
	/* The functions: what they assert, and what VFIO has masked since it signalled. */
	bool asserts[FUNCTIONS], masked[FUNCTIONS];
} w;

int vm_irqfd_level(const struct vm *vm, int eventfd, int resample, unsigned gsi, bool tied)
{
	(void)vm;
	assert_in_range(gsi, FIRST_GSI, FIRST_GSI + LAYOUT_NR_INTX - 1);
	if (tied && w.refused_at && !--w.refused_at)
		return -ENOSPC;
	for (unsigned i = 0; i < FUNCTIONS; i++) {
		if (w.irqfds[i].eventfd != (tied ? -1 : eventfd))
			continue;
		w.irqfds[i].eventfd = tied ? eventfd : -1;
		w.irqfds[i].resample = resample;
		w.irqfds[i].gsi = gsi;
		return 0;
	}
	fail();
	return 0;
}

static bool take_signal(int fd)
{
	eventfd_t signals;

	return eventfd_read(fd, &signals) == 0;
}

/* What is signalled has its effect: INTx masked and handed to KVM, unmasked and looked at. */
static void settle(void)
{
	for (unsigned i = 0; i < FUNCTIONS; i++) {
		const struct irq_line *line = &w.functions[i].line;

		if (line->intid && take_signal(line->unmask))
			w.masked[i] = false;
		if (line->intid && w.asserts[i] && !w.masked[i]) {
			w.masked[i] = true;
			(void)eventfd_write(line->trigger, 1);
		}
	}
	for (unsigned i = 0; i < FUNCTIONS; i++)
		if (w.irqfds[i].eventfd >= 0 && take_signal(w.irqfds[i].eventfd))
			w.level[w.irqfds[i].gsi - FIRST_GSI] = true;
}

static void guest_ends(unsigned n)
{
	w.level[n] = false;
	for (unsigned i = 0; i < FUNCTIONS; i++)
		if (w.irqfds[i].eventfd >= 0 && w.irqfds[i].gsi == FIRST_GSI + n)
			(void)eventfd_write(w.irqfds[i].resample, 1);
	settle();
}

/* Functions at the first slots, whose pin is INTA; the last one has no INTx. */
static int begin(void **state)
{
	(void)state;
	for (unsigned i = 0; i < FUNCTIONS; i++) {
		struct irq_line *line = &w.functions[i].line;

		w.list[i] = &w.functions[i];
		w.irqfds[i].eventfd = -1;
		w.asserts[i] = w.masked[i] = false;
		*line = (struct irq_line){ .trigger = -1, .unmask = -1 };
		if (i == FUNCTIONS - 1)
			continue;
		line->pin = 1;
		line->intid = pci_host_intid(i << 3, 1);
		line->trigger = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		line->unmask = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	}
	for (unsigned n = 0; n < LAYOUT_NR_INTX; n++)
		w.level[n] = false;
	w.refused_at = 0;
	return 0;
}

static int end(void **state)
{
	(void)state;
	for (unsigned i = 0; i < FUNCTIONS - 1; i++) {
		assert_int_equal(w.irqfds[i].eventfd, -1);
		(void)close(w.functions[i].line.trigger);
		(void)close(w.functions[i].line.unmask);
	}
	return 0;
}

static void tie(void)
{
	assert_int_equal(irq_lines_tie(NULL, w.list, FUNCTIONS, FIRST_GSI), 0);
	settle();
}

static void untie(void)
{
	irq_lines_untie(NULL, w.list, FUNCTIONS, FIRST_GSI);
}

/* PCI-to-PCI Bridge 1.2, 9.1. */
static void test_pins_go_round_with_the_device_number(void **state)
{
	(void)state;
	assert_int_equal(pci_host_intid(0, 1), LAYOUT_INTX_INTID);
	assert_int_equal(pci_host_intid(0, 4), LAYOUT_INTX_INTID + 3);
	assert_int_equal(pci_host_intid(1 << 3, 1), LAYOUT_INTX_INTID + 1);
	assert_int_equal(pci_host_intid(1 << 3, 4), LAYOUT_INTX_INTID);
	assert_int_equal(pci_host_intid(4 << 3, 1), LAYOUT_INTX_INTID);
	assert_int_equal(pci_host_intid(31 << 3, 1), LAYOUT_INTX_INTID + 3);
	/* Siblings of one device differ by their pins alone. */
	assert_int_equal(pci_host_intid(2 << 3 | 7, 1), LAYOUT_INTX_INTID + 2);
}

static void test_gsis_are_there_where_a_function_has_intx(void **state)
{
	struct vm_route routes[LAYOUT_NR_INTX] = { { 0 } };

	(void)state;
	assert_int_equal(irq_lines_nr_gsis(w.list, FUNCTIONS), LAYOUT_NR_INTX);
	assert_int_equal(irq_lines_nr_gsis(&w.list[FUNCTIONS - 1], 1), 0);
	assert_int_equal(irq_lines_nr_gsis(w.list, 0), 0);
	irq_lines_routes(routes);
	for (unsigned i = 0; i < LAYOUT_NR_INTX; i++)
		assert_int_equal(routes[i].intid, LAYOUT_INTX_INTID + i);
}

static void test_a_level_stays_until_the_function_has_let_go(void **state)
{
	(void)state;
	tie();
	w.asserts[1] = true;
	settle();
	for (unsigned i = 0; i < 3; i++) {
		assert_true(w.level[1]);
		assert_false(w.level[0] || w.level[2] || w.level[3]);
		guest_ends(1);
	}
	w.asserts[1] = false;
	assert_true(w.level[1]);
	guest_ends(1);
	assert_false(w.level[1]);
	untie();
}

/* Functions 0 and 4 have one line. */
static void test_who_shares_a_line_is_heard_until_the_last_one_has_let_go(void **state)
{
	(void)state;
	tie();
	w.asserts[0] = true;
	settle();
	w.asserts[4] = true;
	settle();
	assert_true(w.level[0]);
	/* The guest serves one of them only. */
	w.asserts[0] = false;
	guest_ends(0);
	assert_true(w.level[0]);
	w.asserts[4] = false;
	guest_ends(0);
	assert_false(w.level[0]);
	/* Nobody is left masked. */
	w.asserts[0] = true;
	settle();
	assert_true(w.level[0]);
	w.asserts[0] = false;
	guest_ends(0);
	assert_false(w.level[0]);
	untie();
}

/* The guest was reset in the middle of an interrupt. */
static void test_what_a_machine_that_is_gone_has_not_ended_comes_again(void **state)
{
	(void)state;
	tie();
	w.asserts[2] = true;
	settle();
	assert_true(w.level[2]);
	untie();
	w.level[2] = false;
	tie();
	assert_true(w.level[2]);
	untie();
}

static void test_where_kvm_refuses_one_it_has_none(void **state)
{
	(void)state;
	for (unsigned at = 1; at < FUNCTIONS; at++) {
		w.refused_at = at;
		assert_int_equal(irq_lines_tie(NULL, w.list, FUNCTIONS, FIRST_GSI), -ENOSPC);
		for (unsigned i = 0; i < FUNCTIONS; i++)
			assert_int_equal(w.irqfds[i].eventfd, -1);
	}
}

static void test_kernels_that_look_at_exits_are_known_by_their_number(void **state)
{
	static const struct {
		const char *release;
		bool needs_exit;
	} cases[] = {
		{ "5.10.0-30-arm64", false },
		{ "6.1.0-37-arm64", false },
		{ "6.18.99", false },
		{ "6.19.0-rc1", true },
		{ "6.20", true },
		{ "7.0-rc3", true },
		{ "7.3.4+deb13-arm64", true },
		{ "next-20260101", true },
		{ "", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(irq_line_needs_exit(cases[i].release), cases[i].needs_exit);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_pins_go_round_with_the_device_number),
		TEST(test_gsis_are_there_where_a_function_has_intx),
		TEST(test_a_level_stays_until_the_function_has_let_go),
		TEST(test_who_shares_a_line_is_heard_until_the_last_one_has_let_go),
		TEST(test_what_a_machine_that_is_gone_has_not_ended_comes_again),
		TEST(test_where_kvm_refuses_one_it_has_none),
		TEST(test_kernels_that_look_at_exits_are_known_by_their_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
