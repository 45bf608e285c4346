// SPDX-License-Identifier: MIT
/*
 * A ring of bytes. Documents: ECMA-48 (5.4, control sequences; 8.3.24 DA, 8.3.35 DSR, 8.3.44 ENQ).
 *
 * No locks: who has the port's lock is the only one here.
 */
#include "vmm/dev/console_history.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define ENQ    0x05u /* "who are you?" */
#define ESCAPE 0x1bu

/* Longer than any question. What is longer than this is none, and is kept. */
#define SEQUENCE_MAX 24u

struct console_history {
	size_t end;	/* where the next byte goes */
	size_t nr;	/* how many are kept */
	size_t left;	/* how many of them, the last ones, are to be told */
	bool forgotten; /* there were more */

	/* A sequence that has begun, and may become a question. */
	uint8_t sequence[SEQUENCE_MAX];
	size_t nr_sequence;

	uint8_t ring[CONSOLE_HISTORY_SZ];
};

int console_history_create(struct console_history **ret_history)
{
	*ret_history = calloc(1, sizeof(**ret_history));
	return *ret_history ? 0 : -ENOMEM;
}

void console_history_destroy(struct console_history *h)
{
	free(h);
}

static void keep(struct console_history *h, uint8_t byte)
{
	h->ring[h->end] = byte;
	h->end = (h->end + 1) % CONSOLE_HISTORY_SZ;
	if (h->nr < CONSOLE_HISTORY_SZ)
		h->nr++;
	else
		h->forgotten = true;
	if (h->left && h->left < h->nr)
		h->left++;
}

static void keep_sequence(struct console_history *h)
{
	for (size_t i = 0; i < h->nr_sequence; i++)
		keep(h, h->sequence[i]);
	h->nr_sequence = 0;
}

enum sequence_kind {
	SEQUENCE_GOES_ON,
	SEQUENCE_ASKS,
	SEQUENCE_IS_NONE, /* it does not ask, or is longer than what does */
};

/*
 * "ESC [ parameters n" asks for the cursor or a status, "ESC [ parameters c" and "ESC Z" who the
 * terminal is.
 */
static enum sequence_kind kind_of(const uint8_t *sequence, size_t nr)
{
	const uint8_t last = sequence[nr - 1];

	if (nr == 1)
		return SEQUENCE_GOES_ON;
	if (nr == 2)
		return last == '['   ? SEQUENCE_GOES_ON
		       : last == 'Z' ? SEQUENCE_ASKS
				     : SEQUENCE_IS_NONE;
	if (last == 'n' || last == 'c')
		return SEQUENCE_ASKS;
	return last >= 0x20 && last <= 0x3f && nr < SEQUENCE_MAX ? SEQUENCE_GOES_ON
								 : SEQUENCE_IS_NONE;
}

static void add(struct console_history *h, uint8_t byte)
{
	enum sequence_kind kind;

	if (byte == ESCAPE)
		keep_sequence(h); /* it was none */
	if (byte != ESCAPE && !h->nr_sequence) {
		if (byte != ENQ)
			keep(h, byte);
		return;
	}
	h->sequence[h->nr_sequence++] = byte;
	kind = kind_of(h->sequence, h->nr_sequence);
	if (kind == SEQUENCE_ASKS)
		h->nr_sequence = 0;
	else if (kind == SEQUENCE_IS_NONE)
		keep_sequence(h);
}

void console_history_add(struct console_history *h, const uint8_t *bytes, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		add(h, bytes[i]);
}

static size_t oldest_left(const struct console_history *h)
{
	return (h->end + CONSOLE_HISTORY_SZ - h->left) % CONSOLE_HISTORY_SZ;
}

void console_history_rewind(struct console_history *h)
{
	h->left = h->nr;
	if (!h->forgotten)
		return;
	/* One line that is longer than all that is kept is told as it is. */
	for (size_t left = h->nr; left; left--) {
		h->left = left;
		if (h->ring[oldest_left(h)] == '\n') {
			h->left = left - 1;
			return;
		}
	}
	h->left = h->nr;
}

size_t console_history_next(const struct console_history *h, const uint8_t **ret_bytes)
{
	const size_t at = oldest_left(h), straight = CONSOLE_HISTORY_SZ - at;

	*ret_bytes = h->ring + at;
	return h->left < straight ? h->left : straight;
}

void console_history_told(struct console_history *h, size_t nr)
{
	assert(nr <= h->left);
	h->left -= nr;
}
