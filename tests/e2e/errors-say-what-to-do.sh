#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What keeps a guest from starting is said in one line: the object, the cause, the cure. Nothing has
# changed then: devices are on the drivers they were on.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

host_file /etc/good.conf <<'END'
kernel = "/usr/share/itsy/payloads/msix.bin"
memory = "128M"
device "disk" {
	bdf = "0000:00:01.0"
}
END
host_file /etc/bad.conf <<'END'
kernel = "/usr/share/itsy/payloads/msix.bin"
memmory = "128M"
vcpus = 0
device "disk" {
	bdf = "0000:01.0"
}
device "disk" {
	events = 7
}
END
host_file /etc/edu.conf <<'END'
kernel = "/usr/share/itsy/payloads/edu.bin"
memory = "128M"
device "edu" {
	bdf = "0000:00:04.0"
}
END

host_file /etc/bare.conf <<'END'
kernel = "/usr/share/itsy/payloads/hello.bin"
memory = "128M"
END

# The emulated host has no file system for disks; Debian's kernel package has.
for module in crc16 crc32c_generic mbcache jbd2 ext4; do
	path=$(find "$build/arm64-root/" -name $module.ko)
	host_files+=(--file "$path:/lib/ext4/$module.ko")
done

# 2 is a disk with a swap area and then a file system, 3 a NIC that is up, 4.0 and 4.1 edu and a disk in one IOMMU group, 5 a bridge.
on_host --device nvme --device nvme --device e1000e \
	--qemu-device edu,addr=4.0,multifunction=on \
	--qemu-arg -blockdev --qemu-arg driver=null-co,node-name=null,size=1048576,read-zeroes=on \
	--qemu-device nvme,addr=4.1,serial=null,drive=null \
	--qemu-device pcie-root-port,addr=5 <<'END'
echo 'user:x:1000:1000::/:/bin/sh' >>/etc/passwd
disk2()
{
	for node in /dev/nvme[0-9]n1; do
		case $(readlink -f "/sys/class/block/${node##*/}/device/device") in
		*/0000:00:02.0) echo "$node"; return 0 ;;
		esac
	done
	return 1
}
await "the second disk" disk2 >/dev/null
disk2=$(disk2)
drivers()
{
	for slot in 01.0 02.0 03.0 04.0 04.1; do
		driver 0000:00:$slot
	done
}
as_user()
{
	su user -c "$*"
}
try()
{
	guest "$@"
	return 0
}
step before drivers

try no_file /etc/none.conf
try bad /etc/bad.conf
step usage1 itsy run
step usage2 itsy rnu
step usage3 itsy run --statsjson /tmp/x /etc/good.conf
try no_kernel /etc/good.conf --set kernel=/boot/none
try not_kernel /etc/good.conf --set kernel=/usr/bin/itsy
try too_big /etc/good.conf --set memory=64G
try absent /etc/good.conf --set device.disk.bdf=0000:00:1f.0
try bridge /etc/good.conf --set device.disk.bdf=0000:00:05.0
try host_bridge /etc/good.conf --set device.disk.bdf=0000:00:00.0
try group /etc/edu.conf
# Locked memory comes later.
ulimit -l unlimited
step user_kvm as_user itsy run /etc/good.conf
chmod 666 /dev/kvm
step user_bind as_user itsy run /etc/good.conf
step user_bare as_user itsy run /etc/bare.conf

mkswap $disk2 >/dev/null && swapon $disk2
try swap /etc/good.conf --set device.disk.bdf=0000:00:02.0
swapoff $disk2
for module in crc16 crc32c_generic mbcache jbd2 ext4; do
	insmod /lib/ext4/$module.ko
done
mke2fs $disk2 >/dev/null && mkdir -p /mnt && mount -t ext4 $disk2 /mnt
try mounted /etc/good.conf --set device.disk.bdf=0000:00:02.0
step mounted_bind itsy bind 0000:00:02.0
umount /mnt
# Open, and no more than that.
sleep 1000 <$disk2 &
pid=$!
try open /etc/good.conf --set device.disk.bdf=0000:00:02.0
kill $pid
wait $pid 2>/dev/null
nic=$(ls /sys/bus/pci/devices/0000:00:03.0/net)
ip link set $nic up
await "a link" grep -q 1 /sys/class/net/$nic/carrier
ip addr add 192.0.2.7/24 dev $nic
ip addr add 198.51.100.7/24 dev $nic
try nic_up /etc/good.conf --set device.disk.bdf=0000:00:03.0
step nic_devices env COLUMNS=80 itsy devices
ip addr flush dev $nic
ip link set $nic down

