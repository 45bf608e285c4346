// SPDX-License-Identifier: MIT
/*
 * itsy devices, bind and release, on a host that is a folder. Binding itself, and the making of
 * virtual functions, is played by this file; tests/unit/vfio/test_vfio_bind.c and
 * test_vfio_sriov.c have the real ones.
 */
#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/unit/base/capture.h"
#include "tests/unit/vfio/vfio_tree.h"
#include "vfio/bind.h"
#include "vfio/group.h"
#include "vfio/left.h"
#include "vfio/sriov.h"
#include "vitsmod/bits.h"
#include "vmm/cli/commands.h"

#define MAX_ARGS 80
#define PF	 "sys/devices/pci0000:00/0000:00:02.0"

static struct {
	struct host_tree tree;
	char bind_calls[512];	     /* the functions, in their order, '!' where forced */
	struct vfio_failure failure; /* the answer for function fails; code NONE: success */
	const char *fails;
	struct vfio_failure warning; /* with success */
	struct vfio_failure group_failure;
	bool left;
	struct capture said;
} w;

static int change(const struct pci_bdf *bdf, const char *driver, bool force,
		  struct vfio_failure *ret_failure)
{
	char name[PCI_BDF_STRLEN];

	(void)pci_bdf_format(bdf, name);
	strcat(w.bind_calls, name);
	strcat(w.bind_calls, force ? "! " : " ");
	if (w.fails && strcmp(w.fails, name) == 0) {
		*ret_failure = w.failure;
		return -w.failure.error;
	}
	tree_set_driver(&w.tree, name, driver);
	return 1;
}

int vfio_bind(const struct pci_host_fs *fs, const struct pci_bdf *bdf, unsigned flags,
	      struct vfio_failure *ret_failure)
{
	assert_string_equal(fs->root, w.tree.fs.root);
	if (flags & VFIO_BIND_PLAIN)
		strcat(w.bind_calls, "plain ");
	*ret_failure = w.warning;
	return change(bdf, "vfio-pci", flags & VFIO_BIND_FORCE, ret_failure);
}

int vfio_bind_listening(const struct pci_host_fs *fs, const struct pci_bdf *bdf, unsigned flags,
			const struct vfio_listener *listener, struct vfio_failure *ret_failure)
{
	(void)listener;
	return vfio_bind(fs, bdf, flags, ret_failure);
}

int vfio_release(const struct pci_host_fs *fs, const struct pci_bdf *bdf,
		 struct vfio_failure *ret_failure)
{
	assert_string_equal(fs->root, w.tree.fs.root);
	return change(bdf, "e1000e", false, ret_failure);
}

/* With w.left, 0000:00:02.0 was left bound by a process that is gone. */
int vfio_left_list(const struct pci_host_fs *fs, struct vfio_left ret_left[], size_t max)
{
	assert_string_equal(fs->root, w.tree.fs.root);
	assert_true(max >= 1);
	ret_left[0] = (struct vfio_left){ { .dev = 2 }, 812 };
	return w.left;
}

int vfio_left_give_back(const struct pci_host_fs *fs, const struct pci_bdf *bdf,
			struct vfio_failure *ret_failure)
{
	assert_string_equal(fs->root, w.tree.fs.root);
	strcat(w.bind_calls, "left ");
	return change(bdf, "nvme", false, ret_failure);
}

void vfio_left_wait(const struct pci_host_fs *fs, const struct pci_bdf *bdf)
{
	assert_string_equal(fs->root, w.tree.fs.root);
	assert_int_equal(bdf->dev, 2);
	strcat(w.bind_calls, "wait ");
}

/* 0000:00:02.0 may have any number: what it has of them are 00:02.1 and so on. */
int vfio_vfs_set(const struct pci_host_fs *fs, const struct pci_bdf *bdf, uint32_t nr,
		 struct vfio_failure *ret_failure)
{
	char name[PCI_BDF_STRLEN], path[128], call[40], was[8];

	assert_string_equal(fs->root, w.tree.fs.root);
	(void)snprintf(call, sizeof(call), "%s=%u ", pci_bdf_format(bdf, name), nr);
	strcat(w.bind_calls, call);
	if (w.failure.code) {
		*ret_failure = w.failure;
		return -w.failure.error;
	}
	tree_read(&w.tree, PF "/sriov_numvfs", was, sizeof(was));
	if ((uint32_t)atoi(was) == nr)
		return 0;
	(void)snprintf(path, sizeof(path), "%u\n", nr);
	tree_write(&w.tree, PF "/sriov_numvfs", path);
	for (uint32_t i = 1; i <= nr; i++) {
		const struct tree_function vf = { name, 0x1b36, 0x0011, 0x010802, NULL,
						  -1,	NULL,	0,	"flr" };

		(void)snprintf(name, sizeof(name), "0000:00:02.%u", i);
		tree_add_function(&w.tree, &vf);
		(void)snprintf(path, sizeof(path), "sys/devices/pci0000:00/%s/physfn", name);
		tree_link(&w.tree, path, "../0000:00:02.0");
	}
	return 1;
}

