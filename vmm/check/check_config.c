// SPDX-License-Identifier: MIT
/*
 * itsy check CONFIG: what a configuration asks of the host.
 *
 * Kernel and initrd are loaded as itsy run would load them, into memory that is
 * thrown away: what is said of them is what would happen.
 *
 * No locks.
 */
#include "vmm/check/check.h"

#include <errno.h>
#include <string.h>

#include "vfio/bind.h"
#include "vmm/base/hostmem.h"
#include "vmm/config/config_place.h"
#include "vmm/dev/vfio_words.h"
#include "vmm/kvm/gmem.h"
#include "vmm/kvm/layout.h"
#include "vmm/machine/guest_memory.h"
#include "vmm/machine/loader.h"

void check_files(const struct check_host *host, struct check_result *ret)
{
	const struct config *c = host->config;
	_cleanup_(gmem_fini) struct gmem mem = { 0 };
	struct failure failure = { 0 };
	struct loaded loaded;
	int r;

	if (!c) {
		ret->verdict = VERDICT_NONE;
		return;
	}
	r = gmem_init(&mem, LAYOUT_RAM, c->memory);
	if (r < 0) {
		check_say(ret, VERDICT_FAIL, "lower memory in the configuration",
			  "%llu MiB of memory cannot be had: %s",
			  (unsigned long long)(c->memory / MiB), strerror(-r));
		return;
	}
	r = loader_load(&mem, c->kernel, c->initrd, &loaded, &failure);
	if (r < 0)
		check_say(ret, VERDICT_FAIL,
			  failure.cure[0] ? failure.cure : "see the file and its permissions",
			  "%s: %s", failure.object, failure.cause);
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
		check_say(ret, VERDICT_WARN,
			  "lower memory in the configuration, or end other programs",
			  "the guest may use %llu MiB, and %llu MiB are free", mib, available);
	else if (c->huge_page)
		check_say(ret, VERDICT_PASS, NULL, "%llu MiB in huge pages of %llu KiB", mib,
			  (unsigned long long)(c->huge_page / KiB));
	else
		check_say(ret, VERDICT_PASS, NULL, "the guest has %llu MiB, and %llu MiB are free",
			  mib, available);
}

static bool is_of_guest(const struct config *c, const struct pci_bdf *bdf)
{
	for (size_t i = 0; i < c->nr_devices; i++)
		if (pci_bdf_equal(&c->devices[i].bdf, bdf))
			return true;
	return false;
}

/*
 * As pci_group_viable(), but functions that the guest gets too do not count:
 * itsy run binds them all. 0, or what the failure is, as a negative errno.
 */
static int group_viable(const struct check_host *host, const struct pci_function *fn,
			struct vfio_failure *ret_failure)
{
	_cleanup_free_ struct pci_function *all = NULL;
	struct pci_bdf blocker;
	size_t nr = 0;
	int r;

	r = pci_group_viable(&host->fs, fn, ret_failure);
	if (r >= 0 || ret_failure->code != VFIO_FAILURE_NOT_VIABLE ||
	    pci_bdf_parse(ret_failure->other, &blocker) < 0 || !is_of_guest(host->config, &blocker))
		return r;
	r = pci_functions_list(&host->fs, &all, &nr);
	for (size_t i = 0; r >= 0 && i < nr; i++) {
		char name[PCI_BDF_STRLEN];

		if (all[i].group != fn->group || all[i].is_bridge || !all[i].driver[0] ||
		    strncmp(all[i].driver, "vfio", 4) == 0 ||
		    strcmp(all[i].driver, "pci-stub") == 0 ||
		    is_of_guest(host->config, &all[i].bdf))
			continue;
		(void)snprintf(ret_failure->other, sizeof(ret_failure->other), "%s",
			       pci_bdf_format(&all[i].bdf, name));
		(void)snprintf(ret_failure->driver, sizeof(ret_failure->driver), "%s",
			       all[i].driver);
		return -EPERM;
	}
	return r < 0 ? r : 0;
}

static void say_failure(struct check_result *ret, const struct vfio_failure *vf)
{
	struct failure failure;

	(void)failure_from_vfio(&failure, vf);
	check_say(ret, VERDICT_FAIL, failure.cure[0] ? failure.cure : "see the host's kernel log",
		  "%s", failure.cause);
}

static void say_device(struct check_result *ret, const struct pci_function *fn)
{
	bool bound = strcmp(fn->driver, "vfio-pci") == 0;
	bool known = geteuid() == 0; /* the capabilities are shown to root alone */
	unsigned vectors = fn->msix_vectors ? fn->msix_vectors : fn->msi_vectors;
	char how[96];

	(void)snprintf(how, sizeof(how), "%s%s", fn->driver[0] ? "bound to " : "bound to no driver",
		       fn->driver);
	if (known && !vectors)
		check_say(ret, VERDICT_FAIL,
			  "pass another function through (itsy devices shows their vectors)",
			  "it has neither MSI-X nor MSI");
	else if (!fn->reset[0])
		check_say(ret, VERDICT_WARN, "power-cycle the host where a guest left it unusable",
			  "%s; it cannot be reset, and keeps its state from guest to guest", how);
	else if (known)
		check_say(ret, VERDICT_PASS, NULL, "%s%s; %u %s vectors; reset by %s", how,
			  bound ? "" : ", itsy run takes it", vectors,
			  fn->msix_vectors ? "MSI-X" : "MSI", fn->reset);
	else
		check_say(ret, VERDICT_PASS, NULL, "%s%s; reset by %s", how,
			  bound ? "" : ", itsy run takes it", fn->reset);
}

static void say_place(struct check_result *ret, const struct config_device *d)
{
	size_t len = strlen(ret->text);
	char place[CONFIG_PLACE_STRLEN];

	(void)snprintf(ret->text + len, sizeof(ret->text) - len, "; %s on the guest's bus",
		       config_place_format(d->devfn, place));
}

void check_device(const struct check_host *host, size_t nr, struct check_result *ret)
{
	const struct pci_bdf *bdf = &host->config->devices[nr].bdf;
	struct vfio_failure vf = { 0 };
	struct pci_function fn;
	int r;

	r = pci_function_get(&host->fs, bdf, &fn);
	if (r < 0)
		vf = (struct vfio_failure){
			.code = r == -ENOENT ? VFIO_FAILURE_NO_FUNCTION : VFIO_FAILURE_OTHER,
			.error = -r,
		};
	else if (fn.is_bridge)
		vf = (struct vfio_failure){ .code = VFIO_FAILURE_BRIDGE, .error = EINVAL };
	else
		r = group_viable(host, &fn, &vf);
	if (vf.code == VFIO_FAILURE_BRIDGE || r < 0) {
		say_failure(ret, &vf);
		return;
	}
	say_device(ret, &fn);
	say_place(ret, &host->config->devices[nr]);
}
