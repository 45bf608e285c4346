#!/bin/bash
# SPDX-License-Identifier: MIT
#
# cwriter.pml: what GITS_CWRITER announces is run, once and in order, by whichever thread.

. "$(dirname "${BASH_SOURCE[0]}")/lib/model.sh"

left='assertion violated !((begun||(is_on&&(creadr!=cwriter))))'

model cwriter
holds 'two vCPUs announce, one switches, the thread its has the rest'
always 'every command is run'
fails 'the main thread has the rest, and waits for a terminal' "$left" -DMAIN_THREAD
fails 'the same: one is never run' 'acceptance cycle' -DMAIN_THREAD -DWAYS
fails 'the owner does not look again' "$left" -DNO_LOOK_AGAIN
fails 'what is asked for is taken back after it was seen to' "$left" -DMORE_FORGOTTEN
fails 'who finds the lock free runs commands' 'assertion violated owned' -DNO_OWNER
verdict
