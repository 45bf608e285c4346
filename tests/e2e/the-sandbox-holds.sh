#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The sandbox of a guest's process, seen from outside: its threads' rights, its root, namespaces and
# files. A call that a thread's kind does not make ends the guest and is told, whichever thread makes
# it (inject-call has it do so, as somebody would who has taken it over). Whoever of guest and keeper
# dies, the other ends, devices go back, and core dumps are made. It all holds without root, too.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

inject=$(dirname "${ITSY:-$build/arm64/itsy}")/inject-call
[ -x "$inject" ] || { echo "$inject is not there (make test makes it)"; exit 77; }

host_file /etc/box.conf <<'END'
kernel = "/usr/share/itsy/payloads/forever.bin"
memory = "128M"
route  = "uring"
device "disk" {
	bdf = "0000:00:01.0"
	msi-cpu = 1
}
device "edu" {
	bdf = "0000:00:02.0"
}
END
host_file /etc/alone.conf <<'END'
kernel = "/usr/share/itsy/payloads/hello.bin"
memory = "128M"
END
# What the kernel gives a core dump to.
host_file /bin/core-sink <<'END'
#!/bin/sh
dd bs=4 count=1 2>/dev/null | od -An -c >/tmp/core-magic
cat >/dev/null
END

on_host --device nvme --device edu --file "$inject:/bin/inject-call" <<'END'
disk=0000:00:01.0 edu=0000:00:02.0

# begin NAME [OPTION]...: a guest that is busy. Sets pid and child. Descriptor 9 is none of its business.
begin()
{
	local name=$1
	shift

	: >"/tmp/$name.out"
	itsy run /etc/box.conf "$@" >"/tmp/$name.out" 2>"/tmp/$name.err" </dev/null 9</etc/passwd &
	pid=$!
	await "a busy guest" grep -q '^busy' "/tmp/$name.out" || echo "it does not get busy"
	child=$(guest_process $pid)
}

end()
{
	local rc=0

	wait $pid || rc=$?
	step_report "$1" $rc
}

# look NAME PID: a line for each thread, and what the process sees and has.
look()
{
	local at=/proc/$2 task ns

	{
		for task in "$at"/task/*; do
			echo "thread $(cat "$task/comm")" $(awk '/^(Uid|CapPrm|CapEff|CapBnd|NoNewPrivs|Seccomp|Seccomp_filters):/ {
				print $1 $2 }' "$task/status")
		done
		echo "root $(ls -A "$at/root/" | wc -l) entries"
		touch "$at/root/new" 2>/dev/null && echo "its root can be written"
		for ns in mnt net ipc uts user; do
			[ "$(readlink "$at/ns/$ns")" = "$(readlink /proc/self/ns/$ns)" ] || echo "own $ns"
		done
		for fd in "$at"/fd/*; do
			echo "fd $(readlink "$fd" | sed 's/[0-9][0-9]*/N/g')"
		done | sort | uniq -c
		echo "interfaces $(grep -c : "$at/net/dev")"
	} >"/tmp/$1.out"
	step_report "$1" 0
}

drivers()
{
	step "$1" sh -c '. /lib/e2e/host.sh; driver '$disk'; driver '$edu'; ls /run/itsy/bound'
}

tid_of()
{
	local task

	for task in "/proc/$1"/task/*; do
		[ "$(cat "$task/comm")" != "$2" ] || echo "${task##*/}"
	done
}

step check_root itsy check /etc/alone.conf
begin first
look as_root $child
look keeper $pid
step info itsy ctl box
kill -TERM $pid
end first

echo "itsy:x:900:900:itsy:/:/bin/false" >>/etc/passwd
step check_user itsy check /etc/alone.conf
begin second
look as_user $child
step moved sh -c 'cat /proc/irq/*/smp_affinity_list | grep -c "^1$"'
kill -INT $pid
end second

# 56: openat. 198: socket. 29: ioctl, with TIOCSTI.
begin main
step into_main inject-call $child 56 -100 0 0
end main
for thread in vcpu0 its router router-spin; do
	begin $thread
	step into_$thread inject-call "$(tid_of $child $thread)" 198 1 1 0
	end $thread
done
begin ioctl
step into_ioctl inject-call "$(tid_of $child vcpu0)" 29 0 0x5412 0
end ioctl
drivers after_calls
begin of_keeper
step into_keeper inject-call $pid 198 1 1 0
end of_keeper
step orphan await "the guest's end" test ! -d /proc/$child/fd/0
await_while 'ls /proc' "the process is gone" test ! -d /proc/$child
step freed itsy release $disk $edu

begin killed
kill -KILL $child
end killed
drivers after_killed
echo '|/bin/core-sink' >/proc/sys/kernel/core_pattern
chmod 755 /bin/core-sink
begin crashed
kill -SEGV $child
end crashed
await "a core dump" test -s /tmp/core-magic
step magic cat /tmp/core-magic
begin orphaned
kill -KILL $pid
end orphaned
await "the guest's process is gone" test ! -d /proc/$child
step released itsy release $disk $edu

