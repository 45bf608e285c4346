// SPDX-License-Identifier: MIT
/*
 * The GICR_* registers of one redistributor. IHI 0069 12.10, 12.11.
 *
 * GICD_CTLR.DS is 1: there is one Security state, so that all registers are the
 * guest's, and those that divide interrupts between two (GICR_IGRPMODR0, GICR_NSACR)
 * are RAZ/WI.
 *
 * Locks: redist.lock around each handler (vgicr_priv.h).
 *
 * Not here: GICR_STATUSR's error reporting (optional; vgicr_stats reports), MPAM,
 * GICv4, extended PPIs (GICR_TYPER.PPInum is 0), DPG bits (GICR_TYPER.DPGS is 0).
 */
#include "redist.h"

#include <string.h>

#include "vgicr_priv.h"

/*
 * Choice: GICR_IIDR names Arm as the implementer, as the identification registers of
 * the programmer's model do, and the product 'i' of itsy, as GITS_IIDR does.
 */
#define IIDR_VALUE UINT64_C(0x6900043b)

/*
 * Choice: GICR_ICFGR1 is read-only, and all PPIs are level-sensitive; whether software
 * can change that is IMPLEMENTATION DEFINED. SGIs are always edge-triggered.
 */
#define ICFGR0_VALUE UINT64_C(0xaaaaaaaa)
#define ICFGR1_VALUE UINT64_C(0)

/*
 * Choice: all SGIs and PPIs are in Group 1 after a reset, where nobody has configured
 * them before the guest.
 */
#define IGROUPR0_RESET UINT64_C(0xffffffff)

#define ALL_INTERRUPTS 0xffffffffu

static uint64_t merge(uint64_t old, uint64_t value, uint64_t mask)
{
	return (old & ~mask) | value;
}

static void backend_write(const struct redist *r, uint32_t reg, uint64_t value)
{
	r->v->ops->write(r->v->ctx, r->vcpu, reg, value);
}

/*
 * LPIs
 */

/*
 * Choice: GICR_CTLR.CES and IR read as 0, as there is no GICR_INVLPIR, and whether
 * EnableLPIs can be cleared is found out by clearing it (CES 0 promises neither). RWP
 * and UWP read as 0, for writes are complete when they return.
 */
static bool ctlr_read(struct redist *r, unsigned n, bool backend, uint64_t *ret_value)
{
	(void)n, (void)backend;
	*ret_value = r->lpis_on ? GICR_CTLR_LPIS : 0;
	return true;
}

/*
 * Choice: EnableLPIs can be cleared, so that a kernel that another one has started
 * (kexec) can give LPIs tables of its own.
 *
 * Choice: the backend has the tables from here on, not from the writes to
 * GICR_PROPBASER and GICR_PENDBASER, which mean nothing before. If one table of LPI
 * configurations is all that it has (GICR_TYPER.CommonLPIAff is 0), that of the
 * redistributor that was switched on last holds.
 */
static bool ctlr_write(struct redist *r, unsigned n, bool backend, uint64_t value, uint64_t mask)
{
	bool on = value & GICR_CTLR_LPIS;

	(void)n, (void)mask;
	if (on == r->lpis_on)
		return true;
	if (!backend)
		return false;
	if (on) {
		backend_write(r, GICR_PROPBASER, r->prop);
		backend_write(r, GICR_PENDBASER, r->pend);
	}
	backend_write(r, GICR_CTLR, on ? GICR_CTLR_LPIS : 0);
	r->lpis_on = on;
	r->lpis_switched = true;
	return true;
}

static bool typer_read(struct redist *r, unsigned n, bool backend, uint64_t *ret_value)
{
	(void)n, (void)backend;
	*ret_value = r->typer;
	return true;
}

/* Shareability 0b11 is reserved and treated as 0b00. */
static uint64_t fix_shareability(uint64_t value, uint64_t mask)
{
	return (value & mask) == mask ? value & ~mask : value;
}

static bool propbaser_read(struct redist *r, unsigned n, bool backend, uint64_t *ret_value)
{
	(void)n, (void)backend;
	*ret_value = r->prop;
	return true;
}

/*
 * Choice: writes to GICR_PROPBASER and GICR_PENDBASER are ignored while this
 * redistributor's LPIs are on, where they are UNPREDICTABLE. Others' LPIs do not
 * matter: CPUs that a former kernel has left off have theirs on.
 */
