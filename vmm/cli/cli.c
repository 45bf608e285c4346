// SPDX-License-Identifier: MIT
/*
 * itsy COMMAND [options]: finds the command and runs it.
 *
 * No locks.
 */
#include "vmm/cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vmm/base/bits.h"
#include "vmm/base/output.h"
#include "vmm/base/suggest.h"
#include "vmm/base/version.h"
#include "vmm/cli/commands.h"

static enum exit_status cmd_help(int argc, char **argv);
static enum exit_status cmd_version(int argc, char **argv);

const struct command cli_commands[] = {
	{ "run", cmd_run, "boot a guest, of a configuration file or of options", &run_line },
	{ "check", cmd_check, "say whether this host can run guests, and what is missing",
	  &check_line },
	{ "devices", cmd_devices, "list the PCI functions and how they can be passed through",
	  &devices_line },
	{ "bind", cmd_bind, "give PCI functions to vfio-pci", &bind_line },
	{ "release", cmd_release, "give PCI functions back to their driver", &release_line },
	{ "list", cmd_list, "list the guests that run", &list_line },
	{ "console", cmd_console, "be at the console of a running guest", &console_line },
	{ "stop", cmd_verb, "ask a running guest to power off", &stop_line },
	{ "pause", cmd_verb, "have a running guest run no further for now", &pause_line },
	{ "resume", cmd_verb, "have a paused guest go on", &resume_line },
	{ "reset", cmd_verb, "reset a running guest", &reset_line },
	{ "ctl", cmd_ctl, "ask a running guest, or change it", &ctl_line },
	{ "top", cmd_top, "watch a running guest's interrupts", &top_line },
	{ "bench", cmd_bench, "measure how long interrupts take to a guest", &bench_line },
	{ "help", cmd_help, "explain a command", NULL },
	{ "version", cmd_version, "print the version", NULL },
};
const size_t cli_nr_commands = ARRAY_SIZE(cli_commands);

static void print_usage(FILE *out)
{
	(void)fputs("Usage: itsy COMMAND [OPTION]...\n\n"
		    "A mini-VMM for arm64 Linux with passed-through PCI functions.\n\n"
		    "Commands:\n",
		    out);
	for (size_t i = 0; i < ARRAY_SIZE(cli_commands); i++)
		(void)fprintf(out, "  %-10s%s\n", cli_commands[i].name, cli_commands[i].summary);
	(void)fputs("\nitsy help COMMAND explains a command.\n", out);
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(cli_commands); i++)
		if (strcmp(cli_commands[i].name, name) == 0)
			return &cli_commands[i];
	return NULL;
}

static enum exit_status unknown_command(const char *name)
{
	const char *names[ARRAY_SIZE(cli_commands)];
	const char *near;

	for (size_t i = 0; i < ARRAY_SIZE(cli_commands); i++)
		names[i] = cli_commands[i].name;
	near = suggest(name, names, ARRAY_SIZE(names));
	if (near)
		(void)fprintf(stderr, "itsy: error: unknown command '%s': did you mean '%s'?\n",
			      name, near);
	else
		(void)fprintf(stderr, "itsy: error: unknown command '%s': itsy --help lists them\n",
			      name);
	return ITSY_USAGE;
}

static enum exit_status cmd_help(int argc, char **argv)
{
	const struct command *c;

	if (argc < 2) {
		print_usage(stdout);
		return ITSY_OK;
	}
	c = find_command(argv[1]);
	if (!c)
		return unknown_command(argv[1]);
	if (c->line)
		options_print_help(c->line, stdout);
	else
		(void)printf("Usage: itsy %s\n\n%s.\n", c->name, c->summary);
	return ITSY_OK;
}

static enum exit_status cmd_version(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	(void)printf("itsy %s\n", version_text());
	return ITSY_OK;
}

/* What was asked for went well, and did not arrive. */
static enum exit_status end(enum exit_status status)
{
	struct failure failure;

	errno = 0;
	if (status != ITSY_OK || (fflush(stdout) != EOF && !ferror(stdout)))
		return status;
	(void)output_failed(&failure, "standard output", errno ? errno : EIO);
	return report_failure(&failure);
}

enum exit_status cli_run(int argc, char **argv)
{
	const struct command *c;

	if (argc < 2) {
		print_usage(stderr);
		return ITSY_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return end(cmd_help(1, argv));
	if (strcmp(argv[1], "--version") == 0)
		return end(cmd_version(1, argv));
	c = find_command(argv[1]);
	if (!c)
		return unknown_command(argv[1]);
	return end(c->run(argc - 1, argv + 1));
}
