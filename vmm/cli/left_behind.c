// SPDX-License-Identifier: MIT
/*
 * What was left bound, in words. No locks.
 */
#include "vmm/cli/left_behind.h"

#include <errno.h>
#include <stdio.h>

#include "vfio/left.h"
#include "vmm/base/report.h"
#include "vmm/dev/vfio_words.h"

static bool is_spared(const struct pci_set *spared, const struct pci_bdf *bdf)
{
	for (size_t i = 0; spared && i < spared->nr; i++)
		if (pci_bdf_equal(&spared->bdfs[i], bdf))
			return true;
	return false;
}

static void tell_given_back(const struct pci_host_fs *fs, const struct vfio_left *left)
{
	struct pci_function fn = { 0 };
	char bdf[PCI_BDF_STRLEN];

	/* One that was unplugged meanwhile has no driver, either. */
	if (pci_function_get(fs, &left->bdf, &fn) < 0)
		fn.driver[0] = '\0';
	report_info("%s: itsy (process %d) was killed and left it bound: given back%s%s",
		    pci_bdf_format(&left->bdf, bdf), left->pid, fn.driver[0] ? " to " : "",
		    fn.driver);
}

static void tell_not(const struct vfio_left *left, const struct vfio_failure *vf)
{
	const bool denied = vf->error == EACCES || vf->error == EPERM || vf->error == EROFS;
	char bdf[PCI_BDF_STRLEN];
	struct failure failure;

	(void)pci_bdf_format(&left->bdf, bdf);
	(void)failure_from_vfio(&failure, vf);
	if (denied)
		report_warning("%s: itsy (process %d) was killed and left it bound: sudo itsy "
			       "release %s gives it back",
			       bdf, left->pid, bdf);
	else
		report_warning("%s: itsy (process %d) was killed and left it bound, and it cannot "
			       "be given back: %s: %s",
			       bdf, left->pid, failure.cause,
			       failure.cure[0] ? failure.cure : "see the host's kernel log");
}

static void give_back(const struct pci_host_fs *fs, const struct vfio_left *left)
{
	struct vfio_failure vf = { 0 };
	int r = vfio_left_give_back(fs, &left->bdf, &vf);

	if (r == 1)
		tell_given_back(fs, left);
	else if (r < 0)
		tell_not(left, &vf);
}

/* Whoever cannot see the records of others has no say in them. */
void left_behind_give_back(const struct pci_host_fs *fs, const struct pci_set *spared)
{
	struct vfio_left left[VFIO_LEFT_MAX];
	int nr = vfio_left_list(fs, left, VFIO_LEFT_MAX);

	for (int i = 0; i < nr; i++) {
		if (is_spared(spared, &left[i].bdf))
			vfio_left_wait(fs, &left[i].bdf);
		else
			give_back(fs, &left[i]);
	}
}

void left_behind_make_way(const struct pci_host_fs *fs, const struct config *config)
{
	struct pci_bdf bdfs[CONFIG_MAX_DEVICES];

	for (size_t i = 0; i < config->nr_devices; i++)
		bdfs[i] = config->devices[i].bdf;
	left_behind_give_back(fs, &(struct pci_set){ bdfs, config->nr_devices });
}
