#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck shell=dash
#
# edu.sh - a device's round trip, and from exec() to the guest's first instruction: of the host itself,
# of QEMU, and of itsy by each route, in turns. Runs on the emulated host.
#
# usage: edu.sh [TURNS]		(default 3)
#
# The guest is the payload roundtrip (tests/guest/roundtrip.c) in both VMMs: one vCPU, 64 MiB, the edu
# device at 0000:00:01.0, which is bound to vfio-pci before. The host's own driver is edu_host.c, in a
# process as well: the kernel has none. A row for each figure of each turn; who compares takes medians.
# In guests the round trips of the first second are a row of their own, and the steady ones follow at once.

# shellcheck source=tests/peers/host.sh
. "${PEERS:-/lib/peers}/host.sh"

edu=0000:00:01.0
payload=/usr/share/itsy/payloads/roundtrip.bin
rounds=1000
words="rounds=$rounds gap_us=200"
# So long is the default route given to notice that its vector is busy.
first_ms=1000
mib=64
tmp=/tmp/edu
# For each run: an interrupt that is lost would take for ever. They take seconds.
patience="timeout 600 $one_cpu"
launch="$patience $peers/stamp"

run_qemu()
{
	qemu $mib -kernel $payload "$@"
}

# run_itsy CONF [OPTION]...
run_itsy()
{
	$launch itsy run "$@"
}

run_host()
{
	# Words, not one word.
	# shellcheck disable=SC2086
	$patience "$peers/edu_host" $edu $words
}

# measure COMMAND...: it runs, and says what it has to, or all ends.
measure()
{
	local rc=0

	"$@" </dev/null >$tmp/out 2>$tmp/err || rc=$?
	[ $rc != 0 ] || grep -q "^$wanted " $tmp/out || rc="0 without '$wanted'"
	[ "$rc" = 0 ] || { say "$* ended with status $rc"; cat $tmp/out $tmp/err >&2; exit 1; }
}

round_trip()
{
	percentiles "edu round trip" "$1" $tmp/out edu
	percentiles "edu round trip, first second" "$1" $tmp/out edu_first
}

# first ROW WHO
first()
{
	result "$1" "$2" "$unit" \
		"$(ns $(($(fact $tmp/out first) - $(fact $tmp/out exec))) "$(fact $tmp/out frequency)")"
}

# once TURN
once()
{
	local turn=$1 who

	wanted=edu_p99
	measure run_host
	round_trip host
	for who in $(contenders "$turn"); do
		case $who in
		qemu*) measure run_qemu -append "$words first_ms=$first_ms" -device "vfio-pci,host=$edu" ;;
		itsy-*) measure run_itsy $tmp/edu.conf --set "route=${who#itsy-}" --set spin-cpu=$spin_cpu ;;
		esac
		round_trip "$who"
		first "exec to first instruction" "$who"
	done

	wanted=first
	for who in $(contenders "$turn"); do
		case $who in
		qemu*) measure run_qemu -append "$words" ;;
		"$default") measure run_itsy $tmp/bare.conf --set "route=${default#itsy-}" ;;
		*) continue ;;
		esac
		first "exec to first instruction, no device" "$who"
	done
}

mkdir -p $tmp
cat >$tmp/bare.conf <<END
kernel  = "$payload"
cmdline = "$words"
memory  = "${mib}M"
END
{
	sed "s/^cmdline.*/cmdline = \"$words first_ms=$first_ms\"/" $tmp/bare.conf
	printf 'device "edu" {\n\tbdf = "%s"\n}\n' $edu
} >$tmp/edu.conf

trap 'itsy release $edu >/dev/null' EXIT
trap 'exit 143' HUP INT TERM
itsy bind $edu >/dev/null || exit 1
turn=0
while [ $turn -lt "${1:-3}" ]; do
	once $turn
	turn=$((turn + 1))
done
