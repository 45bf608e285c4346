/* SPDX-License-Identifier: MIT */
/*
 * The device tree that a payload is entered with: its command line, its RAM.
 * Devicetree Specification 0.4: 5 (the format), 3.4, 3.6 (/memory, /chosen).
 */
#ifndef GUEST_LIB_FDT_H
#define GUEST_LIB_FDT_H

#include <stdbool.h>
#include <stdint.h>

/* The command line of the configuration; "" without one. */
const char *fdt_cmdline(uint64_t fdt);
/* The end of RAM, which is one range (vmm/layout.h). Fails without it. */
uint64_t fdt_ram_end(uint64_t fdt);

/*
 * A word KEY=VALUE of the command line. False: there is none, and *ret_value is
 * as it was. A value that is no number, or a string that does not fit, fails.
 */
bool fdt_word(uint64_t fdt, const char *key, char *ret_value, unsigned cap);
/* The number (decimal) of such a word; otherwise, if there is none. */
uint64_t fdt_number(uint64_t fdt, const char *key, uint64_t otherwise);

#endif
