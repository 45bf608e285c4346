#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck shell=dash
#
# kernel.sh - from exec() to the guest's init, and the memory that is not free then, with Debian's kernel and the small
# one of make guest-images in turn: under itsy by its default, the same initramfs (nothing but the first process), the
# same RAM, no devices.
#
# usage: kernel.sh [TURNS]

# shellcheck source=tests/peers/host.sh
. "${PEERS:-/lib/peers}/host.sh"

mib=256

once()
{
	local who=$1 from to

	itsy_guest "${default#itsy-}" --set "kernel=$2" --set "initrd=$peers/up.cpio" \
		--set "cmdline=console=ttyS0 quiet rdinit=/bin/up" </dev/null 2>/tmp/boot.err |
		"$peers/when" 'init is up' /tmp/boot.out >/tmp/when ||
		{ say "$who: no init" && cat /tmp/boot.err /tmp/boot.out >&2 && exit 1; }
	from=$(fact /tmp/boot.out exec) to=$(fact /tmp/when when)
	result "boot to init" "$who" "$unit" "$(ns $((to - from)) "$(fact /tmp/boot.out frequency)")"
	result "memory taken at init" "$who" KiB "$((mib * 1024 - $(fact /tmp/boot.out free)))"
}

itsy_conf $mib
launch=$peers/stamp
n=0
while [ $n -lt "${1:-2}" ]; do
	# Each is the first one in turn.
	[ $((n % 2)) = 1 ] || once debian "$guest/Image"
	once small "$peers/small"
	[ $((n % 2)) = 0 ] || once debian "$guest/Image"
	n=$((n + 1))
done
