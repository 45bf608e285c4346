#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Functions that have no reset of their own are reset with their slot, each slot once: when a guest begins, when it
# resets itself with interrupts in flight, when it asks for the reset of a function that is alone there, under load, and
# at its end. Where a slot has a function of somebody else's it is left alone, and that is said by all who can.
#
# ITSY_IOMMU: what DMA goes by; without it, as itsy chooses. iommufd needs a host that has it (emuhost --kernel iommufd).

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

iommu=${ITSY_IOMMU:-auto}

host_file /etc/pair.conf <<END
kernel = "/usr/share/itsy/payloads/reset.bin"
memory = "128M"
iommu  = "$iommu"
device "edu" {
	bdf = "0000:01:00.0"
}
device "other" {
	bdf = "0000:01:00.1"
}
END
host_file /etc/half.conf <<END
kernel = "/usr/share/itsy/payloads/reset.bin"
memory = "128M"
iommu  = "$iommu"
device "edu" {
	bdf = "0000:01:00.0"
}
END
host_file /etc/flr.conf <<END
kernel = "/usr/share/itsy/payloads/flr.bin"
memory = "128M"
iommu  = "$iommu"
vcpus  = 3
device "disk" {
	bdf = "0000:02:00.0"
}
END

on_host --qemu-device pcie-root-port,id=one,chassis=1,addr=5 --qemu-device edu,bus=one,addr=0.0,multifunction=on \
	--qemu-device edu,bus=one,addr=0.1 \
	--qemu-device pcie-root-port,id=two,chassis=2,addr=6 --qemu-device nvme,bus=two,addr=0,serial=alone <<'END'
[ -e /sys/kernel/tracing/kprobe_events ] || mount -t tracefs none /sys/kernel/tracing
echo 'p:slots pci_bridge_secondary_bus_reset' >/sys/kernel/tracing/kprobe_events
echo 1 >/sys/kernel/tracing/events/kprobes/slots/enable

# NAME COMMAND...: how often slots were reset meanwhile is its last line of output, too.
counted()
{
	local name=$1 before
	shift

	before=$(awk '$1 == "slots" { print $2 }' /sys/kernel/tracing/kprobe_profile)
	"$@"
	echo "$name.out|slots $(($(awk '$1 == "slots" { print $2 }' /sys/kernel/tracing/kprobe_profile) - before))"
}

test -c /dev/iommu && echo "host.out|iommufd"
step devices itsy devices
step check itsy check /etc/pair.conf
step check_half itsy check /etc/half.conf
counted pair guest pair /etc/pair.conf

# The function has none of its own any more.
echo >/sys/bus/pci/devices/0000:02:00.0/reset_method
step devices_none itsy devices
step check_flr itsy check /etc/flr.conf
counted flr guest flr /etc/flr.conf

counted half guest half /etc/half.conf
END

if [ "$iommu" = iommufd ] && ! grep -qs iommufd "$tmp/host.out"; then
	echo "the host has no iommufd"
	exit 77
fi

has devices.out '^0000:01:00\.0 .* bus \(with 0000:01:00\.1\) +[^ ]+$'
has devices.out '^0000:01:00\.1 .* bus \(with 0000:01:00\.0\) +[^ ]+$'
has devices.out '^0000:02:00\.0 .* flr bus +[^ ]+$'
is_status check 0
[ "$iommu" = auto ] || has check.out "^(PASS|WARN) +DMA +by $iommu, as it was asked for"
has check.out '^PASS +edu 0000:01:00\.0 .*reset by bus, with 0000:01:00\.1'

is_status pair 0
has pair.out '^payload reset: PASS$'
lacks pair.out '^payload .*: FAIL'
has pair.out '^boot 2$'
json pair '.boots == 2'
# By iommufd it is told that functions do not reach each other.
lacks pair.err '^itsy: (error|warning: 0000:)'
# When the guest began, when it reset itself, and by the kernel at its end.
has pair.out '^slots 3$'

has devices_none.out '^0000:02:00\.0 .* bus +[^ ]+$'
has check_flr.out '^PASS +disk .*reset by bus'
payload_passed flr flr
lacks flr.err 'warning'
rounds=$(fact flr rounds)
expect "who reads gets all ones" [ "$(fact flr ones_in_resets)" -ge $((rounds * 10)) ]
expect "commands go on" [ "$(fact flr commands_in_resets)" -ge $((rounds * 5)) ]
has flr.out "^slots $((rounds + 2))\$"

is_status check_half 0
has check_half.out '^WARN +edu .*would reset 0000:01:00\.1 too, which this guest has not'
has check_half.out '^ +-> give this guest 0000:01:00\.1 as well'
is_status half 0
has half.out '^payload reset: PASS$'
# Only by iommufd VFIO tells which function it has not; a guest with one goes by that, where it is not told otherwise.
why='its slot has a function that is not bound to vfio-pci'
! grep -qs iommufd "$tmp/host.out" || [ "$iommu" = type1 ] || why='one of its slot would reset 0000:01:00\.1 too, which this guest has not'
has half.err "^itsy: warning: 0000:01:00\\.0: it has no reset of its own, and $why"
has half.out '^slots 0$'

verdict
