// SPDX-License-Identifier: MIT
/*
 * itsy check: the host's kernel and what it has for passthrough.
 *
 * Documents: Documentation/driver-api/vfio.rst, setrlimit(2).
 *
 * A check says only what it can know: where a version number does not
 * tell whether a kernel has a fix, the verdict is WARN and says so.
 *
 * No locks.
 */
#include "vmm/check/check.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "vmm/base/bits.h"
#include "vmm/base/table.h"
#include "vmm/dev/passthru.h"
#include "vmm/irq/io_uring_host.h"
#include "vmm/machine/guest_memory.h"
#include "vmm/irq/irq_line.h"

#define KERNEL_MIN    601u /* 6.1: the oldest that itsy is tested with */
#define KERNEL_XARRAY 610u /* 6.10: the translation cache of the kernel's ITS was rewritten */

void check_say(struct check_result *ret, enum verdict verdict, const char *cure, const char *format,
	       ...)
{
	va_list ap;

	assert(verdict == VERDICT_PASS || verdict == VERDICT_INFO || cure);
	ret->verdict = verdict;
	(void)snprintf(ret->cure, sizeof(ret->cure), "%s", cure ? cure : "");
	va_start(ap, format);
	(void)vsnprintf(ret->text, sizeof(ret->text), format, ap);
	va_end(ap);
}

/* Put the host's root in front of a path. False: there is no room for all of it. */
static bool path_below(const struct check_host *host, const char *path, char *out, size_t cap)
{
	int n = snprintf(out, cap, "%s%s", host->fs.root, path);

	return n > 0 && (size_t)n < cap;
}

static bool exists(const struct check_host *host, const char *path)
{
	char full[256];

	return path_below(host, path, full, sizeof(full)) && access(full, F_OK) == 0;
}

void check_read_line(const struct check_host *host, const char *path, char *line, size_t cap)
{
	_cleanup_file_ FILE *f = NULL;
	char full[256];

	line[0] = '\0';
	if (path_below(host, path, full, sizeof(full)))
		f = fopen(full, "re");
	if (f && fgets(line, (int)cap, f))
		line[strcspn(line, "\n")] = '\0';
	else
		line[0] = '\0';
}

void check_read_log(const struct check_host *host, const char *text, char *line, size_t cap)
{
	_cleanup_fd_ int fd = -1;
	char path[256], record[8192];
	ssize_t n;

	line[0] = '\0';
	if (path_below(host, "/dev/kmsg", path, sizeof(path)))
		fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	/* One record at a time; EPIPE: the next one was overwritten just now. */
	while (fd >= 0 &&
	       ((n = read(fd, record, sizeof(record) - 1)) > 0 || (n < 0 && errno == EPIPE))) {
		record[n > 0 ? n : 0] = '\0';
		if (!strstr(record, text))
			continue;
		(void)snprintf(line, cap, "%s", strstr(record, text));
		line[strcspn(line, "\n")] = '\0';
		break;
	}
}

void check_architecture(const struct check_host *host, struct check_result *ret)
{
	if (strcmp(host->machine, "aarch64") == 0)
		check_say(ret, VERDICT_PASS, NULL, "%s", host->machine);
	else
		check_say(ret, VERDICT_FAIL, "on this one use make demo: it emulates one",
			  "itsy runs on arm64 hosts, and this is %s", host->machine);
}

struct release {
	unsigned major, minor, patch;
};

static bool parse_release(const char *text, struct release *ret)
{
	*ret = (struct release){ 0 };
	return sscanf(text, "%3u.%3u.%5u", &ret->major, &ret->minor, &ret->patch) >= 2;
}

/* 6.12 as 612: series in their order. */
static unsigned series_of(const struct release *r)
{
	return r->major * 100 + r->minor;
}

void check_kernel(const struct check_host *host, struct check_result *ret)
{
	struct release r;

	if (!parse_release(host->release, &r))
		check_say(ret, VERDICT_WARN, "itsy is tested with Linux 6.1 and later",
			  "'%s' does not tell which Linux this is", host->release);
	else if (series_of(&r) < KERNEL_MIN)
		check_say(ret, VERDICT_WARN, "guests may run; use Linux 6.1 or later",
			  "Linux %s is older than 6.1, the first that itsy is tested with",
			  host->release);
	else
		check_say(ret, VERDICT_PASS, NULL, "Linux %s", host->release);
}

