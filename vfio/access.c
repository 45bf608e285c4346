// SPDX-License-Identifier: MIT
/*
 * Accesses of a guest to configuration space, and what they set off: decoding
 * and bus mastering, the BARs' addresses, interrupts, Function Level Reset. What
 * each bit is, the tables in cfgspace.c say.
 *
 * Choice: the function itself decodes memory, and I/O ports if it has any, as long as it is
 * open, whatever the guest says: its BARs stay mapped in this process, and an access to a BAR that
 * does not decode would end the process by SIGBUS (drivers/vfio/pci,
 * vfio_pci_mmap_fault). The guest's bit decides what is mapped in the guest. Bus
 * mastering follows the guest's bit, which is clear at first: no DMA until it is set.
 *
 * Lock: the device's, around everything but the callbacks.
 */
#include <assert.h>
#include <linux/pci_regs.h>

#include "vfio/device_io.h"
#include "vfio/fail.h"
#include "vfio/msi.h"
#include "vfio/reset.h"

/* What is left to do about an access when the lock is no longer held. */
enum device_work {
	DEVICE_WORK_BARS = 1,	 /* tell that BARs moved */
	DEVICE_WORK_VECTORS = 2, /* bring the vectors in line, deliver what waited */
	DEVICE_WORK_RESET = 4,	 /* reset the function: busy is set */
	DEVICE_WORK_KIND = 8,	 /* enable another kind of interrupt at the host: busy is set */
	DEVICE_WORK_SETTLE = 16, /* have vfio_device_settle() called */
};

/*
 * A change of kind takes interrupts from the host's ITS and maps others, and whoever else waits
 * for that ITS waits longer. A guest may change as often as its drivers do; one that changes in
 * a loop, on however many vCPUs, changes once in a period, and waits for its turn.
 */
#define KINDS_AT_ONCE	16u
#define KINDS_PERIOD_NS UINT64_C(20000000)

/* What of Command has BARs decoded. */
#define DECODING ((uint32_t)(PCI_COMMAND_MEMORY | PCI_COMMAND_IO))

/* One write of the guest. */
struct cfgspace_write {
	unsigned offset, len;
	uint32_t value;
};

static bool access_fits(const struct vfio_cfgspace *cfg, unsigned offset, unsigned len)
{
	if ((len != 1 && len != 2 && len != 4) || offset % len)
		return false;
	return offset < cfg->size && len <= cfg->size - offset;
}

/* What the function itself says now; all ones if it does not answer. */
static uint32_t hardware_read(const struct vfio_device *dev, unsigned offset, unsigned len)
{
	uint32_t value = 0;

	if (device_read(dev, dev->cfgspace_region + offset, &value, len) < 0)
		return cfgspace_ones(len);
	return value;
}

static uint32_t read_locked(const struct vfio_device *dev, unsigned offset, unsigned len)
{
	const struct vfio_cfgspace *cfg = &dev->cfg;
	uint32_t live = cfgspace_get(cfg->live, offset, len);
	uint32_t value = cfgspace_get(cfg->value, offset, len);

	if (live)
		value = (value & ~live) | (hardware_read(dev, offset, len) & live);
	return value;
}

/*
 * MSI's pending bits are no register that is kept: where the access covers them, they
 * are computed from the vectors.
 */
static uint32_t add_msi_pending(const struct vfio_device *dev, unsigned offset, unsigned len,
				uint32_t value)
{
	uint32_t flags = cfgspace_get(dev->cfg.value, dev->cfg.msi + PCI_MSI_FLAGS, 2);
	bool wide = flags & PCI_MSI_FLAGS_64BIT;
	unsigned at = dev->cfg.msi + (wide ? 0u + PCI_MSI_PENDING_64 : PCI_MSI_PENDING_32);

	if (!(flags & PCI_MSI_FLAGS_MASKBIT) || offset < at || offset >= at + 4)
		return value;
	return msi_pending_locked(dev) >> 8 * (offset - at) & cfgspace_ones(len);
}

