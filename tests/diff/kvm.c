// SPDX-License-Identifier: MIT
/*
 * KVM's in-kernel ITS as an ITS that scripts can be played on.
 * Documentation/virt/kvm/api.rst, devices/arm-vgic-v3.rst, arm-vgic-its.rst.
 *
 * What outlives KVM_DEV_ARM_ITS_CTRL_RESET: LPIs on a vCPU's list, until its
 * GICR_CTLR.EnableLPIs goes to 0; and GICR_PROPBASER, which can only be written
 * while all of these are 0.
 */
#include "tests/diff/kvm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include "tests/diff/kvm_priv.h"
#include "vitsmod/bits.h"
#include "vitsmod/gits.h"
#include "vitsmod/vits.h"

#define GICD_GPA UINT64_C(0x08000000)
#define ITS_GPA	 UINT64_C(0x08080000)
#define GICR_GPA UINT64_C(0x080a0000)

#define GICD_CTLR	     0x0000u
#define GICD_CTLR_GROUP1     BIT64(1)
#define GICR_CTLR	     0x0000u
#define GICR_CTLR_ENABLELPIS BIT64(0)
#define GICR_PROPBASER	     0x0070u
#define GICR_PENDBASER	     0x0078u
#define GICR_PENDBASER_PTZ   BIT64(62)

#define NR_IRQS	   64u
#define CTE_NOBODY UINT64_C(0xffffffff) /* RDbase of a collection that is not mapped */
#define DEBUGFS	   "/sys/kernel/debug"

/*
 * Access
 */

static int xioctl(int fd, unsigned long request, void *arg)
{
	int r;

	do {
		r = ioctl(fd, request, arg);
	} while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r;
}

int kvm_set_attr(int fd, uint32_t group, uint64_t attr, void *value)
{
	struct kvm_device_attr a = { .group = group, .attr = attr, .addr = (uintptr_t)value };

	return xioctl(fd, KVM_SET_DEVICE_ATTR, &a);
}

static int get_attr(int fd, uint32_t group, uint64_t attr, void *value)
{
	struct kvm_device_attr a = { .group = group, .attr = attr, .addr = (uintptr_t)value };

	return xioctl(fd, KVM_GET_DEVICE_ATTR, &a);
}

void kvm_expect(struct kvm_side *side, bool promise, const char *what)
{
	if (!promise && !side->broken)
		side->broken = what;
}

uint64_t kvm_port_read(void *ctx, uint32_t offset)
{
	struct kvm_side *side = ctx;
	uint64_t value = 0;

	kvm_expect(side, get_attr(side->its, KVM_DEV_ARM_VGIC_GRP_ITS_REGS, offset, &value) == 0,
		   "reading an ITS register");
	return value;
}

void kvm_port_write(void *ctx, uint32_t offset, uint64_t value)
{
	struct kvm_side *side = ctx;

	kvm_expect(side,
		   kvm_set_attr(side->its, KVM_DEV_ARM_VGIC_GRP_ITS_REGS, offset, &value) == 0,
		   "writing an ITS register");
}

static enum msi_outcome port_msi(void *ctx, uint32_t devid, uint32_t eventid)
{
	const uint64_t doorbell = ITS_GPA + GITS_TRANSLATER;
	struct kvm_side *side = ctx;
	struct kvm_msi msi = {
		.address_lo = (uint32_t)doorbell,
		.address_hi = (uint32_t)(doorbell >> 32),
		.data = eventid,
		.flags = KVM_MSI_VALID_DEVID,
		.devid = devid,
	};
	int r = xioctl(side->vm, KVM_SIGNAL_MSI, &msi);

	kvm_expect(side, r == 1 || r == 0 || r == -EBUSY, "KVM_SIGNAL_MSI");
	return r == 1 ? MSI_DELIVERED : r == 0 ? MSI_UNMAPPED : MSI_DISABLED;
}

static void port_reset(void *ctx)
{
	struct kvm_side *side = ctx;

	kvm_expect(side,
		   kvm_set_attr(side->its, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_ITS_CTRL_RESET,
				NULL) == 0,
		   "KVM_DEV_ARM_ITS_CTRL_RESET");
}

static const struct port port = { kvm_port_read, kvm_port_write, port_msi, port_reset,
				  kvm_port_save };

/* The affinity of vCPU n is n. */
static int set_redist(struct kvm_side *side, uint32_t vcpu, uint32_t offset, uint64_t value)
{
	uint32_t half = (uint32_t)value;

	return kvm_set_attr(side->gic, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS,
			    (uint64_t)vcpu << 32 | offset, &half);
}

static int set_redist64(struct kvm_side *side, uint32_t vcpu, uint32_t offset, uint64_t value)
{
	int r = set_redist(side, vcpu, offset, value);

	return r ? r : set_redist(side, vcpu, offset + 4, value >> 32);
}

