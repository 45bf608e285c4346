// SPDX-License-Identifier: MIT
/*
 * hostile - what a guest may do and must not end, hang or confuse its VMM with:
 * accesses of all kinds to all places, configuration space and BARs gone wild,
 * ITS queue and tables where no memory is, commands from two CPUs at once.
 * Afterwards the device interrupts as before. Needs two CPUs.
 */
#include "lib/arch.h"
#include "lib/cpu.h"
#include "lib/edu.h"
#include "lib/gic.h"
#include "lib/its.h"
#include "lib/odd.h"
#include "lib/payload.h"
#include "vitsmod/bits.h"
#include "vmm/kvm/layout.h"

const char payload_name[] = "hostile";

#define LPI	    8192u
#define OTHER_DEVID 0x4321u /* that no function has */
#define OTHER_LPI   8300u
#define THIRD_DEVID 0x4322u
#define THIRD_LPI   8301u
#define BEYOND_RAM  UINT64_C(0xc0000000) /* guests of the tests have less than 2 GiB */
#define STORM	    5000u
#define STRESS_MS   1500u
#define RACE_MS	    500u

static struct edu edu;

static uint64_t next_random(void)
{
	static uint64_t state = 0x9e3779b97f4a7c15;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* Until nothing arrives any more, however slow the host is. */
static void settle(void)
{
	uint64_t seen;

	do {
		seen = gic_lpi_total(LPI);
		delay_us(100000);
	} while (gic_lpi_total(LPI) != seen);
}

/* ---- accesses ------------------------------------------------------------------ */

/* Read in all widths; and write what was read, which harms nothing where something is. */
static void touch(uint64_t at)
{
	write8(at, read8(at));
	write16(at & ~UINT64_C(1), read16(at & ~UINT64_C(1)));
	write32(at & ~UINT64_C(3), read32(at & ~UINT64_C(3)));
	write64(at & ~UINT64_C(7), read64(at & ~UINT64_C(7)));
}

static const uint64_t places[] = {
	0,
	LAYOUT_GICD + LAYOUT_GICD_SZ,
	LAYOUT_GITS - 8,
	LAYOUT_GITS + GITS_FRAME_SZ,
	LAYOUT_UART - 8,
	LAYOUT_UART + LAYOUT_UART_SZ,
	LAYOUT_UART + LAYOUT_UART_SZ - 8,
	LAYOUT_ECAM - 8,
	LAYOUT_ECAM + 0xffc,
	LAYOUT_ECAM + LAYOUT_ECAM_SZ - 8,
	LAYOUT_ECAM + LAYOUT_ECAM_SZ,
	LAYOUT_PCI32 - 8,
	LAYOUT_PCI32 + LAYOUT_PCI32_SZ - 8,
	LAYOUT_PCI32 + LAYOUT_PCI32_SZ,
	LAYOUT_KERNEL_ITS_FRAME - 8,
	LAYOUT_RAM - 8,
	BEYOND_RAM,
	LAYOUT_PCI64 - 8,
	LAYOUT_PCI64,
	LAYOUT_PCI64 + LAYOUT_PCI64_SZ - 8,
	LAYOUT_PCI64 + LAYOUT_PCI64_SZ,
};

static void accesses_everywhere(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		for (unsigned byte = 0; byte < 8; byte++)
			touch(places[i] + byte);
		odd_access_all(places[i]);
	}
	odd_access_all(LAYOUT_GITS);
	odd_access_all(LAYOUT_GITS + GITS_PIDR2);
	odd_access_all(LAYOUT_UART + 7);
	odd_access_all(LAYOUT_GICD + 0x8);
	odd_access_all(LAYOUT_GICR + 0x8);
}

