#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Where the host has them: performance counters count on each vCPU and their overflow interrupts; each vCPU finds its
# stolen time, which grows where two have one CPU of the host's, also after a reset; Linux finds both.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

host_file /etc/counters.conf <<'END'
kernel = "/usr/share/itsy/payloads/counters.bin"
memory = "128M"
vcpus  = 2
END
host_file /etc/board.conf <<'END'
kernel  = "/usr/share/itsy/guest/Image"
initrd  = "/usr/share/itsy/guest/initramfs.cpio"
cmdline = "console=ttyS0 quiet itsy.job=board"
memory  = "256M"
END

on_host --cpus 2 <<'END'
step check itsy check
step map itsy run --print-memory-map /etc/counters.conf
guest counters /etc/counters.conf
guest crowded /etc/counters.conf --set vcpu-cpus=1,1 --set cmdline=resets=1
guest board /etc/board.conf
END

has check.out '^INFO +PMU +guests have performance counters$'
has check.out '^INFO +stolen time +guests see how long their vCPUs wait for a CPU$'
has map.out '^0x0009030000 +0x000903ffff +64 KiB +stolen time of the vCPUs$'
for name in counters crowded; do
	payload_passed $name counters
	expect "$name: each vCPU had 4 overflows" [ "$(fact $name overflows)" = 8 ]
	expect "$name: two have a place in that memory" [ "$(fact $name stolen_places)/$(fact $name stolen_at)" = 2/$((0x9030000)) ]
	json $name '.unclaimed == 0 and .aborted.unreachable == 0'
done
has crowded.out '^resetting$'
json crowded '.boots == 2'
json counters '.boots == 1'
# Two work for two seconds on one CPU.
expect "crowded: some time was stolen" [ "$(fact crowded stolen_ms)" -ge 500 ]

job_passed board board
has board.out '^found .*armv8_pmuv3.* PMU driver, [0-9]+ counters available'
has board.out '^found .*using stolen time PV$'

verdict
