/* SPDX-License-Identifier: MIT */
/*
 * itsy bench: how long interrupts take to a guest.
 */
#ifndef VMM_BENCH_BENCH_H
#define VMM_BENCH_BENCH_H

#include <stdio.h>

#include "vfio/pci.h"
#include "vmm/base/hist.h"
#include "vmm/base/placement.h"
#include "vmm/base/report.h"
#include "vmm/base/self.h"
#include "vmm/bench/bench_kind.h"
#include "vmm/irq/route_name.h"

#define BENCH_MAX_VCPUS 8u

struct bench_options {
	uint32_t nr_devices; /* 0: bare eventfds */
	struct pci_bdf devices[BENCH_MAX_FUNCTIONS];
	uint32_t functions;	/* vector v is one of function v modulo functions */
	bool routes[NR_ROUTES]; /* which of them */
	uint32_t vectors, vcpus;
	bool busy;	     /* the guest's CPUs loop instead of sleeping */
	uint64_t count;	     /* interrupts of each route */
	uint32_t burst;	     /* signalled at once; 1: one at a time */
	uint64_t rate;	     /* of interrupts per second; 0: the next one when the last was taken */
	uint32_t gap_us;     /* between one that was taken and the next */
	uint32_t changes_us; /* irq: between two changes of the vectors' routes; 0: they stay */
	uint64_t hardlimit;  /* exit status 1 where one took longer; 0: none */
	const char *json, *hgrm, *plot; /* files to write; NULL: none */
	struct placement router, spin, vcpu;
	int trigger_cpu; /* -1: any */
	bool sandbox;	 /* the guest has a process of its own (docs/security.md) */
};

/* What one route came to. */
struct bench_result {
	struct hist hist; /* in units, see struct bench_environment */
	uint32_t next;	  /* which vector it signals next */
	uint64_t lost;	  /* not taken within the time that it had, or merged with the next one */
	uint64_t extra;	  /* with changes_us: taken by the guest, and sent by nobody */
	uint64_t changes; /* times that changes_us was over */
	/*
	 * With changes_us, of one vector of a route that is neither uring nor auto: from before a
	 * change to this route, and from it to uring, to the end of the interrupt behind it.
	 */
	struct hist to, from;
	/* Taken, but the guest's clock says when nobody can have: in no histogram. */
	uint64_t impossible;
};

/* Where it was measured: part of each result. */
struct bench_environment {
	char kernel[128], cpu[64], governor[32], isolated[64], machine[64], gic[16];
	unsigned cpus;
	const char *instead; /* of io_uring, where the host refuses that; NULL: nothing */
	bool emulated;	     /* times are not those of hardware */
	bool instructions;   /* the clock counts instructions: the unit is not ns */
};

void bench_environment_get(const char *root, struct bench_environment *ret_env);
/* "ns", or "instructions". */
const char *bench_unit(const struct bench_environment *env);

struct bench_report {
	const struct bench_options *options;
	const struct bench_kind *kind;
	const struct bench_environment *env;
	const struct bench_result
		*results; /* [NR_ROUTES]; those without a count were not measured */
	/* What itsy takes beyond the guest's RAM, after the last interrupt; NULL: not known. */
	const struct self_memory *memory;
};

int bench_print(const struct bench_report *report, FILE *out) _must_check_;
/* Negative errno where the file cannot be written. */
int bench_write_json(const struct bench_report *report, const char *path) _must_check_;
/*
 * One file for each route, or PATH where there is one route only: x.hgrm becomes
 * x-uring.hgrm and x-irqfd.hgrm, and x without an ending x-uring and x-irqfd.
 */
int bench_write_hgrm(const struct bench_report *report, const char *path) _must_check_;
/* By gnuplot(1); .svg or .png. .gp: what it is to be told. */
int bench_write_plot(const struct bench_report *report, const char *path) _must_check_;
/* Before anything is measured: can what it comes to be written as the options ask? */
int bench_check_files(const struct bench_options *options,
		      struct failure *ret_failure) _must_check_;
/* What gnuplot is told, data and all. */
void bench_plot_script(const struct bench_report *report, const char *path, FILE *out);

/* Measure, and report: interrupts that the host signals, */
enum exit_status bench_irq(const struct bench_options *options);
/* and round trips that the guest makes with a device, of which options name one. */
enum exit_status bench_device(const struct bench_options *options);

#endif
