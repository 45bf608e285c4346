# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# model.sh - checks a model in all of its states. To be sourced by tests/model/*.sh, which then
#
#   model NAME				say which one: tests/model/NAME.pml
#   holds WHAT [-DNAME]...		no assertion fails in any state, and nobody waits for ever
#   always WHAT [-DNAME]...		the model's formula is true on all ways, if each process that can go on does
#					so (weak fairness)
#   fails WHAT EXPECTED [-DNAME]...	one of these is not so, which pan calls EXPECTED; with -DWAYS the formula
#   verdict				and end: 1 if anything came out otherwise, 0 if not
#
# TRACE=1 shows the way to each failure, step by step.

set -uo pipefail
# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../../scripts/common.sh"

command -v spin >/dev/null || { echo "spin is not there (scripts/deps model)"; exit 77; }
tmp_make
models=$top/tests/model
memory_mb=1900
unmet=0 nr=0 name='' dir=''

model()
{
	name=$1
}

trace()
{
	(cd "$dir" && spin -t -p -g "${defines[@]}" "$name.pml" | grep -v '^ *processes created$')
}

unmet_by()
{
	unmet=$((unmet + 1))
	printf 'UNMET: %s: %s\n' "$name" "$1"
	tail -n 30 "$dir/out"
	[ ! -s "$dir/$name.pml.trail" ] || trace | tail -n 60
}

# run OPTIMIZATION [-DNAME]...: all states, into $dir/out. What fails does so soon: -O0 spares the compiler more.
run()
{
	local optimization=$1 compile=(-DSAFETY) search=() TIMEFORMAT='%U %S'

	shift
	defines=("$@")
	[ "$optimization" = -O1 ] || search=(-w20)
	[[ " $* " != *' -DWAYS '* ]] || { compile=(-DNFAIR=3) search+=(-a -f); }
	nr=$((nr + 1)) dir=$tmp/$nr
	mkdir "$dir"
	cp "$models"/*.pml "$dir"
	{ time in_dir >"$dir/out" 2>&1; } 2>"$dir/time"
}

in_dir()
{
	(
		cd "$dir" || exit
		spin -a "${defines[@]}" "$name.pml" &&
			gcc -w "$optimization" "${compile[@]}" -DMEMLIM=$memory_mb -o pan pan.c &&
			./pan -m1000000 "${search[@]}" | tr -s ' '
	)
}

# tell KIND WHAT: one line, with seconds of a CPU
tell()
{
	local states mb seconds

	seconds=$(awk '{ printf "%.1f", $1 + $2 }' "$dir/time")
	states=$(sed -n 's/^ *\([0-9]*\) states, stored.*/\1/p' "$dir/out")
	mb=$(sed -n "s/^ *\([0-9]*\)[.0-9]*[[:space:]]*total actual memory usage.*/\1/p" "$dir/out")
	printf '  %-7s %-60s %9s states %5s s %4s MB\n' "$1" "$2" "${states:-?}" "$seconds" "${mb:-?}"
	rm -f "$dir"/pan*
}

# Whatever keeps pan from having seen everything makes it say so.
is_whole()
{
	grep -q 'errors: 0$' "$dir/out" &&
		! grep -qE 'max search depth|Search not completed|MEMLIM|out of memory|truncated' "$dir/out"
}

holds()
{
	local what=$1

	shift
	run -O1 "$@"
	is_whole || unmet_by "does not hold: $what"
	tell holds "$what"
}

always()
{
	holds "$@" -DWAYS
}

fails()
{
	local what=$1 expected=$2

	shift 2
	run -O0 "$@"
	grep -qF "pan:1: $expected (at depth" "$dir/out" || unmet_by "does not fail by '$expected': $what"
	[ -z "${TRACE-}" ] || trace
	tell fails "$what"
}

verdict()
{
	[ $unmet = 0 ]
	exit
}
