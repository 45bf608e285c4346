// SPDX-License-Identifier: MIT
/*
 * Fuzzes what a guest can do to functions that are passed through: configuration
 * space, BARs, MSI-X tables and pending bits, MSI, resets; while interrupts come,
 * slots are refused, the host fails, and registers change by themselves.
 *
 * Input: steps, u8 which (ops[] below), u8 the function where it is about one,
 * then what it takes. Op "inside" lets the step behind it happen in the middle of
 * the next one that calls back.
 */
#include <linux/pci_regs.h>

#include "tests/fuzz/pci_world.h"
#include "vitsmod/bits.h"

struct session {
	struct pci_world *w;
	struct input in;
};

static struct pci_fn *take_fn(struct session *s)
{
	return &s->w->fns[input_below(&s->in, PCI_FUNCTIONS)];
}

static unsigned take_vector(struct session *s, const struct pci_fn *fn)
{
	return input_u8(&s->in) % fn->nr_vectors;
}

/* In and around the windows, so that BARs meet. */
static uint64_t take_address(struct input *in)
{
	static const uint64_t bases[] = {
		0x1000, /* of I/O ports */
		LAYOUT_PCI_IO,
		LAYOUT_PCI_IO + LAYOUT_PCI_IO_SZ - 0x20,
		LAYOUT_PCI32,
		LAYOUT_PCI64,
		LAYOUT_PCI32 + LAYOUT_PCI32_SZ - 0x40000,
		LAYOUT_PCI32 - 0x4000,
		LAYOUT_PCI64 + LAYOUT_PCI64_SZ - 0x400000,
		LAYOUT_RAM,
		LAYOUT_KERNEL_ITS_FRAME,
		UINT64_C(0xffffffff00000000),
	};
	static const uint8_t shifts[] = { 12, 14, 17, 20, 21, 33 };
	uint64_t base = bases[input_below(in, ARRAY_SIZE(bases))];
	uint64_t times = input_u8(in);

	return base + (times << shifts[input_below(in, ARRAY_SIZE(shifts))]);
}

static void op_cfgspace_write(struct session *s)
{
	struct pci_fn *fn = take_fn(s);
	unsigned reg = input_u16(&s->in) & 0xfff, len = input_width(&s->in);

	pci_cfgspace_write(fn, reg, len, (uint32_t)input_uint(&s->in, len < 4 ? len : 4));
}

static void op_cfgspace_read(struct session *s)
{
	struct pci_fn *fn = take_fn(s);
	unsigned reg = input_u16(&s->in) & 0xfff;

	(void)pci_cfgspace_read(fn, reg, input_width(&s->in));
}

/* Anywhere in the bridge's configuration space. */
static void op_ecam(struct session *s)
{
	uint64_t gpa = LAYOUT_ECAM + input_uint(&s->in, 3) % (PCI_BUSES * LAYOUT_ECAM_SZ);

	(void)bus_read(&s->w->bus, gpa, input_width(&s->in));
}

/* Registers of the root port: bus numbers and windows in any order. */
static void op_port(struct session *s)
{
	unsigned len = input_width(&s->in), reg = input_u8(&s->in);

	len = len < 4 ? len : 4;
	pci_port_reg_write(s->w, reg / len * len, len, (uint32_t)input_uint(&s->in, len));
}

/* Its memory window, over or beside the place of a BAR; or whether it forwards. */
static void op_port_window(struct session *s)
{
	uint64_t address = take_address(&s->in);
	uint8_t what = input_u8(&s->in);

	if (what & 1)
		pci_port_reg_write(s->w, PCI_COMMAND, 2, what >> 1 & 3);
	else
		pci_port_reg_write(s->w, PCI_MEMORY_BASE + (what & 2), 2,
				   (uint32_t)(address >> 16 & 0xffff));
}

/* Somebody presses the button at its slot, or takes out what is in it: for the rest of the run. */
static void op_slot(struct session *s)
{
	uint8_t what = input_u8(&s->in);

	if (what < 0xe0)
		(void)!pci_host_press(s->w->pci_host, PCI_PORT_DEVFN / PCI_HOST_SIBLINGS);
	else if (!s->w->inside)
		pci_unplug(s->w);
}

static void op_place_bar(struct session *s)
{
	struct pci_fn *fn = take_fn(s);
	unsigned bar = input_below(&s->in, VFIO_DEVICE_RANGES);
	uint64_t address = take_address(&s->in);

	if (bar == VFIO_DEVICE_ROM) {
		pci_cfgspace_write(fn, PCI_ROM_ADDRESS, 4,
				   (uint32_t)address | PCI_ROM_ADDRESS_ENABLE);
		return;
	}
	pci_cfgspace_write(fn, PCI_BASE_ADDRESS_0 + 4 * bar, 4, (uint32_t)address);
	if (bar + 1 < VFIO_DEVICE_BARS && address >> 32)
		pci_cfgspace_write(fn, PCI_BASE_ADDRESS_0 + 4 * bar + 4, 4,
				   (uint32_t)(address >> 32));
}

static void op_command(struct session *s)
{
	struct pci_fn *fn = take_fn(s);

	pci_cfgspace_write(fn, PCI_COMMAND, 2, input_u16(&s->in));
}

/* A place in a BAR that is decoded, or anywhere around the windows. */
static uint64_t take_gpa(struct session *s)
{
	struct pci_fn *fn = take_fn(s);
	unsigned index = input_below(&s->in, VFIO_DEVICE_RANGES + 1);
	struct vfio_bar bar;

	if (index == VFIO_DEVICE_RANGES)
		return take_address(&s->in) + input_u16(&s->in);
	vfio_device_bar(fn->dev, index, &bar);
	return bar.address + (bar.is_io ? LAYOUT_PCI_IO : 0) + input_uint(&s->in, 3);
}

