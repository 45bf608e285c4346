// SPDX-License-Identifier: MIT
/*
 * The tables in guest memory. IHI 0069 5.2 (the tables), 12.18 (GITS_BASER<n>);
 * Linux Documentation/virt/kvm/devices/arm-vgic-its.rst (entries).
 *
 * Not here: what an entry is worth beside the shadow. That is lookup.c.
 */
#include "tables.h"

#include <assert.h>
#include <endian.h>

#define DTE_VALID BIT64(63)
#define DTE_NEXT  MASK64(62, 49)
#define DTE_ITT	  MASK64(48, 5)
#define DTE_SIZE  MASK64(4, 0)
#define ITT_ALIGN 8 /* ITT_addr leaves out bits 7:0 */

#define CTE_VALID  BIT64(63)
#define CTE_RDBASE MASK64(51, 16)
#define CTE_ICID   MASK64(15, 0)

#define ITE_NEXT   MASK64(63, 48)
#define ITE_PINTID MASK64(47, 16)
#define ITE_ICID   MASK64(15, 0)

/* ICIDs are 16 bits wide: GITS_TYPER.CIL is 0. */
#define ICID_BITS 16

uint64_t baser_page_sz(uint64_t baser)
{
	switch (FIELD_GET(GITS_BASER_PAGE_SIZE, baser)) {
	case GITS_PAGE_4K:
		return 0x1000;
	case GITS_PAGE_16K:
		return 0x4000;
	default: /* the reserved value means 64K as well */
		return 0x10000;
	}
}

uint64_t baser_address(uint64_t baser)
{
	uint64_t page_sz = baser_page_sz(baser);
	uint64_t address = baser & GITS_BASER_PA & ~(page_sz - 1);

	if (page_sz == 0x10000)
		address |= FIELD_GET(GITS_BASER_PA_51_48, baser) << 48;
	return address;
}

static bool id_exists(const struct vits *v, enum vits_table table, uint32_t id)
{
	return id < (table == TABLE_DEVICES ? BIT64(v->config.devid_bits) : NR_COLLECTIONS);
}

bool table_slot(struct vits *v, enum vits_table table, uint32_t id, uint64_t *ret_gpa)
{
	uint64_t baser = v->baser[table];
	uint64_t page_sz = baser_page_sz(baser);
	uint64_t table_sz = (FIELD_GET(GITS_BASER_SIZE, baser) + 1) * page_sz;
	uint64_t per_page = page_sz / ENTRY_SZ;
	uint64_t l1;

	assert(ret_gpa);

	if (!(baser & GITS_BASER_VALID) || !id_exists(v, table, id))
		return false;
	if (!(baser & GITS_BASER_INDIRECT)) {
		if (id >= table_sz / ENTRY_SZ)
			return false;
		*ret_gpa = baser_address(baser) + (uint64_t)id * ENTRY_SZ;
		return true;
	}
	if (id / per_page >= table_sz / ENTRY_SZ)
		return false;
	if (!table_read(v, baser_address(baser) + id / per_page * ENTRY_SZ, &l1))
		return false;
	if (!(l1 & GITS_L1_VALID))
		return false;
	*ret_gpa = (l1 & GITS_L1_PA & ~(page_sz - 1)) + id % per_page * ENTRY_SZ;
	return true;
}

bool table_read(struct vits *v, uint64_t gpa, uint64_t *ret_raw)
{
	uint64_t le;

	assert(gpa % ENTRY_SZ == 0);

	if (v->ops->mem_read(v->ctx, gpa, &le, sizeof(le)) != 0)
		return false;
	*ret_raw = le64toh(le);
	return true;
}

bool table_write(struct vits *v, uint64_t gpa, uint64_t raw)
{
	uint64_t le = htole64(raw);

	assert(gpa % ENTRY_SZ == 0);

	return v->ops->mem_write(v->ctx, gpa, &le, sizeof(le)) == 0;
}

uint64_t ite_address(uint64_t itt, uint32_t eventid)
{
	assert(itt % BIT64(ITT_ALIGN) == 0);

	return itt + (uint64_t)eventid * ENTRY_SZ;
}

