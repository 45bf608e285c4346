// SPDX-License-Identifier: MIT
/*
 * Fuzzes what a function says of itself before a guest sees it: its configuration
 * space, and what of a BAR can be mapped (vfio/cfgspace.h, vfio/bar.h).
 *
 * Input: u8	bit 0: MSI is shown, bit 1: MSI-X, bit 2: reset, bit 3: 4096 bytes
 *	u8	the BAR: bits 4:0 its size as a power of two, bits 7:5 spans that can
 *		be mapped; for each of those and of two that are trapped u8 its first
 *		page, u8 its number of pages
 *	then the image in parts: u16 offset, u8 length, bytes.
 *
 * The lists of capabilities that a guest walks end, and hold what is known; the
 * pieces of a BAR cover it, and none that is mapped can be trapped.
 */
#include <linux/pci_regs.h>

#include "tests/fuzz/input.h"
#include "vfio/bar.h"
#include "vitsmod/bits.h"

#define PAGE	  UINT64_C(4096)
#define MAX_SPANS 8u

/*
 * Configuration space
 */

static void check_std_list(const struct vfio_cfgspace *cfg)
{
	static const uint8_t shown[] = { PCI_CAP_ID_PM,	  PCI_CAP_ID_VPD, PCI_CAP_ID_MSI,
					 PCI_CAP_ID_VNDR, PCI_CAP_ID_EXP, PCI_CAP_ID_MSIX,
					 PCI_CAP_ID_AF };
	unsigned at = cfg->value[PCI_CAPABILITY_LIST], nr = 0;

	assert(!at == !(cfg->value[PCI_STATUS] & PCI_STATUS_CAP_LIST));
	for (; at; at = cfg->value[at + PCI_CAP_LIST_NEXT]) {
		assert(at >= PCI_STD_HEADER_SIZEOF);
		assert(at % 4 == 0);
		assert(++nr <= 48);
		assert(memchr(shown, cfg->value[at], sizeof(shown)));
	}
}

static void check_ext_list(const struct vfio_cfgspace *cfg)
{
	unsigned at = CFGSPACE_SIZE_PCI, nr = 0;

	while (cfg->size == CFGSPACE_SIZE && at) {
		uint32_t header = cfgspace_get(cfg->value, at, 4);

		assert(at >= CFGSPACE_SIZE_PCI);
		assert(at % 4 == 0);
		assert(++nr <= 480);
		at = header >> 20;
	}
}

static void check_bits(const struct vfio_cfgspace *cfg)
{
	for (unsigned i = 0; i < CFGSPACE_SIZE; i++) {
		bool beyond = i >= cfg->size;

		assert(!(cfg->keep[i] & cfg->live[i]));
		assert(!beyond || !(cfg->keep[i] | cfg->live[i] | cfg->pass[i]));
		assert(cfg->value[i] == cfg->initial[i]);
	}
	/* Decoding and mastering are never handed on as they are. */
	assert(!(cfg->pass[PCI_COMMAND] | cfg->pass[PCI_COMMAND + 1]));
}

static void check_cfgspace(struct input *in, uint8_t flags)
{
	const struct cfgspace_choice choice = {
		.msi = (flags & 3) == 1,
		.msix = flags & 2,
		.reset = flags & 4,
	};
	uint8_t image[CFGSPACE_SIZE] = { 0 };
	struct vfio_cfgspace cfg;
	unsigned cap;

	while (input_left(in)) {
		unsigned offset = input_u16(in) % CFGSPACE_SIZE;
		size_t len = input_u8(in);
		const uint8_t *bytes;

		if (len > CFGSPACE_SIZE - offset)
			len = CFGSPACE_SIZE - offset;
		bytes = input_bytes(in, len, &len);
		memcpy(image + offset, bytes, len);
	}
	cfgspace_build(&cfg, image, flags & 8 ? CFGSPACE_SIZE : CFGSPACE_SIZE_PCI, &choice);
	check_std_list(&cfg);
	check_ext_list(&cfg);
	check_bits(&cfg);
	assert(choice.msi || !cfg.msi);
	assert(choice.msix || !cfg.msix);
	cap = cfgspace_find_cap(image, PCI_CAP_ID_MSIX);
	assert(!cap || image[cap] == PCI_CAP_ID_MSIX);
}

/*
 * BARs
 */

static void take_spans(struct input *in, struct bar_span *spans, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		uint64_t first = input_u8(in);

		spans[i] = (struct bar_span){ first * PAGE, (first + 1 + input_u8(in)) * PAGE };
	}
}

static bool inside_any(const struct bar_spans *spans, uint64_t at)
{
	for (size_t i = 0; i < spans->nr; i++) {
		if (at >= spans->spans[i].first && at < spans->spans[i].end)
			return true;
	}
	return false;
}

static void check_piece(const struct vfio_bar_piece *piece, const struct bar_spans *mappable,
			const struct bar_spans *trapped)
{
	if (!piece->map)
		return;
	assert(piece->offset % PAGE == 0);
	assert(piece->size % PAGE == 0);
	for (uint64_t at = piece->offset; at < piece->offset + piece->size; at += PAGE) {
		assert(inside_any(mappable, at));
		assert(!inside_any(trapped, at));
	}
}

static void check_bar(struct input *in)
{
	uint8_t what = input_u8(in);
	struct bar_span areas[MAX_SPANS], traps[2];
	const struct bar_spans mappable = { areas, what >> 5 },
			       trapped = { traps, ARRAY_SIZE(traps) };
	struct vfio_bar bar = { .present = true, .size = BIT64(4 + (what & 0x1f) % 20) };
	uint64_t at = 0;

	take_spans(in, areas, mappable.nr);
	take_spans(in, traps, trapped.nr);
	bar_cut(&bar, PAGE, &mappable, &trapped);
	assert(bar.nr_pieces >= 1);
	assert(bar.nr_pieces <= VFIO_BAR_MAX_PIECES);
	for (size_t i = 0; i < bar.nr_pieces; i++) {
		assert(bar.pieces[i].offset == at);
		assert(bar.pieces[i].size > 0);
		check_piece(&bar.pieces[i], &mappable, &trapped);
		at += bar.pieces[i].size;
	}
	assert(at == bar.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };
	uint8_t flags = input_u8(&in);

	check_bar(&in);
	check_cfgspace(&in, flags);
	return 0;
}
