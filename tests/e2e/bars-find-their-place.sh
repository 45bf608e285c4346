#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Linux finds a place for the BARs of functions that are passed through, and drives them there: BARs of 64 bits
# that are not prefetchable in the 64-bit window, since the 32-bit one has 640 MiB; I/O ports in theirs;
# expansion ROMs; and those of a function that has no interrupts. One of 4 KiB, with nothing else in its page, is as
# large as a page of the host's.

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

host_file /etc/ports.conf <<'END'
kernel  = "/usr/share/itsy/guest/Image"
initrd  = "/usr/share/itsy/guest/initramfs.cpio"
cmdline = "console=ttyS0 quiet itsy.job=bars itsy.seconds=1 itsy.chunks=2 itsy.kib=16"
memory  = "256M"
device "nvme" {
	bdf = "0000:00:01.0"
}
device "nic" {
	bdf = "0000:00:03.0"
}
device "rom" {
	bdf = "0000:00:04.0"
}
device "test" {
	bdf = "0000:01:00.0"
}
END

# PCI Firmware Specification 3.0, 5.1: an image of 3 KiB, which is the last one and no code.
perl -e 'my $head = pack("vx22v", 0xaa55, 0x1c) . pack("x2") . pack("a4v2vvC4v2C2v", "PCIR", 0x1b36, 0x10, 0, 24, 3, 2, 8, 1, 6, 0, 255, 0x80, 0);
	print $head, join "", map { chr(($_ * 7 + 3) & 255) } length($head) .. 3071' >"$tmp/rom"
rom_sum=$(sha256sum <"$tmp/rom" | cut -c 1-64)

on_host --device nvme --device nvme --device e1000e --qemu-device "nvme,addr=4,serial=rom,romfile=$tmp/rom" \
	--qemu-device pcie-root-port,id=above,chassis=1,addr=5 --qemu-device pci-testdev,bus=above,addr=0 <<'END'
step page awk '$1 == "KernelPageSize:" { print $2 * 1024; exit }' /proc/self/smaps
step devices sh -c 'itsy devices --json >/tmp/devices.json'
guest large /etc/large.conf
guest ports /etc/ports.conf
END

job_passed large bars
# Where the MSI-X table is in a BAR of its own, as on hosts with large pages, the kernel keeps 2^30 bytes for that, too,
# and below 4 GiB there are not as many.
lacks large.out '^unplaced.*: BAR [^2]'
# From 512 GiB on; flags: 64 bits, memory, not prefetchable.
for function in 00 01; do
	has large.out "^bar 0000:00:$function\.0 0 0x000000[89a-e][0-9a-f]{9} 0x[0-9a-f]+ 0x0000000000140204\$"
done
counts_add_up large
json large '.its_errors == [] and .unclaimed == 0 and .misplaced_bars == 0'

job_passed ports bars
lacks ports.out '^unplaced'
# Flags: I/O. The NIC says by its ports what its driver has read in its memory.
has ports.out '^bar 0000:00:01\.0 2 0x000000000000[1-9a-f][0-9a-f]{3} 0x[0-9a-f]+ 0x0000000000040101$'
has ports.out '^ports 0000:00:01\.0 ([0-9a-f:]{11}) of \1:'
# As many bytes as the image says that it has.
has ports.out "^rom 0000:00:02\.0 3072 $rom_sum\$"
has ports.out '^bar 0000:00:03\.0 0 0x0*[1-9a-f][0-9a-f]* 0x[0-9a-f]+ 0x0000000000040200$'
# Behind a port, nothing else is in its page.
page=$(cat "$(file_of page.out)")
place=$(sed -n 's/^bar 0000:00:03\.0 0 \(0x[0-9a-f]*\) \(0x[0-9a-f]*\) .*/\2 - \1/p' "$(file_of ports.out)")
expect "its BAR has $page bytes" [ "$((${place:-0} + 1))" = "$page" ]
json devices '[.. | objects | select(.bdf? == "0000:01:00.0")] | .[0].trapped_bars == []'
json ports '.devices[3] | .name == "test" and .vectors == []'
json ports '.its_errors == [] and .unclaimed == 0 and .misplaced_bars == 0'

verdict
