// SPDX-License-Identifier: MIT
/*
 * Virtual configuration space: what is shown, what a write does to the guest's
 * view and to the function, reset by the guest, accesses that make no sense.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <linux/pci_regs.h>
#include <string.h>

#include "tests/unit/vfio/vfio_fake.h"
#include "vfio/cfgspace.h"

#define BDF "0000:00:01.0"

struct world {
	struct fake_vfio fake;
	struct fake_function *fn;
	struct vfio_container *container;
	struct vfio_device *dev;
	unsigned bars_changed;
};

typedef struct fake_function *(*add_fn)(struct fake_vfio *fake, const char *bdf, int group);

static void bars_changed(void *ctx)
{
	((struct world *)ctx)->bars_changed++;
}

static const struct vfio_device_ops ops = { .bars_changed = bars_changed };

static void start(struct world *w, add_fn add)
{
	fake_init(&w->fake);
	w->fn = add(&w->fake, BDF, 1);
	w->bars_changed = 0;
}

static void open_it(struct world *w)
{
	fake_publish(&w->fake);
	fake_container(&w->fake, &w->container);
	w->dev = fake_open(&w->fake, w->container, BDF);
	vfio_device_set_ops(w->dev, &ops, w);
	w->fn->nr_writes = 0;
}

static void stop(struct world *w)
{
	vfio_device_destroy(w->dev);
	vfio_container_destroy(w->container);
	fake_fini(&w->fake);
}

static uint32_t rd(struct world *w, unsigned offset, unsigned len)
{
	return vfio_cfgspace_read(w->dev, offset, len);
}

static void wr(struct world *w, unsigned offset, unsigned len, uint32_t value)
{
	vfio_cfgspace_write(w->dev, offset, len, value);
}

/* The standard list as the guest walks it. */
static unsigned walk_std(struct world *w, uint8_t ids[48])
{
	unsigned nr = 0;

	for (unsigned pos = rd(w, PCI_CAPABILITY_LIST, 1); pos && nr < 48; pos = rd(w, pos + 1, 1))
		ids[nr++] = (uint8_t)rd(w, pos, 1);
	return nr;
}

