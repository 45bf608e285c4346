#!/bin/bash
# SPDX-License-Identifier: MIT
#
# itsy bench irq measures every route, with bare eventfds and with devices' vectors, of one function and
# of several, loses nothing, says in which unit, and gives the devices back.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

on_host --cpus 3 --device nvme --device nvme <<'END'
bench() { step "$1" sh -c "itsy bench irq --gap-us 100 --json /tmp/$1.json $2"; }
bench all "--routes uring,spin,irqfd --count 300 --vectors 32 --vcpus 2 --hgrm /tmp/all.hgrm"
step hgrm sh -c 'cat /tmp/all-uring.hgrm /tmp/all-spin.hgrm /tmp/all-irqfd.hgrm'
# Once around all vectors takes 800 ms, which is more than any load holds one up; and 100 ns, which is less.
bench rate "--count 40 --vectors 16 --rate 20 --busy"
bench overrun "--count 200 --rate 10000000"
bench device "--device 0000:00:01.0 --vectors 16 --count 160"
step given_back driver 0000:00:01.0
bench functions "--functions 32 --vectors 100 --vcpus 3 --count 200"
bench most "--functions 32 --vectors 2048 --count 2048 --routes irqfd"
bench devices "--device 0000:00:01.0 --device 0000:00:02.0 --vectors 9 --count 180"
bench burst "--vectors 24 --functions 3 --burst 16 --count 100"
bench changes "--changes-us 1 --count 100"
step given_back_both sh -c 'for f in 1 2; do readlink /sys/bus/pci/devices/0000:00:0$f.0/driver; done'
step twice itsy bench irq --device 0000:00:01.0 --device 0000:00:01.0
step mixed itsy bench irq --device 0000:00:01.0 --functions 2
step too_few itsy bench irq --functions 4 --vectors 3
bench limit "--count 20 --hardlimit 1"
bench merged "--count 200 --rate 10000000 --hardlimit 1000000000000"
step full_json itsy bench irq --count 20 --json /dev/full
step full_out sh -c 'itsy bench irq --count 20 >/dev/full'
step closed_out sh -c 'itsy bench irq --count 20 >&-'
# An hour's measurement is not made where there is nowhere to write it.
step nowhere itsy bench irq --count 1000000 --json /nowhere/x
step no_gnuplot itsy bench irq --count 1000000 --plot /tmp/x.png
step no_picture itsy bench irq --count 1000000 --plot /tmp/x.jpg
step no_cpu itsy bench irq --count 1000000 --vcpu-cpu 0 --spin-cpu 99
# Its vCPUs come out of the guest N times and more; and no more: it is in a gap, of ten seconds.
cat >/tmp/exits.sh <<'END_EXITS'
. /lib/wait.sh
processes() { cat /proc/[0-9]*/stat 2>/dev/null | awk -v started="$1" '$4 == started { print $1 }'; }
exits()
{
	local pid
	for pid in $(processes "$1"); do
		cat "/sys/kernel/debug/kvm/$pid"-*/exits 2>/dev/null
	done | awk '{ sum += $1 } END { print sum + 0 }'
}
has_exited() { [ "$(exits "$1")" -ge "$2" ]; }
is_in_a_gap()
{
	[ "$(exits "$1")" != "${had-0}" ] || [ "${had-0}" = 0 ] || return 0
	had=$(exits "$1")
	sleep 1
	return 1
}
END_EXITS
step soon sh -c '. /tmp/exits.sh
	itsy bench irq --count 10 --gap-us 10000000 & pid=$!
	await "a gap" is_in_a_gap $pid
	kill -INT $pid
	before=$(cut -d. -f1 /proc/uptime)
	wait $pid
	rc=$?
	echo "after $(($(cut -d. -f1 /proc/uptime) - before)) s"
	exit $rc'
