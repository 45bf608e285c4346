// SPDX-License-Identifier: MIT
/*
 * Hostile acts on the ITS and on LPIs. Arm IHI 0069: 5.2 (tables), 5.3 (commands), 12.11 (GICR_*),
 * 12.18 (GITS_*).
 */
#include "lib/acts.h"
#include "lib/arch.h"
#include "lib/flood.h"
#include "lib/gic.h"
#include "lib/its.h"
#include "lib/payload.h"
#include "vitsmod/bits.h"

#define ENTRY_VALID  BIT64(63) /* of a device or a collection */
#define BAD_OPCODE   0x55u
#define MAX_COMMANDS 16u

/* ---- places, and what is forged there ------------------------------------------------- */

static uint64_t scrap(struct attacker *a)
{
	return field.ground + GROUND_SCRAP + below(a, GROUND_SCRAP_SZ / 0x10000) * 0x10000;
}

/* Where tables, ITTs and queues are led to. */
static uint64_t any_place(struct attacker *a)
{
	const uint64_t places[] = {
		field.edu_itt,
		field.disk_itt,
		field.scratch_itt,
		scrap(a),
		field.devices,
		field.collections,
		its_queue(),
		field.ram_end - 0x10000,
		field.ram_end,
		LAYOUT_RAM - 0x10000,
		BEYOND_RAM,
		LAYOUT_GITS,
		LAYOUT_GICR,
		LAYOUT_UART & ~UINT64_C(0xffff),
		LAYOUT_KERNEL_ITS_FRAME,
		LAYOUT_KERNEL_ITS_MEM,
		UINT64_C(0xfffffffff0000),
		0,
	};

	return places[below(a, ARRAY_SIZE(places))];
}

static uint32_t any_device(struct attacker *a)
{
	const uint32_t devices[] = { field.edu.devid, field.disk.fn.devfn,
				     SCRATCH_DEVID,   SCRATCH_DEVID,
				     0xffff,	      0x10000 };

	return devices[below(a, ARRAY_SIZE(devices))];
}

static uint64_t itt_of(uint32_t devid)
{
	if (devid == field.edu.devid)
		return field.edu_itt;
	return devid == field.disk.fn.devfn ? field.disk_itt : field.scratch_itt;
}

static uint32_t first_lpi_of(uint32_t devid)
{
	if (devid == field.edu.devid)
		return EDU_LPI;
	return devid == field.disk.fn.devfn ? DISK_LPI : SCRATCH_LPI;
}

/*
 * Entries that look right and are not. None is an address in RAM for one who takes it for another
 * kind of entry, or for a command's word: these would be in the payload.
 */
static uint64_t forged_word(struct attacker *a)
{
	switch (below(a, 4)) {
	case 0: /* a device */
		return ENTRY_VALID | FIELD_PREP(MASK64(48, 5), any_place(a) >> 8) | below(a, 32);
	case 1: /* an event */
		return below(a, 256) << 56 | (EDU_LPI + below(a, LPIS + 8)) << 16 | below(a, 5);
	case 2: /* a collection, or a table's second level in ground */
		return ENTRY_VALID | (below(a, 2) ? below(a, 5) << 16 | below(a, 64) : scrap(a));
	default: /* a command's first word */
		return (below(a, 2) ? BAD_OPCODE : below(a, 16)) |
		       FIELD_PREP(GITS_CMD0_DEVID, any_device(a));
	}
}

void forge_words(struct attacker *a, uint64_t at, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++)
		write64(at + 8 * i, forged_word(a));
}

static const uint8_t opcodes[] = {
	GITS_CMD_MAPTI, GITS_CMD_MAPTI, GITS_CMD_INT,	 GITS_CMD_INT,	GITS_CMD_INT,
	GITS_CMD_MOVI,	GITS_CMD_MOVI,	GITS_CMD_INV,	 GITS_CMD_INV,	GITS_CMD_DISCARD,
	GITS_CMD_CLEAR, GITS_CMD_MAPD,	GITS_CMD_MAPC,	 GITS_CMD_MAPI, GITS_CMD_INVALL,
	GITS_CMD_SYNC,	BAD_OPCODE,	GITS_CMD_MOVALL,
};

