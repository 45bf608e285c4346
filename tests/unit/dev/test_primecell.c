// SPDX-License-Identifier: MIT
/*
 * The registers of Arm's PrimeCells as a table: what a row makes of accesses, with a PrimeCell that
 * there is not; and each row of those that there are (DDI 0183G, DDI 0190B, DDI 0224C, chapter 3
 * of each).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "vmm/base/bits.h"
#include "vmm/dev/pl011.h"
#include "vmm/dev/pl031.h"
#include "vmm/dev/pl061.h"
#include "vmm/dev/primecell.h"

#define ID 0xfe0u /* the first of the eight registers that say what it is */

/* ---- a PrimeCell that there is not ---------------------------------------------------- */

#define KEPT  0x004u
#define BANK  0x010u
#define EVENT 0x040u

static struct {
	struct primecell cell;
	uint32_t bank[4];
	unsigned nr_events;
	uint32_t event, kept_then;
} w;

static uint32_t bank_read(const void *chip, unsigned n)
{
	assert_ptr_equal(chip, &w);
	assert_in_range(n, 0, ARRAY_SIZE(w.bank) - 1);
	return w.bank[n];
}

static void bank_wrote(void *chip, unsigned n, uint32_t value)
{
	assert_ptr_equal(chip, &w);
	assert_in_range(n, 0, ARRAY_SIZE(w.bank) - 1);
	w.bank[n] = value;
}

static void event_wrote(void *chip, unsigned n, uint32_t value)
{
	assert_ptr_equal(chip, &w);
	assert_int_equal(n, 0);
	w.nr_events++;
	w.event = value;
	w.kept_then = primecell_read(&w.cell, &w, EVENT);
}

static const struct primecell_register registers[] = {
	{ "KEPT", KEPT, 1, 0x05, 0xf0, NULL, NULL },
	{ "BANK", BANK, ARRAY_SIZE(w.bank), 0, 0, bank_read, bank_wrote },
	{ "EVENT", EVENT, 1, 0, 0x0f, NULL, event_wrote },
};
static const struct primecell_kind kind = { registers, ARRAY_SIZE(registers), 0x12345678 };

static int begin(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	primecell_reset(&w.cell, &kind);
	return 0;
}

static uint32_t reads(uint64_t offset)
{
	return primecell_read(&w.cell, &w, offset);
}

static void writes(uint64_t offset, uint32_t value)
{
	primecell_write(&w.cell, &w, offset, value);
}

static void test_a_write_changes_the_bits_that_the_row_has(void **state)
{
	(void)state;
	assert_int_equal(reads(KEPT), 0x05);
	writes(KEPT, UINT32_MAX);
	assert_int_equal(reads(KEPT), 0xf5);
	writes(KEPT, 0x50);
	assert_int_equal(reads(KEPT), 0x55);
	primecell_reset(&w.cell, &kind);
	assert_int_equal(reads(KEPT), 0x05);
}

static void test_a_function_gets_all_of_what_is_written_once_it_is_kept(void **state)
{
	(void)state;
	writes(EVENT, 0x123);
	assert_int_equal(w.nr_events, 1);
	assert_int_equal(w.event, 0x123);
	assert_int_equal(w.kept_then, 0x3);
}

static void test_each_instance_of_a_register_is_its_own(void **state)
{
	(void)state;
	for (unsigned n = 0; n < ARRAY_SIZE(w.bank); n++)
		writes(BANK + 4 * n, 100 + n);
	for (unsigned n = 0; n < ARRAY_SIZE(w.bank); n++)
		assert_int_equal(reads(BANK + 4 * n), 100 + n);
}

static void test_no_function_hears_of_what_is_between_registers(void **state)
{
	(void)state;
	for (unsigned at = 0; at < PRIMECELL_SZ; at++) {
		if (at % 4 == 0 && (at == EVENT || (at >= BANK && at < BANK + sizeof(w.bank))))
			continue;
		writes(at, UINT32_MAX);
		(void)reads(at);
	}
	writes(UINT64_MAX, UINT32_MAX);
	writes(UINT64_C(0x100000000) + EVENT, UINT32_MAX);
	assert_int_equal(w.nr_events, 0);
	for (unsigned n = 0; n < ARRAY_SIZE(w.bank); n++)
		assert_int_equal(w.bank[n], 0);
}

