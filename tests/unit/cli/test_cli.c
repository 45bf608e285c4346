// SPDX-License-Identifier: MIT
/*
 * The command line: which command runs, with what, and how mistakes are met.
 * The guest itself is played by this file.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/unit/base/capture.h"
#include "vitsmod/bits.h"
#include "vmm/base/suggest.h"
#include "vmm/bench/bench.h"
#include "vmm/check/check.h"
#include "vmm/cli/cli.h"
#include "vmm/kvm/layout.h"

#define MAX_ARGS 80

/* What run_guest() was given, and what it is to answer. */
static struct {
	unsigned calls;
	enum exit_status answer;
	uint32_t vcpus;
	uint64_t memory;
	char kernel[64];
	char stats_json[64], dump_dtb[64];
	bool quiet;
} guest;

/* What itsy bench was told. */
static struct {
	const char *what;
	struct bench_options options;
} bench;

enum exit_status bench_irq(const struct bench_options *options)
{
	bench.what = "irq";
	bench.options = *options;
	return ITSY_RUNTIME;
}

enum exit_status bench_device(const struct bench_options *options)
{
	bench.what = "device";
	bench.options = *options;
	return ITSY_RUNTIME;
}

enum exit_status run_guest(const struct config *config, const struct run_options *options)
{
	guest.calls++;
	guest.vcpus = config->vcpus;
	guest.memory = config->memory;
	guest.quiet = options->quiet;
	(void)snprintf(guest.kernel, sizeof(guest.kernel), "%s", config->kernel);
	(void)snprintf(guest.stats_json, sizeof(guest.stats_json), "%s",
		       options->stats_json ? options->stats_json : "");
	(void)snprintf(guest.dump_dtb, sizeof(guest.dump_dtb), "%s",
		       options->dump_dtb ? options->dump_dtb : "");
	return guest.answer;
}

/* KVM is not looked at here. */
#define NO_KVM(name)                                                       \
	void name(const struct check_host *host, struct check_result *ret) \
	{                                                                  \
		(void)host;                                                \
		check_say(ret, VERDICT_PASS, NULL, "not looked at");       \
	}

NO_KVM(check_kvm)
NO_KVM(check_kvm_extensions)
NO_KVM(check_kvm_gic)
NO_KVM(check_kvm_its)
NO_KVM(check_kvm_pmu)
NO_KVM(check_kvm_steal_time)

static struct capture said;

/* The words of line, with blanks between them, as the command line behind "itsy". */
static enum exit_status itsy(const char *line)
{
	char text[2048], *argv[MAX_ARGS + 1] = { text }, *save;
	enum exit_status status;
	int argc = 0;

	(void)snprintf(text, sizeof(text), "itsy %s", line);
	for (char *word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		assert_true(argc < MAX_ARGS);
		argv[argc++] = word;
	}
	argv[argc] = NULL;
	capture_begin(&said);
	status = cli_run(argc, argv);
	capture_end(&said);
	return status;
}

/* A configuration in memory; its path, which lives until the next one. */
static const char *config_of(const char *text)
{
	static char path[32];
	static int fd = -1;

	if (fd >= 0)
		(void)close(fd);
	fd = memfd_create("config", MFD_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return path;
}

static enum exit_status itsy_run(const char *config, const char *options)
{
	char line[1024];

	guest.calls = 0;
	(void)snprintf(line, sizeof(line), "run %s %s", config_of(config), options);
	return itsy(line);
}

static void has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' does not contain '%s'", text, part);
}

static void test_help_lists_each_command_on_stdout(void **state)
{
	static const char *const commands[] = { "run",	"check", "devices", "bind",    "release",
						"list", "stop",	 "pause",   "resume",  "reset",
						"ctl",	"top",	 "help",    "version", "console" };
	static const char *const ways[] = { "--help", "-h", "help" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		assert_int_equal(itsy(ways[i]), ITSY_OK);
		assert_string_equal(said.err, "");
		for (size_t j = 0; j < ARRAY_SIZE(commands); j++) {
			char line[32];

			(void)snprintf(line, sizeof(line), "\n  %-10s", commands[j]);
			has(said.out, line);
		}
	}
}

