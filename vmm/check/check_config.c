// SPDX-License-Identifier: MIT
/*
 * itsy check CONFIG: what a configuration asks of the host.
 *
 * Kernel and initrd, or firmware, are loaded as itsy run would load them, into memory that is
 * thrown away: what is said of them is what would happen.
 *
 * No locks.
 */
#include "vmm/check/check.h"

#include <errno.h>
#include <string.h>

#include "vfio/bar_look.h"
#include "vfio/variant.h"
#include "vmm/base/hostmem.h"
#include "vmm/base/table.h"
#include "vmm/config/config_place.h"
#include "vmm/control/client.h"
#include "vmm/control/control_socket.h"
#include "vmm/dev/passthru.h"
#include "vmm/kvm/gmem.h"
#include "vmm/machine/guest_memory.h"
#include "vmm/machine/loader.h"

/* One line has them all, and what cures each of them. */
static void say_doubts(const struct loaded *loaded, struct check_result *ret)
{
	char text[sizeof(ret->text)] = "", cure[sizeof(ret->cure)] = "";

	for (size_t i = 0; i < loaded->nr_doubts; i++) {
		const struct failure *doubt = &loaded->doubts[i];
		size_t at = strlen(text), cure_at = strlen(cure);

		(void)snprintf(text + at, sizeof(text) - at, "%s%s: %s", i ? "; " : "",
			       doubt->object, doubt->cause);
		if (!strstr(cure, doubt->cure))
			(void)snprintf(cure + cure_at, sizeof(cure) - cure_at, "%s%s",
				       cure_at ? "; " : "", doubt->cure);
	}
	check_say(ret, VERDICT_WARN, cure, "%s", text);
}

void check_files(const struct check_host *host, struct check_result *ret)
{
	const struct config *c = host->config;
	_cleanup_(gmem_fini) struct gmem mem = { 0 };
	struct failure failure = { 0 };
	struct guest_memory_map map;
	struct loader_wish wish;
	struct loaded loaded;
	int r;

	/* Where memory has no place, check_memory_map() says so. */
	if (!c || guest_memory_place(c, &host->fs, NULL, &map, &failure) < 0) {
		ret->verdict = VERDICT_NONE;
		return;
	}
	r = gmem_init_banks(&mem, map.ram.banks, map.ram.nr, 0);
	if (r < 0) {
		check_say(ret, VERDICT_FAIL, "give the guest less memory",
			  "%llu MiB of memory cannot be had: %s",
			  (unsigned long long)(c->memory / MiB), strerror(-r));
		return;
	}
	wish = loader_wish_of(c);
	r = loader_load(&mem, &wish, &loaded, &failure);
	if (r < 0)
		check_say(ret, VERDICT_FAIL,
			  failure.cure[0] ? failure.cure : "see the file and its permissions",
			  "%s: %s", failure.object, failure.cause);
	else if (loaded.nr_doubts)
		say_doubts(&loaded, ret);
	else if (wish.firmware)
		check_say(ret, VERDICT_PASS, NULL, "%llu KiB of firmware, which starts from a disk",
			  (unsigned long long)((loaded.kernel_end - loaded.kernel) / KiB));
	else
		check_say(ret, VERDICT_PASS, NULL, "%llu MiB of kernel, %llu MiB of initrd",
			  (unsigned long long)((loaded.kernel_end - loaded.kernel) / MiB),
			  (unsigned long long)((loaded.initrd_end - loaded.initrd) / MiB));
}

