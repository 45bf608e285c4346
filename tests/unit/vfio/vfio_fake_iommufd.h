/* SPDX-License-Identifier: MIT */
/*
 * The fake's part for iommufd and functions' own files, and what its parts have in common.
 */
#ifndef TESTS_UNIT_VFIO_FAKE_IOMMUFD_H
#define TESTS_UNIT_VFIO_FAKE_IOMMUFD_H

#include "tests/unit/vfio/vfio_fake.h"

/* Each as the kernel answers: a descriptor or 0, or negative errno. */
int fake_open_cdev(struct fake_vfio *fake, unsigned number);
int fake_iommufd_ioctl(struct fake_vfio *fake, unsigned long request, void *arg);
int fake_enter_iommufd(struct fake_vfio *fake, struct fake_function *fn, unsigned long request,
		       void *arg);
/* A function's number in the iommufd that it is bound to. */
uint32_t fake_devid(const struct fake_vfio *fake, const struct fake_function *fn);
/* As a host has it where VFIO makes files for functions: one for each, in their order. */
void fake_publish_cdev(const struct fake_vfio *fake, unsigned number);

/* Of vfio_fake.c. */
int fake_new_fd(struct fake_vfio *fake, enum fake_fd_kind kind, int number);
struct fake_fd *fake_get_fd(struct fake_vfio *fake, int fd, enum fake_fd_kind kind);
void fake_note_dma(struct fake_vfio *fake, uint64_t iova, uint64_t size, uint64_t va);

#endif
