#!/bin/bash
# SPDX-License-Identifier: MIT
#
# test-emuhost - the emulated host does for a command what emuhost --help says

set -uo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/common.sh"
. "$top/scripts/wait.sh"

emuhost=$top/tests/emuhost/emuhost
tmp_make
failed=0

# expect NAME WANT GOT
expect()
{
	if [ "$2" = "$3" ]; then
		echo "ok: $1"
	else
		printf 'not ok: %s\n  wanted: %s\n  got:    %s\n' "$1" "$2" "$3"
		failed=1
	fi
}

# status NAME WANT OPTIONS...: the exit status of a run; what it says goes to $tmp/out and $tmp/err
status()
{
	local name=$1 want=$2 rc=0
	shift 2

	"$emuhost" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null || rc=$?
	expect "$name" "$want" "$rc"
	[ "$rc" = "$want" ] || cat "$tmp/err"
}

commands_and_streams()
{
	local odd=("two words" "it's" '"$HOME"' $'a\nb' '' '*' 'back\slash' 'ü')

	# Variables of the shell inside:
	# shellcheck disable=SC2016
	"$emuhost" run -- sh -c 'printf "<%s>" "$@"' sh "${odd[@]}" </dev/null >"$tmp/got"
	expect 'arguments arrive as they were' "$(printf '<%s>' "${odd[@]}")" "$(cat "$tmp/got")"

	head -c 3000000 /dev/urandom >"$tmp/in"
	# Not before something has come, and then not soon.
	"$emuhost" run cat <"$tmp/in" | { head -c 1; sleep 2; cat; } >"$tmp/got"
	expect 'streams are exact, though the reader is slow' "$(sha256sum <"$tmp/in")" \
		"$(sha256sum <"$tmp/got")"
}

exit_statuses()
{
	status 'the exit status of the command' 42 run -- sh -c 'exit 42'
	status 'a command that does not exist' 127 run -- /nowhere
	# shellcheck disable=SC2016
	status 'a command that a signal ended' 137 run -- sh -c 'kill -9 $$'
	status 'an unknown device' 2 run --device floppy -- true
	status 'no command' 2 run
	expect 'its help fits a terminal of 80 columns' '' "$("$emuhost" --help | grep -E '^.{81}')"
	status 'a window that is none' 2 run --pci-window 1G -- true
	status 'an emulator that does not start' 125 run --qemu-device nonsense -- true
	grep -q nonsense "$tmp/err"
	expect 'the emulator is quoted' 0 $?
	status 'a command that says nothing any more' 124 run --timeout 8 -- sleep 1000
	status 'a command that is slow' 0 run --timeout 8 -- sh -c 'for n in 1 2 3 4 5; do sleep 4; echo $n; done'
	status 'a host that panics' 125 run -- sh -c 'echo c >/proc/sysrq-trigger; sleep 600'
	grep -q 'Kernel panic' "$tmp/err"
	expect 'the panic is shown' 0 $?
	status 'a host that warns' 126 run -- sh -c 'echo "<4>WARNING: CPU: 0 PID: 1" >/dev/kmsg'
}

devices_and_files()
{
	echo 'from outside' >"$tmp/file"
	status 'a run with devices and a file' 0 run --cpus 1 --device nvme --device none \
		--device e1000e --device edu --file "$tmp/file:/tmp-file" -- sh -c '
			cat /tmp-file
			nproc
			cd /sys/bus/pci/devices
			for bdf in 0000:00:0[1-9].0; do
				echo $bdf $(cat $bdf/vendor) $(basename "$(readlink $bdf/driver)")
			done
			ls /dev/kvm /dev/vfio/vfio'
	expect 'devices sit at their slots with their drivers' "from outside
1
0000:00:01.0 0x1b36 nvme
0000:00:03.0 0x8086 e1000e
0000:00:04.0 0x1234
/dev/kvm
/dev/vfio/vfio" "$(cat "$tmp/out")"
	status 'the disk can be written' 0 run --device nvme -- \
		dd if=/dev/zero of=/dev/nvme0n1 bs=4096 count=4 conv=fsync
	# shellcheck disable=SC2016
	status 'what was written is gone afterwards' 0 run --device nvme -- \
		sh -c '[ "$(head -c 14 /dev/nvme0n1)" = "itsy-pattern 1" ]'
}

