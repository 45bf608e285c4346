#!/bin/bash
# SPDX-License-Identifier: MIT
#
# boot = "disk": firmware starts Debian from the guest's own drive. U-Boot, GRUB of the EFI partition, Debian's kernel, systemd on
# ext4, as on Debian's cloud images; the console answers in each of them, and by both of its UARTs. The guest writes to its
# drive, reboots, reads it back, powers off.
#
# The drive is made from Debian's packages: partition 15 for EFI, partition 1 for all else.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"
# shellcheck source=scripts/initramfs.sh
. "$top/scripts/initramfs.sh"

firmware=/usr/lib/u-boot/qemu_arm64/u-boot.bin
for need in "$firmware" "$(command -v sfdisk)" "$(command -v mkfs.vfat)" "$(command -v mcopy)" "$(command -v mkfs.ext4)"; do
	[ -e "$need" ] || { echo "$firmware, sfdisk, mkfs.vfat, mcopy or mkfs.ext4 is not there (scripts/deps test)"; exit 77; }
done
"$top/scripts/arm64-material" --system || exit 77
"$top/scripts/arm64-material" --grub || exit 77

root_uuid=6b1f1c0e-9a53-4d0c-8e39-0c1d0a15d15c
release=$(echo "$build"/arm64-root/boot/vmlinuz-*)
release=${release##*/vmlinuz-}

# ---- the drive ---------------------------------------------------------------------------------------------------------

# What initramfs-tools would make, as far as this drive needs it.
make_initrd()
{
	local dir=$tmp/initrd

	mkdir -p "$dir"/{bin,dev,proc,sys,root}
	cp "$build/arm64-root/bin/busybox" "$dir/bin/"
	modules_add "$build/arm64-root" "$dir" nvme crc32c_generic ext4
	cat >"$dir/init" <<'END'
#!/bin/busybox sh
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
cd /lib/modules/*
while read -r module; do
	/bin/busybox insmod "$module"
done <load
until /bin/busybox mount -t ext4 /dev/nvme0n1p1 /root; do
	/bin/busybox sleep 1
done 2>/dev/null
for dir in dev proc sys; do
	/bin/busybox mount --move /$dir /root/$dir
done
exec /bin/busybox switch_root /root /sbin/init
END
	chmod +x "$dir/init"
	cpio_pack "$dir" "$1"
}

make_root()
{
	local dir=$1

	cp -a "$build/arm64-system" "$dir"
	rm -rf "${dir:?}"/{boot,.material} "$dir"/usr/share/{zoneinfo,perl,perl5,i18n} \
		"$dir"/usr/lib/aarch64-linux-gnu/{gconv,perl-base,perl}
	mkdir -p "$dir"/{boot/grub,dev,proc,sys,run,tmp,root,var/{tmp,log,cache},etc/systemd/system/multi-user.target.wants}
	cp "$build/arm64-root/boot/vmlinuz-$release" "$dir/boot/"
	make_initrd "$dir/boot/initrd.img-$release"
	echo 0123456789abcdef0123456789abcdef >"$dir/etc/machine-id"
	echo root:x:0:0::/root:/bin/sh >"$dir/etc/passwd"
	echo root:x:0: >"$dir/etc/group"
	ln -sf /lib/systemd/systemd "$dir/sbin/init"
	ln -sf /lib/systemd/system/multi-user.target "$dir/etc/systemd/system/default.target"
	cat >"$dir/boot/grub/grub.cfg" <<END
set timeout=-1
menuentry 'Debian' --hotkey=d {
	linux /boot/vmlinuz-$release root=/dev/nvme0n1p1 rw quiet
	initrd /boot/initrd.img-$release
}
menuentry 'Debian at ttyS0' --hotkey=s {
	linux /boot/vmlinuz-$release root=/dev/nvme0n1p1 rw quiet console=ttyS0
	initrd /boot/initrd.img-$release
}
echo 'this is the menu'
END
	cat >"$dir/etc/systemd/system/job.service" <<'END'
[Unit]
Description=What this guest is for
[Service]
Type=oneshot
ExecStart=/root/job
StandardInput=tty-force
StandardOutput=tty
StandardError=tty
TTYPath=/dev/console
TimeoutStartSec=infinity
END
	ln -s ../job.service "$dir/etc/systemd/system/multi-user.target.wants/job.service"
	cat >"$dir/root/job" <<'END'
#!/bin/bash
boot=$(($(cat /root/boots 2>/dev/null) + 1))
echo "boot $boot at $(cat /sys/class/tty/console/active)"
# What the last one has left must be what was written.
[ "$boot" = 1 ] || sha256sum -c /root/sum
echo "a question:"
read -r answer
echo "the answer is $answer"
grep -c nvme /proc/interrupts | sed 's/^/lines of interrupts: /'
head -c 3000000 /dev/urandom >/root/data
sha256sum /root/data >/root/sum
echo "$boot" >/root/boots
[ "$boot" = 1 ] && next=reboot || next=poweroff
systemctl --no-block start $next.target
END
	chmod +x "$dir/root/job"
}

make_efi()
{
	local dir=$tmp/efi

	mkdir -p "$dir/EFI/BOOT" "$dir/EFI/debian"
	cp "$build/arm64-grub/usr/lib/grub/arm64-efi/monolithic/grubaa64.efi" "$dir/EFI/BOOT/BOOTAA64.EFI"
	cat >"$dir/EFI/debian/grub.cfg" <<END
search.fs_uuid $root_uuid root
set prefix=(\$root)/boot/grub
configfile \$prefix/grub.cfg
END
	truncate -s 40M "$1"
	mkfs.vfat -n EFI "$1" >/dev/null
	mcopy -s -i "$1" "$dir/EFI" ::
}

make_drive()
{
	local root=$tmp/root

	make_root "$root"
	make_efi "$tmp/efi.img"
	truncate -s 300M "$tmp/root.img"
	mkfs.ext4 -q -U "$root_uuid" -d "$root" -E root_owner=0:0 "$tmp/root.img" || exit 1
	truncate -s 342M "$1"
	sfdisk -q "$1" <<'END' || exit 1
label: gpt
drive1 : start=83968, size=614400, type=L
drive15 : start=2048, size=81920, type=U
END
	dd if="$tmp/efi.img" of="$1" bs=1M seek=1 conv=notrunc,sparse status=none
	dd if="$tmp/root.img" of="$1" bs=1M seek=41 conv=notrunc,sparse status=none
	rm -rf "$root" "$tmp"/{root,efi}.img
}

make_drive "$tmp/drive.img"

# ---- the guest -----------------------------------------------------------------------------------------------------------

host_file /etc/disk.conf <<'END'
boot   = "disk"
vcpus  = 2
memory = "512M"
device "disk" {
	bdf = "0000:00:01.0"
}
END
head -c 1000 "$firmware" >"$tmp/cut.bin"
head -c 1000 /dev/zero >"$tmp/zeros.bin"

on_host --memory 1536 --file "$firmware:$firmware" --file "$tmp/cut.bin:/cut.bin" --file "$tmp/zeros.bin:/zeros.bin" \
	--qemu-arg -drive --qemu-arg "if=none,id=drive,format=raw,snapshot=on,file=$tmp/drive.img" \
	--qemu-device nvme,addr=1,drive=drive,serial=drive <<'END'
step check itsy check /etc/disk.conf
step dry itsy run /etc/disk.conf --dry-run
step map itsy run /etc/disk.conf --print-memory-map
step printed itsy run /etc/disk.conf --print-config
for what in cut zeros nowhere; do
	step $what itsy run /etc/disk.conf --firmware /$what.bin
	step check_$what itsy check /etc/disk.conf --firmware /$what.bin
done

mkfifo /tmp/keys
: >/tmp/disk.out
itsy run /etc/disk.conf --stats-json /tmp/disk.json </tmp/keys >/tmp/disk.out 2>/tmp/disk.err &
pid=$!
exec 3>/tmp/keys
# says N REGEX: so many lines
says()
{
	[ "$(tr '\r' '\n' </tmp/disk.out | grep -acE "$2")" -ge "$1" ]
}
# await_output N REGEX: as long as the guest says anything
await_output()
{
	await_while 'wc -c </tmp/disk.out' "$2, for the time $1" says "$1" "$2" ||
		{ kill $pid; tail -c 3000 /tmp/disk.out; }
}

# A key stops U-Boot's countdown; then it is asked what it has, and told to go on.
await_output 1 'Hit any key'
printf x >&3
await_output 1 '=> '
printf '\025nvme scan\rnvme info\rpart list nvme 0\rboot\r' >&3
await_output 1 'this is the menu'
printf d >&3
await_output 1 'a question:'
printf 'blue\r' >&3
# The second time nobody touches the firmware.
await_output 2 'Hit any key'
await_output 2 'this is the menu'
printf s >&3
await_output 2 'a question:'
printf 'green\r' >&3
rc=0
wait $pid || rc=$?
exec 3>&-
tr -d '\r' </tmp/disk.out >/tmp/clean.out
mv /tmp/clean.out /tmp/disk.out
step_report disk $rc
step driver driver 0000:00:01.0

# Behind a root port the firmware finds it, too. Nobody is in the menu to be asked: the power is cut.
: >/tmp/disk.out
itsy run /etc/disk.conf --name behind --set device.disk.root-port=on --stop-timeout 0 </dev/null >/tmp/disk.out 2>/tmp/behind.err &
pid=$!
await_output 1 'this is the menu'
kill $pid
rc=0
wait $pid || rc=$?
tr -d '\r' </tmp/disk.out >/tmp/behind.out
step_report behind $rc
END

is_status check 0
has check.out 'KiB of firmware, which starts from a disk'
is_status dry 0
has map.out '^0x0000000000 .* firmware$'
has map.out '^0x0009040000 .* console of the firmware$'
has printed.out '^boot = "disk"'
has printed.out '^#kernel'
for what in cut zeros nowhere; do
	is_status $what 4
	is_status check_$what 4
done
has cut.err '/cut.bin: the firmware is cut off'
has check_cut.out 'the firmware is cut off'
has zeros.err '/zeros.bin: the firmware is no U-Boot for arm64'
has nowhere.err '/nowhere.bin: the firmware cannot be opened'

is_status disk 0
# U-Boot, by its prompt.
has disk.out '^U-Boot 20'
has disk.out 'Vendor: 0x.*drive'
has disk.out '^ *1.*0x00014800'
# Linux, at the console that the device tree names, then at the one that its command line names.
has disk.out 'boot 1 at (tty0 )?ttyAMA0$'
has disk.out 'the answer is blue'
has disk.out 'boot 2 at ttyS0$'
has disk.out '/root/data: OK'
has disk.out 'the answer is green'
lacks disk.out '/root/data: FAILED'
expect "the firmware has started twice" [ "$(grep -ac '^U-Boot 20' "$(file_of disk.out)")" = 2 ]
has disk.out '^lines of interrupts: [1-9]'
json disk '.its_errors == [] and .aborted.unemulated == 0 and .boots == 2'
json disk '[.devices[0].vectors[].injected] | add > 10'
counts_add_up disk
none_dropped disk
has driver.out '^nvme$'

is_status behind 143
has behind.out 'Found EFI removable media binary'
has behind.out 'this is the menu'

verdict
