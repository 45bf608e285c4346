// SPDX-License-Identifier: MIT
/*
 * itsy bench: reads the options. No locks.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/bits.h"
#include "vmm/base/suggest.h"
#include "vmm/bench/bench.h"
#include "vmm/cli/commands.h"
#include "vmm/cli/options.h"

enum {
	OPT_DEVICE = 256,
	OPT_ROUTES,
	OPT_VECTORS,
	OPT_FUNCTIONS,
	OPT_VCPUS,
	OPT_BUSY,
	OPT_COUNT,
	OPT_BURST,
	OPT_RATE,
	OPT_GAP,
	OPT_ROUTER_CPU,
	OPT_SPIN_CPU,
	OPT_VCPU_CPU,
	OPT_TRIGGER_CPU,
	OPT_JSON,
	OPT_HGRM,
	OPT_PLOT,
	OPT_HARDLIMIT,
	OPT_HELP
};

static const struct option long_options[] = {
	{ "device", required_argument, NULL, OPT_DEVICE },
	{ "routes", required_argument, NULL, OPT_ROUTES },
	{ "vectors", required_argument, NULL, OPT_VECTORS },
	{ "functions", required_argument, NULL, OPT_FUNCTIONS },
	{ "vcpus", required_argument, NULL, OPT_VCPUS },
	{ "busy", no_argument, NULL, OPT_BUSY },
	{ "count", required_argument, NULL, OPT_COUNT },
	{ "burst", required_argument, NULL, OPT_BURST },
	{ "rate", required_argument, NULL, OPT_RATE },
	{ "gap-us", required_argument, NULL, OPT_GAP },
	{ "router-cpu", required_argument, NULL, OPT_ROUTER_CPU },
	{ "spin-cpu", required_argument, NULL, OPT_SPIN_CPU },
	{ "vcpu-cpu", required_argument, NULL, OPT_VCPU_CPU },
	{ "trigger-cpu", required_argument, NULL, OPT_TRIGGER_CPU },
	{ "json", required_argument, NULL, OPT_JSON },
	{ "hgrm", required_argument, NULL, OPT_HGRM },
	{ "plot", required_argument, NULL, OPT_PLOT },
	{ "hardlimit", required_argument, NULL, OPT_HARDLIMIT },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

static const char help_text[] =
	"Usage: itsy bench irq [OPTION]...\n"
	"       itsy bench device --device BDF [OPTION]...\n"
	"\n"
	"Measures how long interrupts take to a guest's read of ICC_IAR1_EL1, by each\n"
	"route in turn, in one run. The guest is part of itsy.\n"
	"\n"
	"irq counts from the signalled eventfd; device from the write with which the guest\n"
	"itself has a device interrupt: QEMU's edu, or an NVMe controller, which it only\n"
	"asks for one of its features.\n"
	"\n"
	"  --device BDF         irq: trigger the vectors of this PCI function, through VFIO,\n"
	"                       and of others, if it is given again; none, the default:\n"
	"                       bare eventfds\n"
	"                       device: the function that the guest drives\n"
	"  --functions N        irq: so many functions with bare eventfds, 1 to 32; default: 1\n"
	"  --routes LIST        of uring, spin, irqfd; default: uring,irqfd, and spin where\n"
	"                       the host has three CPUs\n"
	"  --vectors N          irq: 1 to 2048, signalled in turn; with F functions vector n\n"
	"                       is vector n / F of function n modulo F; default: one for each\n"
	"  --vcpus N            irq: 1 to 8, each with its share of the vectors; default: 1\n"
	"  --busy               the guest's CPUs loop; without, they sleep in WFI\n"
	"  --count N            interrupts for each route; default: 1000\n"
	"  --burst N            irq: signal so many vectors at once, and divide the time of the\n"
	"                       last one among them; --count counts bursts\n"
	"  --rate N             irq: send N in a second, taken or not; without, each waits\n"
	"                       until the last one was taken\n"
	"  --gap-us N           and then so many microseconds; default: 1000\n"
	"  --router-cpu N       the CPUs of the threads: of the route uring,\n"
	"  --spin-cpu N         of the route spin,\n"
	"  --vcpu-cpu N         of the vCPUs,\n"
	"  --trigger-cpu N      and of the one that signals, or counts\n"
	"  --json FILE          write all of it, with fio's names\n"
	"  --hgrm FILE          write HdrHistogram's text: FILE.ROUTE.hgrm for several routes\n"
	"  --plot FILE          draw the percentiles of all routes: .svg or .png, by gnuplot;\n"
	"                       .gp: write what gnuplot needs to draw them elsewhere\n"
	"  --hardlimit N        exit status 1 where one took longer than N\n"
	"  --help               print this\n"
	"\n"
	"Exit status: 0; 1 the host failed, output could not be written, one was lost (without\n"
	"--rate) or took longer than the hard limit; 2 the command line is wrong; 4 the host is "
	"not ready (itsy\n"
	"check says why), or has no gnuplot; 128+n ended by signal n, what was measured until\n"
	"then is told.\n";

static int usage_error(const char *what, const char *value)
{
	(void)fprintf(stderr, "itsy: error: bench: %s%s%s%s: itsy help bench explains it\n", what,
		      value ? ", not '" : "", value ? value : "", value ? "'" : "");
	return -EINVAL;
}

/* Of a word that is well-formed, and should not be there. */
static int wrong_word(const char *word, const char *why)
{
	(void)fprintf(stderr, "itsy: error: bench: %s: %s: itsy help bench explains it\n", word,
		      why);
	return -EINVAL;
}

