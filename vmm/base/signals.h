/* SPDX-License-Identifier: MIT */
/*
 * The signals that end a command (SIGINT, SIGTERM, SIGHUP, SIGQUIT), read from a
 * descriptor, so that devices can be given back first; and those of job control. signalfd(2).
 */
#ifndef VMM_BASE_SIGNALS_H
#define VMM_BASE_SIGNALS_H

#include "vmm/base/cleanup.h"

/*
 * Block them for this thread and those that it creates, and ignore SIGPIPE. Returns a
 * descriptor, the caller's to close, that is readable when one has come; or negative
 * errno.
 */
int signals_open(void) _must_check_;
/*
 * The same for those of job control: SIGTSTP, which then stops nobody by itself, and SIGCONT.
 * SIGTTIN is ignored: who reads in the background gets EIO.
 */
int signals_open_job(void) _must_check_;
/* Take one signal that has come: its number, or 0 if none has. Does not wait. */
int signals_take(int fd);

#endif
