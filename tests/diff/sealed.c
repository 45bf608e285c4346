// SPDX-License-Identifier: MIT
/*
 * vits on the kernel ITS.
 */
#include "tests/diff/sealed.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "vitsmod/bits.h"
#include "vitsmod/vits.h"
#include "vmm/its/kernel_its.h"
#include "vmm/kvm/gic.h"
#include "vmm/kvm/layout.h"

/* Slots that itsy does not use before it has BARs. */
#define SLOT_OF_BANK(i) ((i) == BANK_MAIN ? (unsigned)VM_SLOT_RAM : 64u + (unsigned)(i))

struct sealed_side {
	const struct script *script;
	struct kvm_side kvm; /* borrows the descriptors below; has the memory and the guest */
	struct vm vm;
	struct bus bus;
	struct vcpus *vcpus;
	struct kernel_its *kernel_its;
	struct gmem mem; /* the large bank; not ours to free */
	struct vits *v;
	bool more; /* vits_run() is due */
};

static int side_mem_read(void *ctx, uint64_t gpa, void *buf, size_t len)
{
	struct sealed_side *side = ctx;

	return ram_read(&side->kvm.ram, gpa, buf, len);
}

static int side_mem_write(void *ctx, uint64_t gpa, const void *buf, size_t len)
{
	struct sealed_side *side = ctx;

	return ram_write(&side->kvm.ram, gpa, buf, len);
}

static void side_update(void *ctx, const struct vits_lpi_update *update)
{
	struct sealed_side *side = ctx;

	kernel_its_update(side->kernel_its, 0, update);
}

static void side_commit(void *ctx)
{
	struct sealed_side *side = ctx;

	kernel_its_commit(side->kernel_its);
}

static void side_more(void *ctx)
{
	struct sealed_side *side = ctx;

	side->more = true;
}

static void side_failed(void *ctx, const char *why)
{
	struct sealed_side *side = ctx;

	side->kvm.broken = why;
}

static const struct vits_ops ops = {
	.mem_read = side_mem_read,
	.mem_write = side_mem_write,
	.update = side_update,
	.commit = side_commit,
	.more = side_more,
};

static uint64_t port_read(void *ctx, uint32_t offset)
{
	struct sealed_side *side = ctx;

	return vits_mmio_read(side->v, offset, offset == GITS_CTLR ? 4 : 8);
}

static void port_write(void *ctx, uint32_t offset, uint64_t value)
{
	struct sealed_side *side = ctx;

	vits_mmio_write(side->v, offset, offset == GITS_CTLR ? 4 : 8, value);
	while (side->more) {
		side->more = false;
		vits_run(side->v);
	}
}

static enum msi_outcome port_msi(void *ctx, uint32_t devid, uint32_t eventid)
{
	static const enum msi_outcome outcomes[] = {
		[VITS_MSI_DELIVER] = MSI_DELIVERED,
		[VITS_MSI_DISABLED] = MSI_DISABLED,
		[VITS_MSI_BEYOND_SHADOW] = MSI_BEYOND,
		[VITS_MSI_UNMAPPED] = MSI_UNMAPPED,
	};
	struct sealed_side *side = ctx;
	int function = script_function(side->script, devid);
	enum vits_msi outcome;
	struct vits_lpi lpi;

	if (function < 0)
		return MSI_UNMAPPED;
	outcome = vits_translate(side->v, (size_t)function, eventid, &lpi);
	if (outcome == VITS_MSI_DELIVER &&
	    kernel_its_signal(side->kernel_its, (size_t)function, eventid) != 1)
		side->kvm.broken = "a translated MSI is not mapped in the kernel";
	return outcomes[outcome];
}

static void port_reset(void *ctx)
{
	struct sealed_side *side = ctx;

	vits_reset(side->v);
}

static const struct port port = { port_read, port_write, port_msi, port_reset, NULL };

/* Each script ends with windows in which what waits is tried again. */
static void side_retry_due(void *ctx)
{
	(void)ctx;
}

