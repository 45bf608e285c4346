/* SPDX-License-Identifier: MIT */
/*
 * The configuration file of a guest, itsy.conf(5).
 */
#ifndef VMM_CONFIG_CONFIG_H
#define VMM_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "vfio/iommu.h"
#include "vfio/name.h"
#include "vmm/base/log.h"
#include "vmm/base/placement.h"
#include "vmm/irq/heat.h"
#include "vmm/irq/policy.h"
#include "vmm/irq/route_name.h"
#include "vmm/kvm/layout.h"

#define CONFIG_MAX_DEVICES 32u

/* GITS frames lie side by side from LAYOUT_GITS on. */
#define CONFIG_MAX_ITS 8u

/* Of names: of the guest, of blocks. */
#define CONFIG_NAME_MAX 31u

/*
 * An option of the command line that says something of the guest, --NAME VALUE: of the name of a
 * key outside of blocks (or its short name), with the key's value; of a kind of block, with a
 * whole block ("01:00.0,route=irqfd"); or "set", with "KEY=VALUE" or "BLOCK.NAME.KEY=VALUE".
 */
struct config_option {
	const char *name, *value; /* borrowed, as long as a configuration is that they belong to */
};

/* How the command line explains such an option. */
struct config_option_words {
	const char *name, *summary;
	char argument[64]; /* "auto|type1|iommufd" */
};

/* Messages of a function that comes while the guest runs: NVMe has one for each queue. */
#define HOTPLUG_VECTORS_DEFAULT 128u

/* What the guest starts from. */
enum boot_wish { BOOT_WISH_KERNEL, BOOT_WISH_DISK };
/* Of Debian's package u-boot-qemu. */
#define CONFIG_FIRMWARE "/usr/lib/u-boot/qemu_arm64/u-boot.bin"

/* Of the process that has the guest (docs/security.md). */
enum sandbox_wish { SANDBOX_WISH_ON, SANDBOX_WISH_OFF };

/* What becomes of a guest whose kernel has panicked. */
enum panic_wish { PANIC_WISH_WAIT, PANIC_WISH_RESET, PANIC_WISH_STOP };

/* Less than the 90 s after which systemd kills (TimeoutStopSec), so that a cut is itsy's and told.
 */
#define STOP_TIMEOUT_DEFAULT 80u
#define STOP_TIMEOUT_MAX     86400u

/* What becomes of the guest where the host says something of a device. */
enum notice_wish {
	NOTICE_WISH_STOP,   /* it ends */
	NOTICE_WISH_IGNORE, /* it goes on with it */
	NOTICE_WISH_REMOVE, /* it goes on without it */
};

struct config_its {
	char *name;	       /* the block's title */
	uint32_t devid_bits;   /* 1..32, 16 by default */
	uint32_t eventid_bits; /* 1..16, 16 by default */
	uint32_t lpis;	       /* INTIDs 8192..8192+lpis-1; 32..57344; 0, by default: lpis_for() */
	bool stall;	       /* on-error = "stall": stop at a wrong command; by default skip it */
	int line;	       /* of its block, for messages; 0: it has none in the file */
};

struct config_device {
	char *name;		/* the block's title */
	struct pci_name wanted; /* what the file says of its function */
	/* The function: by the file where that says it; else as passthru_find() finds it. */
	struct pci_bdf bdf;
	bool is_found;
	bool plain_driver; /* vfio-pci has it, also where there is a variant for it */
	uint32_t devfn; /* its place (pci_host.h); unless has_devfn, what config_place.h gives it */
	bool has_devfn;
	bool root_port; /* behind one; by default as the function 0 that it is beside, else not */
	bool has_root_port;
	size_t its;	       /* index of the ITS it is wired to: the first by default */
	uint32_t requester_id; /* by its place (config_place.h) */
	uint32_t devid;	       /* its DeviceID there; unless has_devid, its requester ID */
	bool has_devid;
	uint32_t events;  /* EventIDs the shadow keeps; 0: by its vectors */
	enum route route; /* the configuration's own by default */
	bool has_route;
	struct heat_limits heat; /* of the route auto */
	bool tie_uncounted;	 /* auto ties what nobody counts then */
	struct policy policy;	 /* off by default; where there is a limit, it is complete */
	int msi_cpu;		 /* the host's CPU for its MSIs; -1: as the host has them */
	bool has_msi_cpu;
	enum notice_wish on_request; /* the host wants it back */
	enum notice_wish on_error;   /* it tells of an error on the bus; never NOTICE_WISH_REMOVE */
	int line;		     /* of its block, for messages; 0: it is of the command line */
};

