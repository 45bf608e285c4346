// SPDX-License-Identifier: MIT
/*
 * Functions that are passed through: bound, opened, wired to a machine, given back.
 *
 * What the virtual device tells goes on from here: BARs that moved to the PCI host
 * bridge, vectors that changed to their routes, interrupts that were held to the guest.
 * No locks.
 */
#include "vmm/dev/passthru.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "vfio/affinity.h"
#include "vfio/bind.h"
#include "vfio/look.h"
#include "vmm/base/clock.h"
#include "vmm/dev/function_find.h"
#include "vmm/dev/passthru_priv.h"
#include "vmm/dev/vfio_words.h"
#include "vmm/irq/irq_line.h"

#define NS_PER_MS UINT64_C(1000000)

/* How often, and how soon, a function that another process has open is asked for again. */
#define BUSY_TRIES  10u
#define BUSY_NAP_NS 5000000L
/* However often the guest changes the kind of its interrupts, files are opened no more often. */
#define REOPEN_NS UINT64_C(250000000)

/* ---- what the device tells ---------------------------------------------------- */

static void vector_changed(void *ctx, unsigned vector)
{
	const struct passthru *p = ctx;

	if (p->routes)
		vector_routes_review(p->routes, p->irq.wiring.index, vector);
}

static void vector_released(void *ctx, unsigned vector, const struct msi_message *message)
{
	struct passthru *p = ctx;

	irq_function_released(&p->irq, vector, message);
}

static void bars_changed(void *ctx)
{
	struct passthru *p = ctx;

	pci_host_bars_changed(p->pci_host, p->devfn);
}

static void kind_refused(void *ctx, enum vfio_irq_kind kind, int error)
{
	static const char *const names[VFIO_NR_IRQ_KINDS] = {
		[VFIO_IRQ_KIND_INTX] = "INTx",
		[VFIO_IRQ_KIND_MSI] = "MSI",
		[VFIO_IRQ_KIND_MSIX] = "MSI-X",
	};
	struct passthru *p = ctx;

	if (atomic_exchange(&p->refusal_told[kind], true))
		return;
	report_warning("%s: the guest uses %s, which the host refuses (%s): it gets no "
		       "interrupts",
		       p->irq.name, names[kind], strerror(error));
}

/*
 * Choice: a function that the host does not reset is the guest's all the same, as one that
 * has no reset is. Its bus mastering is off: it writes to no memory before the next driver
 * switches that on, which has reason to quiet it first, for after a kexec it is the same.
 */
static void reset_failed(void *ctx, const struct vfio_failure *why)
{
	struct passthru *p = ctx;
	struct failure failure;

	if (p->told_of_reset)
		return;
	p->told_of_reset = true;
	(void)failure_from_vfio(&failure, why);
	report_warning("%s: %s: the guest goes on; bus mastering, decoding and interrupts are off, "
		       "but its registers, and what they told it to do, remain until its driver "
		       "resets it: %s",
		       failure.object, failure.cause, failure.cure);
}

static void unsettled(void *ctx)
{
	const struct passthru *p = ctx;

	if (p->wake_up)
		p->wake_up(p->wake_up_ctx);
}

/* So that passthru_service() counts and moves those that there are now. */
static void kind_changed(void *ctx)
{
	unsettled(ctx);
}

static const struct vfio_device_ops device_ops = {
	.bars_changed = bars_changed,
	.vector_released = vector_released,
	.vector_changed = vector_changed,
	.kind_refused = kind_refused,
	.reset_failed = reset_failed,
	.unsettled = unsettled,
	.kind_changed = kind_changed,
};

/* ---- before anything is touched ------------------------------------------------ */

bool passthru_is_found(const struct config_device *device)
{
	for (enum pci_name_part part = 0; part < PCI_NR_NAME_PARTS; part++)
		if (part != PCI_NAME_BDF && pci_name_has(&device->wanted, part))
			return device->is_found;
	return true; /* by its address alone, which need not be looked for */
}

