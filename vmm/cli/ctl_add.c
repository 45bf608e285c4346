// SPDX-License-Identifier: MIT
/*
 * Giving a function to a running guest. The guest's process can open nothing, and its keeper takes
 * nobody's word: who asks has the rights, does what they are needed for, and hands over the files.
 *
 * No locks.
 */
#include "vmm/cli/ctl_add.h"

#include <errno.h>
#include <string.h>

#include "vfio/bind.h"
#include "vfio/function_file.h"
#include "vfio/look.h"
#include "vfio/right.h"
#include "vmm/control/client.h"
#include "vmm/control/json_member.h"
#include "vmm/dev/vfio_words.h"

static const struct pci_host_fs this_host = { "" };

struct add {
	int fd;
	const char *name; /* of the guest */
	json_t *request;
	struct pci_bdf bdf;
	bool bound;	 /* here */
	int right, file; /* owned */
	/* Of the guest: the process that is to give it back, and by what its DMA goes. */
	int pid;
	enum vfio_iommu_kind iommu;
	struct failure *failure;
};

static int failed(const struct add *a, const struct vfio_failure *vf)
{
	return failure_from_vfio(a->failure, vf);
}

/* ---- what was typed ------------------------------------------------------------------- */

/* False: it is no address, or what follows is nothing that can be said of it. */
static int read_function(struct add *a, const char *word)
{
	static const char route[] = "route=";
	char bdf[PCI_BDF_STRLEN] = "", text[PCI_BDF_STRLEN];
	const char *end = strchrnul(word, ',');

	if ((size_t)(end - word) >= sizeof(bdf))
		return -EINVAL;
	memcpy(bdf, word, (size_t)(end - word));
	if (pci_bdf_parse(bdf, &a->bdf) < 0)
		return -EINVAL;
	(void)json_object_set_new(a->request, "function",
				  json_string(pci_bdf_format(&a->bdf, text)));
	if (*end && strncmp(end + 1, route, strlen(route)) != 0)
		return failure_set(a->failure, ITSY_USAGE, EINVAL, word, NULL,
				   "behind the address there can be ,route=ROUTE and no more");
	if (*end)
		(void)json_object_set_new(a->request, "route",
					  json_string(end + 1 + strlen(route)));
	return 0;
}

/* How many of the guest's devices that are removed are at that place: they come together. */
static size_t nr_removed_at(const json_t *devices, const char *at)
{
	size_t nr = 0;

	for (size_t i = 0; i < json_array_size(devices); i++) {
		const json_t *d = json_array_get(devices, i);

		nr += json_is_true(json_object_get(d, "removed")) &&
		      strncmp(member_string(d, "at"), at, strcspn(at, ".")) == 0;
	}
	return nr;
}

/* 1: it was removed, and its function is known now. 0: the guest is to say what is wrong. */
static int find_removed(struct add *a, const json_t *info, const char *word)
{
	const json_t *devices = json_object_get(info, "devices");

	for (size_t i = 0; i < json_array_size(devices); i++) {
		const json_t *d = json_array_get(devices, i);

		if (strcmp(member_string(d, "name"), word) == 0)
			return json_is_true(json_object_get(d, "removed")) &&
			       nr_removed_at(devices, member_string(d, "at")) == 1 &&
			       pci_bdf_parse(member_string(d, "bdf"), &a->bdf) == 0;
	}
	return 0;
}

static int read_device(struct add *a, const char *word)
{
	json_t *info = NULL;
	char bdf[PCI_BDF_STRLEN];
	int r;

	(void)json_object_set_new(a->request, "device", json_string(word));
	r = client_ask(a->fd, a->name, json_pack("{s:s}", "do", "info"), &info, a->failure);
	if (r < 0)
		return r;
	r = find_removed(a, info, word);
	json_decref(info);
	if (r == 1)
		(void)json_object_set_new(a->request, "function",
					  json_string(pci_bdf_format(&a->bdf, bdf)));
	return r;
}

