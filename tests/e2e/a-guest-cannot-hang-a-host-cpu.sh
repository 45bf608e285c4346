#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A vCPU that switches off the LPIs of another one, which runs with many of them pending, does the host no
# harm. Where that register is KVM's, one such write takes a CPU away from the host, on each kernel that
# this was tried on (tests/guest/lockup.c says why, and which).

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"
patience=60

host_file /etc/lockup.conf <<'END'
kernel = "/usr/share/itsy/payloads/lockup.bin"
vcpus  = 2
memory = "128M"
its "its" {
	lpis = 64
}
END

on_host --cpus 2 <<'END'
uname -r
guest lockup /etc/lockup.conf
END

payload_passed lockup lockup
has lockup.out '^rounds 20$'

verdict
