// SPDX-License-Identifier: MIT
/*
 * itsroutes - which arrangement of threads, io_uring and KVM takes an eventfd's
 * signal to a guest at the least cost?
 *
 * usage: itsroutes [OPTION]... [NAME...]
 *
 *   --count N         interrupts of each, one at a time (default 1000), and N/4 bursts
 *   --burst N         of so many at once (default 16)
 *   --vectors N       (default 16)
 *   --turns N         all of them N times one after the other, with a share of the count
 *   --busy            the guest never sleeps
 *   --vcpu-fifo N     the vCPU is SCHED_FIFO, with this priority
 *   --trigger-cpu N, --vcpu-cpu N, --thread-cpu N
 *                     who signals, the vCPU, and an arrangement's threads run there only
 *   --spin            those that never sleep as well
 *
 * Runs a real guest (the payload of itsy bench), and for each arrangement, or those
 * named, signals the eventfds of its vectors: one at a time, then several at once.
 * Prints the time from the signal to the guest's IAR read; where time counts
 * instructions (emuhost run --icount), these are instructions.
 */
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "tests/routes/arrange.h"
#include "vitsmod/gits.h"
#include "vmm/base/bits.h"
#include "vmm/base/placement.h"
#include "vmm/bench/bench_guest.h"
#include "vmm/kvm/layout.h"

#define MAX_COUNT 100000u
#define WAIT_MS	  2000u
#define MAX_LOST  10u
#define GAP_NS	  2000000 /* between interrupts: the guest has gone to sleep */

struct options {
	int count, burst, vectors, turns;
	int busy, spin;			       /* flags */
	int vcpu_fifo;			       /* SCHED_FIFO priority; 0: leave them */
	int trigger_cpu, vcpu_cpu, thread_cpu; /* -1: any */
};

/* Of all turns of an arrangement. */
struct series {
	uint64_t *ticks; /* [options.count] */
	unsigned nr, lost;
};

struct result {
	struct series single, burst;
};

struct bench {
	struct options o;
	struct gmem mem;
	struct passthru function;
	struct bench_guest *guest;
};

static void be(int policy)
{
	const struct sched_param param = { .sched_priority = policy == SCHED_FIFO };

	if (sched_setscheduler(0, policy, &param) < 0)
		perror("sched_setscheduler");
}

/*
 * Of the thread that signals one at a time, as if a device had done it: on the only CPU it
 * is gone as soon as another can run. A busy guest would not let such a one signal; that
 * one is gone as soon as it sleeps, and has no say in who runs before.
 */
