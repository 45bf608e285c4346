// SPDX-License-Identifier: MIT
/*
 * A machine from power-on to power-off or reset.
 *
 * A reset makes a new VM rather than resetting each part of the old one: KVM
 * has no reset of its interrupt controller, and what is made anew has its reset
 * values by construction.
 *
 * Order of creation, as KVM wants it: VM and RAM, GICv3 device, vCPUs, kernel
 * ITS, initialisation of the GICv3, the kernel ITS's tables and collections, what
 * covers KVM's redistributors.
 */
#include "vmm/machine/machine.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>

#include "vitsmod/gits.h"
#include "vitsmod/vits.h"
#include "vmm/base/bits.h"
#include "vmm/base/clock.h"
#include "vmm/dev/console.h"
#include "vmm/irq/vector_routes.h"
#include "vmm/its/its_thread.h"
#include "vmm/its/kernel_redist.h"
#include "vmm/its/lpis.h"
#include "vmm/its/vits_set.h"
#include "vmm/kvm/gic.h"
#include "vmm/kvm/layout.h"
#include "vmm/kvm/pmu.h"
#include "vmm/kvm/steal_time.h"
#include "vmm/kvm/vm_needs.h"
#include "vmm/machine/board.h"
#include "vmm/machine/fdt.h"
#include "vmm/machine/machine_priv.h"
#include "vmm/machine/slot.h"

/* Who sends messages: functions, and behind them root ports. */
#define MAX_SENDERS (CONFIG_MAX_DEVICES + PCI_HOST_MAX_PORTS)
_Static_assert(MAX_SENDERS <= KERNEL_ITS_MAX_FUNCTIONS, "the kernel ITS has room for all");
_Static_assert(CONFIG_MAX_ITS <= KERNEL_ITS_MAX_ITS, "the kernel ITS knows all ITSs");

/* ---- what the parts tell ------------------------------------------------------ */

/* Have the thread that owns the machine look at it. */
static void wake_up(void *ctx)
{
	const struct machine *m = ctx;

	(void)eventfd_write(m->cfg.wake_up, 1);
}

/* Commands are left in a queue, or interrupts wait: before the guest runs there are none. */
static void wake_its_thread(void *ctx)
{
	its_thread_wake(((const struct machine *)ctx)->its_thread);
}

static void retry_on_its_thread(void *ctx)
{
	its_thread_retry(((const struct machine *)ctx)->its_thread);
}

/* The first end is the one that counts. */
static void set_end(struct machine *m, enum machine_end end, const char *why)
{
	pthread_mutex_lock(&m->lock);
	if (m->end == MACHINE_RUNS) {
		m->end = end;
		if (why)
			(void)snprintf(m->failure, sizeof(m->failure), "%s", why);
	}
	pthread_mutex_unlock(&m->lock);
	wake_up(m);
}

static void on_vcpu_event(void *ctx, enum vcpu_event event, const char *why)
{
	static const enum machine_end ends[] = {
		[VCPU_EVENT_OFF] = MACHINE_OFF,
		[VCPU_EVENT_RESET] = MACHINE_RESET,
		[VCPU_EVENT_FAILED] = MACHINE_FAILED,
	};

	if (event != VCPU_EVENT_FAILED) /* what it has written last comes before its end */
		console_flush(((struct machine *)ctx)->console);
	set_end(ctx, ends[event], why);
}

static void on_part_failed(void *ctx, const char *why)
{
	set_end(ctx, MACHINE_FAILED, why);
}

/* What is translated, or mapped in the kernel, has changed: routes may have to. */
static void review_routes(void *ctx)
{
	struct machine *m = ctx;

	if (m->routes)
		vector_routes_review_all(m->routes);
}

static void take_event_back(void *ctx, size_t function, uint32_t eventid)
{
	struct machine *m = ctx;

	if (m->routes)
		vector_routes_take_back(m->routes, function, eventid);
}

