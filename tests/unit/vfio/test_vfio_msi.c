// SPDX-License-Identifier: MIT
/*
 * MSI-X and MSI as a guest drives them: tables, masks, pending bits, enabling, and
 * what becomes of interrupts meanwhile.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <linux/pci_regs.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "tests/unit/vfio/vfio_fake.h"
#include "vfio/device_io.h"

#define BDF	"0000:00:01.0"
#define TABLE	0x2000u /* of the nvme */
#define PBA	0x3000u
#define MSIX	0x40u
#define ADDRESS UINT64_C(0x8090040)

struct world {
	struct fake_vfio fake;
	struct fake_function *fn;
	struct vfio_container *container;
	struct vfio_device *dev;
	unsigned nr_released;
	unsigned vectors[VFIO_MAX_VECTORS];
	struct msi_message messages[VFIO_MAX_VECTORS];
	/* Of the changes that were told: the vector, and what it would send then. */
	unsigned nr_changed;
	unsigned changed[VFIO_MAX_VECTORS], released_before[VFIO_MAX_VECTORS];
	bool sends[VFIO_MAX_VECTORS];
};

/* Uses the header from inside the callback: no lock may be held there. */
static void vector_released(void *ctx, unsigned vector, const struct msi_message *message)
{
	struct world *w = ctx;
	struct vfio_bar bar;

	vfio_device_bar(w->dev, 0, &bar);
	(void)vfio_cfgspace_read(w->dev, PCI_COMMAND, 2);
	assert_true(w->nr_released < VFIO_MAX_VECTORS);
	w->vectors[w->nr_released] = vector;
	w->messages[w->nr_released++] = *message;
}

static void vector_changed(void *ctx, unsigned vector)
{
	struct world *w = ctx;
	unsigned nr = w->nr_changed++ % VFIO_MAX_VECTORS;
	struct msi_message message;

	w->changed[nr] = vector;
	w->released_before[nr] = w->nr_released;
	w->sends[nr] = vfio_vector_message(w->dev, vector, &message);
}

static const struct vfio_device_ops ops = {
	.vector_released = vector_released,
	.vector_changed = vector_changed,
};

typedef struct fake_function *(*add_fn)(struct fake_vfio *fake, const char *bdf, int group);

static void open_it(struct world *w)
{
	fake_publish(&w->fake);
	fake_container(&w->fake, &w->container);
	w->dev = fake_open(&w->fake, w->container, BDF);
	vfio_device_set_ops(w->dev, &ops, w);
	w->nr_released = w->nr_changed = 0;
}

static void start(struct world *w, add_fn add)
{
	fake_init(&w->fake);
	w->fn = add(&w->fake, BDF, 1);
	open_it(w);
}

static void stop(struct world *w)
{
	vfio_device_destroy(w->dev);
	vfio_container_destroy(w->container);
	fake_fini(&w->fake);
}

static void control(struct world *w, uint32_t value)
{
	vfio_cfgspace_write(w->dev, MSIX + PCI_MSIX_FLAGS, 2, value);
}

static void mask(struct world *w, unsigned vector, uint32_t value)
{
	vfio_bar_write(w->dev, 0, TABLE + 16 * vector + PCI_MSIX_ENTRY_VECTOR_CTRL, 4, value);
}

/* As Linux does it: three dwords while masked, then the mask bit. */
static void program(struct world *w, unsigned vector)
{
	uint64_t entry = TABLE + 16 * vector;

	vfio_bar_write(w->dev, 0, entry + PCI_MSIX_ENTRY_LOWER_ADDR, 4, ADDRESS);
	vfio_bar_write(w->dev, 0, entry + PCI_MSIX_ENTRY_UPPER_ADDR, 4, 0);
	vfio_bar_write(w->dev, 0, entry + PCI_MSIX_ENTRY_DATA, 4, 100 + vector);
	mask(w, vector, 0);
}

static enum vfio_take take(struct world *w, unsigned vector)
{
	struct msi_message message = { 0 };
	enum vfio_take result = vfio_vector_take(w->dev, vector, &message);