/*
 * Making one
 */

static int make_vcpu(struct kvm_side *side, uint32_t n)
{
	struct kvm_vcpu_init init = { 0 };
	int r;

	side->vcpus[n] = xioctl(side->vm, KVM_CREATE_VCPU, (void *)(uintptr_t)n);
	if (side->vcpus[n] < 0)
		return side->vcpus[n];
	r = xioctl(side->vm, KVM_ARM_PREFERRED_TARGET, &init);
	init.features[0] |= UINT32_C(1) << KVM_ARM_VCPU_PSCI_0_2;
	return r < 0 ? r : xioctl(side->vcpus[n], KVM_ARM_VCPU_INIT, &init);
}

static int make_slots(struct kvm_side *side)
{
	int r = 0;

	for (uint32_t i = 0; !r && i < NR_BANKS; i++) {
		struct kvm_userspace_memory_region region = {
			.slot = i,
			.guest_phys_addr = side->ram.banks[i].base,
			.memory_size = side->ram.banks[i].sz,
			.userspace_addr = (uintptr_t)side->ram.banks[i].bytes,
		};

		r = xioctl(side->vm, KVM_SET_USER_MEMORY_REGION, &region);
	}
	return r;
}

static int make_device(struct kvm_side *side, uint32_t type)
{
	struct kvm_create_device create = { .type = type };
	int r = xioctl(side->vm, KVM_CREATE_DEVICE, &create);

	return r < 0 ? r : (int)create.fd;
}

/* The GIC and the ITS get their places; then nothing about them can change any more. */
static int place_gic(struct kvm_side *side)
{
	uint64_t redist = (uint64_t)side->nr_vcpus << 52 | GICR_GPA;
	uint64_t dist = GICD_GPA, its = ITS_GPA;
	uint32_t nr_irqs = NR_IRQS;
	const struct {
		int fd;
		uint32_t group;
		uint64_t attr;
		void *value;
	} steps[] = {
		{ side->gic, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &nr_irqs },
		{ side->gic, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST, &dist },
		{ side->gic, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION,
		  &redist },
		{ side->its, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_ITS_ADDR_TYPE, &its },
		{ side->gic, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, NULL },
		{ side->its, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, NULL },
	};
	int r = 0;

	for (size_t i = 0; !r && i < ARRAY_SIZE(steps); i++)
		r = kvm_set_attr(steps[i].fd, steps[i].group, steps[i].attr, steps[i].value);
	return r;
}

static int place_pending_tables(struct kvm_side *side)
{
	int r = 0;

	for (uint32_t i = 0; !r && i < side->nr_vcpus; i++)
		r = set_redist64(side, i, GICR_PENDBASER, RAM_PENDING(i) | GICR_PENDBASER_PTZ);
	return r;
}

