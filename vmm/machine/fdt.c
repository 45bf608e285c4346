// SPDX-License-Identifier: MIT
/*
 * The device tree.
 *
 * Documents: Devicetree Specification 0.4; Documentation/devicetree/bindings
 * arm/cpus.yaml, cpu/cpu-topology.txt, arm/psci.yaml, interrupt-controller/arm,gic-v3.yaml,
 * timer/arm,arch_timer.yaml, arm/pmu.yaml, serial/8250.yaml, serial/pl011.yaml,
 * pci/host-generic-pci.yaml, pci/pci-msi.txt, gpio/pl061-gpio.yaml, input/gpio-keys.yaml,
 * leds/leds-gpio.yaml, rtc/arm,pl031.yaml; IEEE 1275 PCI bus binding for `ranges`.
 *
 * Written in one pass with libfdt's sequential functions. Their errors stick in
 * struct tree, so that the description reads as one; there is one check at the end.
 *
 * Deliberately not here: a virtual IOMMU, the kernel ITS.
 */
#include "vmm/machine/fdt.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <libfdt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "vmm/base/bits.h"
#include "vmm/kvm/layout.h"
#include "vmm/kvm/pmu.h"

#define PHANDLE_GIC   1u
#define PHANDLE_CLOCK 2u
#define PHANDLE_GPIO  3u
#define PHANDLE_ITS   4u /* of the first; the others follow */
#define PHANDLE_CPUS  0x1000u
/* The same. */
#define PHANDLE_CACHES (PHANDLE_CPUS + LAYOUT_MAX_VCPUS)

/* Interrupt specifiers of arm,gic-v3.yaml: type, number, trigger. */
#define GIC_SPI	       0u
#define GIC_PPI	       1u
#define GIC_LEVEL_HIGH 4u
#define GIC_FIRST_PPI  16u
#define GIC_FIRST_SPI  32u

#define UART_CLOCK_HZ 1843200u
#define UART_BAUD     115200u

#define APB_CLOCK_HZ 24000000u
#define KEY_POWER    116u /* linux/input-event-codes.h */

/* IEEE 1275 phys.hi: the kind of space. */
#define PCI_SPACE_IO	0x01000000u
#define PCI_SPACE_MEM32 0x02000000u
#define PCI_SPACE_MEM64 0x03000000u

#define REQUESTER_IDS 0x10000u
#define PCI_DEVICES   32u /* of a bus */
#define PCI_FUNCTIONS 8u  /* of a device */

struct tree {
	void *fdt;
	int err; /* the first error, a negative FDT_ERR_* */
};

static void note(struct tree *t, int err)
{
	if (!t->err)
		t->err = err;
}

static void begin(struct tree *t, const char *name)
{
	note(t, fdt_begin_node(t->fdt, name));
}

static void begin_at(struct tree *t, const char *name, uint64_t address)
{
	char full[48];

	(void)snprintf(full, sizeof(full), "%s@%" PRIx64, name, address);
	begin(t, full);
}

static void end(struct tree *t)
{
	note(t, fdt_end_node(t->fdt));
}

static void flag(struct tree *t, const char *name)
{
	note(t, fdt_property(t->fdt, name, NULL, 0));
}

static void bytes(struct tree *t, const char *name, const void *value, size_t len)
{
	note(t, fdt_property(t->fdt, name, value, (int)len));
}

static void string(struct tree *t, const char *name, const char *value)
{
	bytes(t, name, value, strlen(value) + 1);
}

static void u32(struct tree *t, const char *name, uint32_t value)
{
	note(t, fdt_property_u32(t->fdt, name, value));
}

static void u64(struct tree *t, const char *name, uint64_t value)
{
	note(t, fdt_property_u64(t->fdt, name, value));
}

#define MAX_CELLS (4u * GMEM_MAX_BANKS)

static void cells(struct tree *t, const char *name, const uint32_t value[], size_t nr)
{
	fdt32_t be[MAX_CELLS];

	assert(nr <= MAX_CELLS);
	for (size_t i = 0; i < nr; i++)
		be[i] = cpu_to_fdt32(value[i]);
	bytes(t, name, be, nr * sizeof(be[0]));
}