static void events_are_unmapped(void *ctx, uint64_t nr)
{
	struct machine *m = ctx;

	if (m->routes)
		vector_routes_taken_back(m->routes, nr);
}

/* Interrupts may have waited for it. */
static void on_lpis_switched(void *ctx)
{
	kernel_its_retry(((struct machine *)ctx)->kernel_its);
}

static const struct vcpu_ops vcpu_ops = { .event = on_vcpu_event };

size_t machine_type(struct machine *m, const uint8_t *bytes, size_t nr)
{
	return console_type(m->console, bytes, nr);
}

uint64_t machine_console_service(struct machine *m)
{
	return console_service(m->console);
}

static uint32_t devid_of_port(const struct machine_port *port)
{
	return port->device * PCI_HOST_SIBLINGS; /* its requester ID, on bus 0 */
}

static size_t index_of_port(const struct machine *m, unsigned device)
{
	size_t i = 0;

	while (i < m->nr_ports && m->ports[i].device != device)
		i++;
	return i;
}

/* A function of the machine sends a message, and not by a vector: a root port. */
static void on_port_msi(void *ctx, unsigned device, const struct msi_message *message)
{
	struct machine *m = ctx;
	size_t i = index_of_port(m, device);
	struct vits_lpi lpi;
	bool done;

	assert(i < m->nr_ports);
	done = message->address == LAYOUT_GITS_OF(0) + GITS_TRANSLATER &&
	       vits_translate(vits_set_get(m->its, 0), m->ports[i].vits_function, message->data,
			      &lpi) == VITS_MSI_DELIVER &&
	       kernel_its_signal(m->kernel_its, m->cfg.nr_functions + i, message->data) == 1;
	atomic_fetch_add_explicit(done ? &m->port_msis : &m->port_msis_dropped, 1,
				  memory_order_relaxed);
}

/* ---- building ----------------------------------------------------------------------- */

static int bar_slot(void *ctx, unsigned slot, uint64_t gpa, uint64_t size, void *va)
{
	struct machine *m = ctx;

	return vm_set_slot(&m->vm, VM_SLOT_BARS + slot, gpa, size, va, false);
}

static const struct pci_host_ops pci_host_ops = {
	.set_slot = bar_slot,
	.port_msi = on_port_msi,
	.ejected = wake_up,
};

/* Functions of one device are behind one. */
static void find_root_ports(struct machine *m)
{
	for (size_t i = 0; i < m->cfg.nr_functions; i++) {
		const struct passthru *p = &m->cfg.functions[i];
		unsigned device = p->devfn / PCI_HOST_SIBLINGS;

		if (p->root_port && index_of_port(m, device) == m->nr_ports)
			m->ports[m->nr_ports++].device = device;
	}
}

/* The root ports say how large the configuration space is. */
static int add_own_regions(struct machine *m)
{
	int r = 0;

	for (size_t i = 0; !r && i < m->nr_ports; i++)
		r = pci_host_add_port(m->pci_host, m->ports[i].device);
	if (!r)
		r = console_add_to_bus(m->console, &m->bus);
	if (!r)
		r = board_add_to_bus(m->board, &m->bus);
	if (!r)
		r = vits_set_add_to_bus(m->its, &m->bus);
	if (!r)
		r = kernel_its_add_to_bus(m->kernel_its, &m->bus);
	if (!r)
		r = kernel_redist_add_to_bus(m->redist, &m->bus);
	if (!r)
		r = pci_host_add_to_bus(m->pci_host, &m->bus);
	return r;
}

static int build_redist(struct machine *m, struct failure *ret_failure)
{
	const struct kernel_redist_config config = {
		.vm = &m->vm,
		.vcpus = m->vcpus,
		.gic = m->gic,
		.nr_vcpus = m->cfg.config->vcpus,
		.lpis_switched = on_lpis_switched,
		.failed = on_part_failed,
		.ctx = m,
	};

	return kernel_redist_create(&config, &m->redist, ret_failure);
}

