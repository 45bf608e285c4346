#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The program has the USDT probes that scripts/itsy.bt uses, with as many arguments, and no others.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

program=${ITSY:-$build/arm64/itsy}
command -v readelf >/dev/null || { echo "readelf is not there (binutils)"; exit 77; }

readelf -n "$program" >"$tmp/notes.out" 2>"$tmp/notes.err"
echo $? >"$tmp/notes.rc"
is_status notes 0
nr_lines notes.err 0

# "NAME ARGUMENTS" of each probe; one may be at several places.
awk '/Provider: / { ours = $2 == "itsy" }
	ours && /Name: / { name = $2 }
	ours && /Arguments:/ { print name, gsub(/@/, "") }' "$tmp/notes.out" | sort -u >"$tmp/probes.out"
cat "$tmp/probes.out"
nr_lines probes.out 3
has probes.out '^command 3$'
has probes.out '^eventfd_seen 2$'
has probes.out '^injected 5$'

# Each has a semaphore, by which itsy knows that somebody listens.
expect "no probe is without a semaphore" not grep -qE 'Semaphore: 0x0+$' "$tmp/notes.out"
nr_semaphores=$(grep -oE 'Semaphore: 0x[0-9a-f]+$' "$tmp/notes.out" | sort -u | wc -l)
expect "three semaphores, not $nr_semaphores" [ "$nr_semaphores" = 3 ]

sed -n 's/^usdt:[^:]*:itsy:\([a-z_]*\)$/\1/p' "$top/scripts/itsy.bt" | sort >"$tmp/used.out"
cut -d' ' -f1 "$tmp/probes.out" >"$tmp/names.out"
expect "itsy.bt uses all probes and no others" diff "$tmp/names.out" "$tmp/used.out"
expect "itsy.bt uses no argument that there is not" not grep -qE 'arg[5-9]' "$top/scripts/itsy.bt"

verdict
