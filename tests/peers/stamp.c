// SPDX-License-Identifier: MIT
/*
 * stamp - when a command was executed, on the machine's counter.
 *
 * usage: stamp COMMAND [ARGUMENT]...	prints "frequency HZ" and "exec N" (CNTVCT_EL0),
 *					then is COMMAND
 *
 * No locks.
 */
#include <err.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	uint64_t now, frequency;

	if (argc < 2)
		errx(2, "usage: stamp COMMAND [ARGUMENT]...");
	__asm__ volatile("mrs %0, cntfrq_el0\n\tisb\n\tmrs %1, cntvct_el0"
			 : "=r"(frequency), "=r"(now)
			 :
			 : "memory");
	(void)printf("frequency %" PRIu64 "\nexec %" PRIu64 "\n", frequency, now);
	(void)fflush(stdout);
	(void)execvp(argv[1], argv + 1);
	err(1, "%s", argv[1]);
}
