#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A device that was removed from a running guest comes back (itsy ctl add): the guest had let go of it, or it was pulled
# out. The guest reads the same data from it as before, and its interrupts are counted on. What cannot come back is told.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

host_file /etc/slots.conf <<'END'
kernel  = "/usr/share/itsy/guest/Image"
initrd  = "/usr/share/itsy/guest/initramfs.cpio"
cmdline = "console=ttyS0 quiet itsy.job=replug itsy.nvmes=2 itsy.chunks=2"
memory  = "256M"
device "goes" {
	bdf = "0000:00:01.0"
	root-port = on
}
device "stays" {
	bdf = "0000:00:02.0"
	root-port = on
}
END

on_host --device nvme --device nvme <<'END'
goes=0000:00:01.0

says()
{
	await "the guest's '$1'" grep -q "^$1" /tmp/guest.out || echo "it does not say $1"
}

itsy run /etc/slots.conf --stats-json /tmp/guest.json >/tmp/guest.out 2>/tmp/guest.err </dev/null &
pid=$!
says ready
step there itsy ctl slots add goes
step ask itsy ctl slots remove goes
says "gone 1"
step add itsy ctl slots add goes
says "back 1"
step pull itsy ctl slots remove goes --force
says "gone 2"
# It is its driver's, and somebody uses it meanwhile.
disk_of()
{
	basename /sys/bus/pci/devices/$goes/nvme/nvme*/nvme*n1
}
has_disk()
{
	test -b "/dev/$(disk_of)"
}
await "the host's disk" has_disk
sleep 1000 <"/dev/$(disk_of)" &
holder=$!
step used itsy ctl slots add goes
kill $holder
step again itsy ctl slots add goes
rc=0
wait $pid || rc=$?
step_report guest $rc
END

is_status guest 0
has guest.out '^back 1$'
has guest.out '^back 2$'
has guest.out '^job replug: PASS$'
lacks guest.out 'FAIL|Kernel panic'
nr=$(grep -c '^itsy: 0000:00:01\.0: added to the guest, device goes$' "$(file_of guest.err)")
expect "it was added twice, not $nr times" [ "$nr" = 2 ]
lacks guest.err '^itsy: error'
json guest '.root_ports.messages > 0 and .root_ports.dropped == 0 and .its_errors == []'
counts_add_up guest
is_status there 2
has there.err "'goes' is in the guest"
is_status add 0
has add.out '^goes: added$'
is_status used 4
has used.err '0000:00:01\.0: the host is using it'
is_status again 0

verdict
