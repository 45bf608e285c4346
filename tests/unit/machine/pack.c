// SPDX-License-Identifier: MIT
/*
 * See pack.h. Also part of a fuzzer: what fails here is an assertion.
 */
#include "tests/unit/machine/pack.h"

#include <assert.h>
#include <lz4.h>
#include <lz4frame.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "vitsmod/bits.h"

#define LZ4_BLOCK_SZ (8u << 20)

static uint8_t *room(size_t len)
{
	uint8_t *bytes = calloc(1, len);

	assert(bytes);
	return bytes;
}

static uint8_t *pack_gzip(const uint8_t *bytes, size_t len, size_t *ret_len)
{
	z_stream z = { 0 };
	size_t cap = compressBound(len) + 64;
	uint8_t *out = room(cap);
	int r = deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);

	assert(r == Z_OK);
	z.next_in = (uint8_t *)(uintptr_t)bytes;
	z.avail_in = (uInt)len;
	z.next_out = out;
	z.avail_out = (uInt)cap;
	r = deflate(&z, Z_FINISH);
	assert(r == Z_STREAM_END);
	*ret_len = z.total_out;
	r = deflateEnd(&z);
	assert(r == Z_OK);
	return out;
}

static uint8_t *pack_zstd(const uint8_t *bytes, size_t len, size_t *ret_len)
{
	ZSTD_CCtx *z = ZSTD_createCCtx();
	size_t cap = ZSTD_compressBound(len) + 64, r;
	uint8_t *out = room(cap);

	assert(z);
	r = ZSTD_CCtx_setParameter(z, ZSTD_c_checksumFlag, 1);
	assert(!ZSTD_isError(r));
	r = ZSTD_compress2(z, out, cap, bytes, len);
	assert(!ZSTD_isError(r));
	(void)ZSTD_freeCCtx(z);
	*ret_len = r;
	return out;
}

/* Of an encoder that was made; all in one go. */
static uint8_t *pack_by(lzma_stream *z, const uint8_t *bytes, size_t len, size_t *ret_len)
{
	size_t cap = len + len / 2 + 4096;
	uint8_t *out = room(cap);
	lzma_ret r;

	z->next_in = bytes;
	z->avail_in = len;
	z->next_out = out;
	z->avail_out = cap;
	r = lzma_code(z, LZMA_FINISH);
	assert(r == LZMA_STREAM_END);
	*ret_len = cap - z->avail_out;
	lzma_end(z);
	return out;
}

static uint8_t *pack_xz(const uint8_t *bytes, size_t len, size_t *ret_len)
{
	lzma_stream z = LZMA_STREAM_INIT;
	lzma_ret r = lzma_easy_encoder(&z, 0, LZMA_CHECK_CRC32);

	assert(r == LZMA_OK);
	return pack_by(&z, bytes, len, ret_len);
}

static uint8_t *pack_lzma(const uint8_t *bytes, size_t len, size_t *ret_len)
{
	lzma_stream z = LZMA_STREAM_INIT;
	lzma_options_lzma options;
	lzma_bool failed = lzma_lzma_preset(&options, 0);
	lzma_ret r = lzma_alone_encoder(&z, &options);

	assert(!failed && r == LZMA_OK);
	return pack_by(&z, bytes, len, ret_len);
}

static void put32(uint8_t *at, size_t v)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(v >> 8 * i);
}

/* As lz4 -l. */
static uint8_t *pack_lz4_legacy(const uint8_t *bytes, size_t len, size_t *ret_len)
{
	const size_t most = len < LZ4_BLOCK_SZ ? len : LZ4_BLOCK_SZ;
	const size_t bound = (size_t)LZ4_compressBound((int)most);
	uint8_t *out = room(4 + (len / LZ4_BLOCK_SZ + 1) * (4 + bound));
	size_t at = 4;

	memcpy(out, "\x02\x21\x4c\x18", 4);
	while (len) {
		const size_t n = len < LZ4_BLOCK_SZ ? len : LZ4_BLOCK_SZ;
		const int packed = LZ4_compress_default((const char *)bytes, (char *)out + at + 4,
							(int)n, (int)bound);

		assert(packed > 0);
		put32(out + at, (size_t)packed);
		at += 4 + (size_t)packed;
		bytes += n;
		len -= n;
	}
	*ret_len = at;
	return out;
}

static uint8_t *pack_lz4(const uint8_t *bytes, size_t len, size_t *ret_len)
{
	const LZ4F_preferences_t preferences = {
		.frameInfo = { .contentChecksumFlag = LZ4F_contentChecksumEnabled },
	};
	size_t cap = LZ4F_compressFrameBound(len, &preferences);
	uint8_t *out = room(cap);

	*ret_len = LZ4F_compressFrame(out, cap, bytes, len, &preferences);
	assert(!LZ4F_isError(*ret_len));
	return out;
}

const struct pack_kind pack_kinds[] = {
	{ "gzip", "gzip", true, true, pack_gzip },
	{ "zstd", "zstd22", true, true, pack_zstd },
	{ "xz", "xzkern", true, true, pack_xz },
	{ "lzma", "lzma", false, true, pack_lzma },
	{ "lz4, legacy", "lz4", false, false, pack_lz4_legacy },
	{ "lz4", NULL, true, true, pack_lz4 },
};

const size_t pack_nr_kinds = ARRAY_SIZE(pack_kinds);
