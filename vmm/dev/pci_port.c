// SPDX-License-Identifier: MIT
/*
 * A root port's registers: one table says what they are.
 *
 * Choice: it has the vendor and device ID of QEMU's generic root port, which guests know, and no
 * driver binds by them.
 *
 * Choice: power states are kept and shown, and forwarding goes on in D3, as the functions behind
 * stay in D0 (vfio/cfgspace.c). Secondary Bus Reset resets what is behind the port when its bit is
 * set, which is over when the write is; until the guest clears the bit, what is there answers, as
 * after the reset. Bus Master is kept, and DMA of the functions behind
 * does not ask for it: each has a bit of its own.
 *
 * No locks: pci_host.c has one.
 */
#include "vmm/dev/pci_port.h"

#include <assert.h>
#include <linux/pci_regs.h>
#include <string.h>

#include "vmm/base/bits.h"

#define VENDOR_ID 0x1b36u
#define DEVICE_ID 0x000cu

/* Where its capabilities lie. */
#define EXP 0x40u
#define PM  0x80u
#define MSI 0x90u

/*
 * A slot with a button and a switch for its power. PCI Express Base 5.0, 6.7; commands are done at
 * once, and no interrupt tells of it (No Command Completed).
 */
#define SLOT_CAP                                                                             \
	(PCI_EXP_SLTCAP_ABP | PCI_EXP_SLTCAP_PCP | PCI_EXP_SLTCAP_AIP | PCI_EXP_SLTCAP_PIP | \
	 PCI_EXP_SLTCAP_HPS | PCI_EXP_SLTCAP_HPC | PCI_EXP_SLTCAP_NCCS)
#define SLOT_NUMBER_AT 19u
#define SLOT_CONTROL_RW                                                                         \
	(PCI_EXP_SLTCTL_ABPE | PCI_EXP_SLTCTL_PDCE | PCI_EXP_SLTCTL_HPIE | PCI_EXP_SLTCTL_AIC | \
	 PCI_EXP_SLTCTL_PIC | PCI_EXP_SLTCTL_PCC | PCI_EXP_SLTCTL_DLLSCE)
#define SLOT_STATUS_EVENTS (PCI_EXP_SLTSTA_ABP | PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_DLLSC)
/* Indicators are off, and power is on: the switch is 0 where it is on. */
#define SLOT_CONTROL_RESET (PCI_EXP_SLTCTL_ATTN_IND_OFF | PCI_EXP_SLTCTL_PWR_IND_OFF)

#define COMMAND_RW                                                                       \
	(PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_PARITY | \
	 PCI_COMMAND_SERR | PCI_COMMAND_INTX_DISABLE)
#define DEVCTL_RW                                                                                 \
	(PCI_EXP_DEVCTL_CERE | PCI_EXP_DEVCTL_NFERE | PCI_EXP_DEVCTL_FERE | PCI_EXP_DEVCTL_URRE | \
	 PCI_EXP_DEVCTL_PAYLOAD | PCI_EXP_DEVCTL_READRQ)
#define ROOT_CONTROL_RW \
	(PCI_EXP_RTCTL_SECEE | PCI_EXP_RTCTL_SENFEE | PCI_EXP_RTCTL_SEFEE | PCI_EXP_RTCTL_PMEIE)

/* 16 GT/s and 32 lanes, so that no guest takes it for what slows a device down. */
#define LINK_SPEED	4u
#define LINK_SPEEDS	0x1eu /* Link Capabilities 2: up to that one */
#define LINK_WIDTH	(32u << 4)
#define LINK_ACTIVE_CAP PCI_EXP_LNKCAP_DLLLARC
#define PORT_NUMBER_AT	24u

