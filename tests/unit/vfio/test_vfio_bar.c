// SPDX-License-Identifier: MIT
/*
 * BARs: how they are cut in mapped and trapped pieces, and accesses to the
 * trapped ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <linux/pci_regs.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/vfio/vfio_fake.h"
#include "vfio/bar.h"

#define BDF "0000:00:01.0"

static void check_pieces(const struct vfio_bar *bar, const char *want)
{
	char text[256] = "";
	uint64_t at = 0;

	/* One letter a piece, its size in hexadecimal: "m2000 t2000". */
	for (size_t i = 0; i < bar->nr_pieces; i++) {
		const struct vfio_bar_piece *piece = &bar->pieces[i];
		size_t used = strlen(text);

		assert_true(piece->offset == at);
		assert_true(piece->size > 0);
		at += piece->size;
		(void)snprintf(text + used, sizeof(text) - used, "%s%c%llx", i ? " " : "",
			       piece->map ? 'm' : 't', (unsigned long long)piece->size);
	}
	assert_true(at == bar->size);
	assert_string_equal(text, want);
}

static const struct {
	const char *why;
	uint64_t size, page;
	struct bar_span mappable[8], trapped[2];
	const char *want;
} cuts[] = {
	{ "all of it", 0x4000, 0x1000, { { 0, 0x4000 } }, { { 0 } }, "m4000" },
	{ "nothing can be mapped", 0x4000, 0x1000, { { 0 } }, { { 0 } }, "t4000" },
	{ "QEMU's nvme",
	  0x4000,
	  0x1000,
	  { { 0, 0x4000 } },
	  { { 0x2000, 0x3000 }, { 0x3000, 0x4000 } },
	  "m2000 t2000" },
	{ "its PBA named first",
	  0x4000,
	  0x1000,
	  { { 0, 0x4000 } },
	  { { 0x3000, 0x4000 }, { 0x2000, 0x3000 } },
	  "m2000 t2000" },
	{ "QEMU's e1000e",
	  0x4000,
	  0x1000,
	  { { 0, 0x4000 } },
	  { { 0, 0x1000 }, { 0x2000, 0x3000 } },
	  "t1000 m1000 t1000 m1000" },
	{ "table and PBA in the middle",
	  0x8000,
	  0x1000,
	  { { 0, 0x8000 } },
	  { { 0x2000, 0x3000 }, { 0x5000, 0x6000 } },
	  "m2000 t1000 m2000 t1000 m2000" },
	{ "both in one page",
	  0x8000,
	  0x1000,
	  { { 0, 0x8000 } },
	  { { 0x2000, 0x3000 }, { 0x2000, 0x3000 } },
	  "m2000 t1000 m5000" },
	{ "they overlap",
	  0x8000,
	  0x1000,
	  { { 0, 0x8000 } },
	  { { 0x1000, 0x3000 }, { 0x2000, 0x4000 } },
	  "m1000 t3000 m4000" },
	{ "page as large as the BAR",
	  0x4000,
	  0x4000,
	  { { 0, 0x4000 } },
	  { { 0, 0x4000 } },
	  "t4000" },
	{ "BAR smaller than a page", 0x4000, 0x10000, { { 0, 0x4000 } }, { { 0 } }, "t4000" },
	{ "sparse, in no order",
	  0x8000,
	  0x1000,
	  { { 0x5000, 0x6000 }, { 0x1000, 0x2000 } },
	  { { 0 } },
	  "t1000 m1000 t3000 m1000 t2000" },
	{ "sparse areas that overlap",
	  0x4000,
	  0x1000,
	  { { 0, 0x2000 }, { 0x1000, 0x3000 } },
	  { { 0 } },
	  "m3000 t1000" },
	{ "sparse beyond the end",
	  0x4000,
	  0x1000,
	  { { 0x3000, 0x9000 } },
	  { { 0 } },
	  "t3000 m1000" },
	{ "trapped beyond the end",
	  0x4000,
	  0x1000,
	  { { 0, 0x4000 } },
	  { { 0x3000, 0x9000 } },
	  "m3000 t1000" },
	{ "six pieces: the tail is trapped",
	  0x8000,
	  0x1000,
	  { { 0x1000, 0x2000 }, { 0x3000, 0x4000 }, { 0x5000, 0x6000 } },
	  { { 0 } },
	  "t1000 m1000 t1000 m1000 t4000" },
	{ "six pieces, mapped first: the tail is trapped",
	  0x8000,
	  0x1000,
	  { { 0, 0x1000 }, { 0x2000, 0x3000 }, { 0x4000, 0x5000 } },
	  { { 0 } },
	  "m1000 t1000 m1000 t5000" },
};

