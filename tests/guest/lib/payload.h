/* SPDX-License-Identifier: MIT */
/*
 * What a payload is: a name, and a function that runs on CPU 0 with the MMU on
 * and interrupts off. It says facts, one "key value" in a line, and ends with
 *
 *	payload NAME: PASS		or	payload NAME: FAIL reason
 *
 * and the power off. Returning is passing.
 */
#ifndef GUEST_LIB_PAYLOAD_H
#define GUEST_LIB_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Defined by each payload. fdt: the address that was in x0. */
extern const char payload_name[];
void payload_main(uint64_t fdt);

/* %s %c %d %u %x, with l for 64 bits; %x without leading zeros. CPU 0 only. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
void fact(const char *key, uint64_t value);
/* A key that was typed on the console, if there is one. CPU 0 only. */
bool heard(char *ret_key);
/* Its registers as say() wants them, whatever the payload has done to them; fail() does so, too. */
void console_in_order(void);
_Noreturn void pass(void);
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * How long to wait for what has to come: only a hang takes as long, and it is less than the
 * silence after which emuhost ends the machine, so that the payload says what did not come.
 */
#define PATIENCE_MS UINT64_C(240000)

#define CHECK(condition, ...)              \
	do {                               \
		if (!(condition))          \
			fail(__VA_ARGS__); \
	} while (0)

/* CNTPCT_EL0, the counter that the host knows as its own, at the first instruction. */
uint64_t payload_entered_at(void);

/* Called by start.S. */
_Noreturn void payload_start(uint64_t fdt, uint64_t entered_at);

/* The compiler may call these. */
void *memset(void *to, int byte, size_t len);
void *memcpy(void *to, const void *from, size_t len);

#endif