uint32_t vfio_cfgspace_read(struct vfio_device *dev, unsigned offset, unsigned len)
{
	uint32_t value;

	if (!access_fits(&dev->cfg, offset, len))
		return len == 1 || len == 2 ? cfgspace_ones(len) : UINT32_MAX;
	pthread_mutex_lock(&dev->lock);
	value = read_locked(dev, offset, len);
	if (dev->cfg.msi)
		value = add_msi_pending(dev, offset, len, value);
	pthread_mutex_unlock(&dev->lock);
	return value;
}

/*
 * Hands one write on to the function. Bits that are not to pass are written as zero, or,
 * where hold has them, as the function has them now.
 */
static void pass_unit(const struct vfio_device *dev, unsigned offset, unsigned len, uint32_t value)
{
	uint32_t pass = cfgspace_get(dev->cfg.pass, offset, len);
	uint32_t hold = cfgspace_get(dev->cfg.hold, offset, len) & ~pass;

	if (!pass)
		return;
	value &= pass;
	if (hold)
		value |= hardware_read(dev, offset, len) & hold;
	(void)!device_write(dev, dev->cfgspace_region + offset, &value, len);
}

/*
 * Where only some bits pass, the write is cut in words: registers of that kind are 16
 * bits wide at most, and a neighbour that is not meant must not be written.
 */
static void pass_write(const struct vfio_device *dev, const struct cfgspace_write *w)
{
	uint32_t pass = cfgspace_get(dev->cfg.pass, w->offset, w->len);
	unsigned unit = w->len;

	if (pass != cfgspace_ones(w->len) && unit > 2)
		unit = 2;
	for (unsigned i = 0; i < w->len; i += unit)
		pass_unit(dev, w->offset + i, unit, w->value >> 8 * i & cfgspace_ones(unit));
}

/* Did the access write ones to these bits of the register at offset? */
static bool wrote_ones(const struct cfgspace_write *w, unsigned offset, uint32_t bits)
{
	for (unsigned i = 0; i < w->len; i++) {
		unsigned at = w->offset + i;

		if (at >= offset && at < offset + 4 &&
		    (w->value >> 8 * i & 0xff & bits >> 8 * (at - offset)))
			return true;
	}
	return false;
}

static bool touches(const struct cfgspace_write *w, unsigned offset, unsigned len)
{
	return w->offset < offset + len && offset < w->offset + w->len;
}

/* PCI Express Base 5.0, 6.6.2, and the Advanced Capabilities ECN for PCI. */
static bool asks_reset(const struct vfio_device *dev, const struct cfgspace_write *w)
{
	const struct vfio_cfgspace *cfg = &dev->cfg;

	if (cfg->exp && (cfg->value[cfg->exp + PCI_EXP_DEVCAP + 3] & PCI_EXP_DEVCAP_FLR >> 24) &&
	    wrote_ones(w, cfg->exp + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_BCR_FLR))
		return true;
	return cfg->af && (cfg->value[cfg->af + PCI_AF_CAP] & PCI_AF_CAP_FLR) &&
	       wrote_ones(w, cfg->af + PCI_AF_CTRL, PCI_AF_CTRL_FLR);
}

static bool masters(const struct vfio_device *dev)
{
	return cfgspace_get(dev->cfg.value, PCI_COMMAND, 2) & PCI_COMMAND_MASTER;
}

/* Acts on a changed Command; what else follows from the write is returned as work. */
static unsigned effects(struct vfio_device *dev, const struct cfgspace_write *w, uint32_t command)
{
	const struct vfio_cfgspace *cfg = &dev->cfg;
	uint32_t now = cfgspace_get(cfg->value, PCI_COMMAND, 2);
	unsigned work = 0;

	if ((command ^ now) & PCI_COMMAND_MASTER)
		(void)device_command_write(dev, now & PCI_COMMAND_MASTER);
	if (dev->pin && ((command ^ now) & (PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE)))
		work |= DEVICE_WORK_VECTORS;
	if ((command ^ now) & DECODING)
		work |= DEVICE_WORK_BARS;
	if ((now & DECODING) && (touches(w, PCI_BASE_ADDRESS_0, 4 * VFIO_DEVICE_BARS) ||
				 touches(w, PCI_ROM_ADDRESS, 4)))
		work |= DEVICE_WORK_BARS;
	if (cfg->msi && touches(w, cfg->msi, PCI_MSI_PENDING_64))
		work |= DEVICE_WORK_VECTORS;
	if (cfg->msix && touches(w, cfg->msix + PCI_MSIX_FLAGS, 2))
		work |= DEVICE_WORK_VECTORS;
	return work;
}