const struct pci_port_register pci_port_registers[] = {
	{ PCI_VENDOR_ID, 2, .reset = VENDOR_ID },
	{ PCI_DEVICE_ID, 2, .reset = DEVICE_ID },
	{ PCI_COMMAND, 2, .rw = COMMAND_RW },
	{ PCI_STATUS, 2, .reset = PCI_STATUS_CAP_LIST },
	{ PCI_CLASS_REVISION, 4, .reset = 0x06040000 }, /* a bridge from PCI to PCI */
	{ PCI_CACHE_LINE_SIZE, 1, .rw = 0xff },
	{ PCI_HEADER_TYPE, 1, .reset = PCI_HEADER_TYPE_BRIDGE },
	{ PCI_PRIMARY_BUS, 1, .rw = 0xff },
	{ PCI_SECONDARY_BUS, 1, .rw = 0xff },
	{ PCI_SUBORDINATE_BUS, 1, .rw = 0xff },
	{ PCI_IO_BASE, 1, .rw = 0xf0 }, /* of 16 bits */
	{ PCI_IO_LIMIT, 1, .rw = 0xf0 },
	{ PCI_MEMORY_BASE, 2, .rw = 0xfff0 },
	{ PCI_MEMORY_LIMIT, 2, .rw = 0xfff0 },
	{ PCI_PREF_MEMORY_BASE, 2, .reset = PCI_PREF_RANGE_TYPE_64, .rw = 0xfff0 },
	{ PCI_PREF_MEMORY_LIMIT, 2, .reset = PCI_PREF_RANGE_TYPE_64, .rw = 0xfff0 },
	{ PCI_PREF_BASE_UPPER32, 4, .rw = 0xffffffff },
	{ PCI_PREF_LIMIT_UPPER32, 4, .rw = 0xffffffff },
	{ PCI_CAPABILITY_LIST, 1, .reset = EXP },
	{ PCI_INTERRUPT_LINE, 1, .rw = 0xff },
	{ PCI_BRIDGE_CONTROL, 2,
	  .rw = PCI_BRIDGE_CTL_PARITY | PCI_BRIDGE_CTL_SERR | PCI_BRIDGE_CTL_BUS_RESET },

	{ EXP, 1, .reset = PCI_CAP_ID_EXP },
	{ EXP + PCI_CAP_LIST_NEXT, 1, .reset = PM },
	{ EXP + PCI_EXP_FLAGS, 2, .reset = 2 | PCI_EXP_TYPE_ROOT_PORT << 4 | PCI_EXP_FLAGS_SLOT },
	{ EXP + PCI_EXP_DEVCAP, 4, .reset = PCI_EXP_DEVCAP_RBER },
	{ EXP + PCI_EXP_DEVCTL, 2, .reset = 2 << 12 /* reads of 512 bytes */, .rw = DEVCTL_RW },
	{ EXP + PCI_EXP_LNKCAP, 4, .reset = LINK_SPEED | LINK_WIDTH | LINK_ACTIVE_CAP },
	{ EXP + PCI_EXP_LNKCTL, 2, .rw = PCI_EXP_LNKCTL_CCC },
	{ EXP + PCI_EXP_LNKSTA, 2, .reset = LINK_SPEED | LINK_WIDTH },
	{ EXP + PCI_EXP_SLTCAP, 4, .reset = SLOT_CAP },
	{ EXP + PCI_EXP_SLTCTL, 2, .reset = SLOT_CONTROL_RESET, .rw = SLOT_CONTROL_RW },
	{ EXP + PCI_EXP_SLTSTA, 2, .w1c = SLOT_STATUS_EVENTS },
	{ EXP + PCI_EXP_RTCTL, 2, .rw = ROOT_CONTROL_RW },
	{ EXP + PCI_EXP_LNKCAP2, 4, .reset = LINK_SPEEDS },
	{ EXP + PCI_EXP_LNKCTL2, 2, .reset = LINK_SPEED, .rw = 0xf },

	{ PM, 1, .reset = PCI_CAP_ID_PM },
	{ PM + PCI_CAP_LIST_NEXT, 1, .reset = MSI },
	{ PM + PCI_PM_PMC, 2, .reset = 3 /* of the version */ },
	{ PM + PCI_PM_CTRL, 2, .reset = PCI_PM_CTRL_NO_SOFT_RESET, .rw = PCI_PM_CTRL_STATE_MASK },

	{ MSI, 1, .reset = PCI_CAP_ID_MSI },
	{ MSI + PCI_MSI_FLAGS, 2, .reset = PCI_MSI_FLAGS_64BIT, .rw = PCI_MSI_FLAGS_ENABLE },
	{ MSI + PCI_MSI_ADDRESS_LO, 4, .rw = 0xfffffffc },
	{ MSI + PCI_MSI_ADDRESS_HI, 4, .rw = 0xffffffff },
	{ MSI + PCI_MSI_DATA_64, 2, .rw = 0xffff },
};
const size_t nr_pci_port_registers = ARRAY_SIZE(pci_port_registers);

