// SPDX-License-Identifier: MIT
/*
 * Tables of a guest's interrupts: what is read from a reply, the rates between two
 * of them, and what a terminal shows.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "vitsmod/bits.h"
#include "vmm/cli/screen.h"
#include "vmm/control/irqview.h"

#define ROW(device, vector, more)                                                            \
	"{\"device\":\"" device "\",\"vector\":" #vector ",\"devid\":8,\"route\":\"uring\"," \
	"\"asked\":\"uring\",\"changing\":false,\"injected\":1,\"held\":2,\"released\":0,"   \
	"\"dropped\":3,\"tied\":0,\"why\":\"asked\",\"since_ns\":0," more "}"
#define AT(now, rows) "{\"now_ns\":" #now ",\"vectors\":[" rows "]}"

static struct irq_sample read_sample(const char *text)
{
	json_t *reply = json_loads(text, 0, NULL);
	struct irq_sample sample;

	assert_non_null(reply);
	assert_int_equal(irqview_read(reply, &sample), 0);
	json_decref(reply);
	return sample;
}

static void test_a_reply_without_what_is_needed_is_refused(void **state)
{
	static const char *const wrong[] = {
		"{}",
		"[]",
		"{\"now_ns\":1}",
		"{\"vectors\":[]}",
		"{\"now_ns\":-1,\"vectors\":[]}",
		"{\"now_ns\":1,\"vectors\":{}}",
		AT(1, "5"),
		AT(1, "{}"),
		AT(1, ROW("d", 0, "\"taken\":-1")),
		AT(1, ROW("d", 0, "\"taken\":\"1\"")),
		AT(1, ROW("d", -1, "\"taken\":1")),
		AT(1, ROW("01234567890123456789012345678901", 0, "\"taken\":1")),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		json_t *reply = json_loads(wrong[i], JSON_DECODE_ANY, NULL);
		struct irq_sample sample;

		assert_non_null(reply);
		assert_int_equal(irqview_read(reply, &sample), -EPROTO);
		json_decref(reply);
	}
}

static void test_rates_are_by_the_guests_clock(void **state)
{
	struct irq_sample before = read_sample(
		AT(1000000000, ROW("a", 0, "\"taken\":100") "," ROW("b", 1, "\"taken\":7")));
	/* Half a second later, in another order, one more, and one that began anew. */
	struct irq_sample now = read_sample(
		AT(1500000000, ROW("b", 1, "\"taken\":5") "," ROW("a", 0, "\"taken\":200") "," ROW(
				       "a", 1, "\"taken\":4")));

	(void)state;
	irqview_rates(&now, &before);
	assert_true(now.rows[0].rate < 0);
	assert_true(now.rows[1].rate == 200.0);
	assert_true(now.rows[2].rate < 0);
	assert_true(irqview_total_rate(&now) == 200.0);
	/* No time between them: no rate. */
	irqview_rates(&before, &before);
	assert_true(before.rows[0].rate < 0);
	irqview_fini(&before);
	irqview_fini(&now);
}

static void test_the_busiest_come_first(void **state)
{
	struct irq_sample s =
		read_sample(AT(1, ROW("a", 0, "\"taken\":1") "," ROW("b", 2, "\"taken\":9") "," ROW(
					  "b", 1, "\"taken\":9") "," ROW("c", 0, "\"taken\":2")));

	(void)state;
	s.rows[0].rate = 10;
	s.rows[3].rate = 20;
	irqview_sort(&s);
	assert_string_equal(s.rows[0].device, "c");
	assert_string_equal(s.rows[1].device, "a");
	assert_int_equal(s.rows[2].vector, 1);
	assert_int_equal(s.rows[3].vector, 2);
	irqview_fini(&s);
}

/* The caller's to free(). */
static char *table(const struct irq_sample *sample, size_t columns)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	assert_int_equal(irqview_print(sample, columns, out), 0);
	(void)fclose(out);
	return text;
}

static void expect_table(struct irq_sample *sample, const char *want)
{
	char *text = table(sample, 0);

	assert_string_equal(text, want);
	free(text);
	irqview_fini(sample);
}

