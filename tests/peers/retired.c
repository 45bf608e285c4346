// SPDX-License-Identifier: MIT
/*
 * retired - how many instructions the machine's CPU 0 has retired, at any level: programs', the
 * kernel's, and guests'.
 *
 * usage: retired	answers each line of standard input with a line "N", the count since it
 * began
 *
 * perf_event_open(2), a hardware event of the whole CPU. No locks; one thread.
 */
#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/perf_event.h>

static int open_counter(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_HARDWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_HW_INSTRUCTIONS,
	};
	int fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, 0UL);

	if (fd < 0)
		err(1, "no counter of instructions");
	return fd;
}

int main(void)
{
	int fd = open_counter();
	char line[64];
	uint64_t n;

	while (fgets(line, sizeof(line), stdin)) {
		if (read(fd, &n, sizeof(n)) != (ssize_t)sizeof(n))
			err(1, "the counter of instructions");
		(void)printf("%" PRIu64 "\n", n);
		(void)fflush(stdout);
	}
	return 0;
}
