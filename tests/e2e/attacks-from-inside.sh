#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Guests that attack from inside, one attack each, beside a guest that does honest work. What it costs
# is measured and bounded: memory of itsy, memory of the host's kernel, time of the guest's other CPUs
# and of the other guest. Then the guest is as good as new, and everything is given back.
#
#	tests/e2e/attacks-from-inside.sh		after make all payloads; prints the table
#	ITSY_LONG=1 tests/e2e/attacks-from-inside.sh	each attack ten times as long, with all LPIs
#	ITSY_ATTACKS="flood:mapc ..."			only these

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

# --- the bounds ----------------------------------------------------------------------------------
#
# What itsy allocates at the start, and a guest can have it touch later: 8 bytes for each of 2^16
# collections, 5 for each LPI (its owner), 8 for each vector; and some pages of stacks and libraries.
lpis=57344 vectors=66
rss_kib=$(((8 * 65536 + 5 * lpis + 8 * vectors) / 1024 + 256))
# KVM keeps an object for each LPI that is mapped or pending: one for each vector, and 256 for events
# that belong to no function. 512 bytes cover it and its entry in KVM's ITS. Stage 2 tables: one page
# for each 2 MiB of the guest's RAM and for what is left of its address space.
ram_mib=64
kernel_kib=$((((vectors + 256) * 512 / 1024) + 4 * ram_mib / 2 + 256))
# A hang is longer; noise of an emulated machine on a busy one is not. It has to be many times what it
# was in quiet, too, which is printed beside.
gap_us=5000000 gap_times=20
# The least that the witness keeps of its time, in percent. Half is what it is promised (vmm/kvm/pause_budget.h); the
# way out of the guest and in again comes on top, and is long here.
share=5
# When the guest is gone, nothing is left but what the kernel keeps for every process that was.
left_kib=256

all_attacks="places:outside places:devices places:straddling places:overlapping rewrite:by_cpu
	rewrite:by_dma flood:mapd flood:mapti flood:mapc flood:cwriter flood:cwriter_all flood:int_one
	flood:int_all redist:priorities redist:pending redist:lpis"
attacks=${ITSY_ATTACKS:-$all_attacks}
length="ms=1000 lpis=8192"
[ -z "${ITSY_LONG:-}" ] || length="ms=10000 lpis=57344"

host_file /etc/attack.conf <<END
kernel  = "/usr/share/itsy/payloads/hello.bin"
cmdline = ""
vcpus   = 3
memory  = "${ram_mib}M"
its "attacked" {
	lpis = $lpis
}
device "edu" {
	bdf = "0000:00:01.0"
}
device "disk" {
	bdf = "0000:00:02.0"
}
END
host_file /etc/neighbour.conf <<'END'
kernel = "/usr/share/itsy/payloads/neighbour.bin"
memory = "64M"
device "edu" {
	bdf = "0000:00:03.0"
}
END

on_host --cpus 4 --device none --device nvme --device edu --qemu-device edu,addr=1,dma_mask=0xffffffffff <<END
attacks="$attacks"
length="$length"
$(cat "$lib/neighbour-host.sh" "$lib/attack-host.sh")
END

# --- what came of it --------------------------------------------------------------------------------

# at_most NAME KEY BOUND
at_most()
{
	local value
	value=$(fact "$1" "$2")

	expect "$1: $2 is $value, and at most $3" [ "$value" -le "$3" ]
}

# no_hang NAME KEY QUIET
no_hang()
{
	local bound=$gap_us

	[ $(($3 * gap_times)) -le $bound ] || bound=$(($3 * gap_times))
	at_most "$1" "$2" $bound
}

# The sum of one outcome over all commands, and of what belongs to it.
commands()
{
	jq "([.its_commands[].$2] | add // 0) + ($3)" "$(file_of "$1.json")"
}

