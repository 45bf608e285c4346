#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Debian's package is as Debian wants it, installs, completes words in bash, and goes; its unit of systemd runs guests with
# and without devices: starts them, tells that they run, starts one anew that was killed, stops them in order, and leaves one
# alone whose configuration is wrong. The program of the tarball needs no library.
#
# systemd and dpkg are Debian's, in a container on the emulated host: a tree of its own, and namespaces of its own for all but
# the network. Devices and /sys are the host's.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

"$top/scripts/arm64-material" --system || exit 77
# make test-all has made them.
deb=$(echo "$build"/dist/itsy_*_arm64.deb)
tarball=$(echo "$build"/dist/itsy-*-arm64.tar.xz)
if [ ! -f "$deb" ] || [ ! -f "$tarball" ]; then
	echo "there is no package, or no tarball (make deb dist)"
	exit 1
fi

dpkg-deb -c "$deb" >"$tmp/files"
dpkg-deb --fsys-tarfile "$deb" >"$tmp/files.tar"

# ---- the files -------------------------------------------------------------------------------------------------------

for file in usr/bin/itsy usr/share/man/man1/itsy.1.gz usr/share/man/man5/itsy.conf.5.gz usr/share/man/man7/itsy-control.7.gz \
	lib/systemd/system/itsy@.service lib/udev/rules.d/60-itsy.rules usr/lib/sysusers.d/itsy.conf etc/itsy/ \
	usr/share/bash-completion/completions/itsy usr/share/itsy/itsy.bt usr/share/doc/itsy/examples/nvme.conf; do
	expect "the package has $file" grep -q " \./$file\$" "$tmp/files"
done
expect "all belongs to root" not grep -qv '^[^ ]* root/root ' "$tmp/files"
tar -xOf "$tmp/files.tar" ./lib/systemd/system/itsy@.service >"$tmp/unit"
expect "the unit starts the program of the package" grep -q '^ExecStart=/usr/bin/itsy run' "$tmp/unit"
if command -v lintian >/dev/null; then
	lintian --allow-root --display-info "$deb" >"$tmp/lintian.out" 2>&1
	cat "$tmp/lintian.out"
	expect "lintian has nothing to say" [ ! -s "$tmp/lintian.out" ]
fi
tar -xJf "$tarball" -C "$tmp"
static=$(echo "$tmp"/itsy-*-arm64/bin/itsy)
expect "the tarball's program asks for no library" not grep -q 'NEEDED\|INTERP' <(readelf -ld "$static")

# ---- the container ---------------------------------------------------------------------------------------------------

tree=$tmp/tree
cp -a "$build/arm64-system" "$tree"
rm -rf "${tree:?}"/{boot,.material} "$tree"/usr/share/{zoneinfo,perl,perl5,i18n} "$tree"/usr/lib/aarch64-linux-gnu/{gconv,perl-base,perl}
mkdir -p "$tree"/{dev,proc,sys,run,tmp,root,srv,var/{tmp,log/journal,cache,lib/dpkg/{info,updates,triggers}},etc/systemd/system,etc/itsy}
echo 0123456789abcdef0123456789abcdef >"$tree/etc/machine-id"
printf '%s:x:%d:0::/root:/bin/sh\n' root 0 >"$tree/etc/passwd"
printf '%s:x:%d:\n' root 0 kvm 104 systemd-journal 105 >"$tree/etc/group"
# What the package depends on; its postinst runs with what is there.
cat >"$tree/var/lib/dpkg/status" <<'END'
Package: libc6
Status: install ok installed
Priority: optional
Section: libs
Maintainer: nobody
Architecture: arm64
Version: 2.36-9
Description: the C library

END
ln -sf mawk "$tree/usr/bin/awk"
ln -sf /lib/systemd/system/multi-user.target "$tree/etc/systemd/system/default.target"
cp "$deb" "$tree/root/itsy.deb"
mkdir -p "$tree/guests"
cp "$build"/guest-images/{Image,initramfs.cpio} "$build/guest/forever.bin" "$tree/guests/"
cat >"$tree/etc/itsy/box.conf" <<'END'
kernel = "/guests/Image"
initrd = "/guests/initramfs.cpio"
cmdline = "console=ttyS0 quiet itsy.job=stop itsy.modules=gpio_keys,evdev"
memory = "256M"
stop-timeout = 3600
END
cat >"$tree/etc/itsy/disk.conf" <<'END'
name = "another"
kernel = "/guests/forever.bin"
memory = "128M"
log-file = "/var/log/itsy/disk.log"
device "disk" {
	bdf = "0000:00:01.0"
}
END
echo 'kernal = "/guests/Image"' >"$tree/etc/itsy/wrong.conf"
# An emulated machine is slow.
mkdir -p "$tree/etc/systemd/system/itsy@.service.d"
printf '[Service]\nTimeoutStopSec=infinity\n' >"$tree/etc/systemd/system/itsy@.service.d/slow.conf"
tar -C "$tree" -cf "$tmp/system.tar" .
rm -rf "$tree"

host_file /bin/container <<'END'
#!/bin/busybox sh
# container begin: boots it; container COMMAND...: runs that in it
case $1 in
begin)
	mkdir -p /debian
	mount -t tmpfs -o size=600M tmpfs /debian
	tar -x -f /system.tar -C /debian
	rm /system.tar
	mount -t cgroup2 cgroup2 /sys/fs/cgroup
	mkdir /sys/fs/cgroup/container
	echo $$ >/sys/fs/cgroup/container/cgroup.procs
	exec unshare -m -p -u -i -f container inside ;;
