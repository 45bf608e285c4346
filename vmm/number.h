/* SPDX-License-Identifier: MIT */
/* Numbers of a configuration: libconfuse takes 010 for 8. */
#ifndef VMM_NUMBER_H
#define VMM_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

enum number { NUMBER_OK, NUMBER_BAD, NUMBER_OCTAL, NUMBER_HUGE };

/*
 * Decimal, or hexadecimal with 0x; with K, M or G behind it (powers of 1024) where
 * size is set. ret is written for NUMBER_OK only. NUMBER_OCTAL: decimal that begins
 * with a zero; NUMBER_HUGE: not below 2^64.
 */
enum number number_parse(const char *text, bool size, uint64_t *ret);

#endif
