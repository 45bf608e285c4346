#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Bare-metal guests that count: each interrupt of a device is taken from VFIO, injected and handled
# once; masked and disabled ones wait, and so do those that come before the guest has LPIs on; discarded
# ones are counted as dropped.

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
host_file /etc/bare.conf <<'END'
kernel = "/usr/share/itsy/payloads/hello.bin"
memory = "128M"
END

on_host --device edu --device nvme <<'END'
guest hello1 /etc/bare.conf
guest hello4 /etc/bare.conf --set vcpus=4
guest edu1 /etc/edu.conf
guest edu2 /etc/edu.conf --set vcpus=2
guest early1 /etc/edu.conf --set kernel=/usr/share/itsy/payloads/early.bin
guest early2 /etc/edu.conf --set kernel=/usr/share/itsy/payloads/early.bin --set vcpus=2
guest msix /etc/disk.conf
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

payload_passed msix msix
counts_add_up msix
none_dropped msix
has msix.out '^msix_vectors 65$'
json msix '[.devices[0].vectors[].held] | add > 0'
total=$(sed -n 's/^handled vector [0-9]*: //p' "$tmp/msix.out" | awk '{ n += $1 } END { print n + 0 }')
json msix "[.devices[0].vectors[].injected] | add == $total"
json msix '[.devices[0].vectors[4:][].taken] | add == 0'

verdict
