// SPDX-License-Identifier: MIT
/*
 * Hostile acts on PCI functions: edu (MSI, DMA) and an NVMe disk (MSI-X). PCI Local Bus 3.0:
 * 6.2.5 (BARs), 6.8 (MSI, MSI-X).
 *
 * Spared is what would end the emulated devices themselves: edu's DMA registers outside act_dma(),
 * accesses to its BAR of less than 32 bits, and the disk's registers of queues and resets.
 */
#include "lib/acts.h"
#include "lib/arch.h"
#include "lib/its.h"
#include "lib/odd.h"
#include "lib/payload.h"
#include "vitsmod/bits.h"

#define UNDECODED	(PCI_COMMAND_MASTER | PCI_COMMAND_NOINTX)
#define FUNCTION_SZ	4096u
#define MSIX_ENTRY_SZ	16u
#define MSIX_CONTROL	2u
#define MSIX_ENABLE	0x8000u
#define MSIX_MASK_ALL	0x4000u
#define COMMON		(LAYOUT_PCI32 + 0x20000000) /* where BARs of both are put over each other */
#define FIRST_REGISTERS 0x08u			    /* of the header, behind command and status */
#define HEADER_END	0x40u

static bool in_window32(uint64_t at)
{
	return at - LAYOUT_PCI32 < LAYOUT_PCI32_SZ;
}

/* One read or write of 1 << log2 bytes, at an address that is aligned to them. */
static void access(uint64_t at, unsigned log2, bool write, uint64_t value)
{
	switch (log2 + (write ? 4 : 0)) {
	case 0:
		(void)read8(at);
		break;
	case 1:
		(void)read16(at);
		break;
	case 2:
		(void)read32(at);
		break;
	case 3:
		(void)read64(at);
		break;
	case 4:
		write8(at, (uint8_t)value);
		break;
	case 5:
		write16(at, (uint16_t)value);
		break;
	case 6:
		write32(at, (uint32_t)value);
		break;
	default:
		write64(at, value);
		break;
	}
}

static uint64_t any_value(struct attacker *a)
{
	return below(a, 4) ? below(a, ~UINT64_C(0)) : ~UINT64_C(0);
}

static void access_once(struct attacker *a, uint64_t at, bool write)
{
	unsigned log2 = (unsigned)below(a, 4);

	access(at & ~((UINT64_C(1) << log2) - 1), log2, write, any_value(a));
}

/* The 8 bytes on both sides, in each width, read and written; `spared` bytes from there on are read
 * only. */
static void access_around(struct attacker *a, uint64_t edge, unsigned spared)
{
	/* Where edu's BAR may be. */
	unsigned narrowest = in_window32(edge - 8) || in_window32(edge) ? 2 : 0;

	for (unsigned log2 = narrowest; log2 < 4; log2++) {
		for (uint64_t at = edge - 8; at < edge + 8; at += UINT64_C(1) << log2) {
			access(at, log2, false, 0);
			if (at - edge >= spared)
				access(at, log2, true, any_value(a));
		}
	}
}

/* ---- configuration space --------------------------------------------------------------- */

static const struct pci_function *any_function(struct attacker *a)
{
	return below(a, 2) ? &field.edu.fn : &field.disk.fn;
}

/* All of edu's registers; of the disk's those that neither reset it nor take its memory away. */
bool act_config(struct attacker *a)
{
	const struct pci_function *fn = any_function(a);
	uint64_t base = LAYOUT_ECAM + fn->devfn * FUNCTION_SZ;
	uint64_t at = base + below(a, below(a, 2) ? 0x100 : FUNCTION_SZ);

	if (fn == &field.edu.fn)
		access_once(a, at, true);
	else
		access_once(a, base + FIRST_REGISTERS + below(a, HEADER_END - FIRST_REGISTERS),
			    true);
	access_once(a, at, false);
	return true;
}

static struct target ecam_edges[] = {
	{ "of_ecam", LAYOUT_ECAM, { 0 }, false },
	{ "of_ecam_end", LAYOUT_ECAM + LAYOUT_ECAM_SZ, { 0 }, false },
	{ "of_edu", 0, { 0 }, false },
	{ "of_edu_end", 0, { 0 }, false },
	{ "of_disk", 0, { 0 }, false },
	{ "of_disk_end", 0, { 0 }, false },
	{ "of_a_function", 0, { 0 }, false },
};

static void place_ecam_edges(void)
{
	const unsigned devfns[] = { field.edu.fn.devfn, field.disk.fn.devfn };

	for (size_t i = 0; i < ARRAY_SIZE(devfns); i++) {
		ecam_edges[2 + 2 * i].at = LAYOUT_ECAM + devfns[i] * FUNCTION_SZ;
		ecam_edges[3 + 2 * i].at = LAYOUT_ECAM + (devfns[i] + 1) * FUNCTION_SZ;
	}
}

