/* SPDX-License-Identifier: MIT */
/*
 * A host's sys/, proc/, dev/ and run/ in a directory of their own, for tests of
 * what vfio/ reads and writes there.
 */
#ifndef TESTS_UNIT_VFIO_TREE_H
#define TESTS_UNIT_VFIO_TREE_H

#include "vfio/pci.h"

struct host_tree {
	struct pci_host_fs fs;
};

struct tree_function {
	const char *bdf;
	uint16_t vendor, device;
	uint32_t class_code;
	const char *driver; /* NULL: none */
	int group;	    /* -1: none */
	const uint8_t *config;
	unsigned config_size;
	const char *reset; /* NULL: no such attribute */
};

/* All of these stop the test where they fail. */
void tree_init(struct host_tree *tree);
void tree_fini(struct host_tree *tree);

/* Make a file, or a link, and the directories above it. */
void tree_write(const struct host_tree *tree, const char *path, const char *text);
void tree_write_bytes(const struct host_tree *tree, const char *path, const void *bytes,
		      size_t size);
void tree_link(const struct host_tree *tree, const char *path, const char *target);
void tree_dir(const struct host_tree *tree, const char *path);
void tree_remove(const struct host_tree *tree, const char *path);
bool tree_has(const struct host_tree *tree, const char *path);
/* The file's text, without its last newline. */
const char *tree_read(const struct host_tree *tree, const char *path, char *buf, size_t size);

/* As sysfs lays a function out: its place, its links, its group. */
void tree_add_function(const struct host_tree *tree, const struct tree_function *fn);
/* Bind it: NULL for none. */
void tree_set_driver(const struct host_tree *tree, const char *bdf, const char *driver);

#endif