static bool propbaser_write(struct redist *r, unsigned n, bool backend, uint64_t value,
			    uint64_t mask)
{
	(void)n, (void)backend;
	if (r->lpis_on)
		return true;
	r->prop = merge(r->prop, value, mask) &
		  (GICR_PROPBASER_OUTER_CACHE | GICR_PROPBASER_PA | GICR_PROPBASER_SHARE |
		   GICR_PROPBASER_INNER_CACHE | GICR_PROPBASER_ID_BITS);
	r->prop = fix_shareability(r->prop, GICR_PROPBASER_SHARE);
	return true;
}

static bool pendbaser_read(struct redist *r, unsigned n, bool backend, uint64_t *ret_value)
{
	(void)n, (void)backend;
	*ret_value = r->pend & ~GICR_PENDBASER_PTZ;
	return true;
}

static bool pendbaser_write(struct redist *r, unsigned n, bool backend, uint64_t value,
			    uint64_t mask)
{
	(void)n, (void)backend;
	if (r->lpis_on)
		return true;
	r->pend = merge(r->pend, value, mask) &
		  (GICR_PENDBASER_PTZ | GICR_PENDBASER_OUTER_CACHE | GICR_PENDBASER_PA |
		   GICR_PENDBASER_SHARE | GICR_PENDBASER_INNER_CACHE);
	r->pend = fix_shareability(r->pend, GICR_PENDBASER_SHARE);
	return true;
}

/*
 * SGIs and PPIs
 */

static bool group_read(struct redist *r, unsigned n, bool backend, uint64_t *ret_value)
{
	(void)n, (void)backend;
	*ret_value = r->group;
	return true;
}

/* At once, disabled or not: an SGI is sent to a group, and becomes pending in that only. */
static bool group_write(struct redist *r, unsigned n, bool backend, uint64_t value, uint64_t mask)
{
	(void)n, (void)mask;
	if (value == r->group)
		return true;
	if (!backend)
		return false;
	r->group = (uint32_t)value;
	backend_write(r, GICR_IGROUPR0, value);
	return true;
}

static void hand_over_priority(struct redist *r, unsigned n)
{
	if (r->prio_below[n] == r->prio[n])
		return;
	r->prio_below[n] = r->prio[n];
	backend_write(r, GICR_IPRIORITYR(n), r->prio[n]);
}

static bool enabled_read(struct redist *r, unsigned n, bool backend, uint64_t *ret_value)
{
	(void)n, (void)backend;
	*ret_value = r->enabled;
	return true;
}

/*
 * Choice: SGIs are disabled after a reset, as PPIs are; whether they are is
 * IMPLEMENTATION DEFINED.
 */
static bool isenabler_write(struct redist *r, unsigned n, bool backend, uint64_t value,
			    uint64_t mask)
{
	uint32_t bits = (uint32_t)value & ~r->enabled;

	(void)n, (void)mask;
	if (!bits)
		return true;
	if (!backend)
		return false;
	for (unsigned i = 0; i < GICR_NR_IPRIORITYR; i++)
		hand_over_priority(r, i);
	r->enabled |= bits;
	r->maybe_active |= bits;
	backend_write(r, GICR_ISENABLER0, bits);
	return true;
}

static bool icenabler_write(struct redist *r, unsigned n, bool backend, uint64_t value,
			    uint64_t mask)
{
	uint32_t bits = (uint32_t)value & r->enabled;

	(void)n, (void)mask;
	if (!bits)
		return true;
	if (!backend)
		return false;
	r->enabled &= ~bits;
	backend_write(r, GICR_ICENABLER0, bits);
	return true;
}

static bool pending_read(struct redist *r, unsigned n, bool backend, uint64_t *ret_value)
{
	(void)n;
	if (backend)
		*ret_value = r->v->ops->read(r->v->ctx, r->vcpu, GICR_ISPENDR0);
	return backend;
}

static bool write_bits(struct redist *r, uint32_t reg, bool backend, uint64_t bits)
{
	if (!bits)
		return true;
	if (backend)
		backend_write(r, reg, bits);
	return backend;
}

static bool ispendr_write(struct redist *r, unsigned n, bool backend, uint64_t value, uint64_t mask)
{
	(void)n, (void)mask;
	return write_bits(r, GICR_ISPENDR0, backend, value);
}

static bool icpendr_write(struct redist *r, unsigned n, bool backend, uint64_t value, uint64_t mask)
{
	(void)n, (void)mask;
	return write_bits(r, GICR_ICPENDR0, backend, value);
}

static bool active_read(struct redist *r, unsigned n, bool backend, uint64_t *ret_value)
{
	(void)n;
	*ret_value = 0;
	if (!r->maybe_active)
		return true;
	if (backend)
		*ret_value = r->v->ops->read(r->v->ctx, r->vcpu, GICR_ISACTIVER0);
	return backend;
}

