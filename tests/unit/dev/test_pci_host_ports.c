// SPDX-License-Identifier: MIT
/*
 * Functions of the fake VFIO behind root ports: who answers for which bus, whatever a guest writes;
 * where BARs are reached; and how functions are taken out of slots.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/vfio/vfio_fake.h"
#include "vmm/base/bits.h"
#include "vmm/dev/pci_host.h"
#include "vmm/kvm/layout.h"

/* The NVMe is alone behind one; the NIC, and its sibling, behind another; the last is on bus 0. */
#define NVME_PORT 1u
#define NIC_PORT  4u
#define NVME_AT	  (NVME_PORT << 3)
#define NIC_AT	  (NIC_PORT << 3)
#define FULL_AT	  (NIC_PORT << 3 | 5)
#define EDU_AT	  (2u << 3)

#define NVME_ID 0x00101b36u
#define NIC_ID	0x10d38086u
#define FULL_ID 0x56781abcu
#define EDU_ID	0x11e81234u
#define PORT_ID 0x000c1b36u

enum { NVME, NIC, FULL, EDU, NR_FUNCTIONS };

struct rig {
	struct fake_vfio fake;
	struct vfio_container *container;
	struct place {
		struct rig *rig;
		uint32_t devfn;
		struct vfio_device *dev;
	} functions[NR_FUNCTIONS];
	struct pci_host *pci_host;
	struct bus bus;
	struct {
		uint64_t gpa, size;
	} slots[PCI_HOST_MAX_SLOTS];
	unsigned nr_messages, from_port, nr_ejected;
	struct msi_message message;
};

static int set_slot(void *ctx, unsigned slot, uint64_t gpa, uint64_t size, void *va)
{
	struct rig *rig = ctx;

	(void)va;
	for (size_t i = 0; size && i < PCI_HOST_MAX_SLOTS; i++)
		assert_false(rig->slots[i].size && gpa < rig->slots[i].gpa + rig->slots[i].size &&
			     rig->slots[i].gpa < gpa + size);
	rig->slots[slot].gpa = gpa;
	rig->slots[slot].size = size;
	return 0;
}

static void port_msi(void *ctx, unsigned port, const struct msi_message *message)
{
	struct rig *rig = ctx;

	rig->nr_messages++;
	rig->from_port = port;
	rig->message = *message;
}

static void ejected(void *ctx)
{
	((struct rig *)ctx)->nr_ejected++;
}

static const struct pci_host_ops ops = {
	.set_slot = set_slot,
	.port_msi = port_msi,
	.ejected = ejected,
};

static void bars_changed(void *ctx)
{
	const struct place *p = ctx;

	pci_host_bars_changed(p->rig->pci_host, p->devfn);
}

static const struct vfio_device_ops device_ops = { .bars_changed = bars_changed };

static int make(void **state)
{
	static const struct {
		struct fake_function *(*add)(struct fake_vfio *fake, const char *bdf, int group);
		const char *bdf;
		uint32_t devfn;
	} rows[NR_FUNCTIONS] = {
		{ fake_add_nvme, "0000:00:01.0", NVME_AT },
		{ fake_add_e1000e, "0000:00:02.0", NIC_AT },
		{ fake_add_full, "0000:00:03.0", FULL_AT },
		{ fake_add_edu, "0000:00:04.0", EDU_AT },
	};
	static struct rig rig;

	memset(&rig, 0, sizeof(rig));
	fake_init(&rig.fake);
	for (size_t i = 0; i < NR_FUNCTIONS; i++)
		(void)rows[i].add(&rig.fake, rows[i].bdf, (int)i + 1);
	fake_publish(&rig.fake);
	fake_container(&rig.fake, &rig.container);
	assert_int_equal(pci_host_create(&ops, &rig, &rig.pci_host), 0);
	assert_int_equal(pci_host_add_port(rig.pci_host, NVME_PORT), 0);
	assert_int_equal(pci_host_add_port(rig.pci_host, NIC_PORT), 0);
	for (size_t i = 0; i < NR_FUNCTIONS; i++) {
		struct place *p = &rig.functions[i];

		*p = (struct place){ &rig, rows[i].devfn,
				     fake_open(&rig.fake, rig.container, rows[i].bdf) };
		assert_int_equal(pci_host_add(rig.pci_host, p->devfn, p->dev), 0);
		vfio_device_set_ops(p->dev, &device_ops, p);
	}
	assert_int_equal(pci_host_add_to_bus(rig.pci_host, &rig.bus), 0);
	*state = &rig;
	return 0;
}