#define HI32(v) (uint32_t)((v) >> 32)
#define LO32(v) (uint32_t)((v)&UINT32_MAX)
/* An address or size of two cells. */
#define CELLS64(v) HI32(v), LO32(v)
#define CELLS(t, name, ...)                                 \
	do {                                                \
		const uint32_t cells_[] = { __VA_ARGS__ };  \
		cells(t, name, cells_, ARRAY_SIZE(cells_)); \
	} while (0)

static void write_chosen(struct tree *t, const struct fdt_machine *m)
{
	char uart[48];

	begin(t, "chosen");
	string(t, "bootargs", m->cmdline);
	(void)snprintf(uart, sizeof(uart), "/serial@%" PRIx64,
		       m->pl011 ? LAYOUT_PL011 : LAYOUT_UART);
	string(t, "stdout-path", uart);
	if (m->initrd_end > m->initrd) {
		u64(t, "linux,initrd-start", m->initrd);
		u64(t, "linux,initrd-end", m->initrd_end);
	}
	/* No word is in both: who learns one seed must know nothing of the other. */
	u64(t, "kaslr-seed", m->seed[0]);
	bytes(t, "rng-seed", &m->seed[1], sizeof(m->seed) - sizeof(m->seed[0]));
	end(t);
}

static void write_memory(struct tree *t, const struct fdt_machine *m)
{
	uint32_t reg[4 * GMEM_MAX_BANKS], *cell = reg;

	for (size_t i = 0; i < m->nr_ram; i++) {
		const uint32_t bank[] = { CELLS64(m->ram[i].base), CELLS64(m->ram[i].size) };

		memcpy(cell, bank, sizeof(bank));
		cell += ARRAY_SIZE(bank);
	}
	begin_at(t, "memory", m->ram[0].base);
	string(t, "device_type", "memory");
	cells(t, "reg", reg, (size_t)(cell - reg));
	end(t);
}

/* Of one that is not known nothing is said. */
static void write_cache_size(struct tree *t, const char *kind, const struct guest_cache *cache)
{
	const struct {
		const char *name;
		uint32_t value;
	} properties[] = {
		{ "size", cache->size },
		{ "line-size", cache->line },
		{ "sets", cache->sets },
	};
	char name[32];

	for (size_t i = 0; i < ARRAY_SIZE(properties); i++) {
		(void)snprintf(name, sizeof(name), "%scache-%s", kind, properties[i].name);
		if (cache->size && properties[i].value)
			u32(t, name, properties[i].value);
	}
}

static void write_next_cache(struct tree *t, int next)
{
	if (next >= 0)
		u32(t, "next-level-cache", PHANDLE_CACHES + (uint32_t)next);
}

static void write_cache(struct tree *t, uint32_t number, const struct guest_cache *cache)
{
	char name[32];

	(void)snprintf(name, sizeof(name), "l%" PRIu32 "-cache%" PRIu32, cache->level, number);
	begin(t, name);
	string(t, "compatible", "cache");
	u32(t, "cache-level", cache->level);
	flag(t, "cache-unified");
	write_cache_size(t, "", cache);
	write_next_cache(t, cache->next);
	u32(t, "phandle", PHANDLE_CACHES + number);
	end(t);
}

static void begin_numbered(struct tree *t, const char *name, uint32_t number)
{
	char full[32];

	(void)snprintf(full, sizeof(full), "%s%" PRIu32, name, number);
	begin(t, full);
}

/* The first CPU that lies there; NULL: none does. */
static const struct guest_cpu *find_cpu(const struct guest_topology *topology, const uint32_t at[],
					unsigned depth)
{
	for (uint32_t i = 0; i < topology->nr_cpus; i++)
		if (!memcmp(topology->cpus[i].at, at, depth * sizeof(at[0])))
			return &topology->cpus[i];
	return NULL;
}

