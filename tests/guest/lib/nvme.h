/* SPDX-License-Identifier: MIT */
/*
 * As much of an NVMe driver as it takes to get an interrupt from each vector:
 * queue pair n has vector n; pair 0 is the admin queues.
 * NVM Express Base Specification 1.4.
 */
#ifndef GUEST_LIB_NVME_H
#define GUEST_LIB_NVME_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/pci.h"

#define NVME_MAX_PAIRS 8u
#define NVME_DATA_SZ   4096u

struct nvme_pair {
	uint8_t *submissions;
	const uint8_t *completions;
	unsigned tail, head; /* next submission to write, next completion to read */
	unsigned phase;	     /* of completions that are new */
	uint8_t *data;	     /* the disk's first NVME_DATA_SZ bytes, once read */
};

struct nvme {
	struct pci_function fn;
	unsigned doorbell_sz;
	struct nvme_pair pairs[NVME_MAX_PAIRS];
};

/* Find the first one, place its BARs. Fails without one. */
void nvme_find(struct nvme *ret_nvme);
/*
 * Reset and enable it, make `pairs` queue pairs; completions are polled for. Once more, it begins
 * anew with the same memory.
 */
void nvme_start(struct nvme *nvme, unsigned pairs);

/*
 * Give a pair one command, which ends soon and with one interrupt. I/O pairs read
 * the disk's first bytes.
 */
void nvme_work(struct nvme *nvme, unsigned pair);
/* The same in two steps: the command, then the doorbell. */
void nvme_prepare(struct nvme *nvme, unsigned pair);
void nvme_submit(const struct nvme *nvme, unsigned pair);
/* Is there a completion? */
bool nvme_is_done(const struct nvme *nvme, unsigned pair);
/* Wait until there is a completion; false when it is late. */
bool nvme_wait(const struct nvme *nvme, unsigned pair);
/* Take that completion out. Fails if there is none, or it is an error. */
void nvme_reap(struct nvme *nvme, unsigned pair);
/* The same where an error may be: false, and it is not taken out. */
bool nvme_try_reap(struct nvme *nvme, unsigned pair);

#endif