static int single_policy(const struct bench *b)
{
	if (sysconf(_SC_NPROCESSORS_ONLN) > 1)
		return SCHED_OTHER;
	return b->o.busy ? SCHED_FIFO : SCHED_IDLE;
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

static void print(const char *name, const char *what, const struct series *s, const struct bench *b)
{
	double unit = 1e9 / (double)bench_guest_frequency(b->guest);
	double sum = 0;
	char p50[24], p99[24];

	qsort(s->ticks, s->nr, sizeof(*s->ticks), ascending);
	for (unsigned i = 0; i < s->nr; i++)
		sum += (double)s->ticks[i];
	(void)printf(
		"%-24s %-7s n %5u lost %u  min %7.0f p50 %7s mean %7.0f p99 %7s\n", name, what,
		s->nr, s->lost, s->nr ? (double)s->ticks[0] * unit : 0,
		percentile(s->nr ? s->ticks[s->nr / 2] : 0, unit, s->nr, 2, p50),
		s->nr ? sum / s->nr * unit : 0,
		percentile(s->nr ? s->ticks[s->nr - 1 - s->nr / 100] : 0, unit, s->nr, 100, p99));
	(void)fflush(stdout);
}

static void singles(struct bench *b, unsigned count, struct series *s)
{
	be(single_policy(b));
	for (unsigned i = 0; i < count && s->lost < MAX_LOST; i++) {
		uint32_t v = i % (uint32_t)b->o.vectors;
		uint64_t before = bench_guest_count(b->guest, v), t;

		rest();
		t = bench_guest_clock();
		(void)eventfd_write(irq_function_eventfd(&b->function.irq, v), 1);
		if (bench_guest_wait(b->guest, v, before, WAIT_MS))
			s->ticks[s->nr++] = bench_guest_stamp(b->guest, v) - t;
		else
			s->lost++;
	}
}

/* The last one's time, shared among all. */
static void bursts(struct bench *b, unsigned count, struct series *s)
{
	uint64_t before[BENCH_MAX_VECTORS];
	uint32_t nr = (uint32_t)b->o.burst;

	be(SCHED_FIFO); /* nobody runs before all are signalled */
	for (unsigned i = 0; i < count && s->lost < MAX_LOST; i++) {
		uint64_t t, last = 0;
		bool all = true;

		for (uint32_t v = 0; v < nr; v++)
			before[v] = bench_guest_count(b->guest, v);
		rest();
		t = bench_guest_clock();
		for (uint32_t v = 0; v < nr; v++)
			(void)eventfd_write(irq_function_eventfd(&b->function.irq, v), 1);
		for (uint32_t v = 0; v < nr; v++) {
			all &= bench_guest_wait(b->guest, v, before[v], WAIT_MS);
			if (bench_guest_stamp(b->guest, v) > last)
				last = bench_guest_stamp(b->guest, v);
		}
		if (all)
			s->ticks[s->nr++] = (last - t) / nr;
		else
			s->lost++;
	}
	be(SCHED_OTHER);
}

static int set_routes(const struct bench *b)
{
	struct vm_route routes[BENCH_MAX_VECTORS];
	uint32_t nr = (uint32_t)b->o.vectors;

	for (uint32_t v = 0; v < nr; v++)
		routes[v] = (struct vm_route){ LAYOUT_KERNEL_ITS_FRAME + GITS_TRANSLATER,
					       kernel_its_devid(0, v), kernel_its_eventid(v), 0 };
	return vm_set_routes(machine_vm(bench_guest_machine(b->guest)), routes, nr);
}

/* The share of one turn. */
static unsigned share(int count, int turn, int turns)
{
	return (unsigned)(count / turns + (turn < count % turns));
}

static void run(struct bench *b, const struct arrangement *a, int turn, struct result *result)
{
	struct arranged *arranged = NULL;
	const struct arrange_config config = {
		.function = &b->function,
		.vm = machine_vm(bench_guest_machine(b->guest)),
		.nr_vectors = (uint32_t)b->o.vectors,
		.thread_cpu = b->o.thread_cpu,
	};
	int r = arrange_start(a, &config, &arranged);

	if (r < 0) {
		(void)printf("%-24s not here (%s)\n", a->name, strerror(-r));
		return;
	}
	singles(b, share(b->o.count, turn, b->o.turns), &result->single);
	bursts(b, share(b->o.count / 4, turn, b->o.turns), &result->burst);
	arrange_stop(arranged);
	if (turn < b->o.turns - 1)
		return;
	print(a->name, "single", &result->single, b);
	print(a->name, "burst/n", &result->burst, b);
}

static bool wanted(const struct bench *b, const struct arrangement *a, char **names)
{
	bool named = false;

	for (char **n = names; *n; n++)
		named |= !strcmp(*n, a->name);
	return *names ? named : !arrangement_spins(a) || b->o.spin;
}

static int run_all(struct bench *b, char **names)
{
	size_t count = (size_t)b->o.count;
	struct result *results = calloc(nr_arrangements, sizeof(*results));
	uint64_t *ticks = calloc(nr_arrangements * 2 * count, sizeof(*ticks));
	int r = results && ticks ? set_routes(b) : -ENOMEM;

	for (size_t i = 0; !r && i < nr_arrangements; i++) {
		results[i].single.ticks = ticks + 2 * i * count;
		results[i].burst.ticks = results[i].single.ticks + count;
	}
	for (int turn = 0; !r && turn < b->o.turns; turn++)
		for (size_t i = 0; i < nr_arrangements; i++)
			if (wanted(b, &arrangements[i], names))
				run(b, &arrangements[i], turn, &results[i]);
	free(ticks);
	free(results);
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
	const struct placement here = { .cpu = b->o.trigger_cpu, .asked = true };
	struct bench_guest_config config = {
		.functions = &b->function,
		.nr_functions = 1,
		.source = BENCH_BARE,
		.nr_vectors = (uint32_t)b->o.vectors,
		.vcpus = 1,
		.busy = b->o.busy,
		.unrouted = true,
		.vcpu = { .cpu = b->o.vcpu_cpu, .asked = true },
		.mem = &b->mem,
	};
	int r = gmem_init(&b->mem, LAYOUT_RAM, BENCH_GUEST_MEMORY);

	if (r < 0)
		return failure_set(failure, ITSY_ENVIRONMENT, -r, "memory", NULL, "%s",
				   strerror(-r));
	r = passthru_open_bare(&b->function, "bare", 8, config.nr_vectors, failure);
	if (r >= 0)
		r = bench_guest_create(&config, &b->guest, failure);
	placement_apply(&here, "the thread that signals");
	return r;
}

/* ---- the command line ------------------------------------------------------------ */

#define NUMBER(name, member, from, to)                                                    \
	{                                                                                 \
		(name), required_argument, offsetof(struct options, member), (from), (to) \
	}
#define FLAG(name, member)                                                  \
	{                                                                   \
		(name), no_argument, offsetof(struct options, member), 0, 0 \
	}

static const struct row {
	const char *name;
	int argument;
	size_t at;
	long min, max;
} rows[] = {
	NUMBER("count", count, 1, MAX_COUNT),
	NUMBER("burst", burst, 1, BENCH_MAX_VECTORS),
	NUMBER("vectors", vectors, 1, BENCH_MAX_VECTORS),
	NUMBER("turns", turns, 1, 1000),
	NUMBER("vcpu-fifo", vcpu_fifo, 1, 98),
	NUMBER("trigger-cpu", trigger_cpu, 0, PLACEMENT_MAX_CPU),
	NUMBER("vcpu-cpu", vcpu_cpu, 0, PLACEMENT_MAX_CPU),
	NUMBER("thread-cpu", thread_cpu, 0, PLACEMENT_MAX_CPU),
	FLAG("busy", busy),
	FLAG("spin", spin),
};

static bool take_option(struct options *o, const struct row *row)
{
	char *end = NULL;
	long n = optarg ? strtol(optarg, &end, 10) : 1;

	if (end && (end == optarg || *end || n < row->min || n > row->max))
		return false;
	*(int *)((char *)o + row->at) = (int)n;
	return true;
}

static bool take_options(struct options *o, int argc, char **argv)
{
	struct option options[ARRAY_SIZE(rows) + 1] = { 0 };
	int option, row = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		options[i] = (struct option){ rows[i].name, rows[i].argument, NULL, 'o' };
	while ((option = getopt_long(argc, argv, "", options, &row)) == 'o')
		if (!take_option(o, &rows[row]))
			return false;
	return option < 0;
}

int main(int argc, char **argv)
{
	struct bench b = {
		.o = { .vectors = 16,
		       .count = 1000,
		       .burst = 16,
		       .turns = 1,
		       .trigger_cpu = -1,
		       .vcpu_cpu = -1,
		       .thread_cpu = -1 },
	};
	struct failure failure = { 0 };
	int r;

	if (!take_options(&b.o, argc, argv)) {
		(void)fputs("itsroutes: tests/routes/main.c says how it is used\n", stderr);
		return 2;
	}
	if (b.o.burst > b.o.vectors)
		b.o.burst = b.o.vectors;
	r = begin(&b, &failure);
	if (r >= 0 && b.o.vcpu_fifo)
		make_vcpus_fifo(b.o.vcpu_fifo);
	if (r >= 0)
		r = run_all(&b, argv + optind);
	else
		(void)report_failure(&failure);
	bench_guest_destroy(b.guest);
	passthru_close(&b.function);
	gmem_fini(&b.mem);
	return r < 0;
}
