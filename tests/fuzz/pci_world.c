// SPDX-License-Identifier: MIT
/*
 * The world of pci_world.h. PCI Local Bus 3.0, 6.8 (MSI, MSI-X); linux/vfio.h.
 *
 * Functions are opened once, for sysfs and eventfds are slow to make; each run
 * begins with a reset of them, and with a new bridge.
 */
#include "tests/fuzz/pci_world.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "vfio/device_io.h"
#include "vitsmod/bits.h"

#define ONES(len) (~UINT64_C(0) >> (64 - 8 * (len)))

/*
 * Making it
 */

static struct pci_fn *fn_of_fd(struct pci_world *w, int fd)
{
	for (unsigned i = 0; i < PCI_FUNCTIONS; i++) {
		if (w->fns[i].fake && w->fns[i].fake->fd == fd)
			return &w->fns[i];
	}
	return NULL;
}

/* Nothing a guest does changes vectors at the host, and so sends its ITS a command. */
static int watched_ioctl(void *ctx, int fd, unsigned long request, void *arg)
{
	struct fake_vfio *fake = ctx;
	struct pci_world *w = (struct pci_world *)(void *)fake; /* its first member */
	struct pci_fn *fn = fn_of_fd(w, fd);

	assert(!w->running || request != VFIO_DEVICE_SET_IRQS);
	/* What waited is forgotten, and nothing can come before it is. */
	if (fn && request == VFIO_DEVICE_RESET)
		memset(fn->vectors, 0, sizeof(fn->vectors));
	return w->fake_ioctl(ctx, fd, request, arg);
}

static void add_functions(struct pci_world *w)
{
	static const char *const bdfs[PCI_FUNCTIONS] = { "0000:00:01.0", "0000:00:02.0",
							 "0000:00:03.0", "0000:00:04.0" };
	static struct fake_function *(*const add[PCI_FUNCTIONS])(
		struct fake_vfio * fake, const char *bdf,
		int group) = { fake_add_nvme, fake_add_e1000e, fake_add_full, fake_add_edu };
	static const struct pci_fn places[PCI_FUNCTIONS] = {
		{ .devfn = 0, .cap = 0x40, .table_bar = 0, .table = 0x2000, .pba = 0x3000 },
		{ .devfn = 0x18, .cap = 0xa0, .table_bar = 3, .table = 0, .pba = 0x2000 },
		{ .devfn = 0x19, .cap = FULL_MSI },
		{ .devfn = 0xff, .cap = 0x40 },
	};

	for (unsigned i = 0; i < PCI_FUNCTIONS; i++) {
		w->fns[i] = places[i];
		w->fns[i].world = w;
		w->fns[i].fake = add[i](&w->fake, bdfs[i], (int)i + 1);
	}
	w->fns[2].fake->bars[VFIO_DEVICE_ROM].size = 0x10000;
	fake_publish(&w->fake);
	fake_container(&w->fake, &w->container);
	for (unsigned i = 0; i < PCI_FUNCTIONS; i++) {
		struct pci_fn *fn = &w->fns[i];

		fn->dev = fake_open(&w->fake, w->container, bdfs[i]);
		fn->nr_vectors = vfio_device_nr_vectors(fn->dev);
		assert(fn->nr_vectors <= PCI_MAX_VECTORS);
		memcpy(fn->cfgspace, fn->fake->cfgspace, sizeof(fn->cfgspace));
	}
}

static void remove_tree(void)
{
	struct pci_world *w = pci_world_get();

	tree_fini(&w->fake.tree);
}

struct pci_world *pci_world_get(void)
{
	static struct pci_world world;

	if (world.running)
		return &world;
	/* What the fake does not like, it says by cmocka: that is to stop here. */
	(void)setenv("CMOCKA_TEST_ABORT", "1", 1);
	fake_init(&world.fake);
	world.fake_ioctl = world.fake.sys.ioctl;
	world.fake.sys.ioctl = watched_ioctl;
	add_functions(&world);
	world.running = true;
	(void)atexit(remove_tree);
	return &world;
}

/*
 * Slots
 */

static bool meet(uint64_t a, uint64_t a_sz, uint64_t b, uint64_t b_sz)
{
	return a < b + b_sz && b < a + a_sz;
}