/* In the order that vmm/machine/machine.c has. */
static int build_kvm(struct sealed_side *side, const char **ret_what)
{
	struct kernel_its_function functions[SCRIPT_FUNCTIONS];
	struct kernel_its_config config = {
		.vm = &side->vm,
		.mem = &side->mem,
		.nr_vcpus = side->kvm.nr_vcpus,
		.functions = functions,
		.nr_functions = side->script->nr_functions,
		.retry_due = side_retry_due,
		.failed = side_failed,
		.ctx = side,
	};
	struct failure failure;
	int r;

	for (size_t i = 0; i < side->script->nr_functions; i++) {
		const struct script_function *function = &side->script->functions[i];

		functions[i] = (struct kernel_its_function){ 0, function->nr_events };
	}
	*ret_what = "a VM";
	r = vm_init(&side->vm, &failure);
	for (unsigned i = 0; !r && i < NR_BANKS; i++)
		r = vm_set_slot(&side->vm, SLOT_OF_BANK(i), side->kvm.ram.banks[i].base,
				side->kvm.ram.banks[i].sz, side->kvm.ram.banks[i].bytes, false);
	*ret_what = "GIC and vCPUs";
	if (!r)
		r = gic_create(&side->vm, &side->kvm.gic, &failure);
	if (!r)
		r = vcpus_create(&side->vm, &side->bus, config.nr_vcpus, &side->vcpus, &failure);
	config.vcpus = side->vcpus;
	config.gic = side->kvm.gic;
	*ret_what = "the sealed ITS";
	if (!r)
		r = kernel_its_create(&config, &side->kernel_its, &failure);
	if (!r)
		r = gic_start(&side->vm, side->kvm.gic, config.nr_vcpus, &failure);
	return r ? r : kernel_its_start(side->kernel_its, &failure);
}

static int build_vits(struct sealed_side *side)
{
	struct vits_function functions[SCRIPT_FUNCTIONS];
	struct vits_config config = {
		.nr_vcpus = (uint32_t)side->script->cfg[CFG_VCPUS],
		.devid_bits = (uint32_t)side->script->cfg[CFG_DEVID_BITS],
		.eventid_bits = (uint32_t)side->script->cfg[CFG_EVENTID_BITS],
		.nr_lpis = (uint32_t)side->script->cfg[CFG_LPIS],
		.functions = functions,
		.nr_functions = side->script->nr_functions,
	};

	for (size_t i = 0; i < side->script->nr_functions; i++)
		functions[i] = (struct vits_function){
			.devid = side->script->functions[i].devid,
			.nr_events = side->script->functions[i].nr_events,
		};
	return vits_create(&config, &ops, side, &side->v);
}

int sealed_side_create(const struct script *script, const struct universe *universe,
		       struct sealed_side **ret_side, const char **ret_what)
{
	struct sealed_side *side = calloc(1, sizeof(*side));
	int r;

	*ret_what = "memory";
	if (!side)
		return -ENOMEM;
	side->script = script;
	side->vm = (struct vm){ .kvm = -1, .fd = -1 };
	side->kvm.gic = side->kvm.state = -1;
	side->kvm.nr_vcpus = (uint32_t)script->cfg[CFG_VCPUS];
	side->kvm.guest.port = &port;
	side->kvm.guest.ctx = side;
	side->kvm.guest.ram = &side->kvm.ram;
	guest_begin(&side->kvm.guest, script, universe);
	r = ram_init(&side->kvm.ram);
	if (!r) {
		side->mem = (struct gmem){ .banks = { { RAM_BASE, RAM_SZ,
							side->kvm.ram.banks[BANK_MAIN].bytes } },
					   .nr = 1 };
		r = build_kvm(side, ret_what);
	}
	if (!r) {
		*ret_what = "LPI tables";
		side->kvm.vm = side->vm.fd;
		r = kvm_side_set_up_lpis(&side->kvm, script);
	}
	if (!r) {
		*ret_what = "vits";
		r = build_vits(side);
	}
	if (r < 0) {
		sealed_side_destroy(side);
		return r;
	}
	*ret_side = side;
	return 0;
}

void sealed_side_destroy(struct sealed_side *side)
{
	if (!side)
		return;
	vits_destroy(side->v);
	kernel_its_destroy(side->kernel_its);
	vcpus_destroy(side->vcpus);
	if (side->kvm.state >= 0)
		(void)close(side->kvm.state);
	if (side->kvm.gic >= 0)
		(void)close(side->kvm.gic);
	vm_fini(&side->vm);
	ram_fini(&side->kvm.ram);
	free(side);
}

struct kvm_side *sealed_side_kvm(struct sealed_side *side)
{
	return &side->kvm;
}
