// SPDX-License-Identifier: MIT
/*
 * Which part of a function's configuration space a guest sees, and what its
 * writes do: tables of registers (PCI Local Bus 3.0 chapter 6, PCI Express Base
 * 5.0 chapter 7), applied to an image of the function's own space. What no table
 * names is hidden: it reads as zero, and the lists of capabilities leave it out.
 * Capabilities keep their offsets, since some drivers do not walk the list.
 *
 * Hidden on purpose, beside what is unknown:
 *   AER, DPC, PTM, LTR, L1SS, DLF, lanes	the host's to handle, with the link
 *   ARI, SR-IOV, MR-IOV, ACS, multicast, VC	they configure buses or make functions
 *   ATS, PRI, PASID				need an IOMMU that the guest does not have
 *   Resizable BAR, EA				sizes of BARs are fixed when it is opened
 *   TPH					its table lies in the MSI-X table's place
 *   HT, AGP, PCI-X, SATA index/data		no use to a guest of today
 *
 * No lock: it runs once, at set-up.
 */
#include "vfio/cfgspace.h"

#include <assert.h>
#include <linux/pci_regs.h>
#include <string.h>

#include "vfio/fail.h"

/* A capability takes a dword at least (0x40 to 0xff), an extended one two (from 0x100). */
#define STD_CAPS_MAX ((CFGSPACE_SIZE_PCI - PCI_STD_HEADER_SIZEOF) / 4)
#define EXT_CAPS_MAX ((CFGSPACE_SIZE - CFGSPACE_SIZE_PCI) / 8)

#define STATUS_ERRORS                                                                    \
	(PCI_STATUS_PARITY | PCI_STATUS_SIG_TARGET_ABORT | PCI_STATUS_REC_TARGET_ABORT | \
	 PCI_STATUS_REC_MASTER_ABORT | PCI_STATUS_SIG_SYSTEM_ERROR | PCI_STATUS_DETECTED_PARITY)

/*
 * The header of type 0. BARs are added by their sizes, Command's effects are in
 * access.c. Header Type reads as zero: whether a function has siblings is for
 * those to say who place it on a bus. Interrupt Pin, and Interrupt Status, are there where the
 * function has INTx.
 */
static const struct cfgspace_field header_fields[] = {
	{ PCI_VENDOR_ID, 2, .show = 0xffff },
	{ PCI_DEVICE_ID, 2, .show = 0xffff },
	{ PCI_COMMAND, 2,
	  .keep = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_PARITY | PCI_COMMAND_SERR |
		  PCI_COMMAND_INTX_DISABLE },
	{ PCI_STATUS, 2, .show = PCI_STATUS_66MHZ | PCI_STATUS_FAST_BACK | PCI_STATUS_DEVSEL_MASK,
	  .live = STATUS_ERRORS, .pass = STATUS_ERRORS },
	{ PCI_CLASS_REVISION, 4, .show = 0xffffffff },
	{ PCI_CACHE_LINE_SIZE, 1, .keep = 0xff },
	{ PCI_SUBSYSTEM_VENDOR_ID, 4, .show = 0xffffffff },
	{ PCI_INTERRUPT_LINE, 1, .keep = 0xff },
	{ PCI_MIN_GNT, 2, .show = 0xffff },
};

/*
 * Choice: power states are virtual. In D3 an access to a BAR would end
 * the process that has it mapped, so the guest's D-state is only kept and shown, and the
 * function itself stays in D0. NoSoftRst says that D3 to D0 resets nothing; no D1, no
 * D2, no PME.
 */
static const struct cfgspace_field pm_fields[] = {
	{ PCI_PM_PMC, 2, .show = PCI_PM_CAP_VER_MASK | PCI_PM_CAP_DSI },
	{ PCI_PM_CTRL, 2, .set = PCI_PM_CTRL_NO_SOFT_RESET, .keep = PCI_PM_CTRL_STATE_MASK },
};

/*
 * Choice: VPD can be read and not written: the flag that asks for a write is
 * always written as zero, since what a guest wrote would outlive it in the device.
 */
