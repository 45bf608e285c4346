// SPDX-License-Identifier: MIT
/*
 * Counting instructions. Documents: Valgrind User Manual, "Callgrind" (client
 * requests, options, profile format).
 *
 * The parent starts itself under callgrind. The child does every operation of
 * every row, a dump each; callgrind collects within two functions only, the ones
 * that are measured, so that nothing around them has to be taken off again.
 *
 * No locks: one thread in each.
 */
#include "tests/bench/count.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <valgrind/callgrind.h>

#include "vitsmod/bits.h"
#include "vmm/base/cleanup.h"

#define MAX_GROUPS 16u
#define MAX_DIR	   1024u
#define LABEL	   "desc: Trigger: Client Request: "

/* What is collected: these, and what they call. */
#define TRANSLATE "vits_translate"
#define WRITE	  "vits_mmio_write"

extern char **environ;

/*
 * The child
 */

bool count_is_child(void)
{
	return RUNNING_ON_VALGRIND;
}

static void no_meter(void *ctx)
{
	(void)ctx;
}

/* As many groups as do not change much of how many events are mapped. */
static uint32_t groups_of(const struct guest *g)
{
	uint32_t nr = guest_nr_groups(g) / 10;

	return nr < 1 ? 1 : nr > MAX_GROUPS ? MAX_GROUPS : nr;
}

static void count_op(struct guest *g, enum guest_op op, size_t row)
{
	static const struct guest_meter none = { no_meter, no_meter, NULL };
	uint32_t nr = groups_of(g);
	char label[64];

	(void)snprintf(label, sizeof(label), "%zu %u %llu", row, (unsigned)op,
		       (unsigned long long)guest_nr_ops(op, nr));
	CALLGRIND_ZERO_STATS;
	guest_do(g, op, 0, nr, &none);
	CALLGRIND_DUMP_STATS_AT(label);
}

static void zero(void *ctx)
{
	(void)ctx;
	CALLGRIND_START_INSTRUMENTATION;
	CALLGRIND_ZERO_STATS;
}

static void dump_storm(void *ctx)
{
	const unsigned *kind = ctx;
	char label[64];

	(void)snprintf(label, sizeof(label), "0 %u 1", NR_GUEST_OPS + *kind);
	CALLGRIND_DUMP_STATS_AT(label);
	CALLGRIND_STOP_INSTRUMENTATION;
}

static void count_storms(void)
{
	struct guest *g = storm_guest();

	for (unsigned kind = 0; kind < NR_STORMS; kind++) {
		const struct guest_meter meter = { zero, dump_storm, &kind };
		struct storm storm;

		storm_run(g, (enum storm_kind)kind, &meter, &storm);
	}
	guest_destroy(g);
}

void count_child(const struct row_list *list)
{
	/* MAPTI maps what DISCARD unmapped. */
	static const enum guest_op order[] = { OP_HIT,	OP_MISS,    OP_INV,
					       OP_MOVI, OP_DISCARD, OP_MAPTI };

	for (size_t i = 0; i < list->nr; i++) {
		struct guest *g = guest_create(&list->rows[i].config);

		/* Mapping a million events is not what takes so long. */
		CALLGRIND_START_INSTRUMENTATION;
		for (size_t j = 0; j < ARRAY_SIZE(order); j++)
			if (row_has(&list->rows[i], order[j]))
				count_op(g, order[j], i);
		CALLGRIND_STOP_INSTRUMENTATION;
		guest_destroy(g);
	}
	count_storms();
}

/*
 * The parent
 */

static int failed(int error, const char *what)
{
	(void)fprintf(stderr, "bench-vits: error: %s: %s\n", what, strerror(error));
	return -error;
}

static int run_child(char *const argv[], const char *dir)
{
	char out[MAX_DIR + 64], self[4096];
	char *args[64] = { "valgrind",
			   "-q",
			   "--tool=callgrind",
			   "--instr-atstart=no",
			   "--compress-strings=no",
			   "--compress-pos=no",
			   "--toggle-collect=" TRANSLATE,
			   "--toggle-collect=" WRITE,
			   out };
	size_t n = 9;
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	pid_t pid;
	int status, r;

	if (len < 0)
		return failed(errno, "/proc/self/exe");
	self[len] = '\0';
	(void)snprintf(out, sizeof(out), "--callgrind-out-file=%s/out", dir);
	args[n++] = self;
	for (size_t i = 1; argv[i] && n < ARRAY_SIZE(args) - 1; i++)
		args[n++] = argv[i];

	r = posix_spawnp(&pid, "valgrind", NULL, NULL, args, environ);
	if (r)
		return failed(r, "valgrind (the Debian package has that name) cannot be run");
	if (waitpid(pid, &status, 0) < 0)
		return failed(errno, "valgrind");
	return status == 0 ? 0 : failed(EIO, "the run under valgrind failed");
}

