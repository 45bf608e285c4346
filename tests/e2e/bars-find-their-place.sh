#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Linux finds a place for the BARs of functions that are passed through, and drives them there: BARs of 64 bits
# that are not prefetchable in the 64-bit window, since the 32-bit one has 640 MiB.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

# resource_alignment has the guest's kernel keep 2^30 bytes for BAR 0 of each NVMe: as much as the BARs of some
# functions have, and none that can be emulated.
host_file /etc/large.conf <<'END'
kernel  = "/usr/share/itsy/guest/Image"
initrd  = "/usr/share/itsy/guest/initramfs.cpio"
cmdline = "console=ttyS0 quiet itsy.job=bars itsy.seconds=1 itsy.chunks=2 itsy.nvmes=2 pci=resource_alignment=30@pci:1b36:0010"
memory  = "256M"
device "nvme" {
	bdf = "0000:00:01.0"
}
device "nvme-b" {
	bdf = "0000:00:02.0"
}
END

on_host --device nvme --device nvme <<'END'
guest large /etc/large.conf
END

job_passed large bars
lacks large.out '^unplaced'
# From 512 GiB on; flags: 64 bits, memory, not prefetchable.
for function in 00 01; do
	has large.out "^bar 0000:00:$function\.0 0 0x000000[89a-e][0-9a-f]{9} 0x[0-9a-f]+ 0x0000000000140204\$"
done
counts_add_up large
json large '.its_errors == [] and .unclaimed == 0 and .misplaced_bars == 0'

verdict
