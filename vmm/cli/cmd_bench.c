// SPDX-License-Identifier: MIT
/*
 * itsy bench: reads the options. No locks.
 */
#include <errno.h>
#include <string.h>

#include "vmm/base/bits.h"
#include "vmm/base/word_list.h"
#include "vmm/bench/bench.h"
#include "vmm/cli/commands.h"
#include "vmm/cli/left_behind.h"
#include "vmm/cli/option_types.h"

/* An address of a PCI function once more, or none. */
static int take_device(const struct command_line *line, const struct option_row *row,
		       const char *value, void *member)
{
	struct bench_options *o = member;
	struct pci_bdf bdf;

	if (strcmp(value, "none") == 0) {
		o->nr_devices = 0;
		return 0;
	}
	if (pci_bdf_parse(value, &bdf) < 0)
		return option_error(line,
				    "--%s is the address of a PCI function, or none, not '%s'",
				    row->name, value);
	for (uint32_t i = 0; i < o->nr_devices; i++)
		if (pci_bdf_equal(&o->devices[i], &bdf))
			return option_error(line, "%s: --%s names each function once, not twice",
					    value, row->name);
	if (o->nr_devices == BENCH_MAX_FUNCTIONS)
		return option_error(line, "--%s is given too often: a guest has %u functions",
				    row->name, BENCH_MAX_FUNCTIONS);
	o->devices[o->nr_devices++] = bdf;
	return 0;
}

static int take_routes(const struct command_line *line, const struct option_row *row,
		       const char *value, void *member)
{
	char list[64], *rest = list, *name;
	bool *routes = member;

	memset(routes, 0, row->size);
	if (snprintf(list, sizeof(list), "%s", value) >= (int)sizeof(list))
		list[0] = '\0'; /* so long a one has something wrong in it */
	while ((name = strsep(&rest, ","))) {
		static const struct word_list_style style = { "", ", ", " and " };
		char all[WORD_LIST_SZ];
		enum route route;

		if (!route_parse(name, &route))
			return option_error(line, "--%s is a list of %s, not '%s'", row->name,
					    word_list(route_word, NR_ROUTES, &style, all), value);
		routes[route] = true;
	}
	return 0;
}

static int take_sandbox(const struct command_line *line, const struct option_row *row,
			const char *value, void *member)
{
	bool *on = member;

	*on = strcmp(value, "on") == 0;
	return *on || strcmp(value, "off") == 0
		       ? 0
		       : option_error(line, "--%s is on or off, not '%s'", row->name, value);
}

#define BENCH(name) OPTION_MEMBER(struct bench_options, name)
#define MAX_CPU	    .max = PLACEMENT_MAX_CPU
#define NO_LIMIT    (UINT64_C(1) << 62)

