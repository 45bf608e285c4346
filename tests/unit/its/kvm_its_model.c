// SPDX-License-Identifier: MIT
/*
 * A model of KVM's ITS. IHI 0069 5.3 for the commands; what each does, and when it is
 * refused, is from arch/arm64/kvm/vgic/vgic-its.c. No recursion, no allocation while
 * commands run.
 */
#include "tests/unit/its/kvm_its_model.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vitsmod/gits.h"
#include "vmm/base/bits.h"

#define BASER_PA MASK64(47, 16) /* of 64 KiB pages */

/* A promise is broken: the first one is kept. */
static void breaks(struct kvm_its_model *m, const char *what, const uint64_t cmd[4])
{
	if (!m->broken[0])
		(void)snprintf(m->broken, sizeof(m->broken), "%s: %llx %llx %llx", what,
			       (unsigned long long)cmd[0], (unsigned long long)cmd[1],
			       (unsigned long long)cmd[2]);
}

/* ---- guest memory -------------------------------------------------------------- */

static bool readable(const struct kvm_its_model *m, uint64_t gpa, uint8_t *ret_byte)
{
	const uint8_t *va = fake_kvm_memory(m->fake, gpa, 1, false);

	/* The slot over the frame is there, but cannot be read. */
	if (!va || va == fake_kvm_memory(m->fake, m->fake->gits, 1, false))
		return false;
	*ret_byte = *va;
	return true;
}

/* update_lpi_config(): the configuration byte. */
static bool read_config(const struct kvm_its_model *m, uint32_t intid, struct model_lpi *lpi)
{
	uint8_t byte;

	if (!readable(m, (m->fake->propbaser & MASK64(51, 12)) + intid - VITS_LPI_BASE, &byte))
		return false;
	lpi->enabled = byte & 1;
	lpi->priority = byte & 0xfc;
	return true;
}

/* vgic_v3_lpi_sync_pending_status(): what the table says is taken from there. */
static bool read_pending(const struct kvm_its_model *m, uint32_t intid, struct model_lpi *lpi)
{
	uint64_t at = (m->fake->vcpus[lpi->vcpu].pendbaser & MASK64(51, 16)) + intid / 8;
	uint8_t byte, bit = (uint8_t)(1u << intid % 8), *va;

	if (!readable(m, at, &byte))
		return false;
	if (!(byte & bit))
		return true;
	lpi->pending = true;
	va = fake_kvm_memory(m->fake, at, 1, true);
	if (va)
		*va = byte & (uint8_t)~bit;
	return va;
}

/* ---- what there is --------------------------------------------------------------- */

static struct model_lpi *lpi_of(const struct kvm_its_model *m, uint32_t intid)
{
	assert(intid >= VITS_LPI_BASE && intid - VITS_LPI_BASE < VITS_MAX_LPIS);
	return &m->lpis[intid - VITS_LPI_BASE];
}

const struct model_lpi *kvm_its_model_lpi(const struct kvm_its_model *m, uint32_t intid)
{
	return lpi_of(m, intid);
}

static struct model_ite *find_ite(const struct kvm_its_model *m, uint32_t devid, uint32_t eventid)
{
	for (uint32_t i = 0; i < m->nr_ites; i++)
		if (m->ites[i].devid == devid && m->ites[i].eventid == eventid)
			return &m->ites[i];
	return NULL;
}

const struct model_ite *kvm_its_model_find(const struct kvm_its_model *m, uint32_t devid,
					   uint32_t eventid)
{
	return find_ite(m, devid, eventid);
}

/* An LPI that is not mapped is there while it is pending. */
static void put_lpi(struct model_lpi *lpi)
{
	if (!lpi->nr_ites && !lpi->pending)
		*lpi = (struct model_lpi){ 0 };
}

static void set_pending(struct model_lpi *lpi, bool pending)
{
	lpi->pending = pending;
	put_lpi(lpi);
}

static bool lpis_on(const struct kvm_its_model *m, uint32_t vcpu)
{
	return m->fake->vcpus[vcpu].gicr_ctlr & 1;
}

