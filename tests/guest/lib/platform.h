/* SPDX-License-Identifier: MIT */
/*
 * Where the machine has what payloads use. Our own VMM's (vmm/kvm/layout.h) is the
 * default, and what its device tree says; another VMM's tree says something else.
 *
 * Payloads that only make sense under our own may go on using vmm/kvm/layout.h.
 */
#ifndef GUEST_LIB_PLATFORM_H
#define GUEST_LIB_PLATFORM_H

#include <stdint.h>

/* The kinds of console that payload.c knows. */
enum platform_console { PLATFORM_NS16550A, PLATFORM_PL011 };

struct platform {
	enum platform_console console;
	uint64_t uart;	     /* the console's */
	uint64_t gicd, gicr; /* the first redistributor; the others follow */
	uint64_t gits;	     /* the first ITS */
	uint64_t ecam;	     /* of bus 0 */
	/* Windows, where bus addresses equal physical ones; 0: there is none. */
	uint64_t pci32, pci64;
	uint64_t ram_end; /* of RAM's first range; 0 before the tree was read */
};

const struct platform *platform(void);

/* Read the device tree. Called before a payload's own code; fails where there is none. */
void platform_learn(uint64_t fdt);

#endif