/* The first and the last bytes of the space, of the functions, and of one that need not be there.
 */
bool act_ecam_edges(struct attacker *a)
{
	struct target *target = &ecam_edges[below(a, ARRAY_SIZE(ecam_edges))];
	uint64_t at = target->at ? target->at : LAYOUT_ECAM + below(a, 256) * FUNCTION_SZ;

	access_around(a, at,
		      at == LAYOUT_ECAM + field.disk.fn.devfn * FUNCTION_SZ ? FIRST_REGISTERS : 0);
	/* Unaligned ones reach the VMM through a mapping as memory. */
	for (unsigned i = 1; i < 8; i++)
		(void)read64(field.alias + at - i);
	odd_accesses[below(a, nr_odd_accesses)].access(at);
	target->done[a->cpu]++;
	return true;
}

/* ---- BARs ---------------------------------------------------------------------------------- */

static struct target bar_edges[] = {
	{ "of_edu_bar", 0, { 0 }, false },
	{ "of_edu_bar_end", 0, { 0 }, false },
	{ "of_disk_bar", 0, { 0 }, false },
	{ "of_disk_bar_end", 0, { 0 }, false },
	{ "of_msix_table", 0, { 0 }, false },
	{ "of_msix_table_end", 0, { 0 }, false },
	{ "of_pba", 0, { 0 }, false },
	{ "of_pba_end", 0, { 0 }, false },
	{ "of_common", COMMON, { 0 }, false },
	{ "of_common_end", 0, { 0 }, false },
	{ "of_ports", LAYOUT_PCI_IO, { 0 }, false },
	{ "of_ports_end", LAYOUT_PCI_IO + LAYOUT_PCI_IO_SZ, { 0 }, false },
	{ "of_window32", LAYOUT_PCI32, { 0 }, false },
	{ "of_window32_end", LAYOUT_PCI32 + LAYOUT_PCI32_SZ, { 0 }, false },
	{ "of_window64", LAYOUT_PCI64, { 0 }, false },
	{ "of_window64_end", LAYOUT_PCI64 + LAYOUT_PCI64_SZ, { 0 }, false },
};

static void place_bar_edges(void)
{
	const struct pci_function *edu = &field.edu.fn, *disk = &field.disk.fn;
	const uint64_t at[] = {
		edu->bar[0],	  edu->bar[0] + edu->bar_sz[0],
		disk->bar[0],	  disk->bar[0] + disk->bar_sz[0],
		disk->msix_table, disk->msix_table + MSIX_ENTRY_SZ * disk->msix_nr,
		disk->msix_pba,	  disk->msix_pba + (disk->msix_nr + 63) / 64 * 8,
		COMMON,		  COMMON + disk->bar_sz[0],
	};

	for (size_t i = 0; i < ARRAY_SIZE(at); i++)
		bar_edges[i].at = at[i];
}

/* The first bytes of BARs, tables and windows, the last ones, and those outside. */
bool act_bar_edges(struct attacker *a)
{
	struct target *target = &bar_edges[below(a, ARRAY_SIZE(bar_edges))];

	access_around(a, target->at, 0);
	if (target->at == field.disk.fn.msix_table)
		odd_accesses[below(a, nr_odd_accesses)].access(target->at);
	target->done[a->cpu]++;
	return true;
}

static struct target bar_targets[] = {
	{ "onto_ram", LAYOUT_RAM, { 0 }, false },
	{ "onto_payload", 0, { 0 }, false },
	{ "onto_uart", LAYOUT_UART, { 0 }, false },
	{ "onto_gits", LAYOUT_GITS & ~UINT64_C(0xfffff), { 0 }, false },
	{ "onto_gits_frame", LAYOUT_GITS, { 0 }, false },
	{ "onto_gicd", LAYOUT_GICD, { 0 }, false },
	{ "onto_gicr", LAYOUT_GICR, { 0 }, false },
	{ "onto_ecam", LAYOUT_ECAM, { 0 }, false },
	{ "onto_kernel_its_frame", LAYOUT_KERNEL_ITS_FRAME, { 0 }, false },
	{ "onto_kernel_its_tables", LAYOUT_KERNEL_ITS_MEM, { 0 }, false },
	{ "onto_each_other", COMMON, { 0 }, false },
	{ "onto_ports", LAYOUT_PCI_IO, { 0 }, false },
	{ "onto_window_begin", LAYOUT_PCI32, { 0 }, false },
	{ "onto_window_end", LAYOUT_PCI32 + LAYOUT_PCI32_SZ - 0x2000, { 0 }, false },
	{ "onto_nothing", 0, { 0 }, false },
	{ "onto_top", 0xfff00000, { 0 }, false },
};

