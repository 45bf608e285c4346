#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A Linux guest that panics is noticed by its panic light: it is stopped, with a status of its own; or reset, and panics
# again; or left as it is, listed as panicked, and in the statistics.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

host_file /etc/box.conf <<'END'
kernel  = "/usr/share/itsy/guest/Image"
initrd  = "/usr/share/itsy/guest/initramfs.cpio"
cmdline = "console=ttyS0 quiet itsy.job=panic itsy.modules=leds_gpio"
memory  = "256M"
END

on_host --cpus 2 <<'END'
guest stop /etc/box.conf --set on-panic=stop

start_guest left /etc/box.conf ready --set name=box --stats-json /tmp/left.json
await "the panic" grep -q panicked /tmp/left.err || echo "it is not noticed"
step list itsy list
step reset itsy reset box
await "the next panic" sh -c '[ $(grep -c panicked /tmp/left.err) = 2 ]' || echo "the next one is not noticed"
step cut itsy stop box --now
end_guest
END

is_status stop 7
has stop.out '^ready$'
has stop.out 'Kernel panic - not syncing: sysrq triggered crash'
has stop.err '^itsy: error: guest: its kernel has panicked: its power is cut$'
nr_lines stop.err 2
json stop '.panics == 1 and .unclaimed == 0'

has list.out '^box +[0-9]+ +1 +256M .* panicked$'
is_status left 143
expect "left.err: each boot is told" [ "$(grep -c "^itsy: warning: the guest's kernel has panicked: it is left as it is$" \
	"$(file_of left.err)")" = 2 ]
json left '.panics == 1 and .boots == 2'

verdict
