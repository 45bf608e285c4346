/* SPDX-License-Identifier: MIT */
/*
 * A thread without io_uring, as a container has it: a filter of system calls answers
 * io_uring_setup(), io_uring_enter() and io_uring_register(). seccomp(2).
 */
#ifndef TESTS_UNIT_IRQ_REFUSE_IO_URING_H
#define TESTS_UNIT_IRQ_REFUSE_IO_URING_H

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static_assert(SYS_io_uring_enter == SYS_io_uring_setup + 1 &&
		      SYS_io_uring_register == SYS_io_uring_setup + 2,
	      "the three have one number after the other");

/*
 * From the first one of the three on they end with this error, a positive errno, in this thread
 * and in all that it starts. 0, or a negative errno. There is no way back.
 */
static inline int refuse_io_uring(unsigned first, uint16_t error)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, first, 0, 2),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, SYS_io_uring_register, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog prog = { sizeof(filter) / sizeof(filter[0]), filter };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) < 0)
		return -errno;
	return 0;
}

#endif
