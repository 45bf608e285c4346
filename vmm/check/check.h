/* SPDX-License-Identifier: MIT */
/*
 * What `itsy check` looks at. A check is a function that is asked for one
 * verdict; the table of them is in vmm/cli/cmd_check.c.
 */
#ifndef VMM_CHECK_CHECK_H
#define VMM_CHECK_CHECK_H

#include "vfio/pci.h"
#include "vmm/config/config.h"
#include "vmm/kvm/kvm_sys.h"
#include "vmm/sandbox/layers.h"

enum verdict {
	VERDICT_PASS, /* a requirement is met: of itsy, or of the configuration */
	VERDICT_INFO, /* this is so, and nobody required anything */
	VERDICT_WARN, /* guests run, but something is worth knowing */
	VERDICT_FAIL, /* guests do not run, or not this one */
	VERDICT_NONE, /* the question does not arise here: not shown */
};

struct check_host {
	struct pci_host_fs fs;	       /* "" or the copy to look at */
	char machine[66], release[66]; /* as uname(2) says */
	uint64_t page_size;	       /* bytes */
	uint64_t memlock;	       /* self_lock_limit() */
	int max_fifo;		       /* highest priority of SCHED_FIFO that is granted; 0: none */
	const struct kvm_sys *kvm;     /* by which KVM is tried; borrowed */
	const struct config *config;   /* NULL: check the host alone */
};

struct check_result {
	enum verdict verdict;
	char text[384]; /* what was found */
	char cure[256]; /* set with WARN and FAIL, and else empty */
};

typedef void check_fn(const struct check_host *host, struct check_result *ret);

/* Fill the result. cure may be NULL for VERDICT_PASS and VERDICT_INFO only. */
void check_say(struct check_result *ret, enum verdict verdict, const char *cure, const char *format,
	       ...) __attribute__((format(printf, 4, 5)));

/* The first line of a file of the host's, without its end; "" where there is none. */
void check_read_line(const struct check_host *host, const char *path, char *line, size_t cap);

/*
 * The first line of the kernel's log that has the text, from there on; "" where none
 * has it, or has it any more, or where the log is not readable.
 */
void check_read_log(const struct check_host *host, const char *text, char *line, size_t cap);

/* vmm/check/check_host.c */
check_fn check_architecture, check_kernel, check_its_fix, check_iommu, check_vfio, check_dma,
	check_isolation, check_io_uring, check_memlock, check_intx;
/* vmm/check/check_kvm.c */
check_fn check_kvm, check_kvm_extensions, check_kvm_gic, check_kvm_its, check_kvm_pmu,
	check_kvm_steal_time;
/* vmm/check/check_config.c: what the configuration asks of the host */
check_fn check_name, check_files, check_memory, check_memory_map;
/* The nr-th device of the configuration. */
void check_device(const struct check_host *host, size_t nr, struct check_result *ret);
/* vmm/check/check_place.c: where the configuration has threads and interrupts go */
check_fn check_router, check_spinner, check_vcpus, check_direct, check_gsis;
/* vmm/check/check_sandbox.c */
check_fn check_sandbox;
/* What is to be said of layers, by what layers_try() gave. */
void check_layers(const int results[NR_LAYERS], struct check_result *ret);
/* Route, policy and CPU of the nr-th device's interrupts. */
void check_interrupts(const struct check_host *host, size_t nr, struct check_result *ret);

#endif
