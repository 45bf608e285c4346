// SPDX-License-Identifier: MIT
/*
 * The guest that plays a script. IHI 0069 5.3 (commands), 12.18 (registers);
 * Linux Documentation/virt/kvm/devices/arm-vgic-its.rst (entries of tables).
 */
#include "tests/oracle/guest.h"

#include <assert.h>
#include <string.h>

#include "tests/oracle/prng.h"
#include "vitsmod/bits.h"

#define ENTRY_SZ 8u
#define L1_RES0	 MASK64(62, 52)

/*
 * Commands
 */

static const uint8_t opcodes[NR_COMMANDS] = {
	[STEP_MAPD] = GITS_CMD_MAPD,	 [STEP_MAPC] = GITS_CMD_MAPC,
	[STEP_MAPTI] = GITS_CMD_MAPTI,	 [STEP_MAPI] = GITS_CMD_MAPI,
	[STEP_MOVI] = GITS_CMD_MOVI,	 [STEP_DISCARD] = GITS_CMD_DISCARD,
	[STEP_INT] = GITS_CMD_INT,	 [STEP_CLEAR] = GITS_CMD_CLEAR,
	[STEP_INV] = GITS_CMD_INV,	 [STEP_INVALL] = GITS_CMD_INVALL,
	[STEP_MOVALL] = GITS_CMD_MOVALL, [STEP_SYNC] = GITS_CMD_SYNC,
};

/* Where the arguments go. An argument that a kind of step does not have is noise. */
static const struct field {
	enum step_arg arg;
	unsigned word;
	uint64_t mask;
} fields[] = {
	{ ARG_DEV, 0, GITS_CMD0_DEVID },    { ARG_EVENT, 1, GITS_CMD1_EVENTID },
	{ ARG_INTID, 1, GITS_CMD1_PINTID }, { ARG_SIZE, 1, GITS_CMD1_SIZE },
	{ ARG_ITT, 2, GITS_CMD2_ITT },	    { ARG_ICID, 2, GITS_CMD2_ICID },
	{ ARG_RD, 2, GITS_CMD2_RDBASE },    { ARG_V, 2, GITS_CMD2_VALID },
	{ ARG_RD2, 3, GITS_CMD3_RDBASE2 },
};

static uint64_t field_value(const struct step *step, const struct field *field)
{
	uint64_t value = step->arg[field->arg];

	if (field->arg == ARG_ITT)
		return guest_itt(value) & field->mask;
	return FIELD_PREP(field->mask, value);
}

void guest_encode(const struct step *step, uint64_t ret_words[GITS_CMD_NR_WORDS])
{
	struct prng noise = { step->arg[ARG_NOISE] };
	uint64_t used[GITS_CMD_NR_WORDS] = { GITS_CMD0_OPCODE, 0, 0, 0 };
	uint64_t op = step->kind == STEP_OPCODE ? step->arg[ARG_VALUE] : opcodes[step->kind];

	memset(ret_words, 0, GITS_CMD_NR_WORDS * sizeof(*ret_words));
	ret_words[0] = op & GITS_CMD0_OPCODE;
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (!step_has(step->kind, fields[i].arg))
			continue;
		ret_words[fields[i].word] |= field_value(step, &fields[i]);
		used[fields[i].word] |= fields[i].mask;
	}
	for (unsigned i = 0; i < 4 && step->arg[ARG_NOISE]; i++)
		ret_words[i] |= prng_next(&noise) & ~used[i];
}

uint64_t guest_itt(uint64_t area)
{
	if (area < ITT_AREAS)
		return RAM_ITT(area);
	if (area == ITT_SHORT)
		return RAM_SHORT_ITT_END - ITT_SHORT_EVENTS * ENTRY_SZ;
	return area == ITT_HIGHEST ? GITS_CMD2_ITT : RAM_NOWHERE;
}

uint64_t guest_itt_events(uint64_t area)
{
	if (area < ITT_AREAS)
		return UINT64_MAX;
	return area == ITT_SHORT ? ITT_SHORT_EVENTS : 0;
}