/* cpu-map: a core has its CPU, or threads that have it. */
static void write_core(struct tree *t, const struct guest_topology *topology, const uint32_t at[])
{
	begin_numbered(t, "core", at[GUEST_CORE]);
	for (uint32_t i = 0; i < topology->nr_cpus; i++) {
		const struct guest_cpu *cpu = &topology->cpus[i];

		if (memcmp(cpu->at, at, sizeof(cpu->at)))
			continue;
		if (cpu->nr_threads > 1)
			begin_numbered(t, "thread", cpu->thread);
		u32(t, "cpu", PHANDLE_CPUS + i);
		if (cpu->nr_threads > 1)
			end(t);
	}
	end(t);
}

static void write_package(struct tree *t, const struct guest_topology *topology, uint32_t package)
{
	uint32_t at[GUEST_NR_DEPTHS] = { package };

	for (; find_cpu(topology, at, GUEST_CORE); at[GUEST_CLUSTER]++) {
		begin_numbered(t, "cluster", at[GUEST_CLUSTER]);
		for (at[GUEST_CORE] = 0; find_cpu(topology, at, GUEST_NR_DEPTHS); at[GUEST_CORE]++)
			write_core(t, topology, at);
		end(t);
	}
}

/* cpu/cpu-topology.txt: sockets may be left out where there is one. Linux knows them since 6.0. */
static void write_cpu_map(struct tree *t, const struct guest_topology *topology)
{
	begin(t, "cpu-map");
	for (uint32_t i = 0; i < topology->nr_packages; i++) {
		if (topology->nr_packages > 1)
			begin_numbered(t, "socket", i);
		write_package(t, topology, i);
		if (topology->nr_packages > 1)
			end(t);
	}
	end(t);
}

static void write_cpu(struct tree *t, const struct fdt_machine *m, uint32_t number)
{
	const struct guest_cpu *cpu = m->topology ? &m->topology->cpus[number] : NULL;

	begin_at(t, "cpu", m->mpidr[number]);
	string(t, "device_type", "cpu");
	string(t, "compatible", "arm,armv8");
	string(t, "enable-method", "psci");
	u64(t, "reg", m->mpidr[number]);
	if (cpu) {
		write_cache_size(t, "d-", &cpu->l1d);
		write_cache_size(t, "i-", &cpu->l1i);
		write_next_cache(t, cpu->next);
		u32(t, "phandle", PHANDLE_CPUS + number);
	}
	end(t);
}

static void write_cpus(struct tree *t, const struct fdt_machine *m)
{
	begin(t, "cpus");
	u32(t, "#address-cells", 2);
	u32(t, "#size-cells", 0);
	for (uint32_t i = 0; i < m->nr_vcpus; i++)
		write_cpu(t, m, i);
	if (m->topology) {
		write_cpu_map(t, m->topology);
		for (size_t i = 0; i < m->topology->nr_caches; i++)
			write_cache(t, (uint32_t)i, &m->topology->caches[i]);
	}
	end(t);
}

static void write_psci(struct tree *t)
{
	static const char compatible[] = "arm,psci-1.0\0arm,psci-0.2";

	begin(t, "psci");
	bytes(t, "compatible", compatible, sizeof(compatible));
	string(t, "method", "hvc");
	end(t);
}

static void write_timer(struct tree *t)
{
	begin(t, "timer");
	string(t, "compatible", "arm,armv8-timer");
	/* Secure, non-secure, virtual and hypervisor physical timer; KVM serves the virtual one. */
	CELLS(t, "interrupts", GIC_PPI, 13, GIC_LEVEL_HIGH, GIC_PPI, 14, GIC_LEVEL_HIGH, GIC_PPI,
	      11, GIC_LEVEL_HIGH, GIC_PPI, 10, GIC_LEVEL_HIGH);
	flag(t, "always-on");
	end(t);
}

