// SPDX-License-Identifier: MIT
/*
 * The GITS_* registers. IHI 0069 12.18.
 *
 * A register's handlers see whole values; the dispatcher at the end checks
 * widths and puts the 32-bit halves of 64-bit registers together.
 *
 * Locks: vits.lock around each access. Commands run after it is released.
 *
 * Not here: GITS_SGIR and the third 64K frame (GICv4.1), GITS_STATUSR's error
 * reporting (optional; vits_stats reports), MPAM (GITS_TYPER.MPAM is 0).
 */
#include "regs.h"

#include <assert.h>
#include <stdio.h>

#include "cmdq.h"
#include "gits.h"
#include "tables.h"
#include "vits_priv.h"

/*
 * Choice: GITS_IIDR names Arm as the implementer, as the identification
 * registers of the programmer's model do, and the product 'i' of itsy, which
 * no driver has a quirk for. Revision 0 is the revision of the table ABI.
 */
#define IIDR_VALUE UINT64_C(0x6900043b)

/* Shareability 0b11 is reserved and treated as 0b00. */
static uint64_t fix_shareability(uint64_t value, uint64_t mask)
{
	return (value & mask) == mask ? value & ~mask : value;
}

static bool is_enabled(const struct vits *v)
{
	return atomic_load_explicit(&v->enabled, memory_order_relaxed);
}

bool vits_enabled(const struct vits *v)
{
	return is_enabled(v);
}

uint64_t vits_nr_switches(const struct vits *v)
{
	return atomic_load_explicit(&v->nr_switches, memory_order_acquire);
}

/*
 * Choice: Quiescent is 1 whenever no thread is in the command side and none is
 * due there, also while Enabled is 1, where its value is UNKNOWN.
 */
static bool is_quiescent_locked(const struct vits *v)
{
	assert(v->lock_held);

	return !v->owned && !cmdq_runnable_locked(v);
}

static uint64_t ctlr_read(struct vits *v, unsigned n)
{
	(void)n;
	return (is_enabled(v) ? GITS_CTLR_ENABLED : 0) |
	       (is_quiescent_locked(v) ? GITS_CTLR_QUIESCENT : 0);
}

/*
 * Choice: enabling the ITS while GITS_CBASER, the device table or the
 * collection table is not valid (UNPREDICTABLE) is ignored; software reads the
 * bit back and knows.
 */
static void ctlr_write(struct vits *v, unsigned n, uint64_t value)
{
	bool ready = (v->cbaser & GITS_CBASER_VALID) &&
		     (v->baser[TABLE_DEVICES] & GITS_BASER_VALID) &&
		     (v->baser[TABLE_COLLECTIONS] & GITS_BASER_VALID);

	(void)n;
	if ((value & GITS_CTLR_ENABLED) && !ready && !is_enabled(v))
		return;
	vits_switch_locked(v, value & GITS_CTLR_ENABLED);
}

static uint64_t typer_read(struct vits *v, unsigned n)
{
	(void)n;
	return GITS_TYPER_PHYSICAL | FIELD_PREP(GITS_TYPER_ITT_ENTRY, ENTRY_SZ - 1) |
	       FIELD_PREP(GITS_TYPER_ID_BITS, v->config.eventid_bits - 1) |
	       FIELD_PREP(GITS_TYPER_DEVBITS, v->config.devid_bits - 1);
}

static uint64_t cbaser_read(struct vits *v, unsigned n)
{
	(void)n;
	return v->cbaser;
}

/*
 * Choice: GITS_CBASER and GITS_BASER<n> take writes only while the ITS is
 * disabled and quiescent. The architecture calls other writes UNPREDICTABLE;
 * like this the command side can rely on them standing still.
 */
static bool bases_writable_locked(const struct vits *v)
{
	return !is_enabled(v) && is_quiescent_locked(v);
}

