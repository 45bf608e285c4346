#!/bin/bash
# SPDX-License-Identifier: MIT
#
# vCPUs that are pinned to CPUs of the host's lie as these do: Linux in the guest has their threads, cores and caches,
# as far as the host tells them. The host's words are put in its way here: the emulated one has no such CPUs.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

host_file /etc/board.conf <<'END'
kernel    = "/usr/share/itsy/guest/Image"
initrd    = "/usr/share/itsy/guest/initramfs.cpio"
cmdline   = "console=ttyS0 quiet itsy.job=board"
memory    = "256M"
vcpus     = 2
vcpu-cpus = "0,1"
END

on_host --cpus 2 <<'END'
# put FILE TEXT: what the host says of each CPU
put()
{
	mkdir -p "/tmp/fake/${1%/*}"
	echo "$2" >"/tmp/fake/$1"
}
# cache INDEX LEVEL TYPE SIZE
cache()
{
	put "cache/index$1/level" "$2"
	put "cache/index$1/type" "$3"
	put "cache/index$1/size" "$4"
	put "cache/index$1/coherency_line_size" 64
	put "cache/index$1/number_of_sets" 256
	put "cache/index$1/shared_cpu_list" 0-1
}
put topology/physical_package_id 0
put topology/cluster_id -1
put topology/core_id 3
cache 0 1 Data 64K
cache 1 1 Instruction 64K
cache 2 2 Unified 1024K
for cpu in 0 1; do
	for folder in topology cache; do
		mount -o bind "/tmp/fake/$folder" "/sys/devices/system/cpu/cpu$cpu/$folder" || echo "cannot be put there"
	done
done
guest threads /etc/board.conf
END

job_passed threads board
has threads.out '^cpus 2$'
for cpu in 0 1; do
	has threads.out "^cpu $cpu package_id 0\$|^cpu $cpu core_id 0\$"
	has threads.out "^cpu $cpu thread_siblings_list 0-1\$"
	has threads.out "^cpu $cpu cache 1 Data 64K"
	has threads.out "^cpu $cpu cache 2 Unified 1024K 0-1\$"
done

verdict
