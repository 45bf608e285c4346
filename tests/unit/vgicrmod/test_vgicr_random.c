// SPDX-License-Identifier: MIT
/*
 * Random accesses, interrupts and CPUs that take them: vgicr over its backend has to do
 * what a plain model does, in which each write has its effect at once.
 */
#include "tests/unit/vgicrmod/vgicr_world.h"

#include "tests/unit/vgicrmod/vgicr_plain.h"

#define NR_SEEDS 200u
#define NR_STEPS 400u

/* xorshift64 (Marsaglia 2003) */
static uint64_t next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Mostly few bits, so that interrupts have different states. */
static uint64_t random_value(uint64_t *seed)
{
	uint64_t value = next(seed);

	return next(seed) % 4 ? value & next(seed) & next(seed) : value;
}

static void run(uint64_t seed)
{
	struct below *b = below_create(1 + (uint32_t)(seed % 4));
	struct plain p;

	plain_init(&p, b);
	for (unsigned i = 0; i < NR_STEPS; i++) {
		const struct plain_step step = {
			.what = (uint8_t)next(&seed),
			.vcpu = (uint32_t)(next(&seed) % b->nr_vcpus),
			.place = (uint16_t)next(&seed),
			.size = next(&seed) % 4 ? 4 : 1u << next(&seed) % 4,
			.offset = next(&seed) % GICR_FRAMES_SZ,
			.value = random_value(&seed),
		};

		plain_step(&p, b, &step);
		plain_compare(&p, b);
	}
	below_destroy(b);
}

static void test_random_accesses_do_what_a_plain_model_does(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= NR_SEEDS; seed++)
		run(seed * UINT64_C(0x9e3779b97f4a7c15));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_accesses_do_what_a_plain_model_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