struct whose {
	char text[CONFIG_NAME_MAX + sizeof("device ")];
};

/* What failures that are about a device's name call it. */
static struct whose whose_of(const struct config_device *d)
{
	struct whose whose;

	(void)snprintf(whose.text, sizeof(whose.text), "device %s", d->name);
	return whose;
}

static int find_one(const struct function_list *functions, const struct config_device *d,
		    struct pci_bdf *ret_bdf, struct failure *ret_failure)
{
	return function_find(functions, whose_of(d).text, &d->wanted, ret_bdf, ret_failure);
}

int passthru_find(const struct pci_host_fs *host, struct config *config,
		  struct failure *ret_failure)
{
	_cleanup_free_ struct pci_named *list = NULL;
	struct function_list functions = { 0 };
	int first = 0;

	for (size_t i = 0; i < config->nr_devices; i++) {
		struct config_device *d = &config->devices[i];
		struct failure failure;
		int r = 0;

		if (passthru_is_found(d))
			continue;
		if (!list)
			r = function_list_get(host, &list, &functions.nr, &failure);
		functions.list = list;
		if (r >= 0)
			r = find_one(&functions, d, &d->bdf, &failure);
		d->is_found = r >= 0;
		if (r >= 0 || first)
			continue;
		first = r;
		*ret_failure = failure;
	}
	return first;
}

/* Why passthru_find() did not find it. */
static int look_for(const struct pci_host_fs *host, const struct config_device *d,
		    struct failure *ret_failure)
{
	_cleanup_free_ struct pci_named *list = NULL;
	struct pci_bdf bdf;
	size_t nr = 0;
	int r = function_list_get(host, &list, &nr, ret_failure);

	if (r >= 0)
		r = find_one(&(struct function_list){ list, nr }, d, &bdf, ret_failure);
	if (r >= 0)
		r = failure_set(ret_failure, ITSY_ENVIRONMENT, EAGAIN, whose_of(d).text,
				"try again", "its function has just come");
	return r;
}

/* Two names can be one function's. */
static int check_is_new(const struct config *config, size_t nr, struct failure *ret_failure)
{
	const struct config_device *d = &config->devices[nr];
	char bdf[PCI_BDF_STRLEN], name[PCI_NAME_STRLEN];

	for (size_t i = 0; i < nr; i++)
		if (passthru_is_found(&config->devices[i]) &&
		    pci_bdf_equal(&config->devices[i].bdf, &d->bdf))
			return failure_set(
				ret_failure, ITSY_ENVIRONMENT, EEXIST, whose_of(d).text,
				"have them be different functions (itsy devices --names)",
				"%.110s is %s, which is the device %s already",
				pci_name_format(&d->wanted, name), pci_bdf_format(&d->bdf, bdf),
				config->devices[i].name);
	return 0;
}

/* Those that are known by now. */
static struct pci_set set_of(const struct config *config, struct pci_bdf bdfs[CONFIG_MAX_DEVICES])
{
	struct pci_set set = { bdfs, 0 };

	for (size_t i = 0; i < config->nr_devices; i++)
		if (passthru_is_found(&config->devices[i]))
			bdfs[set.nr++] = config->devices[i].bdf;
	return set;
}

int passthru_choose_iommu(const struct pci_host_fs *host, const struct config *config,
			  struct vfio_iommu_choice *ret_choice, struct failure *ret_failure)
{
	struct pci_bdf bdfs[CONFIG_MAX_DEVICES];
	struct pci_set all = { bdfs, config->nr_devices };
	struct vfio_failure vf = { 0 };
	int r;

	/* What is not found counts, and is nowhere. */
	for (size_t i = 0; i < config->nr_devices; i++)
		bdfs[i] = config->devices[i].bdf;
	/* So does what is to come. */
	while (config->hotplug_ports && all.nr < 2)
		bdfs[all.nr++] = (struct pci_bdf){ 0 };
	r = vfio_iommu_choose(host, config->iommu, &all, ret_choice, &vf);

