/* SPDX-License-Identifier: MIT */
/*
 * The configuration file of a guest, itsy.conf(5).
 */
#ifndef VMM_CONFIG_H
#define VMM_CONFIG_H

#include <stdint.h>
#include <stdio.h>

#include "vfio/pci.h"

#define CONFIG_MAX_DEVICES 32u

struct config_device {
	char *name; /* the block's title */
	struct pci_bdf bdf;
	uint32_t events; /* EventIDs the shadow keeps; 0: by its vectors */
	int line;	 /* of its block, for messages */
};

struct config {
	char *path;
	char *kernel;  /* required */
	char *initrd;  /* NULL without */
	char *cmdline; /* "" by default */
	uint32_t vcpus;
	uint64_t memory; /* bytes */
	struct config_device devices[CONFIG_MAX_DEVICES];
	size_t nr_devices;
};

/*
 * Read and check a file. Every error at once goes to errors as
 * "file:line: error: ..."; -EINVAL then. -ENOENT and others with a line on
 * errors where the file cannot be read. overrides, of the form "key=value", are
 * applied last. On success ret_config is the caller's to config_fini().
 */
int config_load(const char *path, const char *const overrides[], size_t nr_overrides, FILE *errors,
		struct config *ret_config) _must_check_;
/* The same for text in memory, named path in messages. */
int config_parse(const char *path, const char *text, const char *const overrides[],
		 size_t nr_overrides, FILE *errors, struct config *ret_config) _must_check_;
void config_fini(struct config *config);
/* The configuration that results, in the file's own syntax. */
void config_print(const struct config *config, FILE *out);

#endif
