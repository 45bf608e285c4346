#!/bin/bash
# SPDX-License-Identifier: MIT
#
# vits and KVM's in-kernel ITS do the same with random scripts of commands, MSIs and register writes,
# valid and not, but for the differences that tests/oracle/rules.c lists with their reasons.
#
# One run is always the same, one is new each time: ITSY_SEED=N repeats it. ITSY_SCRIPTS=N runs so many
# scripts, however long that takes (usually 3000, or what 20 seconds are enough for).

set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/common.sh"

itsdiff=$(dirname "${ITSY:-$build/arm64/itsy}")/itsdiff
[ -x "$itsdiff" ] || { echo "$itsdiff is not there (make test makes it)"; exit 77; }

seed=${ITSY_SEED:-$((RANDOM << 30 | RANDOM << 15 | RANDOM))}
limits=(--scripts 3000 --seconds 20) timeout=300
[ -z "${ITSY_SCRIPTS-}" ] || limits=(--scripts "$ITSY_SCRIPTS") timeout=0
echo "seed of the second run: $seed"

"$top/tests/emuhost/emuhost" run --cpus 1 --timeout "$timeout" --file "$itsdiff:/usr/bin/itsdiff" -- \
	sh -c '
	seed=$1
	shift
	itsdiff --seed 1 "$@" && itsdiff --seed "$seed" "$@"' sh "$seed" "${limits[@]}" </dev/null
