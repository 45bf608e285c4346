/* SPDX-License-Identifier: MIT */
/*
 * NVMe controllers on the fake VFIO, open, as functions of a guest: for one file of a test program
 * each. The n-th has device number n and group n, from 1 on.
 */
#ifndef TESTS_UNIT_DEV_NVME_WORLD_H
#define TESTS_UNIT_DEV_NVME_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/vfio/vfio_fake.h"
#include "vmm/dev/passthru.h"

static struct {
	struct fake_vfio fake;
	struct fake_function *fns[FAKE_FUNCTIONS];
	struct vfio_container *container;
	struct passthru functions[FAKE_FUNCTIONS];
	struct failure failure;
} w;

static void nvme_world_make(unsigned nr)
{
	static const char *const names[FAKE_FUNCTIONS] = { "0000:00:01.0", "0000:00:02.0",
							   "0000:00:03.0", "0000:00:04.0" };

	assert_in_range(nr, 1, FAKE_FUNCTIONS);
	memset(&w, 0, sizeof(w));
	fake_init(&w.fake);
	for (unsigned i = 0; i < nr; i++)
		w.fns[i] = fake_add_nvme(&w.fake, names[i], (int)i + 1);
	fake_publish(&w.fake);
	fake_container(&w.fake, &w.container);
	for (unsigned i = 0; i < nr; i++) {
		w.functions[i].bdf.dev = (uint8_t)(i + 1);
		w.functions[i].irq.name = "disk";
		w.functions[i].index = i;
		w.functions[i].dev = fake_open(&w.fake, w.container, names[i]);
	}
}

static int nvme_world_unmake(void **state)
{
	(void)state;
	for (unsigned i = 0; i < FAKE_FUNCTIONS; i++)
		vfio_device_destroy(w.functions[i].dev);
	vfio_container_destroy(w.container);
	fake_fini(&w.fake);
	return 0;
}

#endif