row='%-12s %8s %8s %8s %9s %9s %7s %9s %9s %6s %9s\n'
table()
{
	local name name_of

	# shellcheck disable=SC2059 # one format for all rows
	printf "$row" attack 'done' skipped windows 'RSS KiB' 'kernel' 'left' 'gap ms' '(quiet)' 'share' 'other VM'
	for name_of in $attacks; do
		name=${name_of#*:}
		# shellcheck disable=SC2059
		printf "$row" "$name" "$(commands "$name" 'done' 0)" \
			"$(commands "$name" skipped .its_mistakes.unreadable_commands)" \
			"$(jq '.kernel_its.pauses + .redistributors.pauses' "$(file_of "$name.json")")" \
			"$(fact "$name" rss_kib)" "$(fact "$name" kernel_kib)" "$(fact "$name" left_kib)" \
			"$(ms "$(fact "$name" gap_us)")" "$(ms "$(fact "$name" quiet_gap_us)")" \
			"$(share_of "$name")%" "$(ms "$(fact "$name" other_gap_us)")"
	done
	echo "bounds: RSS $rss_kib KiB, kernel $kernel_kib KiB, gaps $((gap_us / 1000)) ms and $gap_times times the quiet one, share $share%;" \
		"the other VM in quiet: $(ms "$(fact neighbour quiet_gap_us)") ms"
}

ms()
{
	awk -v us="$1" 'BEGIN { printf "%.1f", us / 1000 }'
}

share_of()
{
	awk -v now="$(fact "$1" looks_per_ms)" -v quiet="$(fact "$1" quiet_looks_per_ms)" \
		'BEGIN { print (quiet > 0 ? int(100 * now / quiet) : 0) }'
}

# What all of them have in common: $1 payload, $2 attack.
survived()
{
	payload_passed "$2" "attack_$1"
	has "$2.out" "^attack $2: recovered\$"
	has "$2.out" '^driver nvme$'
	counts_add_up "$2"
	# a forged MAPC may take the device's CPU away for a moment
	[ "$1" = rewrite ] || none_dropped "$2"
	json "$2" '.aborted.unreachable == 0 and .kernel_its.table_writes == 0'
	at_most "$2" rss_kib $rss_kib
	at_most "$2" kernel_kib $kernel_kib
	at_most "$2" left_kib $left_kib
	no_hang "$2" gap_us "$(fact "$2" quiet_gap_us)"
	no_hang "$2" other_gap_us "$(fact neighbour quiet_gap_us)"
	no_hang "$2" other_slowest_us "$(fact neighbour quiet_gap_us)"
	# there it does not only look
	[ "$2" = cwriter_all ] ||
		expect "$2: the witness had $share% of its time" [ "$(share_of "$2")" -ge $share ]
}

# Each attack took place, and itsy says so.
it_took_place()
{
	case $1 in
	outside | devices)
		json "$1" '.its_mistakes.unreadable_commands > 1000'
		json "$1" '.its_commands | .MAPD.skipped > 0 and .MAPC.skipped > 0 and .MAPTI.skipped > 0' ;;
	straddling)
		# 2048 commands are in RAM and 2048 are not, twice around
		json "$1" '.its_mistakes.unreadable_commands == 4096 and .its_commands.SYNC.done == 4096'
		json "$1" '.its_commands | .MAPTI.done > 0 and .MAPTI.skipped > 0 and .INT.done > 0' ;;
	overlapping)
		has "$1.out" '^page_table_entries_overwritten 240$'
		json "$1" '[.its_commands[].skipped] | add > 1000' ;;
	by_cpu | by_dma)
		json "$1" '.its_mistakes.changed_entries > 0'
		# an opcode that the attacker alone writes
		json "$1" '.its_commands["0x55"].skipped > 0'
		json "$1" '.devices[0].vectors[0].injected >= 60'
		expect "$1: what was overwritten can be read back" [ "$(fact "$1" overwrites_seen)" -gt 3 ] ;;
	mapd)
		json "$1" '.its_commands.MAPD | .done >= 65536 and .skipped == 0' ;;
	mapti)
		json "$1" '.its_commands.MAPTI.done >= 65536 + 65 and .its_commands.DISCARD.done >= 65' ;;
	mapc)
		json "$1" '.its_commands.MAPC.done >= 72'
		json "$1" '.kernel_its.commands > 60 * .its_commands.MAPC.done' ;;
	cwriter | cwriter_all)
		# that each CPU gets on is for the guest to check
		json "$1" '.its_commands | .INT.done > 0 and .INV.done > 0 and .INT.skipped > 0' ;;
	int_one)
		json "$1" ".its_commands.INT.done == $(fact "$1" posted)" ;;
	int_all)
		json "$1" ".its_commands.INT.done == ${length##*=} and .its_commands.MAPTI.skipped == 0"
		# as many as itsy remembers; the others were forgotten, and the kernel forgot them too
		has "$1.out" '^taken_at_last 256$' ;;
	priorities | pending | lpis)
		# each of them one, and the budget of pauses had them wait
		json "$1" ".redistributors.pauses >= $(fact "$1" accesses)" ;;
	esac
}

for each in $attacks; do
	survived "${each%:*}" "${each#*:}"
	it_took_place "${each#*:}"
done
payload_passed neighbour neighbour
counts_add_up neighbour
none_dropped neighbour
json neighbour ".devices[0].vectors[0].injected == $(fact neighbour raised)"
json neighbour ".devices[0].vectors[0].injected == $(fact neighbour handled)"

table
verdict
