/* SPDX-License-Identifier: MIT */
/*
 * What itsy run and its --dry-run look at before anything is changed; itsy check asks the same
 * functions, each for its line.
 */
#ifndef VMM_CLI_GUEST_LOOK_H
#define VMM_CLI_GUEST_LOOK_H

#include "vfio/iommu.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/report.h"
#include "vmm/config/config.h"

/*
 * Could this host run the guest, as far as its memory, CPUs and devices go? After passthru_find().
 * What is only doubtful is warned of. 0 and by what its DMA would go; or negative errno.
 */
int guest_look(const struct pci_host_fs *host, const struct config *config,
	       struct vfio_iommu_choice *ret_iommu, struct failure *ret_failure) _must_check_;

#endif