/* In the group of 0000:00:03.1 there is 0000:00:03.0. */
int vfio_group_take(const struct pci_host_fs *fs, const struct pci_bdf *bdf,
		    const struct vfio_group_ops *ops, struct vfio_failure *ret_failure)
{
	const struct pci_bdf other = { .dev = 3 };
	struct pci_function was;

	assert_string_equal(fs->root, w.tree.fs.root);
	if (bdf->dev != 3 || bdf->fn != 1)
		return 0;
	if (w.group_failure.code) {
		*ret_failure = w.group_failure;
		return -w.group_failure.error;
	}
	assert_int_equal(pci_function_get(fs, &other, &was), 0);
	if (strcmp(was.driver, "vfio-pci") == 0)
		return 0;
	tree_set_driver(&w.tree, "0000:00:03.0", "vfio-pci");
	ops->took(ops->ctx, &was);
	return 0;
}

/* A capability list of MSI (4 vectors) and MSI-X (65). */
static void config_space(uint8_t config[256], uint8_t header_type)
{
	memset(config, 0, 256);
	config[0x06] = 0x10; /* Status: there are capabilities */
	config[0x0e] = header_type;
	config[0x34] = 0x40;
	config[0x40] = 0x05;
	config[0x41] = 0x60;
	config[0x42] = 2 << 1;
	config[0x60] = 0x11;
	config[0x62] = 64;
}

static int make(void **state)
{
	uint8_t endpoint[256], bridge[256], bare[256] = { 0 };
	const struct tree_function functions[] = {
		{ "0000:00:00.0", 0x1b36, 0x0008, 0x060000, NULL, 0, bare, 256, NULL },
		{ "0000:00:01.0", 0x1b36, 0x000c, 0x060400, "pcieport", 0, bridge, 256, NULL },
		{ "0000:00:02.0", 0x1b36, 0x0010, 0x010802, "nvme", 2, endpoint, 256, "flr" },
		{ "0000:00:03.0", 0x8086, 0x10d3, 0x020000, "e1000e", 3, endpoint, 256, "flr pm" },
		{ "0000:00:03.1", 0x8086, 0x10d3, 0x020000, "vfio-pci", 3, endpoint, 256, "flr" },
		{ "0000:00:04.0", 0x1234, 0x11e8, 0xff0000, NULL, -1, bare, 256, NULL },
	};

	(void)state;
	config_space(endpoint, 0);
	config_space(bridge, 1);
	memset(&w, 0, sizeof(w));
	tree_init(&w.tree);
	for (size_t i = 0; i < ARRAY_SIZE(functions); i++)
		tree_add_function(&w.tree, &functions[i]);
	tree_write(&w.tree, PF "/sriov_totalvfs", "7\n");
	tree_write(&w.tree, PF "/sriov_numvfs", "0\n");
	return 0;
}

static int unmake(void **state)
{
	(void)state;
	tree_fini(&w.tree);
	return 0;
}

/* Run a command with --root of the tree; the words of line follow. */
static enum exit_status run(enum exit_status (*command)(int, char **), const char *name,
			    const char *line)
{
	char text[2048], *argv[MAX_ARGS + 1], *save;
	enum exit_status status;
	int argc = 0;

	(void)snprintf(text, sizeof(text), "%s --root %s %s", name, w.tree.fs.root, line);
	for (char *word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		assert_true(argc < MAX_ARGS);
		argv[argc++] = word;
	}
	argv[argc] = NULL;
	capture_begin(&w.said);
	status = command(argc, argv);
	capture_end(&w.said);
	return status;
}

/* The capabilities are shown to root alone; elsewhere '?' stands for the counts. */
static bool is_root(void)
{
	return geteuid() == 0;
}

