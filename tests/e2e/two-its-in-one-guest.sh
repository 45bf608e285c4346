#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A guest with two ITSs: the disk's interrupts go through one, the NIC's through the other, where its
# DeviceID has more bits than KVM's ITS knows; interrupts move between vCPUs meanwhile.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

host_file /etc/two.conf <<'END'
kernel  = "/usr/share/itsy/guest/Image"
initrd  = "/usr/share/itsy/guest/initramfs.cpio"
cmdline = "console=ttyS0 itsy.job=both itsy.seconds=1 itsy.affinity itsy.chunks=2"
vcpus   = 2
memory  = "256M"
its "plain" {
	eventid-bits = 8
}
its "wide" {
	devid-bits = 20
	lpis = 4096
}
device "nvme" {
	bdf = "0000:00:01.0"
}
device "nic" {
	bdf = "0000:00:02.0"
	its = "wide"
	devid = 0x12345
}
END

on_host --device nvme --device e1000e <<'END'
guest two /etc/two.conf
END

job_passed two both
for frame in 08080000 080a0000; do
	has two.out "ITS@0x00000000$frame: allocated .* Devices"
done
irqs_within two nvme
irqs_within two nic
counts_add_up two
none_dropped two
json two '.its_errors == [] and .its_commands.MOVI.done > 0'
json two '[.devices[].devid] == ["0x0000", "0x12345"]'

verdict
