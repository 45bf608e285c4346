#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Linux with a disk and a NIC at work keeps all its interrupts while the routes of all vectors change
# again and again, and interrupts move between its CPUs: no request waits for an interrupt that was
# lost, and Linux gets none that it did not expect.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

host_file /etc/both.conf <<'END_CONF'
kernel  = "/usr/share/itsy/guest/Image"
initrd  = "/usr/share/itsy/guest/initramfs.cpio"
cmdline = "console=ttyS0 loglevel=5 itsy.job=both itsy.seconds=8 itsy.affinity"
vcpus   = 2
memory  = "256M"
device "nvme" {
	bdf = "0000:00:01.0"
}
device "nic" {
	bdf = "0000:00:02.0"
}
END_CONF

on_host --device nvme --device e1000e <<'END_SCRIPT'
itsy run /etc/both.conf --stats-json /tmp/both.json </dev/null >/tmp/both.out 2>/tmp/both.err &
pid=$!
await "its socket" test -S /run/itsy/both.sock
: >/tmp/switched.out
: >/tmp/switched.err
n=0
while kill -0 $pid 2>/dev/null && [ $n -lt 2000 ]; do
	for route in irqfd uring spin uring irqfd spin; do
		itsy ctl both route all $route >>/tmp/switched.out 2>>/tmp/switched.err || break
		n=$((n + 1))
	done
done
rc=0
wait $pid || rc=$?
step_report switched 0
step_report both $rc
END_SCRIPT

job_passed both both
has both.out '^nvme_check: [1-9][0-9]* rounds'
has both.out '^nic_check: [1-9][0-9]* rounds'
# What Linux says of an interrupt that did not come, or that nobody had asked for.
lacks both.out 'timeout|completion polled|Tx Unit Hang|nobody cared|Disabling IRQ|rcu.*stall'
counts_add_up both
none_dropped both
json both '.its_errors == [] and .unclaimed == 0 and .aborted.unemulated == 0 and .its_commands.MOVI.done > 0'
switches=$(wc -l <"$(file_of switched.out)")
expect "routes were changed over 30 times, not $switches" [ "$switches" -gt 30 ]
# They came by both of the ways that are counted, too.
json both '[.devices[].vectors[].injected] | add > 0'

verdict
