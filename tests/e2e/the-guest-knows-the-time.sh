#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Linux in a guest boots with the host's time; sets its clock and finds it so; and is woken by its alarm.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

host_file /etc/time.conf <<'END'
kernel  = "/usr/share/itsy/guest/Image"
initrd  = "/usr/share/itsy/guest/initramfs.cpio"
cmdline = "console=ttyS0 quiet itsy.job=time"
memory  = "256M"
END

on_host --cpus 2 <<'END'
step before date +%s
guest time /etc/time.conf
step after date +%s
END

job_passed time time
has time.out '^clock rtc-pl031 '
has time.out '^a year later$'
has time.out '^irqs 1$'
json time '.unclaimed == 0'

# The clock has whole seconds of the host's time; Linux reads it once and goes on by its own.
read -r _ date _ rtc < <(grep '^date ' "$(file_of time.out)")
before=$(cat "$(file_of before.out)") after=$(cat "$(file_of after.out)")
expect "the clock's time, ${rtc:=0}, is the host's, $before to $after" [ "$before" -le "$rtc" -a "$rtc" -le "$after" ]
expect "the guest's date, ${date:=0}, is within 2 s of it" [ $((date - rtc)) -ge -2 -a $((date - rtc)) -le 2 ]

verdict