/* What reads back of a value that was written to GITS_CBASER. */
static uint64_t cbaser_kept(uint64_t value)
{
	value &= GITS_CBASER_VALID | GITS_CBASER_INNER_CACHE | GITS_CBASER_OUTER_CACHE |
		 GITS_CBASER_PA | GITS_CBASER_SHARE | GITS_CBASER_SIZE;
	return fix_shareability(value, GITS_CBASER_SHARE);
}

/*
 * Choice: a write to GITS_CBASER resets GITS_CWRITER too, as KVM does, besides
 * GITS_CREADR (IHI 0069 12.18), so that no old offset survives into a queue
 * that may be smaller.
 */
static void cbaser_write(struct vits *v, unsigned n, uint64_t value)
{
	(void)n;
	if (!bases_writable_locked(v))
		return;
	v->cbaser = cbaser_kept(value);
	v->creadr = 0;
	v->cwriter = 0;
	v->stalled = false;
}

static uint64_t cwriter_read(struct vits *v, unsigned n)
{
	(void)n;
	return v->cwriter;
}

/* Choice: an offset beyond the queue's end (UNPREDICTABLE): the write is ignored. */
static void cwriter_write(struct vits *v, unsigned n, uint64_t value)
{
	uint32_t offset = (uint32_t)(value & GITS_QUEUE_OFFSET);

	(void)n;
	if (offset >= cmdq_sz(v->cbaser))
		return;
	v->cwriter = offset;
	if (value & GITS_CWRITER_RETRY)
		v->stalled = false;
}

static uint64_t creadr_read(struct vits *v, unsigned n)
{
	(void)n;
	return v->creadr | (v->stalled ? GITS_CREADR_STALLED : 0);
}

static uint64_t baser_read(struct vits *v, unsigned n)
{
	return n < NR_TABLES ? v->baser[n] : 0;
}

/* The bits of GITS_BASER<n> that say what the table is. */
#define BASER_IDENTITY                                                                   \
	(GITS_BASER_VALID | GITS_BASER_INDIRECT | GITS_BASER_PA | GITS_BASER_PAGE_SIZE | \
	 GITS_BASER_SIZE)

/* What reads back of a value that was written to GITS_BASER<n>, but for the read-only fields. */
static uint64_t baser_kept(uint64_t value)
{
	value &=
		BASER_IDENTITY | GITS_BASER_INNER_CACHE | GITS_BASER_OUTER_CACHE | GITS_BASER_SHARE;
	value = fix_shareability(value, GITS_BASER_SHARE);
	/* Choice: the reserved page size reads back as 64K, which it means. */
	if (FIELD_GET(GITS_BASER_PAGE_SIZE, value) > GITS_PAGE_64K)
		value = (value & ~GITS_BASER_PAGE_SIZE) |
			FIELD_PREP(GITS_BASER_PAGE_SIZE, GITS_PAGE_64K);
	/* Bits 13:12 of a table of 16K pages are RES0. */
	if (FIELD_GET(GITS_BASER_PAGE_SIZE, value) == GITS_PAGE_16K)
		value &= ~MASK64(13, 12);
	return value;
}

static uint64_t baser_read_only(unsigned n)
{
	static const uint64_t types[] = {
		[TABLE_DEVICES] = GITS_TABLE_DEVICES,
		[TABLE_COLLECTIONS] = GITS_TABLE_COLLECTIONS,
	};

	return FIELD_PREP(GITS_BASER_ENTRY_SIZE, ENTRY_SZ - 1) |
	       FIELD_PREP(GITS_BASER_TYPE, types[n]);
}

/*
 * A change of what the table is, unlike one of how it is cached, loses what it
 * held. The same value again loses nothing that the table still says: Linux
 * writes it on resume, with the table as it was.
 *
 * Choice: the same base again forgets what its table does not say any more. A
 * kernel that was started by another one (kexec) may get the memory that its
 * predecessor had, and has to find an ITS that knows of nothing; tables are
 * zeroed before they are given (IHI 0069 12.18).
 *
 * Choice: a change of the device table drops all devices, with their events; a
 * change of the collection table leaves events without a target until MAPC. The
 * architecture only forbids such changes while anything is cached.
 */
