#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A guest that goes for the hidden kernel ITS gets aborts, changes nothing, and is counted; and the ITS
# that it is meant to see does what the architecture says, errors included.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

host_file /etc/edu.conf <<'END'
kernel = "/usr/share/itsy/payloads/seal.bin"
memory = "128M"
device "edu" {
	bdf = "0000:00:01.0"
}
END
# A payload that takes more LPIs than its device needs.
host_file /etc/its.conf <<'END'
kernel = "/usr/share/itsy/payloads/its.bin"
vcpus  = 3
memory = "128M"
its "gits" {
	lpis = 256
}
device "edu" {
	bdf = "0000:00:01.0"
}
END

on_host --device edu <<'END'
guest seal1 /etc/edu.conf
guest seal2 /etc/edu.conf --set vcpus=2
guest its /etc/its.conf
END

for name in seal1 seal2; do
	payload_passed $name seal
	none_dropped $name
	handled=$(fact $name handled) pokes=$(fact $name frame_accesses) writes=$(fact $name table_writes)
	expect "$name: as many after the attack as before" \
		[ "$handled" = $((2 * $(fact $name handled_before))) ]
	json $name ".devices[0].vectors[0] | .taken == $handled and .injected == $handled"
	expect "$name: each poke ended in an abort" [ "$pokes" = "$(fact $name frame_aborts)" ]
	expect "$name: over 100 pokes" [ "$pokes" -gt 100 ]
	json $name ".aborted.unreachable >= $pokes"
	json $name ".kernel_its.table_writes >= $writes"
	json $name '.its_errors == []'
	# Windows: start-up, MAPC, MAPD, MAPTI. No poke made the kernel ITS do anything.
	json $name '.kernel_its.commands < 20'
done

payload_passed its its
none_dropped its
counts_add_up its
json its '.its_commands | [.MAPD, .MAPC, .MAPTI, .MAPI, .MOVI, .MOVALL, .DISCARD, .INV, .INVALL,
	.INT, .CLEAR, .SYNC] | all(.done > 0)'
json its ".its_commands.SYNC.done > $(fact its queue_commands)"
expect "its: many LPIs that were pending at once arrived" [ "$(fact its pending_at_once)" = 64 ]
json its '.kernel_its.deferred > 0'
for error in MAPTI_PHYSICALID_OOR MAPTI_ID_OOR MAPTI_UNMAPPED_DEVICE MAPTI_COLLECTION_OOR \
	INT_UNMAPPED_INTERRUPT DISCARD_UNMAPPED_INTERRUPT MOVI_UNMAPPED_COLLECTION MAPC_PROCNUM_OOR \
	MOVALL_PROCNUM_OOR INVALL_UNMAPPED_COLLECTION MAPD_ITTSIZE_OOR INT_UNMAPPED_DEVICE; do
	json its ".its_errors | index(\"$error\") != null"
done
json its '[.its_commands[].stalled] | add == 0'
json its '.aborted.unreachable == 0 and .kernel_its.table_writes == 0'

verdict
