/* SPDX-License-Identifier: MIT */
/*
 * VFIO without a kernel: containers, groups and functions behind struct vfio_sys,
 * for tests of the whole device model. It checks that it is used as the kernel
 * demands, makes any call fail that a test picks, and counts what is left open.
 */
#ifndef TESTS_UNIT_VFIO_FAKE_H
#define TESTS_UNIT_VFIO_FAKE_H

#include "tests/unit/vfio/vfio_tree.h"
#include "vfio/device.h"
#include "vfio/sys.h"

#define FAKE_FUNCTIONS	   4u
#define FAKE_FDS	   8192u
#define FAKE_LOG	   64u
#define FAKE_CFGSPACE_SIZE 4096u
#define FAKE_AREAS	   20u

/* Where a region lies in a function's file: as the kernel has it. */
#define FAKE_REGION(index) ((uint64_t)(index) << 40)

struct fake_area {
	uint64_t offset, size;
};

struct fake_bar {
	uint64_t size;
	bool mmap;
	bool msix_mappable; /* the kernel says that it maps the table, too */
	size_t nr_areas;    /* of a sparse region, 0 for the whole */
	struct fake_area areas[FAKE_AREAS];
};

struct fake_write {
	unsigned offset, len;
	uint32_t value;
};

struct fake_function {
	/* What it is; a test may change it before it is opened. */
	const char *bdf;
	int group;
	const char *driver;
	uint16_t vendor, device;
	uint32_t class_code;
	unsigned cfgspace_size; /* 256 or 4096 */
	uint8_t cfgspace[FAKE_CFGSPACE_SIZE];
	uint8_t writable[FAKE_CFGSPACE_SIZE];
	uint8_t w1c[FAKE_CFGSPACE_SIZE];
	struct fake_bar bars[VFIO_DEVICE_RANGES];
	unsigned irqs[5];    /* by index of VFIO */
	unsigned irqs_given; /* what the host has, 0 for all */
	bool can_reset;
	unsigned slot;	 /* with others of that number below a bridge; 0: on the root bus */
	int reset_errno; /* of its own reset, so often; 0: it works */
	unsigned reset_fails;
	bool unreadable_rom; /* the kernel finds none behind its register */
	bool busy;	     /* opening it fails with EBUSY */
	bool not_pci;	     /* VFIO says that it is something else */
	bool no_eventfd;     /* its interrupts cannot be had by eventfd */
	int irqs_errno;	     /* of enabling its vectors, 0: it works */
	bool no_intx;	     /* that is of INTx alone */

	bool no_cdev; /* VFIO makes no file for it */

	/* What became of it. */
	int fd;			       /* -1: not open */
	bool by_cdev, bound, attached; /* opened by its own file; in an iommufd; in its space */
	int file;		       /* its regions */
	unsigned nr_enabled, enabled_index;
	int eventfds[VFIO_MAX_VECTORS]; /* of the kind that is enabled; -1: taken away */
	bool pending[VFIO_MAX_VECTORS]; /* came while it was */
	int notices[NR_VFIO_NOTICES];	/* -1: nobody asked to be told */
	/* INTx: what the function asserts; masked by the kernel; who unmasks it, -1: nobody. */
	bool intx, intx_masked;
	int intx_unmask;
	unsigned intx_signals;
	unsigned resets, hot_resets; /* that were done */
	/* Called while it is reset, if set; must not come back to the device on this thread. */
	void (*resetting)(void *arg);
	void *resetting_arg;
	/* Called before its vectors are disabled, if set; likewise. */
	void (*disabling)(void *arg);
	void *disabling_arg;
	bool mastering_at_reset;
	bool commanded;			    /* its Command was written since it was opened */
	unsigned undecoded;		    /* accesses to BARs while it did not decode them */
	unsigned nr_writes;		    /* to its configuration space */
	struct fake_write writes[FAKE_LOG]; /* the last ones */
};

#define FAKE_DMAS 64u
struct fake_dma {
	uint64_t iova, size; /* 0: none */
	void *va;
};

enum fake_fd_kind {
	FAKE_NONE,
	FAKE_CONTAINER,
	FAKE_GROUP,
	FAKE_IOMMUFD,
	FAKE_DEVICE,
	FAKE_EVENTFD
};

struct fake_fd {
	enum fake_fd_kind kind;
	int number; /* group, or index of function */
	bool joined;
};

struct fake_vfio {
	struct vfio_sys sys;
	struct host_tree tree;
	bool borrowed; /* the tree is another fake's, and has the functions already */
	struct fake_function functions[FAKE_FUNCTIONS];
	unsigned nr_functions;

