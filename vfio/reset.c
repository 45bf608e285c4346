// SPDX-License-Identifier: MIT
/*
 * Resetting functions: linux/vfio.h, VFIO_DEVICE_RESET, and where a function has no reset of its
 * own, or that fails, a reset of its slot (hot_reset.h), for which all open functions that it
 * affects must be reset in the same go. So a guest that resets one function never resets another
 * one.
 *
 * What fails is tried again, some times, with longer and longer waits between: others may have
 * the function locked, who bind, unbind or reset a neighbour (-EAGAIN of pci_try_reset_function(),
 * -EBUSY of vfio_pci_dev_set_hot_reset()), and there is nothing to wait for that would tell of the
 * end of it. Not so what would be answered again: no such reset (-ENOTTY, -EINVAL, -ENODEV; the
 * first also stands for a function that did not come back, which the kernel has waited for for a
 * minute), and functions of others (-EPERM, -EINVAL).
 *
 * Choice: a function that could not be reset stays as it is, but for what quiets it, and does not
 * read as all ones: what locks it passes, and a driver that cannot reset it in one way resets it
 * in another; but one that reads all ones from it takes it for unplugged, and never looks again.
 * A function that does not come back reads as all ones by itself.
 *
 * Locks: a device's, around everything of it but callbacks and the reset of several slots; the
 * container's `slots` around that of one.
 */
#include "vfio/reset.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <string.h>

#include "vfio/fail.h"
#include "vfio/hot_reset.h"
#include "vfio/msi.h"

/* In all, waits of 1.3 s. */
#define RESET_TRIES  8u
#define RESET_NAP_NS UINT64_C(10000000)

/* Functions that are reset in one go. */
struct reset_set {
	struct vfio_device *const *devs;
	size_t nr;
	struct vfio_reset_result *results; /* [nr] */
};

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

/* ---- the function itself --------------------------------------------------------- */

static bool is_final(int error)
{
	static const int finals[] = { -ENOTTY, -EINVAL, -ENODEV, -EPERM, -EACCES, -EBADF };

	for (size_t i = 0; i < ARRAY_SIZE(finals); i++) {
		if (error == finals[i])
			return true;
	}
	return false;
}

static int own_reset(const struct vfio_device *dev)
{
	int r = device_ioctl(dev, VFIO_DEVICE_RESET, NULL);

	return r < 0 ? r : 0;
}

static int insist(const struct vfio_device *dev, int (*once)(const struct vfio_device *dev))
{
	const struct vfio_sys *sys = &dev->container->sys;
	int r = once(dev);

	for (unsigned i = 0; r < 0 && !is_final(r) && i < RESET_TRIES - 1; i++) {
		sys->sleep_ns(sys->ctx, RESET_NAP_NS << i);
		r = once(dev);
	}
	return r;
}

static int say_failed(const struct vfio_device *dev, int error, struct vfio_failure *why)
{
	bool busy = error == -EAGAIN || error == -EBUSY;

	return vfio_fail(why, busy ? VFIO_FAILURE_RESET_BUSY : VFIO_FAILURE_RESET, error, "%s",
			 dev->name);
}

/* What the kernel calls invalid is a slot with a function that vfio-pci has not. */
static int say_slot_failed(const struct vfio_device *dev, int error, struct vfio_failure *why)
{
	if (error == -EINVAL)
		return vfio_fail(why, VFIO_FAILURE_RESET_SHARED, error, "%s", dev->name);
	return say_failed(dev, error, why);
}

static bool is_in(const struct reset_set *set, const struct vfio_device *dev)
{
	for (size_t i = 0; i < set->nr; i++) {
		if (set->devs[i] == dev)
			return true;
	}
	return false;
}

/* Is its slot to be reset in this go? 0, or negative errno and why. */
static int may_reset_slot(const struct reset_set *set, const struct vfio_device *dev,
			  struct vfio_failure *why)
{
	char name[PCI_BDF_STRLEN];
	struct pci_bdf other;
	int r = hot_reset_allowed(dev, &other);

	for (const struct vfio_device *d = dev->container->devices; r == 0 && d; d = d->next) {
		if (!hot_reset_affects(dev, d) || is_in(set, d))
			continue;
		other = d->bdf;
		r = -EPERM;
	}
	if (r == -ENODEV)
		return vfio_fail(why, VFIO_FAILURE_NO_RESET, -ENOTTY, "%s", dev->name);
	if (r == -EPERM) {
		r = vfio_fail(why, VFIO_FAILURE_RESET_SHARED, r, "%s", dev->name);
		vfio_failure_other(why, pci_bdf_format(&other, name));
		return r;
	}
	return r < 0 ? say_slot_failed(dev, r, why) : 0;
}

/* Each slot once, whichever of its functions comes first. */
static int reset_slot_locked(const struct reset_set *set, const struct vfio_device *dev,
			     struct vfio_failure *why)
{
	int r = may_reset_slot(set, dev, why);

	if (r < 0)
		return r;
	r = insist(dev, hot_reset_do);
	for (size_t i = 0; i < set->nr; i++) {
		struct vfio_device *d = set->devs[i];

		if (hot_reset_affects(dev, d) && r == 0)
			d->round = RESET_ROUND_DONE;
		else if (hot_reset_affects(dev, d) && !d->can_reset) {
			d->round = RESET_ROUND_FAILED;
			(void)say_slot_failed(d, r, &set->results[i].why);
		}
	}
	return r < 0 ? say_slot_failed(dev, r, why) : 0;
}

