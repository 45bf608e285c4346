#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A guest that is to end is asked to power off, by its power button: by a signal that all its processes get, as a service
# manager sends it, or by itsy ctl. Linux hears the button. What does not power off has its power cut: by a second signal,
# or when its time is over; and so has, at once, what has no driver for the button.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

host_file /etc/box.conf <<'END'
kernel = "/usr/share/itsy/guest/Image"
initrd = "/usr/share/itsy/guest/initramfs.cpio"
memory = "256M"
stop-timeout = 3600
END
host_file /etc/bare.conf <<'END'
kernel = "/usr/share/itsy/payloads/forever.bin"
memory = "128M"
device "disk" {
	bdf = "0000:00:01.0"
}
END

on_host --device nvme <<'END'
say="console=ttyS0 quiet itsy.job=stop itsy.modules=gpio_keys,evdev"

start_guest signal /etc/box.conf ready --set name=box --set "cmdline=$say"
kill -TERM $pid $(guest_process $pid)
end_guest

start_guest asked /etc/box.conf ready --set name=box --set "cmdline=$say itsy.pressed=reset"
step ask itsy ctl box stop --wait
step gone ls /run/itsy
end_guest

# What listens to the button, and does nothing.
start_guest twice /etc/bare.conf busy --set name=box --set cmdline=listen=1 --set stop-timeout=3600
kill -TERM $pid
await "the button" grep -q '^itsy: asked' /tmp/twice.err || echo "it is not pressed"
step stopping itsy list
# Longer than what still counts as the first signal.
sleep 2
kill -INT $pid
end_guest

start_guest late /etc/bare.conf busy --set name=box --set cmdline=listen=1 --set stop-timeout=2
kill -TERM $pid
end_guest

# What does not listen.
start_guest deaf /etc/bare.conf busy --set name=box --set stop-timeout=3600
step ask_deaf itsy ctl box stop
step still itsy ctl box
kill -TERM $pid
end_guest

start_guest now /etc/bare.conf busy --set name=box --set cmdline=listen=1
step list itsy list
step cut itsy stop box --now
end_guest
END

asked='^itsy: asked the guest to power off: its power is cut after 3600 s, or by a second signal$'
nobody='nobody in the guest listens to its power button \(Linux needs gpio-pl061 and gpio-keys\)'
for name in signal asked; do
	is_status $name 0
	has $name.err "$asked"
	has $name.out '^the power button was pressed$'
	lacks $name.out 'FAIL|Kernel panic'
	lacks $name.err '^itsy: (warning|error)'
done
has signal.out '^job stop: PASS$'
is_status ask 0
lacks gone.out 'box'
has ask.out '^the guest was asked to power off: its power is cut after 3600 s$'
has asked.err '^itsy: the guest has reset itself, and is not started again, as it was asked to power off$'

has twice.err "$asked"
has stopping.out '^box +[0-9]+ +1 +128M .* stopping$'
is_status twice 130
is_status late 143
has late.err '^itsy: asked the guest to power off: its power is cut after 2 s'
has late.err '^itsy: warning: the guest has not powered off in 2 s: its power is cut$'

is_status ask_deaf 2
has ask_deaf.err "^itsy: error: box: $nobody; to cut its power: stop --now\$"
is_status still 0
is_status deaf 143
has deaf.err "^itsy: $nobody: its power is cut\$"
lacks deaf.err '^itsy: asked'

has list.out '^box +[0-9]+ +1 +128M '
is_status cut 0
has cut.out "^the guest's power is cut\$"
is_status now 143
lacks now.err '^itsy: asked'

verdict
