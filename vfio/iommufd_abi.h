/* SPDX-License-Identifier: MIT */
/*
 * What is used of linux/iommufd.h (Linux 6.2) and of linux/vfio.h as of Linux 6.6, copied: the
 * headers that itsy is built with may be older (Debian 12 has 6.1's). Names are the kernel's with
 * ABI_ before them, so that both can be included. tests/unit/vfio/test_vfio_iommufd.c compares them
 * with the kernel's where its headers have them. Private to vfio/, its tests and the sandbox.
 */
#ifndef VFIO_IOMMUFD_ABI_H
#define VFIO_IOMMUFD_ABI_H

#include <linux/vfio.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>

/* ---- include/uapi/linux/iommufd.h ------------------------------------------------- */

/* Objects have numbers; size is that of the struct. */
struct abi_iommu_destroy {
	uint32_t size;
	uint32_t id;
};
#define ABI_IOMMU_DESTROY _IO(';', 0x80)

struct abi_iommu_ioas_alloc {
	uint32_t size;
	uint32_t flags; /* 0 */
	uint32_t out_ioas_id;
};
#define ABI_IOMMU_IOAS_ALLOC _IO(';', 0x81)

struct abi_iommu_iova_range {
	uint64_t start;
	uint64_t last; /* inclusive */
};
struct abi_iommu_ioas_iova_ranges {
	uint32_t size;
	uint32_t ioas_id;
	uint32_t num_iovas; /* room, and then how many there are; EMSGSIZE: more than the room */
	uint32_t reserved;
	uint64_t allowed_iovas; /* pointer to struct abi_iommu_iova_range */
	uint64_t out_iova_alignment;
};
#define ABI_IOMMU_IOAS_IOVA_RANGES _IO(';', 0x84)

struct abi_iommu_ioas_map {
	uint32_t size;
	uint32_t flags;
	uint32_t ioas_id;
	uint32_t reserved;
	uint64_t user_va;
	uint64_t length;
	uint64_t iova;
};
#define ABI_IOMMU_IOAS_MAP_FIXED_IOVA 1u
#define ABI_IOMMU_IOAS_MAP_WRITEABLE  2u
#define ABI_IOMMU_IOAS_MAP_READABLE   4u
#define ABI_IOMMU_IOAS_MAP	      _IO(';', 0x85)

/* ---- include/uapi/linux/vfio.h ---------------------------------------------------- */

struct abi_vfio_device_bind_iommufd {
	uint32_t argsz;
	uint32_t flags; /* 0 */
	int32_t iommufd;
	uint32_t out_devid;
};
#define ABI_VFIO_DEVICE_BIND_IOMMUFD _IO(VFIO_TYPE, VFIO_BASE + 18)

struct abi_vfio_device_attach_iommufd_pt {
	uint32_t argsz;
	uint32_t flags; /* 0 */
	uint32_t pt_id; /* of an IOAS; then of what the kernel made of it */
};
#define ABI_VFIO_DEVICE_ATTACH_IOMMUFD_PT _IO(VFIO_TYPE, VFIO_BASE + 19)

/*
 * Flags of struct vfio_pci_hot_reset_info, of a function that is open by its own file: group_id of
 * each that is affected is a devid; and none of them is another's.
 */
#define ABI_VFIO_PCI_HOT_RESET_FLAG_DEV_ID	 1u
#define ABI_VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED 2u
/* A devid is the number of a function in its iommufd, or one of these: not open, but ours; not. */
#define ABI_VFIO_PCI_DEVID_OWNED     0u
#define ABI_VFIO_PCI_DEVID_NOT_OWNED UINT32_MAX

_Static_assert(offsetof(struct vfio_pci_dependent_device, group_id) == 0, "where devid is");
_Static_assert(sizeof(struct vfio_pci_dependent_device) == 8, "with either of them");
_Static_assert(sizeof(struct abi_iommu_destroy) == 8, "as the kernel has it");
_Static_assert(sizeof(struct abi_iommu_ioas_alloc) == 12, "as the kernel has it");
_Static_assert(sizeof(struct abi_iommu_iova_range) == 16, "as the kernel has it");
_Static_assert(sizeof(struct abi_iommu_ioas_iova_ranges) == 32, "as the kernel has it");
_Static_assert(sizeof(struct abi_iommu_ioas_map) == 40, "as the kernel has it");
_Static_assert(sizeof(struct abi_vfio_device_bind_iommufd) == 16, "as the kernel has it");
_Static_assert(sizeof(struct abi_vfio_device_attach_iommufd_pt) == 12, "as of Linux 6.6");

#endif
