/* SPDX-License-Identifier: MIT */
/*
 * Bit fields as the architecture documents write them: [high:low]; sizes. The
 * ITS library has the same macros in vitsmod/bits.h, for it depends on nothing here.
 */
#ifndef VMM_BASE_BITS_H
#define VMM_BASE_BITS_H

#include <stdint.h>

#ifdef NDEBUG
#error "itsy keeps its assertions in every build"
#endif

#define BIT64(n)       (UINT64_C(1) << (n))
#define MASK64(hi, lo) ((~UINT64_C(0) >> (63 - (hi))) & (~UINT64_C(0) << (lo)))

/* The value of the field that mask covers in v, shifted down to bit 0. */
#define FIELD_GET(mask, v) (((uint64_t)(v) & (mask)) / ((mask) & -(mask)))
/* A value shifted up to the field that mask covers; excess bits are cut. */
#define FIELD_PREP(mask, v) (((uint64_t)(v) * ((mask) & -(mask))) & (mask))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
