// SPDX-License-Identifier: MIT
/*
 * Does this host have io_uring? Documents: io_uring_setup(2), admin-guide/sysctl/kernel.rst
 * (io_uring_disabled).
 *
 * No locks.
 */
#include "vmm/irq/io_uring_host.h"

#include <errno.h>
#include <string.h>

#include "vmm/irq/router.h"
#include "vmm/irq/router_ring.h"

#define CALLS "io_uring_setup, io_uring_enter and io_uring_register"

/* The first row that fits. Each answer of ring_engine_is_refused() has one that always does. */
static const struct reason {
	int error;
	int disabled; /* kernel.io_uring_disabled, as it is written; 0: whatever it is */
	const char *cause, *cure;
} reasons[] = {
	{ EPERM, '2', "switched off (kernel.io_uring_disabled is 2)",
	  "sysctl kernel.io_uring_disabled=0" },
	{ EPERM, '1', "switched off for who is not root (kernel.io_uring_disabled is 1)",
	  "sysctl kernel.io_uring_disabled=0, or run itsy as root" },
	{ EPERM, 0, "forbidden here", "the container's seccomp profile must allow " CALLS },
	{ EACCES, 0, "forbidden by the host's security module",
	  "allow it there (SELinux: io_uring)" },
	{ ENOSYS, 0, "not there",
	  "use a kernel with CONFIG_IO_URING; in a container, its seccomp profile must "
	  "allow " CALLS },
};

static int read_disabled(const char *root)
{
	_cleanup_file_ FILE *f = NULL;
	char path[256];
	int n = snprintf(path, sizeof(path), "%s/proc/sys/kernel/io_uring_disabled", root);

	if (n > 0 && (size_t)n < sizeof(path))
		f = fopen(path, "re");
	return f ? fgetc(f) : EOF;
}

enum io_uring_host io_uring_host_try(const char *root, struct failure *ret_failure)
{
	const char *object = router_engine_name(ROUTER_ENGINE_IO_URING);
	const struct reason *why = reasons;
	int r = ring_engine_try(), disabled;

	if (r >= 0)
		return IO_URING_WORKS;
	if (!ring_engine_is_refused(r)) {
		(void)failure_set(ret_failure, ITSY_ENVIRONMENT, -r, object,
				  "free memory or file descriptors (ulimit -n)",
				  "cannot be set up (%s)", strerror(-r));
		return IO_URING_FAILS;
	}
	disabled = read_disabled(root);
	while (why->error != -r || (why->disabled && why->disabled != disabled))
		why++;
	(void)failure_set(ret_failure, ITSY_ENVIRONMENT, -r, object, why->cure,
			  "%s: interrupts go by %s, which costs more, and by irqfd", why->cause,
			  router_engine_name(ROUTER_ENGINE_EPOLL));
	return IO_URING_REFUSED;
}
