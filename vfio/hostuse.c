// SPDX-License-Identifier: MIT
/*
 * Does the host itself use a function?
 *
 * Network interfaces: those that are up and have a carrier. Their addresses are told, so that
 * whoever reads it knows which one that is; they decide nothing.
 *
 * Block devices of the function, and what was made of them: whoever needs one for itself claims
 * it (bd_prepare_to_claim() in block/bdev.c), be that a file system, swap, a volume, or
 * a log of any of them. So the kernel is asked by O_EXCL, which claims too, and no list of
 * file systems is needed. Mount points, swap, btrfs, holders (device mapper, md, bcache) and
 * loop devices are looked at to have a name for it, and where there is no node to be opened. What
 * a program has open without a claim, /proc tells. Daemons open a disk for a moment when it
 * comes: what only claims and open files tell of is looked at again for a while.
 *
 * A block device belongs to the function when its place in sysfs lies below the
 * function's. NVMe with native multipath is an exception: there the disk lies
 * below its subsystem, and the subsystem names its controllers.
 *
 * Not looked at: character devices.
 */
#include "vfio/hostuse.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "vfio/cdev.h"
#include "vfio/fail.h"
#include "vfio/pci_priv.h"

/* So many disks, partitions and volumes are looked at; a function with more counts as used. */
#define BLOCKS_MAX 512u
#define NAME_LEN   64u
#define MODEL_LEN  41u /* of NVMe: 40 characters (Identify Controller, MN); of SCSI: 16 */

/* How often and how long after one another claims and open files are looked at. */
#define LOOKS	      5u
#define LOOK_AGAIN_MS 100u

struct block {
	char name[NAME_LEN];
	char mapper[NAME_LEN];	/* its name below /dev/mapper, "" for none */
	char made_of[NAME_LEN]; /* the block device that it holds, "" for none */
	unsigned major, minor;
};

struct search {
	const struct hostuse_sys *sys;
	const struct pci_host_fs *fs;
	char below[HOST_PATH_MAX];  /* the function's place, with a slash */
	char controller[NAME_LEN];  /* of NVMe, "" for none */
	char what[HOST_USE_STRLEN]; /* the first use that was found */
	struct block *blocks;	    /* owned [BLOCKS_MAX] */
	size_t nr_blocks;
	const struct block *parent; /* whose holders are listed */
};

/* Where a link of sysfs leads, without the dots that lead out of its directory. */
static int link_place(const char *path, char place[HOST_PATH_MAX])
{
	char target[HOST_PATH_MAX];
	const char *at = target;
	int r;

	r = host_read_link(path, target, sizeof(target));
	if (r < 0)
		return r;
	while (!strncmp(at, "../", 3))
		at += 3;
	strcpy(place, at);
	return 0;
}

static bool is_below(const struct search *search, const char *place)
{
	return !strncmp(place, search->below, strlen(search->below));
}

/* Add a block device by its name. 1 ends the search: too many, so it counts as used. */
static int add_block(struct search *search, const char *name)
{
	struct block *block = &search->blocks[search->nr_blocks];
	struct host_path path;
	char text[32];
	int r;

	for (size_t i = 0; i < search->nr_blocks; i++) {
		if (!strcmp(search->blocks[i].name, name))
			return 0;
	}
	if (search->nr_blocks == BLOCKS_MAX || strlen(name) >= NAME_LEN) {
		vfio_copy_text(search->what, sizeof(search->what), name);
		return 1;
	}
	r = host_path(&path, search->fs, "/sys/class/block/%s/dev", name);
	if (r == 0)
		r = host_read_text(path.text, text, sizeof(text));
	/* Hidden paths of a multipath disk have no device number. */
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	*block = (struct block){ 0 };
	if (sscanf(text, "%u:%u", &block->major, &block->minor) != 2)
		return -EINVAL;
	strcpy(block->name, name);
	r = host_path(&path, search->fs, "/sys/class/block/%s/dm/name", name);
	if (r < 0)
		return r;
	if (host_read_text(path.text, block->mapper, sizeof(block->mapper)) < 0)
		block->mapper[0] = '\0';
	search->nr_blocks++;
	return 0;
}

