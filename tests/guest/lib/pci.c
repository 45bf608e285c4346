// SPDX-License-Identifier: MIT
/*
 * PCI functions on bus 0.
 *
 * Deliberately not here: bridges, I/O space, and giving addresses back.
 */
#include "lib/pci.h"

#include "lib/arch.h"
#include "lib/payload.h"
#include "lib/platform.h"
#include "vitsmod/bits.h"

#define DEVFNS 256u

#define STATUS		0x06u
#define STATUS_HAS_CAPS 0x0010u
#define CAPABILITIES	0x34u
#define CAP_MSI		0x05u
#define CAP_MSIX	0x11u
#define BAR_IO		0x1u
#define BAR_TYPE	0x6u
#define BAR_64		0x4u
#define BAR_FLAGS	UINT64_C(0xf)
#define MSI_CONTROL	2u
#define MSI_ENABLE	0x0001u
#define MSI_64		0x0080u
#define MSI_MANY	0x0070u
#define MSIX_CONTROL	2u
#define MSIX_ENABLE	0x8000u
#define MSIX_MASK_ALL	0x4000u
#define MSIX_TABLE	4u
#define MSIX_PBA	8u
#define MSIX_ENTRY_SZ	16u
#define MSIX_ENTRY_DATA 8u
#define MSIX_ENTRY_MASK 12u

/* How much of each window is taken. */
static uint64_t used32, used64;

static uint64_t config_address(unsigned devfn, unsigned offset)
{
	return platform()->ecam + devfn * 4096u + offset;
}

uint32_t pci_read32(unsigned devfn, unsigned offset)
{
	return read32(config_address(devfn, offset));
}

uint16_t pci_read16(unsigned devfn, unsigned offset)
{
	return read16(config_address(devfn, offset));
}

void pci_write32(unsigned devfn, unsigned offset, uint32_t value)
{
	write32(config_address(devfn, offset), value);
}

void pci_write16(unsigned devfn, unsigned offset, uint16_t value)
{
	write16(config_address(devfn, offset), value);
}

/* ---- finding ---------------------------------------------------------------- */

static unsigned find_capability(unsigned devfn, uint8_t id)
{
	unsigned at = pci_read32(devfn, CAPABILITIES) & 0xfc;

	if (!(pci_read16(devfn, STATUS) & STATUS_HAS_CAPS))
		return 0;
	for (unsigned n = 0; at && n < 48; n++) {
		uint16_t head = pci_read16(devfn, at);

		if ((head & 0xff) == id)
			return at;
		at = head >> 8 & 0xfc;
	}
	return 0;
}

static void look_at(unsigned devfn, struct pci_function *ret_fn)
{
	*ret_fn = (struct pci_function){
		.devfn = devfn,
		.id = pci_read32(devfn, 0),
		.class = pci_read32(devfn, PCI_CLASS) >> 8,
		.msi = find_capability(devfn, CAP_MSI),
		.msix = find_capability(devfn, CAP_MSIX),
	};
	if (ret_fn->msix)
		ret_fn->msix_nr = (pci_read16(devfn, ret_fn->msix + MSIX_CONTROL) & 0x7ffu) + 1;
}

bool pci_at(unsigned devfn, struct pci_function *ret_fn)
{
	if (pci_read16(devfn, 0) == 0xffff)
		return false;
	look_at(devfn, ret_fn);
	return true;
}

static bool find(uint32_t value, bool by_class, unsigned nth, struct pci_function *ret_fn)
{
	for (unsigned devfn = 0; devfn < DEVFNS; devfn++) {
		struct pci_function fn;

		if (!pci_at(devfn, &fn))
			continue;
		if ((by_class ? fn.class : fn.id) != value || nth-- > 0)
			continue;
		*ret_fn = fn;
		return true;
	}
	return false;
}

bool pci_find(uint32_t id, unsigned nth, struct pci_function *ret_fn)
{
	return find(id, false, nth, ret_fn);
}

bool pci_find_class(uint32_t class, unsigned nth, struct pci_function *ret_fn)
{
	return find(class, true, nth, ret_fn);
}

/* ---- BARs ------------------------------------------------------------------- */

static uint64_t read_bar(unsigned devfn, unsigned bar, bool is_64bit)
{
	uint64_t value = pci_read32(devfn, PCI_BAR(bar));

	if (is_64bit)
		value |= (uint64_t)pci_read32(devfn, PCI_BAR(bar + 1)) << 32;
	return value;
}

static void write_bar(unsigned devfn, unsigned bar, bool is_64bit, uint64_t value)
{
	pci_write32(devfn, PCI_BAR(bar), (uint32_t)value);
	if (is_64bit)
		pci_write32(devfn, PCI_BAR(bar + 1), (uint32_t)(value >> 32));
}