static const struct cfgspace_field vpd_fields[] = {
	{ PCI_VPD_ADDR, 2, .live = 0xffff, .pass = PCI_VPD_ADDR_MASK },
	{ PCI_VPD_DATA, 4, .live = 0xffffffff },
};

/* The last row counts only where the capability has mask bits: see apply_msi(). */
static const struct cfgspace_field msi32_fields[] = {
	{ PCI_MSI_FLAGS, 2,
	  .show = PCI_MSI_FLAGS_QMASK | PCI_MSI_FLAGS_64BIT | PCI_MSI_FLAGS_MASKBIT,
	  .keep = PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE },
	{ PCI_MSI_ADDRESS_LO, 4, .keep = 0xfffffffc },
	{ PCI_MSI_DATA_32, 2, .keep = 0xffff },
	{ PCI_MSI_MASK_32, 4, .keep = 0xffffffff },
};
static const struct cfgspace_field msi64_fields[] = {
	{ PCI_MSI_FLAGS, 2,
	  .show = PCI_MSI_FLAGS_QMASK | PCI_MSI_FLAGS_64BIT | PCI_MSI_FLAGS_MASKBIT,
	  .keep = PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE },
	{ PCI_MSI_ADDRESS_LO, 4, .keep = 0xfffffffc },
	{ PCI_MSI_ADDRESS_HI, 4, .keep = 0xffffffff },
	{ PCI_MSI_DATA_64, 2, .keep = 0xffff },
	{ PCI_MSI_MASK_64, 4, .keep = 0xffffffff },
};

static const struct cfgspace_field msix_fields[] = {
	{ PCI_MSIX_FLAGS, 2, .show = PCI_MSIX_FLAGS_QSIZE,
	  .keep = PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL },
	{ PCI_MSIX_TABLE, 4, .show = 0xffffffff },
	{ PCI_MSIX_PBA, 4, .show = 0xffffffff },
};

/*
 * PCI Express. Where the function sits on the guest's root bus, its type becomes
 * Root Complex Integrated Endpoint, which has no link registers; link and slot
 * are the host's. Behind a root port of the guest's it is an Endpoint, and shows
 * how fast and wide the host's link is: cfgspace_show_link().
 *
 * Choice: of Device Control, only Relaxed Ordering and the read request size
 * reach the function; payload size and extended tags must agree with the host's
 * bridges, error reporting is the host's, and No Snoop would break a guest that
 * is told that DMA is coherent. The guest reads back what it wrote.
 */
#define EXP_DEVCTL_PASS (PCI_EXP_DEVCTL_RELAX_EN | PCI_EXP_DEVCTL_READRQ)
#define EXP_DEVCTL_KEEP                                                                       \
	(EXP_DEVCTL_PASS | PCI_EXP_DEVCTL_CERE | PCI_EXP_DEVCTL_NFERE | PCI_EXP_DEVCTL_FERE | \
	 PCI_EXP_DEVCTL_URRE | PCI_EXP_DEVCTL_PAYLOAD | PCI_EXP_DEVCTL_EXT_TAG |              \
	 PCI_EXP_DEVCTL_NOSNOOP_EN)
#define EXP_DEVSTA_ERRORS \
	(PCI_EXP_DEVSTA_CED | PCI_EXP_DEVSTA_NFED | PCI_EXP_DEVSTA_FED | PCI_EXP_DEVSTA_URD)
#define EXP_TIMEOUT (PCI_EXP_DEVCTL2_COMP_TIMEOUT | PCI_EXP_DEVCTL2_COMP_TMOUT_DIS)

