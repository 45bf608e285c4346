#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A guest's console is at a socket or a pseudo-terminal, by itsy console: one at a time is there, goes, and comes back,
# and is told what was printed before; the guest goes on meanwhile; its log has all. Or it is in a file, or nowhere. All
# with the sandbox.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

host_file /etc/shell.conf <<'END'
kernel  = "/usr/share/itsy/guest/Image"
initrd  = "/usr/share/itsy/guest/initramfs.cpio"
cmdline = "console=ttyS0 quiet itsy.job=shell"
memory  = "128M"
END
host_file /etc/hello.conf <<'END'
kernel        = "/usr/share/itsy/payloads/hello.bin"
kernel-format = "flat"
memory        = "64M"
END

on_host --device edu <<'END'
mount -t devpts devpts /dev/pts 2>/dev/null || { mkdir -p /dev/pts && mount -t devpts devpts /dev/pts; }
says()
{
	tr -d '\r' <"$1" | grep -qa "$2"
}

# there NAME KIND: with the console at KIND
there()
{
	name=$1
	itsy run /etc/shell.conf --name "$name" --console "$2" --console-log "/tmp/$name.log" </dev/null >"/tmp/$name.out" 2>"/tmp/$name.err" &
	pid=$!
	await_while "wc -c </tmp/$name.log" 'a prompt' says "/tmp/$name.log" '/root #'
	for time in 1 2; do
		mkfifo "/tmp/keys$time"
		itsy console "$name" <"/tmp/keys$time" >"/tmp/$name$time.out" 2>"/tmp/$name$time.err" &
		who=$!
		exec 3>"/tmp/keys$time"
		await 'the first line' grep -q 'Ctrl-a d' "/tmp/$name$time.err"
		await 'what was printed before' says "/tmp/$name$time.out" '/root #'
		printf 'echo $((6 * 7))-%s\n' "$time" >&3
		await 'an answer' says "/tmp/$name$time.out" "^42-$time"
		if [ $time = 1 ]; then
			step "${name}_second" itsy console "$name" </dev/null
			kill $who
		else
			printf 'poweroff -f\n' >&3
		fi
		rc=0
		wait $who || rc=$?
		exec 3>&-
		rm "/tmp/keys$time"
		step_report "$name$time" $rc
	done
	rc=0
	wait $pid || rc=$?
	step_report "$name" $rc
	step "${name}_log" tr -d '\r' <"/tmp/$name.log"
}

there unix unix:/tmp/console
step gone sh -c '[ ! -e /tmp/console ]'
there pty pty
step file sh -c 'itsy run /etc/hello.conf --console file:/tmp/file && cat /tmp/file'
step none itsy run /etc/hello.conf --console none --console-log /tmp/none.log
step none_log cat /tmp/none.log
step unopened itsy run /etc/hello.conf --console file:/nowhere/file
END

for name in unix pty; do
	is_status $name 0
	nr_lines $name.out 0
	has $name.err "its console is $name:/"
	is_status ${name}1 0
	has ${name}1.out '^42-1'
	is_status ${name}_second 1
	has ${name}_second.err "error: $name: its console is in use"
	is_status ${name}2 0
	has ${name}2.out '^42-2'
	# Of the time before: once.
	has ${name}2.out '^42-1'
	expect "$name: what was printed before is told once" [ "$(grep -c '^42-1' "$tmp/${name}2.out")" = 1 ]
	has ${name}_log.out '^42-1'
	has ${name}_log.out '^42-2'
done
has unix2.err 'unix: its console is closed: the guest has ended'
is_status gone 0
is_status file 0
has file.out '^payload hello: PASS$'
is_status none 0
nr_lines none.out 0
has none_log.out '^payload hello: PASS$'
is_status unopened 1
has unopened.err '^itsy: error: /nowhere/file: cannot be written'

verdict
