#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck shell=dash
#
# bringup.sh - how long Linux takes to come up on 1, 4, 16 and 64 vCPUs, with redistributors that are
# itsy's and with KVM's own. Runs on the emulated host: make bench-bringup.
#
# usage: bringup.sh [VCPUS]...
#
# Prints a line for each: vCPUs, who, and in thousands of instructions of the whole machine
#
#   BOOT	from exec() of itsy to the guest's power-off
#   CPUS	from the guest's "Bringing up secondary CPUs" to "Brought up"
#   PAUSES	of all vCPUs, for its redistributors

set -u

cat >/tmp/bringup.conf <<'END'
kernel  = "/usr/share/itsy/guest/Image"
initrd  = "/usr/share/itsy/guest/initramfs.cpio"
cmdline = "console=ttyS0 printk.time=1 rdinit=/bin/busybox -- poweroff -f"
memory  = "256M"
END

# Of the clock that counts instructions, in thousands of them.
now()
{
	awk '{ print int($1 * 1000000) }' /proc/uptime
}

# The stamp of the last line with $1 in it.
stamp()
{
	tr -d '\r' </tmp/bringup.out | sed -n "s/^\[ *\([0-9]*\)\.\([0-9]*\)\] .*$1.*/\1\2/p" | tail -n 1 | sed 's/^0*//'
}

once()
{
	local nr=$1 who=$2 from to rc=0

	from=$(now)
	"$who" run /tmp/bringup.conf --set "vcpus=$nr" --stats-json /tmp/bringup.json \
		</dev/null >/tmp/bringup.out 2>/tmp/bringup.err || rc=$?
	to=$(now)
	[ $rc = 0 ] || { cat /tmp/bringup.out /tmp/bringup.err >&2 && exit 1; }
	echo "$nr $who $((to - from)) $(($(stamp 'Brought up') - $(stamp 'Bringing up'))) $(
		awk '/"redistributors"/ { here = 1 } here && /"pauses"/ { gsub(/[^0-9]/, ""); print; exit }' \
			/tmp/bringup.json)"
}

echo "VCPUS WHO BOOT CPUS PAUSES"
[ $# -gt 0 ] || set -- 1 4 16 64
for nr; do
	once "$nr" itsy
	once "$nr" itsy-kvms-own
done
