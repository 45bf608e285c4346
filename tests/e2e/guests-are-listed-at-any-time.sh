#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A guest is listed from the start of its process to its end: while it is set up, while it runs, where it does not answer.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

host_file /etc/shell.conf <<'END'
kernel  = "/usr/share/itsy/guest/Image"
initrd  = "/usr/share/itsy/guest/initramfs.cpio"
cmdline = "console=ttyS0 quiet itsy.job=shell"
memory  = "128M"
END

on_host --device edu <<'END'
is_listed()
{
	itsy list 2>/dev/null | grep -q "$1"
}

# Set-up opens the file of the statistics, which waits for a reader.
mkfifo /tmp/stats
itsy run --quiet /etc/shell.conf --stats-json /tmp/stats --name slow </dev/null >/tmp/slow.out 2>&1 &
pid=$!
await 'the guest to be set up' is_listed slow
step set_up itsy list
for i in 1 2 3 4 5 6 7 8 9 10; do
	itsy list >/dev/null 2>&1
done
step set_up_json sh -c 'itsy list --json >/tmp/set_up_json.json'
cat /tmp/stats >/dev/null &
await 'the guest to run' is_listed 'slow .*running'
step runs itsy list
kill -STOP "$(guest_process $pid)"
step silent itsy list
kill -CONT "$(guest_process $pid)"
await 'the guest to answer' is_listed 'slow .*running'
kill -QUIT $pid
wait $pid
step none itsy list
END

is_status set_up 0
has set_up.out '^slow +[0-9]+ +- +- +- +set-up$'
nr_lines set_up.err 0
json set_up_json '.guests[0].state == "set-up" and .guests[0].pid > 0'
has runs.out '^slow +[0-9]+ +1 +128M .*running$'
has silent.out '^slow +[0-9]+ +- +- +- +silent$'
has silent.err 'warning: slow: it has not answered'
has none.err 'no guest runs'

verdict
