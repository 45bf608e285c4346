// SPDX-License-Identifier: MIT
/*
 * Looking before anything is changed. No locks.
 */
#include "vmm/cli/guest_look.h"

#include "vmm/base/self.h"
#include "vmm/dev/passthru.h"
#include "vmm/machine/guest_cpus.h"
#include "vmm/machine/guest_memory.h"

static int look_for_memory(const struct pci_host_fs *host, const struct config *config,
			   struct failure *ret_failure)
{
	int r = guest_memory_find(config, host->root, ret_failure);

	if (r == GUEST_MEMORY_SHORT)
		report_warning("%s: %s: %s", ret_failure->object, ret_failure->cause,
			       ret_failure->cure);
	return r;
}

int guest_look(const struct pci_host_fs *host, const struct config *config,
	       struct vfio_iommu_choice *ret_iommu, struct failure *ret_failure)
{
	int r = look_for_memory(host, config, ret_failure);

	if (r >= 0)
		r = guest_cpus_look(config, host, ret_failure);
	if (r >= 0)
		r = guest_memory_lock(config, self_lock_limit(), ret_failure);
	if (r >= 0)
		r = passthru_look_at_all(host, config, ret_failure);
	if (r >= 0)
		r = passthru_choose_iommu(host, config, ret_iommu, ret_failure);
	return r < 0 ? r : 0;
}
