#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A running guest answers on its control socket, and changes the routes of its interrupts under load
# without losing one: the guest itself checks that each comes once.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

host_file /etc/steady.conf <<'END_CONF'
kernel = "/usr/share/itsy/payloads/steady.bin"
memory = "128M"
device "edu" {
	bdf = "0000:00:01.0"
}
device "disk" {
	bdf = "0000:00:02.0"
}
END_CONF

on_host --device edu --device nvme <<'END_SCRIPT'
ask()
{
	local name=$1
	shift

	step "$name" sh -c 'out=$1; shift; itsy ctl "$@" --json >"$out"' sh "/tmp/$name.json" "$@"
}

# on ROUTE: do all vectors that have interrupts go that way?
on()
{
	itsy ctl steady irqs >/tmp/on
	[ "$(grep -cE '^(edu\[0\]|disk\[[12]\]) ' /tmp/on)" = 3 ] &&
		[ "$(grep -cE "^(edu\[0\]|disk\[[12]\]) .* $1 " /tmp/on)" = 3 ]
}

# Somebody who goes away in the middle.
look_and_go()
{
	local looker

	: >/tmp/top
	itsy top steady --interval 0.1 >/tmp/top 2>&1 &
	looker=$!
	await "a first look" test -s /tmp/top
	kill -KILL $looker
	wait $looker
}

step before itsy ctl
step nobody itsy ctl steady irqs
mkfifo /tmp/keys
itsy run /etc/steady.conf --stats-json /tmp/steady.json </tmp/keys >/tmp/steady.out 2>/tmp/steady.err &
pid=$!
exec 3>/tmp/keys
await_while 'wc -c </tmp/steady.out' "a busy guest" grep -q '^busy' /tmp/steady.out || echo "it does not get busy"

step mode stat -c '%a %U %F' /run/itsy /run/itsy/steady.sock
step list itsy ctl
step info itsy ctl steady
step misspelt itsy ctl stedy irqs
step second itsy run /etc/steady.conf </dev/null
ask first steady irqs
step table itsy ctl steady irqs
ask later steady irqs
step audit itsy ctl steady its --audit
ask its steady its --audit
step nodevice itsy ctl steady route disc uring
step novector itsy ctl steady route edu/7 uring
step noroute itsy ctl steady route edu/0 fast
step top itsy top steady --once
step metrics itsy ctl steady metrics

step asked_for itsy ctl steady irqs --histogram
step on_uring await "all on uring, for their times" on uring
ask watched steady irqs
step both sh -c 'itsy ctl steady route edu/0 spin && itsy ctl steady route disk spin'
step is_spin await "all on spin" on spin
ask times steady irqs --histogram
step to_irqfd itsy ctl steady route all irqfd
step is_irqfd await "all on irqfd" on irqfd
ask kernel1 steady irqs
step to_uring itsy ctl steady route all uring
step is_uring await "all on uring" on uring
ask counted1 steady irqs
n=0
while [ $n -lt 15 ]; do
	for route in spin irqfd uring irqfd spin uring; do
		itsy ctl steady route all $route >>/tmp/switched.out 2>>/tmp/switched.err
	done
	n=$((n + 1))
	[ $((n % 5)) != 0 ] || look_and_go
done
step_report switched 0
step is_uring_again await "all on uring" on uring
ask counted2 steady irqs
step off itsy ctl steady histogram off

echo q >&3
rc=0
wait $pid || rc=$?
step_report steady $rc
step gone ls /run/itsy
step after itsy ctl
END_SCRIPT

nr_lines before.out 0
has before.err '^itsy: no guest runs$'
is_status nobody 2
has nobody.err '^itsy: error: steady: no guest runs: itsy run CONFIG starts one$'

has mode.out '^755 root directory$'
has mode.out '^600 root socket$'
has list.out '^steady +[0-9]+ +1 +128M '
has info.out '^steady: process [0-9]+, 1 vCPU, 128 MiB, boot 1, up '
has info.out '^disk: 0000:00:02.0, 01\.0 on the guest.s bus, DeviceID 0x0008, [0-9]+ vectors$'
is_status misspelt 2
has misspelt.err "did you mean 'steady'\? these run: steady\$"
is_status second 4
has second.err '^itsy: error: steady: a guest of this name runs already: process [0-9]+: '

