// SPDX-License-Identifier: MIT
/*
 * Functions that leave a guest while it runs, and come: by whoever has the machine.
 *
 * What was bound for the guest goes back to its driver as soon as the guest is without it. So who
 * gives a function to a running guest, also for the second time, has bound it himself: he has the
 * right to, and the process of the guest has no more rights than before.
 *
 * No locks: the main thread.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "vfio/bind.h"
#include "vmm/dev/passthru_priv.h"
#include "vmm/dev/vfio_words.h"

void passthru_remove(struct passthru *p)
{
	passthru_put_interrupts_back(p);
	vfio_device_detach(p->dev);
	p->removed = true;
}

void passthru_give_back_removed(struct passthru *p)
{
	struct vfio_failure vf = { 0 };
	int r = 0;

	assert(p->removed);

	if (p->keeper)
		r = keeper_release(p->keeper, p->index, &vf);
	else if (p->bound_here)
		r = vfio_release(p->host, &p->bdf, &vf);
	if (r < 0)
		passthru_not_given_back(p, &vf);
	else
		p->bound_here = false;
	/* What could not be given back is the place's until it can. */
	if (p->adopted && r >= 0) {
		p->vacant = true;
		vfio_device_vacate(p->dev);
	}
}

static void is_back(struct passthru *p)
{
	vfio_device_show_link(p->dev);
	p->removed = p->wanted_back = false;
	p->told_of_reset = p->move_told = false;
	memset(p->noticed, 0, sizeof(p->noticed));
}

static int return_one(struct passthru *p, struct failure *ret_failure)
{
	struct vfio_function_file file = { .fd = -1 };
	struct vfio_failure vf = { 0 };
	const enum vfio_iommu_kind kind = vfio_device_iommu(p->dev);
	int r = p->keeper ? keeper_open(p->keeper, p->index, kind, &file, &vf)
			  : vfio_function_file_open(p->host, kind, &p->bdf, &file, &vf);

	if (r >= 0)
		r = vfio_device_reattach(p->dev, &file, &vf);
	if (r < 0)
		return failure_from_vfio(ret_failure, &vf);
	is_back(p);
	return 0;
}

int passthru_return(struct passthru *const functions[], size_t nr, struct failure *ret_failure)
{
	struct vfio_reset_result results[CONFIG_MAX_DEVICES];
	struct vfio_device *devs[CONFIG_MAX_DEVICES] = { 0 };
	size_t done = 0;
	int r = 0;

	assert(nr <= CONFIG_MAX_DEVICES);
	while (r >= 0 && done < nr) {
		devs[done] = functions[done]->dev;
		r = return_one(functions[done], ret_failure);
		done += r >= 0;
	}
	if (r >= 0)
		vfio_reset_due(devs, nr, results);
	for (size_t i = 0; r >= 0 && i < nr; i++)
		r = passthru_look_at_opened(functions[i], &results[i], ret_failure);
	for (size_t i = 0; r < 0 && i < done; i++)
		passthru_remove(functions[i]);
	return r;
}

/* Whoever looks after what is bound knows of it first: so it is given back, whatever follows. */
static int take_right(struct passthru *p, const struct passthru_offer *offer,
		      struct failure *ret_failure)
{
	char bdf[PCI_BDF_STRLEN];
	int r = p->keeper
			? keeper_adopt(p->keeper, p->index, &offer->bdf, offer->bound, offer->right)
			: 0;

	if (r < 0)
		return failure_set(ret_failure, ITSY_RUNTIME, -r, pci_bdf_format(&offer->bdf, bdf),
				   NULL, "the keeper does not take it (%s)", strerror(-r));
	if (!p->keeper)
		p->bound_here |= offer->bound;
	p->bdf = offer->bdf;
	return 0;
}

static int join(struct passthru *p, struct passthru_offer *offer, struct failure *ret_failure)
{
	struct vfio_failure vf = { 0 };
	int r = p->vacant ? vfio_device_adopt(p->dev, &offer->bdf, &offer->file, &vf)
			  : vfio_device_reattach(p->dev, &offer->file, &vf);

	if (r < 0)
		return failure_from_vfio(ret_failure, &vf);
	p->adopted |= p->vacant;
	p->vacant = false;
	is_back(p);
	return 0;
}

int passthru_adopt(struct passthru *p, struct passthru_offer *offer, struct failure *ret_failure)
{
	struct vfio_reset_result result;
	int r = take_right(p, offer, ret_failure);

	assert(p->removed);

	if (r < 0)
		return r;
	for (unsigned v = 0; offer->has_route && v < p->irq.nr_vectors; v++)
		atomic_store(&p->irq.vectors[v].route, (uint8_t)offer->route);
	r = join(p, offer, ret_failure);
	if (r >= 0) {
		vfio_reset_due(&p->dev, 1, &result);
		r = passthru_look_at_opened(p, &result, ret_failure);
		if (r < 0)
			passthru_remove(p);
	}
	return r;
}
