// SPDX-License-Identifier: MIT
/*
 * The guest's PCI host bridge on functions of the fake VFIO: configuration
 * space, where BARs may lie, and who answers.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/unit/base/capture.h"
#include "tests/unit/vfio/vfio_fake.h"
#include "vmm/dev/pci_host.h"
#include "vmm/kvm/layout.h"

#define NVME_DEVFN  0u
#define E1000_DEVFN 0x18u /* 03.0 */

struct slot {
	bool used;
	uint64_t gpa, size;
	void *va;
};

struct rig {
	struct fake_vfio fake;
	struct vfio_container *container;
	struct vfio_device *nvme, *e1000e;
	struct pci_host *pci_host;
	struct bus bus;
	struct slot slots[PCI_HOST_MAX_SLOTS];
	int refuse; /* errno for set_slot, 0: it works */
	unsigned looks;
};

static int set_slot(void *ctx, unsigned slot, uint64_t gpa, uint64_t size, void *va)
{
	struct rig *rig = ctx;

	assert_true(slot < PCI_HOST_MAX_SLOTS);
	if (!size) {
		assert_true(rig->slots[slot].used);
		rig->slots[slot].used = false;
		return 0;
	}
	if (rig->refuse)
		return -rig->refuse;
	assert_false(rig->slots[slot].used);
	rig->slots[slot] = (struct slot){ true, gpa, size, va };
	return 0;
}

static const struct pci_host_ops ops = { .set_slot = set_slot };

static void nvme_bars_changed(void *ctx)
{
	pci_host_bars_changed(((struct rig *)ctx)->pci_host, NVME_DEVFN);
}

static void e1000_bars_changed(void *ctx)
{
	pci_host_bars_changed(((struct rig *)ctx)->pci_host, E1000_DEVFN);
}

static const struct vfio_device_ops nvme_ops = { .bars_changed = nvme_bars_changed };
static const struct vfio_device_ops e1000_ops = { .bars_changed = e1000_bars_changed };

static int rig_make(void **state)
{
	static struct rig rig;

	memset(&rig, 0, sizeof(rig));
	fake_init(&rig.fake);
	fake_add_nvme(&rig.fake, "0000:00:01.0", 1)->bars[VFIO_DEVICE_ROM].size = 0x10000;
	(void)fake_add_e1000e(&rig.fake, "0000:00:02.0", 2);
	fake_publish(&rig.fake);
	fake_container(&rig.fake, &rig.container);
	rig.nvme = fake_open(&rig.fake, rig.container, "0000:00:01.0");
	rig.e1000e = fake_open(&rig.fake, rig.container, "0000:00:02.0");
	assert_int_equal(pci_host_create(&ops, &rig, &rig.pci_host), 0);
	assert_int_equal(pci_host_add(rig.pci_host, NVME_DEVFN, rig.nvme), 0);
	assert_int_equal(pci_host_add(rig.pci_host, E1000_DEVFN, rig.e1000e), 0);
	assert_int_equal(pci_host_add_to_bus(rig.pci_host, &rig.bus), 0);
	vfio_device_set_ops(rig.nvme, &nvme_ops, &rig);
	vfio_device_set_ops(rig.e1000e, &e1000_ops, &rig);
	*state = &rig;
	return 0;
}

static int rig_unmake(void **state)
{
	struct rig *rig = *state;

	pci_host_destroy(rig->pci_host);
	vfio_device_destroy(rig->e1000e);
	vfio_device_destroy(rig->nvme);
	vfio_container_destroy(rig->container);
	fake_fini(&rig->fake);
	return 0;
}

static uint64_t ecam(uint32_t devfn, unsigned reg)
{
	return LAYOUT_ECAM + ((uint64_t)devfn << 12) + reg;
}

/* Assign BAR 0 (both halves of a 64-bit one) and switch decoding on. */
static void place_bar0(struct rig *rig, uint32_t devfn, uint64_t address)
{
	bus_write(&rig->bus, ecam(devfn, PCI_COMMAND), 2, 0);
	bus_write(&rig->bus, ecam(devfn, PCI_BASE_ADDRESS_0), 4, (uint32_t)address);
	if (devfn == NVME_DEVFN)
		bus_write(&rig->bus, ecam(devfn, PCI_BASE_ADDRESS_1), 4, address >> 32);
	bus_write(&rig->bus, ecam(devfn, PCI_COMMAND), 2, PCI_COMMAND_MEMORY);
}

