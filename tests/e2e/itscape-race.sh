#!/bin/bash
# SPDX-License-Identifier: MIT
#
# All vCPUs at once switch LPIs off and on, send ITS commands, switch the ITS itself off and on and have
# a device interrupt, which is how a guest got out through the kernel's ITS (CVE-2026-46316): every vCPU
# makes progress, the host has nothing to complain of, each interrupt arrives once afterwards, and the
# device works for the next guest.
#
# What is not in it: vCPUs that switch off each other's LPIs (a-guest-cannot-hang-a-host-cpu.sh).
#
# ITSY_SECONDS=N races for so long (default 12); ITSY_SEED=N repeats a choice of moves, if not their
# timing; ITSY_HOST_OPTIONS="--kernel backports" tries a newer host.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

seconds=${ITSY_SECONDS:-12}
seed=${ITSY_SEED:-$((RANDOM << 15 | RANDOM))}
patience=$((patience + seconds))
echo "seed $seed, $seconds s"

host_file /etc/race.conf <<END
kernel  = "/usr/share/itsy/payloads/itscape.bin"
cmdline = "seconds=$seconds seed=$seed"
vcpus   = 4
memory  = "128M"
its "its" {
	lpis = 256
}
device "edu" {
	bdf = "0000:00:01.0"
	events = 64
}
END

on_host --cpus 2 --device edu <<'END'
echo "<5>race begins" >/dev/kmsg
uname -r
# By uring, for exactly so many are expected in the end.
guest race /etc/race.conf --set route=uring
step bound driver 0000:00:01.0
step machines sh -c 'ls /sys/kernel/debug/kvm | grep -c -- - || true'
guest next /etc/race.conf --set kernel=/usr/share/itsy/payloads/edu.bin --set vcpus=1
step dmesg sh -c 'dmesg | sed "1,/race begins/d"'
END

payload_passed race itscape
counts_add_up race
for key in rounds commands raised taken exact; do
	echo "$key $(fact race $key)"
	expect "race: $key" [ "$(fact race $key)" -gt 100 ]
done
echo "rounds_of_the_slowest_cpu $(fact race rounds_of_the_slowest_cpu)"
expect "every vCPU made progress" [ "$(fact race rounds_of_the_slowest_cpu)" -gt 10 ]
json race ".devices[0].vectors[0] | .taken <= $(fact race raised) + $(fact race exact) + 10 and
	.injected >= $(fact race exact)"
json race '.aborted.unreachable == 0 and (.kernel_its | .pauses > 100 and .table_writes == 0)'
has bound.out '^none$'
# The emulated host's own (tests/emuhost/agent.c).
has machines.out '^1$'
payload_passed next edu
lacks dmesg.out 'WARN|BUG|refcount|KASAN|UBSAN|Oops|corruption|stall|Call trace'

verdict