static void write_pmu(struct tree *t)
{
	begin(t, "pmu");
	string(t, "compatible", "arm,armv8-pmuv3");
	CELLS(t, "interrupts", GIC_PPI, PMU_INTID - GIC_FIRST_PPI, GIC_LEVEL_HIGH);
	end(t);
}

static void write_its(struct tree *t, size_t n)
{
	begin_at(t, "msi-controller", LAYOUT_GITS_OF(n));
	string(t, "compatible", "arm,gic-v3-its");
	flag(t, "msi-controller");
	u32(t, "#msi-cells", 1);
	CELLS(t, "reg", CELLS64(LAYOUT_GITS_OF(n)), CELLS64(LAYOUT_GITS_SZ));
	u32(t, "phandle", PHANDLE_ITS + (uint32_t)n);
	end(t);
}

/*
 * Choice: all redistributors are in one region. It has room for as many as KVM runs vCPUs, and
 * what a guest has changes nothing in its way: ITSs are below it, RAM and windows of PCI above
 * (vmm/kvm/layout.h). QEMU's machine needs another one from the 124th vCPU on.
 */
static void write_gic(struct tree *t, const struct fdt_machine *m)
{
	begin_at(t, "interrupt-controller", LAYOUT_GICD);
	string(t, "compatible", "arm,gic-v3");
	flag(t, "interrupt-controller");
	u32(t, "#interrupt-cells", 3);
	CELLS(t, "reg", CELLS64(LAYOUT_GICD), CELLS64(LAYOUT_GICD_SZ), CELLS64(LAYOUT_GICR),
	      CELLS64(m->nr_vcpus * LAYOUT_GICR_SZ_VCPU));
	u32(t, "#redistributor-regions", 1);
	u32(t, "phandle", PHANDLE_GIC);
	u32(t, "#address-cells", 2);
	u32(t, "#size-cells", 2);
	flag(t, "ranges");

	for (size_t i = 0; i < m->nr_its; i++)
		write_its(t, i);
	end(t);
}

static void write_uart(struct tree *t)
{
	begin_at(t, "serial", LAYOUT_UART);
	string(t, "compatible", "ns16550a");
	CELLS(t, "reg", CELLS64(LAYOUT_UART), CELLS64(LAYOUT_UART_SZ));
	CELLS(t, "interrupts", GIC_SPI, LAYOUT_UART_INTID - GIC_FIRST_SPI, GIC_LEVEL_HIGH);
	u32(t, "clock-frequency", UART_CLOCK_HZ);
	u32(t, "current-speed", UART_BAUD);
	u32(t, "reg-shift", 0);
	u32(t, "reg-io-width", 1);
	end(t);
}

/* Linux asks each PrimeCell for its bus's clock (drivers/amba/bus.c). */
static void write_clock(struct tree *t)
{
	begin(t, "apb-pclk");
	string(t, "compatible", "fixed-clock");
	u32(t, "#clock-cells", 0);
	u32(t, "clock-frequency", APB_CLOCK_HZ);
	u32(t, "phandle", PHANDLE_CLOCK);
	end(t);
}

static void write_pl011(struct tree *t)
{
	static const char compatible[] = "arm,pl011\0arm,primecell";
	static const char clocks[] = "uartclk\0apb_pclk";

	begin_at(t, "serial", LAYOUT_PL011);
	bytes(t, "compatible", compatible, sizeof(compatible));
	CELLS(t, "reg", CELLS64(LAYOUT_PL011), CELLS64(LAYOUT_PL011_SZ));
	CELLS(t, "interrupts", GIC_SPI, LAYOUT_PL011_INTID - GIC_FIRST_SPI, GIC_LEVEL_HIGH);
	CELLS(t, "clocks", PHANDLE_CLOCK, PHANDLE_CLOCK);
	bytes(t, "clock-names", clocks, sizeof(clocks));
	end(t);
}

