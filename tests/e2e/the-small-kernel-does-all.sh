#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What make guest-images makes: a small kernel that drives what is passed through, a NVMe drive and network cards, takes
# one more that is given to it while it runs, hears the power button, and boots from a drive; the guest of
# configs/minimal.conf, as the file says; and the kernel comes to its init with half the instructions of Debian's, and
# takes half of the memory.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

for program in stamp when up; do
	[ -x "$build/arm64/peers/$program" ] || { echo "no $program (make test makes it)"; exit 77; }
done
# Takes ten minutes when it is the first one.
"$top/guest-images/make-guest" || { echo "there is no small guest"; exit 1; }
make -s -C "$top" BUILD="$build" DEPS=no install-guest-images DESTDIR="$tmp/root" >"$tmp/install.out" 2>&1 || {
	cat "$tmp/install.out"
	unmet_by "make install-guest-images failed"
}
place=/usr/local/share/itsy/guest

# --- it works ------------------------------------------------------------------------------------

sed "s|^memory.*|memory = \"256M\"\nvcpus = 2|; /^vcpus *= 1/d" "$top/configs/minimal.conf" >"$tmp/io.conf"
cat >>"$tmp/io.conf" <<'END_OF_CONF'
hotplug-ports = 1
device "disk" {
	bdf = "0000:00:01.0"
}
device "nic" {
	bdf = "0000:00:02.0"
}
device "cable" {
	bdf = "0000:00:03.0"
}
END_OF_CONF
host_file /etc/itsy/io.conf <"$tmp/io.conf"

# A drive with a system on it: what the initramfs has.
mkdir "$tmp/system"
(cd "$tmp/system" && cpio -id --quiet <"$tmp/root$place/initramfs.cpio")
truncate -s 96M "$tmp/drive"
PATH=$PATH:/sbin:/usr/sbin mke2fs -q -t ext4 -d "$tmp/system" "$tmp/drive" || unmet_by "no file system with the system on it"
rm -r "$tmp/system"

guest_files=(--file "$tmp/root$place/Image:$place/Image" --file "$tmp/root$place/initramfs.cpio:$place/initramfs.cpio")
# The third card has a cable to the fourth one, which stays the host's: there is who answers iperf3.
on_host --memory 1536 --device nvme --device e1000e "${guest_files[@]}" --file "$build/arm64-guest/usr/bin/iperf3:/bin/iperf3" \
	--qemu-arg -netdev --qemu-arg hubport,id=end1,hubid=9 --qemu-arg -netdev --qemu-arg hubport,id=end2,hubid=9 \
	--qemu-device e1000e,addr=3,netdev=end1,mac=52:54:00:00:00:03,romfile= \
	--qemu-device e1000e,addr=4,netdev=end2,mac=52:54:00:00:00:04,romfile= \
	--qemu-arg -drive --qemu-arg "if=none,id=late,format=raw,snapshot=on,file=$build/guest-images/pattern.img" \
	--qemu-device nvme,addr=5,drive=late,serial=late \
	--qemu-arg -drive --qemu-arg "if=none,id=system,format=raw,snapshot=on,file=$tmp/drive" \
	--qemu-device nvme,addr=6,drive=system,serial=system <<'END'
mkfifo /tmp/keyboard
: >/tmp/keys

# begin NAME CONFIG OPTION...: a guest with a keyboard at descriptor 4
begin()
{
	local config=$2

	name=$1
	shift 2
	: >"/tmp/$name.out"
	itsy run "$config" --stats-json "/tmp/$name.json" "$@" </tmp/keyboard >"/tmp/$name.out" 2>"/tmp/$name.err" &
	pid=$!
	exec 4<>/tmp/keyboard
	await "the guest's shell" grep -q 'guest:.*#' "/tmp/$name.out" || echo "it does not come"
}

# typed MARK TEXT: types the text, and waits for the line that the guest prints behind what it did
typed()
{
	echo "$2; echo \"$1\" is \"over\"" >&4
	await_while "wc -c <'/tmp/$name.out'; grep -c . /proc/interrupts; grep vfio /proc/interrupts" "$1" \
		grep -q "^$1 is over" "/tmp/$name.out" || echo "it does not do it"
}

peer=$(ls /sys/bus/pci/devices/0000:00:04.0/net)
ip link set "$peer" up
ip addr add 10.9.0.1/24 dev "$peer"
iperf3 -s -D

