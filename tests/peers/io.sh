#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck shell=dash
#
# io.sh - reads of an NVMe and the smallest packets of a NIC, one at a time, by the host's own drivers, by a
# guest under QEMU, and by the same guest under itsy with each route: those of the first second, and COUNT
# that follow; what each guest costs beside: exits for each, memory beyond its own.
#
# The guests of all contenders live at once, with an NVMe and a NIC each, all but one of them idle: it is one's turn for
# some seconds, then the next one's, for ROUNDS rounds. What else goes on on the machine, which changes in minutes, meets
# all alike. Then all start anew, and each has other functions than before.
#
# usage: io.sh TURNS COUNT NVME-BDF,NIC-BDF...	TURNS rounds, or some more; as many pairs as there are contenders

# shellcheck source=tests/peers/host.sh
. "${PEERS:-/lib/peers}/host.sh"

launch="exec $one_cpu"
turns=$1 count=$2
shift 2
pairs=$*
rounds=4
mib=256
first_ms=1000
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

# --- the host itself -------------------------------------------------------------------------------

has_link()
{
	[ "$(cat "/sys/class/net/$1/carrier" 2>/dev/null)" = 1 ]
}

# A word for each file there: of a pattern.
# shellcheck disable=SC2086
there()
{
	ls -d $1 2>/dev/null
}

start_host()
{
	local nvme=$1 nic=$2

	itsy release "$nvme" "$nic" >/dev/null 2>&1
	# What udev would wait for.
	await "the NIC's driver" [ -d "/sys/bus/pci/devices/$nic/net" ] || exit 1
	await "the disk" there "/sys/bus/pci/devices/$nvme/nvme/nvme*/nvme*n1" >/dev/null || exit 1
	disk=/dev/$(basename "$(there "/sys/bus/pci/devices/$nvme/nvme/nvme*/nvme*n1")")
	dev=$(ls "/sys/bus/pci/devices/$nic/net")
	ip link set "$dev" up
	await "a link" has_link "$dev" || exit 1
	ip addr add 10.0.2.15/24 dev "$dev"
}

turn_host()
{
	{
		$one_cpu "$peers/qd1" "$disk" "$1" $first_ms
		$one_cpu "$peers/rtt" 10.0.2.2 "$1" $first_ms
	} >/tmp/host.out || exit 1
}

end_host()
{
	ip addr flush dev "$dev"
	ip link set "$dev" down
}

# --- guests ----------------------------------------------------------------------------------------

# The process that has the guest: itsy's has been made by the one that was started.
process_of()
{
	cat /proc/[0-9]*/stat 2>/dev/null | awk -v started="$1" '$4 == started { child = $1 } END { print child ? child : started }'
}

# What the host sees of a guest between the marks of phases.h, behind which the guest goes on as it did before.
marked()
{
	local who=$1 phase=$2 key=${2#* } elsewhere

	case $phase in
	steady*)
		vm_exits "$(process_of "$(cat "/tmp/$who.pid")")" >"/tmp/$who.exits"
		interrupts_elsewhere >"/tmp/$who.elsewhere"
		;;
	over*)
		elsewhere=$(cat "/tmp/$who.elsewhere")
		# What spins has them where it spins.
		[ "$who" = itsy-spin ] || [ "$(interrupts_elsewhere)" = "$elsewhere" ] ||
			echo "$who: interrupts came to other CPUs"
		vm_exits "$(process_of "$(cat "/tmp/$who.pid")")" | awk -v key="$key" '
			NR == FNR { before[$1] = $2; next }
			{ print key "_exits_" $1, $2 - before[$1] }' "/tmp/$who.exits" -
		;;
	esac
}

# Reads a guest's console: what was said is in WHO.out; a line in WHO.idle for each time that the guest is idle, and at its
# end another word.
listen()
{
	local who=$1 line

	while IFS= read -r line; do
		line=$(printf %s "$line" | tr -d '\r')
		printf '%s\n' "$line"
		case $line in
		'peers: idle') echo idle >&3 ;;
		'peers: '*) marked "$who" "${line#peers: }" ;;
		esac
	done <"/tmp/$who.console" >"/tmp/$who.out"
	echo ended >&3
}

died()
{
	say "$1 $2"
	cat "/tmp/$1.err" "/tmp/$1.out" >&2
	exit 1
}

