#!/bin/bash
# SPDX-License-Identifier: MIT
#
# pause.pml: while anybody works on KVM's interrupt controller no vCPU is in an ioctl, whoever pauses, resumes and
# stops.

. "$(dirname "${BASH_SOURCE[0]}")/lib/model.sh"

model pause
holds 'pauses, commands of two ITSs, redistributors, and a stop'
holds 'the same, with one who pauses them for something else' -DANOTHER_PAUSER
holds 'the same, of a guest that is frozen once' -DFREEZES
fails 'who freezes them is not told that they are out' 'invalid end state' -DFREEZES -DFREEZE_UNTOLD
fails 'an abort is injected outside' 'assertion violated ( !(in_ioctl[0])&& !(in_ioctl[1]))' -DABORT_OUTSIDE
fails '-EBUSY of the host is the end' 'assertion violated !(host_is_busy)' -DBUSY_IS_THE_END
fails 'who has paused has locked a mutex' 'assertion violated (holder==(_pid+1))' -DHOLDER_MUTEX
fails 'a kick is a signal alone' 'invalid end state' -DSIGNAL_ALONE
fails 'who leaves tells nobody' 'invalid end state' -DNO_BROADCAST
fails 'a pause for the kernel ITS within another' 'invalid end state' -DEACH_PAUSES
fails 'the last one to leave tells one of two' 'invalid end state' -DONE_IS_TOLD
fails 'one of two that are held is told to go on' 'invalid end state' -DONE_IS_RESUMED
fails 'none of those that are held looks at the time' 'invalid end state' -DNOBODY_TIMED -DANOTHER_PAUSER
fails 'who has looked at the time is not replaced' 'invalid end state' -DTIMED_STAYS
fails 'whose time has come goes on alone' 'invalid end state' -DENDS_ALONE -DANOTHER_PAUSER
fails 'who joins kicks nobody' 'assertion violated ( !(in_ioctl[0])&& !(in_ioctl[1]))' -DJOINED_IS_OUT
fails 'LPIs are told of while the vCPUs are paused' 'invalid end state' -DTOLD_INSIDE
verdict
