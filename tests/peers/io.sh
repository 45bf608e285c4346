#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck shell=dash
#
# io.sh - reads of an NVMe and the smallest packets of a NIC, one at a time, by the host's own drivers, by a
# guest under QEMU, and by the same guest under itsy with each route; what each guest costs beside: memory beyond its
# own where time is real, exits for each where it counts.
#
# Where time is real, the guests of all contenders live at once, with an NVMe and a NIC each, all but one of them idle: it is
# one's turn, then the next one's, in rounds. In a long turn the first second is measured. Then there are SHORT rounds of short
# turns, of COUNT of each, for the steady state: how fast the emulator runs a guest stays the same for seconds, and is another
# one in the next turn, and some of it for as long as the guest lives (RESULTS.md), so that many short turns of guests that
# started often say more than few long ones. Then all start anew, and each has other functions than before.
#
# Where time counts instructions: how many each takes, of all that is COUNT of them and more go on (phases.h), of all that
# runs on the machine, and how often the guest exits. In real time the host's ticks would be most of what makes exits differ:
# a slow turn has more of them. There is one guest at a time, for nothing is to be heard of others.
#
# usage: io.sh TURNS COUNT NVME-BDF,NIC-BDF...	TURNS rounds, or some more; as many pairs as there are contenders

# shellcheck source=tests/peers/host.sh
. "${PEERS:-/lib/peers}/host.sh"

launch="exec $one_cpu"
turns=$1 count=$2
shift 2
pairs=$*
mib=256
# A vector of auto is hot within a tenth of a second.
long_ms=1000 short_ms=100
long=1 short=10
if [ $unit = instructions ]; then
	# It takes long.
	long_ms=200
	long=$((turns < 4 ? turns : 4)) short=0
	# Ticks fall into other reads in another turn.
	again=qemu-again
	# How long a device takes is the emulator's matter: to wait for it is not to count.
	echo 0 >/sys/module/kvm/parameters/halt_poll_ns
fi
rounds=$((short ? short : long))
# KEY of phases.h; its row, of one and of many; and the unit of how many are done in a second.
series='nvme|NVMe read|NVMe reads|reads/s
nic|NIC echo|NIC echoes|echoes/s'

# figures WHO FILE counted|long|short: what this kind of turn is for. One program makes all of them: on an emulated
# CPU it takes long to start one.
figures()
{
	echo "$series" | awk -F'|' -v who="$1" -v kind="$3" -v unit=$unit '
		# Later figures of a name are those of this turn.
		NR == FNR { gsub(/\r/, ""); n = index($0, " "); value[substr($0, 1, n - 1)] = substr($0, n + 1); next }
		function need(name) {
			if (value[name] !~ /^[0-9.]+$/) {
				print "peers: " who " has no " name >"/dev/stderr"
				exit failed = 1
			}
			return value[name]
		}
		function result(row, unit, figure) { print "result|" row "|" who "|" unit "|" figure }
		function percentiles(row, name) {
			result(row ", p50", unit, need(name "_p50"))
			# Of too few there is none.
			if (name "_p99" in value)
				result(row ", p99", unit, value[name "_p99"])
		}
		function each(name) { return sprintf("%.3f", need($1 "_" name) / need($1 "_marked")) }
		need($1 "_lost") > 0 { print "peers: " who ", " $2 ": " value[$1 "_lost"] " were lost" >"/dev/stderr" }
		kind == "counted" { result($2, unit, each("instructions")) }
		kind == "long" {
			percentiles($2 ", first second", $1 "_first")
			result($3 " one after the other, first second", $4, need($1 "_first_rate"))
		}
		kind == "counted" && who != "host" {
			result("exits per " $2, "exits", each("exits_all"))
			result("exits to user space per " $2, "exits", each("exits_user"))
			result("exits to sleep per " $2, "exits", each("exits_sleep"))
			result("exits for interrupts per " $2, "exits", each("exits_interrupts"))
		}
		kind == "short" {
			percentiles($2, $1)
			result($3 " one after the other", $4, need($1 "_rate"))
		}
		END { exit failed }' "$2" - || { tail -n 20 "$2" >&2 && exit 1; }
}

# --- counting --------------------------------------------------------------------------------------

# between answers at descriptor 6 what is said at 5: no program starts for it.
begin_counting()
{
	mkfifo /tmp/asked /tmp/answers
	"$peers/between" </tmp/asked >/tmp/answers &
	exec 5>/tmp/asked 6</tmp/answers
}

