#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A device behind a root port leaves the guest, which goes on: the guest is asked to let go of it (itsy ctl remove); it is
# pulled out (--force); or the host wants it back (on-request = "remove"). Then the host has it.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

host_file /etc/slots.conf <<'END'
kernel  = "/usr/share/itsy/guest/Image"
initrd  = "/usr/share/itsy/guest/initramfs.cpio"
cmdline = "console=ttyS0 quiet itsy.job=unplug itsy.nvmes=2 itsy.chunks=2"
memory  = "256M"
device "goes" {
	bdf = "0000:00:01.0"
	root-port = on
	on-request = "remove"
}
device "stays" {
	bdf = "0000:00:02.0"
	root-port = on
}
END

on_host --device nvme --device nvme <<'END'
goes=0000:00:01.0

start_guest()
{
	name=$1
	shift
	itsy run /etc/slots.conf --stats-json "/tmp/$name.json" >"/tmp/$name.out" 2>"/tmp/$name.err" </dev/null &
	pid=$!
	await "the guest's disks" grep -q '^ready' "/tmp/$name.out" || echo "it does not get ready"
}

end_guest()
{
	local rc=0

	wait $pid || rc=$?
	step_report $name $rc
}

start_guest asked
step ask itsy ctl slots remove goes
end_guest

start_guest pulled
step pull itsy ctl slots remove goes --force
step twice itsy ctl slots remove goes
# Its driver has it again.
step free sh -c ". /lib/e2e/host.sh; driver $goes"
end_guest

start_guest wanted
echo $goes >/sys/bus/pci/drivers/vfio-pci/unbind
step unbound echo done
end_guest
END

for name in asked pulled wanted; do
	is_status $name 0
	has $name.out '^job unplug: PASS$'
	has $name.out '^disks: 2, then 1$'
	lacks $name.out 'FAIL|Kernel panic'
	has $name.err '^itsy: 0000:00:01\.0: removed from the guest, device goes$'
	lacks $name.err '^itsy: error'
	json $name '.root_ports.messages > 0 and .root_ports.dropped == 0 and .its_errors == []'
	counts_add_up $name
done
has asked.out '^said: .*Slot\(0\): (Attention button pressed|Button press)'
is_status ask 0
has ask.out '^goes: the guest was asked to let go of it$'
is_status pull 0
has pull.out '^goes: removed$'
has twice.err "'goes' was removed before"
is_status free 0
has free.out '^nvme$'
has wanted.err "^itsy: warning: 0000:00:01\\.0: the host asks for it back .*the guest goes on without it, as on-request = \"remove\" of device goes says"
is_status unbound 0

verdict