/*
 * Tables
 */

static unsigned table_of(const struct step *step)
{
	return step->kind == STEP_DEVICES ? TABLE_DEVICES_STEP : TABLE_COLLECTIONS_STEP;
}

/* The size of a page; the reserved value means 64K as well. */
static uint64_t page_sz(uint64_t page)
{
	static const uint64_t sizes[] = { 0x1000, 0x4000, 0x10000, 0x10000 };

	return sizes[page & 3];
}

static uint64_t table_address(const struct step *step)
{
	bool devices = step->kind == STEP_DEVICES;
	uint64_t area = step->arg[ARG_AREA];

	if (area == AREA_SHORT)
		return devices ? RAM_SHORT_DEVICES : RAM_SHORT_COLLECTIONS;
	if (area != AREA_0 && area != AREA_1)
		return RAM_NOWHERE;
	return devices ? RAM_DEVICES(area) : RAM_COLLECTIONS(area);
}

uint64_t guest_baser(const struct step *step)
{
	return (step->arg[ARG_V] ? GITS_BASER_VALID : 0) |
	       (step->arg[ARG_INDIRECT] ? GITS_BASER_INDIRECT : 0) |
	       FIELD_PREP(GITS_BASER_INNER_CACHE, GITS_CACHE_RAWAWB) |
	       FIELD_PREP(GITS_BASER_SHARE, GITS_SHARE_INNER) |
	       FIELD_PREP(GITS_BASER_PAGE_SIZE, step->arg[ARG_PAGE]) | table_address(step) |
	       FIELD_PREP(GITS_BASER_SIZE, step->arg[ARG_PAGES] - 1);
}

uint64_t guest_table_identity(const struct step *step)
{
	struct step same = *step;

	if (same.arg[ARG_PAGE] == 3)
		same.arg[ARG_PAGE] = 2;
	return guest_baser(&same);
}

uint64_t guest_cbaser(const struct step *step)
{
	uint64_t area = step->arg[ARG_AREA];
	uint64_t address = area == AREA_0 || area == AREA_1 ? RAM_QUEUE(area) : RAM_NOWHERE;

	return (step->arg[ARG_V] ? GITS_CBASER_VALID : 0) |
	       FIELD_PREP(GITS_CBASER_INNER_CACHE, GITS_CACHE_RAWAWB) |
	       FIELD_PREP(GITS_CBASER_SHARE, GITS_SHARE_INNER) | address |
	       FIELD_PREP(GITS_CBASER_SIZE, step->arg[ARG_PAGES] - 1);
}

static unsigned l2_kind(const struct step *step, uint64_t l1)
{
	return step->arg[ARG_L1] >> 2 * (l1 % 4) & 3;
}

bool guest_table_reaches(const struct step *step, unsigned id_bits, uint64_t id)
{
	uint64_t entries = step->arg[ARG_PAGES] * page_sz(step->arg[ARG_PAGE]) / ENTRY_SZ;
	uint64_t per_page = page_sz(step->arg[ARG_PAGE]) / ENTRY_SZ;
	uint64_t in_ram = UINT64_MAX;

	if (step->arg[ARG_AREA] >= AREA_SHORT)
		in_ram = step->arg[ARG_AREA] == AREA_SHORT ? 64 * RAM_KIB / ENTRY_SZ : 0;
	if (!step->arg[ARG_V] || id >= BIT64(id_bits))
		return false;
	if (!step->arg[ARG_INDIRECT])
		return id < entries && id < in_ram;
	id /= per_page;
	return id < entries && id < in_ram && l2_kind(step, id) < L2_INVALID;
}

bool guest_table_is_whole(const struct step *step)
{
	bool whole = step->arg[ARG_AREA] < AREA_SHORT;

	for (uint64_t l1 = 0; step->arg[ARG_INDIRECT] && l1 < 4; l1++)
		whole = whole && l2_kind(step, l1) != L2_OUTSIDE;
	return !step->arg[ARG_V] || whole;
}