static bool paused(uint64_t gpa, uint64_t size)
{
	if (gpa >= LAYOUT_PCI32 && size <= LAYOUT_PCI32_SZ &&
	    gpa - LAYOUT_PCI32 <= LAYOUT_PCI32_SZ - size)
		return true;
	return gpa >= LAYOUT_PCI64 && size <= LAYOUT_PCI64_SZ &&
	       gpa - LAYOUT_PCI64 <= LAYOUT_PCI64_SZ - size;
}

static bool in_io_window(uint64_t gpa, uint64_t size)
{
	return gpa >= LAYOUT_PCI_IO && gpa - LAYOUT_PCI_IO <= LAYOUT_PCI_IO_SZ - size;
}

static int set_slot(void *ctx, unsigned slot, uint64_t gpa, uint64_t size, void *va)
{
	struct pci_world *w = ctx;

	assert(slot < PCI_HOST_MAX_SLOTS);
	if (size == 0) {
		assert(w->slots[slot].used);
		w->slots[slot].used = false;
		return 0;
	}
	assert(!w->slots[slot].used);
	assert(va);
	assert(size % w->fake.sys.page_size == 0);
	assert(gpa % w->fake.sys.page_size == 0);
	assert(paused(gpa, size));
	for (unsigned i = 0; i < PCI_HOST_MAX_SLOTS; i++)
		assert(!w->slots[i].used || !meet(gpa, size, w->slots[i].gpa, w->slots[i].size));
	if (w->refuse) {
		w->refused = true;
		return -EEXIST;
	}
	w->slots[slot] = (struct pci_slot){ true, gpa, size, va };
	return 0;
}

static const struct pci_host_ops bridge_ops = { .set_slot = set_slot };

/*
 * Interrupts, as the guest's registers have them
 */

static uint32_t msi_reg(struct pci_fn *fn, unsigned reg, unsigned len)
{
	return vfio_cfgspace_read(fn->dev, fn->cap + reg, len);
}

static uint64_t entry_reg(struct pci_fn *fn, unsigned vector, unsigned reg)
{
	return vfio_bar_read(fn->dev, fn->table_bar, fn->table + vector * PCI_MSIX_ENTRY_SIZE + reg,
			     4);
}

static bool msix_delivers(struct pci_fn *fn, unsigned vector, struct msi_message *ret_message)
{
	uint32_t flags = msi_reg(fn, PCI_MSIX_FLAGS, 2);

	*ret_message = (struct msi_message){
		.address = entry_reg(fn, vector, PCI_MSIX_ENTRY_LOWER_ADDR) |
			   entry_reg(fn, vector, PCI_MSIX_ENTRY_UPPER_ADDR) << 32,
		.data = (uint32_t)entry_reg(fn, vector, PCI_MSIX_ENTRY_DATA),
	};
	return (flags & PCI_MSIX_FLAGS_ENABLE) && !(flags & PCI_MSIX_FLAGS_MASKALL) &&
	       !(entry_reg(fn, vector, PCI_MSIX_ENTRY_VECTOR_CTRL) & 1);
}

/* Vectors beyond those that are enabled share the last bits of their number. */
static unsigned msi_number(struct pci_fn *fn, unsigned vector)
{
	unsigned enabled = 1u << (msi_reg(fn, PCI_MSI_FLAGS, 2) >> 4 & 7);

	return vector & ((enabled < fn->nr_vectors ? enabled : fn->nr_vectors) - 1);
}

/* Both functions with MSI have addresses of 64 bits. */
static bool msi_delivers(struct pci_fn *fn, unsigned vector, struct msi_message *ret_message)
{
	uint32_t flags = msi_reg(fn, PCI_MSI_FLAGS, 2);
	unsigned number = msi_number(fn, vector);
	unsigned enabled = 1u << (flags >> 4 & 7);
	uint32_t low = (enabled < fn->nr_vectors ? enabled : fn->nr_vectors) - 1;

	*ret_message = (struct msi_message){
		.address = msi_reg(fn, PCI_MSI_ADDRESS_LO, 4) |
			   (uint64_t)msi_reg(fn, PCI_MSI_ADDRESS_HI, 4) << 32,
		.data = (msi_reg(fn, PCI_MSI_DATA_64, 2) & ~low) | number,
	};
	if (!(flags & PCI_MSI_FLAGS_ENABLE))
		return false;
	return !(flags & PCI_MSI_FLAGS_MASKBIT) || !(msi_reg(fn, PCI_MSI_MASK_64, 4) >> number & 1);
}

