// SPDX-License-Identifier: MIT
/*
 * The board: its devices are on the bus, apart from each other, and who owns it is woken up for
 * each.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "vmm/kvm/layout.h"
#include "vmm/machine/board.h"

#define GPIO_DATA(pin) (LAYOUT_GPIO + (4u << (pin)))
#define GPIO_DIR       (LAYOUT_GPIO + 0x400)
#define GPIO_IE	       (LAYOUT_GPIO + 0x410)
#define RTC_DR	       (LAYOUT_RTC + 0x000)
#define RTC_MR	       (LAYOUT_RTC + 0x004)
#define RTC_LR	       (LAYOUT_RTC + 0x008)
#define RTC_IMSC       (LAYOUT_RTC + 0x010)

static struct {
	struct vm vm;
	struct bus bus;
	struct board *board;
	unsigned wake_ups;
	bool lines[64];
} w;

int vm_irq_line(const struct vm *vm, unsigned intid, bool level)
{
	assert_ptr_equal(vm, &w.vm);
	w.lines[intid] = level;
	return 0;
}

static void on_wake_up(void *ctx)
{
	assert_ptr_equal(ctx, &w);
	w.wake_ups++;
}

static int begin(void **state)
{
	const struct board_config config = { .vm = &w.vm, .wake_up = on_wake_up, .ctx = &w };

	(void)state;
	memset(&w, 0, sizeof(w));
	assert_int_equal(board_create(&config, &w.board), 0);
	assert_int_equal(board_add_to_bus(w.board, &w.bus), 0);
	assert_int_equal(board_service(w.board), -1);
	return 0;
}

static int end(void **state)
{
	(void)state;
	board_destroy(w.board);
	return 0;
}

static void test_a_panic_light_that_is_lit_is_a_panic(void **state)
{
	(void)state;
	bus_write(&w.bus, GPIO_DIR, 1, 1u << LAYOUT_GPIO_PANIC);
	assert_false(board_has_panicked(w.board));
	assert_int_equal(w.wake_ups, 0);
	bus_write(&w.bus, GPIO_DATA(LAYOUT_GPIO_PANIC), 1, 0xff);
	assert_true(board_has_panicked(w.board));
	assert_int_equal(w.wake_ups, 1);
	bus_write(&w.bus, GPIO_DATA(LAYOUT_GPIO_PANIC), 1, 0);
	assert_true(board_has_panicked(w.board));
}

static void test_the_power_button_is_pressed_where_it_is_heard(void **state)
{
	(void)state;
	assert_false(board_hears_power(w.board));
	bus_write(&w.bus, GPIO_IE, 1, 1u << LAYOUT_GPIO_POWER);
	assert_true(board_hears_power(w.board));
	board_press_power(w.board);
	assert_int_equal(w.wake_ups, 1);
	assert_true(board_service(w.board) > 0);
	assert_int_not_equal(bus_read(&w.bus, GPIO_DATA(LAYOUT_GPIO_POWER), 1), 0);
}

/* Whichever is due first. */
static void test_an_alarm_is_waited_for(void **state)
{
	const uint32_t now = (uint32_t)bus_read(&w.bus, RTC_DR, 4);

	(void)state;
	assert_in_range((uint32_t)time(NULL) - now, 0, 60);
	bus_write(&w.bus, RTC_MR, 4, now + 3600);
	bus_write(&w.bus, RTC_IMSC, 4, 1);
	assert_int_equal(w.wake_ups, 1);
	assert_in_range(board_service(w.board), 1, 10000);
	bus_write(&w.bus, RTC_MR, 4, 1000);
	bus_write(&w.bus, RTC_LR, 4, 1000);
	assert_true(w.lines[LAYOUT_RTC_INTID]);
	assert_false(w.lines[LAYOUT_GPIO_INTID]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_panic_light_that_is_lit_is_a_panic, begin,
						end),
		cmocka_unit_test_setup_teardown(test_the_power_button_is_pressed_where_it_is_heard,
						begin, end),
		cmocka_unit_test_setup_teardown(test_an_alarm_is_waited_for, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
