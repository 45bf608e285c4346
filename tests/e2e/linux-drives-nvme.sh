#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Linux on 1, 2 and 4 vCPUs reads a passed-through NVMe disk from all of them: right data, no lost
# interrupt. Nor where it resets the function meanwhile (FLR), while signals wait since they come too early.

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
host_file /etc/resets.conf <<'END'
kernel  = "/usr/share/itsy/guest/Image"
initrd  = "/usr/share/itsy/guest/initramfs.cpio"
cmdline = "console=ttyS0 quiet itsy.job=nvme itsy.seconds=1 itsy.chunks=2 itsy.resets=6"
memory  = "256M"
vcpus   = 2
device "nvme" {
	bdf     = "0000:00:01.0"
	hold-us = 3000
}
END

on_host --device nvme <<'END'
for n in 1 2 4; do
	guest cpus$n /etc/nvme.conf --set vcpus=$n
done
guest resets /etc/resets.conf
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

job_passed resets nvme
has resets.out '^function resets 6$'
has resets.out '^nvme_check: [1-9][0-9]* rounds'
# No completion that the kernel had to look for, or the job had not passed.
json resets '.router.parked > 0'
json resets '[.devices[0].vectors[1:3][].injected] | all(. > 0)'
counts_add_up resets
json resets '.its_errors == [] and .unclaimed == 0 and .aborted.unemulated == 0'

verdict