/* Everything a command may name, and some that it may not. */
static struct gits_cmd forged_command(struct attacker *a)
{
	struct gits_cmd command = {
		.opcode = opcodes[below(a, ARRAY_SIZE(opcodes))],
		.devid = any_device(a),
		.eventid = (uint32_t)below(a, below(a, 8) ? EVENTS : 0x20000),
		.icid = (uint32_t)below(a, below(a, 8) ? field.nr_cpus : 0x10000),
		.valid = below(a, 8),
	};

	switch (command.opcode) {
	case GITS_CMD_MAPD:
		command.eventid = command.icid = 0;
		command.itt = below(a, 2) ? itt_of(command.devid) : any_place(a);
		command.size = (unsigned)below(a, 16);
		break;
	case GITS_CMD_MAPTI:
		command.pintid = first_lpi_of(command.devid) + command.eventid % EVENTS;
		break;
	case GITS_CMD_MOVALL:
		command.rdbase2 = below(a, field.nr_cpus + 1);
		command.icid = 0;
		/* fall through */
	case GITS_CMD_MAPC:
		command.rdbase = below(a, field.nr_cpus + 1);
		break;
	default:
		break;
	}
	return command;
}

void forge_commands(struct attacker *a, uint64_t at, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++) {
		struct gits_cmd command = forged_command(a);
		uint64_t words[GITS_CMD_NR_WORDS];

		cmd_encode(&command, words);
		for (unsigned word = 0; word < GITS_CMD_NR_WORDS; word++)
			write64(at + i * GITS_CMD_SZ + 8 * word, words[word]);
	}
}

/* ---- the queue ---------------------------------------------------------------------------- */

bool act_cwriter(struct attacker *a)
{
	uint64_t at = LAYOUT_GITS + GITS_CWRITER;
	uint64_t value = below(a, ITS_QUEUE_SZ / GITS_CMD_SZ) * GITS_CMD_SZ;

	switch (below(a, 8)) {
	case 0:
		write32(at, (uint32_t)value);
		break;
	case 1:
		write32(at + 4, (uint32_t)below(a, UINT64_C(1) << 32));
		break;
	case 2: /* beyond the queue, and off a command's boundary */
		write64(at, ITS_QUEUE_SZ + below(a, 0x100000));
		break;
	case 3:
		write64(at, value | GITS_CWRITER_RETRY);
		break;
	default:
		write64(at, value);
		break;
	}
	(void)read64(LAYOUT_GITS + GITS_CREADR);
	return true;
}

/* What is waiting, or under way, or run already: as it comes. */
bool act_forge_queue(struct attacker *a)
{
	unsigned nr = 1 + (unsigned)below(a, MAX_COMMANDS);
	uint64_t slot = below(a, ITS_QUEUE_SZ / GITS_CMD_SZ - nr);

	forge_commands(a, its_queue() + slot * GITS_CMD_SZ, nr);
	return true;
}

/* As a driver would do it; without it, soon nothing would be mapped. */
bool act_commands(struct attacker *a)
{
	struct gits_cmd list[MAX_COMMANDS];
	uint32_t devid = any_device(a), event;
	unsigned nr = 0;

	list[nr++] = cmd_mapd(devid, itt_of(devid), EVENT_BITS);
	for (unsigned cpu = 0; cpu < field.nr_cpus; cpu++)
		list[nr++] = cmd_mapc(cpu, cpu, true);
	while (nr + 2 <= MAX_COMMANDS) {
		event = (uint32_t)below(a, below(a, 2) ? EVENTS : DISK_VECTORS);
		list[nr++] = cmd_mapti(devid, event, first_lpi_of(devid) + event,
				       (uint32_t)below(a, field.nr_cpus));
		list[nr++] = below(a, 2) ? cmd_int(devid, event) : cmd_inv(devid, event);
	}
	return its_try(list, nr);
}

/* ---- tables -------------------------------------------------------------------------------- */

bool act_rewrite_tables(struct attacker *a)
{
	const struct {
		uint64_t at, words;
	} tables[] = {
		{ field.devices, 512 },	    { field.devices + 8 * (SCRATCH_DEVID & ~0xffu), 256 },
		{ field.collections, 64 },  { field.edu_itt, EVENTS },
		{ field.disk_itt, EVENTS }, { field.scratch_itt, EVENTS },
		{ scrap(a), 512 },
	};
	size_t n = below(a, ARRAY_SIZE(tables));
	unsigned nr = 1 + (unsigned)below(a, 16);

	forge_words(a, tables[n].at + 8 * below(a, tables[n].words - nr + 1), nr);
	return true;
}