try no_cpu /etc/good.conf --set router-cpu=99
step nowhere itsy run /etc/good.conf --stats-json /nowhere/a
step no_tree itsy run /etc/good.conf --dump-dtb /nowhere/a
mv /dev/kvm /dev/kvm.away
try no_kvm /etc/good.conf
mv /dev/kvm.away /dev/kvm
step after drivers

# With the function bound and its group given to a user, only locked memory is in the way.
itsy bind 0000:00:01.0 >/dev/null
chmod 600 /dev/vfio/[0-9]*
step user_group as_user itsy run /etc/good.conf
chmod 666 /dev/vfio/[0-9]*
step user_memlock as_user 'ulimit -l 1024; itsy run /etc/good.conf'
step user_runs as_user itsy run /etc/good.conf
itsy release 0000:00:01.0 >/dev/null
step end drivers
END

nr_lines before.out 5
expect "no failure left a device elsewhere" cmp "$tmp/before.out" "$tmp/after.out"
expect "a device that was bound beforehand came back" cmp "$tmp/before.out" "$tmp/end.out"

is_status no_file 3
has no_file.err '^/etc/none.conf: error: .*No such file'
is_status bad 3
has bad.err '^/etc/bad\.conf:2: error: .*memmory.*'
has bad.err '^/etc/bad\.conf:2: error: .*memory'
has bad.err '^/etc/bad\.conf:3: error: .*vcpus'
has bad.err '^/etc/bad\.conf:5: error: .*bdf'
has bad.err '^/etc/bad\.conf:[78]: error: .*disk'
for name in usage1 usage2 usage3; do
	is_status $name 2
	has $name.err '^itsy: error: '
done
has usage2.err 'run'
has usage3.err 'statsjson'

# NAME OBJECT CAUSE CURE: the failure is one line that has them, and the status is 4.
says()
{
	is_status "$1" 4
	nr_lines "$1.out" 0
	nr_lines "$1.err" 1
	has "$1.err" "^itsy: error: [^ ]*$2.*: .*$3.*: .*$4"
}
says no_kernel /boot/none 'No such file' 'path'
says not_kernel /usr/bin/itsy 'ELF' 'Image'
says too_big 'guest' '65536 MiB' 'memory'
says absent 0000:00:1f.0 'no such PCI function' 'itsy devices'
says bridge 0000:00:05.0 'bridge' 'itsy devices'
says host_bridge 0000:00:00.0 '(bridge|neither MSI)' 'itsy devices'
says group 0000:00:04.0 'not viable: 0000:00:04.1 .*nvme' 'itsy bind 0000:00:04.0'
says user_kvm /dev/kvm '[Pp]ermission denied' '(root|group|access)'
says user_bind '0000:00:01\.0 \(disk\)' 'only root' 'sudo itsy bind 0000:00:01\.0, and access for this user to /dev/vfio/[0-9]+'
says user_group '0000:00:01\.0 \(disk\)' 'may not use it' 'chown .*/dev/vfio/[0-9]+'
says swap 0000:00:02.0 'swap' '(--force|unmount)'
says mounted 0000:00:02.0 '/mnt \(nvme[0-9]n1, QEMU NVMe Ctrl\)' '(--force|unmount)'
says mounted_bind 0000:00:02.0 '/mnt' '--force'
says open 0000:00:02.0 'sleep, process [0-9]+ .nvme' '(--force|unmount)'
says nic_up 0000:00:03.0 'eth[0-9], 192\.0\.2\.7 and 1 more' '(--force|down)'
is_status nic_devices 0
has nic_devices.out '^0000:00:03\.0: the host is using it: eth[0-9], 192\.0\.2\.7 and 1 more$'
lacks nic_devices.out '^.{81}'
says no_cpu router-cpu 'CPU 99 is not online' 'name one of 0'
for name in nowhere no_tree; do
	is_status $name 1
	nr_lines $name.err 1
	has $name.err '^itsy: error: /nowhere/a: cannot be written \(No such file or directory\): make that folder'
done
says no_kvm /dev/kvm 'No such file' '(KVM|kvm)'
says user_memlock '' '128 MiB.* 1 MiB' 'ulimit -l'

is_status user_bare 0
has user_bare.out '^payload hello: PASS$'
is_status user_runs 0
has user_runs.out '^payload msix: PASS$'

verdict