/*
 * First-level entries for all IDs that the script names. Each gets a page of
 * its own, that of the first ID that falls into it.
 */
static void write_l1(struct guest *guest, const struct step *step)
{
	bool devices = step->kind == STEP_DEVICES;
	const struct numbers *ids = devices ? &guest->universe->devids : &guest->universe->icids;
	uint64_t pool = devices ? RAM_L2_DEVICES : RAM_L2_COLLECTIONS;
	uint64_t sz = page_sz(step->arg[ARG_PAGE]);
	uint64_t entries = step->arg[ARG_PAGES] * sz / ENTRY_SZ;

	ram_zero(guest->ram, pool, pool + UNIVERSE_MAX * 64 * RAM_KIB);
	for (size_t i = 0; i < ids->nr; i++) {
		uint64_t l1 = ids->at[i] / (sz / ENTRY_SZ);
		uint64_t slot = table_address(step) + l1 * ENTRY_SZ;
		/* Small pages are not aligned to large ones. */
		uint64_t raw = pool + i * 64 * RAM_KIB + (sz < 64 * RAM_KIB ? sz : 0);

		if (l1 >= entries || ram_get64(guest->ram, slot))
			continue;
		if (l2_kind(step, l1) == L2_OUTSIDE)
			raw = RAM_NOWHERE;
		if (l2_kind(step, l1) != L2_INVALID)
			raw |= GITS_L1_VALID;
		/* Bits below the page size and above the address mean nothing. */
		ram_set64(guest->ram, slot, raw | (sz - 1) | L1_RES0);
	}
	/* What lies behind the table is no entry of it, whatever it looks like. */
	if (entries * ENTRY_SZ < RAM_MIB && table_address(step) != RAM_SHORT_COLLECTIONS)
		ram_set64(guest->ram, table_address(step) + entries * ENTRY_SZ,
			  pool | GITS_L1_VALID);
}

static void zero_table(struct guest *guest, const struct step *step)
{
	uint64_t from = table_address(step);

	if (from == RAM_SHORT_COLLECTIONS)
		ram_zero_small(guest->ram, from);
	else if (from == RAM_SHORT_DEVICES)
		ram_zero(guest->ram, from, RAM_END);
	else if (from != RAM_NOWHERE)
		ram_zero(guest->ram, from,
			 from + (step->kind == STEP_DEVICES ? 8 * RAM_MIB : RAM_MIB));
}

/*
 * Registers
 */

static void write_reg(struct guest *guest, uint32_t offset, uint64_t value)
{
	guest->port->write(guest->ctx, offset, value);
}

static uint64_t read_reg(struct guest *guest, uint32_t offset)
{
	return guest->port->read(guest->ctx, offset);
}

static void step_table(struct guest *guest, const struct step *step)
{
	unsigned n = table_of(step);
	uint64_t identity = guest_table_identity(step);

	if (!guest->enabled && identity != guest->table[n]) {
		zero_table(guest, step);
		if (step->arg[ARG_INDIRECT])
			write_l1(guest, step);
		guest->table[n] = identity;
		guest->shape[n] = *step;
	}
	write_reg(guest, n == TABLE_DEVICES_STEP ? GITS_BASER(0) : GITS_BASER(1),
		  guest_baser(step));
}

static void step_queue(struct guest *guest, const struct step *step)
{
	uint64_t value = guest_cbaser(step);

	write_reg(guest, GITS_CBASER, value);
	if (guest->enabled)
		return;
	guest->has_queue = step->arg[ARG_V];
	guest->queue = value & GITS_CBASER_PA;
	guest->entries = (uint32_t)(FIELD_GET(GITS_CBASER_SIZE, value) + 1) * QUEUE_PAGE_COMMANDS;
	guest->tail = 0;
	guest->waiting = 0;
}