/* One dump: whose it is, how much it was, and which functions took part. */
struct dump {
	unsigned row;
	unsigned op; /* NR_GUEST_OPS and above: a storm */
	unsigned long long nr_ops, total;
	char callee[64];
	bool labelled, counted, in_translate;
};

static void read_line(struct dump *d, const char *line)
{
	char name[64];

	if (strncmp(line, LABEL, strlen(LABEL)) == 0)
		d->labelled = sscanf(line + strlen(LABEL), "%u %u %llu", &d->row, &d->op,
				     &d->nr_ops) == 3;
	else if (sscanf(line, "totals: %llu", &d->total) == 1)
		d->counted = true;
	else if (sscanf(line, "fn=%63s", name) == 1)
		d->in_translate = strcmp(name, TRANSLATE) == 0;
	else if (sscanf(line, "cfn=%63s", name) == 1 && d->in_translate)
		memcpy(d->callee, name, sizeof(name));
}

static bool read_dump(const char *path, struct dump *ret_dump)
{
	_cleanup_file_ FILE *f = fopen(path, "re");
	char line[1024];

	*ret_dump = (struct dump){ 0 };
	if (!f)
		return false;
	while (fgets(line, sizeof(line), f))
		read_line(ret_dump, line);
	return ret_dump->labelled && ret_dump->counted && ret_dump->nr_ops;
}

static void take_dump(const struct dump *d, struct row_list *list, struct storm storms[NR_STORMS])
{
	double instructions = (double)d->total / (double)d->nr_ops;

	if (d->op < NR_GUEST_OPS)
		list->rows[d->row].cells[d->op].instructions = instructions;
	else
		storms[d->op - NR_GUEST_OPS].instructions = instructions;
}

static int take_dumps(const char *dir, struct row_list *list, struct storm storms[NR_STORMS],
		      char ret_callee[64])
{
	unsigned want = NR_STORMS, got = 0;
	char path[MAX_DIR + 16];
	struct dump d;

	for (size_t i = 0; i < list->nr; i++)
		for (unsigned op = 0; op < NR_GUEST_OPS; op++)
			want += row_has(&list->rows[i], (enum guest_op)op);

	for (unsigned n = 1; n <= want; n++) {
		(void)snprintf(path, sizeof(path), "%s/out.%u", dir, n);
		if (!read_dump(path, &d) || d.row >= list->nr || d.op >= NR_GUEST_OPS + NR_STORMS)
			break;
		take_dump(&d, list, storms);
		if (d.callee[0])
			memcpy(ret_callee, d.callee, sizeof(d.callee));
		got++;
	}
	return got == want ? 0 : failed(EIO, "callgrind's output is not what was expected");
}

static void remove_dir(const char *dir)
{
	_cleanup_dir_ DIR *d = opendir(dir);
	const struct dirent *e;

	while (d && (e = readdir(d)) != NULL)
		(void)unlinkat(dirfd(d), e->d_name, 0);
	(void)rmdir(dir);
}

int count_instructions(char *const argv[], struct row_list *list, struct storm storms[NR_STORMS],
		       char ret_callee[64])
{
	const char *tmp = getenv("TMPDIR");
	char dir[MAX_DIR];
	int r;

	ret_callee[0] = '\0';
	r = snprintf(dir, sizeof(dir), "%s/bench-vits.XXXXXX", tmp && tmp[0] ? tmp : P_tmpdir);
	if (r < 0 || (size_t)r >= sizeof(dir))
		return failed(ENAMETOOLONG, "TMPDIR");
	if (!mkdtemp(dir))
		return failed(errno, dir);
	r = run_child(argv, dir);
	if (r == 0)
		r = take_dumps(dir, list, storms, ret_callee);
	remove_dir(dir);
	return r;
}
