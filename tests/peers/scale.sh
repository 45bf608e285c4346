#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck shell=dash
#
# scale.sh - does an interrupt cost more where there is more: vectors, functions, guests?
#
#   tests/emuhost/emuhost run --icount --file tests/peers/host.sh:/lib/peers/host.sh \
#       --file tests/peers/scale.sh:/lib/peers/scale.sh -- sh /lib/peers/scale.sh [KIND]... >scale.dat
#   gnuplot -e "data='scale.dat'; picture='scale.svg'" tests/peers/scale.gp
#
# Runs inside the emulated host, with guests of itsy bench irq on bare eventfds, and prints a line for each point:
#
#   scale KIND N ROUTE P50 P99 USER KERNEL BURST
#
#   KIND     vectors     N vectors of one function of one guest
#            functions   128 vectors dealt out to N functions of one guest
#            vms         N guests with 64 vectors each; all but the measured one sleep
#            busy-vms    the same, and each of the others takes 50 interrupts a second
#   ROUTE    uring or irqfd
#   P50 P99  instructions of the whole host from an eventfd's signal to the guest's read of ICC_IAR1_EL1, one at a
#            time, the guest's CPU asleep before; the vectors in turn, each three times at least
#   USER     bytes of all itsy processes together without the guests' RAM: Pss of their mappings, proc(5); - where
#            it is not measured (busy-vms). io_uring's rings are in this, and in KERNEL.
#   KERNEL   bytes that the host's kernel has more than without any guest (kernel_memory() of host.sh): slab (KVM's,
#            eventfds', io_uring's objects), kernel stacks, page tables with stage 2's, rings, per-CPU memory. In
#            whole pages and slabs.
#   BURST    median of the same for each of 16 that are signalled at once: what KVM does after the read, until it
#            can make the next one pending, is in it; - where it is not measured (1 vector)
#
# Memory is read with all guests there, before interrupts; per vector it is a slope over N.

set -u
# shellcheck source=tests/peers/host.sh
. "${PEERS:-/lib/peers}/host.sh"

kinds=${*:-vectors functions vms busy-vms}
routes='uring irqfd'
ram_kib=32768 # of a guest of itsy bench
asleep_us=10000000
guests=

say_failed()
{
	echo "scale.sh: $1" >&2
	exit 1
}

# --- guests --------------------------------------------------------------------------------------------

ticks_of()
{
	awk '{ print $14 + $15 }' "/proc/$1/stat"
}

# Until it has mapped its vectors and waits for the first one: then it does nothing at all.
await_quiet()
{
	local now then=none
	while :; do
		sleep 0.3
		now=$(ticks_of "$1") || say_failed "a guest has ended"
		[ "$now" != "$then" ] || return 0
		then=$now
	done
}

add_guest() # [OPTION]...
{
	itsy bench irq --sandbox off --count 1000000 "$@" >/dev/null 2>&1 &
	guests="$guests $!"
	await_quiet $!
}

end_guests()
{
	for guest in $guests; do
		kill -TERM "$guest"
	done
	for guest in $guests; do
		wait "$guest"
	done
	guests=
}

# --- points --------------------------------------------------------------------------------------------

bench() # FIELDS ROUTE [OPTION]...: those fields of the table, which awk is to print
{
	local fields="$1"
	shift

	itsy bench irq --routes "$@" --gap-us 200 >/tmp/out || say_failed "itsy bench irq failed: $(cat /tmp/out)"
	awk -v route="$1" '
		{ gsub(",", "") }
		$1 == route { print '"$fields"'; lost = $3 }
		END { exit lost > 0 }' /tmp/out || say_failed "an interrupt was lost: $(cat /tmp/out)"
}

measure() # VECTORS ROUTE [OPTION]...: sets single to P50 and P99, and burst
{
	local nr="$1" route="$2"
	shift 2
	burst=-

	# shellcheck disable=SC2016 # for awk
	single=$(bench '$5, $7' "$route" --vectors "$nr" --count "$(at_least $((3 * nr)) 256)" "$@") || exit 1
	# shellcheck disable=SC2016
	[ "$nr" -lt 16 ] ||
		burst=$(bench '$5' "$route" --vectors "$nr" --burst 16 --count "$(at_least $((3 * nr / 16)) 48)" \
			"$@") || exit 1
}

point() # KIND N ROUTE NR-GUESTS NR-VECTORS [OPTION]...
{
	local kind="$1" n="$2" route="$3" nr="$4" vectors="$5" user kernel
	shift 5

	while [ "$(echo "$guests" | wc -w)" -lt "$nr" ]; do
		add_guest --routes "$route" --gap-us $asleep_us --vectors "$vectors" "$@"
	done
	kernel=$((($(kernel_memory) - bare) * 1024))
	# Words.
	# shellcheck disable=SC2086
	user=$(vm_memory Pss $ram_kib $guests) || say_failed "a guest has no RAM"
	user=$((user * 1024))
	# The last one gives its place to the one that is measured.
	keep_all_but_last
	measure "$vectors" "$route" "$@"
	echo "scale $kind $n $route $single $user $kernel $burst"
}

keep_all_but_last()
{
	local last="${guests##* }"

	kill -TERM "$last"
	wait "$last"
	guests=${guests% *}
}

at_least()
{
	[ "$1" -gt "$2" ] && echo "$1" || echo "$2"
}

points_vectors()
{
	for n in 1 16 64 256 1024 2048; do
		point vectors $n "$1" 1 $n
		end_guests
	done
}

points_functions()
{
	for n in 1 2 4 8 16 32; do
		point functions $n "$1" 1 128 --functions $n
		end_guests
	done
}

points_vms()
{
	for n in 1 2 4 8; do
		point vms $n "$1" $n 64
	done
	end_guests
}

points_busy_vms()
{
	for n in 1 2 4 8; do
		while [ "$(echo "$guests" | wc -w)" -lt $((n - 1)) ]; do
			add_busy_guest "$1"
		done
		measure 64 "$1"
		echo "scale busy-vms $n $1 $single - - $burst"
	done
	end_guests
}

add_busy_guest()
{
	itsy bench irq --count 1000000 --routes "$1" --rate 50 --vectors 64 >/tmp/guest.out 2>&1 &
	guests="$guests $!"
	sleep 2
}

bare=$(kernel_memory)
for kind in $kinds; do
	for route in $routes; do
		case $kind in
		vectors) points_vectors "$route" ;;
		functions) points_functions "$route" ;;
		vms) points_vms "$route" ;;
		busy-vms) points_busy_vms "$route" ;;
		*) say_failed "there is no kind '$kind'" ;;
		esac
	done
done
