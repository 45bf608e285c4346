/* SPDX-License-Identifier: MIT */
/*
 * What the host says of a guest's functions while it runs, and what becomes of the guest then.
 */
#ifndef VMM_DEV_HOST_NOTICE_H
#define VMM_DEV_HOST_NOTICE_H

#include <poll.h>

#include "vmm/dev/passthru.h"

#define HOST_NOTICE_MAX_FDS (NR_VFIO_NOTICES * CONFIG_MAX_DEVICES)

/*
 * Fill in what poll(2) is to wait for: NR_VFIO_NOTICES entries for each of nr functions. How many
 * that is.
 */
size_t host_notice_fds(const struct passthru functions[], size_t nr, struct pollfd fds[]);

/*
 * After poll(2), with the same entries: warn of what the configuration has the guest go on with,
 * once of each; and mark as wanted_back what the guest is to go on without. 0; or -ECANCELED where
 * the guest is to end, and ret_failure says why.
 */
int host_notice_take(struct passthru functions[], size_t nr, const struct pollfd fds[],
		     struct failure *ret_failure) _must_check_;

#endif
