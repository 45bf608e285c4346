// SPDX-License-Identifier: MIT
/*
 * inject-call - has a thread of another process make a system call, as if something had taken
 * it over: by ptrace(2), on the arm64 host.
 *
 * usage: inject-call TID NUMBER [ARGUMENT]...		numbers as strtoull(3) reads them
 *
 * The thread makes the call instead of the one that it is in, and goes on with whatever comes of
 * it. Exit status 0: it is about to. What becomes of it is not looked at.
 */
#include <elf.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define SVC	  0xd4000001u
#define MAX_ARGS  6
#define MAX_TRIES 1000

static int fail(const char *what)
{
	fprintf(stderr, "inject-call: %s: %s\n", what, strerror(errno));
	return EXIT_FAILURE;
}

static int stop(pid_t tid)
{
	int status;

	if (ptrace(PTRACE_INTERRUPT, tid, 0, 0) < 0)
		return -1;
	return waitpid(tid, &status, __WALL) == tid ? 0 : -1;
}

static uint32_t instruction_at(pid_t tid, uint64_t at)
{
	uint64_t word = at & ~UINT64_C(7);
	long both = ptrace(PTRACE_PEEKTEXT, tid, word, 0);

	return (uint32_t)((uint64_t)both >> (at & 4 ? 32 : 0));
}

/* Where the thread is in a system call, or about to make one again, there is the instruction. */
static uint64_t find_svc(pid_t tid, const struct user_regs_struct *regs)
{
	if (instruction_at(tid, regs->pc - 4) == SVC)
		return regs->pc - 4;
	return instruction_at(tid, regs->pc) == SVC ? regs->pc : 0;
}

static int inject(pid_t tid, const uint64_t words[], int nr)
{
	struct user_regs_struct regs;
	struct iovec all = { &regs, sizeof(regs) };
	int none = -1;
	struct iovec call = { &none, sizeof(none) };

	if (ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &all) < 0)
		return -1;
	regs.pc = find_svc(tid, &regs);
	if (!regs.pc) {
		errno = EAGAIN;
		return -1;
	}
	regs.regs[8] = words[0];
	for (int i = 0; i < MAX_ARGS; i++)
		regs.regs[i] = i + 1 < nr ? words[i + 1] : 0;
	if (ptrace(PTRACE_SETREGSET, tid, NT_PRSTATUS, &all) < 0)
		return -1;
	/* The call that it was in is not restarted. */
	return (int)ptrace(PTRACE_SETREGSET, tid, NT_ARM_SYSTEM_CALL, &call);
}

int main(int argc, char **argv)
{
	uint64_t words[MAX_ARGS + 1];
	pid_t tid = argc > 2 ? atoi(argv[1]) : 0;
	int nr = argc - 2;

	if (tid <= 0 || nr < 1 || nr > MAX_ARGS + 1)
		return 2;
	for (int i = 0; i < nr; i++)
		words[i] = strtoull(argv[2 + i], NULL, 0);
	if (ptrace(PTRACE_SEIZE, tid, 0, 0) < 0)
		return fail("PTRACE_SEIZE");
	for (int i = 0; i < MAX_TRIES; i++) {
		if (stop(tid) < 0)
			return fail("PTRACE_INTERRUPT");
		if (inject(tid, words, nr) == 0)
			return ptrace(PTRACE_DETACH, tid, 0, 0) < 0 ? fail("PTRACE_DETACH") : 0;
		if (errno != EAGAIN)
			return fail("registers");
		if (ptrace(PTRACE_CONT, tid, 0, 0) < 0)
			return fail("PTRACE_CONT");
		usleep(1000);
	}
	return fail("it makes no system call");
}