/* And what firmware there is. */
static int add_memory(const struct machine *m, struct failure *ret_failure)
{
	const struct gmem *mem = m->cfg.mem;
	int r = 0;

	for (size_t i = 0; i < mem->nr && r >= 0; i++)
		r = vm_set_slot(&m->vm, VM_SLOT_RAM + (unsigned)i, mem->banks[i].base,
				mem->banks[i].size, mem->banks[i].va, false);
	if (r >= 0 && m->cfg.firmware)
		r = vm_set_slot(&m->vm, VM_SLOT_FIRMWARE, LAYOUT_FIRMWARE, LAYOUT_FIRMWARE_SZ,
				m->cfg.firmware, true);
	return r < 0 ? failure_set(ret_failure, ITSY_ENVIRONMENT, -r, "guest memory",
				   failure_cure(-r, CURE_KERNEL_LOG), "KVM refused it (%s)",
				   strerror(-r))
		     : 0;
}

/* KVM's side: VM, RAM, interrupt controller, vCPUs, kernel ITS. */
static int build_kvm(struct machine *m, const struct kernel_its_function *functions,
		     struct failure *ret_failure)
{
	uint32_t nr_vcpus = m->cfg.config->vcpus;
	struct kernel_its_config kernel_its_config = {
		.vm = &m->vm,
		.mem = m->cfg.mem,
		.nr_vcpus = nr_vcpus,
		.functions = functions,
		.nr_functions = m->cfg.nr_functions + m->nr_ports,
		.retry_due = retry_on_its_thread,
		.failed = on_part_failed,
		.deferred_changed = review_routes,
		.ctx = m,
	};
	int r = vm_init_with(&m->vm, m->cfg.kvm ? m->cfg.kvm : kvm_sys_kernel(), ret_failure);

	if (r < 0)
		return r;
	r = vm_needs_met(&m->vm, ret_failure);
	if (r < 0)
		return r;
	r = add_memory(m, ret_failure);
	if (r < 0)
		return r;
	r = gic_create(&m->vm, &m->gic, ret_failure);
	if (r < 0)
		return r;
	r = vcpus_create(&m->vm, &m->bus, nr_vcpus, &m->vcpus, ret_failure);
	if (r < 0)
		return r;
	kernel_its_config.vcpus = m->vcpus;
	kernel_its_config.gic = m->gic;
	r = kernel_its_create(&kernel_its_config, &m->kernel_its, ret_failure);
	if (r < 0)
		return r;
	r = gic_start(&m->vm, m->gic, nr_vcpus, ret_failure);
	if (r < 0)
		return r;
	r = kernel_its_start(m->kernel_its, ret_failure);
	if (r >= 0)
		r = pmu_start(&m->vm, m->vcpus, nr_vcpus, ret_failure);
	if (r >= 0)
		r = steal_time_create(&m->vm, m->vcpus, nr_vcpus, &m->steal_time, ret_failure);
	if (r < 0)
		return r;
	return build_redist(m, ret_failure);
}

/* The shadow's events of a function: vectors beyond the ITS's EventIDs have none. */
static uint32_t events_of(const struct machine *m, const struct passthru *p)
{
	uint32_t most = UINT32_C(1) << m->cfg.config->its[p->irq.its].eventid_bits;

	return p->irq.nr_events < most ? p->irq.nr_events : most;
}

static uint32_t default_lpis(const struct machine *m)
{
	uint32_t vectors[MAX_SENDERS];

	/* Of the shadow's events and the device's vectors, a guest may go by either. */
	for (size_t i = 0; i < m->cfg.nr_functions; i++) {
		const struct passthru *p = &m->cfg.functions[i];
		unsigned messages = irq_function_nr_messages(&p->irq);

		vectors[i] = p->irq.nr_events > messages ? p->irq.nr_events : messages;
	}
	for (size_t i = 0; i < m->nr_ports; i++)
		vectors[m->cfg.nr_functions + i] = PORT_EVENTS;
	return lpis_for(vectors, m->cfg.nr_functions + m->nr_ports);
}

