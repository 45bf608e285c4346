// SPDX-License-Identifier: MIT
/*
 * Fuzzes the redistributors: accesses of any width at any place, while SGIs are sent,
 * lines rise and fall, and CPUs acknowledge (IHI 0069 12.10, 12.11).
 *
 * Input: u8, the number of vCPUs (below 8) and, in its high half, of priority bits;
 * then steps (vgicr_plain.h):
 *	u8	what
 *	u8	bits 2:0: which vCPU; bits 7:3: the width, by the table below
 *	u8	which register; or an offset of 3 bytes, if what is a multiple of 16
 *	bytes	the value: as many as the width of a register, else 4
 *
 * All that software can read, and all that the backend has, is compared with a plain
 * model after each step; the backend judges each call (vgicr_below.c).
 */
#include "tests/fuzz/input.h"
#include "tests/unit/vgicrmod/vgicr_plain.h"

static void take_step(struct input *in, uint32_t nr_vcpus, struct plain_step *ret_step)
{
	static const unsigned sizes[] = { 4, 4, 1, 8, 4, 2 };
	uint8_t which;

	*ret_step = (struct plain_step){ .what = input_u8(in) };
	which = input_u8(in);
	ret_step->vcpu = (which & 7) % nr_vcpus;
	ret_step->size = sizes[(which >> 3) % 6];
	if (ret_step->what % 16 == 0)
		ret_step->offset = input_uint(in, 3) % GICR_FRAMES_SZ;
	else
		ret_step->place = input_u8(in);
	ret_step->value = input_uint(in, ret_step->what % 16 <= 5 ? 4 : ret_step->size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };
	uint8_t machine = input_u8(&in);
	struct below b;
	struct plain p;
	int r;

	below_init(&b, 1 + (machine & 7) % BELOW_MAX_VCPUS);
	b.priority_bits = 4 + (machine >> 4) % 5;
	r = vgicr_create(&(struct vgicr_config){ .nr_vcpus = b.nr_vcpus,
						 .mpidr = b.mpidr,
						 .priority_bits = b.priority_bits },
			 &below_ops, &b, &b.v);
	assert(r == 0);
	plain_init(&p, &b);
	while (input_left(&in)) {
		struct plain_step step;

		take_step(&in, b.nr_vcpus, &step);
		plain_step(&p, &b, &step);
		plain_compare(&p, &b);
	}
	below_fini(&b);
	return 0;
}
