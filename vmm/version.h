/* SPDX-License-Identifier: MIT */
/* What `itsy version` says. */
#ifndef VMM_VERSION_H
#define VMM_VERSION_H

#define ITSY_VERSION "0.1.0"

#endif
