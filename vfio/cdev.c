// SPDX-License-Identifier: MIT
/*
 * The file that VFIO makes for a function, found by sysfs: drivers/vfio/vfio_main.c (the class
 * "vfio-dev", from Linux 6.1 on), drivers/vfio/device_cdev.c (its file, from 6.6 on).
 */
#include "vfio/cdev.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vfio/fail.h"

static int take_name(void *ctx, const char *name)
{
	char *ret_name = ctx;

	if (strncmp(name, "vfio", 4) != 0)
		return 0;
	vfio_copy_text(ret_name, VFIO_CDEV_STRLEN, name);
	return 1;
}

int vfio_cdev_of(const struct pci_host_fs *fs, const struct pci_bdf *bdf,
		 char ret_name[VFIO_CDEV_STRLEN])
{
	struct host_path path;
	char name[PCI_BDF_STRLEN];
	int r = pci_attr_path(&path, fs, bdf, "vfio-dev");

	if (r == 0)
		r = host_each_entry(path.text, take_name, ret_name);
	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	/* The class is there without files, too: then its members have no device number. */
	pci_bdf_format(bdf, name);
	r = host_path(&path, fs, "/sys/bus/pci/devices/%s/vfio-dev/%s/dev", name, ret_name);
	if (r < 0)
		return r;
	return host_exists(path.text) ? 0 : -ENOENT;
}

int vfio_cdev_find(const struct pci_host_fs *fs, const struct pci_bdf *bdf,
		   char ret_name[VFIO_CDEV_STRLEN], struct vfio_failure *ret_failure)
{
	int r = vfio_cdev_of(fs, bdf, ret_name);
	char name[PCI_BDF_STRLEN];

	if (r < 0) {
		r = vfio_fail(ret_failure, VFIO_FAILURE_NO_IOMMUFD, r, "%s",
			      pci_bdf_format(bdf, name));
		vfio_failure_other(ret_failure, "VFIO has made no file for it");
	}
	return r;
}

const char *vfio_cdev_path(const char *name, char buf[VFIO_CDEV_PATH])
{
	(void)snprintf(buf, VFIO_CDEV_PATH, VFIO_CDEV_FOLDER "%.*s", (int)VFIO_CDEV_STRLEN - 1,
		       name);
	return buf;
}

int vfio_cdev_group(const struct pci_host_fs *fs, const char *path)
{
	size_t len = strlen(VFIO_CDEV_FOLDER);
	struct host_path link;
	char group[16];

	if (strncmp(path, VFIO_CDEV_FOLDER, len) != 0 || strchr(path + len, '/') ||
	    host_path(&link, fs, "/sys/class/vfio-dev/%s/device/iommu_group", path + len) < 0 ||
	    host_link_name(link.text, group, sizeof(group)) < 0)
		return -1;
	return atoi(group);
}
