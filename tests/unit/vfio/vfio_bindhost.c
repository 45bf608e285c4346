// SPDX-License-Identifier: MIT
/*
 * A kernel that binds drivers, after drivers/base/bus.c and drivers/pci/pci-driver.c:
 * driver_override decides alone where it is set, bind answers what probing said,
 * drivers_probe does not.
 */
#include "tests/unit/vfio/vfio_bindhost.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

static void function_path(const struct bindhost *h, const char *attr, char buf[128])
{
	(void)snprintf(buf, 128, "sys/devices/pci0000:00/%s/%s", h->bdf, attr);
}

const char *bindhost_driver_of(const struct bindhost *h, const char *name,
			       char buf[PCI_DRIVER_STRLEN])
{
	struct pci_function fn;
	struct pci_bdf bdf;

	assert_int_equal(pci_bdf_parse(name, &bdf), 0);
	assert_int_equal(pci_function_get(&h->tree.fs, &bdf, &fn), 0);
	return strcpy(buf, fn.driver);
}

const char *bindhost_driver(const struct bindhost *h, char buf[PCI_DRIVER_STRLEN])
{
	return bindhost_driver_of(h, h->bdf, buf);
}

const char *bindhost_override(const struct bindhost *h, char buf[64])
{
	char path[128];

	function_path(h, "driver_override", path);
	tree_read(&h->tree, path, buf, 64);
	if (!strcmp(buf, "(null)"))
		buf[0] = '\0';
	return buf;
}

bool bindhost_recorded(const struct bindhost *h)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "run/itsy/bound/%s", h->bdf);
	return tree_has(&h->tree, path);
}

static bool has_driver(const struct bindhost *h)
{
	char driver[PCI_DRIVER_STRLEN];

	return bindhost_driver(h, driver)[0];
}

/* Now, or after some naps. */
static void show_driver(struct bindhost *h, const char *driver)
{
	if (!h->late) {
		tree_set_driver(&h->tree, h->bdf, driver);
		return;
	}
	(void)snprintf(h->pending, sizeof(h->pending), "%s", driver);
	h->due = h->naps + h->late;
}

/* Does the driver want the function, by override or by its own table? */
static int probe_driver(struct bindhost *h, const char *driver)
{
	char override[64], path[128];
	bool vfio = !strcmp(driver, "vfio-pci");
	bool variant = h->variant_driver && !strcmp(driver, h->variant_driver);

	(void)snprintf(path, sizeof(path), "sys/bus/pci/drivers/%.63s", driver);
	if (!tree_has(&h->tree, path))
		return -ENODEV;
	bindhost_override(h, override);
	if (override[0] ? strcmp(override, driver) : strcmp(h->own_driver, driver))
		return -ENODEV;
	if (has_driver(h))
		return -EBUSY;
	if (vfio ? h->vfio_refuses : variant ? h->variant_refuses : h->own_refuses)
		return -EINVAL;
	show_driver(h, driver);
	return 0;
}

static int write_probe(struct bindhost *h)
{
	char override[64];

	bindhost_override(h, override);
	if (!has_driver(h))
		(void)probe_driver(h, override[0] ? override : h->own_driver);
	return 0;
}

static int write_override(struct bindhost *h, const char *text)
{
	char path[128];

	function_path(h, "driver_override", path);
	tree_write(&h->tree, path, !strcmp(text, "\n") ? "(null)\n" : text);
	return 0;
}

static int write_unbind(struct bindhost *h)
{
	char path[128];

	if (!has_driver(h))
		return -ENOENT;
	function_path(h, "driver", path);
	tree_remove(&h->tree, path);
	if (h->own_wins)
		tree_set_driver(&h->tree, h->bdf, h->own_driver);
	return 0;
}

static int take_effect(struct bindhost *h, const char *path, const char *text)
{
	char driver[64];
	unsigned used = h->writes - 1;
	char *step = h->steps[used];
	int end = 0;

	assert_true(used < BINDHOST_STEPS);
	if (sscanf(path, "/sys/bus/pci/drivers/%63[^/]/bind%n", driver, &end) == 1 && end) {
		(void)snprintf(step, 64, "bind %.40s", driver);
		assert_string_equal(text, h->bdf);
		return probe_driver(h, driver);
	}
	(void)snprintf(step, 64, "%.60s", strrchr(path, '/') + 1);
	if (!strcmp(step, "driver_override")) {
		(void)snprintf(step, 64, "override %.40s", strcmp(text, "\n") ? text : "");
		return write_override(h, text);
	}
	assert_string_equal(text, h->bdf);
	if (!strcmp(step, "unbind"))
		return write_unbind(h);
	assert_string_equal(path, "/sys/bus/pci/drivers_probe");
	return write_probe(h);
}

/* Of which function it is: of another one it takes effect as of the first. */
static int take_effect_somewhere(struct bindhost *h, const char *path, const char *text)
{
	const char *bdf = h->bdf, *own_driver = h->own_driver;
	int r;

	for (unsigned i = 0; i < h->nr_others; i++) {
		if (!strstr(path, h->others[i].bdf) && strcmp(text, h->others[i].bdf))
			continue;
		h->bdf = h->others[i].bdf;
		h->own_driver = h->others[i].own_driver;
	}
	r = take_effect(h, path, text);
	h->bdf = bdf;
	h->own_driver = own_driver;
	return r;
}

