// SPDX-License-Identifier: MIT
/*
 * Records of what binding changed: one small text per function,
 *
 *	driver=nvme
 *	driver_override=
 *	taken_for=0000:01:00.0	(of another member of that function's group)
 *	node=20481		(of the function's folder in sysfs)
 *	serial=S64FNX0R		(what its driver told of it)
 *	mac=52:54:00:12:34:56	(each)
 *	owner=812 35281 4026531836	(who is to give it back: owner.h)
 *
 * Node, serial and mac are for names (name.c): once vfio-pci has the function, nobody tells them.
 *sysfs gives no two folders one number, so that a device that was plugged in meanwhile has another
 *one.
 *
 * written to another file that is renamed then, so that a record is whole or absent. /run
 * does not survive a reboot of the host, and neither does what was bound.
 *
 * Lock: a file lock over all records, for as long as one process binds or releases.
 */
#include "vfio/record.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "vfio/fail.h"
#include "vfio/hostfs.h"
#include "vfio/pci_priv.h"

#define RECORD_DIR "/run/itsy/bound"
#define RECORD_MAX 512u

static int record_path(struct host_path *ret_path, const struct pci_host_fs *fs,
		       const struct pci_bdf *bdf, const char *suffix)
{
	char name[PCI_BDF_STRLEN];

	return host_path(ret_path, fs, RECORD_DIR "/%s%s", pci_bdf_format(bdf, name), suffix);
}