static void step_ctlr(struct guest *guest, const struct step *step)
{
	write_reg(guest, GITS_CTLR, step->arg[ARG_VALUE]);
	guest->enabled = read_reg(guest, GITS_CTLR) & GITS_CTLR_ENABLED;
	if (guest->enabled)
		guest_kick(guest);
}

bool guest_beyond(uint32_t entries, uint64_t value, uint64_t *ret_offset)
{
	*ret_offset = (entries + value) * GITS_CMD_SZ;
	return value <= GITS_QUEUE_OFFSET && *ret_offset <= GITS_QUEUE_OFFSET;
}

static void step_beyond(struct guest *guest, const struct step *step)
{
	uint64_t offset;

	if (guest_beyond(guest->entries, step->arg[ARG_VALUE], &offset))
		write_reg(guest, GITS_CWRITER, offset);
}

/*
 * The queue
 */

static void push(struct guest *guest, const struct step *step)
{
	uint64_t words[GITS_CMD_NR_WORDS];

	if (!guest->has_queue || guest->waiting == guest->entries - 1)
		return;
	guest_encode(step, words);
	for (unsigned i = 0; i < GITS_CMD_NR_WORDS; i++)
		ram_set64(guest->ram, guest->queue + (uint64_t)guest->tail * GITS_CMD_SZ + 8 * i,
			  words[i]);
	guest->tail = (guest->tail + 1) % guest->entries;
	guest->waiting++;
}

/* Put SYNC where the queue stalled, until it does not stall any more. */
static void unstall(struct guest *guest)
{
	const struct step sync = { .kind = STEP_SYNC };
	uint64_t words[GITS_CMD_NR_WORDS];
	uint64_t creadr;

	guest_encode(&sync, words);
	while ((creadr = read_reg(guest, GITS_CREADR)) & GITS_CREADR_STALLED) {
		for (unsigned i = 0; i < GITS_CMD_NR_WORDS; i++)
			ram_set64(guest->ram, guest->queue + (creadr & GITS_QUEUE_OFFSET) + 8 * i,
				  words[i]);
		write_reg(guest, GITS_CWRITER, guest->tail * GITS_CMD_SZ | GITS_CWRITER_RETRY);
	}
}

void guest_kick(struct guest *guest)
{
	if (!guest->waiting)
		return;
	write_reg(guest, GITS_CWRITER, guest->tail * GITS_CMD_SZ);
	if (!guest->enabled)
		return;
	if (guest->script->cfg[CFG_STALL])
		unstall(guest);
	guest->waiting = 0;
}

/*
 * Steps
 */

static void step_msi(struct guest *guest, const struct step *step)
{
	assert(guest->nr_msis < MSIS_MAX);

	guest->msis[guest->nr_msis++] = guest->port->msi(guest->ctx, (uint32_t)step->arg[ARG_DEV],
							 (uint32_t)step->arg[ARG_EVENT]);
}

static void step_byte(struct guest *guest, const struct step *step)
{
	uint64_t n = step->arg[ARG_INTID] - 8192;
	uint8_t byte = (uint8_t)step->arg[ARG_VALUE];

	if (n < 64 * RAM_KIB)
		(void)ram_write(guest->ram, RAM_PROPERTIES + n, &byte, 1);
}

static void step_zero(struct guest *guest, const struct step *step)
{
	uint64_t itt = guest_itt(step->arg[ARG_ITT]);

	if (step->arg[ARG_ITT] < ITT_AREAS)
		ram_zero(guest->ram, itt, itt + 512 * RAM_KIB);
	for (unsigned i = 0; step->arg[ARG_ITT] == ITT_SHORT && i < ITT_SHORT_EVENTS; i++)
		ram_set64(guest->ram, itt + (uint64_t)i * ENTRY_SZ, 0);
}

/* Registers are as new; memory stays. */
static void step_reset(struct guest *guest)
{
	guest->port->reset(guest->ctx);
	guest->enabled = false;
	guest->table[TABLE_DEVICES_STEP] = 0;
	guest->table[TABLE_COLLECTIONS_STEP] = 0;
	memset(guest->shape, 0, sizeof(guest->shape));
	guest->has_queue = false;
	guest->entries = QUEUE_PAGE_COMMANDS;
	guest->tail = 0;
	guest->waiting = 0;
}

