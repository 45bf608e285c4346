/* SPDX-License-Identifier: MIT */
/*
 * Random scripts from a seed, and smaller ones from large ones.
 */
#ifndef TESTS_ORACLE_GENERATE_H
#define TESTS_ORACLE_GENERATE_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/oracle/script.h"

enum profile {
	PROFILE_ANY, /* all that vits can be */
	PROFILE_KVM, /* what KVM's ITS can be as well: 16-bit IDs, mostly 64K pages, ... */
};

/* Scripts whose seeds differ in these bits only have the same configuration. */
#define SEED_CONFIG_SHIFT 6

/* The same script for the same seed, on any machine. */
void generate(uint64_t seed, enum profile profile, struct script *ret_script);

/*
 * Take steps out of the script, and noise, for as long as fails() still says
 * so; at most tries times. Returns how often fails() was called.
 */
unsigned shrink(struct script *script, bool (*fails)(void *arg, const struct script *script),
		void *arg, unsigned tries);

#endif
