// SPDX-License-Identifier: MIT
/*
 * What itsy bench can time. No locks.
 */
#include "vmm/bench/bench_kind.h"

#include "vmm/base/bits.h"

#define CLASS_NVME 0x010802u

const struct bench_kind bench_kind_eventfd = {
	.bench = "irq",
	.name = "eventfd",
	.from = "the eventfd's signal",
	.origin = "the eventfd",
	.source = BENCH_BARE,
};

static bool is_edu(const struct pci_function *fn)
{
	return fn->vendor == 0x1234 && fn->device == 0x11e8;
}

static bool is_nvme(const struct pci_function *fn)
{
	return fn->class_code == CLASS_NVME;
}

static const struct {
	bool (*is)(const struct pci_function *fn);
	struct bench_kind kind;
} driven[] = {
	{ is_edu,
	  { .bench = "device",
	    .name = "edu",
	    .from = "the write of edu's register",
	    .origin = "edu's register",
	    .source = BENCH_EDU } },
	{ is_nvme,
	  { .bench = "device",
	    .name = "nvme",
	    .from = "the write of the NVMe admin doorbell",
	    .origin = "the NVMe admin doorbell",
	    .source = BENCH_NVME,
	    .beside = true } },
};

const char bench_kinds_driven[] = "QEMU's edu (1234:11e8) and NVMe controllers (class 010802)";

const struct bench_kind *bench_kind_of(const struct pci_function *fn)
{
	for (size_t i = 0; i < ARRAY_SIZE(driven); i++)
		if (driven[i].is(fn))
			return &driven[i].kind;
	return NULL;
}
