#!/bin/bash
# SPDX-License-Identifier: MIT
#
# On a host that has iommufd: guests with one device go by it and those with several by type1, unless told otherwise;
# check says which, and why. Disk and NIC work by it, memory in huge pages too, with the sandbox on; a reboot
# goes on with the same; who has a device is named; the limit of locked memory is the user's; all is given back.
# A disk that is given to a running guest works by it, too, as its only device and beside another one, and once more.
#
# Needs a host with iommufd (emuhost --kernel iommufd).

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

host_file /etc/one.conf <<'END'
kernel  = "/usr/share/itsy/guest/Image"
initrd  = "/usr/share/itsy/guest/initramfs.cpio"
cmdline = "console=ttyS0 quiet itsy.job=nvme itsy.seconds=1 itsy.affinity"
memory  = "256M"
vcpus   = 2
device "nvme" {
	bdf = "0000:00:02.0"
}
END
host_file /etc/both.conf <<'END'
kernel  = "/usr/share/itsy/guest/Image"
initrd  = "/usr/share/itsy/guest/initramfs.cpio"
cmdline = "console=ttyS0 quiet itsy.job=both itsy.seconds=1 itsy.affinity"
memory  = "256M"
vcpus   = 2
device "nvme" {
	bdf = "0000:00:02.0"
}
device "nic" {
	bdf = "0000:00:03.0"
}
END
host_file /etc/beside.conf <<'END'
kernel = "/usr/share/itsy/payloads/beside.bin"
memory = "64M"
device "edu" {
	bdf = "0000:00:01.0"
}
device "disk" {
	bdf = "0000:00:02.0"
}
END
host_file /etc/edu.conf <<'END'
kernel = "/usr/share/itsy/payloads/edu.bin"
memory = "64M"
device "edu" {
	bdf = "0000:00:01.0"
}
END
# A disk comes, its data is compared, and it leaves: twice.
comes()
{
	cat <<END
kernel  = "/usr/share/itsy/guest/Image"
initrd  = "/usr/share/itsy/guest/initramfs.cpio"
cmdline = "console=ttyS0 quiet itsy.job=newplug itsy.nvmes=0 itsy.times=2 itsy.chunks=2"
memory  = "256M"
iommu   = "iommufd"
hotplug-ports = 1
END
}
host_file /etc/alone.conf < <(comes)
host_file /etc/second.conf < <(
	comes
	cat <<'END'
device "nic" {
	bdf = "0000:00:03.0"
}
END
)

on_host --device none --device nvme --device e1000e --qemu-device edu,addr=1,dma_mask=0xffffffffff <<'END'
edu=0000:00:01.0 disk=0000:00:02.0
test -c /dev/iommu || exit 0

look()
{
	step "$1" sh -c '. /lib/e2e/host.sh
		driver '$edu'; driver '$disk'; driver 0000:00:03.0
		ls /run/itsy/bound 2>/dev/null
		await "the disk" test -b /dev/nvme0n1 && sha256sum </dev/nvme0n1'
}

step check_one itsy check /etc/one.conf
step check_both itsy check /etc/both.conf
step check_asked itsy check /etc/both.conf --set iommu=iommufd
step check_type1 itsy check /etc/one.conf --set iommu=type1
look before
guest one /etc/one.conf
guest both /etc/both.conf --set iommu=iommufd
guest reset /etc/edu.conf --set kernel=/usr/share/itsy/payloads/reset.bin
echo 33 >/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages
guest huge /etc/edu.conf --set memory-backing=hugetlb:2M
echo 0 >/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages
guest apart /etc/beside.conf --set iommu=iommufd

says()
{
	await "the guest's '$1'" grep -q "^$1" "/tmp/$name.out" || echo "it does not say $1"
}

is_driver()
{
	[ "$(driver "$1")" = "$2" ]
}

# What is at the host while the guest runs, and how much it has locked, in kB.
at_host()
{
	step "$1" sh -c "ls -l /proc/$(guest_process $pid)/fd; grep VmPin /proc/$(guest_process $pid)/status"
}

for name in alone second; do
	start_guest $name /etc/$name.conf ready --stats-json /tmp/$name.json
	kill -0 "$pid" || { end_guest; continue; }
	at_host ${name}_before
	step ${name}_info itsy ctl $name info --json
	step ${name}_add itsy ctl $name add $disk
	says "came 1"
	at_host ${name}_with
	step ${name}_remove itsy ctl $name remove hotplug0
	says "left 1"
	await "the host's driver" is_driver $disk nvme
	at_host ${name}_without
	step ${name}_again itsy ctl $name add $disk
	says "came 2"
	step ${name}_pull itsy ctl $name remove hotplug0 --force
	end_guest
	await "the host's driver" is_driver $disk nvme
done
look after

# Who has it, by its own file; to whom it is, by that of its group.
itsy run /etc/one.conf --set kernel=/usr/share/itsy/payloads/forever.bin --set initrd= </dev/null >/tmp/busy.out 2>/tmp/busy.err &
pid=$!
await "a busy guest" grep -q '^busy' /tmp/busy.out
step files sh -c "ls -l /proc/$(guest_process $pid)/fd"
for iommu in iommufd type1; do
	step other_$iommu itsy run /etc/one.conf --set name=other --set iommu=$iommu </dev/null
done
step held itsy check /etc/one.conf
step rebind itsy release $disk
kill -TERM $pid
wait $pid
step_report busy $?
look after_busy

