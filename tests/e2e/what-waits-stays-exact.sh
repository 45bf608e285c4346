#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Interrupts that wait: more than there are list registers, with priorities that change meanwhile, of a
# device that is unmapped; each that should be taken is, once. And a long queue shows its progress.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

host_file /etc/pending.conf <<'END'
kernel = "/usr/share/itsy/payloads/pending.bin"
vcpus  = 2
memory = "128M"
its "its" {
	lpis = 256
}
device "edu" {
	bdf = "0000:00:01.0"
	events = 64
}
END

on_host --device edu <<'END'
guest pending /etc/pending.conf
END

payload_passed pending pending
counts_add_up pending
none_dropped pending
json pending '.its_errors == []'
json pending '.its_commands | .INT.done > 200 and .INVALL.done > 2000 and .MAPD.done == 4'

verdict
