#!/bin/bash
# SPDX-License-Identifier: MIT
#
# On every route, what itsy counts of each vector is what Linux itself has counted, to the last one: of a disk and a NIC
# that have one request under way at a time.

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
	for n in 1 2 3 4 5 6; do
		step look$name$n cat /tmp/$name.$n.json
	done
done
END
)
END_SCRIPT

# Of six looks, the first of two beside each other between which the guest counted nothing.
quiet_look()
{
	local n

	for n in 0 1 2 3 4; do
		if cmp -s <(grep "^look $n " "$(file_of "$1.out")" | cut -d' ' -f3-) \
			<(grep "^look $((n + 1)) " "$(file_of "$1.out")" | cut -d' ' -f3-); then
			echo $n
			return
		fi
	done
}

for name in $routes; do
	job_passed "$name" counts
	counts_add_up "$name"
	none_dropped "$name"
	look=$(quiet_look "$name")
	expect "$name: nothing came between two of six looks" [ -n "$look" ]
	nr=0
	while read -r irq seen; do
		case $irq in
		nvme*q*) device=nvme vector=${irq##*q} ;;
		eth*-rx-*) device=nic vector=0 ;;
		eth*-tx-*) device=nic vector=1 ;;
		eth*) device=nic vector=2 ;;
		*) continue ;;
		esac
		nr=$((nr + 1))
		# Linux makes the admin queue's interrupt anew when it knows how many queues there are, and counts from 0.
		[ "$irq" != nvme0q0 ] || continue
		jq -e ".vectors[] | select(.device == \"$device\" and .vector == $vector) | .injected == $seen" \
			"$(file_of "look$name$((look + 1)).out")" >/dev/null
		expect "$name: vector $vector of $device has $seen interrupts, as the guest counted" [ $? = 0 ]
	done < <(grep "^look $look irqcount " "$(file_of "$name.out")" | cut -d' ' -f4-)
	expect "$name: five vectors or more, not $nr" [ "$nr" -ge 5 ]
done
json auto '.devices[0].vectors[1] | .ties > 0 and .tied > 300 and .tied < .taken'

verdict