	if (result == VFIO_TAKE_DELIVER) {
		assert_true(message.address == ADDRESS);
		assert_int_equal(message.data, 100 + vector);
	}
	return result;
}

static uint64_t pba(struct world *w, unsigned word)
{
	return vfio_bar_read(w->dev, 0, PBA + 8 * word, 8);
}

static bool readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

static void test_vectors_are_enabled_once_at_create_with_an_eventfd_each(void **state)
{
	struct world w;

	(void)state;
	start(&w, fake_add_nvme);
	assert_int_equal(vfio_device_irq_kind(w.dev), VFIO_IRQ_KIND_MSIX);
	assert_int_equal(vfio_device_nr_vectors(w.dev), 65);
	assert_int_equal(w.fn->nr_enabled, 65);
	for (unsigned i = 0; i < 65; i++) {
		assert_int_equal(vfio_vector_eventfd(w.dev, i), w.fn->eventfds[i]);
		assert_false(readable(w.fn->eventfds[i]));
		fake_signal(w.fn, i);
		assert_true(readable(vfio_vector_eventfd(w.dev, i)));
	}
	stop(&w);
}

/* S3: whatever a guest does, the host's interrupts stay as they are. */
static void test_no_guest_access_touches_the_hosts_vectors(void **state)
{
	struct world w;
	unsigned calls;

	(void)state;
	start(&w, fake_add_nvme);
	calls = w.fake.calls;
	for (unsigned i = 0; i < 65; i++)
		program(&w, i);
	for (unsigned i = 0; i < 1000; i++)
		control(&w, i << 14);
	for (unsigned i = 0; i < 65; i++)
		mask(&w, i, 1);
	assert_int_equal(w.fake.calls, calls);
	stop(&w);
}

static void test_entries_start_masked_and_empty(void **state)
{
	struct world w;

	(void)state;
	start(&w, fake_add_nvme);
	for (unsigned i = 0; i < 65; i++) {
		assert_true(vfio_bar_read(w.dev, 0, TABLE + 16 * i, 8) == 0);
		assert_true(vfio_bar_read(w.dev, 0, TABLE + 16 * i + 8, 8) == UINT64_C(1) << 32);
	}
	assert_true(pba(&w, 0) == 0);
	assert_true(pba(&w, 1) == 0);
	assert_int_equal(vfio_cfgspace_read(w.dev, MSIX + PCI_MSIX_FLAGS, 2), 64);
	assert_int_equal(vfio_cfgspace_read(w.dev, MSIX + PCI_MSIX_TABLE, 4), TABLE);
	assert_int_equal(vfio_cfgspace_read(w.dev, MSIX + PCI_MSIX_PBA, 4), PBA);
	stop(&w);
}

static void test_table_takes_dwords_quadwords_and_parts(void **state)
{
	static const struct {
		const char *why;
		unsigned offset, len;
		uint64_t value;
		uint64_t low, high; /* what the entry's halves read after it */
	} cases[] = {
		{ "address, low", 0, 4, 0x12345678, 0x12345678, UINT64_C(1) << 32 },
		{ "address, high", 4, 4, 0xabcd, 0xabcd12345678, UINT64_C(1) << 32 },
		{ "both at once", 0, 8, UINT64_C(0x1122334455667788), UINT64_C(0x1122334455667788),
		  UINT64_C(1) << 32 },
		{ "the lowest two bits are no address", 0, 1, 0xff, UINT64_C(0x11223344556677fc),
		  UINT64_C(1) << 32 },
		{ "a half of it", 6, 2, 0xbeef, UINT64_C(0xbeef3344556677fc), UINT64_C(1) << 32 },
		{ "data", 8, 4, 0xcafe, UINT64_C(0xbeef3344556677fc), 0x10000cafe },
		{ "a byte of data", 0xb, 1, 0x99, UINT64_C(0xbeef3344556677fc), 0x19900cafe },
		{ "unmask, reserved bits stay zero", 12, 4, 0xfffffffe,
		  UINT64_C(0xbeef3344556677fc), 0x9900cafe },
		{ "data and mask at once", 8, 8, UINT64_C(0x100000007),
		  UINT64_C(0xbeef3344556677fc), 0x100000007 },
		{ "a byte of the control", 12, 1, 0, UINT64_C(0xbeef3344556677fc), 7 },
	};
	struct world w;

	(void)state;
	start(&w, fake_add_nvme);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t entry = TABLE + 16 * 64;

		print_message("%s\n", cases[i].why);
		vfio_bar_write(w.dev, 0, entry + cases[i].offset, cases[i].len, cases[i].value);
		assert_true(vfio_bar_read(w.dev, 0, entry, 8) == cases[i].low);
		assert_true(vfio_bar_read(w.dev, 0, entry + 8, 8) == cases[i].high);
		assert_true(vfio_bar_read(w.dev, 0, entry + 4, 2) == (cases[i].low >> 32 & 0xffff));
	}
	assert_true(vfio_bar_read(w.dev, 0, TABLE + 16 * 63, 8) == 0);
	stop(&w);
}