void check_memory(const struct check_host *host, struct check_result *ret)
{
	const struct config *c = host->config;
	struct failure failure = { 0 };
	unsigned long long mib, available;
	char page[TABLE_SIZE_SZ];
	int r;

	if (!c) {
		ret->verdict = VERDICT_NONE;
		return;
	}
	r = guest_memory_find(c, host->fs.root, &failure);
	mib = c->memory / MiB;
	available = hostmem_get(host->fs.root, "MemAvailable") / MiB;
	if (r < 0)
		check_say(ret, VERDICT_FAIL, failure.cure, "%s", failure.cause);
	else if (r == GUEST_MEMORY_SHORT)
		check_say(ret, VERDICT_WARN, failure.cure, "%s", failure.cause);
	else if (c->huge_page)
		check_say(ret, VERDICT_PASS, NULL, "%llu MiB in huge pages of %s", mib,
			  table_size(c->huge_page, page));
	else
		check_say(ret, VERDICT_PASS, NULL, "the guest has %llu MiB, and %llu MiB are free",
			  mib, available);
}

void check_name(const struct check_host *host, struct check_result *ret)
{
	char dir[sizeof(host->fs.root) + sizeof(CONTROL_DIR)];
	struct failure failure;

	ret->verdict = VERDICT_NONE;
	if (!host->config)
		return;
	(void)snprintf(dir, sizeof(dir), "%s" CONTROL_DIR, host->fs.root);
	if (client_name_is_free(dir, host->config->name, &failure) < 0)
		check_say(ret, VERDICT_FAIL, failure.cure, "%s: %s", failure.object, failure.cause);
	else
		check_say(ret, VERDICT_PASS, NULL, "%s, which no guest has that runs",
			  host->config->name);
}

/* Devices alone have anything in the way of memory. */
void check_memory_map(const struct check_host *host, struct check_result *ret)
{
	const struct config *c = host->config;
	struct failure failure = { 0 };
	struct guest_memory_map map;
	unsigned long long below, first;
	char where[96];

	ret->verdict = VERDICT_NONE;
	if (!c || !c->nr_devices)
		return;
	if (guest_memory_place(c, &host->fs, NULL, &map, &failure) < 0) {
		check_say(ret, VERDICT_FAIL,
			  failure.cure[0] ? failure.cure : "see the host's kernel log", "%s",
			  failure.cause);
		return;
	}
	below = guest_memory_below_4g(&map);
	first = map.ram.banks[0].base;
	(void)snprintf(where, sizeof(where), "%zu range%s from 0x%llx on, %llu MiB below 4 GiB",
		       map.ram.nr, plural(map.ram.nr), first, below / MiB);
	if (map.holes.unread_windows[0])
		check_say(ret, VERDICT_WARN, "run itsy check as root",
			  "%s; the windows of %s, which it may lie in, cannot be read", where,
			  map.holes.unread_windows);
	else if (!below)
		check_say(ret, VERDICT_WARN, "pass through devices that reach 64 bits",
			  "%s: a device that reaches 32 bits only finds none", where);
	else
		check_say(ret, VERDICT_PASS, NULL, "%s%s", where,
			  map.ram.nr > 1 ? "; itsy run --print-memory-map says why" : "");
}

/* ", itsy run takes it", and by which driver, where that is not vfio-pci. */
static void say_driver(const struct check_host *host, const struct config_device *d,
		       const struct pci_function *fn, char text[96])
{
	struct vfio_aliases *aliases = NULL;
	struct vfio_variant variant;

	text[0] = '\0';
	if (pci_driver_is_vfio(fn->driver))
		return;
	(void)snprintf(text, 96, ", itsy run takes it");
	if (d->plain_driver || vfio_aliases_read(&host->fs, &aliases) < 0)
		return;
	if (vfio_variant_find(aliases, &host->fs, &fn->bdf, &variant))
		(void)snprintf(text, 96, ", itsy run takes it by %s", variant.driver);
	vfio_aliases_free(aliases);
}

/* "reset by flr", "reset by bus, with 0000:01:00.1 and 2 more". */
static void word_reset(const struct vfio_reset_way *way, char *text, size_t size)
{
	char name[PCI_BDF_STRLEN];
	int len = snprintf(text, size, "reset by %s", way->words);

	if (way->nr_others)
		len += snprintf(text + len, size - (size_t)len, ", with %s",
				pci_bdf_format(&way->other, name));
	if (way->nr_others > 1)
		(void)snprintf(text + len, size - (size_t)len, " and %zu more", way->nr_others - 1);
}

