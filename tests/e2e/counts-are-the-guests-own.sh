#!/bin/bash
# SPDX-License-Identifier: MIT
#
# On every route, what itsy counts of a vector is what Linux itself has counted, to the last one: of a disk and a NIC
# that have one request under way at a time. A NIC has frames of its own mind as well, and two interrupts that come
# together are one for a guest that was slow: so of frames itsy may count a few more, and never fewer.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

host_file /etc/both.conf <<'END_CONF'
kernel  = "/usr/share/itsy/guest/Image"
initrd  = "/usr/share/itsy/guest/initramfs.cpio"
cmdline = "console=ttyS0 quiet itsy.job=counts"
memory  = "256M"
device "nvme" {
	bdf = "0000:00:01.0"
}
device "nic" {
	bdf = "0000:00:02.0"
}
END_CONF

routes="auto irqfd uring spin"
on_host --device nvme --device e1000e <<END_SCRIPT
routes="$routes"
$(cat <<'END'
says()
{
	grep -q "$1" "/tmp/$name.out"
}

# look N: the guest's counts, itsy's, and the guest's again: if it counted the same twice, nothing came in between
look()
{
	echo look >&3
	await_while "wc -c /tmp/$name.out" "look $1 of the guest" says "^looked $1" || return 1
	itsy ctl $name irqs --json >"/tmp/$name.$1.json" 2>>"/tmp/$name.err"
	# host LOOK BDF VECTOR COUNT, of all CPUs
	awk -v look="$1" 'match($NF, /^vfio-msix\[[0-9]+\]\(.*\)$/) {
		for (i = n = 0; i < cpus; i++) n += $(i + 2)
		split($NF, part, /[][()]+/)
		print "host", look, part[3], part[2], n
	} NR == 1 { cpus = NF }' /proc/interrupts >>"/tmp/$name.host"
}

for name in $routes; do
	mkfifo /tmp/keys.$name
	itsy run /etc/both.conf --set route=$name --set name=$name --stats-json /tmp/$name.json </tmp/keys.$name \
		>/tmp/$name.out 2>/tmp/$name.err &
	pid=$!
	exec 3>/tmp/keys.$name
	await_while "wc -c /tmp/$name.out; grep vfio /proc/interrupts" "its counts" says '^counts' || cat /tmp/$name.out
	n=0
	while [ $n -lt 6 ] && kill -0 $pid; do
		n=$((n + 1))
		look $n || break
	done
	echo end >&3
	rc=0
	wait $pid || rc=$?
	exec 3>&-
	step_report $name $rc
	step host$name cat /tmp/$name.host
	for n in 1 2 3 4 5 6; do
		step look$name$n cat /tmp/$name.$n.json
	done
done
END
)
END_SCRIPT

# counted NAME LOOK IRQ: by the guest, at that look
counted()
{
	sed -n "s/^look $2 irqcount $3 //p" "$(file_of "$1.out")" | tr -d '\r'
}

# itsys NAME LOOK DEVICE VECTOR: what itsy counted between this look of the guest's and its next
itsys()
{
	jq ".vectors[] | select(.device == \"$3\" and .vector == $4) | .injected" "$(file_of "look$1$(($2 + 1)).out")"
}

# exact NAME IRQ DEVICE VECTOR: at each two looks between which the guest counted nothing more
exact()
{
	local n nr=0 wrong='' seen

	for n in 0 1 2 3 4; do
		seen=$(counted "$1" $n "$2")
		[ -n "$seen" ] && [ "$seen" = "$(counted "$1" $((n + 1)) "$2")" ] || continue
		nr=$((nr + 1))
		[ "$(itsys "$1" $n "$3" "$4")" = "$seen" ] || wrong="$(itsys "$1" $n "$3" "$4"), and the guest $seen"
	done
	expect "$1: $2 was quiet between two of six looks" [ $nr -gt 0 ]
	expect "$1: itsy counts as many of $2 as the guest, not $wrong" [ -z "$wrong" ]
}

# hosts NAME LOOK BDF VECTOR: what the host had after itsy counted
hosts()
{
	sed -n "s/^host $(($2 + 1)) $3 $4 //p" "$(file_of "host$1.out")"
}

# in_between NAME IRQ DEVICE BDF VECTOR: not fewer than the guest before, nor more than the host after
in_between()
{
	local n guest itsy host

	for n in 0 1 2 3 4 5; do
		guest=$(counted "$1" $n "$2") itsy=$(itsys "$1" $n "$3" "$5") host=$(hosts "$1" $n "$4" "$5")
		expect "$1: look $n: of $2 itsy counts $guest (the guest's) to $host (the host's), not $itsy" \
			test "${guest:-missing}" -le "$itsy" -a "$itsy" -le "${host:-0}"
	done
}

for name in $routes; do
	job_passed "$name" counts
	counts_add_up "$name"
	none_dropped "$name"
	# Linux makes the disk's admin queue's interrupt anew when it knows how many queues there are, and counts from 0.
	exact "$name" nvme0q1 nvme 1
	exact "$name" eth0 nic 2
	in_between "$name" eth0-rx-0 nic 0000:00:02.0 0
	in_between "$name" eth0-tx-0 nic 0000:00:02.0 1
done
json auto '.devices[0].vectors[1] | .ties > 0 and .tied > 300 and .tied < .taken'

verdict
