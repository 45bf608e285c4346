/* SPDX-License-Identifier: MIT */
/*
 * The program's commands. Each gets its own arguments (argv[0] is its name) and
 * returns the exit status.
 */
#ifndef VMM_CLI_COMMANDS_H
#define VMM_CLI_COMMANDS_H

#include "vmm/base/report.h"
#include "vmm/cli/options.h"
#include "vmm/config/config.h"

struct run_options {
	const char *stats_json; /* write the interrupt statistics here at the end; NULL: do not */
	const char *dump_dtb;	/* write the device tree here and end; NULL: do not */
	bool quiet;		/* no table at the end */
};

/* itsy run: boots the guest of the configuration, returns when it is over. */
enum exit_status run_guest(const struct config *config, const struct run_options *options);

/* What each can be told, and what its --help says. */
extern const struct command_line run_line, check_line, devices_line, bench_line, bind_line,
	release_line, list_line, stop_line, pause_line, resume_line, reset_line, ctl_line, top_line,
	console_line;

enum exit_status cmd_run(int argc, char **argv);
enum exit_status cmd_check(int argc, char **argv);
enum exit_status cmd_devices(int argc, char **argv);
enum exit_status cmd_bench(int argc, char **argv);
enum exit_status cmd_bind(int argc, char **argv);
enum exit_status cmd_release(int argc, char **argv);
enum exit_status cmd_list(int argc, char **argv);
/* A verb of itsy ctl, argv[0]. */
enum exit_status cmd_verb(int argc, char **argv);
enum exit_status cmd_ctl(int argc, char **argv);
enum exit_status cmd_console(int argc, char **argv);
enum exit_status cmd_top(int argc, char **argv);

#endif
