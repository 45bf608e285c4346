// SPDX-License-Identifier: MIT
/*
 * The layers of the sandbox. Documents: namespaces(7), user_namespaces(7), pivot_root(2),
 * capabilities(7), prctl(2), landlock(7).
 *
 * The order matters: what takes rights away comes after what needs them.
 *
 * No locks: the process has one thread.
 */
#include "vmm/sandbox/layers.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "vmm/base/bits.h"
#include "vmm/sandbox/filter.h"

/*
 * A user of the system's own, which is in the host's file. getpwnam(3) would look elsewhere, too,
 * by libraries that a static program cannot count on.
 */
static void find_user(struct layers *layers)
{
	_cleanup_file_ FILE *users = fopen("/etc/passwd", "re");
	const struct passwd *user = NULL;

	while (users && (user = fgetpwent(users)) && strcmp(user->pw_name, SANDBOX_USER) != 0)
		continue;
	layers->has_user = user && user->pw_uid != 0;
	if (!layers->is_root || !layers->has_user)
		return;
	layers->uid = user->pw_uid;
	layers->gid = user->pw_gid;
}

void layers_prepare(struct layers *layers)
{
	core_folder_find(&layers->core, "");
	layers->is_root = geteuid() == 0;
	layers->uid = geteuid();
	layers->gid = getegid();
	find_user(layers);
}

/* ---- files ----------------------------------------------------------------------------- */

/*
 * What the caller left open for us. All that itsy opens is closed on exec, and so what is not
 * was open before it began.
 */
static int close_inherited(struct layers *layers)
{
	_cleanup_dir_ DIR *dir = opendir("/proc/self/fd");
	const struct dirent *e;

	(void)layers;
	if (!dir)
		return -errno;
	while ((e = readdir(dir)) != NULL) {
		int fd = atoi(e->d_name), flags;

		if (fd <= STDERR_FILENO || fd == dirfd(dir))
			continue;
		flags = fcntl(fd, F_GETFD);
		if (flags >= 0 && !(flags & FD_CLOEXEC))
			(void)close(fd);
	}
	return 0;
}

/* ---- namespaces ------------------------------------------------------------------------ */

static int write_file(const char *path, const char *text)
{
	_cleanup_fd_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

/* Who is not root gets namespaces in a user namespace only; there they are who they were. */
static int unshare_user(const struct layers *layers, int flags)
{
	char uid[32], gid[32];
	int r;

	if (unshare(CLONE_NEWUSER | flags) < 0)
		return -errno;
	(void)snprintf(uid, sizeof(uid), "%u %u 1", layers->uid, layers->uid);
	(void)snprintf(gid, sizeof(gid), "%u %u 1", layers->gid, layers->gid);
	r = write_file("/proc/self/setgroups", "deny");
	if (r == 0)
		r = write_file("/proc/self/uid_map", uid);
	return r < 0 ? r : write_file("/proc/self/gid_map", gid);
}

static int take_namespaces(struct layers *layers)
{
	const int flags = CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS;
	int r = 0;

	if (!layers->is_root)
		r = unshare_user(layers, flags);
	else if (unshare(flags) < 0)
		r = -errno;
	layers->new_mounts = r == 0;
	return r;
}

/* ---- an empty root ----------------------------------------------------------------------- */

/*
 * The new root takes the place of the old one, which goes. From the rootfs that the kernel
 * unpacks its initramfs to, nobody can pivot: there the new root is moved over it, and no
 * path leads below.
 */
static int enter_root(void)
{
	if (syscall(SYS_pivot_root, ".", ".") == 0)
		return umount2(".", MNT_DETACH) < 0 || chdir("/") < 0 ? -errno : 0;
	if (mount(".", "/", NULL, MS_MOVE, NULL) < 0)
		return -errno;
	return chroot(".") < 0 || chdir("/") < 0 ? -errno : 0;
}

static int take_empty_root(struct layers *layers)
{
	const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
	int r;

	if (!layers->new_mounts)
		return -EPERM;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -errno;
	/* Any folder that is there; nobody else sees it covered. */
	if (mount("itsy", "/proc", "tmpfs", flags, "mode=0555,size=4k,nr_inodes=64") < 0 ||
	    chdir("/proc") < 0)
		return -errno;
	/* One below /proc is covered just now: then there are no core dumps. */
	if (layers->core.path[0] && core_folder_bind(&layers->core, ".") < 0)
		layers->core.path[0] = '\0';
	r = enter_root();
	if (r < 0)
		return r;
	if (mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | flags, NULL) < 0)
		return -errno;
	return layers->core.path[0] && layers->core.is_cwd && chdir(layers->core.path) < 0 ? -errno
											   : 0;
}

