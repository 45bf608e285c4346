#!/bin/bash
# SPDX-License-Identifier: MIT
#
# router.pml: each signal of an eventfd is delivered, or waits for the next reader, and none is delivered twice,
# whatever comes between polls, parking, full queues and changes of the reader; on either engine.

. "$(dirname "${BASH_SOURCE[0]}")/lib/model.sh"

nothing_after='assertion violated !(owed)'
one_too_many='assertion violated (delivered<=signalled)'

model router
holds 'io_uring: three signals'
holds 'io_uring: two signals, two times too early' -DNR_SIGNALS=2 -DNR_TOO_EARLY=2 -DNR_FULL=0
holds 'epoll: three signals, two times too early, disarmed twice' -DEPOLL -DNR_TOO_EARLY=2 -DNR_CHANGES=2
always 'io_uring: every signal is delivered' -DNR_SIGNALS=2 -DNR_FULL=0
always 'epoll: every signal is delivered' -DNR_SIGNALS=2 -DEPOLL
fails 'a poll counts from its beginning: one too many' "$one_too_many" -DNO_SETTLING
fails 'a poll counts from its beginning: one is lost' "$nothing_after" -DNO_SETTLING -DINVENTS
fails 'the same, epoll: one too many' "$one_too_many" -DNO_SETTLING -DEPOLL
fails 'the same, epoll: one is lost' "$nothing_after" -DNO_SETTLING -DINVENTS -DEPOLL
fails 'a reset reads the counter: new ones are taken for old' "$nothing_after" -DFLR_READS -DNR_SIGNALS=2
fails 'the same, epoll' "$nothing_after" -DFLR_READS -DEPOLL
fails 'the same: one is never delivered' 'acceptance cycle' -DFLR_READS -DEPOLL -DNR_SIGNALS=2 -DWAYS
fails 'a poll that was found empty once has settled' "$one_too_many" -DSETTLES_SOON
fails 'the counter is not read when a poll has ended' 'assertion violated ((signals+counter)==signalled)' -DENDS_UNREAD
verdict