static bool delivers(struct pci_fn *fn, unsigned vector, struct msi_message *ret_message)
{
	return vfio_device_irq_kind(fn->dev) == VFIO_IRQ_KIND_MSIX
		       ? msix_delivers(fn, vector, ret_message)
		       : msi_delivers(fn, vector, ret_message);
}

static bool same_message(const struct msi_message *a, const struct msi_message *b)
{
	return a->address == b->address && a->data == b->data;
}

static void callback(struct pci_world *w)
{
	if (!w->armed || w->inside)
		return;
	w->armed = false;
	w->inside = true;
	w->hook(w);
	w->inside = false;
}

/* Only what waited is released, and once, with the message of that time. */
static void on_released(void *ctx, unsigned vector, const struct msi_message *message)
{
	struct pci_fn *fn = ctx;
	struct msi_message want;

	assert(vector < fn->nr_vectors);
	assert(fn->vectors[vector].pending);
	assert(delivers(fn, vector, &want));
	assert(same_message(message, &want));
	fn->vectors[vector].pending = false;
	callback(fn->world);
}

static void on_bars_changed(void *ctx)
{
	struct pci_fn *fn = ctx;

	pci_host_bars_changed(fn->world->pci_host, fn->devfn);
	callback(fn->world);
}

static const struct vfio_device_ops device_ops = {
	.bars_changed = on_bars_changed,
	.vector_released = on_released,
};

void pci_signal(struct pci_fn *fn, unsigned vector)
{
	fake_signal(fn->fake, vector);
	fn->vectors[vector].signalled = true;
}

void pci_take(struct pci_fn *fn, unsigned vector)
{
	struct pci_vector *v = &fn->vectors[vector];
	struct msi_message got = { 0 }, want;
	enum vfio_take take;
	eventfd_t signals;

	if (!v->signalled)
		return;
	v->signalled = false;
	(void)!eventfd_read(vfio_vector_eventfd(fn->dev, vector), &signals);
	take = vfio_vector_take(fn->dev, vector, &got);
	if (take == VFIO_TAKE_DELIVER) {
		assert(delivers(fn, vector, &want));
		assert(same_message(&got, &want));
		assert(!v->pending);
		return;
	}
	assert(take == VFIO_TAKE_HELD || take == VFIO_TAKE_OFF);
	v->pending = true;
	/* Inside a callback, vectors may lag behind the registers: it is released then. */
	assert(fn->world->inside || !delivers(fn, vector, &want));
}

/*
 * Runs
 */

static void begin_function(struct pci_fn *fn)
{
	enum vfio_reset_step failed;
	int r;

	/* What trapped accesses wrote would pile up. */
	r = fallocate(fn->fake->file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
		      (off_t)FAKE_REGION(VFIO_DEVICE_RANGES));
	assert(r == 0);
	memcpy(fn->fake->cfgspace, fn->cfgspace, sizeof(fn->cfgspace));
	fn->fake->mastering_at_reset = false;
	vfio_device_set_ops(fn->dev, NULL, NULL);
	r = vfio_device_reset(fn->dev, &failed);
	assert(r == (fn->fake->can_reset ? 0 : -ENOTTY));
	memset(fn->vectors, 0, sizeof(fn->vectors));
}

