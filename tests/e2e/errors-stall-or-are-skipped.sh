#!/bin/bash
# SPDX-License-Identifier: MIT
#
# on-error: the same wrong command stops one guest's queue until the guest has put it right and says
# Retry, and is passed over in the other's, whose log tells of it, from its sandbox.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

for policy in stall skip; do
	host_file /etc/$policy.conf <<END
kernel = "/usr/share/itsy/payloads/stall.bin"
memory = "128M"
its "its" {
	on-error = "$policy"
}
device "edu" {
	bdf = "0000:00:01.0"
	events = 8
}
END
done

on_host --device edu <<'END'
guest stall /etc/stall.conf
guest skip /etc/skip.conf --log-file /tmp/log --log-format json --log-level debug
step log cat /tmp/log
END

for name in stall skip; do
	payload_passed $name stall
	counts_add_up $name
	json $name '.its_errors | index("MAPTI_PHYSICALID_OOR") != null'
done
has stall.out '^stalled 1$'
has stall.out '^commands_done 1$'
json stall '.its_commands.MAPTI | .stalled == 2 and .skipped == 0'
json stall '.its_commands.DISCARD.stalled == 1'
json stall '.devices[0].vectors[0].dropped == 3'
has skip.out '^stalled 0$'
has skip.out '^commands_done 3$'
json skip '.its_commands.MAPTI | .stalled == 0 and .skipped == 1'
json skip '.devices[0].vectors[0].dropped == 2'
expect "each line of the log is JSON" jq -e '.guest == "skip" and (.time | endswith("Z"))' "$(file_of log.out)"
has log.out '"level":"notice",.*"category":"host","message":"/etc/skip.conf: 1 vCPU, 128 MiB, 1 device"'
has log.out '"level":"debug",.*"message":"boot 1"'
has log.out '"level":"info",.*"category":"guest","message":"ITS commands skipped: [0-9]+ more, [0-9]+ in all"'
lacks skip.err '^itsy: /etc/skip.conf'

verdict