static void test_table_is_aligned_and_says_what_blocks_a_group(void **state)
{
	static const char root[] = "BDF           VENDOR:DEV  CLASS     DRIVER    GROUP  "
				   "VIABLE                     MSI  MSI-X  RESET   VFS\n"
				   "0000:00:02.0  1b36:0010   NVMe      nvme      2      "
				   "yes                        4    65     flr     0/7\n"
				   "0000:00:03.0  8086:10d3   Ethernet  e1000e    3      "
				   "yes                        4    65     flr pm  -\n"
				   "0000:00:03.1  8086:10d3   Ethernet  vfio-pci  3      "
				   "no: 0000:00:03.0 (e1000e)  4    65     flr     -\n"
				   "0000:00:04.0  1234:11e8   Other     -         -      "
				   "yes                        -    -      none    -\n";

	(void)state;
	assert_int_equal(run(cmd_devices, "devices", ""), ITSY_OK);
	assert_string_equal(w.said.err, "");
	if (is_root())
		assert_string_equal(w.said.out, root);
	else
		assert_non_null(strstr(
			w.said.out, "no: 0000:00:03.0 (e1000e)         ?    ?      flr     -\n"));
}

static void test_what_was_left_bound_is_given_back_first(void **state)
{
	static const char told[] = "itsy: 0000:00:02.0: itsy (process 812) was killed and left it "
				   "bound: given back to nvme\n";

	(void)state;
	w.left = true;
	tree_set_driver(&w.tree, "0000:00:02.0", "vfio-pci");
	assert_int_equal(run(cmd_devices, "devices", ""), ITSY_OK);
	assert_string_equal(w.said.err, told);
	assert_non_null(strstr(w.said.out, "NVMe      nvme "));
	assert_int_equal(run(cmd_bind, "bind", "0000:00:04.0"), ITSY_OK);
	assert_string_equal(w.said.err, told);
	(void)run(cmd_check, "check", "");
	assert_string_equal(w.said.err, told);
	/* What they are about is theirs to bind and to give back. */
	w.bind_calls[0] = '\0';
	assert_int_equal(run(cmd_bind, "bind", "0000:00:02.0"), ITSY_OK);
	assert_int_equal(run(cmd_release, "release", "0000:00:02.0"), ITSY_OK);
	assert_string_equal(w.bind_calls, "wait 0000:00:02.0 wait 0000:00:02.0 ");
}

static void test_bridges_are_listed_on_request(void **state)
{
	(void)state;
	assert_int_equal(run(cmd_devices, "devices", "--all"), ITSY_OK);
	assert_non_null(strstr(w.said.out, "\n0000:00:00.0  1b36:0008   Host bridge"));
	assert_non_null(strstr(w.said.out, "\n0000:00:01.0  1b36:000c   PCI bridge"));
	assert_non_null(strstr(w.said.out, "\n0000:00:02.0"));
}

static json_t *json_of_devices(const char *line)
{
	json_t *root, *list;

	assert_int_equal(run(cmd_devices, "devices", line), ITSY_OK);
	root = json_loads(w.said.out, 0, NULL);
	assert_non_null(root);
	assert_int_equal(json_integer_value(json_object_get(root, "schema")), 1);
	list = json_incref(json_object_get(root, "devices"));
	json_decref(root);
	assert_true(json_is_array(list));
	return list;
}

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static void test_json_has_the_same_rows_for_programs(void **state)
{
	json_t *list = json_of_devices("--json"), *d;

	(void)state;
	assert_int_equal(json_array_size(list), 4);
	d = json_array_get(list, 2);
	assert_string_equal(text_of(d, "bdf"), "0000:00:03.1");
	assert_string_equal(text_of(d, "vendor"), "0x8086");
	assert_string_equal(text_of(d, "device"), "0x10d3");
	assert_string_equal(text_of(d, "class"), "0x020000");
	assert_string_equal(text_of(d, "class_name"), "Ethernet");
	assert_string_equal(text_of(d, "driver"), "vfio-pci");
	assert_true(json_is_false(json_object_get(d, "bridge")));
	assert_true(json_is_false(json_object_get(d, "viable")));
	assert_string_equal(text_of(d, "blocker"), "0000:00:03.0");
	assert_string_equal(text_of(d, "blocker_driver"), "e1000e");
	assert_non_null(strstr(text_of(d, "why_not"), "its IOMMU group is not viable"));
	assert_int_equal(json_integer_value(json_object_get(d, "group")), 3);
	assert_string_equal(text_of(d, "reset"), "flr");
	if (is_root()) {
		assert_int_equal(json_integer_value(json_object_get(d, "msi_vectors")), 4);
		assert_int_equal(json_integer_value(json_object_get(d, "msix_vectors")), 65);
	} else {
		assert_true(json_is_null(json_object_get(d, "msix_vectors")));
	}

	d = json_array_get(list, 3);
	assert_null(json_object_get(d, "driver"));
	assert_null(json_object_get(d, "blocker"));
	assert_true(json_is_null(json_object_get(d, "group")));
	assert_true(json_is_true(json_object_get(d, "viable")));
	assert_string_equal(text_of(d, "reset"), "none");
	json_decref(list);

	list = json_of_devices("--json --all");
	assert_int_equal(json_array_size(list), 6);
	assert_true(json_is_true(json_object_get(json_array_get(list, 1), "bridge")));
	json_decref(list);
}