static unsigned slots_in(const struct rig *rig, uint64_t base, uint64_t size)
{
	unsigned nr = 0;

	for (size_t i = 0; i < PCI_HOST_MAX_SLOTS; i++)
		nr += rig->slots[i].used && rig->slots[i].gpa >= base &&
		      rig->slots[i].gpa + rig->slots[i].size <= base + size;
	return nr;
}

static unsigned slots_used(const struct rig *rig)
{
	return slots_in(rig, 0, UINT64_MAX);
}

static uint64_t misplaced(const struct rig *rig)
{
	struct pci_host_stats stats;

	pci_host_stats_get(rig->pci_host, &stats);
	return stats.misplaced;
}

static void test_functions_answer_at_their_place_and_nobody_elsewhere(void **state)
{
	static const struct {
		const char *why;
		uint64_t gpa;
		unsigned len;
		uint64_t want;
	} cases[] = {
		{ "NVMe's identity", LAYOUT_ECAM, 4, 0x00101b36 },
		{ "NIC's vendor", LAYOUT_ECAM + (UINT64_C(3) << 15), 2, 0x8086 },
		{ "an empty device", LAYOUT_ECAM + (UINT64_C(1) << 15), 4, UINT32_MAX },
		{ "function 1 of the NVMe", LAYOUT_ECAM + (UINT64_C(1) << 12), 4, UINT32_MAX },
		{ "the last function of the bus", LAYOUT_ECAM + 0xff000, 1, 0xff },
		{ "eight bytes at once", LAYOUT_ECAM, 8, UINT64_MAX },
		{ "not aligned", LAYOUT_ECAM + 1, 2, 0xffff },
	};
	struct rig *rig = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("%s\n", cases[i].why);
		assert_int_equal(bus_read(&rig->bus, cases[i].gpa, cases[i].len), cases[i].want);
		/* Writing there harms nobody. */
		bus_write(&rig->bus, cases[i].gpa, cases[i].len, 0);
		assert_int_equal(bus_read(&rig->bus, cases[i].gpa, cases[i].len), cases[i].want);
	}
}

static void test_decoded_bar_has_slots_but_for_its_msix_pages(void **state)
{
	const uint64_t at = LAYOUT_PCI64 + (UINT64_C(1) << 20);
	struct rig *rig = *state;
	struct vfio_bar bar;
	unsigned mapped = 0;

	place_bar0(rig, NVME_DEVFN, at);
	vfio_device_bar(rig->nvme, 0, &bar);
	assert_true(bar.decoded);
	for (size_t i = 0; i < bar.nr_pieces; i++) {
		unsigned here = slots_in(rig, at + bar.pieces[i].offset, bar.pieces[i].size);

		assert_int_equal(here, bar.pieces[i].map ? 1 : 0);
		mapped += here;
	}
	assert_true(mapped > 0);
	assert_int_equal(slots_used(rig), mapped);

	/* The table is trapped and answers: entries start masked. */
	assert_int_equal(bus_read(&rig->bus, at + 0x2000 + 12, 4), 1);
	bus_write(&rig->bus, at + 0x2000, 4, 0x08090040);
	assert_int_equal(bus_read(&rig->bus, at + 0x2000, 4), 0x08090040);
}

static void test_slots_follow_the_bar_and_go_with_decoding(void **state)
{
	const uint64_t first = LAYOUT_PCI64, second = LAYOUT_PCI32 + (UINT64_C(16) << 20);
	struct rig *rig = *state;
	unsigned nr;

	place_bar0(rig, NVME_DEVFN, first);
	nr = slots_used(rig);
	assert_int_equal(slots_in(rig, first, 0x4000), nr);
	place_bar0(rig, NVME_DEVFN, second);
	assert_int_equal(slots_in(rig, first, 0x4000), 0);
	assert_int_equal(slots_in(rig, second, 0x4000), nr);
	assert_int_equal(bus_read(&rig->bus, first + 0x2000, 4), UINT32_MAX);
	bus_write(&rig->bus, ecam(NVME_DEVFN, PCI_COMMAND), 2, 0);
	assert_int_equal(slots_used(rig), 0);
	assert_int_equal(bus_read(&rig->bus, second + 0x2000, 4), UINT32_MAX);
}

#define NVME_EXP 0x80u
#define RESET_AT LAYOUT_PCI64

