#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Whichever of itsy's two processes is killed, and in which order, devices go back: by the other one, or by the next
# command, which says so once; or the next guest has them, and gives them back. What itsy bind has bound stays bound.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

host_file /etc/busy.conf <<'END'
kernel = "/usr/share/itsy/payloads/forever.bin"
memory = "128M"
device "disk" {
	bdf = "0000:00:01.0"
}
END

on_host --device nvme --device edu <<'END'
disk=0000:00:01.0 edu=0000:00:02.0
echo 'user:x:1000:1000::/:/bin/sh' >>/etc/passwd

begin()
{
	start_guest "$1" /etc/busy.conf busy
	inside=$(guest_process $pid)
}

# Of the processes that are to be killed those that are children of this shell are waited for.
ended()
{
	end_guest
	await "the guest's process is gone" test ! -d "/proc/$inside"
}

look()
{
	step "$1" sh -c '. /lib/e2e/host.sh; driver '$disk'; cat /sys/bus/pci/devices/'$disk'/driver_override
		ls /run/itsy/bound'
}

# The guest's process alone: its keeper is there.
begin guest_only
kill -KILL "$inside"
ended
look after_guest_only
step silent itsy list

# The keeper alone, and the next command before the kernel has done.
begin keeper_only
kill -KILL $pid
step by_list itsy list
look after_list
ended

# Another user may not, and is told who may.
begin for_user
kill -KILL $pid
ended
step by_user su user -c 'itsy list'
step by_root itsy list
look after_root

# First the guest's process, with a keeper that does nothing any more.
begin guest_first
kill -STOP $pid
kill -KILL "$inside"
kill -KILL $pid
ended
step by_check itsy check
look after_check

# Two at once.
begin both
kill -KILL $pid
itsy devices >/tmp/first.out 2>/tmp/first.err &
first=$!
itsy devices >/tmp/second.out 2>/tmp/second.err
wait $first
cat /tmp/first.err /tmp/second.err >/tmp/two.out
step_report two 0
ended
look after_two

# What the next command is about.
begin for_release
kill -KILL $pid
step release itsy release $disk
ended
look after_release
begin for_run
kill -KILL $pid
guest next /etc/busy.conf --set kernel=/usr/share/itsy/payloads/msix.bin --device $edu
ended
look after_next

# Bound to stay, before and after.
step bind itsy bind $disk
begin bound
kill -KILL $pid
step stays itsy list
ended
look after_bound
step unbind itsy release $disk
look after_unbind
begin for_bind
kill -KILL $pid
step bind_left itsy bind $disk
ended
step stays_too itsy list
look after_bind_left
END

back='^itsy: 0000:00:01\.0: itsy \(process [0-9]+\) was killed and left it bound: given back to nvme$'
for name in guest_only list root check two release next unbind; do
	has "after_$name.out" '^nvme$'
	nr_lines "after_$name.out" 2
done
lacks silent.err 'left it bound'
is_status guest_only 137
for name in by_list by_root by_check; do
	has "$name.err" "$back"
	expect "$name: one line of it" [ "$(grep -c 'left it bound' "$(file_of "$name.err")")" = 1 ]
done
is_status by_list 0
is_status by_user 0
has by_user.err '^itsy: warning: 0000:00:01\.0: .* left it bound: sudo itsy release 0000:00:01\.0 gives it back$'
has two.out "$back"
nr_lines two.out 1
is_status release 0
has release.out '^0000:00:01\.0: vfio-pci -> nvme$'
payload_passed next msix
has next.err '^itsy: disk: 0000:00:01\.0: itsy \(process [0-9]+\) was killed and left it bound: taken over$'

for name in stays stays_too; do
	is_status "$name" 0
	lacks "$name.err" 'left it bound'
done
for name in after_bound after_bind_left; do
	has "$name.out" '^vfio-pci$'
	has "$name.out" '^0000:00:01\.0$'
done
has bind_left.out '^0000:00:01\.0: vfio-pci already$'
has bind_left.err '^itsy: 0000:00:01\.0: itsy \(process [0-9]+\) was killed and left it bound: taken over$'

verdict