inside)
	mount --rbind /dev /debian/dev
	mount --bind /sys /debian/sys
	mount -t cgroup2 cgroup2 /debian/sys/fs/cgroup
	mount -t proc proc /debian/proc
	mount -t tmpfs tmpfs /debian/run
	mount -t tmpfs tmpfs /debian/tmp
	cd /debian || exit
	mount --move . /
	exec chroot . /usr/bin/env -i container=emuhost PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		/lib/systemd/systemd --log-target=journal --show-status=false ;;
*)
	for pid in $(pidof systemd); do :; done
	# By its path: busybox has an env of its own, which would run a dpkg and others of its own.
	exec nsenter -t "$pid" -m -p -u -i -r /usr/bin/env LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@" ;;
esac
END
# What bash completes of the last of these words.
host_file /bin/complete <<'END'
#!/bin/busybox sh
exec container bash -c '. /usr/share/bash-completion/completions/itsy
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_itsy
printf "%s\n" "${COMPREPLY[@]}"' bash "$@"
END

on_host --memory 2048 --device nvme --file "$tmp/system.tar:/system.tar" --file "$static:/bin/itsy-static" <<'END'
chmod +x /bin/container /bin/complete
container begin </dev/null >/tmp/container.out 2>&1 &
is_up()
{
	container systemctl is-system-running 2>/dev/null | grep -qE 'running|degraded'
}
await "systemd" is_up || cat /tmp/container.out
show()
{
	container systemctl show -p ActiveState,Result,StatusText,NRestarts,ExecMainStatus "$1"
}
# of UNIT NAME VALUE
is()
{
	[ "$(container systemctl show --value -p "$2" "$1")" = "$3" ]
}

step install container dpkg -i /root/itsy.deb
step version container itsy version
step user container grep '^itsy:' /etc/passwd
step verify container systemd-analyze verify --man=no itsy@box.service

step start_box container systemctl start itsy@box
step box show itsy@box
step list container itsy list
ready()
{
	container journalctl -u itsy@box | grep -q ready
}
step is_ready await_while 'container journalctl -u itsy@box | wc -l' "a guest" ready
step complete_command complete itsy sto
step complete_option complete itsy run --stop
step complete_value complete itsy run --route u
step complete_guest complete itsy stop b
step complete_verb complete itsy ctl box met
step complete_device complete itsy bind 0000:00:0
step stop_box container systemctl stop itsy@box
step box_stopped show itsy@box
step box_journal container journalctl -o cat -u itsy@box

step enable container systemctl enable --now itsy@disk
step enabled container systemctl is-enabled itsy@disk
step disk show itsy@disk
step driver driver 0000:00:01.0
first=$(container systemctl show --value -p MainPID itsy@disk)
step sandbox container sh -c "stat -c %U /proc/\$(cat /proc/$first/task/$first/children)"
container sh -c "kill -KILL $first"
step restarts await "another one" is itsy@disk NRestarts 1
step active await "it to run" is itsy@disk ActiveState active
step disk_again show itsy@disk
step stop_disk container systemctl stop itsy@disk
step disk_stopped show itsy@disk
step driver_after driver 0000:00:01.0
step log container cat /var/log/itsy/disk.log

step start_wrong container systemctl start itsy@wrong
step wrong show itsy@wrong
step start_missing container systemctl start itsy@missing
step wrong_journal container journalctl -o cat -u itsy@wrong
step journal container journalctl -b --identifier=systemd

step remove container dpkg -r itsy
step removed container sh -c 'ls /usr/bin/itsy /lib/systemd/system/itsy@.service'
step static itsy-static version
step static_run itsy-static run --kernel /usr/share/itsy/payloads/hello.bin --kernel-format flat --ram 64M
END

is_status install 0
has install.out '^Unpacking itsy \(0'
has version.out '^itsy [0-9]'
has user.out '^itsy:x:[0-9]+:'
is_status verify 0
is_status start_box 0
has box.out '^ActiveState=active$'
has box.out '^StatusText=the guest runs$'
has list.out '^box .* running$'
is_status is_ready 0
has complete_command.out '^stop$'
has complete_option.out '^--stop-timeout$'
has complete_value.out '^uring$'
nr_lines complete_value.out 1
has complete_guest.out '^box$'
has complete_verb.out '^metrics$'
has complete_device.out '^0000:00:01\.0$'
is_status stop_box 0
has box_stopped.out '^ActiveState=inactive$'
has box_stopped.out '^Result=success$'
has box_stopped.out '^ExecMainStatus=0$'
has box_journal.out '^itsy: /etc/itsy/box\.conf: 1 vCPU, 256 MiB, 0 devices'
has box_journal.out '^itsy: asked the guest to power off'
has box_journal.out '^ready'

is_status enable 0
has enabled.out '^enabled$'
has disk.out '^ActiveState=active$'
has driver.out '^vfio-pci$'
has sandbox.out '^itsy$'
is_status restarts 0
is_status active 0
has disk_again.out '^NRestarts=1$'
is_status stop_disk 0
has disk_stopped.out '^ActiveState=inactive$'
has disk_stopped.out '^Result=success$'
has disk_stopped.out '^ExecMainStatus=143$'
has log.out 'notice: /etc/itsy/disk\.conf: 1 vCPU, 128 MiB, 1 device'

is_status start_wrong 1
is_status start_missing 1
has wrong.out '^ActiveState=failed$'
has wrong.out '^ExecMainStatus=3$'
has wrong.out '^NRestarts=0$'
has wrong_journal.out "wrong\.conf:1: error: .*'kernal'"

is_status remove 0
lacks removed.out itsy
is_status static 0
has static.out '^itsy [0-9]'
is_status static_run 0
has static_run.out '^payload hello: PASS$'
verdict