static void write_gpio(struct tree *t)
{
	static const char compatible[] = "arm,pl061\0arm,primecell";

	begin_at(t, "gpio", LAYOUT_GPIO);
	bytes(t, "compatible", compatible, sizeof(compatible));
	CELLS(t, "reg", CELLS64(LAYOUT_GPIO), CELLS64(LAYOUT_GPIO_SZ));
	CELLS(t, "interrupts", GIC_SPI, LAYOUT_GPIO_INTID - GIC_FIRST_SPI, GIC_LEVEL_HIGH);
	flag(t, "gpio-controller");
	u32(t, "#gpio-cells", 2);
	flag(t, "interrupt-controller");
	u32(t, "#interrupt-cells", 2);
	u32(t, "#address-cells", 0);
	u32(t, "clocks", PHANDLE_CLOCK);
	string(t, "clock-names", "apb_pclk");
	u32(t, "phandle", PHANDLE_GPIO);
	end(t);
}

/* What Linux lights when it panics (vmm/dev/power_button.c). */
static void write_panic_light(struct tree *t)
{
	begin(t, "gpio-leds");
	string(t, "compatible", "gpio-leds");
	begin(t, "led-panic");
	string(t, "label", "panic");
	CELLS(t, "gpios", PHANDLE_GPIO, LAYOUT_GPIO_PANIC, 0 /* lit: high */);
	string(t, "default-state", "off");
	flag(t, "panic-indicator");
	end(t);
	end(t);
}

static void write_rtc(struct tree *t)
{
	static const char compatible[] = "arm,pl031\0arm,primecell";

	begin_at(t, "rtc", LAYOUT_RTC);
	bytes(t, "compatible", compatible, sizeof(compatible));
	CELLS(t, "reg", CELLS64(LAYOUT_RTC), CELLS64(LAYOUT_RTC_SZ));
	CELLS(t, "interrupts", GIC_SPI, LAYOUT_RTC_INTID - GIC_FIRST_SPI, GIC_LEVEL_HIGH);
	u32(t, "clocks", PHANDLE_CLOCK);
	string(t, "clock-names", "apb_pclk");
	end(t);
}

static void write_power_button(struct tree *t)
{
	begin(t, "gpio-keys");
	string(t, "compatible", "gpio-keys");
	begin(t, "button-power");
	string(t, "label", "Power Button");
	u32(t, "linux,code", KEY_POWER);
	CELLS(t, "gpios", PHANDLE_GPIO, LAYOUT_GPIO_POWER, 0 /* pressed: high */);
	end(t);
	end(t);
}

/* Is each function on the first ITS, with its requester ID as DeviceID? */
static bool is_wired_plainly(const struct fdt_machine *m)
{
	for (size_t i = 0; i < m->nr_functions; i++)
		if (m->functions[i].its != 0 ||
		    m->functions[i].devid != m->functions[i].requester_id)
			return false;
	return true;
}

/* pci-msi.txt: entries of requester ID, controller, DeviceID, how many of them. */
#define MSI_MAP_CELLS 4u

static fdt32_t *put_msi_entry(const struct fdt_machine *m, fdt32_t *cell,
			      const struct fdt_function *f, uint32_t requester_id)
{
	assert(f->its < m->nr_its);

	*cell++ = cpu_to_fdt32(requester_id);
	*cell++ = cpu_to_fdt32(PHANDLE_ITS + (uint32_t)f->its);
	*cell++ = cpu_to_fdt32(f->devid);
	*cell++ = cpu_to_fdt32(1);
	return cell;
}

/* Room for so many entries; NULL: there is none, which is noted. */
static fdt32_t *begin_msi_map(struct tree *t, size_t nr)
{
	void *map = NULL;

	note(t, fdt_property_placeholder(t->fdt, "msi-map",
					 (int)(nr * MSI_MAP_CELLS * sizeof(fdt32_t)), &map));
	return map;
}

static void write_msi_map(struct tree *t, const struct fdt_machine *m)
{
	fdt32_t *cell;

	if (is_wired_plainly(m)) {
		CELLS(t, "msi-map", 0, PHANDLE_ITS, 0, REQUESTER_IDS);
		return;
	}
	cell = begin_msi_map(t, m->nr_functions);
	for (size_t i = 0; cell && i < m->nr_functions; i++)
		cell = put_msi_entry(m, cell, &m->functions[i], m->functions[i].requester_id);
}

