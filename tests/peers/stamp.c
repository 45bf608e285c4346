// SPDX-License-Identifier: MIT
/*
 * stamp - says when a program was executed, on the machine's counter.
 *
 * usage: stamp PROGRAM [ARGUMENT]...	says "frequency HZ" and "exec N", then is PROGRAM
 *
 * N is CNTVCT_EL0, which is the host's CNTPCT_EL0 as well: what a guest's first
 * instruction reads there (tests/guest/roundtrip.c) is later by what it takes from
 * execve() to the guest, and by one write() of some forty bytes.
 *
 * No locks.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	uint64_t hz, now;

	if (argc < 2) {
		(void)fprintf(stderr, "usage: stamp PROGRAM [ARGUMENT]...\n");
		return 2;
	}
	__asm__ volatile("mrs %0, cntfrq_el0\n\tisb\n\tmrs %1, cntvct_el0"
			 : "=r"(hz), "=r"(now)
			 :
			 : "memory");
	(void)dprintf(STDOUT_FILENO, "frequency %" PRIu64 "\nexec %" PRIu64 "\n", hz, now);
	(void)execvp(argv[1], argv + 1);
	(void)fprintf(stderr, "stamp: error: %s: %s\n", argv[1], strerror(errno));
	return 127;
}
