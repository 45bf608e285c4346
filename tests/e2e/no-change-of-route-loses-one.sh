#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Sixteen vectors interrupt at once, again and again, while they are given to KVM and taken back: each interrupt
# reaches the guest, once. What auto does when times are recorded, and fixed routes that are asked for. ITSY_INTERRUPTS is
# how many by each route (16000; make test-all: half a million each), in runs of 48000 at most.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

interrupts=${ITSY_INTERRUPTS:-16000}
runs=$(((interrupts + 47999) / 48000))
bursts=$(((interrupts + 16 * runs - 1) / (16 * runs)))
on_host --cpus 2 <<END
for route in auto irqfd; do
	for run in $(seq -s ' ' $runs); do
		step \$route-\$run itsy bench irq --routes \$route --vectors 16 --burst 16 --count $bursts --gap-us 0 \\
			--changes-us 10000 --json /tmp/\$route-\$run.json
	done
done
END

for route in auto irqfd; do
	total=0
	for run in $(seq $runs); do
		name=$route-$run
		is_status "$name" 0
		json "$name" '.jobs | length == 1'
		changes=$(sed -n 's/,//g; s/^.* changed their route \([0-9]*\) times\.$/\1/p' "$(file_of "$name.out")")
		expect "$name: routes changed at least 100 times, not '$changes'" [ "$changes" -ge 100 ]
		total=$((total + changes))
	done
	echo "$route: $((runs * bursts * 16)) interrupts, routes changed $total times"
done

verdict