/* vgic_its_resolve_lpi() and what follows. */
static int trigger(struct kvm_its_model *m, uint32_t devid, uint32_t eventid)
{
	const struct model_ite *ite;

	if (!m->enabled)
		return -EBUSY;
	ite = find_ite(m, devid, eventid);
	if (!ite || !m->mapped[ite->icid])
		return 0;
	if (!lpis_on(m, m->target[ite->icid]))
		return -EBUSY;
	set_pending(lpi_of(m, ite->intid), true);
	return 1;
}

/* ---- commands: false where KVM refuses ---------------------------------------------- */

static bool do_mapd(struct kvm_its_model *m, const struct gits_cmd *c, const uint64_t cmd[4])
{
	struct model_device *device = &m->devices[c->devid & 0xffff];
	uint64_t at = (m->baser[0] & BASER_PA) + 8 * (uint64_t)c->devid;
	uint64_t tables = (FIELD_GET(GITS_BASER_SIZE, m->baser[0]) + 1) * 65536;

	if (!c->valid || device->exists)
		breaks(m, "MAPD takes a device's mappings away", cmd);
	if (8 * (uint64_t)c->devid >= tables || !fake_kvm_memory(m->fake, at, 8, false) ||
	    c->size >= 16)
		return false;
	*device = (struct model_device){ true, (uint8_t)(c->size + 1), c->itt };
	return true;
}

static bool do_mapc(struct kvm_its_model *m, const struct gits_cmd *c, const uint64_t cmd[4])
{
	if (!c->valid) {
		breaks(m, "MAPC without a target spoils events for good", cmd);
		return false;
	}
	if (c->icid >= FAKE_KVM_VCPUS || c->rdbase >= m->fake->nr_vcpus)
		return false;
	m->mapped[c->icid] = true;
	m->target[c->icid] = (uint32_t)c->rdbase;
	return true;
}

static bool do_mapti(struct kvm_its_model *m, const struct gits_cmd *c, const uint64_t cmd[4])
{
	const struct model_device *device = &m->devices[c->devid & 0xffff];
	uint64_t id_bits = FIELD_GET(MASK64(4, 0), m->fake->propbaser) + 1;
	struct model_lpi *lpi, made;

	if (c->devid > 0xffff || !device->exists || c->eventid >> device->id_bits ||
	    !fake_kvm_memory(m->fake, device->itt + 8 * (uint64_t)c->eventid, 8, false))
		return false;
	if (c->pintid < VITS_LPI_BASE || c->pintid >> (id_bits < 16 ? id_bits : 16))
		return false;
	/* KVM keeps the old mapping, without a word. */
	if (find_ite(m, c->devid, c->eventid) || c->icid >= FAKE_KVM_VCPUS || !m->mapped[c->icid])
		return false;
	lpi = lpi_of(m, c->pintid);
	if (lpi->nr_ites)
		breaks(m, "an LPI is mapped twice", cmd);
	made = (struct model_lpi){ .exists = true, .vcpu = m->target[c->icid] };
	/* What is there already stays as it is: target, configuration, pending. */
	if (!lpi->exists &&
	    !(read_config(m, c->pintid, &made) && read_pending(m, c->pintid, &made)))
		return false;
	if (!lpi->exists)
		*lpi = made;
	lpi->nr_ites++;
	assert(m->nr_ites < MODEL_ITES);
	m->ites[m->nr_ites++] = (struct model_ite){ c->devid, c->eventid, c->pintid, c->icid };
	return true;
}

static bool do_movi(struct kvm_its_model *m, const struct gits_cmd *c, const uint64_t cmd[4])
{
	struct model_ite *ite = find_ite(m, c->devid, c->eventid);

	(void)cmd;
	if (!ite || c->icid >= FAKE_KVM_VCPUS || !m->mapped[ite->icid] || !m->mapped[c->icid])
		return false;
	ite->icid = c->icid;
	lpi_of(m, ite->intid)->vcpu = m->target[c->icid];
	return true;
}

