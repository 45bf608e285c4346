// SPDX-License-Identifier: MIT
/*
 * Resetting a function: linux/vfio.h, VFIO_DEVICE_RESET.
 *
 * Lock: the device's, around everything but the callback.
 */
#include "vfio/reset.h"

#include <errno.h>
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
 * Bus mastering is off, as far as anybody can tell: it was written, and reads so. All ones
 * are a function that does not answer, being in a reset, or gone; it sends nothing then, and
 * a reset leaves it with the bit clear (PCI Express 6.6.2, Command).
 */
static int quiet(const struct vfio_device *dev)
{
	uint16_t command;
	int r = device_command_write(dev, false);

	if (!r)
		r = device_read(dev, dev->cfgspace_region + PCI_COMMAND, &command, sizeof(command));
	if (r < 0)
		return r;
	return (command & PCI_COMMAND_MASTER) && command != 0xffff ? -EIO : 0;
}

/*
 * The kernel restores configuration space after a reset, with the host's vectors and with
 * bus mastering, if that was on. So it is switched off first; what counts is that it is
 * off in the end.
 */
int device_reset_locked(struct vfio_device *dev, enum vfio_reset_step *ret_failed)
{
	int r = 0, unquiet;

	*ret_failed = VFIO_RESET_STEP_NONE;
	(void)!device_command_write(dev, false);
	if (dev->can_reset)
		r = device_ioctl(dev, VFIO_DEVICE_RESET, NULL);
	if (r < 0)
		*ret_failed = VFIO_RESET_STEP_RESET;
	unquiet = quiet(dev);
	if (unquiet < 0) {
		*ret_failed = VFIO_RESET_STEP_QUIET;
		r = unquiet;
	}
	write_back_initial(dev);
	memcpy(dev->cfg.value, dev->cfg.initial, sizeof(dev->cfg.value));
	dev->unsettled = false;
	msi_forget(dev);
	if (msi_settle(dev))
		(void)device_command_write(dev, false);
	irqs_unmask_intx(dev);
	return r;
}

int vfio_device_reset(struct vfio_device *dev, enum vfio_reset_step *ret_failed)
{
	bool decoded;
	int r;

	pthread_mutex_lock(&dev->lock);
	decoded = cfgspace_get(dev->cfg.value, PCI_COMMAND, 2) &
		  (PCI_COMMAND_MEMORY | PCI_COMMAND_IO);
	r = device_reset_locked(dev, ret_failed);
	pthread_mutex_unlock(&dev->lock);
	if (dev->pin)
		msi_sync(dev);
	if (decoded && dev->ops && dev->ops->bars_changed)
		dev->ops->bars_changed(dev->ops_ctx);
	return r;
}
