#!/bin/bash
# SPDX-License-Identifier: MIT
#
# An error on the bus that is not corrected (PCI Express AER), which the emulator injects into a guest's NIC behind a root
# port of the host's, beside a disk: the kernel reports it, VFIO tells, and the guest ends in order (on-error = "stop"), or goes on
# after a warning ("ignore").

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

host_file /etc/busy.conf <<'END'
kernel = "/usr/share/itsy/payloads/forever.bin"
memory = "64M"
device "disk" {
	bdf = "0000:00:02.0"
}
device "nic" {
	bdf = "0000:01:00.0"
}
END

# shellcheck disable=SC2317 # await calls it
step_is_over()
{
	[ -s "$tmp/$1.rc" ] || [ ! -d "$tmp" ]
}

# inject NAME: once the step has been reported, by the emulator's monitor
inject()
{
	await "the step $1" step_is_over "$1" || return
	[ -d "$tmp" ] || return
	perl -MIO::Socket::UNIX -e '
		my $monitor = IO::Socket::UNIX->new($ARGV[0]) or die "the monitor: $!";
		print $monitor "pcie_aer_inject_error nic UNX_COMP\n";
		$monitor->flush;
		# It has been taken when the monitor asks for the next one.
		my ($said, $part) = ("", "");
		$said .= $part while $said !~ /OK|rror.*\n.*\(qemu\)/s and sysread $monitor, $part, 4096;
		print "monitor: $said\n"' "$tmp/monitor"
}

for name in stop_ready ignore_ready; do
	inject $name &
done

on_host --device none --device nvme --qemu-device pcie-root-port,id=above,chassis=1,addr=1 \
	--qemu-arg -netdev --qemu-arg user,id=closed,restrict=on \
	--qemu-device virtio-net-pci,id=nic,bus=above,netdev=closed,romfile=,disable-legacy=on,iommu_platform=on,aer=on \
	--qemu-arg -chardev --qemu-arg "socket,id=monitor,path=$tmp/monitor,server=on,wait=off" \
	--qemu-arg -mon --qemu-arg chardev=monitor,mode=readline <<'END'
nic=0000:01:00.0 port=0000:00:01.0

byte()
{
	od -An -tu1 -j "$2" -N 1 "/sys/bus/pci/devices/$1/config" | tr -d ' '
}

# set_bits BDF AT BITS
set_bits()
{
	printf "\\$(printf %o $(($(byte "$1" "$2") | $3)))" |
		dd of="/sys/bus/pci/devices/$1/config" bs=1 seek="$2" conv=notrunc 2>/dev/null
}

# Where the PCI Express capability is.
express()
{
	local at

	at=$(byte "$1" 52)
	while [ "$at" != 0 ] && [ "$(byte "$1" "$at")" != 16 ]; do
		at=$(byte "$1" $((at + 1)))
	done
	echo "$at"
}

# All that reports errors: SERR# and Device Control of both, and of the port what forwards them.
report_errors()
{
	local bdf

	for bdf in $port $nic; do
		set_bits $bdf 5 1
		set_bits $bdf $(($(express $bdf) + 8)) 15
	done
	set_bits $port 62 2
}

# In the NIC's IOMMU group the port would be without its own interrupts as long as a guest has the NIC: nobody maps the
# host's ITS for it then. By ACS (its control register: 0x14e) they are in two.
echo 1 >/sys/bus/pci/devices/$nic/remove
set_bits $port $((0x14e)) $((0x1d))
echo 1 >/sys/bus/pci/rescan
await "the NIC" test -e /sys/bus/pci/devices/$nic/config

is_over()
{
	grep -q '^itsy: error' /tmp/stop.err
}

start_guest stop /etc/busy.conf busy
report_errors
step stop_ready echo ready
await "the guest's end" is_over || kill -TERM $pid
end_guest

start_guest ignore /etc/busy.conf busy --set device.nic.on-error=ignore
report_errors
step ignore_ready echo ready
await "a warning" grep -q warning /tmp/ignore.err
step still kill -0 $pid
kill -TERM $pid
end_guest
step log sh -c 'dmesg | grep -i "aer\|pcieport"'
END

is_status stop 6
has stop.err '^itsy: error: 0000:01:00\.0: the host reports an error of it on the bus that is not corrected \(AER\): the guest was ended, as on-error = "stop" of device nic says'
is_status still 0
has ignore.err '^itsy: warning: 0000:01:00\.0: the host reports an error of it on the bus that is not corrected \(AER\): the guest goes on with it, as on-error = "ignore" of device nic says'
is_status ignore 143

verdict
