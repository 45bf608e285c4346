#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A guest that does all it must not do neither ends itsy nor upsets the host, and the devices it had
# work afterwards: for the next guest, and for their drivers on the host.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

host_file /etc/hostile.conf <<'END'
kernel = "/usr/share/itsy/payloads/hostile.bin"
vcpus  = 2
memory = "128M"
device "edu" {
	bdf = "0000:00:01.0"
}
device "disk" {
	bdf = "0000:00:02.0"
}
END

on_host --device edu --device nvme <<'END'
sum_disk()
{
	await "the disk" test -b /dev/nvme0n1 && sha256sum </dev/nvme0n1
}
step before sum_disk
guest hostile /etc/hostile.conf
step bound driver 0000:00:02.0
step after sum_disk
guest next /etc/hostile.conf --set kernel=/usr/share/itsy/payloads/edu.bin
END

payload_passed hostile hostile
counts_add_up hostile
expect "hostile: a second function was there" [ "$(fact hostile overlapped)" = 1 ]
json hostile ".devices[0].vectors[0].dropped >= $(fact hostile misdirected)"
json hostile '.unclaimed > 100'
# 20 times outside the windows, and once over another function's BAR
has hostile.err '^BARs placed where they cannot be reached: 21$'
json hostile '.aborted.unreachable > 0 and .aborted.unemulated > 100'
has bound.out '^nvme$'
is_status before 0
is_status after 0
expect "the disk is what it was" cmp "$tmp/before.out" "$tmp/after.out"

payload_passed next edu
counts_add_up next
json next '.devices[0].vectors[0].dropped == 1'

verdict
