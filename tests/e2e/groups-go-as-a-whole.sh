#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A guest gets no function while a driver of the host's has another part of its IOMMU group, be that a
# function or a bridge: itsy devices, check and run name it. itsy bind takes what the group needs,
# unless the host uses it, and itsy release gives it back.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

host_file /etc/edu.conf <<'END'
kernel = "/usr/share/itsy/payloads/edu.bin"
memory = "128M"
device "edu" {
	bdf = "0000:01:01.0"
}
END

# 1 is a bridge with an edu behind it, which has no driver, and so no group before it is bound. 4.0 and 4.1 are another
# one and a disk in one group.
on_host --qemu-device pcie-pci-bridge,id=pci,addr=1 --qemu-device edu,bus=pci,addr=1 \
	--qemu-device edu,addr=4.0,multifunction=on \
	--qemu-arg -blockdev --qemu-arg driver=null-co,node-name=null,size=1048576,read-zeroes=on \
	--qemu-device nvme,addr=4.1,serial=null,drive=null <<'END'
bridge=0000:00:01.0 behind=0000:01:01.0 beside=0000:00:04.0 disk=0000:00:04.1
look()
{
	step "$1" sh -c '. /lib/e2e/host.sh; driver '$bridge'; driver '$behind'; driver '$beside'; driver '$disk'
		ls /run/itsy/bound 2>/dev/null || true'
}
look before
step devices itsy devices
step check itsy check /etc/edu.conf
guest refused /etc/edu.conf
guest beside /etc/edu.conf --set device.edu.bdf=$beside
look after_refused

await "the disk" test -b /dev/nvme0n1
sleep 1000 </dev/nvme0n1 &
pid=$!
step used itsy bind $beside
look after_used
step used_release itsy release $beside
kill $pid
wait $pid 2>/dev/null

step bind itsy bind $behind $beside
look bound
step devices_bound itsy devices
step check_bound itsy check /etc/edu.conf
guest runs /etc/edu.conf
guest runs_beside /etc/edu.conf --set device.edu.bdf=$beside
step release itsy release $behind $beside
look after
END

has before.out '^shpchp$'
has before.out '^nvme$'
has devices.out '^0000:01:01\.0 .* no: 0000:00:01\.0 \(shpchp\)'
is_status check 4
has check.out '^FAIL +edu 0000:01:01\.0 .*0000:00:01\.0 of the same group is bound to shpchp'
is_status refused 4
has refused.err '^itsy: error: 0000:01:01\.0: .*0000:00:01\.0 of the same group is bound to shpchp.*: itsy bind 0000:01:01\.0'
is_status beside 4
has beside.err '^itsy: error: 0000:00:04\.0: .*0000:00:04\.1 of the same group is bound to nvme.*: itsy bind 0000:00:04\.0'
expect "what is refused is not touched" cmp "$tmp/before.out" "$tmp/after_refused.out"

is_status used 4
has used.err '^itsy: error: 0000:00:04\.0: its IOMMU group has 0000:00:04\.1 \(sleep, process [0-9]+ \(nvme0n1, QEMU NVMe Ctrl\)\), which the host is using'
has after_used.out '^nvme$'

is_status bind 0
has bind.out '^0000:01:01\.0: no driver -> vfio-pci$'
has bind.out '^0000:00:01\.0: shpchp -> no driver, of the group of 0000:01:01\.0$'
has bind.out '^0000:00:04\.1: nvme -> vfio-pci, of the group of 0000:00:04\.0$'
has devices_bound.out '^0000:01:01\.0 .* yes '
is_status check_bound 0
payload_passed runs edu
payload_passed runs_beside edu
is_status release 0
expect "all is as before" cmp "$tmp/before.out" "$tmp/after.out"

verdict
