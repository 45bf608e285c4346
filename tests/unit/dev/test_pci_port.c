// SPDX-License-Identifier: MIT
/*
 * A root port's registers: each row of the table by itself, and what they say of buses and windows.
 */
#include <linux/pci_regs.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "vmm/base/bits.h"
#include "vmm/dev/pci_port.h"

#define NUMBER 7u
#define EXP    0x40u

static uint32_t ones(unsigned width)
{
	return UINT32_MAX >> (32 - 8 * width);
}

/* What a register is after a reset: the table's, but for the port's number. */
static uint32_t reset_value(const struct pci_port_register *r)
{
	return r->reset | (r->offset == EXP + PCI_EXP_LNKCAP ? NUMBER << 24 : 0) |
	       (r->offset == EXP + PCI_EXP_SLTCAP ? NUMBER << 19 : 0);
}

static void test_registers_are_in_order_and_do_not_overlap(void **state)
{
	(void)state;
	for (size_t i = 0; i < nr_pci_port_registers; i++) {
		const struct pci_port_register *r = &pci_port_registers[i];

		print_message("0x%02x\n", r->offset);
		assert_true(r->width == 1 || r->width == 2 || r->width == 4);
		assert_int_equal(r->offset % r->width, 0);
		assert_true(r->offset + r->width <= PCI_PORT_REGISTERS);
		assert_int_equal(r->reset & ~ones(r->width), 0);
		assert_int_equal(r->rw & ~ones(r->width), 0);
		assert_int_equal(r->w1c & ~ones(r->width), 0);
		assert_int_equal(r->rw & r->w1c, 0);
		if (i)
			assert_true(r[-1].offset + r[-1].width <= r->offset);
	}
}

static void test_each_register_has_its_value_after_a_reset_and_takes_its_bits(void **state)
{
	struct pci_port port;

	(void)state;
	pci_port_reset(&port, NUMBER);
	for (size_t i = 0; i < nr_pci_port_registers; i++) {
		const struct pci_port_register *r = &pci_port_registers[i];
		uint32_t reset = reset_value(r);

		print_message("0x%02x\n", r->offset);
		assert_int_equal(pci_port_read(&port, r->offset, r->width), reset);
		(void)pci_port_write(&port, r->offset, r->width, UINT32_MAX);
		assert_int_equal(pci_port_read(&port, r->offset, r->width), reset | r->rw);
		/* By bytes it is the same. */
		for (unsigned b = 0; b < r->width; b++) {
			(void)pci_port_write(&port, r->offset + b, 1, 0);
			assert_int_equal(pci_port_read(&port, r->offset + b, 1),
					 (reset & ~r->rw) >> 8 * b & 0xff);
		}
	}
}

/* Where no row is, all reads as zero, whatever is written. */
static void test_all_else_reads_as_zero(void **state)
{
	bool named[4096] = { false };
	struct pci_port port;

	(void)state;
	pci_port_reset(&port, NUMBER);
	for (size_t i = 0; i < nr_pci_port_registers; i++)
		memset(&named[pci_port_registers[i].offset], 1, pci_port_registers[i].width);
	for (unsigned at = 0; at < sizeof(named); at += 4)
		(void)pci_port_write(&port, at, 4, UINT32_MAX);
	for (unsigned at = 0; at < sizeof(named); at++)
		if (!named[at])
			assert_int_equal(pci_port_read(&port, at, 1), 0);
	assert_int_equal(pci_port_read(&port, 0x100, 4), 0);
	assert_int_equal(pci_port_read(&port, 0xffc, 4), 0);
}

/* PCI Express Base 5.0, 7.5.3: capabilities in a list that ends, the first of them Express's. */
static void test_it_is_a_root_port_whose_capabilities_end(void **state)
{
	struct pci_port port;
	unsigned at, nr = 0;

	(void)state;
	pci_port_reset(&port, NUMBER);
	assert_int_equal(pci_port_read(&port, PCI_HEADER_TYPE, 1), 1);
	assert_int_equal(pci_port_read(&port, PCI_CLASS_REVISION + 1, 1), 0);
	assert_int_equal(pci_port_read(&port, PCI_CLASS_DEVICE, 2), 0x0604);
	assert_int_equal(pci_port_read(&port, EXP + PCI_EXP_FLAGS, 2), 0x142);
	assert_int_equal(pci_port_read(&port, EXP + PCI_EXP_LNKCAP + 3, 1), NUMBER);
	for (at = pci_port_read(&port, PCI_CAPABILITY_LIST, 1); at;
	     at = pci_port_read(&port, at + 1, 1)) {
		assert_true(at >= PCI_STD_HEADER_SIZEOF);
		assert_int_equal(at % 4, 0);
		assert_true(++nr < 10);
	}
	assert_int_equal(nr, 3);
}

