#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The payload that is for comparisons says when it was entered, later than it was executed, and how long
# its device takes, each time: by each route, and without a device. The host's own driver of that device
# says the same, and gives the device back: also when it is told to end.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

programs=$(dirname "${ITSY:-$build/arm64/itsy}")/peers
[ -x "$programs/edu_host" ] && [ -x "$programs/stamp" ] || { echo "no $programs (make test makes it)"; exit 77; }

host_file /etc/edu.conf <<'END'
kernel  = "/usr/share/itsy/payloads/roundtrip.bin"
cmdline = "rounds=300 gap_us=100"
memory  = "64M"
device "edu" {
	bdf = "0000:00:01.0"
}
END
host_file /etc/bare.conf <<'END'
kernel = "/usr/share/itsy/payloads/roundtrip.bin"
memory = "64M"
END

on_host --device edu --device nvme --file "$programs/edu_host:/bin/edu_host" --file "$programs/stamp:/bin/stamp" <<'END'
timed()
{
	local name=$1 began
	shift

	began=$(cut -d. -f1 /proc/uptime)
	step "$name" stamp itsy run "$@" --stats-json "/tmp/$name.json" </dev/null
	echo "$name-took.out|seconds $(($(cut -d. -f1 /proc/uptime) - began + 1))"
}

timed uring /etc/edu.conf
timed irqfd /etc/edu.conf --set route=irqfd
timed first /etc/edu.conf --set 'cmdline=rounds=300 gap_us=100 first_ms=100'
timed one /etc/edu.conf --set 'cmdline=rounds=1'
timed none /etc/edu.conf --set 'cmdline=rounds=0'
timed bare /etc/bare.conf

step host edu_host 0000:00:01.0 rounds=300 gap_us=100
step after driver 0000:00:01.0
edu_host 0000:00:01.0 rounds=100000 gap_us=1000 >/tmp/told.out 2>/tmp/told.err &
pid=$!
await "its driver" test -e /sys/bus/pci/drivers/vfio-pci/0000:00:01.0
kill $pid
rc=0
wait $pid || rc=$?
step_report told $rc
step after-told driver 0000:00:01.0
step other edu_host 0000:00:02.0
step after-other driver 0000:00:02.0
END

ordered()
{
	local name=$1 key=${4-edu} at last=0

	expect "$name: $2 round trips" [ "$(fact "$name" "${key}_count")" = "$2" ]
	for at in min ${3-p50 p90 p99} max; do
		expect "$name: ${key}_$at, $(fact "$name" "${key}_$at"), is not below $last" \
			[ "$(fact "$name" "${key}_$at")" -ge "$last" ]
		last=$(fact "$name" "${key}_$at")
	done
	expect "$name: the longest is not 0" [ "$last" -gt 0 ]
}

for name in uring irqfd first one bare; do
	payload_passed $name roundtrip
	expect "$name: first, $(fact $name first), is later than exec, $(fact $name exec)" \
		[ "$(fact $name first)" -gt "$(fact $name exec)" ]
	# Both are of one counter: a guest whose own began elsewhere, or jumped, is not within the time that it took.
	expect "$name: not longer after it than all of it took, $(fact $name-took seconds) s" \
		[ $((($(fact $name first) - $(fact $name exec)) / $(fact $name frequency))) -le "$(fact $name-took seconds)" ]
done
ordered uring 300
ordered irqfd 300
# Percentiles of one would be the one.
ordered one 1 ''
lacks one.out '^edu_p'
# In the first 100 ms are as many as there can be, and the others follow.
ordered first 300
ordered first "$(fact first edu_first_count)" '' edu_first
expect "$(fact first edu_first_count) in the first 100 ms" [ "$(fact first edu_first_count)" -le 1000 ]
json first ".devices[0].vectors[0].injected == 310 + $(fact first edu_first_count)"
lacks uring.out '^edu_first'
json uring '.devices[0].vectors[0].injected == 310'
has bare.out '^no edu device$'
lacks bare.out '^edu_'
has none.out '^payload roundtrip: FAIL rounds= is 1 to'

is_status host 0
ordered host 300
has after.out '^none$'
is_status told 143
lacks told.out '^edu_'
has after-told.out '^none$'
is_status other 1
has other.err 'no edu device'
has after-other.out '^nvme$'

verdict
