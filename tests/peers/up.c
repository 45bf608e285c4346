// SPDX-License-Identifier: MIT
/*
 * up - a guest's first process that says so, and then how much memory is free, "free KIB", and
 * switches it off: how long a boot takes is the time until its first word comes. No locks.
 */
#include <inttypes.h>
#include <stdio.h>
#include <sys/reboot.h>
#include <sys/sysinfo.h>
#include <unistd.h>

int main(void)
{
	static const char word[] = "init is up\n";

	struct sysinfo info;

	(void)!write(STDOUT_FILENO, word, sizeof(word) - 1);
	if (sysinfo(&info) == 0)
		(void)dprintf(STDOUT_FILENO, "free %" PRIu64 "\n",
			      (uint64_t)info.freeram * info.mem_unit / 1024);
	return reboot(RB_POWER_OFF);
}
