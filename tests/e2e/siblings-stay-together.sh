#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Functions of one device of the host are functions of one device of the guest's, and each has the place that its
# configuration gives it, on bus 0 or behind a root port. Linux finds them there, and gets their interrupts.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

host_file /etc/siblings.conf <<'END'
kernel  = "/usr/share/itsy/guest/Image"
initrd  = "/usr/share/itsy/guest/initramfs.cpio"
cmdline = "console=ttyS0 quiet itsy.job=bars itsy.seconds=1 itsy.chunks=2"
memory  = "256M"
device "second" {
	bdf = "0000:00:05.1"
}
device "disk" {
	bdf = "0000:00:01.0"
}
device "first" {
	bdf = "0000:00:05.0"
}
END

on_host --device nvme --qemu-device nvme,addr=5.0,multifunction=on,serial=first \
	--qemu-device nvme,addr=5.1,serial=second <<'END'
step shown itsy run --print-config /etc/siblings.conf
guest siblings /etc/siblings.conf
guest placed /etc/siblings.conf --set device.disk.at=1f.0 --set device.first.at=02.0 --set device.second.at=02.5
guest behind /etc/siblings.conf --set device.first.root-port=on --set device.first.at=09.0 --set device.disk.at=02.0 \
	--set device.disk.root-port=on --set device.second.devid=0x1234
step alone itsy run /etc/siblings.conf --set device.second.at=02.5
step check itsy check /etc/siblings.conf
END

# In the order of the file, but for the second function, which goes beside the first one.
is_status shown 0
expect "places are shown" [ "$(grep -o '\bat = "[^"]*"' "$(file_of shown.out)" | tr '\n' ' ')" = 'at = "01.1" at = "00.0" at = "01.0" ' ]

# places_are NAME DISK FIRST SECOND: the guest sees each there, its DeviceID says so, and its interrupts come.
places_are()
{
	local name=$1 place nr=0
	shift

	job_passed "$name" bars
	for place; do
		has "$name.out" "^bar 0000:00:${place/./\\.} 0 "
	done
	expect "$name: has no other function" [ "$(grep -c '^bar .* 0 0x' "$(file_of "$name.out")")" = 3 ]
	for place in "disk $1" "first $2" "second $3"; do
		nr=$((16#${place:(-4):2} * 8 + ${place: -1}))
		json "$name" ".devices[] | select(.name == \"${place% *}\") |
			.devid == \"$(printf '0x%04x' $nr)\" and .vectors[0].injected > 0"
	done
	json "$name" '.its_errors == [] and .unclaimed == 0 and .misplaced_bars == 0'
}

places_are siblings 00.0 01.0 01.1
places_are placed 1f.0 02.0 02.5

# Behind ports: the disk's, at 02, comes first. BARs of the ports, which have none, are their windows.
job_passed behind bars
has behind.out '^bar 0000:01:00\.0 0 '
has behind.out '^bar 0000:02:00\.0 0 '
has behind.out '^bar 0000:02:00\.1 0 '
lacks behind.out '^unplaced'
for place in 'disk 0x0100' 'first 0x0200' 'second 0x1234'; do
	json behind ".devices[] | select(.name == \"${place% *}\") |
		.devid == \"${place#* }\" and .vectors[0].injected > 0"
done
json behind '.its_errors == [] and .unclaimed == 0 and .misplaced_bars == 0'

is_status alone 3
has alone.err '^--set device\.second\.at=02\.5: error: no device is at 02\.0, and without one guests do not look at 02\.5: '

is_status check 0
has check.out '^PASS +second 0000:00:05\.1 .*; 01\.1 on the guest.s bus$'

verdict
