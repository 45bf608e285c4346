// SPDX-License-Identifier: MIT
/*
 * The signals that end a command. No locks.
 */
#include "vmm/base/signals.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "vmm/base/bits.h"

static int open_for(const int signals[], size_t nr)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	for (size_t i = 0; i < nr; i++)
		sigaddset(&set, signals[i]);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

int signals_open(void)
{
	static const int ending[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

	(void)signal(SIGPIPE, SIG_IGN);
	return open_for(ending, ARRAY_SIZE(ending));
}

int signals_open_job(void)
{
	static const int job[] = { SIGTSTP, SIGCONT };

	(void)signal(SIGTTIN, SIG_IGN);
	return open_for(job, ARRAY_SIZE(job));
}

int signals_take(int fd)
{
	struct signalfd_siginfo info;

	return read(fd, &info, sizeof(info)) == sizeof(info) ? (int)info.ssi_signo : 0;
}
