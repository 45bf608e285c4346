// SPDX-License-Identifier: MIT
/*
 * DMA by iommufd: Documentation/userspace-api/iommufd.rst, Documentation/driver-api/vfio.rst ("VFIO
 * Device cdev"), the headers behind vfio/iommufd_abi.h.
 *
 * The order is the kernel's: a function is opened by its own file, bound to the iommufd, which
 * makes its group ours, and attached to the address space (IOAS), which the first one has made.
 * What is mapped is pinned as soon as a function is attached. Closing the function's file detaches
 * it and lets go of its group; then the address space can be destroyed.
 *
 * Where functions come and go while a guest runs, the address space stays, with what is mapped: the
 * kernel pins that as the first of them is attached, and lets go of it with the last one
 * (iopt_table_add_domain(), iopt_table_remove_domain()). So nothing is mapped while a guest runs,
 * and no thread of its process needs the right to.
 *
 * KVM need not know of a function's file (KVM_DEV_VFIO): on arm64 nothing comes of it.
 *
 * Choice: no BAR is mapped. The kernel pins pages, which BARs have none of: it answers EFAULT. From
 * Linux 6.19 on it takes a dma-buf that VFIO makes of a BAR, which no kernel that itsy is tested
 * with has together with iommufd.
 */
#include "vfio/iommufd.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "vfio/cdev.h"
#include "vfio/fail.h"
#include "vfio/iommufd_abi.h"

/* As many as a first try has room for. */
#define RANGES_FIRST 16u

static int iommufd_open(struct vfio_iommu *iommu, struct vfio_failure *failure)
{
	enum vfio_failure_code code = VFIO_FAILURE_OTHER;
	int fd = iommu->sys->open(iommu->sys->ctx, "/dev/iommu");

	if (fd == -ENOENT || fd == -ENODEV || fd == -ENXIO)
		code = VFIO_FAILURE_NO_IOMMUFD;
	else if (fd == -EACCES || fd == -EPERM)
		code = VFIO_FAILURE_PERMISSION;
	if (fd < 0) {
		fd = vfio_fail(failure, code, fd, "/dev/iommu");
		if (code == VFIO_FAILURE_NO_IOMMUFD)
			vfio_failure_other(failure, "this kernel has no iommufd");
		return fd;
	}
	iommu->fd = fd;
	return 0;
}

/* ---- the address space ------------------------------------------------------------ */

/* With room for nr: the number that there are, more than nr where the room was too small. */
static int ask_ranges(const struct vfio_iommu *iommu, struct abi_iommu_iova_range *ranges,
		      uint32_t nr)
{
	struct abi_iommu_ioas_iova_ranges ask = {
		.size = sizeof(ask),
		.ioas_id = iommu->ioas,
		.num_iovas = nr,
		.allowed_iovas = (uintptr_t)ranges,
	};
	int r = vfio_iommu_ioctl(iommu, iommu->fd, ABI_IOMMU_IOAS_IOVA_RANGES, &ask);

	if (r < 0 && (r != -EMSGSIZE || ask.num_iovas <= nr))
		return r;
	return ask.num_iovas > VFIO_IOVA_RANGES_MAX ? -EPROTO : (int)ask.num_iovas;
}

static int load_ranges(struct vfio_iommu *iommu)
{
	const struct vfio_sys *sys = iommu->sys;
	uint32_t room = RANGES_FIRST;

	/* The second try has the room that the first one named, unless that changes. */
	for (unsigned attempt = 0; attempt < 4; attempt++) {
		_cleanup_free_ struct abi_iommu_iova_range *ranges =
			sys->zalloc(sys->ctx, room, sizeof(*ranges));
		int nr;

		if (!ranges)
			return -ENOMEM;
		nr = ask_ranges(iommu, ranges, room);
		if (nr < 0)
			return nr;
		if ((uint32_t)nr <= room)
			return vfio_iommu_take_ranges(iommu, ranges, (size_t)nr);
		room = (uint32_t)nr;
	}
	return -EAGAIN;
}

