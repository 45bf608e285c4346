// SPDX-License-Identifier: MIT
/*
 * What the host says of a guest's functions while it runs: that it wants one back, and that there
 * was an error on the bus. linux/vfio.h; Documentation/PCI/pci-error-recovery.rst.
 *
 * VFIO does not say who asked. An unbind, a hot-unplug and a change of sriov_numvfs look the same
 * from here, and all wait in the kernel until the function is closed.
 *
 * No locks: the main thread alone.
 */
#include "vmm/dev/host_notice.h"

#include <errno.h>
#include <sys/eventfd.h>

#include "vmm/base/report.h"

static const struct notice_words {
	const char *key; /* of the configuration */
	const char *what;
	const char *goes_on;
	const char *cure;
} notice_words[NR_VFIO_NOTICES] = {
	[VFIO_NOTICE_REQUEST] = {
		"on-request",
		"the host asks for it back (unbind, hot-unplug or sriov_numvfs)",
		"it waits until the guest ends",
		"start the guest again when the host has no other use for it, or without it",
	},
	[VFIO_NOTICE_ERROR] = {
		"on-error",
		"the host reports an error of it on the bus that is not corrected (AER)",
		"the guest goes on with it",
		"see the host's kernel log, and start the guest again",
	},
};

size_t host_notice_fds(const struct passthru functions[], size_t nr, struct pollfd fds[])
{
	for (size_t i = 0; i < nr; i++) {
		const struct vfio_device *dev = functions[i].dev;

		/* poll(2) passes -1 over. */
		for (enum vfio_notice n = 0; n < NR_VFIO_NOTICES; n++)
			fds[NR_VFIO_NOTICES * i + n] = (struct pollfd){
				.fd = dev ? vfio_device_notice(dev, n) : -1,
				.events = POLLIN,
			};
	}
	return NR_VFIO_NOTICES * nr;
}

/* One notice of one function. */
static int take_one(struct passthru *p, enum vfio_notice notice, struct failure *ret_failure)
{
	const struct notice_words *words = &notice_words[notice];
	char bdf[PCI_BDF_STRLEN];

	pci_bdf_format(&p->bdf, bdf);
	if (notice == VFIO_NOTICE_REQUEST && p->goes_without) {
		report_warning("%s: %s: the guest goes on without it, as %s = \"remove\" of device "
			       "%s says",
			       bdf, words->what, words->key, p->irq.name);
		p->wanted_back = true;
		return 0;
	}
	if (!p->goes_on[notice])
		return failure_set(ret_failure, ITSY_TAKEN, ECANCELED, bdf, words->cure,
				   "%s: the guest was ended, as %s = \"stop\" of device %s says",
				   words->what, words->key, p->irq.name);
	if (!p->noticed[notice])
		report_warning("%s: %s: %s, as %s = \"ignore\" of device %s says", bdf, words->what,
			       words->goes_on, words->key, p->irq.name);
	p->noticed[notice] = true;
	return 0;
}

int host_notice_take(struct passthru functions[], size_t nr, const struct pollfd fds[],
		     struct failure *ret_failure)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < NR_VFIO_NOTICES * nr; i++) {
		eventfd_t ignored;

		if (!fds[i].revents || eventfd_read(fds[i].fd, &ignored) < 0)
			continue;
		r = take_one(&functions[i / NR_VFIO_NOTICES], i % NR_VFIO_NOTICES, ret_failure);
	}
	return r;
}