static int number(const char *what, uint64_t min, uint64_t max, uint64_t *ret)
{
	char text[96], *end;
	unsigned long long n;

	errno = 0;
	n = strtoull(optarg, &end, 10);
	if (*optarg >= '0' && *optarg <= '9' && !*end && !errno && n >= min && n <= max) {
		*ret = n;
		return 0;
	}
	(void)snprintf(text, sizeof(text), "%s is a number from %llu to %llu", what,
		       (unsigned long long)min, (unsigned long long)max);
	return usage_error(text, optarg);
}

static int take_cpu(const char *what, struct placement *p)
{
	uint64_t n;

	if (number(what, 0, PLACEMENT_MAX_CPU, &n) < 0)
		return -EINVAL;
	p->cpu = (int)n;
	p->asked = true;
	return 0;
}

static int take_device(struct bench_options *o)
{
	struct pci_bdf bdf;

	if (strcmp(optarg, "none") == 0) {
		o->nr_devices = 0;
		return 0;
	}
	if (pci_bdf_parse(optarg, &bdf) < 0)
		return usage_error("--device is the address of a PCI function, or none", optarg);
	for (uint32_t i = 0; i < o->nr_devices; i++)
		if (memcmp(&o->devices[i], &bdf, sizeof(bdf)) == 0)
			return wrong_word(optarg, "--device names each function once, not twice");
	if (o->nr_devices == BENCH_MAX_FUNCTIONS)
		return usage_error("--device is given too often: a guest has 32 functions", NULL);
	o->devices[o->nr_devices++] = bdf;
	return 0;
}

static int take_routes(struct bench_options *o)
{
	char list[64], *rest = list, *name;

	memset(o->routes, 0, sizeof(o->routes));
	if (snprintf(list, sizeof(list), "%s", optarg) >= (int)sizeof(list))
		return usage_error("--routes is a list of uring, spin and irqfd", optarg);
	while ((name = strsep(&rest, ","))) {
		enum route route;

		if (!route_parse(name, &route))
			return usage_error("--routes is a list of uring, spin and irqfd", optarg);
		o->routes[route] = true;
	}
	return 0;
}

/* The options that are numbers. */
static int take_number(struct bench_options *o, int option)
{
	static const struct {
		const char *name;
		uint64_t min, max;
	} numbers[] = {
		[OPT_VECTORS - OPT_VECTORS] = { "--vectors", 1, BENCH_MAX_VECTORS },
		[OPT_FUNCTIONS - OPT_VECTORS] = { "--functions", 1, BENCH_MAX_FUNCTIONS },
		[OPT_VCPUS - OPT_VECTORS] = { "--vcpus", 1, BENCH_MAX_VCPUS },
		[OPT_COUNT - OPT_VECTORS] = { "--count", 1, 1000000000 },
		[OPT_BURST - OPT_VECTORS] = { "--burst", 1, BENCH_MAX_VECTORS },
		[OPT_RATE - OPT_VECTORS] = { "--rate", 1, 10000000 },
		[OPT_GAP - OPT_VECTORS] = { "--gap-us", 0, 10000000 },
		[OPT_HARDLIMIT - OPT_VECTORS] = { "--hardlimit", 1, UINT64_C(1) << 62 },
	};
	size_t i = (size_t)(option - OPT_VECTORS);
	uint64_t n;

	if (number(numbers[i].name, numbers[i].min, numbers[i].max, &n) < 0)
		return -EINVAL;
	if (option == OPT_VECTORS)
		o->vectors = (uint32_t)n;
	else if (option == OPT_FUNCTIONS)
		o->functions = (uint32_t)n;
	else if (option == OPT_VCPUS)
		o->vcpus = (uint32_t)n;
	else if (option == OPT_BURST)
		o->burst = (uint32_t)n;
	else if (option == OPT_GAP)
		o->gap_us = (uint32_t)n;
	else
		*(option == OPT_COUNT  ? &o->count
		  : option == OPT_RATE ? &o->rate
				       : &o->hardlimit) = n;
	return 0;
}