static void test_interrupt_before_the_driver_is_held_and_fires_once_on_enable(void **state)
{
	struct world w;

	(void)state;
	start(&w, fake_add_nvme);
	assert_int_equal(take(&w, 3), VFIO_TAKE_OFF);
	assert_true(pba(&w, 0) == 8);
	program(&w, 3);
	assert_int_equal(w.nr_released, 0);
	control(&w, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	assert_int_equal(w.nr_released, 0);
	control(&w, PCI_MSIX_FLAGS_ENABLE);
	assert_int_equal(w.nr_released, 1);
	assert_int_equal(w.vectors[0], 3);
	assert_true(w.messages[0].address == ADDRESS);
	assert_int_equal(w.messages[0].data, 103);
	assert_true(pba(&w, 0) == 0);
	control(&w, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	control(&w, PCI_MSIX_FLAGS_ENABLE);
	assert_int_equal(w.nr_released, 1);
	assert_int_equal(take(&w, 3), VFIO_TAKE_DELIVER);
	stop(&w);
}

static void test_masked_vector_latches_in_the_pba_and_fires_on_unmask(void **state)
{
	struct world w;

	(void)state;
	start(&w, fake_add_nvme);
	program(&w, 64);
	control(&w, PCI_MSIX_FLAGS_ENABLE);
	assert_int_equal(take(&w, 64), VFIO_TAKE_DELIVER);
	mask(&w, 64, 1);
	assert_int_equal(take(&w, 64), VFIO_TAKE_HELD);
	assert_int_equal(take(&w, 64), VFIO_TAKE_HELD);
	assert_true(pba(&w, 1) == 1);
	assert_true(vfio_bar_read(w.dev, 0, PBA + 8, 1) == 1);
	assert_true(vfio_bar_read(w.dev, 0, PBA + 12, 4) == 0);
	/* A new message while masked: the release carries it. */
	vfio_bar_write(w.dev, 0, TABLE + 16 * 64 + 8, 4, 777);
	mask(&w, 64, 0);
	assert_int_equal(w.nr_released, 1);
	assert_int_equal(w.vectors[0], 64);
	assert_int_equal(w.messages[0].data, 777);
	assert_true(pba(&w, 1) == 0);
	mask(&w, 64, 1);
	mask(&w, 64, 0);
	assert_int_equal(w.nr_released, 1);
	stop(&w);
}

static void test_function_mask_holds_all_and_releases_those_that_wait(void **state)
{
	struct world w;

	(void)state;
	start(&w, fake_add_nvme);
	for (unsigned i = 0; i < 65; i++)
		program(&w, i);
	control(&w, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	mask(&w, 2, 1);
	for (unsigned i = 0; i < 65; i += 2)
		assert_int_equal(take(&w, i), VFIO_TAKE_HELD);
	assert_true(pba(&w, 0) == UINT64_C(0x5555555555555555));
	assert_true(pba(&w, 1) == 1);
	/* The upper byte of the register alone. */
	vfio_cfgspace_write(w.dev, MSIX + PCI_MSIX_FLAGS + 1, 1, 0x80);
	assert_int_equal(w.nr_released, 32);
	for (unsigned i = 0; i < w.nr_released; i++)
		assert_int_equal(w.messages[i].data, 100 + w.vectors[i]);
	assert_true(pba(&w, 0) == 4);
	mask(&w, 2, 0);
	assert_int_equal(w.nr_released, 33);
	stop(&w);
}

/* Choice: one that is written while unmasked takes effect with each write. */
static void test_message_written_while_unmasked_takes_effect_with_each_write(void **state)
{
	struct msi_message message;
	struct world w;

	(void)state;
	start(&w, fake_add_nvme);
	program(&w, 0);
	control(&w, PCI_MSIX_FLAGS_ENABLE);
	vfio_bar_write(w.dev, 0, TABLE + 8, 4, 5);
	assert_int_equal(vfio_vector_take(w.dev, 0, &message), VFIO_TAKE_DELIVER);
	assert_int_equal(message.data, 5);
	vfio_bar_write(w.dev, 0, TABLE, 8, UINT64_C(0x99aabbcc00000040));
	assert_int_equal(vfio_vector_take(w.dev, 0, &message), VFIO_TAKE_DELIVER);
	assert_true(message.address == UINT64_C(0x99aabbcc00000040));
	stop(&w);
}

static void test_reset_forgets_what_waited_and_masks_all(void **state)
{
	enum vfio_reset_step failed;
	struct world w;

	(void)state;
	start(&w, fake_add_nvme);
	for (unsigned i = 0; i < 65; i++)
		program(&w, i);
	control(&w, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	assert_int_equal(take(&w, 1), VFIO_TAKE_HELD);
	fake_signal(w.fn, 2);
	assert_int_equal(vfio_device_reset(w.dev, &failed), 0);
	assert_true(pba(&w, 0) == 0);
	/* That is its reader's, who counts. */
	assert_true(readable(vfio_vector_eventfd(w.dev, 2)));
	assert_int_equal(w.fn->nr_enabled, 65);
	assert_true(vfio_bar_read(w.dev, 0, TABLE + 16, 8) == 0);
	assert_true(vfio_bar_read(w.dev, 0, TABLE + 24, 8) == UINT64_C(1) << 32);
	control(&w, PCI_MSIX_FLAGS_ENABLE);
	mask(&w, 1, 0);
	assert_int_equal(w.nr_released, 0);
	stop(&w);
}

static void test_unsound_msix_falls_back_to_msi(void **state)
{
	static const struct {
		const char *why;
		uint32_t table, pba;
	} cases[] = {
		{ "table in a BAR of I/O ports", 0x00000002, 0x00002003 },
		{ "table in no BAR", 0x00000004, 0x00002003 },
		{ "reserved BAR number", 0x00000006, 0x00002003 },
		{ "table runs over the BAR's end", 0x00003fc3, 0x00002003 },
		{ "table far beyond", 0xfffffff3, 0x00002003 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct world w;

		print_message("%s\n", cases[i].why);
		fake_init(&w.fake);
		w.fn = fake_add_e1000e(&w.fake, BDF, 1);
		fake_set_cfgspace(w.fn, 0xa4, 4, cases[i].table);
		fake_set_cfgspace(w.fn, 0xa8, 4, cases[i].pba);
		open_it(&w);
		assert_int_equal(vfio_device_irq_kind(w.dev), VFIO_IRQ_KIND_MSI);
		assert_int_equal(vfio_device_nr_vectors(w.dev), 1);
		stop(&w);
	}
}

/* --- MSI ----------------------------------------------------------------- */

static void msi_flags(struct world *w, uint32_t value)
{
	vfio_cfgspace_write(w->dev, FULL_MSI + PCI_MSI_FLAGS, 2, value);
}

static void msi_message(struct world *w, uint64_t address, uint32_t data)
{
	vfio_cfgspace_write(w->dev, FULL_MSI + PCI_MSI_ADDRESS_LO, 4, (uint32_t)address);
	vfio_cfgspace_write(w->dev, FULL_MSI + PCI_MSI_ADDRESS_HI, 4, (uint32_t)(address >> 32));
	vfio_cfgspace_write(w->dev, FULL_MSI + PCI_MSI_DATA_64, 2, data);
}

static void expect_deliver(struct world *w, unsigned vector, uint32_t data)
{
	struct msi_message message = { 0 };

	assert_int_equal(vfio_vector_take(w->dev, vector, &message), VFIO_TAKE_DELIVER);
	assert_true(message.address == UINT64_C(0x123408090040));
	assert_int_equal(message.data, data);
}

static void test_msi_vectors_share_a_message_and_differ_in_low_data_bits(void **state)
{
	struct world w;

	(void)state;
	start(&w, fake_add_full);
	assert_int_equal(vfio_device_irq_kind(w.dev), VFIO_IRQ_KIND_MSI);
	assert_int_equal(vfio_device_nr_vectors(w.dev), 8);
	/* Eight vectors, 64 bits, masks; nothing enabled. */
	assert_int_equal(vfio_cfgspace_read(w.dev, FULL_MSI + PCI_MSI_FLAGS, 2), 0x0186);
	msi_message(&w, UINT64_C(0x123408090040), 0xab57);
	msi_flags(&w, PCI_MSI_FLAGS_ENABLE | 3 << 4);
	for (unsigned i = 0; i < 8; i++)
		expect_deliver(&w, i, 0xab50 | i);
	stop(&w);
}

/* Choice: vectors beyond those that the guest enables fold onto the ones it has. */
static void test_msi_vectors_beyond_those_enabled_fold(void **state)
{
	static const struct {
		unsigned order, data[8];
	} cases[] = {
		{ 0, { 7, 7, 7, 7, 7, 7, 7, 7 } },
		{ 1, { 6, 7, 6, 7, 6, 7, 6, 7 } },
		{ 2, { 4, 5, 6, 7, 4, 5, 6, 7 } },
		/* Choice: more than the function has, or a reserved value, enables all. */
		{ 5, { 0, 1, 2, 3, 4, 5, 6, 7 } },
		{ 7, { 0, 1, 2, 3, 4, 5, 6, 7 } },
	};
	struct world w;

	(void)state;
	start(&w, fake_add_full);
	msi_message(&w, UINT64_C(0x123408090040), 7);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		msi_flags(&w, PCI_MSI_FLAGS_ENABLE | cases[i].order << 4);
		for (unsigned k = 0; k < 8; k++)
			expect_deliver(&w, k, cases[i].data[k]);
	}
	stop(&w);
}

static void test_msi_mask_bits_hold_and_pending_bits_show_it(void **state)
{
	struct msi_message message;
	struct world w;

	(void)state;
	start(&w, fake_add_full);
	msi_message(&w, UINT64_C(0x123408090040), 0);
	msi_flags(&w, PCI_MSI_FLAGS_ENABLE | 3 << 4);
	vfio_cfgspace_write(w.dev, FULL_MSI + PCI_MSI_MASK_64, 4, 0xffffff24);
	assert_int_equal(vfio_cfgspace_read(w.dev, FULL_MSI + PCI_MSI_MASK_64, 4), 0x24);
	assert_int_equal(vfio_vector_take(w.dev, 2, &message), VFIO_TAKE_HELD);
	assert_int_equal(vfio_vector_take(w.dev, 5, &message), VFIO_TAKE_HELD);
	expect_deliver(&w, 3, 3);
	assert_int_equal(vfio_cfgspace_read(w.dev, FULL_MSI + PCI_MSI_PENDING_64, 4), 0x24);
	assert_int_equal(vfio_cfgspace_read(w.dev, FULL_MSI + PCI_MSI_PENDING_64, 1), 0x24);
	assert_int_equal(vfio_cfgspace_read(w.dev, FULL_MSI + PCI_MSI_PENDING_64 + 2, 2), 0);
	vfio_cfgspace_write(w.dev, FULL_MSI + PCI_MSI_PENDING_64, 4, 0);
	vfio_cfgspace_write(w.dev, FULL_MSI + PCI_MSI_MASK_64, 1, 0x20);
	assert_int_equal(w.nr_released, 1);
	assert_int_equal(w.vectors[0], 2);
	assert_int_equal(w.messages[0].data, 2);
	assert_int_equal(vfio_cfgspace_read(w.dev, FULL_MSI + PCI_MSI_PENDING_64, 4), 0x20);
	vfio_cfgspace_write(w.dev, FULL_MSI + PCI_MSI_MASK_64, 4, 0);
	assert_int_equal(w.nr_released, 2);
	stop(&w);
}

static void test_msi_of_32_vectors_has_32_mask_and_pending_bits(void **state)
{
	struct msi_message message;
	struct world w;

	(void)state;
	fake_init(&w.fake);
	w.fn = fake_add_full(&w.fake, BDF, 1);
	fake_set_cfgspace(w.fn, FULL_MSI + PCI_MSI_FLAGS, 2, 0x018a);
	w.fn->irqs[1] = 32;
	open_it(&w);
	assert_int_equal(vfio_device_nr_vectors(w.dev), 32);
	msi_message(&w, UINT64_C(0x123408090040), 0xffe0);
	msi_flags(&w, PCI_MSI_FLAGS_ENABLE | 5 << 4);
	vfio_cfgspace_write(w.dev, FULL_MSI + PCI_MSI_MASK_64, 4, 0xffffffff);
	assert_int_equal(vfio_cfgspace_read(w.dev, FULL_MSI + PCI_MSI_MASK_64, 4), 0xffffffff);
	assert_int_equal(vfio_vector_take(w.dev, 31, &message), VFIO_TAKE_HELD);
	assert_int_equal(vfio_cfgspace_read(w.dev, FULL_MSI + PCI_MSI_PENDING_64, 4), 0x80000000);
	vfio_cfgspace_write(w.dev, FULL_MSI + PCI_MSI_MASK_64 + 3, 1, 0x7f);
	assert_int_equal(w.nr_released, 1);
	assert_int_equal(w.messages[0].data, 0xffff);
	stop(&w);
}

static void test_msi_of_32_bits_without_masks_keeps_its_layout(void **state)
{
	struct msi_message message;
	struct world w;

	(void)state;
	fake_init(&w.fake);
	w.fn = fake_add_edu(&w.fake, BDF, 1);
	/* Two vectors, 32 bits. */
	fake_set_cfgspace(w.fn, 0x42, 2, 0x0002);
	w.fn->irqs[1] = 2;
	open_it(&w);
	vfio_cfgspace_write(w.dev, 0x40 + PCI_MSI_ADDRESS_LO, 4, 0x8090043);
	vfio_cfgspace_write(w.dev, 0x40 + PCI_MSI_DATA_32, 4, 0xffff0010);
	vfio_cfgspace_write(w.dev, 0x40 + PCI_MSI_MASK_32, 4, 0xffffffff);
	assert_int_equal(vfio_cfgspace_read(w.dev, 0x40 + PCI_MSI_DATA_32, 4), 0x10);
	assert_int_equal(vfio_cfgspace_read(w.dev, 0x40 + PCI_MSI_MASK_32, 4), 0);
	assert_int_equal(vfio_vector_take(w.dev, 1, &message), VFIO_TAKE_OFF);
	vfio_cfgspace_write(w.dev, 0x40, 4, 0x00110000);
	assert_int_equal(w.nr_released, 1);
	assert_true(w.messages[0].address == 0x8090040);
	assert_int_equal(w.messages[0].data, 0x11);
	stop(&w);
}

static void test_msi_of_64_bits_without_masks_has_no_mask_register(void **state)
{
	struct world w;

	(void)state;
	start(&w, fake_add_edu);
	assert_int_equal(vfio_cfgspace_read(w.dev, 0x42, 2), 0x0080);
	vfio_cfgspace_write(w.dev, 0x40 + PCI_MSI_MASK_64, 4, 0xffffffff);
	assert_int_equal(vfio_cfgspace_read(w.dev, 0x40 + PCI_MSI_MASK_64, 4), 0);
	assert_int_equal(vfio_cfgspace_read(w.dev, 0x40 + PCI_MSI_PENDING_64, 4), 0);
	stop(&w);
}

/* --- both sides at once, through the device ------------------------------ */

#define RACE_VECTORS 5u
#define MEETINGS     500u
#define ROUNDS_MAX   20000000u

struct race {
	struct world w;
	_Atomic unsigned released[RACE_VECTORS];
	_Atomic unsigned wrong;
	_Atomic bool stop;
	unsigned signalled[RACE_VECTORS], delivered[RACE_VECTORS], held, sent;
};

static void race_released(void *ctx, unsigned vector, const struct msi_message *message)
{
	struct race *race = ctx;

	if (message->address != ADDRESS || message->data != 100 + vector)
		atomic_fetch_add(&race->wrong, 1);
	atomic_fetch_add(&race->released[vector], 1);
}

static const struct vfio_device_ops race_ops = { .vector_released = race_released };

/* The router: each vector in turn; one that is held is waited for. */
static void *router(void *arg)
{
	struct race *race = arg;

	for (unsigned i = 0; i < ROUNDS_MAX; i++) {
		unsigned vector = i % RACE_VECTORS;
		unsigned before = atomic_load(&race->released[vector]);
		struct msi_message message;

		if (race->held >= MEETINGS && race->sent >= MEETINGS)
			break;
		race->signalled[vector]++;
		if (vfio_vector_take(race->w.dev, vector, &message) == VFIO_TAKE_DELIVER) {
			race->delivered[vector]++;
			race->sent++;
			if (message.address != ADDRESS || message.data != 100 + vector)
				atomic_fetch_add(&race->wrong, 1);
			if (i % 64 == 0)
				sched_yield();
			continue;
		}
		race->held++;
		while (atomic_load(&race->released[vector]) == before)
			sched_yield();
	}
	atomic_store(&race->stop, true);
	return NULL;
}

/* One vCPU switches masks of vectors, another the whole function. */
static void *masks_vectors(void *arg)
{
	struct race *race = arg;

	for (unsigned i = 0; !atomic_load(&race->stop); i++) {
		unsigned vector = i % RACE_VECTORS;

		mask(&race->w, vector, 1);
		vfio_bar_write(race->w.dev, 0, TABLE + 16 * vector, 8, ~ADDRESS);
		vfio_bar_write(race->w.dev, 0, TABLE + 16 * vector + 8, 4, 0);
		(void)pba(&race->w, 0);
		sched_yield();
		program(&race->w, vector);
		sched_yield();
	}
	return NULL;
}

static void *masks_function(void *arg)
{
	struct race *race = arg;

	for (unsigned i = 0; !atomic_load(&race->stop); i++) {
		control(&race->w, i % 2 ? PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL : 0);
		sched_yield();
		control(&race->w, PCI_MSIX_FLAGS_ENABLE);
		sched_yield();
	}
	return NULL;
}

static void test_router_and_two_vcpus_lose_and_double_nothing(void **state)
{
	void *(*const sides[])(void *) = { router, masks_vectors, masks_function };
	static struct race race;
	pthread_t threads[3];

	(void)state;
	start(&race.w, fake_add_nvme);
	vfio_device_set_ops(race.w.dev, &race_ops, &race);
	for (unsigned i = 0; i < RACE_VECTORS; i++)
		program(&race.w, i);
	control(&race.w, PCI_MSIX_FLAGS_ENABLE);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, sides[i], &race), 0);
	for (unsigned i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(race.wrong, 0);
	assert_true(race.held >= MEETINGS);
	assert_true(race.sent >= MEETINGS);
	assert_true(pba(&race.w, 0) == 0);
	for (unsigned i = 0; i < RACE_VECTORS; i++) {
		print_message("vector %u: %u signalled, %u delivered, %u released\n", i,
			      race.signalled[i], race.delivered[i], race.released[i]);
		assert_int_equal(race.delivered[i] + race.released[i], race.signalled[i]);
	}
	stop(&race.w);
}

static void test_each_change_of_a_vector_is_told_after_what_it_released(void **state)
{
	struct msi_message message = { 0 };
	struct world w;

	(void)state;
	start(&w, fake_add_nvme);
	program(&w, 5);
	assert_true(w.nr_changed > 0);
	assert_false(vfio_vector_message(w.dev, 5, &message));
	w.nr_changed = 0;
	/* Enabling changes all of them; only number 5 has no mask of its own. */
	control(&w, PCI_MSIX_FLAGS_ENABLE);
	assert_int_equal(w.nr_changed, 65);
	for (unsigned i = 0; i < 65; i++) {
		assert_int_equal(w.changed[i], i);
		assert_int_equal(w.sends[i], i == 5);
	}
	assert_true(vfio_vector_message(w.dev, 5, &message));
	assert_true(message.address == ADDRESS);
	assert_int_equal(message.data, 105);

	w.nr_changed = 0;
	mask(&w, 5, 1);
	assert_int_equal(w.nr_changed, 1);
	assert_false(w.sends[0]);
	/* Writing what is there already changes nothing. */
	mask(&w, 5, 1);
	assert_int_equal(w.nr_changed, 1);
	assert_int_equal(take(&w, 5), VFIO_TAKE_HELD);
	w.nr_changed = w.nr_released = 0;
	mask(&w, 5, 0);
	assert_int_equal(w.nr_released, 1);
	assert_int_equal(w.nr_changed, 1);
	assert_int_equal(w.released_before[0], 1);
	assert_true(w.sends[0]);
	stop(&w);
}

static void test_reset_by_the_guest_tells_of_all_vectors(void **state)
{
	struct world w;

	(void)state;
	start(&w, fake_add_full);
	w.nr_changed = 0;
	vfio_cfgspace_write(w.dev, FULL_AF + PCI_AF_CTRL, 1, PCI_AF_CTRL_FLR);
	assert_int_equal(w.fn->resets, 2);
	assert_int_equal(w.nr_changed, vfio_device_nr_vectors(w.dev));
	for (unsigned i = 0; i < w.nr_changed; i++) {
		assert_int_equal(w.changed[i], i);
		assert_false(w.sends[i]);
	}
	stop(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors_are_enabled_once_at_create_with_an_eventfd_each),
		cmocka_unit_test(test_no_guest_access_touches_the_hosts_vectors),
		cmocka_unit_test(test_entries_start_masked_and_empty),
		cmocka_unit_test(test_table_takes_dwords_quadwords_and_parts),
		cmocka_unit_test(test_interrupt_before_the_driver_is_held_and_fires_once_on_enable),
		cmocka_unit_test(test_masked_vector_latches_in_the_pba_and_fires_on_unmask),
		cmocka_unit_test(test_function_mask_holds_all_and_releases_those_that_wait),
		cmocka_unit_test(test_message_written_while_unmasked_takes_effect_with_each_write),
		cmocka_unit_test(test_reset_forgets_what_waited_and_masks_all),
		cmocka_unit_test(test_unsound_msix_falls_back_to_msi),
		cmocka_unit_test(test_msi_vectors_share_a_message_and_differ_in_low_data_bits),
		cmocka_unit_test(test_msi_vectors_beyond_those_enabled_fold),
		cmocka_unit_test(test_msi_mask_bits_hold_and_pending_bits_show_it),
		cmocka_unit_test(test_msi_of_32_vectors_has_32_mask_and_pending_bits),
		cmocka_unit_test(test_msi_of_32_bits_without_masks_keeps_its_layout),
		cmocka_unit_test(test_msi_of_64_bits_without_masks_has_no_mask_register),
		cmocka_unit_test(test_each_change_of_a_vector_is_told_after_what_it_released),
		cmocka_unit_test(test_reset_by_the_guest_tells_of_all_vectors),
		cmocka_unit_test(test_router_and_two_vcpus_lose_and_double_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
