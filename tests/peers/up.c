// SPDX-License-Identifier: MIT
/*
 * up - a guest's first process that says so and switches it off: how long a boot
 * takes is the time until its word comes. No locks.
 */
#include <sys/reboot.h>
#include <unistd.h>

int main(void)
{
	static const char word[] = "init is up\n";

	(void)!write(STDOUT_FILENO, word, sizeof(word) - 1);
	return reboot(RB_POWER_OFF);
}
