// SPDX-License-Identifier: MIT
/*
 * neighbour - another guest of the host, which does honest work: it has its
 * device interrupt, over and over, and notes the longest time that it did not
 * run, and the longest that an interrupt took. For one key on the console it
 * says both and begins anew; for 'q' it ends.
 */
#include "lib/arch.h"
#include "lib/cpu.h"
#include "lib/edu.h"
#include "lib/gic.h"
#include "lib/payload.h"
#include "lib/witness.h"

const char payload_name[] = "neighbour";

#define LPI 8192u
/* Keys are looked for now and then: each look leaves the guest. */
#define LISTEN_ROUNDS 16u

/* Raise, wait, acknowledge. How long it took. */
static uint64_t round_us(struct edu *edu)
{
	uint64_t want = gic_lpi_total(LPI) + 1, begin = now_us(), now;
	bool came;

	edu_raise(edu);
	/* At least one look, also where the interrupt is there before anybody can look for it. */
	do {
		came = gic_lpi_total(LPI) >= want;
		witness_look();
		now = now_us();
		CHECK(came || now - begin < PATIENCE_MS * 1000, "an interrupt did not come");
	} while (!came);
	CHECK(gic_lpi_total(LPI) == want, "an interrupt came twice");
	edu_acknowledge(edu);
	return now - begin;
}

void payload_main(uint64_t fdt)
{
	uint64_t rounds = 0, slowest = 0;
	struct edu edu;
	char key = 0;

	(void)fdt;
	edu_bring_up(&edu, LPI);
	say("neighbour: ready");
	witness_begin();
	while (key != 'q') {
		uint64_t took = round_us(&edu);

		slowest = took > slowest ? took : slowest;
		if (++rounds % LISTEN_ROUNDS || !heard(&key))
			continue;
		say("lap %c gap_us %lu slowest_us %lu rounds %lu", key, witness_gap_us(0), slowest,
		    rounds);
		witness_forget();
		slowest = 0;
	}
	fact("rounds", rounds);
	fact("raised", edu.raised);
	fact("handled", gic_lpi_total(LPI));
	CHECK(gic_strays() == 0, "%lu interrupts that nobody asked for", gic_strays());
}
