// SPDX-License-Identifier: MIT
/*
 * What a PL061's registers do: pins, and any accesses in any order beside a model of one pin at a
 * time (DDI 0190B, chapter 3). test_primecell.c goes through the table.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "vmm/base/bits.h"
#include "vmm/dev/pl061.h"

#define DIR 0x400u
#define IS  0x404u
#define IBE 0x408u
#define IEV 0x40cu
#define IE  0x410u
#define RIS 0x414u
#define MIS 0x418u
#define IC  0x41cu
#define ALL 0x3fcu /* of GPIODATA: all pins */

/* Where GPIODATA is for these pins. */
static uint64_t data_of(unsigned pins)
{
	return pins * 4u;
}

static void test_an_address_says_which_pins_are_meant(void **state)
{
	struct pl061 p;

	(void)state;
	pl061_reset(&p);
	pl061_set_pin(&p, 0, true);
	pl061_set_pin(&p, 7, true);
	assert_int_equal(pl061_read(&p, ALL), 0x81);
	assert_int_equal(pl061_read(&p, data_of(0x0f)), 0x01);
	assert_int_equal(pl061_read(&p, data_of(0x80)), 0x80);
	assert_int_equal(pl061_read(&p, data_of(0x7e)), 0);
	/* What is written shows at outputs, also when they become that later. */
	pl061_write(&p, data_of(0x0c), 0xff);
	assert_int_equal(pl061_read(&p, ALL), 0x81);
	pl061_write(&p, DIR, 0x0f);
	assert_int_equal(pl061_read(&p, ALL), 0x8c);
	pl061_write(&p, data_of(0x04), 0);
	assert_int_equal(pl061_read(&p, ALL), 0x88);
}

static void test_a_pin_is_driven_high_by_an_output_alone(void **state)
{
	struct pl061 p;

	(void)state;
	pl061_reset(&p);
	pl061_set_pin(&p, 4, true);
	assert_false(pl061_drives(&p, 4));
	pl061_write(&p, data_of(0x10), 0xff);
	assert_false(pl061_drives(&p, 4));
	pl061_write(&p, DIR, 0x10);
	assert_true(pl061_drives(&p, 4));
	assert_false(pl061_drives(&p, 3));
	pl061_write(&p, data_of(0xef), 0);
	assert_true(pl061_drives(&p, 4));
	pl061_write(&p, data_of(0x10), 0);
	assert_false(pl061_drives(&p, 4));
}

/* As gpio-keys has it: both edges. */
static void test_an_edge_interrupts_until_it_is_cleared(void **state)
{
	struct pl061 p;

	(void)state;
	pl061_reset(&p);
	pl061_write(&p, IBE, 1u << 3);
	pl061_set_pin(&p, 3, true);
	assert_int_equal(pl061_read(&p, RIS), 1u << 3);
	assert_false(pl061_interrupts(&p));
	assert_false(pl061_listens(&p, 3));
	pl061_write(&p, IE, 1u << 3);
	assert_true(pl061_interrupts(&p));
	assert_true(pl061_listens(&p, 3));
	assert_false(pl061_listens(&p, 2));
	assert_int_equal(pl061_read(&p, MIS), 1u << 3);
	pl061_write(&p, IC, 0xf7);
	assert_true(pl061_interrupts(&p));
	pl061_write(&p, IC, 1u << 3);
	assert_false(pl061_interrupts(&p));
	/* The same level again is no edge. */
	pl061_set_pin(&p, 3, true);
	assert_false(pl061_interrupts(&p));
	pl061_set_pin(&p, 3, false);
	assert_true(pl061_interrupts(&p));
}

