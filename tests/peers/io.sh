#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck shell=dash
#
# io.sh - reads of an NVMe and the smallest packets of a NIC, one at a time, by the host's own drivers, by a
# guest under QEMU, and by the same guest under itsy with each route, in turn; what each guest costs beside:
# exits for each, memory beyond its own.
#
# usage: io.sh NVME-BDF NIC-BDF [TURNS [COUNT]]

# shellcheck source=tests/peers/host.sh
. "${PEERS:-/lib/peers}/host.sh"

launch="exec $one_cpu"
nvme=$1 nic=$2 turns=${3:-3} count=${4:-2000}
mib=256
words="quiet itsy.job=peers itsy.silence=3 itsy.reads=$count itsy.echoes=$count"

figures()
{
	local who=$1 file=$2

	result "NVMe read, p50" "$who" "$unit" "$(fact "$file" nvme_p50)"
	result "NVMe read, p99" "$who" "$unit" "$(fact "$file" nvme_p99)"
	result "NIC echo, p50" "$who" "$unit" "$(fact "$file" nic_p50)"
	result "NIC echo, p99" "$who" "$unit" "$(fact "$file" nic_p99)"
	[ "$(fact "$file" nic_lost)" = 0 ] || say "$who: $(fact "$file" nic_lost) echoes were lost"
}

has_link()
{
	[ "$(cat "/sys/class/net/$1/carrier" 2>/dev/null)" = 1 ]
}

on_host()
{
	local dev

	itsy release "$nvme" "$nic" >/dev/null 2>&1
	# What udev would wait for.
	await "the NIC's driver" [ -d "/sys/bus/pci/devices/$nic/net" ] || exit 1
	await "the disk" [ -b /dev/nvme0n1 ] || exit 1
	dev=$(ls "/sys/bus/pci/devices/$nic/net")
	ip link set "$dev" up
	await "a link" has_link "$dev" || exit 1
	ip addr add 10.0.2.15/24 dev "$dev"
	sleep 1
	{
		$one_cpu "$peers/qd1" /dev/nvme0n1 "$count"
		$one_cpu "$peers/rtt" 10.0.2.2 "$count"
	} >/tmp/io.out || exit 1
	ip addr flush dev "$dev"
	ip link set "$dev" down
	figures host /tmp/io.out
}

# What the host sees of the guest while it is silent.
marked()
{
	local who=$1 pid=$2 phase=$3 kernel_before=$4 per all user

	all=$(vm_exits "$pid" exits)
	user=$(vm_exits "$pid" mmio_exit_user)
	case $phase in
	begin*) all_before=$all user_before=$user ;;
	end*)
		per=${phase#end }
		[ "$per" = nvme ] && per="NVMe read" || per="NIC echo"
		result "exits per $per" "$who" exits "$(awk "BEGIN { printf \"%.2f\", ($all - $all_before) / $count }")"
		result "exits to user space per $per" "$who" exits \
			"$(awk "BEGIN { printf \"%.2f\", ($user - $user_before) / $count }")"
		;;
	idle)
		result "memory beyond the guest's" "$who" KiB "$(vm_memory $((mib * 1024)) "$pid")"
		result "host kernel's memory" "$who" KiB $(($(kernel_memory) - kernel_before))
		;;
	esac
}

in_guest()
{
	local who=$1 pid line kernel

	itsy bind "$nvme" "$nic" >/dev/null
	sleep 1
	kernel=$(kernel_memory)
	rm -f /tmp/console
	mkfifo /tmp/console
	case $who in
	qemu)
		qemu $mib -kernel "$guest/Image" -initrd "$peers/initrd" -append "console=ttyAMA0 $words" \
			-device "vfio-pci,host=$nvme" -device "vfio-pci,host=$nic" </dev/null >/tmp/console 2>/tmp/io.err &
		;;
	itsy-*)
		itsy_guest "${who#itsy-}" --quiet --set spin-cpu=$spin_cpu --set "cmdline=console=ttyS0 $words" </dev/null >/tmp/console 2>/tmp/io.err &
		;;
	esac
	pid=$!
	while IFS= read -r line; do
		line=$(printf %s "$line" | tr -d '\r')
		case $line in
		'peers: '*) marked "$who" "$pid" "${line#peers: }" "$kernel" ;;
		esac
		printf '%s\n' "$line" >&3
	done </tmp/console 3>/tmp/io.out
	if ! wait "$pid" || ! grep -q '^job peers: PASS' /tmp/io.out; then
		say "$who failed"
		cat /tmp/io.err /tmp/io.out >&2
		exit 1
	fi
	figures "$who" /tmp/io.out
}

itsy_conf $mib "$nvme" "$nic"
# Words. Who was first is last in the next turn.
# shellcheck disable=SC2046
set -- $(contenders)
n=0
while [ $n -lt "$turns" ]; do
	on_host
	for who; do
		in_guest "$who"
	done
	first=$1
	shift
	set -- "$@" "$first"
	n=$((n + 1))
done
