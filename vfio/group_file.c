// SPDX-License-Identifier: MIT
/*
 * Whether a function may be opened, and the file of its IOMMU group:
 * Documentation/driver-api/vfio.rst. No locks.
 */
#include "vfio/group_file.h"

#include <errno.h>
#include <fcntl.h>

#include "vfio/fail.h"
#include "vfio/hostfs.h"

int vfio_function_look(const struct pci_host_fs *fs, const struct pci_bdf *bdf,
		       struct pci_function *ret_fn, struct vfio_failure *ret_failure)
{
	char name[PCI_BDF_STRLEN];
	int r;

	pci_bdf_format(bdf, name);
	r = pci_function_get(fs, bdf, ret_fn);
	if (r == -ENOENT)
		return vfio_fail(ret_failure, VFIO_FAILURE_NO_FUNCTION, r, "%s", name);
	if (r < 0)
		return vfio_fail(ret_failure, VFIO_FAILURE_OTHER, r, "%s", name);
	if (ret_fn->is_bridge)
		return vfio_fail(ret_failure, VFIO_FAILURE_BRIDGE, -EINVAL, "%s", name);
	if (ret_fn->group < 0)
		return vfio_fail(ret_failure, VFIO_FAILURE_NO_GROUP, -ENODEV, "%s", name);
	if (!pci_driver_is_vfio(ret_fn->driver)) {
		r = vfio_fail(ret_failure, VFIO_FAILURE_NOT_BOUND, -ENODEV, "%s", name);
		vfio_failure_driver(ret_failure, ret_fn->driver);
		return r;
	}
	r = pci_sriov_viable(fs, ret_fn, ret_failure);
	return r < 0 ? r : pci_group_viable(fs, ret_fn, NULL, ret_failure);
}

int vfio_group_file_open(const struct pci_host_fs *fs, const struct pci_bdf *bdf,
			 struct vfio_group_file *ret_file, struct vfio_failure *ret_failure)
{
	struct host_path path;
	struct pci_function fn;
	int r = vfio_function_look(fs, bdf, &fn, ret_failure);

	*ret_file = (struct vfio_group_file){ .fd = -1 };
	if (r < 0)
		return r;
	ret_file->group = fn.group;
	r = host_path(&path, fs, "/dev/vfio/%d", fn.group);
	if (r == 0)
		ret_file->fd = open(path.text, O_RDWR | O_CLOEXEC);
	if (r == 0 && ret_file->fd < 0 && errno != EBUSY)
		r = -errno;
	return r < 0 ? vfio_fail(ret_failure, VFIO_FAILURE_OTHER, r, "/dev/vfio/%d", fn.group) : 0;
}
