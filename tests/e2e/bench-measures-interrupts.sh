#!/bin/bash
# SPDX-License-Identifier: MIT
#
# itsy bench irq measures every route, with bare eventfds and with a device's vectors, loses nothing,
# says in which unit, and gives the device back.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

on_host --cpus 3 --device nvme <<'END'
bench() { step "$1" sh -c "itsy bench irq --gap-us 100 --json /tmp/$1.json $2"; }
bench all "--routes uring,spin,irqfd --count 300 --vectors 32 --vcpus 2 --hgrm /tmp/all"
step hgrm sh -c 'cat /tmp/all.uring.hgrm /tmp/all.spin.hgrm /tmp/all.irqfd.hgrm'
bench rate "--count 200 --vectors 4 --rate 200 --busy"
bench device "--device 0000:00:01.0 --vectors 16 --count 160"
step given_back driver 0000:00:01.0
bench limit "--count 20 --hardlimit 1"
step ended sh -c 'itsy bench irq --device 0000:00:01.0 --routes irqfd --count 1000000 & pid=$!
	wait_for_driver=200
	while [ $wait_for_driver -gt 0 ] && [ ! -e /sys/bus/pci/drivers/vfio-pci/0000:00:01.0 ]; do
		wait_for_driver=$((wait_for_driver - 1))
		sleep 0.1
	done
	sleep 3
	kill -TERM $pid
	wait $pid'
step given_back_then driver 0000:00:01.0
step many itsy bench irq --device 0000:00:01.0 --vectors 2048
step given_back_again driver 0000:00:01.0
END

for name in all rate device; do
	is_status $name 0
	# At a given rate, what comes while the last one is under way merges with it.
	json $name "[.jobs[] | .lost] | add <= $([ $name = rate ] && echo 100 || echo 0)"
	json $name '.environment.emulated and .environment.unit == "ns"'
	has $name.out 'not times of hardware'
	# As many in the bins as were taken, and the percentiles in order.
	json $name '[.jobs[].lat_ns | (.bins | add) == .N] | all'
	json $name '[.jobs[].lat_ns | [.min, .percentile[]] == ([.min, .percentile[]] | sort)] | all'
	json $name '[.jobs[].lat_ns | .min > 0 and .min <= .mean and .mean <= .max] | all'
done
json all '[.jobs[].jobname] == ["uring", "spin", "irqfd"]'
json all '[.jobs[].lat_ns.N] == [300, 300, 300]'
json device '[.jobs[].lat_ns.N] | min == 160'
expect "three histograms of 300" [ "$(grep -c 'Total count    = *300\]' "$tmp/hgrm.out")" = 3 ]
is_status limit 1
has limit.err 'over the hard limit'
# What was measured until then is told, and the device is back.
is_status ended 143
has ended.out '^irqfd +[1-9]'
has given_back_then.out '^nvme$'
is_status many 2
has many.err 'the device has 65'
has given_back.out '^nvme$'
has given_back_again.out '^nvme$'

verdict
