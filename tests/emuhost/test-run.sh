#!/bin/bash
# SPDX-License-Identifier: MIT
#
# test-run - the test runner counts passes, failures and skips, and fails when a test did; it gives each host of a
# table its options, and refuses a table that is wrong

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

# --- the table of hosts ---

mkdir "$tmp/e2e"
# Passes on the host with the options "--gic 4 --cpus 1" only.
program e2e/on_four.sh '[ "$ITSY_HOST_OPTIONS" = "--gic 4 --cpus 1" ]'
program e2e/longer.sh '[ "$ITSY_SECONDS" = 7 ] && [ "$ITSY_SEED" = 5 ]'
program e2e/plain.sh '[ -z "$ITSY_HOST_OPTIONS" ]'
program e2e/pass.sh true
cat >"$tmp/hosts" <<'END'
# A comment.
host four
why it has a GICv4
options --gic 4 --cpus 1
run on_four ./skip.sh
run plain

host plain
run on_four plain
run longer
host longer
run longer on_four
with longer ITSY_SECONDS=7 ITSY_SEED=5
only pass
END

# a_line NAME REGEX: the last output has it
a_line()
{
	grep -qE -- "$2" "$tmp/out" && { echo "ok: $1"; return; }
	echo "not ok: $1: no line like '$2'"
	failed=1
}

expect 'a table is listed' 0 'longer/pass' --list "$tmp/hosts"
a_line 'all of a table is listed, in its order' "^four/on_four$"
expect 'a script that runs on one host only is listed' 0 "$tmp/e2e/pass.sh" --only "$tmp/hosts"
expect 'and runs there' 0 '1 passed, 0 failed, 0 skipped' --hosts "$tmp/hosts" longer/pass
expect 'scripts on hosts have their options' 1 '2 passed, 2 failed, 1 skipped' \
	--hosts "$tmp/hosts" four/on_four four/skip four/plain plain/on_four plain/plain
a_line 'a run on a host passes' '^  ok    four/on_four +[0-9]+ s'
a_line 'a run on a host is skipped, and says why' '^  skip  four/skip +[0-9]+ s  no such device here'
a_line 'a run on a host fails' '^  FAIL  plain/on_four +[0-9]+ s  status 1'
a_line 'options of a host are no other one'"'"'s' '^  ok    plain/plain'
a_line 'logs are by host' 'the end of .*/four/plain.log:'
expect 'a script has its environment on one host, and none on another' 1 '1 passed, 1 failed, 0 skipped' \
	--hosts "$tmp/hosts" longer/longer plain/longer
a_line 'what is behind "with" is its environment' '^  ok    longer/longer'
expect 'programs, scripts and hosts add up' 1 '4 passed, 1 failed, 0 skipped' \
	--unit "$tmp/two" --e2e "$tmp"/{pass,fail}.sh --hosts "$tmp/hosts" plain/plain
expect 'none of the hosts' 0 '1 passed, 0 failed, 0 skipped' --e2e "$tmp/pass.sh" --hosts "$tmp/hosts"
expect 'a run that the table has not' 1 "run: error: $tmp/hosts has no four/pass" --hosts "$tmp/hosts" four/pass

# wrong NAME TEXT MESSAGE: a table with TEXT in it is refused
wrong()
{
	printf '%b\n' "$2" >"$tmp/wrong"
	expect "$1" 1 "run: error: $tmp/wrong: $3" --list "$tmp/wrong"
}

wrong 'a script that is not there' 'host a\nrun nothing' "a runs $tmp/e2e/nothing.sh, which is not there"
wrong 'a run that is there twice' 'host a\nrun plain\nrun plain' 'a/plain is there twice'
wrong 'a host that is there twice' 'host a\nhost b\nhost a' 'a is there twice'
wrong 'a host of no name' 'host a b' "'a b' is no name for a host"
wrong 'a line before the first host' 'options --acpi' "a line 'options' before the first host"
wrong 'a line of no sort' 'host a\nruns plain' "no line begins with 'runs'"
wrong 'an environment before its run' 'host a\nwith plain A=b\nrun plain' "a/plain has a line 'with' before it is run"
wrong 'an environment that is none' 'host a\nrun plain\nwith plain A=b c' "a/plain: 'plain A=b c' is no NAME=VALUE"
wrong 'an environment of nothing' 'host a\nrun plain\nwith plain' "a/plain: 'plain' is no NAME=VALUE"
rc=0
"$top/tests/run" --list "$top/tests/hosts" >"$tmp/out" 2>&1 || rc=$?
[ $rc = 0 ] && echo 'ok: our own table' || { cat "$tmp/out"; failed=1; }
exit $failed
