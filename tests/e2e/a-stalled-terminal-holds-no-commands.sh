#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A terminal that takes no more holds the vCPU that writes to its console, and itsy's main thread where that
# has something to say; but not the guest's commands: a queue of many runs to its end all the same. What the guest
# wrote comes once the terminal goes on.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

# A host without io_uring, of which the main thread warns when the guest runs.
without=$(dirname "${ITSY:-$build/arm64/itsy}")/without-io-uring
[ -x "$without" ] || { echo "$without is not there (make test makes it)"; exit 77; }

host_file /etc/queue.conf <<'END'
kernel = "/usr/share/itsy/payloads/queue.bin"
memory = "128M"
vcpus  = 2
device "edu" {
	bdf = "0000:00:01.0"
}
END

on_host --device edu --file "$without:/bin/without-io-uring" <<'END'
interrupts()
{
	grep 'vfio.*0000:00:01\.0' /proc/interrupts
}

has_interrupted()
{
	interrupts | awk '{ for (i = 2; i <= NF && $i ~ /^[0-9]+$/; i++) n += $i } END { exit !n }'
}

# waits_for_terminal PID: the main thread of its guest's process is in a write that does not end.
waits_for_terminal()
{
	grep -q 'pipe_w' "/proc/$(guest_process "$1")/wchan"
}

mkfifo /tmp/terminal
exec 3<>/tmp/terminal
head -c 65536 /dev/zero >&3
without-io-uring itsy run --quiet /etc/queue.conf --stats-json /tmp/stalled.json </dev/null >/tmp/terminal 2>&1 3>&- &
pid=$!
step main await 'the main thread to wait for the terminal' waits_for_terminal $pid
step commands await 'the interrupt behind the commands' has_interrupted
step still waits_for_terminal $pid
step interrupts interrupts
tr -d '\000' </tmp/terminal >/tmp/stalled.out 3>&- &
reader=$!
exec 3>&-
rc=0
wait $pid || rc=$?
wait $reader
step_report stalled $rc
END

is_status main 0
is_status commands 0
is_status still 0
is_status stalled 0
# Two threads wrote: one's line can stand in the middle of the other's.
has stalled.out 'itsy: warning: io_uring: '
has stalled.out '^payload queue: PASS$'
expect "stalled: 2000 commands" [ "$(fact stalled commands)" = 2000 ]
json stalled '.its_errors == []'
json stalled ".devices[0].vectors[0].taken == $(fact stalled handled)"

verdict