void guest_step(struct guest *guest, const struct step *step)
{
	uint64_t nr = step->kind == STEP_SYNC ? step->arg[ARG_COUNT] + 1 : 1;

	if (step_is_command(step)) {
		for (uint64_t i = 0; i < nr; i++)
			push(guest, step);
		return;
	}

	switch (step->kind) {
	case STEP_MSI:
		step_msi(guest, step);
		break;
	case STEP_BYTE:
		step_byte(guest, step);
		break;
	case STEP_ZERO:
		step_zero(guest, step);
		break;
	case STEP_CTLR:
		step_ctlr(guest, step);
		break;
	case STEP_DEVICES:
	case STEP_COLLECTIONS:
		step_table(guest, step);
		break;
	case STEP_QUEUE:
		step_queue(guest, step);
		break;
	case STEP_BEYOND:
		step_beyond(guest, step);
		break;
	case STEP_RETRY:
		write_reg(guest, GITS_CWRITER, guest->tail * GITS_CMD_SZ | GITS_CWRITER_RETRY);
		break;
	case STEP_RESET:
		step_reset(guest);
		break;
	case STEP_SAVE:
		if (guest->port->save)
			guest->port->save(guest->ctx);
		break;
	default:
		assert(false); /* no such step */
	}
}

void guest_begin(struct guest *guest, const struct script *script, const struct universe *universe)
{
	*guest = (struct guest){
		.port = guest->port,
		.ctx = guest->ctx,
		.ram = guest->ram,
		.script = script,
		.universe = universe,
		.entries = QUEUE_PAGE_COMMANDS,
	};
}

/*
 * Entries
 */

bool abi_slot(const struct ram *ram, uint64_t baser, uint64_t id, uint64_t *ret_gpa)
{
	uint64_t sz = page_sz(FIELD_GET(GITS_BASER_PAGE_SIZE, baser));
	uint64_t entries = (FIELD_GET(GITS_BASER_SIZE, baser) + 1) * sz / ENTRY_SZ;
	uint64_t gpa = baser & GITS_BASER_PA & ~(sz - 1);
	uint64_t per_page = sz / ENTRY_SZ;
	uint64_t raw;

	if (!(baser & GITS_BASER_VALID))
		return false;
	if (baser & GITS_BASER_INDIRECT) {
		raw = id / per_page < entries ? ram_get64(ram, gpa + id / per_page * ENTRY_SZ) : 0;
		if (!(raw & GITS_L1_VALID))
			return false;
		gpa = raw & GITS_L1_PA & ~(sz - 1);
		id %= per_page;
	} else if (id >= entries) {
		return false;
	}
	*ret_gpa = gpa + id * ENTRY_SZ;
	return ram_read(ram, *ret_gpa, &raw, sizeof(raw)) == 0;
}

struct dte abi_dte(uint64_t raw)
{
	return (struct dte){
		.valid = raw >> 63,
		.next = (uint32_t)FIELD_GET(MASK64(62, 49), raw),
		.itt = FIELD_GET(MASK64(48, 5), raw) << 8,
		.size = (unsigned)FIELD_GET(MASK64(4, 0), raw),
	};
}

struct ite abi_ite(uint64_t raw)
{
	return (struct ite){
		.next = (uint32_t)FIELD_GET(MASK64(63, 48), raw),
		.intid = (uint32_t)FIELD_GET(MASK64(47, 16), raw),
		.icid = (uint32_t)FIELD_GET(MASK64(15, 0), raw),
	};
}

struct cte abi_cte(uint64_t raw)
{
	return (struct cte){
		.valid = raw >> 63,
		.rdbase = FIELD_GET(MASK64(51, 16), raw),
		.icid = (uint32_t)FIELD_GET(MASK64(15, 0), raw),
	};
}
