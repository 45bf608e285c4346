#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A guest resets a function (FLR) while one of its vCPUs reads the function's BAR and another one has ITS
# commands run: the one gets all ones, as from a function that does not answer, and the other's commands go on. A
# vCPU that slept in the kernel until the reset is over would hold up all commands, since these pause the vCPUs.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

host_file /etc/flr.conf <<'END'
kernel = "/usr/share/itsy/payloads/flr.bin"
memory = "128M"
vcpus  = 3
device "disk" {
	bdf = "0000:00:01.0"
}
END

on_host --device nvme <<'END'
guest flr /etc/flr.conf
END

payload_passed flr flr
rounds=$(fact flr rounds)
# The kernel waits for 100 ms after it has asked for the reset (pcie_flr()).
expect "the resets take time" [ "$(fact flr us_in_resets)" -ge $((rounds * 100000)) ]
expect "who reads gets all ones" [ "$(fact flr ones_in_resets)" -ge $((rounds * 10)) ]
expect "commands go on" [ "$(fact flr commands_in_resets)" -ge $((rounds * 5)) ]
json flr '.its_errors == []'

verdict
