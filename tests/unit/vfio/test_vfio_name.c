// SPDX-License-Identifier: MIT
/*
 * What functions can be named by: as it is typed, as sysfs, the function and its driver tell it,
 * and while vfio-pci has it.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>

#include "tests/unit/vfio/vfio_bindhost.h"
#include "vfio/name_priv.h"
#include "vfio/record.h"
#include "vitsmod/bits.h"

#define BDF   "0000:00:01.0"
#define PLACE "sys/devices/pci0000:00/" BDF

static const struct pci_bdf bdf = { .dev = 1 };

/* The one function of the host. */
static void get(struct bindhost *h, struct pci_named *ret_named)
{
	const struct hostuse_sys sys = bindhost_sys(h);
	_cleanup_free_ struct pci_named *list = NULL;
	size_t nr = 0;

	assert_int_equal(pci_named_list_with(&sys, &h->tree.fs, &list, &nr), 0);
	assert_int_equal(nr, 1);
	*ret_named = list[0];
}

static bool fits(const struct pci_named *named, enum pci_name_part part, const char *text)
{
	struct pci_name name = { 0 };

	assert_int_equal(pci_name_set(&name, part, text), 0);
	return pci_named_fits(named, &name);
}

/* ---- as it is typed ------------------------------------------------------------------------ */