/* Writes to these decide what it forwards. */
static const struct {
	uint8_t offset, end;
} forwarding[] = {
	{ PCI_COMMAND, PCI_COMMAND + 2 },
	{ PCI_IO_BASE, PCI_IO_LIMIT + 1 },
	{ PCI_MEMORY_BASE, PCI_PREF_LIMIT_UPPER32 + 4 },
};

static uint32_t get(const struct pci_port *port, unsigned offset, unsigned width)
{
	uint32_t value = 0;

	for (unsigned i = 0; i < width; i++)
		value |= (uint32_t)port->value[offset + i] << 8 * i;
	return value;
}

static void put(struct pci_port *port, unsigned offset, unsigned width, uint32_t value)
{
	for (unsigned i = 0; i < width; i++)
		port->value[offset + i] = (uint8_t)(value >> 8 * i);
}

void pci_port_reset(struct pci_port *port, unsigned number)
{
	memset(port, 0, sizeof(*port));
	for (size_t i = 0; i < ARRAY_SIZE(pci_port_registers); i++) {
		const struct pci_port_register *r = &pci_port_registers[i];

		put(port, r->offset, r->width, r->reset);
	}
	put(port, EXP + PCI_EXP_LNKCAP, 4,
	    get(port, EXP + PCI_EXP_LNKCAP, 4) | number << PORT_NUMBER_AT);
	put(port, EXP + PCI_EXP_SLTCAP, 4,
	    get(port, EXP + PCI_EXP_SLTCAP, 4) | number << SLOT_NUMBER_AT);
}

uint32_t pci_port_read(const struct pci_port *port, unsigned offset, unsigned len)
{
	return offset < PCI_PORT_REGISTERS ? get(port, offset, len) : 0;
}

static void write_byte(struct pci_port *port, unsigned offset, uint8_t value)
{
	for (size_t i = 0; i < ARRAY_SIZE(pci_port_registers); i++) {
		const struct pci_port_register *r = &pci_port_registers[i];
		unsigned shift = 8 * (offset - r->offset);
		uint8_t *byte = &port->value[offset];

		if (offset < r->offset || offset >= r->offset + r->width)
			continue;
		*byte = (uint8_t)((*byte & ~(r->rw >> shift)) | (value & r->rw >> shift));
		*byte = (uint8_t)(*byte & ~(value & r->w1c >> shift));
	}
}

/* ---- the slot --------------------------------------------------------------------- */

/* Events of Slot Status, and the bits of Slot Control that let them interrupt. */
static const struct {
	uint16_t event, enable;
} slot_events[] = {
	{ PCI_EXP_SLTSTA_ABP, PCI_EXP_SLTCTL_ABPE },
	{ PCI_EXP_SLTSTA_PDC, PCI_EXP_SLTCTL_PDCE },
	{ PCI_EXP_SLTSTA_DLLSC, PCI_EXP_SLTCTL_DLLSCE },
};

static bool wants_interrupt(const struct pci_port *port)
{
	uint32_t control = get(port, EXP + PCI_EXP_SLTCTL, 2);
	uint32_t status = get(port, EXP + PCI_EXP_SLTSTA, 2);
	bool any = false;

	for (size_t i = 0; i < ARRAY_SIZE(slot_events); i++)
		any |= (status & slot_events[i].event) && (control & slot_events[i].enable);
	return any && (control & PCI_EXP_SLTCTL_HPIE);
}