/* CPUs of the host. */
struct config_cpus {
	uint32_t nr;
	uint16_t list[LAYOUT_MAX_VCPUS];
};

struct config_raw;

struct config {
	char *path; /* what messages call the file */
	/*
	 * What other commands know the guest by; by default the file's name without ".conf", or
	 * "guest" where it has no file with a name.
	 */
	char name[CONFIG_NAME_MAX + 1];
	bool has_name;
	enum boot_wish boot;
	char *firmware; /* NULL: CONFIG_FIRMWARE */
	char *kernel;	/* NULL with BOOT_WISH_DISK, as are the three that follow */
	bool flat;	/* kernel-format = "flat": it is a program without an Image's header */
	char *initrd;	/* NULL without */
	char *cmdline;	/* "" by default */
	uint32_t vcpus;
	uint64_t memory;    /* bytes */
	uint64_t huge_page; /* bytes of the host's huge pages that it lies in; 0: ordinary memory */
	enum route route;
	struct placement router; /* SCHED_FIFO 1 on any CPU by default */
	struct placement spin;	 /* of the thread that never sleeps */
	struct placement vcpu;	 /* of all, but for the CPU */
	enum sandbox_wish sandbox;
	enum vfio_iommu_wish iommu; /* what the DMA of its devices goes by */
	enum log_level log_level;   /* LOG_INFO by default */
	enum log_format log_format;
	char *log_file;	   /* NULL: standard error */
	char *console;	   /* config_console(); NULL: standard input and output */
	char *console_log; /* NULL: none */
	enum panic_wish on_panic;
	uint32_t stop_timeout;	      /* s; 0: it is not asked to power off */
	struct config_cpus vcpu_cpus; /* one for each of vcpus; or none: any */
	struct config_its its[CONFIG_MAX_ITS];
	size_t nr_its;		  /* at least 1 */
	uint32_t hotplug_ports;	  /* root ports that are free, for what comes later */
	uint32_t hotplug_vectors; /* of each: what a function that comes can have */
	/*
	 * Behind the first nr_devices, hotplug_ports more, which are no function yet: each is the
	 * place of one behind a root port of its own (config_hotplug.h).
	 */
	struct config_device devices[CONFIG_MAX_DEVICES];
	size_t nr_devices;
	struct config_raw *raw; /* what it was read from, for config_print(); NULL: it was not */
};

/*
 * Read and check a file, "-" being standard input and NULL no file. Every error at once goes to
 * errors, as "file:line: error: ..." or "--option: error: ..."; -EINVAL then. -ENOENT and others
 * with a line on errors where the file cannot be read. options are applied to what the file says,
 * in their order. On success ret_config is the caller's to config_fini().
 */
int config_load(const char *path, const struct config_option options[], size_t nr_options,
		FILE *errors, struct config *ret_config) _must_check_;
/* The same for text in memory, named path in messages. */
int config_parse(const char *path, const char *text, const struct config_option options[],
		 size_t nr_options, FILE *errors, struct config *ret_config) _must_check_;
void config_fini(struct config *config);

/* Option i but "set", from 0 on, by the table of keys. False: there are no more. */
bool config_option_explain(size_t i, struct config_option_words *ret_words);

/*
 * The configuration that results, in the file's own syntax: each value that is in force, and behind
 * it, as a comment, where it comes from. What holds without being given is a comment as a whole,
 * but for what a reader must have to get the same guest.
 */
void config_print(const struct config *config, FILE *out);
/*
 * Paths that count from the current folder count from any then, as where the file is to lie that
 * config_print() writes. 0, or -errno.
 */
int config_settle_paths(struct config *config) _must_check_;

#endif