static int visit_block(void *ctx, const char *name)
{
	struct search *search = ctx;
	char place[HOST_PATH_MAX];
	struct host_path path;
	int r;

	r = host_path(&path, search->fs, "/sys/class/block/%s", name);
	if (r == 0)
		r = link_place(path.text, place);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	return is_below(search, place) ? add_block(search, name) : 0;
}

/* /sys/class/nvme/nvme0: is it the function's? */
static int visit_controller(void *ctx, const char *name)
{
	struct search *search = ctx;
	char place[HOST_PATH_MAX];
	struct host_path path;
	int r;

	r = host_path(&path, search->fs, "/sys/class/nvme/%s", name);
	if (r == 0)
		r = link_place(path.text, place);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (is_below(search, place))
		vfio_copy_text(search->controller, sizeof(search->controller), name);
	return 0;
}

/* /sys/class/nvme-subsystem/nvme-subsys0: has it our controller? Then its disks. */
static int visit_subsystem(void *ctx, const char *name)
{
	struct search *search = ctx;
	char below[HOST_PATH_MAX], place[HOST_PATH_MAX];
	struct host_path path;
	size_t len;
	int r;

	r = host_path(&path, search->fs, "/sys/class/nvme-subsystem/%s/%s", name,
		      search->controller);
	if (r < 0 || !host_exists(path.text))
		return r;
	r = host_path(&path, search->fs, "/sys/class/nvme-subsystem/%s", name);
	if (r == 0)
		r = link_place(path.text, place);
	if (r < 0)
		return r;
	len = strlen(place);
	if (len + 2 > sizeof(place))
		return -ENAMETOOLONG;
	strcpy(place + len, "/");

	memcpy(below, search->below, sizeof(below));
	memcpy(search->below, place, sizeof(place));
	r = host_path(&path, search->fs, "/sys/class/block");
	if (r == 0)
		r = host_each_entry(path.text, visit_block, search);
	memcpy(search->below, below, sizeof(below));
	return r;
}

/* As add_block(), of one that was made of the parent. */
static int add_made(struct search *search, const char *name)
{
	size_t nr = search->nr_blocks;
	int r = add_block(search, name);

	if (r == 0 && search->nr_blocks > nr)
		strcpy(search->blocks[nr].made_of, search->parent->name);
	return r;
}

static int visit_holder(void *ctx, const char *name)
{
	return add_made(ctx, name);
}

/* /sys/class/block/loop0: is it made of the parent? */
static int visit_loop(void *ctx, const char *name)
{
	struct search *search = ctx;
	char file[HOST_PATH_MAX], node[NAME_LEN + 8];
	struct host_path path;

	if (strncmp(name, "loop", 4) ||
	    host_path(&path, search->fs, "/sys/class/block/%s/loop/backing_file", name) < 0 ||
	    host_read_text(path.text, file, sizeof(file)) < 0)
		return 0;
	(void)snprintf(node, sizeof(node), "/dev/%s", search->parent->name);
	return strcmp(file, node) ? 0 : add_made(search, name);
}

/* A partition of a volume: it lies in the volume's directory. */
static int visit_part(void *ctx, const char *name)
{
	struct search *search = ctx;
	struct host_path path;
	int r;

	if (strncmp(name, search->parent->name, strlen(search->parent->name)))
		return 0;
	r = host_path(&path, search->fs, "/sys/class/block/%s/%s/partition", search->parent->name,
		      name);
	if (r < 0 || !host_exists(path.text))
		return r;
	return add_block(search, name);
}

/* A directory that is not there counts as empty. */
static int each(struct search *search, const char *dir, int (*fn)(void *ctx, const char *name))
{
	struct host_path path;
	int r;

	r = host_path(&path, search->fs, "%s", dir);
	if (r == 0)
		r = host_each_entry(path.text, fn, search);
	return r == -ENOENT ? 0 : r;
}

