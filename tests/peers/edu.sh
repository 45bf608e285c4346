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

# shellcheck source=tests/peers/host.sh
. "${PEERS:-/lib/peers}/host.sh"

edu=0000:00:01.0
payload=/usr/share/itsy/payloads/roundtrip.bin
words="rounds=1000 gap_us=200"
mib=64
tmp=/tmp/edu
# For each run: an interrupt that is lost would take for ever.
patience="timeout 60"
launch="$patience $peers/stamp"

run_qemu()
{
	qemu $mib -kernel $payload -append "$words" "$@"
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

# The value of the line "KEY VALUE" of what ran last.
said()
{
	tr -d '\r' <$tmp/out | sed -n "s/^$1 //p" | tail -n 1 | grep .
}

# measure COMMAND...: it runs, and says what it has to, or all ends.
measure()
{
	local rc=0

	"$@" </dev/null >$tmp/out 2>$tmp/err || rc=$?
	[ $rc != 0 ] || said "$wanted" >/dev/null || rc="0 without '$wanted'"
	[ "$rc" = 0 ] || { echo "edu.sh: $* ended with status $rc" >&2; cat $tmp/out $tmp/err >&2; exit 1; }
}

round_trip()
{
	result "edu round trip" "$1" $unit "$(said edu_p50)"
	result "edu round trip p99" "$1" $unit "$(said edu_p99)"
}

# first ROW WHO
first()
{
	result "$1" "$2" "$unit" "$(ns $(($(said first) - $(said exec))) "$(said frequency)")"
}

once()
{
	local route

	wanted=edu_p99
	measure run_host
	round_trip host
	measure run_qemu -device "vfio-pci,host=$edu"
	round_trip qemu
	first "exec to first instruction" qemu
	for route in $routes; do
		measure run_itsy $tmp/edu.conf --set "route=$route"
		round_trip "itsy-$route"
		first "exec to first instruction" itsy
	done

	wanted=first
	measure run_qemu
	first "exec to first instruction, no device" qemu
	measure run_itsy $tmp/bare.conf
	first "exec to first instruction, no device" itsy
}

mkdir -p $tmp
cat >$tmp/bare.conf <<END
kernel  = "$payload"
cmdline = "$words"
memory  = "${mib}M"
END
{
	cat $tmp/bare.conf
	printf 'device "edu" {\n\tbdf = "%s"\n}\n' $edu
} >$tmp/edu.conf

# What spins wants a CPU of its own, beside the vCPU's and one for all the rest.
routes="uring irqfd"
[ "$(nproc)" -lt 3 ] || routes="uring spin irqfd"

trap 'itsy release $edu >/dev/null' EXIT
trap 'exit 143' HUP INT TERM
itsy bind $edu >/dev/null || exit 1
turn=0
while [ $turn -lt "${1:-3}" ]; do
	once
	turn=$((turn + 1))
done
