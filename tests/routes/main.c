// SPDX-License-Identifier: MIT
/*
 * itsroutes - which arrangement of threads, io_uring and KVM takes an eventfd's
 * signal to a guest at the least cost?
 *
 * usage: itsroutes [--count N] [--burst N] [--vectors N] [--vcpu-fifo PRIORITY] [--spin] [NAME...]
 *
 * Runs a real guest (the payload of itsy bench), and for each arrangement signals
 * the eventfds of its vectors: one at a time with the guest asleep, then several
 * at once. Prints the time from the signal to the guest's IAR read; where time
 * counts instructions (emuhost run --icount), these are instructions.
 */
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>

#include "tests/routes/arrange.h"
#include "vitsmod/gits.h"
#include "vmm/bench/bench_guest.h"
#include "vmm/kvm/layout.h"

#define MAX_COUNT 100000u
#define WAIT_MS	  2000u
#define MAX_LOST  10u
#define GAP_NS	  2000000 /* between interrupts: the guest has gone to sleep */

struct bench {
	struct gmem mem;
	struct passthru function;
	struct bench_guest *guest;
	uint32_t nr_vectors;
	unsigned count, burst;
	int vcpu_fifo; /* SCHED_FIFO priority; 0: leave them */
	bool spin;     /* also what never sleeps, which needs CPUs of its own */
};

static void be_idle(bool idle)
{
	const struct sched_param param = { .sched_priority = idle ? 0 : 1 };

	/* Alone: the interrupted CPU was idle. In a burst: nobody runs before all are signalled. */
	if (sched_setscheduler(0, idle ? SCHED_IDLE : SCHED_FIFO, &param) < 0)
		perror("sched_setscheduler");
}

static void rest(void)
{
	const struct timespec gap = { .tv_nsec = GAP_NS };

	(void)nanosleep(&gap, NULL);
}