/* Below a bridge are three, which have no reset but that of all. */
static void test_a_slots_reset_names_who_shares_it(void **state)
{
	static const char *const names[] = { "0000:01:00.0", "0000:01:00.1", "0000:01:00.2" };
	char link[64], place[64];
	json_t *list;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const struct tree_function fn = { names[i], 0x1234, 0x11e8, 0xff0000, NULL,
						  5,	    NULL,   0,	    "\n" };

		tree_add_function(&w.tree, &fn);
		(void)snprintf(link, sizeof(link), "sys/bus/pci/devices/%s", names[i]);
		(void)snprintf(place, sizeof(place), "../../../devices/pci0000:00/0000:00:01.0/%s",
			       names[i]);
		tree_remove(&w.tree, link);
		tree_link(&w.tree, link, place);
		(void)snprintf(link, sizeof(link), "sys/devices/pci0000:00/0000:00:01.0/%s",
			       names[i]);
		(void)snprintf(place, sizeof(place), "../%s", names[i]);
		tree_link(&w.tree, link, place);
		if (i == 0)
			continue;
		assert_int_equal(run(cmd_devices, "devices", ""), ITSY_OK);
		assert_non_null(strstr(w.said.out, i == 1 ? "  bus (with 0000:01:00.1) "
							  : "  bus (with 2 others) "));
	}
	list = json_of_devices("--json");
	assert_string_equal(text_of(json_array_get(list, 4), "reset"), "bus");
	assert_int_equal(
		json_integer_value(json_object_get(json_array_get(list, 4), "reset_others")), 2);
	json_decref(list);
}

/* As itsy run would find them. On a terminal no line is wider than that, and reasons are behind. */
static void test_what_the_host_uses_is_not_viable(void **state)
{
	(void)state;
	tree_write(&w.tree, "sys/devices/pci0000:00/0000:00:03.0/net/eth7/operstate", "up\n");
	tree_link(&w.tree, "sys/class/net/eth7", "../../devices/pci0000:00/0000:00:03.0/net/eth7");
	assert_int_equal(run(cmd_devices, "devices", ""), ITSY_OK);
	assert_non_null(strstr(w.said.out, "  3      no: the host is using it: eth7 "));
	assert_int_equal(setenv("COLUMNS", "60", 1), 0);
	assert_int_equal(run(cmd_devices, "devices", ""), ITSY_OK);
	assert_int_equal(unsetenv("COLUMNS"), 0);
	for (const char *p = w.said.out; *p; p += strcspn(p, "\n") + 1)
		assert_true(strcspn(p, "\n") <= 60);
	assert_non_null(strstr(w.said.out, " 3     no "));
	assert_non_null(strstr(w.said.out, "\n(too narrow for: "));
	assert_non_null(strstr(w.said.out, "\n0000:00:03.0: the host is using it: eth7\n"));
	assert_non_null(strstr(w.said.out, "\n0000:00:03.1: 0000:00:03.0 (e1000e)\n"));
}

static void add_names(void)
{
	tree_write(&w.tree, "sys/devices/pci0000:00/0000:00:02.0/nvme/nvme0/state", "live\n");
	tree_write(&w.tree, "sys/devices/pci0000:00/0000:00:02.0/nvme/nvme0/serial",
		   "a \"b\" \\ ${c}   \n");
	tree_write(&w.tree, "sys/devices/pci0000:00/0000:00:03.0/net/eth0/addr_assign_type", "0\n");
	tree_write(&w.tree, "sys/devices/pci0000:00/0000:00:03.0/net/eth0/address",
		   "52:54:00:12:34:56\n");
}