static void test_bar_is_cut_as_spans_and_pages_say(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		const struct bar_spans mappable = { cuts[i].mappable, 8 };
		const struct bar_spans trapped = { cuts[i].trapped, 2 };
		struct vfio_bar bar = { .size = cuts[i].size };

		print_message("%s\n", cuts[i].why);
		bar_cut(&bar, cuts[i].page, &mappable, &trapped);
		check_pieces(&bar, cuts[i].want);
	}
}

struct world {
	struct fake_vfio fake;
	struct fake_function *fn;
	struct vfio_container *container;
	struct vfio_device *dev;
	unsigned bars_changed;
};

static void bars_changed(void *ctx)
{
	((struct world *)ctx)->bars_changed++;
}

static const struct vfio_device_ops ops = { .bars_changed = bars_changed };

static void open_it(struct world *w)
{
	fake_publish(&w->fake);
	fake_container(&w->fake, &w->container);
	w->dev = fake_open(&w->fake, w->container, BDF);
	w->bars_changed = 0;
	vfio_device_set_ops(w->dev, &ops, w);
}

static uint32_t rd(struct world *w, unsigned offset)
{
	return vfio_cfgspace_read(w->dev, offset, 4);
}

static void wr(struct world *w, unsigned offset, uint32_t value)
{
	vfio_cfgspace_write(w->dev, offset, 4, value);
}

static void stop(struct world *w)
{
	vfio_device_destroy(w->dev);
	vfio_container_destroy(w->container);
	fake_fini(&w->fake);
}

static void test_nvme_registers_are_mapped_and_table_trapped(void **state)
{
	struct vfio_bar bar;
	struct world w;
	volatile uint32_t *registers;

	(void)state;
	fake_init(&w.fake);
	w.fn = fake_add_nvme(&w.fake, BDF, 1);
	open_it(&w);
	vfio_device_bar(w.dev, 0, &bar);
	assert_true(bar.present);
	assert_true(bar.is_64bit);
	assert_false(bar.prefetchable);
	check_pieces(&bar, "m2000 t2000");
	registers = bar.pieces[0].map;
	registers[0x14 / 4] = 0x00460001;
	assert_int_equal(fake_memory(w.fn, 0, 0x14), 0x00460001);
	stop(&w);
}

static void test_the_pages_of_what_is_mapped_are_dropped(void **state)
{
	volatile uint32_t *registers;
	struct vfio_bar bar;
	struct world w;

	(void)state;
	fake_init(&w.fake);
	w.fn = fake_add_nvme(&w.fake, BDF, 1);
	open_it(&w);
	vfio_bars_drop_pages(w.dev);
	assert_int_equal(w.fake.dropped, 0x2000);
	/* The same registers, in the same place. */
	vfio_device_bar(w.dev, 0, &bar);
	registers = bar.pieces[0].map;
	registers[0x14 / 4] = 0x00460001;
	assert_int_equal(fake_memory(w.fn, 0, 0x14), 0x00460001);
	vfio_bars_drop_pages(w.dev);
	assert_int_equal(w.fake.dropped, 0x4000);
	/* Nothing of what the host has got back. */
	vfio_device_detach(w.dev);
	vfio_bars_drop_pages(w.dev);
	assert_int_equal(w.fake.dropped, 0x4000);
	stop(&w);
}

