#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A guest's memory in the host's huge pages: devices write to it, and it is given back; where there are too few,
# check and run say so in the same words, before a device is touched; and so where the host, or the process's cgroup, has
# not the memory that devices would lock.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

host_file /etc/edu.conf <<'END'
kernel = "/usr/share/itsy/payloads/edu.bin"
memory = "64M"
memory-backing = "hugetlb:2M"
device "edu" {
	bdf = "0000:00:01.0"
}
END

on_host --device edu <<'END'
huge_pages()
{
	awk '$1 == "HugePages_Free:" { free = $2 } $1 == "HugePages_Rsvd:" { print free - $2 }' /proc/meminfo
}

is_taken()
{
	[ "$(huge_pages)" -lt 33 ] || ! kill -0 $pid 2>/dev/null
}

pool=/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages
echo 31 >$pool
step few_check itsy check /etc/edu.conf
step few itsy run /etc/edu.conf
driver 0000:00:01.0
in_cgroup()
{
	sh -c 'echo $$ >/sys/fs/cgroup/small/cgroup.procs; exec "$@"' sh "$@"
}

# As much as is free: nothing would be left for the host.
all=$(awk '$1 == "MemAvailable:" { print int($2 / 2048) * 2 }' /proc/meminfo)
for what in check run; do
	step "all_$what" itsy $what /etc/edu.conf --set memory-backing=thp --set "memory=${all}M"
done
step all_dry itsy run /etc/edu.conf --set memory-backing=thp --set "memory=${all}M" --dry-run
mount -t cgroup2 none /sys/fs/cgroup
echo +memory >/sys/fs/cgroup/cgroup.subtree_control
mkdir /sys/fs/cgroup/small
echo 100M >/sys/fs/cgroup/small/memory.max
for what in check run; do
	step "small_$what" in_cgroup itsy $what /etc/edu.conf --set memory-backing=thp
done
step after_all driver 0000:00:01.0
step none itsy run /etc/edu.conf --set memory-backing=hugetlb:64K
echo 33 >$pool
echo "before $(huge_pages)" >>/tmp/pages.out
step check itsy check /etc/edu.conf
itsy run /etc/edu.conf --stats-json /tmp/edu.json </dev/null >/tmp/edu.out 2>/tmp/edu.err &
pid=$!
await "huge pages to be taken" is_taken
echo "meanwhile $(huge_pages)" >>/tmp/pages.out
rc=0
wait $pid || rc=$?
step_report edu $rc
echo "after $(huge_pages)" >>/tmp/pages.out
step_report pages 0
END

payload_passed edu edu
counts_add_up edu
expect "33 huge pages are free, not '$(fact pages before)'" [ "$(fact pages before)" = 33 ]
expect "32 of them are the guest's, and 1 is free, not '$(fact pages meanwhile)'" [ "$(fact pages meanwhile)" = 1 ]
expect "they are given back: 33, not '$(fact pages after)'" [ "$(fact pages after)" = 33 ]
has check.out 'PASS.*64 MiB in huge pages of 2 MiB'

is_status few 4
why='32 huge pages of 2 MiB are needed, and 31 are free'
has few.err "itsy: error: guest memory: $why"
has few.err 'add 1 to /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages'
has few_check.out "FAIL.*$why"
for name in all small; do
	is_status "${name}_run" 4
	is_status "${name}_check" 4
	has "${name}_run.err" '^itsy: error: guest memory: DMA would lock [0-9]+ MiB, and [0-9]+ MiB beside it, and [0-9]+ MiB are free'
	has "${name}_check.out" '^FAIL  memory +DMA would lock [0-9]+ MiB, and [0-9]+ MiB beside it, and [0-9]+ MiB are free'
done
is_status all_dry 4
has all_dry.err '^itsy: error: guest memory: DMA would lock'
has small_run.err 'and 100 MiB are free in its cgroup|and 9[0-9] MiB are free in its cgroup'
has small_run.err 'raise /sys/fs/cgroup/small/memory.max'
has after_all.out '^none$'
is_status none 4
has none.err 'guest memory: the host has no huge pages of 64 KiB|32 huge pages of 64 KiB|1024 huge pages of 64 KiB'

verdict
