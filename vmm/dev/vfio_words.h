/* SPDX-License-Identifier: MIT */
/*
 * What the host side of passthrough (vfio/) says of a failure, as a struct failure.
 */
#ifndef VMM_DEV_VFIO_WORDS_H
#define VMM_DEV_VFIO_WORDS_H

#include "vfio/failure.h"
#include "vmm/base/report.h"

/* Fill failure from vf. Returns -vf->error, or -EIO where vf names no errno. */
int failure_from_vfio(struct failure *failure, const struct vfio_failure *vf);

/*
 * A function was bound, and vf, which has a code, is what is worth knowing of that: one line, which
 * begins with whose it is in the configuration; "": nobody's.
 */
void vfio_words_of_binding(const char *whose, const struct vfio_failure *vf);

#endif
