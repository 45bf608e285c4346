// SPDX-License-Identifier: MIT
/*
 * Binding to vfio-pci and back: Documentation/ABI/testing/sysfs-bus-pci
 * (driver_override, unbind, bind, drivers_probe), Documentation/driver-api/vfio.rst.
 *
 * A driver that the kernel has for this very function comes before vfio-pci (variant.c); where that
 * one does not take it, vfio-pci does.
 *
 * Order of binding: record, driver_override, unbind, bind. Whichever step this
 * process dies after, the record says what to put back, and putting back works
 * from any state in between. Where a step is refused, the steps before it are
 * undone, the record last.
 *
 * Lock: record_lock(), from the first look at a record to the last write of one.
 */
#include "vfio/bind_priv.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "vfio/fail.h"
#include "vfio/hostuse.h"
#include "vfio/pci_priv.h"
#include "vfio/record.h"
#include "vfio/variant.h"

/* How long a driver is waited for to show up, and another process to unlock the records. */
#define WAIT_STEP_MS 10u
#define WAIT_STEPS   300u
#define SETTLE_MS    100u

/* So many are given back with a function. */
#define TAKEN_MAX 64u

/* One binding or releasing under way. */
struct binding {
	const struct bind_host *host;
	const struct pci_host_fs *fs;
	const struct pci_bdf *bdf;
	const struct pci_bdf *whom; /* in whose group it is in the way; NULL: it is itself wanted */
	unsigned flags;
	int pid; /* for as long as this process lives; 0: see flags */
	char name[PCI_BDF_STRLEN];
	struct vfio_failure *failure; /* may be NULL */
};