/* What another vCPU finds meanwhile. */
static void look_in_reset(void *arg)
{
	struct rig *rig = arg;

	assert_int_equal(slots_used(rig), 0);
	assert_int_equal(bus_read(&rig->bus, RESET_AT + 0x1c, 4), UINT32_MAX);
	bus_write(&rig->bus, RESET_AT + 0x24, 4, 5);
	rig->looks++;
}

/* PCI Express Base 5.0, 6.6.2: the function does not answer; it has no address afterwards. */
static void test_a_function_in_reset_answers_all_ones_and_has_no_slots(void **state)
{
	struct rig *rig = *state;
	struct fake_function *fn = &rig->fake.functions[0];

	place_bar0(rig, NVME_DEVFN, RESET_AT);
	assert_true(slots_used(rig) > 0);
	fn->resetting = look_in_reset;
	fn->resetting_arg = rig;
	bus_write(&rig->bus, ecam(NVME_DEVFN, NVME_EXP + PCI_EXP_DEVCTL), 2,
		  PCI_EXP_DEVCTL_BCR_FLR);
	fn->resetting = NULL;
	assert_int_equal(rig->looks, 1);
	assert_int_equal(slots_used(rig), 0);
	assert_int_equal(fake_memory(fn, 0, 0x24), 0);
	place_bar0(rig, NVME_DEVFN, RESET_AT);
	assert_true(slots_used(rig) > 0);
}

static void test_bar_outside_the_windows_is_not_reachable(void **state)
{
	static const struct {
		const char *why;
		uint64_t address;
	} cases[] = {
		{ "over RAM", LAYOUT_RAM },
		{ "over the vITS", LAYOUT_GITS },
		{ "over the sealed frame", LAYOUT_KERNEL_ITS_FRAME },
		{ "just below the 32-bit window", LAYOUT_PCI32 - 0x4000 },
		{ "just beyond the 32-bit window", LAYOUT_PCI32 + LAYOUT_PCI32_SZ },
		{ "beyond the 64-bit window", LAYOUT_PCI64 + LAYOUT_PCI64_SZ },
		{ "at the top of all addresses", UINT64_C(0xfffffffffff00000) },
	};
	struct rig *rig = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("%s\n", cases[i].why);
		place_bar0(rig, NVME_DEVFN, cases[i].address);
		assert_int_equal(slots_used(rig), 0);
		assert_int_equal(misplaced(rig), i + 1);
	}
	/* And back into a window. */
	place_bar0(rig, NVME_DEVFN, LAYOUT_PCI64);
	assert_true(slots_used(rig) > 0);
	assert_int_equal(bus_read(&rig->bus, LAYOUT_PCI64 + 0x2000 + 12, 4), 1);
}

static void test_bar_over_another_one_leaves_the_first_in_place(void **state)
{
	const uint64_t at = LAYOUT_PCI32;
	struct rig *rig = *state;
	unsigned nr;

	place_bar0(rig, NVME_DEVFN, at);
	nr = slots_used(rig);
	place_bar0(rig, E1000_DEVFN, at);
	assert_int_equal(misplaced(rig), 1);
	assert_int_equal(slots_in(rig, at, 0x4000), nr);
	assert_int_equal(bus_read(&rig->bus, at + 0x2000 + 12, 4), 1);
}

/* As on a bus: what was covered answers when nothing covers it any more, and nobody has to ask for
 * it. */
static void test_bar_that_was_covered_answers_when_the_other_one_leaves(void **state)
{
	static const struct {
		const char *why;
		uint64_t address; /* of the one that leaves; 0: decoding goes off */
	} cases[] = {
		{ "placed elsewhere", LAYOUT_PCI32 + (UINT64_C(16) << 20) },
		{ "placed where it cannot be reached", LAYOUT_RAM },
		{ "not decoded any more", 0 },
	};
	const uint64_t at = LAYOUT_PCI32;
	struct rig *rig = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t before;

		print_message("%s\n", cases[i].why);
		bus_write(&rig->bus, ecam(NVME_DEVFN, PCI_COMMAND), 2, 0);
		place_bar0(rig, E1000_DEVFN, at);
		place_bar0(rig, NVME_DEVFN, at);
		assert_int_equal(bus_read(&rig->bus, at + 0x2000 + 12, 4), 0);
		before = misplaced(rig);
		if (cases[i].address)
			bus_write(&rig->bus, ecam(E1000_DEVFN, PCI_BASE_ADDRESS_0), 4,
				  (uint32_t)cases[i].address);
		else
			bus_write(&rig->bus, ecam(E1000_DEVFN, PCI_COMMAND), 2, 0);
		assert_int_equal(bus_read(&rig->bus, at + 0x2000 + 12, 4), 1);
		assert_true(slots_in(rig, at, 0x4000) > 0);
		/* Counted once, when the guest placed it. */
		assert_int_equal(misplaced(rig), before + (cases[i].address == LAYOUT_RAM));
	}
}