static void baser_write(struct vits *v, unsigned n, uint64_t value)
{
	uint64_t old;

	if (n >= NR_TABLES || !bases_writable_locked(v))
		return;
	old = v->baser[n];
	v->baser[n] = baser_read_only(n) | baser_kept(value);
	if (old & GITS_BASER_VALID)
		v->forget[n] = (old ^ v->baser[n]) & BASER_IDENTITY ? FORGET_ALL : FORGET_MISSING;
}

/*
 * Choice: GITS_TRANSLATER takes 16-bit and 32-bit writes and does nothing. An
 * MSI comes from a function, and the function's wiring says which DeviceID it
 * has (vits_translate()); a vCPU has none.
 */
static void translater_write(struct vits *v, unsigned n, uint64_t value)
{
	(void)v;
	(void)n;
	(void)value;
}

/* clang-format off */
const struct vits_reg vits_regs[] = {
	/* name              offset           n  width access     read         write             constant */
	{ "GITS_CTLR",       GITS_CTLR,       1, 4, A32,       ctlr_read,    ctlr_write,       0 },
	{ "GITS_IIDR",       GITS_IIDR,       1, 4, A32,       NULL,         NULL,             IIDR_VALUE },
	{ "GITS_TYPER",      GITS_TYPER,      1, 8, A32 | A64, typer_read,   NULL,             0 },
	{ "GITS_MPAMIDR",    GITS_MPAMIDR,    1, 4, A32,       NULL,         NULL,             0 },
	{ "GITS_PARTIDR",    GITS_PARTIDR,    1, 4, A32,       NULL,         NULL,             0 },
	{ "GITS_MPIDR",      GITS_MPIDR,      1, 4, A32,       NULL,         NULL,             0 },
	{ "GITS_STATUSR",    GITS_STATUSR,    1, 4, A32,       NULL,         NULL,             0 },
	{ "GITS_UMSIR",      GITS_UMSIR,      1, 8, A32 | A64, NULL,         NULL,             0 },
	{ "GITS_CBASER",     GITS_CBASER,     1, 8, A32 | A64, cbaser_read,  cbaser_write,     0 },
	{ "GITS_CWRITER",    GITS_CWRITER,    1, 8, A32 | A64, cwriter_read, cwriter_write,    0 },
	{ "GITS_CREADR",     GITS_CREADR,     1, 8, A32 | A64, creadr_read,  NULL,             0 },
	{ "GITS_BASER",      GITS_BASER(0),   8, 8, A32 | A64, baser_read,   baser_write,      0 },
	{ "GITS_PIDR4",      GITS_PIDR4,      1, 4, A32,       NULL,         NULL,             0x40 },
	{ "GITS_PIDR5",      GITS_PIDR5,      1, 4, A32,       NULL,         NULL,             0 },
	{ "GITS_PIDR6",      GITS_PIDR6,      1, 4, A32,       NULL,         NULL,             0 },
	{ "GITS_PIDR7",      GITS_PIDR7,      1, 4, A32,       NULL,         NULL,             0 },
	{ "GITS_PIDR0",      GITS_PIDR0,      1, 4, A32,       NULL,         NULL,             0x92 },
	{ "GITS_PIDR1",      GITS_PIDR1,      1, 4, A32,       NULL,         NULL,             0xb4 },
	{ "GITS_PIDR2",      GITS_PIDR2,      1, 4, A32,       NULL,         NULL,             0x3b },
	{ "GITS_PIDR3",      GITS_PIDR3,      1, 4, A32,       NULL,         NULL,             0 },
	{ "GITS_CIDR0",      GITS_CIDR0,      1, 4, A32,       NULL,         NULL,             0x0d },
	{ "GITS_CIDR1",      GITS_CIDR1,      1, 4, A32,       NULL,         NULL,             0xf0 },
	{ "GITS_CIDR2",      GITS_CIDR2,      1, 4, A32,       NULL,         NULL,             0x05 },
	{ "GITS_CIDR3",      GITS_CIDR3,      1, 4, A32,       NULL,         NULL,             0xb1 },
	{ "GITS_TRANSLATER", GITS_TRANSLATER, 1, 4, A16 | A32, NULL,         translater_write, 0 },
};
/* clang-format on */
const size_t vits_nr_regs = ARRAY_SIZE(vits_regs);