/*
 * The registers may say another kind of interrupt now: the vectors obey it at once where the
 * host has it enabled, and no kind until then where it has not. Where the guest has none
 * enabled, the host keeps what it has; but of INTx nobody tells that it is meant, see
 * vfio_device_settle().
 *
 * Choice: a guest that does not let the function master the bus does not use it. Functions that
 * have MSI write to memory, as that needs it.
 */
static unsigned follow_kind(struct vfio_device *dev)
{
	enum vfio_irq_kind asked = msi_asked(dev);
	bool master = masters(dev);

	if (msi_settle(dev))
		(void)device_command_write(dev, master);
	dev->unsettled = asked == VFIO_IRQ_KIND_INTX && asked != dev->used && master;
	dev->unsettled_since = 0;
	if (dev->unsettled)
		return DEVICE_WORK_SETTLE;
	if (asked == dev->used || asked == VFIO_IRQ_KIND_INTX)
		return 0;
	dev->busy = true;
	return DEVICE_WORK_KIND;
}

/* Whoever has this to do waits for nobody any more. Lock held. */
static unsigned begin_reset(struct vfio_device *dev)
{
	uint32_t command = cfgspace_get(dev->cfg.value, PCI_COMMAND, 2);

	dev->busy = true;
	cfgspace_put(dev->cfg.value, PCI_COMMAND, 2, command & ~DECODING);
	return DEVICE_WORK_RESET | (command & DECODING ? DEVICE_WORK_BARS : 0);
}

static unsigned write_locked(struct vfio_device *dev, const struct cfgspace_write *w)
{
	struct vfio_cfgspace *cfg = &dev->cfg;
	uint32_t keep = cfgspace_get(cfg->keep, w->offset, w->len);
	uint32_t old = cfgspace_get(cfg->value, w->offset, w->len);
	uint32_t command = cfgspace_get(cfg->value, PCI_COMMAND, 2);
	unsigned work;

	if (asks_reset(dev, w))
		return begin_reset(dev);
	cfgspace_put(cfg->value, w->offset, w->len, (old & ~keep) | (w->value & keep));
	pass_write(dev, w);
	work = effects(dev, w, command);
	return work & DEVICE_WORK_VECTORS ? work | follow_kind(dev) : work;
}

/*
 * The BARs have left the guest's memory, as after the reset, and stay away until it is over: all
 * that writes configuration space waits. The kernel takes them from whoever has them mapped
 * before it resets the function, and has one who touches them wait until it is through, by a
 * sleep that no signal ends (vfio_pci_zap_and_down_write_memory_lock(), vfio_pci_mmap_fault(),
 * since Linux 6.12 vfio_pci_mmap_huge_fault()).
 * That would be a vCPU inside KVM_RUN, and whoever pauses the vCPUs would wait as long: a
 * hundred milliseconds at least, and up to a minute for a function that does not come back
 * (pcie_flr(), pci_dev_wait()).
 */
static void reset_by_guest(struct vfio_device *dev)
{
	struct vfio_reset_result result;

	pthread_mutex_lock(&dev->lock);
	/* Where the host refuses, all that is virtual is reset nevertheless. */
	device_reset_locked(dev, &result);
	dev->busy = false;
	pthread_cond_broadcast(&dev->idle);
	pthread_mutex_unlock(&dev->lock);
	msi_tell_all(dev);
	if (dev->pin)
		msi_sync(dev); /* INTx may be used at once, messages are all off */
	if (result.failed != VFIO_RESET_STEP_NONE && dev->ops && dev->ops->reset_failed)
		dev->ops->reset_failed(dev->ops_ctx, &result.why);
}

/* Other writes of configuration space wait, too, and no vector is sent. */
static void wait_for_turn(struct vfio_device *dev)
{
	const uint64_t ahead_ns = (KINDS_AT_ONCE - 1) * KINDS_PERIOD_NS;
	const struct vfio_sys *sys = &dev->container->sys;
	uint64_t now = sys->now_ns(sys->ctx), used = dev->kinds_used_ns;

	if (used < now)
		used = now;
	dev->kinds_used_ns = used + KINDS_PERIOD_NS;
	if (used - now > ahead_ns)
		sys->sleep_ns(sys->ctx, used - now - ahead_ns);
}