static void test_piece_without_its_slot_is_trapped_and_works(void **state)
{
	const uint64_t at = LAYOUT_PCI32;
	struct rig *rig = *state;
	struct pci_host_stats stats;

	rig->refuse = EEXIST;
	place_bar0(rig, NVME_DEVFN, at);
	assert_int_equal(slots_used(rig), 0);
	/* A register outside the table, by the region's file. */
	bus_write(&rig->bus, at + 0x24, 4, 0x001f001f);
	assert_int_equal(bus_read(&rig->bus, at + 0x24, 4), 0x001f001f);
	assert_int_equal(fake_memory(&rig->fake.functions[0], 0, 0x24), 0x001f001f);
	pci_host_stats_get(rig->pci_host, &stats);
	assert_int_equal(stats.trapped, 2);
}

/* Is all that has a slot there for DMA, too, at its address, and nothing else? */
static bool dma_reaches_what_the_guest_does(const struct rig *rig)
{
	unsigned nr = 0;

	for (size_t i = 0; i < FAKE_DMAS; i++) {
		const struct fake_dma *dma = &rig->fake.dmas[i];
		bool found = !dma->size;

		for (size_t n = 0; n < PCI_HOST_MAX_SLOTS; n++)
			found |= rig->slots[n].used && rig->slots[n].gpa == dma->iova &&
				 rig->slots[n].size == dma->size && rig->slots[n].va == dma->va;
		if (!found)
			return false;
		nr += dma->size != 0;
	}
	return nr == slots_used(rig);
}

static void test_dma_reaches_a_bar_where_it_is(void **state)
{
	struct rig *rig = *state;

	place_bar0(rig, NVME_DEVFN, LAYOUT_PCI64);
	assert_true(slots_used(rig) > 0);
	assert_true(dma_reaches_what_the_guest_does(rig));
	place_bar0(rig, E1000_DEVFN, LAYOUT_PCI32);
	assert_true(dma_reaches_what_the_guest_does(rig));
	place_bar0(rig, NVME_DEVFN, LAYOUT_PCI32 + 0x100000);
	assert_true(dma_reaches_what_the_guest_does(rig));
	bus_write(&rig->bus, ecam(NVME_DEVFN, PCI_COMMAND), 2, 0);
	assert_true(dma_reaches_what_the_guest_does(rig));
	/* The next machine of the guest begins with none. */
	place_bar0(rig, NVME_DEVFN, LAYOUT_PCI64);
	pci_host_destroy(rig->pci_host);
	rig->pci_host = NULL;
	assert_int_equal(rig->fake.nr_dma, 0);
}

/* DMA from function to function is rare, and BARs are not. */
static void test_a_host_without_such_dma_is_told_once_and_bars_work(void **state)
{
	struct rig *rig = *state;
	static struct capture said;

	rig->fake.map_errno = EINVAL;
	capture_begin(&said);
	place_bar0(rig, NVME_DEVFN, LAYOUT_PCI64);
	place_bar0(rig, E1000_DEVFN, LAYOUT_PCI32);
	capture_end(&said);
	assert_string_equal(said.err,
			    "itsy: warning: a BAR at 0x8000000000: DMA of functions does not "
			    "reach it (Invalid argument)\n");
	assert_true(slots_used(rig) > 0);
	assert_int_equal(rig->fake.nr_dma, 0);
	rig->fake.map_errno = 0;
	place_bar0(rig, NVME_DEVFN, LAYOUT_PCI64 + 0x100000);
	assert_int_equal(rig->fake.nr_dma, slots_in(rig, LAYOUT_PCI64 + 0x100000, 0x4000));
}

#define NIC_PORTS 2u /* its BAR of I/O ports */

static void place_ports(struct rig *rig, uint32_t at)
{
	bus_write(&rig->bus, ecam(E1000_DEVFN, PCI_BASE_ADDRESS_2), 4, at);
	bus_write(&rig->bus, ecam(E1000_DEVFN, PCI_COMMAND), 2, PCI_COMMAND_IO);
}

