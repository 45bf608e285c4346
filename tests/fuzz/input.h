/* SPDX-License-Identifier: MIT */
/*
 * A fuzzer's bytes, taken from the front as numbers. An input that ends early
 * goes on as zeros, so that every prefix of an input is one as well.
 */
#ifndef TESTS_FUZZ_INPUT_H
#define TESTS_FUZZ_INPUT_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The entry of each target (libFuzzer's name for it). Always returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *at, *end;
};

static inline size_t input_left(const struct input *in)
{
	return (size_t)(in->end - in->at);
}

/* Little-endian, of len bytes, at most 8. */
static inline uint64_t input_uint(struct input *in, unsigned len)
{
	uint64_t value = 0;

	assert(len <= sizeof(value));
	for (unsigned i = 0; i < len && in->at < in->end; i++)
		value |= (uint64_t)*in->at++ << 8 * i;
	return value;
}

static inline uint8_t input_u8(struct input *in)
{
	return (uint8_t)input_uint(in, 1);
}

static inline uint16_t input_u16(struct input *in)
{
	return (uint16_t)input_uint(in, 2);
}

static inline uint32_t input_u32(struct input *in)
{
	return (uint32_t)input_uint(in, 4);
}

static inline uint64_t input_u64(struct input *in)
{
	return input_uint(in, 8);
}

/* 0 to n - 1, from one byte; n is 1 to 256. */
static inline unsigned input_below(struct input *in, unsigned n)
{
	assert(n >= 1);
	assert(n <= 256);
	return input_u8(in) % n;
}

/* Width of a register access: 1, 2, 4 or 8. */
static inline unsigned input_width(struct input *in)
{
	return 1u << input_below(in, 4);
}

/* Up to len bytes as they are; ret_len says how many. Not copied. */
static inline const uint8_t *input_bytes(struct input *in, size_t len, size_t *ret_len)
{
	const uint8_t *bytes = in->at;

	*ret_len = len < input_left(in) ? len : input_left(in);
	in->at += *ret_len;
	return bytes;
}

#endif