static void test_table_in_the_middle_of_a_page_traps_the_page(void **state)
{
	struct vfio_bar bar;
	struct world w;

	(void)state;
	fake_init(&w.fake);
	w.fn = fake_add_nvme(&w.fake, BDF, 1);
	/* 0x410 bytes from 0x1ff8 on: the end of one page, and the beginning of the next. */
	fake_set_cfgspace(w.fn, 0x44, 4, 0x00001ff8);
	fake_set_cfgspace(w.fn, 0x48, 4, 0x00003ff0);
	w.fn->bars[0].size = 0x8000;
	open_it(&w);
	vfio_device_bar(w.dev, 0, &bar);
	check_pieces(&bar, "m1000 t3000 m4000");
	vfio_bar_write(w.dev, 0, 0x1ff8, 8, UINT64_C(0x1122334455667788));
	assert_true(vfio_bar_read(w.dev, 0, 0x1ff8, 8) == UINT64_C(0x1122334455667788));
	assert_int_equal(fake_memory(w.fn, 0, 0x1ff8), 0);
	stop(&w);
}

static void test_host_with_large_pages_traps_more(void **state)
{
	static const struct {
		size_t page;
		const char *bar0, *bar3;
	} cases[] = {
		{ 0x4000, "m20000", "t4000" },
		{ 0x10000, "m20000", "t4000" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct vfio_bar bar;
		struct world w;

		fake_init(&w.fake);
		w.fake.sys.page_size = cases[i].page;
		w.fn = fake_add_e1000e(&w.fake, BDF, 1);
		open_it(&w);
		vfio_device_bar(w.dev, 0, &bar);
		check_pieces(&bar, cases[i].bar0);
		vfio_device_bar(w.dev, 3, &bar);
		check_pieces(&bar, cases[i].bar3);
		stop(&w);
	}
}

/* BAR 2 of a function, and what the guest has of it. */
static const struct {
	const char *why;
	size_t page;
	uint64_t size;
	bool no_mmap, sparse;
	const char *want;
} small_ones[] = {
	{ "in a page of its own", 0x4000, 0x1000, false, false, "m4000" },
	{ "half of one", 0x10000, 0x8000, false, false, "m10000" },
	{ "with others in its page", 0x4000, 0x1000, true, false, "t1000" },
	{ "smaller than all pages", 0x4000, 0x800, false, false, "t800" },
	{ "a page of 4 KiB", 0x1000, 0x1000, false, false, "m1000" },
	{ "smaller than that", 0x1000, 0x800, false, false, "t800" },
	{ "as large as a page", 0x4000, 0x4000, false, false, "m4000" },
	{ "only parts can be mapped", 0x4000, 0x2000, false, true, "t2000" },
};

static void test_a_bar_smaller_than_a_page_is_mapped_as_large_as_one(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(small_ones) / sizeof(small_ones[0]); i++) {
		struct vfio_bar bar;
		struct world w;

		print_message("%s\n", small_ones[i].why);
		fake_init(&w.fake);
		w.fake.sys.page_size = small_ones[i].page;
		w.fn = fake_add_full(&w.fake, BDF, 1);
		w.fn->bars[2].size = small_ones[i].size;
		w.fn->bars[2].mmap = !small_ones[i].no_mmap;
		w.fn->bars[2].nr_areas = small_ones[i].sparse;
		w.fn->bars[2].areas[0] = (struct fake_area){ 0, 0x1000 };
		open_it(&w);
		vfio_device_bar(w.dev, 2, &bar);
		check_pieces(&bar, small_ones[i].want);
		wr(&w, PCI_BASE_ADDRESS_2, 0xffffffff);
		assert_int_equal(rd(&w, PCI_BASE_ADDRESS_2), (uint32_t)-bar.size);
		stop(&w);
	}
}

/* Where it traps, as while the function is reset. */
static void test_behind_a_small_bar_nobody_answers(void **state)
{
	struct world w;

	(void)state;
	fake_init(&w.fake);
	w.fake.sys.page_size = 0x4000;
	w.fn = fake_add_full(&w.fake, BDF, 1);
	w.fn->bars[2].size = 0x1000;
	open_it(&w);
	vfio_bar_write(w.dev, 2, 0xffc, 4, 0x12345678);
	assert_int_equal(fake_memory(w.fn, 2, 0xffc), 0x12345678);
	assert_int_equal(vfio_bar_read(w.dev, 2, 0xffc, 4), 0x12345678);
	vfio_bar_write(w.dev, 2, 0x1000, 4, 0x12345678);
	vfio_bar_write(w.dev, 2, 0x3ff8, 8, 0x12345678);
	assert_int_equal(fake_memory(w.fn, 2, 0x1000), 0);
	assert_int_equal(vfio_bar_read(w.dev, 2, 0x1000, 4), 0xffffffff);
	assert_true(vfio_bar_read(w.dev, 2, 0x3ff8, 8) == UINT64_MAX);
	stop(&w);
}

