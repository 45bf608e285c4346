// SPDX-License-Identifier: MIT
/*
 * BARs that some vCPUs move, size and switch off while others use them: an access reaches the
 * function, whole, or nobody. Functions that are taken out while they are used.
 */
#include <linux/pci_regs.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/unit/vfio/vfio_fake.h"
#include "vmm/base/bits.h"
#include "vmm/dev/pci_host.h"
#include "vmm/kvm/layout.h"

#define MOVES	   400u
#define MOST_MOVES (1000 * MOVES)
#define MOVERS	   2u
#define READERS	   2u
#define NVME_DEVFN 0x00u
#define NIC_DEVFN  0x08u
#define NIC_RAM	   0x24u /* of BAR 0, as any other offset would do */
#define NIC_PORT   0x04u

/* What the function has there: no half of it is all ones. */
#define NIC_WORD  0x12345678u
#define PORT_WORD 0x9abcdef0u

/* Slots as KVM has them: none over another one. */
struct rig {
	struct fake_vfio fake;
	struct vfio_container *container;
	struct vfio_device *nvme, *nic;
	struct pci_host *pci_host;
	struct bus bus;
	pthread_mutex_t lock; /* of slots */
	struct {
		uint64_t gpa, size;
	} slots[PCI_HOST_MAX_SLOTS];
	/* The fake counts its calls, for one thread. */
	pthread_mutex_t asking;
	ssize_t (*fake_pread)(void *ctx, int fd, void *buf, size_t len, uint64_t offset);
	int (*fake_ioctl)(void *ctx, int fd, unsigned long request, void *arg);
	atomic_bool over, taken_out; /* taken_out: nobody may ask the NIC any more */
	atomic_bool hold, held;	     /* the next read of a function's takes until hold ends */
	_Atomic uint64_t answered, wrong;
};

static struct rig rig;

static int set_slot(void *ctx, unsigned slot, uint64_t gpa, uint64_t size, void *va)
{
	(void)ctx;
	(void)va;
	pthread_mutex_lock(&rig.lock);
	for (size_t i = 0; size && i < PCI_HOST_MAX_SLOTS; i++)
		if (rig.slots[i].size && gpa < rig.slots[i].gpa + rig.slots[i].size &&
		    rig.slots[i].gpa < gpa + size)
			rig.wrong++;
	rig.slots[slot].gpa = gpa;
	rig.slots[slot].size = size;
	pthread_mutex_unlock(&rig.lock);
	return 0;
}

static ssize_t read_alone(void *ctx, int fd, void *buf, size_t len, uint64_t offset)
{
	ssize_t n;

	if (rig.taken_out)
		rig.wrong++;
	for (bool first = true; rig.hold; first = false) {
		if (first)
			rig.held = true;
		(void)sched_yield();
	}
	pthread_mutex_lock(&rig.asking);
	n = rig.fake_pread(ctx, fd, buf, len, offset);
	pthread_mutex_unlock(&rig.asking);
	return n;
}

static int ask_alone(void *ctx, int fd, unsigned long request, void *arg)
{
	int r;

	pthread_mutex_lock(&rig.asking);
	r = rig.fake_ioctl(ctx, fd, request, arg);
	pthread_mutex_unlock(&rig.asking);
	return r;
}

static const struct pci_host_ops ops = { .set_slot = set_slot };

static void nvme_changed(void *ctx)
{
	(void)ctx;
	pci_host_bars_changed(rig.pci_host, NVME_DEVFN);
}

static void nic_changed(void *ctx)
{
	(void)ctx;
	pci_host_bars_changed(rig.pci_host, NIC_DEVFN);
}

static const struct vfio_device_ops nvme_ops = { .bars_changed = nvme_changed };
static const struct vfio_device_ops nic_ops = { .bars_changed = nic_changed };

static void cfg(uint32_t devfn, unsigned reg, unsigned len, uint32_t value)
{
	bus_write(&rig.bus, LAYOUT_ECAM + ((uint64_t)devfn << 12) + reg, len, value);
}

