#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A guest that is paused runs no further and loses nothing: Linux goes on where it was, with its disk, hears its power
# button while it is paused, and is listed as it is.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

host_file /etc/box.conf <<'END'
kernel = "/usr/share/itsy/guest/Image"
initrd = "/usr/share/itsy/guest/initramfs.cpio"
memory = "256M"
vcpus = 2
device "disk" {
	bdf = "0000:00:01.0"
}
END
host_file /etc/busy.conf <<'END'
name = "busy"
kernel = "/usr/share/itsy/payloads/forever.bin"
memory = "128M"
device "disk" {
	bdf = "0000:00:01.0"
}
END

on_host --device nvme <<'END'
# How many interrupts of the disk the guest has taken.
taken()
{
	itsy ctl busy irqs --json | awk -F '[:,]' '/"injected"/ { sum += $2 } END { print sum + 0 }'
}

# MORE_THAN
has_taken_more()
{
	[ "$(taken)" -gt "$1" ]
}

start_guest busy /etc/busy.conf busy
for round in 1 2; do
	step pause$round itsy pause busy
	# What the disk was asked for has come by then.
	sleep 1
	before=$(taken)
	step still$round sh -c "sleep 2; itsy ctl busy"
	after=$(taken)
	step same$round test "$before" = "$after"
	step resume$round itsy resume busy
	await "it goes on" has_taken_more "$after" || echo "it does not go on"
	step on$round itsy ctl busy
done
step pause3 itsy pause busy
step reset itsy reset busy
await "it is busy again" sh -c '[ "$(grep -c "^busy" /tmp/busy.out)" = 2 ]' || echo "it does not start anew"
step pause4 itsy pause busy
step cut itsy stop --now busy
end_guest

start_guest box /etc/box.conf ready --set "cmdline=console=ttyS0 quiet itsy.job=stop itsy.modules=gpio_keys,evdev" --set name=box
step pause5 itsy pause box
step list itsy list
kill -TERM $pid
end_guest
END

for round in 1 2; do
	is_status pause$round 0
	has pause$round.out '^the guest is paused$'
	has still$round.out '^busy: process .*, paused$'
	is_status same$round 0
	is_status resume$round 0
	has resume$round.out '^the guest goes on$'
	has on$round.out '^busy: process '
	lacks on$round.out 'paused'
done
is_status reset 0
is_status pause4 0
is_status cut 0
is_status busy 143
lacks busy.out 'FAIL'
is_status pause5 0
has list.out '^NAME +PID +VCPUS +MEMORY +UP +STATE$'
has list.out '^box +[0-9]+ +2 +256M .* paused$'
is_status box 0
has box.out '^the power button was pressed$'
has box.out '^job stop: PASS$'

verdict