/* Each line is one that a configuration can have. */
static void test_names_are_lines_for_a_configuration(void **state)
{
	static const char want[] =
		"# 0000:00:02.0: NVMe\npath = \"0000:00/02.0\"\npci-id = \"1b36:0010\"\n"
		"serial = \"a \\\"b\\\" \\\\ \\${c}\"\n"
		"# 0000:00:03.0: Ethernet\npath = \"0000:00/03.0\"\n"
		"pci-id = \"8086:10d3\"\t# and of 1 other\nmac = \"52:54:00:12:34:56\"\n"
		"# 0000:00:03.1: Ethernet\npath = \"0000:00/03.1\"\n"
		"pci-id = \"8086:10d3\"\t# and of 1 other\n"
		"# its MAC address is not known while it is bound to vfio-pci\n"
		"# 0000:00:04.0: Other\npath = \"0000:00/04.0\"\npci-id = \"1234:11e8\"\n";

	(void)state;
	add_names();
	assert_int_equal(run(cmd_devices, "devices", "--names"), ITSY_OK);
	assert_string_equal(w.said.out, want);
	assert_int_equal(run(cmd_devices, "devices", "--names --all"), ITSY_OK);
	assert_non_null(
		strstr(w.said.out, "# 0000:00:01.0: PCI bridge\npath = \"0000:00/01.0\"\n"));
}

static void test_json_has_the_names(void **state)
{
	json_t *list, *d;

	(void)state;
	add_names();
	list = json_of_devices("--json");
	d = json_array_get(list, 0);
	assert_string_equal(text_of(d, "path"), "0000:00/02.0");
	assert_string_equal(json_string_value(json_array_get(json_object_get(d, "serials"), 0)),
			    "a \"b\" \\ ${c}");
	assert_int_equal(json_array_size(json_object_get(d, "macs")), 0);
	d = json_array_get(list, 1);
	assert_string_equal(json_string_value(json_array_get(json_object_get(d, "macs"), 0)),
			    "52:54:00:12:34:56");
	json_decref(list);
}

static void test_bind_and_release_take_names(void **state)
{
	(void)state;
	add_names();
	assert_int_equal(run(cmd_bind, "bind", "mac=52:54:00:12:34:56 path=0000:00/02.0"), ITSY_OK);
	assert_string_equal(w.bind_calls, "0000:00:03.0 0000:00:02.0 ");
	assert_int_equal(run(cmd_release, "release", "pci-id=1b36:0010 bdf=00:03.1"), ITSY_OK);
	assert_string_equal(w.bind_calls, "0000:00:03.0 0000:00:02.0 0000:00:02.0 0000:00:03.1 ");
}

static void test_bind_takes_the_driver_that_is_asked_for(void **state)
{
	(void)state;
	assert_int_equal(run(cmd_bind, "bind", "--driver vfio-pci 00:02.0"), ITSY_OK);
	assert_int_equal(run(cmd_bind, "bind", "--driver auto 00:03.0"), ITSY_OK);
	assert_string_equal(w.bind_calls, "plain 0000:00:02.0 0000:00:03.0 ");
	assert_int_equal(run(cmd_bind, "bind", "--driver nvme 00:03.0"), ITSY_USAGE);
	assert_non_null(strstr(w.said.err, "--driver is auto or vfio-pci, not 'nvme'"));
}

static void test_a_variant_that_does_not_take_a_function_is_a_warning(void **state)
{
	(void)state;
	w.warning = (struct vfio_failure){ .code = VFIO_FAILURE_VARIANT,
					   .error = ENODEV,
					   .object = "0000:00:02.0",
					   .driver = "mlx5_vfio_pci" };
	assert_int_equal(run(cmd_bind, "bind", "00:02.0"), ITSY_OK);
	assert_string_equal(w.said.out, "0000:00:02.0: nvme -> vfio-pci\n");
	assert_non_null(
		strstr(w.said.err, "itsy: warning: 0000:00:02.0: mlx5_vfio_pci, the driver "));
}

static void add_variant(void)
{
	tree_write(&w.tree, "proc/sys/kernel/osrelease", "6.12\n");
	tree_write(&w.tree, "lib/modules/6.12/modules.alias",
		   "alias vfio_pci:v*d*sv*sd*bc*sc*i* vfio_pci\n"
		   "alias vfio_pci:v00001B36d*sv*sd*bc*sc*i* mlx5_vfio_pci\n");
	tree_write(&w.tree, "sys/devices/pci0000:00/0000:00:02.0/modalias",
		   "pci:v00001B36d00000010sv00001AF4sd00001100bc01sc08i02\n");
}

static void test_the_driver_that_a_guest_would_have_it_by_is_told(void **state)
{
	json_t *list;

	(void)state;
	add_variant();
	assert_int_equal(run(cmd_devices, "devices", ""), ITSY_OK);
	assert_non_null(strstr(w.said.out, "  nvme      2      yes (mlx5_vfio_pci)  "));
	list = json_of_devices("--json");
	assert_string_equal(text_of(json_array_get(list, 0), "vfio_driver"), "mlx5_vfio_pci");
	assert_string_equal(text_of(json_array_get(list, 1), "vfio_driver"), "vfio-pci");
	json_decref(list);
}

