#!/bin/bash
# SPDX-License-Identifier: MIT
#
# SGIs and the timer's PPI do on each vCPU what the registers of its redistributor say, though KVM brings them
# and itsy has the registers; a timer interrupt that nobody ended can be deactivated.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

host_file /etc/private.conf <<'END'
kernel = "/usr/share/itsy/payloads/private.bin"
memory = "128M"
END

on_host --cpus 2 <<'END'
guest one /etc/private.conf
guest three /etc/private.conf --set vcpus=3
END

for name in one three; do
	payload_passed $name private
	json $name '.aborted.unreachable == 0 and .redistributors.still_active == 0'
done
expect "each vCPU of three was as good as the one" [ "$(fact three checked)" -gt "$((2 * $(fact one checked)))" ]

verdict
