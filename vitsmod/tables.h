/* SPDX-License-Identifier: MIT */
/*
 * The tables in guest memory: where an entry lies, and what its bits mean.
 *
 * The architecture leaves the layout of entries to the implementation (IHI
 * 0069 5.2); this is the layout that Linux documents as ITS table ABI revision
 * 0 (Documentation/virt/kvm/devices/arm-vgic-its.rst), so that what reads KVM's
 * tables reads these.
 *
 * A guest can write anything to its memory at any time. Each entry is copied
 * once, and unpacking says whether the copy makes sense at all.
 */
#ifndef VITSMOD_TABLES_H
#define VITSMOD_TABLES_H

#include <stdbool.h>
#include <stdint.h>

#include "gits.h"
#include "vits_priv.h"

/* Bytes in an entry of any of the tables, and in an ITE. */
#define ENTRY_SZ 8u

struct dte {
	bool valid;
	unsigned eventid_bits;
	uint64_t itt;
};

struct cte {
	bool valid;
	uint32_t vcpu;
};

struct ite {
	bool valid;
	uint32_t intid;
	uint32_t icid;
};

/* Bytes in one page of the table that a GITS_BASER<n> value describes. */
uint64_t baser_page_sz(uint64_t baser);
/* Where that table begins. */
uint64_t baser_address(uint64_t baser);

/*
 * Find the slot of an ID. False if the table is not there, or ends before it,
 * or has no second-level page for it. Owner.
 */
bool table_slot(struct vits *v, enum vits_table table, uint32_t id, uint64_t *ret_gpa);

/* Copy one entry. False if it is not in RAM. Owner. */
bool table_read(struct vits *v, uint64_t gpa, uint64_t *ret_raw);
bool table_write(struct vits *v, uint64_t gpa, uint64_t raw);

/* Where an event's ITE lies. eventid must be within the ITT. */
uint64_t ite_address(uint64_t itt, uint32_t eventid);

/*
 * Pack and unpack. An invalid entry packs to zero. An entry with a field that
 * no command could have put there unpacks as invalid.
 */
uint64_t dte_pack(const struct vits *v, uint32_t devid, const struct dte *dte);
struct dte dte_unpack(const struct vits *v, uint64_t raw);
uint64_t cte_pack(uint32_t icid, const struct cte *cte);
struct cte cte_unpack(const struct vits *v, uint32_t icid, uint64_t raw);
uint64_t ite_pack(uint32_t eventid, unsigned eventid_bits, const struct ite *ite);
struct ite ite_unpack(const struct vits *v, uint64_t raw);

/*
 * Is this what the ITS wrote there? All bits have to be if the entry is to be
 * valid; any invalid entry will do if not.
 */
bool dte_matches(const struct vits *v, uint32_t devid, uint64_t raw, const struct dte *dte);
bool cte_matches(const struct vits *v, uint32_t icid, uint64_t raw, const struct cte *cte);
bool ite_matches(const struct vits *v, uint64_t raw, uint64_t packed);

#endif