static int reset_slot(const struct reset_set *set, const struct vfio_device *dev,
		      struct vfio_failure *why)
{
	pthread_mutex_t *slots = &dev->container->slots;
	int r;

	pthread_mutex_lock(slots);
	r = reset_slot_locked(set, dev, why);
	pthread_mutex_unlock(slots);
	return r;
}

/* By its own reset, else by that of its slot. */
static void reset_one(const struct reset_set *set, size_t i)
{
	struct vfio_failure *why = &set->results[i].why;
	struct vfio_device *dev = set->devs[i];
	int own = dev->can_reset ? insist(dev, own_reset) : -ENOTTY;
	int r = own < 0 ? reset_slot(set, dev, why) : 0;

	dev->round = r < 0 ? RESET_ROUND_FAILED : RESET_ROUND_DONE;
	/* That of its slot was never to be had: what there was, failed. */
	if (r < 0 && dev->can_reset &&
	    (why->code == VFIO_FAILURE_NO_RESET || why->code == VFIO_FAILURE_RESET_SHARED))
		(void)say_failed(dev, own, why);
}

static void reset_all(const struct reset_set *set)
{
	for (size_t i = 0; i < set->nr; i++) {
		if (set->devs[i]->round == RESET_ROUND_DUE)
			reset_one(set, i);
	}
}

/* ---- and all that is virtual of it ------------------------------------------------- */

/*
 * The kernel restores configuration space after a reset, with the host's vectors and with
 * bus mastering, if that was on. So it is switched off first; what counts is that it is
 * off in the end.
 */
static void begin_locked(struct vfio_device *dev, struct vfio_reset_result *result)
{
	*result = (struct vfio_reset_result){ .failed = VFIO_RESET_STEP_NONE };
	(void)!device_command_write(dev, false);
}

static void end_locked(struct vfio_device *dev, struct vfio_reset_result *result)
{
	int unquiet = quiet(dev);

	if (dev->round == RESET_ROUND_FAILED)
		result->failed = VFIO_RESET_STEP_RESET;
	if (unquiet < 0) {
		result->failed = VFIO_RESET_STEP_QUIET;
		(void)say_failed(dev, unquiet, &result->why);
	}
	write_back_initial(dev);
	memcpy(dev->cfg.value, dev->cfg.initial, sizeof(dev->cfg.value));
	dev->unsettled = false;
	msi_forget(dev);
	if (msi_settle(dev))
		(void)device_command_write(dev, false);
	irqs_unmask_intx(dev);
}

void device_reset_locked(struct vfio_device *dev, struct vfio_reset_result *ret_result)
{
	const struct reset_set set = { &dev, 1, ret_result };

	begin_locked(dev, ret_result);
	dev->round = RESET_ROUND_DUE;
	reset_all(&set);
	end_locked(dev, ret_result);
}

int device_quiesce(struct vfio_device *dev)
{
	int r = device_command_write(dev, false);

	if (r < 0)
		return r;
	dev->round = RESET_ROUND_DUE;
	if (dev->can_reset && insist(dev, own_reset) == 0)
		dev->round = RESET_ROUND_DONE;
	/* The reset should leave Command as it was written; do not rely on it. */
	return device_command_write(dev, false);
}

/* ---- several at once ------------------------------------------------------------------ */

static void begin(const struct reset_set *set, size_t i)
{
	pthread_mutex_lock(&set->devs[i]->lock);
	begin_locked(set->devs[i], &set->results[i]);
	pthread_mutex_unlock(&set->devs[i]->lock);
}

static void end(const struct reset_set *set, size_t i)
{
	struct vfio_device *dev = set->devs[i];
	bool decoded;

	pthread_mutex_lock(&dev->lock);
	decoded = cfgspace_get(dev->cfg.value, PCI_COMMAND, 2) &
		  (PCI_COMMAND_MEMORY | PCI_COMMAND_IO);
	end_locked(dev, &set->results[i]);
	pthread_mutex_unlock(&dev->lock);
	if (dev->pin)
		msi_sync(dev);
	if (decoded && dev->ops && dev->ops->bars_changed)
		dev->ops->bars_changed(dev->ops_ctx);
}

static void begin_reset_end(const struct reset_set *set)
{
	for (size_t i = 0; i < set->nr; i++)
		begin(set, i);
	reset_all(set);
	for (size_t i = 0; i < set->nr; i++)
		end(set, i);
}

void vfio_reset_all(struct vfio_device *const devs[], size_t nr, struct vfio_reset_result results[])
{
	const struct reset_set set = { devs, nr, results };

	for (size_t i = 0; i < nr; i++)
		devs[i]->round = RESET_ROUND_DUE;
	begin_reset_end(&set);
}

void vfio_reset_due(struct vfio_device *const devs[], size_t nr, struct vfio_reset_result results[])
{
	const struct reset_set set = { devs, nr, results };
	bool due = false;

	for (size_t i = 0; i < nr; i++) {
		results[i] = (struct vfio_reset_result){ .failed = VFIO_RESET_STEP_NONE };
		due |= devs[i]->round == RESET_ROUND_DUE;
	}
	if (due)
		begin_reset_end(&set);
}

int vfio_device_reset(struct vfio_device *dev, enum vfio_reset_step *ret_failed)
{
	struct vfio_reset_result result;

	vfio_reset_all(&dev, 1, &result);
	*ret_failed = result.failed;
	return -result.why.error;
}