/* ---- user and rights ------------------------------------------------------------------- */

/* It counts for programs that are started, and takes a capability to drop. */
static void drop_bounding_set(void)
{
	for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		(void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
}

/* With root's user the capabilities go, so that what takes them comes first. */
static int take_user(struct layers *layers)
{
	drop_bounding_set();
	if (!layers->is_root)
		return 0;
	if (!layers->has_user)
		return -ENOENT;
	if (setgroups(0, NULL) < 0 || setresgid(layers->gid, layers->gid, layers->gid) < 0 ||
	    setresuid(layers->uid, layers->uid, layers->uid) < 0)
		return -errno;
	return 0;
}

static int set_no_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	return syscall(SYS_capset, &header, none) < 0 ? -errno : 0;
}

static int drop_capabilities(struct layers *layers)
{
	(void)layers;
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	return set_no_capabilities();
}

static int take_no_new_privs(struct layers *layers)
{
	(void)layers;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

/* ---- Landlock -------------------------------------------------------------------------- */

/* linux/landlock.h, which is older here than some kernels that itsy runs on. */
#define SYS_LANDLOCK_CREATE_RULESET 444
#define SYS_LANDLOCK_RESTRICT_SELF  446
#define SYS_LANDLOCK_ADD_RULE	    445
#define LANDLOCK_VERSION	    1u
#define LANDLOCK_PATH_BENEATH	    1

struct landlock_attr {
	uint64_t fs, net, scoped;
};

/* By version of the interface: what can be forbidden. No rule allows any of it. */
static const struct landlock_attr landlock_all[] = {
	{ .fs = MASK64(12, 0) },
	{ .fs = MASK64(13, 0) }, /* rename and link between folders */
	{ .fs = MASK64(14, 0) }, /* truncate */
	{ .fs = MASK64(14, 0), .net = MASK64(1, 0) },
	{ .fs = MASK64(15, 0), .net = MASK64(1, 0) }, /* ioctl on devices */
	{ .fs = MASK64(15, 0), .net = MASK64(1, 0), .scoped = MASK64(1, 0) },
};
static const size_t landlock_sizes[] = { 8, 8, 8, 16, 16, 24 };

/* What the kernel does with an old core dump and with a new one, in their folder. */
static int allow_core_dumps(int ruleset, const struct layers *layers, uint64_t can_be_forbidden)
{
	const uint64_t write_file = BIT64(1), remove_file = BIT64(5), make_reg = BIT64(8),
		       truncate_file = BIT64(14);
	struct {
		uint64_t allowed;
		int32_t parent;
	} __attribute__((packed)) rule = {
		.allowed = (write_file | remove_file | make_reg | truncate_file) & can_be_forbidden,
	};
	_cleanup_fd_ int folder = -1;

	if (!layers->core.path[0])
		return 0;
	folder = open(layers->core.path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return 0; /* then there are none */
	rule.parent = folder;
	return syscall(SYS_LANDLOCK_ADD_RULE, ruleset, LANDLOCK_PATH_BENEATH, &rule, 0) < 0 ? -errno
											    : 0;
}

static int take_landlock(struct layers *layers)
{
	long version = syscall(SYS_LANDLOCK_CREATE_RULESET, NULL, 0, LANDLOCK_VERSION);
	_cleanup_fd_ int fd = -1;
	size_t row;
	int r;

	if (version <= 0)
		return version < 0 ? -errno : -EOPNOTSUPP;
	row = (size_t)version > ARRAY_SIZE(landlock_all) ? ARRAY_SIZE(landlock_all) - 1
							 : (size_t)version - 1;
	fd = (int)syscall(SYS_LANDLOCK_CREATE_RULESET, &landlock_all[row], landlock_sizes[row], 0);
	if (fd < 0)
		return -errno;
	r = allow_core_dumps(fd, layers, landlock_all[row].fs);
	if (r < 0)
		return r;
	return syscall(SYS_LANDLOCK_RESTRICT_SELF, fd, 0) < 0 ? -errno : 0;
}

/* ---- the table ------------------------------------------------------------------------- */

static int take_calls(struct layers *layers)
{
	return layers->calls ? layers->calls(layers->ctx) : 0;
}

const struct layer_row layer_rows[NR_LAYERS] = {
	[LAYER_FILES] = { "open files", close_inherited,
			  .missing = "what the caller left open stays open",
			  .cure = "mount /proc" },
	[LAYER_NAMESPACES] = { "namespaces", take_namespaces,
			       .missing =
				       "the guest's process shares the host's network and mounts",
			       .cure = "run itsy as root, or allow user namespaces (sysctl "
				       "user.max_user_namespaces, "
				       "kernel.unprivileged_userns_clone)" },
	[LAYER_ROOT] = { "empty root", take_empty_root,
			 .missing = "it has the host's files in its sight",
			 .cure = "run itsy as root, or allow user namespaces" },
	[LAYER_USER] = { "user", take_user, .missing = "it stays root's, without capabilities",
			 .cure = "make a user for it: useradd --system " SANDBOX_USER },
	[LAYER_CAPABILITIES] = { "capabilities", drop_capabilities, .required = true,
				 .missing = "it keeps what root may do",
				 .cure = "see whether a security module forbids capset" },
	[LAYER_NO_NEW_PRIVS] = { "no new privileges", take_no_new_privs, .required = true,
				 .missing = "it could get rights back",
				 .cure = "use a newer kernel" },
	[LAYER_LANDLOCK] = { "Landlock", take_landlock,
			     .missing = "the other layers stand without it",
			     .cure = "use a kernel with CONFIG_SECURITY_LANDLOCK, and landlock "
				     "in lsm=" },
	[LAYER_CALLS] = { "system calls", take_calls, .required = true,
			  .missing = "it can make any system call",
			  .cure = "use a kernel with CONFIG_SECCOMP_FILTER" },
};

int layers_apply(struct layers *layers, int results[NR_LAYERS])
{
	for (size_t i = 0; i < NR_LAYERS; i++)
		results[i] = -ECANCELED;
	for (size_t i = 0; i < NR_LAYERS; i++) {
		results[i] = layer_rows[i].apply(layers);
		if (results[i] < 0 && layer_rows[i].required)
			return results[i];
	}
	return 0;
}

/* ---- trying ---------------------------------------------------------------------------- */

static int try_calls(void *ctx)
{
	return filter_enter(ctx);
}

static _Noreturn void try_in_child(int out)
{
	struct filter filter = { 0 };
	struct layers layers = { .calls = try_calls, .ctx = &filter };
	int results[NR_LAYERS];
	ssize_t n;

	layers_prepare(&layers);
	if (filter_init(&filter, THREAD_MAIN, 0) < 0)
		_exit(EXIT_FAILURE);
	(void)!layers_apply(&layers, results);
	n = write(out, results, sizeof(results));
	_exit(n == sizeof(results) ? EXIT_SUCCESS : EXIT_FAILURE);
}

int layers_try(int results[NR_LAYERS])
{
	_cleanup_fd_ int in = -1, out = -1;
	int fds[2], status = 0;
	ssize_t n;
	pid_t child;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	in = fds[0];
	out = fds[1];
	child = fork();
	if (child < 0)
		return -errno;
	if (child == 0)
		try_in_child(out);
	cleanup_fd(&out);
	out = -1;
	n = read(in, results, sizeof(int) * NR_LAYERS);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		continue;
	return n == (ssize_t)(sizeof(int) * NR_LAYERS) ? 0 : -EIO;
}