	return r < 0 ? failure_from_vfio(ret_failure, &vf) : 0;
}

void passthru_warn_of_iommu(const struct vfio_iommu_choice *choice, size_t nr_functions)
{
	if (choice->kind == VFIO_IOMMU_IOMMUFD && nr_functions > 1)
		report_warning("iommufd: DMA of functions does not reach each other's BARs; with "
			       "iommu = type1 it does");
}

int passthru_look(const struct pci_host_fs *host, const struct config *config, size_t nr,
		  struct pci_function *ret_fn, struct failure *ret_failure)
{
	struct pci_bdf bdfs[CONFIG_MAX_DEVICES];
	const struct pci_set all = set_of(config, bdfs);
	struct vfio_failure vf = { 0 };
	int r;

	assert(nr < config->nr_devices);
	if (!passthru_is_found(&config->devices[nr]))
		return look_for(host, &config->devices[nr], ret_failure);
	r = check_is_new(config, nr, ret_failure);
	if (r < 0)
		return r;
	r = vfio_look(host, &config->devices[nr].bdf, &all, ret_fn, &vf);
	return r < 0 ? failure_from_vfio(ret_failure, &vf) : 0;
}

int passthru_look_at_reset(const struct pci_host_fs *host, const struct config *config,
			   const struct pci_function *fn, struct vfio_reset_way *ret_way,
			   struct failure *ret_failure)
{
	struct pci_bdf bdfs[CONFIG_MAX_DEVICES];
	const struct pci_set all = set_of(config, bdfs);
	struct vfio_failure vf = { 0 };
	int r = vfio_reset_look(host, fn, &all, ret_way, &vf);

	return r < 0 ? failure_from_vfio(ret_failure, &vf) : 0;
}

int passthru_look_at_all(const struct pci_host_fs *host, const struct config *config,
			 struct failure *ret_failure)
{
	struct pci_function fn;
	int r = 0;

	for (size_t i = 0; r == 0 && i < config->nr_devices; i++)
		r = passthru_look(host, config, i, &fn, ret_failure);
	return r;
}

/* ---- set-up -------------------------------------------------------------------- */

unsigned passthru_bind_flags(const struct config_device *config)
{
	return VFIO_BIND_FOR_LIFE | (config->plain_driver ? VFIO_BIND_PLAIN : 0u);
}

static bool is_denied(const struct vfio_failure *vf)
{
	return vf->error == EACCES || vf->error == EPERM;
}

/*
 * Whatever file of the host's it failed at, the function is what somebody asked for, by its
 * address and by the name that the configuration has for it.
 */
static int tell_of_function(const struct passthru *p, const struct vfio_failure *vf,
			    struct failure *ret_failure)
{
	char bdf[PCI_BDF_STRLEN], cause[sizeof(ret_failure->cause)];
	int r = failure_from_vfio(ret_failure, vf);

	(void)pci_bdf_format(&p->bdf, bdf);
	if (strncmp(vf->object, bdf, strlen(bdf)) == 0)
		return r;
	memcpy(cause, ret_failure->cause, sizeof(cause));
	(void)snprintf(ret_failure->object, sizeof(ret_failure->object), "%s (%s)", bdf,
		       p->irq.name);
	(void)snprintf(ret_failure->cause, sizeof(ret_failure->cause), "%.95s: %.155s", vf->object,
		       cause);
	return r;
}

/* Who is not root can have a function that root has bound. */
static int not_bound(const struct passthru *p, const struct vfio_failure *vf,
		     struct failure *ret_failure)
{
	char bdf[PCI_BDF_STRLEN], object[128], cure[160], group[16] = "N, its group";
	struct pci_function fn;

