#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Linux switches CPUs off and on again, and each of them has its timer's, its disk's and other CPUs' interrupts as
# before.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

host_file /etc/hotplug.conf <<'END'
kernel  = "/usr/share/itsy/guest/Image"
initrd  = "/usr/share/itsy/guest/initramfs.cpio"
cmdline = "console=ttyS0 quiet itsy.job=hotplug itsy.chunks=4"
vcpus   = 4
memory  = "256M"
device "nvme" {
	bdf = "0000:00:01.0"
}
END

on_host --cpus 2 --device nvme <<'END'
guest hotplug /etc/hotplug.conf
END

job_passed hotplug hotplug
has hotplug.out '^cpus 4$'
has hotplug.out '^round 3: done$'
counts_add_up hotplug
irqs_within hotplug nvme
json hotplug '.its_errors == [] and .unclaimed == 0'
json hotplug '.redistributors | .ignored_accesses == 0 and .still_active == 0'

verdict