static const struct option_row rows[] = {
	{ "device", "BDF|none", take_device, .at = 0, .size = sizeof(struct bench_options),
	  .help = "irq: trigger the vectors of this PCI function, through VFIO, and of others, if "
		  "it is given again; none, the default: bare eventfds. device: the function that "
		  "the guest drives" },
	{ "functions", "N", option_number, BENCH(functions), .min = 1, .max = BENCH_MAX_FUNCTIONS,
	  .help = "irq: so many functions with bare eventfds, 1 to 32; default: 1" },
	{ "routes", "LIST", take_routes, BENCH(routes),
	  .help = "routes, with commas between; default: uring,irqfd, and spin where the host has "
		  "three CPUs" },
	{ "vectors", "N", option_number, BENCH(vectors), .min = 1, .max = BENCH_MAX_VECTORS,
	  .help = "irq: 1 to 2048, signalled in turn; with F functions vector n is vector n / F of "
		  "function n modulo F; default: one for each" },
	{ "vcpus", "N", option_number, BENCH(vcpus), .min = 1, .max = BENCH_MAX_VCPUS,
	  .help = "irq: 1 to 8, each with its share of the vectors; default: 1" },
	{ "busy", NULL, option_flag, BENCH(busy),
	  .help = "the guest's CPUs loop; without, they sleep in WFI" },
	{ "count", "N", option_number, BENCH(count), .min = 1, .max = 1000000000,
	  .help = "interrupts for each route; default: 1000" },
	{ "burst", "N", option_number, BENCH(burst), .min = 1, .max = BENCH_MAX_VECTORS,
	  .help = "irq: signal so many vectors at once, and divide the time of the last one among "
		  "them; --count counts bursts" },
	{ "rate", "N", option_number, BENCH(rate), .min = 1, .max = 10000000,
	  .help = "irq: send N in a second, taken or not; without, each waits until the last one "
		  "was taken" },
	{ "gap-us", "N", option_number, BENCH(gap_us), .min = 0, .max = 10000000,
	  .help = "microseconds between one that was taken and the next; default: 1000" },
	{ "changes-us", "N", option_number, BENCH(changes_us), .min = 1, .max = 10000000,
	  .help = "irq: every N microseconds the vectors go to uring, or come back, while "
		  "interrupts come; exit status 1 where one is lost, or comes that nobody sent" },
	{ "router-cpu", "N", option_placement, BENCH(router), MAX_CPU,
	  .help = "the CPU of the thread of the route uring" },
	{ "spin-cpu", "N", option_placement, BENCH(spin), MAX_CPU,
	  .help = "the CPU of the thread of the route spin" },
	{ "vcpu-cpu", "N", option_placement, BENCH(vcpu), MAX_CPU, .help = "the CPU of the vCPUs" },
	{ "trigger-cpu", "N", option_cpu, BENCH(trigger_cpu), MAX_CPU,
	  .help = "the CPU of the thread that signals, or that counts round trips" },
	{ "sandbox", "on|off", take_sandbox, BENCH(sandbox),
	  .help = "whether the guest's process gives up what it does not need, as under itsy run; "
		  "default: on" },
	{ "json", "FILE", option_text, BENCH(json), .help = "write all of it, with fio's names" },
	{ "hgrm", "FILE", option_text, BENCH(hgrm),
	  .help = "write HdrHistogram's text: to x-uring.hgrm, x-irqfd.hgrm and so on for x.hgrm "
		  "and several routes" },
	{ "plot", "FILE", option_text, BENCH(plot),
	  .help = "draw the percentiles of all routes: .svg or .png, by gnuplot; .gp: write what "
		  "gnuplot needs to draw them elsewhere" },
	{ "hardlimit", "N", option_number, BENCH(hardlimit), .min = 1, .max = NO_LIMIT,
	  .help = "exit status 1 where one took longer than N" },
};

const struct command_line bench_line = {
	.name = "bench",
	.usage = "itsy bench irq [OPTION]...\n"
		 "       itsy bench device --device BDF [OPTION]...",
	.about =
		"Measures how long interrupts take to a guest's read of ICC_IAR1_EL1, by each\n"
		"route in turn, in one run. The guest is part of itsy.\n"
		"\n"
		"irq counts from the signalled eventfd; device from the write with which the\n"
		"guest itself has a device interrupt: QEMU's edu, or an NVMe controller, which it\n"
		"only asks for one of its features.\n",
	.rows = rows,
	.nr_rows = ARRAY_SIZE(rows),
	.after = "Exit status: 0; 1 the host failed, output could not be written, one was lost\n"
		 "(without --rate) or took longer than the hard limit; 2 the command line is\n"
		 "wrong; 4 the host is not ready (itsy check says why), or has no gnuplot; 128+n\n"
		 "ended by signal n, what was measured until then is told.\n",
};

