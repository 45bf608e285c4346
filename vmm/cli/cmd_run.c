// SPDX-License-Identifier: MIT
/*
 * itsy run: read the options and the configuration, then boot the guest.
 *
 * No locks.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vmm/cli/commands.h"
#include "vmm/cli/options.h"
#include "vmm/kvm/gmem.h"
#include "vmm/kvm/layout.h"
#include "vmm/machine/loader.h"

#define MAX_OVERRIDES 64u

enum {
	OPT_SET = 256,
	OPT_PRINT_CONFIG,
	OPT_DUMP_DTB,
	OPT_STATS_JSON,
	OPT_QUIET,
	OPT_DRY_RUN,
	OPT_HELP
};

static const struct option long_options[] = {
	{ "set", required_argument, NULL, OPT_SET },
	{ "print-config", no_argument, NULL, OPT_PRINT_CONFIG },
	{ "dump-dtb", required_argument, NULL, OPT_DUMP_DTB },
	{ "stats-json", required_argument, NULL, OPT_STATS_JSON },
	{ "quiet", no_argument, NULL, OPT_QUIET },
	{ "dry-run", no_argument, NULL, OPT_DRY_RUN },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

static const char help_text[] =
	"Usage: itsy run CONFIG [OPTION]...\n"
	"\n"
	"Boots the guest that the file CONFIG describes (itsy.conf(5)). The guest's\n"
	"console is this terminal; Ctrl-a x ends the guest, Ctrl-a h tells the keys.\n"
	"\n"
	"  --set KEY=VALUE      replace a value of the file: vcpus=4, memory=1G,\n"
	"                       device.NAME.bdf=0000:01:00.0; may be repeated\n"
	"  --print-config       print the resulting configuration, and end\n"
	"  --dry-run            load kernel and initrd, boot nothing, and end\n"
	"  --dump-dtb FILE      write the guest's device tree to FILE, and end\n"
	"  --stats-json FILE    write the statistics to FILE when the guest has ended\n"
	"  --quiet              print no statistics when the guest has ended\n"
	"  --help               print this\n"
	"\n"
	"Exit status: 0 the guest powered off; 1 the host failed while it ran; 2 the\n"
	"command line is wrong; 3 the configuration is wrong; 4 the host is not ready\n"
	"(itsy check says why).\n";

struct arguments {
	struct run_options run;
	const char *overrides[MAX_OVERRIDES];
	size_t nr_overrides;
	const char *config;
	bool print_config, dry_run, help;
};

static int usage_error(const char *why)
{
	(void)fprintf(stderr, "itsy: error: run: %s: itsy help run explains it\n", why);
	return -EINVAL;
}

static int take_option(struct arguments *a, int option)
{
	switch (option) {
	case OPT_SET:
		if (a->nr_overrides == MAX_OVERRIDES)
			return usage_error("--set is given too often");
		a->overrides[a->nr_overrides++] = optarg;
		return 0;
	case OPT_PRINT_CONFIG:
		a->print_config = true;
		return 0;
	case OPT_DUMP_DTB:
		a->run.dump_dtb = optarg;
		return 0;
	case OPT_STATS_JSON:
		a->run.stats_json = optarg;
		return 0;
	case OPT_QUIET:
		a->run.quiet = true;
		return 0;
	case OPT_DRY_RUN:
		a->dry_run = true;
		return 0;
	case OPT_HELP:
		a->help = true;
		return 0;
	default:
		return -EINVAL; /* it was told why */
	}
}

static int parse_arguments(int argc, char **argv, struct arguments *ret)
{
	int option, r;

	*ret = (struct arguments){ 0 };
	options_begin();
	while ((option = options_next(argc, argv, long_options)) != -1) {
		r = take_option(ret, option);
		if (r < 0)
			return r;
	}
	if (ret->help)
		return 0;
	if (optind == argc)
		return usage_error("no configuration file is named");
	if (optind + 1 < argc)
		return usage_error("more than one configuration file");
	ret->config = argv[optind];
	return 0;
}

/* The files of the configuration, loaded as for a guest, into memory that is thrown away. */
static enum exit_status load_only(const struct config *config)
{
	_cleanup_(gmem_fini) struct gmem mem = { 0 };
	struct failure failure = { 0 };
	struct loaded loaded;
	int r;

	r = gmem_init(&mem, LAYOUT_RAM, config->memory);
	if (r < 0)
		(void)failure_set(&failure, ITSY_ENVIRONMENT, -r, "guest memory",
				  "lower memory in the configuration", "cannot be had: %s",
				  strerror(-r));
	else
		r = loader_load(&mem, config->kernel, config->initrd, &loaded, &failure);
	return r < 0 ? report_failure(&failure) : ITSY_OK;
}

enum exit_status cmd_run(int argc, char **argv)
{
	struct arguments args;
	struct config config;
	enum exit_status status = ITSY_OK;
	int r;

	if (parse_arguments(argc, argv, &args) < 0)
		return ITSY_USAGE;
	if (args.help) {
		(void)fputs(help_text, stdout);
		return ITSY_OK;
	}
	r = config_load(args.config, args.overrides, args.nr_overrides, stderr, &config);
	if (r < 0)
		return ITSY_CONFIG;
	if (args.print_config)
		config_print(&config, stdout);
	else if (args.dry_run)
		status = load_only(&config);
	else
		status = run_guest(&config, &args.run);
	config_fini(&config);
	return status;
}