# Its user has a limit for all of his processes.
echo "somebody:x:1000:1000::/tmp:/bin/sh" >>/etc/passwd
chmod 666 /dev/kvm /dev/vfio/vfio /dev/iommu
step bind itsy bind $edu $disk
chown 1000 /dev/vfio/[0-9]*
as_somebody()
{
	(ulimit -l "$1" && su -s /bin/sh somebody -c "$2")
}
step group_alone as_somebody 65536 'itsy check /etc/edu.conf'
chown 1000 /dev/vfio/devices/*
step small_check as_somebody 65535 'itsy check /etc/edu.conf'
step small as_somebody 65535 'itsy run /etc/edu.conf --quiet </dev/null'
step enough_check as_somebody 65536 'itsy check /etc/edu.conf'
step enough as_somebody 65536 'itsy run /etc/edu.conf --quiet </dev/null'
: >/tmp/first.out
chmod 666 /tmp/first.out
as_somebody 65536 "exec itsy run /etc/one.conf --set kernel=/usr/share/itsy/payloads/forever.bin --set initrd= --set memory=64M" \
	</dev/null >/tmp/first.out 2>/tmp/first.err &
await "a busy guest" grep -q '^busy' /tmp/first.out
step both_iommufd as_somebody 98304 'itsy run /etc/edu.conf --set name=second --quiet </dev/null'
step both_type1 as_somebody 98304 'itsy run /etc/edu.conf --set name=second --set iommu=type1 --quiet </dev/null'
kill -TERM "$(pidof itsy | tr ' ' '\n' | sort -n | head -n 1)"
wait $!
step_report first $?
step unbind itsy release $edu $disk
guest beside /etc/beside.conf
END

if [ ! -f "$tmp/check_one.rc" ]; then
	echo "the host has no iommufd"
	exit 77
fi

is_status before 0
has check_one.out '^PASS +DMA +by iommufd: for a guest with one device$'
has check_one.out '^PASS +VFIO +/dev/iommu and'
has check_both.out "^PASS +DMA +by type1: by iommufd no function reaches another one's BARs$"
is_status check_asked 0
has check_asked.out "^WARN +DMA +by iommufd, as it was asked for: no function's DMA"
has check_type1.out '^PASS +DMA +by type1: as it was asked for$'
has check_type1.out '^PASS +VFIO +/dev/vfio/vfio and'

job_passed one nvme
counts_add_up one
none_dropped one
json one '[.devices[0].vectors[1:3][].injected] | all(. > 0)'
lacks one.err 'warning'
is_status both 0
has both.out '^job both: PASS'
counts_add_up both
none_dropped both
has both.err "^itsy: warning: iommufd: DMA of functions does not reach each other's BARs"
payload_passed reset reset
json reset '.boots > 1'
payload_passed huge edu
expect "no function reaches another one's BAR" [ "$(cat "$tmp/apart.rc")" != 0 -o -z "$(grep '^reached' "$tmp/apart.out")" ]
lacks apart.out '^reached'
lacks apart.err 'a BAR at'
for name in alone second; do
	is_status $name 0
	has $name.out '^job newplug: PASS$'
	lacks $name.out 'FAIL|Kernel panic'
	lacks $name.err '^itsy: error'
	json $name '.root_ports.messages > 0 and .root_ports.dropped == 0 and .its_errors == []'
	expect "$name: info says by what" jq -e '.iommu == "iommufd"' "$(file_of ${name}_info.out)"
	is_status ${name}_add 0
	has ${name}_add.out '^hotplug0: added$'
	has ${name}_with.out '/dev/vfio/devices/vfio[0-9]+$'
	lacks ${name}_with.out '/dev/vfio/[0-9v]'
	is_status ${name}_remove 0
	is_status ${name}_again 0
	is_status ${name}_pull 0
done
lacks alone_before.out '/dev/vfio'
lacks alone_without.out '/dev/vfio'

has files.out '/dev/vfio/devices/vfio[0-9]+$'
has files.out '(/dev/iommu|iommufd)'
lacks files.out '/dev/vfio/[0-9v]'
for iommu in iommufd type1; do
	is_status other_$iommu 4
	has other_$iommu.err '^itsy: error: 0000:00:02\.0: another process has it open: itsy, process [0-9]+'
	nr_lines other_$iommu.err 1
done
is_status held 4
has held.out '^FAIL +nvme 0000:00:02\.0 +another process has it open: itsy, process [0-9]+ \(guest [a-z]+\)$'
is_status rebind 4
has rebind.err '^itsy: error: 0000:00:02\.0: .*another process'
is_status busy 143
for name in after after_busy; do
	is_status $name 0
	expect "$name: as before" cmp "$tmp/before.out" "$tmp/$name.out"
done

has group_alone.out '^PASS +DMA +by type1: /dev/vfio/devices/vfio[0-9]+ cannot be opened: Permission denied$'
is_status small_check 4
has small_check.out '^FAIL +locked memory +the limit of 65,535 KiB is below'
is_status small 4
has small.err '^itsy: error: RLIMIT_MEMLOCK: 64 MiB of guest memory must be locked for DMA, and the limit is 65,535 KiB:'
has enough_check.out "^PASS +locked memory +64 MiB are enough, less what this user's other processes lock"
is_status enough 0
is_status both_iommufd 4
has both_iommufd.err '^itsy: error: RLIMIT_MEMLOCK: 64 MiB .* the limit of 96 MiB is for all processes of this user'
is_status both_type1 0
is_status first 143

payload_passed beside beside
has beside.out '^reached 1$'
lacks beside.err 'DMA of functions'

verdict