static void test_each_command_explains_itself(void **state)
{
	static const char *const commands[] = { "run",	"check", "devices", "bind",   "release",
						"list", "stop",	 "pause",   "resume", "reset",
						"ctl",	"top",	 "console" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		char line[64], usage[64], *text;

		(void)snprintf(usage, sizeof(usage), "Usage: itsy %s ", commands[i]);
		(void)snprintf(line, sizeof(line), "help %s", commands[i]);
		assert_int_equal(itsy(line), ITSY_OK);
		assert_int_equal(strncmp(said.out, usage, strlen(usage)), 0);
		assert_string_equal(said.err, "");
		text = strdup(said.out);
		assert_non_null(text);

		(void)snprintf(line, sizeof(line), "%s --help", commands[i]);
		assert_int_equal(itsy(line), ITSY_OK);
		assert_string_equal(said.out, text);
		free(text);
	}
	assert_int_equal(itsy("help version"), ITSY_OK);
	assert_int_equal(itsy("help help"), ITSY_OK);
}

static void expect_80_columns(const char *line)
{
	assert_int_equal(itsy(line), ITSY_OK);
	assert_true(strlen(said.out) > 0);
	for (const char *p = said.out; *p; p = strchr(p, '\n') + 1)
		if (strcspn(p, "\n") > 80)
			fail_msg("%s: %.100s", line, p);
}

static void test_help_fits_a_terminal_of_80_columns(void **state)
{
	(void)state;
	expect_80_columns("--help");
	for (size_t i = 0; i < cli_nr_commands; i++) {
		char line[64];

		(void)snprintf(line, sizeof(line), "help %s", cli_commands[i].name);
		expect_80_columns(line);
	}
}

/* Each row of each command, as getopt and --help see it. */
static void test_each_option_of_each_command_is_read_and_explained(void **state)
{
	(void)state;
	for (size_t i = 0; i < cli_nr_commands; i++) {
		const struct command_line *line = cli_commands[i].line;
		char text[128], label[64];

		assert_true(!line || strcmp(line->name, cli_commands[i].name) == 0);
		for (size_t n = 0; line && n < line->nr_rows; n++) {
			const struct option_row *row = &line->rows[n];

			(void)snprintf(text, sizeof(text), "%s --%s%s", line->name, row->name,
				       row->argument ? "" : "=value");
			assert_int_equal(itsy(text), ITSY_USAGE);
			(void)snprintf(label, sizeof(label), "--%s %s value: itsy help %s",
				       row->name, row->argument ? "needs a" : "takes no",
				       line->name);
			has(said.err, label);
			(void)snprintf(text, sizeof(text), "help %s", line->name);
			assert_int_equal(itsy(text), ITSY_OK);
			(void)snprintf(label, sizeof(label), "\n  --%s%s%s ", row->name,
				       row->argument ? " " : "",
				       row->argument ? row->argument : "");
			has(said.out, label);
		}
	}
}

static void test_help_is_printed_where_it_stands(void **state)
{
	(void)state;
	/* What stands before it is looked at, what stands behind it is not. */
	assert_int_equal(itsy("top --once --help --frobnicate"), ITSY_OK);
	assert_int_equal(strncmp(said.out, "Usage: itsy top", 15), 0);
	assert_int_equal(itsy("run --frobnicate --help"), ITSY_USAGE);
	assert_string_equal(said.out, "");
	has(said.err, "run: unknown option --frobnicate");
	assert_int_equal(itsy("run --hepl"), ITSY_USAGE);
	has(said.err, "did you mean --help?");
}