bool act_its_off(struct attacker *a)
{
	write32(LAYOUT_GITS + GITS_CTLR, 0);
	if (below(a, 2))
		delay_us(below(a, 100));
	write32(LAYOUT_GITS + GITS_CTLR, GITS_CTLR_ENABLED);
	return true;
}

/* While it is off, if no other CPU has it on again meanwhile. */
bool act_move_tables(struct attacker *a)
{
	write32(LAYOUT_GITS + GITS_CTLR, 0);
	if (below(a, 2))
		write64(LAYOUT_GITS + GITS_CBASER,
			GITS_CBASER_VALID | (any_place(a) & GITS_CBASER_PA) | below(a, 256));
	else
		write64(LAYOUT_GITS + GITS_BASER(below(a, GITS_NR_BASERS)),
			GITS_BASER_VALID | below(a, 2) << 62 | FIELD_PREP(GITS_BASER_PAGE_SIZE, 2) |
				(any_place(a) & MASK64(47, 16)) | below(a, 16));
	write32(LAYOUT_GITS + GITS_CTLR, GITS_CTLR_ENABLED);
	return true;
}

bool act_its_anew(struct attacker *a)
{
	its_restart();
	(void)act_commands(a);
	return true;
}

/* All registers and what is between them, in all widths. Addresses that are written are
 * any_place(). */
bool act_its_frame(struct attacker *a)
{
	static const uint32_t around[] = { 0x0, 0x80, 0x100, 0xffc0, 0x10000, 0x1ff00 };
	uint64_t at = LAYOUT_GITS + around[below(a, ARRAY_SIZE(around))] + below(a, 0x100);
	uint64_t value = any_place(a) | (below(a, 2) ? GITS_BASER_VALID : 0) | below(a, 0x300);

	switch (below(a, 4)) {
	case 0:
		write8(at, (uint8_t)value);
		(void)read8(at);
		break;
	case 1:
		write16(at & ~UINT64_C(1), (uint16_t)value);
		(void)read16(at & ~UINT64_C(1));
		break;
	case 2:
		write32(at & ~UINT64_C(3), (uint32_t)(value >> (at & 4 ? 32 : 0)));
		(void)read32(at & ~UINT64_C(3));
		break;
	default:
		write64(at & ~UINT64_C(7), value);
		/* Unaligned, through a mapping as memory. */
		(void)read64(field.alias + at);
		break;
	}
	return true;
}

/* ---- LPIs ----------------------------------------------------------------------------------- */

/*
 * Any CPU's. If KVM kept the redistributors, that of one which runs and has many pending would
 * hang a CPU of the host (lockup.c).
 */
static uint64_t redistributor(struct attacker *a)
{
	return gic_redistributor((unsigned)below(a, field.nr_cpus));
}

bool act_toggle_lpis(struct attacker *a)
{
	uint64_t at = redistributor(a);

	write32(at + GICR_CTLR, 0);
	if (below(a, 4) == 0)
		delay_us(below(a, 100));
	write32(at + GICR_CTLR, GICR_CTLR_LPIS);
	return true;
}

/* Both tables anywhere, with whatever is there; then where they belong. */
bool act_lpi_tables(struct attacker *a)
{
	uint64_t at = redistributor(a);

	write32(at + GICR_CTLR, 0);
	write64(at + GICR_PROPBASER, any_place(a) | below(a, 32));
	write64(at + GICR_PENDBASER, any_place(a) | below(a, 2) << 62);
	write32(at + GICR_CTLR, GICR_CTLR_LPIS);
	(void)act_invalidate(a);
	write32(at + GICR_CTLR, 0);
	forge_words(a, address_of(gic_pending_table(a->cpu)) + EDU_LPI / 8, LPIS / 64);
	if (at == gic_redistributor(a->cpu))
		gic_lpi_tables(a->cpu, below(a, 2));
	write32(at + GICR_CTLR, GICR_CTLR_LPIS);
	return true;
}

bool act_invalidate(struct attacker *a)
{
	uint64_t at = gic_redistributor((unsigned)below(a, field.nr_cpus));

	gic_lpi_prioritise(EDU_LPI + (uint32_t)below(a, LPIS), (uint8_t)below(a, 256), below(a, 8));
	if (below(a, 4) == 0)
		write64(at + GICR_INVALLR, below(a, 2) << 63);
	else
		write64(at + GICR_INVLPIR, EDU_LPI + below(a, LPIS + 0x10000));
	(void)read32(at + GICR_SYNCR);
	return true;
}
