#!/bin/bash
# SPDX-License-Identifier: MIT
#
# An interrupt costs the same with 2048 vectors as with 64, and with 32 functions as with one, in counted
# instructions, and each vector takes little memory. tests/peers/scale.sh has the curves.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

# Where instructions are counted, the host says nothing before the end.
patience=1500

# Each vector comes up three times at least: a median is of one that KVM has met before.
on_host --icount <<'END'
bench() { step "$1" sh -c "itsy bench irq --gap-us 200 --routes uring,irqfd --json /tmp/$1.json $2"; }
bench few "--vectors 64 --count 256"
bench many "--vectors 2048 --count 6144"
bench functions "--vectors 64 --functions 32 --count 256"
END

# ratio NAME ROUTE: of its median to that of few
ratio()
{
	jq -n --arg route "$2" --slurpfile a "$tmp/few.json" --slurpfile b "$tmp/$1.json" '
		def median: .[0].jobs[] | select(.jobname == $route) | .lat_instructions.percentile["50.000000"];
		($b | median) / ($a | median)'
}

for name in few many functions; do
	is_status $name 0
	json $name '[.jobs[].lost] | add == 0'
	json $name '.environment.unit == "instructions"'
done
for name in many functions; do
	for route in uring irqfd; do
		r=$(ratio $name $route)
		echo "$name, $route: $r of few"
		expect "$name, $route: within 5 % of few, not $r" jq -en --arg r "$r" '$r | tonumber | . > 0.9 and . < 1.05'
	done
done
# 2048 less 64 vectors, at less than 1 KiB each.
expect "memory of a vector is below 1 KiB" jq -en --slurpfile a "$tmp/few.json" --slurpfile b "$tmp/many.json" \
	'($b[0].memory.private_bytes - $a[0].memory.private_bytes) / (2048 - 64) | . > 0 and . < 1024'

verdict
