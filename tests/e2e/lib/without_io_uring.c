// SPDX-License-Identifier: MIT
/*
 * without-io-uring - runs a command as in a container whose seccomp profile has no io_uring.
 *
 * usage: without-io-uring COMMAND [ARGUMENT]...
 *
 * io_uring_setup(), io_uring_enter() and io_uring_register() end with EPERM in the command and in
 * all that it starts. Its exit status; or 126, 127, as in a shell, where it cannot be run.
 */
#include <assert.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/unit/irq/refuse_io_uring.h"

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	if (refuse_io_uring(SYS_io_uring_setup, EPERM) < 0) {
		perror("without-io-uring");
		return 126;
	}
	(void)execvp(argv[1], argv + 1);
	perror(argv[1]);
	return errno == ENOENT ? 127 : 126;
}
