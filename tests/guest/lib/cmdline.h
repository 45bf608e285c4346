/* SPDX-License-Identifier: MIT */
/*
 * Words of the kernel command line, which the device tree carries
 * (Devicetree Specification 0.4: 5, /chosen).
 */
#ifndef GUEST_LIB_CMDLINE_H
#define GUEST_LIB_CMDLINE_H

#include <stdint.h>

/* The number of the word "KEY=NUMBER" (decimal); otherwise, if there is none. Fails without a tree.
 */
uint64_t cmdline_number(uint64_t fdt, const char *key, uint64_t otherwise);

#endif
