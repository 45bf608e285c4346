/* SPDX-License-Identifier: MIT */
/*
 * Which function of the host a name means, for all commands alike.
 */
#ifndef VMM_DEV_FUNCTION_FIND_H
#define VMM_DEV_FUNCTION_FIND_H

#include "vfio/name.h"
#include "vmm/base/report.h"

/* The functions of a host, by pci_named_list(); borrowed. */
struct function_list {
	const struct pci_named *list;
	size_t nr;
};

/*
 * The one function that has all that the name says. whose: what has that name, for the failure
 * ("device disk"). 0; or negative errno with the functions that have it, where there are several,
 * or with what comes near it.
 */
int function_find(const struct function_list *functions, const char *whose,
		  const struct pci_name *name, struct pci_bdf *ret_bdf,
		  struct failure *ret_failure) _must_check_;
/* The functions, for function_find(): *ret_list is the caller's to free(). */
int function_list_get(const struct pci_host_fs *host, struct pci_named **ret_list, size_t *ret_nr,
		      struct failure *ret_failure) _must_check_;
/* The failure of a list that sysfs did not give: -r. */
int function_list_failed(int r, struct failure *ret_failure);

/* How many functions have all that the name says. */
size_t function_count(const struct function_list *functions, const struct pci_name *name);

#endif