is_status table 0
has table.out '^VECTOR +DEV/EVENT +LPI +VCPU +ROUTE +WHY +PER S +TAKEN +INJECTED +HELD +DROPPED +BY IRQFD +LAST$'
has table.out '^edu\[0\] +0x0000/0 +8192 +0 +auto: (uring|irqfd) +(cool|hot|quiet) [0-9.]+ [a-z]+ +[0-9.,]+ +[0-9,]+ +[0-9,]+ +0 +0 +[0-9,]+ +[0-9.]+ (ns|us|ms|s)$'
has table.out '^disk\[2\] +0x0008/2 +8202 +0 +auto: (uring|irqfd) '
expect "counts rise" [ "$(jq '.vectors[0].taken' "$(file_of first.json)")" -lt \
	"$(jq '.vectors[0].taken' "$(file_of later.json)")" ]
json later '.vectors[0] | .per_second > 0 and .asked == "auto"'
# The device interrupts all the time: it is the kernel's by now, and counted all the same.
json later '.vectors[0] | .route == "irqfd" and .why == "hot" and .tied > 0 and .taken >= .tied'
# Whoever asks for times has each interrupt pass through itsy.
json watched '[.vectors[] | select(.injected > 0) | .route == "uring"] | all'
json watched '.vectors[0].why == "histogram"'
json later '.vectors | map(select(.injected > 0)) | length == 3'

has audit.out '^  MAPTI +done 3, skipped 0, stalled 0$'
has audit.out '^  entries that differ from the shadow: 1$'
has audit.out '^  ITE of DeviceID 0x0000, EventID 1, at 0x[0-9a-f]+: 0x206c0000, should be 0x0$'
json its '.its[0] | .nr_differences == 1 and .differences[0].entry == "ITE" and .registers.GITS_CTLR == "0x80000001"'

is_status nodevice 2
has nodevice.err "there is no device 'disc': did you mean 'disk'\?"
is_status novector 2
has novector.err "'edu' has no vector 7: it has 2"
is_status noroute 2
has noroute.err "'route' is \"uring\", \"spin\", \"irqfd\" or \"auto\", not 'fast'"
has top.out '^steady: 1 vCPU, 128 MiB, boot 1, up .*: [0-9,]+ interrupts per second$'
has top.out '^edu\[0\] '

has metrics.out '^# TYPE itsy_vector_taken_total counter$'
has metrics.out '^itsy_vector_taken_total\{guest="steady",device="edu",vector="0"\} [1-9][0-9]*$'
has metrics.out '^itsy_its_commands_total\{guest="steady",command="MAPTI",result="done"\} 3$'
has metrics.out '^itsy_uptime_seconds\{guest="steady"\} [0-9]+\.[0-9]+$'
expect "each metric has help and type" [ "$(grep -c '^# HELP' "$(file_of metrics.out)")" = \
	"$(grep -c '^# TYPE' "$(file_of metrics.out)")" ]

has asked_for.err 'times are recorded from now on'
for name in on_uring both is_spin to_irqfd is_irqfd to_uring is_uring is_uring_again off; do
	is_status $name 0
done
json times '.recording and ([.vectors[] | select(.count > 0)] | length == 3)'
json times '[.vectors[] | select(.count > 0) |
	.min > 0 and ([.min, .p50, .p90, .p99, .p99_9, .max | numbers] | . == sort)] | all'
json kernel1 '[.vectors[] | select(.injected > 0) | .route == "irqfd"] | all'
json counted2 '[.vectors[] | select(.injected > 0) | .taken == .injected and .dropped == 0] | all'
expect "all 90 switches were taken" [ "$(grep -c '^[0-9]* vectors: ' "$(file_of switched.out)")" = 90 ]
nr_lines switched.err 0

# The guest fails if one does not come, or comes twice. What the kernel took is counted, too.
payload_passed steady steady
expect "no stray" [ "$(fact steady strays)" = 0 ]
counts_add_up steady
none_dropped steady
json steady ".devices[0].vectors[0] | .injected == $(fact steady edu_handled) and .tied > 0 and .tied < .injected"
json steady ".devices[1].vectors[1].injected == $(fact steady disk_handled)"
json steady '.its_errors == []'
lacks gone.out 'steady'
has after.err '^itsy: no guest runs$'

verdict