static void test_the_table_shows_what_is_known_and_hides_the_quiet(void **state)
{
	struct irq_sample s = read_sample(AT(
		5000000000, ROW("disk", 0, "\"taken\":0") "," ROW(
				    "disk", 1,
				    "\"taken\":12345,\"eventid\":1,\"lpi\":8193,\"vcpu\":3,"
				    "\"last_ns\":4999000000") "," ROW("disk", 2, "\"taken\":1")));

	(void)state;
	s.rows[1].rate = 1234.6;
	(void)snprintf(s.rows[1].asked, sizeof(s.rows[1].asked), "irqfd");
	s.rows[2].rate = 0.5;
	expect_table(&s,
		     "VECTOR   DEV/EVENT   LPI  VCPU  ROUTE         WHY          PER S   TAKEN  "
		     "INJECTED  HELD  DROPPED  BY IRQFD    LAST\n"
		     "disk[1]  0x0008/1   8193     3  uring->irqfd  asked 5.0 s  1,235  12,345  "
		     "       1     2        3         0  1.0 ms\n"
		     "disk[2]  0x0008/-      -     -  uring         asked 5.0 s    0.5       1  "
		     "       1     2        3         0       -\n"
		     "(1 more vector without an interrupt)\n");
}

static void test_what_nobody_counts_has_a_word_and_no_rate(void **state)
{
	struct irq_sample s = read_sample(AT(
		5000000000,
		ROW("d", 0, "\"taken\":5,\"tied_is\":\"direct\"") "," ROW("d", 1, "\"taken\":0")));

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		(void)snprintf(s.rows[i].route, sizeof(s.rows[i].route), "irqfd");
		(void)snprintf(s.rows[i].asked, sizeof(s.rows[i].asked), "auto");
		(void)snprintf(s.rows[i].why, sizeof(s.rows[i].why), "hot");
		s.rows[i].rate = 0;
	}
	expect_table(&s, "VECTOR  DEV/EVENT  LPI  VCPU  ROUTE        WHY        PER S  TAKEN  "
			 "INJECTED  HELD  DROPPED  BY IRQFD  LAST\n"
			 "d[0]    0x0008/-     -     -  auto: irqfd  hot 5.0 s      -      5  "
			 "       1     2        3    direct     -\n"
			 "(1 more vector without an interrupt)\n");
}

static void test_vectors_that_only_the_kernel_sees_share_a_line(void **state)
{
	struct irq_sample s = read_sample(
		AT(5000000000,
		   ROW("d", 0, "\"taken\":0,\"tied_is\":\"direct\"") "," ROW(
			   "d", 1, "\"taken\":0,\"tied_is\":\"unknown\"") "," ROW("d", 2,
										  "\"taken\":0")));
	char *text;

	(void)state;
	/* One that is asked for alone has its own. */
	s.nr = 1;
	text = table(&s, 0);
	assert_non_null(strstr(text, "\nd[0] "));
	assert_null(strstr(text, "more vector"));
	free(text);
	s.nr = 3;
	expect_table(&s, "VECTOR  DEV/EVENT  LPI  VCPU  ROUTE  WHY  PER S  TAKEN  INJECTED  HELD  "
			 "DROPPED  BY IRQFD  LAST\n"
			 "(2 more vectors on irqfd, whose interrupts nobody counts)\n"
			 "(1 more vector without an interrupt)\n");
}

/* 1122408 beside 11224080 would be nine interrupts lost of ten. */
static void test_what_is_too_wide_loses_columns_and_no_digit(void **state)
{
	struct irq_sample s =
		read_sample(AT(5000000000, ROW("disk0", 12,
					       "\"taken\":11224080,\"eventid\":12,\"lpi\":8204,"
					       "\"vcpu\":3,\"last_ns\":4999000000")));
	char *wide;

	(void)state;
	s.rows[0].rate = 12345;
	s.rows[0].counts[COUNTER_INJECTED] = 11224080;
	s.rows[0].counts[COUNTER_HELD] = s.rows[0].counts[COUNTER_TIED] = 0;
	for (size_t columns = 30; columns < 140; columns++) {
		char *text = table(&s, columns);

		for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
			if (*line != '(' && strcspn(line, "\n") > columns)
				fail_msg("wider than %zu: %s", columns, line);
		assert_non_null(strstr(text, "disk0[12]"));
		assert_non_null(strstr(text, " 12,345 "));
		assert_non_null(strstr(text, " 11,224,080"));
		free(text);
	}
	/* What is 0 goes first, and what is gone is told. */
	wide = table(&s, 80);
	assert_non_null(strstr(wide, " INJECTED DROPPED\n") ?: strstr(wide, " INJECTED DROPPED "));
	assert_non_null(strstr(wide, "11,224,080 11,224,080"));
	assert_non_null(strstr(wide, "(too narrow for: DEV/EVENT, "));
	free(wide);
	irqview_fini(&s);
}

