#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Where KVM has a GICv4, what a device sends on the route irqfd reaches the guest with no interrupt of the host's and no
# exit of the guest's; none is lost while routes change under load, the guest moves, masks, discards and maps the
# event, and reboots. The guest counts, for nobody else sees such an interrupt. Then Linux, with a disk, a NIC, and
# interrupts that move.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

host_file /etc/direct.conf <<'END'
kernel = "/usr/share/itsy/payloads/direct.bin"
vcpus  = 2
memory = "128M"
device "edu" {
	bdf = "0000:00:01.0"
}
END

host_file /etc/linux.conf <<'END'
kernel  = "/usr/share/itsy/guest/Image"
initrd  = "/usr/share/itsy/guest/initramfs.cpio"
cmdline = "console=ttyS0 quiet itsy.job=both itsy.seconds=2 itsy.affinity"
vcpus   = 2
memory  = "256M"
route   = "irqfd"
device "nvme" {
	bdf = "0000:00:02.0"
}
device "nic" {
	bdf = "0000:00:03.0"
}
END

on_host --gic 4 --device edu --device nvme --device e1000e <<'END_SCRIPT'
# host_had REGEX: how many interrupts the host had so far from those lines
host_had()
{
	awk -v lines="$1" 'NR == 1 { cpus = NF; next }
		$0 ~ lines { for (i = 2; i <= cpus + 1; i++) n += $i }
		END{ print n + 0 }' /proc/interrupts
}

# exits: of the guest so far
exits()
{
	cat /sys/kernel/debug/kvm/$(guest_process $pid)-*/exits
}

# ticks: of the host's own clock, and its IPIs
ticks()
{
	host_had 'arch_timer|IPI[0-9]+:'
}

is_said()
{
	[ "$(grep -cE "^$1\$" $out)" -ge "$2" ] || ! kill -0 $pid 2>/dev/null
}

# said TEXT [N]: waits until the guest has said it, N times
said()
{
	await_while "cat $out /sys/kernel/debug/kvm/$(guest_process $pid)-*/exits 2>/dev/null" "'$1'" is_said "$1" "${2:-1}"
}

# start NAME ROUTE
start()
{
	out=/tmp/$1.out
	rm -f /tmp/in
	mkfifo /tmp/in
	runs=0
	itsy run /etc/direct.conf --set name=direct --set route=$2 --stats-json /tmp/$1.json </tmp/in >>$out 2>/tmp/$1.err &
	pid=$!
	exec 3>/tmp/in
	said ready
}

# A guest that has failed hears nothing any more, and is reported all the same.
trap '' PIPE
key()
{
	printf %s "$1" >&3 2>/dev/null
}

# asked KEY [N]: and waits until it is over, for the Nth time
asked()
{
	key "$1"
	said "over $1" "${2:-1}"
}

end()
{
	local rc=0

	key q
	exec 3>&-
	wait $pid || rc=$?
	step_report "$1" $rc
}

# tied: KVM has the eventfd, and what itsy sends of its own behind that is sent
tied()
{
	await "edu to be tied" is_irqfd
}

# A third of what a guest leaves for that is told of each interrupt.
may_leave=$((5000 / 3))

# measured NAME: many in a row. A host that has other things to do makes the guest leave, too: then once more, and the
# last time counts. None of the host's interrupts may come in any of them.
measured()
{
	local times exits ticks

	echo "$1_vfio_before $(host_had vfio-msi)" >>$out
	for times in 1 2 3 4 5; do
		exits=$(exits) ticks=$(ticks) runs=$((runs + 1))
		asked r $runs
		exits=$(($(exits) - exits)) ticks=$(($(ticks) - ticks))
		[ $((exits - ticks)) -ge $may_leave ] || break
	done
	{
		echo "$1_vfio_after $(host_had vfio-msi)"
		echo "$1_times $times"
		echo "$1_exits $exits"
		echo "$1_ticks $ticks"
	} >>$out
}

is_irqfd()
{
	itsy ctl direct irqs --json | grep -q '"route": *"irqfd"' || ! kill -0 $pid 2>/dev/null
}

