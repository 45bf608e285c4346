/* SPDX-License-Identifier: MIT */
/*
 * What itsy devices shows of a function's names.
 */
#ifndef VMM_CLI_DEVICE_NAMES_H
#define VMM_CLI_DEVICE_NAMES_H

#include <jansson.h>
#include <stdio.h>

#include "vmm/dev/function_find.h"

/*
 * The nr-th function, as lines that a device block of a configuration can have. What is not its
 * own alone, and what is not known, is said in comments.
 */
void device_names_print(const struct function_list *functions, size_t nr, const char *class_name,
			FILE *out);

/* Adds a function's path, serials and macs to its object, which it returns; NULL stays NULL. */
json_t *device_names_json(const struct function_list *functions, const struct pci_bdf *bdf,
			  json_t *object);

#endif
