// SPDX-License-Identifier: MIT
/*
 * agent - runs one command in the emulated host and says how it ended.
 *
 * usage: agent [-n] MARK COMMAND [ARGUMENT]...
 *
 * With a MARK the command's standard input is port 1 of the virtio serial device, its standard
 * output and error are port 2: byte pipes with flow control, on which an end of file outside is one
 * inside. MARK is written to port 2 behind all that the command wrote. With an empty MARK all three
 * are hvc0, as controlling terminal. With -n there is no port 1, and nothing to be read.
 *
 * Port 3 carries lines to the outside: "ready" before the command starts, "exit N" when it has
 * ended (N as in a shell: 126, 127 for a command that cannot be run, 128 + signal). Then the agent
 * waits for the outside to switch the machine off: bytes that a slow reader has not taken yet lie
 * in the port's queue, where nothing tells us when they are gone, and only MARK tells the other
 * side.
 *
 * Before all that, where emuhost has had the kernel boot on the first of several CPUs, it keeps a
 * virtual machine that never runs and a ring that is never used, and starts the others.
 *
 * Deliberately not here: more than one command, and any time limit (emuhost has one outside).
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/kvm.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define CPUS "/sys/devices/system/cpu/cpu"

struct channels {
	int in;
	int out;
	int ctl;
};

static void __attribute__((noreturn)) fail(const char *path)
{
	fprintf(stderr, "emuhost agent: %s: %s\n", path, strerror(errno));
	exit(EXIT_FAILURE);
}

static int open_port(const char *path, int flags)
{
	int fd = open(path, flags | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		fail(path);
	return fd;
}

static void write_all(int fd, const char *text)
{
	size_t left = strlen(text);

	while (left > 0) {
		ssize_t n = write(fd, text, left);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		text += n;
		left -= (size_t)n;
	}
}

static void __attribute__((noreturn)) run_child(const struct channels *ch, bool tty, char **argv)
{
	int err;

	setsid();
	if (tty)
		ioctl(ch->in, TIOCSCTTY, 0);
	dup2(ch->in, STDIN_FILENO);
	dup2(ch->out, STDOUT_FILENO);
	dup2(ch->out, STDERR_FILENO);
	execvp(argv[0], argv);
	err = errno;
	fprintf(stderr, "emuhost: %s: %s\n", argv[0], strerror(err));
	_exit(err == ENOENT ? 127 : 126);
}

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return EXIT_FAILURE;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/*
 * KVM patches the kernel when the first machine comes and when the last one goes, and the emulator
 * now and then misses it: tests/README.md, "What the emulated host gets wrong". With this one,
 * which stays until the host is off, that is once, while one CPU runs and none can miss it.
 * io_uring does the same with its first and last ring (Linux 7.3). Where there is no KVM or
 * io_uring, there is nothing to be missed.
 */
static void keep_what_patches(void)
{
	struct io_uring_params params = {};
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (kvm >= 0 && ioctl(kvm, KVM_CREATE_VM, 0) < 0)
		fail("/dev/kvm");
	if (kvm >= 0)
		close(kvm);
	(void)syscall(SYS_io_uring_setup, 1, &params);
}

static void start_cpus(void)
{
	char path[64];
	int cpu, fd;

	for (cpu = 1;; cpu++) {
		snprintf(path, sizeof(path), CPUS "%d", cpu);
		if (access(path, F_OK) != 0)
			return;
		snprintf(path, sizeof(path), CPUS "%d/online", cpu);
		fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd < 0 || write(fd, "1", 1) != 1)
			fail(path);
		close(fd);
	}
}

int main(int argc, char **argv)
{
	const char *input = "/dev/vport0p1";
	struct channels ch;
	bool tty;
	pid_t pid;
	int code;

	if (argc > 1 && strcmp(argv[1], "-n") == 0) {
		input = "/dev/null";
		argc--;
		argv++;
	}
	if (argc < 3)
		return 2;
	tty = argv[1][0] == '\0';
	ch.ctl = open_port("/dev/vport0p3", O_WRONLY);
	ch.in = open_port(tty ? "/dev/hvc0" : input, tty ? O_RDWR : O_RDONLY);
	ch.out = tty ? ch.in : open_port("/dev/vport0p2", O_WRONLY);

	if (access(CPUS "1", F_OK) == 0) {
		keep_what_patches();
		start_cpus();
	}
	write_all(ch.ctl, "ready\n");
	pid = fork();
	if (pid == 0)
		run_child(&ch, tty, &argv[2]);
	code = pid < 0 ? EXIT_FAILURE : wait_for(pid);

	if (tty)
		tcdrain(ch.out);
	else
		write_all(ch.out, argv[1]);
	dprintf(ch.ctl, "exit %d\n", code);
	while (true)
		pause();
}
