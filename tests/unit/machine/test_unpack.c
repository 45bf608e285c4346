// SPDX-License-Identifier: MIT
/*
 * Streams of each format, in pieces, damaged, cut off, and with more behind them.
 */
#include <errno.h>
#include <lz4.h>
#include <lzma.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/machine/pack.h"
#include "vmm/base/bits.h"
#include "vmm/kvm/layout.h"
#include "vmm/machine/unpack.h"

#define ALL SIZE_MAX

/* Bytes, in a test's hands. */
struct text {
	uint8_t *at;
	size_t len;
};

static struct text some_text(size_t len)
{
	struct text text = { calloc(1, len + 1), len };

	assert_non_null(text.at);
	for (size_t i = 0; i < len; i++)
		text.at[i] = (uint8_t)(i * 7 + (i >> 8) * (i >> 5));
	return text;
}

static struct text pack(const struct pack_kind *kind, const struct text *text)
{
	struct text packed;

	packed.at = kind->pack(text->at, text->len, &packed.len);
	return packed;
}

/* With so many bytes at a time, to at most ret->len bytes. What unpack_run() said last. */
static int unpack(const struct text *packed, size_t in_piece, size_t out_piece, struct text *ret)
{
	_cleanup_(unpack_destroyp) struct unpack *u = NULL;
	uint8_t head[UNPACK_MAGIC_MAX] = { 0 };
	struct unpack_io io = { 0 };
	size_t in_at = 0, out_at = 0;
	int r = 0;

	memcpy(head, packed->at, packed->len < sizeof(head) ? packed->len : sizeof(head));
	if (!unpack_format_of(head))
		return -ENOEXEC;
	u = unpack_create(unpack_format_of(head));
	assert_non_null(u);
	while (r == 0 && out_at < ret->len) {
		if (!io.in_len) {
			size_t left = packed->len - in_at;

			io.in_len = left < in_piece ? left : in_piece;
			io.in = packed->at + in_at;
			in_at += io.in_len;
			io.is_last = in_at == packed->len;
		}
		io.out = ret->at + out_at;
		io.out_len = ret->len - out_at < out_piece ? ret->len - out_at : out_piece;
		r = unpack_run(u, &io);
		out_at = (size_t)(io.out - ret->at);
	}
	ret->len = out_at;
	return r;
}

static struct text room_for(size_t len)
{
	return (struct text){ calloc(1, len), len };
}

static void test_each_format_is_unpacked_in_pieces_of_any_size(void **state)
{
	static const struct {
		size_t len, in, out;
	} cases[] = {
		{ 1, ALL, ALL },
		{ 5000, ALL, ALL },
		{ 5000, 1, ALL },
		{ 5000, ALL, 1 },
		{ 5000, 3, 7 },
		{ 300001, 32768, 528 },
		/* More than a block of lz4's. */
		{ 9 * MiB, 32768, ALL },
		{ 8 * MiB, 4096, 4096 },
	};

	(void)state;
	for (size_t k = 0; k < pack_nr_kinds; k++)
		for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
			struct text text = some_text(cases[i].len);
			struct text packed = pack(&pack_kinds[k], &text);
			/* One more, so that it ends by itself. */
			struct text out = room_for(text.len + 1);

			print_message("%s %zu\n", pack_kinds[k].name, i);
			assert_int_equal(unpack(&packed, cases[i].in, cases[i].out, &out), 1);
			assert_int_equal(out.len, text.len);
			assert_memory_equal(out.at, text.at, text.len);
			free(out.at);
			free(packed.at);
			free(text.at);
		}
}

static void test_what_does_not_end_in_the_room_there_is_has_not_ended(void **state)
{
	(void)state;
	for (size_t k = 0; k < pack_nr_kinds; k++) {
		struct text text = some_text(5000), packed = pack(&pack_kinds[k], &text);
		struct text out = room_for(4999);

		assert_int_equal(unpack(&packed, ALL, ALL, &out), 0);
		assert_int_equal(out.len, 4999);
		assert_memory_equal(out.at, text.at, 4999);
		free(out.at);
		free(packed.at);
		free(text.at);
	}
}

