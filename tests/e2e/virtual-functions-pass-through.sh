#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Virtual functions are made and listed, no driver of the host's takes them, and two guests at once read
# right data from one each, by their own interrupts. Nobody can take them away while a guest has one, but the host's
# kernel: then that guest ends in order. The physical function is the host's meanwhile; where VFIO
# has it, its virtual ones are no guest's.
#
# With ITSY_PEER=1 Debian's QEMU has a guest with one of them, and no more (lib/rows.sh).

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"
. "$(dirname "${BASH_SOURCE[0]}")/lib/rows.sh"
say="itsy.seconds=1 itsy.chunks=4"

row vf 00:01.1 nvme ""

# guest_with NAME BDF
guest_with()
{
	cat <<END
kernel  = "/usr/share/itsy/guest/Image"
initrd  = "/usr/share/itsy/guest/initramfs.cpio"
cmdline = "console=ttyS0 quiet itsy.job=nvme itsy.seconds=1 itsy.chunks=4"
vcpus   = 2
memory  = "192M"
device "nvme" {
	bdf = "$2"
}
END
}

host_file /etc/vf0.conf < <(guest_with vf0 0000:00:01.1)
host_file /etc/vf1.conf < <(guest_with vf1 0000:00:01.2)
host_file /etc/pf.conf < <(guest_with pf 0000:00:01.0)
host_file /etc/busy.conf <<'END'
kernel = "/usr/share/itsy/payloads/forever.bin"
memory = "64M"
device "disk" {
	bdf = "0000:00:01.1"
}
END

on_host_rows --file "$(dirname "${ITSY:-$build/arm64/itsy}")/nvme-vf:/bin/nvme-vf" \
	--qemu-arg -drive --qemu-arg "if=none,id=data,format=raw,snapshot=on,file=$pattern" \
	--qemu-device nvme-subsys,id=subsys \
	--qemu-device nvme,addr=1,id=pf,serial=pf,subsys=subsys,sriov_max_vfs=2,sriov_vq_flexible=8,sriov_vi_flexible=8,max_ioqpairs=16,msix_qsize=16 \
	--qemu-device nvme-ns,drive=data,bus=pf,shared=on \
	--device none --device edu <<'END'
. /lib/e2e/rows-host.sh
pf=0000:00:01.0 vf0=0000:00:01.1 vf1=0000:00:01.2
autoprobe=/sys/bus/pci/devices/$pf/sriov_drivers_autoprobe

await "the disk" test -b /dev/nvme0n1
step none itsy devices
step many itsy devices --create-vfs 3 $pf
step incapable itsy devices --create-vfs 1 00:02.0
# What the controller has given up is there for others once it was reset.
step keep nvme-vf /dev/nvme0 keep
echo 1 >/sys/bus/pci/devices/$pf/reset
await "the controller" grep -q live /sys/class/nvme/nvme0/state
step made itsy devices --create-vfs 2 $pf
step drivers sh -c ". /lib/e2e/host.sh; driver $vf0; driver $vf1; cat $autoprobe; driver $pf"
step same itsy devices --json --create-vfs 2 $pf
step fewer itsy devices --create-vfs 1 $pf
step give0 nvme-vf /dev/nvme0 1 3
step give1 nvme-vf /dev/nvme0 2 3
if [ $who = qemu ]; then
	each_row
	exit 0
fi

step check itsy check /etc/vf0.conf
(guest vf1 /etc/vf1.conf >/tmp/vf1.report; echo >/tmp/vf1.done) &
guest vf0 /etc/vf0.conf
await "the other guest" test -f /tmp/vf1.done
cat /tmp/vf1.report
step given_back sh -c ". /lib/e2e/host.sh; driver $vf0; driver $vf1; ls /run/itsy/bound"

step pf_check itsy check /etc/pf.conf
step pf_run itsy run /etc/pf.conf
step pf_bind itsy bind $pf
step pf_stays sh -c ". /lib/e2e/host.sh; driver $pf"

start_busy()
{
	itsy run /etc/busy.conf >"/tmp/$1.out" 2>"/tmp/$1.err" </dev/null &
	pid=$!
	await "a busy guest" grep -q '^busy' "/tmp/$1.out" || echo "it does not get busy"
}