static int make_dir(const struct pci_host_fs *fs, const char *name)
{
	struct host_path path;
	int r;

	r = host_path(&path, fs, "%s", name);
	if (r < 0)
		return r;
	return mkdir(path.text, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

int record_lock(const struct pci_host_fs *fs)
{
	_cleanup_fd_ int fd = -1;
	struct host_path path;
	int r;

	r = make_dir(fs, "/run/itsy");
	if (r == 0)
		r = make_dir(fs, RECORD_DIR);
	if (r == 0)
		r = host_path(&path, fs, RECORD_DIR "/.lock");
	if (r < 0)
		return r;
	fd = open(path.text, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return -errno;
	return TAKE_FD(fd);
}

/* "key=value" of one line: the value, where it fits and the key is this one. */
static bool take_value(const char *line, const char *key, char *buf, size_t size)
{
	size_t len = strlen(key);

	if (strncmp(line, key, len) || line[len] != '=' || strlen(line + len + 1) >= size)
		return false;
	strcpy(buf, line + len + 1);
	return true;
}

/* What is no owner is none: the function stays bound. */
static void take_owner(const char *line, struct bind_record *record)
{
	struct bind_owner owner;
	char text[64], rest;

	if (take_value(line, "owner", text, sizeof(text)) &&
	    sscanf(text, "%10d %20" SCNu64 " %20" SCNu64 "%c", &owner.pid, &owner.start,
		   &owner.space, &rest) == 3)
		record->owner = owner;
}

/* Whatever the file says, what is told can be printed. */
static void take_told(const char *line, struct bind_record *record)
{
	struct pci_told *told = &record->told;
	char text[64], *end;

	if (take_value(line, "node", text, sizeof(text))) {
		errno = 0;
		record->node = strtoull(text, &end, 10);
		if (errno || *end)
			record->node = 0;
	} else if (take_value(line, "serial", text, sizeof(text)) && pci_serial_is_sound(text)) {
		strcpy(told->serial, text);
	} else if (take_value(line, "mac", text, sizeof(text)) && told->nr_macs < PCI_MACS_MAX &&
		   pci_mac_parse(text, told->macs[told->nr_macs]) == 0) {
		told->nr_macs++;
	}
}

int record_read(const struct pci_host_fs *fs, const struct pci_bdf *bdf,
		struct bind_record *ret_record)
{
	struct bind_record record = { 0 };
	char text[RECORD_MAX], *save, *line;
	struct host_path path;
	bool named = false;
	int r;

	r = record_path(&path, fs, bdf, "");
	if (r == 0)
		r = host_read_text(path.text, text, sizeof(text));
	if (r < 0)
		return r;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		named |= take_value(line, "driver", record.driver, sizeof(record.driver));
		(void)take_value(line, "driver_override", record.override, sizeof(record.override));
		(void)take_value(line, "taken_for", record.taken_for, sizeof(record.taken_for));
		take_owner(line, &record);
		take_told(line, &record);
	}
	/* The name becomes part of a path, which must not lead elsewhere. */
	if (!named || strchr(record.driver, '/') || record.driver[0] == '.')
		return -EBADMSG;
	*ret_record = record;
	return 0;
}

uint64_t record_node(const struct pci_host_fs *fs, const struct pci_bdf *bdf)
{
	struct host_path path;
	struct stat st;

	return pci_attr_path(&path, fs, bdf, "") == 0 && stat(path.text, &st) == 0 ? st.st_ino : 0;
}

int record_read_told(const struct pci_host_fs *fs, const struct pci_bdf *bdf,
		     struct bind_record *ret_record)
{
	struct bind_record record;
	int r = record_read(fs, bdf, &record);

	if (r < 0)
		return r;
	if (!record.node || record.node != record_node(fs, bdf))
		return -ENOENT;
	*ret_record = record;
	return 0;
}

static int sync_dir(const struct pci_host_fs *fs)
{
	_cleanup_fd_ int fd = -1;
	struct host_path path;
	int r;

	r = host_path(&path, fs, RECORD_DIR);
	if (r < 0)
		return r;
	fd = open(path.text, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		return -errno;
	return 0;
}

static int write_file(const char *path, const char *text)
{
	_cleanup_fd_ int fd =
		open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	size_t len = strlen(text);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = write(fd, text, len);
	if (n < 0)
		return -errno;
	if ((size_t)n != len)
		return -ENOSPC;
	return fsync(fd) < 0 ? -errno : 0;
}

/* A line, where there is something to say. */
static void add_line(char text[RECORD_MAX], const char *key, const char *value)
{
	size_t len = strlen(text);
	int added = value[0] ? snprintf(text + len, RECORD_MAX - len, "%s=%s\n", key, value) : 0;

	assert(added >= 0);
	assert((size_t)added < RECORD_MAX - len);
}

static void format_record(const struct bind_record *record, char text[RECORD_MAX])
{
	char node[32] = "", owner[64] = "";
	int len = snprintf(text, RECORD_MAX, "driver=%s\ndriver_override=%s\n", record->driver,
			   record->override);

	assert(len > 0);
	assert((size_t)len < RECORD_MAX);
	add_line(text, "taken_for", record->taken_for);
	if (record->node)
		(void)snprintf(node, sizeof(node), "%" PRIu64, record->node);
	add_line(text, "node", node);
	add_line(text, "serial", record->told.serial);
	for (unsigned i = 0; i < record->told.nr_macs; i++)
		add_line(text, "mac", record->told.macs[i]);
	if (record->owner.pid)
		(void)snprintf(owner, sizeof(owner), "%d %" PRIu64 " %" PRIu64, record->owner.pid,
			       record->owner.start, record->owner.space);
	add_line(text, "owner", owner);
}

int record_write(const struct pci_host_fs *fs, const struct pci_bdf *bdf,
		 const struct bind_record *record)
{
	struct host_path path, fresh;
	char text[RECORD_MAX];
	int r;

	format_record(record, text);
	r = record_path(&path, fs, bdf, "");
	if (r == 0)
		r = record_path(&fresh, fs, bdf, ".new");
	if (r < 0)
		return r;
	r = write_file(fresh.text, text);
	if (r == 0 && rename(fresh.text, path.text) < 0)
		r = -errno;
	if (r < 0) {
		(void)unlink(fresh.text);
		return r;
	}
	r = sync_dir(fs);
	if (r < 0)
		(void)unlink(path.text);
	return r;
}

int record_remove(const struct pci_host_fs *fs, const struct pci_bdf *bdf)
{
	struct host_path path;
	int r;

	r = record_path(&path, fs, bdf, "");
	if (r < 0)
		return r;
	return unlink(path.text) < 0 && errno != ENOENT ? -errno : 0;
}

/* A growing list of functions. */
struct found {
	const struct pci_host_fs *fs;
	bool (*is_it)(const struct found *found, const struct bind_record *record);
	char whom[PCI_BDF_STRLEN]; /* for is_taken() */
	struct pci_bdf *bdfs;	   /* [max] */
	size_t max, nr;
};

static int visit_record(void *ctx, const char *name)
{
	struct found *found = ctx;
	struct bind_record record;
	struct pci_bdf bdf;

	if (found->nr < found->max && pci_bdf_parse(name, &bdf) == 0 &&
	    record_read(found->fs, &bdf, &record) == 0 && found->is_it(found, &record))
		found->bdfs[found->nr++] = bdf;
	return 0;
}

static int find(struct found *found)
{
	struct host_path path;
	int r = host_path(&path, found->fs, RECORD_DIR);

	if (r == 0)
		r = host_each_entry(path.text, visit_record, found);
	return r < 0 && r != -ENOENT ? r : (int)found->nr;
}

static bool is_taken(const struct found *found, const struct bind_record *record)
{
	return strcmp(record->taken_for, found->whom) == 0;
}

int records_taken_for(const struct pci_host_fs *fs, const struct pci_bdf *bdf,
		      struct pci_bdf ret_bdfs[], size_t max)
{
	struct found found = { .fs = fs, .is_it = is_taken, .bdfs = ret_bdfs, .max = max };

	pci_bdf_format(bdf, found.whom);
	return find(&found);
}

static bool is_left(const struct found *found, const struct bind_record *record)
{
	return owner_is_gone(found->fs, &record->owner);
}

int records_left(const struct pci_host_fs *fs, struct pci_bdf ret_bdfs[], size_t max)
{
	struct found found = { .fs = fs, .is_it = is_left, .bdfs = ret_bdfs, .max = max };

	return find(&found);
}