start uring uring
measured quiet
echo "vpes $(grep -c 'GICv4.*-vpe' /proc/interrupts)" >>$out
end uring

start irqfd irqfd
tied
measured quiet
asked k
asked m
echo "moved_doorbells $(host_had 'GICv4.*-vpe')" >>$out
asked d
tied
measured again
end irqfd

start changed irqfd
key c
n=0
while [ $n -lt 300 ] && kill -0 $pid 2>/dev/null; do
	for route in uring irqfd spin irqfd; do
		itsy ctl direct route edu $route >/dev/null || break
		n=$((n + 1))
	done
done
echo "changes $n" >>$out
key .
said 'over c'
tied
measured back
end changed

start reboot irqfd
key b
said ready 2
tied
measured second
end reboot

# When the functions are closed their counts are gone: so the highest that was seen.
itsy run /etc/linux.conf --stats-json /tmp/linux.json </dev/null >>/tmp/linux.out 2>/tmp/linux.err &
pid=$! highest=0 rc=0
while kill -0 $pid 2>/dev/null; do
	now=$(host_had vfio-msi)
	[ "$now" -le $highest ] || highest=$now
	usleep 100000
done
wait $pid || rc=$?
echo "host_had $highest" >>/tmp/linux.out
step_report linux $rc
END_SCRIPT

rounds=5000	# of the payload's key r

# the_hosts STEP NAME: interrupts that the host had while it was measured
the_hosts()
{
	echo $(($(fact "$1" "$2_vfio_after") - $(fact "$1" "$2_vfio_before")))
}

# went_directly STEP NAME: the longer it takes, the more often the host's clock has the guest leave.
went_directly()
{
	local exits=$(($(fact "$1" "$2_exits") - $(fact "$1" "$2_ticks")))

	expect "$1: $2: no interrupt of the host's for $rounds of the guest's, not '$(the_hosts "$1" "$2")'" \
		[ "$(the_hosts "$1" "$2")" = 0 ]
	expect "$1: $2: few exits for $rounds interrupts, not '$exits' beside the host's ticks" \
		[ $exits -lt $((rounds / 3)) ]
}

for name in uring irqfd changed reboot; do
	payload_passed $name direct
	has $name.out "^r_taken $rounds\$"
done
for key in k m d; do
	has irqfd.out "^over $key\$"
done
has reboot.out '^boot 2$'

# By uring each is an interrupt of the host's and an exit of the guest's, or we do not know what we count.
all=$((rounds * $(fact uring quiet_times)))
expect "uring: the host had all $all, not '$(the_hosts uring quiet)'" [ "$(the_hosts uring quiet)" = $all ]
expect "uring: the guest left for most of $rounds, not '$(fact uring quiet_exits)'" \
	[ "$(fact uring quiet_exits)" -gt $((rounds / 2)) ]
expect "KVM has a vPE for each vCPU, whatever the route" [ "$(fact uring vpes)" = 2 ]

went_directly irqfd quiet
went_directly irqfd again
went_directly changed back
went_directly reboot second
expect "a vCPU that sleeps is woken" [ "$(fact irqfd moved_doorbells)" -gt 0 ]

# The payload fails where one is lost. itsy may send one of its own for a change.
changes=$(fact changed changes) sent=$(fact changed c_raised) came=$(fact changed c_taken)
expect "routes changed 300 times, not '$changes'" [ "$changes" -ge 300 ]
expect "over 1000 were sent meanwhile, not '$sent'" [ "$sent" -gt 1000 ]
expect "$sent were sent while routes changed $changes times, '$came' came" \
	test "$came" -ge "$sent" -a "$came" -le $((${sent/missing/0} + ${changes/missing/0}))

job_passed linux both
json linux '.its_errors == [] and .its_commands.MOVI.done > 0'
total=$(awk '/^irqcount / { n += $3 } END { print n + 0 }' "$(file_of linux.out)")
expect "linux: over 1000 interrupts, not $total" [ "$total" -gt 1000 ]
expect "linux: hardly one of $total interrupts was the host's, not '$(fact linux host_had)'" \
	[ "$(fact linux host_had)" -lt $((total / 20)) ]

verdict