/* One of the guest's ITSs, with the functions that are wired to it. */
static int build_its(struct machine *m, size_t index)
{
	const struct config_its *from = &m->cfg.config->its[index];
	struct vits_function functions[MAX_SENDERS];
	struct vits_config config = {
		.nr_vcpus = m->cfg.config->vcpus,
		.devid_bits = from->devid_bits,
		.eventid_bits = from->eventid_bits,
		.nr_lpis = from->lpis ? from->lpis : default_lpis(m),
		.on_error = from->stall ? VITS_ON_ERROR_STALL : VITS_ON_ERROR_SKIP,
		.functions = functions,
	};

	for (size_t i = 0; i < m->cfg.nr_functions; i++) {
		const struct passthru *p = &m->cfg.functions[i];

		if (p->irq.its == index)
			functions[config.nr_functions++] =
				(struct vits_function){ p->irq.devid, events_of(m, p) };
	}
	for (size_t i = 0; index == 0 && i < m->nr_ports; i++) {
		m->ports[i].vits_function = config.nr_functions;
		functions[config.nr_functions++] =
			(struct vits_function){ devid_of_port(&m->ports[i]), PORT_EVENTS };
	}
	return vits_set_add(m->its, &config);
}

static int wire_functions(struct machine *m)
{
	size_t next[CONFIG_MAX_ITS] = { 0 }; /* index in the ITS, in build_its()'s order */
	int r = 0;

	for (size_t i = 0; !r && i < m->cfg.nr_functions; i++) {
		struct passthru *p = &m->cfg.functions[i];
		const struct irq_wiring wiring = {
			.vits = vits_set_get(m->its, p->irq.its),
			.vits_function = next[p->irq.its]++,
			.nr_events = events_of(m, p),
			.kernel_its = m->kernel_its,
			.index = i,
		};

		r = passthru_wire(p, &wiring, m->pci_host);
		passthru_set_wake_up(p, wake_up, m);
		m->nr_wired = i + 1;
	}
	return r;
}

/* Our side: vITSs, PCI bridge, console, board, and the wiring of the functions. */
static int build_devices(struct machine *m)
{
	const struct console_config console_config = {
		.vm = &m->vm,
		.port = m->cfg.console,
		.wake_up = wake_up,
		.ctx = m,
		.has_pl011 = m->cfg.firmware != NULL,
	};
	const struct board_config board_config = { &m->vm, wake_up, m };
	const struct vits_set_config its_config = {
		.mem = m->cfg.mem,
		.kernel_its = m->kernel_its,
		.more = wake_its_thread,
		.switched = review_routes,
		.unmaps = take_event_back,
		.unmapped = events_are_unmapped,
		.ctx = m,
	};
	int r = vits_set_create(&its_config, &m->its);

	for (size_t i = 0; !r && i < m->cfg.config->nr_its; i++)
		r = build_its(m, i);
	if (!r)
		r = its_thread_create(m->its, m->kernel_its, &m->its_thread);
	if (!r)
		r = pci_host_create(&pci_host_ops, m, &m->pci_host);
	if (!r)
		r = console_create(&console_config, &m->console);
	if (!r)
		r = board_create(&board_config, &m->board);
	if (!r)
		r = add_own_regions(m);
	return r ? r : wire_functions(m);
}

/* The VM and its ITS exist, as that needs. Without a device nobody asks. */
static bool host_delivers_directly(const struct machine *m)
{
	for (size_t i = 0; i < m->cfg.nr_functions; i++)
		if (m->cfg.functions[i].dev)
			return vfio_host_delivers_directly(m->cfg.functions[i].host);
	return false;
}

static void machine_destroyp(struct machine **m)
{
	machine_destroy(*m);
}

int machine_create(const struct machine_config *config, struct machine **ret_machine,
		   struct failure *ret_failure)
{
	struct kernel_its_function functions[MAX_SENDERS];
	_cleanup_(machine_destroyp) struct machine *m = calloc(1, sizeof(*m));
	int r;