static void test_its_id_is_a_byte_in_each_of_eight_registers_that_nobody_changes(void **state)
{
	static const uint8_t id[] = { 0x78, 0x56, 0x34, 0x12, 0x0d, 0xf0, 0x05, 0xb1 };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(id); i++) {
		assert_int_equal(reads(ID + 4 * i), id[i]);
		writes(ID + 4 * i, UINT32_MAX);
		assert_int_equal(reads(ID + 4 * i), id[i]);
		assert_int_equal(reads(ID + 4 * i + 1), 0);
	}
	assert_int_equal(reads(ID + 4 * ARRAY_SIZE(id)), 0);
}

/* ---- those that there are ------------------------------------------------------------- */

#define NOW 1700000000u

static struct {
	struct uart *uart;
	struct pl011 *pl011;
	struct pl031 pl031;
	struct pl061 pl061;
} chip;

static uint64_t no_time(void *ctx)
{
	(void)ctx;
	return 0;
}

static void no_byte(void *ctx, uint8_t byte)
{
	(void)ctx;
	(void)byte;
}

static void no_line(void *ctx, bool level)
{
	(void)ctx;
	(void)level;
}

static void nothing(void *ctx)
{
	(void)ctx;
}

static void destroy_011(void)
{
	pl011_destroy(chip.pl011);
	uart_destroy(chip.uart);
	chip.pl011 = NULL;
	chip.uart = NULL;
}

static void reset_011(void)
{
	static const struct uart_ops ops = {
		.now_ns = no_time,
		.timed = nothing,
		.transmit = no_byte,
		.interrupt = no_line,
		.receive_ready = nothing,
	};

	destroy_011();
	assert_int_equal(uart_create(&ops, NULL, &chip.uart), 0);
	assert_int_equal(pl011_create(chip.uart, &chip.pl011), 0);
}

static int end(void **state)
{
	(void)state;
	destroy_011();
	return 0;
}

static uint32_t read_011(uint64_t offset)
{
	return pl011_read(chip.pl011, offset);
}

static void write_011(uint64_t offset, uint32_t value)
{
	pl011_write(chip.pl011, offset, value);
}

static void reset_031(void)
{
	pl031_reset(&chip.pl031, NOW);
}

static uint32_t read_031(uint64_t offset)
{
	return pl031_read(&chip.pl031, offset);
}

static void write_031(uint64_t offset, uint32_t value)
{
	pl031_write(&chip.pl031, offset, value);
}

static void reset_061(void)
{
	pl061_reset(&chip.pl061);
	for (unsigned pin = 0; pin < PL061_PINS; pin++)
		pl061_set_pin(&chip.pl061, pin, true);
}

static uint32_t read_061(uint64_t offset)
{
	return pl061_read(&chip.pl061, offset);
}

static void write_061(uint64_t offset, uint32_t value)
{
	pl061_write(&chip.pl061, offset, (uint8_t)value);
}

static const struct real {
	const struct primecell_kind *kind;
	void (*reset)(void);
	uint32_t (*read)(uint64_t offset);
	void (*write)(uint64_t offset, uint32_t value);
	/* The part and its designer, by which drivers know it. */
	uint32_t part; /* PeriphID, bits 19:0 */
} all[] = {
	/* drivers/tty/serial/amba-pl011.c: pl011_ids */
	{ &pl011_kind, reset_011, read_011, write_011, 0x41011 },
	/* drivers/rtc/rtc-pl031.c: pl031_ids */
	{ &pl031_kind, reset_031, read_031, write_031, 0x41031 },
	/* drivers/gpio/gpio-pl061.c: pl061_ids */
	{ &pl061_kind, reset_061, read_061, write_061, 0x41061 },
};

static void expect_row(const struct primecell_register *r)
{
	print_message("%s\n", r->name);
	assert_int_equal(r->offset % 4, 0);
	assert_true(r->count && r->offset + r->count * 4u <= ID);
	/* What is computed keeps nothing, and there is one value of each row. */
	assert_true(!r->read || (!r->reset && !r->rw));
	assert_true(r->count == 1 || r->read);
}

