#!/bin/bash
# SPDX-License-Identifier: MIT
#
# switch.pml: however vCPUs switch an ITS on and off, vectors are tied as it is left.

. "$(dirname "${BASH_SOURCE[0]}")/lib/model.sh"

model switch
holds 'three vCPUs, four writes of GITS_CTLR'
fails 'a bool that is looked at and then turned round' 'assertion violated (tied==is_on)' -DWAS_ENABLED
fails 'noted before the review' 'assertion violated (seen>=which)' -DREVIEWED_BEFORE
fails 'counted before the switch' 'assertion violated (tied==is_on)' -DNUMBER_BEFORE
verdict