/* PCI Express Base 5.0, 6.7.3.4: one message whenever that begins to hold. */
static unsigned look_at_slot(struct pci_port *port)
{
	bool was = port->asserted;

	port->asserted = wants_interrupt(port);
	return port->asserted && !was ? PCI_PORT_WORK_MSI : 0;
}

static void set_slot(struct pci_port *port, uint32_t clear, uint32_t set)
{
	put(port, EXP + PCI_EXP_SLTSTA, 2, (get(port, EXP + PCI_EXP_SLTSTA, 2) & ~clear) | set);
}

bool pci_port_is_filled(const struct pci_port *port)
{
	return get(port, EXP + PCI_EXP_SLTSTA, 2) & PCI_EXP_SLTSTA_PDS;
}

void pci_port_fill(struct pci_port *port)
{
	uint32_t control = get(port, EXP + PCI_EXP_SLTCTL, 2) & ~(uint32_t)PCI_EXP_SLTCTL_PIC;

	set_slot(port, 0, PCI_EXP_SLTSTA_PDS);
	put(port, EXP + PCI_EXP_SLTCTL, 2, control | PCI_EXP_SLTCTL_PWR_IND_ON);
	put(port, EXP + PCI_EXP_LNKSTA, 2,
	    get(port, EXP + PCI_EXP_LNKSTA, 2) | PCI_EXP_LNKSTA_DLLLA);
}

unsigned pci_port_press(struct pci_port *port)
{
	set_slot(port, 0, PCI_EXP_SLTSTA_ABP);
	return look_at_slot(port);
}

unsigned pci_port_empty(struct pci_port *port)
{
	if (!pci_port_is_filled(port))
		return 0;
	set_slot(port, PCI_EXP_SLTSTA_PDS, PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_DLLSC);
	put(port, EXP + PCI_EXP_LNKSTA, 2,
	    get(port, EXP + PCI_EXP_LNKSTA, 2) & ~(uint32_t)PCI_EXP_LNKSTA_DLLLA);
	return look_at_slot(port);
}

static bool has_power(const struct pci_port *port)
{
	return !(get(port, EXP + PCI_EXP_SLTCTL, 2) & PCI_EXP_SLTCTL_PCC);
}

/* What is in the slot and has power gets a link, if it has none yet. */
static void train_link(struct pci_port *port)
{
	uint32_t link = get(port, EXP + PCI_EXP_LNKSTA, 2);

	if (!pci_port_is_filled(port) || !has_power(port) || (link & PCI_EXP_LNKSTA_DLLLA))
		return;
	put(port, EXP + PCI_EXP_LNKSTA, 2, link | PCI_EXP_LNKSTA_DLLLA);
	set_slot(port, 0, PCI_EXP_SLTSTA_DLLSC);
}

unsigned pci_port_plug(struct pci_port *port)
{
	assert(!pci_port_is_filled(port));

	set_slot(port, 0, PCI_EXP_SLTSTA_PDS | PCI_EXP_SLTSTA_PDC);
	if (!has_power(port))
		set_slot(port, 0, PCI_EXP_SLTSTA_ABP);
	train_link(port);
	return look_at_slot(port);
}

bool pci_port_message(const struct pci_port *port, struct msi_message *ret_message)
{
	*ret_message = (struct msi_message){
		.address = get(port, MSI + PCI_MSI_ADDRESS_LO, 4) |
			   (uint64_t)get(port, MSI + PCI_MSI_ADDRESS_HI, 4) << 32,
		.data = get(port, MSI + PCI_MSI_DATA_64, 2),
	};
	return (get(port, MSI + PCI_MSI_FLAGS, 2) & PCI_MSI_FLAGS_ENABLE) &&
	       (get(port, PCI_COMMAND, 2) & PCI_COMMAND_MASTER);
}

/* The power switch and the indicator beside it both say so: a guest that only cycles power leaves
 * that on. */
