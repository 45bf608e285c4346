#!/bin/bash
# SPDX-License-Identifier: MIT
#
# routes.pml: an eventfd goes from a router to KVM and back while its device signals.

. "$(dirname "${BASH_SOURCE[0]}")/lib/model.sh"

too_many='assertion violated (delivered<=(signalled+own))'
other_event='assertion violated ((gsi==settled)||(gsi==message))'
while_masked='assertion violated !(quiet)'
while_unmapped='assertion violated (mapped||(gsi==1))'
nothing_after='assertion violated !(owed)'

model routes
holds 'tied and untied'
holds 'tied and untied, GICv4' -DDIRECT -DNR_WRITES=1
holds 'and an event is unmapped' -DNR_SIGNALS=2 -DNR_WRITES=1 -DNR_UNMAPS=1
holds 'and an event is unmapped, GICv4' -DDIRECT -DNR_WRITES=0 -DNR_UNMAPS=1
fails 'tied without a signal: one comes twice' "$too_many" -DTIED_WITHOUT_SIGNAL
fails 'the same, GICv4' "$too_many" -DTIED_WITHOUT_SIGNAL -DDIRECT
fails 'tied while the router still polls' "$too_many" -DTIED_BY_REVIEW
fails 'tied to the event of before' "$other_event" -DTIED_STAYS
fails 'untied while an injection is under way' "$while_masked" -DUNTIED_LATER
fails 'untied after its event has gone' "$while_unmapped" -DUNTIED_AFTER -DNR_WRITES=0 -DNR_UNMAPS=1
fails 'no signal of itsy'\''s own, GICv4' "$nothing_after" -DDIRECT -DNO_RESEND
verdict