is_idle()
{
	local who=$1 word

	read -r word <&9 && [ "$word" = idle ] || died "$who" "ended"
	! grep -q '^[a-z-]*: interrupts came' "/tmp/$who.out" || died "$who" "cannot be compared"
}

# It is WHO's turn, for COUNT of each; ends when it is idle again.
turn_guest()
{
	local who=$1

	echo "$2 $2 $first_ms" >"/tmp/$who.in"
	is_idle "$who" 9<>"/tmp/$who.idle"
}

start_guest()
{
	local who=$1 nvme=$2 nic=$3

	itsy bind "$nvme" "$nic" >/dev/null
	sleep 1
	kernel=$(kernel_memory)
	rm -f "/tmp/$who".*
	mkfifo "/tmp/$who.in" "/tmp/$who.console" "/tmp/$who.idle"
	# Open as long as the guest lives.
	sleep 100000 >"/tmp/$who.in" 3<>"/tmp/$who.idle" &
	echo $! >"/tmp/$who.holder"
	listen "$who" 3<>"/tmp/$who.idle" &
	case $who in
	qemu*)
		qemu $mib -kernel "$guest/Image" -initrd "$peers/initrd" -append "console=ttyAMA0 quiet itsy.job=peers" \
			-device "vfio-pci,host=$nvme" -device "vfio-pci,host=$nic" \
			<"/tmp/$who.in" >"/tmp/$who.console" 2>"/tmp/$who.err" &
		;;
	itsy-*)
		itsy_conf $mib "$nvme" "$nic"
		itsy_guest "${who#itsy-}" --set "name=$who" --quiet --set spin-cpu=$spin_cpu \
			--set "cmdline=console=ttyS0 quiet itsy.job=peers" \
			<"/tmp/$who.in" >"/tmp/$who.console" 2>"/tmp/$who.err" &
		;;
	esac
	echo $! >"/tmp/$who.pid"
	is_idle "$who" 9<>"/tmp/$who.idle"
	# Not measured: all that it will ever need has been taken then.
	turn_guest "$who" 100
	result "memory beyond the guest's" "$who" KiB "$(vm_memory Rss $((mib * 1024)) "$(process_of "$(cat "/tmp/$who.pid")")")"
	result "host kernel's memory" "$who" KiB $(($(kernel_memory) - kernel))
}

end_guest()
{
	local who=$1

	echo end >"/tmp/$who.in"
	wait "$(cat "/tmp/$who.pid")" && grep -q '^job peers: PASS' "/tmp/$who.out" || died "$who" "failed"
	kill "$(cat "/tmp/$who.holder")"
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

# --- all of them -----------------------------------------------------------------------------------

# The functions of contender number N of boot number B: not always the same.
pair_of()
{
	echo "$pairs" | awk -v n="$1" -v boot="$2" '{ split($((n + boot) % NF + 1), pair, ","); print pair[1], pair[2] }'
}

# together BOOT WHO...: ROUNDS rounds of these, which live at once
together()
{
	local boot=$1 who n=0 round=0
	shift

	for who; do
		# Two words.
		# shellcheck disable=SC2046
		"start_$(kind_of "$who")" $(arguments_of "$who") $(pair_of $n "$boot")
		n=$((n + 1))
	done
	while [ $round -lt $rounds ]; do
		for who in $(in_any_order $((boot * rounds + round)) "$@"); do
			# shellcheck disable=SC2046
			"turn_$(kind_of "$who")" $(arguments_of "$who") "$count"
			figures "$who" "/tmp/$who.out"
			[ "$who" = host ] || exits "$who" "/tmp/$who.out"
		done
		round=$((round + 1))
	done
	for who; do
		# shellcheck disable=SC2046
		"end_$(kind_of "$who")" $(arguments_of "$who")
	done
}

kind_of()
{
	[ "$1" = host ] && echo host || echo guest
}

arguments_of()
{
	[ "$1" = host ] || echo "$1"
}

boot=0
while [ $((boot * rounds)) -lt "$turns" ]; do
	all=$(contenders $boot)
	# What spins takes a CPU from others as long as it lives.
	# shellcheck disable=SC2046
	together $boot host $(echo "$all" | tr ' ' '\n' | grep -vx itsy-spin)
	case " $all " in
	*' itsy-spin '*) together $boot itsy-spin ;;
	esac
	boot=$((boot + 1))
done