/* Nothing is touched before all are found. */
static void test_a_name_of_none_or_of_several_touches_nothing(void **state)
{
	(void)state;
	add_names();
	assert_int_equal(run(cmd_bind, "bind", "00:02.0 pci-id=8086:10d3 serial=a"),
			 ITSY_ENVIRONMENT);
	assert_non_null(strstr(w.said.err, "itsy: error: pci-id = \"8086:10d3\": 2 functions have "
					   "pci-id = \"8086:10d3\": 0000:00:03.0, 0000:00:03.1: "));
	assert_non_null(strstr(w.said.err, "itsy: error: serial = \"a\": no function has"));
	assert_string_equal(w.bind_calls, "");
}

static void test_virtual_functions_are_made_and_listed(void **state)
{
	static const char heading[] =
		"BDF           VENDOR:DEV  CLASS  DRIVER  GROUP  VIABLE  MSI  "
		"MSI-X  RESET  VFS\n";
	const json_t *d;
	json_t *list;

	(void)state;
	assert_int_equal(run(cmd_devices, "devices", "--create-vfs 2 00:02.0"), ITSY_OK);
	assert_string_equal(w.bind_calls, "0000:00:02.0=2 ");
	assert_string_equal(w.said.err, "");
	assert_memory_equal(w.said.out, heading, strlen(heading));
	assert_non_null(strstr(w.said.out, "\n0000:00:02.1  1b36:0011   NVMe   -       -"));
	assert_non_null(strstr(w.said.out, "\n0000:00:02.2 "));
	assert_non_null(strstr(w.said.out, "  flr    of 0000:00:02.0\n"));
	assert_null(strstr(w.said.out, "\n0000:00:02.0"));
	assert_null(strstr(w.said.out, "\n0000:00:03.0"));

	list = json_of_devices("--json --create-vfs 2 00:02.0");
	assert_int_equal(json_array_size(list), 2);
	d = json_array_get(list, 1);
	assert_string_equal(text_of(d, "bdf"), "0000:00:02.2");
	assert_string_equal(text_of(d, "vf_of"), "0000:00:02.0");
	json_decref(list);

	list = json_of_devices("--json");
	assert_int_equal(json_array_size(list), 6);
	d = json_array_get(list, 0);
	assert_int_equal(json_integer_value(json_object_get(d, "vfs")), 2);
	assert_int_equal(json_integer_value(json_object_get(d, "vfs_max")), 7);
	assert_null(json_object_get(d, "vf_of"));
	assert_true(json_is_false(json_object_get(d, "viable")));
	assert_string_equal(text_of(d, "why_not"), "it has virtual functions: 2");
	json_decref(list);
}

static void test_virtual_functions_that_go_are_told(void **state)
{
	(void)state;
	assert_int_equal(run(cmd_devices, "devices", "--create-vfs 0 00:02.0"), ITSY_OK);
	assert_string_equal(w.said.out, "0000:00:02.0: it has no virtual functions\n");
	tree_write(&w.tree, PF "/sriov_numvfs", "1\n");
	assert_int_equal(run(cmd_devices, "devices", "--create-vfs 0 00:02.0"), ITSY_OK);
	assert_string_equal(w.said.out, "0000:00:02.0: its virtual functions are gone\n");
	w.failure = (struct vfio_failure){ .code = VFIO_FAILURE_TAKEN,
					   .error = EBUSY,
					   .object = "0000:00:02.1" };
	assert_int_equal(run(cmd_devices, "devices", "--create-vfs 0 00:02.0"), ITSY_ENVIRONMENT);
	assert_non_null(strstr(w.said.err, "itsy: error: 0000:00:02.1: itsy has bound it for a "
					   "guest: end the guest"));
	assert_string_equal(w.said.out, "");
}

