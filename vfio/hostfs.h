/* SPDX-License-Identifier: MIT */
/*
 * Small files and links below the root of the host's file systems (sysfs, proc).
 * Private to vfio/.
 */
#ifndef VFIO_HOSTFS_H
#define VFIO_HOSTFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vfio/host.h"
#include "vmm/base/cleanup.h"

#define HOST_PATH_MAX 768u

struct host_path {
	char text[HOST_PATH_MAX];
};

/* Root, and behind it a path that format makes. 0, or -ENAMETOOLONG. */
int host_path(struct host_path *ret_path, const struct pci_host_fs *fs, const char *format,
	      ...) _must_check_ __attribute__((format(printf, 3, 4)));

/*
 * Read at most size - 1 bytes of a file as text, without its last newline.
 * 0, or what open or read answered.
 */
int host_read_text(const char *path, char *buf, size_t size) _must_check_;

/* Read a number as C writes it (0x for hexadecimal). -EINVAL when it is none. */
int host_read_u32(const char *path, uint32_t *ret_value) _must_check_;

/* Read a file's first bytes. The number of bytes, or negative errno. */
int host_read_bytes(const char *path, void *buf, size_t size) _must_check_;

/* Write a file that exists, in one piece. 0, or what open or write answered. */
int host_write_text(const char *path, const char *text) _must_check_;

/* Where a symbolic link points, as it is written there. */
int host_read_link(const char *path, char *buf, size_t size) _must_check_;

/* The last part of where a link points: the name of a driver or a group. */
int host_link_name(const char *path, char *buf, size_t size) _must_check_;

/* Open it with these flags (open(2)) and close it. 0, or what open answered. */
int host_try_open(const char *path, int flags) _must_check_;

/* Is it there? A dangling link is not. */
bool host_exists(const char *path);

/*
 * Call fn with the name of each entry of a directory, except "." and "..", until
 * it returns other than 0, which is then the result. -ENOENT where there is no
 * such directory.
 */
int host_each_entry(const char *path, int (*fn)(void *ctx, const char *name),
		    void *ctx) _must_check_;

#endif
