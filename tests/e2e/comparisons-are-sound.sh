#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What compares itsy with its peers (make bench-peers) says what it measured: medians and ratios of tables,
# as many samples as were asked for, in order, and an error where there was nothing to measure.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

programs=$(dirname "${ITSY:-$build/arm64/itsy}")/peers
files=()
for name in between qd1 rtt stamp when; do
	[ -x "$programs/$name" ] || { echo "no $programs/$name (make test makes it)"; exit 77; }
	files+=(--file "$programs/$name:/lib/peers/$name")
done

# --- tables --------------------------------------------------------------------------------------

# table LINE...: of what was measured by the routes one (the default), two and spin
table()
{
	rm -f "$tmp/ratios" "$tmp/verdicts"
	printf '%s\n' "$@" | awk -f "$top/tests/peers/lib.awk" -v route_list='one two spin' -v ratios="$tmp/ratios" \
		-v verdicts="$tmp/verdicts" -f "$top/tests/peers/table.awk" >"$tmp/table"
}

# Medians, ratios of them, and what was not measured.
table 'result|a|host|ns|50' 'result|b|qemu|KiB|80000' 'result|a|qemu|ns|300' 'result|a|qemu|ns|100' \
	'result|a|qemu|ns|1000' 'result|a|itsy-one|ns|150' 'result|a|itsy-two|ns|1200' 'result|a|itsy-two|ns|1800' \
	'result|b|itsy-one|KiB|2000.5' 'result|b|itsy-spin|KiB|40000' 'result|c|itsy-spin|exits|' \
	'result|c|itsy-two|exits|1.5' 'result|a|itsy-one|instructions|7'
has table '^\| a \| ns \| 50 \| 300 \| 150 \| 1,500 \| - \| 0\.50 \| 5\.00 \| - \| 3\.00 \|$'
has table '^\| b \| KiB \| - \| 80,000 \| 2,000 \| - \| 40,000 \| 0\.03 \| - \| 0\.50 \| - \|$'
has table '^\| c \| exits \| - \| - \| - \| 1\.50 \| - \| - \| - \| - \| - \|$'
has table '^\| a \| instructions \| - \| - \| 7 \| - \| - \| - \| - \| - \| - \|$'
has table "default route is .one.:\$"
has ratios '^row\|a\|0\.50\|5\.00\|-$'
has ratios '^heading\|Memory, KiB: further left is better$'
nr_lines ratios 4
# A unit that nobody knows is a mistake: whether more of it is better is not known either.
expect "a unit in no group is refused" [ "$(table 'result|a|qemu|apples|3' 2>&1)" != "" ]