static bool is_behind(const struct fdt_function *f, uint32_t port)
{
	return f->behind && f->port == port;
}

/* The port itself on bus 0, and the functions behind it, on whichever bus. */
static void write_msi_map_of_port(struct tree *t, const struct fdt_machine *m, uint32_t port,
				  uint32_t nr_buses)
{
	const uint32_t own_id = port * PCI_FUNCTIONS;
	const struct fdt_function own = { .requester_id = own_id, .its = 0, .devid = own_id };
	fdt32_t *cell;
	size_t nr = 0;

	for (size_t i = 0; i < m->nr_functions; i++)
		nr += is_behind(&m->functions[i], port);
	cell = begin_msi_map(t, 1 + nr * (nr_buses - 1));
	if (!cell)
		return;
	cell = put_msi_entry(m, cell, &own, own_id);
	for (uint32_t bus = 1; bus < nr_buses; bus++)
		for (size_t i = 0; i < m->nr_functions; i++)
			if (is_behind(&m->functions[i], port))
				cell = put_msi_entry(m, cell, &m->functions[i],
						     bus << 8 | m->functions[i].requester_id %
									PCI_FUNCTIONS);
}

/*
 * Open Firmware Recommended Practice, Interrupt Mapping: an entry of a device's address and pin,
 * and of the GIC's handle, address and interrupt. Four devices are enough: what is in
 * device numbers above is masked off, since pins go round (pci_host.h: pci_host_intid()).
 */
#define PCI_DEVICE_SHIFT    11u
#define PCI_PINS	    4u
#define INTERRUPT_MAP_CELLS 10u

/* Of as many devices, of which the first has the pins of that device on bus 0. */
static void write_interrupt_map(struct tree *t, uint32_t nr_devices, uint32_t first)
{
	fdt32_t map[PCI_PINS * PCI_PINS * INTERRUPT_MAP_CELLS], *cell = map;

	for (uint32_t device = 0; device < nr_devices; device++) {
		for (uint32_t pin = 1; pin <= PCI_PINS; pin++) {
			const uint32_t spi =
				LAYOUT_INTX_INTID + (first + device + pin - 1) % LAYOUT_NR_INTX;
			const uint32_t entry[INTERRUPT_MAP_CELLS] = {
				device << PCI_DEVICE_SHIFT,
				0,
				0,
				pin,
				PHANDLE_GIC,
				0,
				0,
				GIC_SPI,
				spi - GIC_FIRST_SPI,
				GIC_LEVEL_HIGH,
			};

			for (size_t i = 0; i < ARRAY_SIZE(entry); i++)
				*cell++ = cpu_to_fdt32(entry[i]);
		}
	}
	u32(t, "#interrupt-cells", 1);
	CELLS(t, "interrupt-map-mask", (nr_devices - 1) << PCI_DEVICE_SHIFT, 0, 0, 7);
	bytes(t, "interrupt-map", map, (size_t)(cell - map) * sizeof(*cell));
}

/*
 * A root port. Guests number its bus as they like, and its functions' requester IDs follow; so it
 * has a map of its own that has them on each bus. Linux looks into the map that is nearest to
 * the function, and for the port itself into its own (drivers/of/irq.c: __of_msi_map_id()); and for
 * INTx asks the first bridge that has a node (drivers/pci/of.c: of_irq_parse_pci()), so that such a
 * map is here, too.
 */
static void write_root_port(struct tree *t, const struct fdt_machine *m, uint32_t device,
			    uint32_t nr_buses)
{
	char name[16];

	(void)snprintf(name, sizeof(name), "pci@%" PRIx32 ",0", device);
	begin(t, name);
	string(t, "device_type", "pci");
	CELLS(t, "reg", device << PCI_DEVICE_SHIFT, 0, 0, 0, 0);
	u32(t, "#address-cells", 3);
	u32(t, "#size-cells", 2);
	flag(t, "ranges");
	write_msi_map_of_port(t, m, device, nr_buses);
	write_interrupt_map(t, 1, device);
	end(t);
}