static void test_region_that_cannot_be_mapped_is_trapped_whole(void **state)
{
	struct vfio_bar bar;
	struct world w;

	(void)state;
	fake_init(&w.fake);
	w.fn = fake_add_full(&w.fake, BDF, 1);
	open_it(&w);
	vfio_device_bar(w.dev, 4, &bar);
	assert_true(bar.size == UINT64_C(0x200000000));
	check_pieces(&bar, "t200000000");
	vfio_device_bar(w.dev, 2, &bar);
	check_pieces(&bar, "t100");
	vfio_device_bar(w.dev, 1, &bar);
	assert_false(bar.present);
	/* The far end of a large BAR is as good as its beginning. */
	vfio_bar_write(w.dev, 4, 0x1fffffffc, 4, 0x12345678);
	assert_int_equal(fake_memory(w.fn, 4, 0x1fffffffc), 0x12345678);
	stop(&w);
}

static void test_sparse_region_maps_only_its_areas_in_whole_pages(void **state)
{
	struct vfio_bar bar;
	struct world w;

	(void)state;
	fake_init(&w.fake);
	w.fn = fake_add_nvme(&w.fake, BDF, 1);
	w.fn->bars[0].nr_areas = 3;
	w.fn->bars[0].areas[0] = (struct fake_area){ 0x800, 0x1000 };
	w.fn->bars[0].areas[1] = (struct fake_area){ 0xc00, 0x1400 };
	w.fn->bars[0].areas[2] = (struct fake_area){ 0x2000, 0x2000 };
	open_it(&w);
	vfio_device_bar(w.dev, 0, &bar);
	check_pieces(&bar, "t1000 m1000 t2000");
	stop(&w);
}

static void test_many_sparse_areas_and_absurd_ones_do_no_harm(void **state)
{
	struct vfio_bar bar;
	struct world w;

	(void)state;
	fake_init(&w.fake);
	w.fn = fake_add_full(&w.fake, BDF, 1);
	w.fn->bars[0].nr_areas = FAKE_AREAS;
	for (unsigned i = 0; i < FAKE_AREAS; i++)
		w.fn->bars[0].areas[i] = (struct fake_area){ 0x2000 * i, 0x1000 };
	w.fn->bars[0].areas[0] = (struct fake_area){ UINT64_MAX - 0xfff, 0x2000 };
	w.fn->bars[0].areas[1] = (struct fake_area){ UINT64_MAX - 0x10, 0x10 };
	w.fn->bars[0].areas[2] = (struct fake_area){ 0x4000, 0 };
	open_it(&w);
	vfio_device_bar(w.dev, 0, &bar);
	check_pieces(&bar, "t6000 m1000 t1000 m1000 t1f7000");
	stop(&w);
}

static void test_trapped_registers_reach_the_function(void **state)
{
	struct world w;

	(void)state;
	fake_init(&w.fake);
	w.fn = fake_add_nvme(&w.fake, BDF, 1);
	open_it(&w);
	/* Behind the table (65 entries) and the PBA (two quadwords), on their pages. */
	vfio_bar_write(w.dev, 0, 0x2410, 4, 0xaabbccdd);
	assert_int_equal(fake_memory(w.fn, 0, 0x2410), 0xaabbccdd);
	assert_true(vfio_bar_read(w.dev, 0, 0x2410, 4) == 0xaabbccdd);
	assert_true(vfio_bar_read(w.dev, 0, 0x2412, 2) == 0xaabb);
	assert_true(vfio_bar_read(w.dev, 0, 0x2413, 1) == 0xaa);
	vfio_bar_write(w.dev, 0, 0x3010, 8, UINT64_C(0x1122334455667788));
	assert_int_equal(fake_memory(w.fn, 0, 0x3014), 0x11223344);
	assert_true(vfio_bar_read(w.dev, 0, 0x3010, 8) == UINT64_C(0x1122334455667788));
	/* Table and PBA do not reach it. */
	vfio_bar_write(w.dev, 0, 0x2400, 4, 0x11111111);
	assert_int_equal(fake_memory(w.fn, 0, 0x2400), 0);
	vfio_bar_write(w.dev, 0, 0x3008, 8, UINT64_MAX);
	assert_int_equal(fake_memory(w.fn, 0, 0x3008), 0);
	stop(&w);
}