/* ---- the slot ---------------------------------------------------------------------- */

static uint32_t status(const struct pci_port *port)
{
	return pci_port_read(port, EXP + PCI_EXP_SLTSTA, 2);
}

static bool has_link(const struct pci_port *port)
{
	return pci_port_read(port, EXP + PCI_EXP_LNKSTA, 2) & PCI_EXP_LNKSTA_DLLLA;
}

static unsigned control(struct pci_port *port, uint32_t value)
{
	return pci_port_write(port, EXP + PCI_EXP_SLTCTL, 2, value);
}

#define EVENTS (PCI_EXP_SLTCTL_ABPE | PCI_EXP_SLTCTL_PDCE | PCI_EXP_SLTCTL_DLLSCE)
#define ON     PCI_EXP_SLTCTL_PWR_IND_ON
#define OFF    (PCI_EXP_SLTCTL_PWR_IND_OFF | PCI_EXP_SLTCTL_PCC)

static void test_what_is_in_the_slot_is_there_and_has_a_link(void **state)
{
	struct pci_port port;

	(void)state;
	pci_port_reset(&port, NUMBER);
	assert_false(pci_port_is_filled(&port));
	assert_false(has_link(&port));
	assert_int_equal(status(&port), 0);
	/* Nothing leaves an empty slot. */
	assert_int_equal(pci_port_empty(&port), 0);
	assert_int_equal(status(&port), 0);
	pci_port_fill(&port);
	assert_true(pci_port_is_filled(&port));
	assert_true(has_link(&port));
	/* It was there at power-on: no event. */
	assert_int_equal(status(&port), PCI_EXP_SLTSTA_PDS);
	assert_int_equal(pci_port_empty(&port), 0);
	assert_false(has_link(&port));
	assert_int_equal(status(&port), PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_DLLSC);
	/* A write of ones clears events, and nothing else. */
	(void)pci_port_write(&port, EXP + PCI_EXP_SLTSTA, 2, PCI_EXP_SLTSTA_PDC);
	assert_int_equal(status(&port), PCI_EXP_SLTSTA_DLLSC);
	(void)pci_port_write(&port, EXP + PCI_EXP_SLTSTA, 2, 0xffff);
	assert_int_equal(status(&port), 0);
}

/* PCI Express Base 5.0, 6.7.3.4: a message when it begins to hold, and no other one while it does.
 */
static void test_an_event_that_is_enabled_interrupts_once(void **state)
{
	struct pci_port port;

	(void)state;
	pci_port_reset(&port, NUMBER);
	pci_port_fill(&port);
	assert_int_equal(control(&port, EVENTS | ON), 0);
	assert_int_equal(pci_port_press(&port), 0);
	/* What happened before is told when it may be. */
	assert_int_equal(control(&port, EVENTS | ON | PCI_EXP_SLTCTL_HPIE), PCI_PORT_WORK_MSI);
	assert_int_equal(pci_port_press(&port), 0);
	assert_int_equal(control(&port, EVENTS | ON | PCI_EXP_SLTCTL_HPIE), 0);
	(void)pci_port_write(&port, EXP + PCI_EXP_SLTSTA, 2, PCI_EXP_SLTSTA_ABP);
	assert_int_equal(pci_port_press(&port), PCI_PORT_WORK_MSI);
	(void)pci_port_write(&port, EXP + PCI_EXP_SLTSTA, 2, PCI_EXP_SLTSTA_ABP);
	assert_int_equal(pci_port_empty(&port), PCI_PORT_WORK_MSI);
	/* One of two events is left, so that it still holds. */
	(void)pci_port_write(&port, EXP + PCI_EXP_SLTSTA, 2, PCI_EXP_SLTSTA_PDC);
	assert_int_equal(pci_port_press(&port), 0);
	/* Each has a bit of its own. */
	(void)pci_port_write(&port, EXP + PCI_EXP_SLTSTA, 2, 0xffff);
	assert_int_equal(control(&port, PCI_EXP_SLTCTL_PDCE | PCI_EXP_SLTCTL_HPIE), 0);
	assert_int_equal(pci_port_press(&port), 0);
	assert_int_equal(control(&port, PCI_EXP_SLTCTL_ABPE | PCI_EXP_SLTCTL_HPIE),
			 PCI_PORT_WORK_MSI);
}