# What came between two marks, as "KEY_WHAT N".
counted()
{
	local who=$1 phase=$2 folder= answer

	case $phase in
	steady*)
		[ "$who" = host ] || read -r folder <"/tmp/$who.folder"
		echo "begin${folder:+ $folder}" >&5
		read -r answer <&6
		;;
	over*)
		echo end >&5
		read -r answer <&6
		# Words.
		# shellcheck disable=SC2086
		set -- $answer
		while [ $# -gt 1 ]; do
			echo "${phase#* }_$1 $2"
			shift 2
		done
		;;
	esac
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

# On standard error there are marks, and what goes wrong.
turn_host()
{
	local count=$1 first_ms=$2 line

	{
		$one_cpu "$peers/qd1" "$disk" "$count" "$first_ms" && $one_cpu "$peers/rtt" 10.0.2.2 "$count" "$first_ms" ||
			say "the host's own programs failed"
	} 2>&1 >/tmp/host.figures | while read -r line; do
		case $line in
		'peers: steady '* | 'peers: over '*) [ $unit != instructions ] || counted host "${line#peers: }" ;;
		*) printf '%s\n' "$line" >&2 ;;
		esac
	done >/tmp/host.out
	cat /tmp/host.figures >>/tmp/host.out
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

# The guest goes on behind the marks of phases.h as it did before.
marked()
{
	local who=$1 phase=$2

	# What spins has them where it spins.
	[ ! -e /tmp/short ] && [ "$who" != itsy-spin ] || return 0
	case $phase in
	steady*) interrupts_elsewhere >"/tmp/$who.elsewhere" ;;
	over*)
		[ "$(interrupts_elsewhere)" = "$(cat "/tmp/$who.elsewhere")" ] ||
			echo "$who: interrupts came to other CPUs"
		;;
	esac
}

# Reads a guest's console: what was said is in WHO.out; a line in WHO.idle for each time that the guest is idle, and at its
# end another word.
listen()
{
	local who=$1 line cr

	cr=$(printf '\r')

	while IFS= read -r line; do
		line=${line%"$cr"}
		printf '%s\n' "$line"
		case $line in
		'peers: idle') echo idle >&3 ;;
		'peers: '*) "$at_marks" "$who" "${line#peers: }" ;;
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

# It is WHO's turn, for COUNT of each behind FIRST_MS; ends when it is idle again.
turn_guest()
{
	local who=$1 count=$2 first_ms=$3

	echo "$count $count $first_ms" >"/tmp/$who.in"
	is_idle "$who" 9<>"/tmp/$who.idle"
}

start_guest()
{
	local who=$1 nvme=$2 nic=$3 pid

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
	pid=$(process_of "$(cat "/tmp/$who.pid")")
	# KVM's own of this guest.
	echo "/sys/kernel/debug/kvm/$pid"-* >"/tmp/$who.folder"
	# Not measured: all that it will ever need has been taken then.
	turn_guest "$who" 100 $long_ms
	[ $unit != instructions ] || return 0
	result "memory beyond the guest's" "$who" KiB "$(vm_memory Rss $((mib * 1024)) "$pid")"
	result "host kernel's memory" "$who" KiB $(($(kernel_memory) - kernel))
}

end_guest()
{
	local who=$1

	echo end >"/tmp/$who.in"
	wait "$(cat "/tmp/$who.pid")" && grep -q '^job peers: PASS' "/tmp/$who.out" || died "$who" "failed"
	kill "$(cat "/tmp/$who.holder")"
}

# --- all of them -----------------------------------------------------------------------------------

# The functions of contender number N of boot number B: not always the same.
pair_of()
{
	echo "$pairs" | awk -v n="$1" -v boot="$2" '{ split($((n + boot) % NF + 1), pair, ","); print pair[1], pair[2] }'
}

# round NUMBER KIND COUNT FIRST_MS WHO...: a turn of each
round()
{
	local number=$1 kind=$2 count=$3 first_ms=$4 who
	shift 4

	for who in $(in_any_order "$number" "$@"); do
		# shellcheck disable=SC2046
		"turn_$(kind_of "$who")" $(arguments_of "$who") "$count" "$first_ms"
		figures "$who" "/tmp/$who.out" "$kind"
	done
}

# together BOOT WHO...: the rounds of these, which live at once
together()
{
	local boot=$1 who n=0 kind=long
	shift

	echo "anew|"
	for who; do
		# Two words.
		# shellcheck disable=SC2046
		"start_$(kind_of "$who")" $(arguments_of "$who") $(pair_of $n "$boot")
		n=$((n + 1))
	done
	[ $unit != instructions ] || kind=counted
	for n in $(seq $long); do
		round $((boot * (long + short) + n)) $kind "$count" $long_ms "$@"
	done
	touch /tmp/short
	for n in $(seq $short); do
		round $((boot * (long + short) + long + n)) short "$count" $short_ms "$@"
	done
	rm /tmp/short
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

at_marks=marked
if [ $unit = instructions ]; then
	at_marks=counted
	begin_counting
fi
boot=0
while [ $((boot * rounds)) -lt "$turns" ]; do
	all=$(contenders $boot)
	if [ $unit = instructions ]; then
		for who in host $all; do
			together $boot "$who"
		done
	else
		# What spins takes a CPU from others as long as it lives.
		# shellcheck disable=SC2046
		together $boot host $(echo "$all" | tr ' ' '\n' | grep -vx itsy-spin)
		case " $all " in
		*' itsy-spin '*) together $boot itsy-spin ;;
		esac
	fi
	boot=$((boot + 1))
done
