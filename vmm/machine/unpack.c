// SPDX-License-Identifier: MIT
/*
 * One row for each format: how it is known, and a library's streaming decoder behind it.
 *
 * Documents: RFC 1952 (gzip), RFC 8878 (zstd), the .xz and .lzma file formats, the LZ4 frame format
 * and its legacy frame, which Linux uses (usr/, scripts/Makefile.lib: lz4 -l); the names are those
 * of drivers/firmware/efi/libstub/Makefile.zboot.
 *
 * What follows the end of a stream is ignored, as bootloaders do.
 *
 * No locks. Memory is the libraries' own, from malloc(3): this is set-up.
 */
#include "vmm/machine/unpack.h"

#include <assert.h>
#include <errno.h>
#include <lz4.h>
#include <lz4frame.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "vmm/base/bits.h"

#define ZSTD_WINDOW_LOG_MAX 27 /* 128 MiB */
/* zlib counts in 32 bits. */
#define GZIP_PIECE (UINT32_C(64) << 20)

/* LZ4 legacy frame: blocks of this size, but for the last one. */
#define LZ4_BLOCK_SZ	 (8u << 20)
#define LZ4_LEGACY_MAGIC UINT32_C(0x184c2102)

/* A legacy frame: a magic, and blocks, each behind its packed size. It has no end but the file's.
 */
struct lz4_legacy {
	uint8_t size[4]; /* of the block that comes, or the magic */
	unsigned nr_size;
	uint8_t *in;			/* [in_cap], the packed block */
	size_t in_cap, in_len, in_want; /* in_want 0: its size is not known yet */
	uint8_t *out;			/* [LZ4_BLOCK_SZ], [out_at, out_len) is still to be given */
	size_t out_at, out_len;
	uint32_t total; /* unpacked, modulo 2^32 */
	bool begun;	/* the magic was there */
};

struct unpack_format {
	const char *name;
	const char *zboot[2]; /* names in zboot headers; NULL: none */
	unsigned magic_len;
	const char *magic;
	int (*init)(struct unpack *u);
	int (*run)(struct unpack *u, struct unpack_io *io);
	void (*fini)(struct unpack *u);
};

struct unpack {
	const struct unpack_format *format;
	union {
		z_stream gzip;
		lzma_stream xz;
		ZSTD_DStream *zstd;
		LZ4F_dctx *lz4;
		struct lz4_legacy legacy;
	};
};

/* ---- gzip ------------------------------------------------------------------------------ */

static int gzip_init(struct unpack *u)
{
	/* 16: a gzip header is demanded; its checksum is verified at the end. */
	return inflateInit2(&u->gzip, 16 + MAX_WBITS) == Z_OK ? 0 : -ENOMEM;
}

static int gzip_run(struct unpack *u, struct unpack_io *io)
{
	z_stream *z = &u->gzip;
	const uInt in = (uInt)(io->in_len < GZIP_PIECE ? io->in_len : GZIP_PIECE);
	const uInt out = (uInt)(io->out_len < GZIP_PIECE ? io->out_len : GZIP_PIECE);
	int r;

	z->next_in = (uint8_t *)(uintptr_t)io->in;
	z->avail_in = in;
	z->next_out = io->out;
	z->avail_out = out;
	r = inflate(z, Z_NO_FLUSH);
	io->in += in - z->avail_in;
	io->in_len -= in - z->avail_in;
	io->out += out - z->avail_out;
	io->out_len -= out - z->avail_out;
	if (r == Z_STREAM_END)
		return 1;
	if (r == Z_MEM_ERROR)
		return -ENOMEM;
	return r == Z_OK || r == Z_BUF_ERROR ? 0 : -EBADMSG;
}

static void gzip_fini(struct unpack *u)
{
	(void)inflateEnd(&u->gzip);
}

/* ---- zstd ------------------------------------------------------------------------------ */

static int zstd_init(struct unpack *u)
{
	u->zstd = ZSTD_createDStream();
	if (!u->zstd)
		return -ENOMEM;
	return ZSTD_isError(
		       ZSTD_DCtx_setParameter(u->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX))
		       ? -ENOMEM
		       : 0;
}

