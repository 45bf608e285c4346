/* SPDX-License-Identifier: MIT */
/*
 * The device tree that a payload is entered with: its nodes, its command line.
 * Devicetree Specification 0.4: 5 (the format), 2.3 (compatible, reg), 3.6 (/chosen).
 */
#ifndef GUEST_LIB_FDT_H
#define GUEST_LIB_FDT_H

#include <stdbool.h>
#include <stdint.h>

/* The command line of the configuration; "" without one. */
const char *fdt_cmdline(uint64_t fdt);

/* The first node right below the root whose name begins so; 0: there is none. Fails without a tree.
 */
uint64_t fdt_child(uint64_t fdt, const char *name);
/* The first node that says it is compatible; 0: there is none. */
uint64_t fdt_compatible(uint64_t fdt, const char *compatible);

/* A property as 32-bit words; none where the node (0: none) has no such property. */
struct fdt_cells {
	uint64_t at;
	unsigned nr;
};
struct fdt_cells fdt_cells(uint64_t fdt, uint64_t node, const char *name);
/* The nth word; and a number of two, from there on. Fail behind the end. */
uint32_t fdt_cell(const struct fdt_cells *cells, unsigned n);
uint64_t fdt_cell64(const struct fdt_cells *cells, unsigned n);

/*
 * A word KEY=VALUE of the command line. False: there is none, and *ret_value is
 * as it was. A value that is no number, or a string that does not fit, fails.
 */
bool fdt_word(uint64_t fdt, const char *key, char *ret_value, unsigned cap);
/* The number (decimal) of such a word; otherwise, if there is none. */
uint64_t fdt_number(uint64_t fdt, const char *key, uint64_t otherwise);

#endif