/* The function's block devices, and then, one after the other, what was made of them. */
static int find_blocks(struct search *search)
{
	char dir[NAME_LEN + 40];
	int r;

	r = each(search, "/sys/class/block", visit_block);
	if (r == 0)
		r = each(search, "/sys/class/nvme", visit_controller);
	if (r == 0 && search->controller[0])
		r = each(search, "/sys/class/nvme-subsystem", visit_subsystem);
	/* The list grows while it is walked; it names each device once. */
	for (size_t i = 0; r == 0 && i < search->nr_blocks; i++) {
		search->parent = &search->blocks[i];
		(void)snprintf(dir, sizeof(dir), "/sys/class/block/%s/holders",
			       search->parent->name);
		r = each(search, dir, visit_holder);
		(void)snprintf(dir, sizeof(dir), "/sys/class/block/%s", search->parent->name);
		if (r == 0)
			r = each(search, dir, visit_part);
		if (r == 0)
			r = each(search, "/sys/class/block", visit_loop);
	}
	return r;
}

/* A source as mountinfo and swaps write it: /dev/NAME, or a link to it. */
static const struct block *block_of_source(const struct search *search, const char *source)
{
	struct host_path path;
	struct stat st;
	bool known = false;

	if (strncmp(source, "/dev/", 5))
		return NULL;
	if (host_path(&path, search->fs, "%s", source) == 0)
		known = stat(path.text, &st) == 0 && S_ISBLK(st.st_mode);
	for (size_t i = 0; i < search->nr_blocks; i++) {
		const struct block *block = &search->blocks[i];

		if (known && major(st.st_rdev) == block->major && minor(st.st_rdev) == block->minor)
			return block;
		if (!strcmp(source + 5, block->name))
			return block;
		if (block->mapper[0] && !strncmp(source + 5, "mapper/", 7) &&
		    !strcmp(source + 12, block->mapper))
			return block;
	}
	return NULL;
}

/*
 * A line of /proc/self/mountinfo (Documentation/filesystems/proc.rst, 3.5): ids,
 * major:minor, root, mount point, options, " - ", type, source. File systems of
 * many disks (btrfs) have numbers of their own, so the source is looked at too.
 */
static const struct block *mounted_block(const struct search *search, const char *line, char *point,
					 size_t size)
{
	const char *dash = strstr(line, " - ");
	char where[256], source[256];
	unsigned major_nr, minor_nr;

	if (sscanf(line, "%*d %*d %u:%u %*s %255s", &major_nr, &minor_nr, where) != 3)
		return NULL;
	vfio_copy_text(point, size, where);
	for (size_t i = 0; i < search->nr_blocks; i++) {
		if (search->blocks[i].major == major_nr && search->blocks[i].minor == minor_nr)
			return &search->blocks[i];
	}
	if (!dash || sscanf(dash + 3, "%*s %255s", source) != 1)
		return NULL;
	return block_of_source(search, source);
}

static const struct block *swap_block(const struct search *search, const char *line, char *point,
				      size_t size)
{
	char source[256];

	vfio_copy_text(point, size, "swap");
	return sscanf(line, "%255s", source) == 1 ? block_of_source(search, source) : NULL;
}

