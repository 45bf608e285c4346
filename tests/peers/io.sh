#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck shell=dash
#
# io.sh - reads of an NVMe and the smallest packets of a NIC, one at a time, by the host's own drivers, by a
# guest under QEMU, and by the same guest under itsy with each route, in turn: those of the first second, and COUNT
# that follow; what each guest costs beside: exits for each, memory beyond its own.
#
# usage: io.sh NVME-BDF NIC-BDF [TURNS [COUNT]]

# shellcheck source=tests/peers/host.sh
. "${PEERS:-/lib/peers}/host.sh"

launch="exec $one_cpu"
nvme=$1 nic=$2 turns=${3:-3} count=${4:-2000}
mib=256
first_ms=1000
words="quiet itsy.job=peers itsy.silence=2 itsy.reads=$count itsy.echoes=$count itsy.first-ms=$first_ms"
# KEY of phases.h; its row, of one and of many; and the unit of how many are done in a second.
series='nvme|NVMe read|NVMe reads|reads/s
nic|NIC echo|NIC echoes|echoes/s'

figures()
{
	local who=$1 file=$2 key row rows rate

	while IFS='|' read -r key row rows rate; do
		percentiles "$row" "$who" "$file" "$key"
		result "$rows one after the other" "$who" "$rate" "$(fact "$file" "${key}_rate")"
		percentiles "$row, first second" "$who" "$file" "${key}_first"
		result "$rows one after the other, first second" "$who" "$rate" "$(fact "$file" "${key}_first_rate")"
		[ "$(fact "$file" "${key}_lost")" = 0 ] || say "$who, $row: $(fact "$file" "${key}_lost") were lost"
	done <<END
$series
END
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
		$one_cpu "$peers/qd1" /dev/nvme0n1 "$count" $first_ms
		$one_cpu "$peers/rtt" 10.0.2.2 "$count" $first_ms
	} >/tmp/io.out || exit 1
	ip addr flush dev "$dev"
	ip link set "$dev" down
	figures host /tmp/io.out
}

# The process that has the guest: itsy's has been made by the one that was started.
process_of()
{
	cat /proc/[0-9]*/stat 2>/dev/null | awk -v started="$1" '$4 == started { child = $1 } END { print child ? child : started }'
}

# What the host sees of the guest: exits between the marks of phases.h, behind which the guest goes on as it did before,
# and memory while it is silent.
marked()
{
	local who=$1 pid=$2 phase=$3 kernel_before=$4 key=${3#* }

	case $phase in
	steady*)
		vm_exits "$pid" >/tmp/exits
		elsewhere=$(interrupts_elsewhere)
		;;
	over*)
		# What spins has them where it spins.
		[ "$who" = itsy-spin ] || [ "$(interrupts_elsewhere)" = "$elsewhere" ] ||
			{ say "$who: interrupts came to other CPUs"; exit 1; }
		vm_exits "$pid" | awk -v key="$key" '
			NR == FNR { before[$1] = $2; next }
			{ print key "_exits_" $1, $2 - before[$1] }' /tmp/exits -
		;;
	idle)
		result "memory beyond the guest's" "$who" KiB "$(vm_memory $((mib * 1024)) "$pid")" >&4
		result "host kernel's memory" "$who" KiB $(($(kernel_memory) - kernel_before)) >&4
		;;
	esac
}

# each FILE KEY PER: a number for each of those that were made between the marks
each()
{
	awk "BEGIN { printf \"%.3f\", $(fact "$1" "$2") / $(fact "$1" "$3_marked") }"
}

exits()
{
	local who=$1 file=$2 key row rows rate

	while IFS='|' read -r key row rows rate; do
		result "exits per $row" "$who" exits "$(each "$file" "${key}_exits_all" "$key")"
		result "exits to user space per $row" "$who" exits "$(each "$file" "${key}_exits_user" "$key")"
		result "exits to sleep per $row" "$who" exits "$(each "$file" "${key}_exits_sleep" "$key")"
		result "exits for interrupts per $row" "$who" exits "$(each "$file" "${key}_exits_interrupts" "$key")"
	done <<END
$series
END
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
	qemu*)
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
		'peers: '*) marked "$who" "$(process_of "$pid")" "${line#peers: }" "$kernel" >&3 ;;
		esac
		printf '%s\n' "$line" >&3
	done </tmp/console 3>/tmp/io.out 4>&1
	if ! wait "$pid" || ! grep -q '^job peers: PASS' /tmp/io.out; then
		say "$who failed"
		cat /tmp/io.err /tmp/io.out >&2
		exit 1
	fi
	figures "$who" /tmp/io.out
	exits "$who" /tmp/io.out
}

itsy_conf $mib "$nvme" "$nic"
n=0
while [ $n -lt "$turns" ]; do
	on_host
	for who in $(contenders $n); do
		in_guest "$who"
	done
	n=$((n + 1))
done