static void test_what_is_cut_off_anywhere_is_told(void **state)
{
	(void)state;
	for (size_t k = 0; k < pack_nr_kinds; k++) {
		struct text text = some_text(3000), packed = pack(&pack_kinds[k], &text);

		for (size_t cut = UNPACK_MAGIC_MAX; cut < packed.len; cut++) {
			/* Of its own size: what is read behind it shows. */
			struct text part = { malloc(cut), cut }, out = room_for(3001);

			memcpy(part.at, packed.at, cut);
			if (unpack(&part, 64, ALL, &out) != -ENODATA)
				fail_msg("%s, cut at %zu", pack_kinds[k].name, cut);
			free(out.at);
			free(part.at);
		}
		free(packed.at);
		free(text.at);
	}
}

static void test_a_wrong_bit_is_damage_or_another_text(void **state)
{
	(void)state;
	for (size_t k = 0; k < pack_nr_kinds; k++) {
		struct text text = some_text(2000), packed = pack(&pack_kinds[k], &text);

		for (size_t at = 0; at < packed.len; at++) {
			struct text out = room_for(4000);
			int r;

			packed.at[at] ^= 0x10;
			r = unpack(&packed, 100, ALL, &out);
			/* Some bytes of a header mean nothing. */
			if (pack_kinds[k].has_checksum && r == 1 &&
			    (out.len != 2000 || memcmp(out.at, text.at, 2000) != 0))
				fail_msg("%s, byte %zu", pack_kinds[k].name, at);
			packed.at[at] ^= 0x10;
			free(out.at);
		}
		free(packed.at);
		free(text.at);
	}
}

static void test_what_follows_the_end_is_ignored(void **state)
{
	(void)state;
	for (size_t k = 0; k < pack_nr_kinds; k++) {
		struct text text = some_text(5000), packed = pack(&pack_kinds[k], &text);
		struct text out = room_for(5001);

		if (pack_kinds[k].has_end) {
			packed.at = realloc(packed.at, packed.len + 100);
			assert_non_null(packed.at);
			memset(packed.at + packed.len, 0xaa, 100);
			packed.len += 100;
			assert_int_equal(unpack(&packed, ALL, ALL, &out), 1);
			assert_int_equal(out.len, 5000);
		}
		free(out.at);
		free(packed.at);
		free(text.at);
	}
}

/* Linux's build writes the unpacked size there; a block is never larger than the room for it. */
static void test_a_legacy_lz4_ends_with_its_size_or_without(void **state)
{
	static const struct {
		uint32_t size;
		int want;
	} cases[] = {
		{ 5000, 1 },
		{ 5001, -ENODATA },
		{ LZ4_COMPRESSBOUND(8 << 20), -ENODATA },
		{ LZ4_COMPRESSBOUND(8 << 20) + 1, -EBADMSG },
		{ UINT32_MAX, -EBADMSG },
		{ 0, -EBADMSG },
		{ 0x184c2102, 1 },
	};
	const struct pack_kind *kind = &pack_kinds[4];
	struct text text = some_text(5000), packed = pack(kind, &text);

	(void)state;
	assert_string_equal(kind->name, "lz4, legacy");
	packed.at = realloc(packed.at, packed.len + 4);
	assert_non_null(packed.at);
	packed.len += 4;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct text out = room_for(5001);

		print_message("%zu\n", i);
		for (unsigned n = 0; n < 4; n++)
			packed.at[packed.len - 4 + n] = (uint8_t)(cases[i].size >> 8 * n);
		assert_int_equal(unpack(&packed, ALL, ALL, &out), cases[i].want);
		out.len = 5001;
		assert_int_equal(unpack(&packed, 1, ALL, &out), cases[i].want);
		free(out.at);
	}
	free(packed.at);
	free(text.at);
}