begin io /etc/itsy/io.conf
typed dhcp 'until ip -4 addr | grep "inet 10.0.2"; do sleep 1; done'
typed fio 'fio --name=proof --filename=/dev/nvme0n1 --rw=randwrite --bs=4k --size=2m --direct=1 --ioengine=libaio --iodepth=8 --verify=crc32c --verify_fatal=1'
typed uring 'fio --name=ring --filename=/dev/nvme0n1 --readonly --rw=randread --bs=4k --size=1m --direct=1 --ioengine=io_uring'
typed nvme 'nvme list; nvme id-ctrl /dev/nvme0 | grep "^sn"'
typed cable 'nic=$(grep -l 00:00:03 /sys/class/net/*/address); nic=${nic%/*}; nic=${nic##*/}; ip addr add 10.9.0.2/24 dev $nic; until ping -c 1 -W 1 10.9.0.1; do sleep 1; done'
typed iperf 'iperf3 -c 10.9.0.1 -n 2M'
step add itsy ctl io add 0000:00:05.0
typed late 'until grep -l late /sys/class/nvme/*/serial; do sleep 1; done'
# Not in the words that are looked for: the terminal shows what is typed.
typed state 'dmesg | grep "system clock"; ls /sys/bus/event_source/devices; dmesg | grep -E "WARN[I]NG|BU[G]|Oop[s]|timeou[t], "'
step stop itsy ctl io stop --wait
exec 4>&-
rc=0
wait $pid || rc=$?
step_report io $rc

begin minimal /etc/itsy/minimal.conf
typed nothing 'free'
echo exit >&4
rc=0
wait $pid || rc=$?
exec 4>&-
step_report minimal $rc

begin drive /etc/itsy/minimal.conf --set initrd= --device 00:06.0 --set 'cmdline=console=ttyS0 quiet root=/dev/nvme0n1 rootwait rw init=/init'
typed root 'mount | grep " / "; echo kept >/root/note'
echo poweroff >&4
rc=0
wait $pid || rc=$?
exec 4>&-
step_report drive $rc
END

is_status io 0
has io.out '^A guest of itsy.s: Linux .*-itsy, 2 CPUs, [0-9]+ MiB'
has io.out '0000:00:0[0-9a-f].0  1b36:0010  NVMe       nvme       /dev/nvme0n1'
has io.out '8086:10d3  Ethernet   e1000e     eth[01]'
has io.out '^  fio --name=read --filename=/dev/nvme0n1 '
# Where the prompt is there first, behind it.
has io.out 'eth[01] has the address 10\.0\.2\.'
has io.out '^ *inet 10\.0\.2\.'
has io.out '^proof: .*err= *0'
has io.out '^ring: .*err= *0'
has io.out '^sn +: itsy1'
has io.out ' bytes from 10\.9\.0\.1'
# Who receives is asked while the last of it is on its way.
has io.out ' 2\.00 MBytes .*sender'
has io.out ' [0-9.]+ [KM]Bytes .*receiver'
is_status add 0
has io.out '^/sys/class/nvme/nvme1/serial'
has io.out 'rtc-pl031 .*setting system clock to 20[2-9][0-9]-'
has io.out 'armv8_pmuv3'
has io.out 'The power button was pressed\.'
has io.out '^The guest powers off\.'
lacks io.out 'verify:|WARNING:|BUG:|Oops|Kernel panic|timeout, '
is_status stop 0
warns_of_nothing io
counts_add_up io
json io '[.devices[] | [.vectors[].injected] | add > 0] | length == 4 and all'

is_status minimal 0
has minimal.out '^A guest of itsy.s: Linux .*-itsy, 1 CPU, '
has minimal.out '^No PCI functions: '
has minimal.out '^The guest powers off\.'
lacks minimal.out 'not found|cannot|Kernel panic'

is_status drive 0
has drive.out '^/dev/root on / type ext4 \(rw'
has drive.out 'The guest powers off\.'
lacks drive.out 'not found|cannot|busy|EXT4-fs error|Kernel panic'

# --- it is small ---------------------------------------------------------------------------------

# Counted, not timed: the same figures whatever the machine has to do.
. "$top/scripts/initramfs.sh"
mkdir -p "$tmp/up.d/bin"
cp "$build/arm64/peers/up" "$tmp/up.d/bin/"
cpio_pack "$tmp/up.d" "$tmp/up.cpio"
host_files=() patience=1800
on_host --icount --memory 1024 --file "$build/guest-images/small/Image:/lib/peers/small" --file "$tmp/up.cpio:/lib/peers/up.cpio" \
	--file "$top/tests/peers/host.sh:/lib/peers/host.sh" --file "$top/tests/peers/kernel.sh:/lib/peers/kernel.sh" \
	--file "$build/arm64/peers/stamp:/lib/peers/stamp" --file "$build/arm64/peers/when:/lib/peers/when" <<'END'
step counted sh /lib/peers/kernel.sh 1
END
is_status counted 0
awk -f "$top/tests/peers/lib.awk" -v verdicts="$tmp/verdicts" -f "$top/tests/peers/kernel.awk" "$(file_of counted.out)"
has verdicts '^boot to init\|met\|'
has verdicts '^memory taken at init\|met\|'
nr_lines verdicts 2

verdict