	/* What the host is like. */
	int open_errno;		   /* of /dev/vfio/vfio and /dev/iommu, 0: they open */
	enum vfio_iommu_kind kind; /* what fake_container() makes */
	int group_errno, set_iommu_errno, map_errno;
	int cdev_errno, bind_errno, attach_errno;
	unsigned nr_ranges; /* of iommufd, 0 for the two of type1 */
	bool not_viable, no_type1, no_ranges, odd_ranges, crossed_ranges;
	int api_version;     /* 0: the one that there is */
	int hot_reset_errno; /* of resets of slots, so often; 0: they work */
	unsigned hot_reset_fails;
	unsigned late_functions; /* of a slot, that come only after the first question */
	bool short_reads;	 /* of a few bytes, and interrupted every other time */

	/* The nth call from now on fails (1: the next), 0: none does. */
	unsigned fail_at;
	int fail_errno;
	unsigned calls, nr_reads;
	bool failed;
	const char *failed_call;
	unsigned long failed_request; /* of a function; 0: it was another call */

	unsigned hot_resets, hot_reset_tries; /* of slots, that were done and asked for */

	/* The time, which goes on by itself in no test; and how much of it was slept. */
	uint64_t now_ns, slept_ns;
	unsigned nr_sleeps;

	/* What is open. */
	struct fake_fd fds[FAKE_FDS];
	struct fake_dma dmas[FAKE_DMAS]; /* those that there is room for */
	unsigned nr_fds, nr_maps, nr_groups_joined, nr_dma;
	uint64_t dropped; /* bytes of mappings whose pages were dropped */
	bool iommu_set;
	uint32_t ioas;	 /* the address space of iommufd, 0: none */
	bool keeps_ioas; /* it is there as long as its iommufd */
	unsigned nr_attached;
};

void fake_init(struct fake_vfio *fake);
/* With the tree of another one, which has the same functions and was published. */
void fake_init_on(struct fake_vfio *fake, const struct host_tree *tree);
/* Stops the test when anything is still open. */
void fake_fini(struct fake_vfio *fake);

/* Functions as QEMU has them, and one with everything that QEMU's have not. */
struct fake_function *fake_add_nvme(struct fake_vfio *fake, const char *bdf, int group);
struct fake_function *fake_add_e1000e(struct fake_vfio *fake, const char *bdf, int group);
struct fake_function *fake_add_edu(struct fake_vfio *fake, const char *bdf, int group);
/*
 * 64-bit prefetchable BARs 0 and 4 and a small one at 2, eight MSI vectors with
 * masks, and the capabilities below; MSI-X is not there.
 */
struct fake_function *fake_add_full(struct fake_vfio *fake, const char *bdf, int group);
#define FULL_PM	   0x40u
#define FULL_MSI   0x50u
#define FULL_VPD   0x70u
#define FULL_VNDR  0x78u /* 0x18 bytes */
#define FULL_EXP   0x90u
#define FULL_HT	   0xccu
#define FULL_AF	   0xd4u
#define FULL_AER   0x100u
#define FULL_DSN   0x140u
#define FULL_SRIOV 0x150u
#define FULL_VSEC  0x200u /* 0x20 bytes */

/* Make the functions known to sysfs: after the last change to them. */
void fake_publish(struct fake_vfio *fake);

void fake_container(struct fake_vfio *fake, struct vfio_container **ret_container);
/* Create and expect success. */
struct vfio_device *fake_open(struct fake_vfio *fake, struct vfio_container *c, const char *bdf);

/* The function has an interrupt. */
void fake_signal(struct fake_function *fn, unsigned vector);
/* The host says something of it. */
void fake_notify(const struct fake_function *fn, enum vfio_notice notice);
/* The function asserts INTx, or does not any more. */
void fake_intx(struct fake_function *fn, bool level);
/* What the kernel does when its unmask eventfd was signalled; false: it was not. */
bool fake_intx_unmask(struct fake_function *fn);
/* Resets of one function and of its slot, as the kernel does them: linux/vfio.h. */
struct vfio_pci_hot_reset_info;
struct vfio_pci_hot_reset;
/* Was the call that failed one that opening does without? A reset is tried again, and due then. */
bool fake_did_without(const struct fake_vfio *fake);
int fake_reset(struct fake_function *fn);
int fake_hot_reset_info(struct fake_vfio *fake, const struct fake_function *fn,
			struct vfio_pci_hot_reset_info *info);
int fake_hot_reset(struct fake_vfio *fake, struct fake_function *fn,
		   const struct vfio_pci_hot_reset *request);
/* Words of its configuration space and its memory. */
uint32_t fake_cfgspace(const struct fake_function *fn, unsigned offset, unsigned len);
void fake_set_cfgspace(struct fake_function *fn, unsigned offset, unsigned len, uint32_t value);
uint32_t fake_memory(const struct fake_function *fn, unsigned bar, uint64_t offset);

#endif