static const struct cfgspace_field exp_fields[] = {
	{ PCI_EXP_FLAGS, 2, .show = PCI_EXP_FLAGS_VERS | PCI_EXP_FLAGS_IRQ,
	  .set = PCI_EXP_TYPE_RC_END << 4 },
	{ PCI_EXP_DEVCAP, 4,
	  .show = PCI_EXP_DEVCAP_PAYLOAD | PCI_EXP_DEVCAP_EXT_TAG | PCI_EXP_DEVCAP_RBER |
		  PCI_EXP_DEVCAP_FLR },
	{ PCI_EXP_DEVCTL, 2, .show = EXP_DEVCTL_KEEP, .keep = EXP_DEVCTL_KEEP,
	  .pass = EXP_DEVCTL_PASS, .hold = 0xffff & ~PCI_EXP_DEVCTL_BCR_FLR },
	{ PCI_EXP_DEVSTA, 2, .live = EXP_DEVSTA_ERRORS | PCI_EXP_DEVSTA_TRPND,
	  .pass = EXP_DEVSTA_ERRORS },
	{ PCI_EXP_DEVCAP2, 4, .show = PCI_EXP_DEVCAP2_COMP_TMOUT_DIS | 0xf },
	{ PCI_EXP_DEVCTL2, 2, .show = EXP_TIMEOUT, .keep = EXP_TIMEOUT, .pass = EXP_TIMEOUT,
	  .hold = 0xffff },
};

/* Advanced Features: Function Level Reset of conventional PCI; access.c does it. */
static const struct cfgspace_field af_fields[] = {
	{ PCI_AF_LENGTH, 1, .show = 0xff },
	{ PCI_AF_CAP, 1, .show = PCI_AF_CAP_TP | PCI_AF_CAP_FLR },
	{ PCI_AF_STATUS, 1, .live = PCI_AF_STATUS_TP },
};

static const struct cfgspace_field dsn_fields[] = {
	{ 4, 4, .show = 0xffffffff },
	{ 8, 4, .show = 0xffffffff },
};

/*
 * A capability that is shown. Without fields it is passed through as it is, except for
 * its header; its length is in itself then.
 *
 * Choice: vendor-specific capabilities are passed through, both ways. Their
 * registers are between the function and its driver (virtio lays out its BARs
 * there), and the IOMMU, not the absence of a register, confines the function.
 */
struct cap_rule {
	uint16_t id;
	uint8_t header; /* bytes of it that are never passed through */
	const struct cfgspace_field *fields;
	unsigned nr_fields;
};

#define FIELDS(table) table, ARRAY_SIZE(table)

static const struct cap_rule std_rules[] = {
	{ PCI_CAP_ID_PM, 2, FIELDS(pm_fields) },     { PCI_CAP_ID_VPD, 2, FIELDS(vpd_fields) },
	{ PCI_CAP_ID_MSI, 2, FIELDS(msi32_fields) }, { PCI_CAP_ID_VNDR, 3, NULL, 0 },
	{ PCI_CAP_ID_EXP, 2, FIELDS(exp_fields) },   { PCI_CAP_ID_MSIX, 2, FIELDS(msix_fields) },
	{ PCI_CAP_ID_AF, 2, FIELDS(af_fields) },
};

static const struct cap_rule ext_rules[] = {
	{ PCI_EXT_CAP_ID_DSN, 4, FIELDS(dsn_fields) },
	{ PCI_EXT_CAP_ID_VNDR, 8, NULL, 0 },
};

/* Where a capability begins, and what it must not reach: the next one, or the end. */
struct cap_place {
	const struct cap_rule *rule;
	unsigned pos, end;
};

static const struct cap_rule *find_rule(const struct cap_rule *rules, unsigned nr, unsigned id)
{
	for (unsigned i = 0; i < nr; i++) {
		if (rules[i].id == id)
			return &rules[i];
	}
	return NULL;
}

static void apply_field(struct vfio_cfgspace *cfg, const uint8_t *image, unsigned base,
			const struct cfgspace_field *field)
{
	unsigned at = base + field->offset, width = field->width;
	uint32_t value = (cfgspace_get(image, at, width) & field->show) | field->set;

	assert(at + width <= cfg->size);
	cfgspace_put(cfg->initial, at, width, value);
	cfgspace_put(cfg->keep, at, width, field->keep);
	cfgspace_put(cfg->live, at, width, field->live);
	cfgspace_put(cfg->pass, at, width, field->pass);
	cfgspace_put(cfg->hold, at, width, field->hold);
}