static void test_histograms_show_percentiles(void **state)
{
	json_t *reply = json_loads(
		"{\"vectors\":[{\"device\":\"d\",\"vector\":0,\"count\":0},"
		"{\"device\":\"d\",\"vector\":1,\"count\":10,\"min\":900,\"p50\":1000,"
		"\"p90\":12345,\"p99\":2000000,\"p99_9\":3000000000,\"max\":3000000001}]}",
		0, NULL);
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	assert_int_equal(irqview_print_histogram(reply, out), 0);
	(void)fclose(out);
	assert_string_equal(text, "VECTOR  COUNT     MIN     P50    P90     P99  P99.9    MAX\n"
				  "d[1]       10  900 ns  1.0 us  12 us  2.0 ms  3.0 s  3.0 s\n"
				  "(1 more vector without a time)\n");
	free(text);
	json_decref(reply);
	/* Those of too few times are not in the reply. */
	reply = json_loads("{\"vectors\":[{\"device\":\"d\",\"vector\":0,\"count\":3,"
			   "\"min\":1,\"p50\":2,\"max\":3}]}",
			   0, NULL);
	out = open_memstream(&text, &len);
	assert_int_equal(irqview_print_histogram(reply, out), 0);
	(void)fclose(out);
	assert_string_equal(text, "VECTOR  COUNT   MIN   P50  P90  P99  P99.9   MAX\n"
				  "d[0]        3  1 ns  2 ns    -    -      -  3 ns\n");
	free(text);
	json_decref(reply);
	reply = json_loads("{\"vectors\":[{\"device\":\"d\",\"vector\":0}]}", 0, NULL);
	out = open_memstream(&text, &len);
	assert_int_equal(irqview_print_histogram(reply, out), -EPROTO);
	(void)fclose(out);
	free(text);
	json_decref(reply);
}

static void test_times_have_the_unit_that_fits(void **state)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} cases[] = {
		{ 0, "0 ns" },
		{ 999, "999 ns" },
		{ 1000, "1.0 us" },
		{ 9999, "9.9 us" },
		{ 10000, "10 us" },
		{ 999999, "999 us" },
		{ 1000000, "1.0 ms" },
		{ 1500000000, "1.5 s" },
		{ 119999999999, "119 s" },
		{ 120000000000, "2.0 min" },
		{ 7200000000000, "2.0 h" },
		{ 172800000000000, "2.0 d" },
		{ UINT64_MAX, "213503 d" },
	};
	char text[IRQVIEW_TIME_SZ];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(irqview_time(cases[i].ns, text), cases[i].text);
}

static void test_a_page_is_cut_to_the_terminal(void **state)
{
	static const struct {
		const char *text;
		size_t rows, columns;
		const char *want;
	} cases[] = {
		{ "one\ntwo\nthree\n", 24, 80, "one\r\ntwo\r\nthree" },
		{ "one\ntwo\nthree\n", 2, 80, "one\r\ntwo" },
		{ "one\ntwo\nthree\n", 3, 3, "one\r\ntwo\r\n>" },
		{ "one 1122408 11224080\n", 24, 20, "one 1122408 11224080" },
		{ "one 1122408 11224080\n", 24, 19, "one 1122408 >" },
		{ "one 1122408 11224080\n", 24, 13, "one 1122408 >" },
		{ "one 1122408 11224080\n", 24, 12, "one >" },
		{ "\n\nx", 24, 80, "\r\n\r\nx" },
		{ "x", 0, 80, "" },
		{ "ab\ncd", 24, 0, "\r\n" },
		{ "", 24, 80, "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *cut = screen_cut(cases[i].text, cases[i].rows, cases[i].columns);

		assert_string_equal(cut, cases[i].want);
		free(cut);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_reply_without_what_is_needed_is_refused),
		cmocka_unit_test(test_rates_are_by_the_guests_clock),
		cmocka_unit_test(test_the_busiest_come_first),
		cmocka_unit_test(test_the_table_shows_what_is_known_and_hides_the_quiet),
		cmocka_unit_test(test_what_nobody_counts_has_a_word_and_no_rate),
		cmocka_unit_test(test_vectors_that_only_the_kernel_sees_share_a_line),
		cmocka_unit_test(test_what_is_too_wide_loses_columns_and_no_digit),
		cmocka_unit_test(test_histograms_show_percentiles),
		cmocka_unit_test(test_times_have_the_unit_that_fits),
		cmocka_unit_test(test_a_page_is_cut_to_the_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