static int zstd_run(struct unpack *u, struct unpack_io *io)
{
	ZSTD_inBuffer in = { io->in, io->in_len, 0 };
	ZSTD_outBuffer out = { io->out, io->out_len, 0 };
	const size_t r = ZSTD_decompressStream(u->zstd, &out, &in);

	io->in += in.pos;
	io->in_len -= in.pos;
	io->out += out.pos;
	io->out_len -= out.pos;
	if (!ZSTD_isError(r))
		return r == 0;
	switch (ZSTD_getErrorCode(r)) {
	case ZSTD_error_frameParameter_windowTooLarge:
		return -E2BIG;
	case ZSTD_error_memory_allocation:
		return -ENOMEM;
	default:
		return -EBADMSG;
	}
}

static void zstd_fini(struct unpack *u)
{
	(void)ZSTD_freeDStream(u->zstd);
}

/* ---- xz, lzma -------------------------------------------------------------------------- */

static int xz_init(struct unpack *u)
{
	u->xz = (lzma_stream)LZMA_STREAM_INIT;
	return lzma_stream_decoder(&u->xz, UNPACK_MEMORY_MAX, 0) == LZMA_OK ? 0 : -ENOMEM;
}

static int lzma_init(struct unpack *u)
{
	u->xz = (lzma_stream)LZMA_STREAM_INIT;
	return lzma_alone_decoder(&u->xz, UNPACK_MEMORY_MAX) == LZMA_OK ? 0 : -ENOMEM;
}

static int xz_run(struct unpack *u, struct unpack_io *io)
{
	lzma_ret r;

	u->xz.next_in = io->in;
	u->xz.avail_in = io->in_len;
	u->xz.next_out = io->out;
	u->xz.avail_out = io->out_len;
	r = lzma_code(&u->xz, LZMA_RUN);
	io->in = u->xz.next_in;
	io->in_len = u->xz.avail_in;
	io->out = u->xz.next_out;
	io->out_len = u->xz.avail_out;
	switch (r) {
	case LZMA_OK:
	case LZMA_BUF_ERROR:
		return 0;
	case LZMA_STREAM_END:
		return 1;
	case LZMA_MEMLIMIT_ERROR:
		return -E2BIG;
	case LZMA_MEM_ERROR:
		return -ENOMEM;
	default:
		return -EBADMSG;
	}
}

static void xz_fini(struct unpack *u)
{
	lzma_end(&u->xz);
}

/* ---- lz4, frames ----------------------------------------------------------------------- */

static int lz4_init(struct unpack *u)
{
	return LZ4F_isError(LZ4F_createDecompressionContext(&u->lz4, LZ4F_VERSION)) ? -ENOMEM : 0;
}

static int lz4_run(struct unpack *u, struct unpack_io *io)
{
	size_t in = io->in_len, out = io->out_len;
	const size_t r = LZ4F_decompress(u->lz4, io->out, &out, io->in, &in, NULL);

	if (LZ4F_isError(r))
		return -EBADMSG;
	io->in += in;
	io->in_len -= in;
	io->out += out;
	io->out_len -= out;
	return r == 0;
}

static void lz4_fini(struct unpack *u)
{
	(void)LZ4F_freeDecompressionContext(u->lz4);
}

/* ---- lz4, legacy ----------------------------------------------------------------------- */

static int legacy_init(struct unpack *u)
{
	struct lz4_legacy *l = &u->legacy;

	l->in_cap = (size_t)LZ4_compressBound(LZ4_BLOCK_SZ);
	l->in = malloc(l->in_cap);
	l->out = malloc(LZ4_BLOCK_SZ);
	return l->in && l->out ? 0 : -ENOMEM;
}

static void take(struct unpack_io *io, uint8_t *to, size_t len)
{
	memcpy(to, io->in, len);
	io->in += len;
	io->in_len -= len;
}

static void legacy_give(struct lz4_legacy *l, struct unpack_io *io)
{
	const size_t left = l->out_len - l->out_at;
	const size_t len = left < io->out_len ? left : io->out_len;

	memcpy(io->out, l->out + l->out_at, len);
	l->out_at += len;
	io->out += len;
	io->out_len -= len;
}

