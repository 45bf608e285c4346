// SPDX-License-Identifier: MIT
/*
 * qd1 - how long one read of a disk takes when it is the only one: 4 KiB, past the
 * page cache, one after the other over the whole disk.
 *
 * usage: qd1 DISK COUNT		prints lines "nvme_p50 N" and others (samples.h)
 *
 * No locks; one thread.
 */
#include <err.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/fs.h>

#include "tests/peers/samples.h"

#define BLOCK 4096u
/* Neighbours in time are not neighbours on the disk. */
#define STRIDE 1021u

static void measure(int disk, uint64_t blocks, void *buffer, uint64_t *samples, size_t count)
{
	uint64_t block = 0;

	for (size_t i = 0; i < count; i++) {
		uint64_t begin = samples_now();

		if (pread(disk, buffer, BLOCK, (off_t)(block * BLOCK)) != (ssize_t)BLOCK)
			err(1, "block %" PRIu64, block);
		samples[i] = samples_now() - begin;
		block = (block + STRIDE) % blocks;
	}
}

int main(int argc, char **argv)
{
	size_t count = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
	uint64_t size, *samples;
	void *buffer;
	int disk;

	if (count < 1)
		errx(2, "usage: qd1 DISK COUNT");
	disk = open(argv[1], O_RDONLY | O_DIRECT | O_CLOEXEC);
	if (disk < 0 || ioctl(disk, BLKGETSIZE64, &size) < 0)
		err(1, "%s", argv[1]);
	if (size < BLOCK)
		errx(1, "%s: smaller than one block", argv[1]);
	samples = calloc(count, sizeof(*samples));
	buffer = aligned_alloc(BLOCK, BLOCK);
	if (!samples || !buffer)
		err(1, "memory");
	measure(disk, size / BLOCK, buffer, samples, count);
	samples_print("nvme", samples, count);
	free(samples);
	free(buffer);
	return close(disk) < 0;
}