/* As Linux lets go of a device: power, and a second later the indicator. */
static void test_a_slot_that_is_switched_off_is_ejected_once(void **state)
{
	struct pci_port port;

	(void)state;
	pci_port_reset(&port, NUMBER);
	/* An empty one, as at a boot. */
	assert_int_equal(control(&port, OFF), 0);
	assert_int_equal(control(&port, ON), 0);
	pci_port_fill(&port);
	assert_int_equal(control(&port, ON | PCI_EXP_SLTCTL_PCC), 0);
	assert_int_equal(control(&port, ON), 0); /* it was power-cycled */
	assert_int_equal(control(&port, PCI_EXP_SLTCTL_PWR_IND_BLINK | PCI_EXP_SLTCTL_PCC), 0);
	assert_int_equal(control(&port, OFF), PCI_PORT_WORK_EJECT);
	assert_int_equal(control(&port, OFF), 0);
	(void)pci_port_empty(&port);
	assert_int_equal(control(&port, ON), 0);
	assert_int_equal(control(&port, OFF), 0);
}

/* PCI Express Base 5.0, 6.7.1: no link without power; the button asks for that. */
static void test_what_is_put_in_has_a_link_when_it_has_power(void **state)
{
	struct pci_port port;

	(void)state;
	pci_port_reset(&port, NUMBER);
	assert_int_equal(control(&port, EVENTS | OFF | PCI_EXP_SLTCTL_HPIE), 0);
	assert_int_equal(pci_port_plug(&port), PCI_PORT_WORK_MSI);
	assert_true(pci_port_is_filled(&port));
	assert_false(has_link(&port));
	assert_int_equal(status(&port),
			 PCI_EXP_SLTSTA_PDS | PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_ABP);
	(void)pci_port_write(&port, EXP + PCI_EXP_SLTSTA, 2, 0xffff);
	assert_int_equal(control(&port, EVENTS | ON | PCI_EXP_SLTCTL_HPIE), PCI_PORT_WORK_MSI);
	assert_true(has_link(&port));
	assert_int_equal(status(&port), PCI_EXP_SLTSTA_PDS | PCI_EXP_SLTSTA_DLLSC);
	/* Once: a link that is there does not come. */
	(void)pci_port_write(&port, EXP + PCI_EXP_SLTSTA, 2, 0xffff);
	assert_int_equal(control(&port, EVENTS | ON | PCI_EXP_SLTCTL_HPIE), 0);
	/* Where the guest has never switched it off, it is there at once. */
	assert_int_equal(pci_port_empty(&port), PCI_PORT_WORK_MSI);
	(void)pci_port_write(&port, EXP + PCI_EXP_SLTSTA, 2, 0xffff);
	assert_int_equal(pci_port_plug(&port), PCI_PORT_WORK_MSI);
	assert_true(has_link(&port));
	assert_int_equal(status(&port),
			 PCI_EXP_SLTSTA_PDS | PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_DLLSC);
	/* It can be let go of again. */
	assert_int_equal(control(&port, OFF), PCI_PORT_WORK_EJECT);
}

