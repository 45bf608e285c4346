#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What is piped into a guest's console arrives byte by byte, and comes out again; and the guest's CPU comes out of its
# interrupt after a FIFO or two, however much waits.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

host_file /etc/linux.conf <<'END'
kernel  = "/usr/share/itsy/guest/Image"
initrd  = "/usr/share/itsy/guest/initramfs.cpio"
cmdline = "console=ttyS0 quiet itsy.job=shell"
memory  = "256M"
END

on_host --device edu <<'END'
seq 100000 111000 | head -c 60000 >/tmp/typed
mkfifo /tmp/keys
itsy run /etc/linux.conf </tmp/keys >/tmp/piped.all 2>/tmp/piped.err &
pid=$!
exec 3>/tmp/keys
seen()
{
	tr -d '\r' </tmp/piped.all | grep -qa "$1"
}
progress()
{
	wc -c </tmp/piped.all
}

await_while progress "a prompt" seen '/root #'
cat >&3 <<'JOB'
taken() { set -- $(grep ttyS0 /proc/interrupts); echo $2; }
stty raw -echo; echo rea""dy; before=$(taken); head -c 60000 >/tmp/in; after=$(taken); echo beg""in; cat /tmp/in; echo; echo interrupts $((after - before)); echo lockups $(dmesg | grep -c 'soft lockup\|rcu.*stall'); echo over; sleep 1; poweroff -f
JOB
await_while progress "the guest to listen" seen '^ready'
cat /tmp/typed >&3
exec 3>&-
rc=0
wait $pid || rc=$?
tr -d '\r' </tmp/piped.all | sed '1,/^begin$/d' >/tmp/piped.rest
head -c 60000 /tmp/piped.rest >/tmp/back
tail -c +60001 /tmp/piped.rest >/tmp/piped.out
step_report piped $rc
step same cmp /tmp/typed /tmp/back
END

is_status piped 0
is_status same 0
has piped.out '^over$'
has piped.out '^lockups 0$'
lacks piped.out 'soft lockup|stall'
# A FIFO has 16. Where the guest's CPU was away for a moment it finds another one.
interrupts=$(fact piped interrupts)
expect "piped: 60000 bytes in more than 1500 interrupts, not $interrupts" [ "$interrupts" -gt 1500 ]
nr_lines piped.err 1

verdict
