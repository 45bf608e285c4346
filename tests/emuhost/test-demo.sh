#!/bin/bash
# SPDX-License-Identifier: MIT
#
# make demo ends in words for people, and in a failure where something failed: scripts/demo, with an emulated host that
# only says what one would.

set -uo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/common.sh"

tmp_make
failed=0
mkdir -p "$tmp/scripts" "$tmp/tests/emuhost"
cp "$top/scripts/demo" "$top/scripts/common.sh" "$tmp/scripts/"
cat >"$tmp/tests/emuhost/emuhost" <<'END'
#!/bin/sh
printf 'NVMe: pattern verified, read by 2 CPUs\r\ncpus 2\r\nirqcount nvme0q0 12\r\nirqcount nvme0q1 2044\r\n'
case $* in *' env COLUMNS=70 itsy run '*) echo 'it knows how wide the terminal is' ;; esac
printf 'irqcount eth0-rx-0 130\r\nirqcount eth0 1\r\njob demo: %s\r\ndemo: %s\r\n' "$SAYS" "$SAYS"
echo 'all 4,430'
exit "$RC"
END
chmod +x "$tmp/tests/emuhost/emuhost"

# expect WHAT COMMAND...
expect()
{
	local what=$1
	shift

	"$@" && return
	echo "FAIL: $what"
	cat "$tmp/said"
	failed=1
}

# demo STATUS SAYS RC: so scripts/demo ends
demo()
{
	SAYS=$2 RC=$3 BUILD=$tmp/build "$tmp/scripts/demo" >"$tmp/said" 2>&1
	expect "status $1 where the guest says $2 and itsy ends with $3" [ $? = "$1" ]
}

has()
{
	expect "'$1' is said" grep -qE -- "$1" "$tmp/said"
}

lacks()
{
	expect "'$1' is not said" eval "! grep -qE -- '$1' '$tmp/said'"
}

demo 0 PASS 0
has '^NVMe: pattern verified'
has '^all 4,430'
has '^The demo passed\.'
has '^  an NVMe drive '
has '^ +2,056 interrupts$'
has '^  a network card '
has '^ +131 interrupts$'
expect 'each line fits a terminal of 80 columns' eval '! grep -nE "^.{81}" "$tmp/said"'
lacks '^(cpus|irqcount|job demo|demo:)'
lacks 'how wide the terminal is'
SAYS=PASS RC=0 BUILD=$tmp/build script -qec "stty rows 24 cols 70; $tmp/scripts/demo" /dev/null </dev/null >"$tmp/said"
has 'it knows how wide the terminal is'
demo 1 'FAIL eth0: no link' 0
has 'the guest did not say that all is well'
# What went wrong is worth knowing.
has '^demo: FAIL eth0: no link'
lacks 'demo passed'
demo 1 PASS 4
has 'itsy ended with status 4'
lacks 'demo passed'

[ $failed = 0 ] && echo "the demo says what it should"
exit $failed