/* The NIC is on bus 0, or behind a root port there. */
static void make_rig(bool behind)
{
	struct fake_function *nic;

	memset(&rig, 0, sizeof(rig));
	pthread_mutex_init(&rig.lock, NULL);
	pthread_mutex_init(&rig.asking, NULL);
	fake_init(&rig.fake);
	rig.fake_pread = rig.fake.sys.pread;
	rig.fake.sys.pread = read_alone;
	rig.fake_ioctl = rig.fake.sys.ioctl;
	rig.fake.sys.ioctl = ask_alone;
	(void)fake_add_nvme(&rig.fake, "0000:00:01.0", 1);
	nic = fake_add_e1000e(&rig.fake, "0000:00:02.0", 2);
	nic->bars[0].mmap = false;
	fake_publish(&rig.fake);
	fake_container(&rig.fake, &rig.container);
	rig.nvme = fake_open(&rig.fake, rig.container, "0000:00:01.0");
	rig.nic = fake_open(&rig.fake, rig.container, "0000:00:02.0");
	vfio_bar_write(rig.nic, 0, NIC_RAM, 4, NIC_WORD);
	vfio_bar_write(rig.nic, 2, NIC_PORT, 4, PORT_WORD);
	assert_int_equal(pci_host_create(&ops, NULL, &rig.pci_host), 0);
	if (behind)
		assert_int_equal(pci_host_add_port(rig.pci_host, NIC_DEVFN >> 3), 0);
	assert_int_equal(pci_host_add(rig.pci_host, NVME_DEVFN, rig.nvme), 0);
	assert_int_equal(pci_host_add(rig.pci_host, NIC_DEVFN, rig.nic), 0);
	assert_int_equal(pci_host_add_to_bus(rig.pci_host, &rig.bus), 0);
	vfio_device_set_ops(rig.nvme, &nvme_ops, NULL);
	vfio_device_set_ops(rig.nic, &nic_ops, NULL);
}

static int make(void **state)
{
	(void)state;
	make_rig(false);
	return 0;
}

static int make_behind(void **state)
{
	(void)state;
	make_rig(true);
	return 0;
}

static int unmake(void **state)
{
	(void)state;
	pci_host_destroy(rig.pci_host);
	vfio_device_destroy(rig.nic);
	vfio_device_destroy(rig.nvme);
	vfio_container_destroy(rig.container);
	fake_fini(&rig.fake);
	pthread_mutex_destroy(&rig.lock);
	pthread_mutex_destroy(&rig.asking);
	return 0;
}

static const uint32_t places[] = { LAYOUT_PCI32, LAYOUT_PCI32 + 0x200000, LAYOUT_PCI32 + 0x2000 };
static const uint32_t ports[] = { 0x1000, 0x1020, 0x2000 };

/* Enough, and a reader has found it once: threads may be long without a CPU. */
static bool goes_on(unsigned i)
{
	return i < MOVES || (!rig.answered && i < MOST_MOVES);
}

/* As a guest's kernel sizes and moves it, and the NVMe's over it. */
static void *move(void *arg)
{
	uint32_t seed = (uint32_t)(uintptr_t)arg;

	for (unsigned i = 0; goes_on(i); i++) {
		seed = seed * 1664525u + 1013904223u;
		cfg(NIC_DEVFN, PCI_COMMAND, 2, seed >> 30 & 1 ? 0 : PCI_COMMAND_MEMORY);
		cfg(NIC_DEVFN, PCI_BASE_ADDRESS_0, 4, UINT32_MAX);
		cfg(NIC_DEVFN, PCI_BASE_ADDRESS_0, 4, places[seed >> 24 & 1]);
		cfg(NIC_DEVFN, PCI_BASE_ADDRESS_2, 4, ports[(seed >> 20) % ARRAY_SIZE(ports)]);
		cfg(NIC_DEVFN, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_IO);
		cfg(NVME_DEVFN, PCI_BASE_ADDRESS_0, 4, places[(seed >> 16) % ARRAY_SIZE(places)]);
		cfg(NVME_DEVFN, PCI_COMMAND, 2, seed >> 12 & PCI_COMMAND_MEMORY);
	}
	return NULL;
}

