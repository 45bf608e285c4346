// SPDX-License-Identifier: MIT
/*
 * A little of an NVMe driver.
 *
 * Deliberately not here: looking at which command a completion is for.
 */
#include "lib/nvme.h"

#include "lib/arch.h"
#include "lib/cpu.h"
#include "lib/payload.h"
#include "vitsmod/bits.h"

#define CLASS_NVME 0x010802u

/* 3.1 */
#define CAP	   0x00u
#define CAP_DSTRD  MASK64(35, 32)
#define CC	   0x14u
#define CC_ENABLE  (1u | 6u << 16 | 4u << 20) /* entries of 64 and 16 bytes */
#define CSTS	   0x1cu
#define CSTS_READY 1u
#define AQA	   0x24u
#define ASQ	   0x28u
#define ACQ	   0x30u
#define DOORBELLS  0x1000u

#define ENTRIES	      64u
#define SUBMISSION_SZ 64u
#define COMPLETION_SZ 16u

enum admin { CREATE_SQ = 0x01, CREATE_CQ = 0x05, GET_FEATURES = 0x0a };
#define READ		  0x02u
#define SECTOR_SZ	  512u
#define FEATURE_NR_QUEUES 0x07u

void nvme_find(struct nvme *ret_nvme)
{
	*ret_nvme = (struct nvme){ 0 };
	CHECK(pci_find_class(CLASS_NVME, 0, &ret_nvme->fn), "no NVMe function");
	pci_set_up(&ret_nvme->fn);
	CHECK(ret_nvme->fn.bar[0], "NVMe: BAR 0 is not there");
}

static void *zeros(const void *had, size_t size, size_t align)
{
	return had ? memset((void *)address_of(had), 0, size) : memory_alloc(size, align);
}

static void make_pair(struct nvme_pair *pair)
{
	*pair = (struct nvme_pair){
		.submissions = zeros(pair->submissions, (size_t)ENTRIES * SUBMISSION_SZ, 4096),
		.completions = zeros(pair->completions, (size_t)ENTRIES * COMPLETION_SZ, 4096),
		.phase = 1,
		.data = zeros(pair->data, NVME_DATA_SZ, NVME_DATA_SZ),
	};
}

static void ring(const struct nvme *nvme, unsigned queue, unsigned value)
{
	barrier();
	write32(nvme->fn.bar[0] + DOORBELLS + queue * nvme->doorbell_sz, value);
}

static void put(struct nvme *nvme, unsigned pair, const uint32_t command[16])
{
	struct nvme_pair *p = &nvme->pairs[pair];

	memcpy(p->submissions + p->tail * SUBMISSION_SZ, command, SUBMISSION_SZ);
	p->tail = (p->tail + 1) % ENTRIES;
}

void nvme_submit(const struct nvme *nvme, unsigned pair)
{
	ring(nvme, 2 * pair, nvme->pairs[pair].tail);
}

/* Status and phase of the completion that is next: 4.6. */
static uint16_t next_status(const struct nvme_pair *p)
{
	return read16(address_of(p->completions) + p->head * COMPLETION_SZ + 14);
}

bool nvme_is_done(const struct nvme *nvme, unsigned pair)
{
	const struct nvme_pair *p = &nvme->pairs[pair];

	return (next_status(p) & 1) == p->phase;
}

bool nvme_wait(const struct nvme *nvme, unsigned pair)
{
	return WAIT_UNTIL(nvme_is_done(nvme, pair), PATIENCE_MS);
}

static void take(struct nvme *nvme, unsigned pair)
{
	struct nvme_pair *p = &nvme->pairs[pair];

	p->head = (p->head + 1) % ENTRIES;
	if (!p->head)
		p->phase ^= 1;
	ring(nvme, 2 * pair + 1, p->head);
}

void nvme_reap(struct nvme *nvme, unsigned pair)
{
	uint16_t status = next_status(&nvme->pairs[pair]);

	CHECK((status & 1) == nvme->pairs[pair].phase, "NVMe: queue pair %u has no completion",
	      pair);
	CHECK(status >> 1 == 0, "NVMe: status 0x%x on queue pair %u", status >> 1, pair);
	take(nvme, pair);
}

bool nvme_try_reap(struct nvme *nvme, unsigned pair)
{
	if (next_status(&nvme->pairs[pair]) != nvme->pairs[pair].phase)
		return false;
	take(nvme, pair);
	return true;
}

static void admin(struct nvme *nvme, const uint32_t command[16], const char *what)
{
	put(nvme, 0, command);
	nvme_submit(nvme, 0);
	CHECK(nvme_wait(nvme, 0), "NVMe: no answer to %s", what);
	nvme_reap(nvme, 0);
}

/* 5.3, 5.4: physically contiguous; the completion queue interrupts, by vector `pair`. */
static void create_pair(struct nvme *nvme, unsigned pair)
{
	struct nvme_pair *p = &nvme->pairs[pair];
	uint32_t size = (ENTRIES - 1) << 16 | pair;
	uint64_t sq, cq;

	make_pair(p);
	sq = address_of(p->submissions);
	cq = address_of(p->completions);
	admin(nvme,
	      (const uint32_t[16]){ CREATE_CQ, [6] = (uint32_t)cq, [7] = (uint32_t)(cq >> 32),
				    [10] = size, [11] = pair << 16 | 3 },
	      "Create I/O Completion Queue");
	admin(nvme,
	      (const uint32_t[16]){ CREATE_SQ, [6] = (uint32_t)sq, [7] = (uint32_t)(sq >> 32),
				    [10] = size, [11] = pair << 16 | 1 },
	      "Create I/O Submission Queue");
}

void nvme_start(struct nvme *nvme, unsigned pairs)
{
	uint64_t base = nvme->fn.bar[0];

	CHECK(pairs <= NVME_MAX_PAIRS, "too many queue pairs");
	write32(base + CC, 0);
	CHECK(WAIT_UNTIL(!(read32(base + CSTS) & CSTS_READY), PATIENCE_MS), "NVMe: stays ready");
	nvme->doorbell_sz = 4u << FIELD_GET(CAP_DSTRD, read64(base + CAP));
	make_pair(&nvme->pairs[0]);
	write32(base + AQA, (ENTRIES - 1) << 16 | (ENTRIES - 1));
	write64(base + ASQ, address_of(nvme->pairs[0].submissions));
	write64(base + ACQ, address_of(nvme->pairs[0].completions));
	write32(base + CC, CC_ENABLE);
	CHECK(WAIT_UNTIL(read32(base + CSTS) & CSTS_READY, PATIENCE_MS), "NVMe: not ready");
	for (unsigned pair = 1; pair < pairs; pair++)
		create_pair(nvme, pair);
}

void nvme_prepare(struct nvme *nvme, unsigned pair)
{
	uint64_t data = address_of(nvme->pairs[pair].data);

	if (pair == 0)
		put(nvme, 0, (const uint32_t[16]){ GET_FEATURES, [10] = FEATURE_NR_QUEUES });
	else
		put(nvme, pair,
		    (const uint32_t[16]){ READ,
					  1, [6] = (uint32_t)data, [7] = (uint32_t)(data >> 32),
					  [12] = NVME_DATA_SZ / SECTOR_SZ - 1 });
}

void nvme_work(struct nvme *nvme, unsigned pair)
{
	nvme_prepare(nvme, pair);
	nvme_submit(nvme, pair);
}
