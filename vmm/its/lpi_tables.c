// SPDX-License-Identifier: MIT
/*
 * What the guest's redistributors say of its LPI tables.
 */
#include "vmm/its/lpi_tables.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vitsmod/vits.h"
#include "vmm/base/bits.h"
#include "vmm/kvm/gic.h"

/* Registers of redistributors, IHI 0069 12.11. */
#define GICR_CTLR	 0x0000u
#define GICR_CTLR_LPIS	 (1u << 0) /* EnableLPIs */
#define GICR_PROPBASER	 0x0070u
#define GICR_PENDBASER	 0x0078u
#define PROPBASER_IDBITS MASK64(4, 0)
#define PROPBASER_PA	 MASK64(51, 12)
#define PENDBASER_PA	 MASK64(51, 16)

#define KERNEL_ID_BITS 16u /* of the INTIDs that KVM has */

int lpi_tables_init(struct lpi_tables *t)
{
	t->redists = calloc(t->nr_vcpus, sizeof(*t->redists));
	return t->redists ? 0 : -ENOMEM;
}

void lpi_tables_fini(struct lpi_tables *t)
{
	free(t->redists);
	t->redists = NULL;
}

void lpi_tables_forget(struct lpi_tables *t)
{
	t->has_prop = false;
	memset(t->redists, 0, t->nr_vcpus * sizeof(*t->redists));
}

static int read_prop(struct lpi_tables *t)
{
	int r = t->has_prop
			? 0
			: gic_redist_read64(t->vm, t->gic, t->mpidr[0], GICR_PROPBASER, &t->prop);

	t->has_prop = !r;
	t->refused = 0;
	return r;
}

static int read_redist(struct lpi_tables *t, uint32_t vcpu)
{
	struct redist *redist = &t->redists[vcpu];
	uint32_t ctlr;
	int r;

	if (redist->known)
		return 0;
	t->refused = vcpu;
	r = gic_redist_read64(t->vm, t->gic, t->mpidr[vcpu], GICR_PENDBASER, &redist->pend);
	if (!r)
		r = gic_redist_read32(t->vm, t->gic, t->mpidr[vcpu], GICR_CTLR, &ctlr);
	if (r < 0)
		return r;
	redist->lpis_on = ctlr & GICR_CTLR_LPIS;
	redist->known = true;
	return 0;
}

int lpi_tables_ready(struct lpi_tables *t, uint32_t intid, uint32_t vcpu)
{
	uint64_t id_bits, prop, pend;
	uint8_t byte;
	int r = read_prop(t);

	assert(vcpu < t->nr_vcpus);

	if (!r)
		r = read_redist(t, vcpu);
	if (r < 0)
		return r;
	id_bits = FIELD_GET(PROPBASER_IDBITS, t->prop) + 1;
	if (intid >> (id_bits < KERNEL_ID_BITS ? id_bits : KERNEL_ID_BITS))
		return 0;
	prop = (t->prop & PROPBASER_PA) + (intid - VITS_LPI_BASE);
	pend = (t->redists[vcpu].pend & PENDBASER_PA) + intid / 8;
	return !gmem_read(t->mem, prop, &byte, 1) && !gmem_read(t->mem, pend, &byte, 1);
}

bool lpi_tables_on(const struct lpi_tables *t, uint32_t vcpu)
{
	assert(t->redists[vcpu].known);

	return t->redists[vcpu].lpis_on;
}
