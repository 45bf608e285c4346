#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A running guest is reset by itsy reset: its devices are reset, and it starts anew in the same process. One that was asked
# to power off is not.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

host_file /etc/box.conf <<'END'
kernel = "/usr/share/itsy/payloads/forever.bin"
cmdline = "listen=1"
memory = "128M"
device "disk" {
	bdf = "0000:00:01.0"
}
END

on_host --device nvme <<'END'
: >/tmp/box.out
itsy run /etc/box.conf --stats-json /tmp/box.json >/tmp/box.out 2>/tmp/box.err </dev/null &
pid=$!

is_busy() # BOOTS: so many have said so
{
	[ "$(grep -c '^busy' /tmp/box.out)" = "$1" ]
}

await "a busy guest" is_busy 1 || echo "it does not get busy"
for boot in 2 3; do
	step reset$boot itsy reset box
	await "a busy guest" is_busy $boot || echo "it does not get busy again"
done
step info itsy ctl box
step ask itsy stop box
step late itsy reset box
step cut itsy stop --now box
rc=0
wait $pid || rc=$?
step_report box $rc
END

for boot in 2 3; do
	is_status reset$boot 0
	has reset$boot.out '^the guest is reset$'
done
has info.out '^box: process [0-9]+, 1 vCPU, 128 MiB, boot 3, up '
is_status ask 0
is_status late 2
has late.err '^itsy: error: box: the guest was asked to power off; to cut its power: stop --now$'
is_status cut 0
is_status box 143
nr_lines box.out 3
lacks box.err '^itsy: (warning|error)'
json box '.boots == 3 and ([.devices[0].vectors[].injected] | add > 0)'

verdict
