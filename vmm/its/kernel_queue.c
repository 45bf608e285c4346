// SPDX-License-Identifier: MIT
/*
 * The command queue of the kernel ITS. No locks.
 */
#include "vmm/its/kernel_queue.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#include "vmm/its/kernel_ids.h"

#define QUEUE_COMMANDS ((uint32_t)(KERNEL_QUEUE_SZ / GITS_CMD_SZ))
/* Each function's devices share one ITT, of the largest size. */
#define ITT_ID_BITS 16u

uint32_t kernel_queue_room(const struct kernel_queue *queue)
{
	return QUEUE_COMMANDS - 1 - queue->nr_staged; /* a full queue looks as an empty one */
}

void kernel_queue_put(struct kernel_queue *queue, const struct gits_cmd *cmd)
{
	uint64_t words[GITS_CMD_NR_WORDS];

	_Static_assert(sizeof(words) == GITS_CMD_SZ, "a command is made of words");
	assert(kernel_queue_room(queue));

	cmd_encode(cmd, words);
	for (size_t i = 0; i < GITS_CMD_NR_WORDS; i++)
		words[i] = htole64(words[i]);
	memcpy(queue->mem + KERNEL_QUEUE_AT + queue->cwriter, words, sizeof(words));
	queue->cwriter = (queue->cwriter + GITS_CMD_SZ) % (uint32_t)KERNEL_QUEUE_SZ;
	queue->nr_staged++;
}

void kernel_queue_event(struct kernel_queue *queue, enum gits_opcode op, uint32_t function,
			uint32_t eventid)
{
	kernel_queue_put(queue, &(struct gits_cmd){
					.opcode = (uint8_t)op,
					.devid = kernel_its_devid(function, eventid),
					.eventid = kernel_its_eventid(eventid),
				});
}

/* A device is there from its first mapping on, so that those without events are in no list of
 * KVM's. */
static void map_device(struct kernel_queue *queue, uint32_t device)
{
	assert(device < KERNEL_NR_DEVICES);

	if (bitset_has(queue->devices, device))
		return;
	bitset_put(queue->devices, device, true);
	kernel_queue_put(queue, &(struct gits_cmd){
					.opcode = GITS_CMD_MAPD,
					.devid = device,
					.size = ITT_ID_BITS - 1,
					.itt = LAYOUT_KERNEL_ITS_MEM + KERNEL_ITT_AT,
					.valid = true,
				});
}

void kernel_queue_map(struct kernel_queue *queue, uint32_t function, uint32_t eventid,
		      uint32_t intid, uint32_t vcpu)
{
	uint32_t device = kernel_its_devid(function, eventid);

	map_device(queue, device);
	kernel_queue_put(queue, &(struct gits_cmd){
					.opcode = GITS_CMD_MAPTI,
					.devid = device,
					.eventid = kernel_its_eventid(eventid),
					.pintid = intid,
					.icid = vcpu,
				});
}

void kernel_queue_move(struct kernel_queue *queue, uint32_t function, uint32_t eventid,
		       uint32_t vcpu)
{
	kernel_queue_put(queue, &(struct gits_cmd){
					.opcode = GITS_CMD_MOVI,
					.devid = kernel_its_devid(function, eventid),
					.eventid = kernel_its_eventid(eventid),
					.icid = vcpu,
				});
}
