// SPDX-License-Identifier: MIT
/*
 * Functions for the fake VFIO: configuration spaces as QEMU's devices have them
 * after a reset, and one that has what those have not; and what a device does by itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/vfio/vfio_fake.h"

/* A word of an image. */
struct image_word {
	uint16_t offset, len;
	uint32_t value;
};

static void put_words(struct fake_function *fn, const struct image_word *words, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		fake_set_cfgspace(fn, words[i].offset, words[i].len, words[i].value);
}

#define WORDS(table) table, sizeof(table) / sizeof((table)[0])

static struct fake_function *add(struct fake_vfio *fake, const char *bdf, int group)
{
	struct fake_function *fn = &fake->functions[fake->nr_functions];
	uint16_t command = PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER |
			   PCI_COMMAND_PARITY | PCI_COMMAND_SERR | PCI_COMMAND_INTX_DISABLE;
	uint16_t errors = 0xf900;

	assert_true(fake->nr_functions < FAKE_FUNCTIONS);
	fake->nr_functions++;
	memset(fn, 0, sizeof(*fn));
	fn->bdf = bdf;
	fn->group = group;
	fn->driver = "vfio-pci";
	fn->fd = -1;
	for (size_t i = 0; i < NR_VFIO_NOTICES; i++)
		fn->notices[i] = -1;
	fn->can_reset = true;
	fn->cfgspace_size = FAKE_CFGSPACE_SIZE;
	fn->irqs[VFIO_PCI_REQ_IRQ_INDEX] = 1;
	/* As the kernel opens it: decoding, and a driver before may have left mastering on. */
	fake_set_cfgspace(fn, PCI_COMMAND, 2,
			  PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	memcpy(fn->writable + PCI_COMMAND, &command, sizeof(command));
	memcpy(fn->w1c + PCI_STATUS, &errors, sizeof(errors));
	fn->file = memfd_create("regions", MFD_CLOEXEC);
	assert_true(fn->file >= 0);
	assert_int_equal(ftruncate(fn->file, (off_t)FAKE_REGION(VFIO_DEVICE_RANGES)), 0);
	return fn;
}

static void add_bar(struct fake_function *fn, unsigned index, uint64_t size, uint32_t flags)
{
	fake_set_cfgspace(fn, PCI_BASE_ADDRESS_0 + 4 * index, 4, flags);
	fn->bars[index].size = size;
	fn->bars[index].mmap = !(flags & PCI_BASE_ADDRESS_SPACE_IO);
}

static void make_writable(struct fake_function *fn, unsigned offset, unsigned len, uint32_t mask)
{
	memcpy(fn->writable + offset, &mask, len);
}

struct fake_function *fake_add_nvme(struct fake_vfio *fake, const char *bdf, int group)
{
	static const struct image_word words[] = {
		{ 0x00, 4, 0x00101b36 }, { 0x06, 2, 0x0010 },	  { 0x08, 4, 0x01080202 },
		{ 0x2c, 4, 0x11001af4 }, { 0x34, 1, 0x40 },	  { 0x3d, 1, 1 },
		{ 0x40, 4, 0x00408011 }, { 0x44, 4, 0x00002000 }, { 0x48, 4, 0x00003000 },
		{ 0x60, 4, 0x00030001 }, { 0x64, 4, 0x00000008 }, { 0x80, 4, 0x00026010 },
		{ 0x84, 4, 0x10008000 }, { 0x88, 4, 0x00000810 }, { 0x8c, 4, 0x00000c11 },
		{ 0x90, 4, 0x00110000 },
	};
	struct fake_function *fn = add(fake, bdf, group);

