// SPDX-License-Identifier: MIT
/*
 * The right to a function, as an open file: Documentation/ABI/testing/sysfs-bus-pci
 * (driver_override). No locks.
 */
#include "vfio/right.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "vfio/pci_priv.h"

int vfio_right_open(const struct pci_host_fs *fs, const struct pci_bdf *bdf)
{
	struct host_path path;
	int fd, r = pci_attr_path(&path, fs, bdf, "driver_override");

	if (r < 0)
		return r;
	fd = open(path.text, O_WRONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

bool vfio_right_is(const struct pci_host_fs *fs, const struct pci_bdf *bdf, int fd)
{
	struct host_path path;
	struct stat held, named;
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || (flags & O_ACCMODE) != O_WRONLY || fstat(fd, &held) < 0 ||
	    pci_attr_path(&path, fs, bdf, "driver_override") < 0 || stat(path.text, &named) < 0)
		return false;
	return held.st_dev == named.st_dev && held.st_ino == named.st_ino;
}
