// SPDX-License-Identifier: MIT
/*
 * Which itsy this is. No locks.
 */
#include "vmm/base/version.h"

/* Given by the Makefile to this file of the program, which is made anew when the commit changes. */
#ifndef ITSY_COMMIT
#define ITSY_COMMIT ""
#endif

const char *version_text(void)
{
	return ITSY_COMMIT[0] ? ITSY_VERSION " (" ITSY_COMMIT ")" : ITSY_VERSION;
}

const char *version_commit(void)
{
	return ITSY_COMMIT;
}