	put_words(fn, WORDS(words));
	fn->vendor = 0x1b36;
	fn->device = 0x0010;
	fn->class_code = 0x010802;
	add_bar(fn, 0, 0x4000, PCI_BASE_ADDRESS_MEM_TYPE_64);
	fn->irqs[VFIO_PCI_MSIX_IRQ_INDEX] = 65;
	fn->irqs[VFIO_PCI_ERR_IRQ_INDEX] = 1; /* it is on PCI Express */
	make_writable(fn, 0x88, 2, 0x7fff);
	return fn;
}

struct fake_function *fake_add_e1000e(struct fake_vfio *fake, const char *bdf, int group)
{
	static const struct image_word words[] = {
		{ 0x00, 4, 0x10d38086 },  { 0x06, 2, 0x0010 },	    { 0x08, 4, 0x02000000 },
		{ 0x2c, 4, 0x00008086 },  { 0x34, 1, 0xc8 },	    { 0x3d, 1, 1 },
		{ 0xc8, 4, 0x0022d001 },  { 0xcc, 4, 0x00002000 },  { 0xd0, 4, 0x0080e005 },
		{ 0xe0, 4, 0x0001a010 },  { 0xe4, 4, 0x00008000 },  { 0xa0, 4, 0x00040011 },
		{ 0xa4, 4, 0x00000003 },  { 0xa8, 4, 0x00002003 },  { 0x100, 4, 0x14020001 },
		{ 0x140, 4, 0x00010003 }, { 0x144, 4, 0xff123456 }, { 0x148, 4, 0x525400ff },
	};
	struct fake_function *fn = add(fake, bdf, group);

	put_words(fn, WORDS(words));
	fn->vendor = 0x8086;
	fn->device = 0x10d3;
	fn->class_code = 0x020000;
	add_bar(fn, 0, 0x20000, 0);
	add_bar(fn, 1, 0x20000, 0);
	add_bar(fn, 2, 0x20, PCI_BASE_ADDRESS_SPACE_IO);
	add_bar(fn, 3, 0x4000, 0);
	fn->irqs[VFIO_PCI_MSI_IRQ_INDEX] = 1;
	fn->irqs[VFIO_PCI_MSIX_IRQ_INDEX] = 5;
	return fn;
}

struct fake_function *fake_add_edu(struct fake_vfio *fake, const char *bdf, int group)
{
	static const struct image_word words[] = {
		{ 0x00, 4, 0x11e81234 }, { 0x06, 2, 0x0010 }, { 0x08, 4, 0x00ff0010 },
		{ 0x2c, 4, 0x11001af4 }, { 0x34, 1, 0x40 },   { 0x3d, 1, 1 },
		{ 0x40, 4, 0x00800005 },
	};
	struct fake_function *fn = add(fake, bdf, group);