static bool isactiver_write(struct redist *r, unsigned n, bool backend, uint64_t value,
			    uint64_t mask)
{
	(void)n, (void)mask;
	if (backend)
		r->maybe_active |= (uint32_t)value;
	return write_bits(r, GICR_ISACTIVER0, backend, value);
}

static bool icactiver_write(struct redist *r, unsigned n, bool backend, uint64_t value,
			    uint64_t mask)
{
	(void)n, (void)mask;
	return write_bits(r, GICR_ICACTIVER0, backend, value & r->maybe_active);
}

static bool priority_read(struct redist *r, unsigned n, bool backend, uint64_t *ret_value)
{
	(void)backend;
	*ret_value = r->prio[n];
	return true;
}

/* The bytes of GICR_IPRIORITYR<n> that enabled interrupts have. */
static uint32_t enabled_bytes(const struct redist *r, unsigned n)
{
	uint32_t bytes = 0;

	for (unsigned i = 0; i < 4; i++)
		if (r->enabled & BIT64(4 * n + i))
			bytes |= 0xffu << 8 * i;
	return bytes;
}

/* The priority of a disabled interrupt decides nothing: it is handed over with the enable. */
static bool priority_write(struct redist *r, unsigned n, bool backend, uint64_t value,
			   uint64_t mask)
{
	uint32_t prio = (uint32_t)merge(r->prio[n], value, mask) & r->v->prio_mask;
	bool matters = (prio ^ r->prio_below[n]) & enabled_bytes(r, n);

	if (matters && !backend)
		return false;
	r->prio[n] = prio;
	if (matters)
		hand_over_priority(r, n);
	return true;
}

/*
 * Choice: GICR_WAKER is RAZ/WI: redistributors never sleep. GICR_SETLPIR, GICR_CLRLPIR,
 * GICR_INVLPIR, GICR_INVALLR and GICR_SYNCR are not there (GICR_TYPER.DirectLPI and
 * GICR_CTLR.IR are 0), and are RAZ/WI too.
 */