/* Through a mapping as memory, unaligned accesses reach the VMM; some lie across two regions. */
static void unaligned_accesses(void)
{
	uint64_t alias = mmu_alias(MMU_BLOCK_MEMORY);

	for (unsigned i = 1; i < 8; i++) {
		(void)read64(alias + LAYOUT_GITS + GITS_CBASER + i);
		(void)read32(alias + LAYOUT_ECAM + i);
		write16(alias + LAYOUT_ECAM + 0xfff8 + i, 0);
		(void)read64(alias + LAYOUT_ECAM + LAYOUT_ECAM_SZ - i);
		(void)read64(alias + LAYOUT_ECAM - i);
		(void)read64(alias + LAYOUT_PCI32 - i);
		write64(alias + LAYOUT_PCI32 - i, 0);
		(void)read64(alias + LAYOUT_UART + LAYOUT_UART_SZ - i);
		(void)read64(alias + LAYOUT_KERNEL_ITS_FRAME - i);
		write64(alias + LAYOUT_RAM - i, 0);
	}
	odd_access_all(alias + LAYOUT_GITS);
	odd_access_all(alias + LAYOUT_ECAM);
	odd_access_all(alias + 0x3e000000);
	(void)mmu_alias(0);
}

/* Page tables and code where there is no memory. */
static void tables_and_code_in_devices(void)
{
	static const uint64_t at[] = { LAYOUT_GITS, LAYOUT_ECAM, LAYOUT_KERNEL_ITS_FRAME,
				       0x3e000000, LAYOUT_GICD };

	for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
		(void)read64(mmu_alias(MMU_TABLE | at[i]));
		((void (*)(void))(mmu_alias(MMU_BLOCK_DEVICE_EXEC) + at[i]))();
	}
	(void)mmu_alias(0);
}

/* Everything but the transmitter, which would say it. */
static void uart_registers(void)
{
	for (unsigned n = 0; n < 2000; n++) {
		unsigned reg = 1 + (unsigned)(next_random() % 7);

		write8(LAYOUT_UART + reg, (uint8_t)next_random());
		(void)read8(LAYOUT_UART + (unsigned)(next_random() % 8));
		(void)read32(LAYOUT_UART + 4 * (unsigned)(next_random() % 2));
	}
	console_in_order();
}

/* ---- PCI ------------------------------------------------------------------------ */

static void restore_edu(void)
{
	pci_msi_off(&edu.fn);
	pci_set_up(&edu.fn);
	edu_acknowledge(&edu);
	pci_msi_on(&edu.fn, ITS_DOORBELL, 0);
}

static void configuration_space(void)
{
	for (unsigned devfn = 0; devfn < 256; devfn++) {
		CHECK(devfn == edu.fn.devfn || devfn % 8 == 0 || pci_read32(devfn, 0) == 0xffffffff,
		      "a function at 0x%x", devfn);
		if (devfn % 8)
			pci_write32(devfn, PCI_COMMAND, 7);
		(void)read64(LAYOUT_ECAM + devfn * 4096);
		write64(LAYOUT_ECAM + devfn * 4096 + 8, 0);
	}
	for (unsigned n = 0; n < 4000; n++) {
		uint64_t at = LAYOUT_ECAM + edu.fn.devfn * 4096 + next_random() % 4096;
		uint64_t value = next_random();

		switch (next_random() % 3) {
		case 0:
			write8(at, (uint8_t)value);
			break;
		case 1:
			write16(at & ~UINT64_C(1), (uint16_t)value);
			break;
		default:
			write32(at & ~UINT64_C(3), (uint32_t)value);
		}
		(void)read32(at & ~UINT64_C(3));
	}
	CHECK(pci_read32(edu.fn.devfn, 0) == EDU_ID, "the function's ID changed to 0x%x",
	      pci_read32(edu.fn.devfn, 0));
	restore_edu();
}

static volatile uint64_t witness = 0x1234;