static int ascending(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* "-" where there are fewer than `needs`, of which it would be the greatest. */
static const char *percentile(uint64_t ticks, double unit, unsigned nr, unsigned needs,
			      char ret_text[24])
{
	(void)snprintf(ret_text, 24, nr < needs ? "-" : "%.0f", (double)ticks * unit);
	return ret_text;
}

static void print(const char *name, const char *what, uint64_t *ticks, unsigned nr, unsigned lost,
		  const struct bench *b)
{
	double unit = 1e9 / (double)bench_guest_frequency(b->guest);
	double sum = 0;
	char p50[24], p99[24];

	qsort(ticks, nr, sizeof(*ticks), ascending);
	for (unsigned i = 0; i < nr; i++)
		sum += (double)ticks[i];
	(void)printf("%-24s %-7s n %5u lost %u  min %7.0f p50 %7s mean %7.0f p99 %7s\n", name, what,
		     nr, lost, nr ? (double)ticks[0] * unit : 0,
		     percentile(ticks[nr / 2], unit, nr, 2, p50), nr ? sum / nr * unit : 0,
		     percentile(nr ? ticks[nr - 1 - nr / 100] : 0, unit, nr, 100, p99));
	(void)fflush(stdout);
}

static void singles(struct bench *b, const char *name, uint64_t *ticks)
{
	unsigned nr = 0, lost = 0;

	be_idle(true);
	for (unsigned i = 0; i < b->count && lost < MAX_LOST; i++) {
		uint32_t v = i % b->nr_vectors;
		uint64_t before = bench_guest_count(b->guest, v), t;

		rest();
		t = bench_guest_clock();
		(void)eventfd_write(irq_function_eventfd(&b->function.irq, v), 1);
		if (bench_guest_wait(b->guest, v, before, WAIT_MS))
			ticks[nr++] = bench_guest_stamp(b->guest, v) - t;
		else
			lost++;
	}
	print(name, "single", ticks, nr, lost, b);
}

/* The last one's time, shared among all. */
static void bursts(struct bench *b, const char *name, uint64_t *ticks)
{
	unsigned nr = 0, lost = 0;
	uint64_t before[BENCH_MAX_VECTORS];

	be_idle(false);
	for (unsigned i = 0; i < b->count / 4 && lost < MAX_LOST; i++) {
		uint64_t t, last = 0;
		bool all = true;

		for (uint32_t v = 0; v < b->burst; v++)
			before[v] = bench_guest_count(b->guest, v);
		rest();
		t = bench_guest_clock();
		for (uint32_t v = 0; v < b->burst; v++)
			(void)eventfd_write(irq_function_eventfd(&b->function.irq, v), 1);
		for (uint32_t v = 0; v < b->burst; v++) {
			all &= bench_guest_wait(b->guest, v, before[v], WAIT_MS);
			if (bench_guest_stamp(b->guest, v) > last)
				last = bench_guest_stamp(b->guest, v);
		}
		if (all)
			ticks[nr++] = (last - t) / b->burst;
		else
			lost++;
	}
	print(name, "burst/n", ticks, nr, lost, b);
}

static int set_routes(const struct bench *b)
{
	struct vm_route routes[BENCH_MAX_VECTORS];

	for (uint32_t v = 0; v < b->nr_vectors; v++)
		routes[v] = (struct vm_route){ LAYOUT_KERNEL_ITS_FRAME + GITS_TRANSLATER,
					       kernel_its_devid(0, v), kernel_its_eventid(v) };
	return vm_set_routes(machine_vm(bench_guest_machine(b->guest)), routes, b->nr_vectors);
}

static int run(struct bench *b, const struct arrangement *a, uint64_t *ticks)
{
	struct arranged *arranged = NULL;
	const struct arrange_config config = {
		.function = &b->function,
		.vm = machine_vm(bench_guest_machine(b->guest)),
		.nr_vectors = b->nr_vectors,
	};
	int r = arrange_start(a, &config, &arranged);

	if (r < 0) {
		(void)printf("%-24s not here (%s)\n", a->name, strerror(-r));
		return 0;
	}
	singles(b, a->name, ticks);
	bursts(b, a->name, ticks);
	be_idle(true);
	arrange_stop(arranged);
	return 0;
}

static int run_all(struct bench *b, char **names)
{
	uint64_t *ticks = calloc(MAX_COUNT, sizeof(*ticks));
	int r = ticks ? set_routes(b) : -ENOMEM;

	for (size_t i = 0; !r && i < nr_arrangements; i++) {
		bool wanted = !*names && arrangement_spins(&arrangements[i]) <= b->spin;

		for (char **n = names; *n; n++)
			wanted |= !strcmp(*n, arrangements[i].name);
		if (wanted)
			r = run(b, &arrangements[i], ticks);
	}
	free(ticks);
	return r;
}

/* Of the threads that vmm/kvm/vcpu.c names so. */
static void make_vcpus_fifo(int priority)
{
	DIR *tasks = opendir("/proc/self/task");
	const struct sched_param param = { .sched_priority = priority };
	const struct dirent *task;

	while (tasks && (task = readdir(tasks))) {
		char path[64], comm[32] = "";
		_cleanup_file_ FILE *file = NULL;

		(void)snprintf(path, sizeof(path), "/proc/self/task/%.16s/comm", task->d_name);
		file = fopen(path, "re");
		if (!file || !fgets(comm, sizeof(comm), file) || strncmp(comm, "vcpu", 4) != 0)
			continue;
		if (sched_setscheduler((pid_t)strtol(task->d_name, NULL, 10), SCHED_FIFO, &param))
			perror("SCHED_FIFO");
	}
	if (tasks)
		(void)closedir(tasks);
}

static int begin(struct bench *b, struct failure *failure)
{
	struct bench_guest_config config = {
		.functions = &b->function,
		.nr_functions = 1,
		.source = BENCH_BARE,
		.nr_vectors = b->nr_vectors,
		.vcpus = 1,
		.unrouted = true,
		.vcpu = { .cpu = -1 },
		.mem = &b->mem,
	};
	int r = gmem_init(&b->mem, LAYOUT_RAM, BENCH_GUEST_MEMORY);

	if (r < 0)
		return failure_set(failure, ITSY_ENVIRONMENT, -r, "memory", NULL, "%s",
				   strerror(-r));
	r = passthru_open_bare(&b->function, "bare", 8, b->nr_vectors, failure);
	return r < 0 ? r : bench_guest_create(&config, &b->guest, failure);
}

static const struct option options[] = {
	{ "count", required_argument, NULL, 'c' },   { "burst", required_argument, NULL, 'b' },
	{ "vectors", required_argument, NULL, 'v' }, { "vcpu-fifo", required_argument, NULL, 'f' },
	{ "spin", no_argument, NULL, 's' },	     { NULL, 0, NULL, 0 },
};

static bool take_option(struct bench *b, int option)
{
	unsigned long n = optarg ? strtoul(optarg, NULL, 10) : 1;

	if (option == 's') {
		b->spin = true;
		return true;
	}
	if (!n || n > (option == 'f' ? 98 : option == 'c' ? MAX_COUNT : BENCH_MAX_VECTORS))
		return false;
	switch (option) {
	case 'c':
		b->count = (unsigned)n;
		return true;
	case 'b':
		b->burst = (unsigned)n;
		return true;
	case 'v':
		b->nr_vectors = (uint32_t)n;
		return true;
	case 'f':
		b->vcpu_fifo = (int)n;
		return true;
	default:
		return false;
	}
}

int main(int argc, char **argv)
{
	struct bench b = { .nr_vectors = 16, .count = 1000, .burst = 16 };
	struct failure failure = { 0 };
	int option, r;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (!take_option(&b, option)) {
			(void)fputs("usage: itsroutes [--count N] [--burst N] [--vectors N] "
				    "[--vcpu-fifo PRIORITY] [--spin] [NAME...]\n",
				    stderr);
			return 2;
		}
	if (b.burst > b.nr_vectors)
		b.burst = b.nr_vectors;
	r = begin(&b, &failure);
	if (r >= 0 && b.vcpu_fifo)
		make_vcpus_fifo(b.vcpu_fifo);
	if (r >= 0)
		r = run_all(&b, argv + optind);
	else
		(void)report_failure(&failure);
	bench_guest_destroy(b.guest);
	passthru_close(&b.function);
	gmem_fini(&b.mem);
	return r < 0;
}
