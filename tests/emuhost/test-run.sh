#!/bin/bash
# SPDX-License-Identifier: MIT
#
# test-run - the test runner counts passes, failures and skips, and fails when a test did

set -uo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/common.sh"

tmp_make
failed=0

# program NAME BODY
program()
{
	printf '#!/bin/sh\n%s\n' "$2" >"$tmp/$1"
	chmod +x "$tmp/$1"
}

# expect NAME STATUS LAST-LINE ARGUMENTS...
expect()
{
	local name=$1 want_rc=$2 want=$3 rc=0 last
	shift 3

	BUILD=$tmp/build "$top/tests/run" "$@" >"$tmp/out" 2>&1 || rc=$?
	last=$(tail -n 1 "$tmp/out")
	if [ "$rc" = "$want_rc" ] && [ "$last" = "$want" ]; then
		echo "ok: $name"
	else
		printf 'not ok: %s: status %s, wanted %s\n' "$name" "$rc" "$want_rc"
		sed 's/^/  /' "$tmp/out"
		failed=1
	fi
}

program two 'printf "1..2\nok 1 - a\nok 2 - b\n"'
program one_bad 'printf "1..2\nok 1 - a\nnot ok 2 - b\n"; exit 1'
program one_skipped 'printf "1..2\nok 1 - a\nnot ok 2 # SKIP b\n"'
program crash 'printf "1..3\nok 1 - a\n"; kill -SEGV $$'
program leak 'printf "1..1\nok 1 - a\n"; exit 23'
program empty 'true'
program pass.sh 'echo fine'
program fail.sh 'echo "what went wrong"; exit 1'
program skip.sh 'echo "no such device here"; exit 77'
program silent.sh '# quiet-limit: 1
sleep 600'
program slow.sh '# quiet-limit: 2
for n in 1 2 3 4 5 6 7 8; do sleep 0.5; echo $n; done'

expect 'functions of a unit program count' 0 '2 passed, 0 failed, 0 skipped' --unit "$tmp/two"
expect 'a function that fails' 1 '1 passed, 1 failed, 0 skipped' --unit "$tmp/one_bad"
expect 'a function that is skipped' 0 '1 passed, 0 failed, 1 skipped' --unit "$tmp/one_skipped"
expect 'a unit program that crashes' 1 '1 passed, 1 failed, 0 skipped' --unit "$tmp/crash"
expect 'a unit program that leaks' 1 '1 passed, 1 failed, 0 skipped' --unit "$tmp/leak"
expect 'a unit program without tests' 1 '0 passed, 1 failed, 0 skipped' --unit "$tmp/empty"
expect 'scripts' 1 '1 passed, 1 failed, 1 skipped' --e2e "$tmp"/{pass,fail,skip}.sh
grep -q 'no such device here' "$tmp/out" && grep -q 'what went wrong' "$tmp/out" ||
	{ echo "not ok: reasons are shown"; failed=1; }
expect 'a script that says nothing any more' 1 '0 passed, 1 failed, 0 skipped' --e2e "$tmp/silent.sh"
grep -q 'silent .* hangs: said nothing for 1 s' "$tmp/out" || { echo "not ok: a hang is called one"; failed=1; }
expect 'a script that is slow' 0 '1 passed, 0 failed, 0 skipped' --e2e "$tmp/slow.sh"
expect 'no test at all' 1 '0 passed, 1 failed, 0 skipped'
exit $failed
