#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A function's DMA reaches the BAR of another one of the same guest, where the guest has it, with
# the sandbox on, which lets the vCPUs map it.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

host_file /etc/beside.conf <<'END'
kernel = "/usr/share/itsy/payloads/beside.bin"
memory = "64M"
device "edu" {
	bdf = "0000:00:01.0"
}
device "disk" {
	bdf = "0000:00:02.0"
}
END

on_host --device none --device nvme --qemu-device edu,addr=1,dma_mask=0xffffffffff <<'END'
guest beside /etc/beside.conf
step dmesg sh -c 'dmesg | grep -i "arm-smmu.*event" || true'
END

payload_passed beside beside
has beside.out '^reached 1$'
has beside.out '^reached_elsewhere 1$'
lacks beside.err 'DMA of functions'
json beside '.misplaced_bars == 0 and .unclaimed == 0'
# The IOMMU had nothing to complain of.
nr_lines dmesg.out 0

verdict