static bool do_discard(struct kvm_its_model *m, const struct gits_cmd *c, const uint64_t cmd[4])
{
	struct model_ite *ite = find_ite(m, c->devid, c->eventid);
	struct model_lpi *lpi;

	(void)cmd;
	if (!ite || !m->mapped[ite->icid])
		return false;
	lpi = lpi_of(m, ite->intid);
	lpi->nr_ites--;
	put_lpi(lpi);
	*ite = m->ites[--m->nr_ites];
	return true;
}

static bool do_clear(struct kvm_its_model *m, const struct gits_cmd *c, const uint64_t cmd[4])
{
	const struct model_ite *ite = find_ite(m, c->devid, c->eventid);

	(void)cmd;
	if (ite)
		set_pending(lpi_of(m, ite->intid), false);
	return ite;
}

/* A guest that has taken its table away meanwhile gets what it asked for. */
static bool do_inv(struct kvm_its_model *m, const struct gits_cmd *c, const uint64_t cmd[4])
{
	const struct model_ite *ite = find_ite(m, c->devid, c->eventid);

	(void)cmd;
	if (ite)
		(void)read_config(m, ite->intid, lpi_of(m, ite->intid));
	return ite;
}

static bool do_invall(struct kvm_its_model *m, const struct gits_cmd *c, const uint64_t cmd[4])
{
	(void)cmd;
	if (c->icid >= FAKE_KVM_VCPUS || !m->mapped[c->icid])
		return false;
	for (uint32_t n = 0; n < VITS_MAX_LPIS; n++)
		if (m->lpis[n].exists && m->lpis[n].vcpu == m->target[c->icid])
			(void)read_config(m, VITS_LPI_BASE + n, &m->lpis[n]);
	return true;
}

/* Of a target whose LPIs are off it is lost, as an MSI is: that is no mistake. */
static bool do_int(struct kvm_its_model *m, const struct gits_cmd *c, const uint64_t cmd[4])
{
	(void)cmd;
	return trigger(m, c->devid, c->eventid) != 0;
}

static const struct {
	uint8_t opcode;
	bool (*run)(struct kvm_its_model *m, const struct gits_cmd *c, const uint64_t cmd[4]);
} commands[] = {
	{ GITS_CMD_MOVI, do_movi },	  { GITS_CMD_INT, do_int },
	{ GITS_CMD_CLEAR, do_clear },	  { GITS_CMD_MAPD, do_mapd },
	{ GITS_CMD_MAPC, do_mapc },	  { GITS_CMD_MAPTI, do_mapti },
	{ GITS_CMD_INV, do_inv },	  { GITS_CMD_INVALL, do_invall },
	{ GITS_CMD_DISCARD, do_discard },
};

static void run_command(struct kvm_its_model *m, const uint64_t cmd[4])
{
	struct gits_cmd c;

	cmd_decode(cmd, &c);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (commands[i].opcode != c.opcode)
			continue;
		if (!commands[i].run(m, &c, cmd))
			breaks(m, "KVM refuses a command", cmd);
		return;
	}
	breaks(m, "a command that is none of the kernel ITS's", cmd);
}

/* ---- registers ------------------------------------------------------------------------ */

static void run_queue(struct kvm_its_model *m)
{
	uint64_t size = (FIELD_GET(GITS_CBASER_SIZE, m->cbaser) + 1) * 4096,
		 at = m->cbaser & GITS_CBASER_PA;
	uint32_t nr = 0;

	while (m->enabled && m->creadr != m->cwriter) {
		const uint8_t *from = fake_kvm_memory(m->fake, at + m->creadr, GITS_CMD_SZ, false);
		uint64_t cmd[4] = { 0 };

		if (from) {
			memcpy(cmd, from, sizeof(cmd));
			for (unsigned i = 0; i < 4; i++)
				cmd[i] = le64toh(cmd[i]);
			run_command(m, cmd);
		} else {
			breaks(m, "a queue that cannot be read", cmd);
		}
		if (fake_kvm_memory(m->fake, at + m->creadr, GITS_CMD_SZ, true))
			breaks(m, "a queue that the guest can write", cmd);
		m->creadr = (uint32_t)((m->creadr + GITS_CMD_SZ) % size);
		nr++;
	}
	m->nr_commands += nr;
	m->nr_batches += nr > 0;
	if (nr > m->most_commands)
		m->most_commands = nr;
}