static void apply_fields(struct vfio_cfgspace *cfg, const uint8_t *image,
			 const struct cap_place *place, const struct cfgspace_field *fields,
			 unsigned nr)
{
	for (unsigned i = 0; i < nr; i++) {
		if (place->pos + fields[i].offset + fields[i].width <= place->end)
			apply_field(cfg, image, place->pos, &fields[i]);
	}
}

/* Every access goes to the function's own bytes. */
static void apply_raw(struct vfio_cfgspace *cfg, const uint8_t *image,
		      const struct cap_place *place, unsigned len)
{
	unsigned end = place->pos + len;

	if (end > place->end)
		end = place->end;
	for (unsigned at = place->pos; at < end; at++) {
		bool header = at < place->pos + place->rule->header;

		cfg->initial[at] = image[at];
		cfg->live[at] = header ? 0 : 0xff;
		cfg->pass[at] = header ? 0 : 0xff;
		cfg->hold[at] = 0xff;
	}
}

/* Which rows of MSI: those of its layout; the mask register only where it has one. */
static void apply_msi(struct vfio_cfgspace *cfg, const uint8_t *image,
		      const struct cap_place *place)
{
	uint32_t flags = cfgspace_get(image, place->pos + PCI_MSI_FLAGS, 2);
	bool wide = flags & PCI_MSI_FLAGS_64BIT, masks = flags & PCI_MSI_FLAGS_MASKBIT;
	unsigned vectors = 1u << ((flags & PCI_MSI_FLAGS_QMASK) >> 1);
	unsigned at = place->pos + (wide ? PCI_MSI_MASK_64 : PCI_MSI_MASK_32);

	if (wide)
		apply_fields(cfg, image, place, msi64_fields, ARRAY_SIZE(msi64_fields) - !masks);
	else
		apply_fields(cfg, image, place, msi32_fields, ARRAY_SIZE(msi32_fields) - !masks);
	if (masks && at + 4 <= place->end && vectors < 32)
		cfgspace_put(cfg->keep, at, 4, (1u << vectors) - 1);
}

/* In version 1, an endpoint's capability ends before Device Capabilities 2. */
static void apply_exp(struct vfio_cfgspace *cfg, const uint8_t *image,
		      const struct cap_place *place)
{
	uint32_t flags = cfgspace_get(image, place->pos + PCI_EXP_FLAGS, 2);
	struct cap_place known = *place;

	if ((flags & PCI_EXP_FLAGS_VERS) < 2 && known.end > known.pos + PCI_EXP_SLTCAP)
		known.end = known.pos + PCI_EXP_SLTCAP;
	apply_fields(cfg, image, &known, exp_fields, ARRAY_SIZE(exp_fields));
	cfg->exp = (uint16_t)place->pos;
	if (known.end < known.pos + PCI_EXP_SLTCAP)
		return;
	cfg->link_cap = cfgspace_get(image, place->pos + PCI_EXP_LNKCAP, 4) &
			(PCI_EXP_LNKCAP_SLS | PCI_EXP_LNKCAP_MLW);
	cfg->link_status = (uint16_t)(cfgspace_get(image, place->pos + PCI_EXP_LNKSTA, 2) &
				      (PCI_EXP_LNKSTA_CLS | PCI_EXP_LNKSTA_NLW));
}

static void apply_std_cap(struct vfio_cfgspace *cfg, const uint8_t *image,
			  const struct cap_place *place)
{
	switch (place->rule->id) {
	case PCI_CAP_ID_VNDR:
		apply_raw(cfg, image, place, image[place->pos + 2]);
		return;
	case PCI_CAP_ID_MSI:
		apply_msi(cfg, image, place);
		cfg->msi = (uint16_t)place->pos;
		return;
	case PCI_CAP_ID_MSIX:
		cfg->msix = (uint16_t)place->pos;
		break;
	case PCI_CAP_ID_EXP:
		apply_exp(cfg, image, place);
		return;
	case PCI_CAP_ID_AF:
		cfg->af = (uint16_t)place->pos;
		break;
	default:
		break;
	}
	apply_fields(cfg, image, place, place->rule->fields, place->rule->nr_fields);
}

