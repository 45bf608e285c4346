/* SPDX-License-Identifier: MIT */
/*
 * The commands of a GICv3 ITS, IHI 0069 5.3: check, act. What their words mean is
 * in gits.h.
 */
#ifndef VITSMOD_CMD_H
#define VITSMOD_CMD_H

#include <stdint.h>

#include "gits.h"
#include "vits.h"

/*
 * Check a command and take it. ret_code is the architecture's error number if
 * the result is not VITS_DONE, or 0 where it has none. Owner.
 */
enum vits_result vits_cmd_run(struct vits *v, const struct gits_cmd *cmd, uint32_t *ret_code);

#endif