	if (vf->code != VFIO_FAILURE_PERMISSION || !is_denied(vf))
		return tell_of_function(p, vf, ret_failure);
	(void)pci_bdf_format(&p->bdf, bdf);
	(void)snprintf(object, sizeof(object), "%s (%.100s)", bdf, p->irq.name);
	if (pci_function_get(p->host, &p->bdf, &fn) == 0 && fn.group >= 0)
		(void)snprintf(group, sizeof(group), "%d", fn.group);
	(void)snprintf(
		cure, sizeof(cure),
		"sudo itsy bind %s, and access for this user to /dev/vfio/%s; or run itsy as "
		"root",
		bdf, group);
	return failure_set(ret_failure, ITSY_ENVIRONMENT, vf->error, object, cure,
			   "only root can bind it to vfio-pci (%s)", strerror(vf->error));
}

/* A file of its group, or its own (iommufd). */
static int not_opened(const struct passthru *p, const struct vfio_failure *vf,
		      struct failure *ret_failure)
{
	char bdf[PCI_BDF_STRLEN], object[128], cure[192];

	if (vf->code != VFIO_FAILURE_PERMISSION || vf->object[0] != '/')
		return tell_of_function(p, vf, ret_failure);
	(void)snprintf(object, sizeof(object), "%s (%.100s)", pci_bdf_format(&p->bdf, bdf),
		       p->irq.name);
	(void)snprintf(cure, sizeof(cure), "sudo chown $USER %s, or run itsy as root", vf->object);
	return failure_set(ret_failure, ITSY_ENVIRONMENT, vf->error, object, cure,
			   "this user may not use it (%s)", strerror(vf->error));
}

void passthru_init(struct passthru *p, const struct pci_host_fs *host,
		   const struct keeper_client *keeper, const struct config_device *config,
		   unsigned index)
{
	*p = (struct passthru){
		.irq = {
			.name = config->name,
			.its = config->its,
			.route = config->route,
			.policy = config->policy,
			.heat = config->heat,
			.tie_uncounted = config->tie_uncounted,
			.devid = config->devid,
		},
		.host = host,
		.keeper = keeper,
		.bdf = config->bdf,
		.index = index,
		.devfn = config->devfn,
		.root_port = config->root_port,
		.requester_id = config->requester_id,
		.goes_on = {
			[VFIO_NOTICE_REQUEST] = config->on_request == NOTICE_WISH_IGNORE,
			[VFIO_NOTICE_ERROR] = config->on_error == NOTICE_WISH_IGNORE,
		},
		.goes_without = config->on_request == NOTICE_WISH_REMOVE,
	};
}

int passthru_bind(struct passthru *p, const struct pci_host_fs *host,
		  const struct keeper_client *keeper, const struct vfio_listener *listener,
		  const struct config_device *config, unsigned index, struct failure *ret_failure)
{
	struct vfio_failure vf = { 0 };
	int r;

	passthru_init(p, host, keeper, config, index);
	r = keeper ? keeper_bind(keeper, index, &vf)
		   : vfio_bind_listening(p->host, &p->bdf, passthru_bind_flags(config), listener,
					 &vf);
	if (r < 0)
		return not_bound(p, &vf, ret_failure);
	if (vf.code)
		vfio_words_of_binding(p->irq.name, &vf);
	/* What was bound before we came stays bound when we go; the keeper knows by itself. */
	p->bound_here = r == 1 && !keeper;
	return 0;
}

static const char *cure_of_move(int error)
{
	switch (error) {
	case EACCES:
	case EPERM:
		return "run itsy as root";
	case EINVAL:
		return "name a CPU that is online: see itsy check";
	case EIO:
		return "the kernel manages it by itself; msi-cpu = any asks for nothing";
	default:
		return "see /proc/irq";
	}
}