/*
 * CVE-2026-46316. The faulty pattern came with the cache of Linux 6.10; fixed code
 * was read in the versions below and is taken to be in what follows them in their
 * series, and in later series. A distribution may have fixed its kernel without
 * taking over the version.
 *
 * It takes two invalidations of that cache at a time: by commands, or by GICR_CTLR.EnableLPIs. No
 * guest of itsy's has either: both are itsy's own, one at a time, with all vCPUs paused. So it is
 * told, for those who run other programs on the same host, and no reason to warn, nor required.
 */
void check_its_fix(const struct check_host *host, struct check_result *ret)
{
	static const struct release fixed[] = {
		{ 6, 12, 95 }, { 6, 18, 44 }, { 7, 2, 13 }, { 7, 3, 4 }
	};
	const struct release *last = &fixed[ARRAY_SIZE(fixed) - 1];
	struct release r;
	bool has = false;

	if (!parse_release(host->release, &r)) {
		check_say(ret, VERDICT_INFO, NULL,
			  "CVE-2026-46316: unknown for this kernel; no guest of itsy's reaches it");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		if (series_of(&r) == series_of(&fixed[i]) && r.patch >= fixed[i].patch)
			has = true;
	if (series_of(&r) < KERNEL_XARRAY)
		check_say(ret, VERDICT_INFO, NULL,
			  "CVE-2026-46316 is in the ITS of Linux 6.10 and later, not in this one");
	else if (has || series_of(&r) > series_of(last))
		check_say(ret, VERDICT_INFO, NULL, "CVE-2026-46316 is fixed in this version");
	else
		check_say(ret, VERDICT_INFO, NULL,
			  "CVE-2026-46316 may be in this version; no guest of itsy's reaches it, "
			  "those of "
			  "other programs may");
}

/* How many entries a directory has, besides the hidden ones. */
static unsigned count_entries(const struct check_host *host, const char *path)
{
	_cleanup_dir_ DIR *dir = NULL;
	const struct dirent *e;
	char full[256];
	unsigned n = 0;

	if (path_below(host, path, full, sizeof(full)))
		dir = opendir(full);
	while (dir && (e = readdir(dir)) != NULL)
		n += e->d_name[0] != '.';
	return n;
}

/* A guest without devices runs also where none can be passed through. */
static enum verdict without_passthrough(const struct check_host *host)
{
	return host->config && !host->config->nr_devices ? VERDICT_WARN : VERDICT_FAIL;
}

void check_intx(const struct check_host *host, struct check_result *ret)
{
	ret->verdict = VERDICT_NONE;
	if (!irq_line_needs_exit(host->release) || (host->config && !host->config->nr_devices))
		return;
	check_say(ret, VERDICT_INFO, NULL,
		  "from Linux 6.19 on KVM misses the end of a level that a guest ends between two "
		  "exits: each interrupt of a device that uses INTx brings an exit of its own, and "
		  "its registers are mapped anew; MSI and MSI-X are as ever");
}

void check_iommu(const struct check_host *host, struct check_result *ret)
{
	unsigned n = count_entries(host, "/sys/kernel/iommu_groups");

	if (n)
		check_say(ret, VERDICT_PASS, NULL, "%u group%s", n, plural(n));
	else
		check_say(ret, without_passthrough(host),
			  "enable the SMMU in the firmware and CONFIG_ARM_SMMU_V3 in the kernel; "
			  "guests without devices run without it",
			  "this host has no IOMMU groups: nothing can be passed through");
}

/* What itsy run would take; without a configuration, for a guest with one device. */
static int choose_iommu(const struct check_host *host, struct vfio_iommu_choice *ret_choice,
			struct failure *ret_failure)
{
	static const struct config any = { .iommu = VFIO_IOMMU_WISH_AUTO };

	return passthru_choose_iommu(&host->fs, host->config ? host->config : &any, ret_choice,
				     ret_failure);
}

static bool takes_iommufd(const struct check_host *host)
{
	struct vfio_iommu_choice choice;
	struct failure failure;

	return choose_iommu(host, &choice, &failure) == 0 && choice.kind == VFIO_IOMMU_IOMMUFD;
}

/* itsy run loads it, as vfio_bind() does, where this user may and the kernel's folder has it. */
static bool can_load(const struct check_host *host, const char *module)
{
	_cleanup_file_ FILE *f = NULL;
	char below[128], path[256], line[4096], name[64];

	(void)snprintf(below, sizeof(below), "/lib/modules/%s/modules.dep", host->release);
	(void)snprintf(name, sizeof(name), "/%s.ko", module);
	if (geteuid() != 0 || !path_below(host, below, path, sizeof(path)))
		return false;
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		const char *at = strstr(line, name), *colon = strchr(line, ':');

		if (at && colon && at < colon)
			return true;
	}
	return false;
}

