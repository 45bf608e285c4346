// SPDX-License-Identifier: MIT
/*
 * Resetting a function: linux/vfio.h, VFIO_DEVICE_RESET.
 *
 * Lock: the device's, around everything but the callback.
 */
#include "vfio/reset.h"

#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <string.h>

#include "vfio/msi.h"

/*
 * Bits that are kept here and passed to the function too: the function gets their value
 * after power-on, so that it has what the guest reads.
 */
static void write_back_initial(const struct vfio_device *dev)
{
	const struct vfio_cfgspace *cfg = &dev->cfg;

	for (unsigned at = PCI_STD_HEADER_SIZEOF; at < cfg->size; at += 2) {
		uint32_t pass = cfgspace_get(cfg->pass, at, 2);
		uint32_t both = pass & cfgspace_get(cfg->keep, at, 2);
		uint16_t value;

		if (!both)
			continue;
		if (device_read(dev, dev->cfgspace_region + at, &value, 2) < 0)
			continue;
		value = (uint16_t)((value & cfgspace_get(cfg->hold, at, 2) & ~both) |
				   (cfgspace_get(cfg->initial, at, 2) & both));
		(void)!device_write(dev, dev->cfgspace_region + at, &value, 2);
	}
}

/*
 * The kernel restores configuration space after a reset, with the host's vectors and with
 * bus mastering, if that was on. So it is switched off first.
 */
int device_reset_locked(struct vfio_device *dev)
{
	int r, done;

	r = device_command_write(dev, false);
	if (dev->can_reset) {
		done = device_ioctl(dev, VFIO_DEVICE_RESET, NULL);
		r = r < 0 ? r : done;
	}
	done = device_command_write(dev, false);
	r = r < 0 ? r : done;
	write_back_initial(dev);
	memcpy(dev->cfg.value, dev->cfg.initial, sizeof(dev->cfg.value));
	msi_forget(dev);
	return r;
}

int vfio_device_reset(struct vfio_device *dev)
{
	bool decoded;
	int r;

	pthread_mutex_lock(&dev->lock);
	decoded = cfgspace_get(dev->cfg.value, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY;
	r = device_reset_locked(dev);
	pthread_mutex_unlock(&dev->lock);
	if (decoded && dev->ops && dev->ops->bars_changed)
		dev->ops->bars_changed(dev->ops_ctx);
	return r;
}
