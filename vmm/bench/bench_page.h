/* SPDX-License-Identifier: MIT */
/*
 * What itsy bench and its payload (guest-images/latency/) share: the first bytes
 * of guest RAM. One side writes each field, as said; counts are read with acquire
 * and stored with release.
 */
#ifndef VMM_BENCH_BENCH_PAGE_H
#define VMM_BENCH_BENCH_PAGE_H

#include <stdint.h>

#define BENCH_MAGIC	  UINT32_C(0x69745367)
#define BENCH_MAX_VECTORS 2048u
/* As many as the guest's bus and a machine have room for. */
#define BENCH_MAX_FUNCTIONS 32u
/* Flat binaries are loaded so far above the start of RAM (vmm/machine/loader.h). */
#define BENCH_PAGE_SZ 0x80000u

/* How the payload sets up what interrupts it. */
enum bench_source {
	BENCH_BARE, /* nothing on the PCI bus: the ITS only */
	BENCH_LOOP, /* a PCI function whose vectors the host triggers */
	/* A PCI function that the guest drives itself, on its first vector: */
	BENCH_EDU,  /* QEMU's edu */
	BENCH_NVME, /* an NVMe controller's admin queues */
};

enum bench_phase { BENCH_STARTS, BENCH_READY };

struct bench_function {
	uint32_t devid; /* DeviceID */
	uint32_t devfn; /* on the guest's bus */
};

struct bench_vector {
	uint64_t count;	    /* interrupts handled */
	uint64_t stamp;	    /* virtual counter at the last one's IAR read */
	uint64_t unused[6]; /* a cache line each */
};

#define BENCH_TRIPS	  4096u
#define BENCH_PATIENCE_MS 2000u
#define BENCH_LOST	  UINT64_MAX

/*
 * Round trips that the guest begins itself. It makes as many as the order says; a
 * new order ends the one before. What they took goes through a ring with one
 * producer, the guest, and one consumer; it waits while the ring is full.
 */
struct bench_trips {
	/* The host. */
	uint32_t order;	 /* one more than the last one; stored behind the next two */
	uint32_t gap_us; /* between two of them */
	uint64_t wanted; /* 0: stop */
	uint64_t taken;	 /* out of the ring, since the start */
	/* The guest. */
	uint64_t made;	 /* into the ring, since the start */
	uint32_t obeyed; /* the order that it follows; stored between two round trips */
	/* Ticks of the counter; BENCH_LOST: no interrupt within BENCH_PATIENCE_MS. */
	uint64_t ticks[BENCH_TRIPS]; /* n at n mod BENCH_TRIPS */
};

struct bench_page {
	/* The host, before the guest starts. */
	uint32_t magic;
	uint32_t source; /* enum bench_source */
	/*
	 * Vector n: function n mod nr_functions, and there vector and EventID
	 * n / nr_functions; LPI 8192 + n, vCPU n mod nr_cpus.
	 */
	uint32_t nr_functions, nr_vectors, nr_cpus;
	uint32_t busy; /* 1: CPUs loop, 0: they sleep in WFI */
	/* The guest. */
	uint32_t phase;		  /* enum bench_phase */
	uint32_t frequency;	  /* CNTFRQ_EL0 */
	uint64_t offset;	  /* physical counter less virtual counter */
	struct bench_trips trips; /* both; with BENCH_EDU and BENCH_NVME */
	struct bench_function functions[BENCH_MAX_FUNCTIONS];
	struct bench_vector vectors[BENCH_MAX_VECTORS];
};

_Static_assert(sizeof(struct bench_page) <= BENCH_PAGE_SZ, "it ends below the payload");

#endif