/* As a guest's kernel leaves it: bus 1 is behind it, and all windows are open. */
static void begin_port(struct pci_world *w)
{
	const uint32_t high = (uint32_t)(LAYOUT_PCI64 >> 32);

	pci_port_reg_write(w, PCI_PRIMARY_BUS, 4, 0x010100);
	pci_port_reg_write(w, PCI_IO_BASE, 2, 0xf000);
	pci_port_reg_write(w, PCI_MEMORY_BASE, 4, 0x39f01200);
	pci_port_reg_write(w, PCI_PREF_MEMORY_BASE, 4, 0xfff00000);
	pci_port_reg_write(w, PCI_PREF_BASE_UPPER32, 4, high);
	pci_port_reg_write(w, PCI_PREF_LIMIT_UPPER32, 4, high + 0x6f);
	pci_port_reg_write(w, PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
}

uint32_t pci_cfgspace_read(struct pci_fn *fn, unsigned reg, unsigned len)
{
	return (uint32_t)bus_read(&fn->world->bus, pci_ecam(fn, reg), len);
}

void pci_world_begin(struct pci_world *w)
{
	int r;

	w->fake.fail_at = 0;
	w->refuse = w->refused = w->failed = w->is_out = false;
	w->armed = w->inside = false;
	memset(w->slots, 0, sizeof(w->slots));
	w->bus = (struct bus){ 0 };
	r = pci_host_create(&bridge_ops, w, &w->pci_host);
	assert(r == 0);
	r = pci_host_add_port(w->pci_host, PCI_PORT_DEVFN / PCI_HOST_SIBLINGS);
	assert(r == 0);
	for (unsigned i = 0; i < PCI_FUNCTIONS; i++) {
		struct pci_fn *fn = &w->fns[i];

		begin_function(fn);
		r = pci_host_add(w->pci_host, fn->devfn, fn->dev);
		assert(r == 0);
		vfio_device_set_ops(fn->dev, &device_ops, fn);
	}
	r = pci_host_add_to_bus(w->pci_host, &w->bus);
	assert(r == 0);
	begin_port(w);
}

/* A reset takes all that was mapped, and all that waited. */
void pci_world_end(struct pci_world *w)
{
	w->fake.fail_at = 0;
	w->armed = false;
	for (unsigned i = 0; i < PCI_FUNCTIONS; i++)
		pci_reset(&w->fns[i]);
	pci_check(w);
	for (unsigned i = 0; i < PCI_HOST_MAX_SLOTS; i++)
		assert(!w->slots[i].used);
	pci_host_destroy(w->pci_host);
	w->pci_host = NULL;
}

uint32_t pci_port_reg(struct pci_world *w, unsigned reg, unsigned len)
{
	return (uint32_t)bus_read(&w->bus, LAYOUT_ECAM + (PCI_PORT_DEVFN << 12) + reg, len);
}

void pci_port_reg_write(struct pci_world *w, unsigned reg, unsigned len, uint32_t value)
{
	pci_write(w, LAYOUT_ECAM + (PCI_PORT_DEVFN << 12) + reg, len, value);
}

void pci_unplug(struct pci_world *w)
{
	w->is_out = true;
	pci_host_unplug(w->pci_host, PCI_PORT_DEVFN / PCI_HOST_SIBLINGS);
	/* There is no other port that could have bus 1. */
	for (uint64_t devfn = 0; devfn < PCI_HOST_SIBLINGS; devfn++)
		assert((uint32_t)bus_read(&w->bus, LAYOUT_ECAM + LAYOUT_ECAM_SZ + (devfn << 12),
					  4) == UINT32_MAX);
}

/* Where the guest's numbers say that it is. */
uint64_t pci_ecam(const struct pci_fn *fn, unsigned reg)
{
	bool behind = fn->devfn / PCI_HOST_SIBLINGS == PCI_PORT_DEVFN / PCI_HOST_SIBLINGS;
	uint64_t devfn = behind ? fn->devfn % PCI_HOST_SIBLINGS : fn->devfn;
	uint64_t bus = behind ? pci_port_reg(fn->world, PCI_SECONDARY_BUS, 1) % PCI_BUSES : 0;

	return LAYOUT_ECAM + bus * LAYOUT_ECAM_SZ + (devfn << 12) + reg;
}

/* Another vCPU would wait until the reset is over, which whoever is inside it cannot. */
static bool waits_for_reset(const struct pci_world *w, uint64_t gpa)
{
	bool resetting = false;

	for (unsigned i = 0; i < PCI_FUNCTIONS; i++)
		resetting |= w->fns[i].dev->busy;
	return resetting && gpa - LAYOUT_ECAM < PCI_BUSES * LAYOUT_ECAM_SZ;
}

void pci_write(struct pci_world *w, uint64_t gpa, unsigned len, uint64_t value)
{
	if (!waits_for_reset(w, gpa))
		bus_write(&w->bus, gpa, len, value);
}

void pci_cfgspace_write(struct pci_fn *fn, unsigned reg, unsigned len, uint32_t value)
{
	pci_write(fn->world, pci_ecam(fn, reg), len, value);
}

void pci_reset(struct pci_fn *fn)
{
	enum vfio_reset_step failed;
	bool armed = fn->world->armed;
	int r;

	if (fn->world->inside)
		return;
	/* No guest access runs at that time. */
	fn->world->armed = false;
	r = vfio_device_reset(fn->dev, &failed);
	fn->world->armed = armed;
	assert(r == (fn->fake->can_reset ? 0 : -ENOTTY) || fn->world->failed);
	memset(fn->vectors, 0, sizeof(fn->vectors));
}

/* The BARs that are decoded at gpa; ret says the last of them. */
struct found_bar {
	struct pci_fn *fn;
	unsigned bar;
	uint64_t address, size;
};

/* Where in the guest's memory a BAR is, if it is in its window. */
static uint64_t gpa_of(const struct vfio_bar *bar)
{
	return bar->address + (bar->is_io ? LAYOUT_PCI_IO : 0);
}

/* PCI-to-PCI Bridge 1.2, 3.2.5: as the port's registers have it. */
static bool is_forwarded(struct pci_world *w, const struct pci_fn *fn, const struct vfio_bar *bar)
{
	const uint64_t first = bar->address, last = bar->address + (bar->size - 1);
	uint64_t base, limit;

	if (fn->devfn / PCI_HOST_SIBLINGS != PCI_PORT_DEVFN / PCI_HOST_SIBLINGS)
		return true;
	if (w->is_out)
		return false;
	if (!(pci_port_reg(w, PCI_COMMAND, 2) & (bar->is_io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY)))
		return false;
	if (bar->is_io)
		return first >> 12 >= pci_port_reg(w, PCI_IO_BASE, 1) >> 4 &&
		       last >> 12 <= pci_port_reg(w, PCI_IO_LIMIT, 1) >> 4;
	if (first >> 20 >= pci_port_reg(w, PCI_MEMORY_BASE, 2) >> 4 &&
	    last >> 20 <= pci_port_reg(w, PCI_MEMORY_LIMIT, 2) >> 4)
		return true;
	base = (uint64_t)pci_port_reg(w, PCI_PREF_BASE_UPPER32, 4) << 12 |
	       pci_port_reg(w, PCI_PREF_MEMORY_BASE, 2) >> 4;
	limit = (uint64_t)pci_port_reg(w, PCI_PREF_LIMIT_UPPER32, 4) << 12 |
		pci_port_reg(w, PCI_PREF_MEMORY_LIMIT, 2) >> 4;
	return first >> 20 >= base && last >> 20 <= limit;
}

static unsigned bars_at(struct pci_world *w, uint64_t gpa, uint64_t size, struct found_bar *ret)
{
	unsigned nr = 0;

	for (unsigned i = 0; i < PCI_FUNCTIONS; i++) {
		for (unsigned b = 0; b < VFIO_DEVICE_RANGES; b++) {
			struct vfio_bar bar;

			vfio_device_bar(w->fns[i].dev, b, &bar);
			if (!bar.present || !bar.decoded || !is_forwarded(w, &w->fns[i], &bar) ||
			    !meet(gpa, size, gpa_of(&bar), bar.size))
				continue;
			nr++;
			*ret = (struct found_bar){ &w->fns[i], b, gpa_of(&bar), bar.size };
		}
	}
	return nr;
}

static uint64_t nr_misplaced(struct pci_world *w)
{
	struct pci_host_stats stats;

	pci_host_stats_get(w->pci_host, &stats);
	return stats.misplaced;
}

uint64_t pci_window_read(struct pci_world *w, uint64_t gpa, unsigned len)
{
	uint64_t value = bus_read(&w->bus, gpa, len) & ONES(len), want;
	struct found_bar at = { 0 };
	unsigned nr = bars_at(w, gpa, len, &at);
	bool whole = nr == 1 && gpa >= at.address && gpa - at.address <= at.size - len;

	/* Who answers is clear as long as no BAR lay over another one, or outside. */
	if (w->inside || w->failed || nr_misplaced(w) ||
	    !(paused(gpa, len) || in_io_window(gpa, len)))
		return value;
	want = ONES(len);
	if (whole)
		want &= vfio_bar_read(at.fn->dev, at.bar, gpa - at.address, len);
	assert(value == want);
	return value;
}

/*
 * Judging a step
 */

/* Pending bits: of MSI-X by vector, of MSI by number. */
static void read_pending(struct pci_fn *fn, uint64_t ret_bits[2])
{
	bool msix = vfio_device_irq_kind(fn->dev) == VFIO_IRQ_KIND_MSIX;

	ret_bits[0] = msix ? vfio_bar_read(fn->dev, fn->table_bar, fn->pba, 8)
			   : msi_reg(fn, PCI_MSI_PENDING_64, 4);
	ret_bits[1] = msix && fn->nr_vectors > 64
			      ? vfio_bar_read(fn->dev, fn->table_bar, fn->pba + 8, 8)
			      : 0;
}

/* Nothing waits that could be delivered; what waits is shown, if there are bits for it. */
static void check_vectors(struct pci_fn *fn)
{
	bool msix = vfio_device_irq_kind(fn->dev) == VFIO_IRQ_KIND_MSIX;
	bool shown = msix || (msi_reg(fn, PCI_MSI_FLAGS, 2) & PCI_MSI_FLAGS_MASKBIT);
	uint64_t bits[2], want[2] = { 0 };
	struct msi_message message;

	for (unsigned i = 0; i < fn->nr_vectors; i++) {
		unsigned number = msix ? i : msi_number(fn, i);

		if (!fn->vectors[i].pending)
			continue;
		assert(!delivers(fn, i, &message));
		want[number / 64] |= BIT64(number % 64);
	}
	if (!shown)
		return;
	read_pending(fn, bits);
	assert(bits[0] == want[0]);
	assert(bits[1] == want[1]);
}

static void check_function(struct pci_world *w, struct pci_fn *fn)
{
	uint32_t host = fake_cfgspace(fn->fake, PCI_COMMAND, 2);
	uint32_t guest = vfio_cfgspace_read(fn->dev, PCI_COMMAND, 2);

	check_vectors(fn);
	assert(fn->fake->nr_enabled == fn->nr_vectors);
	if (w->failed)
		return;
	assert(!((host ^ guest) & PCI_COMMAND_MASTER));
	assert(host & PCI_COMMAND_MEMORY);
	assert(fn->fake->undecoded == 0);
	assert(!fn->fake->mastering_at_reset);
}

/* Has it its slot? */
static bool find_slot(const struct pci_world *w, uint64_t gpa, const struct vfio_bar_piece *piece)
{
	for (unsigned i = 0; i < PCI_HOST_MAX_SLOTS; i++) {
		if (w->slots[i].used && w->slots[i].gpa == gpa && w->slots[i].size == piece->size &&
		    w->slots[i].va == piece->map)
			return true;
	}
	return false;
}

/* Slots that belong to a BAR; all of its pieces have one if nothing spoke against it. */
static unsigned check_bar(struct pci_world *w, const struct pci_fn *fn, const struct vfio_bar *bar)
{
	struct found_bar other;
	bool forwarded = is_forwarded(w, fn, bar);
	bool reachable = forwarded && paused(bar->address, bar->size) && !w->refused &&
			 !nr_misplaced(w) && bars_at(w, bar->address, bar->size, &other) == 1;
	unsigned nr = 0;

	for (size_t i = 0; i < bar->nr_pieces; i++) {
		const struct vfio_bar_piece *piece = &bar->pieces[i];
		bool found = piece->map && find_slot(w, bar->address + piece->offset, piece);

		assert(!reachable || found == !!piece->map);
		assert(forwarded || !found);
		nr += found;
	}
	return nr;
}

void pci_check(struct pci_world *w)
{
	unsigned nr = 0, used = 0;

	if (w->inside)
		return;
	for (unsigned i = 0; i < PCI_FUNCTIONS; i++) {
		check_function(w, &w->fns[i]);
		for (unsigned b = 0; b < VFIO_DEVICE_RANGES; b++) {
			struct vfio_bar bar;

			vfio_device_bar(w->fns[i].dev, b, &bar);
			if (bar.present && bar.decoded)
				nr += check_bar(w, &w->fns[i], &bar);
		}
	}
	for (unsigned i = 0; i < PCI_HOST_MAX_SLOTS; i++)
		used += w->slots[i].used;
	/* Each slot is a piece of a BAR that is decoded there. */
	assert(nr == used);
}
