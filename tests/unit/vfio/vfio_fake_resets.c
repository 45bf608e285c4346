// SPDX-License-Identifier: MIT
/*
 * Resets of the fake VFIO, after drivers/vfio/pci/vfio_pci_core.c of Linux 6.1, and of
 * Linux 6.12 where functions are open by files of their own.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <string.h>

#include "tests/unit/vfio/vfio_fake_iommufd.h"
#include "vfio/iommufd_abi.h"
#include "vfio/pci_priv.h"

/* The kernel restores what it saved: the function's registers stay as they are. */
static void note(struct fake_function *fn)
{
	/* One that is not open, nobody drives. */
	if (fn->fd >= 0)
		fn->mastering_at_reset |= fake_cfgspace(fn, PCI_COMMAND, 2) & PCI_COMMAND_MASTER;
	if (fn->resetting)
		fn->resetting(fn->resetting_arg);
}

bool fake_did_without(const struct fake_vfio *fake)
{
	return fake->failed && (fake->failed_request == VFIO_DEVICE_RESET ||
				fake->failed_request == VFIO_DEVICE_GET_PCI_HOT_RESET_INFO);
}

int fake_reset(struct fake_function *fn)
{
	if (!fn->can_reset)
		return -EINVAL;
	if (fn->reset_fails) {
		fn->reset_fails--;
		return -fn->reset_errno;
	}
	fn->resets++;
	note(fn);
	return 0;
}

static bool is_affected(const struct fake_function *fn, const struct fake_function *other)
{
	return fn->slot && fn->slot == other->slot;
}

/* vfio_iommufd_get_dev_id(), of who has vfio-pci. */
static uint32_t devid_of(const struct fake_vfio *fake, const struct fake_function *fn)
{
	if (!pci_driver_is_vfio(fn->driver))
		return ABI_VFIO_PCI_DEVID_NOT_OWNED;
	if (fn->bound)
		return fake_devid(fake, fn);
	for (unsigned i = 0; i < fake->nr_functions; i++) {
		if (fake->functions[i].bound && fake->functions[i].group == fn->group)
			return ABI_VFIO_PCI_DEVID_OWNED;
	}
	return ABI_VFIO_PCI_DEVID_NOT_OWNED;
}

static void describe(const struct fake_function *fn, uint32_t id,
		     struct vfio_pci_dependent_device *ret)
{
	struct pci_bdf bdf;

	assert_int_equal(pci_bdf_parse(fn->bdf, &bdf), 0);
	*ret = (struct vfio_pci_dependent_device){
		.group_id = id,
		.segment = (uint16_t)bdf.domain,
		.bus = bdf.bus,
		.devfn = (uint8_t)(bdf.dev << 3 | bdf.fn),
	};
}

int fake_hot_reset_info(struct fake_vfio *fake, const struct fake_function *fn,
			struct vfio_pci_hot_reset_info *info)
{
	uint32_t room = info->argsz, nr = 0;

	assert_true(room >= sizeof(*info));
	assert_int_equal(info->flags, 0);
	if (!fn->slot)
		return -ENODEV;
	for (unsigned i = 0; i < fake->nr_functions; i++)
		nr += is_affected(fn, &fake->functions[i]);
	if (fake->late_functions) {
		fake->late_functions--;
		nr--;
	}
	info->count = nr;
	if (room < sizeof(*info) + nr * sizeof(info->devices[0]))
		return -ENOSPC;
	if (fn->by_cdev)
		info->flags = ABI_VFIO_PCI_HOT_RESET_FLAG_DEV_ID |
			      ABI_VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED;
	for (unsigned i = 0, at = 0; i < fake->nr_functions && at < nr; i++) {
		const struct fake_function *other = &fake->functions[i];
		uint32_t id = fn->by_cdev ? devid_of(fake, other) : (uint32_t)other->group;

		if (!is_affected(fn, other))
			continue;
		describe(other, id, &info->devices[at++]);
		if (fn->by_cdev && id == ABI_VFIO_PCI_DEVID_NOT_OWNED)
			info->flags &= ~ABI_VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED;
	}
	return 0;
}

static bool is_shown(const struct fake_vfio *fake, const struct fake_function *fn,
		     const struct vfio_pci_hot_reset *request)
{
	for (uint32_t i = 0; i < request->count; i++) {
		const struct fake_fd *fd = &fake->fds[request->group_fds[i]];

		assert_int_equal(fd->kind, FAKE_GROUP);
		assert_true(fd->joined);
		if (fd->number == fn->group)
			return true;
	}
	return false;
}

static bool may_be_reset(const struct fake_vfio *fake, const struct fake_function *fn,
			 const struct fake_function *other,
			 const struct vfio_pci_hot_reset *request)
{
	if (fn->by_cdev)
		return devid_of(fake, other) != ABI_VFIO_PCI_DEVID_NOT_OWNED;
	return is_shown(fake, other, request) && pci_driver_is_vfio(other->driver);
}

int fake_hot_reset(struct fake_vfio *fake, struct fake_function *fn,
		   const struct vfio_pci_hot_reset *request)
{
	unsigned nr = 0;

	fake->hot_reset_tries++;
	assert_int_equal(request->argsz, sizeof(*request) + request->count * sizeof(int32_t));
	assert_int_equal(request->flags, 0);
	if (!fn->slot)
		return -ENODEV;
	for (unsigned i = 0; i < fake->nr_functions; i++)
		nr += is_affected(fn, &fake->functions[i]);
	/* No file is for functions that are open by their own, and for no others. */
	if ((request->count == 0) != fn->by_cdev || request->count > nr)
		return -EINVAL;
	for (unsigned i = 0; i < fake->nr_functions; i++) {
		const struct fake_function *other = &fake->functions[i];

		if (is_affected(fn, other) && !may_be_reset(fake, fn, other, request))
			return -EINVAL;
	}
	if (fake->hot_reset_fails) {
		fake->hot_reset_fails--;
		return -fake->hot_reset_errno;
	}
	fake->hot_resets++;
	for (unsigned i = 0; i < fake->nr_functions; i++) {
		if (!is_affected(fn, &fake->functions[i]))
			continue;
		fake->functions[i].hot_resets++;
		note(&fake->functions[i]);
	}
	return 0;
}