/* Returns how many BAR registers it took. */
static unsigned place_bar(struct pci_function *fn, unsigned bar)
{
	uint32_t flags = pci_read32(fn->devfn, PCI_BAR(bar));
	bool is_64bit = !(flags & BAR_IO) && (flags & BAR_TYPE) == BAR_64;
	bool high = is_64bit && platform()->pci64;
	uint64_t window = high ? platform()->pci64 : platform()->pci32;
	uint64_t *used = high ? &used64 : &used32;
	uint64_t ones, size;

	if (flags & BAR_IO)
		return 1;
	write_bar(fn->devfn, bar, is_64bit, ~UINT64_C(0));
	ones = read_bar(fn->devfn, bar, is_64bit) & ~BAR_FLAGS;
	if (!is_64bit && ones)
		ones |= ~UINT64_C(0) << 32;
	size = ~ones + 1;
	if (!ones)
		return 1;
	/* A page of its own for each, whatever the host's pages are. */
	size = size < 0x10000 ? 0x10000 : size;
	fn->bar[bar] = (window + *used + size - 1) & ~(size - 1);
	fn->bar_sz[bar] = ~ones + 1;
	*used = fn->bar[bar] + size - window;
	write_bar(fn->devfn, bar, is_64bit, fn->bar[bar]);
	return is_64bit ? 2 : 1;
}

/* Table and PBA: BAR number in the low bits, offset above. */
static uint64_t locate(const struct pci_function *fn, unsigned register_offset)
{
	uint32_t where = pci_read32(fn->devfn, fn->msix + register_offset);

	return fn->bar[where & 7] + (where & ~7u);
}

static void switch_on(const struct pci_function *fn)
{
	pci_write16(fn->devfn, PCI_COMMAND,
		    PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_NOINTX);
}

void pci_set_up(struct pci_function *fn)
{
	pci_write16(fn->devfn, PCI_COMMAND, 0);
	for (unsigned bar = 0; bar < PCI_BARS;)
		bar += place_bar(fn, bar);
	if (fn->msix) {
		fn->msix_table = locate(fn, MSIX_TABLE);
		fn->msix_pba = locate(fn, MSIX_PBA);
	}
	switch_on(fn);
}

void pci_put_back(const struct pci_function *fn)
{
	pci_write16(fn->devfn, PCI_COMMAND, 0);
	for (unsigned bar = 0; bar < PCI_BARS; bar++) {
		if (!fn->bar[bar])
			continue;
		pci_write32(fn->devfn, PCI_BAR(bar), (uint32_t)fn->bar[bar]);
		if (fn->bar[bar] >> 32)
			pci_write32(fn->devfn, PCI_BAR(bar + 1), (uint32_t)(fn->bar[bar] >> 32));
	}
	switch_on(fn);
}

/* ---- MSI -------------------------------------------------------------------- */

void pci_msi_on(const struct pci_function *fn, uint64_t address, uint16_t data)
{
	uint16_t control = pci_read16(fn->devfn, fn->msi + MSI_CONTROL);
	unsigned data_at = control & MSI_64 ? 12 : 8;

	CHECK(fn->msi, "function 0x%x has no MSI", fn->devfn);
	pci_write32(fn->devfn, fn->msi + 4, (uint32_t)address);
	if (control & MSI_64)
		pci_write32(fn->devfn, fn->msi + 8, (uint32_t)(address >> 32));
	pci_write16(fn->devfn, fn->msi + data_at, data);
	pci_write16(fn->devfn, fn->msi + MSI_CONTROL,
		    (uint16_t)((control & ~MSI_MANY) | MSI_ENABLE));
}

void pci_msi_off(const struct pci_function *fn)
{
	uint16_t control = pci_read16(fn->devfn, fn->msi + MSI_CONTROL);

	pci_write16(fn->devfn, fn->msi + MSI_CONTROL, (uint16_t)(control & ~MSI_ENABLE));
}

/* ---- MSI-X ------------------------------------------------------------------- */

static void change_control(const struct pci_function *fn, uint16_t clear, uint16_t set)
{
	uint16_t control = pci_read16(fn->devfn, fn->msix + MSIX_CONTROL);

	pci_write16(fn->devfn, fn->msix + MSIX_CONTROL, (uint16_t)((control & ~clear) | set));
}

void pci_msix_on(const struct pci_function *fn)
{
	CHECK(fn->msix, "function 0x%x has no MSI-X", fn->devfn);
	change_control(fn, MSIX_MASK_ALL, MSIX_ENABLE);
}

void pci_msix_off(const struct pci_function *fn)
{
	change_control(fn, MSIX_ENABLE, 0);
}

void pci_msix_mask_function(const struct pci_function *fn, bool masked)
{
	change_control(fn, masked ? 0 : MSIX_MASK_ALL, masked ? MSIX_MASK_ALL : 0);
}

void pci_msix_write(const struct pci_function *fn, unsigned vector, uint64_t address, uint32_t data)
{
	uint64_t entry = fn->msix_table + vector * MSIX_ENTRY_SZ;

	write32(entry, (uint32_t)address);
	write32(entry + 4, (uint32_t)(address >> 32));
	write32(entry + MSIX_ENTRY_DATA, data);
}

void pci_msix_mask(const struct pci_function *fn, unsigned vector, bool masked)
{
	write32(fn->msix_table + vector * MSIX_ENTRY_SZ + MSIX_ENTRY_MASK, masked ? 1 : 0);
}

bool pci_msix_pending(const struct pci_function *fn, unsigned vector)
{
	return read64(fn->msix_pba + vector / 64 * 8) >> (vector % 64) & 1;
}