# tests/README.md, "What the emulated host gets wrong": whatever the kernel patches for KVM, one CPU has seen it.
cpus()
{
	local host

	for host in '' --acpi '--gic 4'; do
		# shellcheck disable=SC2086,SC2016
		status "three CPUs ${host:-by default}" 0 run --cpus 3 $host -- sh -c '
			dmesg | grep -o "Brought up 1 node, . CPU"
			cat /sys/devices/system/cpu/online
			ls -l "/proc/$(pidof emuhost-agent)/fd" | grep -oE "kvm-vm|io_uring" | sort'
		expect 'the kernel boots on one, a machine and a ring are kept, all run' "Brought up 1 node, 1 CPU
0-2
io_uring
kvm-vm" "$(cat "$tmp/out")"
	done
	# shellcheck disable=SC2016
	status 'one CPU' 0 run --cpus 1 -- sh -c '
		cat /sys/devices/system/cpu/online
		ls -l "/proc/$(pidof emuhost-agent)/fd" | grep -cE "kvm-vm|io_uring" || true'
	expect 'it misses nothing, so nothing is kept' "0
0" "$(cat "$tmp/out")"
}

# A release's name would fetch that kernel: make test-all is the test of those.
kernels()
{
	local image

	status 'a kernel that is not there' 1 run --kernel "$tmp/nowhere" -- true
	ITSY_HOST_OPTIONS="--cpus 1 --kernel $tmp/nowhere" status 'a kernel that the environment names, not there' 1 run -- true
	image=$(compgen -G "$build/arm64-root/boot/vmlinuz-*")
	ITSY_HOST_OPTIONS="--cpus 1 --kernel $tmp/nowhere" status 'an option goes before the environment' 0 \
		run --kernel "$image" -- sh -c 'uname -r; nproc'
	expect 'the kernel that was asked for, the CPUs of the environment' "${image##*vmlinuz-}
1" "$(cat "$tmp/out")"
}

# Another release's emulator would be fetched: linux-drives-newer-devices.sh is the test of that.
emulators()
{
	status 'an emulator of no release' 2 run --emulator ../nowhere -- true
	status 'a module of the host is loaded' 0 run --cpus 1 --module loop -- ls -d /sys/module/loop
	status 'a module that there is not' 1 run --module nothing -- true
}

# With a GICv4 KVM hands interrupts to guests directly; with ACPI there is no device tree.
machines()
{
	status 'a GIC that there is not' 2 run --gic 5 -- true
	status 'a host with a GICv4' 0 run --gic 4 --device nvme -- itsy check
	expect 'KVM uses the GICv4' 1 "$(grep -c '^INFO  direct injection     yes' "$tmp/out")"
	# shellcheck disable=SC2016
	status 'a host with ACPI' 0 run --acpi --device nvme --device e1000e -- \
		sh -c '[ ! -e /proc/device-tree ] && ls /sys/firmware/acpi/tables/IORT && ls /sys/kernel/iommu_groups && itsy check'
	expect 'a group for each device, from the IORT' 2 "$(grep -c '^[0-9]' "$tmp/out")"
	expect 'asking for help unpacks nothing' 1 "$("$top/scripts/arm64-material" --help | grep -c '^usage')"
}

# Processes that have a word in their environment, as those have that a run with it started.
processes_of()
{
	grep -lsz "^EMUHOST_TEST=$1$" /proc/[0-9]*/environ | wc -l
}

is_up()
{
	grep -q up "$tmp/killed" || [ ! -e "/proc/$1" ]
}

nothing_runs_of()
{
	[ "$(processes_of "$1")" = 0 ]
}

# Two runs at the same time, one of them killed so that it cannot tidy up.
side_by_side()
{
	local pid other

	EMUHOST_TEST=$tmp "$emuhost" run -- sh -c 'echo up; sleep 1000' >"$tmp/killed" 2>&1 </dev/null & pid=$!
	mkfifo "$tmp/go"
	"$emuhost" run -- sh -c 'read -r word; echo "$word"' >"$tmp/other" 2>&1 <"$tmp/go" & other=$!
	exec 3>"$tmp/go"
	await "a run that is up" is_up $pid
	[ "$(processes_of "$tmp")" -ge 3 ]
	expect 'a run has an emulator' 0 $?
	kill -KILL $pid
	wait $pid 2>/dev/null
	echo fine >&3
	exec 3>&-
	wait $other
	expect 'the other run is not disturbed' fine "$(cat "$tmp/other")"
	await "the end of its processes" nothing_runs_of "$tmp"
	expect 'the killed run leaves no process' 0 "$(processes_of "$tmp")"
	expect 'the killed run leaves no file' '' "$(ls -d "$build/tmp/emuhost.$pid".* 2>/dev/null)"
}

counts_repeat()
{
	local run

	for run in 1 2; do
		status "run $run with --icount" 0 run --icount -- sh -c 'dmesg; cat /proc/timer_list'
		cp "$tmp/out" "$tmp/icount$run"
	done
	cmp "$tmp/icount1" "$tmp/icount2"
	expect 'virtual time repeats to the nanosecond' 0 $?
}

commands_and_streams
exit_statuses
devices_and_files
cpus
kernels
emulators
machines
side_by_side
counts_repeat
exit $failed