static void test_a_level_interrupts_while_it_is_there(void **state)
{
	struct pl061 p;

	(void)state;
	pl061_reset(&p);
	pl061_write(&p, IS, 0xff);
	pl061_write(&p, IEV, 0x01);
	pl061_write(&p, IE, 0x03);
	/* Pin 1 interrupts while it is low, pin 0 while it is high. */
	assert_int_equal(pl061_read(&p, MIS), 0x02);
	pl061_set_pin(&p, 1, true);
	assert_false(pl061_interrupts(&p));
	pl061_set_pin(&p, 0, true);
	pl061_write(&p, IC, 0xff);
	assert_int_equal(pl061_read(&p, MIS), 0x01);
	pl061_set_pin(&p, 0, false);
	assert_false(pl061_interrupts(&p));
}

/* ---- a model: one pin, by the words of the TRM ---------------------------------------- */

struct pin {
	bool out, in, is_output, is_level, both, high, enabled, edge;
};

static bool at_pin(const struct pin *pin)
{
	return pin->is_output ? pin->out : pin->in;
}

static bool raw(const struct pin *pin)
{
	return pin->is_level ? at_pin(pin) == pin->high : pin->edge;
}

static void model_write(struct pin *pin, unsigned n, unsigned offset, uint8_t value)
{
	bool bit = value >> n & 1;

	if (offset < PL061_DATA_END && offset % 4 == 0 && offset / 4 >> n & 1)
		pin->out = bit;
	else if (offset == DIR)
		pin->is_output = bit;
	else if (offset == IS)
		pin->is_level = bit;
	else if (offset == IBE)
		pin->both = bit;
	else if (offset == IEV)
		pin->high = bit;
	else if (offset == IE)
		pin->enabled = bit;
	else if (offset == IC && bit)
		pin->edge = false;
}

static void expect_model(const struct pl061 *p, const struct pin pins[PL061_PINS])
{
	bool interrupts = false;

	for (unsigned n = 0; n < PL061_PINS; n++) {
		/* What is latched shows where edges are looked for. */
		assert_int_equal(pl061_read(p, RIS) >> n & 1, raw(&pins[n]));
		assert_int_equal(pl061_read(p, MIS) >> n & 1, raw(&pins[n]) && pins[n].enabled);
		assert_int_equal(pl061_read(p, ALL) >> n & 1, at_pin(&pins[n]));
		interrupts |= raw(&pins[n]) && pins[n].enabled;
	}
	assert_int_equal(pl061_interrupts(p), interrupts);
}

static void random_step(struct pl061 *p, struct pin pins[PL061_PINS])
{
	static const uint16_t offsets[] = { ALL, DIR, IS, IBE, IEV, IE, IC, 0x14, 0x401, 0xfe0 };
	unsigned what = (unsigned)rand(), offset = offsets[what % ARRAY_SIZE(offsets)];
	bool outside = what >> 8 & 1, before[PL061_PINS];
	uint8_t value = (uint8_t)(what >> 16);
	unsigned one = value % PL061_PINS;

	for (unsigned n = 0; n < PL061_PINS; n++)
		before[n] = at_pin(&pins[n]);
	if (outside) {
		pl061_set_pin(p, one, value >> 7);
		pins[one].in = value >> 7;
	} else {
		pl061_write(p, offset, value);
	}
	for (unsigned n = 0; n < PL061_PINS; n++) {
		if (!outside)
			model_write(&pins[n], n, offset, value);
		if (at_pin(&pins[n]) != before[n] && !pins[n].is_level &&
		    (pins[n].both || at_pin(&pins[n]) == pins[n].high))
			pins[n].edge = true;
	}
}

static void test_random_accesses_keep_to_a_plain_model(void **state)
{
	struct pin pins[PL061_PINS] = { 0 };
	struct pl061 p;

	(void)state;
	srand(61);
	pl061_reset(&p);
	for (unsigned i = 0; i < 100000; i++) {
		random_step(&p, pins);
		expect_model(&p, pins);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_address_says_which_pins_are_meant),
		cmocka_unit_test(test_a_pin_is_driven_high_by_an_output_alone),
		cmocka_unit_test(test_an_edge_interrupts_until_it_is_cleared),
		cmocka_unit_test(test_a_level_interrupts_while_it_is_there),
		cmocka_unit_test(test_random_accesses_keep_to_a_plain_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