static void test_ports_have_their_size_and_are_decoded_by_a_bit_of_their_own(void **state)
{
	struct vfio_bar bar;
	struct world w;

	(void)state;
	fake_init(&w.fake);
	w.fn = fake_add_e1000e(&w.fake, BDF, 1);
	open_it(&w);
	/* 32 ports. */
	wr(&w, PCI_BASE_ADDRESS_2, 0xffffffff);
	assert_int_equal(rd(&w, PCI_BASE_ADDRESS_2), 0xffffffe1);
	wr(&w, PCI_BASE_ADDRESS_2, 0x1020);
	assert_int_equal(rd(&w, PCI_BASE_ADDRESS_2), 0x1021);
	assert_int_equal(w.bars_changed, 0);

	wr(&w, PCI_COMMAND, PCI_COMMAND_MEMORY);
	vfio_device_bar(w.dev, 2, &bar);
	assert_true(bar.present);
	assert_true(bar.is_io);
	assert_false(bar.is_64bit);
	assert_false(bar.prefetchable);
	assert_int_equal(bar.size, 0x20);
	assert_false(bar.decoded);
	wr(&w, PCI_COMMAND, PCI_COMMAND_IO);
	assert_int_equal(rd(&w, PCI_COMMAND) & 0xffff, PCI_COMMAND_IO);
	vfio_device_bar(w.dev, 2, &bar);
	assert_true(bar.decoded);
	assert_int_equal(bar.address, 0x1020);
	assert_int_equal(w.bars_changed, 2);
	wr(&w, PCI_BASE_ADDRESS_2, 0x1040);
	assert_int_equal(w.bars_changed, 3);
	wr(&w, PCI_COMMAND, 0);
	assert_int_equal(w.bars_changed, 4);
	stop(&w);
}

static void test_ports_are_trapped_and_reach_the_function(void **state)
{
	struct vfio_bar bar;
	struct world w;

	(void)state;
	fake_init(&w.fake);
	w.fn = fake_add_e1000e(&w.fake, BDF, 1);
	open_it(&w);
	vfio_device_bar(w.dev, 2, &bar);
	check_pieces(&bar, "t20");
	vfio_bar_write(w.dev, 2, 0, 4, 8);
	vfio_bar_write(w.dev, 2, 4, 2, 0x1234);
	vfio_bar_write(w.dev, 2, 6, 1, 0x56);
	assert_int_equal(fake_memory(w.fn, 2, 0), 8);
	assert_int_equal(fake_memory(w.fn, 2, 4), 0x561234);
	assert_int_equal(vfio_bar_read(w.dev, 2, 4, 4), 0x561234);
	assert_int_equal(vfio_bar_read(w.dev, 2, 6, 1), 0x56);
	/* Eight bytes are no access to ports. */
	assert_true(vfio_bar_read(w.dev, 2, 0, 8) == UINT64_MAX);
	vfio_bar_write(w.dev, 2, 0, 8, 0);
	assert_int_equal(fake_memory(w.fn, 2, 0), 8);
	stop(&w);
}

#define ROM_SZ 0x800u

