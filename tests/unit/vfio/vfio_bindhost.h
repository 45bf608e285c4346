/* SPDX-License-Identifier: MIT */
/*
 * The kernel's side of binding drivers, behind struct bind_host: what is written
 * to sysfs changes the tree as the kernel would change it, at once or a while
 * later; a test makes steps fail, or the process die after one of them.
 */
#ifndef TESTS_UNIT_VFIO_BINDHOST_H
#define TESTS_UNIT_VFIO_BINDHOST_H

#include "tests/unit/vfio/vfio_tree.h"
#include "vfio/bind_priv.h"
#include "vfio/hostuse.h"

#define BINDHOST_STEPS 32u

#define BINDHOST_OTHERS 3u

/* Another function of the same group, or a bridge. */
struct bindhost_other {
	const char *bdf, *own_driver;
};

struct bindhost {
	struct bind_host host;
	struct host_tree tree;
	const char *bdf, *own_driver; /* the function, and the driver made for it */
	struct bindhost_other others[BINDHOST_OTHERS];
	unsigned nr_others;

	/* What the kernel is like. */
	bool no_vfio, no_module; /* vfio-pci is not loaded; nor can it be */
	bool vfio_refuses, own_refuses, variant_refuses;
	/* A variant of vfio-pci's: the module that can be loaded, and the driver that it brings. */
	const char *variant_module, *variant_driver;
	bool own_wins; /* some other party binds the own driver as soon as it is free */
	unsigned late; /* naps until a driver shows up */
	void (*on_nap)(struct bindhost *h); /* what others do meanwhile */
	int records;			    /* another process's hold of the records, for on_nap */
	unsigned nvme_up_at;   /* the nap that brings the NVMe controller up, 0 for none */
	int group_errno;       /* of opening the group, 0: it opens */
	const char *claimed;   /* block devices that somebody has for itself: "sda sda1", or NULL */
	const char *addresses; /* of its network interface, or NULL */
	unsigned fail_at;      /* the nth write fails */
	int fail_errno;
	unsigned die_at; /* from the nth write on, nothing has any effect */

	/* What happened. */
	unsigned writes, naps, modprobes;
	unsigned group_opens; /* to see whether it opens */
	bool failed;
	bool recorded_first;		 /* a record was on disk at the first write */
	char pending[PCI_DRIVER_STRLEN]; /* a driver that will show up */
	unsigned due;
	char steps[BINDHOST_STEPS][64]; /* "unbind", "bind vfio-pci", ... */
};

/* A host with the function of that name, bound to driver (NULL: to none). */
void bindhost_init(struct bindhost *h, const char *bdf, const char *driver);
void bindhost_fini(struct bindhost *h);
/* Another function or bridge of its group, bound to a driver made for it. */
void bindhost_add(struct bindhost *h, const char *bdf, const char *own_driver, bool is_bridge);
/* The same kernel, for looking. */
struct hostuse_sys bindhost_sys(struct bindhost *h);

/* "" for none. */
const char *bindhost_driver(const struct bindhost *h, char buf[PCI_DRIVER_STRLEN]);
const char *bindhost_override(const struct bindhost *h, char buf[64]);
bool bindhost_recorded(const struct bindhost *h);
/* Of any function. */
const char *bindhost_driver_of(const struct bindhost *h, const char *bdf,
			       char buf[PCI_DRIVER_STRLEN]);

#endif