/* If an interrupt cannot be moved, only its latency suffers: a warning, and no failure. */
static void move_interrupts(struct passthru *p)
{
	const int cpu = p->msi_cpu;
	struct vfio_failure vf = { 0 };
	unsigned left = 0;

	int r = p->keeper
			? keeper_move(p->keeper, p->index, &left, &vf)
			: vfio_affinity_set(p->host, &p->bdf, (unsigned)cpu, &p->moved, &left, &vf);

	p->moved_by_keeper = p->keeper && r >= 0;
	if ((r >= 0 && !left) || p->move_told)
		return;
	p->move_told = true;
	if (r < 0)
		report_warning("%s: its interrupts are not moved to CPU %d of the host (%s)",
			       p->irq.name, cpu, strerror(vf.error));
	else
		report_warning("%s: %u of its interrupts, such as %s, are not moved to CPU %d of "
			       "the host (%s): %s",
			       p->irq.name, left, vf.object, cpu, strerror(vf.error),
			       cure_of_move(vf.error));
}

/*
 * Who may not see all processes looks at a group by opening it, as vfio_look() does: that takes no
 * time, and a group that is a guest's stays so.
 */
static int open_device(struct passthru *p, struct vfio_container *container,
		       struct vfio_failure *ret_vf)
{
	const struct timespec nap = { .tv_nsec = BUSY_NAP_NS };
	int r = vfio_device_create(container, p->host, &p->bdf, &p->dev, ret_vf);

	for (unsigned i = 0; r < 0 && ret_vf->code == VFIO_FAILURE_BUSY && i < BUSY_TRIES; i++) {
		*ret_vf = (struct vfio_failure){ 0 };
		(void)nanosleep(&nap, NULL);
		r = vfio_device_create(container, p->host, &p->bdf, &p->dev, ret_vf);
	}
	return r;
}

/* Make its vectors. */
static int open_vectors(struct passthru *p, const struct config_device *config,
			struct failure *ret_failure)
{
	struct utsname host;
	int r = irq_function_open(&p->irq, p->dev, config->events, ret_failure);

	if (r >= 0 && p->irq.line.pin) {
		p->irq.line.intid = pci_host_intid(p->devfn, p->irq.line.pin);
		p->irq.line.needs_exit = uname(&host) < 0 || irq_line_needs_exit(host.release);
	}
	return r;
}

int passthru_open_vacant(struct passthru *p, const struct config_device *config,
			 struct vfio_container *container, unsigned nr_messages,
			 struct failure *ret_failure)
{
	struct vfio_failure vf = { 0 };

	p->removed = p->vacant = true;
	p->msi_cpu = config->msi_cpu;
	if (vfio_device_create_vacant(container, p->host, nr_messages, &p->dev, &vf) < 0)
		return failure_from_vfio(ret_failure, &vf);
	return open_vectors(p, config, ret_failure);
}

int passthru_open(struct passthru *p, const struct config_device *config,
		  struct vfio_container *container, struct failure *ret_failure)
{
	struct vfio_failure vf = { 0 };
	int r = open_device(p, container, &vf);

	if (r < 0)
		return not_opened(p, &vf, ret_failure);
	if (config->root_port)
		vfio_device_show_link(p->dev);
	p->msi_cpu = config->msi_cpu;
	p->move_told = false;
	if (p->msi_cpu >= 0 && vfio_device_irq_kind(p->dev) != VFIO_IRQ_KIND_NONE)
		move_interrupts(p);
	r = vfio_irq_counts_open(p->host, &p->bdf, vfio_device_nr_vectors(p->dev), &p->host_counts,
				 &vf);
	if (r == -ENOMEM)
		return failure_from_vfio(ret_failure, &vf);
	if (r == 0 && p->keeper)
		vfio_irq_counts_open_all(p->host_counts);
	/* Without them the vectors work as well; what irqfd takes is not known then. */
	p->irq.host_counts = p->host_counts;
	return open_vectors(p, config, ret_failure);
}

static void all_devices(const struct passthru functions[], size_t nr,
			struct vfio_device *ret_devs[CONFIG_MAX_DEVICES])
{
	assert(nr <= CONFIG_MAX_DEVICES);
	for (size_t i = 0; i < nr; i++)
		ret_devs[i] = functions[i].dev;
}

