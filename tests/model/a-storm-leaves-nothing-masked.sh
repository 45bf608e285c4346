#!/bin/bash
# SPDX-License-Identifier: MIT
#
# storms.pml: what is parked and masked at the device is let go again, and the guest has an interrupt after each of the
# device's, whoever reads the eventfd by then.

. "$(dirname "${BASH_SOURCE[0]}")/lib/model.sh"

nothing_after='assertion violated !(owed)'

model storms
holds 'two storms, two changes of the route, to a router or to KVM'
fails 'no signal of itsy'\''s own at the unmasking' "$nothing_after" -DNO_OWN_SIGNAL
fails 'who is being masked counts as not masked' "$nothing_after" -DBUSY_IS_IDLE
fails 'nobody is told of the unmasking' "$nothing_after" -DNOT_AWAITED
verdict
