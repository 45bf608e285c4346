/* SPDX-License-Identifier: MIT */
/*
 * What a function can be named by, beside its address, which is another one when a device is
 * added before it: its path, its PCI ID, a serial number, a MAC address.
 */
#ifndef VFIO_NAME_H
#define VFIO_NAME_H

#include "vfio/told.h"

#define PCI_PATH_STRLEN 96u
#define PCI_NAME_STRLEN 256u

/* What a function is asked for by: all that is given must fit. */
struct pci_name {
	bool has_bdf, has_id;
	struct pci_bdf bdf;
	struct pci_id {
		uint16_t vendor, device;
	} id;
	/* "": not given. */
	char path[PCI_PATH_STRLEN];
	char serial[PCI_SERIAL_STRLEN];
	char mac[PCI_MAC_STRLEN];
};

/* The parts of a name, in the order in which they are told; the words of configurations for them.
 */
enum pci_name_part {
	PCI_NAME_BDF,
	PCI_NAME_PATH,
	PCI_NAME_ID,
	PCI_NAME_SERIAL,
	PCI_NAME_MAC,
	PCI_NR_NAME_PARTS,
};
const char *pci_name_word(enum pci_name_part part);

/*
 * "0000:00/01.0/00.0": the root bus, and device.function of each bridge on the way down and of the
 * function itself; a virtual function is its physical function's path and "/vf" and its number
 * there. 0 with the form that names are compared in; or -EINVAL.
 */
int pci_path_parse(const char *text, char ret_path[PCI_PATH_STRLEN]) _must_check_;
/* "8086:10d3". 0, or -EINVAL. */
int pci_id_parse(const char *text, struct pci_id *ret_id) _must_check_;

/* Set one part of a name. 0, or -EINVAL where text is none. */
int pci_name_set(struct pci_name *name, enum pci_name_part part, const char *text) _must_check_;
bool pci_name_has(const struct pci_name *name, enum pci_name_part part);
/* The same name without all parts but this one. */
struct pci_name pci_name_only(const struct pci_name *name, enum pci_name_part part);
/* Its value, "S64FNX0R". Returns buf. */
const char *pci_name_value(const struct pci_name *name, enum pci_name_part part,
			   char buf[PCI_PATH_STRLEN]);
/* 'serial = "S64", mac = "52:54:00:12:34:56"'. Returns buf. */
const char *pci_name_format(const struct pci_name *name, char buf[PCI_NAME_STRLEN]);

/* A function with what it can be named by. */
struct pci_named {
	struct pci_function fn;
	char path[PCI_PATH_STRLEN];  /* "": sysfs does not say, or it is too long */
	char dsn[PCI_SERIAL_STRLEN]; /* its Device Serial Number, "" for none */
	struct pci_told told;	     /* by its driver, or, since it was bound, by its record */
	bool hides_dsn;		     /* the kernel shows it to root alone */
	bool hides_told;	     /* its driver would have to be bound for that */
};

/*
 * All functions, sorted by address. *ret_list is the caller's to free(). Where the host has
 * just begun to bind a disk, waits for its serial number, some seconds at most. 0, -ENOMEM, or what
 * sysfs answered.
 */
int pci_named_list(const struct pci_host_fs *fs, struct pci_named **ret_list,
		   size_t *ret_nr) _must_check_;

/* Has it all that the name says? */
bool pci_named_fits(const struct pci_named *named, const struct pci_name *name);

/* How a function can be named: what it has of a part, the nr-th where there are several. */
bool pci_named_get(const struct pci_named *named, enum pci_name_part part, unsigned nr,
		   struct pci_name *ret_name);

#endif
