#!/bin/bash
# SPDX-License-Identifier: MIT
#
# All vCPUs of a guest do at random, at once and over and over, what a guest must not (tests/guest/onslaught.c), and
# the guest ends in the middle of it: itsy ends as its guest said, the host has nothing to complain of, the guest
# beside it is never kept from its work for long, its devices are in order again after each round, and afterwards
# for the next guest and for the host.
#
#	ITSY_SECONDS=N	how long (20)
#	ITSY_SEED=N	repeats a choice of acts, if not their timing

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

seconds=${ITSY_SECONDS:-20}
seed=${ITSY_SEED:-$((RANDOM << 15 | RANDOM))}
patience=$((patience + seconds))
# As in attacks-from-inside.sh: a hang is longer, noise of an emulated machine on a busy one is not.
gap_us=5000000 gap_times=20
echo "seed $seed, $seconds s"

host_file /etc/onslaught.conf <<END
kernel  = "/usr/share/itsy/payloads/onslaught.bin"
cmdline = "seconds=$seconds seed=$seed"
vcpus   = 4
memory  = "128M"
its "its" {
	lpis = 512
}
device "edu" {
	bdf = "0000:00:01.0"
	events = 32
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
$(cat "$lib/neighbour-host.sh")
$(cat <<'SCRIPT'
# Drivers, and what is on the disk.
look()
{
	step "$1" sh -c '. /lib/e2e/host.sh
		driver 0000:00:01.0; driver 0000:00:02.0
		await "the disk" test -b /dev/nvme0n1 && sha256sum </dev/nvme0n1'
}

# A lap of the neighbour's for each round, so that it can be seen which one kept it from its work.
attack()
{
	local line rc=0

	start onslaught onslaught /etc/onslaught.conf
	exec 3>/tmp/onslaught.in 4</tmp/onslaught.words
	while read -r line; do
		echo "$line" >>/tmp/onslaught.out
		case $line in
		"round "*) lap r ;;
		"act cwriter "*) lap e ;;
		esac
	done <&4
	exec 3>&- 4<&-
	wait $pid || rc=$?
	step_report onslaught $rc
	lap o
}

uname -r
look before
mkdir $cgroups/neighbour $cgroups/onslaught
neighbour_begins
echo "<5>the onslaught begins" >/dev/kmsg
attack
look after
step dmesg sh -c 'dmesg | sed "1,/the onslaught begins/d"'
payloads=/usr/share/itsy/payloads
guest next_edu /etc/onslaught.conf --set kernel=$payloads/edu.bin --set vcpus=1
guest next_msix /etc/onslaught.conf --set kernel=$payloads/msix.bin --set vcpus=1
neighbour_ends
look at_last
SCRIPT
)
END

# --- what came of it ------------------------------------------------------------------------------

payload_passed onslaught onslaught
counts_add_up onslaught
json onslaught '.boots == 1'

# Each act was done, at each place that it is for.
happened()
{
	local kind=$1 name
	shift

	for name in "$@"; do
		expect "$kind $name happened" [ "$(fact onslaught "$kind $name")" -gt 0 ]
	done
}
happened act cwriter forge_queue commands rewrite_tables its_off move_tables its_anew its_frame toggle_lpis \
	lpi_tables invalidate config ecam_edges bar_edges move_bar put_back decoding msi raise fire msix_entry \
	msix_control dma psci psci_refused suspend off wake odd uart
happened bar onto_ram onto_payload onto_uart onto_gits onto_gits_frame onto_gicd onto_gicr onto_ecam \
	onto_kernel_its_frame onto_kernel_its_tables onto_each_other onto_ports onto_window_begin onto_window_end onto_nothing onto_top
happened edge of_ecam of_ecam_end of_edu of_edu_end of_disk of_disk_end of_a_function of_edu_bar of_edu_bar_end \
	of_disk_bar of_disk_bar_end of_msix_table of_msix_table_end of_pba of_pba_end of_common of_common_end \
	of_ports of_ports_end of_window32 of_window32_end of_window64 of_window64_end
happened fire completed
# What is too rare for seconds: a transfer takes 100 ms, and few of the places for a queue are no memory.
if [ "$seconds" -ge 120 ]; then
	happened dma into_landing into_device_table into_collection_table into_queue into_itt into_scrap into_end_of_ram \
		into_sealed_frame into_sealed_tables into_nothing
	expect "DMA wrote to RAM" [ "$(fact onslaught dma_landed)" -gt 0 ]
	json onslaught '.its_mistakes.unreadable_commands > 0'
fi
expect "a round, and another one" [ "$(fact onslaught rounds)" -gt 1 ]
# And reached what it was meant for.
json onslaught '.its_mistakes.changed_entries > 0'
json onslaught '.aborted.unreachable > 0 and .aborted.unemulated > 0 and .unclaimed > 0'
json onslaught '[.its_commands[].done] | add > 1000'
json onslaught '[.its_commands[].skipped] | add > 1000'
json onslaught '[.devices[1].vectors[:4][].injected] | min > 0'
has onslaught.err '^BARs placed where they cannot be reached: [1-9]'

# Nobody else was harmed.
payload_passed neighbour neighbour
counts_add_up neighbour
none_dropped neighbour
json neighbour ".devices[0].vectors[0].injected == $(fact neighbour raised)"
json neighbour ".devices[0].vectors[0].injected == $(fact neighbour handled)"
quiet=$(fact neighbour quiet_gap_us) bound=$gap_us
[ $((quiet * gap_times)) -le $bound ] || bound=$((quiet * gap_times))
# The longest one of all laps: "lap KEY gap_us N slowest_us N rounds N".
longest()
{
	awk -v key="$1" '$1 == "lap" { for (i = 1; i < NF; i++) if ($i == key && $(i + 1) > max) max = $(i + 1) }
		END { print max + 0 }' "$(file_of neighbour.out)"
}
nr_laps=$(grep -c '^lap [reo] ' "$(file_of neighbour.out)")
nr_rounds=$(grep -c '^round ' "$(file_of onslaught.out)")
expect "neighbour: a lap of each round, and of the end, not $nr_laps" [ "$nr_laps" = $((nr_rounds + 2)) ]
for key in gap_us slowest_us; do
	value=$(longest $key)
	echo "neighbour: $key $value at most; in quiet, gap_us $quiet"
	expect "neighbour: $key is $value, and at most $bound" [ "$value" -le "$bound" ]
done
# That the SMMU refused DMA is no complaint: it says so for any VMM.
lacks dmesg.out 'WARN|BUG|refcount|KASAN|UBSAN|Oops|corruption|stall|Call trace|blocked for'

# Everything is given back, and in order.
has before.out '^nvme$'
has before.out '^none$'
for name in after at_last; do
	expect "$name: as before" cmp "$tmp/before.out" "$tmp/$name.out"
done
payload_passed next_edu edu
payload_passed next_msix msix

verdict