static int unmake(void **state)
{
	struct rig *rig = *state;

	pci_host_destroy(rig->pci_host);
	for (size_t i = 0; i < NR_FUNCTIONS; i++)
		vfio_device_destroy(rig->functions[i].dev);
	vfio_container_destroy(rig->container);
	fake_fini(&rig->fake);
	return 0;
}

/* ---- accesses ----------------------------------------------------------------------- */

static uint64_t ecam(unsigned bus, uint32_t devfn, unsigned reg)
{
	return LAYOUT_ECAM + bus * LAYOUT_ECAM_SZ + ((uint64_t)devfn << 12) + reg;
}

static uint32_t id_at(struct rig *rig, unsigned bus, uint32_t devfn)
{
	return (uint32_t)bus_read(&rig->bus, ecam(bus, devfn, 0), 4);
}

static void write_port(struct rig *rig, unsigned port, unsigned reg, unsigned len, uint32_t value)
{
	bus_write(&rig->bus, ecam(0, port << 3, reg), len, value);
}

static void number(struct rig *rig, unsigned port, unsigned secondary, unsigned subordinate)
{
	write_port(rig, port, PCI_PRIMARY_BUS, 4, subordinate << 16 | secondary << 8);
}

static unsigned slots_at(const struct rig *rig, uint64_t gpa, uint64_t size)
{
	unsigned nr = 0;

	for (size_t i = 0; i < PCI_HOST_MAX_SLOTS; i++)
		nr += rig->slots[i].size && rig->slots[i].gpa >= gpa &&
		      rig->slots[i].gpa + rig->slots[i].size <= gpa + size;
	return nr;
}

static uint64_t misplaced(struct rig *rig)
{
	struct pci_host_stats stats;

	pci_host_stats_get(rig->pci_host, &stats);
	return stats.misplaced;
}

/* ---- buses -------------------------------------------------------------------------- */

static void test_bus_0_has_root_ports_and_no_function_that_is_behind_one(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(id_at(rig, 0, NVME_AT), PORT_ID);
	assert_int_equal(id_at(rig, 0, NIC_AT), PORT_ID);
	assert_int_equal(id_at(rig, 0, EDU_AT), EDU_ID);
	assert_int_equal(id_at(rig, 0, FULL_AT), UINT32_MAX);
	/* A port has one function, though the device behind it has several. */
	assert_int_equal(bus_read(&rig->bus, ecam(0, NIC_AT, PCI_HEADER_TYPE), 1), 1);
	assert_int_equal(bus_read(&rig->bus, ecam(0, NIC_AT, 0), 8), UINT64_MAX);
	assert_int_equal(bus_read(&rig->bus, ecam(0, NIC_AT, 1), 2), 0xffff);
	/* Its registers reach to the end of a function's space. */
	assert_int_equal(bus_read(&rig->bus, ecam(0, NIC_AT, 0xffc), 4), 0);
}

/* Who answers on which bus: 0 is nobody. */
struct routing {
	const char *why;
	unsigned nvme_secondary, nvme_subordinate, nic_secondary, nic_subordinate;
	unsigned nvme_bus, nic_bus;
};

static void check_routing(struct rig *rig, const struct routing *r)
{
	number(rig, NVME_PORT, r->nvme_secondary, r->nvme_subordinate);
	number(rig, NIC_PORT, r->nic_secondary, r->nic_subordinate);
	for (unsigned bus = 1; bus < LAYOUT_MAX_BUSES; bus++) {
		bool nvme = bus == r->nvme_bus, nic = bus == r->nic_bus;

		for (uint32_t devfn = 0; devfn < 256; devfn++) {
			uint32_t want = nvme && devfn == 0  ? NVME_ID
					: nic && devfn == 0 ? NIC_ID
					: nic && devfn == 5 ? FULL_ID
							    : UINT32_MAX;
			uint32_t got = id_at(rig, bus, devfn);

			/* Where no bus is, the machine has nothing at all, which reads as zero. */
			if (bus > 2)
				assert_int_equal(got, 0);
			else
				assert_int_equal(got, want);
			bus_write(&rig->bus, ecam(bus, devfn, PCI_INTERRUPT_LINE), 1, 0x5a);
		}
	}
	/* Bus 0 is where it is. */
	assert_int_equal(id_at(rig, 0, EDU_AT), EDU_ID);
	assert_int_equal(id_at(rig, 0, NVME_AT), PORT_ID);
}

