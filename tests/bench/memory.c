// SPDX-License-Identifier: MIT
/*
 * Measuring memory. Documents: mallinfo(3), proc(5) (status).
 *
 * Each ITS is made in a process of its own, so that none finds pages that
 * another one left.
 *
 * No locks: one thread.
 */
#include "tests/bench/memory.h"

#include <errno.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/guest.h"
#include "vmm/base/cleanup.h"

static uint64_t allocated(void)
{
	struct mallinfo2 info = mallinfo2();

	return (uint64_t)info.uordblks + (uint64_t)info.hblkhd;
}

/* Anonymous pages: those of files are the program's, not the ITS's. 0 where it is not known. */
static uint64_t resident(void)
{
	_cleanup_file_ FILE *f = fopen("/proc/self/status", "re");
	unsigned long long kib = 0;
	char line[128];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "RssAnon: %llu kB", &kib) == 1)
			break;
	return kib * 1024;
}

static bool measure_one(struct memory_row *row, uint32_t nr_functions)
{
	const struct guest_config config = {
		.kind = GUEST_NAMED,
		.nr_mapped = nr_functions * GUEST_PER,
		.per_write = GUEST_GROUP,
		.nr_functions = nr_functions,
		.nr_lpis = nr_functions * GUEST_NR_EVENTS,
	};
	struct guest *g = guest_alloc(&config);
	uint64_t allocated_before, resident_before;
	bool sound;

	/* The guest's memory is the guest's: it is there before the counting begins. */
	for (uint64_t i = 0; i < GUEST_RAM_SZ; i += 4096)
		*(volatile uint8_t *)(g->ram + i) = 0;
	resident_before = resident();
	allocated_before = allocated();
	guest_start(g);
	row->allocated_bytes = allocated() - allocated_before;
	row->resident_bytes = resident() - resident_before;
	sound = guest_is_sound(g);
	guest_destroy(g);
	return sound && resident_before;
}

/* In a process of its own. */
static int measure(struct memory_row *row)
{
	int fds[2], status;
	ssize_t got;
	pid_t pid;

	if (pipe(fds) < 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		bool ok = measure_one(row, row->nr_vectors / GUEST_NR_EVENTS) &&
			  write(fds[1], row, sizeof(*row)) == sizeof(*row);

		_exit(ok ? EXIT_SUCCESS : EXIT_FAILURE);
	}
	(void)close(fds[1]);
	got = pid < 0 ? -1 : read(fds[0], row, sizeof(*row));
	(void)close(fds[0]);
	if (pid < 0)
		return -EAGAIN;
	if (waitpid(pid, &status, 0) < 0)
		return -errno;
	return status == 0 && got == sizeof(*row) ? 0 : -EIO;
}

int memory_measure(struct memory_row *rows, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++) {
		int r = measure(&rows[i]);

		if (r < 0) {
			(void)fprintf(stderr, "bench-vits: error: memory cannot be measured: %s\n",
				      strerror(-r));
			return r;
		}
	}
	return 0;
}