static void test_what_is_typed_is_a_name_or_refused(void **state)
{
	static const struct {
		enum pci_name_part part;
		const char *typed, *want; /* NULL: refused */
	} cases[] = {
		{ PCI_NAME_BDF, "01:00.0", "0000:01:00.0" },
		{ PCI_NAME_BDF, "eth0", NULL },
		{ PCI_NAME_PATH, "0000:00/01.0", "0000:00/01.0" },
		{ PCI_NAME_PATH, "0:0/1.0/1F.7", "0000:00/01.0/1f.7" },
		{ PCI_NAME_PATH, "10000:E0/01.0/00.0/vf0", "10000:e0/01.0/00.0/vf0" },
		{ PCI_NAME_PATH, "0000:00/01.0/vf65535", "0000:00/01.0/vf65535" },
		{ PCI_NAME_PATH, "", NULL },
		{ PCI_NAME_PATH, "0000:00", NULL },
		{ PCI_NAME_PATH, "0000:00/", NULL },
		{ PCI_NAME_PATH, "00/01.0", NULL },
		{ PCI_NAME_PATH, "0000:00/20.0", NULL },
		{ PCI_NAME_PATH, "0000:00/01.8", NULL },
		{ PCI_NAME_PATH, "0000:00/01.0/", NULL },
		{ PCI_NAME_PATH, "0000:00/01.0 ", NULL },
		{ PCI_NAME_PATH, "0000:00/vf0", NULL },
		{ PCI_NAME_PATH, "0000:00/01.0/vf", NULL },
		{ PCI_NAME_PATH, "0000:00/01.0/vf01", NULL },
		{ PCI_NAME_PATH, "0000:00/01.0/vf1/00.0", NULL },
		{ PCI_NAME_PATH, "0000:00:01.0", NULL },
		{ PCI_NAME_ID, "8086:10d3", "8086:10d3" },
		{ PCI_NAME_ID, "1B36:0010", "1b36:0010" },
		{ PCI_NAME_ID, "8086", NULL },
		{ PCI_NAME_ID, "8086:10d", NULL },
		{ PCI_NAME_ID, "8086:10d33", NULL },
		{ PCI_NAME_ID, "0x8086:10d3", NULL },
		{ PCI_NAME_SERIAL, "S64 FNX/0R\"", "S64 FNX/0R\"" },
		{ PCI_NAME_SERIAL, "12345678901234567890123", "12345678901234567890123" },
		{ PCI_NAME_SERIAL, "123456789012345678901234", NULL },
		{ PCI_NAME_SERIAL, "", NULL },
		{ PCI_NAME_SERIAL, " a", NULL },
		{ PCI_NAME_SERIAL, "a ", NULL },
		{ PCI_NAME_SERIAL, "a\033[1m", NULL },
		{ PCI_NAME_SERIAL, "\xc3\xa4", NULL },
		{ PCI_NAME_MAC, "52:54:00:AB:cd:56", "52:54:00:ab:cd:56" },
		{ PCI_NAME_MAC, "52:54:00:12:34", NULL },
		{ PCI_NAME_MAC, "52:54:00:12:34:5", NULL },
		{ PCI_NAME_MAC, "52:54:00:12:34:56:", NULL },
		{ PCI_NAME_MAC, "52-54-00-12-34-56", NULL },
		{ PCI_NAME_MAC, "00:00:00:00:00:00", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct pci_name name = { 0 };
		char value[PCI_PATH_STRLEN];

		assert_int_equal(pci_name_set(&name, cases[i].part, cases[i].typed),
				 cases[i].want ? 0 : -EINVAL);
		assert_int_equal(pci_name_has(&name, cases[i].part), cases[i].want != NULL);
		if (cases[i].want)
			assert_string_equal(pci_name_value(&name, cases[i].part, value),
					    cases[i].want);
	}
}

static void test_a_path_that_is_too_long_is_refused(void **state)
{
	struct pci_name name = { 0 };
	char path[200] = "0000:00";

	(void)state;
	while (strlen(path) + 5 < PCI_PATH_STRLEN)
		strcat(path, "/01.0");
	assert_int_equal(pci_name_set(&name, PCI_NAME_PATH, path), 0);
	strcat(path, "/01.0");
	assert_int_equal(pci_name_set(&name, PCI_NAME_PATH, path), -EINVAL);
}

static void test_a_name_of_all_parts_is_told_in_order(void **state)
{
	static const char *const typed[PCI_NR_NAME_PARTS] = {
		"01:00.0", "0:0/1.0/0.0", "8086:10D3", "S1", "52:54:00:12:34:56",
	};
	struct pci_name name = { 0 };
	char text[PCI_NAME_STRLEN];

	(void)state;
	for (enum pci_name_part part = 0; part < PCI_NR_NAME_PARTS; part++)
		assert_int_equal(pci_name_set(&name, part, typed[part]), 0);
	assert_string_equal(pci_name_format(&name, text),
			    "bdf = \"0000:01:00.0\", path = \"0000:00/01.0/00.0\", "
			    "pci-id = \"8086:10d3\", serial = \"S1\", mac = \"52:54:00:12:34:56\"");
	name = pci_name_only(&name, PCI_NAME_MAC);
	assert_string_equal(pci_name_format(&name, text), "mac = \"52:54:00:12:34:56\"");
}

/* ---- paths --------------------------------------------------------------------------------- */

/* Its place is another one; its files are where they were. */
static void place_at(struct bindhost *h, const char *place)
{
	char path[256], target[256];

	tree_remove(&h->tree, "sys/bus/pci/devices/" BDF);
	(void)snprintf(target, sizeof(target), "../../../%s", place);
	tree_link(&h->tree, "sys/bus/pci/devices/" BDF, target);
	(void)snprintf(path, sizeof(path), "sys/%s", place);
	(void)snprintf(target, sizeof(target), "%s/" PLACE, h->tree.fs.root);
	if (!tree_has(&h->tree, path))
		tree_link(&h->tree, path, target);
}

static void test_a_path_is_the_way_down_from_the_root_bus(void **state)
{
	static const struct {
		const char *place, *want;
	} cases[] = {
		{ "devices/pci0000:00/" BDF, "0000:00/01.0" },
		{ "devices/platform/4010000000.pcie/pci0001:80/0001:80:02.3/0001:81:00.0/" BDF,
		  "0001:80/02.3/00.0/01.0" },
		/* Of a VMD, which makes up a domain. */
		{ "devices/pci0000:00/0000:00:0e.0/pci10000:e0/10000:e0:06.0/" BDF,
		  "10000:e0/06.0/01.0" },
		{ "devices/" BDF, "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct pci_named named;
		struct pci_name name;
		struct bindhost h;

		print_message("%s\n", cases[i].place);
		bindhost_init(&h, BDF, "nvme");
		place_at(&h, cases[i].place);
		get(&h, &named);
		assert_string_equal(named.path, cases[i].want);
		assert_int_equal(pci_named_get(&named, PCI_NAME_PATH, 0, &name),
				 cases[i].want[0] != '\0');
		if (cases[i].want[0])
			assert_true(fits(&named, PCI_NAME_PATH, cases[i].want));
		assert_false(fits(&named, PCI_NAME_PATH, "0000:00/1f.0"));
		bindhost_fini(&h);
	}
}

/* Its own address depends on where its bus is: it goes by its number. */
static void test_a_virtual_function_has_the_path_of_its_physical_one(void **state)
{
	struct tree_function physical = { "0000:00:02.0", 1, 2, 0x010802, NULL, -1, NULL, 0, NULL };
	const struct hostuse_sys *sys;
	_cleanup_free_ struct pci_named *list = NULL;
	struct hostuse_sys host_sys;
	struct bindhost h;
	size_t nr = 0;

	(void)state;
	bindhost_init(&h, BDF, "nvme");
	tree_add_function(&h.tree, &physical);
	tree_link(&h.tree, PLACE "/physfn", "../0000:00:02.0");
	tree_link(&h.tree, "sys/devices/pci0000:00/0000:00:02.0/virtfn0", "../0000:00:00.7");
	tree_link(&h.tree, "sys/devices/pci0000:00/0000:00:02.0/virtfn12", "../" BDF);
	host_sys = bindhost_sys(&h);
	sys = &host_sys;
	assert_int_equal(pci_named_list_with(sys, &h.tree.fs, &list, &nr), 0);
	assert_int_equal(nr, 2);
	assert_string_equal(list[0].path, "0000:00/02.0/vf12");
	assert_string_equal(list[1].path, "0000:00/02.0");
	bindhost_fini(&h);
}

/* ---- serial numbers ------------------------------------------------------------------------- */

static void add_nvme(struct bindhost *h, const char *state, const char *serial)
{
	tree_write(&h->tree, PLACE "/nvme/nvme0/state", state);
	tree_write(&h->tree, PLACE "/nvme/nvme0/serial", serial);
}

static void test_a_disks_serial_is_trimmed_and_printable_or_none(void **state)
{
	static const struct {
		const char *said, *want;
	} cases[] = {
		{ "S64FNX0R            \n", "S64FNX0R" },
		{ "  S 64 FNX          \n", "S 64 FNX" },
		{ "12345678901234567890\n", "12345678901234567890" },
		{ "                    \n", "" },
		{ "S64\033[2J\n", "" },
		{ "S64\xff\n", "" },
		{ "S64\nbdf = \"0000:00:00.0\"\n", "" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct pci_named named;
		struct bindhost h;

		bindhost_init(&h, BDF, "nvme");
		add_nvme(&h, "live\n", cases[i].said);
		get(&h, &named);
		assert_string_equal(named.told.serial, cases[i].want);
		assert_false(named.hides_told);
		if (cases[i].want[0])
			assert_true(fits(&named, PCI_NAME_SERIAL, cases[i].want));
		assert_false(fits(&named, PCI_NAME_SERIAL, "S64"));
		bindhost_fini(&h);
	}
}

/* Linux 6.1 has another text in the place of a serial number until then. */
static void test_a_disk_that_is_just_starting_is_waited_for(void **state)
{
	struct pci_named named;
	struct bindhost h;

	(void)state;
	bindhost_init(&h, BDF, "nvme");
	add_nvme(&h, "new\n", "(efault)\n");
	h.nvme_up_at = 3;
	get(&h, &named);
	assert_int_equal(h.naps, 3);
	assert_string_equal(named.told.serial, "(efault)"); /* of this test's disk alone */
	bindhost_fini(&h);

	/* Not for ever. */
	bindhost_init(&h, BDF, "nvme");
	add_nvme(&h, "connecting\n", "(efault)\n");
	get(&h, &named);
	assert_in_range(h.naps, 100, 1000);
	assert_string_equal(named.told.serial, "");
	bindhost_fini(&h);
}

static void put_le32(uint8_t *p, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		p[i] = (uint8_t)(value >> 8 * i);
}

/* A list of two extended capabilities, the second a Device Serial Number, and the next one at next.
 */
static void add_config(struct bindhost *h, size_t size, uint64_t dsn, uint32_t next)
{
	uint8_t config[4096] = { 0 };

	put_le32(config + 0x100, 0x0001 | 1 << 16 | 0x140u << 20);
	put_le32(config + 0x140, 0x0003 | 1 << 16 | next << 20);
	put_le32(config + 0x144, (uint32_t)dsn);
	put_le32(config + 0x148, (uint32_t)(dsn >> 32));
	tree_write_bytes(&h->tree, PLACE "/config", config, size);
}

static void test_a_device_serial_number_is_read_whoever_has_the_function(void **state)
{
	static const char *const drivers[] = { "nvme", "vfio-pci", NULL };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(drivers); i++) {
		struct pci_named named;
		struct pci_name name;
		struct bindhost h;

		bindhost_init(&h, BDF, drivers[i]);
		add_config(&h, 4096, UINT64_C(0x525400ffff123456), 0);
		get(&h, &named);
		assert_string_equal(named.dsn, "52-54-00-ff-ff-12-34-56");
		assert_false(named.hides_dsn);
		assert_true(fits(&named, PCI_NAME_SERIAL, "52-54-00-FF-ff-12-34-56"));
		assert_false(fits(&named, PCI_NAME_SERIAL, "52-54-00-ff-ff-12-34-57"));
		assert_true(pci_named_get(&named, PCI_NAME_SERIAL, 0, &name));
		assert_string_equal(name.serial, named.dsn);
		assert_false(pci_named_get(&named, PCI_NAME_SERIAL, 1, &name));
		bindhost_fini(&h);
	}
}

static void test_a_device_serial_number_that_is_none_is_not_shown(void **state)
{
	static const struct {
		size_t size;
		uint64_t dsn;
		uint32_t next;
		bool hides;
	} cases[] = {
		{ 4096, 0, 0, false },	{ 4096, UINT64_MAX, 0, false },
		{ 256, 1, 0, false },	/* conventional PCI */
		{ 64, 1, 0, true },	/* what another user than root can read */
		{ 0x148, 1, 0, false }, /* it ends within */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct pci_named named;
		struct bindhost h;

		bindhost_init(&h, BDF, "nvme");
		add_config(&h, cases[i].size, cases[i].dsn, cases[i].next);
		get(&h, &named);
		assert_string_equal(named.dsn, "");
		assert_int_equal(named.hides_dsn, cases[i].hides);
		bindhost_fini(&h);
	}
}

static void test_a_circular_list_of_extended_capabilities_ends(void **state)
{
	uint8_t config[4096] = { 0 };
	struct pci_named named;
	struct bindhost h;

	(void)state;
	bindhost_init(&h, BDF, "nvme");
	put_le32(config + 0x100, 0x0001 | 1 << 16 | 0x140u << 20);
	put_le32(config + 0x140, 0x0002 | 1 << 16 | 0x100u << 20);
	tree_write_bytes(&h.tree, PLACE "/config", config, sizeof(config));
	get(&h, &named);
	assert_string_equal(named.dsn, "");
	bindhost_fini(&h);
}

/* ---- MAC addresses ----------------------------------------------------------------------------
 */

static void add_net(struct bindhost *h, const char *folder, const char *type, const char *mac)
{
	char path[128];

	(void)snprintf(path, sizeof(path), PLACE "/%s/addr_assign_type", folder);
	tree_write(&h->tree, path, type);
	(void)snprintf(path, sizeof(path), PLACE "/%s/address", folder);
	tree_write(&h->tree, path, mac);
}

static void test_mac_addresses_are_those_of_the_function_itself(void **state)
{
	struct pci_named named;
	struct pci_name name;
	struct bindhost h;

	(void)state;
	bindhost_init(&h, BDF, "mlx4_core");
	add_net(&h, "net/eth0", "0\n", "52:54:00:12:34:57\n");
	add_net(&h, "net/eth1", "0\n", "52:54:00:12:34:56\n");
	add_net(&h, "virtio3/net/eth2", "0\n", "52:54:00:12:34:58\n");
	add_net(&h, "net/made_up", "1\n", "52:54:00:12:34:59\n");
	add_net(&h, "net/set_by_the_host", "3\n", "52:54:00:12:34:5a\n");
	add_net(&h, "net/none", "0\n", "00:00:00:00:00:00\n");
	add_net(&h, "net/strange", "0\n", "52:54:00:12:34:5b\033[2J\n");
	get(&h, &named);
	assert_int_equal(named.told.nr_macs, 3);
	for (unsigned i = 0; i < 3; i++) {
		char want[PCI_MAC_STRLEN];

		(void)snprintf(want, sizeof(want), "52:54:00:12:34:%u", 56 + i);
		assert_true(pci_named_get(&named, PCI_NAME_MAC, i, &name));
		assert_string_equal(name.mac, want);
		assert_true(fits(&named, PCI_NAME_MAC, want));
	}
	assert_false(pci_named_get(&named, PCI_NAME_MAC, 3, &name));
	assert_false(fits(&named, PCI_NAME_MAC, "52:54:00:12:34:59"));
	assert_false(fits(&named, PCI_NAME_MAC, "52:54:00:12:34:5a"));
	bindhost_fini(&h);
}

static void test_in_a_bond_an_interface_is_named_by_the_address_that_it_had(void **state)
{
	struct pci_named named;
	struct bindhost h;

	(void)state;
	bindhost_init(&h, BDF, "e1000e");
	add_net(&h, "net/eth0", "3\n", "52:54:00:00:00:01\n");
	tree_write(&h.tree, PLACE "/net/eth0/bonding_slave/perm_hwaddr", "52:54:00:12:34:56\n");
	get(&h, &named);
	assert_true(fits(&named, PCI_NAME_MAC, "52:54:00:12:34:56"));
	assert_false(fits(&named, PCI_NAME_MAC, "52:54:00:00:00:01"));
	bindhost_fini(&h);
}

static void test_of_more_addresses_than_are_kept_the_lowest_are(void **state)
{
	struct pci_named named;
	struct bindhost h;

	(void)state;
	bindhost_init(&h, BDF, "mlx4_core");
	for (unsigned i = 0; i < 8; i++) {
		char folder[32], mac[32];

		(void)snprintf(folder, sizeof(folder), "net/eth%u", i);
		(void)snprintf(mac, sizeof(mac), "52:54:00:12:34:5%u\n", i * 3 % 8);
		add_net(&h, folder, "0\n", mac);
	}
	get(&h, &named);
	assert_int_equal(named.told.nr_macs, PCI_MACS_MAX);
	for (unsigned i = 0; i < PCI_MACS_MAX; i++)
		assert_int_equal(named.told.macs[i][16], '0' + (char)i);
	bindhost_fini(&h);
}

/* ---- while vfio-pci has it ----------------------------------------------------------------------
 */

static void test_a_bound_function_keeps_the_names_that_its_driver_told(void **state)
{
	struct vfio_failure failure;
	struct pci_named named;
	struct bindhost h;

	(void)state;
	bindhost_init(&h, BDF, "nvme");
	add_nvme(&h, "live\n", "S64FNX0R\n");
	add_net(&h, "net/eth0", "0\n", "52:54:00:12:34:56\n");
	add_net(&h, "net/eth1", "0\n", "52:54:00:12:34:57\n");
	assert_int_equal(vfio_bind_with(&h.host, &h.tree.fs, &bdf, VFIO_BIND_FORCE, &failure), 1);
	tree_remove(&h.tree, PLACE "/nvme");
	tree_remove(&h.tree, PLACE "/net");
	get(&h, &named);
	assert_true(fits(&named, PCI_NAME_SERIAL, "S64FNX0R"));
	assert_true(fits(&named, PCI_NAME_MAC, "52:54:00:12:34:56"));
	assert_true(fits(&named, PCI_NAME_MAC, "52:54:00:12:34:57"));
	assert_false(named.hides_told);

	/* Given back, its driver tells again, and nothing else counts. */
	assert_int_equal(vfio_release_with(&h.host, &h.tree.fs, &bdf, &failure), 0);
	get(&h, &named);
	assert_false(fits(&named, PCI_NAME_SERIAL, "S64FNX0R"));
	bindhost_fini(&h);
}

/* It was just bound: its serial number is waited for, and recorded then. */
static void test_a_disk_that_is_bound_while_it_starts_is_recorded_with_its_serial(void **state)
{
	struct vfio_failure failure;
	struct pci_named named;
	struct bindhost h;

	(void)state;
	bindhost_init(&h, BDF, "nvme");
	add_nvme(&h, "connecting\n", "S64FNX0R\n");
	h.nvme_up_at = 5;
	assert_int_equal(vfio_bind_with(&h.host, &h.tree.fs, &bdf, VFIO_BIND_FORCE, &failure), 1);
	tree_remove(&h.tree, PLACE "/nvme");
	get(&h, &named);
	assert_string_equal(named.told.serial, "S64FNX0R");
	bindhost_fini(&h);
}

/* sysfs gives a device that is plugged in another folder: what was recorded is not its own. */
static void test_another_device_in_its_place_has_not_its_names(void **state)
{
	static const char *const records[] = {
		"driver=nvme\ndriver_override=\nnode=1\nserial=S64FNX0R\n",
		"driver=nvme\ndriver_override=\nnode=0\nserial=S64FNX0R\n",
		"driver=nvme\ndriver_override=\nnode=x\nserial=S64FNX0R\n",
		"driver=nvme\ndriver_override=\nserial=S64FNX0R\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(records); i++) {
		struct pci_named named;
		struct bindhost h;

		bindhost_init(&h, BDF, "vfio-pci");
		tree_write(&h.tree, "run/itsy/bound/" BDF, records[i]);
		get(&h, &named);
		assert_string_equal(named.told.serial, "");
		assert_true(named.hides_told);
		bindhost_fini(&h);
	}
}

static void test_a_record_whose_names_are_damaged_has_none(void **state)
{
	struct pci_named named;
	struct bindhost h;
	char record[512];

	(void)state;
	bindhost_init(&h, BDF, "vfio-pci");
	(void)snprintf(record, sizeof(record),
		       "driver=nvme\nnode=%llu\nserial=S\033[2J\nmac=52:54\nmac=52:54:00:12:34:56\n"
		       "mac=1\n",
		       (unsigned long long)record_node(&h.tree.fs, &bdf));
	tree_write(&h.tree, "run/itsy/bound/" BDF, record);
	get(&h, &named);
	assert_string_equal(named.told.serial, "");
	assert_int_equal(named.told.nr_macs, 1);
	assert_true(fits(&named, PCI_NAME_MAC, "52:54:00:12:34:56"));
	bindhost_fini(&h);
}

/* Bound by somebody else, or by nobody: it is known that there may be a name. */
static void test_what_only_a_driver_would_tell_is_known_to_be_unknown(void **state)
{
	static const char *const drivers[] = { "vfio-pci", NULL };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(drivers); i++) {
		struct pci_named named;
		struct bindhost h;

		bindhost_init(&h, BDF, drivers[i]);
		get(&h, &named);
		assert_true(named.hides_told);
		bindhost_fini(&h);
	}
}

static void test_all_parts_of_a_name_must_fit(void **state)
{
	struct pci_named named;
	struct pci_name name = { 0 };
	struct bindhost h;

	(void)state;
	bindhost_init(&h, BDF, "nvme");
	add_nvme(&h, "live\n", "S64FNX0R\n");
	get(&h, &named);
	assert_true(pci_named_fits(&named, &name));
	assert_int_equal(pci_name_set(&name, PCI_NAME_ID, "1b36:0010"), 0);
	assert_int_equal(pci_name_set(&name, PCI_NAME_SERIAL, "S64FNX0R"), 0);
	assert_int_equal(pci_name_set(&name, PCI_NAME_PATH, "0000:00/01.0"), 0);
	assert_int_equal(pci_name_set(&name, PCI_NAME_BDF, BDF), 0);
	assert_true(pci_named_fits(&named, &name));
	assert_int_equal(pci_name_set(&name, PCI_NAME_ID, "1b36:0011"), 0);
	assert_false(pci_named_fits(&named, &name));
	assert_int_equal(pci_name_set(&name, PCI_NAME_ID, "1b36:0010"), 0);
	assert_int_equal(pci_name_set(&name, PCI_NAME_BDF, "0000:00:02.0"), 0);
	assert_false(pci_named_fits(&named, &name));
	bindhost_fini(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_typed_is_a_name_or_refused),
		cmocka_unit_test(test_a_path_that_is_too_long_is_refused),
		cmocka_unit_test(test_a_name_of_all_parts_is_told_in_order),
		cmocka_unit_test(test_a_path_is_the_way_down_from_the_root_bus),
		cmocka_unit_test(test_a_virtual_function_has_the_path_of_its_physical_one),
		cmocka_unit_test(test_a_disks_serial_is_trimmed_and_printable_or_none),
		cmocka_unit_test(test_a_disk_that_is_just_starting_is_waited_for),
		cmocka_unit_test(test_a_device_serial_number_is_read_whoever_has_the_function),
		cmocka_unit_test(test_a_device_serial_number_that_is_none_is_not_shown),
		cmocka_unit_test(test_a_circular_list_of_extended_capabilities_ends),
		cmocka_unit_test(test_mac_addresses_are_those_of_the_function_itself),
		cmocka_unit_test(test_in_a_bond_an_interface_is_named_by_the_address_that_it_had),
		cmocka_unit_test(test_of_more_addresses_than_are_kept_the_lowest_are),
		cmocka_unit_test(test_a_bound_function_keeps_the_names_that_its_driver_told),
		cmocka_unit_test(
			test_a_disk_that_is_bound_while_it_starts_is_recorded_with_its_serial),
		cmocka_unit_test(test_another_device_in_its_place_has_not_its_names),
		cmocka_unit_test(test_a_record_whose_names_are_damaged_has_none),
		cmocka_unit_test(test_what_only_a_driver_would_tell_is_known_to_be_unknown),
		cmocka_unit_test(test_all_parts_of_a_name_must_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
