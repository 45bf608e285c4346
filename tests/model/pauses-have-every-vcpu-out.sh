#!/bin/bash
# SPDX-License-Identifier: MIT
#
# pause.pml: while anybody works on KVM's interrupt controller no vCPU is in an ioctl, whoever pauses, resumes and
# stops.

. "$(dirname "${BASH_SOURCE[0]}")/lib/model.sh"

model pause
holds 'pauses, commands of two ITSs and of the rest, and a stop'
holds 'the same, with one who pauses them for something else' -DANOTHER_PAUSER
fails 'an abort is injected outside' 'assertion violated ( !(in_ioctl[0])&& !(in_ioctl[1]))' -DABORT_OUTSIDE
fails '-EBUSY of the host is the end' 'assertion violated !(host_is_busy)' -DBUSY_IS_THE_END
fails 'who has paused has locked a mutex' 'assertion violated (holder==(_pid+1))' -DHOLDER_MUTEX
fails 'a kick is a signal alone' 'invalid end state' -DSIGNAL_ALONE
fails 'who leaves tells nobody' 'invalid end state' -DNO_BROADCAST
verdict
