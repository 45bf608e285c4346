#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What compares itsy with its peers (make bench-peers) says what it measured: medians and ratios of tables,
# as many samples as were asked for, in order, and an error where there was nothing to measure.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

programs=$(dirname "${ITSY:-$build/arm64/itsy}")/peers
files=()
for name in qd1 rtt stamp when; do
	[ -x "$programs/$name" ] || { echo "no $programs/$name (make test makes it)"; exit 77; }
	files+=(--file "$programs/$name:/lib/peers/$name")
done

# --- tables --------------------------------------------------------------------------------------

table()
{
	printf 'result|%s\n' "$@" | awk -v ratios="$tmp/ratios" -f "$top/tests/peers/table.awk" >"$tmp/table"
}

table 'a|host|ns|50' 'b|qemu|KiB|80000' 'a|qemu|ns|300' 'a|qemu|ns|100' 'a|qemu|ns|1000' 'a|itsy-irqfd|ns|150' \
	'a|itsy-uring|ns|1200' 'a|itsy-uring|ns|1800' 'b|itsy|KiB|2000.5' 'b|itsy-spin|KiB|40000' 'c|itsy-spin|x|' 'c|itsy-uring|x|1.5'
has table '^\| a \| ns \| 50 \| 300 \| 150 \| 1,500 \| - \| 0\.50 \| 5\.00 \| - \| 3\.00 \| 30\.00 \|$'
has table '^\| b \| KiB \| - \| 80,000 \| 2,000 \| - \| 40,000 \| 0\.03 \| - \| 0\.50 \| - \| - \|$'
has table '^\| c \| x \| - \| - \| - \| 1\.50 \| - \| - \| - \| - \| - \| - \|$'
nr_lines table 5
has ratios '^a\|0\.50\|5\.00\|-\|ns$'
nr_lines ratios 2

printf 'scale vectors 1 %s 2048 4096 -\n' 'uring 20 30' 'irqfd 10 15' | awk -f "$top/tests/peers/scale.awk" >"$tmp/scale"
has scale '^\| 1 \| vectors of one function \| 10, 15 \| 20, 30 \| 2\.00 \| -, - \| 2 \| 4 \|$'

# --- programs ------------------------------------------------------------------------------------

on_host --device nvme --device e1000e "${files[@]}" <<'END'
PATH=/lib/peers:$PATH
step disk qd1 /dev/nvme0n1 300
step no_disk qd1 /dev/nothing 300
step no_count qd1 /dev/nvme0n1 0

dev=$(ls /sys/bus/pci/devices/0000:00:02.0/net)
ip link set "$dev" up
await "a link" grep -q 1 "/sys/class/net/$dev/carrier"
ip addr add 10.0.2.15/24 dev "$dev"
step net rtt 10.0.2.2 100
step no_answer rtt 10.0.2.77 1
step no_address rtt somewhere 1

step seen sh -c 'stamp sh -c "echo a; sleep 1; echo the word; echo more" | when "the word" /tmp/copy; cat /tmp/copy'
step split sh -c '(printf "the w"; sleep 1; printf "ord") | when "the word"'
step not_seen sh -c 'echo a word | when "the word"'
END

ordered()
{
	local name=$1 key=$2 at last=1

	is_status "$name" 0
	expect "$name: $3 samples" [ "$(fact "$name" "${key}_count")" = "$3" ]
	for at in min p50 p90 p99 max; do
		expect "$name: ${key}_$at, $(fact "$name" "${key}_$at"), is not below $last" \
			[ "$(fact "$name" "${key}_$at")" -ge "$last" ]
		last=$(fact "$name" "${key}_$at")
	done
}

ordered disk nvme 300
is_status no_disk 1
is_status no_count 2
lacks no_disk.out nvme_
ordered net nic 100
has net.out '^nic_lost 0$'
is_status no_answer 1
is_status no_address 2

is_status seen 0
has seen.out '^more$'
expect "the word came a second after the command was executed" \
	[ $(($(fact seen when) - $(fact seen exec))) -ge "$(fact seen frequency)" ]
is_status split 0
has split.out '^when [1-9]'
is_status not_seen 1
lacks not_seen.out when

verdict
