// SPDX-License-Identifier: MIT
/*
 * What else a function's IOMMU group needs: Documentation/driver-api/vfio.rst ("viable").
 *
 * All members in the way are looked at before the first is touched.
 */
#include "vfio/group_priv.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "vfio/fail.h"
#include "vfio/hostuse.h"
#include "vfio/pci_priv.h"

/* A group with more members in the way is left alone. */
#define MEMBERS_MAX 64u

/* One group, and who is in its way. */
struct taking {
	const struct bind_host *host;
	const struct pci_host_fs *fs;
	const struct pci_function *fn;
	char name[PCI_BDF_STRLEN];
	struct pci_bdf members[MEMBERS_MAX];
	size_t nr;
	struct vfio_failure *failure;
};

static int in_use(const struct taking *t, const struct pci_bdf *member, const char *what)
{
	char name[PCI_BDF_STRLEN], other[HOST_USE_STRLEN];
	int r = vfio_fail(t->failure, VFIO_FAILURE_GROUP_IN_USE, -EBUSY, "%s", t->name);

	(void)snprintf(other, sizeof(other), "%s (%.140s)", pci_bdf_format(member, name), what);
	vfio_failure_other(t->failure, other);
	return r;
}

/* May it be taken? A bridge always: what it carries is not its driver's. */
static int check_member(const struct taking *t, const struct pci_bdf *member)
{
	const struct hostuse_sys sys = hostuse_sys_of(t->host);
	struct pci_function fn;
	char what[HOST_USE_STRLEN];
	int r;

	r = pci_function_get(t->fs, member, &fn);
	if (r == 0 && !fn.is_bridge)
		r = host_uses(&sys, t->fs, member, what);
	if (r == 1)
		return in_use(t, member, what);
	return r < 0 ? vfio_fail(t->failure, VFIO_FAILURE_OTHER, r, "%s", t->name) : 0;
}

/* Who is in the way: asked again and again, each time without those that are known. */
static int find_members(struct taking *t)
{
	struct vfio_failure why = { 0 };
	struct pci_set known = { t->members, 0 };
	int r;

	while ((r = pci_group_viable(t->fs, t->fn, &known, &why)) < 0) {
		if (why.code != VFIO_FAILURE_NOT_VIABLE || t->nr == MEMBERS_MAX ||
		    pci_bdf_parse(why.other, &t->members[t->nr]) < 0) {
			*t->failure = why;
			return r;
		}
		r = check_member(t, &t->members[t->nr]);
		if (r < 0)
			return r;
		known.nr = ++t->nr;
	}
	return 0;
}

static int take_member(const struct taking *t, const struct pci_bdf *member,
		       const struct vfio_group_ops *ops)
{
	struct pci_function was;
	int r;

	r = pci_function_get(t->fs, member, &was);
	if (r < 0)
		return vfio_fail(t->failure, VFIO_FAILURE_OTHER, r, "%s", t->name);
	r = vfio_bind_member_with(t->host, t->fs, member, &t->fn->bdf, t->failure);
	if (r == 1)
		ops->took(ops->ctx, &was);
	return r < 0 ? r : 0;
}

static void give_back(const struct taking *t, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		(void)!vfio_release_with(t->host, t->fs, &t->members[i], NULL);
}

int vfio_group_take_with(const struct bind_host *host, const struct pci_host_fs *fs,
			 const struct pci_bdf *bdf, const struct vfio_group_ops *ops,
			 struct vfio_failure *ret_failure)
{
	struct pci_function fn;
	struct taking t = { .host = host, .fs = fs, .fn = &fn, .failure = ret_failure };
	int r;

	assert(ret_failure);
	pci_bdf_format(bdf, t.name);
	r = pci_function_get(fs, bdf, &fn);
	if (r < 0)
		return vfio_fail(ret_failure, VFIO_FAILURE_OTHER, r, "%s", t.name);
	r = find_members(&t);
	for (size_t i = 0; r == 0 && i < t.nr; i++) {
		r = take_member(&t, &t.members[i], ops);
		if (r < 0)
			give_back(&t, i);
	}
	return r;
}

int vfio_group_take(const struct pci_host_fs *fs, const struct pci_bdf *bdf,
		    const struct vfio_group_ops *ops, struct vfio_failure *ret_failure)
{
	struct bind_host host = bind_host_kernel(NULL);

	return vfio_group_take_with(&host, fs, bdf, ops, ret_failure);
}