	put_words(fn, WORDS(words));
	fn->vendor = 0x1234;
	fn->device = 0x11e8;
	fn->class_code = 0x00ff00;
	fn->cfgspace_size = 256;
	fn->can_reset = false;
	add_bar(fn, 0, 0x100000, 0);
	fn->irqs[VFIO_PCI_MSI_IRQ_INDEX] = 1;
	return fn;
}

static void make_full_writable(struct fake_function *fn)
{
	uint16_t errors = 0xf;

	make_writable(fn, FULL_PM + PCI_PM_CTRL, 2, 0x0103);
	make_writable(fn, FULL_VPD + PCI_VPD_ADDR, 2, 0xffff);
	make_writable(fn, FULL_VPD + PCI_VPD_DATA, 4, 0xffffffff);
	for (unsigned i = 4; i < 0x18; i++)
		fn->writable[FULL_VNDR + i] = 0xff;
	for (unsigned i = 8; i < 0x20; i++)
		fn->writable[FULL_VSEC + i] = 0xff;
	make_writable(fn, FULL_EXP + PCI_EXP_DEVCTL, 2, 0x7fff);
	make_writable(fn, FULL_EXP + PCI_EXP_DEVCTL2, 2, 0xffff);
	memcpy(fn->w1c + FULL_EXP + PCI_EXP_DEVSTA, &errors, sizeof(errors));
}

struct fake_function *fake_add_full(struct fake_vfio *fake, const char *bdf, int group)
{
	static const struct image_word words[] = {
		{ 0x00, 4, 0x56781abc },
		{ 0x06, 2, 0x0010 },
		{ 0x08, 4, 0x12000001 },
		{ 0x0e, 1, 0x80 }, /* one of several functions */
		{ 0x2c, 4, 0x00421abc },
		{ 0x30, 4, 0xfff00001 },
		{ 0x34, 1, FULL_PM },
		{ 0x3d, 1, 1 },
		/* D1, D2 and PME from everywhere; in D0 */
		{ FULL_PM, 4, 0xfe230001 | FULL_MSI << 8 },
		/* eight vectors, 64 bits, masks */
		{ FULL_MSI, 4, 0x01860005 | FULL_VPD << 8 },
		{ FULL_VPD, 4, 0x00000003 | FULL_VNDR << 8 },
		{ FULL_VNDR, 4, 0x01180009 | FULL_EXP << 8 },
		{ FULL_VNDR + 4, 4, 0xabcd1234 },
		{ FULL_EXP, 4, 0x00020010 | FULL_HT << 8 },
		{ FULL_EXP + PCI_EXP_DEVCAP, 4, 0x1fffffff },
		{ FULL_EXP + PCI_EXP_DEVCTL, 2, 0x2810 },
		{ FULL_EXP + PCI_EXP_DEVSTA, 2, 0x0021 },
		{ FULL_EXP + PCI_EXP_LNKCAP, 4, 0x0047f883 },
		{ FULL_EXP + PCI_EXP_LNKSTA, 2, 0x1083 },
		{ FULL_EXP + PCI_EXP_DEVCAP2, 4, 0x000d0b9f },
		{ FULL_EXP + PCI_EXP_DEVCTL2, 2, 0x0400 },
		{ FULL_EXP + PCI_EXP_LNKCAP2, 4, 0x0000000e },
		{ FULL_HT, 4, 0xa8000008 | FULL_AF << 8 },
		{ FULL_AF, 4, 0x03060013 },
		{ FULL_AER, 4, 0x00020001 | FULL_DSN << 20 },
		{ FULL_AER + 4, 4, 0xffffffff },
		{ FULL_DSN, 4, 0x00010003 | FULL_SRIOV << 20 },
		{ FULL_DSN + 4, 4, 0x11223344 },
		{ FULL_DSN + 8, 4, 0x55667788 },
		{ FULL_SRIOV, 4, 0x00010010 | FULL_VSEC << 20 },
		{ FULL_SRIOV + 12, 4, 0x00080008 },
		{ FULL_VSEC, 4, 0x0001000b },
		{ FULL_VSEC + 4, 4, 0x02010042 },
		{ FULL_VSEC + 8, 4, 0xfeedface },
	};
	struct fake_function *fn = add(fake, bdf, group);

	put_words(fn, WORDS(words));
	fn->vendor = 0x1abc;
	fn->device = 0x5678;
	fn->class_code = 0x120000;
	add_bar(fn, 0, 0x200000, PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH);
	add_bar(fn, 2, 0x100, 0);
	add_bar(fn, 4, UINT64_C(0x200000000),
		PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH);
	fn->bars[4].mmap = false;
	fn->irqs[VFIO_PCI_MSI_IRQ_INDEX] = 8;
	make_full_writable(fn);
	return fn;
}

/* ---- what tests do to them, and ask of them --------------------------------------- */

void fake_notify(const struct fake_function *fn, enum vfio_notice notice)
{
	uint64_t one = 1;

	assert_true(fn->notices[notice] >= 0);
	assert_int_equal(write(fn->notices[notice], &one, sizeof(one)), sizeof(one));
}

void fake_signal(struct fake_function *fn, unsigned vector)
{
	uint64_t one = 1;

	assert_true(vector < fn->nr_enabled);
	if (fn->eventfds[vector] < 0) {
		fn->pending[vector] = true;
		return;
	}
	assert_int_equal(write(fn->eventfds[vector], &one, sizeof(one)), sizeof(one));
}

uint32_t fake_cfgspace(const struct fake_function *fn, unsigned offset, unsigned len)
{
	uint32_t value = 0;

	memcpy(&value, fn->cfgspace + offset, len);
	return value;
}

void fake_set_cfgspace(struct fake_function *fn, unsigned offset, unsigned len, uint32_t value)
{
	memcpy(fn->cfgspace + offset, &value, len);
}

uint32_t fake_memory(const struct fake_function *fn, unsigned bar, uint64_t offset)
{
	uint32_t value;

	assert_int_equal(pread(fn->file, &value, sizeof(value), (off_t)(FAKE_REGION(bar) + offset)),
			 sizeof(value));
	return value;
}