start_busy busy
step in_use itsy devices --create-vfs 0 $pf
step still sh -c "ls /sys/bus/pci/devices; kill -0 $pid"
# The kernel waits until the guest has ended.
(echo 0 >/sys/bus/pci/devices/$pf/sriov_numvfs; echo done >/tmp/taken) &
rc=0
wait $pid || rc=$?
step_report busy $rc
await "the kernel" test -f /tmp/taken
step gone sh -c 'ls /sys/bus/pci/devices /run/itsy/bound'

step one itsy devices --create-vfs 1 $pf
step bind itsy bind $vf0
step bound itsy devices --create-vfs 0 $pf
step release itsy release $vf0
step removed itsy devices --create-vfs 0 $pf
step again itsy devices --create-vfs 0 $pf

echo 1 >/sys/module/vfio_pci/parameters/enable_sriov
step vfio_pf itsy bind $pf
step vfio_make itsy devices --create-vfs 1 $pf
echo 1 >/sys/bus/pci/devices/$pf/sriov_numvfs
step vfio_check itsy check /etc/vf0.conf
step vfio_run itsy run /etc/vf0.conf
step vfio_gone itsy devices --create-vfs 0 $pf
step vfio_back itsy release $pf
step vfio_driver sh -c ". /lib/e2e/host.sh; driver $pf"
END

if [ $who = qemu ]; then
	drove_or_not vf nvme
	verdict
fi
is_in_table vf itsy yes
is_status none 0
has none.out '^0000:00:01\.0 .* nvme .* yes .* 0/2$'
has none.out '^0000:00:02\.0 .* -$'
is_status many 4
has many.err '^itsy: error: 0000:00:01\.0: it can have 2 virtual functions, and not 3: '
is_status incapable 4
has incapable.err '^itsy: error: 0000:00:02\.0: it can have no virtual functions: '
is_status keep 0
is_status made 0
nr_lines made.out 3
has made.out '^0000:00:01\.1 +1b36:0010 +NVMe +- .* of 0000:00:01\.0$'
has made.out '^0000:00:01\.2 '
expect "the host's driver has the physical function alone" \
	[ "$(tr '\n' ' ' <"$(file_of drivers.out)")" = "none none 1 nvme " ]
is_status same 0
has same.out '"vf_of": "0000:00:01\.0"'
is_status fewer 4
has fewer.err '^itsy: error: 0000:00:01\.0: it has virtual functions: 2: take them away'
is_status give0 0
is_status give1 0

is_status check 0
for name in vf0 vf1; do
	job_passed $name nvme
	has $name.out '^nvme_check: [1-9][0-9]* rounds'
	counts_add_up $name
	none_dropped $name
	irqs_within $name nvme
	json $name '.its_errors == [] and .unclaimed == 0 and .aborted.unemulated == 0'
done
expect "they go back to no driver" [ "$(tr '\n' ' ' <"$(file_of given_back.out)")" = "none none " ]

is_status pf_check 4
has pf_check.out '^FAIL +nvme .*it has virtual functions: 2'
is_status pf_run 4
has pf_run.err '^itsy: error: 0000:00:01\.0: it has virtual functions: 2: .*--create-vfs 0 0000:00:01\.0$'
is_status pf_bind 4
has pf_stays.out '^nvme$'

is_status in_use 4
has in_use.err '^itsy: error: 0000:00:01\.1: another process has it open: itsy'
is_status still 0
has still.out '^0000:00:01\.1$'
is_status busy 6
has busy.err '^itsy: error: 0000:00:01\.1: the host asks for it back .*sriov_numvfs'
lacks busy.err '^itsy: warning'
lacks gone.out '^0000:00:01\.[12]$'

is_status one 0
is_status bind 0
is_status bound 4
has bound.err '^itsy: error: 0000:00:01\.1: itsy has bound it for a guest: .*itsy release 0000:00:01\.1$'
is_status release 0
is_status removed 0
has removed.out '^0000:00:01\.0: its virtual functions are gone$'
is_status again 0
has again.out '^0000:00:01\.0: it has no virtual functions$'

is_status vfio_pf 0
is_status vfio_make 4
has vfio_make.err '^itsy: error: 0000:00:01\.0: it is bound to vfio-pci, which makes no virtual functions for guests: .*itsy release 0000:00:01\.0$'
is_status vfio_check 4
is_status vfio_run 4
has vfio_run.err '^itsy: error: 0000:00:01\.1: its physical function 0000:00:01\.0 is bound to vfio-pci, .*token'
is_status vfio_gone 0
is_status vfio_back 0
has vfio_driver.out '^nvme$'

verdict