/* clang-format off */
const struct vgicr_reg vgicr_regs[] = {
	/* name              offset              n  width access     kind            read            write            reset */
	{ "GICR_CTLR",       GICR_CTLR,          1, 4, A32,       VGICR_BACKEND,  ctlr_read,      ctlr_write,      0 },
	{ "GICR_IIDR",       GICR_IIDR,          1, 4, A32,       VGICR_CONSTANT, NULL,           NULL,            IIDR_VALUE },
	{ "GICR_TYPER",      GICR_TYPER,         1, 8, A32 | A64, VGICR_CONSTANT, typer_read,     NULL,            0 },
	{ "GICR_STATUSR",    GICR_STATUSR,       1, 4, A32,       VGICR_RAZ_WI,   NULL,           NULL,            0 },
	{ "GICR_WAKER",      GICR_WAKER,         1, 4, A32,       VGICR_RAZ_WI,   NULL,           NULL,            0 },
	{ "GICR_MPAMIDR",    GICR_MPAMIDR,       1, 4, A32,       VGICR_RAZ_WI,   NULL,           NULL,            0 },
	{ "GICR_PARTIDR",    GICR_PARTIDR,       1, 4, A32,       VGICR_RAZ_WI,   NULL,           NULL,            0 },
	{ "GICR_SETLPIR",    GICR_SETLPIR,       1, 8, A32 | A64, VGICR_RAZ_WI,   NULL,           NULL,            0 },
	{ "GICR_CLRLPIR",    GICR_CLRLPIR,       1, 8, A32 | A64, VGICR_RAZ_WI,   NULL,           NULL,            0 },
	{ "GICR_PROPBASER",  GICR_PROPBASER,     1, 8, A32 | A64, VGICR_SHADOW,   propbaser_read, propbaser_write, 0 },
	{ "GICR_PENDBASER",  GICR_PENDBASER,     1, 8, A32 | A64, VGICR_SHADOW,   pendbaser_read, pendbaser_write, 0 },
	{ "GICR_INVLPIR",    GICR_INVLPIR,       1, 8, A32 | A64, VGICR_RAZ_WI,   NULL,           NULL,            0 },
	{ "GICR_INVALLR",    GICR_INVALLR,       1, 8, A32 | A64, VGICR_RAZ_WI,   NULL,           NULL,            0 },
	{ "GICR_SYNCR",      GICR_SYNCR,         1, 4, A32,       VGICR_RAZ_WI,   NULL,           NULL,            0 },
	{ "GICR_PIDR4",      GICR_PIDR4,         1, 4, A32,       VGICR_CONSTANT, NULL,           NULL,            0x44 },
	{ "GICR_PIDR5",      GICR_PIDR5,         1, 4, A32,       VGICR_CONSTANT, NULL,           NULL,            0 },
	{ "GICR_PIDR6",      GICR_PIDR6,         1, 4, A32,       VGICR_CONSTANT, NULL,           NULL,            0 },
	{ "GICR_PIDR7",      GICR_PIDR7,         1, 4, A32,       VGICR_CONSTANT, NULL,           NULL,            0 },
	{ "GICR_PIDR0",      GICR_PIDR0,         1, 4, A32,       VGICR_CONSTANT, NULL,           NULL,            0x93 },
	{ "GICR_PIDR1",      GICR_PIDR1,         1, 4, A32,       VGICR_CONSTANT, NULL,           NULL,            0xb4 },
	{ "GICR_PIDR2",      GICR_PIDR2,         1, 4, A32,       VGICR_CONSTANT, NULL,           NULL,            0x3b },
	{ "GICR_PIDR3",      GICR_PIDR3,         1, 4, A32,       VGICR_CONSTANT, NULL,           NULL,            0 },
	{ "GICR_CIDR0",      GICR_CIDR0,         1, 4, A32,       VGICR_CONSTANT, NULL,           NULL,            0x0d },
	{ "GICR_CIDR1",      GICR_CIDR1,         1, 4, A32,       VGICR_CONSTANT, NULL,           NULL,            0xf0 },
	{ "GICR_CIDR2",      GICR_CIDR2,         1, 4, A32,       VGICR_CONSTANT, NULL,           NULL,            0x05 },
	{ "GICR_CIDR3",      GICR_CIDR3,         1, 4, A32,       VGICR_CONSTANT, NULL,           NULL,            0xb1 },
	{ "GICR_IGROUPR0",   GICR_IGROUPR0,      1, 4, A32,       VGICR_BACKEND,  group_read,     group_write,     IGROUPR0_RESET },
	{ "GICR_ISENABLER0", GICR_ISENABLER0,    1, 4, A32,       VGICR_BACKEND,  enabled_read,   isenabler_write, 0 },
	{ "GICR_ICENABLER0", GICR_ICENABLER0,    1, 4, A32,       VGICR_BACKEND,  enabled_read,   icenabler_write, 0 },
	{ "GICR_ISPENDR0",   GICR_ISPENDR0,      1, 4, A32,       VGICR_BACKEND,  pending_read,   ispendr_write,   0 },
	{ "GICR_ICPENDR0",   GICR_ICPENDR0,      1, 4, A32,       VGICR_BACKEND,  pending_read,   icpendr_write,   0 },
	{ "GICR_ISACTIVER0", GICR_ISACTIVER0,    1, 4, A32,       VGICR_BACKEND,  active_read,    isactiver_write, 0 },
	{ "GICR_ICACTIVER0", GICR_ICACTIVER0,    1, 4, A32,       VGICR_BACKEND,  active_read,    icactiver_write, 0 },
	{ "GICR_IPRIORITYR", GICR_IPRIORITYR(0), 8, 4, A8 | A32,  VGICR_BACKEND,  priority_read,  priority_write,  0 },
	{ "GICR_ICFGR0",     GICR_ICFGR0,        1, 4, A32,       VGICR_CONSTANT, NULL,           NULL,            ICFGR0_VALUE },
	{ "GICR_ICFGR1",     GICR_ICFGR1,        1, 4, A32,       VGICR_CONSTANT, NULL,           NULL,            ICFGR1_VALUE },
	{ "GICR_IGRPMODR0",  GICR_IGRPMODR0,     1, 4, A32,       VGICR_RAZ_WI,   NULL,           NULL,            0 },
	{ "GICR_NSACR",      GICR_NSACR,         1, 4, A32,       VGICR_RAZ_WI,   NULL,           NULL,            0 },
};
/* clang-format on */
const size_t vgicr_nr_regs = ARRAY_SIZE(vgicr_regs);

/* Priorities are not handed over: no interrupt is enabled. */
void redist_reset(struct redist *r, bool fresh)
{
	backend_write(r, GICR_ICENABLER0, ALL_INTERRUPTS);
	r->enabled = 0;
	if (!fresh) {
		(void)ctlr_write(r, 0, true, 0, GICR_CTLR_LPIS);
		(void)group_write(r, 0, true, IGROUPR0_RESET, IGROUPR0_RESET);
		backend_write(r, GICR_ICPENDR0, ALL_INTERRUPTS);
		(void)icactiver_write(r, 0, true, ALL_INTERRUPTS, ALL_INTERRUPTS);
	}
	r->group = (uint32_t)IGROUPR0_RESET;
	r->maybe_active = 0;
	r->prop = 0;
	r->pend = 0;
	memset(r->prio, 0, sizeof(r->prio));
}