/* While it is decoded or not, the upper half now and then a number that no window has. */
bool act_move_bar(struct attacker *a)
{
	const struct pci_function *fn = any_function(a);
	struct target *target = &bar_targets[below(a, ARRAY_SIZE(bar_targets))];
	bool off = below(a, 2);

	if (off)
		pci_write16(fn->devfn, PCI_COMMAND, UNDECODED);
	pci_write32(fn->devfn, PCI_BAR(0), (uint32_t)target->at);
	if (fn == &field.disk.fn)
		pci_write32(fn->devfn, PCI_BAR(1), (uint32_t)below(a, 4) / 3 * 0x80);
	pci_write16(fn->devfn, PCI_COMMAND, UNDECODED | PCI_COMMAND_MEMORY);
	if (target->at == LAYOUT_UART)
		(void)read8(LAYOUT_UART + 5);
	else
		(void)read32(target->at);
	(void)read32(fn->bar[0] + 8);
	target->done[a->cpu]++;
	return true;
}

bool act_put_back(struct attacker *a)
{
	pci_put_back(any_function(a));
	return true;
}

bool act_decoding(struct attacker *a)
{
	const struct pci_function *fn = any_function(a);

	for (unsigned n = 0; n < 4; n++) {
		pci_write16(fn->devfn, PCI_COMMAND, UNDECODED | (n % 2 ? PCI_COMMAND_MEMORY : 0));
		(void)read32(fn->bar[0] + 8);
	}
	return true;
}

/* ---- messages ------------------------------------------------------------------------------- */

static uint64_t any_message_address(struct attacker *a)
{
	const uint64_t addresses[] = {
		ITS_DOORBELL,	  LAYOUT_KERNEL_ITS_FRAME + GITS_TRANSLATER,
		LAYOUT_RAM,	  0,
		~UINT64_C(3),	  LAYOUT_GICD + 0x40,
		ITS_DOORBELL + 4,
	};

	return addresses[below(a, 2) ? 0 : below(a, ARRAY_SIZE(addresses))];
}

bool act_msi(struct attacker *a)
{
	pci_msi_off(&field.edu.fn);
	if (below(a, 2))
		edu_raise(&field.edu);
	pci_msi_on(&field.edu.fn, any_message_address(a), (uint16_t)below(a, EVENTS + 2));
	return true;
}

bool act_raise(struct attacker *a)
{
	for (uint64_t n = below(a, 4); n < 4; n++)
		edu_raise(&field.edu);
	edu_acknowledge(&field.edu);
	return true;
}

static uint32_t pair_locks[DISK_VECTORS];
static volatile bool busy[DISK_VECTORS];
static struct target fired = { "completed", 0, { 0 }, false };

/* Have a vector interrupt, and take the completion of the time before. What got lost is asked for
 * again. */
bool act_fire(struct attacker *a)
{
	unsigned pair = (unsigned)below(a, DISK_VECTORS);
	bool done = false;

	if (!spin_try_lock(&pair_locks[pair]))
		return false;
	if (busy[pair] && nvme_is_done(&field.disk, pair)) {
		busy[pair] = !nvme_try_reap(&field.disk, pair);
		done = true;
		fired.done[a->cpu]++;
	} else if (busy[pair]) {
		nvme_submit(&field.disk, pair);
	}
	if (!busy[pair]) {
		nvme_work(&field.disk, pair);
		busy[pair] = true;
		done = true;
	}
	spin_unlock(&pair_locks[pair]);
	return done;
}

/* Message and mask, whole and in parts of all widths; of the vectors that fire more than of others.
 */
bool act_msix_entry(struct attacker *a)
{
	const struct pci_function *disk = &field.disk.fn;
	unsigned vector = (unsigned)below(a, below(a, 4) ? DISK_VECTORS : disk->msix_nr);

	switch (below(a, 4)) {
	case 0:
		access_once(a, disk->msix_table + vector * MSIX_ENTRY_SZ + below(a, MSIX_ENTRY_SZ),
			    true);
		break;
	case 1:
		pci_msix_mask(disk, vector, below(a, 2));
		break;
	default:
		pci_msix_mask(disk, vector, below(a, 2));
		pci_msix_write(disk, vector, any_message_address(a), (uint32_t)below(a, EVENTS));
		pci_msix_mask(disk, vector, below(a, 4) == 0);
		break;
	}
	(void)pci_msix_pending(disk, vector);
	return true;
}

