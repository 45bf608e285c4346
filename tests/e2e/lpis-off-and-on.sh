#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A guest that switches LPIs off and on again, or starts the ITS anew as another kernel would after
# kexec, gets each interrupt before and after, and none from the time between.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

host_file /etc/kexec.conf <<'END'
kernel = "/usr/share/itsy/payloads/kexec.bin"
memory = "128M"
device "edu" {
	bdf = "0000:00:01.0"
	events = 8
}
device "disk" {
	bdf = "0000:00:02.0"
}
END

on_host --device edu --device nvme <<'END'
guest one /etc/kexec.conf --set route=uring
guest four /etc/kexec.conf --set route=uring --set vcpus=4
guest auto /etc/kexec.conf --set vcpus=4
END

payload_passed auto kexec
counts_add_up auto
# What is sent while LPIs are off KVM drops by itself, and tells nobody, where a vector is tied.
json auto ".devices[0].vectors[0] | .taken <= $(fact auto raised) and .tied > 0 and .injected > 100"
for name in one four; do
	payload_passed $name kexec
	counts_add_up $name
	raised=$(fact $name raised) off=$(fact $name while_off)
	expect "$name: some were sent while LPIs were off" [ "$off" -gt 40 ]
	json $name ".devices[0].vectors[0] | .taken <= $raised and .dropped > 0 and
		.injected == $raised - $off"
	json $name '.its_errors == []'
done

verdict