static void bars_where_they_must_not_be(void)
{
	const uint64_t at[] = {
		LAYOUT_RAM,
		address_of(&witness) & ~UINT64_C(0xfffff),
		LAYOUT_GITS & ~UINT64_C(0xfffff),
		LAYOUT_GICD,
		LAYOUT_GICR,
		LAYOUT_UART,
		LAYOUT_ECAM,
		LAYOUT_KERNEL_ITS_FRAME,
		LAYOUT_KERNEL_ITS_MEM,
		LAYOUT_PCI32 - 0x100000,
		LAYOUT_PCI32 + LAYOUT_PCI32_SZ - 0x100000,
		0,
		0xfff00000,
	};

	for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
		pci_write16(edu.fn.devfn, PCI_COMMAND, 0);
		pci_write32(edu.fn.devfn, PCI_BAR(0), (uint32_t)at[i]);
		pci_write16(edu.fn.devfn, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
		CHECK(witness == 0x1234, "a BAR over RAM hides it");
		CHECK((read32(LAYOUT_GITS + GITS_PIDR2) & 0xf0) == 0x30, "a BAR hides the ITS");
		(void)read32(at[i]);
		/* Moved while it is decoded. */
		pci_write32(edu.fn.devfn, PCI_BAR(0), (uint32_t)at[ARRAY_SIZE(at) - 1 - i]);
	}
	restore_edu();
}

/* On and off again and again, while the other half of the machine uses it. */
static void decoding_flips(void)
{
	for (unsigned n = 0; n < 200; n++) {
		pci_write16(edu.fn.devfn, PCI_COMMAND, n % 2 ? PCI_COMMAND_MEMORY : 0);
		(void)read32(edu.fn.bar[0]);
	}
	restore_edu();
}

/* With another function there, its BARs and edu's at one address. */
static void bars_over_each_other(void)
{
	struct pci_function other;

	for (unsigned devfn = 0; devfn < 256; devfn += 8) {
		uint32_t id = pci_read32(devfn, 0);

		if (id == 0xffffffff || devfn == edu.fn.devfn || !pci_find(id, 0, &other))
			continue;
		pci_set_up(&other);
		pci_write32(other.devfn, PCI_BAR(0), (uint32_t)edu.fn.bar[0]);
		pci_write32(other.devfn, PCI_BAR(1), 0);
		(void)read32(edu.fn.bar[0]);
		edu_rounds(&edu, 10);
		pci_write16(other.devfn, PCI_COMMAND, 0);
		fact("overlapped", 1);
	}
}

static void messages_that_lead_nowhere(void)
{
	const struct {
		uint64_t address;
		uint16_t data;
	} messages[] = {
		{ LAYOUT_KERNEL_ITS_FRAME + GITS_TRANSLATER, 0 },
		{ LAYOUT_RAM, 0 },
		{ 0, 0 },
		{ ~UINT64_C(3), 0 },
		{ LAYOUT_GICD + 0x40, 64 },
		{ ITS_DOORBELL, 1 },
		{ ITS_DOORBELL, 0xffff },
		{ ITS_DOORBELL + 4, 0 },
	};
	uint64_t before = gic_lpi_total(LPI), strays = gic_strays();

	for (size_t i = 0; i < ARRAY_SIZE(messages); i++) {
		pci_msi_on(&edu.fn, messages[i].address, messages[i].data);
		edu_raise(&edu);
		delay_us(100000);
	}
	edu_acknowledge(&edu);
	pci_msi_on(&edu.fn, ITS_DOORBELL, 0);
	CHECK(gic_lpi_total(LPI) == before, "a message to elsewhere was delivered");
	CHECK(gic_strays() == strays, "a message to elsewhere was delivered as another interrupt");
	fact("misdirected", ARRAY_SIZE(messages));
}

/* ---- ITS ------------------------------------------------------------------------- */

/* Off, new tables, on, everything mapped: as after a reset. */
static void its_again(void)
{
	its_off();
	its_init();
	its_mapc(0, gic_processor_number(0), true);
	its_mapc(1, gic_processor_number(1), true);
	edu_start(&edu, LPI);
}

