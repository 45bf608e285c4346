// SPDX-License-Identifier: MIT
/*
 * Which process has a file open: proc(5), /proc/PID/fd and comm.
 *
 * Processes come and go while they are looked at, and those of other users cannot be looked
 * at: what cannot be read counts as nothing.
 */
#include "vfio/opener.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vfio/hostfs.h"

struct opener_search {
	const struct pci_host_fs *fs;
	bool (*is_it)(void *ctx, const char *target);
	void *ctx;
	const char *process; /* that is looked at: its name in /proc */
	char *who;	     /* [OPENER_STRLEN] */
};

static bool is_number(const char *name)
{
	return *name && strspn(name, "0123456789") == strlen(name);
}

static int visit_file(void *ctx, const char *name)
{
	const struct opener_search *search = ctx;
	char target[HOST_PATH_MAX];
	struct host_path path;

	if (host_path(&path, search->fs, "/proc/%s/fd/%s", search->process, name) < 0 ||
	    host_read_link(path.text, target, sizeof(target)) < 0)
		return 0;
	return search->is_it(search->ctx, target);
}

static void tell(const struct opener_search *search)
{
	struct host_path path;
	char comm[20];

	if (host_path(&path, search->fs, "/proc/%s/comm", search->process) < 0 ||
	    host_read_text(path.text, comm, sizeof(comm)) < 0)
		strcpy(comm, "?");
	(void)snprintf(search->who, OPENER_STRLEN, "%s, process %.10s", comm, search->process);
}

static int visit_process(void *ctx, const char *name)
{
	struct opener_search *search = ctx;
	struct host_path path;

	if (!is_number(name) || strtol(name, NULL, 10) == getpid() ||
	    host_path(&path, search->fs, "/proc/%s/fd", name) < 0)
		return 0;
	search->process = name;
	if (host_each_entry(path.text, visit_file, search) != 1)
		return 0;
	tell(search);
	return 1;
}

int opener_find(const struct pci_host_fs *fs, bool (*is_it)(void *ctx, const char *target),
		void *ctx, char ret_who[OPENER_STRLEN])
{
	struct opener_search search = { .fs = fs, .is_it = is_it, .ctx = ctx, .who = ret_who };
	struct host_path path;
	int r;

	r = host_path(&path, fs, "/proc");
	if (r == 0)
		r = host_each_entry(path.text, visit_process, &search);
	return r == -ENOENT ? 0 : r;
}