/*
 * Choice: the "next" offset of an entry is 1, and 0 in the last entry that
 * there can be. The layout wants the distance to the next valid entry there,
 * or any smaller distance that is not 0, since readers go on from an invalid
 * entry to the one after it. 1 is always right and needs no search; the exact
 * distance would mean to rewrite a neighbour at each MAPTI and DISCARD, and to
 * find it: an unbounded walk through memory that the guest writes.
 */
static uint64_t next_of(uint32_t id, unsigned id_bits)
{
	return (uint64_t)id + 1 < BIT64(id_bits) ? 1 : 0;
}

uint64_t dte_pack(const struct vits *v, uint32_t devid, const struct dte *dte)
{
	if (!dte->valid)
		return 0;
	assert(dte->eventid_bits >= 1);
	assert(dte->eventid_bits <= v->config.eventid_bits);
	return DTE_VALID | FIELD_PREP(DTE_NEXT, next_of(devid, v->config.devid_bits)) |
	       FIELD_PREP(DTE_ITT, dte->itt >> ITT_ALIGN) |
	       FIELD_PREP(DTE_SIZE, dte->eventid_bits - 1);
}

struct dte dte_unpack(const struct vits *v, uint64_t raw)
{
	struct dte dte = {
		.valid = raw & DTE_VALID,
		.eventid_bits = (unsigned)FIELD_GET(DTE_SIZE, raw) + 1,
		.itt = FIELD_GET(DTE_ITT, raw) << ITT_ALIGN,
	};

	if (!dte.valid || dte.eventid_bits > v->config.eventid_bits)
		return (struct dte){ .valid = false };
	return dte;
}

/*
 * Choice: the collection table is indexed by ICID, which the architecture
 * implies (GITS_BASER<n>.Size bounds ICIDs), while the layout speaks of a list
 * that ends at the first invalid entry. Each entry names its ICID, so a reader
 * of the list finds all collections of a guest that numbers them without a
 * gap, as Linux does.
 */
uint64_t cte_pack(uint32_t icid, const struct cte *cte)
{
	if (!cte->valid)
		return 0;
	return CTE_VALID | FIELD_PREP(CTE_RDBASE, cte->vcpu) | FIELD_PREP(CTE_ICID, icid);
}

struct cte cte_unpack(const struct vits *v, uint32_t icid, uint64_t raw)
{
	uint64_t rdbase = FIELD_GET(CTE_RDBASE, raw);

	if (!(raw & CTE_VALID) || rdbase >= v->config.nr_vcpus || FIELD_GET(CTE_ICID, raw) != icid)
		return (struct cte){ .valid = false };
	return (struct cte){ .valid = true, .vcpu = (uint32_t)rdbase };
}

uint64_t ite_pack(uint32_t eventid, unsigned eventid_bits, const struct ite *ite)
{
	if (!ite->valid)
		return 0;
	assert(ite->intid >= VITS_LPI_BASE);
	return FIELD_PREP(ITE_NEXT, next_of(eventid, eventid_bits)) |
	       FIELD_PREP(ITE_PINTID, ite->intid) | FIELD_PREP(ITE_ICID, ite->icid);
}

/*
 * Choice: an ITE whose INTID no MAPTI could have put there is no ITE. The
 * layout has no valid bit; an INTID of 0 means empty.
 */
struct ite ite_unpack(const struct vits *v, uint64_t raw)
{
	uint32_t intid = (uint32_t)FIELD_GET(ITE_PINTID, raw);

	if (!vits_lpi_in_range(v, intid))
		return (struct ite){ .valid = false };
	return (struct ite){
		.valid = true,
		.intid = intid,
		.icid = (uint32_t)FIELD_GET(ITE_ICID, raw),
	};
}

bool dte_matches(const struct vits *v, uint32_t devid, uint64_t raw, const struct dte *dte)
{
	return dte->valid ? raw == dte_pack(v, devid, dte) : !dte_unpack(v, raw).valid;
}

bool cte_matches(const struct vits *v, uint32_t icid, uint64_t raw, const struct cte *cte)
{
	return cte->valid ? raw == cte_pack(icid, cte) : !cte_unpack(v, icid, raw).valid;
}

bool ite_matches(const struct vits *v, uint64_t raw, uint64_t packed)
{
	return packed ? raw == packed : !ite_unpack(v, raw).valid;
}
