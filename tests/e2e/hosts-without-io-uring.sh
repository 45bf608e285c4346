#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Guests with devices run where the host refuses io_uring: by a container's seccomp profile, and by the
# sysctl where the kernel has it (6.6 and later: ITSY_HOST_OPTIONS="--kernel backports"). All interrupts arrive, by
# epoll and by irqfd; limits hold; itsy check warns and passes, and itsy run warns once, in the same words.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

without=$(dirname "${ITSY:-$build/arm64/itsy}")/without-io-uring
[ -x "$without" ] || { echo "$without is not there (make test makes it)"; exit 77; }

host_file /etc/edu.conf <<'END'
kernel = "/usr/share/itsy/payloads/edu.bin"
memory = "128M"
device "edu" {
	bdf = "0000:00:01.0"
}
END
host_file /etc/disk.conf <<'END'
kernel = "/usr/share/itsy/payloads/msix.bin"
memory = "128M"
device "disk" {
	bdf = "0000:00:02.0"
}
END
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
host_file /etc/bare.conf <<'END'
kernel = "/usr/share/itsy/payloads/hello.bin"
memory = "128M"
END

on_host --device edu --device nvme --file "$without:/bin/without-io-uring" <<'END'
refused()
{
	local name=$1
	shift

	step "$name" without-io-uring itsy run "$@" --stats-json "/tmp/$name.json" </dev/null
}
step there itsy check /etc/disk.conf
step check without-io-uring itsy check /etc/disk.conf
refused edu /etc/edu.conf
refused spin /etc/edu.conf --set route=spin
refused irqfd /etc/edu.conf --set route=irqfd
refused msix /etc/disk.conf
refused storm /etc/both.conf --set device.edu.storm-rate=2 --set device.edu.storm-burst=4 --set device.edu.storm-holdoff-us=50000
refused reset /etc/edu.conf --set kernel=/usr/share/itsy/payloads/reset.bin
refused bare /etc/bare.conf
step bench without-io-uring itsy bench irq --routes uring --count 50 --vectors 2 --json /tmp/bench.json
if step has_sysctl test -e /proc/sys/kernel/io_uring_disabled; then
	sysctl -w kernel.io_uring_disabled=2 >/dev/null
	step off_check itsy check /etc/disk.conf
	guest off_edu /etc/edu.conf
	guest off_msix /etc/disk.conf
fi
END

profile="forbidden here: interrupts go by epoll, which costs more, and by irqfd"
profile_cure="the container's seccomp profile must allow io_uring_setup, io_uring_enter and io_uring_register"
sysctl="switched off \(kernel.io_uring_disabled is 2\): interrupts go by epoll, which costs more, and by irqfd"
sysctl_cure="sysctl kernel.io_uring_disabled=0"

# check_warns NAME CAUSE CURE
check_warns()
{
	is_status "$1" 0
	has "$1.out" "^WARN +io_uring +$2\$"
	has "$1.out" "^ +-> $3\$"
	lacks "$1.out" '^FAIL'
}

# passed NAME PAYLOAD CAUSE CURE: and there was one warning, and nothing else was wrong.
passed()
{
	is_status "$1" 0
	has "$1.out" "^payload $2: PASS\$"
	lacks "$1.out" '^payload .*: FAIL'
	lacks "$1.err" '^itsy: error'
	has "$1.err" "^itsy: warning: io_uring: $3: $4\$"
	# And of edu, when a guest resets itself, that the host cannot reset it.
	expect "$1: one warning" [ "$(grep '^itsy: warning' "$(file_of "$1.err")" | grep -vc ': it cannot be reset, ')" = 1 ]
	counts_add_up "$1"
}

# all_of_edu NAME: each interrupt that edu raised was taken and handled.
all_of_edu()
{
	local handled raised
	handled=$(fact "$1" handled) raised=$(fact "$1" raised)

	expect "$1: over 1000 were handled, not '$handled'" [ "$handled" -gt 1000 ]
	json "$1" ".devices[0].vectors[0].taken == $raised"
	json "$1" ".devices[0].vectors[0].dropped == $(fact "$1" discarded)"
	json "$1" ".devices[0].vectors[0].injected == $handled + $(fact "$1" coalesced)"
}

# all_of_disk NAME: the interrupts of all vectors.
all_of_disk()
{
	local total
	total=$(sed -n 's/^handled vector [0-9]*: //p' "$(file_of "$1.out")" | awk '{ n += $1 } END { print n + 0 }')

	expect "$1: over 10 were handled, not '$total'" [ "$total" -gt 10 ]
	none_dropped "$1"
	adds_up "$1" "$total"
}

has there.out '^PASS +io_uring +available$'
check_warns check "$profile" "$profile_cure"

for name in edu spin; do
	passed $name edu "$profile" "$profile_cure"
	all_of_edu $name
done
# What the kernel delivers by itself is not counted: the payload says whether all came.
passed irqfd edu "$profile" "$profile_cure"
passed msix msix "$profile" "$profile_cure"
all_of_disk msix

passed storm storm "$profile" "$profile_cure"
json storm '.devices[0].vectors[0] | .storms > 0 and .storm_merged > 0'
json storm '.router.parked > 0'

passed reset reset "$profile" "$profile_cure"
json reset '.boots == 2'

is_status bench 0
has bench.err "^itsy: warning: io_uring: $profile: $profile_cure\$"
has bench.out '^This host has epoll instead of io_uring for uring and spin\.$'
json bench '.environment.router == "epoll" and .jobs[0].lat_ns.N == 50'

# Without a device no interrupt goes by either.
payload_passed bare hello

if [ "$(cat "$(file_of has_sysctl.rc)")" = 0 ]; then
	check_warns off_check "$sysctl" "$sysctl_cure"
	passed off_edu edu "$sysctl" "$sysctl_cure"
	all_of_edu off_edu
	passed off_msix msix "$sysctl" "$sysctl_cure"
	all_of_disk off_msix
fi

verdict