void check_vfio(const struct check_host *host, struct check_result *ret)
{
	const char *file = takes_iommufd(host) ? "/dev/iommu" : "/dev/vfio/vfio";
	const bool has_driver = exists(host, "/sys/bus/pci/drivers/vfio-pci");
	char path[256];

	if (!(has_driver && exists(host, file)) && can_load(host, "vfio-pci")) {
		check_say(ret, VERDICT_PASS, NULL, "itsy run loads the module vfio-pci");
		return;
	}
	if (!exists(host, file)) {
		check_say(ret, without_passthrough(host), "modprobe vfio-pci", "%s is not there",
			  file);
		return;
	}
	if (!path_below(host, file, path, sizeof(path)) || access(path, R_OK | W_OK) < 0) {
		check_say(ret, without_passthrough(host),
			  "run itsy as root, or give this user access to it",
			  "%s cannot be opened: %s", file, strerror(errno));
		return;
	}
	if (!has_driver)
		check_say(ret, without_passthrough(host), "modprobe vfio-pci",
			  "the driver vfio-pci is not loaded");
	else
		check_say(ret, VERDICT_PASS, NULL, "%s and the driver vfio-pci", file);
}

void check_dma(const struct check_host *host, struct check_result *ret)
{
	struct vfio_iommu_choice choice;
	struct failure failure;

	if (host->config && !host->config->nr_devices)
		ret->verdict = VERDICT_NONE;
	else if (choose_iommu(host, &choice, &failure) < 0)
		check_say(ret, VERDICT_FAIL, failure.cure, "%s: %s", failure.object, failure.cause);
	else if (choice.kind == VFIO_IOMMU_IOMMUFD && host->config && host->config->nr_devices > 1)
		check_say(ret, VERDICT_WARN, "iommu = type1 lets it, where a device needs that",
			  "by iommufd, %s: no function's DMA reaches another one's BARs",
			  choice.why);
	else
		check_say(ret, VERDICT_PASS, NULL, "by %s: %s", vfio_iommu_kind_name(choice.kind),
			  choice.why);
}

void check_isolation(const struct check_host *host, struct check_result *ret)
{
	const char *module = takes_iommufd(host) ? "iommufd" : "vfio_iommu_type1";
	char line[8], path[96], cure[128];

	(void)snprintf(path, sizeof(path), "/sys/module/%s/parameters/allow_unsafe_interrupts",
		       module);
	check_read_line(host, path, line, sizeof(line));
	(void)snprintf(cure, sizeof(cure),
		       "modprobe %s without allow_unsafe_interrupts, unless every guest is trusted",
		       module);
	if (line[0] == 'Y' || line[0] == '1')
		check_say(ret, VERDICT_WARN, cure,
			  "VFIO is told to accept hosts where a device can forge interrupts of "
			  "others");
	else
		check_say(ret, VERDICT_PASS, NULL, "VFIO insists on isolated interrupts");
}

void check_io_uring(const struct check_host *host, struct check_result *ret)
{
	static const enum verdict verdicts[] = {
		[IO_URING_WORKS] = VERDICT_PASS,
		[IO_URING_REFUSED] = VERDICT_WARN,
		[IO_URING_FAILS] = VERDICT_FAIL,
	};
	struct failure failure = { .cause = "available" };
	enum io_uring_host is = io_uring_host_try(host->fs.root, &failure);

	check_say(ret, verdicts[is], failure.cure, "%s", failure.cause);
}

void check_memlock(const struct check_host *host, struct check_result *ret)
{
	static const char cure[] =
		"raise it (ulimit -l unlimited, LimitMEMLOCK=infinity), or run itsy as root";
	uint64_t need = host->config ? host->config->memory : 0;
	struct failure failure;
	char limit[TABLE_SIZE_SZ], guests[TABLE_SIZE_SZ];

	if (host->memlock == UINT64_MAX)
		check_say(ret, VERDICT_PASS, NULL, "not limited");
	else if (host->config && guest_memory_lock(host->config, host->memlock, &failure) < 0)
		check_say(ret, VERDICT_FAIL, cure,
			  "the limit of %s is below the guest's %s, which DMA locks",
			  table_size(host->memlock, limit), table_size(need, guests));
	else if (!host->config)
		check_say(ret, VERDICT_WARN, cure,
			  "guests with devices may have %s of memory at most",
			  table_size(host->memlock, limit));
	else
		check_say(ret, VERDICT_PASS, NULL, "%s are enough%s",
			  table_size(host->memlock, limit),
			  takes_iommufd(host) ? ", less what this user's other processes lock, "
						"which iommufd counts, too"
					      : "");
}
