#!/bin/bash
# SPDX-License-Identifier: MIT
#
# routes.pml: an eventfd goes from a router to KVM and back while its device signals.

. "$(dirname "${BASH_SOURCE[0]}")/lib/model.sh"

too_many='assertion violated (delivered<=(signalled+own))'
while_masked='assertion violated !(quiet)'
nothing_after='assertion violated !(owed)'

model routes
holds 'tied and untied'
holds 'tied and untied, GICv4' -DDIRECT -DNR_WRITES=1
fails 'KVM gives one twice that is signalled while it is tied' "$too_many" -DKVMS_OWN
fails 'tied while the router still polls' "$nothing_after" -DTIED_BY_REVIEW
fails 'tied to the event of before' 'assertion violated ((gsi==settled)||(gsi==message))' -DTIED_STAYS
fails 'untied while an injection is under way' "$while_masked" -DUNTIED_LATER
fails 'no signal of itsy'\''s own, GICv4' "$nothing_after" -DDIRECT -DNO_RESEND
verdict