static int address_space_make(struct vfio_iommu *iommu, struct vfio_failure *failure)
{
	struct abi_iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	int r = vfio_iommu_ioctl(iommu, iommu->fd, ABI_IOMMU_IOAS_ALLOC, &alloc);

	if (r < 0)
		return vfio_fail(failure, VFIO_FAILURE_OTHER, r, "IOMMU_IOAS_ALLOC");
	iommu->ioas = alloc.out_ioas_id;
	return 0;
}

static void address_space_end(struct vfio_iommu *iommu)
{
	struct abi_iommu_destroy destroy = { .size = sizeof(destroy), .id = iommu->ioas };

	iommu->ready = false;
	(void)vfio_iommu_ioctl(iommu, iommu->fd, ABI_IOMMU_DESTROY, &destroy);
}

/* ---- functions -------------------------------------------------------------------- */

static int cdev_open(const struct vfio_iommu *iommu, const struct vfio_iommu_function *fn,
		     struct vfio_failure *failure)
{
	char name[VFIO_CDEV_STRLEN], path[VFIO_CDEV_PATH];
	int r;

	if (fn->file)
		return *fn->file < 0 ? vfio_fail(failure, VFIO_FAILURE_BUSY, -EBUSY, "%s", fn->name)
				     : TAKE_FD(*fn->file);
	r = vfio_cdev_find(fn->fs, fn->bdf, name, failure);
	if (r < 0)
		return r;
	r = iommu->sys->open(iommu->sys->ctx, vfio_cdev_path(name, path));
	if (r < 0)
		return vfio_fail(failure,
				 r == -EACCES || r == -EPERM ? VFIO_FAILURE_PERMISSION
							     : VFIO_FAILURE_OTHER,
				 r, "%s", path);
	return r;
}

/*
 * EBUSY: somebody has the function's group open, or a part of the group has a driver. EINVAL:
 * somebody has bound the function by its file (vfio_df_open()). EPERM: the host's MSIs are not
 * isolated from each other (iommufd's own allow_unsafe_interrupts).
 */
static int bind_failed(const struct vfio_iommu_function *fn, int err, struct vfio_failure *failure)
{
	static const struct {
		int err;
		enum vfio_failure_code code;
	} codes[] = {
		{ -EBUSY, VFIO_FAILURE_BUSY },
		{ -EINVAL, VFIO_FAILURE_BUSY },
		{ -EPERM, VFIO_FAILURE_UNSAFE_INTERRUPTS },
	};
	enum vfio_failure_code code = VFIO_FAILURE_OTHER;

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (codes[i].err == err)
			code = codes[i].code;
	}
	err = vfio_fail(failure, code, err, "%s", fn->name);
	if (code == VFIO_FAILURE_UNSAFE_INTERRUPTS)
		vfio_failure_driver(failure, "iommufd");
	return err;
}

static int attach_to_space(struct vfio_iommu *iommu, const struct vfio_iommu_function *fn, int fd,
			   struct vfio_failure *failure)
{
	struct abi_vfio_device_attach_iommufd_pt attach = {
		.argsz = sizeof(attach),
		.pt_id = iommu->ioas,
	};
	int r = vfio_iommu_ioctl(iommu, fd, ABI_VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach);

	if (r < 0)
		return vfio_fail(failure, r == -EBUSY ? VFIO_FAILURE_BUSY : VFIO_FAILURE_OTHER, r,
				 "%s", fn->name);
	/*
	 * While a guest runs all is mapped that is to be. What this function does not reach of it
	 * the kernel has refused.
	 */
	if (fn->file)
		return 0;
	r = load_ranges(iommu);
	return r < 0 ? vfio_fail(failure, VFIO_FAILURE_OTHER, r, "IOMMU_IOAS_IOVA_RANGES") : 0;
}