static void op_window_write(struct session *s)
{
	uint64_t gpa = take_gpa(s);
	unsigned len = input_width(&s->in);

	pci_write(s->w, gpa, len, input_uint(&s->in, len));
}

static void op_window_read(struct session *s)
{
	uint64_t gpa = take_gpa(s);

	(void)pci_window_read(s->w, gpa, input_width(&s->in));
}

/* A register of an entry of the MSI-X table, as a driver writes it. */
static void op_entry(struct session *s)
{
	struct pci_fn *fn = take_fn(s);
	unsigned vector = take_vector(s, fn), reg = input_below(&s->in, 4) * 4;

	if (vfio_device_irq_kind(fn->dev) == VFIO_IRQ_KIND_MSIX)
		vfio_bar_write(fn->dev, fn->table_bar,
			       fn->table + vector * PCI_MSIX_ENTRY_SIZE + reg, 4,
			       input_u32(&s->in));
}

/* A register of the capability of MSI or MSI-X. */
static void op_interrupts(struct session *s)
{
	struct pci_fn *fn = take_fn(s);
	unsigned reg = fn->cap + input_below(&s->in, 12) * 2;

	pci_cfgspace_write(fn, reg, 2, input_u16(&s->in));
}

/* Enabled, and masked or not: what drivers switch all the time. */
static void op_enable(struct session *s)
{
	struct pci_fn *fn = take_fn(s);
	uint8_t bits = input_u8(&s->in);

	if (vfio_device_irq_kind(fn->dev) == VFIO_IRQ_KIND_MSIX)
		pci_cfgspace_write(fn, fn->cap + PCI_MSIX_FLAGS, 2, (uint32_t)(bits & 3) << 14);
	else
		pci_cfgspace_write(fn, fn->cap + PCI_MSI_FLAGS, 2, bits & 0x71);
}

/* One vector is masked or unmasked. */
static void op_mask(struct session *s)
{
	struct pci_fn *fn = take_fn(s);
	unsigned vector = take_vector(s, fn), reg = fn->cap + PCI_MSI_MASK_64;
	uint32_t mask = input_u8(&s->in) & 1;

	if (vfio_device_irq_kind(fn->dev) == VFIO_IRQ_KIND_MSIX)
		vfio_bar_write(fn->dev, fn->table_bar,
			       fn->table + vector * PCI_MSIX_ENTRY_SIZE +
				       PCI_MSIX_ENTRY_VECTOR_CTRL,
			       4, mask);
	else
		pci_cfgspace_write(fn, reg, 4,
				   (pci_cfgspace_read(fn, reg, 4) & ~(1u << vector)) |
					   mask << vector);
}

static void op_signal(struct session *s)
{
	struct pci_fn *fn = take_fn(s);

	pci_signal(fn, take_vector(s, fn));
}

static void op_take(struct session *s)
{
	struct pci_fn *fn = take_fn(s);

	pci_take(fn, take_vector(s, fn));
}

static void op_signal_and_take(struct session *s)
{
	struct pci_fn *fn = take_fn(s);
	unsigned vector = take_vector(s, fn);

	pci_signal(fn, vector);
	pci_take(fn, vector);
}

/* Function Level Reset, where the function shows it. */
static void op_flr(struct session *s)
{
	static const unsigned exp[PCI_FUNCTIONS] = { 0x80, 0xe0, FULL_EXP, 0 };
	unsigned n = input_below(&s->in, PCI_FUNCTIONS);

	if (n == 2 && (input_u8(&s->in) & 1))
		pci_cfgspace_write(&s->w->fns[n], FULL_AF + PCI_AF_CTRL, 1, PCI_AF_CTRL_FLR);
	else if (exp[n])
		pci_cfgspace_write(&s->w->fns[n], exp[n] + PCI_EXP_DEVCTL, 2,
				   PCI_EXP_DEVCTL_BCR_FLR);
}

static void op_reset(struct session *s)
{
	pci_reset(take_fn(s));
}

static void op_refuse(struct session *s)
{
	s->w->refuse = input_u8(&s->in) & 1;
}

/* The host fails one of its next calls. */
static void op_fail(struct session *s)
{
	s->w->fake.fail_at = 1 + input_u8(&s->in);
	s->w->failed = true;
}

/* The function's own registers, but for the header. */
static void op_change(struct session *s)
{
	struct pci_fn *fn = take_fn(s);
	unsigned reg = input_u16(&s->in) % fn->fake->cfgspace_size;

	if (reg >= PCI_STD_HEADER_SIZEOF)
		fake_set_cfgspace(fn->fake, reg, 1, input_u8(&s->in));
}

static void op_inside(struct session *s)
{
	s->w->armed = !s->w->inside;
}

static void (*const ops[])(struct session *s) = {
	op_cfgspace_write,  op_cfgspace_read, op_ecam,
	op_place_bar,	    op_command,	      op_window_write,
	op_window_read,	    op_entry,	      op_interrupts,
	op_enable,	    op_signal,	      op_take,
	op_signal_and_take, op_flr,	      op_reset,
	op_refuse,	    op_fail,	      op_change,
	op_inside,	    op_mask,	      op_port,
	op_port_window,	    op_slot,
};

static void step(struct session *s)
{
	ops[input_below(&s->in, ARRAY_SIZE(ops))](s);
}

static void inside(struct pci_world *w)
{
	step(w->hook_arg);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct session s = { pci_world_get(), { data, data + size } };

	pci_world_begin(s.w);
	s.w->hook = inside;
	s.w->hook_arg = &s;
	while (input_left(&s.in)) {
		step(&s);
		pci_check(s.w);
	}
	pci_world_end(s.w);
	return 0;
}
