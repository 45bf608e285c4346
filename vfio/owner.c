// SPDX-License-Identifier: MIT
/*
 * Who is to give a function back. The kernel gives a number to another process sooner or later, but
 * no two of one number the same start.
 */
#include "vfio/owner.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "vfio/hostfs.h"

#define STAT_MAX 1024u
/* proc_pid_stat(5): the state is field 3, the start field 22; the name before them may have blanks.
 */
#define FIELDS_BETWEEN 19u

/* Of a process that is there, zombies left out. */
static bool read_start(const struct pci_host_fs *fs, const char *pid, uint64_t *ret_start)
{
	char text[STAT_MAX];
	struct host_path path;
	const char *at;

	if (host_path(&path, fs, "/proc/%s/stat", pid) < 0 ||
	    host_read_text(path.text, text, sizeof(text)) < 0)
		return false;
	at = strrchr(text, ')');
	if (!at || strncmp(at, ") ", 2) != 0 || strchr("ZX", at[2]))
		return false;
	at += 2;
	for (unsigned i = 0; at && i < FIELDS_BETWEEN; i++) {
		at = strchr(at, ' ');
		at = at ? at + 1 : NULL;
	}
	return at && sscanf(at, "%" SCNu64, ret_start) == 1;
}

static uint64_t read_space(const struct pci_host_fs *fs)
{
	struct host_path path;
	char name[32];
	uint64_t space = 0;

	if (host_path(&path, fs, "/proc/self/ns/pid") < 0 ||
	    host_read_link(path.text, name, sizeof(name)) < 0 ||
	    sscanf(name, "pid:[%" SCNu64 "]", &space) != 1)
		return 0;
	return space;
}

void owner_self(struct bind_owner *ret_owner)
{
	static const struct pci_host_fs this_host = { "" };

	*ret_owner = (struct bind_owner){ .pid = (int)getpid(), .space = read_space(&this_host) };
	if (!read_start(&this_host, "self", &ret_owner->start))
		ret_owner->start = 0;
}

bool owner_of(const struct pci_host_fs *fs, int pid, struct bind_owner *ret_owner)
{
	char number[16];

	(void)snprintf(number, sizeof(number), "%d", pid);
	*ret_owner = (struct bind_owner){ .pid = pid, .space = read_space(fs) };
	return pid > 0 && read_start(fs, number, &ret_owner->start);
}

bool owner_is_gone(const struct pci_host_fs *fs, const struct bind_owner *owner)
{
	uint64_t start = 0;
	char pid[16];

	if (owner->pid <= 0 || !owner->space || owner->space != read_space(fs))
		return false;
	(void)snprintf(pid, sizeof(pid), "%d", owner->pid);
	if (read_start(fs, pid, &start))
		return start != owner->start;
	/* Where the first process is not seen, those of others are hidden (proc(5), hidepid). */
	return read_start(fs, "1", &start);
}
