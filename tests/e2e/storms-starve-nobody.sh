#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A device that storms: its limit holds, the other device of its guest and another guest beside
# work on, and an NVMe function that is muted at the device loses nothing. Coalescing merges.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

host_file /etc/both.conf <<'END'
kernel = "/usr/share/itsy/payloads/storm.bin"
memory = "128M"
vcpus  = 2
device "edu" {
	bdf = "0000:00:01.0"
}
device "disk" {
	bdf = "0000:00:02.0"
}
END
host_file /etc/edu.conf <<'END'
kernel = "/usr/share/itsy/payloads/storm.bin"
memory = "128M"
vcpus  = 2
device "edu" {
	bdf = "0000:00:01.0"
}
END
host_file /etc/disk.conf <<'END'
kernel = "/usr/share/itsy/payloads/storm.bin"
memory = "128M"
device "disk" {
	bdf = "0000:00:02.0"
}
END

on_host --device edu --device nvme <<'END'
# So low that slow machines reach it.
limit='--set device.edu.storm-rate=2 --set device.edu.storm-burst=4 --set device.edu.storm-holdoff-us=50000'
guest free /etc/both.conf
guest limited /etc/both.conf $limit
guest spun /etc/both.conf $limit --set route=spin
guest held /etc/both.conf --set device.edu.hold-us=20000
guest muted /etc/disk.conf --set device.disk.storm-rate=20 --set device.disk.storm-burst=5
# Two guests at the same time.
itsy run /etc/edu.conf --stats-json /tmp/stormy.json $limit --set device.edu.msi-cpu=1 </dev/null >/tmp/stormy.out 2>/tmp/stormy.err &
stormy=$!
irqs=/sys/bus/pci/devices/0000:00:01.0/msi_irqs
moved()
{
	set -- $irqs/*
	[ -e "$1" ] && [ "$(cat "/proc/irq/${1##*/}/smp_affinity_list")" = 1 ]
}
step moved await "the vector on CPU 1" moved
guest beside /etc/disk.conf
wait $stormy
step_report stormy $?
step check itsy check /etc/both.conf --set device.edu.route=irqfd $limit --set router-cpu=1 --set spin-cpu=7 \
	--set device.disk.route=spin
END

# counted NAME MAX: edu's interrupts were at most so many, and what is left out is counted.
counted()
{
	json "$1" ".devices[0].vectors[0].taken <= $2 and .devices[0].vectors[0].taken > 0"
	expect "$1: the storm was a storm" [ "$(fact "$1" raised)" -gt $((4 * $2)) ]
}

for name in free limited spun held muted beside stormy; do
	payload_passed $name storm
	counts_add_up $name
	none_dropped $name
	ms=$(fact $name storm_ms)
	case $name in
	free)
		json $name '[.devices[].vectors[] | .storms + .storm_merged + .coalesced] | add == 0'
		;;
	limited | spun | stormy)
		counted $name $((4 + 2 * (ms + 1000) / 1000))
		json $name '.devices[0].vectors[0] | .storms > 0 and .storm_merged > 0 and .storm_masked == 0'
		;;
	held)
		counted $name $(((ms + 1000) / 20))
		json $name '.devices[0].vectors[0] | .storms == 0 and .coalesced > 0'
		;;
	muted)
		json $name '.devices[0].vectors[1] | .storms > 2 and .storm_masked > 2 and .storm_released == 0'
		json $name ".devices[0].vectors[1].taken <= 5 + 20 * ($ms * 2 + 2000) / 1000"
		;;
	esac
done
for name in free limited spun held; do
	# A hang is longer than 5 s; on a slow machine they take long without a storm, too.
	worst=$(fact $name worst_us) bound=$((20 * $(fact $name alone_us)))
	[ $bound -gt 5000000 ] || bound=5000000
	expect "$name: no burst took $bound us beside a storm, not '$worst'" [ "$worst" -lt $bound ]
done
is_status moved 0
is_status check 4
has check.out '^INFO  edu interrupts +by irqfd; taken by any CPU; .*; a storm is seen within a tenth of a second$'
has check.out '^FAIL  disk interrupts +by spin; taken by CPU 7, which is not online'
has check.out '^FAIL  spinning router +CPU 7, which is not online'
has check.out '^PASS  router +CPU 1, not isolated; SCHED_FIFO 1'
has check.out '^INFO  direct injection +no: '
# Of a policy, nothing reaches the device that has none.
for name in limited spun held; do
	json $name '[.devices[1].vectors[] | .storms + .storm_merged + .coalesced] | add == 0'
done
# The kernel of the host took its ITS commands for muting quietly: on_host sees to that.

verdict