static void set_defaults(struct bench_options *o)
{
	struct bench_environment env;

	bench_environment_get("", &env);
	*o = (struct bench_options){
		.vcpus = 1,
		.burst = 1,
		.count = 1000,
		.gap_us = 1000,
		.router = { .cpu = -1, .fifo = 1 },
		.spin = { .cpu = -1 },
		.vcpu = { .cpu = -1 },
		.trigger_cpu = -1,
		.sandbox = true,
		.routes = { [ROUTE_URING] = true, [ROUTE_IRQFD] = true },
	};
	/* One that never sleeps beside the guest and what it measures. */
	o->routes[ROUTE_SPIN] = env.cpus >= 3;
}

/* What depends on several options. */
static int complete(struct bench_options *o)
{
	if (o->functions && o->nr_devices)
		return option_error(&bench_line,
				    "--functions is for bare eventfds: name more devices instead");
	if (o->nr_devices)
		o->functions = o->nr_devices;
	else if (!o->functions)
		o->functions = 1;
	if (!o->vectors)
		o->vectors = o->functions;
	if (o->vectors < o->functions)
		return option_error(&bench_line, "--vectors has at least one for each function");
	if (o->burst > o->vectors)
		return option_error(&bench_line,
				    "--burst is of as many vectors as there are, at most");
	if (o->changes_us && o->rate)
		return option_error(&bench_line, "--changes-us and --rate do not go together");
	if (o->burst > 1 && o->rate)
		return option_error(&bench_line, "--burst and --rate do not go together");
	return 0;
}

static bool is_given(const struct words *words, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (words->given >> i & 1 && strcmp(rows[i].name, name) == 0)
			return true;
	return false;
}

/* There is one vector on one CPU, and the guest sets the pace. */
static int check_device(const struct bench_options *o, const struct words *words)
{
	static const struct {
		const char *option, *why;
	} of_irq[] = {
		{ "vectors", "device takes the one of its answer" },
		{ "functions", "device drives one" },
		{ "burst", "device makes one round trip at a time" },
		{ "changes-us", "device keeps the route that is measured" },
		{ "vcpus", "device has one, which drives the device" },
		{ "rate", "device sets out again --gap-us after an answer" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(of_irq); i++)
		if (is_given(words, of_irq[i].option))
			return option_error(&bench_line, "--%s is for irq: %s", of_irq[i].option,
					    of_irq[i].why);
	if (o->nr_devices != 1)
		return option_error(&bench_line, "device needs --device and the address of one");
	return 0;
}

struct bench_command {
	const char *name;
	enum exit_status (*run)(const struct bench_options *options);
	/* Of options that do not go together; NULL: all do. */
	int (*check)(const struct bench_options *options, const struct words *words);
};

static const struct bench_command benches[] = {
	{ "irq", bench_irq, NULL },
	{ "device", bench_device, check_device },
};

static int choose(const struct words *words, const struct bench_command **ret_bench)
{
	if (!words->nr)
		return option_error(&bench_line, "it measures irq or device, and neither is named");
	if (words->nr > 1)
		return option_error(&bench_line, "it measures one thing, and '%s' is more",
				    words->list[1]);
	for (size_t i = 0; i < ARRAY_SIZE(benches); i++) {
		if (strcmp(words->list[0], benches[i].name) != 0)
			continue;
		*ret_bench = &benches[i];
		return 0;
	}
	return option_error(&bench_line, "it measures irq or device, not '%s'", words->list[0]);
}

enum exit_status cmd_bench(int argc, char **argv)
{
	static const struct pci_host_fs this_host = { "" };
	const struct bench_command *bench = NULL;
	struct bench_options options;
	struct words words;
	int r;

	set_defaults(&options);
	r = options_parse(&bench_line, argc, argv, &options, &words);
	if (r == 0)
		r = choose(&words, &bench);
	if (r == 0 && bench->check)
		r = bench->check(&options, &words);
	if (r == 0)
		r = complete(&options);
	if (r)
		return r < 0 ? ITSY_USAGE : ITSY_OK;
	left_behind_give_back(&this_host, &(struct pci_set){ options.devices, options.nr_devices });
	return bench->run(&options);
}
