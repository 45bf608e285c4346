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

/* The guest of which a process is: it has the name's lock (vmm/control/), or its parent has. */
struct guest_search {
	const struct pci_host_fs *fs;
	long pid, parent;
	char name[40]; /* "": none is known */
};

static int visit_lock(void *ctx, const char *name)
{
	static const char suffix[] = ".lock";
	struct guest_search *search = ctx;
	const size_t len = strlen(name), suffix_len = strlen(suffix);
	struct host_path path;
	char text[16];
	long holder;

	if (len <= suffix_len || len - suffix_len >= sizeof(search->name) ||
	    strcmp(name + len - suffix_len, suffix) != 0 ||
	    host_path(&path, search->fs, "/run/itsy/%s", name) < 0 ||
	    host_read_text(path.text, text, sizeof(text)) < 0)
		return 0;
	holder = strtol(text, NULL, 10);
	if (holder <= 0 || (holder != search->pid && holder != search->parent))
		return 0;
	memcpy(search->name, name, len - suffix_len);
	return 1;
}

static void find_guest(const struct pci_host_fs *fs, const char *process,
		       struct guest_search *ret_search)
{
	struct host_path path;
	char stat[512];
	const char *end;

	*ret_search = (struct guest_search){ .fs = fs, .pid = strtol(process, NULL, 10) };
	/* proc_pid_stat(5): "PID (NAME) STATE PARENT ..." */
	if (host_path(&path, fs, "/proc/%s/stat", process) == 0 &&
	    host_read_text(path.text, stat, sizeof(stat)) == 0 && (end = strrchr(stat, ')')))
		(void)sscanf(end, ") %*c %10ld", &ret_search->parent);
	if (host_path(&path, fs, "/run/itsy") == 0)
		(void)!host_each_entry(path.text, visit_lock, ret_search);
}

static void tell(const struct opener_search *search)
{
	struct guest_search guest;
	struct host_path path;
	char comm[20];
	int len;

	if (host_path(&path, search->fs, "/proc/%s/comm", search->process) < 0 ||
	    host_read_text(path.text, comm, sizeof(comm)) < 0)
		strcpy(comm, "?");
	len = snprintf(search->who, OPENER_STRLEN, "%s, process %.10s", comm, search->process);
	find_guest(search->fs, search->process, &guest);
	if (guest.name[0])
		(void)snprintf(search->who + len, OPENER_STRLEN - (size_t)len, " (guest %.31s)",
			       guest.name);
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