static int model_set(void *ctx, uint64_t reg, uint64_t value)
{
	struct kvm_its_model *m = ctx;
	int r = 0;

	pthread_mutex_lock(&m->lock);
	if (reg == GITS_CWRITER &&
	    (value & GITS_QUEUE_OFFSET) < (FIELD_GET(GITS_CBASER_SIZE, m->cbaser) + 1) * 4096) {
		m->cwriter = (uint32_t)(value & GITS_QUEUE_OFFSET);
		run_queue(m);
	} else if (reg == GITS_CTLR) {
		/* Ignored where a table is missing. */
		m->enabled = (value & GITS_CTLR_ENABLED) &&
			     m->cbaser & m->baser[0] & m->baser[1] & GITS_BASER_VALID;
	} else if (reg == GITS_CBASER && !m->enabled) {
		m->cbaser = value;
		m->creadr = m->cwriter = 0;
	} else if ((reg == GITS_BASER(0) || reg == GITS_BASER(1)) && !m->enabled) {
		m->baser[(reg - GITS_BASER(0)) / 8] = value;
	} else if (reg != GITS_CBASER && reg != GITS_BASER(0) && reg != GITS_BASER(1)) {
		r = -ENXIO;
	}
	pthread_mutex_unlock(&m->lock);
	return r;
}

static int model_get(void *ctx, uint64_t reg, uint64_t *ret_value)
{
	struct kvm_its_model *m = ctx;

	if (reg != GITS_CTLR)
		return -ENXIO;
	pthread_mutex_lock(&m->lock);
	*ret_value = GITS_CTLR_QUIESCENT | m->enabled;
	pthread_mutex_unlock(&m->lock);
	return 0;
}

static int model_msi(void *ctx, uint32_t devid, uint32_t eventid)
{
	struct kvm_its_model *m = ctx;
	int r;

	pthread_mutex_lock(&m->lock);
	r = trigger(m, devid, eventid);
	pthread_mutex_unlock(&m->lock);
	return r;
}

/* ---- making one, and the guest -------------------------------------------------------- */

void kvm_its_model_init(struct kvm_its_model *m, struct fake_kvm *fake)
{
	*m = (struct kvm_its_model){
		.fake = fake,
		.devices = calloc(65536, sizeof(*m->devices)),
		.lpis = calloc(VITS_MAX_LPIS, sizeof(*m->lpis)),
		.ites = calloc(MODEL_ITES, sizeof(*m->ites)),
	};
	assert(m->devices && m->lpis && m->ites);
	pthread_mutex_init(&m->lock, NULL);
	fake->its_ops = (struct fake_its_ops){ model_set, model_get, model_msi, m };
}

void kvm_its_model_fini(struct kvm_its_model *m)
{
	pthread_mutex_destroy(&m->lock);
	free(m->devices);
	free(m->lpis);
	free(m->ites);
}

void kvm_its_model_enable_lpis(struct kvm_its_model *m, uint32_t vcpu, bool on)
{
	pthread_mutex_lock(&m->lock);
	fake_kvm_set_gicr_ctlr(m->fake, vcpu, on);
	for (uint32_t n = 0; n < VITS_MAX_LPIS && !on; n++)
		if (m->lpis[n].exists && m->lpis[n].vcpu == vcpu)
			set_pending(&m->lpis[n], false);
	pthread_mutex_unlock(&m->lock);
}

uint32_t kvm_its_model_take(struct kvm_its_model *m, uint32_t vcpu)
{
	uint32_t intid = 0;

	pthread_mutex_lock(&m->lock);
	for (uint32_t n = 0; n < VITS_MAX_LPIS && !intid; n++) {
		struct model_lpi *lpi = &m->lpis[n];

		if (!lpi->pending || !lpi->enabled || lpi->vcpu != vcpu)
			continue;
		intid = VITS_LPI_BASE + n;
		set_pending(lpi, false);
	}
	pthread_mutex_unlock(&m->lock);
	return intid;
}
