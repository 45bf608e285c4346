#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A guest resets itself with devices at work: ITS, vectors and functions are as after power-on, nothing
# from before arrives, and everything works again. Bare metal first, then Linux with a disk and a NIC.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

host_file /etc/edu.conf <<'END'
kernel = "/usr/share/itsy/payloads/reset.bin"
memory = "128M"
device "edu" {
	bdf = "0000:00:03.0"
}
END
host_file /etc/linux.conf <<'END'
kernel  = "/usr/share/itsy/guest/Image"
initrd  = "/usr/share/itsy/guest/initramfs.cpio"
cmdline = "console=ttyS0 quiet itsy.job=reboot itsy.boots=2"
vcpus   = 2
memory  = "256M"
device "nvme" {
	bdf = "0000:00:01.0"
}
device "nic" {
	bdf = "0000:00:02.0"
}
END

on_host --device nvme --device e1000e --device edu <<'END'
guest bare /etc/edu.conf
guest linux /etc/linux.conf
END

is_status bare 0
has bare.out '^payload reset: PASS$'
lacks bare.out '^payload .*: FAIL'
# The one thing that is warned of: on a root bus there is no reset for it.
has bare.err '^itsy: warning: 0000:00:03\.0: it cannot be reset, and keeps its state from guest to guest: the guest goes on; '
expect "bare: one warning" [ "$(grep -cE '^itsy: (warning|error)' "$(file_of bare.err)")" = 1 ]
has bare.out '^resetting$'
has bare.out '^boot 2$'
json bare '.boots == 2'
counts_add_up bare
json bare ".devices[0].vectors[0].injected >= 100 + $(fact bare handled)"
# The statistics of the ITS are those of the second boot alone.
json bare '.its_commands.MAPTI.done == 1 and .its_errors == []'

job_passed linux reboot
has linux.out '^boot 1$'
has linux.out '^rebooting$'
has linux.out '^boot 2$'
json linux '.boots == 2'
counts_add_up linux
none_dropped linux
irqs_within linux nvme
irqs_within linux nic
json linux '.its_errors == [] and .unclaimed == 0 and .aborted.unemulated == 0'

verdict
