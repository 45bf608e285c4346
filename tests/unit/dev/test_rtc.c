// SPDX-License-Identifier: MIT
/*
 * The real-time clock, as a guest with Linux's rtc-pl031 has it.
 */
#include "tests/unit/dev/board_world.h"
#include "vmm/base/bits.h"
#include "vmm/dev/rtc.h"
#include "vmm/kvm/layout.h"

#define DR   0x000u
#define MR   0x004u
#define LR   0x008u
#define IMSC 0x010u
#define RIS  0x014u
#define ICR  0x01cu

#define BASE BOARD_START_S

static struct rtc *rtc;

static int begin(void **state)
{
	const struct rtc_config config = { .vm = &w.vm, .wake_up = on_wake_up, .ctx = &w };

	(void)state;
	board_world_begin(CLOCK_REALTIME, LAYOUT_RTC_INTID);
	assert_int_equal(rtc_create(&config, &rtc), 0);
	assert_int_equal(rtc_add_to_bus(rtc, &w.bus), 0);
	return 0;
}

static int end(void **state)
{
	(void)state;
	rtc_destroy(rtc);
	return 0;
}

static uint64_t guest_reads(unsigned offset, unsigned len)
{
	return bus_read(&w.bus, LAYOUT_RTC + offset, len);
}

static void guest_writes(unsigned offset, uint32_t value)
{
	bus_write(&w.bus, LAYOUT_RTC + offset, 4, value);
}

static void test_it_has_the_hosts_time_at_any_moment(void **state)
{
	(void)state;
	assert_int_equal(guest_reads(DR, 4), BASE);
	w.now_ms = 999;
	assert_int_equal(guest_reads(DR, 4), BASE);
	w.now_ms = 1000;
	assert_int_equal(guest_reads(DR, 4), BASE + 1);
	/* Somebody sets the host's clock. */
	w.now_ms = 3600000;
	assert_int_equal(guest_reads(DR, 4), BASE + 3600);
	assert_int_equal(rtc_service(rtc), -1);
	assert_int_equal(w.wake_ups, 0);
}

static void test_what_the_guest_sets_is_its_own_and_a_new_machine_has_the_hosts(void **state)
{
	const struct rtc_config config = { .vm = &w.vm, .wake_up = on_wake_up, .ctx = &w };
	struct bus bus = { 0 };
	struct rtc *next;

	(void)state;
	guest_writes(LR, 86400);
	w.now_ms = 5000;
	assert_int_equal(guest_reads(DR, 4), 86405);
	assert_int_equal(rtc_create(&config, &next), 0);
	assert_int_equal(rtc_add_to_bus(next, &bus), 0);
	assert_int_equal(bus_read(&bus, LAYOUT_RTC + DR, 4), BASE + 5);
	rtc_destroy(next);
}

static void test_an_access_of_any_width_is_one_to_the_register_that_is_there(void **state)
{
	(void)state;
	assert_int_equal((uint8_t)guest_reads(DR, 1), (uint8_t)BASE);
	assert_int_equal((uint16_t)guest_reads(DR, 2), (uint16_t)BASE);
	assert_int_equal(guest_reads(DR, 8), BASE);
	for (unsigned odd = 1; odd < 4; odd++)
		assert_int_equal(guest_reads(DR + odd, 1), 0);
	bus_write(&w.bus, LAYOUT_RTC + MR, 8, UINT64_MAX - 1);
	assert_int_equal(guest_reads(MR, 4), UINT32_MAX - 1);
	assert_int_equal(guest_reads(LR, 4), 0);
	bus_write(&w.bus, LAYOUT_RTC + MR, 1, 0x12);
	assert_int_equal(guest_reads(MR, 4), 0x12);
	bus_write(&w.bus, LAYOUT_RTC + MR + 2, 2, 0xffff);
	assert_int_equal(guest_reads(MR, 4), 0x12);
}

/* pl031_set_alarm(), pl031_alarm_irq_enable() */
static void guest_sets_alarm(uint32_t at)
{
	guest_writes(MR, at);
	guest_writes(ICR, 1);
	guest_writes(IMSC, 1);
}

static void test_an_alarm_interrupts_when_it_is_due_and_without_the_guest(void **state)
{
	(void)state;
	w.now_ms = 250;
	guest_sets_alarm(BASE + 3);
	assert_int_equal(w.wake_ups, 1);
	assert_int_equal(rtc_service(rtc), 2751);
	w.now_ms = 2999;
	assert_int_equal(rtc_service(rtc), 2);
	assert_false(w.line);
	w.now_ms = 3001;
	assert_int_equal(rtc_service(rtc), -1);
	assert_true(w.line);
	/* pl031_interrupt() */
	assert_int_equal(guest_reads(RIS, 4), 1);
	guest_writes(ICR, 1);
	assert_false(w.line);
	w.now_ms = 3500;
	assert_int_equal(rtc_service(rtc), -1);
	assert_int_equal(w.nr_changes, 2);
	assert_int_equal(w.wake_ups, 1);
}

static void test_the_hosts_clock_may_be_set_while_an_alarm_is_to_come(void **state)
{
	(void)state;
	guest_sets_alarm(BASE + 86400);
	/* Looked at now and then: nobody says that it was set. */
	assert_int_equal(rtc_service(rtc), 10000);
	w.now_ms = UINT64_C(86390) * 1000 + 500;
	assert_int_equal(rtc_service(rtc), 9501);
	w.now_ms = UINT64_C(90000) * 1000;
	assert_int_equal(rtc_service(rtc), -1);
	assert_true(w.line);
}

static void test_only_an_alarm_that_changes_wakes_anybody_up(void **state)
{
	(void)state;
	guest_sets_alarm(BASE + 100);
	assert_int_equal(w.wake_ups, 1);
	guest_writes(IMSC, 1);
	guest_writes(MR, BASE + 100);
	assert_int_equal(w.wake_ups, 1);
	guest_writes(MR, BASE + 50);
	assert_int_equal(w.wake_ups, 2);
	guest_writes(IMSC, 0);
	assert_int_equal(w.wake_ups, 2);
	assert_int_equal(rtc_service(rtc), -1);
	/* What was set for the past is for ever. */
	guest_sets_alarm(BASE - 1);
	assert_int_equal(rtc_service(rtc), -1);
	assert_int_equal(w.nr_changes, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(test_it_has_the_hosts_time_at_any_moment),
		TEST(test_what_the_guest_sets_is_its_own_and_a_new_machine_has_the_hosts),
		TEST(test_an_access_of_any_width_is_one_to_the_register_that_is_there),
		TEST(test_an_alarm_interrupts_when_it_is_due_and_without_the_guest),
		TEST(test_the_hosts_clock_may_be_set_while_an_alarm_is_to_come),
		TEST(test_only_an_alarm_that_changes_wakes_anybody_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
