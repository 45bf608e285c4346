#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Linux on 1, 2 and 4 vCPUs reads a passed-through NVMe disk from all of them: right data, no lost
# interrupt.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

host_file /etc/nvme.conf <<'END'
kernel  = "/usr/share/itsy/guest/Image"
initrd  = "/usr/share/itsy/guest/initramfs.cpio"
cmdline = "console=ttyS0 quiet itsy.job=nvme itsy.seconds=1 itsy.affinity"
memory  = "256M"
device "nvme" {
	bdf = "0000:00:01.0"
}
END

on_host --device nvme <<'END'
for n in 1 2 4; do
	guest cpus$n /etc/nvme.conf --set vcpus=$n
done
END

for n in 1 2 4; do
	job_passed cpus$n nvme
	has cpus$n.out "^cpus $n\$"
	has cpus$n.out '^nvme_check: [1-9][0-9]* rounds'
	counts_add_up cpus$n
	none_dropped cpus$n
	irqs_within cpus$n nvme
	# A queue, with its vector, for each CPU.
	json cpus$n "[.devices[0].vectors[1:$n + 1][].injected] | all(. > 0)"
	json cpus$n ".devices[0].vectors[1:$n + 1] | [.[].vcpu] | unique | length == $n"
	json cpus$n '.its_errors == [] and .unclaimed == 0 and .aborted.unemulated == 0'
done

verdict