/* 0, or 1 if these four bytes are the end: Linux's build writes the unpacked size there. */
static int legacy_size(struct lz4_legacy *l, const struct unpack_io *io)
{
	const uint32_t size = (uint32_t)l->size[0] | (uint32_t)l->size[1] << 8 |
			      (uint32_t)l->size[2] << 16 | (uint32_t)l->size[3] << 24;

	l->nr_size = 0;
	/* Frames may follow each other. */
	if (size == LZ4_LEGACY_MAGIC) {
		l->begun = true;
		return 0;
	}
	if (!l->begun)
		return -EBADMSG;
	if (io->is_last && io->in_len == 0 && size == l->total)
		return 1;
	if (size == 0 || size > l->in_cap)
		return -EBADMSG;
	l->in_want = size;
	l->in_len = 0;
	return 0;
}

static int legacy_block(struct lz4_legacy *l)
{
	const int len = LZ4_decompress_safe((const char *)l->in, (char *)l->out, (int)l->in_want,
					    (int)LZ4_BLOCK_SZ);

	if (len < 0)
		return -EBADMSG;
	l->in_want = 0;
	l->out_at = 0;
	l->out_len = (size_t)len;
	l->total += (uint32_t)len;
	return 0;
}

static bool legacy_is_over(const struct lz4_legacy *l, const struct unpack_io *io)
{
	return io->is_last && !io->in_len && l->begun && !l->in_want && !l->nr_size &&
	       l->out_at == l->out_len;
}

static int legacy_run(struct unpack *u, struct unpack_io *io)
{
	struct lz4_legacy *l = &u->legacy;
	int r = 0;

	legacy_give(l, io);
	while (r == 0 && io->in_len && l->out_at == l->out_len) {
		if (l->in_want) {
			const size_t left = l->in_want - l->in_len;
			const size_t len = left < io->in_len ? left : io->in_len;

			take(io, l->in + l->in_len, len);
			l->in_len += len;
			if (l->in_len == l->in_want)
				r = legacy_block(l);
		} else {
			take(io, &l->size[l->nr_size++], 1);
			if (l->nr_size == sizeof(l->size))
				r = legacy_size(l, io);
		}
		if (r == 0)
			legacy_give(l, io);
	}
	return r ? r : legacy_is_over(l, io);
}

static void legacy_fini(struct unpack *u)
{
	free(u->legacy.in);
	free(u->legacy.out);
}

/* ---- the table ------------------------------------------------------------------------- */

static const struct unpack_format formats[] = {
	{ "gzip", { "gzip" }, 2, "\x1f\x8b", gzip_init, gzip_run, gzip_fini },
	{ "zstd", { "zstd22", "zstd" }, 4, "\x28\xb5\x2f\xfd", zstd_init, zstd_run, zstd_fini },
	{ "xz",
	  { "xzkern" },
	  6,
	  "\xfd"
	  "7zXZ\0",
	  xz_init,
	  xz_run,
	  xz_fini },
	{ "lz4", { "lz4" }, 4, "\x02\x21\x4c\x18", legacy_init, legacy_run, legacy_fini },
	{ "lz4", { NULL }, 4, "\x04\x22\x4d\x18", lz4_init, lz4_run, lz4_fini },
	{ "lzma", { "lzma" }, 3, "\x5d\0\0", lzma_init, xz_run, xz_fini },
};

const struct unpack_format *unpack_format_of(const uint8_t *head)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		if (memcmp(head, formats[i].magic, formats[i].magic_len) == 0)
			return &formats[i];
	return NULL;
}

const struct unpack_format *unpack_format_named(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		for (size_t n = 0; n < ARRAY_SIZE(formats[i].zboot) && formats[i].zboot[n]; n++)
			if (strcmp(formats[i].zboot[n], name) == 0)
				return &formats[i];
	return NULL;
}

const char *unpack_format_name(const struct unpack_format *format)
{
	return format->name;
}

struct unpack *unpack_create(const struct unpack_format *format)
{
	struct unpack *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	u->format = format;
	if (format->init(u) == 0)
		return u;
	unpack_destroy(u);
	return NULL;
}

void unpack_destroy(struct unpack *u)
{
	if (!u)
		return;
	u->format->fini(u);
	free(u);
}

int unpack_run(struct unpack *u, struct unpack_io *io)
{
	assert(io->in && io->out);

	while (io->out_len) {
		const size_t in_len = io->in_len, out_len = io->out_len;
		const int r = u->format->run(u, io);

		if (r)
			return r;
		if (io->in_len != in_len || io->out_len != out_len)
			continue;
		/* It does not go on by itself. */
		if (io->in_len)
			return -EBADMSG;
		return io->is_last ? -ENODATA : 0;
	}
	return 0;
}