static void test_capability_lists_skip_what_is_hidden(void **state)
{
	static const struct {
		const char *why;
		add_fn add;
		uint8_t ids[8];
		unsigned nr;
	} cases[] = {
		{ "nvme: MSI-X, PCIe, PM, as it links them",
		  fake_add_nvme,
		  { 0x11, 0x10, 0x01 },
		  3 },
		{ "e1000e: MSI and MSI-X", fake_add_e1000e, { 0x01, 0x05, 0x10, 0x11 }, 4 },
		{ "edu: MSI alone", fake_add_edu, { 0x05 }, 1 },
		{ "full: HyperTransport is hidden",
		  fake_add_full,
		  { 0x01, 0x05, 0x03, 0x09, 0x10, 0x13 },
		  6 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct world w;
		uint8_t ids[48];

		print_message("%s\n", cases[i].why);
		start(&w, cases[i].add);
		open_it(&w);
		assert_int_equal(walk_std(&w, ids), cases[i].nr);
		assert_memory_equal(ids, cases[i].ids, cases[i].nr);
		assert_true(rd(&w, PCI_STATUS, 2) & PCI_STATUS_CAP_LIST);
		stop(&w);
	}
}

static void test_header_shows_identity_and_no_pin_no_rom_no_siblings(void **state)
{
	struct world w;

	(void)state;
	start(&w, fake_add_full);
	open_it(&w);
	assert_int_equal(rd(&w, PCI_VENDOR_ID, 4), 0x56781abc);
	assert_int_equal(rd(&w, PCI_CLASS_REVISION, 4), 0x12000001);
	assert_int_equal(rd(&w, PCI_SUBSYSTEM_VENDOR_ID, 4), 0x00421abc);
	assert_int_equal(rd(&w, PCI_HEADER_TYPE, 1), 0);
	assert_int_equal(rd(&w, PCI_INTERRUPT_PIN, 1), 0);
	wr(&w, PCI_ROM_ADDRESS, 4, 0xffffffff);
	assert_int_equal(rd(&w, PCI_ROM_ADDRESS, 4), 0);
	wr(&w, PCI_INTERRUPT_LINE, 1, 0x5a);
	assert_int_equal(rd(&w, PCI_INTERRUPT_LINE, 1), 0x5a);
	wr(&w, PCI_VENDOR_ID, 4, 0);
	assert_int_equal(rd(&w, PCI_VENDOR_ID, 4), 0x56781abc);
	assert_int_equal(w.fn->nr_writes, 0);
	stop(&w);
}

static void test_short_and_interrupted_reads_are_gone_on_with(void **state)
{
	struct world w;

	(void)state;
	start(&w, fake_add_full);
	w.fake.short_reads = true;
	open_it(&w);
	assert_int_equal(rd(&w, PCI_VENDOR_ID, 4), 0x56781abc);
	assert_int_equal(rd(&w, FULL_DSN + 8, 4), 0x55667788);
	assert_int_equal(rd(&w, FULL_VNDR + 4, 4), 0xabcd1234);
	stop(&w);
}

static void test_extended_list_keeps_serial_number_and_vendor_specific_only(void **state)
{
	struct world w;

	(void)state;
	start(&w, fake_add_full);
	open_it(&w);
	/* AER is first and hidden: a null capability that leads on. */
	assert_int_equal(rd(&w, 0x100, 4), FULL_DSN << 20);
	assert_int_equal(rd(&w, FULL_AER + 4, 4), 0);
	assert_int_equal(rd(&w, FULL_DSN, 4), 0x00010003 | FULL_VSEC << 20);
	assert_int_equal(rd(&w, FULL_DSN + 4, 4), 0x11223344);
	assert_int_equal(rd(&w, FULL_DSN + 8, 4), 0x55667788);
	assert_int_equal(rd(&w, FULL_SRIOV, 4), 0);
	assert_int_equal(rd(&w, FULL_SRIOV + 12, 4), 0);
	assert_int_equal(rd(&w, FULL_VSEC, 4), 0x0001000b);
	assert_int_equal(rd(&w, FULL_VSEC + 8, 4), 0xfeedface);
	wr(&w, FULL_VSEC + 8, 4, 0x12345678);
	assert_int_equal(fake_cfgspace(w.fn, FULL_VSEC + 8, 4), 0x12345678);
	wr(&w, FULL_VSEC, 4, 0);
	wr(&w, FULL_VSEC + 4, 4, 0);
	assert_int_equal(rd(&w, FULL_VSEC, 4), 0x0001000b);
	assert_int_equal(fake_cfgspace(w.fn, FULL_VSEC + 4, 4), 0x02010042);
	stop(&w);
}

static void test_conventional_function_answers_all_ones_beyond_256(void **state)
{
	struct world w;

	(void)state;
	start(&w, fake_add_edu);
	open_it(&w);
	assert_int_equal(rd(&w, 0x100, 4), 0xffffffff);
	assert_int_equal(rd(&w, 0xffe, 2), 0xffff);
	assert_int_equal(rd(&w, 0xfc, 4), 0);
	wr(&w, 0x100, 4, 0);
	stop(&w);
}

static void test_bus_mastering_is_off_until_the_guest_asks(void **state)
{
	struct world w;

	(void)state;
	start(&w, fake_add_nvme);
	open_it(&w);
	assert_int_equal(rd(&w, PCI_COMMAND, 2), 0);
	assert_false(fake_cfgspace(w.fn, PCI_COMMAND, 2) & PCI_COMMAND_MASTER);
	wr(&w, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	assert_true(fake_cfgspace(w.fn, PCI_COMMAND, 2) & PCI_COMMAND_MASTER);
	assert_int_equal(rd(&w, PCI_COMMAND, 2), PCI_COMMAND_MASTER);
	wr(&w, PCI_COMMAND, 1, 0);
	assert_false(fake_cfgspace(w.fn, PCI_COMMAND, 2) & PCI_COMMAND_MASTER);
	stop(&w);
}

/* Choice: the function itself decodes memory as long as it is open. */
static void test_function_decodes_memory_whatever_the_guest_says(void **state)
{
	static const uint32_t values[] = { 0, PCI_COMMAND_MEMORY, PCI_COMMAND_IO, 0xffff, 0 };
	struct world w;

	(void)state;
	start(&w, fake_add_nvme);
	open_it(&w);
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		wr(&w, PCI_COMMAND, 2, values[i]);
		assert_true(fake_cfgspace(w.fn, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY);
		/* It has no ports. */
		assert_false(fake_cfgspace(w.fn, PCI_COMMAND, 2) & PCI_COMMAND_IO);
		assert_int_equal(rd(&w, PCI_COMMAND, 2),
				 values[i] & (PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER |
					      PCI_COMMAND_PARITY | PCI_COMMAND_SERR |
					      PCI_COMMAND_INTX_DISABLE));
	}
	stop(&w);
}

static void test_function_with_ports_decodes_them_whatever_the_guest_says(void **state)
{
	static const uint32_t values[] = { 0, PCI_COMMAND_MEMORY, PCI_COMMAND_IO, 0xffff, 0 };
	const uint32_t both = PCI_COMMAND_MEMORY | PCI_COMMAND_IO;
	struct world w;

	(void)state;
	start(&w, fake_add_e1000e);
	open_it(&w);
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		wr(&w, PCI_COMMAND, 2, values[i]);
		assert_int_equal(fake_cfgspace(w.fn, PCI_COMMAND, 2) & both, both);
		assert_int_equal(rd(&w, PCI_COMMAND, 2) & both, values[i] & both);
	}
	stop(&w);
}

static void test_status_errors_are_cleared_in_the_function_and_nothing_else(void **state)
{
	struct world w;

	(void)state;
	start(&w, fake_add_full);
	fake_set_cfgspace(w.fn, PCI_STATUS, 2, 0x8010 | 0x4000 | PCI_STATUS_INTERRUPT);
	open_it(&w);
	assert_int_equal(rd(&w, PCI_STATUS, 2), 0xc010);
	wr(&w, PCI_COMMAND, 4, 0x80000000 | PCI_COMMAND_MEMORY);
	assert_int_equal(rd(&w, PCI_STATUS, 2), 0x4010);
	assert_int_equal(fake_cfgspace(w.fn, PCI_STATUS, 2) & 0xf900, 0x4000);
	assert_true(fake_cfgspace(w.fn, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY);
	stop(&w);
}

static void test_bar_sizing_answers_size_and_type(void **state)
{
	static const struct {
		const char *why;
		unsigned offset;
		uint32_t zeros, ones;
	} cases[] = {
		{ "64-bit prefetchable, 2 MiB", 0x10, 0x0000000c, 0xffe0000c },
		{ "its upper half", 0x14, 0, 0xffffffff },
		{ "32-bit, 256 bytes", 0x18, 0, 0xffffff00 },
		{ "no BAR", 0x1c, 0, 0 },
		{ "64-bit, 8 GiB: nothing of the lower half", 0x20, 0xc, 0xc },
		{ "its upper half begins at bit 33", 0x24, 0, 0xfffffffe },
	};
	struct world w;

	(void)state;
	start(&w, fake_add_full);
	open_it(&w);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("%s\n", cases[i].why);
		wr(&w, cases[i].offset, 4, 0xffffffff);
		assert_int_equal(rd(&w, cases[i].offset, 4), cases[i].ones);
		wr(&w, cases[i].offset, 4, 0);
		assert_int_equal(rd(&w, cases[i].offset, 4), cases[i].zeros);
	}
	assert_int_equal(w.fn->nr_writes, 0);
	stop(&w);
}

static void test_moving_and_decoding_bars_is_told(void **state)
{
	struct vfio_bar bar;
	struct world w;

	(void)state;
	start(&w, fake_add_full);
	open_it(&w);
	wr(&w, 0x10, 4, 0x40000000);
	wr(&w, 0x14, 4, 0x12);
	assert_int_equal(w.bars_changed, 0);
	vfio_device_bar(w.dev, 0, &bar);
	assert_false(bar.decoded);
	wr(&w, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_int_equal(w.bars_changed, 1);
	vfio_device_bar(w.dev, 0, &bar);
	assert_true(bar.decoded);
	assert_true(bar.address == UINT64_C(0x1240000000));
	vfio_device_bar(w.dev, 2, &bar);
	assert_false(bar.decoded);
	vfio_device_bar(w.dev, 1, &bar);
	assert_false(bar.present);
	wr(&w, 0x14, 4, 0x13);
	assert_int_equal(w.bars_changed, 2);
	wr(&w, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	assert_int_equal(w.bars_changed, 2);
	wr(&w, PCI_COMMAND, 2, 0);
	assert_int_equal(w.bars_changed, 3);
	stop(&w);
}

/* Choice: a BAR that holds zero or all ones counts as not assigned. */
static void test_bar_of_zero_or_all_ones_is_not_assigned(void **state)
{
	struct vfio_bar bar;
	struct world w;

	(void)state;
	start(&w, fake_add_full);
	open_it(&w);
	wr(&w, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	vfio_device_bar(w.dev, 2, &bar);
	assert_false(bar.decoded);
	wr(&w, 0x18, 4, 0xffffffff);
	vfio_device_bar(w.dev, 2, &bar);
	assert_false(bar.decoded);
	wr(&w, 0x18, 4, 0xfffffe00);
	vfio_device_bar(w.dev, 2, &bar);
	assert_true(bar.decoded);
	stop(&w);
}

/* Choice: power states are virtual. */
static void test_power_states_are_virtual(void **state)
{
	struct world w;

	(void)state;
	start(&w, fake_add_full);
	open_it(&w);
	/* Version 3, device specific initialization, no D1, no D2, no PME. */
	assert_int_equal(rd(&w, FULL_PM + PCI_PM_PMC, 2), 0x0023);
	assert_int_equal(rd(&w, FULL_PM + PCI_PM_CTRL, 2), PCI_PM_CTRL_NO_SOFT_RESET);
	wr(&w, FULL_PM + PCI_PM_CTRL, 2, 0x8103);
	assert_int_equal(rd(&w, FULL_PM + PCI_PM_CTRL, 2), PCI_PM_CTRL_NO_SOFT_RESET | 3);
	assert_int_equal(w.fn->nr_writes, 0);
	stop(&w);
}

/* Choice: VPD can be read and not written. */
static void test_vpd_can_be_read_and_not_written(void **state)
{
	struct world w;

	(void)state;
	start(&w, fake_add_full);
	fake_set_cfgspace(w.fn, FULL_VPD + PCI_VPD_ADDR, 2, 0x8010);
	open_it(&w);
	assert_int_equal(rd(&w, FULL_VPD + PCI_VPD_ADDR, 2), 0x8010);
	wr(&w, FULL_VPD + PCI_VPD_ADDR, 2, PCI_VPD_ADDR_F | 0x24);
	assert_int_equal(fake_cfgspace(w.fn, FULL_VPD + PCI_VPD_ADDR, 2), 0x24);
	wr(&w, FULL_VPD + PCI_VPD_DATA, 4, 0x11111111);
	assert_int_equal(fake_cfgspace(w.fn, FULL_VPD + PCI_VPD_DATA, 4), 0);
	wr(&w, FULL_VPD, 4, 0xffff0000);
	assert_int_equal(fake_cfgspace(w.fn, FULL_VPD + PCI_VPD_ADDR, 2), 0x7fff);
	stop(&w);
}

/* Choice: vendor-specific capabilities are passed through, both ways. */
static void test_vendor_specific_capability_is_passed_through(void **state)
{
	struct world w;

	(void)state;
	start(&w, fake_add_full);
	open_it(&w);
	assert_int_equal(rd(&w, FULL_VNDR + 4, 4), 0xabcd1234);
	fake_set_cfgspace(w.fn, FULL_VNDR + 4, 4, 0x01020304);
	assert_int_equal(rd(&w, FULL_VNDR + 4, 4), 0x01020304);
	wr(&w, FULL_VNDR + 6, 2, 0xbeef);
	assert_int_equal(fake_cfgspace(w.fn, FULL_VNDR + 4, 4), 0xbeef0304);
	assert_int_equal(w.fn->nr_writes, 1);
	assert_int_equal(w.fn->writes[0].len, 2);
	wr(&w, FULL_VNDR + 0x14, 4, 0xcafef00d);
	assert_int_equal(fake_cfgspace(w.fn, FULL_VNDR + 0x14, 4), 0xcafef00d);
	assert_int_equal(w.fn->writes[1].len, 4);
	/* Its header is ours: id, next, length. */
	wr(&w, FULL_VNDR, 4, 0xffffffff);
	assert_int_equal(rd(&w, FULL_VNDR, 4), 0x01180009 | FULL_EXP << 8);
	stop(&w);
}

static void test_pcie_is_an_integrated_endpoint_without_link(void **state)
{
	struct world w;

	(void)state;
	start(&w, fake_add_full);
	open_it(&w);
	assert_int_equal(rd(&w, FULL_EXP + PCI_EXP_FLAGS, 2), 0x0092);
	assert_int_equal(rd(&w, FULL_EXP + PCI_EXP_DEVCAP, 4), 0x10008027);
	assert_int_equal(rd(&w, FULL_EXP + PCI_EXP_LNKCAP, 4), 0);
	assert_int_equal(rd(&w, FULL_EXP + PCI_EXP_LNKSTA, 2), 0);
	assert_int_equal(rd(&w, FULL_EXP + PCI_EXP_DEVCAP2, 4), 0x1f);
	assert_int_equal(rd(&w, FULL_EXP + PCI_EXP_DEVCTL2, 2), 0);
	assert_int_equal(rd(&w, FULL_EXP + PCI_EXP_LNKCAP2, 4), 0);
	assert_int_equal(rd(&w, FULL_EXP + PCI_EXP_DEVSTA, 2), 0x21);
	wr(&w, FULL_EXP + PCI_EXP_LNKCTL, 2, 0xffff);
	assert_int_equal(w.fn->nr_writes, 0);
	stop(&w);
}

/* Choice: of Device Control, only ordering and read request size reach the function. */
static void test_device_control_passes_ordering_and_read_request_size(void **state)
{
	struct world w;

	(void)state;
	start(&w, fake_add_full);
	open_it(&w);
	assert_int_equal(rd(&w, FULL_EXP + PCI_EXP_DEVCTL, 2), 0x2810);
	wr(&w, FULL_EXP + PCI_EXP_DEVCTL, 2, 0x59ff & ~PCI_EXP_DEVCTL_RELAX_EN);
	assert_int_equal(rd(&w, FULL_EXP + PCI_EXP_DEVCTL, 2), 0x59ef);
	assert_int_equal(fake_cfgspace(w.fn, FULL_EXP + PCI_EXP_DEVCTL, 2), 0x5800);
	/* A byte of it is as good. */
	wr(&w, FULL_EXP + PCI_EXP_DEVCTL + 1, 1, 0x30);
	assert_int_equal(fake_cfgspace(w.fn, FULL_EXP + PCI_EXP_DEVCTL, 2), 0x3800);
	/* Clearing errors beside it leaves it as it is written. */
	fake_set_cfgspace(w.fn, FULL_EXP + PCI_EXP_DEVSTA, 2, 0x0f);
	wr(&w, FULL_EXP + PCI_EXP_DEVCTL, 4, 0x00032810);
	assert_int_equal(fake_cfgspace(w.fn, FULL_EXP + PCI_EXP_DEVSTA, 2), 0x0c);
	assert_int_equal(rd(&w, FULL_EXP + PCI_EXP_DEVSTA, 2), 0x0c);
	assert_int_equal(fake_cfgspace(w.fn, FULL_EXP + PCI_EXP_DEVCTL, 2), 0x2810);
	wr(&w, FULL_EXP + PCI_EXP_DEVSTA, 2, 0xffff);
	assert_int_equal(fake_cfgspace(w.fn, FULL_EXP + PCI_EXP_DEVSTA, 2), 0);
	stop(&w);
}

static void test_function_level_reset_by_the_guest_resets_all(void **state)
{
	static const struct {
		const char *why;
		unsigned offset, len;
		uint32_t value;
	} cases[] = {
		{ "Device Control", FULL_EXP + PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_BCR_FLR | 0x2810 },
		{ "its upper byte", FULL_EXP + PCI_EXP_DEVCTL + 1, 1, 0x80 },
		{ "with Device Status", FULL_EXP + PCI_EXP_DEVCTL, 4, PCI_EXP_DEVCTL_BCR_FLR },
		{ "Advanced Features", FULL_AF + PCI_AF_CTRL, 1, PCI_AF_CTRL_FLR },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct world w;
		unsigned before;

		print_message("%s\n", cases[i].why);
		start(&w, fake_add_full);
		open_it(&w);
		wr(&w, 0x10, 4, 0x40000000);
		wr(&w, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
		wr(&w, FULL_EXP + PCI_EXP_DEVCTL, 2, 0x5000);
		wr(&w, FULL_PM + PCI_PM_CTRL, 2, 3);
		wr(&w, FULL_MSI + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_ENABLE);
		before = w.fn->resets;
		wr(&w, cases[i].offset, cases[i].len, cases[i].value);
		assert_int_equal(w.fn->resets, before + 1);
		assert_int_equal(rd(&w, PCI_COMMAND, 2), 0);
		assert_int_equal(rd(&w, 0x10, 4), 0xc);
		assert_int_equal(rd(&w, FULL_PM + PCI_PM_CTRL, 2), 8);
		assert_int_equal(rd(&w, FULL_MSI + PCI_MSI_FLAGS, 2) & PCI_MSI_FLAGS_ENABLE, 0);
		/* The function holds again what the guest reads, and decodes. */
		assert_int_equal(rd(&w, FULL_EXP + PCI_EXP_DEVCTL, 2), 0x2810);
		assert_int_equal(fake_cfgspace(w.fn, FULL_EXP + PCI_EXP_DEVCTL, 2), 0x2810);
		assert_int_equal(fake_cfgspace(w.fn, PCI_COMMAND, 2) & 7, PCI_COMMAND_MEMORY);
		assert_int_equal(w.bars_changed, 2);
		stop(&w);
	}
}

static void test_function_without_reset_shows_none_and_does_none(void **state)
{
	enum vfio_reset_step failed;
	uint8_t ids[48];
	struct world w;

	(void)state;
	start(&w, fake_add_full);
	w.fn->can_reset = false;
	open_it(&w);
	assert_false(rd(&w, FULL_EXP + PCI_EXP_DEVCAP, 4) & PCI_EXP_DEVCAP_FLR);
	assert_int_equal(walk_std(&w, ids), 5);
	wr(&w, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	wr(&w, FULL_EXP + PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_BCR_FLR);
	wr(&w, FULL_AF + PCI_AF_CTRL, 1, PCI_AF_CTRL_FLR);
	assert_int_equal(w.fn->resets, 0);
	assert_int_equal(rd(&w, PCI_COMMAND, 2), PCI_COMMAND_MEMORY);
	/* A reset of the machine still quiets it. */
	wr(&w, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	assert_int_equal(vfio_device_reset(w.dev, &failed), -ENOTTY);
	assert_int_equal(failed, VFIO_RESET_STEP_RESET);
	assert_false(fake_cfgspace(w.fn, PCI_COMMAND, 2) & PCI_COMMAND_MASTER);
	stop(&w);
}

static void test_device_reset_is_power_on(void **state)
{
	enum vfio_reset_step failed;
	uint8_t before[256], after[256];
	struct world w;
	unsigned told;

	(void)state;
	start(&w, fake_add_full);
	open_it(&w);
	for (unsigned i = 0; i < 256; i++)
		before[i] = (uint8_t)rd(&w, i, 1);
	wr(&w, PCI_COMMAND, 2, 0xffff);
	for (unsigned i = 0x0c; i < 256; i += 4) {
		if (i < FULL_VNDR || i >= FULL_EXP + 0xcu)
			wr(&w, i, 4, 0x5a5a5a5a);
	}
	told = w.bars_changed;
	assert_int_equal(vfio_device_reset(w.dev, &failed), 0);
	for (unsigned i = 0; i < 256; i++)
		after[i] = (uint8_t)rd(&w, i, 1);
	before[FULL_VPD + PCI_VPD_ADDR] = after[FULL_VPD + PCI_VPD_ADDR];
	before[FULL_VPD + PCI_VPD_ADDR + 1] = after[FULL_VPD + PCI_VPD_ADDR + 1];
	assert_memory_equal(before, after, sizeof(before));
	/* It is told where BARs were decoded, and only then; nobody need listen. */
	assert_int_equal(w.bars_changed, 1 + told);
	assert_int_equal(vfio_device_reset(w.dev, &failed), 0);
	assert_int_equal(w.bars_changed, 1 + told);
	wr(&w, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	vfio_device_set_ops(w.dev, NULL, NULL);
	assert_int_equal(vfio_device_reset(w.dev, &failed), 0);
	stop(&w);
}

static void test_odd_accesses_read_ones_and_write_nothing(void **state)
{
	static const struct {
		const char *why;
		unsigned offset, len;
		uint32_t value;
	} cases[] = {
		{ "no length", 0, 0, 0xffffffff },
		{ "three bytes", 0, 3, 0xffffffff },
		{ "eight bytes", 0, 8, 0xffffffff },
		{ "word at an odd place", 1, 2, 0xffff },
		{ "dword across dwords", 2, 4, 0xffffffff },
		{ "just beyond", 4096, 1, 0xff },
		{ "far beyond", 0xfffffffc, 4, 0xffffffff },
		{ "wraps", 0xffffffff, 1, 0xff },
	};
	struct world w;

	(void)state;
	start(&w, fake_add_full);
	open_it(&w);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("%s\n", cases[i].why);
		assert_int_equal(rd(&w, cases[i].offset, cases[i].len), cases[i].value);
		wr(&w, cases[i].offset, cases[i].len, 0xffffffff);
	}
	assert_int_equal(rd(&w, PCI_COMMAND, 2), 0);
	assert_int_equal(w.fn->nr_writes, 0);
	stop(&w);
}

static uint32_t next_random(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

/* Whatever a guest writes: the function decodes, and the guest's lists stay whole. */
static void test_any_write_anywhere_keeps_the_invariants(void **state)
{
	static const add_fn adds[] = { fake_add_nvme, fake_add_e1000e, fake_add_edu,
				       fake_add_full };

	(void)state;
	for (size_t i = 0; i < sizeof(adds) / sizeof(adds[0]); i++) {
		uint8_t before[48], after[48];
		uint32_t seed = 12345;
		struct world w;
		unsigned nr;

		start(&w, adds[i]);
		open_it(&w);
		nr = walk_std(&w, before);
		for (unsigned k = 0; k < 20000; k++) {
			unsigned len = 1u << next_random(&seed) % 3;
			unsigned offset = next_random(&seed) % 4200 / len * len;

			if (k % 3)
				offset %= 256;
			wr(&w, offset, len, next_random(&seed));
			(void)rd(&w, offset, len);
			assert_true(fake_cfgspace(w.fn, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY);
			assert_int_equal(
				!!(fake_cfgspace(w.fn, PCI_COMMAND, 2) & PCI_COMMAND_MASTER),
				!!(rd(&w, PCI_COMMAND, 2) & PCI_COMMAND_MASTER));
		}
		assert_int_equal(walk_std(&w, after), nr);
		assert_memory_equal(before, after, nr);
		stop(&w);
	}
}

/* A function's own lists are its word: circular, out of bounds, too long. */
static void test_any_image_is_taken_without_harm(void **state)
{
	static const struct cfgspace_choice choices[] = { { .msi = true, .reset = true },
							  { .msix = true },
							  { .reset = true } };
	static struct vfio_cfgspace cfg;
	static uint8_t image[CFGSPACE_SIZE];
	uint32_t seed = 777;

	(void)state;
	for (unsigned k = 0; k < 30000; k++) {
		for (unsigned i = 0; i < CFGSPACE_SIZE; i += 4)
			cfgspace_put(image, i, 4, k % 2 || i < 0x200 ? next_random(&seed) : 0);
		image[PCI_STATUS] |= PCI_STATUS_CAP_LIST;
		/* Ids that mean something come often. */
		for (unsigned i = 0x40; i < 0x100; i += 4)
			image[i] = (uint8_t)(image[i] % 0x16);
		for (unsigned i = 0x100; i < CFGSPACE_SIZE; i += 4)
			cfgspace_put(image, i, 2, cfgspace_get(image, i, 2) % 0x10);
		cfgspace_build(&cfg, image, k % 3 ? CFGSPACE_SIZE : CFGSPACE_SIZE_PCI,
			       &choices[k % 3]);
		for (unsigned pos = cfg.value[PCI_CAPABILITY_LIST], n = 0; pos;
		     pos = cfg.value[pos + 1], n++) {
			assert_in_range(pos, 0x40, 0xfc);
			assert_in_range(n, 0, 47);
		}
		for (unsigned pos = 0x100, n = 0; k % 3 && pos;
		     pos = cfgspace_get(cfg.value, pos, 4) >> 20, n++) {
			assert_in_range(pos, 0x100, 0xffc);
			assert_in_range(n, 0, 480);
		}
	}
}

static void test_circular_lists_end(void **state)
{
	static struct vfio_cfgspace cfg;
	static uint8_t image[CFGSPACE_SIZE];
	const struct cfgspace_choice choice = { .msix = true };

	(void)state;
	cfgspace_put(image, PCI_STATUS, 2, PCI_STATUS_CAP_LIST);
	image[PCI_CAPABILITY_LIST] = 0x40;
	cfgspace_put(image, 0x40, 4, 0x00025010);
	cfgspace_put(image, 0x50, 4, 0x00004001);
	cfgspace_put(image, 0x100, 4, 0x10010003);
	cfgspace_build(&cfg, image, CFGSPACE_SIZE, &choice);
	assert_int_equal(cfg.value[0x34], 0x40);
	assert_int_equal(cfg.value[0x41], 0x50);
	assert_int_equal(cfg.value[0x51], 0);
	assert_int_equal(cfgspace_get(cfg.value, 0x100, 4), 0x00010003);
}

static void test_list_without_its_status_bit_is_no_list(void **state)
{
	static struct vfio_cfgspace cfg;
	static uint8_t image[CFGSPACE_SIZE];
	const struct cfgspace_choice choice = { .msi = true };

	(void)state;
	image[PCI_CAPABILITY_LIST] = 0x40;
	cfgspace_put(image, 0x40, 4, 0x00000005);
	assert_int_equal(cfgspace_find_cap(image, PCI_CAP_ID_MSI), 0);
	cfgspace_build(&cfg, image, CFGSPACE_SIZE, &choice);
	assert_int_equal(cfg.value[PCI_CAPABILITY_LIST], 0);
	assert_int_equal(cfg.value[0x40], 0);
	assert_int_equal(cfg.msi, 0);
	cfgspace_put(image, PCI_STATUS, 2, PCI_STATUS_CAP_LIST);
	assert_int_equal(cfgspace_find_cap(image, PCI_CAP_ID_MSI), 0x40);
}

static void test_first_version_of_pcie_ends_before_device_capabilities_2(void **state)
{
	struct world w;

	(void)state;
	start(&w, fake_add_full);
	fake_set_cfgspace(w.fn, FULL_EXP + PCI_EXP_FLAGS, 2, 0x0001);
	open_it(&w);
	assert_int_equal(rd(&w, FULL_EXP + PCI_EXP_FLAGS, 2), 0x0091);
	assert_int_equal(rd(&w, FULL_EXP + PCI_EXP_DEVCAP, 4), 0x10008027);
	assert_int_equal(rd(&w, FULL_EXP + PCI_EXP_DEVCAP2, 4), 0);
	wr(&w, FULL_EXP + PCI_EXP_DEVCTL2, 2, 0x1f);
	assert_int_equal(rd(&w, FULL_EXP + PCI_EXP_DEVCTL2, 2), 0);
	assert_int_equal(w.fn->nr_writes, 0);
	stop(&w);
}

/* A function that does not answer reads as all ones where it is asked. */
static void test_function_that_is_gone_reads_ones(void **state)
{
	struct world w;

	(void)state;
	start(&w, fake_add_full);
	open_it(&w);
	w.fake.fail_at = 1;
	assert_int_equal(rd(&w, FULL_VNDR + 4, 4), 0xffffffff);
	w.fake.fail_at = 1;
	assert_int_equal(rd(&w, FULL_VNDR, 4), 0xff180009 | FULL_EXP << 8);
	w.fake.fail_at = 1;
	wr(&w, FULL_VNDR + 4, 4, 0);
	assert_int_equal(fake_cfgspace(w.fn, FULL_VNDR + 4, 4), 0xabcd1234);
	stop(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_capability_lists_skip_what_is_hidden),
		cmocka_unit_test(test_header_shows_identity_and_no_pin_no_rom_no_siblings),
		cmocka_unit_test(test_short_and_interrupted_reads_are_gone_on_with),
		cmocka_unit_test(test_extended_list_keeps_serial_number_and_vendor_specific_only),
		cmocka_unit_test(test_conventional_function_answers_all_ones_beyond_256),
		cmocka_unit_test(test_bus_mastering_is_off_until_the_guest_asks),
		cmocka_unit_test(test_function_decodes_memory_whatever_the_guest_says),
		cmocka_unit_test(test_function_with_ports_decodes_them_whatever_the_guest_says),
		cmocka_unit_test(test_status_errors_are_cleared_in_the_function_and_nothing_else),
		cmocka_unit_test(test_bar_sizing_answers_size_and_type),
		cmocka_unit_test(test_moving_and_decoding_bars_is_told),
		cmocka_unit_test(test_bar_of_zero_or_all_ones_is_not_assigned),
		cmocka_unit_test(test_power_states_are_virtual),
		cmocka_unit_test(test_vpd_can_be_read_and_not_written),
		cmocka_unit_test(test_vendor_specific_capability_is_passed_through),
		cmocka_unit_test(test_pcie_is_an_integrated_endpoint_without_link),
		cmocka_unit_test(test_device_control_passes_ordering_and_read_request_size),
		cmocka_unit_test(test_function_level_reset_by_the_guest_resets_all),
		cmocka_unit_test(test_function_without_reset_shows_none_and_does_none),
		cmocka_unit_test(test_device_reset_is_power_on),
		cmocka_unit_test(test_odd_accesses_read_ones_and_write_nothing),
		cmocka_unit_test(test_any_write_anywhere_keeps_the_invariants),
		cmocka_unit_test(test_any_image_is_taken_without_harm),
		cmocka_unit_test(test_circular_lists_end),
		cmocka_unit_test(test_list_without_its_status_bit_is_no_list),
		cmocka_unit_test(test_first_version_of_pcie_ends_before_device_capabilities_2),
		cmocka_unit_test(test_function_that_is_gone_reads_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
