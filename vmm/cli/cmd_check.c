// SPDX-License-Identifier: MIT
/*
 * itsy check: can this host run guests, and this one? WARN and FAIL
 * come with what to do about it.
 *
 * No locks.
 */
#include <jansson.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "vmm/base/bits.h"
#include "vmm/base/self.h"
#include "vmm/check/check.h"
#include "vmm/cli/commands.h"
#include "vmm/cli/config_options.h"
#include "vmm/cli/left_behind.h"
#include "vmm/cli/option_types.h"
#include "vmm/cli/screen.h"
#include "vmm/dev/passthru.h"

#define JSON_SCHEMA 1
#define FIFO_MAX    99
/* "PASS  NAME TEXT" */
#define NAME_WIDTH 20
#define TEXT_AT	   (6 + NAME_WIDTH + 1)

static const struct check {
	const char *name;
	check_fn *run;
	bool decides; /* where it fails, nothing else is worth asking */
} checks[] = {
	{ "architecture", check_architecture, true },
	{ "kernel", check_kernel, false },
	{ "ITS of the kernel", check_its_fix, false },
	{ "KVM", check_kvm, false },
	{ "KVM extensions", check_kvm_extensions, false },
	{ "GICv3", check_kvm_gic, false },
	{ "ITS", check_kvm_its, false },
	{ "PMU", check_kvm_pmu, false },
	{ "stolen time", check_kvm_steal_time, false },
	{ "io_uring", check_io_uring, false },
	{ "IOMMU", check_iommu, false },
	{ "VFIO", check_vfio, false },
	{ "DMA", check_dma, false },
	{ "interrupt isolation", check_isolation, false },
	{ "locked memory", check_memlock, false },
	{ "name", check_name, false },
	{ "INTx", check_intx, false },
	{ "kernel and initrd", check_files, false },
	{ "memory", check_memory, false },
	{ "memory map", check_memory_map, false },
	{ "sandbox", check_sandbox, false },
	{ "router", check_router, false },
	{ "spinning router", check_spinner, false },
	{ "vCPUs", check_vcpus, false },
	{ "direct injection", check_direct, false },
	{ "interrupt numbers", check_gsis, false },
};

static const struct {
	const char *word, *colour;
} verdicts[] = {
	[VERDICT_PASS] = { "PASS", "\033[32m" },
	[VERDICT_INFO] = { "INFO", "\033[36m" },
	[VERDICT_WARN] = { "WARN", "\033[33m" },
	[VERDICT_FAIL] = { "FAIL", "\033[31m" },
};

struct options {
	bool json;
	struct pci_host_fs fs;
	struct config_options guest;
};

static const struct option_row rows[] = {
	{ "set", "KEY=VALUE", option_config, OPTION_MEMBER(struct options, guest),
	  .help = "as for itsy run" },
	{ "json", NULL, option_flag, OPTION_MEMBER(struct options, json),
	  .help = "as one JSON object, for programs" },
	OPTION_ROOT(struct options, fs, "look at the copy of a host's files below DIR"),
};

const struct command_line check_line = {
	.name = "check",
	.usage = "itsy check [OPTION]... [CONFIG]",
	.about = "Says whether this host can run guests: PASS for each requirement that is met,\n"
		 "WARN or FAIL for each that is not, with what to do about it, and INFO for what\n"
		 "is merely so. With CONFIG, or options that describe a guest (--kernel FILE,\n"
		 "--device BDF: itsy help run lists them), also whether it can run that guest.\n",
	.rows = rows,
	.nr_rows = ARRAY_SIZE(rows),
	.after = "Exit status: 0 nothing failed; 2 the command line is wrong; 3 CONFIG is wrong;\n"
		 "4 something failed.\n",
	.other = config_option_row,
	.other_at = offsetof(struct options, guest),
};

struct output {
	bool colour;
	size_t columns; /* of the terminal; 0: any number */
	json_t *list;	/* NULL: print lines */
	bool failed, json_failed;
};

static void print_line(const struct output *out, const char *name, const struct check_result *r)
{
	const char *on = out->colour ? verdicts[r->verdict].colour : "";
	const char *off = out->colour ? "\033[0m" : "";

	struct screen_fold fold = { .columns = out->columns, .at = TEXT_AT, .indent = TEXT_AT };

	if (strlen(name) > NAME_WIDTH)
		fold.at += strlen(name) - NAME_WIDTH;
	(void)printf("%s%s%s  %-*s ", on, verdicts[r->verdict].word, off, NAME_WIDTH, name);
	screen_print_folded(&fold, r->text, stdout);
	if (!r->cure[0])
		return;
	(void)printf("%*s-> ", TEXT_AT, "");
	fold.at = fold.indent = TEXT_AT + strlen("-> ");
	screen_print_folded(&fold, r->cure, stdout);
}