static void test_accesses_go_by_the_bus_numbers_that_the_guest_writes(void **state)
{
	static const struct routing cases[] = {
		{ "none yet", 0, 0, 0, 0, 0, 0 },
		{ "in order", 1, 1, 2, 2, 1, 2 },
		{ "the other way round", 2, 2, 1, 1, 2, 1 },
		{ "one of them has none", 0, 0, 1, 1, 0, 1 },
		{ "both have one: the first answers", 1, 1, 1, 1, 1, 0 },
		{ "ranges overlap: the first one's claims what is the second's", 1, 255, 2, 2, 1,
		  0 },
		{ "ranges overlap the other way", 2, 2, 1, 255, 2, 1 },
		{ "both claim all", 1, 255, 1, 255, 1, 0 },
		{ "bus 0 is not theirs", 0, 255, 0, 255, 0, 0 },
		{ "ends before it begins", 2, 1, 1, 1, 0, 1 },
		{ "beyond the buses that there are", 200, 255, 2, 2, 0, 2 },
		{ "a bus below the one behind it, where no bridge is", 1, 2, 0, 0, 1, 0 },
	};
	struct rig *rig = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		print_message("%s\n", cases[i].why);
		check_routing(rig, &cases[i]);
	}
}

static void test_siblings_show_that_they_are_behind_a_port_too(void **state)
{
	struct rig *rig = *state;

	number(rig, NVME_PORT, 1, 1);
	number(rig, NIC_PORT, 2, 2);
	assert_int_equal(bus_read(&rig->bus, ecam(1, 0, PCI_HEADER_TYPE), 1), 0);
	assert_int_equal(bus_read(&rig->bus, ecam(2, 0, PCI_HEADER_TYPE), 1), 0x80);
	assert_int_equal(bus_read(&rig->bus, ecam(2, 5, PCI_HEADER_TYPE), 1), 0x80);
}

/* As the function asserts it at its port, and the port at the host bridge. */
static void test_a_port_swizzles_the_pins_of_what_is_behind_it(void **state)
{
	(void)state;
	for (unsigned port = 0; port < 32; port++) {
		for (unsigned pin = 1; pin <= 4; pin++) {
			/* PCI-to-PCI Bridge 1.2, 9.1: of device 0, each pin is the port's own. */
			unsigned at_port = (0 + pin - 1) % 4 + 1;

			assert_int_equal(pci_host_intid(port << 3 | 3, pin),
					 LAYOUT_INTX_INTID + (port + at_port - 1) % 4);
		}
	}
}

static void test_places_that_are_taken_or_not_there_are_refused(void **state)
{
	struct rig *rig = *state;
	struct pci_host *pci_host;

	assert_int_equal(pci_host_create(&ops, rig, &pci_host), 0);
	assert_int_equal(pci_host_add_port(pci_host, NIC_PORT), 0);
	assert_int_equal(pci_host_add_port(pci_host, NIC_PORT), -EEXIST);
	assert_int_equal(pci_host_add(pci_host, EDU_AT, rig->functions[EDU].dev), 0);
	assert_int_equal(pci_host_add_port(pci_host, EDU_AT >> 3), -EEXIST);
	assert_int_equal(pci_host_add(pci_host, NIC_AT, rig->functions[NIC].dev), 0);
	assert_int_equal(pci_host_add(pci_host, NIC_AT, rig->functions[EDU].dev), -EEXIST);
	assert_int_equal(pci_host_add_port(pci_host, 32), -ENOSPC);
	for (unsigned i = 1; i < PCI_HOST_MAX_PORTS; i++)
		assert_int_equal(pci_host_add_port(pci_host, 8 + i), 0);
	assert_int_equal(pci_host_add_port(pci_host, 31), -ENOSPC);
	pci_host_destroy(pci_host);
}

