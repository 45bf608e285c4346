// SPDX-License-Identifier: MIT
/*
 * The choice between type1 and iommufd: Documentation/userspace-api/iommufd.rst,
 * Documentation/driver-api/vfio.rst ("IOMMUFD and vfio_iommu_type1", "VFIO Device cdev").
 *
 * The compatibility of iommufd with type1 (/dev/iommu as a container) is not used: it has iommufd's
 * costs and limits, and type1's interface.
 */
#include "vfio/iommu.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "vfio/cdev.h"
#include "vfio/fail.h"
#include "vmm/base/bits.h"

#define IOMMUFD_PATH   "/dev/iommu"
#define CONTAINER_PATH "/dev/vfio/vfio"

const char *vfio_iommu_kind_name(enum vfio_iommu_kind kind)
{
	return kind == VFIO_IOMMU_IOMMUFD ? "iommufd" : "type1";
}

const char *vfio_iommu_wish_name(enum vfio_iommu_wish wish)
{
	static const char *const names[NR_VFIO_IOMMU_WISHES] = {
		[VFIO_IOMMU_WISH_AUTO] = "auto",
		[VFIO_IOMMU_WISH_TYPE1] = "type1",
		[VFIO_IOMMU_WISH_IOMMUFD] = "iommufd",
	};

	return wish < NR_VFIO_IOMMU_WISHES ? names[wish] : NULL;
}

/* May this user open it? 0, or negative errno. */
static int try_access(const struct pci_host_fs *fs, const char *file)
{
	struct host_path path;
	int r = host_path(&path, fs, "%s", file);

	if (r < 0)
		return r;
	return access(path.text, R_OK | W_OK) < 0 ? -errno : 0;
}

/*
 * Does VFIO make a file for each function (CONFIG_VFIO_DEVICE_CDEV)? It takes its device numbers
 * when it is loaded, before there is a function to make one for.
 */
static bool has_cdevs(const struct pci_host_fs *fs)
{
	static const char row[] = " vfio-dev\n";
	struct host_path path;
	char text[8192] = "";

	if (host_path(&path, fs, "/proc/devices") < 0 ||
	    host_read_text(path.text, text, sizeof(text) - 1) < 0)
		return false;
	strcat(text, "\n");
	return strstr(text, row);
}

/* What stands in iommufd's way on this host, whatever the guest; false: nothing. */
static bool host_lacks_iommufd(const struct pci_host_fs *fs, const struct pci_set *functions,
			       char why[80])
{
	int r = try_access(fs, IOMMUFD_PATH);

	if (r == -ENOENT) {
		(void)snprintf(why, 80, "this kernel has no iommufd");
		return true;
	}
	if (r < 0) {
		(void)snprintf(why, 80, IOMMUFD_PATH " cannot be opened: %s", strerror(-r));
		return true;
	}
	if (!has_cdevs(fs)) {
		(void)snprintf(why, 80, "this kernel's VFIO has no files for functions");
		return true;
	}
	/* Those that are bound have theirs, which may be somebody else's. */
	for (size_t i = 0; i < functions->nr; i++) {
		char name[VFIO_CDEV_STRLEN], file[VFIO_CDEV_PATH];

		if (vfio_cdev_of(fs, &functions->bdfs[i], name) < 0)
			continue;
		r = try_access(fs, vfio_cdev_path(name, file));
		if (r < 0) {
			(void)snprintf(why, 80, "%s cannot be opened: %s", file, strerror(-r));
			return true;
		}
	}
	return false;
}

int vfio_iommu_choose(const struct pci_host_fs *fs, enum vfio_iommu_wish wish,
		      const struct pci_set *functions, struct vfio_iommu_choice *ret_choice,
		      struct vfio_failure *ret_failure)
{
	struct vfio_iommu_choice *choice = ret_choice;
	bool lacks;
	int r;

	*choice = (struct vfio_iommu_choice){ .kind = VFIO_IOMMU_TYPE1 };
	if (wish == VFIO_IOMMU_WISH_TYPE1) {
		(void)snprintf(choice->why, sizeof(choice->why), "as it was asked for");
		return 0;
	}
	lacks = host_lacks_iommufd(fs, functions, choice->why);
	if (lacks && wish == VFIO_IOMMU_WISH_IOMMUFD) {
		r = vfio_fail(ret_failure, VFIO_FAILURE_NO_IOMMUFD, -ENODEV, "iommufd");
		vfio_failure_other(ret_failure, choice->why);
		return r;
	}
	if (lacks)
		return 0;
	if (wish == VFIO_IOMMU_WISH_IOMMUFD) {
		choice->kind = VFIO_IOMMU_IOMMUFD;
		(void)snprintf(choice->why, sizeof(choice->why), "as it was asked for");
	} else if (try_access(fs, CONTAINER_PATH) == -ENOENT) {
		choice->kind = VFIO_IOMMU_IOMMUFD;
		(void)snprintf(choice->why, sizeof(choice->why), "this kernel has no other");
	} else if (functions->nr > 1) {
		(void)snprintf(choice->why, sizeof(choice->why),
			       "by iommufd no function reaches another one's BARs");
	} else {
		choice->kind = VFIO_IOMMU_IOMMUFD;
		(void)snprintf(choice->why, sizeof(choice->why), "for a guest with one device");
	}
	return 0;
}