/* How many instances of a register there are whose values are not the same in all ITSs. */
static size_t nr_telling(const struct vits_reg *reg)
{
	if (reg->offset == GITS_BASER(0))
		return NR_TABLES; /* the others read as 0 */
	return reg->read ? reg->count : 0;
}

bool vits_register_get(size_t n, struct vits_register *ret_register)
{
	for (size_t i = 0; i < vits_nr_regs; i++) {
		const struct vits_reg *reg = &vits_regs[i];
		size_t nr = nr_telling(reg);
		int len;

		if (n >= nr) {
			n -= nr;
			continue;
		}
		ret_register->offset = reg->offset + (uint32_t)n * reg->width;
		ret_register->size = reg->width;
		len = snprintf(ret_register->name, sizeof(ret_register->name),
			       reg->count > 1 ? "%s%zu" : "%s", reg->name, n);
		assert(len > 0);
		assert((size_t)len < sizeof(ret_register->name));
		(void)len;
		return true;
	}
	return false;
}

static uint64_t baser_reset_value(unsigned n)
{
	return baser_read_only(n) | FIELD_PREP(GITS_BASER_PAGE_SIZE, GITS_PAGE_64K);
}

void regs_reset(struct vits *v)
{
	vits_lock(v);
	vits_switch_locked(v, false);
	assert(!v->begun);
	v->stalled = false;
	v->cbaser = 0;
	v->cwriter = 0;
	v->creadr = 0;
	for (unsigned i = 0; i < NR_TABLES; i++) {
		assert(v->forget[i] == FORGET_NOTHING);
		v->baser[i] = baser_reset_value(i);
	}
	vits_unlock(v);
}

/*
 * Save and restore
 */

bool regs_are_reset(struct vits *v)
{
	bool reset;

	vits_lock(v);
	reset = !is_enabled(v) && !v->stalled && !v->cbaser && !v->cwriter && !v->creadr;
	for (unsigned i = 0; i < NR_TABLES; i++)
		reset = reset && v->baser[i] == baser_reset_value(i);
	vits_unlock(v);
	return reset;
}

void regs_save(struct vits *v, struct vits_state *state)
{
	_Static_assert(ARRAY_SIZE(state->baser) == NR_TABLES, "a register for each table");

	vits_lock(v);
	state->ctlr = is_enabled(v) ? GITS_CTLR_ENABLED : 0;
	state->iidr = IIDR_VALUE;
	state->typer = typer_read(v, 0);
	state->cbaser = cbaser_read(v, 0);
	state->cwriter = cwriter_read(v, 0);
	state->creadr = creadr_read(v, 0);
	for (unsigned i = 0; i < NR_TABLES; i++)
		state->baser[i] = baser_read(v, i);
	vits_unlock(v);
}

static bool is_queue_offset(uint64_t cbaser, uint64_t offset)
{
	return !(offset & ~GITS_QUEUE_OFFSET) && offset < cmdq_sz(cbaser);
}