/* ---- the function --------------------------------------------------------------------- */

static int open_files(struct add *a)
{
	struct vfio_function_file file = { .fd = -1 };
	struct vfio_failure vf = { 0 };
	char bdf[PCI_BDF_STRLEN];

	a->right = vfio_right_open(&this_host, &a->bdf);
	if (a->right < 0)
		return failure_set(a->failure, ITSY_ENVIRONMENT, -a->right,
				   pci_bdf_format(&a->bdf, bdf), "run itsy as root",
				   "this user may not bind it: %s", strerror(-a->right));
	if (vfio_function_file_open(&this_host, a->iommu, &a->bdf, &file, &vf) < 0)
		return failed(a, &vf);
	a->file = file.fd;
	(void)json_object_set_new(a->request, "group", json_integer(file.group));
	(void)json_object_set_new(a->request, "bound", json_boolean(a->bound));
	return 0;
}

static int ask_guest(struct add *a)
{
	const char *iommufd = vfio_iommu_kind_name(VFIO_IOMMU_IOMMUFD);
	json_t *info = NULL;
	int r = client_ask(a->fd, a->name, json_pack("{s:s}", "do", "info"), &info, a->failure);

	if (r < 0)
		return r;
	a->pid = (int)member_number(info, "pid");
	if (strcmp(member_string(info, "iommu"), iommufd) == 0)
		a->iommu = VFIO_IOMMU_IOMMUFD;
	json_decref(info);
	return 0;
}

static int take_function(struct add *a)
{
	const struct pci_set all = { &a->bdf, 1 };
	struct vfio_failure vf = { 0 };
	struct pci_function fn;
	int r;

	if (vfio_look(&this_host, &a->bdf, &all, &fn, &vf) < 0)
		return failed(a, &vf);
	r = ask_guest(a);
	if (r < 0)
		return r;
	/* By its keeper it is given back, whether the guest's process lives or not. */
	r = vfio_bind_for(&this_host, &a->bdf, a->pid, &vf);
	if (r < 0)
		return failed(a, &vf);
	a->bound = r == 1;
	return open_files(a);
}

/* Where the guest has given it back already there is nothing to be done. */
static void give_back(const struct add *a)
{
	struct vfio_failure vf = { 0 };
	struct failure failure;

	if (!a->bound || vfio_release(&this_host, &a->bdf, &vf) >= 0)
		return;
	(void)failure_from_vfio(&failure, &vf);
	report_warning("%s: not given back: %s", failure.object, failure.cause);
}

static int offer(struct add *a, json_t **ret_reply)
{
	int files[] = { -1, -1 }, r = take_function(a);

	if (r >= 0) {
		files[0] = a->right;
		files[1] = a->file;
		/* client_ask_with() takes a reference. */
		r = client_ask_with(a->fd, a->name, json_incref(a->request), files,
				    a->file < 0 ? 1 : 2, ret_reply, a->failure);
	}
	cleanup_fd(&a->file);
	cleanup_fd(&a->right);
	if (r < 0)
		give_back(a);
	return r;
}

int ctl_add(int fd, const char *name, const char *word, json_t *request, json_t **ret_reply,
	    struct failure *ret_failure)
{
	struct add a = { .fd = fd,
			 .name = name,
			 .request = request,
			 .right = -1,
			 .file = -1,
			 .failure = ret_failure };
	int r = strchr(word, ':') ? read_function(&a, word) : read_device(&a, word);

	if (r < 0 && !ret_failure->cause[0])
		(void)failure_set(ret_failure, ITSY_USAGE, EINVAL, word, NULL,
				  "this is no PCI function: itsy devices lists them");
	if (r < 0)
		return r;
	if (json_object_get(request, "function"))
		return offer(&a, ret_reply);
	return client_ask(fd, name, json_incref(request), ret_reply, ret_failure);
}