begin off --set sandbox=off
look without $pid
kill -TERM $pid
end off
guest alone /etc/alone.conf

# Somebody with access to KVM and to a device's group.
echo "somebody:x:1000:1000::/tmp:/bin/sh" >>/etc/passwd
chmod 666 /dev/kvm /dev/vfio/vfio
step bind itsy bind $disk $edu
chown 1000 /dev/vfio/*
ulimit -l unlimited
as_somebody()
{
	su -s /bin/sh somebody -c "$*"
}
step check_somebody as_somebody itsy check /etc/alone.conf
: >/tmp/somebody.out
chmod 666 /tmp/somebody.out
as_somebody 'exec itsy run /etc/box.conf' >/tmp/somebody.out 2>/tmp/somebody.err </dev/null &
pid=$!
await "a busy guest" grep -q '^busy' /tmp/somebody.out
keeper=$(pidof itsy | tr ' ' '\n' | sort -n | head -n 1)
look as_somebody "$(guest_process $keeper)"
kill -TERM $keeper
end somebody
END

# ---- each layer, from outside -------------------------------------------------------------------

# confined NAME UID BOUND: all threads are, as that user.
confined()
{
	local thread

	for thread in itsy vcpu0 its router router-spin; do
		has "$1.out" "^thread $thread Uid:$2 CapPrm:0+ CapEff:0+ CapBnd:$3 NoNewPrivs:1 Seccomp:2"
	done
	has "$1.out" '^thread itsy .* Seccomp_filters:1$'
	has "$1.out" '^thread vcpu0 .* Seccomp_filters:2$'
	has "$1.out" '^thread router .* Seccomp_filters:2$'
	has "$1.out" '^root 0 entries$'
	lacks "$1.out" '^its root can be written$'
	has "$1.out" '^own mnt$'
	has "$1.out" '^own net$'
	has "$1.out" '^own ipc$'
	has "$1.out" '^own uts$'
	has "$1.out" '^interfaces 1$'
	lacks "$1.out" 'fd /(etc|proc|dev/(mem|kmsg)|bin|lib)'
	lacks "$1.out" 'fd .*passwd'
	has "$1.out" 'fd /usr/share/itsy/payloads/forever.bin'
}

is_status check_root 0
has check_root.out '^WARN +sandbox +without user: it stays root'
has check_root.out '-> make a user for it: useradd --system itsy$'
confined as_root 0 0+
lacks as_root.out '^own user$'
is_status first 143
# The keeper has one capability, and nothing of the guest's.
has keeper.out '^thread itsy Uid:0 CapPrm:0+20 CapEff:0+20 CapBnd:[0-9a-f]+ NoNewPrivs:1 Seccomp:2'
lacks keeper.out 'fd .*(kvm|vfio|forever)'
has info.out '^box: process [0-9]+, 1 vCPU'

is_status check_user 0
has check_user.out '^PASS +sandbox +open files, namespaces, empty root, user, capabilities, no new privileges, Landlock, system calls$'
confined as_user 900 0+
is_status second 130
expect "interrupts were moved" [ "$(head -n 1 "$(file_of moved.out)")" -ge 3 ]

# ---- forbidden calls ------------------------------------------------------------------------------

# forbidden NAME THREAD CALL
forbidden()
{
	is_status "into_$1" 0
	is_status "$1" 5
	has "$1.err" "^itsy: error: box: thread $2 made a forbidden system call: $3 \(0x"
}

forbidden main main openat
forbidden vcpu0 vcpu0 socket
forbidden its its socket
forbidden router router socket
forbidden router-spin router-spin socket
forbidden ioctl vcpu0 ioctl
has after_calls.out '^nvme$'
has after_calls.out '^none$'
nr_lines after_calls.out 2
# The keeper has nobody who could tell; but it ends, and the guest with it.
is_status of_keeper 159
is_status freed 0

# ---- whoever dies -------------------------------------------------------------------------------

is_status killed 137
has killed.err '^itsy: error: box: its process was ended by signal 9 '
has after_killed.out '^nvme$'
is_status crashed 139
has crashed.err '^itsy: error: box: its process was ended by signal 11 .*core dumped\)'
has magic.out 'E +L +F'
is_status orphaned 137
is_status released 0

# ---- without --------------------------------------------------------------------------------------

is_status off 143
has off.err '^itsy: warning: .*sandbox = "off"'
has without.out '^thread vcpu0 .* Seccomp:0'
payload_passed alone hello

is_status check_somebody 0
has check_somebody.out '^PASS +sandbox '
confined as_somebody 1000 '[0-9a-f]+'
has as_somebody.out '^own user$'
is_status somebody 143

verdict