/* ---- BARs --------------------------------------------------------------------------- */

#define BAR (LAYOUT_PCI32 + 0x100000)

static uint32_t window_of(uint64_t first, uint64_t last)
{
	return (uint32_t)(last >> 16 & 0xfff0) << 16 | (uint32_t)(first >> 16 & 0xfff0);
}

/* BAR 0 of the NVMe, 16 KiB of which some are mapped; its table, at 0x2000, is trapped. */
static void place_nvme(struct rig *rig, uint64_t at)
{
	number(rig, NVME_PORT, 1, 1);
	bus_write(&rig->bus, ecam(1, 0, PCI_COMMAND), 2, 0);
	bus_write(&rig->bus, ecam(1, 0, PCI_BASE_ADDRESS_0), 4, (uint32_t)at);
	bus_write(&rig->bus, ecam(1, 0, PCI_BASE_ADDRESS_1), 4, (uint32_t)(at >> 32));
	bus_write(&rig->bus, ecam(1, 0, PCI_COMMAND), 2, PCI_COMMAND_MEMORY);
}

static bool is_reached(struct rig *rig, uint64_t at)
{
	bool answers = bus_read(&rig->bus, at + 0x2000 + 12, 4) == 1;

	assert_int_equal(slots_at(rig, at, 0x4000) > 0, answers);
	return answers;
}