/* Where a capability must end: where the next one begins, shown or not, or at end. */
static unsigned reach(const uint16_t *all, unsigned nr, unsigned pos, unsigned end)
{
	for (unsigned i = 0; i < nr; i++) {
		if (all[i] > pos && all[i] < end)
			end = all[i];
	}
	return end;
}

/* The offsets of all standard capabilities: each once, even if the list is circular. */
static unsigned list_std(const uint8_t *image, uint16_t all[STD_CAPS_MAX])
{
	bool seen[CFGSPACE_SIZE_PCI] = { false };
	unsigned pos, nr = 0;

	if (!(cfgspace_get(image, PCI_STATUS, 2) & PCI_STATUS_CAP_LIST))
		return 0;
	pos = image[PCI_CAPABILITY_LIST] & ~3u;
	while (pos >= PCI_STD_HEADER_SIZEOF && !seen[pos]) {
		assert(nr < STD_CAPS_MAX);
		seen[pos] = true;
		all[nr++] = (uint16_t)pos;
		pos = image[pos + PCI_CAP_LIST_NEXT] & ~3u;
	}
	return nr;
}

unsigned cfgspace_find_cap(const uint8_t *image, uint8_t id)
{
	uint16_t all[STD_CAPS_MAX];
	unsigned nr = list_std(image, all);

	for (unsigned i = 0; i < nr; i++) {
		if (image[all[i]] == id)
			return all[i];
	}
	return 0;
}

static bool shows(const struct vfio_cfgspace *cfg, const struct cfgspace_choice *choice,
		  unsigned id)
{
	switch (id) {
	case PCI_CAP_ID_MSI:
		return choice->msi && !cfg->msi;
	case PCI_CAP_ID_MSIX:
		return choice->msix && !cfg->msix;
	case PCI_CAP_ID_EXP:
		return !cfg->exp;
	case PCI_CAP_ID_AF:
		return choice->reset && !cfg->af;
	default:
		return true;
	}
}

static void build_std(struct vfio_cfgspace *cfg, const uint8_t *image,
		      const struct cfgspace_choice *choice)
{
	uint16_t all[STD_CAPS_MAX];
	unsigned nr = list_std(image, all), link = PCI_CAPABILITY_LIST;

	for (unsigned i = 0; i < nr; i++) {
		const struct cap_rule *rule =
			find_rule(std_rules, ARRAY_SIZE(std_rules), image[all[i]]);
		const struct cap_place place = { rule, all[i],
						 reach(all, nr, all[i], CFGSPACE_SIZE_PCI) };

		if (!rule || !shows(cfg, choice, rule->id))
			continue;
		apply_std_cap(cfg, image, &place);
		cfg->initial[place.pos] = (uint8_t)rule->id;
		cfg->initial[link] = (uint8_t)place.pos;
		link = place.pos + PCI_CAP_LIST_NEXT;
		cfg->initial[link] = 0;
		cfg->initial[PCI_STATUS] |= PCI_STATUS_CAP_LIST;
	}
	if (cfg->exp && !choice->reset)
		cfg->initial[cfg->exp + PCI_EXP_DEVCAP + 3] &=
			(uint8_t) ~(PCI_EXP_DEVCAP_FLR >> 24);
}

static unsigned list_ext(const uint8_t *image, uint16_t all[EXT_CAPS_MAX])
{
	bool seen[CFGSPACE_SIZE / 4] = { false };
	unsigned pos = CFGSPACE_SIZE_PCI, nr = 0;

	while (pos >= CFGSPACE_SIZE_PCI && pos + 8 <= CFGSPACE_SIZE && !seen[pos / 4] &&
	       nr < EXT_CAPS_MAX) {
		seen[pos / 4] = true;
		all[nr++] = (uint16_t)pos;
		pos = PCI_EXT_CAP_NEXT(cfgspace_get(image, pos, 4));
	}
	return nr;
}

