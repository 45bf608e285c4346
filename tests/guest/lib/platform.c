// SPDX-License-Identifier: MIT
/*
 * Reading the machine from its device tree. Linux, Documentation/devicetree/
 * bindings: interrupt-controller/arm,gic-v3.yaml, serial/8250.yaml,
 * serial/pl011.yaml, pci/host-generic-pci.yaml; IEEE 1275 for `ranges`.
 *
 * Deliberately not here: roots whose addresses and sizes do not have two cells
 * each, several regions of redistributors, and more than one host bridge.
 */
#include "lib/platform.h"

#include "lib/fdt.h"
#include "lib/payload.h"
#include "vmm/kvm/layout.h"

/* An entry of the host bridge's `ranges`: bus address (3 cells), physical address, size. */
#define RANGE_BUS	1u
#define RANGE_PHYSICAL	3u
#define RANGE_CELLS	7u
#define RANGE_SPACE	0x03000000u /* of the first cell: what kind of space */
#define RANGE_SPACE_M32 0x02000000u
#define RANGE_SPACE_M64 0x03000000u

#define REG_CELLS 4u /* of an address and its size */

static struct platform known = {
	.console = PLATFORM_NS16550A,
	.uart = LAYOUT_UART,
	.gicd = LAYOUT_GICD,
	.gicr = LAYOUT_GICR,
	.gits = LAYOUT_GITS,
	.ecam = LAYOUT_ECAM,
	.pci32 = LAYOUT_PCI32,
	.pci64 = LAYOUT_PCI64,
};

const struct platform *platform(void)
{
	return &known;
}

/* The nth address of a node's reg. What is not there stays as it was. */
static bool learn(uint64_t fdt, uint64_t node, unsigned n, uint64_t *address)
{
	struct fdt_cells reg = fdt_cells(fdt, node, "reg");

	if (!reg.nr)
		return false;
	*address = fdt_cell64(&reg, n * REG_CELLS);
	return true;
}

static void learn_windows(uint64_t fdt, uint64_t bridge)
{
	struct fdt_cells ranges = fdt_cells(fdt, bridge, "ranges");

	if (ranges.nr)
		known.pci32 = known.pci64 = 0;
	for (unsigned n = 0; n < ranges.nr; n += RANGE_CELLS) {
		uint32_t space = fdt_cell(&ranges, n) & RANGE_SPACE;
		uint64_t at = fdt_cell64(&ranges, n + RANGE_PHYSICAL);

		if (space != RANGE_SPACE_M32 && space != RANGE_SPACE_M64)
			continue;
		CHECK(fdt_cell64(&ranges, n + RANGE_BUS) == at, "a window of PCI is moved");
		*(space == RANGE_SPACE_M32 ? &known.pci32 : &known.pci64) = at;
	}
}

void platform_learn(uint64_t fdt)
{
	uint64_t gic = fdt_compatible(fdt, "arm,gic-v3");
	uint64_t bridge = fdt_compatible(fdt, "pci-host-ecam-generic");
	struct fdt_cells memory = fdt_cells(fdt, fdt_child(fdt, "memory@"), "reg");

	/* The console first: what fails from there on can be heard. */
	if (learn(fdt, fdt_compatible(fdt, "arm,pl011"), 0, &known.uart))
		known.console = PLATFORM_PL011;
	else
		(void)learn(fdt, fdt_compatible(fdt, "ns16550a"), 0, &known.uart);
	(void)learn(fdt, gic, 0, &known.gicd);
	(void)learn(fdt, gic, 1, &known.gicr);
	(void)learn(fdt, fdt_compatible(fdt, "arm,gic-v3-its"), 0, &known.gits);
	(void)learn(fdt, bridge, 0, &known.ecam);
	learn_windows(fdt, bridge);
	known.ram_end = fdt_cell64(&memory, 0) + fdt_cell64(&memory, 2);
}