static void test_ports_answer_in_the_window_of_ports(void **state)
{
	struct rig *rig = *state;
	struct fake_function *nic = &rig->fake.functions[1];

	place_ports(rig, 0x1000);
	assert_int_equal(misplaced(rig), 0);
	bus_write(&rig->bus, LAYOUT_PCI_IO + 0x1004, 4, 0x1234);
	assert_int_equal(fake_memory(nic, NIC_PORTS, 4), 0x1234);
	assert_int_equal(bus_read(&rig->bus, LAYOUT_PCI_IO + 0x1004, 4), 0x1234);
	assert_int_equal(bus_read(&rig->bus, LAYOUT_PCI_IO + 0x1020, 4), UINT32_MAX);
	assert_int_equal(slots_used(rig), 0);
	/* Elsewhere, and nowhere. */
	place_ports(rig, LAYOUT_PCI_IO_SZ - 0x20);
	assert_int_equal(bus_read(&rig->bus, LAYOUT_PCI_IO + 0x1004, 4), UINT32_MAX);
	assert_int_equal(bus_read(&rig->bus, LAYOUT_PCI_IO + LAYOUT_PCI_IO_SZ - 0x1c, 4), 0x1234);
	bus_write(&rig->bus, ecam(E1000_DEVFN, PCI_COMMAND), 2, PCI_COMMAND_MEMORY);
	assert_int_equal(bus_read(&rig->bus, LAYOUT_PCI_IO + LAYOUT_PCI_IO_SZ - 0x1c, 4),
			 UINT32_MAX);
}

/* An address of ports is none of memory, and none of memory is one of ports. */
static void test_ports_and_memory_keep_to_their_windows(void **state)
{
	static const struct {
		const char *why;
		uint32_t at;
	} cases[] = {
		{ "just beyond the window", LAYOUT_PCI_IO_SZ },
		{ "where the window is in memory", LAYOUT_PCI_IO },
		{ "in a window of memory", LAYOUT_PCI32 },
		{ "at the top", 0xffffff00 },
	};
	struct rig *rig = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("%s\n", cases[i].why);
		place_ports(rig, cases[i].at);
		assert_int_equal(misplaced(rig), i + 1);
		bus_write(&rig->bus, ecam(E1000_DEVFN, PCI_COMMAND), 2, 0);
	}
	place_bar0(rig, NVME_DEVFN, LAYOUT_PCI_IO);
	assert_int_equal(slots_used(rig), 0);
	assert_int_equal(misplaced(rig), sizeof(cases) / sizeof(cases[0]) + 1);
}

static void test_rom_answers_while_it_is_enabled(void **state)
{
	const uint64_t at = LAYOUT_PCI32 + 0x100000;
	static const uint32_t head = 0xaa55;
	struct rig *rig = *state;

	assert_int_equal(pwrite(rig->fake.functions[0].file, &head, sizeof(head),
				(off_t)FAKE_REGION(VFIO_DEVICE_ROM)),
			 sizeof(head));
	bus_write(&rig->bus, ecam(NVME_DEVFN, PCI_COMMAND), 2, PCI_COMMAND_MEMORY);
	bus_write(&rig->bus, ecam(NVME_DEVFN, PCI_ROM_ADDRESS), 4, (uint32_t)at);
	assert_int_equal(bus_read(&rig->bus, at, 4), UINT32_MAX);
	bus_write(&rig->bus, ecam(NVME_DEVFN, PCI_ROM_ADDRESS), 4, (uint32_t)at | 1);
	assert_int_equal(bus_read(&rig->bus, at, 4), head);
	assert_int_equal(bus_read(&rig->bus, at + 0x10000, 4), UINT32_MAX);
	bus_write(&rig->bus, at, 4, 0);
	assert_int_equal(bus_read(&rig->bus, at, 4), head);
	assert_int_equal(slots_used(rig), 0);
	/* Over another one it is misplaced, as a BAR is. */
	place_bar0(rig, E1000_DEVFN, LAYOUT_PCI32);
	bus_write(&rig->bus, ecam(NVME_DEVFN, PCI_ROM_ADDRESS), 4, LAYOUT_PCI32 | 1);
	assert_int_equal(misplaced(rig), 1);
	bus_write(&rig->bus, ecam(NVME_DEVFN, PCI_ROM_ADDRESS), 4, 0);
	assert_int_equal(bus_read(&rig->bus, at, 4), UINT32_MAX);
}