static void frame_sweep(void)
{
	for (uint64_t at = 0; at < GITS_FRAME_SZ; at += at < 0x200 || at >= 0xff00 ? 1 : 0x1f3) {
		(void)read8(LAYOUT_GITS + at);
		write8(LAYOUT_GITS + at, (uint8_t)next_random());
		(void)read16(LAYOUT_GITS + (at & ~UINT64_C(1)));
		write16(LAYOUT_GITS + (at & ~UINT64_C(1)), (uint16_t)next_random());
		(void)read32(LAYOUT_GITS + (at & ~UINT64_C(3)));
		write32(LAYOUT_GITS + (at & ~UINT64_C(3)), (uint32_t)next_random());
		(void)read64(LAYOUT_GITS + (at & ~UINT64_C(7)));
		write64(LAYOUT_GITS + (at & ~UINT64_C(7)), next_random());
		if (at > 0x10100)
			at += 0x1000;
	}
	its_again();
	edu_rounds(&edu, 10);
}

static void cwriter_beyond_the_queue(void)
{
	uint64_t before = read64(LAYOUT_GITS + GITS_CWRITER);

	for (uint64_t at = ITS_QUEUE_SZ; at < 0x100000; at += 0x8020)
		write64(LAYOUT_GITS + GITS_CWRITER, at);
	CHECK(read64(LAYOUT_GITS + GITS_CWRITER) == before, "GITS_CWRITER beyond the queue");
	edu_rounds(&edu, 10);
}

/* Base addresses where no RAM is, or not enough of it. */
static const uint64_t nowhere[] = {
	0,
	LAYOUT_GITS,
	LAYOUT_KERNEL_ITS_FRAME,
	LAYOUT_KERNEL_ITS_MEM,
	LAYOUT_RAM - 0x10000,
	BEYOND_RAM,
	UINT64_C(0xfffffffff0000),
};

static void queue_where_no_memory_is(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(nowhere); i++) {
		write32(LAYOUT_GITS + GITS_CTLR, 0);
		write64(LAYOUT_GITS + GITS_CBASER, GITS_CBASER_VALID | nowhere[i] | 0xf);
		write32(LAYOUT_GITS + GITS_CTLR, GITS_CTLR_ENABLED);
		write64(LAYOUT_GITS + GITS_CWRITER, 0xffe0);
		write64(LAYOUT_GITS + GITS_CWRITER, GITS_CWRITER_RETRY | 0x20);
		(void)read64(LAYOUT_GITS + GITS_CREADR);
	}
	its_again();
	edu_rounds(&edu, 10);
}

static void map_everything(void)
{
	static const uint64_t extreme[] = { 0, 1, 31, 0xffff, 0x10000, 0xffffffff };
	uint64_t itt = its_itt_alloc(5);

	for (size_t i = 0; i < ARRAY_SIZE(extreme); i++) {
		its_mapd((uint32_t)extreme[i], nowhere[i], 5, true);
		its_mapti((uint32_t)extreme[i], 0, OTHER_LPI, 0);
		its_int((uint32_t)extreme[i], 0);
		its_mapd(OTHER_DEVID, itt, 5, true);
		its_mapti(OTHER_DEVID, (uint32_t)extreme[i], OTHER_LPI, (uint32_t)extreme[i]);
		its_mapc((uint32_t)extreme[i] & 0xffff, (uint32_t)extreme[i], true);
		its_int(OTHER_DEVID, (uint32_t)extreme[i]);
		its_mapd(OTHER_DEVID, nowhere[i], 16, true);
		its_int(OTHER_DEVID, (uint32_t)extreme[i]);
		its_mapd(OTHER_DEVID, 0, 1, false);
	}
}