static int take_option(struct bench_options *o, int option)
{
	struct placement trigger = { .cpu = -1 };
	int r;

	switch (option) {
	case OPT_DEVICE:
		return take_device(o);
	case OPT_ROUTES:
		return take_routes(o);
	case OPT_BUSY:
		o->busy = true;
		return 0;
	case OPT_ROUTER_CPU:
		return take_cpu("--router-cpu", &o->router);
	case OPT_SPIN_CPU:
		return take_cpu("--spin-cpu", &o->spin);
	case OPT_VCPU_CPU:
		return take_cpu("--vcpu-cpu", &o->vcpu);
	case OPT_TRIGGER_CPU:
		r = take_cpu("--trigger-cpu", &trigger);
		o->trigger_cpu = trigger.cpu;
		return r;
	case OPT_JSON:
		o->json = optarg;
		return 0;
	case OPT_HGRM:
		o->hgrm = optarg;
		return 0;
	case OPT_PLOT:
		o->plot = optarg;
		return 0;
	case OPT_VECTORS:
	case OPT_FUNCTIONS:
	case OPT_VCPUS:
	case OPT_COUNT:
	case OPT_BURST:
	case OPT_RATE:
	case OPT_GAP:
	case OPT_HARDLIMIT:
		return take_number(o, option);
	default:
		return -EINVAL; /* it was told why */
	}
}

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
		.routes = { [ROUTE_URING] = true, [ROUTE_IRQFD] = true },
	};
	/* One that never sleeps beside the guest and what it measures. */
	o->routes[ROUTE_SPIN] = env.cpus >= 3;
}

/* What depends on several options. */
static int complete(struct bench_options *o)
{
	if (o->functions && o->nr_devices)
		return usage_error("--functions is for bare eventfds: name more devices instead",
				   NULL);
	if (o->nr_devices)
		o->functions = o->nr_devices;
	else if (!o->functions)
		o->functions = 1;
	if (!o->vectors)
		o->vectors = o->functions;
	if (o->vectors < o->functions)
		return usage_error("--vectors has at least one for each function", NULL);
	if (o->burst > o->vectors)
		return usage_error("--burst is of as many vectors as there are, at most", NULL);
	if (o->burst > 1 && o->rate)
		return usage_error("--burst and --rate do not go together", NULL);
	return 0;
}

/* Bit n: the option OPT_DEVICE + n was given. */
#define GIVEN(option) (1u << ((option)-OPT_DEVICE))

/* There is one vector on one CPU, and the guest sets the pace. */
static int check_device(const struct bench_options *o, unsigned given)
{
	static const struct {
		int option;
		const char *why;
	} of_irq[] = {
		{ OPT_VECTORS, "--vectors is for irq: device takes the one of its answer" },
		{ OPT_FUNCTIONS, "--functions is for irq: device drives one" },
		{ OPT_BURST, "--burst is for irq: device makes one round trip at a time" },
		{ OPT_VCPUS, "--vcpus is for irq: device has one, which drives the device" },
		{ OPT_RATE, "--rate is for irq: device sets out again --gap-us after an answer" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(of_irq); i++)
		if (given & GIVEN(of_irq[i].option))
			return usage_error(of_irq[i].why, NULL);
	if (o->nr_devices != 1)
		return usage_error("device needs --device and the address of one", NULL);
	return 0;
}

struct bench_command {
	const char *name;
	enum exit_status (*run)(const struct bench_options *options);
	/* Of options that do not go together; NULL: all do. */
	int (*check)(const struct bench_options *options, unsigned given);
};

static const struct bench_command benches[] = {
	{ "irq", bench_irq, NULL },
	{ "device", bench_device, check_device },
};

static int choose(int argc, char **argv, const struct bench_command **ret_bench)
{
	if (optind == argc)
		return usage_error("what is to be measured? There are irq and device", NULL);
	if (optind + 1 < argc)
		return wrong_word(argv[optind + 1], "one word too many");
	for (size_t i = 0; i < ARRAY_SIZE(benches); i++) {
		if (strcmp(argv[optind], benches[i].name) != 0)
			continue;
		*ret_bench = &benches[i];
		return 0;
	}
	return usage_error("it measures irq or device", argv[optind]);
}

/* 1: --help. */
static int parse(int argc, char **argv, struct bench_options *o,
		 const struct bench_command **ret_bench)
{
	unsigned given = 0;
	int option, r;

	set_defaults(o);
	options_begin();
	while ((option = options_next(argc, argv, long_options)) != -1) {
		if (option == OPT_HELP)
			return 1;
		r = take_option(o, option);
		if (r < 0)
			return r;
		given |= GIVEN(option);
	}
	r = choose(argc, argv, ret_bench);
	if (r >= 0 && (*ret_bench)->check)
		r = (*ret_bench)->check(o, given);
	return r < 0 ? r : complete(o);
}

enum exit_status cmd_bench(int argc, char **argv)
{
	const struct bench_command *bench = NULL;
	struct bench_options options;
	int r = parse(argc, argv, &options, &bench);

	if (r < 0)
		return ITSY_USAGE;
	if (r > 0) {
		(void)fputs(help_text, stdout);
		return ITSY_OK;
	}
	return bench->run(&options);
}
