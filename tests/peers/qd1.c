// SPDX-License-Identifier: MIT
/*
 * qd1 - how long one read of a disk takes when it is the only one: 4 KiB, past the
 * page cache, one after the other over the whole disk.
 *
 * usage: qd1 DISK COUNT [FIRST_MS]	prints lines "nvme_p50 N" and others (phases.h)
 *
 * No locks; one thread.
 */
#include <err.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/fs.h>

#include "tests/peers/phases.h"

#define BLOCK 4096u
/* Neighbours in time are not neighbours on the disk. */
#define STRIDE 1021u

struct disk {
	int fd;
	uint64_t blocks, next;
	void *buffer;
};

static uint64_t read_block(void *ctx)
{
	struct disk *d = ctx;
	uint64_t begin = samples_now(), took;

	if (pread(d->fd, d->buffer, BLOCK, (off_t)(d->next * BLOCK)) != (ssize_t)BLOCK)
		err(1, "block %" PRIu64, d->next);
	took = samples_now() - begin;
	d->next = (d->next + STRIDE) % d->blocks;
	return took;
}

int main(int argc, char **argv)
{
	struct disk d = { 0 };
	struct phases p = { .key = "nvme", .sample = read_block, .ctx = &d };
	uint64_t size;

	p.count = argc >= 3 ? strtoul(argv[2], NULL, 10) : 0;
	p.first_ms = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
	if (p.count < 1 || argc > 4)
		errx(2, "usage: qd1 DISK COUNT [FIRST_MS]");
	d.fd = open(argv[1], O_RDONLY | O_DIRECT | O_CLOEXEC);
	if (d.fd < 0 || ioctl(d.fd, BLKGETSIZE64, &size) < 0)
		err(1, "%s", argv[1]);
	d.blocks = size / BLOCK;
	if (!d.blocks)
		errx(1, "%s: smaller than one block", argv[1]);
	d.buffer = aligned_alloc(BLOCK, BLOCK);
	if (!d.buffer)
		err(1, "memory");
	phases_run(&p);
	free(d.buffer);
	return close(d.fd) < 0;
}