/* RFC 8878, 3.1.1.1.2: a window of 2^(10 + exponent), then one raw block of one byte. */
static void test_a_window_that_is_too_large_is_refused_of_zstd(void **state)
{
	uint8_t frame[] = { 0x28, 0xb5, 0x2f, 0xfd, 0, 17 << 3, 0x09, 0, 0, 'A' };
	struct text packed = { frame, sizeof(frame) }, out = room_for(2);

	(void)state;
	assert_int_equal(unpack(&packed, ALL, ALL, &out), 1);
	assert_int_equal(out.len, 1);
	assert_int_equal(out.at[0], 'A');
	frame[5] = 18 << 3;
	out.len = 2;
	assert_int_equal(unpack(&packed, ALL, ALL, &out), -E2BIG);
	free(out.at);
}

/* The .xz file format, 3.1 and 5.3.1: the dictionary is (2 | bit 0) << (bits / 2 + 11). */
static void test_a_window_that_is_too_large_is_refused_of_xz(void **state)
{
	struct text text = some_text(2000), packed = pack(&pack_kinds[2], &text);
	uint8_t *header = packed.at + LZMA_STREAM_HEADER_SIZE;
	static const struct {
		uint8_t bits;
		int want;
	} cases[] = { { 30, 1 }, { 31, -E2BIG }, { 40, -E2BIG } };

	(void)state;
	assert_int_equal(header[2], LZMA_FILTER_LZMA2);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t len = ((size_t)header[0] + 1) * 4 - 4;
		struct text out = room_for(2001);
		uint32_t crc;

		header[4] = cases[i].bits;
		crc = lzma_crc32(header, len, 0);
		for (int n = 0; n < 4; n++)
			header[len + (size_t)n] = (uint8_t)(crc >> 8 * n);
		assert_int_equal(unpack(&packed, ALL, ALL, &out), cases[i].want);
		free(out.at);
	}
	free(packed.at);
	free(text.at);
}

static void test_a_window_that_is_too_large_is_refused_of_lzma(void **state)
{
	struct text text = some_text(2000), packed = pack(&pack_kinds[3], &text);
	struct text out = room_for(2001);

	(void)state;
	packed.at[4] = 0x08; /* 128 MiB, and what it was before */
	assert_int_equal(unpack(&packed, ALL, ALL, &out), 1);
	packed.at[4] = 0x0c;
	out.len = 2001;
	assert_int_equal(unpack(&packed, ALL, ALL, &out), -E2BIG);
	free(out.at);
	free(packed.at);
	free(text.at);
}

static void test_formats_are_known_by_magic_and_by_name(void **state)
{
	static const char *const unknown[] = { "", "lzo", "bzip2", "gzi", "gzipp" };

	(void)state;
	for (size_t k = 0; k < pack_nr_kinds; k++) {
		struct text text = some_text(100), packed = pack(&pack_kinds[k], &text);
		const struct unpack_format *format = unpack_format_of(packed.at);

		assert_non_null(format);
		assert_int_equal(strncmp(pack_kinds[k].name, unpack_format_name(format),
					 strlen(unpack_format_name(format))),
				 0);
		if (pack_kinds[k].zboot)
			assert_ptr_equal(unpack_format_named(pack_kinds[k].zboot), format);
		free(packed.at);
		free(text.at);
	}
	assert_ptr_equal(unpack_format_named("zstd"), unpack_format_named("zstd22"));
	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++)
		assert_null(unpack_format_named(unknown[i]));
	assert_null(unpack_format_of((const uint8_t *)"BZh91A"));
	assert_null(unpack_format_of((const uint8_t *)"\0\0\0\0\0\0"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_format_is_unpacked_in_pieces_of_any_size),
		cmocka_unit_test(test_what_does_not_end_in_the_room_there_is_has_not_ended),
		cmocka_unit_test(test_what_is_cut_off_anywhere_is_told),
		cmocka_unit_test(test_a_wrong_bit_is_damage_or_another_text),
		cmocka_unit_test(test_what_follows_the_end_is_ignored),
		cmocka_unit_test(test_a_legacy_lz4_ends_with_its_size_or_without),
		cmocka_unit_test(test_a_window_that_is_too_large_is_refused_of_zstd),
		cmocka_unit_test(test_a_window_that_is_too_large_is_refused_of_xz),
		cmocka_unit_test(test_a_window_that_is_too_large_is_refused_of_lzma),
		cmocka_unit_test(test_formats_are_known_by_magic_and_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