/*
 * Let the header at from lead on to the one at to. The first header stays at 0x100 even
 * if its capability is hidden; its id is 0 then, a null capability (PCI Express Base 5.0,
 * 7.9.28), which software skips.
 */
static void link_ext(struct vfio_cfgspace *cfg, unsigned from, unsigned to)
{
	uint32_t header = cfgspace_get(cfg->initial, from, 4) & 0xfffff;

	cfgspace_put(cfg->initial, from, 4, header | to << 20);
}

static void build_ext(struct vfio_cfgspace *cfg, const uint8_t *image)
{
	uint16_t all[EXT_CAPS_MAX];
	unsigned nr = list_ext(image, all), link = CFGSPACE_SIZE_PCI;

	for (unsigned i = 0; i < nr; i++) {
		uint32_t header = cfgspace_get(image, all[i], 4);
		const struct cap_rule *rule =
			find_rule(ext_rules, ARRAY_SIZE(ext_rules), PCI_EXT_CAP_ID(header));
		const struct cap_place place = { rule, all[i],
						 reach(all, nr, all[i], CFGSPACE_SIZE) };

		if (!rule)
			continue;
		if (rule->fields)
			apply_fields(cfg, image, &place, rule->fields, rule->nr_fields);
		else
			apply_raw(cfg, image, &place,
				  PCI_VNDR_HEADER_LEN(cfgspace_get(image, all[i] + 4, 4)));
		cfgspace_put(cfg->initial, place.pos, 4, header & 0xfffff);
		if (place.pos != link)
			link_ext(cfg, link, place.pos);
		link = place.pos;
	}
}

void cfgspace_build(struct vfio_cfgspace *cfg, const uint8_t *image, unsigned size,
		    const struct cfgspace_choice *choice)
{
	assert(size == CFGSPACE_SIZE || size == CFGSPACE_SIZE_PCI);
	memset(cfg, 0, sizeof(*cfg));
	cfg->size = size;
	for (unsigned i = 0; i < ARRAY_SIZE(header_fields); i++)
		apply_field(cfg, image, 0, &header_fields[i]);
	cfg->initial[PCI_INTERRUPT_PIN] = (uint8_t)choice->pin;
	if (choice->pin)
		cfg->live[PCI_STATUS] |= PCI_STATUS_INTERRUPT;
	build_std(cfg, image, choice);
	/* Extended capabilities belong to PCI Express functions. */
	if (size == CFGSPACE_SIZE && cfg->exp)
		build_ext(cfg, image);
	memcpy(cfg->value, cfg->initial, sizeof(cfg->value));
}

static void show(struct vfio_cfgspace *cfg, unsigned at, unsigned width, uint32_t value)
{
	cfgspace_put(cfg->initial, at, width, value);
	cfgspace_put(cfg->value, at, width, value);
}

void cfgspace_show_link(struct vfio_cfgspace *cfg)
{
	uint32_t flags = cfgspace_get(cfg->initial, cfg->exp + PCI_EXP_FLAGS, 2);

	if (!cfg->exp)
		return;
	show(cfg, cfg->exp + PCI_EXP_FLAGS, 2,
	     (flags & ~(uint32_t)PCI_EXP_FLAGS_TYPE) | PCI_EXP_TYPE_ENDPOINT << 4);
	/* One that ends before them has none to show. */
	if (!cfg->link_cap)
		return;
	show(cfg, cfg->exp + PCI_EXP_LNKCAP, 4, cfg->link_cap);
	show(cfg, cfg->exp + PCI_EXP_LNKSTA, 2, cfg->link_status);
}

void cfgspace_show_pin(struct vfio_cfgspace *cfg, unsigned pin)
{
	show(cfg, PCI_INTERRUPT_PIN, 1, pin);
}
