/* SPDX-License-Identifier: MIT */
/* What `itsy version` says. */
#ifndef VMM_BASE_VERSION_H
#define VMM_BASE_VERSION_H

#define ITSY_VERSION "0.1.0"

/* "ITSY_VERSION", or "ITSY_VERSION (COMMIT)" where it was built in a git tree. */
const char *version_text(void);
/* The commit, with "-dirty" where the tree had changes; "" where there was no git tree. */
const char *version_commit(void);

#endif
