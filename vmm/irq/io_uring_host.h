/* SPDX-License-Identifier: MIT */
/*
 * Does this host have io_uring for a router? In the same words whoever asks.
 */
#ifndef VMM_IRQ_IO_URING_HOST_H
#define VMM_IRQ_IO_URING_HOST_H

#include "vmm/base/cleanup.h"
#include "vmm/base/report.h"

enum io_uring_host {
	IO_URING_WORKS,
	IO_URING_REFUSED, /* a router waits with epoll instead, and guests run */
	IO_URING_FAILS,	  /* a router fails as well */
};

/*
 * Try it. Unless it works ret_failure says why, what comes of that, and what cures it.
 * root is "", or the folder with the copy of a host's files where the reason is looked for.
 */
enum io_uring_host io_uring_host_try(const char *root, struct failure *ret_failure) _must_check_;

#endif
