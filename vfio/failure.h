/* SPDX-License-Identifier: MIT */
/*
 * What stood in the way of the host side of passthrough: a code, and the names
 * that a message about it needs. Functions of this folder return a negative
 * errno and fill a failure; the program turns it into words, once.
 */
#ifndef VFIO_FAILURE_H
#define VFIO_FAILURE_H

enum vfio_failure_code {
	VFIO_FAILURE_NONE,
	VFIO_FAILURE_NO_FUNCTION,  /* no such PCI function */
	VFIO_FAILURE_BRIDGE,	   /* a bridge, which cannot be passed through */
	VFIO_FAILURE_NO_GROUP,	   /* the function is in no IOMMU group */
	VFIO_FAILURE_NOT_VIABLE,   /* other, of the same group, is bound to driver */
	VFIO_FAILURE_GROUP_IN_USE, /* other, of the same group, is used by the host */
	VFIO_FAILURE_NOT_BOUND, /* the function is not bound to vfio-pci but to driver ("" none) */
	VFIO_FAILURE_BIND,	/* the kernel refused the new driver */
	VFIO_FAILURE_VARIANT,	/* driver, which is for it, does not take it; vfio-pci has it */
	VFIO_FAILURE_LEFT,	/* process have, which is gone, left it bound */
	VFIO_FAILURE_LEFT_SO,	/* and it stays so: this user may not change the record */
	VFIO_FAILURE_IN_USE_BY_HOST,	/* the host mounts it or has it up: other names what */
	VFIO_FAILURE_NO_VFIO,		/* no /dev/vfio/vfio, or no vfio-pci driver */
	VFIO_FAILURE_NO_IOMMUFD,	/* no iommufd, or not for functions: other says what */
	VFIO_FAILURE_BUSY,		/* another process holds the group */
	VFIO_FAILURE_PERMISSION,	/* no right to open or write object */
	VFIO_FAILURE_UNSAFE_INTERRUPTS, /* the host's MSIs are not isolated, says driver */
	VFIO_FAILURE_MEMLOCK,		/* RLIMIT_MEMLOCK below what must be pinned */
	VFIO_FAILURE_MEMLOCK_OF_USER,	/* RLIMIT_MEMLOCK, with what others of this user pin */
	VFIO_FAILURE_IOVA,		/* guest memory meets addresses the IOMMU cannot map */
	VFIO_FAILURE_NO_IRQ,		/* VFIO does not signal the function's interrupts */
	VFIO_FAILURE_VECTORS,		/* the host gives fewer vectors than the function has */
	VFIO_FAILURE_NO_RESET,		/* the function has no reset, and its slot has none */
	VFIO_FAILURE_RESET_SHARED, /* its slot's would reset other, which is not this guest's */
	VFIO_FAILURE_RESET,	   /* the kernel could not reset it */
	VFIO_FAILURE_RESET_BUSY,   /* nor could it, as somebody had it locked all the time */
	VFIO_FAILURE_STATE,	   /* the record of what binding changed cannot be kept */
	VFIO_FAILURE_HAS_VFS,	   /* it has virtual functions: have of them */
	VFIO_FAILURE_PF_IS_VFIOS,  /* other, its physical function, is bound to driver, VFIO's */
	VFIO_FAILURE_NO_SRIOV,	   /* it can have no virtual functions */
	VFIO_FAILURE_TOO_MANY_VFS, /* it can have fewer virtual functions than are wanted */
	VFIO_FAILURE_NO_VFS_BY_DRIVER, /* the driver that it is bound to makes none ("" none) */
	VFIO_FAILURE_NO_VFS,	       /* the kernel made none, or took none away */
	VFIO_FAILURE_TAKEN,	       /* it is bound for a guest */
	VFIO_FAILURE_UNMAPPED, /* no function is open that keeps the guest's memory mapped */
	VFIO_FAILURE_REPLACED, /* another device is in the place of the one that was there */
	VFIO_FAILURE_OTHER,    /* something else: object and the errno say what */
};

struct vfio_failure {
	enum vfio_failure_code code;
	int error;		       /* the errno, positive */
	char object[96];	       /* the function, file or group it happened to */
	char other[160];	       /* a second name, or what uses it, where the code says so */
	char driver[40];	       /* a driver's name, where the code says so */
	unsigned long long have, want; /* where numbers were compared */
};

#endif
