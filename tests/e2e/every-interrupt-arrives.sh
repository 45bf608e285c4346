#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Bare-metal guests that count: each interrupt of a device is taken from VFIO, injected and handled
# once, on whatever CPU it is moved to meanwhile; masked and disabled ones wait, and so do those that come before the
# guest has LPIs on; discarded ones are counted as dropped.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

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
# Functions of devices 0 and 4 of a bus have one line.
host_file /etc/intx.conf <<'END'
kernel = "/usr/share/itsy/payloads/intx.bin"
memory = "128M"
device "edu" {
	bdf = "0000:00:01.0"
	at  = "00.0"
}
device "other" {
	bdf = "0000:00:03.0"
	at  = "04.0"
}
END
host_file /etc/bare.conf <<'END'
kernel = "/usr/share/itsy/payloads/hello.bin"
memory = "128M"
END

on_host --device edu --device nvme --device edu <<'END'
# host_intx: how many interrupts of INTx the host has counted of the first edu
host_intx()
{
	awk '/vfio-intx\(0000:00:01.0\)/ { n += $2 + $3 } END { print n + 0 }' /proc/interrupts
}

# While the guest is there: VFIO gives the interrupt back at the end.
watch_intx()
{
	while sleep 0.1; do
		n=$(host_intx)
		[ "$n" = 0 ] || echo "$n" >/tmp/intx.count
	done
}

step release uname -r
guest hello1 /etc/bare.conf
guest hello4 /etc/bare.conf --set vcpus=4
guest edu1 /etc/edu.conf
guest edu2 /etc/edu.conf --set vcpus=2
guest early1 /etc/edu.conf --set kernel=/usr/share/itsy/payloads/early.bin
guest early2 /etc/edu.conf --set kernel=/usr/share/itsy/payloads/early.bin --set vcpus=2
for route in auto irqfd uring; do
	guest moved-$route /etc/edu.conf --set kernel=/usr/share/itsy/payloads/moved.bin --set vcpus=4 --set route=$route
done
guest msix /etc/disk.conf
watch_intx &
watcher=$!
guest intx /etc/intx.conf
kill $watcher
wait $watcher
step counted cat /tmp/intx.count
END

payload_passed hello1 hello
has hello1.out '^fdt_magic 0xd00dfeed$'
has hello1.out '^cpus 1$'
payload_passed hello4 hello
has hello4.out '^cpus 4$'

for name in edu1 edu2; do
	payload_passed $name edu
	counts_add_up $name
	raised=$(fact $name raised) handled=$(fact $name handled)
	coalesced=$(fact $name coalesced) discarded=$(fact $name discarded)
	expect "$name: over 1000 were handled, not '$handled'" [ "$handled" -gt 1000 ]
	json $name ".devices[0].vectors[0].taken == $raised"
	json $name ".devices[0].vectors[0].dropped == $discarded"
	json $name ".devices[0].vectors[0].injected == $handled + $coalesced"
	json $name '.its_errors == []'
done

for name in early1 early2; do
	payload_passed $name early
	counts_add_up $name
	none_dropped $name
	json $name ".devices[0].vectors[0].injected == $(fact $name handled)"
	json $name '.kernel_its.deferred == 1'
	# Looked for ever more rarely: not a hundred times in half a second.
	json $name '.kernel_its.pauses < 30'
done

for route in auto irqfd uring; do
	name=moved-$route
	payload_passed $name moved
	counts_add_up $name
	none_dropped $name
	json $name ".devices[0].vectors[0] | .taken == $(fact $name raised) and .injected == .taken"
	# Where the last one went, also where the kernel alone has seen it.
	json $name '.devices[0].vectors[0] | .eventid == 0 and .lpi == 8192 and .vcpu < 4'
	json $name ".its_commands.MOVI.done == $(fact $name moves)"
done

payload_passed intx intx
# Nothing to do has it only after it has looked at its device, and on Linux 6.19 and newer: vmm/README.md, "The way of an INTx".
idle=$(fact intx idle_after_a_look) release=$(cat "$(file_of release.out)")
if [ "$(printf '%s\n' 6.19 "$release" | sort -V | head -n 1)" = 6.19 ]; then
	echo "Linux $release: one INTx came $idle times with nothing to do, after the guest had looked at its device"
	expect "those end: $idle" [ "$idle" -lt 1000000 ]
else
	expect "none came with nothing to do, not $idle" [ "$idle" = 0 ]
fi
counts_add_up intx
none_dropped intx
json intx ".devices[0].vectors[1] | .taken == $(fact intx seen_0) and .injected == .taken and .held == .released"
json intx ".devices[1].vectors[1] | .taken == $(fact intx seen_1) and .injected == .taken and .held == .released"
# Each but the one that came again, and the one that came as a message or did not.
expect "seen_0 is raised_0 and those that came again: $(sum intx raised_0 again)" \
	[ "$(fact intx seen_0)" = "$(sum intx raised_0 again)" ]
expect "seen_1 is raised_1 and one that came again: $(sum intx raised_1 1)" \
	[ "$(fact intx seen_1)" = "$(sum intx raised_1 1)" ]
# What VFIO finds asserted still when it unmasks it signals without an interrupt of the host's: the host's count of a
# level is less than what itsy took (vmm/irq/irq_line.h).
counted=$(cat "$(file_of counted.out)")
expect "the host counted '$counted' interrupts of $(fact intx seen_0)" \
	[ "$counted" -le "$(sum intx seen_0 -again)" ]

payload_passed msix msix
counts_add_up msix
none_dropped msix
has msix.out '^msix_vectors 65$'
json msix '[.devices[0].vectors[].held] | add > 0'
total=$(sed -n 's/^handled vector [0-9]*: //p' "$tmp/msix.out" | awk '{ n += $1 } END { print n + 0 }')
adds_up msix "$total"
json msix '[.devices[0].vectors[4:][].taken] | add == 0'

verdict
