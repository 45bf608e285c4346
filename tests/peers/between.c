// SPDX-License-Identifier: MIT
/*
 * between - what happens on the machine between two lines of standard input: how many
 * instructions its CPU 0 retires, at any level (programs', the kernel's, guests'), and how often a
 * guest's vCPUs exit.
 *
 * usage: between	"begin FOLDER" is answered by "began": FOLDER is what KVM has of a guest in
 *			debugfs (kvm/PID-FD); "begin" is of no guest. "end" is answered by one line,
 *			"instructions N", behind it " exits_all N exits_user N exits_sleep N
 *			exits_interrupts N" where there is a guest. Anything else, and what cannot
 *			be read, ends it with 1.
 *
 * exits_user are to user space, exits_sleep those of WFI; exits_interrupts is what is left when
 * what the kernel answers itself is taken away, too: the host's interrupts, and kicks.
 *
 * perf_event_open(2), a hardware event of the whole CPU. The files of KVM are open no longer than
 * it takes to read them, for each holds its guest. They are read before the instructions are
 * counted, and behind: what that takes is not among these. No locks; one thread.
 */
#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/perf_event.h>

enum kind { ALL, USER, SLEEP, ELSE, NR_KINDS };

/* KVM's files (arch/arm64/kvm/guest.c in Linux), and what they count. */
static const struct {
	const char *file;
	enum kind kind;
} files[] = {
	{ "exits", ALL },	    { "mmio_exit_user", USER },
	{ "wfi_exit_stat", SLEEP }, { "mmio_exit_kernel", ELSE },
	{ "wfe_exit_stat", ELSE },  { "hvc_exit_stat", ELSE },
};

struct counts {
	uint64_t instructions;
	int64_t exits[NR_KINDS];
};

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

static uint64_t read_counter(int fd)
{
	uint64_t n;

	if (read(fd, &n, sizeof(n)) != (ssize_t)sizeof(n))
		err(1, "the counter of instructions");
	return n;
}

static int64_t read_number(const char *folder, const char *file)
{
	char path[320], text[32] = "", *end;
	int64_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		err(1, "%s", path);
	(void)close(fd);
	n = strtoll(text, &end, 10);
	if (end == text)
		errx(1, "%s: '%s' is no number", path, text);
	return n;
}

static void read_exits(const char *folder, struct counts *c)
{
	memset(c->exits, 0, sizeof(c->exits));
	for (size_t i = 0; *folder && i < sizeof(files) / sizeof(*files); i++)
		c->exits[files[i].kind] += read_number(folder, files[i].file);
}

static void print_between(bool guest, const struct counts *from, const struct counts *to)
{
	int64_t n[NR_KINDS];

	(void)printf("instructions %" PRIu64, to->instructions - from->instructions);
	for (int i = 0; i < NR_KINDS; i++)
		n[i] = to->exits[i] - from->exits[i];
	if (guest)
		(void)printf(" exits_all %" PRId64 " exits_user %" PRId64 " exits_sleep %" PRId64
			     " exits_interrupts %" PRId64,
			     n[ALL], n[USER], n[SLEEP], n[ALL] - n[USER] - n[SLEEP] - n[ELSE]);
	(void)puts("");
}

int main(void)
{
	char line[256], folder[sizeof(line)] = "";
	struct counts from = { 0 }, to;
	int fd = open_counter();

	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (!strcmp(line, "end")) {
			to.instructions = read_counter(fd);
			read_exits(folder, &to);
			print_between(*folder, &from, &to);
		} else if (!strncmp(line, "begin", 5) && (!line[5] || line[5] == ' ')) {
			(void)snprintf(folder, sizeof(folder), "%s", line[5] ? line + 6 : "");
			read_exits(folder, &from);
			from.instructions = read_counter(fd);
			(void)puts("began");
		} else {
			errx(1, "'%s' is neither 'begin' nor 'end'", line);
		}
		(void)fflush(stdout);
	}
	return 0;
}
