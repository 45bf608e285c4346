/* SPDX-License-Identifier: MIT */
/*
 * Filling a struct vfio_fault. Private to vfio/.
 */
#ifndef VFIO_FAIL_H
#define VFIO_FAIL_H

#include "vfio/cleanup.h"
#include "vfio/fault.h"

#ifdef NDEBUG
#error "itsy keeps its assertions in every build"
#endif

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/*
 * Note what failed and return err (a negative errno), so that the caller can
 * return it at once. The format names the object; the other fields are cleared
 * and are the caller's to fill. fault may be NULL.
 */
int vfio_fail(struct vfio_fault *fault, enum vfio_fault_code code, int err, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Fill one of the names of a fault, cut to what fits. fault may be NULL. */
void vfio_fault_other(struct vfio_fault *fault, const char *other);
void vfio_fault_driver(struct vfio_fault *fault, const char *driver);
void vfio_fault_numbers(struct vfio_fault *fault, unsigned long long have, unsigned long long want);

/* Copy text to buf of size bytes, cut to what fits, always ended. */
void vfio_copy_text(char *buf, size_t size, const char *text);

#endif
