#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Sixteen vectors interrupt at once, again and again, while they are given to KVM and taken back: each interrupt
# reaches the guest, once. What auto does when times are recorded, and fixed routes that are asked for. ITSY_INTERRUPTS is
# how many by each route (make test-all: a million).

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

bursts=$((${ITSY_INTERRUPTS:-16000} / 16))
on_host --cpus 2 <<END
for route in auto irqfd; do
	step \$route itsy bench irq --routes \$route --vectors 16 --burst 16 --count $bursts --gap-us 0 \\
		--changes-us 10000 --json /tmp/\$route.json
done
END

for route in auto irqfd; do
	is_status $route 0
	json $route ".jobs | length == 1"
	changes=$(sed -n 's/,//g; s/^.* changed their route \([0-9]*\) times\.$/\1/p' "$(file_of $route.out)")
	expect "$route: routes changed at least 100 times, not '$changes'" [ "$changes" -ge 100 ]
done

verdict
