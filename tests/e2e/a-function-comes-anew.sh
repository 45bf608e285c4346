#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A function that the configuration does not name is given to a running guest, into a root port that was kept free
# (hotplug-ports, itsy ctl add BDF): beside others, and as the only one. The guest reads right data from it by its
# interrupts, also after a reset; removed, it is its driver's again at once, and it comes again. What cannot come is told, and
# stays the host's.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

# guest_with PORTS NVMES TIMES
guest_with()
{
	cat <<END
kernel  = "/usr/share/itsy/guest/Image"
initrd  = "/usr/share/itsy/guest/initramfs.cpio"
cmdline = "console=ttyS0 quiet itsy.job=newplug itsy.nvmes=$2 itsy.times=$3 itsy.chunks=2"
memory  = "256M"
hotplug-ports = $1
END
}

host_file /etc/beside.conf < <(
	guest_with 2 1 2
	cat <<'END'
device "stays" {
	bdf = "0000:00:01.0"
}
END
)
host_file /etc/alone.conf < <(guest_with 1 0 2)
host_file /etc/anew.conf < <(guest_with 1 0 1)

on_host --device nvme --device nvme --device edu <<'END'
comes=0000:00:02.0 edu=0000:00:03.0

says()
{
	await "the guest's '$1'" grep -q "^$1" "/tmp/$name.out" || echo "it does not say $1"
}

is_driver()
{
	[ "$(driver "$1")" = "$2" ]
}

# has_driver NAME BDF DRIVER: a step that waits for it
has_driver()
{
	await "the driver $3" is_driver "$2" "$3"
	step "$1" echo "$(driver "$2")"
}

# Nothing that follows would say more than a guest that does not begin.
start()
{
	start_guest "$1" "/etc/$1.conf" ready --stats-json "/tmp/$1.json"
	kill -0 "$pid" || { end_guest; exit 0; }
}

start beside
step own itsy ctl beside add 00:01.0
step nothing itsy ctl beside add 00:1f.0
step odd itsy ctl beside add 00:02.0,at=3
step edu itsy ctl beside add $edu
step add itsy ctl beside add 00:02.0,route=irqfd
says "came 1"
has_driver taken $comes vfio-pci
step info itsy ctl beside info
step irqs itsy ctl beside irqs hotplug1 --json
step full itsy ctl beside add 00:04.0
step remove itsy ctl beside remove hotplug1
says "left 1"
has_driver back $comes nvme
step again itsy ctl beside add $comes
says "came 2"
step pull itsy ctl beside remove hotplug1 --force
end_guest
has_driver edu_back $edu none
has_driver comes_back $comes nvme

start alone
step alone_add itsy ctl alone add 00:02.0
says "came 1"
step alone_remove itsy ctl alone remove hotplug0
says "left 1"
has_driver alone_back $comes nvme
step alone_again itsy ctl alone add 00:02.0
says "came 2"
step alone_pull itsy ctl alone remove hotplug0 --force
end_guest
start anew
step anew_add itsy ctl anew add 00:02.0
says "came 1"
step reset itsy ctl anew reset
says "disks 1"
kill -TERM "$pid"
end_guest
has_driver anew_back $comes nvme
step left sh -c 'ls /run/itsy/bound; true'
END

for name in beside alone; do
	is_status $name 0
	has $name.out '^job newplug: PASS$'
	lacks $name.out 'FAIL|Kernel panic'
	lacks $name.err '^itsy: error'
	json $name '.root_ports.messages > 0 and .root_ports.dropped == 0 and .its_errors == []'
done
is_status own 4
is_status nothing 4
is_status odd 2
has odd.err 'route='
is_status edu 0
has edu.out '^hotplug0: added$'
is_status add 0
has add.out '^hotplug1: added$'
has taken.out '^vfio-pci$'
has info.out '^hotplug1: 0000:00:02\.0, '
json_of_irqs=$(file_of irqs.out)
expect "its vectors are on irqfd" jq -e '[.vectors[] | select(.taken + .tied > 0) | .route] | unique == ["irqfd"]' "$json_of_irqs"
is_status remove 0
has back.out '^nvme$'
is_status again 0
is_status pull 0
has edu_back.out '^none$'
has comes_back.out '^nvme$'
is_status alone_add 0
has alone_add.out '^hotplug0: added$'
has alone_back.out '^nvme$'
is_status alone_again 0
is_status anew_add 0
is_status reset 0
is_status anew 143
has anew.out '^disks 0$'
has anew.out '^disks 1$'
lacks anew.out 'FAIL|Kernel panic'
has anew_back.out '^nvme$'
nr_lines left.out 0

verdict