static void test_virtual_functions_of_whom_has_to_be_said(void **state)
{
	static const struct {
		const char *line, *want;
	} cases[] = {
		{ "--create-vfs 2", "--create-vfs needs the address of a function" },
		{ "--create-vfs 2 eth0", "'eth0' is not the address" },
		{ "--create-vfs 2 00:02.0 00:03.0",
		  "--create-vfs takes one function, and '00:03.0' is more" },
		{ "--create-vfs 65536 00:02.0", "a number from 0 to 65535, not '65536'" },
		{ "00:02.0", "it lists all functions, and takes no '00:02.0': itsy help devices" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(run(cmd_devices, "devices", cases[i].line), ITSY_USAGE);
		assert_non_null(strstr(w.said.err, cases[i].want));
	}
	assert_string_equal(w.bind_calls, "");
}

static void test_class_names_of_subclasses_and_of_bases(void **state)
{
	static const struct {
		const char *bdf;
		uint32_t class_code;
		const char *name;
	} cases[] = {
		{ "0000:10:00.0", 0x010601, "SATA" },
		{ "0000:10:01.0", 0x01ff00, "Storage" },
		{ "0000:10:02.0", 0x020700, "InfiniBand" },
		{ "0000:10:03.0", 0x030200, "Display" },
		{ "0000:10:04.0", 0x0c0330, "USB" },
		{ "0000:10:05.0", 0x120000, "Accelerator" },
		{ "0000:10:06.0", 0x130000, "Other" },
		{ "0000:10:07.0", 0x000000, "Old" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct tree_function fn = { cases[i].bdf, 1,  2,	  cases[i].class_code,
						  NULL,		-1, NULL, 0,
						  NULL };

		tree_add_function(&w.tree, &fn);
	}
	assert_int_equal(run(cmd_devices, "devices", ""), ITSY_OK);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char part[64];

		(void)snprintf(part, sizeof(part), "%s  0001:0002   %s ", cases[i].bdf,
			       cases[i].name);
		if (!strstr(w.said.out, part))
			fail_msg("no '%s' in\n%s", part, w.said.out);
	}
}

static void test_a_host_without_functions_says_so(void **state)
{
	(void)state;
	tree_fini(&w.tree);
	tree_init(&w.tree);
	tree_dir(&w.tree, "/sys/bus/pci/devices");
	assert_int_equal(run(cmd_devices, "devices", ""), ITSY_OK);
	assert_string_equal(w.said.out, "");
	assert_non_null(strstr(w.said.err, "no PCI function"));
	assert_int_equal(run(cmd_devices, "devices", "--json"), ITSY_OK);
	assert_non_null(strstr(w.said.out, "\"devices\": []"));
}

static void test_a_root_that_is_too_long_is_refused(void **state)
{
	char line[300] = "--root ";

	(void)state;
	memset(line + 7, 'x', 200);
	line[207] = '\0';
	assert_int_equal(run(cmd_devices, "devices", line), ITSY_USAGE);
	assert_non_null(strstr(w.said.err, "--root: the path is longer"));
	assert_int_equal(run(cmd_bind, "bind", line), ITSY_USAGE);
}

static void test_bind_tells_what_became_of_each_function(void **state)
{
	(void)state;
	assert_int_equal(run(cmd_bind, "bind", "00:02.0 0000:00:03.0 0000:00:03.1"), ITSY_OK);
	assert_string_equal(w.said.out, "0000:00:02.0: nvme -> vfio-pci\n"
					"0000:00:03.0: e1000e -> vfio-pci\n"
					"0000:00:03.1: vfio-pci already\n");
	assert_string_equal(w.said.err, "");
	assert_string_equal(w.bind_calls, "0000:00:02.0 0000:00:03.0 0000:00:03.1 ");
}

static void test_bind_tells_what_it_took_of_the_group(void **state)
{
	(void)state;
	assert_int_equal(run(cmd_bind, "bind", "00:03.1"), ITSY_OK);
	assert_string_equal(w.said.out, "0000:00:03.1: vfio-pci already\n"
					"0000:00:03.0: e1000e -> vfio-pci, of the group of "
					"0000:00:03.1\n");
	assert_string_equal(w.said.err, "");
}

static void test_bind_says_why_the_group_cannot_be_taken(void **state)
{
	(void)state;
	w.group_failure = (struct vfio_failure){ .code = VFIO_FAILURE_GROUP_IN_USE,
						 .error = EBUSY,
						 .object = "0000:00:03.1",
						 .other = "0000:00:03.0 (eth0)" };
	assert_int_equal(run(cmd_bind, "bind", "00:03.1"), ITSY_ENVIRONMENT);
	assert_non_null(strstr(w.said.err, "itsy: error: 0000:00:03.1: its IOMMU group has "
					   "0000:00:03.0 (eth0), which the host is using: "));
	/* What was not bound needs no group. */
	w.fails = "0000:00:03.1";
	w.failure = w.group_failure;
	tree_set_driver(&w.tree, "0000:00:03.1", "e1000e");
	assert_int_equal(run(cmd_bind, "bind", "00:03.1"), ITSY_ENVIRONMENT);
	assert_null(strstr(strstr(w.said.err, "itsy: error") + 1, "itsy: error"));
}

static void test_bind_forces_where_it_is_told_to(void **state)
{
	(void)state;
	assert_int_equal(run(cmd_bind, "bind", "--force 00:02.0"), ITSY_OK);
	assert_string_equal(w.bind_calls, "0000:00:02.0! ");
}

static void test_bind_goes_on_after_a_failure_and_returns_it(void **state)
{
	(void)state;
	w.fails = "0000:00:02.0";
	w.failure = (struct vfio_failure){ .code = VFIO_FAILURE_IN_USE_BY_HOST,
					   .error = EBUSY,
					   .object = "0000:00:02.0",
					   .other = "nvme0n1p1 is mounted on /" };
	assert_int_equal(run(cmd_bind, "bind", "00:02.0 00:03.0"), ITSY_ENVIRONMENT);
	assert_non_null(strstr(w.said.err, "itsy: error: 0000:00:02.0: the host is using it: "
					   "nvme0n1p1 is mounted on /: "));
	assert_string_equal(w.said.out, "0000:00:03.0: e1000e -> vfio-pci\n");
}

static void test_release_tells_what_became_of_each_function(void **state)
{
	(void)state;
	assert_int_equal(run(cmd_release, "release", "0000:00:03.1 00:04.0"), ITSY_OK);
	assert_string_equal(w.said.out, "0000:00:03.1: vfio-pci -> e1000e\n"
					"0000:00:04.0: no driver -> e1000e\n");
	w.fails = "0000:00:03.1";
	w.failure = (struct vfio_failure){ .code = VFIO_FAILURE_PERMISSION,
					   .error = EACCES,
					   .object = "0000:00:03.1" };
	assert_int_equal(run(cmd_release, "release", "0000:00:03.1"), ITSY_ENVIRONMENT);
	assert_non_null(strstr(w.said.err, "run itsy as root"));
}

static void test_wrong_words_touch_nothing(void **state)
{
	static const struct {
		const char *line, *want;
	} cases[] = {
		{ "", "which function?" },
		{ "00:03.0 eth0", "'eth0' is not the address of a PCI function" },
		{ "00:03.0 00:20.0", "'00:20.0' is not the address" },
		{ "--frob 00:03.0", "unknown option --frob" },
		{ "mac=52:54", "'mac=52:54' is not the address of a PCI function such as" },
		{ "name=disk", "'name=disk' is not the address" },
	};
	char many[1024] = "";

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(run(cmd_bind, "bind", cases[i].line), ITSY_USAGE);
		assert_non_null(strstr(w.said.err, cases[i].want));
		assert_int_equal(run(cmd_release, "release", cases[i].line), ITSY_USAGE);
		assert_non_null(strstr(w.said.err, cases[i].want));
	}
	assert_int_equal(run(cmd_release, "release", "--force 00:03.0"), ITSY_USAGE);
	assert_non_null(strstr(w.said.err, "release: unknown option --force"));
	for (int i = 0; i < 65; i++)
		strcat(many, "00:03.0 ");
	assert_int_equal(run(cmd_bind, "bind", many), ITSY_USAGE);
	assert_non_null(strstr(w.said.err, "more than 64 functions"));
	assert_string_equal(w.bind_calls, "");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make, unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_table_is_aligned_and_says_what_blocks_a_group),
		TEST(test_what_was_left_bound_is_given_back_first),
		TEST(test_bridges_are_listed_on_request),
		TEST(test_json_has_the_same_rows_for_programs),
		TEST(test_a_slots_reset_names_who_shares_it),
		TEST(test_what_the_host_uses_is_not_viable),
		TEST(test_virtual_functions_are_made_and_listed),
		TEST(test_virtual_functions_that_go_are_told),
		TEST(test_virtual_functions_of_whom_has_to_be_said),
		TEST(test_class_names_of_subclasses_and_of_bases),
		TEST(test_a_host_without_functions_says_so),
		TEST(test_a_root_that_is_too_long_is_refused),
		TEST(test_bind_tells_what_became_of_each_function),
		TEST(test_bind_tells_what_it_took_of_the_group),
		TEST(test_bind_says_why_the_group_cannot_be_taken),
		TEST(test_bind_forces_where_it_is_told_to),
		TEST(test_bind_goes_on_after_a_failure_and_returns_it),
		TEST(test_release_tells_what_became_of_each_function),
		TEST(test_names_are_lines_for_a_configuration),
		TEST(test_json_has_the_names),
		TEST(test_bind_and_release_take_names),
		TEST(test_a_name_of_none_or_of_several_touches_nothing),
		TEST(test_bind_takes_the_driver_that_is_asked_for),
		TEST(test_a_variant_that_does_not_take_a_function_is_a_warning),
		TEST(test_the_driver_that_a_guest_would_have_it_by_is_told),
		TEST(test_wrong_words_touch_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