static void tables_where_no_memory_is(void)
{
	static const uint64_t shapes[] = { 0, BIT64(62) }; /* flat, indirect */

	for (size_t i = 0; i < 2 * ARRAY_SIZE(nowhere); i++) {
		uint64_t base = GITS_BASER_VALID | nowhere[i / 2] | shapes[i % 2] | 0x2ff;

		write32(LAYOUT_GITS + GITS_CTLR, 0);
		its_init_disabled();
		for (unsigned n = 0; n < GITS_NR_BASERS; n++)
			write64(LAYOUT_GITS + GITS_BASER(n), base);
		write32(LAYOUT_GITS + GITS_CTLR, GITS_CTLR_ENABLED);
		if (read32(LAYOUT_GITS + GITS_CTLR) & GITS_CTLR_ENABLED)
			map_everything();
	}
	its_again();
	edu_rounds(&edu, 10);
	map_everything();
	its_again();
	edu_rounds(&edu, 10);
}

/* The guest writes its own tables behind the ITS's back. */
static void tables_scribbled_on(void)
{
	for (unsigned n = 0; n < GITS_NR_BASERS; n++) {
		uint64_t baser = read64(LAYOUT_GITS + GITS_BASER(n));

		if (!(baser & GITS_BASER_VALID))
			continue;
		for (unsigned i = 0; i < 512; i++)
			write64((baser & MASK64(47, 16)) + 8 * i, next_random());
	}
	edu_rounds(&edu, 10);
	for (unsigned n = 0; n < 400; n++) {
		const uint64_t words[] = {
			next_random() % 16 | FIELD_PREP(GITS_CMD0_DEVID, next_random() % 64),
			next_random() % 64 |
				FIELD_PREP(GITS_CMD1_PINTID, 8192 + next_random() % 64),
			next_random() & (GITS_CMD2_VALID | MASK64(28, 8) | 0x3),
			next_random() & FIELD_PREP(GITS_CMD3_RDBASE2, 3),
		};

		its_post_words(words);
	}
	its_run();
	its_again();
	edu_rounds(&edu, 10);
}

/* LPI tables where no memory is: nothing arrives, and all is well when they are put right. */
static void lpi_tables_where_no_memory_is(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(nowhere); i++) {
		gic_lpis_off();
		write64(LAYOUT_GICR + 0x70, nowhere[i] | 15);
		write64(LAYOUT_GICR + 0x78, nowhere[i]);
		write32(LAYOUT_GICR, 1);
		its_discard(edu.devid, 0);
		its_mapti(edu.devid, 0, LPI, 0);
		edu_raise(&edu);
		its_invall(0);
		edu_acknowledge(&edu);
	}
	gic_lpis_off();
	gic_lpis_on();
	its_again();
	settle();
	edu_rounds(&edu, 10);
}

/* ---- two CPUs at once --------------------------------------------------------------- */

static volatile bool stress_ends;

/* The other CPU: LPIs on and off, and commands of its own, all the while. */
static void disturb(void)
{
	uint64_t itt = its_itt_alloc(5);

	while (!stress_ends) {
		gic_lpis_off();
		its_mapd(THIRD_DEVID, itt, 5, true);
		its_mapti(THIRD_DEVID, 1, THIRD_LPI, 1);
		gic_lpis_on();
		its_int(THIRD_DEVID, 1);
		write32(LAYOUT_GITS + GITS_CTLR, GITS_CTLR_ENABLED);
		its_invall(1);
		its_discard(THIRD_DEVID, 1);
		(void)pci_read32(edu.fn.devfn, 0);
	}
}

static void commands_while_disturbed(void)
{
	uint64_t end = now_us() + STRESS_MS * 1000, rounds = 0;
	uint64_t itt = its_itt_alloc(5);

	while (now_us() < end) {
		its_mapd(OTHER_DEVID, itt, 5, true);
		its_mapti(OTHER_DEVID, 0, OTHER_LPI, 1);
		its_int(OTHER_DEVID, 0);
		its_movi(OTHER_DEVID, 0, 0);
		its_movi(edu.devid, 0, rounds % 2);
		edu_raise(&edu);
		its_inv(edu.devid, 0);
		its_invall(1);
		its_clear(OTHER_DEVID, 0);
		its_discard(OTHER_DEVID, 0);
		its_movall(gic_processor_number(1), gic_processor_number(0));
		rounds++;
	}
	fact("stress_rounds", rounds);
}

