#!/bin/bash
# SPDX-License-Identifier: MIT
#
# vector.pml: the router takes interrupts of a vector, without a lock, while a vCPU masks it, gives it another message
# and resets the function.

. "$(dirname "${BASH_SOURCE[0]}")/lib/model.sh"

two_halves='assertion violated (a==d)'

model vector
holds 'two interrupts, four writes'
fails 'the message has one place' "$two_halves" -DONE_SLOT
fails 'no second look' "$two_halves" -DNO_SECOND_LOOK
fails 'that one waits is stored' 'assertion violated (waits==((word&2)!=0))' -DNO_EXCHANGE
verdict
