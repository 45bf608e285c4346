/* SPDX-License-Identifier: MIT */
/*
 * The command queue of the kernel ITS: commands are put into its memory here, and
 * run once its owner writes GITS_CWRITER. IHI 0069 5.3.
 *
 * No locks: its owner's guard it (vmm/its/kernel_its.c).
 */
#ifndef VMM_ITS_KERNEL_QUEUE_H
#define VMM_ITS_KERNEL_QUEUE_H

#include <stdint.h>

#include "vitsmod/gits.h"
#include "vmm/base/bitset.h"
#include "vmm/kvm/layout.h"

/*
 * What lies where in the memory at LAYOUT_KERNEL_ITS_MEM: offsets and sizes in bytes.
 * KVM's ITS has 64 KiB table pages and 8-byte entries.
 */
#define KERNEL_QUEUE_SZ	      (64 * KiB)
#define KERNEL_COLLECTIONS_SZ (64 * KiB)
#define KERNEL_DEVICES_SZ     (512 * KiB) /* DeviceIDs of 16 bits, flat */
#define KERNEL_ITT_SZ	      (512 * KiB) /* EventIDs of 16 bits; shared: its content is not used */
#define KERNEL_QUEUE_AT	      UINT64_C(0)
#define KERNEL_COLLECTIONS_AT (KERNEL_QUEUE_AT + KERNEL_QUEUE_SZ)
#define KERNEL_DEVICES_AT     (KERNEL_COLLECTIONS_AT + KERNEL_COLLECTIONS_SZ)
#define KERNEL_ITT_AT	      (KERNEL_DEVICES_AT + KERNEL_DEVICES_SZ)
#define KERNEL_MEM_SZ	      (KERNEL_ITT_AT + KERNEL_ITT_SZ)
#define KERNEL_NR_DEVICES     ((uint32_t)(KERNEL_DEVICES_SZ / 8))

/* All zero but for mem: an empty queue, as of an ITS that was just made. */
struct kernel_queue {
	uint8_t *mem;	    /* all of it; borrowed */
	uint32_t cwriter;   /* offset of the next command: what GITS_CWRITER is to be */
	uint32_t nr_staged; /* commands that were put there since the owner made this 0 */
	uint8_t devices[BITSET_BYTES(KERNEL_NR_DEVICES)]; /* DeviceIDs that had their MAPD */
};

/* How many more commands have room before those that are staged must run. */
uint32_t kernel_queue_room(const struct kernel_queue *queue);

/* Put a command into the queue. There must be room. */
void kernel_queue_put(struct kernel_queue *queue, const struct gits_cmd *cmd);

/*
 * The same for commands on an event of a function, by the function's index in the
 * configuration (kernel_ids.h). A vCPU's index names the collection.
 */

/* A command that names an event and nothing else. */
void kernel_queue_event(struct kernel_queue *queue, enum gits_opcode op, uint32_t function,
			uint32_t eventid);
/* MAPTI, after MAPD if it is the first event of its device: two commands. */
void kernel_queue_map(struct kernel_queue *queue, uint32_t function, uint32_t eventid,
		      uint32_t intid, uint32_t vcpu);
/* MOVI */
void kernel_queue_move(struct kernel_queue *queue, uint32_t function, uint32_t eventid,
		       uint32_t vcpu);

#endif