/* PCI Local Bus 3.0, 6.2.5.2. */
static void test_rom_has_its_size_and_is_decoded_by_its_bit_and_memorys(void **state)
{
	struct vfio_bar rom;
	struct world w;

	(void)state;
	fake_init(&w.fake);
	w.fn = fake_add_nvme(&w.fake, BDF, 1);
	w.fn->bars[VFIO_DEVICE_ROM].size = 0x10000;
	open_it(&w);
	assert_int_equal(rd(&w, PCI_ROM_ADDRESS), 0);
	wr(&w, PCI_ROM_ADDRESS, 0xfffff800);
	assert_int_equal(rd(&w, PCI_ROM_ADDRESS), 0xffff0000);
	wr(&w, PCI_ROM_ADDRESS, 0x14000001);
	assert_int_equal(rd(&w, PCI_ROM_ADDRESS), 0x14000001);
	vfio_device_bar(w.dev, VFIO_DEVICE_ROM, &rom);
	assert_true(rom.present);
	assert_int_equal(rom.size, 0x10000);
	assert_false(rom.decoded);
	assert_int_equal(w.bars_changed, 0);
	wr(&w, PCI_COMMAND, PCI_COMMAND_MEMORY);
	vfio_device_bar(w.dev, VFIO_DEVICE_ROM, &rom);
	assert_true(rom.decoded);
	assert_int_equal(rom.address, 0x14000000);
	assert_int_equal(w.bars_changed, 1);
	wr(&w, PCI_ROM_ADDRESS, 0x14000000);
	vfio_device_bar(w.dev, VFIO_DEVICE_ROM, &rom);
	assert_false(rom.decoded);
	assert_int_equal(w.bars_changed, 2);
	/* What the host has there is the host's. */
	assert_int_equal(fake_cfgspace(w.fn, PCI_ROM_ADDRESS, 4), 0);
	stop(&w);
}

static void test_rom_is_read_and_not_written(void **state)
{
	static const uint32_t head = 0x1234aa55;
	struct vfio_bar bar;
	struct world w;

	(void)state;
	fake_init(&w.fake);
	w.fn = fake_add_nvme(&w.fake, BDF, 1);
	/* Whatever the kernel says: while it is not read, nothing of it is there. */
	w.fn->bars[VFIO_DEVICE_ROM] = (struct fake_bar){ .size = ROM_SZ, .mmap = true };
	assert_int_equal(
		pwrite(w.fn->file, &head, sizeof(head), (off_t)FAKE_REGION(VFIO_DEVICE_ROM)),
		sizeof(head));
	open_it(&w);
	vfio_device_bar(w.dev, VFIO_DEVICE_ROM, &bar);
	check_pieces(&bar, "t800");
	assert_int_equal(vfio_bar_read(w.dev, VFIO_DEVICE_ROM, 0, 4), head);
	assert_int_equal(vfio_bar_read(w.dev, VFIO_DEVICE_ROM, 2, 2), 0x1234);
	vfio_bar_write(w.dev, VFIO_DEVICE_ROM, 0, 4, 0);
	assert_int_equal(vfio_bar_read(w.dev, VFIO_DEVICE_ROM, 0, 4), head);
	assert_int_equal(vfio_bar_read(w.dev, VFIO_DEVICE_ROM, ROM_SZ - 1, 1), 0);
	assert_true(vfio_bar_read(w.dev, VFIO_DEVICE_ROM, ROM_SZ, 1) == UINT64_MAX);
	w.fake.fail_at = 1;
	assert_int_equal(vfio_bar_read(w.dev, VFIO_DEVICE_ROM, 0, 4), UINT32_MAX);
	stop(&w);
}

