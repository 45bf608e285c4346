#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Linux with a disk and a NIC at work at the same time, on 1, 2 and 4 vCPUs, interrupts moving; with
# two of each kind; and behind root ports, on buses of their own.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

host_file /etc/four.conf <<'END'
kernel  = "/usr/share/itsy/guest/Image"
initrd  = "/usr/share/itsy/guest/initramfs.cpio"
cmdline = "console=ttyS0 quiet itsy.job=both itsy.seconds=1 itsy.affinity itsy.nvmes=2 itsy.nics=2"
vcpus   = 2
memory  = "256M"
device "nvme" {
	bdf = "0000:00:01.0"
}
device "nic" {
	bdf = "0000:00:02.0"
}
device "nvme-b" {
	bdf = "0000:00:03.0"
}
device "nic-b" {
	bdf = "0000:00:04.0"
}
END
host_file /etc/both.conf <<'END'
kernel  = "/usr/share/itsy/guest/Image"
initrd  = "/usr/share/itsy/guest/initramfs.cpio"
cmdline = "console=ttyS0 quiet itsy.job=both itsy.seconds=1 itsy.affinity"
memory  = "256M"
device "nvme" {
	bdf = "0000:00:01.0"
}
device "nic" {
	bdf = "0000:00:02.0"
}
END

on_host --device nvme --device e1000e --device nvme --device e1000e <<'END'
for n in 1 2 4; do
	guest cpus$n /etc/both.conf --set vcpus=$n
done
guest four /etc/four.conf
guest ports /etc/four.conf --set device.nvme.root-port=on --set device.nic.root-port=on --set device.nic-b.root-port=on
END

for n in 1 2 4; do
	has cpus$n.out "^cpus $n\$"
	irqs_within cpus$n nvme
	irqs_within cpus$n nic
done
for name in cpus1 cpus2 cpus4 four ports; do
	job_passed $name both
	has $name.out '^nvme_check: [1-9][0-9]* rounds'
	has $name.out '^nic_check: [1-9][0-9]* rounds'
	counts_add_up $name
	none_dropped $name
	json $name '.its_errors == [] and .unclaimed == 0 and .aborted.unemulated == 0'
	# Doorbells do not trap, of which each read of a disk rings two, whatever is in a page of the host with them.
	json $name '.trapped_accesses < ([.devices[] | select(.name | startswith("nvme")).vectors[].taken] | add)'
done
for name in cpus2 cpus4 four ports; do
	json $name '.its_commands.MOVI.done > 0'
done
for name in four ports; do
	json $name '[.devices[].vectors | [.[].injected] | add > 0] | length == 4 and all'
	json $name '[.devices[].devid] | unique | length == 4'
	json $name '.misplaced_bars == 0'
done
# In the order of their ports, which is that of the file; the one without is where it is on bus 0.
json ports '[.devices[].devid] == ["0x0100", "0x0200", "0x0010", "0x0300"]'
has ports.out '^/dev/nvme[01]n1: PCI 0000:01:00\.0,'
has ports.out '^/dev/nvme[01]n1: PCI 0000:00:02\.0,'
has ports.out '^eth[01]: PCI 0000:02:00\.0,'
has ports.out '^eth[01]: PCI 0000:03:00\.0,'

verdict
