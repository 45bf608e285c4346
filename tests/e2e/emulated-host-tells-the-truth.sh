#!/bin/bash
# SPDX-License-Identifier: MIT
#
# emuhost passes arguments, bytes and exit statuses through as they are, and does not call a run good
# in which the host panicked, hung or complained: all other tests rest on that.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

# emu NAME WANTED_STATUS ARGUMENT...: standard input is this function's
emu()
{
	local name=$1 want=$2 rc=0
	shift 2

	"$emuhost" "$@" >"$tmp/$name.out" 2>"$tmp/$name.err" || rc=$?
	echo $rc >"$tmp/$name.rc"
	sed "s/^/$name.err|/" "$tmp/$name.err" | head -n 20
	is_status "$name" "$want"
}

head -c 300000 /dev/urandom >"$tmp/bytes"
emu words 37 run --device none --device edu --file "$tmp/bytes:/etc/a file" -- sh -c '
	for word; do
		printf "<%s>\n" "$word"
	done
	cat /sys/bus/pci/devices/0000:00:02.0/vendor
	[ ! -e /sys/bus/pci/devices/0000:00:01.0 ] && echo "slot 1 is empty"
	sha256sum <"/etc/a file"
	sha256sum
	echo "to the error output" >&2
	head -c 200000 /dev/zero | tr "\\0" "x"
	exit 37' \
	sh 'a b' "it's" '"quoted"' '$HOME * \n' '' ' ' $'two\nlines' <"$tmp/bytes"
has words.out '^<a b>$'
has words.out "^<it's>\$"
has words.out '^<"quoted">$'
has words.out '^<\$HOME \* \\n>$'
has words.out '^<>$'
has words.out '^< >$'
has words.out '^<two$'
has words.out '^lines>$'
has words.out '^0x1234$'
has words.out '^slot 1 is empty$'
has words.out '^to the error output$'
sum=$(sha256sum <"$tmp/bytes")
expect "files and standard input arrive as they are" [ "$(grep -cx -- "$sum" "$tmp/words.out")" = 2 ]
expect "all output comes out" [ "$(tail -c 200000 "$tmp/words.out" | tr -d x | wc -c)" = 0 ]
nr_lines words.err 0

emu killed 137 run -- sh -c 'kill -KILL $$' </dev/null
emu unknown 127 run -- no-such-command </dev/null

emu panic 125 run -- sh -c 'echo c >/proc/sysrq-trigger; sleep 1000' </dev/null
has panic.err '^emuhost: error: .*died'
has panic.err 'sysrq triggered crash|Kernel panic'

emu hang 124 run --timeout 9 --log "$tmp/console" -- sleep 1000 </dev/null
has hang.err '^emuhost: error: timed out after 9 s'
expect "the host's console is kept" grep -q '^\[ ' "$tmp/console"

# The first complaint, with what came behind it; and which there are.
emu warn 126 run -- sh -c 'say() { echo "<4>$*" >/dev/kmsg; }
	say "WARNING: CPU: 0 PID: 1 at a/test.c:1"
	for n in $(seq 50); do say "line $n of its trace"; done
	say "WARNING: CPU: 1 PID: 2 at another/test.c:2"
	echo said' </dev/null
has warn.out '^said$'
has warn.err 'complained'
has warn.err 'line 29 of its trace'
lacks warn.err 'line 40 of its trace'
expect "both complaints are named at the end" [ "$(tail -n 2 "$tmp/warn.err" | grep -c '^| .*WARNING: CPU: .*test\.c')" = 2 ]

for args in 'run' 'run --device toaster -- true' 'run --cpus many -- true' 'run --no-such -- true' \
	'fly -- true' 'run --file onlyone -- true'; do
	# shellcheck disable=SC2086
	emu usage 2 $args </dev/null
	has usage.err '^emuhost: error: '
done

verdict
