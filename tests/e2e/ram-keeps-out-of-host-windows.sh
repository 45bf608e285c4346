#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A guest's memory lies around the windows of the host's PCI bridge, where no DMA would reach it: a device moves data into
# each range of it and out again, Linux takes all of them, and check, run and the map of memory say the same.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

[[ " ${ITSY_HOST_OPTIONS-} " != *' --acpi '* ]] ||
	{ echo "with ACPI the emulated host has no windows but its own (emuhost, --pci-window)"; exit 77; }

host_file /etc/banks.conf <<'END'
kernel = "/usr/share/itsy/payloads/banks.bin"
memory = "96M"
device "edu" {
	bdf = "0000:00:01.0"
}
END
host_file /etc/linux.conf <<'END'
kernel  = "/usr/share/itsy/guest/Image"
initrd  = "/usr/share/itsy/guest/initramfs.cpio"
cmdline = "console=ttyS0 itsy.job=nvme itsy.seconds=1 itsy.chunks=2"
memory  = "224M"
device "nvme" {
	bdf = "0000:00:02.0"
}
END

on_host --device none --device nvme --qemu-device edu,addr=1,dma_mask=0xffffffffff \
	--pci-window 0x44000000:64 --pci-window 0x4a000000:32 <<'END'
step map itsy run /etc/banks.conf --print-memory-map
step check itsy check /etc/banks.conf
step tight itsy run /etc/banks.conf --print-memory-map --set memory=511G
step alone itsy run /etc/banks.conf --print-memory-map --set device.edu.bdf=0000:00:1f.0
guest banks /etc/banks.conf
pool=/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages
if [ -e $pool ]; then
	echo 48 >$pool
	guest huge /etc/banks.conf --set memory-backing=hugetlb:2M
	echo 0 >$pool
fi
guest linux /etc/linux.conf
step dmesg sh -c 'dmesg | grep -iE "arm-smmu.*event|root bus resource" || true'
END

for name in banks huge; do
	[ -f "$tmp/$name.rc" ] || continue # pages of 16 KiB: no huge ones of 2 MiB
	payload_passed $name banks
	has $name.out '^banks 2$'
	has $name.out '^bank 0x40000000 0x43ffffff$'
	has $name.out '^bank 0x48000000 0x49ffffff$'
done
expect "a guest ran" [ -f "$tmp/banks.rc" ]
job_passed linux nvme
has linux.out 'node +0: \[mem 0x0*40000000-0x0*43ffffff\]'
has linux.out 'node +0: \[mem 0x0*48000000-0x0*49ffffff\]'
has linux.out 'node +0: \[mem 0x0*4c000000-0x0*53ffffff\]'
counts_add_up linux

is_status map 0
has map.out '^0x0040000000 +0x0043ffffff +64 MiB +memory$'
has map.out "^0x0044000000 +0x0047ffffff +64 MiB +no memory: window of the host's PCI bridge pci0000:00\$"
has map.out '^0x0048000000 +0x0049ffffff +32 MiB +memory$'
lacks map.out '^0x004a000000'
is_status check 0
has check.out '^PASS +memory map +2 ranges from 0x40000000 on, 96 MiB below 4 GiB; itsy run --print-memory-map says why$'
is_status tight 4
has tight.err 'itsy: error: guest memory: 523264 MiB do not fit around what devices do not reach'
has tight.out "^0x004a000000 +0x004bffffff +32 MiB +no memory: window"
# A device that is not there has nothing in the way.
is_status alone 0
has alone.out '^0x0040000000 +0x0045ffffff +96 MiB +memory$'
# The host's kernel sees the windows as well, and its IOMMU had nothing to complain of.
has dmesg.out 'bus address \[0x44000000-0x47ffffff\]'
lacks dmesg.out 'arm-smmu'

verdict