static void test_its_message_is_sent_while_it_is_enabled_and_masters_the_bus(void **state)
{
	const unsigned msi = 0x90;
	struct msi_message message;
	struct pci_port port;

	(void)state;
	pci_port_reset(&port, NUMBER);
	(void)pci_port_write(&port, msi + PCI_MSI_ADDRESS_LO, 4, 0x08090043);
	(void)pci_port_write(&port, msi + PCI_MSI_ADDRESS_HI, 4, 0x12);
	(void)pci_port_write(&port, msi + PCI_MSI_DATA_64, 4, 0x00050007);
	assert_false(pci_port_message(&port, &message));
	(void)pci_port_write(&port, msi + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_ENABLE);
	assert_false(pci_port_message(&port, &message));
	(void)pci_port_write(&port, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	assert_true(pci_port_message(&port, &message));
	assert_int_equal(message.address, 0x1208090040);
	assert_int_equal(message.data, 7);
	(void)pci_port_write(&port, msi + PCI_MSI_FLAGS, 2, 0);
	assert_false(pci_port_message(&port, &message));
}

/* PCI-to-PCI Bridge 1.2, 3.2.5.3 to 3.2.5.5. */
static void test_it_claims_the_buses_from_secondary_to_subordinate(void **state)
{
	static const struct {
		const char *why;
		unsigned secondary, subordinate, first, last; /* first 0: none */
	} cases[] = {
		{ "after a reset", 0, 0, 0, 0 },
		{ "one bus", 1, 1, 1, 1 },
		{ "several", 3, 9, 3, 9 },
		{ "all", 1, 255, 1, 255 },
		{ "the last", 255, 255, 255, 255 },
		{ "its own bus, which is nobody's below", 0, 255, 0, 0 },
		{ "a range that ends before it begins", 5, 4, 0, 0 },
		{ "a range that ends at bus 0", 1, 0, 0, 0 },
	};
	struct pci_port port;

	(void)state;
	pci_port_reset(&port, NUMBER);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		print_message("%s\n", cases[i].why);
		/* As Linux does: all three, and the secondary latency timer, which is not there. */
		(void)pci_port_write(&port, PCI_PRIMARY_BUS, 4,
				     0xff000000 | cases[i].subordinate << 16 |
					     cases[i].secondary << 8);
		assert_int_equal(pci_port_secondary(&port), cases[i].first);
		for (unsigned bus = 1; bus < 256; bus++)
			assert_int_equal(pci_port_claims(&port, bus),
					 cases[i].first && bus >= cases[i].first &&
						 bus <= cases[i].last);
	}
}

struct window_case {
	const char *why;
	unsigned base_at, width;
	uint32_t base, limit, base_high, limit_high;
	bool is_io;
	uint64_t first, last; /* first > last: none */
};

static void write_window(struct pci_port *port, const struct window_case *c)
{
	(void)pci_port_write(port, c->base_at, c->width, c->base);
	(void)pci_port_write(port, c->base_at + c->width, c->width, c->limit);
	if (c->base_at != PCI_PREF_MEMORY_BASE)
		return;
	(void)pci_port_write(port, PCI_PREF_BASE_UPPER32, 4, c->base_high);
	(void)pci_port_write(port, PCI_PREF_LIMIT_UPPER32, 4, c->limit_high);
}

static const uint64_t sizes[] = { 1, 16, 4096, UINT64_C(1) << 20, UINT64_C(1) << 32 };

/* At both ends of a window, and around them. */
static void check_window(const struct pci_port *port, const struct window_case *c)
{
	for (size_t s = 0; s < ARRAY_SIZE(sizes); s++) {
		const uint64_t size = sizes[s];
		const uint64_t at[] = { c->first, c->first - 1, c->last - size + 1, c->last + 1,
					c->last - size + 2 };
		for (size_t a = 0; a < ARRAY_SIZE(at); a++) {
			bool within = c->first <= c->last && at[a] >= c->first &&
				      at[a] <= c->last && size - 1 <= c->last - at[a];

			assert_int_equal(pci_port_forwards(port, c->is_io, at[a], size), within);
		}
	}
}