static int host_write(void *ctx, const char *path, const char *text)
{
	struct bindhost *h = ctx;
	size_t root = strlen(h->tree.fs.root);

	assert_memory_equal(path, h->tree.fs.root, root);
	if (h->writes++ == 0)
		h->recorded_first = bindhost_recorded(h);
	if (h->fail_at && h->writes == h->fail_at) {
		h->failed = true;
		return -h->fail_errno;
	}
	/* A process that died changes nothing; it is let run on to return here. */
	if (h->die_at && h->writes >= h->die_at)
		return -EIO;
	return take_effect_somewhere(h, path + root, text);
}

static int host_modprobe(void *ctx, const char *module)
{
	struct bindhost *h = ctx;

	h->modprobes++;
	if (h->no_module)
		return -ENOENT;
	if (h->variant_module && !strcmp(module, h->variant_module)) {
		char path[128];

		(void)snprintf(path, sizeof(path), "sys/bus/pci/drivers/%s", h->variant_driver);
		tree_dir(&h->tree, path);
		(void)snprintf(path, sizeof(path), "sys/module/%s/drivers/pci:%s", module,
			       h->variant_driver);
		tree_dir(&h->tree, path);
		return 0;
	}
	if (strcmp(module, "vfio-pci") != 0 && strcmp(module, "vfio_iommu_type1") != 0)
		return -ENOENT;
	if (!strcmp(module, "vfio-pci"))
		tree_dir(&h->tree, "sys/bus/pci/drivers/vfio-pci");
	else
		tree_write(&h->tree, "dev/vfio/vfio", "");
	return 0;
}

static int try_open(void *ctx, const char *path, int flags)
{
	struct bindhost *h = ctx;
	const char *name = path + strlen(h->tree.fs.root) + strlen("/dev/"), *at = h->claimed;
	size_t len = strlen(name);

	if (!strncmp(name, "vfio/", 5)) {
		assert_int_equal(flags, O_RDWR);
		h->group_opens++;
		return -h->group_errno;
	}
	/* A claim, and no write: daemons would be told of that. */
	assert_int_equal(flags, O_RDONLY | O_EXCL | O_NONBLOCK);
	for (; at && (at = strstr(at, name)); at += len) {
		if ((at == h->claimed || at[-1] == ' ') && strchr(" ", at[len]))
			return -EBUSY;
	}
	return 0;
}

static void host_nap(void *ctx, unsigned ms)
{
	struct bindhost *h = ctx;

	assert_in_range(ms, 1, 100);
	if (++h->naps == h->nvme_up_at) {
		char path[128];

		function_path(h, "nvme/nvme0/state", path);
		tree_write(&h->tree, path, "live\n");
	}
	if (h->on_nap)
		h->on_nap(h);
	if (h->pending[0] && h->naps >= h->due) {
		tree_set_driver(&h->tree, h->bdf, h->pending);
		h->pending[0] = '\0';
	}
}

static void addresses(void *ctx, const struct pci_host_fs *fs, const char *interface,
		      char ret_text[ADDRESSES_STRLEN])
{
	const struct bindhost *h = ctx;

	assert_ptr_equal(fs, &h->tree.fs);
	assert_non_null(interface);
	(void)snprintf(ret_text, ADDRESSES_STRLEN, "%s", h->addresses ? h->addresses : "");
}

void bindhost_init(struct bindhost *h, const char *bdf, const char *driver)
{
	const struct tree_function fn = {
		.bdf = bdf,
		.vendor = 0x1b36,
		.device = 0x0010,
		.class_code = 0x010802,
		.driver = driver,
		.group = 0,
	};

	memset(h, 0, sizeof(*h));
	h->host = (struct bind_host){
		.ctx = h,
		.write = host_write,
		.modprobe = host_modprobe,
		.try_open = try_open,
		.nap = host_nap,
		.addresses = addresses,
	};
	h->bdf = bdf;
	h->own_driver = "nvme";
	h->fail_errno = EACCES;
	tree_init(&h->tree);
	tree_add_function(&h->tree, &fn);
	tree_dir(&h->tree, "sys/bus/pci/drivers/nvme");
	tree_dir(&h->tree, "sys/bus/pci/drivers/vfio-pci");
	tree_write(&h->tree, "dev/vfio/vfio", "");
	tree_write(&h->tree, "dev/vfio/0", "");
	tree_dir(&h->tree, "run");
}

void bindhost_add(struct bindhost *h, const char *bdf, const char *own_driver, bool is_bridge)
{
	const struct tree_function fn = {
		.bdf = bdf,
		.vendor = 0x1b36,
		.device = 0x000e,
		.class_code = is_bridge ? 0x060400 : 0x020000,
		.driver = own_driver,
		.group = 0,
	};

	assert_true(h->nr_others < BINDHOST_OTHERS);
	h->others[h->nr_others++] = (struct bindhost_other){ bdf, own_driver };
	tree_add_function(&h->tree, &fn);
}

struct hostuse_sys bindhost_sys(struct bindhost *h)
{
	return (struct hostuse_sys){ h, try_open, host_nap, addresses };
}

void bindhost_fini(struct bindhost *h)
{
	tree_fini(&h->tree);
}