step ended sh -c '. /tmp/exits.sh
	itsy bench irq --device 0000:00:01.0 --routes irqfd --count 1000000 & pid=$!
	await "its driver" test -e /sys/bus/pci/drivers/vfio-pci/0000:00:01.0
	await_while "exits $pid" "interrupts" has_exited $pid 5000
	kill -TERM $pid
	wait $pid'
step given_back_then driver 0000:00:01.0
step many itsy bench irq --device 0000:00:01.0 --vectors 2048
step given_back_again driver 0000:00:01.0
END

for name in all rate overrun device functions most devices burst changes; do
	is_status $name 0
	case $name in
	# At a given rate, what comes while the last one is under way merges with it, and each is one or the other.
	rate) json $name '[.jobs[] | .lost <= .lat_ns.N and .lost + .lat_ns.N == 40] | all' ;;
	overrun) json $name '[.jobs[] | .lost > 0 and .lat_ns.N > 0 and .lost + .lat_ns.N == 200] | all' ;;
	*) json $name '[.jobs[].lost] | add == 0' ;;
	esac
	json $name '.environment.emulated and .environment.unit == "ns"'
	has $name.out 'not times of hardware'
	# As many in the bins as were taken, and the percentiles in order.
	json $name '[.jobs[].lat_ns | (.bins | add) == .N] | all'
	json $name '[.jobs[].lat_ns | [.min, .percentile[]] == ([.min, .percentile[]] | sort)] | all'
	json $name '[.jobs[].lat_ns | .min > 0 and .min <= .mean and .mean <= .max] | all'
done
json all '[.jobs[].jobname] == ["uring", "spin", "irqfd"]'
json all '[.jobs[].lat_ns.N] == [300, 300, 300]'
# Little: a guest with 2048 vectors takes less than 5 MiB.
json most '.memory | .private_bytes > 0 and .private_bytes <= .pss_bytes and .pss_bytes <= .rss_bytes and .rss_bytes < 5 * 1024 * 1024'
has most.out "^itsy takes [0-9,]+ KiB beyond the guest's RAM"
json burst '[.jobs[].lat_ns.N] | min == 100'
for change in 'to it' 'to uring'; do
	has changes.out "^irqfd: a change $change and the interrupt behind it took [0-9,]+ at the median, [0-9,]+ (more|less) than by uring alone\\.$"
done
json functions '."job options" | .gap_us == 100 and .devices == [] and .router_cpu == null and .functions == 32 and .vectors == 100'
json devices '[.jobs[].lat_ns.N] | min == 180'
json devices '."job options" | .functions == 2 and .devices == ["0000:00:01.0", "0000:00:02.0"]'
nr_lines given_back_both.out 2
lacks given_back_both.out 'vfio'
for name in twice mixed too_few; do
	is_status $name 2
done
has twice.err 'not twice'
has mixed.err 'name more devices'
has too_few.err 'at least one for each'
json device '[.jobs[].lat_ns.N] | min == 160'
expect "three histograms of 300" [ "$(grep -c 'Total count    = *300\]' "$tmp/hgrm.out")" = 3 ]
is_status limit 1
has limit.err 'over the hard limit'
# Those that merge are no measure of how long one takes.
is_status merged 0
for name in full_json full_out closed_out nowhere; do
	is_status $name 1
	has $name.err 'cannot be written'
done
is_status no_gnuplot 4
has no_gnuplot.err '/tmp/x.png: there is no gnuplot .*: .*\.gp'
is_status no_picture 2
has no_picture.err '/tmp/x.jpg: --plot draws .svg and .png'
is_status no_cpu 4
has no_cpu.err '^itsy: error: --spin-cpu: the host refuses CPU 99 '
is_status soon 130
has soon.out '^after [0-6] s$'
# What was measured until then is told, and the device is back.
is_status ended 143
has ended.out '^irqfd +[1-9]'
has given_back_then.out '^nvme$'
is_status many 2
has many.err '0000:00:01.0 has 65, fewer'
has given_back.out '^nvme$'
has given_back_again.out '^nvme$'

verdict
