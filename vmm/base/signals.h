/* SPDX-License-Identifier: MIT */
/*
 * The signals that end a command (SIGINT, SIGTERM, SIGHUP, SIGQUIT), read from a
 * descriptor: devices are given back first. signalfd(2).
 */
#ifndef VMM_BASE_SIGNALS_H
#define VMM_BASE_SIGNALS_H

#include "vmm/base/cleanup.h"

/*
 * Block them for this thread and those that it makes; SIGPIPE is ignored from now
 * on. The descriptor, readable when one has come, or negative errno.
 */
int signals_open(void) _must_check_;
/* The number of one that has come; 0: none has. */
int signals_take(int fd);

#endif
