/* SPDX-License-Identifier: MIT */
/*
 * One script on KVM's ITS, on vits, and on a model of each. A difference
 * between KVM and vits is explained if the two models, which differ in their
 * rules only, say exactly what each of them did.
 */
#ifndef TESTS_DIFF_JUDGE_H
#define TESTS_DIFF_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/diff/kvm.h"
#include "tests/oracle/observed.h"
#include "tests/oracle/rules.h"

struct judge_stats {
	uint64_t rules; /* that this KVM follows */
	uint64_t scripts;
	uint64_t commands;
	uint64_t alike;		    /* scripts after which KVM and vits were the same */
	uint64_t applied[NR_RULES]; /* scripts in which a rule made the model do something else */
	uint64_t showed[NR_RULES];  /* and without it the model would have been wrong */
	uint64_t lpis_seen;	    /* scripts after which debugfs was looked at */
};

struct judge;

struct judge_options {
	bool debugfs; /* look at LPIs there */
	/*
	 * This kernel can save its tables when MAPC V=0 has left events without
	 * a collection; others follow a null pointer.
	 */
	bool saves_lost_events;
};

struct judge *judge_create(const struct judge_options *options);
void judge_destroy(struct judge *judge);

enum verdict {
	VERDICT_EXPLAINED, /* the same, or not without a reason */
	VERDICT_UNEXPLAINED,
	VERDICT_NO_KVM, /* text says why */
};

/* count: the script goes into the statistics. ret_text is set for the last two. */
enum verdict judge_script(struct judge *judge, const struct script *script, bool count,
			  struct observed_text *ret_text);
/*
 * Find out which rules this KVM follows, from the example of each. To be called
 * once, before the first script.
 */
enum verdict judge_calibrate(struct judge *judge, struct observed_text *ret_text);

/*
 * The script on vits on the kernel ITS, against the model of vits: what
 * is pending in KVM, and where, has to be what the model says. The script's
 * configuration must have GICR_PROPBASER.
 */
enum verdict judge_sealed(struct judge *judge, const struct script *script,
			  struct observed_text *ret_text);

const struct judge_stats *judge_stats(const struct judge *judge);

#endif