static void judge(uint64_t value, uint32_t want)
{
	if (value == want)
		rig.answered++;
	else if (value != UINT32_MAX)
		rig.wrong++;
}

static void *look(void *arg)
{
	(void)arg;
	while (!rig.over) {
		/* The NVMe has no register that a word of the NIC's could be taken for, and is read
		 * as zero. */
		for (unsigned i = 0; i < 2; i++) {
			uint64_t value = bus_read(&rig.bus, places[i] + NIC_RAM, 4);

			if (value)
				judge(value, NIC_WORD);
		}
		for (unsigned i = 0; i < ARRAY_SIZE(ports); i++)
			judge(bus_read(&rig.bus, LAYOUT_PCI_IO + ports[i] + NIC_PORT, 4),
			      PORT_WORD);
	}
	return NULL;
}

static void test_bars_that_move_are_reached_or_not(void **state)
{
	pthread_t movers[MOVERS], readers[READERS];
	struct vfio_bar bar;

	(void)state;
	for (size_t i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&readers[i], NULL, look, NULL), 0);
	for (size_t i = 0; i < MOVERS; i++)
		assert_int_equal(pthread_create(&movers[i], NULL, move, (void *)(i + 1)), 0);
	for (size_t i = 0; i < MOVERS; i++)
		(void)pthread_join(movers[i], NULL);
	rig.over = true;
	for (size_t i = 0; i < READERS; i++)
		(void)pthread_join(readers[i], NULL);
	assert_int_equal(rig.wrong, 0);
	assert_true(rig.answered > 0);

	/* What is in force is what was written last, by whoever it was. */
	cfg(NVME_DEVFN, PCI_COMMAND, 2, 0);
	vfio_device_bar(rig.nic, 0, &bar);
	assert_true(bar.decoded);
	assert_int_equal(bus_read(&rig.bus, bar.address + NIC_RAM, 4), NIC_WORD);
	vfio_device_bar(rig.nic, 2, &bar);
	assert_int_equal(bus_read(&rig.bus, LAYOUT_PCI_IO + bar.address + NIC_PORT, 4), PORT_WORD);
	cfg(NIC_DEVFN, PCI_COMMAND, 2, 0);
	for (size_t i = 0; i < PCI_HOST_MAX_SLOTS; i++)
		assert_int_equal(rig.slots[i].size, 0);
	assert_int_equal(rig.fake.nr_dma, 0);
}

/* ---- taken out ---------------------------------------------------------------------- */

#define USES 200u

static uint64_t nic_ecam(unsigned reg)
{
	return LAYOUT_ECAM + LAYOUT_ECAM_SZ + reg;
}

