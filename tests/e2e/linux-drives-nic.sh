#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Linux on 1, 2 and 4 vCPUs sends data through a passed-through NIC and gets it back, while its
# interrupts move from CPU to CPU (MOVI): right data, no lost interrupt.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

host_file /etc/nic.conf <<'END'
kernel  = "/usr/share/itsy/guest/Image"
initrd  = "/usr/share/itsy/guest/initramfs.cpio"
cmdline = "console=ttyS0 quiet itsy.job=nic itsy.seconds=1 itsy.affinity"
memory  = "256M"
device "nic" {
	bdf = "0000:00:01.0"
}
END

on_host --device e1000e <<'END'
for n in 1 2 4; do
	guest cpus$n /etc/nic.conf --set vcpus=$n
done
END

for n in 1 2 4; do
	job_passed cpus$n nic
	has cpus$n.out "^cpus $n\$"
	has cpus$n.out '^nic_check: [1-9][0-9]* rounds'
	counts_add_up cpus$n
	none_dropped cpus$n
	irqs_within cpus$n nic
	json cpus$n '.its_errors == [] and .unclaimed == 0 and .aborted.unemulated == 0'
done
for n in 2 4; do
	has cpus$n.out '^affinity moves [1-9]'
	json cpus$n '.its_commands.MOVI.done > 0'
done

verdict