static void test_rom_that_cannot_be_is_absent(void **state)
{
	static const struct {
		const char *why;
		uint64_t size;
		bool unreadable;
	} cases[] = {
		{ "none", 0, false },
		{ "not readable", 0x10000, true },
		{ "smaller than its register says", 0x400, false },
		{ "of no power of two", 0x1800, false },
		{ "of 4 GiB", UINT64_C(1) << 32, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct vfio_bar bar;
		struct world w;

		print_message("%s\n", cases[i].why);
		fake_init(&w.fake);
		w.fn = fake_add_nvme(&w.fake, BDF, 1);
		w.fn->bars[VFIO_DEVICE_ROM].size = cases[i].size;
		w.fn->unreadable_rom = cases[i].unreadable;
		open_it(&w);
		vfio_device_bar(w.dev, VFIO_DEVICE_ROM, &bar);
		assert_false(bar.present);
		vfio_cfgspace_write(w.dev, PCI_ROM_ADDRESS, 4, UINT32_MAX);
		assert_int_equal(vfio_cfgspace_read(w.dev, PCI_ROM_ADDRESS, 4), 0);
		assert_true(vfio_bar_read(w.dev, VFIO_DEVICE_ROM, 0, 4) == UINT64_MAX);
		stop(&w);
	}
}

static void test_odd_accesses_read_ones_and_write_nothing(void **state)
{
	static const struct {
		const char *why;
		unsigned bar;
		uint64_t offset;
		unsigned len;
	} cases[] = {
		{ "no such BAR", 7, 0, 4 },
		{ "no ROM", VFIO_DEVICE_ROM, 0, 4 },
		{ "absent BAR", 1, 0, 4 },
		{ "no length", 0, 0x2410, 0 },
		{ "three bytes", 0, 0x2410, 3 },
		{ "sixteen bytes", 0, 0x2410, 16 },
		{ "odd place", 0, 0x2411, 2 },
		{ "dword across dwords", 0, 0x2412, 4 },
		{ "quadword across quadwords", 0, 0x2414, 8 },
		{ "the table's end", 0, 0x240c, 8 },
		{ "just beyond", 0, 0x4000, 1 },
		{ "wraps", 0, UINT64_MAX, 1 },
		{ "wraps to the beginning", 0, UINT64_MAX - 7, 8 },
	};
	struct world w;

	(void)state;
	fake_init(&w.fake);
	w.fn = fake_add_nvme(&w.fake, BDF, 1);
	open_it(&w);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("%s\n", cases[i].why);
		assert_true(vfio_bar_read(w.dev, cases[i].bar, cases[i].offset, cases[i].len) ==
			    UINT64_MAX);
		vfio_bar_write(w.dev, cases[i].bar, cases[i].offset, cases[i].len, 0x5555);
	}
	assert_int_equal(fake_memory(w.fn, 0, 0x2410), 0);
	stop(&w);
}

static void test_function_that_is_gone_reads_ones(void **state)
{
	struct world w;

	(void)state;
	fake_init(&w.fake);
	w.fn = fake_add_nvme(&w.fake, BDF, 1);
	open_it(&w);
	w.fake.fail_at = 1;
	assert_true(vfio_bar_read(w.dev, 0, 0x2410, 2) == 0xffff);
	w.fake.fail_at = 1;
	assert_true(vfio_bar_read(w.dev, 0, 0x2410, 8) == UINT64_MAX);
	w.fake.fail_at = 1;
	vfio_bar_write(w.dev, 0, 0x2410, 4, 1);
	assert_int_equal(fake_memory(w.fn, 0, 0x2410), 0);
	stop(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bar_is_cut_as_spans_and_pages_say),
		cmocka_unit_test(test_nvme_registers_are_mapped_and_table_trapped),
		cmocka_unit_test(test_the_pages_of_what_is_mapped_are_dropped),
		cmocka_unit_test(test_table_in_the_middle_of_a_page_traps_the_page),
		cmocka_unit_test(test_host_with_large_pages_traps_more),
		cmocka_unit_test(test_a_bar_smaller_than_a_page_is_mapped_as_large_as_one),
		cmocka_unit_test(test_behind_a_small_bar_nobody_answers),
		cmocka_unit_test(test_region_that_cannot_be_mapped_is_trapped_whole),
		cmocka_unit_test(test_sparse_region_maps_only_its_areas_in_whole_pages),
		cmocka_unit_test(test_many_sparse_areas_and_absurd_ones_do_no_harm),
		cmocka_unit_test(test_trapped_registers_reach_the_function),
		cmocka_unit_test(test_ports_have_their_size_and_are_decoded_by_a_bit_of_their_own),
		cmocka_unit_test(test_ports_are_trapped_and_reach_the_function),
		cmocka_unit_test(test_rom_has_its_size_and_is_decoded_by_its_bit_and_memorys),
		cmocka_unit_test(test_rom_is_read_and_not_written),
		cmocka_unit_test(test_rom_that_cannot_be_is_absent),
		cmocka_unit_test(test_odd_accesses_read_ones_and_write_nothing),
		cmocka_unit_test(test_function_that_is_gone_reads_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