static void write_pci(struct tree *t, const struct fdt_machine *m)
{
	uint32_t nr_buses = 1 + (uint32_t)__builtin_popcount(m->root_ports);

	begin_at(t, "pcie", LAYOUT_ECAM);
	string(t, "compatible", "pci-host-ecam-generic");
	string(t, "device_type", "pci");
	u32(t, "#address-cells", 3);
	u32(t, "#size-cells", 2);
	CELLS(t, "reg", CELLS64(LAYOUT_ECAM), CELLS64(nr_buses * LAYOUT_ECAM_SZ));
	CELLS(t, "bus-range", 0, nr_buses - 1);
	/*
	 * Bus addresses of memory equal physical ones. Neither of its windows is prefetchable: into
	 * one that is, Linux puts no BAR that is not (pci_bus_alloc_from_region()); into one that
	 * is not, any.
	 */
	CELLS(t, "ranges", PCI_SPACE_IO, CELLS64(UINT64_C(0)), CELLS64(LAYOUT_PCI_IO),
	      CELLS64(LAYOUT_PCI_IO_SZ), PCI_SPACE_MEM32, CELLS64(LAYOUT_PCI32),
	      CELLS64(LAYOUT_PCI32), CELLS64(LAYOUT_PCI32_SZ), PCI_SPACE_MEM64,
	      CELLS64(LAYOUT_PCI64), CELLS64(LAYOUT_PCI64), CELLS64(LAYOUT_PCI64_SZ));
	write_msi_map(t, m);
	write_interrupt_map(t, PCI_PINS, 0);
	flag(t, "dma-coherent");
	for (uint32_t device = 0; device < PCI_DEVICES; device++)
		if (m->root_ports & UINT32_C(1) << device)
			write_root_port(t, m, device, nr_buses);
	end(t);
}

static void write_root(struct tree *t, const struct fdt_machine *m)
{
	begin(t, "");
	string(t, "compatible", "linux,dummy-virt");
	string(t, "model", "itsy");
	u32(t, "interrupt-parent", PHANDLE_GIC);
	u32(t, "#address-cells", 2);
	u32(t, "#size-cells", 2);
	write_chosen(t, m);
	write_memory(t, m);
	write_cpus(t, m);
	write_psci(t);
	write_timer(t);
	if (m->pmu)
		write_pmu(t);
	write_gic(t, m);
	write_uart(t);
	write_clock(t);
	if (m->pl011)
		write_pl011(t);
	write_gpio(t);
	write_power_button(t);
	write_panic_light(t);
	write_rtc(t);
	write_pci(t, m);
	end(t);
}

int fdt_build(const struct fdt_machine *machine, void *buf, size_t cap)
{
	struct tree t = { .fdt = buf };

	assert(machine);
	assert(machine->nr_vcpus >= 1);
	assert(machine->nr_vcpus <= LAYOUT_MAX_VCPUS);
	assert(machine->nr_ram >= 1);
	assert(machine->nr_ram <= GMEM_MAX_BANKS);
	assert(machine->nr_its >= 1);
	assert(LAYOUT_GITS_OF(machine->nr_its) <= LAYOUT_UART);
	assert(machine->nr_functions <= REQUESTER_IDS);
	assert(!machine->topology || machine->topology->nr_cpus == machine->nr_vcpus);

	note(&t, fdt_create(buf, cap < INT32_MAX ? (int)cap : INT32_MAX));
	if (t.err) /* without a header, the calls below cannot be made */
		return -ENOSPC;
	note(&t, fdt_finish_reservemap(buf));
	write_root(&t, machine);
	note(&t, fdt_finish(buf));
	/* The nesting is right whatever the machine is like: only room can be short. */
	assert(t.err == 0 || t.err == -FDT_ERR_NOSPACE);
	return t.err ? -ENOSPC : 0;
}