/*
 * First all vectors are off, and whoever has their messages elsewhere (an irqfd) is told; then
 * the host changes, which takes a while; then they obey the new kind. What is signalled in
 * between waits. Not in turn: a change to INTx has waited for VFIO_INTX_GRACE_NS.
 */
static void change_kind(struct vfio_device *dev, bool in_turn)
{
	enum vfio_irq_kind asked, was;
	int r;

	msi_sync(dev);
	if (in_turn)
		wait_for_turn(dev);
	pthread_mutex_lock(&dev->lock);
	asked = msi_asked(dev);
	was = dev->kind;
	r = irqs_change(dev, asked);
	/* A driver that takes its time may enable that one yet. */
	if (r < 0 && asked == VFIO_IRQ_KIND_INTX && was != VFIO_IRQ_KIND_NONE)
		(void)!irqs_change(dev, was);
	if (msi_settle(dev))
		(void)device_command_write(dev, masters(dev));
	/*
	 * While INTx was not enabled yet, the function sent messages for what it would have
	 * asserted INTx for, and need not do that again.
	 */
	if (dev->used == VFIO_IRQ_KIND_INTX && msi_forget_pending(dev))
		irqs_trigger_intx(dev);
	dev->busy = false;
	pthread_cond_broadcast(&dev->idle);
	pthread_mutex_unlock(&dev->lock);
	msi_sync(dev);
	if (dev->ops && dev->ops->kind_changed)
		dev->ops->kind_changed(dev->ops_ctx);
	if (r < 0 && dev->ops && dev->ops->kind_refused)
		dev->ops->kind_refused(dev->ops_ctx, asked, -r);
}

uint64_t vfio_device_settle(struct vfio_device *dev, uint64_t now_ns)
{
	uint64_t left = 0;
	bool change = false;

	pthread_mutex_lock(&dev->lock);
	if (dev->unsettled && !dev->busy) {
		if (!dev->unsettled_since)
			dev->unsettled_since = now_ns;
		change = now_ns - dev->unsettled_since >= VFIO_INTX_GRACE_NS;
		left = change ? 0 : dev->unsettled_since + VFIO_INTX_GRACE_NS - now_ns;
		dev->unsettled = !change;
		dev->busy = change;
	}
	pthread_mutex_unlock(&dev->lock);
	if (change)
		change_kind(dev, false);
	return left;
}

/* What a write, or a reset, has set off. No lock held. */
static void do_work(struct vfio_device *dev, unsigned work)
{
	if ((work & DEVICE_WORK_BARS) && dev->ops && dev->ops->bars_changed)
		dev->ops->bars_changed(dev->ops_ctx);
	if (work & DEVICE_WORK_KIND)
		change_kind(dev, true);
	else if (work & DEVICE_WORK_VECTORS)
		msi_sync(dev);
	if ((work & DEVICE_WORK_SETTLE) && dev->ops && dev->ops->unsettled)
		dev->ops->unsettled(dev->ops_ctx);
	if (work & DEVICE_WORK_RESET)
		reset_by_guest(dev);
}

static void wait_until_idle(struct vfio_device *dev)
{
	while (dev->busy)
		pthread_cond_wait(&dev->idle, &dev->lock);
}

void vfio_cfgspace_write(struct vfio_device *dev, unsigned offset, unsigned len, uint32_t value)
{
	const struct cfgspace_write w = { offset, len, value };
	unsigned work;

	if (!access_fits(&dev->cfg, offset, len))
		return;
	pthread_mutex_lock(&dev->lock);
	wait_until_idle(dev);
	work = write_locked(dev, &w);
	pthread_mutex_unlock(&dev->lock);
	do_work(dev, work);
}

void vfio_device_reset_by_guest(struct vfio_device *dev)
{
	unsigned work;

	pthread_mutex_lock(&dev->lock);
	wait_until_idle(dev);
	work = begin_reset(dev);
	pthread_mutex_unlock(&dev->lock);
	do_work(dev, work);
}