# judged NAME ROW-END QEMU... -- ITSY...: what is said of a row of ns with these turns; of NAME's unit, if it has one
judged()
{
	local lines=() who=qemu value name=$1 unit=ns want=$2
	shift 2

	[[ $name != *' in '* ]] || unit=${name##* in }
	for value; do
		[ "$value" != -- ] || { who=itsy-one; continue; }
		lines+=("result|$name|$who|$unit|$value")
	done
	table "${lines[@]}"
	expect "$name, $*: $want, not '$(sed -n 3p "$tmp/table")'" grep -qE "^\\| $name .*\\| $want \\|\$" <(sed -n 3p "$tmp/table")
}

judged 'same' '1\.00 \| - \| 0\.0 % \| at most 1\.00 \| met' 100 100 -- 100 100
judged 'two decimals' '1\.00 \| - \| 0\.0 % \| at most 1\.00 \| met' 1000 1000 -- 1004 1004
judged 'more' '1\.01 \| - \| 0\.0 % \| at most 1\.00 \| \*\*not met\*\*' 1000 1000 -- 1006 1006
judged 'more, and sure' '1\.01 \| 0\.00 \| 0\.0 % \| at most 1\.00 \| \*\*not met\*\*' 1000 1000 1000 -- 1006 1006 1006
# Quartiles of five turns are the second and the fourth: what is beyond is not looked at. Of so few turns, 4 % leave 3.3 %
# of the ratio open, and of twenty 1.7 %.
judged 'outliers' '1\.04 \| 0\.03 \| 4\.0 % \| at most 1\.00 \| \*\*not met\*\*' 10 98 100 102 900 -- 104 104 104 104 104
judged 'unsure' '1\.03 \| 0\.03 \| 4\.0 % \| at most 1\.00 \| not told apart' 10 98 100 102 900 -- 103 103 103 103 103
turns=(90 98 98 98 98 98 98 98 100 100 100 100 102 102 102 102 102 102 102 110)
judged 'many turns' '1\.03 \| 0\.02 \| 4\.0 % \| at most 1\.00 \| \*\*not met\*\*' "${turns[@]}" -- "${turns[@]/*/103}"
judged 'noisy' '1\.03 \| 0\.07 \| 8\.0 % \| at most 1\.05 \| met' 96 104 100 10 900 -- 103 103 103 103 103
# Rounds are compared, one by one: a slow one is slow for both. Medians, 100 and 198, would say 1.98.
judged 'rounds' '0\.99 \| 0\.00 \| 100\.0 % \| at most 1\.05 \| met' 100 200 100 200 100 -- 99 198 99 198 198
judged 'now and then' '1\.98 \| - \| 100\.0 % \| at most 1\.05 \| \*\*not met\*\*' 100 200 100 200 100 -- 99 198 198 198
# Rounds of one start are no more than one, however many.
table 'kernel|k' 'result|b|qemu|ns|7' 'result|b|itsy-one|ns|7' 'kernel|k' 'anew|' 'result|a|qemu|ns|100' 'result|a|itsy-one|ns|96' \
	'result|a|qemu|ns|100' 'result|a|itsy-one|ns|100' 'result|a|itsy-one|ns|101' 'result|a|qemu|ns|100' 'anew|' \
	'result|a|qemu|ns|200' 'result|a|itsy-one|ns|220' 'anew|' 'result|a|qemu|ns|50' 'result|a|itsy-one|ns|60'
has table '^\| a \| ns \| 100 \| - \| 100 \| 1\.10 \| 0\.21 \| .* \| not told apart \|$'
has table '^\| b \| ns \| 7 \| - \| 7 \| 1\.00 \| - \|'
judged 'a round of nothing' '0\.99 \| - \| 0\.0 % \| at most 1\.00 \| met' 0 100 100 100 100 -- 99 99 99 99 99
judged 'noise of itsy' '1\.05 \| - \| 5\.7 % \| at most 1\.05 \| met' 100 100 -- 102 108
judged 'too noisy' '1\.06 \| - \| 7\.5 % \| at most 1\.05 \| \*\*not met\*\*' 100 100 -- 102 110
judged 'one turn' '1\.01 \| - \| - \| at most 1\.00 \| \*\*not met\*\*' 100 -- 101
# Where more is better, the other way round.
judged 'more in reads/s' '1\.10 \| - \| 0\.0 % \| at least 1\.00 \| met' 100 100 -- 110 110
judged 'less in reads/s' '0\.99 \| - \| 0\.0 % \| at least 1\.00 \| \*\*not met\*\*' 100 100 -- 99 99
judged 'unsure in reads/s' '0\.98 \| 0\.03 \| 4\.0 % \| at least 1\.00 \| not told apart' 10 98 100 102 900 -- 98 98 98 98 98
has verdicts '^itsy\|not told apart\|unsure in reads/s, reads/s\|0\.98$'
judged 'noisy in echoes/s' '0\.95 \| - \| 8\.0 % \| at least 0\.95 \| met' 96 104 -- 95 95
has verdicts '^itsy\|met\|noisy in echoes/s, echoes/s\|0\.95$'
has ratios '^heading\|How many in a second: further right is better$'
# The same peer a second time is judged by the same rule, beside.
table 'result|a|qemu|ns|100' 'result|a|qemu-again|ns|102' 'result|a|itsy-one|ns|99' 'result|b|qemu|KiB|7' 'result|b|itsy-one|KiB|7'
has table '^\| a \| ns \| 100 \| 1\.02 \| 99 \| 0\.99 \| - \| - \| at most 1\.00 \| met \|$'
has table '^\| b \| KiB \| 7 \| - \| 7 \| 1\.00 \|'
has verdicts '^QEMU\|not met\|a, ns\|1\.02$'
has verdicts '^itsy\|met\|a, ns\|0\.99$'
nr_lines verdicts 3
# The first second has no aim, nor have the parts of all exits: they are no verdicts.
for row in 'x, first second, p50' 'exits to sleep per x' 'exits for interrupts per x'; do
	judged "$row" '9\.00 \| - \| 0\.0 % \| - \| -' 100 100 -- 900 900
done
expect "no verdict" [ ! -e "$tmp/verdicts" ]

printf 'scale vectors 1024 %s 2048 4096 -\n' 'uring 20000 30' 'irqfd 10000 -' |
	awk -f "$top/tests/peers/lib.awk" -f "$top/tests/peers/scale.awk" >"$tmp/scale"
has scale '^\| 1,024 \| vectors of one function \| 10,000 \| - \| - \| 20,000 \| 30 \| - \| 2\.00 \| 2 \| 4 \|$'

# --- programs ------------------------------------------------------------------------------------

on_host --device nvme --device e1000e "${files[@]}" <<'END'
PATH=/lib/peers:$PATH
step disk qd1 /dev/nvme0n1 300
step phases qd1 /dev/nvme0n1 50 700
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

# Only time that counts instructions has a counter of them. What KVM has of a guest is files with a number each.
host_files=()
on_host --icount "${files[@]}" <<'END'
PATH=/lib/peers:$PATH
step idle sh -c '(echo begin; sleep 1; echo end) | between'
step busy sh -c '(echo begin; i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done; echo end) | between'

# kvm ALL USER SLEEP KERNEL-MMIO WFE HVC
cat >/tmp/kvm <<'KVM'
mkdir -p /tmp/vm
for file in exits mmio_exit_user wfi_exit_stat mmio_exit_kernel wfe_exit_stat hvc_exit_stat; do
	echo "$1" >/tmp/vm/$file
	shift
done
KVM
cat >/tmp/exits <<'EXITS'
ask()
{
	echo "$1" >&3
	read -r line <&4
	echo "$line"
}
mkfifo /tmp/said /tmp/answers
between </tmp/said >/tmp/answers &
exec 3>/tmp/said 4</tmp/answers
sh /tmp/kvm 1000 100 10 1 2 3
ask 'begin /tmp/vm'
sh /tmp/kvm 1500 220 40 11 22 33
ask end
ask begin
ask end
EXITS
step exits sh /tmp/exits
step no_guest sh -c 'echo begin /tmp/nothing | between'
step no_word sh -c 'echo beginning | between'
END

# between NAME: what was retired between its two lines
between()
{
	awk 'NR == 1 && $0 == "began" { begun = 1 } END { print begun && NR == 2 && $1 == "instructions" && NF == 2 ? $2 : "nothing" }' \
		"$(file_of "$1.out")"
}

is_status idle 0
is_status busy 0
expect "a second asleep, $(between idle), is less than a turn of a loop 20,000 times" \
	[ "$(between idle)" -lt "$(between busy)" ]
expect "20,000 turns of a loop, $(between busy), are 20 instructions each at least" [ "$(between busy)" -gt 400000 ]
# 500 in all; 10, 20 and 30 of them the kernel answers itself.
has exits.out '^instructions [1-9][0-9]* exits_all 500 exits_user 120 exits_sleep 30 exits_interrupts 290$'
has exits.out '^instructions [1-9][0-9]*$'
is_status no_guest 1
has no_guest.err '/tmp/nothing/exits: No such file'
is_status no_word 1

ordered()
{
	local name=$1 key=$2 at last=1

	is_status "$name" 0
	expect "$name: $3 samples" [ "$(fact "$name" "${key}_count")" = "$3" ]
	for at in min ${4-p50 p90 p99} max; do
		expect "$name: ${key}_$at, $(fact "$name" "${key}_$at"), is not below $last" \
			[ "$(fact "$name" "${key}_$at")" -ge "$last" ]
		last=$(fact "$name" "${key}_$at")
	done
}

ordered disk nvme 300
lacks disk.out '^nvme_(first|marked)'
nr_lines disk.err 0
# For 700 ms, then settled, then 50, of which there is no p99; marks around the 50, and more between the marks.
ordered phases nvme 50 'p50 p90'
lacks phases.out '^nvme_p99 '
ordered phases nvme_first "$(fact phases nvme_first_count)" 'p50 p90'
expect "$(fact phases nvme_first_count) were made in 700 ms, at $(fact phases nvme_first_rate) in a second" \
	awk "BEGIN { exit !($(fact phases nvme_first_count) > 0.65 * $(fact phases nvme_first_rate)) }"
expect "more than 50 between the marks" [ "$(fact phases nvme_marked)" -gt 50 ]
has phases.err '^peers: steady nvme$'
has phases.err '^peers: over nvme$'
nr_lines phases.err 2
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