	assert(config->nr_functions <= CONFIG_MAX_DEVICES);

	if (!m)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, ENOMEM, "machine", NULL,
				   "out of memory");
	m->cfg = *config;
	m->vm = (struct vm){ .kvm = -1, .fd = -1 };
	m->gic = -1;
	pthread_mutex_init(&m->lock, NULL);
	for (size_t i = 0; i < config->nr_functions; i++) {
		const struct passthru *p = &config->functions[i];

		functions[i] =
			(struct kernel_its_function){ (unsigned)p->irq.its, p->irq.nr_events };
	}
	find_root_ports(m);
	for (size_t i = 0; i < m->nr_ports; i++)
		functions[config->nr_functions + i] =
			(struct kernel_its_function){ 0, PORT_EVENTS };

	r = build_kvm(m, functions, ret_failure);
	if (r < 0)
		return r;
	r = build_devices(m);
	if (r < 0)
		return failure_set(ret_failure, ITSY_ENVIRONMENT, -r, "machine",
				   failure_cure(-r, CURE_KERNEL_LOG), "cannot be built (%s)",
				   strerror(-r));
	m->direct = config->direct ? *config->direct : host_delivers_directly(m);
	*ret_machine = TAKE_PTR(m);
	return 0;
}

void machine_destroy(struct machine *m)
{
	if (!m)
		return;
	machine_stop(m);
	for (size_t i = 0; i < m->nr_wired; i++)
		passthru_unwire(&m->cfg.functions[i]);
	console_destroy(m->console);
	board_destroy(m->board);
	pci_host_destroy(m->pci_host);
	its_thread_destroy(m->its_thread);
	vits_set_destroy(m->its);
	vcpus_destroy(m->vcpus);
	steal_time_destroy(m->steal_time);
	kernel_redist_destroy(m->redist);
	kernel_its_destroy(m->kernel_its);
	cleanup_fd(&m->gic);
	vm_fini(&m->vm);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

/* ---- running -------------------------------------------------------------------------- */

int machine_write_fdt(struct machine *m, const struct loaded *loaded, struct failure *ret_failure)
{
	struct fdt_function functions[MAX_SENDERS];
	struct gmem_range ram[GMEM_MAX_BANKS];
	struct fdt_machine tree = {
		.nr_its = m->cfg.config->nr_its,
		.functions = functions,
		.nr_functions = m->cfg.nr_functions + m->nr_ports,
		.nr_vcpus = m->cfg.config->vcpus,
		.mpidr = vcpus_mpidr(m->vcpus),
		.pmu = pmu_is_there(&m->vm),
		.topology = m->cfg.topology,
		.ram = ram,
		.nr_ram = m->cfg.mem->nr,
		.initrd = loaded->initrd,
		.initrd_end = loaded->initrd_end,
		.cmdline = m->cfg.config->cmdline[0] ? m->cfg.config->cmdline : loaded->cmdline,
		.pl011 = m->cfg.firmware != NULL,
	};
	void *buf = gmem_host(m->cfg.mem, loaded->fdt, loaded->fdt_max_sz);
	int r;

	for (size_t i = 0; i < m->cfg.nr_functions; i++) {
		const struct passthru *p = &m->cfg.functions[i];

		functions[i] = (struct fdt_function){
			.requester_id = p->requester_id,
			.its = p->irq.its,
			.devid = p->irq.devid,
			.behind = p->root_port,
			.port = p->devfn / PCI_HOST_SIBLINGS,
		};
	}
	for (size_t i = 0; i < m->nr_ports; i++) {
		uint32_t devid = devid_of_port(&m->ports[i]);

		functions[m->cfg.nr_functions + i] =
			(struct fdt_function){ .requester_id = devid, .devid = devid };
		tree.root_ports |= UINT32_C(1) << m->ports[i].device;
	}
	for (size_t i = 0; i < tree.nr_ram; i++)
		ram[i] =
			(struct gmem_range){ m->cfg.mem->banks[i].base, m->cfg.mem->banks[i].size };
	assert(buf); /* loader_load() says where there is room */

	if (getrandom(tree.seed, sizeof(tree.seed), GRND_NONBLOCK) < 0)
		memset(tree.seed, 0, sizeof(tree.seed)); /* then the guest finds its own */
	r = fdt_build(&tree, buf, loaded->fdt_max_sz);
	if (r < 0)
		return failure_set(ret_failure, ITSY_CONFIG, -r, "device tree", "shorten cmdline",
				   "does not fit");
	return 0;
}

static int start_routes(struct machine *m, struct failure *ret_failure)
{
	const struct config *c = m->cfg.config;
	struct irq_function *functions[CONFIG_MAX_DEVICES];
	const struct vector_routes_config config = {
		.vm = &m->vm,
		.functions = functions,
		.nr_functions = m->cfg.nr_functions,
		.placement = &c->router,
		.spin_placement = &c->spin,
		.direct = m->direct,
		.confine = m->cfg.confine,
		.failed = on_part_failed,
		.wake_up = wake_up,
		.ctx = m,
	};

	int r;

	for (size_t i = 0; i < m->cfg.nr_functions; i++)
		functions[i] = &m->cfg.functions[i].irq;
	r = vector_routes_create(&config, &m->routes, ret_failure);
	for (size_t i = 0; r >= 0 && i < m->cfg.nr_functions; i++)
		passthru_set_routes(&m->cfg.functions[i], m->routes);
	return r;
}

static void place_vcpus(struct machine *m)
{
	const struct config *c = m->cfg.config;

	for (uint32_t i = 0; i < c->vcpus; i++) {
		struct placement p = c->vcpu;

		if (c->vcpu_cpus.nr)
			p.cpu = c->vcpu_cpus.list[i];
		vcpus_place(m->vcpus, i, &p);
	}
}

static int start_its_thread(struct machine *m, struct failure *ret_failure)
{
	int r = its_thread_start(m->its_thread, m->cfg.config->vcpu.fifo, m->cfg.confine);

	if (r < 0)
		return failure_set(ret_failure, ITSY_RUNTIME, -r, "its", CURE_THREADS,
				   "the thread cannot be started (%s)", strerror(-r));
	return 0;
}

int machine_start(struct machine *m, const struct loaded *loaded, struct failure *ret_failure)
{
	int r = m->cfg.unrouted ? 0 : start_routes(m, ret_failure);

	if (r >= 0)
		r = start_its_thread(m, ret_failure);
	if (r < 0)
		return r;
	place_vcpus(m);
	vcpus_confine(m->vcpus, m->cfg.confine);
	return vcpus_start(m->vcpus, loaded->entry, loaded->fdt, &vcpu_ops, m, ret_failure);
}

enum machine_end machine_end(struct machine *m)
{
	enum machine_end end;

	pthread_mutex_lock(&m->lock);
	end = m->end;
	pthread_mutex_unlock(&m->lock);
	return end;
}

const char *machine_failure(struct machine *m)
{
	return m->failure;
}

void machine_reset(struct machine *m)
{
	set_end(m, MACHINE_RESET, NULL);
}

/*
 * The vCPUs first. From then on no pause waits for their share of the time, so that the
 * thread "its" is soon done; and one of them that waits for it to leave a queue or end a pause
 * has it until then.
 */
void machine_stop(struct machine *m)
{
	if (m->console)
		console_stop(m->console);
	if (m->vcpus)
		vcpus_stop(m->vcpus);
	if (m->its_thread)
		its_thread_stop(m->its_thread);
	if (m->routes)
		vector_routes_stats_get(m->routes, &m->router_stats);
	vector_routes_destroy(m->routes);
	for (size_t i = 0; i < m->cfg.nr_functions; i++)
		passthru_set_routes(&m->cfg.functions[i], NULL);
	m->routes = NULL;
}