/* Where debugfs shows the interrupts of this VM. Not to have it is no error. */
static int open_state(struct kvm_side *side)
{
	char path[80];

	snprintf(path, sizeof(path), DEBUGFS "/kvm/%d-%d/vgic-state", (int)getpid(), side->vm);
	if (access(DEBUGFS "/kvm", F_OK) != 0)
		(void)mount("debugfs", DEBUGFS, "debugfs", 0, NULL);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static int make_vm(struct kvm_side *side, const char **ret_what)
{
	int r;

	*ret_what = "/dev/kvm";
	side->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (side->kvm < 0)
		return -errno;
	*ret_what = "KVM_CREATE_VM";
	side->vm = xioctl(side->kvm, KVM_CREATE_VM, NULL);
	if (side->vm < 0)
		return side->vm;
	*ret_what = "a memory slot";
	r = make_slots(side);
	if (r < 0)
		return r;
	*ret_what = "a GICv3 with ITS";
	side->gic = make_device(side, KVM_DEV_TYPE_ARM_VGIC_V3);
	side->its = side->gic < 0 ? side->gic : make_device(side, KVM_DEV_TYPE_ARM_VGIC_ITS);
	return side->its < 0 ? side->its : 0;
}

int kvm_side_create(uint32_t nr_vcpus, struct kvm_side **ret_side, const char **ret_what)
{
	struct kvm_side *side = calloc(1, sizeof(*side));
	int r;

	if (!side)
		return -ENOMEM;
	side->kvm = side->vm = side->gic = side->its = side->state = -1;
	for (size_t i = 0; i < KVM_SIDE_VCPUS; i++)
		side->vcpus[i] = -1;
	side->nr_vcpus = nr_vcpus;
	side->guest.port = &port;
	side->guest.ctx = side;
	side->guest.ram = &side->ram;

	*ret_what = "memory";
	r = nr_vcpus <= KVM_SIDE_VCPUS ? ram_init(&side->ram) : -EINVAL;
	if (!r)
		r = make_vm(side, ret_what);
	for (uint32_t i = 0; !r && i < nr_vcpus; i++) {
		*ret_what = "a vCPU";
		r = make_vcpu(side, i);
	}
	if (!r) {
		*ret_what = "the set-up of the GICv3";
		r = place_gic(side);
	}
	if (!r)
		r = place_pending_tables(side);
	if (r < 0) {
		kvm_side_destroy(side);
		return r;
	}
	side->state = open_state(side);
	*ret_side = side;
	return 0;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		(void)close(fd);
}

void kvm_side_destroy(struct kvm_side *side)
{
	if (!side)
		return;
	close_fd(side->state);
	for (size_t i = 0; i < KVM_SIDE_VCPUS; i++)
		close_fd(side->vcpus[i]);
	close_fd(side->its);
	close_fd(side->gic);
	close_fd(side->vm);
	close_fd(side->kvm);
	ram_fini(&side->ram);
	free(side);
}

/*
 * Between scripts
 */

/* So many LPIs, from 8192 on, need so many bits; KVM has powers of two. */
static uint64_t idbits_for(uint64_t lpis)
{
	uint64_t bits = 14;

	while (VITS_LPI_BASE + lpis > BIT64(bits))
		bits++;
	return bits - 1;
}

static int set_group(struct kvm_side *side, bool group)
{
	uint32_t value = group ? (uint32_t)GICD_CTLR_GROUP1 : 0;

	if (side->group == group)
		return 0;
	side->group = group;
	return kvm_set_attr(side->gic, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, GICD_CTLR, &value);
}

static int set_enablelpis(struct kvm_side *side, uint64_t value)
{
	int r = 0;

	for (uint32_t i = 0; !r && i < side->nr_vcpus; i++)
		r = set_redist(side, i, GICR_CTLR, value);
	return r;
}

static int set_idbits(struct kvm_side *side, uint64_t idbits)
{
	if (side->idbits == idbits)
		return 0;
	side->idbits = idbits;
	return set_redist64(side, 0, GICR_PROPBASER, idbits ? RAM_PROPERTIES | idbits : 0);
}

void kvm_side_begin(struct kvm_side *side, const struct script *script,
		    const struct universe *universe)
{
	uint64_t idbits = script->cfg[CFG_NO_PROPBASER] ? 0 : idbits_for(script->cfg[CFG_LPIS]);

	side->broken = NULL;
	port_reset(side);
	ram_clear(&side->ram);
	kvm_expect(side, set_enablelpis(side, 0) == 0, "GICR_CTLR := 0");
	kvm_expect(side, set_group(side, script->cfg[CFG_GROUP]) == 0, "GICD_CTLR");
	kvm_expect(side, set_idbits(side, idbits) == 0, "GICR_PROPBASER");
	kvm_expect(side, set_enablelpis(side, GICR_CTLR_ENABLELPIS) == 0,
		   "GICR_CTLR := EnableLPIs");
	guest_begin(&side->guest, script, universe);
}

int kvm_side_set_up_lpis(struct kvm_side *side, const struct script *script)
{
	int r = set_group(side, script->cfg[CFG_GROUP]);

	if (!r)
		r = set_idbits(side, idbits_for(script->cfg[CFG_LPIS]));
	if (!r)
		r = place_pending_tables(side);
	if (!r)
		r = set_enablelpis(side, GICR_CTLR_ENABLELPIS);
	side->state = open_state(side);
	return r;
}

/*
 * Looking
 */

/* KVM wrote there past ram.h, but no more than this. */
void kvm_zero_pending(struct kvm_side *side)
{
	const struct numbers *intids = &side->guest.universe->intids;

	for (size_t i = 0; i < intids->nr; i++) {
		uint64_t at = intids->at[i] / 8;

		for (uint32_t vcpu = 0; vcpu < side->nr_vcpus && at < 8 * RAM_KIB; vcpu++)
			ram_touch(&side->ram, RAM_PENDING(vcpu) + at, 1);
	}
	ram_zero(&side->ram, RAM_PENDING(0), RAM_PENDING(KVM_SIDE_VCPUS));
}

/* KVM writes bits of pending tables; only ones, for they were zero. */
void kvm_side_pending(struct kvm_side *side, uint32_t ret_pending[UNIVERSE_MAX])
{
	const struct numbers *intids = &side->guest.universe->intids;
	int r;

	r = kvm_set_attr(side->gic, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_SAVE_PENDING_TABLES,
			 NULL);
	kvm_expect(side, r == 0, "KVM_DEV_ARM_VGIC_SAVE_PENDING_TABLES");
	for (size_t i = 0; i < intids->nr; i++) {
		uint64_t at = intids->at[i] / 8;

		ret_pending[i] = NOBODY;
		for (uint32_t vcpu = 0; vcpu < side->nr_vcpus && at < 8 * RAM_KIB; vcpu++) {
			uint8_t byte = 0;

			(void)ram_read(&side->ram, RAM_PENDING(vcpu) + at, &byte, 1);
			if (!(byte >> intids->at[i] % 8 & 1))
				continue;
			kvm_expect(side, ret_pending[i] == NOBODY,
				   "an LPI is pending at two vCPUs");
			ret_pending[i] = vcpu;
		}
	}
	kvm_zero_pending(side);
}

/* The collection table is a list that ends at the first entry that is not valid. */
static void read_collections(struct kvm_side *side, struct observed *observed)
{
	const struct numbers *icids = &side->guest.universe->icids;
	uint64_t baser = kvm_port_read(side, GITS_BASER(1));
	uint64_t gpa;

	for (size_t i = 0; i < icids->nr; i++)
		observed->cte[i] = (struct cte){ .valid = false };
	for (uint64_t n = 0; abi_slot(&side->ram, baser, n, &gpa); n++) {
		struct cte cte = abi_cte(ram_get64(&side->ram, gpa));

		ram_touch(&side->ram, gpa, 8);
		if (!cte.valid)
			break;
		for (size_t i = 0; i < icids->nr && cte.rdbase != CTE_NOBODY; i++) {
			if (icids->at[i] == cte.icid)
				observed->cte[i] = cte;
		}
	}
}

static void read_tables(struct kvm_side *side, struct observed *observed)
{
	const struct universe *u = side->guest.universe;
	uint64_t baser = kvm_port_read(side, GITS_BASER(0));
	uint64_t gpa;

	for (size_t i = 0; i < u->devids.nr; i++) {
		observed->dte[i] = (struct dte){ .valid = false };
		if (!abi_slot(&side->ram, baser, u->devids.at[i], &gpa))
			continue;
		observed->dte[i] = abi_dte(ram_get64(&side->ram, gpa));
		ram_touch(&side->ram, gpa, 8);
	}
	for (size_t i = 0; i < u->itts.nr; i++) {
		for (size_t e = 0; e < u->eventids.nr; e++) {
			gpa = guest_itt(u->itts.at[i]) + u->eventids.at[e] * 8;
			observed->ite[i][e] = abi_ite(ram_get64(&side->ram, gpa));
			ram_touch(&side->ram, gpa, 8);
		}
	}
	read_collections(side, observed);
}

void observe_kvm(struct kvm_side *side, bool save, struct observed *ret_observed)
{
	int r = -ECANCELED;

	kvm_side_pending(side, ret_observed->pending);
	for (size_t i = 0; i < NR_OBSERVED_REGS; i++) {
		uint64_t value = kvm_port_read(side, observed_regs[i]);

		ret_observed->regs[i] = value & model_reg_mask(observed_regs[i], value);
	}
	if (save)
		r = kvm_set_attr(side->its, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_ITS_SAVE_TABLES,
				 NULL);
	ret_observed->saved = r == 0;
	if (save)
		read_tables(side, ret_observed);
}

void observe_kvm_probed(struct kvm_side *side, struct observed *observed)
{
	kvm_side_pending(side, observed->probed);
	observed->nr_msis = side->guest.nr_msis;
	memcpy(observed->msis, side->guest.msis, side->guest.nr_msis * sizeof(observed->msis[0]));
}

/*
 * debugfs: " LPI 8192  0 1001000 ...  PRI  -1": the ID, the target's number,
 * pending, line, active, enabled, ...; the last one is the vCPU whose list it is on.
 */
static void read_lpi_line(struct kvm_side *side, const char *line, struct kvm_lpi *lpis)
{
	const struct numbers *intids = &side->guest.universe->intids;
	unsigned intid;
	int target, listed;
	char flags[8];

	if (sscanf(line, " LPI %u %d %7s %*s %*s %*s %*s %d", &intid, &target, flags, &listed) != 4)
		return;
	for (size_t i = 0; i < intids->nr; i++) {
		if (intids->at[i] != intid)
			continue;
		lpis[i] = (struct kvm_lpi){
			.exists = true,
			.vcpu = target < 0 ? NOBODY : (uint32_t)target,
			.pending = flags[0] == '1',
			.enabled = flags[3] == '1',
			.listed = listed >= 0,
		};
	}
}

bool kvm_side_lpis(struct kvm_side *side, struct kvm_lpi ret_lpis[UNIVERSE_MAX])
{
	static char text[65536];
	size_t len = 0;
	ssize_t n;

	memset(ret_lpis, 0, UNIVERSE_MAX * sizeof(ret_lpis[0]));
	if (side->state < 0 || lseek(side->state, 0, SEEK_SET) < 0)
		return false;
	while ((n = read(side->state, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	for (char *line = text; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		read_lpi_line(side, line, ret_lpis);
	}
	return len > 0;
}