static void place_behind(void)
{
	cfg(NIC_DEVFN, PCI_PRIMARY_BUS, 4, 0x010100);
	cfg(NIC_DEVFN, PCI_MEMORY_BASE, 4, (uint32_t)(LAYOUT_PCI32 >> 16 | LAYOUT_PCI32));
	cfg(NIC_DEVFN, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	bus_write(&rig.bus, nic_ecam(PCI_BASE_ADDRESS_0), 4, places[0]);
}

/* As a driver that knows of nothing, and a kernel that looks for devices and moves BARs. */
static void *use(void *arg)
{
	uint32_t seed = (uint32_t)(uintptr_t)arg;

	while (!rig.over) {
		uint64_t id = bus_read(&rig.bus, nic_ecam(0), 4);
		uint64_t word = bus_read(&rig.bus, places[0] + NIC_RAM, 4);

		if ((id != 0x10d38086 && id != UINT32_MAX) ||
		    (word != NIC_WORD && word != UINT32_MAX))
			rig.wrong++;
		rig.answered += id == 0x10d38086;
		seed = seed * 1664525u + 1013904223u;
		bus_write(&rig.bus, nic_ecam(PCI_COMMAND), 2, seed >> 30 & PCI_COMMAND_MEMORY);
	}
	return NULL;
}

/* Whoever has taken a function out can close it: nobody is at it, and nobody comes. */
static void test_a_function_that_is_taken_out_is_in_use_by_nobody(void **state)
{
	pthread_t users[READERS];

	(void)state;
	place_behind();
	for (size_t i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&users[i], NULL, use, (void *)(i + 1)), 0);
	while (rig.answered < USES)
		(void)sched_yield();
	pci_host_unplug(rig.pci_host, NIC_DEVFN >> 3);
	rig.taken_out = true;
	vfio_device_detach(rig.nic);
	for (unsigned i = 0; i < USES; i++)
		assert_int_equal(bus_read(&rig.bus, nic_ecam(0), 4), UINT32_MAX);
	rig.over = true;
	for (size_t i = 0; i < READERS; i++)
		(void)pthread_join(users[i], NULL);
	rig.taken_out = false;
	assert_int_equal(rig.wrong, 0);
	for (size_t i = 0; i < PCI_HOST_MAX_SLOTS; i++)
		assert_int_equal(rig.slots[i].size, 0);
}

static void *read_word(void *arg)
{
	(void)arg;
	judge(bus_read(&rig.bus, places[0] + NIC_RAM, 4), NIC_WORD);
	return NULL;
}

static void *take_out(void *arg)
{
	pci_host_unplug(rig.pci_host, NIC_DEVFN >> 3);
	*(atomic_bool *)arg = true;
	return NULL;
}

/* vCPUs that never stop keep out nobody who waits: this would take for ever. */
static void test_who_takes_a_function_out_is_not_kept_waiting_by_those_who_come(void **state)
{
	pthread_t users[4 * READERS];

	(void)state;
	place_behind();
	for (size_t i = 0; i < ARRAY_SIZE(users); i++)
		assert_int_equal(pthread_create(&users[i], NULL, use, (void *)(i + 1)), 0);
	while (rig.answered < USES)
		(void)sched_yield();
	for (unsigned i = 0; i < 100; i++)
		pci_host_unplug(rig.pci_host, NIC_DEVFN >> 3);
	rig.over = true;
	for (size_t i = 0; i < ARRAY_SIZE(users); i++)
		(void)pthread_join(users[i], NULL);
	assert_int_equal(rig.wrong, 0);
}

static void test_who_takes_a_function_out_waits_for_an_access_that_is_under_way(void **state)
{
	atomic_bool is_out = false;
	pthread_t reader, taker;

	(void)state;
	place_behind();
	bus_write(&rig.bus, nic_ecam(PCI_COMMAND), 2, PCI_COMMAND_MEMORY);
	rig.hold = true;
	assert_int_equal(pthread_create(&reader, NULL, read_word, NULL), 0);
	while (!rig.held)
		(void)sched_yield();
	assert_int_equal(pthread_create(&taker, NULL, take_out, &is_out), 0);
	/* The slot is empty at once. */
	while (pci_host_press(rig.pci_host, NIC_DEVFN >> 3) == 0)
		(void)sched_yield();
	for (unsigned i = 0; i < 1000; i++)
		(void)sched_yield();
	assert_false(is_out);
	rig.hold = false;
	(void)pthread_join(reader, NULL);
	(void)pthread_join(taker, NULL);
	assert_true(is_out);
	assert_int_equal(rig.answered, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_who_takes_a_function_out_is_not_kept_waiting_by_those_who_come,
			make_behind, unmake),
		cmocka_unit_test_setup_teardown(
			test_who_takes_a_function_out_waits_for_an_access_that_is_under_way,
			make_behind, unmake),
		cmocka_unit_test_setup_teardown(
			test_a_function_that_is_taken_out_is_in_use_by_nobody, make_behind, unmake),
		cmocka_unit_test_setup_teardown(test_bars_that_move_are_reached_or_not, make,
						unmake),
	};

	alarm(120);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
