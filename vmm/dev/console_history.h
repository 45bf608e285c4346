/* SPDX-License-Identifier: MIT */
/*
 * The last of what a guest has printed, for who comes to its console later.
 *
 * One at a time is told of it: from console_history_rewind() on, there is something left to be told
 * until console_history_told() has had all of it. What is added meanwhile is left to be told, too.
 *
 * What asks a terminal for an answer is not kept: told again, it would have the terminal of who
 * comes type that answer into the guest, which has not asked now.
 */
#ifndef VMM_DEV_CONSOLE_HISTORY_H
#define VMM_DEV_CONSOLE_HISTORY_H

#include <stddef.h>
#include <stdint.h>

#include "vmm/base/cleanup.h"

/* The most that is kept. */
#define CONSOLE_HISTORY_SZ (64u * 1024u)

struct console_history;

/* 0, or -ENOMEM. Nothing is allocated later. */
int console_history_create(struct console_history **ret_history) _must_check_;
/* NULL is allowed. */
void console_history_destroy(struct console_history *h);

void console_history_add(struct console_history *h, const uint8_t *bytes, size_t nr);
/* Everything is to be told: from the beginning of a line on, where the oldest is not kept any more.
 */
void console_history_rewind(struct console_history *h);
/* A part of what is left to be told, of one byte at least; 0: nothing is. Until the next add. */
size_t console_history_next(const struct console_history *h, const uint8_t **ret_bytes);
void console_history_told(struct console_history *h, size_t nr);

#endif
