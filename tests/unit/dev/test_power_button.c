// SPDX-License-Identifier: MIT
/*
 * The power button, as a guest with Linux's gpio-pl061 and gpio-keys has it, one that is slow, one
 * that is not up yet, and one without drivers.
 */
#include "tests/unit/dev/board_world.h"
#include "vmm/base/bits.h"
#include "vmm/dev/power_button.h"
#include "vmm/kvm/layout.h"

#define DATA_POWER (4u << LAYOUT_GPIO_POWER)
#define DIR	   0x400u
#define IBE	   0x408u
#define IE	   0x410u
#define MIS	   0x418u
#define IC	   0x41cu
#define POWER	   (1u << LAYOUT_GPIO_POWER)

static struct power_button *button;
static unsigned nr_panics;

static void on_panic(void *ctx)
{
	assert_ptr_equal(ctx, &w);
	nr_panics++;
}

static int begin(void **state)
{
	const struct power_button_config config = {
		.vm = &w.vm, .wake_up = on_wake_up, .panicked = on_panic, .ctx = &w
	};

	(void)state;
	board_world_begin(CLOCK_MONOTONIC, LAYOUT_GPIO_INTID);
	nr_panics = 0;
	assert_int_equal(power_button_create(&config, &button), 0);
	assert_int_equal(power_button_add_to_bus(button, &w.bus), 0);
	return 0;
}

static int end(void **state)
{
	(void)state;
	power_button_destroy(button);
	return 0;
}

static uint8_t guest_reads(unsigned offset)
{
	return (uint8_t)bus_read(&w.bus, LAYOUT_GPIO + offset, 1);
}

static void guest_writes(unsigned offset, uint8_t value)
{
	bus_write(&w.bus, LAYOUT_GPIO + offset, 1, value);
}

/* gpio_keys_setup_key(): both edges of the button's pin. */
static void guest_gets_its_driver(void)
{
	guest_writes(IE, 0);
	guest_writes(IBE, POWER);
	guest_writes(IE, POWER);
}

/* pl061_irq_handler(), and gpio_keys_gpio_work_func() after 5 ms: is the key pressed? */
static bool guest_takes_the_interrupt(void)
{
	assert_true(w.line);
	assert_int_equal(guest_reads(MIS), POWER);
	guest_writes(IC, POWER);
	assert_false(w.line);
	w.now_ms += 5;
	return guest_reads(DATA_POWER) == POWER;
}

static void test_it_is_held_until_the_guest_has_read_it(void **state)
{
	(void)state;
	guest_gets_its_driver();
	assert_true(power_button_is_heard(button));
	assert_int_equal(power_button_service(button), -1);
	power_button_press(button);
	assert_int_equal(w.wake_ups, 1);
	assert_in_range(power_button_service(button), 1900, 2001);
	/* A slow one: it comes to it after more than the time that a button is held at least. */
	w.now_ms += 1500;
	assert_in_range(power_button_service(button), 400, 501);
	assert_true(guest_takes_the_interrupt());
	assert_int_equal(w.wake_ups, 2);
	assert_int_equal(power_button_service(button), -1);
	assert_false(guest_takes_the_interrupt());
	w.now_ms += 10000;
	assert_int_equal(power_button_service(button), -1);
	assert_int_equal(w.nr_changes, 4);
}

static void test_a_guest_that_is_fast_sees_it_for_a_tenth_of_a_second(void **state)
{
	(void)state;
	guest_gets_its_driver();
	power_button_press(button);
	(void)power_button_service(button);
	assert_true(guest_takes_the_interrupt());
	assert_in_range(power_button_service(button), 90, 96);
	assert_true(guest_reads(DATA_POWER));
	w.now_ms += 96;
	assert_int_equal(power_button_service(button), -1);
	assert_int_equal(guest_reads(DATA_POWER), 0);
}

