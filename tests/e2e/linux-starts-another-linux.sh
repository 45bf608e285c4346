#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A Linux guest starts another Linux with kexec: without a reset in between, which would put ITS, LPIs and
# device in order, the second one has its interrupts from the same NVMe drive.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"
# shellcheck source=scripts/initramfs.sh
. "$top/scripts/initramfs.sh"

root=$build/arm64-root images=$build/guest-images
mkdir -p "$tmp/more"/{bin,kexec}
cp "$root/sbin/kexec" "$tmp/more/bin/"
cp "$images/Image" "$images/initramfs.cpio" "$tmp/more/kexec/"
libs_add "$tmp/more" '' "$root/sbin/kexec"
cpio_pack "$tmp/more" "$tmp/more.cpio"
cat "$images/initramfs.cpio" "$tmp/more.cpio" >"$tmp/initrd"

host_file /etc/kexec.conf <<'END'
kernel  = "/usr/share/itsy/guest/Image"
initrd  = "/usr/share/itsy/guest/kexec.cpio"
cmdline = "console=ttyS0 loglevel=5 itsy.job=kexec itsy.seconds=1 itsy.chunks=2"
vcpus   = 2
memory  = "384M"
device "nvme" {
	bdf = "0000:00:01.0"
}
END

on_host --memory 1280 --device nvme --file "$tmp/initrd:/usr/share/itsy/guest/kexec.cpio" <<'END'
guest kexec /etc/kexec.conf
END

job_passed kexec nvme
has kexec.out '^first kernel: done'
# The first one switched them on, and nobody off.
has kexec.out 'CPU0: Booted with LPIs enabled'
json kexec '.boots == 1'
counts_add_up kexec
none_dropped kexec
irqs_within kexec nvme
json kexec '.its_errors == [] and .its_commands.MAPD.done >= 2'

verdict