bool regs_are_valid(struct vits *v, const struct vits_state *state)
{
	bool valid = state->cbaser & GITS_CBASER_VALID;

	for (unsigned i = 0; i < NR_TABLES; i++) {
		if (state->baser[i] != (baser_read_only(i) | baser_kept(state->baser[i])))
			return false;
		valid = valid && (state->baser[i] & GITS_BASER_VALID);
	}
	/* It cannot have been enabled without tables and a queue. */
	if ((state->ctlr & ~GITS_CTLR_ENABLED) || (state->ctlr && !valid))
		return false;
	/* The guest has seen these two. */
	if (state->iidr != IIDR_VALUE || state->typer != typer_read(v, 0))
		return false;
	return state->cbaser == cbaser_kept(state->cbaser) &&
	       is_queue_offset(state->cbaser, state->cwriter) &&
	       is_queue_offset(state->cbaser, state->creadr & ~GITS_CREADR_STALLED);
}

void regs_restore(struct vits *v, const struct vits_state *state)
{
	vits_lock(v);
	assert(v->owned);
	v->cbaser = state->cbaser;
	v->cwriter = (uint32_t)state->cwriter;
	v->creadr = (uint32_t)(state->creadr & GITS_QUEUE_OFFSET);
	v->stalled = state->creadr & GITS_CREADR_STALLED;
	for (unsigned i = 0; i < NR_TABLES; i++)
		v->baser[i] = state->baser[i];
	vits_unlock(v);
}

void regs_restore_enabled(struct vits *v, const struct vits_state *state)
{
	vits_lock(v);
	assert(v->owned);
	vits_switch_locked(v, state->ctlr & GITS_CTLR_ENABLED);
	vits_unlock(v);
}

/*
 * The dispatcher
 */

/* One access, resolved: which register, and which part of it. */
struct access {
	const struct vits_reg *reg;
	unsigned n;
	unsigned shift; /* of the part, in bits */
	uint64_t mask;	/* of the part, before shifting */
};

/*
 * Choice: an access that no register takes, for its place, its width or its
 * alignment, reads as zero and ignores writes (IHI 0069 12 leaves the width
 * UNPREDICTABLE), and is counted.
 */
static bool find(struct vits *v, uint64_t offset, unsigned size, struct access *ret_access)
{
	bool is_width = size == 1 || size == 2 || size == 4 || size == 8;

	for (size_t i = 0; is_width && offset % size == 0 && i < vits_nr_regs; i++) {
		const struct vits_reg *reg = &vits_regs[i];
		uint64_t at = offset - reg->offset;

		if (offset < reg->offset || at >= (uint64_t)reg->count * reg->width)
			continue;
		if (!(reg->access & size))
			break;
		*ret_access = (struct access){
			.reg = reg,
			.n = (unsigned)(at / reg->width),
			.shift = (unsigned)(at % reg->width) * 8,
			.mask = MASK64(size * 8 - 1, 0),
		};
		return true;
	}
	vits_count(&v->counters.mmio_ignored);
	return false;
}

static uint64_t read_locked(struct vits *v, const struct access *access)
{
	assert(v->lock_held);

	if (!access->reg->read)
		return access->reg->constant;
	return access->reg->read(v, access->n);
}

uint64_t vits_mmio_read(struct vits *v, uint64_t offset, unsigned size)
{
	struct access access;
	uint64_t value;

	if (!find(v, offset, size, &access))
		return 0;
	vits_lock(v);
	value = read_locked(v, &access);
	vits_unlock(v);
	return value >> access.shift & access.mask;
}

void vits_mmio_write(struct vits *v, uint64_t offset, unsigned size, uint64_t value)
{
	struct access access;
	uint64_t whole;
	bool claimed;

	if (!find(v, offset, size, &access) || !access.reg->write)
		return;
	vits_lock(v);
	whole = read_locked(v, &access) & ~(access.mask << access.shift);
	whole |= (value & access.mask) << access.shift;
	access.reg->write(v, access.n, whole);
	claimed = cmdq_claim_locked(v);
	vits_unlock(v);
	if (claimed)
		cmdq_serve(v);
}