/*
 * Choice: what cannot be reset at all is said by itsy check, and when it matters; what could be is
 * said at once.
 */
int passthru_look_at_opened(struct passthru *p, const struct vfio_reset_result *result,
			    struct failure *ret_failure)
{
	struct failure failure;

	if (result->failed == VFIO_RESET_STEP_NONE || result->why.code == VFIO_FAILURE_NO_RESET)
		return 0;
	if (result->why.code != VFIO_FAILURE_RESET_SHARED)
		return failure_from_vfio(ret_failure, &result->why);
	(void)failure_from_vfio(&failure, &result->why);
	report_warning("%s: %s: %s", failure.object, failure.cause, failure.cure);
	p->told_of_reset = true;
	return 0;
}

int passthru_reset_opened(struct passthru functions[], size_t nr, struct failure *ret_failure)
{
	struct vfio_reset_result results[CONFIG_MAX_DEVICES];
	struct vfio_device *devs[CONFIG_MAX_DEVICES] = { 0 };
	int r = 0;

	all_devices(functions, nr, devs);
	vfio_reset_due(devs, nr, results);
	for (size_t i = 0; r >= 0 && i < nr; i++)
		r = passthru_look_at_opened(&functions[i], &results[i], ret_failure);
	return r;
}

/* The next kernel is loaded over the last one: nothing may write there. */
static int look_at_reset(struct passthru *p, const struct vfio_reset_result *result,
			 struct failure *ret_failure)
{
	if (result->failed == VFIO_RESET_STEP_QUIET)
		return failure_set(ret_failure, ITSY_RUNTIME, result->why.error, result->why.object,
				   "start the guest again, which opens it anew",
				   "its bus mastering cannot be switched off (%s): it could write "
				   "over the next kernel",
				   strerror(result->why.error));
	if (result->failed == VFIO_RESET_STEP_RESET)
		reset_failed(p, &result->why);
	irq_function_forget(&p->irq);
	return 0;
}

int passthru_reset_all(struct passthru functions[], size_t nr, struct failure *ret_failure)
{
	struct vfio_reset_result results[CONFIG_MAX_DEVICES];
	struct vfio_device *devs[CONFIG_MAX_DEVICES] = { 0 };
	struct passthru *left[CONFIG_MAX_DEVICES];
	size_t nr_left = 0;
	int r = 0;

	assert(nr <= CONFIG_MAX_DEVICES);
	for (size_t i = 0; i < nr; i++) {
		if (functions[i].removed)
			continue;
		left[nr_left] = &functions[i];
		devs[nr_left++] = functions[i].dev;
	}
	vfio_reset_all(devs, nr_left, results);
	for (size_t i = 0; r >= 0 && i < nr_left; i++)
		r = look_at_reset(left[i], &results[i], ret_failure);
	return r;
}

int passthru_open_bare(struct passthru *p, const char *name, uint32_t devid, unsigned nr_vectors,
		       struct failure *ret_failure)
{
	*p = (struct passthru){
		.irq = { .name = name, .devid = devid, .heat = HEAT_LIMITS_DEFAULT },
	};
	return irq_function_open_bare(&p->irq, nr_vectors, ret_failure);
}

void passthru_put_interrupts_back(struct passthru *p)
{
	vfio_affinity_restore(p->moved);
	p->moved = NULL;
	if (p->moved_by_keeper)
		keeper_unmove(p->keeper, p->index);
	p->moved_by_keeper = false;
}

void passthru_close(struct passthru *p)
{
	irq_function_close(&p->irq);
	vfio_irq_counts_close(TAKE_PTR(p->host_counts));
	passthru_put_interrupts_back(p);
	vfio_device_destroy(p->dev);
	p->dev = NULL;
}

