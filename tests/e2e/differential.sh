#!/bin/bash
# SPDX-License-Identifier: MIT
#
# vits and KVM's in-kernel ITS do the same with random scripts of commands, MSIs and register writes,
# valid and not, but for the differences that tests/oracle/rules.c lists with their reasons: what is
# delivered, where LPIs are pending, registers, and the tables that both save; also where the machine is
# saved and restored in the middle. And what a guest of itsy's is to see of an LPI arrives in KVM, by way
# of the sealed kernel ITS.
#
# The first run is always the same, the others are new each time: ITSY_SEED=N repeats them.
# ITSY_SCRIPTS=N runs so many scripts each, however long that takes (usually what there is time for).

set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/common.sh"

itsdiff=$(dirname "${ITSY:-$build/arm64/itsy}")/itsdiff
[ -x "$itsdiff" ] || { echo "$itsdiff is not there (make test makes it)"; exit 77; }

seed=${ITSY_SEED:-$((RANDOM << 30 | RANDOM << 15 | RANDOM))}
few=${ITSY_SCRIPTS:+--scripts $ITSY_SCRIPTS}
echo "seed of the second and third run: $seed"

"$top/tests/emuhost/emuhost" run --cpus 1 --timeout "$([ -z "$few" ] && echo 300 || echo 0)" \
	--file "$itsdiff:/usr/bin/itsdiff" -- sh -ec '
	seed=$1 few=$2
	itsdiff --seed 1 ${few:---scripts 3000 --seconds 16}
	itsdiff --seed "$seed" ${few:---scripts 3000 --seconds 16}
	# Once found: what MAPC V=0 left pending, then MOVALL.
	itsdiff --seed 0x303b94243ac --sealed --scripts 1
	itsdiff --seed "$seed" --sealed ${few:---scripts 1000 --seconds 12}' sh "$seed" "$few" </dev/null