static bool is_switched_off(const struct pci_port *port)
{
	uint32_t control = get(port, EXP + PCI_EXP_SLTCTL, 2);

	return (control & PCI_EXP_SLTCTL_PCC) &&
	       (control & PCI_EXP_SLTCTL_PIC) == PCI_EXP_SLTCTL_PWR_IND_OFF;
}

static bool resets_bus(const struct pci_port *port)
{
	return get(port, PCI_BRIDGE_CONTROL, 2) & PCI_BRIDGE_CTL_BUS_RESET;
}

unsigned pci_port_write(struct pci_port *port, unsigned offset, unsigned len, uint32_t value)
{
	bool was_off = is_switched_off(port), was_reset = resets_bus(port);
	unsigned work = 0;

	if (offset >= PCI_PORT_REGISTERS)
		return 0;
	for (unsigned i = 0; i < len; i++)
		write_byte(port, offset + i, (uint8_t)(value >> 8 * i));
	for (size_t i = 0; i < ARRAY_SIZE(forwarding); i++)
		if (offset < forwarding[i].end && offset + len > forwarding[i].offset)
			work |= PCI_PORT_WORK_FORWARD;
	if (pci_port_is_filled(port) && is_switched_off(port) && !was_off)
		work |= PCI_PORT_WORK_EJECT;
	if (pci_port_is_filled(port) && resets_bus(port) && !was_reset)
		work |= PCI_PORT_WORK_RESET;
	train_link(port);
	return work | look_at_slot(port);
}

/* ---- what they say ---------------------------------------------------------------- */

unsigned pci_port_secondary(const struct pci_port *port)
{
	unsigned secondary = port->value[PCI_SECONDARY_BUS];

	return secondary <= port->value[PCI_SUBORDINATE_BUS] ? secondary : 0;
}

bool pci_port_claims(const struct pci_port *port, unsigned bus)
{
	unsigned secondary = pci_port_secondary(port);

	assert(bus);

	return secondary && bus >= secondary && bus <= port->value[PCI_SUBORDINATE_BUS];
}

bool pci_port_listens(const struct pci_port *port, bool is_io)
{
	return get(port, PCI_COMMAND, 2) & (is_io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY);
}

/* A window, with its last byte; where that is below the first, there is none. */
struct port_window {
	uint64_t first, last;
};

static struct port_window io_window(const struct pci_port *port)
{
	return (struct port_window){ (get(port, PCI_IO_BASE, 1) & 0xf0) << 8,
				     (get(port, PCI_IO_LIMIT, 1) & 0xf0) << 8 | 0xfff };
}

static struct port_window memory_window(const struct pci_port *port)
{
	return (struct port_window){ (get(port, PCI_MEMORY_BASE, 2) & 0xfff0) << 16,
				     (get(port, PCI_MEMORY_LIMIT, 2) & 0xfff0) << 16 | 0xfffff };
}

static struct port_window prefetchable_window(const struct pci_port *port)
{
	uint64_t first = (get(port, PCI_PREF_MEMORY_BASE, 2) & 0xfff0) << 16;
	uint64_t last = (get(port, PCI_PREF_MEMORY_LIMIT, 2) & 0xfff0) << 16 | 0xfffff;

	return (struct port_window){ first | (uint64_t)get(port, PCI_PREF_BASE_UPPER32, 4) << 32,
				     last | (uint64_t)get(port, PCI_PREF_LIMIT_UPPER32, 4) << 32 };
}

static bool holds(struct port_window w, uint64_t address, uint64_t size)
{
	return address >= w.first && address <= w.last && size - 1 <= w.last - address;
}

bool pci_port_forwards(const struct pci_port *port, bool is_io, uint64_t address, uint64_t size)
{
	assert(size);

	if (!pci_port_listens(port, is_io))
		return false;
	if (is_io)
		return holds(io_window(port), address, size);
	return holds(memory_window(port), address, size) ||
	       holds(prefetchable_window(port), address, size);
}