static void say_device(const struct check_host *host, const struct config_device *d,
		       const struct pci_function *fn, struct check_result *ret)
{
	unsigned vectors = fn->msix_vectors ? fn->msix_vectors : fn->msi_vectors;
	/* On a host with a device tree it comes with the first driver. */
	const char *group =
		fn->group < 0 ? "; what shares its IOMMU group is known once it is bound" : "";
	char how[96], takes[96], reset[128], with[64] = "";
	struct vfio_reset_way way;
	struct failure failure;

	say_driver(host, d, fn, takes);
	(void)snprintf(how, sizeof(how), "%s%s", fn->driver[0] ? "bound to " : "bound to no driver",
		       fn->driver);
	if (passthru_look_at_reset(&host->fs, host->config, fn, &way, &failure) < 0) {
		check_say(ret, VERDICT_WARN, failure.cure, "%s; %s", how, failure.cause);
		return;
	}
	word_reset(&way, reset, sizeof(reset));
	if (fn->knows_vectors && !vectors)
		(void)snprintf(with, sizeof(with), "INTx; ");
	else if (fn->knows_vectors)
		(void)snprintf(with, sizeof(with), "%u %s vectors; ", vectors,
			       fn->msix_vectors ? "MSI-X" : "MSI");
	check_say(ret, VERDICT_PASS, NULL, "%s%s; %s%s%s", how, takes, with, reset, group);
}

/* Registers that are in a page with what has to be trapped, or in one that is not all theirs. */
static void say_traps(const struct check_host *host, struct check_result *ret,
		      const struct pci_function *fn)
{
	size_t len = strlen(ret->text);
	struct vfio_bar_look look;
	char *end = ret->text + len, bars[32] = "";
	size_t room = sizeof(ret->text) - len, at = 0;

	vfio_bar_look(&host->fs, fn, host->page_size, &look);
	if (look.table_moved_to >= 0) {
		(void)snprintf(end, room,
			       "; MSI-X table in BAR %d, off a page of %llu KiB that has registers",
			       look.table_moved_to, (unsigned long long)(look.page / KiB));
		return;
	}
	for (unsigned i = 0; i < VFIO_DEVICE_BARS; i++) {
		if (look.trapped & 1u << i)
			at += (size_t)snprintf(bars + at, sizeof(bars) - at, "%s%u", at ? ", " : "",
					       i);
	}
	if (at)
		(void)snprintf(end, room,
			       "; each access to registers of BAR %s traps, some microseconds "
			       "(pages of %llu KiB)",
			       bars, (unsigned long long)(look.page / KiB));
}

static void say_place(struct check_result *ret, const struct config_device *d)
{
	size_t len = strlen(ret->text);
	char place[CONFIG_PLACE_STRLEN];

	if (d->root_port)
		(void)snprintf(ret->text + len, sizeof(ret->text) - len,
			       "; function %u behind the guest's root port %s", d->devfn % 8,
			       config_place_format(d->devfn & ~7u, place));
	else
		(void)snprintf(ret->text + len, sizeof(ret->text) - len, "; %s on the guest's bus",
			       config_place_format(d->devfn, place));
}

void check_device(const struct check_host *host, size_t nr, struct check_result *ret)
{
	struct failure failure;
	struct pci_function fn;

	if (passthru_look(&host->fs, host->config, nr, &fn, &failure) < 0) {
		check_say(ret, VERDICT_FAIL,
			  failure.cure[0] ? failure.cure : "see the host's kernel log", "%s",
			  failure.cause);
		return;
	}
	say_device(host, &host->config->devices[nr], &fn, ret);
	say_traps(host, ret, &fn);
	say_place(ret, &host->config->devices[nr]);
}