static void test_numbers_of_options_are_taken_from_the_least_to_the_most(void **state)
{
	static const struct {
		const char *words, *want; /* NULL: taken */
	} cases[] = {
		{ "--vectors 1", NULL },
		{ "--vectors 2048", NULL },
		{ "--vectors 2049", "--vectors is a number from 1 to 2048, not '2049'" },
		{ "--vectors 0", "--vectors is a number from 1 to 2048, not '0'" },
		{ "--vectors -1", "--vectors is a number from 1 to 2048, not '-1'" },
		{ "--vectors 1x", "--vectors is a number from 1 to 2048, not '1x'" },
		{ "--vectors=", "--vectors is a number from 1 to 2048, not ''" },
		{ "--gap-us 0", NULL },
		{ "--count 18446744073709551616", "--count is a number from 1 to 1000000000" },
		{ "--vcpu-cpu 1023", NULL },
		{ "--vcpu-cpu 1024", "--vcpu-cpu is a number from 0 to 1023, not '1024'" },
		{ "--trigger-cpu x", "--trigger-cpu is a number from 0 to 1023, not 'x'" },
		{ "--routes spin,uring", NULL },
		{ "--routes spin,",
		  "--routes is a list of uring, spin, irqfd and auto, not 'spin,'" },
		{ "--device 1:0", "is the address of a PCI function, or none, not '1:0'" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char line[128];

		(void)snprintf(line, sizeof(line), "bench irq %s", cases[i].words);
		assert_int_equal(itsy(line), cases[i].want ? ITSY_USAGE : ITSY_RUNTIME);
		has(said.err, cases[i].want ? cases[i].want : "");
	}
	assert_int_equal(itsy("bench irq --count 7 --rate 8 --burst 1 --trigger-cpu 9 "
			      "--vcpu-cpu 3 --hardlimit 4611686018427387904"),
			 ITSY_RUNTIME);
	assert_int_equal(bench.options.count, 7);
	assert_int_equal(bench.options.rate, 8);
	assert_int_equal(bench.options.trigger_cpu, 9);
	assert_int_equal(bench.options.vcpu.cpu, 3);
	assert_true(bench.options.vcpu.asked);
	assert_false(bench.options.spin.asked);
	assert_int_equal(bench.options.hardlimit, UINT64_C(1) << 62);
}

static void test_version_is_printed(void **state)
{
	(void)state;
	assert_int_equal(itsy("version"), ITSY_OK);
	assert_int_equal(strncmp(said.out, "itsy ", 5), 0);
	assert_int_equal(itsy("--version"), ITSY_OK);
	assert_int_equal(strncmp(said.out, "itsy ", 5), 0);
}

static void test_no_command_is_a_usage_error(void **state)
{
	(void)state;
	assert_int_equal(itsy(""), ITSY_USAGE);
	assert_string_equal(said.out, "");
	has(said.err, "Usage: itsy COMMAND");
}

static void test_unknown_commands_come_with_the_nearest_one(void **state)
{
	static const struct {
		const char *line, *want;
	} cases[] = {
		{ "rum", "itsy: error: unknown command 'rum': did you mean 'run'?\n" },
		{ "chekc", "itsy: error: unknown command 'chekc': did you mean 'check'?\n" },
		{ "device", "itsy: error: unknown command 'device': did you mean 'devices'?\n" },
		{ "help relase",
		  "itsy: error: unknown command 'relase': did you mean 'release'?\n" },
		{ "frobnicate",
		  "itsy: error: unknown command 'frobnicate': itsy --help lists them\n" },
		{ "--frobnicate",
		  "itsy: error: unknown command '--frobnicate': itsy --help lists them\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(itsy(cases[i].line), ITSY_USAGE);
		assert_string_equal(said.err, cases[i].want);
		assert_string_equal(said.out, "");
	}
}

static void test_suggestions_are_near_and_never_for_long_words(void **state)
{
	static const char *const names[] = { "kernel", "vcpus", "bdf" };
	static const struct {
		const char *word, *want;
	} cases[] = {
		{ "kernel", "kernel" }, { "krenel", "kernel" },
		{ "kernl", "kernel" },	{ "kernell", "kernel" },
		{ "bfd", "bdf" },	{ "vcpu", "vcpus" },
		{ "VCPUS", NULL },	{ "xyz", NULL },
		{ "", NULL },		{ "kernelkernelkernelkernelkernelkernel", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *got = suggest(cases[i].word, names, ARRAY_SIZE(names));

		print_message("%s\n", cases[i].word);
		if (cases[i].want)
			assert_string_equal(got, cases[i].want);
		else
			assert_null(got);
	}
}

static void test_run_hands_configuration_and_options_over(void **state)
{
	(void)state;
	guest.answer = ITSY_OK;
	assert_int_equal(itsy_run("kernel = \"/k\"\nvcpus = 3\n",
				  "--stats-json s.json --dump-dtb d.dtb --quiet"),
			 ITSY_OK);
	assert_int_equal(guest.calls, 1);
	assert_string_equal(guest.kernel, "/k");
	assert_int_equal(guest.vcpus, 3);
	assert_string_equal(guest.stats_json, "s.json");
	assert_string_equal(guest.dump_dtb, "d.dtb");
	assert_true(guest.quiet);
	assert_string_equal(said.err, "");

	assert_int_equal(itsy_run("kernel = \"/k\"\n", ""), ITSY_OK);
	assert_string_equal(guest.stats_json, "");
	assert_string_equal(guest.dump_dtb, "");
	assert_false(guest.quiet);
}

static void test_run_returns_what_the_guest_returned(void **state)
{
	static const enum exit_status answers[] = { ITSY_OK, ITSY_RUNTIME, ITSY_ENVIRONMENT,
						    (enum exit_status)143 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		guest.answer = answers[i];
		assert_int_equal(itsy_run("kernel = \"/k\"\n", ""), answers[i]);
	}
	guest.answer = ITSY_OK;
}

static void test_run_applies_overrides_in_their_order(void **state)
{
	(void)state;
	assert_int_equal(itsy_run("kernel = \"/k\"\nvcpus = 3\n",
				  "--set vcpus=5 --set=memory=1G --set vcpus=6"),
			 ITSY_OK);
	assert_int_equal(guest.vcpus, 6);
	assert_int_equal(guest.memory, GiB);
}

static void test_run_refuses_wrong_configurations_with_their_own_status(void **state)
{
	(void)state;
	assert_int_equal(itsy_run("kernel = \"/k\"\nvcpus = 0\n", ""), ITSY_CONFIG);
	has(said.err, ":2: error: 'vcpus' is");
	assert_int_equal(guest.calls, 0);
	assert_int_equal(itsy_run("kernel = \"/k\"\n", "--set vcpus=0"), ITSY_CONFIG);
	has(said.err, "--set vcpus=0: error: ");
	assert_int_equal(itsy("run /nowhere.conf"), ITSY_CONFIG);
	has(said.err, "/nowhere.conf: error: cannot be read");
}

static void test_run_refuses_wrong_command_lines(void **state)
{
	static const struct {
		const char *line, *want;
	} cases[] = {
		{ "run", "run: there is no configuration file and no --kernel: itsy help run "
			 "explains it\n" },
		{ "run a.conf b.conf", "run: it takes one configuration file, and 'b.conf' is "
				       "more: itsy help run explains it\n" },
		{ "run a.conf --statsjson f",
		  "run: unknown option --statsjson: did you mean --stats-json?\n" },
		{ "run a.conf --frobnicate=1",
		  "run: unknown option --frobnicate: itsy help run lists them\n" },
		{ "run -q a.conf", "run: unknown option -q: itsy help run lists them\n" },
		{ "run -xy a.conf", "run: unknown option -x: itsy help run lists them\n" },
		{ "run a.conf --set", "run: --set needs a value: itsy help run explains it\n" },
		{ "run a.conf --quiet=1",
		  "run: --quiet takes no value: itsy help run explains it\n" },
	};

	(void)state;
	guest.calls = 0;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(itsy(cases[i].line), ITSY_USAGE);
		assert_int_equal(strncmp(said.err, "itsy: error: ", 13), 0);
		assert_string_equal(said.err + 13, cases[i].want);
	}
	assert_int_equal(guest.calls, 0);
}

static void test_what_asks_a_guest_refuses_wrong_command_lines(void **state)
{
	static const struct {
		const char *line, *want;
	} cases[] = {
		{ "ctl box irks", "ctl: unknown verb 'irks': did you mean 'irqs'?\n" },
		{ "ctl box frobnicate",
		  "ctl: unknown verb 'frobnicate': itsy help ctl lists them\n" },
		{ "ctl box irqs nvme 0",
		  "ctl: usage: itsy ctl box irqs [DEVICE[/VECTOR]] [--histogram]\n" },
		{ "ctl box histogram", "ctl: usage: itsy ctl box histogram on|off\n" },
		{ "ctl box route nvme",
		  "ctl: usage: itsy ctl box route DEVICE[/VECTOR] uring|spin|irqfd|auto\n" },
		{ "ctl box its --histogram",
		  "ctl: --histogram belongs to irqs: itsy help ctl explains it\n" },
		{ "ctl --histogram",
		  "ctl: --histogram belongs to irqs: itsy help ctl explains it\n" },
		{ "ctl box --audit", "ctl: --audit belongs to its: itsy help ctl explains it\n" },
		{ "ctl box --now", "ctl: --now belongs to stop: itsy help ctl explains it\n" },
		{ "list box",
		  "list: it lists all guests, and takes no 'box': itsy help list explains it\n" },
		{ "stop",
		  "stop: no guest is named (itsy list lists them): itsy help stop explains it\n" },
		{ "stop a b",
		  "stop: it takes one guest, and 'b' is more: itsy help stop explains it\n" },
		{ "stop a --force", "stop: unknown option --force: itsy help stop lists them\n" },
		{ "ctl --jsn", "ctl: unknown option --jsn: did you mean --json?\n" },
		{ "top",
		  "top: no guest is named (itsy list lists them): itsy help top explains it\n" },
		{ "top a b",
		  "top: it takes one guest, and 'b' is more: itsy help top explains it\n" },
		{ "top a --interval 0",
		  "top: --interval is 0.1 to 3600 seconds, not '0': itsy help top explains it\n" },
		{ "top a --interval nan", "top: --interval is 0.1 to 3600 seconds, not 'nan': itsy "
					  "help top explains it\n" },
		{ "top a --interval 1s",
		  "top: --interval is 0.1 to 3600 seconds, not '1s': itsy help top explains it\n" },
		{ "top a --interval 3601", "top: --interval is 0.1 to 3600 seconds, not '3601': "
					   "itsy help top explains it\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(itsy(cases[i].line), ITSY_USAGE);
		assert_int_equal(strncmp(said.err, "itsy: error: ", 13), 0);
		assert_string_equal(said.err + 13, cases[i].want);
	}
}

static void test_bench_measures_what_it_is_told(void **state)
{
	(void)state;
	assert_int_equal(itsy("bench irq --vectors 7"), ITSY_RUNTIME);
	assert_string_equal(bench.what, "irq");
	assert_int_equal(bench.options.vectors, 7);
	assert_int_equal(itsy("bench --device 01:02.3 device --routes irqfd --count 5 --gap-us 3 "
			      "--busy --json j --hgrm h --plot p.svg --hardlimit 9 --vcpu-cpu 1 "
			      "--router-cpu 2 --spin-cpu 3 --trigger-cpu 4"),
			 ITSY_RUNTIME);
	assert_string_equal(bench.what, "device");
	assert_int_equal(bench.options.nr_devices, 1);
	assert_int_equal(bench.options.devices[0].dev, 2);
	assert_int_equal(bench.options.vectors, 1);
	assert_int_equal(bench.options.vcpus, 1);
	assert_int_equal(bench.options.gap_us, 3);
	assert_true(bench.options.busy);
	assert_true(bench.options.routes[ROUTE_IRQFD]);
	assert_false(bench.options.routes[ROUTE_URING]);
}

static void test_what_does_not_arrive_on_standard_output_is_a_failure(void **state)
{
	char *lines[][4] = {
		{ "itsy", "--help", NULL },
		{ "itsy", "--version", NULL },
		{ "itsy", "help", "bench", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		enum exit_status status;
		int saved, full;

		capture_begin(&said);
		saved = dup(STDOUT_FILENO);
		full = open("/dev/full", O_WRONLY | O_CLOEXEC);
		assert_true(saved >= 0 && full >= 0);
		assert_int_equal(dup2(full, STDOUT_FILENO), STDOUT_FILENO);
		status = cli_run(lines[i][2] ? 3 : 2, lines[i]);
		assert_int_equal(dup2(saved, STDOUT_FILENO), STDOUT_FILENO);
		clearerr(stdout);
		(void)close(full);
		(void)close(saved);
		capture_end(&said);
		assert_string_equal(said.err, "itsy: error: standard output: cannot be written "
					      "(No space left on device): make room there, or name "
					      "a file on another file system\n");
		assert_int_equal(status, ITSY_RUNTIME);
	}
}

static void test_bench_refuses_what_does_not_go_together(void **state)
{
	static const char *const lines[][2] = {
		{ "bench", "irq or device, and neither is named" },
		{ "bench nic", "irq or device, not 'nic'" },
		{ "bench irq foo", "bench: it measures one thing, and 'foo' is more: itsy" },
		{ "bench irq --device 1:0.0 --device 1:0.0", "bench: 1:0.0: --device names each" },
		{ "bench device", "needs --device" },
		{ "bench device --device none", "needs --device" },
		{ "bench device --device 1:0.0 --vectors 1", "--vectors is for irq" },
		{ "bench device --device 1:0.0 --vcpus 2", "--vcpus is for irq" },
		{ "bench device --device 1:0.0 --rate 10", "--rate is for irq" },
		{ "bench device --device 1:0.0 --functions 1", "--functions is for irq" },
		{ "bench device --device 1:0.0 --burst 1", "--burst is for irq" },
		{ "bench device --device 1:0.0 --device 2:0.0", "the address of one" },
		{ "bench irq --device 1:0.0 --device 1:0.0", "not twice" },
		{ "bench irq --device 1:0.0 --functions 2", "name more devices" },
		{ "bench irq --functions 33", "from 1 to 32" },
		{ "bench irq --functions 4 --vectors 3", "at least one for each" },
		{ "bench irq --burst 2", "as many vectors as there are" },
		{ "bench irq --vectors 2 --burst 2 --rate 5", "do not go together" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		bench.what = NULL;
		assert_int_equal(itsy(lines[i][0]), ITSY_USAGE);
		assert_null(bench.what);
		has(said.err, lines[i][1]);
		has(said.err, "itsy help bench");
	}
}

static void test_run_takes_so_many_overrides_and_no_more(void **state)
{
	char line[1024] = "run";

	(void)state;
	for (int i = 0; i < 65; i++)
		strcat(line, " --set=a=b");
	assert_int_equal(itsy(line), ITSY_USAGE);
	has(said.err, "--set: there are more than 64 options of a guest");
}

static void test_print_config_prints_what_would_run_and_runs_nothing(void **state)
{
	(void)state;
	assert_int_equal(
		itsy_run("kernel = \"/k\" # x\nmemory = 1G\n", "--print-config --set vcpus=2"),
		ITSY_OK);
	assert_int_equal(guest.calls, 0);
	has(said.out, "\nkernel = \"/k\"\t# /proc/self/fd/");
	has(said.out, "\nvcpus = 2\t# --set vcpus=2\nmemory = \"1024M\"\t# /proc/");
	has(said.out, "\nits \"its\" {\t# default\n\tdevid-bits = 16\t# default\n");
}

static void test_print_memory_map_says_where_memory_lies_and_runs_nothing(void **state)
{
	(void)state;
	assert_int_equal(itsy_run("kernel = \"/nowhere\"\nmemory = 1G\n", "--print-memory-map"),
			 ITSY_OK);
	has(said.out, "FROM");
	has(said.out, "0x0040000000  0x007fffffff  ");
	has(said.out, " 1,024 MiB  memory");
	assert_string_equal(said.err, "");
	assert_int_equal(guest.calls, 0);
}

static void test_dry_run_looks_at_the_devices(void **state)
{
	(void)state;
	assert_int_equal(itsy_run("kernel = \"Makefile\"\n"
				  "device \"disk\" {\nbdf = \"fffe:fe:00.0\"\n}\n",
				  "--dry-run"),
			 ITSY_ENVIRONMENT);
	has(said.err, "itsy: error: fffe:fe:00.0: there is no such PCI function");
	assert_int_equal(guest.calls, 0);
}

static void test_dry_run_looks_at_the_memory(void **state)
{
	(void)state;
	assert_int_equal(itsy_run("kernel = \"Makefile\"\nmemory = \"511G\"\n",
				  "--dry-run --set kernel-format=flat"),
			 ITSY_ENVIRONMENT);
	has(said.err, "itsy: error: guest memory: 523264 MiB are more than this host has");
	assert_int_equal(guest.calls, 0);
}

static void test_a_folder_that_is_gone_is_told_with_its_cure(void **state)
{
	char gone[] = "/tmp/itsy-cli-XXXXXX", here[512];

	(void)state;
	assert_non_null(getcwd(here, sizeof(here)));
	assert_non_null(mkdtemp(gone));
	assert_int_equal(chdir(gone), 0);
	assert_int_equal(rmdir(gone), 0);
	assert_int_equal(itsy_run("kernel = \"Image\"\n", "--print-config"), ITSY_RUNTIME);
	assert_int_equal(chdir(here), 0);
	has(said.err, "itsy: error: current folder: is not known (No such file or directory): go "
		      "to one that is there");
}

static void test_run_and_dry_run_look_for_a_device_that_is_named(void **state)
{
	static const char *const options[] = { "", "--dry-run" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		assert_int_equal(itsy_run("kernel = \"Makefile\"\n"
					  "device \"disk\" {\nserial = \"no disk has that\"\n}\n",
					  options[i]),
				 ITSY_ENVIRONMENT);
		has(said.err, "itsy: error: device disk: no function has serial = \"no disk has "
			      "that\"");
		assert_int_equal(guest.calls, 0);
	}
}

static void test_dry_run_loads_the_files_and_runs_nothing(void **state)
{
	static const char config[] = "kernel = \"/proc/self/exe\"\ninitrd = \"/nowhere\"\n";

	(void)state;
	assert_int_equal(itsy_run("kernel = \"/nowhere/Image\"\n", "--dry-run"), ITSY_ENVIRONMENT);
	has(said.err, "itsy: error: /nowhere/Image: the kernel cannot be opened");
	assert_int_equal(guest.calls, 0);

	assert_int_equal(itsy_run(config, "--dry-run --set initrd="), ITSY_ENVIRONMENT);
	has(said.err, "an ELF file");
	assert_int_equal(itsy_run(config, "--dry-run --set kernel=Makefile --set initrd="),
			 ITSY_ENVIRONMENT);
	has(said.err, "itsy: error: Makefile: the kernel is not an arm64 Image");
	/* Any file is as good a flat binary as another. */
	assert_int_equal(itsy_run(config, "--dry-run --set kernel=Makefile --set initrd= "
					  "--set kernel-format=flat"),
			 ITSY_OK);
	assert_string_equal(said.err, "");
	assert_int_equal(itsy_run(config, "--dry-run --set kernel=Makefile --set initrd=Makefile "
					  "--set kernel-format=flat"),
			 ITSY_OK);
	has(said.err, "itsy: warning: Makefile: the initrd is nothing that Linux unpacks");
	assert_int_equal(guest.calls, 0);
}

static void test_commands_that_take_no_words_refuse_them(void **state)
{
	(void)state;
	assert_int_equal(itsy("devices 0000:00:01.0"), ITSY_USAGE);
	has(said.err, "takes no '0000:00:01.0'");
	assert_int_equal(itsy("devices --frob"), ITSY_USAGE);
	has(said.err, "itsy: error: devices: unknown option --frob");
	assert_int_equal(itsy("check a.conf b.conf"), ITSY_USAGE);
	has(said.err, "check: it takes one configuration file, and 'b.conf' is more: ");
	assert_int_equal(itsy("check --set vcpus=1"), ITSY_CONFIG);
	assert_string_equal(said.err, "--kernel: error: it is missing: the file of the guest's "
				      "kernel\n");
	assert_int_equal(itsy("check --jsno"), ITSY_USAGE);
	has(said.err, "itsy: error: check: unknown option --jsno: did you mean --json?");
	assert_int_equal(itsy("check /nowhere.conf"), ITSY_CONFIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_help_lists_each_command_on_stdout),
		cmocka_unit_test(test_each_command_explains_itself),
		cmocka_unit_test(test_help_fits_a_terminal_of_80_columns),
		cmocka_unit_test(test_each_option_of_each_command_is_read_and_explained),
		cmocka_unit_test(test_help_is_printed_where_it_stands),
		cmocka_unit_test(test_numbers_of_options_are_taken_from_the_least_to_the_most),
		cmocka_unit_test(test_version_is_printed),
		cmocka_unit_test(test_no_command_is_a_usage_error),
		cmocka_unit_test(test_unknown_commands_come_with_the_nearest_one),
		cmocka_unit_test(test_suggestions_are_near_and_never_for_long_words),
		cmocka_unit_test(test_run_hands_configuration_and_options_over),
		cmocka_unit_test(test_run_returns_what_the_guest_returned),
		cmocka_unit_test(test_run_applies_overrides_in_their_order),
		cmocka_unit_test(test_run_refuses_wrong_configurations_with_their_own_status),
		cmocka_unit_test(test_run_refuses_wrong_command_lines),
		cmocka_unit_test(test_what_asks_a_guest_refuses_wrong_command_lines),
		cmocka_unit_test(test_bench_measures_what_it_is_told),
		cmocka_unit_test(test_bench_refuses_what_does_not_go_together),
		cmocka_unit_test(test_what_does_not_arrive_on_standard_output_is_a_failure),
		cmocka_unit_test(test_run_takes_so_many_overrides_and_no_more),
		cmocka_unit_test(test_print_config_prints_what_would_run_and_runs_nothing),
		cmocka_unit_test(test_print_memory_map_says_where_memory_lies_and_runs_nothing),
		cmocka_unit_test(test_dry_run_looks_at_the_devices),
		cmocka_unit_test(test_dry_run_looks_at_the_memory),
		cmocka_unit_test(test_a_folder_that_is_gone_is_told_with_its_cure),
		cmocka_unit_test(test_run_and_dry_run_look_for_a_device_that_is_named),
		cmocka_unit_test(test_dry_run_loads_the_files_and_runs_nothing),
		cmocka_unit_test(test_commands_that_take_no_words_refuse_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
