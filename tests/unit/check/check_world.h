/* SPDX-License-Identifier: MIT */
/* What a check's answer has to be. Include cmocka.h first. */
#ifndef TESTS_UNIT_CHECK_EXPECT_H
#define TESTS_UNIT_CHECK_EXPECT_H

#include <string.h>

#include "vmm/check/check.h"

/* text and cure, NULL for any, are parts of what it says. */
static inline void expect_result(const struct check_result *r, enum verdict verdict,
				 const char *text, const char *cure)
{
	if (r->verdict != verdict)
		fail_msg("verdict %d: %s (%s)", r->verdict, r->text, r->cure);
	if (verdict == VERDICT_NONE)
		return;
	if (text && !strstr(r->text, text))
		fail_msg("'%s' does not tell of '%s'", r->text, text);
	if (cure && !strstr(r->cure, cure))
		fail_msg("'%s' does not tell of '%s'", r->cure, cure);
	/* A cure with each that is not as it should be, and with no other. */
	assert_int_equal(r->cure[0] != '\0', verdict == VERDICT_WARN || verdict == VERDICT_FAIL);
}

#endif
