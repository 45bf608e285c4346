#!/bin/bash
# SPDX-License-Identifier: MIT
#
# itsy bench device measures round trips that the guest makes with a device: QEMU's edu and an NVMe
# controller, by every route; loses none; counts those that a device does not answer, and goes on; gives the
# device back, also when it is told to end; and refuses functions that it cannot drive.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

on_host --cpus 3 --device edu --device nvme --device e1000e <<'END'
edu=0000:00:01.0 nvme=0000:00:02.0 nic=0000:00:03.0
bench() { step "$1" itsy bench device --json "/tmp/$1.json" --device "$2" $3; }

bench edu $edu "--routes uring,spin,irqfd --count 300 --gap-us 200 --hgrm /tmp/edu.hgrm"
step hgrm sh -c 'cat /tmp/edu-uring.hgrm /tmp/edu-spin.hgrm /tmp/edu-irqfd.hgrm'
step edu_back driver $edu
bench nvme $nvme "--routes uring,spin,irqfd --count 200"
step nvme_back driver $nvme
bench busy $nvme "--count 100 --busy --routes uring,irqfd"
# More than the ring holds, with nothing between them.
bench many $edu "--count 50000 --gap-us 0 --routes irqfd"
bench limit $edu "--count 20 --hardlimit 1 --routes irqfd"
bench nic $nic ""
step nic_untouched driver $nic
bench missing 0000:00:1e.0 ""

# taken BDF: the most interrupts that the host has taken of one of its vectors
taken()
{
	grep -F "($1)" /proc/interrupts | awk '{
		for (cpu = 2; $cpu ~ /^[0-9]+$/; cpu++)
			sum += $cpu
		print sum + 0
		sum = 0
	}' | sort -n | tail -n 1
}
has_taken() { local nr; nr=$(taken "$1"); [ "${nr:-0}" -ge "$2" ]; }

# How often its vCPUs came out of the guest.
exits() { cat "/sys/kernel/debug/kvm/$(guest_process "$1")"-*/exits | awk '{ sum += $1 } END { print sum + 0 }'; }
has_exited() { [ "$(exits "$1")" -ge "$2" ]; }

# begin NAME BDF OPTION...: in the background, until it measures
begin()
{
	name=$1 bdf=$2
	shift 2
	itsy bench device --device "$bdf" --routes irqfd --count 100000000 "$@" >"/tmp/$name.out" 2>"/tmp/$name.err" &
	pid=$!
	await "its driver" test -e "/sys/bus/pci/drivers/vfio-pci/$bdf"
	await_while "grep -F '($bdf)' /proc/interrupts" "100 interrupts" has_taken "$bdf" 100
}
end()
{
	kill -"$1" $pid
	rc=0
	wait $pid || rc=$?
	step_report "$name" $rc
}

begin ended $nvme
end TERM
step nvme_back_then driver $nvme
begin interrupted $edu
end INT
step edu_back_then driver $edu

# A device that may not master the bus sends no messages (PCI 3.0, 6.2.2: Command, bit 2).
pci_command() { dd if=/sys/bus/pci/devices/$edu/config bs=1 skip=4 count=1 2>/dev/null | od -An -tu1; }
begin unanswered $edu
was=$(($(pci_command)))
printf "\\$(printf %o $((was & ~4)))" | dd of=/sys/bus/pci/devices/$edu/config bs=1 seek=4 conv=notrunc 2>/dev/null
# One or two, for each round trip: the one that is under way is not the last.
await_while "exits $pid" "lost round trips" has_exited $pid $(($(exits $pid) + 20))
printf "\\$(printf %o $was)" | dd of=/sys/bus/pci/devices/$edu/config bs=1 seek=4 conv=notrunc 2>/dev/null
await "it to go on" has_taken $edu $(($(taken $edu) + 100))
end TERM
step edu_back_at_last driver $edu
END

for name in edu nvme busy many; do
	is_status $name 0
	json $name '[.jobs[].lost] | add == 0'
	json $name '.bench == "device" and .environment.emulated and .environment.unit == "ns"'
	has $name.out 'not times of hardware'
	# As many in the bins as were made, and the percentiles in order.
	json $name '[.jobs[].lat_ns | (.bins | add) == .N] | all'
	json $name '[.jobs[].lat_ns | [.min, .percentile[]] == ([.min, .percentile[]] | sort)] | all'
	json $name '[.jobs[].lat_ns | .min > 0 and .min <= .mean and .mean <= .max] | all'
done
json edu '.from == "edu" and [.jobs[].jobname] == ["uring", "spin", "irqfd"]'
json edu '[.jobs[].lat_ns.N] == [300, 300, 300]'
has edu.out "^From the write of edu's register to the guest's IAR read, in ns:\$"
json nvme '.from == "nvme" and [.jobs[].lat_ns.N] == [200, 200, 200]'
has nvme.out "^From the write of the NVMe admin doorbell to the guest's IAR read, in ns:\$"
json busy '[.jobs[].lat_ns.N] == [100, 100]'
json many '[.jobs[].lat_ns.N] == [50000]'
expect "three histograms of 300" [ "$(grep -c 'Total count    = *300\]' "$tmp/hgrm.out")" = 3 ]
is_status limit 1
has limit.err 'over the hard limit'

is_status nic 2
has nic.err "^itsy: error: 0000:00:03.0: .*QEMU's edu .*NVMe controllers .*: itsy bench irq --device 0000:00:03.0"
has nic_untouched.out '^e1000e$'
is_status missing 4
has missing.err '^itsy: error: 0000:00:1e.0: there is no such PCI function'

# What was measured until then is told, and the device is back.
is_status ended 143
has ended.out '^irqfd +[1-9][0-9,]* +0 '
is_status interrupted 130
has interrupted.out '^irqfd +[1-9][0-9,]* +0 '
is_status unanswered 1
has unanswered.err '^itsy: .*irqfd: [1-9][0-9]* were lost'
has unanswered.out '^irqfd +[1-9][0-9,]* +[1-9]'
for name in nvme_back nvme_back_then; do
	has $name.out '^nvme$'
done
for name in edu_back edu_back_then edu_back_at_last; do
	has $name.out '^none$'
done

verdict
