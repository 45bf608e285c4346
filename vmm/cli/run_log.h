/* SPDX-License-Identifier: MIT */
/* The log of a guest, as its configuration has it. */
#ifndef VMM_CLI_RUN_LOG_H
#define VMM_CLI_RUN_LOG_H

#include "vmm/base/report.h"
#include "vmm/config/config.h"

/*
 * Before anything else is opened, and before there are two processes, which both print; the
 * caller's to log_close() while the configuration is there. Negative errno where its file cannot be
 * opened.
 */
int run_log_open(const struct config *config, struct failure *ret_failure) _must_check_;

#endif
