#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Linux drives devices by each kind of interrupt, with right data: a NIC by INTx, MSI and MSI-X as its
# driver is told, and by INTx in a guest that knows no messages; NICs and an SD card that have INTx
# alone; a disk and a NIC that share a line; and so through root ports.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

# guest_with DEVICE...: a guest with these devices of the host's, one after the other on its bus
guest_with()
{
	local device n=0

	cat <<'END'
kernel  = "/usr/share/itsy/guest/Image"
initrd  = "/usr/share/itsy/guest/initramfs.cpio"
vcpus   = 2
memory  = "256M"
END
	for device; do
		n=$((n + 1))
		printf 'device "d%d" {\n\tbdf = "0000:00:%s.0"\n}\n' $n "$device"
	done
}

host_file /etc/nic.conf < <(guest_with 01)
host_file /etc/rtl.conf < <(guest_with 02)
host_file /etc/card.conf < <(guest_with 03)
host_file /etc/e1000.conf < <(guest_with 08)
# The first and the fifth have one line.
host_file /etc/shared.conf < <(guest_with 01 05 06 07 04)

on_host --device e1000e --device rtl8139 --device sdhci --device nvme --device edu --device edu --device edu \
	--device e1000 <<'END'
say="console=ttyS0 quiet itsy.seconds=1"
for mode in 0 1 2; do
	guest mode$mode /etc/nic.conf --set "cmdline=$say loglevel=7 itsy.job=nic e1000e.IntMode=$mode"
done
guest nomsi /etc/nic.conf --set "cmdline=$say itsy.job=nic pci=nomsi"
guest rtl /etc/rtl.conf --set "cmdline=$say itsy.job=nic itsy.modules=8139cp"
guest e1000 /etc/e1000.conf --set "cmdline=$say itsy.job=nic itsy.modules=e1000"
guest card /etc/card.conf --set "cmdline=$say itsy.job=card itsy.modules=sdhci_pci itsy.chunks=2"
guest shared /etc/shared.conf --set "cmdline=$say itsy.job=both pci=nomsi"
guest ports /etc/shared.conf --set "cmdline=$say itsy.job=both pci=nomsi" --set device.d1.root-port=on --set device.d1.at=0a.0 \
	--set device.d5.root-port=on --set device.d5.at=0e.0
END

for name in mode0 mode1 mode2 nomsi rtl e1000; do
	job_passed $name nic
	has $name.out '^nic_check: [1-9][0-9]* rounds'
done
job_passed card card
has card.out '^card_check: [1-9][0-9]* rounds'
for name in shared ports; do
	job_passed $name both
	has $name.out '^nvme_check: [1-9][0-9]* rounds'
	has $name.out '^nic_check: [1-9][0-9]* rounds'
done

for name in mode0 mode1 mode2 nomsi rtl e1000 card shared ports; do
	counts_add_up $name
	none_dropped $name
	json $name '.its_errors == [] and .unclaimed == 0 and .aborted.unemulated == 0'
done
# INTx is the vector behind all others, and the only one that interrupts where it is what the guest uses.
for name in mode0 nomsi rtl e1000 card shared ports; do
	json $name '[.devices[] | .vectors | .[:-1][] | .taken] | add // 0 == 0'
	json $name '[.devices[] | .vectors | .[-1] | .taken] | add > 0'
done
# The driver gives an MSI 100 ms to arrive, and goes back to INTx if it takes longer.
if grep -q 'MSI interrupt test failed' "$tmp/mode1.out"; then
	echo "mode1: the driver did not wait for its MSI"
else
	json mode1 '.devices[0].vectors | .[0].injected > 0 and ([.[1:][] | .taken] | add == 0)'
fi
json mode2 '.devices[0].vectors | ([.[:-1][] | select(.taken > 0)] | length > 1) and .[-1].taken == 0'
for name in shared ports; do
	json $name '[.devices[] | select(.name == "d1" or .name == "d5") | .vectors[-1].taken > 0] == [true, true]'
done

verdict
