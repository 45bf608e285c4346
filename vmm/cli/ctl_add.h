/* SPDX-License-Identifier: MIT */
/*
 * itsy ctl NAME add: give a function of the host's to a running guest.
 */
#ifndef VMM_CLI_CTL_ADD_H
#define VMM_CLI_CTL_ADD_H

#include <jansson.h>

#include "vmm/base/report.h"
#include "vmm/cli/options.h"

/*
 * Ask the guest at fd for what was typed: "BDF[,route=ROUTE]", a function that goes behind a root
 * port that is free; or the name of a device of the guest that was removed, which comes back. The
 * function is looked at as by itsy run, bound, and handed over with its IOMMU group's file; where
 * the guest does not take it, it goes back to its driver. request has the verb alone, and stays
 * the caller's. 0, and *ret_reply is the caller's; or negative errno.
 */
int ctl_add(int fd, const char *name, const char *word, json_t *request, json_t **ret_reply,
	    struct failure *ret_failure) _must_check_;

#endif
