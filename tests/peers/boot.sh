#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck shell=dash
#
# boot.sh - from exec() to the guest's init, by itsy and QEMU in turn: the same kernel, the same
# initramfs, the same RAM, no devices. itsy is its default: without devices, routes make no difference.
#
# usage: boot.sh [TURNS]

# shellcheck source=tests/peers/host.sh
. "${PEERS:-/lib/peers}/host.sh"

mib=256
words="quiet rdinit=/bin/up"

once()
{
	local who=$1 from to

	case $who in
	qemu*) set -- qemu $mib -kernel "$guest/Image" -initrd "$peers/initrd" -append "console=ttyAMA0 $words" ;;
	itsy-*) set -- itsy_guest "${who#itsy-}" --set "cmdline=console=ttyS0 $words" ;;
	esac
	"$@" </dev/null 2>/tmp/boot.err | "$peers/when" 'init is up' /tmp/boot.out >/tmp/when ||
		{ say "$who: no init" && cat /tmp/boot.err /tmp/boot.out >&2 && exit 1; }
	from=$(fact /tmp/boot.out exec) to=$(fact /tmp/when when)
	result "boot to guest init" "$who" "$unit" "$(ns $((to - from)) "$(fact /tmp/boot.out frequency)")"
}

itsy_conf $mib
launch=$peers/stamp
n=0
while [ $n -lt "${1:-3}" ]; do
	for who in $(contenders $n); do
		case $who in
		qemu* | "$default") once "$who" ;;
		esac
	done
	n=$((n + 1))
done
