// SPDX-License-Identifier: MIT
/*
 * The queue of the kernel ITS: what stands in its memory after each call.
 */
#include <endian.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vmm/base/bits.h"
#include "vmm/its/kernel_ids.h"
#include "vmm/its/kernel_queue.h"

#define NR_ENTRIES ((uint32_t)(KERNEL_QUEUE_SZ / GITS_CMD_SZ))

static int setup(void **state)
{
	struct kernel_queue *queue = calloc(1, sizeof(*queue));

	assert_non_null(queue);
	queue->mem = calloc(1, KERNEL_MEM_SZ);
	assert_non_null(queue->mem);
	*state = queue;
	return 0;
}

static int teardown(void **state)
{
	struct kernel_queue *queue = *state;

	free(queue->mem);
	free(queue);
	return 0;
}

static struct gits_cmd entry(const struct kernel_queue *queue, uint32_t n)
{
	uint64_t words[GITS_CMD_NR_WORDS];
	struct gits_cmd cmd;

	memcpy(words, queue->mem + KERNEL_QUEUE_AT + (size_t)n * GITS_CMD_SZ, sizeof(words));
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		words[i] = le64toh(words[i]);
	cmd_decode(words, &cmd);
	return cmd;
}

static void test_a_device_is_mapped_once_before_its_first_event(void **state)
{
	struct kernel_queue *queue = *state;
	struct gits_cmd cmd;

	kernel_queue_map(queue, 2, 70, 8200, 3);
	kernel_queue_map(queue, 2, 71, 8201, 3); /* of the same device */
	kernel_queue_map(queue, 2, 0, 8202, 3);	 /* of another one */
	assert_int_equal(queue->nr_staged, 5);
	assert_int_equal(queue->cwriter, 5 * GITS_CMD_SZ);

	cmd = entry(queue, 0);
	assert_int_equal(cmd.opcode, GITS_CMD_MAPD);
	assert_int_equal(cmd.devid, kernel_its_devid(2, 70));
	assert_int_equal(cmd.size, 15);
	assert_int_equal(cmd.itt, LAYOUT_KERNEL_ITS_MEM + KERNEL_ITT_AT);
	assert_true(cmd.valid);

	cmd = entry(queue, 1);
	assert_int_equal(cmd.opcode, GITS_CMD_MAPTI);
	assert_int_equal(cmd.devid, kernel_its_devid(2, 70));
	assert_int_equal(cmd.eventid, 70 % KERNEL_ITS_DEVICE_EVENTS);
	assert_int_equal(cmd.pintid, 8200);
	assert_int_equal(cmd.icid, 3);

	assert_int_equal(entry(queue, 2).opcode, GITS_CMD_MAPTI);
	assert_int_equal(entry(queue, 3).opcode, GITS_CMD_MAPD);
	assert_int_equal(entry(queue, 3).devid, kernel_its_devid(2, 0));
	assert_int_equal(entry(queue, 4).opcode, GITS_CMD_MAPTI);
}

static void test_commands_on_an_event_name_it_and_no_more(void **state)
{
	static const enum gits_opcode ops[] = { GITS_CMD_INT, GITS_CMD_CLEAR, GITS_CMD_INV,
						GITS_CMD_DISCARD };
	struct kernel_queue *queue = *state;
	struct gits_cmd cmd;

	for (uint32_t i = 0; i < ARRAY_SIZE(ops); i++) {
		kernel_queue_event(queue, ops[i], 1, 200);
		cmd = entry(queue, i);
		assert_int_equal(cmd.opcode, ops[i]);
		assert_int_equal(cmd.devid, kernel_its_devid(1, 200));
		assert_int_equal(cmd.eventid, kernel_its_eventid(200));
		assert_int_equal(cmd.pintid, 0);
		assert_int_equal(cmd.icid, 0);
	}
	kernel_queue_move(queue, 1, 200, 7);
	cmd = entry(queue, ARRAY_SIZE(ops));
	assert_int_equal(cmd.opcode, GITS_CMD_MOVI);
	assert_int_equal(cmd.eventid, kernel_its_eventid(200));
	assert_int_equal(cmd.icid, 7);
}

static void test_the_queue_wraps_and_has_room_for_all_entries_but_one(void **state)
{
	const struct gits_cmd sync = { .opcode = GITS_CMD_SYNC };
	struct kernel_queue *queue = *state;

	assert_int_equal(kernel_queue_room(queue), NR_ENTRIES - 1);
	for (uint32_t i = 1; i < NR_ENTRIES; i++)
		kernel_queue_put(queue, &sync);
	assert_int_equal(kernel_queue_room(queue), 0);
	assert_int_equal(queue->cwriter, (NR_ENTRIES - 1) * GITS_CMD_SZ);

	queue->nr_staged = 0; /* they have run */
	kernel_queue_event(queue, GITS_CMD_INT, 0, 0);
	assert_int_equal(entry(queue, NR_ENTRIES - 1).opcode, GITS_CMD_INT);
	assert_int_equal(queue->cwriter, 0);
	assert_int_equal(kernel_queue_room(queue), NR_ENTRIES - 2);
	/* Nothing was written behind its end. */
	for (size_t i = KERNEL_QUEUE_SZ; i < KERNEL_MEM_SZ; i++)
		assert_int_equal(queue->mem[i], 0);
}

static void test_functions_share_no_device_and_the_last_one_is_reserved(void **state)
{
	const uint32_t last = 0xffff; /* EventID */

	(void)state;
	for (size_t f = 0; f < KERNEL_ITS_MAX_FUNCTIONS; f++) {
		assert_int_equal(kernel_its_devid(f, last) + 1, kernel_its_devid(f + 1, 0));
		assert_true(kernel_its_devid(f, 0) < kernel_its_devid(f, last));
	}
	assert_true(kernel_its_devid(KERNEL_ITS_MAX_FUNCTIONS, last) < KERNEL_NR_DEVICES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_device_is_mapped_once_before_its_first_event,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_commands_on_an_event_name_it_and_no_more,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_the_queue_wraps_and_has_room_for_all_entries_but_one, setup, teardown),
		cmocka_unit_test(test_functions_share_no_device_and_the_last_one_is_reserved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