/* On failure its file is closed, and with it whatever was done. */
static int function_enter(struct vfio_iommu *iommu, const struct vfio_iommu_function *fn, int fd,
			  struct vfio_failure *failure)
{
	struct abi_vfio_device_bind_iommufd bind = {
		.argsz = sizeof(bind),
		.iommufd = iommu->fd,
	};
	int r = vfio_iommu_ioctl(iommu, fd, ABI_VFIO_DEVICE_BIND_IOMMUFD, &bind);

	if (r < 0)
		r = bind_failed(fn, r, failure);
	else
		r = attach_to_space(iommu, fn, fd, failure);
	if (r < 0)
		iommu->sys->close(iommu->sys->ctx, fd);
	return r;
}

static int iommufd_attach(struct vfio_iommu *iommu, const struct vfio_iommu_function *fn,
			  struct vfio_group **ret_group, int *ret_fd, struct vfio_failure *failure)
{
	int r = 0, fd = cdev_open(iommu, fn, failure);

	if (fd < 0)
		return fd;
	if (!iommu->ready)
		r = address_space_make(iommu, failure);
	if (r < 0) {
		iommu->sys->close(iommu->sys->ctx, fd);
		return r;
	}
	r = function_enter(iommu, fn, fd, failure);
	if (r < 0) {
		if (!iommu->ready)
			address_space_end(iommu);
		return r;
	}
	iommu->users++;
	iommu->ready = true;
	*ret_group = NULL;
	*ret_fd = fd;
	return 0;
}

static void iommufd_detach(struct vfio_iommu *iommu, struct vfio_group *group)
{
	assert(!group);
	assert(iommu->users > 0);
	if (--iommu->users == 0 && !iommu->kept)
		address_space_end(iommu);
}

static int iommufd_keep(struct vfio_iommu *iommu, struct vfio_failure *failure)
{
	int r = iommu->ready ? 0 : address_space_make(iommu, failure);

	if (r < 0)
		return r;
	iommu->kept = true;
	if (iommu->ready)
		return 0;
	iommu->ready = true;
	r = load_ranges(iommu);
	return r < 0 ? vfio_fail(failure, VFIO_FAILURE_OTHER, r, "IOMMU_IOAS_IOVA_RANGES") : 0;
}

/* Who is bound to the same iommufd, or in a group with one that is: the kernel has looked. */
static int iommufd_owns(const struct vfio_iommu *iommu, uint32_t flags,
			const struct vfio_pci_dependent_device *fn, int *ret_file)
{
	(void)iommu;
	if (!(flags & ABI_VFIO_PCI_HOT_RESET_FLAG_DEV_ID) ||
	    fn->group_id == ABI_VFIO_PCI_DEVID_NOT_OWNED)
		return -ENOENT;
	*ret_file = -1;
	return 0;
}

static int iommufd_map(const struct vfio_iommu *iommu, uint64_t iova, uint64_t size, void *va)
{
	struct abi_iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = ABI_IOMMU_IOAS_MAP_FIXED_IOVA | ABI_IOMMU_IOAS_MAP_READABLE |
			 ABI_IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = iommu->ioas,
		.user_va = (uintptr_t)va,
		.length = size,
		.iova = iova,
	};
	int r = vfio_iommu_ioctl(iommu, iommu->fd, ABI_IOMMU_IOAS_MAP, &map);

	return r < 0 ? r : 0;
}

const struct vfio_iommu_ops vfio_iommufd_ops = {
	.kind = VFIO_IOMMU_IOMMUFD,
	.limit_is_users = true, /* IOMMU_OPTION_RLIMIT_MODE, as it is without being set */
	.open = iommufd_open,
	.attach = iommufd_attach,
	.detach = iommufd_detach,
	.keep = iommufd_keep,
	.owns = iommufd_owns,
	.map = iommufd_map,
};
