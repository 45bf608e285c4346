#!/bin/bash
# SPDX-License-Identifier: MIT
#
# docs/tutorial.md, step by step: its configuration is the page's own, its commands are run, and what the page shows of
# their output comes. Numbers may be others, and so may what is filled up with blanks.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

page=$top/docs/tutorial.md

# The indented block below the line "<!-- $1 -->".
block()
{
	awk -v mark="<!-- $1 -->" '$0 == mark { on = 1; next } on && /^    / { print substr($0, 5); seen = 1; next }
		on && NF == 0 { next } on { exit }' "$page"
}

host_file /etc/itsy/first.conf < <(block 'file first.conf')

on_host --device nvme --device e1000e <<'END'
step check itsy check
step devices itsy devices
step names itsy devices --names
step check_config itsy check /etc/itsy/first.conf

mkfifo /tmp/keyboard
: >/tmp/run.out
itsy run /etc/itsy/first.conf </tmp/keyboard >/tmp/run.out 2>/tmp/run.err &
pid=$!
exec 4<>/tmp/keyboard
await "the guest's shell" grep -q '#' /tmp/run.out || echo "it does not come"
echo 'dd if=/dev/nvme0n1 of=/dev/null bs=64k count=64 iflag=direct; echo "read" "all"' >&4
await "the guest's drive" grep -q '^read all' /tmp/run.out || echo "it is not read"
step list itsy list
step ctl itsy ctl first
step irqs itsy ctl first irqs
step route itsy ctl first route nvme0 irqfd
step top itsy top first --once
step its itsy ctl first its
step stop itsy ctl first stop --now --wait
exec 4>&-
rc=0
wait $pid || rc=$?
step_report run $rc
step after itsy devices
step bind itsy bind 0000:00:01.0
step bound itsy devices
step release itsy release 0000:00:01.0

nic=$(ls /sys/bus/pci/devices/0000:00:02.0/net)
ip link set "$nic" up
await "a link" grep -q 1 "/sys/class/net/$nic/carrier"
step in_use itsy run /etc/itsy/first.conf --set device.nvme0.bdf=0000:00:02.0 </dev/null
step no_function itsy run /etc/itsy/first.conf --set device.nvme0.bdf=0000:07:00.0 </dev/null
step no_kernel itsy run /etc/itsy/first.conf --kernel /boot/Imgae </dev/null
sed 's/memory/memroy/; s/vcpus *= 2/vcpus = two/' /etc/itsy/first.conf >/etc/itsy/typo.conf
step typo itsy run /etc/itsy/typo.conf </dev/null
END

# Lines as they are compared: numbers, times, and which way a vector is on at that moment, may be others.
way='(auto: )?(uring|irqfd)(->irqfd)?( (quiet|cool|hot|next|asked|held))?'
plain()
{
	sed -E -e 's/\r//g' -e 's/0x[0-9a-f]+/0/g' -e 's/ +/ /g' -e "s/ $way / WAY /" \
		-e 's/[0-9][0-9,.]*/0/g' -e 's/\<0 (ns|us|ms|s|min)\>/0 s/g' -e 's/ $//' "$@"
}

shown=$(sed -n 's/^<!-- shown \(.*\) -->$/\1/p' "$page")
[ "$(wc -w <<<"$shown")" -ge 15 ] || { echo "$page shows less than it did"; unmet=$((unmet + 1)); }
for name in $shown; do
	file=$name
	[[ $name = *.* ]] || file=$name.out
	plain "$tmp/$file" >"$tmp/plain"
	while IFS= read -r line; do
		[ -z "$line" ] || [ "$line" = ... ] || grep -qxF -- "$line" "$tmp/plain" && continue
		echo "$page shows of $name what did not come: $line"
		unmet=$((unmet + 1))
	done < <(block "shown $name" | plain)
	expectations=$((expectations + 1))
done
verdict