static void test_access_across_a_bars_end_reaches_nobody(void **state)
{
	const uint64_t at = LAYOUT_PCI32;
	struct rig *rig = *state;

	place_bar0(rig, NVME_DEVFN, at);
	assert_int_equal(bus_read(&rig->bus, at + 0x4000 - 4, 8), UINT64_MAX);
	assert_int_equal(bus_read(&rig->bus, at - 4, 8), 0); /* outside the window, too */
	bus_write(&rig->bus, at + 0x4000 - 4, 8, 0);
}

static void test_add_refuses_a_taken_and_an_impossible_place(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(pci_host_add(rig->pci_host, NVME_DEVFN, rig->e1000e), -EEXIST);
	assert_int_equal(pci_host_add(rig->pci_host, 256, rig->e1000e), -ENOSPC);
	for (uint32_t devfn = 0x40; devfn < 0x40 + PCI_HOST_MAX_FUNCTIONS - 2; devfn++)
		assert_int_equal(pci_host_add(rig->pci_host, devfn, rig->e1000e), 0);
	assert_int_equal(pci_host_add(rig->pci_host, 0xff, rig->e1000e), -ENOSPC);
}

/* PCI Local Bus 3.0, 6.2.1: bit 7 of Header Type, the third byte of its dword. */
static void test_siblings_show_that_there_are_several(void **state)
{
	static const struct {
		unsigned reg, len;
		uint32_t alone, beside;
	} reads[] = {
		{ PCI_HEADER_TYPE, 1, 0x00, 0x80 },
		{ PCI_HEADER_TYPE, 2, 0x0000, 0x0080 },
		{ PCI_CACHE_LINE_SIZE, 4, 0x00000000, 0x00800000 },
		{ PCI_CACHE_LINE_SIZE, 2, 0x0000, 0x0000 },
		{ PCI_BIST, 1, 0x00, 0x00 },
		{ PCI_BASE_ADDRESS_0, 4, 0x00000004, 0x00000004 },
	};
	struct rig *rig = *state;

	for (size_t i = 0; i < sizeof(reads) / sizeof(reads[0]); i++)
		assert_int_equal(bus_read(&rig->bus, ecam(NVME_DEVFN, reads[i].reg), reads[i].len),
				 reads[i].alone);
	assert_int_equal(pci_host_add(rig->pci_host, NVME_DEVFN + 5, rig->nvme), 0);
	for (size_t i = 0; i < sizeof(reads) / sizeof(reads[0]); i++) {
		print_message("0x%02x, %u\n", reads[i].reg, reads[i].len);
		assert_int_equal(bus_read(&rig->bus, ecam(NVME_DEVFN, reads[i].reg), reads[i].len),
				 reads[i].beside);
		assert_int_equal(
			bus_read(&rig->bus, ecam(NVME_DEVFN + 5, reads[i].reg), reads[i].len),
			reads[i].beside);
	}
	assert_int_equal(bus_read(&rig->bus, ecam(NVME_DEVFN + 1, PCI_VENDOR_ID), 2), 0xffff);
	assert_int_equal(bus_read(&rig->bus, ecam(E1000_DEVFN, PCI_HEADER_TYPE), 1), 0);
}

#define RIG_TEST(f) cmocka_unit_test_setup_teardown(f, rig_make, rig_unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_functions_answer_at_their_place_and_nobody_elsewhere),
		RIG_TEST(test_decoded_bar_has_slots_but_for_its_msix_pages),
		RIG_TEST(test_slots_follow_the_bar_and_go_with_decoding),
		RIG_TEST(test_a_function_in_reset_answers_all_ones_and_has_no_slots),
		RIG_TEST(test_bar_outside_the_windows_is_not_reachable),
		RIG_TEST(test_bar_over_another_one_leaves_the_first_in_place),
		RIG_TEST(test_bar_that_was_covered_answers_when_the_other_one_leaves),
		RIG_TEST(test_piece_without_its_slot_is_trapped_and_works),
		RIG_TEST(test_dma_reaches_a_bar_where_it_is),
		RIG_TEST(test_a_host_without_such_dma_is_told_once_and_bars_work),
		RIG_TEST(test_ports_answer_in_the_window_of_ports),
		RIG_TEST(test_ports_and_memory_keep_to_their_windows),
		RIG_TEST(test_rom_answers_while_it_is_enabled),
		RIG_TEST(test_access_across_a_bars_end_reaches_nobody),
		RIG_TEST(test_add_refuses_a_taken_and_an_impossible_place),
		RIG_TEST(test_siblings_show_that_there_are_several),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
