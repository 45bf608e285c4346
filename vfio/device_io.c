// SPDX-License-Identifier: MIT
/*
 * Access to an open function: the device's file and its ioctls
 * (Documentation/driver-api/vfio.rst). No locks.
 */
#include "vfio/device_io.h"

#include <errno.h>
#include <linux/pci_regs.h>

int device_ioctl(const struct vfio_device *dev, unsigned long request, void *arg)
{
	const struct vfio_sys *sys = &dev->container->sys;

	return sys->ioctl(sys->ctx, dev->fd, request, arg);
}

int device_read(const struct vfio_device *dev, uint64_t at, void *buf, size_t len)
{
	const struct vfio_sys *sys = &dev->container->sys;
	size_t done = 0;

	while (done < len) {
		ssize_t n =
			sys->pread(sys->ctx, dev->fd, (char *)buf + done, len - done, at + done);

		if (n == -EINTR)
			continue;
		if (n < 0)
			return (int)n;
		if (n == 0)
			return -EIO;
		done += (size_t)n;
	}
	return 0;
}

int device_write(const struct vfio_device *dev, uint64_t at, const void *buf, size_t len)
{
	const struct vfio_sys *sys = &dev->container->sys;
	ssize_t n;

	do {
		n = sys->pwrite(sys->ctx, dev->fd, buf, len, at);
	} while (n == -EINTR);
	if (n < 0)
		return (int)n;
	return (size_t)n == len ? 0 : -EIO;
}

/*
 * INTx stays disabled unless the guest uses it. The kernel has the guest's bit and its own, by
 * which it masks INTx, apart (drivers/vfio/pci, vfio_basic_config_write()).
 */
int device_command_write(const struct vfio_device *dev, bool master)
{
	uint16_t command = dev->host_command | PCI_COMMAND_MEMORY;

	if (dev->has_io)
		command |= PCI_COMMAND_IO;
	if (dev->used != VFIO_IRQ_KIND_INTX)
		command |= PCI_COMMAND_INTX_DISABLE;
	if (master)
		command |= PCI_COMMAND_MASTER;
	return device_write(dev, dev->cfgspace_region + PCI_COMMAND, &command, sizeof(command));
}