/* Of a disk's own file of sysfs: it is the device's to say, and filled up with blanks. */
static bool read_model(const struct search *search, const char *of, char ret_model[MODEL_LEN])
{
	struct host_path path;
	size_t len;

	if (host_path(&path, search->fs, "/sys/class/block/%s/device/model", of) < 0 ||
	    host_read_text(path.text, ret_model, MODEL_LEN) < 0)
		return false;
	for (char *c = ret_model; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	for (len = strlen(ret_model); len && ret_model[len - 1] == ' '; len--)
		ret_model[len - 1] = '\0';
	return len > 0;
}

static const struct block *block_named(const struct search *search, const char *name)
{
	for (size_t i = 0; i < search->nr_blocks; i++)
		if (!strcmp(search->blocks[i].name, name))
			return &search->blocks[i];
	return NULL;
}

/* A partition's directory lies in its disk's. What is made of a block device has that one's. */
static bool find_model(const struct search *search, const struct block *block,
		       char ret_model[MODEL_LEN])
{
	char disk[NAME_LEN + 4];

	for (size_t i = 0; block && i < search->nr_blocks; i++) {
		(void)snprintf(disk, sizeof(disk), "%s/..", block->name);
		if (read_model(search, block->name, ret_model) ||
		    read_model(search, disk, ret_model))
			return true;
		block = block_named(search, block->made_of);
	}
	return false;
}

/* 1, and it is used: "WHO (sda1, MODEL)". */
static int used_by(struct search *search, const char *who, const struct block *block)
{
	char model[MODEL_LEN];

	if (find_model(search, block, model))
		(void)snprintf(search->what, sizeof(search->what), "%.66s (%.24s, %s)", who,
			       block->name, model);
	else
		(void)snprintf(search->what, sizeof(search->what), "%.66s (%.24s)", who,
			       block->name);
	return 1;
}

typedef const struct block *(*line_fn)(const struct search *search, const char *line, char *point,
				       size_t size);

/* Is a block device of ours in one of the file's lines? 1, 0, or negative errno. */
static int scan_lines(struct search *search, const char *name, line_fn fn)
{
	_cleanup_file_ FILE *file = NULL;
	_cleanup_free_ char *line = NULL;
	const struct block *block;
	struct host_path path;
	char point[64];
	size_t room = 0;
	int r;

	r = host_path(&path, search->fs, "%s", name);
	if (r < 0)
		return r;
	file = fopen(path.text, "re");
	if (!file)
		return errno == ENOENT ? 0 : -errno;
	while (getline(&line, &room, file) > 0) {
		block = fn(search, line, point, sizeof(point));
		if (!block)
			continue;
		return used_by(search, point, block);
	}
	return ferror(file) ? -EIO : 0;
}

/* /sys/fs/btrfs/UUID/devices/NAME: all disks of a mounted btrfs. */
static int visit_btrfs(void *ctx, const char *name)
{
	struct search *search = ctx;
	struct host_path path;
	int r;

	for (size_t i = 0; i < search->nr_blocks; i++) {
		r = host_path(&path, search->fs, "/sys/fs/btrfs/%s/devices/%s", name,
			      search->blocks[i].name);
		if (r < 0)
			return r;
		if (!host_exists(path.text))
			continue;
		return used_by(search, "btrfs", &search->blocks[i]);
	}
	return 0;
}

static bool net_attr_is(const struct search *search, const char *name, const char *attr,
			const char *value)
{
	struct host_path path;
	char text[32];

	return host_path(&path, search->fs, "/sys/class/net/%s/%s", name, attr) == 0 &&
	       host_read_text(path.text, text, sizeof(text)) == 0 && !strcmp(text, value);
}

/*
 * Does the host reach other networks by it? Lines "INTERFACE DESTINATION ..." of /proc/net/route:
 * destination 0 is the default route.
 */
static bool has_default_route(const struct pci_host_fs *fs, const char *name)
{
	_cleanup_file_ FILE *f = NULL;
	struct host_path path;
	char line[256], interface[32];
	unsigned destination;

	if (host_path(&path, fs, "/proc/net/route") == 0)
		f = fopen(path.text, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%31s %8x", interface, &destination) == 2 && !destination &&
		    strcmp(interface, name) == 0)
			return true;
	return false;
}

/* carrier can be read only while the interface is up; some never know their state. */
static int visit_net(void *ctx, const char *name)
{
	struct search *search = ctx;
	char place[HOST_PATH_MAX], addresses[ADDRESSES_STRLEN];
	struct host_path path;
	int r;

	r = host_path(&path, search->fs, "/sys/class/net/%s", name);
	if (r == 0)
		r = link_place(path.text, place);
	/* No link, but a file of the bonding driver. */
	if (r < 0)
		return r == -ENOENT || r == -EINVAL ? 0 : r;
	if (!is_below(search, place))
		return 0;
	if (!net_attr_is(search, name, "operstate", "up") &&
	    !(net_attr_is(search, name, "operstate", "unknown") &&
	      net_attr_is(search, name, "carrier", "1")))
		return 0;
	search->sys->addresses(search->sys->ctx, search->fs, name, addresses);
	(void)snprintf(search->what, sizeof(search->what), "%.40s%s%s%s", name,
		       has_default_route(search->fs, name) ? ", the default route" : "",
		       addresses[0] ? ", " : "", addresses);
	return 1;
}

/* What was made of a block device has it, also if nobody uses that in turn. */
static int find_made(struct search *search)
{
	for (size_t i = 0; i < search->nr_blocks; i++) {
		const struct block *block = &search->blocks[i];
		const struct block *parent = block_named(search, block->made_of);

		if (parent)
			return used_by(search, block->mapper[0] ? block->mapper : block->name,
				       parent);
	}
	return 0;
}

struct opened {
	const struct search *search;
	const struct block *only; /* NULL: any */
	const struct block *block;
};

static bool is_ours(void *ctx, const char *target)
{
	struct opened *opened = ctx;

	opened->block = block_of_source(opened->search, target);
	return opened->block && (!opened->only || opened->block == opened->only);
}

/* In sysfs a slash in a name is an exclamation mark. */
static int node_of(const struct search *search, const struct block *block,
		   struct host_path *ret_path)
{
	size_t root = strlen(search->fs->root);
	int r = host_path(ret_path, search->fs, "/dev/%s", block->name);

	for (char *at = ret_path->text + root; r == 0 && (at = strchr(at, '!'));)
		*at = '/';
	return r;
}

static bool is_part(const struct search *search, const struct block *block)
{
	struct host_path path;

	return host_path(&path, search->fs, "/sys/class/block/%s/partition", block->name) == 0 &&
	       host_exists(path.text);
}

/* Has somebody claimed a partition (parts), or a disk? */
static int find_claim(struct search *search, bool parts)
{
	for (size_t i = 0; i < search->nr_blocks; i++) {
		const struct block *block = &search->blocks[i];
		struct opened opened = { search, block, NULL };
		char who[OPENER_STRLEN];
		struct host_path path;
		int r;

		if (is_part(search, block) != parts)
			continue;
		r = node_of(search, block, &path);
		if (r < 0)
			return r;
		if (search->sys->try_open(search->sys->ctx, path.text,
					  O_RDONLY | O_EXCL | O_NONBLOCK) != -EBUSY)
			continue;
		r = opener_find(search->fs, is_ours, &opened, who);
		if (r < 0)
			return r;
		return used_by(search, r == 1 ? who : "a file system, volume or swap", block);
	}
	return 0;
}

static int find_opener(struct search *search)
{
	struct opened opened = { search, NULL, NULL };
	char who[OPENER_STRLEN];
	int r = opener_find(search->fs, is_ours, &opened, who);

	return r == 1 ? used_by(search, who, opened.block) : r;
}

/* While a partition is claimed, so is its disk: partitions first. */
static int ask_kernel(struct search *search)
{
	int r = find_claim(search, true);

	if (r == 0)
		r = find_claim(search, false);
	return r == 0 ? find_opener(search) : r;
}

static int ask_kernel_for_a_while(struct search *search)
{
	int r = ask_kernel(search);

	for (unsigned i = 1; r == 1 && i < LOOKS; i++) {
		search->sys->nap(search->sys->ctx, LOOK_AGAIN_MS);
		r = ask_kernel(search);
	}
	return r;
}

static int search_uses(struct search *search)
{
	int r;

	r = each(search, "/sys/class/net", visit_net);
	if (r == 0)
		r = find_blocks(search);
	if (r != 0 || search->nr_blocks == 0)
		return r;
	r = scan_lines(search, "/proc/self/mountinfo", mounted_block);
	if (r == 0)
		r = scan_lines(search, "/proc/swaps", swap_block);
	if (r == 0)
		r = each(search, "/sys/fs/btrfs", visit_btrfs);
	if (r == 0)
		r = find_made(search);
	return r == 0 ? ask_kernel_for_a_while(search) : r;
}

static int kernel_try_open(void *ctx, const char *path, int flags)
{
	(void)ctx;
	return host_try_open(path, flags);
}

static void kernel_nap(void *ctx, unsigned ms)
{
	struct timespec left = { ms / 1000, ms % 1000 * 1000000L };

	(void)ctx;
	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		continue;
}

/* Of this host; what a copy of another one's files has, it has not. */
static void kernel_addresses(void *ctx, const struct pci_host_fs *fs, const char *interface,
			     char ret_text[ADDRESSES_STRLEN])
{
	struct ifaddrs *list;

	(void)ctx;
	ret_text[0] = '\0';
	if (fs->root[0] || getifaddrs(&list) < 0)
		return;
	addresses_of(list, interface, ret_text);
	freeifaddrs(list);
}

struct hostuse_sys hostuse_sys_kernel(void)
{
	return (struct hostuse_sys){ .try_open = kernel_try_open,
				     .nap = kernel_nap,
				     .addresses = kernel_addresses };
}

int host_uses(const struct hostuse_sys *sys, const struct pci_host_fs *fs,
	      const struct pci_bdf *bdf, char ret_what[HOST_USE_STRLEN])
{
	_cleanup_free_ struct block *blocks = NULL;
	struct search search = { .sys = sys, .fs = fs };
	struct host_path path;
	size_t len;
	int r;

	r = pci_attr_path(&path, fs, bdf, "");
	if (r == 0)
		r = link_place(path.text, search.below);
	if (r < 0)
		return r;
	len = strlen(search.below);
	if (len + 2 > sizeof(search.below))
		return -ENAMETOOLONG;
	strcpy(search.below + len, "/");

	blocks = calloc(BLOCKS_MAX, sizeof(*blocks));
	if (!blocks)
		return -ENOMEM;
	search.blocks = blocks;
	r = search_uses(&search);
	if (r == 1)
		memcpy(ret_what, search.what, sizeof(search.what));
	return r;
}

/* One entry is enough. */
static int stop(void *ctx, const char *name)
{
	(void)ctx;
	(void)name;
	return 1;
}

/* A group, as those who have it open have it: by its own file, or by one of its functions'. */
struct open_group {
	const struct pci_host_fs *fs;
	int number;
	char node[32];
};

static bool is_of_group(void *ctx, const char *target)
{
	const struct open_group *group = ctx;

	return !strcmp(target, group->node) || vfio_cdev_group(group->fs, target) == group->number;
}

/*
 * Are the open files of all processes shown here? To who may see those of the first one, unless the
 * host hides processes behind it: in a PID namespace other than the first, whose inode is
 * PROC_PID_INIT_INO (linux/proc_ns.h).
 */
static bool sees_all_processes(const struct pci_host_fs *fs)
{
	struct host_path path;
	char name[32];

	return host_path(&path, fs, "/proc/self/ns/pid") == 0 &&
	       host_read_link(path.text, name, sizeof(name)) == 0 &&
	       !strcmp(name, "pid:[4026531836]") && host_path(&path, fs, "/proc/1/fd") == 0 &&
	       host_each_entry(path.text, stop, NULL) >= 0;
}

/*
 * VFIO opens a group once, and not while one of its functions is open by itself
 * (vfio_group_fops_open()): who opens it to see whether it opens is in the
 * way of a guest that starts in that moment. So that is what is done where processes cannot be
 * asked.
 */
bool host_group_is_open(const struct hostuse_sys *sys, const struct pci_host_fs *fs, int group,
			char ret_who[OPENER_STRLEN])
{
	struct open_group it = { .fs = fs, .number = group };
	struct host_path path;

	(void)snprintf(it.node, sizeof(it.node), "/dev/vfio/%d", group);
	ret_who[0] = '\0';
	if (host_path(&path, fs, "%s", it.node) < 0 || !host_exists(path.text))
		return false;
	if (opener_find(fs, is_of_group, &it, ret_who) == 1)
		return true;
	return !sees_all_processes(fs) && sys->try_open(sys->ctx, path.text, O_RDWR) == -EBUSY;
}
