// SPDX-License-Identifier: MIT
/*
 * Resets of the fake VFIO, after drivers/vfio/pci/vfio_pci_core.c of Linux 6.1.
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

#include "tests/unit/vfio/vfio_fake.h"
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

static void describe(const struct fake_function *fn, struct vfio_pci_dependent_device *ret)
{
	struct pci_bdf bdf;

	assert_int_equal(pci_bdf_parse(fn->bdf, &bdf), 0);
	*ret = (struct vfio_pci_dependent_device){
		.group_id = (uint32_t)fn->group,
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
	for (unsigned i = 0, at = 0; i < fake->nr_functions && at < nr; i++) {
		if (is_affected(fn, &fake->functions[i]))
			describe(&fake->functions[i], &info->devices[at++]);
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
	if (!request->count || request->count > nr)
		return -EINVAL;
	for (unsigned i = 0; i < fake->nr_functions; i++) {
		const struct fake_function *other = &fake->functions[i];

		if (is_affected(fn, other) &&
		    (!is_shown(fake, other, request) || !pci_driver_is_vfio(other->driver)))
			return -EINVAL;
	}
	if (fake->hot_reset_fails) {
		fake->hot_reset_fails--;
		return -fake->hot_reset_errno;
	}
	if (fn->resetting)
		fn->resetting(fn->resetting_arg);
	fake->hot_resets++;
	for (unsigned i = 0; i < fake->nr_functions; i++) {
		if (!is_affected(fn, &fake->functions[i]))
			continue;
		fake->functions[i].hot_resets++;
		note(&fake->functions[i]);
	}
	return 0;
}