static void test_a_guest_that_does_not_read_it_has_it_for_two_seconds(void **state)
{
	(void)state;
	guest_gets_its_driver();
	power_button_press(button);
	(void)power_button_service(button);
	w.now_ms += 1999;
	assert_in_range(power_button_service(button), 1, 2);
	w.now_ms += 2;
	assert_int_equal(power_button_service(button), -1);
	assert_int_equal(guest_reads(DATA_POWER), 0);
}

/* Linux masks an interrupt that it has switched off for a moment, and those of drivers that it
 * shuts down. */
static void test_who_has_listened_is_there_to_be_asked(void **state)
{
	(void)state;
	guest_writes(IBE, 0xff);
	guest_writes(IE, (uint8_t)~POWER);
	assert_false(power_button_is_heard(button));
	guest_gets_its_driver();
	assert_true(power_button_is_heard(button));
	guest_writes(IE, 0);
	assert_true(power_button_is_heard(button));
}

static void test_who_does_not_listen_yet_gets_the_press_later(void **state)
{
	(void)state;
	assert_false(power_button_is_heard(button));
	power_button_press(button);
	assert_int_equal(power_button_service(button), -1);
	w.now_ms += 60000;
	assert_int_equal(guest_reads(DATA_POWER), 0);
	w.wake_ups = 0;
	guest_gets_its_driver();
	assert_int_equal(w.wake_ups, 1);
	assert_true(power_button_service(button) > 0);
	assert_true(guest_takes_the_interrupt());
	assert_int_equal(w.nr_changes, 2);
}

/* However often it is pressed, there is one at a time; and nobody is woken for nothing. */
static void test_presses_at_once_are_one(void **state)
{
	(void)state;
	guest_gets_its_driver();
	for (unsigned i = 0; i < 5; i++)
		power_button_press(button);
	(void)power_button_service(button);
	power_button_press(button);
	assert_true(guest_takes_the_interrupt());
	w.now_ms += 200;
	assert_int_equal(power_button_service(button), -1);
	assert_false(guest_takes_the_interrupt());
	w.wake_ups = 0;
	for (unsigned offset = 0; offset < LAYOUT_GPIO_SZ; offset++) {
		guest_writes(offset, guest_reads(offset));
		assert_int_equal(power_button_service(button), -1);
	}
	assert_int_equal(w.wake_ups, 0);
	power_button_press(button);
	assert_true(power_button_service(button) > 0);
}

/* leds-gpio: gpiod_direction_output(); led_panic_blink(), again and again. */
static void test_the_panic_light_is_noticed_when_it_is_lit_first(void **state)
{
	const unsigned data = 4u << LAYOUT_GPIO_PANIC;
	const uint8_t bit = 1u << LAYOUT_GPIO_PANIC;

	(void)state;
	guest_writes(data, 0);
	guest_writes(DIR, bit);
	guest_writes(data, 0);
	/* Another line, and the other one's listener. */
	guest_writes(0x3fc & ~data, 0xff);
	guest_gets_its_driver();
	assert_int_equal(nr_panics, 0);
	for (unsigned i = 0; i < 5; i++) {
		guest_writes(data, bit);
		assert_int_equal(nr_panics, 1);
		guest_writes(data, 0);
	}
	/* The button is what it was. */
	power_button_press(button);
	assert_true(power_button_service(button) > 0);
	assert_true(guest_takes_the_interrupt());
}

static void test_a_taken_place_on_the_bus_is_refused(void **state)
{
	(void)state;
	assert_true(power_button_add_to_bus(button, &w.bus) < 0);
	power_button_destroy(NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(test_it_is_held_until_the_guest_has_read_it),
		TEST(test_a_guest_that_is_fast_sees_it_for_a_tenth_of_a_second),
		TEST(test_a_guest_that_does_not_read_it_has_it_for_two_seconds),
		TEST(test_who_has_listened_is_there_to_be_asked),
		TEST(test_who_does_not_listen_yet_gets_the_press_later),
		TEST(test_presses_at_once_are_one),
		TEST(test_the_panic_light_is_noticed_when_it_is_lit_first),
		TEST(test_a_taken_place_on_the_bus_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
