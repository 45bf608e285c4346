// SPDX-License-Identifier: MIT
/*
 * when - at which tick of the machine's counter a text comes.
 *
 * usage: COMMAND | when TEXT [FILE]	prints "when N" once TEXT has come, reads on to
 *					the end, and copies what it reads to FILE
 *
 * N is CNTVCT_EL0, as stamp prints it. Exit status 1: TEXT did not come. No locks.
 */
#include <err.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct window {
	char text[4096]; /* what came last */
	size_t len;
};

/* Keep the end, which may be the beginning of what is looked for. */
static void add(struct window *w, const char *piece, size_t len, size_t keep)
{
	if (w->len > keep) {
		memmove(w->text, w->text + w->len - keep, keep);
		w->len = keep;
	}
	memcpy(w->text + w->len, piece, len);
	w->len += len;
}

static uint64_t counter(void)
{
	uint64_t now;

	__asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(now) : : "memory");
	return now;
}

int main(int argc, char **argv)
{
	struct window w = { .len = 0 };
	bool seen = false;
	char piece[1024];
	FILE *copy = NULL;
	ssize_t len;

	if (argc < 2 || argc > 3 || strlen(argv[1]) > sizeof(w.text) / 2)
		errx(2, "usage: when TEXT [FILE]");
	if (argc == 3 && !(copy = fopen(argv[2], "we")))
		err(1, "%s", argv[2]);
	while ((len = read(STDIN_FILENO, piece, sizeof(piece))) > 0) {
		add(&w, piece, (size_t)len, strlen(argv[1]));
		if (!seen && memmem(w.text, w.len, argv[1], strlen(argv[1]))) {
			(void)printf("when %" PRIu64 "\n", counter());
			(void)fflush(stdout);
			seen = true;
		}
		if (copy && fwrite(piece, 1, (size_t)len, copy) != (size_t)len)
			err(1, "%s", argv[2]);
	}
	if (copy && fclose(copy) < 0)
		err(1, "%s", argv[2]);
	return !seen;
}