void passthru_not_given_back(const struct passthru *p, const struct vfio_failure *why)
{
	struct failure failure;
	char bdf[PCI_BDF_STRLEN];

	(void)failure_from_vfio(&failure, why);
	report_warning("%s: not given back: %s: %s", pci_bdf_format(&p->bdf, bdf), failure.object,
		       failure.cause);
}

void passthru_give_back(struct passthru *p)
{
	struct vfio_failure vf = { 0 };

	assert(!p->dev);

	if (!p->bound_here)
		return;
	p->bound_here = false;
	if (vfio_release(p->host, &p->bdf, &vf) < 0)
		passthru_not_given_back(p, &vf);
}

int passthru_wire(struct passthru *p, const struct irq_wiring *wiring, struct pci_host *pci_host)
{
	p->irq.wiring = *wiring;
	p->pci_host = pci_host;
	if (!p->dev)
		return 0;
	vfio_device_set_ops(p->dev, &device_ops, p);
	return p->removed ? pci_host_add_absent(pci_host, p->devfn, p->dev)
			  : pci_host_add(pci_host, p->devfn, p->dev);
}

void passthru_set_routes(struct passthru *p, struct vector_routes *routes)
{
	p->routes = routes;
}

void passthru_set_wake_up(struct passthru *p, void (*wake_up)(void *ctx), void *ctx)
{
	p->wake_up = wake_up;
	p->wake_up_ctx = ctx;
}

/* Those that were moved before have gone with their kind, and with them where they were. */
static void move_again(struct passthru *p)
{
	vfio_affinity_forget(TAKE_PTR(p->moved));
	if (p->msi_cpu >= 0 && vfio_device_irq_kind(p->dev) != VFIO_IRQ_KIND_INTX)
		move_interrupts(p);
}

/* The old counters are the routes' until those have the new ones. NULL: the host shows none. */
static struct vfio_irq_counts *open_counts(const struct passthru *p)
{
	const unsigned nr = vfio_device_nr_vectors(p->dev);
	struct vfio_irq_counts *counts = NULL;
	struct vfio_failure vf = { 0 };

	if (p->keeper)
		(void)!keeper_count(p->keeper, p->index, nr, &counts);
	else
		(void)!vfio_irq_counts_open(p->host, &p->bdf, nr, &counts, &vf);
	return counts;
}

/* Returns in how many ns it is to be called again; 0: when the kind has changed. */
static uint64_t recount(struct passthru *p, uint64_t now)
{
	const unsigned epoch = vfio_device_irqs_epoch(p->dev);
	struct vfio_irq_counts *old = NULL;
	bool done;

	if (!p->routes || !irq_function_recounts(&p->irq))
		return 0;
	if (epoch % 2)
		return VECTOR_RECOUNT_NS;
	if (p->host_counts_epoch != epoch) {
		if (now < p->reopen_ns)
			return p->reopen_ns - now;
		p->reopen_ns = now + REOPEN_NS;
		move_again(p);
		old = p->host_counts;
		p->host_counts = open_counts(p);
		p->host_counts_epoch = epoch;
	}
	done = vector_routes_recount(p->routes, p->irq.wiring.index, p->host_counts, epoch);
	vfio_irq_counts_close(old);
	return done ? 0 : VECTOR_RECOUNT_NS;
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return !a || (b && b < a) ? b : a;
}

int passthru_service(struct passthru *p)
{
	uint64_t now = clock_ns(), left = 0;

	if (p->dev && !p->removed) {
		left = vfio_device_settle(p->dev, now);
		left = sooner(left, recount(p, now));
	}
	return left ? (int)(left / NS_PER_MS) + 1 : -1;
}

void passthru_unwire(struct passthru *p)
{
	if (p->dev)
		vfio_device_set_ops(p->dev, NULL, NULL);
	p->irq.wiring = (struct irq_wiring){ 0 };
	p->pci_host = NULL;
	passthru_set_wake_up(p, NULL, NULL);
}