static void two_cpus_at_once(void)
{
	gic_lpi_configure(OTHER_LPI, true);
	gic_lpi_configure(THIRD_LPI, true);
	CHECK(cpu_run(1, disturb), "CPU 1 does not listen");
	commands_while_disturbed();
	stress_ends = true;
	CHECK(cpu_is_idle(1), "CPU 1 hangs");
	its_again();
	settle();
	edu_acknowledge(&edu);
	edu_rounds(&edu, 100);
}

static volatile bool race_ends;

static void write_cwriter(uint64_t value)
{
	write64(LAYOUT_GITS + GITS_CWRITER, value % ITS_QUEUE_SZ);
}

static void race(void)
{
	static uint64_t value;

	while (!race_ends) {
		write_cwriter(value += 0x1560);
		write32(LAYOUT_GITS + GITS_CTLR, value & 0x20 ? GITS_CTLR_ENABLED : 0);
	}
}

/* Both CPUs send the ITS back and forth in a queue of leftovers, and switch it off and on. */
static void cwriter_races(void)
{
	uint64_t end = now_us() + RACE_MS * 1000;

	CHECK(cpu_run(1, race), "CPU 1 does not listen");
	while (now_us() < end)
		write_cwriter(next_random());
	race_ends = true;
	CHECK(cpu_is_idle(1), "CPU 1 hangs");
	its_again();
	settle();
	edu_acknowledge(&edu);
	edu_rounds(&edu, 100);
}

/* More interrupts than anyone could take one by one: some merge, the last one arrives. */
static void storm(void)
{
	uint64_t before = gic_lpi_total(LPI), taken;

	for (unsigned n = 0; n < STORM; n++)
		edu_raise(&edu);
	CHECK(WAIT_UNTIL(gic_lpi_total(LPI) > before, PATIENCE_MS), "a storm delivers nothing");
	settle();
	taken = gic_lpi_total(LPI) - before;
	CHECK(taken <= STORM, "%lu interrupts of %u", taken, STORM);
	fact("storm_taken", taken);
	edu_acknowledge(&edu);
	edu_rounds(&edu, 100);
}

static void second_cpu(void)
{
	gic_init_cpu();
	gic_lpis_on();
}

void payload_main(uint64_t fdt)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} parts[] = {
		{ "accesses", accesses_everywhere },
		{ "unaligned", unaligned_accesses },
		{ "tables and code", tables_and_code_in_devices },
		{ "UART", uart_registers },
		{ "configuration space", configuration_space },
		{ "BARs", bars_where_they_must_not_be },
		{ "decoding", decoding_flips },
		{ "overlap", bars_over_each_other },
		{ "messages", messages_that_lead_nowhere },
		{ "ITS frame", frame_sweep },
		{ "CWRITER", cwriter_beyond_the_queue },
		{ "queue", queue_where_no_memory_is },
		{ "tables", tables_where_no_memory_is },
		{ "scribbling", tables_scribbled_on },
		{ "LPI tables", lpi_tables_where_no_memory_is },
		{ "two CPUs", two_cpus_at_once },
		{ "races", cwriter_races },
		{ "storm", storm },
	};

	(void)fdt;
	edu_bring_up(&edu, LPI);
	CHECK(cpus_present() >= 2, "two CPUs are needed");
	CHECK(cpu_start(1, gic_mpidr(1), second_cpu), "CPU 1 does not start");
	its_mapc(1, gic_processor_number(1), true);
	edu_rounds(&edu, 100);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		say("part %s", parts[i].name);
		aborts_allow(true);
		parts[i].run();
		aborts_allow(false);
		edu_rounds(&edu, 10);
	}
	fact("aborts", aborts_taken().external);
	fact("alignment_faults", aborts_taken().alignment);
}