static int kernel_write(void *ctx, const char *path, const char *text)
{
	_cleanup_fd_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	(void)ctx;
	if (fd < 0)
		return -errno;
	return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

static bool goes_on(const struct vfio_listener *listener)
{
	return !listener || listener->go_on(listener->ctx);
}

/*
 * Its exit status; -EINTR where that is not waited for any more: then it is killed, and one that
 * the kernel does not let go is left to end when it can.
 */
static int wait_modprobe(pid_t pid, const struct vfio_listener *listener)
{
	const struct timespec nap = { .tv_nsec = WAIT_STEP_MS * 1000000L };
	int status = 0;
	pid_t got;

	while ((got = waitpid(pid, &status, listener ? WNOHANG : 0)) == 0 ||
	       (got < 0 && errno == EINTR)) {
		if (goes_on(listener)) {
			(void)nanosleep(&nap, NULL);
			continue;
		}
		(void)kill(pid, SIGKILL);
		return -EINTR;
	}
	if (got < 0)
		return -errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -ENOENT;
}

static int kernel_modprobe(void *ctx, const char *module)
{
	char *argv[] = { (char *)"modprobe", (char *)"-q", (char *)module, NULL };
	char *envp[] = { (char *)"PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int r;

	r = posix_spawn_file_actions_init(&actions);
	if (r)
		return -r;
	for (int fd = 0; r == 0 && fd <= 2; fd++)
		r = posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
	if (r == 0)
		r = posix_spawn(&pid, "/sbin/modprobe", &actions, NULL, argv, envp);
	(void)posix_spawn_file_actions_destroy(&actions);
	return r ? -r : wait_modprobe(pid, ctx);
}

/* Its functions have the listener as their ctx. */
struct bind_host bind_host_kernel(const struct vfio_listener *listener)
{
	const struct hostuse_sys sys = hostuse_sys_kernel();

	return (struct bind_host){
		.ctx = (void *)(uintptr_t)listener,
		.write = kernel_write,
		.modprobe = kernel_modprobe,
		.try_open = sys.try_open,
		.nap = sys.nap,
		.addresses = sys.addresses,
		.listener = listener,
	};
}

static int write_attr(const struct binding *b, const char *attr, const char *text)
{
	struct host_path path;
	int r;

	r = pci_attr_path(&path, b->fs, b->bdf, attr);
	return r < 0 ? r : b->host->write(b->host->ctx, path.text, text);
}

/* Write the function's name to a file of a driver, like "bind". */
static int write_driver(const struct binding *b, const char *driver, const char *file)
{
	struct host_path path;
	int r;

	r = host_path(&path, b->fs, "/sys/bus/pci/drivers/%s/%s", driver, file);
	return r < 0 ? r : b->host->write(b->host->ctx, path.text, b->name);
}

static int let_kernel_choose(const struct binding *b)
{
	struct host_path path;
	int r;

	r = host_path(&path, b->fs, "/sys/bus/pci/drivers_probe");
	return r < 0 ? r : b->host->write(b->host->ctx, path.text, b->name);
}

/* sysfs shows no override as "(null)". */
static int read_override(const struct binding *b, char *buf, size_t size)
{
	struct host_path path;
	int r;

	r = pci_attr_path(&path, b->fs, b->bdf, "driver_override");
	if (r == 0)
		r = host_read_text(path.text, buf, size);
	if (r == 0 && !strcmp(buf, "(null)"))
		buf[0] = '\0';
	return r;
}

/* An empty line clears it. */
static int write_override(const struct binding *b, const char *override)
{
	return write_attr(b, "driver_override", *override ? override : "\n");
}

/* Unbind from whatever it is bound to. That it is bound to nothing (any more) is no error. */
static int unbind(const struct binding *b)
{
	int r = write_attr(b, "driver/unbind", b->name);

	return r == -ENODEV || r == -ENOENT ? 0 : r;
}

static bool is_gone(const struct binding *b)
{
	struct host_path path;

	return pci_attr_path(&path, b->fs, b->bdf, "") == 0 && !host_exists(path.text);
}

/*
 * Wait until the function has this driver ("": none). -ETIMEDOUT after WAIT_STEPS, -ENODEV where it
 * is unplugged meanwhile.
 */
static int wait_driver(const struct binding *b, const char *want)
{
	char driver[PCI_DRIVER_STRLEN];

	for (unsigned i = 0; i < WAIT_STEPS; i++) {
		int r = pci_driver_get(b->fs, b->bdf, driver);

		if (is_gone(b))
			return -ENODEV;
		if (r < 0 || !strcmp(driver, want))
			return r;
		if (!goes_on(b->host->listener))
			return -EINTR;
		b->host->nap(b->host->ctx, WAIT_STEP_MS);
	}
	return -ETIMEDOUT;
}

/* Is an NVMe controller of the function still on its way up? 1, 0, or errno. */
static int is_starting(void *ctx, const char *name)
{
	static const char *const states[] = { "new", "resetting", "connecting" };
	const struct binding *b = ctx;
	struct host_path path;
	char text[32];

	if (host_path(&path, b->fs, "/sys/bus/pci/devices/%s/nvme/%s/state", b->name, name) < 0 ||
	    host_read_text(path.text, text, sizeof(text)) < 0)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		if (!strcmp(text, states[i]))
			return 1;
	}
	return 0;
}

/*
 * In Linux 6.1, nvme goes on probing after bind has returned. Unbound at that time, it
 * frees its memory through a device that has left its IOMMU domain: an oops. So wait
 * until the controller is up, and a little longer for its scan of namespaces to end.
 */
static void let_settle(const struct binding *b)
{
	struct host_path path;

	if (pci_attr_path(&path, b->fs, b->bdf, "nvme") < 0)
		return;
	for (unsigned i = 0; i < WAIT_STEPS && goes_on(b->host->listener); i++) {
		if (host_each_entry(path.text, is_starting, (void *)b) != 1) {
			if (i > 0)
				b->host->nap(b->host->ctx, SETTLE_MS);
			return;
		}
		b->host->nap(b->host->ctx, WAIT_STEP_MS);
	}
}

/*
 * Give the function back to a driver (NULL: any that wants it) and its override,
 * from any state. A driver that somebody else gave it meanwhile stays.
 */
static int put_back(const struct binding *b, const char *driver, const char *override)
{
	char now[PCI_DRIVER_STRLEN] = "";
	int r;

	r = write_override(b, override);
	if (r == 0)
		r = pci_driver_get(b->fs, b->bdf, now);
	if (r < 0)
		return r;
	if (now[0] && !pci_driver_is_vfio(now))
		return 0;
	if (now[0]) {
		r = unbind(b);
		if (r == 0)
			r = wait_driver(b, "");
		if (r < 0)
			return r;
	}
	if (!driver)
		return let_kernel_choose(b);
	if (!*driver)
		return 0;
	/* Where this driver refuses, let the kernel look for one, and see below if it is this. */
	if (write_driver(b, driver, "bind") < 0) {
		r = let_kernel_choose(b);
		if (r < 0)
			return r;
	}
	return wait_driver(b, driver);
}

/* Whoever was told to end puts back what there was before, and listens no more. */
static int undo(const struct binding *b, const char *driver, const char *override)
{
	struct bind_host host = *b->host;
	struct binding undoing = *b;

	host.listener = NULL;
	undoing.host = &host;
	return put_back(&undoing, driver, override);
}

static int change_failed(const struct binding *b, int err, const char *driver)
{
	enum vfio_failure_code code = VFIO_FAILURE_BIND;
	struct pci_function fn;
	int r;

	if (err == -EACCES || err == -EPERM || err == -EROFS)
		code = VFIO_FAILURE_PERMISSION;
	else if (pci_function_get(b->fs, b->bdf, &fn) == 0 && fn.group < 0)
		code = VFIO_FAILURE_NO_GROUP;
	r = vfio_fail(b->failure, code, err, "%s", b->name);
	vfio_failure_driver(b->failure, driver);
	return r;
}

/* The steps of binding after the record, each only if the one before it succeeded. */
static int change_driver(const struct binding *b, const char *to)
{
	char now[PCI_DRIVER_STRLEN];
	int r;

	r = pci_driver_get(b->fs, b->bdf, now);
	if (r == 0)
		r = write_override(b, to);
	if (r == 0 && now[0])
		r = unbind(b);
	if (r == 0 && now[0])
		r = wait_driver(b, "");
	if (r < 0)
		return r;
	r = write_driver(b, to, "bind");
	/* The kernel may have bound it by itself meanwhile, and refuses to do it twice. */
	if (r < 0 && pci_driver_get(b->fs, b->bdf, now) == 0 && !strcmp(now, to))
		return 0;
	return r < 0 ? r : wait_driver(b, to);
}

static bool vfio_is_there(const struct binding *b)
{
	struct host_path driver, node;

	return host_path(&driver, b->fs, "/sys/bus/pci/drivers/%s", VFIO_DRIVER_PLAIN) == 0 &&
	       host_path(&node, b->fs, "/dev/vfio/vfio") == 0 && host_exists(driver.text) &&
	       host_exists(node.text);
}

/* Loading vfio-pci loads vfio too, but vfio_iommu_type1 has to be asked for by name. */
static int need_vfio(const struct binding *b)
{
	if (vfio_is_there(b))
		return 0;
	if (b->host->modprobe(b->host->ctx, VFIO_DRIVER_PLAIN) == -EINTR ||
	    b->host->modprobe(b->host->ctx, "vfio_iommu_type1") == -EINTR)
		return vfio_fail(b->failure, VFIO_FAILURE_OTHER, -EINTR, "%s", b->name);
	if (vfio_is_there(b))
		return 0;
	return vfio_fail(b->failure, VFIO_FAILURE_NO_VFIO, -ENODEV, "%s", VFIO_DRIVER_PLAIN);
}

/* Of a variant of vfio-pci's that did not take it: told where vfio-pci did. */
static void refused(const struct binding *b, const struct vfio_variant *variant, int r)
{
	(void)vfio_fail(b->failure, VFIO_FAILURE_VARIANT, r, "%s", b->name);
	vfio_failure_driver(b->failure, variant->driver);
}

/* 0: the function has it. Whatever was in the way, vfio-pci can be tried then. */
static int try_variant(const struct binding *b, struct vfio_variant *variant)
{
	int r;

	if (!vfio_variant_is_there(b->fs, variant)) {
		r = b->host->modprobe(b->host->ctx, variant->module);
		if (!vfio_variant_is_there(b->fs, variant))
			return r < 0 ? r : -ENOENT;
	}
	return change_driver(b, variant->driver);
}

/* To the driver that fits it best. 0, or negative errno; ret_failure also where it is the second
 * best. */
static int change_to_best(const struct binding *b)
{
	struct vfio_aliases *aliases = NULL;
	struct vfio_variant variant;
	bool has_variant = false;
	int r = -ENOENT, plain;

	if (!(b->flags & VFIO_BIND_PLAIN) && vfio_aliases_read(b->fs, &aliases) == 0)
		has_variant = vfio_variant_find(aliases, b->fs, b->bdf, &variant);
	vfio_aliases_free(aliases);
	if (has_variant)
		r = try_variant(b, &variant);
	if (r == 0 || r == -EINTR || (r == -ENODEV && is_gone(b)))
		return r;
	plain = change_driver(b, VFIO_DRIVER_PLAIN);
	if (plain == 0 && has_variant)
		refused(b, &variant, r);
	return plain;
}

struct hostuse_sys hostuse_sys_of(const struct bind_host *host)
{
	return (struct hostuse_sys){ host->ctx, host->try_open, host->nap, host->addresses };
}

static int check_use(const struct binding *b)
{
	const struct hostuse_sys sys = hostuse_sys_of(b->host);
	char what[HOST_USE_STRLEN];
	int r;

	r = host_uses(&sys, b->fs, b->bdf, what);
	if (r < 0)
		return vfio_fail(b->failure, VFIO_FAILURE_OTHER, r, "%s", b->name);
	if (r == 0)
		return 0;
	r = vfio_fail(b->failure, VFIO_FAILURE_IN_USE_BY_HOST, -EBUSY, "%s", b->name);
	vfio_failure_other(b->failure, what);
	return r;
}

static int state_failed(const struct binding *b, int err)
{
	bool denied = err == -EACCES || err == -EPERM;

	return vfio_fail(b->failure, denied ? VFIO_FAILURE_PERMISSION : VFIO_FAILURE_STATE, err,
			 "/run/itsy/bound/%s", b->name);
}

static int lock_records(const struct binding *b)
{
	int fd = -EWOULDBLOCK;

	for (unsigned i = 0; fd == -EWOULDBLOCK && i < WAIT_STEPS; i++) {
		if (i > 0)
			b->host->nap(b->host->ctx, WAIT_STEP_MS);
		fd = goes_on(b->host->listener) ? record_lock(b->fs) : -EINTR;
	}
	return fd < 0 ? state_failed(b, fd) : fd;
}

static void set_owner(const struct binding *b, struct bind_record *record)
{
	record->owner = (struct bind_owner){ 0 };
	if (b->flags & VFIO_BIND_FOR_LIFE)
		owner_self(&record->owner);
	/* Of one that is not seen nobody can tell when it has ended. */
	if (b->pid && !owner_of(b->fs, b->pid, &record->owner))
		record->owner = (struct bind_owner){ 0 };
}

/* Of a record that stays. */
static int note_owner(const struct binding *b, struct bind_record *record)
{
	int r;

	set_owner(b, record);
	r = record_write(b->fs, b->bdf, record);
	return r < 0 ? state_failed(b, r) : 0;
}

/* The function has a driver of VFIO's, and there is a record of who is to give it back, and gone.
 */
static bool read_left(const struct binding *b, struct bind_record *ret_record)
{
	return record_read_told(b->fs, b->bdf, ret_record) == 0 &&
	       owner_is_gone(b->fs, &ret_record->owner);
}

static void tell_of_left(const struct binding *b, enum vfio_failure_code code, int pid)
{
	(void)vfio_fail(b->failure, code, -EOWNERDEAD, "%s", b->name);
	vfio_failure_numbers(b->failure, (unsigned long long)pid, 0);
}

/* What is bound already stays as it is, and is ours where it was left. */
static int take_over(const struct binding *b)
{
	_cleanup_fd_ int lock = -1;
	struct bind_record record;
	int pid, r;

	if (!read_left(b, &record))
		return 0;
	pid = record.owner.pid;
	lock = lock_records(b);
	if (lock == -EACCES || lock == -EPERM || lock == -EROFS) {
		tell_of_left(b, VFIO_FAILURE_LEFT_SO, pid);
		return 0;
	}
	if (lock < 0)
		return lock;
	if (!read_left(b, &record))
		return 0;
	r = note_owner(b, &record);
	if (r < 0)
		return r;
	tell_of_left(b, VFIO_FAILURE_LEFT, pid);
	return 1;
}

/*
 * Write a record of what is about to change; ret_override gets the override as it is
 * now. 1: written. 0: there is a record of an earlier binding that was never released,
 * and it is kept, since it knows what was there before that. It counts only while the
 * override is still ours: otherwise somebody has changed the function since.
 */
static int note_state(const struct binding *b, const struct pci_function *fn, char *ret_override,
		      size_t size)
{
	struct bind_record record = { 0 };
	int r;

	r = read_override(b, ret_override, size);
	if (r < 0)
		return vfio_fail(b->failure, VFIO_FAILURE_OTHER, r, "%s: driver_override", b->name);
	if (pci_driver_is_vfio(ret_override) && record_read(b->fs, b->bdf, &record) == 0)
		return note_owner(b, &record);
	set_owner(b, &record);
	vfio_copy_text(record.driver, sizeof(record.driver), fn->driver);
	vfio_copy_text(record.override, sizeof(record.override), ret_override);
	record.taken_for[0] = '\0';
	if (b->whom)
		pci_bdf_format(b->whom, record.taken_for);
	record.node = record_node(b->fs, b->bdf);
	pci_told_get(b->fs, b->bdf, &record.told);
	r = record_write(b->fs, b->bdf, &record);
	return r < 0 ? state_failed(b, r) : 1;
}

/* Of a bridge its driver is in the way, and vfio-pci does not take bridges. */
static int take_driver_off(const struct binding *b)
{
	int r = unbind(b);

	return r < 0 ? r : wait_driver(b, "");
}

static int bind_locked(const struct binding *b, const struct pci_function *fn)
{
	char override[64] = "";
	int noted, r;

	let_settle(b);
	if (!goes_on(b->host->listener))
		return vfio_fail(b->failure, VFIO_FAILURE_OTHER, -EINTR, "%s", b->name);
	noted = note_state(b, fn, override, sizeof(override));
	if (noted < 0)
		return noted;
	r = fn->is_bridge ? take_driver_off(b) : change_to_best(b);
	if (r == 0)
		return 1;

	r = change_failed(b, r, fn->driver);
	/* Keep the record if it could not be put back: vfio_release() can try again. */
	if (undo(b, fn->driver, override) == 0 && noted)
		(void)!record_remove(b->fs, b->bdf);
	return r;
}

int bind_lock_records(const struct bind_host *host, const struct pci_host_fs *fs,
		      const struct pci_bdf *bdf, struct vfio_failure *ret_failure)
{
	struct binding b = { host, fs, bdf, .failure = ret_failure };

	pci_bdf_format(bdf, b.name);
	return lock_records(&b);
}

static int find_function(const struct binding *b, struct pci_function *ret_fn)
{
	int r = pci_function_get(b->fs, b->bdf, ret_fn);

	if (r < 0)
		return vfio_fail(b->failure,
				 r == -ENOENT ? VFIO_FAILURE_NO_FUNCTION : VFIO_FAILURE_OTHER, r,
				 "%s", b->name);
	return 0;
}

static int bind_function(const struct binding *b)
{
	_cleanup_fd_ int lock = -1;
	struct pci_function fn;
	int r;

	r = find_function(b, &fn);
	if (r < 0)
		return r;
	if (fn.is_bridge)
		return vfio_fail(b->failure, VFIO_FAILURE_BRIDGE, -EINVAL, "%s", b->name);
	/* On hosts with a device tree, an unbound function gets its group with its first driver. */
	if (fn.group < 0 && fn.driver[0])
		return vfio_fail(b->failure, VFIO_FAILURE_NO_GROUP, -ENODEV, "%s", b->name);
	r = pci_sriov_viable(b->fs, &fn, b->failure);
	if (r < 0)
		return r;
	if (pci_driver_is_vfio(fn.driver))
		return take_over(b);
	lock = lock_records(b);
	if (lock < 0)
		return lock;
	/* Another process may have bound it while we waited. */
	r = find_function(b, &fn);
	if (r < 0 || pci_driver_is_vfio(fn.driver))
		return r;
	if (!(b->flags & VFIO_BIND_FORCE))
		r = check_use(b);
	if (r == 0)
		r = need_vfio(b);
	return r < 0 ? r : bind_locked(b, &fn);
}

int vfio_bind_with(const struct bind_host *host, const struct pci_host_fs *fs,
		   const struct pci_bdf *bdf, unsigned flags, struct vfio_failure *ret_failure)
{
	struct binding b = { host, fs, bdf, .flags = flags, .failure = ret_failure };

	pci_bdf_format(bdf, b.name);
	return bind_function(&b);
}

static int free_bridge(const struct binding *b)
{
	_cleanup_fd_ int lock = lock_records(b);
	struct pci_function fn;
	int r;

	if (lock < 0)
		return lock;
	r = find_function(b, &fn);
	if (r < 0 || !fn.driver[0])
		return r;
	return bind_locked(b, &fn);
}

int vfio_bind_member_with(const struct bind_host *host, const struct pci_host_fs *fs,
			  const struct pci_bdf *bdf, const struct pci_bdf *whom,
			  struct vfio_failure *ret_failure)
{
	struct binding b = { host, fs, bdf, .whom = whom, .failure = ret_failure };
	struct pci_function fn;
	int r;

	pci_bdf_format(bdf, b.name);
	r = find_function(&b, &fn);
	if (r < 0)
		return r;
	return fn.is_bridge ? free_bridge(&b) : bind_function(&b);
}

int vfio_bind_listening(const struct pci_host_fs *fs, const struct pci_bdf *bdf, unsigned flags,
			const struct vfio_listener *listener, struct vfio_failure *ret_failure)
{
	struct bind_host host = bind_host_kernel(listener);

	return vfio_bind_with(&host, fs, bdf, flags, ret_failure);
}

int vfio_bind(const struct pci_host_fs *fs, const struct pci_bdf *bdf, unsigned flags,
	      struct vfio_failure *ret_failure)
{
	return vfio_bind_listening(fs, bdf, flags, NULL, ret_failure);
}

int vfio_bind_for_with(const struct bind_host *host, const struct pci_host_fs *fs,
		       const struct pci_bdf *bdf, int pid, struct vfio_failure *ret_failure)
{
	struct binding b = { host, fs, bdf, .pid = pid, .failure = ret_failure };

	pci_bdf_format(bdf, b.name);
	return bind_function(&b);
}

int vfio_bind_for(const struct pci_host_fs *fs, const struct pci_bdf *bdf, int pid,
		  struct vfio_failure *ret_failure)
{
	const struct bind_host host = bind_host_kernel(NULL);

	return vfio_bind_for_with(&host, fs, bdf, pid, ret_failure);
}

/*
 * To unbind from vfio-pci waits in the kernel until the function's user closes it, for
 * ever if need be. So look first whether another process has the group open.
 */
static int check_idle(const struct binding *b, const struct pci_function *fn)
{
	const struct hostuse_sys sys = hostuse_sys_of(b->host);
	char who[OPENER_STRLEN];
	int r;

	if (!pci_driver_is_vfio(fn->driver) || fn->group < 0 ||
	    !host_group_is_open(&sys, b->fs, fn->group, who))
		return 0;
	r = vfio_fail(b->failure, VFIO_FAILURE_BUSY, -EBUSY, "%s", b->name);
	vfio_failure_other(b->failure, who);
	return r;
}

/* Without a record, all that can be told to be ours is an override that says vfio-pci. */
static int release_unrecorded(const struct binding *b, const struct pci_function *fn)
{
	char override[64];

	if (fn->driver[0] && !pci_driver_is_vfio(fn->driver))
		return 0;
	if (read_override(b, override, sizeof(override)) < 0 || pci_driver_is_vfio(override))
		override[0] = '\0';
	return put_back(b, NULL, override);
}

static int forget(const struct binding *b)
{
	int r = record_remove(b->fs, b->bdf);

	return r < 0 ? state_failed(b, r) : 0;
}

static int release_one(const struct binding *b)
{
	struct bind_record record = { 0 };
	struct pci_function fn;
	int found, r;

	found = record_read(b->fs, b->bdf, &record);
	/* Of a device that was unplugged: what is in its place now was never bound here. */
	if (found == 0 && record.node && record.node != record_node(b->fs, b->bdf))
		found = -ESTALE;
	r = find_function(b, &fn);
	/* Unplugged: there is nothing to put back any more. */
	if (r == -ENOENT && found != -ENOENT)
		return forget(b);
	if (r == 0)
		r = check_idle(b, &fn);
	if (r < 0)
		return r;
	r = found == 0 ? put_back(b, record.driver, record.override) : release_unrecorded(b, &fn);
	/* Its unplugging waited for its user, and goes on now. */
	if (r < 0 && is_gone(b))
		return forget(b);
	return r < 0 ? change_failed(b, r, record.driver) : forget(b);
}

/* What was taken for it, once it has gone itself: of several that cannot, the last is told. */
static int release_taken(const struct binding *b)
{
	struct pci_bdf taken[TAKEN_MAX];
	int nr = records_taken_for(b->fs, b->bdf, taken, TAKEN_MAX);
	int r = 0;

	for (int i = 0; i < nr; i++) {
		struct binding other = { b->host, b->fs, &taken[i], .failure = b->failure };
		int failed;

		pci_bdf_format(&taken[i], other.name);
		failed = release_one(&other);
		if (failed < 0)
			r = failed;
	}
	return nr < 0 ? state_failed(b, nr) : r;
}

int vfio_release_locked_with(const struct bind_host *host, const struct pci_host_fs *fs,
			     const struct pci_bdf *bdf, struct vfio_failure *ret_failure)
{
	struct binding b = { host, fs, bdf, .failure = ret_failure };
	int r;

	pci_bdf_format(bdf, b.name);
	r = release_one(&b);
	return r < 0 ? r : release_taken(&b);
}

int vfio_release_with(const struct bind_host *host, const struct pci_host_fs *fs,
		      const struct pci_bdf *bdf, struct vfio_failure *ret_failure)
{
	_cleanup_fd_ int lock = bind_lock_records(host, fs, bdf, ret_failure);

	return lock < 0 ? lock : vfio_release_locked_with(host, fs, bdf, ret_failure);
}

int vfio_release(const struct pci_host_fs *fs, const struct pci_bdf *bdf,
		 struct vfio_failure *ret_failure)
{
	struct bind_host host = bind_host_kernel(NULL);

	return vfio_release_with(&host, fs, bdf, ret_failure);
}
