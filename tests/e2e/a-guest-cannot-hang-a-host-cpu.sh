#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A vCPU that switches off the LPIs of another one, which runs with many of them pending, does the host no
# harm.
#
# No kernel that this was tried on passes (tests/guest/lockup.c says why, and which): one write of a
# guest's, to a register that KVM keeps, takes a CPU away from the host, with any VMM. So it is skipped
# unless ITSY_HOST_MAY_HANG=1 asks for it, with ITSY_HOST_OPTIONS="--kernel ..." on another kernel.

[ "${ITSY_HOST_MAY_HANG-}" = 1 ] || {
	echo "hosts are known to hang here, by a bug of KVM's (ITSY_HOST_MAY_HANG=1 tries it)"
	exit 77
}
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