bool act_msix_control(struct attacker *a)
{
	const struct pci_function *disk = &field.disk.fn;
	uint16_t bits = (uint16_t)(below(a, 4) << 14);

	pci_write16(disk->devfn, disk->msix + MSIX_CONTROL, bits);
	pci_write16(disk->devfn, disk->msix + MSIX_CONTROL, MSIX_ENABLE | (bits & MSIX_MASK_ALL));
	pci_write16(disk->devfn, disk->msix + MSIX_CONTROL, MSIX_ENABLE);
	return true;
}

/* ---- DMA ----------------------------------------------------------------------------------------
 */

static uint32_t dma_lock;
static struct target *storing; /* where edu's buffer is on the way to; NULL: it is being filled */
static volatile uint64_t landed;

/* The emulated SMMU reports each word that it refused on its own, and the emulated host stands
 * still meanwhile. */
#define REFUSED_SZ 64u

/* The sealed ones, and what is no RAM, are nothing that the device can reach. */
static struct target dma_targets[] = {
	{ "into_landing", 0, { 0 }, false },
	{ "into_device_table", 0, { 0 }, false },
	{ "into_collection_table", 0, { 0 }, false },
	{ "into_queue", 0, { 0 }, false },
	{ "into_itt", 0, { 0 }, false },
	{ "into_scrap", 0, { 0 }, false },
	{ "into_end_of_ram", 0, { 0 }, false },
	{ "into_sealed_frame", LAYOUT_KERNEL_ITS_FRAME, { 0 }, true },
	{ "into_sealed_tables", LAYOUT_KERNEL_ITS_MEM, { 0 }, true },
	{ "into_nothing", BEYOND_RAM, { 0 }, true },
};

static void place_dma_targets(void)
{
	const uint64_t at[] = {
		field.ground + GROUND_LANDING,
		field.devices,
		field.collections,
		its_queue(),
		field.scratch_itt,
		field.ground + GROUND_SCRAP,
		field.ram_end - (EDU_DMA_MAX - REFUSED_SZ),
	};

	for (size_t i = 0; i < ARRAY_SIZE(at); i++)
		dma_targets[i].at = at[i];
}

static bool next_transfer(struct attacker *a)
{
	uint64_t forged = field.ground + GROUND_FORGED, landing = field.ground + GROUND_LANDING;
	static size_t stores; /* in turn, for there are few in a minute */
	size_t n = stores % ARRAY_SIZE(dma_targets);

	if (storing) {
		storing = NULL;
		landed += read64(landing) != 0;
		write64(landing, 0);
		forge_words(a, forged, 64);
		forge_commands(a, forged + 64 * 8, 64);
		return edu_dma_try_load(&field.edu, forged, EDU_DMA_MAX);
	}
	if (!edu_dma_try_store(&field.edu, dma_targets[n].at,
			       dma_targets[n].is_refused ? REFUSED_SZ : EDU_DMA_MAX))
		return false;
	stores++;
	storing = &dma_targets[n];
	storing->done[a->cpu]++;
	return true;
}

/* A transfer takes 100 ms: the one that is under way is left to itself. */
bool act_dma(struct attacker *a)
{
	bool done;

	if (!spin_try_lock(&dma_lock))
		return false;
	done = edu_dma_is_over(&field.edu) && next_transfer(a);
	spin_unlock(&dma_lock);
	return done;
}

void wait_for_dma(void)
{
	CHECK(WAIT_UNTIL(edu_dma_is_over(&field.edu), PATIENCE_MS), "edu's DMA does not end");
	for (unsigned pair = 0; pair < DISK_VECTORS; pair++)
		busy[pair] = false;
}

void place_targets(void)
{
	place_ecam_edges();
	place_bar_edges();
	place_dma_targets();
	/* Code and data of the payload. */
	bar_targets[1].at = address_of(&field) & ~UINT64_C(0xfffff);
}

bool all_places_happened(void)
{
	return all_happened(ecam_edges, ARRAY_SIZE(ecam_edges)) &&
	       all_happened(bar_edges, ARRAY_SIZE(bar_edges)) &&
	       all_happened(bar_targets, ARRAY_SIZE(bar_targets));
}

void say_pci_facts(void)
{
	say_targets("edge", ecam_edges, ARRAY_SIZE(ecam_edges));
	say_targets("edge", bar_edges, ARRAY_SIZE(bar_edges));
	say_targets("bar", bar_targets, ARRAY_SIZE(bar_targets));
	say_targets("dma", dma_targets, ARRAY_SIZE(dma_targets));
	fact("dma_landed", landed);
	say_targets("fire", &fired, 1);
}
