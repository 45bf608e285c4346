// SPDX-License-Identifier: MIT
/*
 * What a PL031's registers do: the time, the match, and any accesses in any order beside a model
 * that counts one second after the other (DDI 0224C, chapter 3). test_primecell.c goes through the
 * table.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "vmm/base/bits.h"
#include "vmm/dev/pl031.h"

#define DR   0x000u
#define MR   0x004u
#define LR   0x008u
#define CR   0x00cu
#define IMSC 0x010u
#define RIS  0x014u
#define MIS  0x018u
#define ICR  0x01cu

#define NOW 1700000000u

static void test_it_runs_from_the_start(void **state)
{
	struct pl031 p;

	(void)state;
	pl031_reset(&p, NOW);
	assert_int_equal(pl031_read(&p, CR), 1);
	pl031_write(&p, CR, 0);
	assert_int_equal(pl031_read(&p, CR), 1);
	pl031_tick(&p, NOW + 7);
	assert_int_equal(pl031_read(&p, DR), NOW + 7);
}

static void test_a_time_that_is_set_goes_on(void **state)
{
	struct pl031 p;

	(void)state;
	pl031_reset(&p, NOW);
	pl031_write(&p, LR, 1000);
	assert_int_equal(pl031_read(&p, DR), 1000);
	pl031_tick(&p, NOW + 5);
	assert_int_equal(pl031_read(&p, DR), 1005);
	assert_int_equal(pl031_read(&p, LR), 1000);
	/* Over the end of all times. */
	pl031_write(&p, LR, UINT32_MAX);
	pl031_tick(&p, NOW + 7);
	assert_int_equal(pl031_read(&p, DR), 1);
}

static void test_a_match_interrupts_until_it_is_cleared(void **state)
{
	struct pl031 p;

	(void)state;
	pl031_reset(&p, NOW);
	pl031_write(&p, MR, NOW + 3);
	assert_int_equal(pl031_due(&p), 0);
	pl031_write(&p, IMSC, 1);
	assert_int_equal(pl031_due(&p), 3);
	pl031_tick(&p, NOW + 2);
	assert_int_equal(pl031_due(&p), 1);
	assert_false(pl031_interrupts(&p));
	pl031_tick(&p, NOW + 3);
	assert_true(pl031_interrupts(&p));
	assert_int_equal(pl031_due(&p), 0);
	assert_int_equal(pl031_read(&p, RIS), 1);
	assert_int_equal(pl031_read(&p, MIS), 1);
	pl031_write(&p, IMSC, 0);
	assert_false(pl031_interrupts(&p));
	assert_int_equal(pl031_read(&p, RIS), 1);
	assert_int_equal(pl031_read(&p, MIS), 0);
	pl031_write(&p, IMSC, 1);
	pl031_write(&p, ICR, 2);
	assert_true(pl031_interrupts(&p));
	/* Who has cleared it in the second of the match has it no more. */
	pl031_write(&p, ICR, 1);
	assert_false(pl031_interrupts(&p));
	pl031_tick(&p, NOW + 3);
	assert_false(pl031_interrupts(&p));
	pl031_tick(&p, NOW + 100);
	assert_false(pl031_interrupts(&p));
	assert_int_equal(pl031_due(&p), 0);
}

static void test_seconds_that_are_skipped_are_passed_and_those_that_come_again_are_not(void **state)
{
	struct pl031 p;

	(void)state;
	pl031_reset(&p, NOW);
	pl031_write(&p, IMSC, 1);
	pl031_write(&p, MR, NOW + 10);
	/* The host's clock is put back: the alarm is later. */
	pl031_tick(&p, NOW - 100);
	assert_false(pl031_interrupts(&p));
	assert_int_equal(pl031_due(&p), 110);
	/* And put forward, over it. */
	pl031_tick(&p, NOW + 3600);
	assert_true(pl031_interrupts(&p));
}

static void test_setting_the_time_to_the_alarm_is_a_match_and_setting_it_beyond_is_none(
	void **state)
{
	struct pl031 p;

	(void)state;
	pl031_reset(&p, NOW);
	pl031_write(&p, IMSC, 1);
	pl031_write(&p, MR, NOW + 10);
	pl031_write(&p, LR, NOW + 11);
	assert_false(pl031_interrupts(&p));
	pl031_write(&p, LR, NOW + 10);
	assert_true(pl031_interrupts(&p));
	pl031_write(&p, ICR, 1);
	/* An alarm for now. */
	pl031_write(&p, MR, NOW + 10);
	assert_true(pl031_interrupts(&p));
}

/* ---- a model: second after second, by the words of the TRM ------------------------------ */

struct model {
	uint32_t count, match;
	bool raw, enabled;
};

static void model_write(struct model *m, unsigned offset, uint32_t value)
{
	if (offset == MR)
		m->match = value;
	else if (offset == LR)
		m->count = value;
	else if (offset == IMSC)
		m->enabled = value & 1;
	else if (offset == ICR && (value & 1))
		m->raw = false;
	if (offset == MR || offset == LR)
		m->raw |= m->count == m->match;
}

static void model_waits(struct model *m, unsigned seconds)
{
	for (unsigned i = 0; i < seconds; i++)
		m->raw |= ++m->count == m->match;
}

/* How long a guest would have to wait; more than the model's times are apart: for ever. */
static uint32_t model_due(const struct model *m)
{
	return m->enabled && !m->raw && m->match - m->count < 1000 ? m->match - m->count : 0;
}

static void test_random_accesses_keep_to_a_plain_model(void **state)
{
	static const uint16_t offsets[] = { DR, MR, LR, CR, IMSC, RIS, MIS, ICR, 0x2, 0xfe0 };
	struct model m = { .count = NOW };
	uint32_t now = NOW;
	struct pl031 p;

	(void)state;
	srand(31);
	pl031_reset(&p, NOW);
	for (unsigned i = 0; i < 200000; i++) {
		unsigned what = (unsigned)rand(), offset = offsets[what % ARRAY_SIZE(offsets)];
		/* Times that are near each other. */
		uint32_t value =
			offset == MR || offset == LR ? NOW + (what >> 16) % 64 : what >> 16;

		if (what >> 8 & 1) {
			now += (what >> 16) % 8;
			pl031_tick(&p, now);
			model_waits(&m, (what >> 16) % 8);
		} else {
			pl031_write(&p, offset, value);
			model_write(&m, offset, value);
		}
		assert_int_equal(pl031_read(&p, DR), m.count);
		assert_int_equal(pl031_read(&p, RIS), m.raw);
		assert_int_equal(pl031_read(&p, MIS), m.raw && m.enabled);
		assert_int_equal(pl031_interrupts(&p), m.raw && m.enabled);
		if (m.match) /* of the reset, which is decades ahead */
			assert_int_equal(pl031_due(&p), model_due(&m));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_it_runs_from_the_start),
		cmocka_unit_test(test_a_time_that_is_set_goes_on),
		cmocka_unit_test(test_a_match_interrupts_until_it_is_cleared),
		cmocka_unit_test(
			test_seconds_that_are_skipped_are_passed_and_those_that_come_again_are_not),
		cmocka_unit_test(
			test_setting_the_time_to_the_alarm_is_a_match_and_setting_it_beyond_is_none),
		cmocka_unit_test(test_random_accesses_keep_to_a_plain_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
