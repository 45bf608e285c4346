/* SPDX-License-Identifier: MIT */
/*
 * The seam between a container and the kernel's two interfaces for DMA (type1.c, iommufd.c): who
 * uses a container does not know which one it has. Private to vfio/.
 */
#ifndef VFIO_IOMMU_OPS_H
#define VFIO_IOMMU_OPS_H

#include "vfio/iommu.h"
#include "vfio/pci.h"
#include "vfio/sys.h"

struct vfio_group;
struct vfio_iommu;
struct vfio_pci_dependent_device;

/* IOVAs that can be mapped. */
struct iova_range {
	uint64_t first, last; /* inclusive */
};

/* A function that is to be opened. */
struct vfio_iommu_function {
	const struct pci_host_fs *fs;
	const struct pci_bdf *bdf;
	char name[PCI_BDF_STRLEN];
	int group;
	/*
	 * NULL: all is open()ed, before a guest runs. Else one runs, and this is the file by which
	 * it is opened (vfio/function_file.h); who takes it leaves -1. fs is NULL then.
	 */
	int *file;
};

/* All are set-up and teardown, one thread at a time, but for map and unmap. */
struct vfio_iommu_ops {
	enum vfio_iommu_kind kind;
	bool limit_is_users; /* RLIMIT_MEMLOCK: of all processes of a user together */
	/* Open what there is one of for all functions; iommu->fd. */
	int (*open)(struct vfio_iommu *iommu, struct vfio_failure *failure) _must_check_;
	/*
	 * Open a function, whose DMA goes by the address space from now on: the first one makes it.
	 * Its ranges are known anew. *ret_fd is the caller's to close; detach ends the rest, after
	 * that. *ret_group: NULL where there is none, see struct vfio_device.
	 */
	int (*attach)(struct vfio_iommu *iommu, const struct vfio_iommu_function *fn,
		      struct vfio_group **ret_group, int *ret_fd,
		      struct vfio_failure *failure) _must_check_;
	/* With the last one the address space is gone, and all that was mapped, or it is kept. */
	void (*detach)(struct vfio_iommu *iommu, struct vfio_group *group);
	/*
	 * The address space is there from now on, with what is mapped, until iommu->fd is closed:
	 * what comes as the only function finds it so. Its ranges are known. NULL: it is the
	 * functions'. Set-up.
	 */
	int (*keep)(struct vfio_iommu *iommu, struct vfio_failure *failure) _must_check_;
	/*
	 * A function that a reset of a slot would reset, and the flags of the answer that it is in
	 * (VFIO_DEVICE_GET_PCI_HOT_RESET_INFO): 0: it is this container's, and *ret_file is what
	 * the kernel is shown for that, -1: it knows. -ENOENT: it is somebody else's. Any thread
	 * while functions are open.
	 */
	int (*owns)(const struct vfio_iommu *iommu, uint32_t flags,
		    const struct vfio_pci_dependent_device *fn, int *ret_file) _must_check_;
	/* Page aligned, within the ranges. Any thread. 0, or negative errno. */
	int (*map)(const struct vfio_iommu *iommu, uint64_t iova, uint64_t size,
		   void *va) _must_check_;
	/* The same of a function's BAR; both NULL: it cannot be. */
	int (*map_bar)(const struct vfio_iommu *iommu, uint64_t iova, uint64_t size,
		       void *va) _must_check_;
	int (*unmap_bar)(const struct vfio_iommu *iommu, uint64_t iova, uint64_t size) _must_check_;
};

struct vfio_iommu {
	const struct vfio_iommu_ops *ops; /* constant */
	const struct vfio_sys *sys;	  /* constant, borrowed */
	int fd;				  /* -1: not open */
	/* From here on: set-up and teardown, one thread at a time. */
	bool ready;		   /* the address space is there */
	struct iova_range *ranges; /* owned, ascending; as of the last function that was opened */
	size_t nr_ranges;
	struct vfio_group *groups; /* type1: owned */
	uint32_t ioas;		   /* iommufd: the address space's number */
	unsigned users;		   /* iommufd: functions in it */
	bool kept;		   /* iommufd: it outlives them */
};

/* An IOMMU has a handful of ranges; more than that is no sane answer. */
#define VFIO_IOVA_RANGES_MAX 1024u

/*
 * Keep ranges as the kernel gives them: pairs of 64-bit numbers, first and last. 0; -EPROTO: they
 * are none, too many, or not ascending; -ENOMEM.
 */
int vfio_iommu_take_ranges(struct vfio_iommu *iommu, const void *pairs, size_t nr) _must_check_;

static inline int vfio_iommu_ioctl(const struct vfio_iommu *iommu, int fd, unsigned long request,
				   void *arg)
{
	return iommu->sys->ioctl(iommu->sys->ctx, fd, request, arg);
}

#endif