static void say(struct output *out, const char *name, const struct check_result *r)
{
	if (r->verdict == VERDICT_NONE)
		return;
	out->failed |= r->verdict == VERDICT_FAIL;
	if (!out->list) {
		print_line(out, name, r);
		return;
	}
	if (json_array_append_new(out->list,
				  json_pack("{s:s, s:s, s:s, s:s*}", "name", name, "verdict",
					    verdicts[r->verdict].word, "text", r->text, "cure",
					    r->cure[0] ? r->cure : NULL)) < 0)
		out->json_failed = true;
}

static void run_checks(const struct check_host *host, struct output *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		struct check_result r = { 0 };

		checks[i].run(host, &r);
		say(out, checks[i].name, &r);
		if (checks[i].decides && r.verdict == VERDICT_FAIL)
			return;
	}
	for (size_t i = 0; host->config && i < host->config->nr_devices; i++) {
		const struct config_device *d = &host->config->devices[i];
		struct check_result r = { 0 }, interrupts = { 0 };
		char bdf[PCI_BDF_STRLEN] = "", name[64];

		check_device(host, i, &r);
		if (passthru_is_found(d))
			(void)pci_bdf_format(&d->bdf, bdf);
		(void)snprintf(name, sizeof(name), "%s%s%s", d->name, bdf[0] ? " " : "", bdf);
		say(out, name, &r);
		check_interrupts(host, i, &interrupts);
		(void)snprintf(name, sizeof(name), "%s interrupts", d->name);
		say(out, name, &interrupts);
	}
}

static void look_at_host(const struct options *o, const struct config *config,
			 struct check_host *ret)
{
	struct rlimit limit = { 0 };
	struct utsname name;

	*ret = (struct check_host){
		.page_size = (uint64_t)sysconf(_SC_PAGESIZE),
		.fs = o->fs,
		.kvm = kvm_sys_kernel(),
		.config = config,
		.memlock = self_lock_limit(),
	};
	if (uname(&name) == 0) {
		(void)snprintf(ret->machine, sizeof(ret->machine), "%s", name.machine);
		(void)snprintf(ret->release, sizeof(ret->release), "%s", name.release);
	}
	/* It lifts the limit of priorities. */
	if (self_has_capability(CAP_SYS_NICE))
		ret->max_fifo = FIFO_MAX;
	else if (getrlimit(RLIMIT_RTPRIO, &limit) == 0)
		ret->max_fifo = limit.rlim_cur < FIFO_MAX ? (int)limit.rlim_cur : FIFO_MAX;
}

/* https://no-color.org: set and not empty. */
static bool wants_colour(void)
{
	const char *no_colour = getenv("NO_COLOR");

	return isatty(STDOUT_FILENO) && !(no_colour && no_colour[0]);
}

static enum exit_status check_all(const struct options *o, const struct config *config)
{
	struct output out = { .colour = wants_colour(), .columns = screen_columns(STDOUT_FILENO) };
	struct check_host host;
	json_t *root;
	int r;

	look_at_host(o, config, &host);
	if (!o->json) {
		run_checks(&host, &out);
		return out.failed ? ITSY_ENVIRONMENT : ITSY_OK;
	}
	out.list = json_array();
	run_checks(&host, &out);
	root = json_pack("{s:i, s:b, s:O}", "schema", JSON_SCHEMA, "ok", !out.failed, "checks",
			 out.list);
	r = !root || out.json_failed ? -1 : json_dumpf(root, stdout, JSON_INDENT(2));
	(void)putchar('\n');
	json_decref(root);
	json_decref(out.list);
	if (r < 0)
		return ITSY_RUNTIME;
	return out.failed ? ITSY_ENVIRONMENT : ITSY_OK;
}

enum exit_status cmd_check(int argc, char **argv)
{
	struct options options = { 0 };
	struct failure not_found;
	enum exit_status status;
	struct config config;
	struct words words;
	int r = options_parse(&check_line, argc, argv, &options, &words);

	if (r)
		return r < 0 ? ITSY_USAGE : ITSY_OK;
	left_behind_give_back(&options.fs, NULL);
	if (!config_options_any(&words, &options.guest))
		return check_all(&options, NULL);
	status = config_options_load(&check_line, &words, &options.guest, &config);
	if (status != ITSY_OK)
		return status;
	/* What it does not find is told of each device in its place. */
	(void)!passthru_find(&options.fs, &config, &not_found);
	status = check_all(&options, &config);
	config_fini(&config);
	return status;
}
