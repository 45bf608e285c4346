#!/bin/bash
# SPDX-License-Identifier: MIT
#
# deferred.pml: an event that is mapped before the guest has given its LPI tables has all of its signals once they are
# there.

. "$(dirname "${BASH_SOURCE[0]}")/lib/model.sh"

nothing_found='assertion violated found'

model deferred
holds 'three signals, three batches, a review; LPIs are brought up'
fails 'nobody looks when LPIs are switched on' 'assertion violated !(owed)' -DNOT_TOLD
fails 'asked whether any is deferred after the doorbell' "$nothing_found" -DLOOKED_AFTER
fails 'none is deferred once it is staged' "$nothing_found" -DGONE_BEFORE_MAPPED
verdict