static void test_a_bar_is_reached_while_its_port_forwards_it(void **state)
{
	struct rig *rig = *state;

	place_nvme(rig, BAR);
	assert_false(is_reached(rig, BAR));
	write_port(rig, NVME_PORT, PCI_MEMORY_BASE, 4, window_of(BAR, BAR));
	assert_false(is_reached(rig, BAR));
	/* Nobody has done anything wrong yet. */
	assert_int_equal(misplaced(rig), 0);
	write_port(rig, NVME_PORT, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_true(is_reached(rig, BAR));
	write_port(rig, NVME_PORT, PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MASTER);
	assert_false(is_reached(rig, BAR));
	write_port(rig, NVME_PORT, PCI_COMMAND, 1, PCI_COMMAND_MEMORY);
	assert_true(is_reached(rig, BAR));
	assert_int_equal(misplaced(rig), 0);
	/* The window goes elsewhere, and comes back. */
	write_port(rig, NVME_PORT, PCI_MEMORY_BASE, 4, window_of(BAR + 0x100000, BAR + 0x200000));
	assert_false(is_reached(rig, BAR));
	assert_int_equal(misplaced(rig), 1);
	write_port(rig, NVME_PORT, PCI_PREF_LIMIT_UPPER32, 4, 0);
	assert_int_equal(misplaced(rig), 1);
	write_port(rig, NVME_PORT, PCI_MEMORY_BASE, 2, (uint32_t)(BAR >> 16));
	assert_true(is_reached(rig, BAR));
	/* The guest moves the BAR out of it. */
	place_nvme(rig, BAR + 0x400000);
	assert_false(is_reached(rig, BAR));
	assert_false(is_reached(rig, BAR + 0x400000));
	assert_int_equal(misplaced(rig), 2);
}

static void test_the_prefetchable_window_has_64_bits(void **state)
{
	const uint64_t at = LAYOUT_PCI64 + (UINT64_C(5) << 32);
	struct rig *rig = *state;

	place_nvme(rig, at);
	write_port(rig, NVME_PORT, PCI_PREF_MEMORY_BASE, 4, window_of(at, at));
	write_port(rig, NVME_PORT, PCI_PREF_LIMIT_UPPER32, 4, (uint32_t)(at >> 32));
	write_port(rig, NVME_PORT, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_true(is_reached(rig, at)); /* from 0 on */
	write_port(rig, NVME_PORT, PCI_PREF_BASE_UPPER32, 4, (uint32_t)(at >> 32));
	assert_true(is_reached(rig, at));
	write_port(rig, NVME_PORT, PCI_PREF_BASE_UPPER32, 4, (uint32_t)(at >> 32) + 1);
	assert_false(is_reached(rig, at));
	/* What a port forwards, the host bridge need not. */
	place_nvme(rig, LAYOUT_RAM);
	write_port(rig, NVME_PORT, PCI_MEMORY_BASE, 4, window_of(LAYOUT_RAM, LAYOUT_RAM));
	assert_int_equal(slots_at(rig, LAYOUT_RAM, 0x4000), 0);
}

/* On a bus, what was covered answers when nothing covers it any more. */
static void test_a_bar_that_a_port_takes_away_uncovers_another_one(void **state)
{
	struct rig *rig = *state;

	place_nvme(rig, BAR);
	write_port(rig, NVME_PORT, PCI_MEMORY_BASE, 4, window_of(BAR, BAR));
	write_port(rig, NVME_PORT, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	bus_write(&rig->bus, ecam(0, EDU_AT, PCI_BASE_ADDRESS_0), 4, (uint32_t)BAR);
	bus_write(&rig->bus, ecam(0, EDU_AT, PCI_COMMAND), 2, PCI_COMMAND_MEMORY);
	assert_true(is_reached(rig, BAR));
	assert_int_equal(misplaced(rig), 1);
	write_port(rig, NVME_PORT, PCI_COMMAND, 2, 0);
	assert_int_equal(slots_at(rig, BAR, 0x100000), 1);
	assert_int_not_equal(bus_read(&rig->bus, BAR + 0x2000 + 12, 4), 1);
	/* Back again it is second, as any that comes to where somebody is. */
	write_port(rig, NVME_PORT, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_int_equal(slots_at(rig, BAR, 0x100000), 1);
	bus_write(&rig->bus, ecam(0, EDU_AT, PCI_COMMAND), 2, 0);
	assert_true(is_reached(rig, BAR));
}

static void test_ports_are_forwarded_by_a_window_and_a_bit_of_their_own(void **state)
{
	const uint64_t at = LAYOUT_PCI_IO + 0x3004;
	struct rig *rig = *state;

	number(rig, NIC_PORT, 2, 2);
	bus_write(&rig->bus, ecam(2, 0, PCI_BASE_ADDRESS_2), 4, 0x3000);
	bus_write(&rig->bus, ecam(2, 0, PCI_COMMAND), 2, PCI_COMMAND_IO);
	write_port(rig, NIC_PORT, PCI_IO_BASE, 2, 0x3030);
	write_port(rig, NIC_PORT, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_int_equal(bus_read(&rig->bus, at, 4), UINT32_MAX);
	write_port(rig, NIC_PORT, PCI_COMMAND, 2, PCI_COMMAND_IO);
	bus_write(&rig->bus, at, 4, 0x1234);
	assert_int_equal(bus_read(&rig->bus, at, 4), 0x1234);
	write_port(rig, NIC_PORT, PCI_IO_BASE, 2, 0x2020);
	assert_int_equal(bus_read(&rig->bus, at, 4), UINT32_MAX);
	assert_int_equal(misplaced(rig), 1);
}

/* ---- slots -------------------------------------------------------------------------- */

#define SLOT_CONTROL (0x40u + PCI_EXP_SLTCTL)
#define SLOT_STATUS  (0x40u + PCI_EXP_SLTSTA)
#define PORT_MSI     0x90u
#define ALL_EVENTS \
	(PCI_EXP_SLTCTL_ABPE | PCI_EXP_SLTCTL_PDCE | PCI_EXP_SLTCTL_DLLSCE | PCI_EXP_SLTCTL_HPIE)

/* As a driver for slots does. */
static void listen(struct rig *rig, unsigned port)
{
	write_port(rig, port, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	write_port(rig, port, PORT_MSI + PCI_MSI_ADDRESS_LO, 4, 0x08090040);
	write_port(rig, port, PORT_MSI + PCI_MSI_DATA_64, 2, port);
	write_port(rig, port, PORT_MSI + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_ENABLE);
	write_port(rig, port, SLOT_CONTROL, 2, ALL_EVENTS | PCI_EXP_SLTCTL_PWR_IND_ON);
}

static uint32_t take_status(struct rig *rig, unsigned port)
{
	uint32_t status = (uint32_t)bus_read(&rig->bus, ecam(0, port << 3, SLOT_STATUS), 2);

	write_port(rig, port, SLOT_STATUS, 2, status);
	return status;
}

static void test_a_guest_that_is_asked_lets_go_of_a_device(void **state)
{
	struct rig *rig = *state;

	number(rig, NIC_PORT, 2, 2);
	listen(rig, NIC_PORT);
	assert_int_equal(rig->nr_messages, 0);
	assert_int_equal(pci_host_press(rig->pci_host, NIC_PORT), 0);
	assert_int_equal(rig->nr_messages, 1);
	assert_int_equal(rig->from_port, NIC_PORT);
	assert_int_equal(rig->message.address, 0x08090040);
	assert_int_equal(rig->message.data, NIC_PORT);
	assert_int_equal(take_status(rig, NIC_PORT), PCI_EXP_SLTSTA_ABP | PCI_EXP_SLTSTA_PDS);
	assert_false(pci_host_is_ejected(rig->pci_host, NIC_PORT));
	write_port(rig, NIC_PORT, SLOT_CONTROL, 2,
		   ALL_EVENTS | PCI_EXP_SLTCTL_PWR_IND_BLINK | PCI_EXP_SLTCTL_PCC);
	assert_int_equal(rig->nr_ejected, 0);
	write_port(rig, NIC_PORT, SLOT_CONTROL, 2,
		   ALL_EVENTS | PCI_EXP_SLTCTL_PWR_IND_OFF | PCI_EXP_SLTCTL_PCC);
	assert_int_equal(rig->nr_ejected, 1);
	assert_true(pci_host_is_ejected(rig->pci_host, NIC_PORT));
	assert_false(pci_host_is_ejected(rig->pci_host, NVME_PORT));
	/* It is there until it is taken out, with its sibling. */
	assert_int_equal(id_at(rig, 2, 0), NIC_ID);
	pci_host_unplug(rig->pci_host, NIC_PORT);
	assert_int_equal(id_at(rig, 2, 0), UINT32_MAX);
	assert_int_equal(id_at(rig, 2, 5), UINT32_MAX);
	assert_false(pci_host_is_ejected(rig->pci_host, NIC_PORT));
	assert_int_equal(take_status(rig, NIC_PORT), PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_DLLSC);
	assert_int_equal(pci_host_press(rig->pci_host, NIC_PORT), -ENOENT);
	assert_int_equal(pci_host_press(rig->pci_host, EDU_AT >> 3), -ENOENT);
	assert_int_equal(pci_host_press(rig->pci_host, 99), -ENOENT);
	assert_int_equal(rig->nr_messages, 2);
}

static void test_what_is_pulled_out_answers_nobody_any_more(void **state)
{
	struct rig *rig = *state;

	place_nvme(rig, BAR);
	write_port(rig, NVME_PORT, PCI_MEMORY_BASE, 4, window_of(BAR, BAR));
	listen(rig, NVME_PORT);
	assert_true(is_reached(rig, BAR));
	pci_host_unplug(rig->pci_host, NVME_PORT);
	assert_int_equal(rig->nr_messages, 1);
	assert_int_equal(slots_at(rig, 0, UINT64_MAX), 0);
	assert_int_equal(bus_read(&rig->bus, BAR + 0x2000 + 12, 4), UINT32_MAX);
	assert_int_equal(id_at(rig, 1, 0), UINT32_MAX);
	assert_int_equal(rig->fake.nr_dma, 0);
	/* It is the host's now; and whatever the guest does, it is not there. */
	vfio_device_detach(rig->functions[NVME].dev);
	place_nvme(rig, BAR);
	write_port(rig, NVME_PORT, PCI_COMMAND, 2, 0);
	write_port(rig, NVME_PORT, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_int_equal(slots_at(rig, 0, UINT64_MAX), 0);
	assert_int_equal(misplaced(rig), 0);
	/* Others are. */
	number(rig, NIC_PORT, 2, 2);
	assert_int_equal(id_at(rig, 2, 0), NIC_ID);
	pci_host_unplug(rig->pci_host, NVME_PORT);
	assert_int_equal(rig->nr_messages, 1);
}

static void test_what_comes_back_answers_where_the_guest_puts_it(void **state)
{
	struct rig *rig = *state;

	place_nvme(rig, BAR);
	write_port(rig, NVME_PORT, PCI_MEMORY_BASE, 4, window_of(BAR, BAR));
	listen(rig, NVME_PORT);
	assert_true(is_reached(rig, BAR));
	pci_host_unplug(rig->pci_host, NVME_PORT);
	assert_int_equal(id_at(rig, 1, 0), UINT32_MAX);
	(void)take_status(rig, NVME_PORT);
	/* As after power-on, which takes the BARs away. */
	{
		enum vfio_reset_step failed;

		assert_int_equal(vfio_device_reset(rig->functions[NVME].dev, &failed), 0);
	}
	pci_host_plug(rig->pci_host, NVME_PORT);
	assert_int_equal(rig->nr_messages, 2);
	assert_int_equal(take_status(rig, NVME_PORT),
			 PCI_EXP_SLTSTA_PDS | PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_DLLSC);
	assert_int_equal(id_at(rig, 1, 0), NVME_ID);
	assert_int_equal(slots_at(rig, 0, UINT64_MAX), 0);
	place_nvme(rig, BAR);
	assert_true(is_reached(rig, BAR));
	/* And it can be taken out again. */
	assert_int_equal(pci_host_press(rig->pci_host, NVME_PORT), 0);
	pci_host_unplug(rig->pci_host, NVME_PORT);
	assert_int_equal(id_at(rig, 1, 0), UINT32_MAX);
	assert_int_equal(slots_at(rig, 0, UINT64_MAX), 0);
}

/* A machine is made anew when its guest resets itself: what was removed before is not there. */
static void test_what_is_absent_has_an_empty_slot_until_it_comes_back(void **state)
{
	struct rig *rig = *state;

	pci_host_destroy(rig->pci_host);
	memset(&rig->bus, 0, sizeof(rig->bus));
	assert_int_equal(pci_host_create(&ops, rig, &rig->pci_host), 0);
	assert_int_equal(pci_host_add_port(rig->pci_host, NVME_PORT), 0);
	assert_int_equal(pci_host_add_absent(rig->pci_host, NVME_AT, rig->functions[NVME].dev), 0);
	assert_int_equal(pci_host_add_to_bus(rig->pci_host, &rig->bus), 0);
	number(rig, NVME_PORT, 1, 1);
	assert_int_equal(id_at(rig, 1, 0), UINT32_MAX);
	assert_int_equal(pci_host_press(rig->pci_host, NVME_PORT), -ENOENT);
	listen(rig, NVME_PORT);
	pci_host_plug(rig->pci_host, NVME_PORT);
	assert_int_equal(rig->nr_messages, 1);
	assert_int_equal(id_at(rig, 1, 0), NVME_ID);
	assert_int_equal(pci_host_press(rig->pci_host, NVME_PORT), 0);
}

/* A guest that has not enabled it gets no message; the event is there when it looks. */
static void test_a_guest_without_a_driver_for_slots_is_left_alone(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(pci_host_press(rig->pci_host, NVME_PORT), 0);
	pci_host_unplug(rig->pci_host, NVME_PORT);
	assert_int_equal(rig->nr_messages, 0);
	write_port(rig, NVME_PORT, SLOT_CONTROL, 2, ALL_EVENTS);
	assert_int_equal(rig->nr_messages, 0);
	assert_int_equal(take_status(rig, NVME_PORT),
			 PCI_EXP_SLTSTA_ABP | PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_DLLSC);
}

/* Any write to any port, in any order: nothing breaks, and slots are where BARs are. */
static void test_any_write_anywhere_keeps_slots_apart(void **state)
{
	struct rig *rig = *state;
	uint32_t seed = 1;

	for (unsigned i = 0; i < 20000; i++) {
		unsigned bus, reg;

		seed = seed * 1664525u + 1013904223u;
		bus = seed >> 28 & 3;
		reg = seed >> 20 & 0x3c;
		bus_write(&rig->bus, ecam(bus, bus ? seed >> 8 & 7 : (seed >> 8 & 7) << 3, reg), 4,
			  seed >> 3 & 1 ? (uint32_t)LAYOUT_PCI32 + (seed << 12 & 0xf00000) : seed);
		(void)bus_read(&rig->bus, LAYOUT_PCI32 + (seed & 0xfffff8), 4);
	}
	number(rig, NVME_PORT, 1, 1);
	number(rig, NIC_PORT, 2, 2);
	assert_int_equal(id_at(rig, 1, 0), NVME_ID);
	assert_int_equal(id_at(rig, 2, 0), NIC_ID);
	assert_int_equal(id_at(rig, 2, 5), FULL_ID);
	write_port(rig, NVME_PORT, PCI_COMMAND, 2, 0);
	write_port(rig, NIC_PORT, PCI_COMMAND, 2, 0);
	bus_write(&rig->bus, ecam(0, EDU_AT, PCI_COMMAND), 2, 0);
	assert_int_equal(slots_at(rig, 0, UINT64_MAX), 0);
}

/* PCI-to-PCI Bridge 1.2, 3.2.5.18. */
static void test_a_secondary_bus_reset_resets_what_is_behind_the_port_once(void **state)
{
	struct rig *rig = *state;
	const struct fake_function *fns = rig->fake.functions;
	unsigned resets[NR_FUNCTIONS];

	number(rig, NIC_PORT, 1, 1);
	bus_write(&rig->bus, ecam(1, 0, PCI_COMMAND), 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	for (size_t i = 0; i < NR_FUNCTIONS; i++)
		resets[i] = fns[i].resets;
	write_port(rig, NIC_PORT, PCI_BRIDGE_CONTROL, 2, PCI_BRIDGE_CTL_BUS_RESET);
	/* Both functions there, and no other one; and once, however long the bit is set. */
	write_port(rig, NIC_PORT, PCI_BRIDGE_CONTROL, 2,
		   PCI_BRIDGE_CTL_BUS_RESET | PCI_BRIDGE_CTL_SERR);
	assert_int_equal(bus_read(&rig->bus, ecam(0, NIC_AT, PCI_BRIDGE_CONTROL), 2),
			 PCI_BRIDGE_CTL_BUS_RESET | PCI_BRIDGE_CTL_SERR);
	write_port(rig, NIC_PORT, PCI_BRIDGE_CONTROL, 2, 0);
	for (size_t i = 0; i < NR_FUNCTIONS; i++)
		assert_int_equal(fns[i].resets - resets[i], i == NIC || i == FULL);
	assert_int_equal(bus_read(&rig->bus, ecam(1, 0, PCI_COMMAND), 2), 0);
	/* Nobody is there to be reset. */
	pci_host_unplug(rig->pci_host, NIC_PORT);
	write_port(rig, NIC_PORT, PCI_BRIDGE_CONTROL, 2, PCI_BRIDGE_CTL_BUS_RESET);
	for (size_t i = 0; i < NR_FUNCTIONS; i++)
		assert_int_equal(fns[i].resets - resets[i], i == NIC || i == FULL);
}

#define RIG_TEST(f) cmocka_unit_test_setup_teardown(f, make, unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_bus_0_has_root_ports_and_no_function_that_is_behind_one),
		RIG_TEST(test_accesses_go_by_the_bus_numbers_that_the_guest_writes),
		RIG_TEST(test_siblings_show_that_they_are_behind_a_port_too),
		RIG_TEST(test_a_port_swizzles_the_pins_of_what_is_behind_it),
		RIG_TEST(test_places_that_are_taken_or_not_there_are_refused),
		RIG_TEST(test_a_bar_is_reached_while_its_port_forwards_it),
		RIG_TEST(test_the_prefetchable_window_has_64_bits),
		RIG_TEST(test_a_bar_that_a_port_takes_away_uncovers_another_one),
		RIG_TEST(test_ports_are_forwarded_by_a_window_and_a_bit_of_their_own),
		RIG_TEST(test_a_guest_that_is_asked_lets_go_of_a_device),
		RIG_TEST(test_what_is_pulled_out_answers_nobody_any_more),
		RIG_TEST(test_what_comes_back_answers_where_the_guest_puts_it),
		RIG_TEST(test_what_is_absent_has_an_empty_slot_until_it_comes_back),
		RIG_TEST(test_a_guest_without_a_driver_for_slots_is_left_alone),
		RIG_TEST(test_a_secondary_bus_reset_resets_what_is_behind_the_port_once),
		RIG_TEST(test_any_write_anywhere_keeps_slots_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