static void test_it_forwards_what_is_in_its_windows_while_command_says_so(void **state)
{
	static const struct window_case cases[] = {
		{ "memory", PCI_MEMORY_BASE, 2, 0x1200, 0x1230, 0, 0, false, 0x12000000,
		  0x123fffff },
		{ "low bits are not there", PCI_MEMORY_BASE, 2, 0x120f, 0x123f, 0, 0, false,
		  0x12000000, 0x123fffff },
		{ "one MiB", PCI_MEMORY_BASE, 2, 0x1200, 0x1200, 0, 0, false, 0x12000000,
		  0x120fffff },
		{ "none", PCI_MEMORY_BASE, 2, 0x1210, 0x1200, 0, 0, false, 0x12100000, 0x120fffff },
		{ "to the last of 32 bits", PCI_MEMORY_BASE, 2, 0x1000, 0xfff0, 0, 0, false,
		  0x10000000, 0xffffffff },
		{ "prefetchable, of 64 bits", PCI_PREF_MEMORY_BASE, 2, 0x0000, 0xfff0, 0x80, 0x80,
		  false, 0x8000000000, 0x80ffffffff },
		{ "across 4 GiB", PCI_PREF_MEMORY_BASE, 2, 0xfff0, 0x0000, 0x7f, 0x80, false,
		  0x7ffff00000, 0x80000fffff },
		{ "to the end of all addresses", PCI_PREF_MEMORY_BASE, 2, 0x1000, 0xfff0, 1,
		  UINT32_MAX, false, 0x110000000, UINT64_MAX },
		{ "I/O ports", PCI_IO_BASE, 1, 0x10, 0x20, 0, 0, true, 0x1000, 0x2fff },
		{ "all I/O ports", PCI_IO_BASE, 1, 0x00, 0xf0, 0, 0, true, 0, 0xffff },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct window_case *c = &cases[i];
		uint32_t command = c->is_io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;
		struct pci_port port;

		print_message("%s\n", c->why);
		pci_port_reset(&port, NUMBER);
		/* No other one is in the way. */
		(void)pci_port_write(&port, PCI_MEMORY_BASE, 4, 0x0000fff0);
		(void)pci_port_write(&port, PCI_PREF_MEMORY_BASE, 4, 0x0000fff0);
		write_window(&port, c);
		assert_false(pci_port_forwards(&port, c->is_io, c->first, 1));
		(void)pci_port_write(&port, PCI_COMMAND, 2, 0xffff & ~command);
		assert_false(pci_port_listens(&port, c->is_io));
		assert_false(pci_port_forwards(&port, c->is_io, c->first, 1));
		(void)pci_port_write(&port, PCI_COMMAND, 2, command);
		assert_true(pci_port_listens(&port, c->is_io));
		assert_false(pci_port_listens(&port, !c->is_io));
		check_window(&port, c);
		assert_false(pci_port_forwards(&port, !c->is_io, c->first, 1));
	}
}

/* Whoever maps BARs has to hear of these writes, and of no others. */
static void test_writes_that_change_what_is_forwarded_are_told(void **state)
{
	static const struct {
		unsigned offset, len;
		bool told;
	} cases[] = {
		{ PCI_VENDOR_ID, 4, false },
		{ PCI_COMMAND, 1, true },
		{ PCI_COMMAND + 1, 1, true },
		{ PCI_COMMAND, 4, true },
		{ PCI_STATUS, 2, false },
		{ PCI_PRIMARY_BUS, 4, false },
		{ PCI_IO_BASE, 1, true },
		{ PCI_IO_BASE, 4, true },
		{ PCI_SEC_STATUS, 2, false },
		{ PCI_MEMORY_BASE, 4, true },
		{ PCI_PREF_MEMORY_LIMIT, 2, true },
		{ PCI_PREF_LIMIT_UPPER32 + 3, 1, true },
		{ PCI_PREF_LIMIT_UPPER32 + 4, 4, false },
		{ PCI_BRIDGE_CONTROL, 2, false },
		{ 0x100 + PCI_COMMAND, 2, false },
	};
	struct pci_port port;

	(void)state;
	pci_port_reset(&port, NUMBER);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		print_message("0x%02x, %u\n", cases[i].offset, cases[i].len);
		assert_int_equal(pci_port_write(&port, cases[i].offset, cases[i].len, 0),
				 cases[i].told ? PCI_PORT_WORK_FORWARD : 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_registers_are_in_order_and_do_not_overlap),
		cmocka_unit_test(test_each_register_has_its_value_after_a_reset_and_takes_its_bits),
		cmocka_unit_test(test_all_else_reads_as_zero),
		cmocka_unit_test(test_it_is_a_root_port_whose_capabilities_end),
		cmocka_unit_test(test_what_is_in_the_slot_is_there_and_has_a_link),
		cmocka_unit_test(test_an_event_that_is_enabled_interrupts_once),
		cmocka_unit_test(test_a_slot_that_is_switched_off_is_ejected_once),
		cmocka_unit_test(test_what_is_put_in_has_a_link_when_it_has_power),
		cmocka_unit_test(test_its_message_is_sent_while_it_is_enabled_and_masters_the_bus),
		cmocka_unit_test(test_it_claims_the_buses_from_secondary_to_subordinate),
		cmocka_unit_test(test_it_forwards_what_is_in_its_windows_while_command_says_so),
		cmocka_unit_test(test_writes_that_change_what_is_forwarded_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