static void test_rows_are_in_order_and_agree_with_themselves(void **state)
{
	(void)state;
	for (size_t c = 0; c < ARRAY_SIZE(all); c++) {
		const struct primecell_register *r = all[c].kind->registers;

		for (size_t i = 0; i < all[c].kind->nr_registers; i++) {
			expect_row(&r[i]);
			if (i)
				assert_true(r[i - 1].offset + r[i - 1].count * 4u <= r[i].offset);
		}
	}
}

static void test_each_register_has_its_value_after_a_reset_and_takes_its_bits(void **state)
{
	(void)state;
	for (size_t c = 0; c < ARRAY_SIZE(all); c++) {
		for (size_t i = 0; i < all[c].kind->nr_registers; i++) {
			const struct primecell_register *r = &all[c].kind->registers[i];

			if (r->read)
				continue;
			all[c].reset();
			print_message("%s\n", r->name);
			assert_int_equal(all[c].read(r->offset), r->reset);
			all[c].write(r->offset, UINT32_MAX);
			assert_int_equal(all[c].read(r->offset), r->reset | r->rw);
			all[c].write(r->offset, 0);
			assert_int_equal(all[c].read(r->offset), r->reset & ~r->rw);
		}
	}
}

static void test_what_is_computed_is_not_written(void **state)
{
	(void)state;
	for (size_t c = 0; c < ARRAY_SIZE(all); c++) {
		for (size_t i = 0; i < all[c].kind->nr_registers; i++) {
			const struct primecell_register *r = &all[c].kind->registers[i];
			uint32_t before;

			if (!r->read)
				continue;
			all[c].reset();
			print_message("%s\n", r->name);
			before = all[c].read(r->offset);
			all[c].write(r->offset, ~before);
			assert_int_equal(all[c].read(r->offset), before);
		}
	}
}

static void test_all_else_reads_as_zero(void **state)
{
	(void)state;
	for (size_t c = 0; c < ARRAY_SIZE(all); c++) {
		bool named[PRIMECELL_SZ] = { false };

		for (size_t i = 0; i < all[c].kind->nr_registers; i++)
			for (unsigned n = 0; n < all[c].kind->registers[i].count; n++)
				named[all[c].kind->registers[i].offset + 4 * n] = true;
		for (unsigned at = ID; at < PRIMECELL_SZ; at += 4)
			named[at] = true;
		all[c].reset();
		for (unsigned at = 0; at < PRIMECELL_SZ; at++) {
			if (named[at])
				continue;
			all[c].write(at, UINT32_MAX);
			assert_int_equal(all[c].read(at), 0);
		}
		assert_int_equal(all[c].read(UINT64_MAX), 0);
	}
}

/* drivers/amba/bus.c: AMBA_CID, and the IDs of its drivers. */
static void test_linux_knows_each_by_its_id(void **state)
{
	(void)state;
	for (size_t c = 0; c < ARRAY_SIZE(all); c++) {
		uint32_t periph = 0, cell = 0;

		all[c].reset();
		for (unsigned i = 0; i < 4; i++) {
			periph |= all[c].read(ID + 4 * i) << 8 * i;
			cell |= all[c].read(ID + 0x10 + 4 * i) << 8 * i;
		}
		assert_int_equal(periph & 0x000fffff, all[c].part);
		assert_int_equal(cell, 0xb105f00d);
	}
}

int main(void)
{
#define OWN(name) cmocka_unit_test_setup(name, begin)
	const struct CMUnitTest tests[] = {
		OWN(test_a_write_changes_the_bits_that_the_row_has),
		OWN(test_a_function_gets_all_of_what_is_written_once_it_is_kept),
		OWN(test_each_instance_of_a_register_is_its_own),
		OWN(test_no_function_hears_of_what_is_between_registers),
		OWN(test_its_id_is_a_byte_in_each_of_eight_registers_that_nobody_changes),
		cmocka_unit_test(test_rows_are_in_order_and_agree_with_themselves),
		cmocka_unit_test(test_each_register_has_its_value_after_a_reset_and_takes_its_bits),
		cmocka_unit_test(test_what_is_computed_is_not_written),
		cmocka_unit_test(test_all_else_reads_as_zero),
		cmocka_unit_test(test_linux_knows_each_by_its_id),
	};

	return cmocka_run_group_tests(tests, NULL, end);
}
