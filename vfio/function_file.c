// SPDX-License-Identifier: MIT
/*
 * Whether a function may be opened, and the file by which: Documentation/driver-api/vfio.rst, also
 * "VFIO Device cdev". No locks.
 */
#include "vfio/function_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "vfio/cdev.h"
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

/* Whether EBUSY says that somebody has it open, perhaps the one that wants it. */
static int open_file(const struct pci_host_fs *fs, const char *file, bool busy_is_open, int *ret_fd,
		     struct vfio_failure *failure)
{
	struct host_path path;
	int r = host_path(&path, fs, "%s", file);

	if (r == 0)
		*ret_fd = open(path.text, O_RDWR | O_CLOEXEC);
	if (r == 0 && *ret_fd < 0 && !(busy_is_open && errno == EBUSY))
		r = -errno;
	return r < 0 ? vfio_fail(failure, VFIO_FAILURE_OTHER, r, "%s", file) : 0;
}

static int open_of_group(const struct pci_host_fs *fs, const struct pci_function *fn, int *ret_fd,
			 struct vfio_failure *failure)
{
	char file[32];

	(void)snprintf(file, sizeof(file), "/dev/vfio/%d", fn->group);
	return open_file(fs, file, true, ret_fd, failure);
}

static int open_own(const struct pci_host_fs *fs, const struct pci_function *fn, int *ret_fd,
		    struct vfio_failure *failure)
{
	char name[VFIO_CDEV_STRLEN], file[VFIO_CDEV_PATH];
	int r = vfio_cdev_find(fs, &fn->bdf, name, failure);

	return r < 0 ? r : open_file(fs, vfio_cdev_path(name, file), false, ret_fd, failure);
}

int vfio_function_file_open(const struct pci_host_fs *fs, enum vfio_iommu_kind kind,
			    const struct pci_bdf *bdf, struct vfio_function_file *ret_file,
			    struct vfio_failure *ret_failure)
{
	struct pci_function fn;
	int r = vfio_function_look(fs, bdf, &fn, ret_failure);

	*ret_file = (struct vfio_function_file){ .fd = -1 };
	if (r < 0)
		return r;
	ret_file->group = fn.group;
	return kind == VFIO_IOMMU_IOMMUFD ? open_own(fs, &fn, &ret_file->fd, ret_failure)
					  : open_of_group(fs, &fn, &ret_file->fd, ret_failure);
}
