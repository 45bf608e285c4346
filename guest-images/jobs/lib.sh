# SPDX-License-Identifier: MIT
# shellcheck shell=dash
#
# lib.sh - what the guests' jobs share. Command line words that jobs understand:
#
#   itsy.seconds=N   how long the looping jobs run (default 3)
#   itsy.nvmes=N     how many NVMe disks and NICs must show up (default 1 each)
#   itsy.nics=N
#   itsy.disk=NAME   the disk of the job "disk" (default sda), or vd* and the like
#   itsy.disks=N     how many of that name must show up (default 1)
#   itsy.chunks=N    how many of the pattern's 8 chunks a round reads (default 8)
#   itsy.kib=N       how much each echo carries (default 256)
#   itsy.affinity    moves the devices' interrupts from CPU to CPU meanwhile
#   itsy.resets=N    resets each NVMe function so often meanwhile (Function Level Reset)
#   itsy.pressed=W   what the job "stop" does when the power button is pressed (default off)
#   itsy.boots=N     how many boots the job "reboot" makes (default 2)
#   itsy.pardon=W    what the kernel may complain of: a line with this in it is no failure
#
# A job ends with "cpus N", one "irqcount NAME TOTAL" for each interrupt of a device, and
# "job NAME: PASS" or "job NAME: FAIL REASON".

# shellcheck source=scripts/wait.sh
. /lib/wait.sh

job=${0##*/}

# param NAME DEFAULT: the value of itsy.NAME on the kernel command line
param()
{
	local word value=$2

	# Words, not lines:
	# shellcheck disable=SC2013
	for word in $(cat /proc/cmdline); do
		case $word in
		"itsy.$1") value=1 ;;
		"itsy.$1="*) value=${word#*=} ;;
		esac
	done
	echo "$value"
}

uptime_s()
{
	local up rest

	read -r up rest </proc/uptime
	echo "${up%.*}"
}

nr_cpus()
{
	grep -c '^processor' /proc/cpuinfo
}

# --- the end -------------------------------------------------------------------------------------

# Interrupts of PCI devices: their names as /proc/interrupts has them, summed over the CPUs.
irq_lines()
{
	awk 'NR == 1 { cpus = NF; next }
	     /MSI|pciehp|PCI|nvme|eth|ahci|mptbase|ufshcd/ && $1 ~ /^[0-9]+:$/ { print }' /proc/interrupts
}

irq_counts()
{
	awk 'NR == 1 { cpus = NF; next }
	     $1 ~ /^[0-9]+:$/ && /nvme|eth|mmc|ahci|mptbase|[xeo]hci|virtio|megasas|ioc|sym53c8xx|ufshcd/ {
		total = 0
		for (i = 2; i <= cpus + 1; i++)
			total += $i
		# Shared interrupts have several names at the end: "nvme0q0, nvme0q1"
		name = $NF
		for (i = NF - 1; $i ~ /,$/; i--)
			name = $i name
		print "irqcount", name, total
	     }' /proc/interrupts
}

# is_before MAJOR MINOR: this kernel is older
is_before()
{
	uname -r | awk -F '[.-]' -v major="$1" -v minor="$2" '{ exit !($1 < major || $1 == major && $2 < minor) }'
}

# What is no failure: what the command line says; and what comes of moving interrupts. Before Linux 6.5
# (9c15eeb5362c, IRQD_RESEND_WHEN_IN_PROGRESS) handle_fasteoi_irq() drops an LPI that comes to its new CPU while its handler still runs
# on the old one. e1000e cleans a queue and lets it go on in that handler: the next message may be the one that is dropped, and
# the queue stands still until its watchdog looks, 5 s later. Data must be right in spite of it.
pardoned()
{
	param pardon 'nothing is'
	[ "$(param affinity 0)" = 0 ] || [ "$(nr_cpus)" = 1 ] || ! is_before 6 5 || echo 'NETDEV WATCHDOG'
}

# What a kernel says when an interrupt did not come, or worse.
complaints()
{
	dmesg | grep -E 'timeout|completion polled|lost|nobody cared|Unit Hang|NETDEV WATCHDOG|WARNING:|BUG:|Oops|Internal error|stall' |
		grep -vE 'ommand line|WFx with timeout|timeouts? (set|is)|Reset timeout' | grep -vF "$(pardoned)"
}

finish()
{
	local why=$1 text

	text=$(complaints | tail -n 5)
	if [ -n "$text" ]; then
		echo "$text"
		why="${why:+$why; }the kernel complained"
	fi
	echo "cpus $(nr_cpus)"
	irq_counts
	if [ -n "$why" ]; then
		echo "job $job: FAIL $why"
	else
		echo "job $job: PASS"
	fi
	[ "$job" != demo ] || echo "demo: ${why:+FAIL: }${why:-PASS}"
	drain_console
	poweroff -f
}

fail()
{
	finish "$1"
}

# Until the console has said all that was written: before the power goes. A change of modes waits for that.
drain_console()
{
	stty opost </dev/console
}

# --- NVMe ----------------------------------------------------------------------------------------

# count PATTERN: how many files match
count()
{
	# shellcheck disable=SC2012,SC2086 # the pattern is to be expanded
	ls -d $1 2>/dev/null | wc -l
}

are_there()
{
	[ "$(count "$2")" -ge "$1" ]
}

# wait_count WHAT N PATTERN: until N files match
wait_count()
{
	await_while "count '$3'" "$1" are_there "$2" "$3" || fail "$1 not found"
}

# An SD card has the same pattern, and is read in the same way.
find_card()
{
	wait_count card 1 /dev/mmcblk0
	nvmes=/dev/mmcblk0
	echo "/dev/mmcblk0: $(cat /sys/class/block/mmcblk0/size) sectors"
}

card_check()
{
	nvme_check
}

# So has any other disk.
find_disk()
{
	local path name

	name=/dev/$(param disk sda)
	wait_count disk "$(param disks 1)" "$name"
	nvmes=
	# The name is to be expanded:
	# shellcheck disable=SC2086
	for path in $name; do
		nvmes="$nvmes $path"
		echo "$path: $(cat "/sys/class/block/${path##*/}/size") sectors"
	done
	irq_lines | sed 's/^ */irq: /'
}

disk_check()
{
	nvme_check
}

find_nvme()
{
	local path

	wait_count NVMe "$(param nvmes 1)" '/dev/nvme[0-9]*n1'
	nvmes=
	for path in /dev/nvme[0-9]*n1; do
		nvmes="$nvmes $path"
		echo "$path: PCI $(basename "$(readlink -f "/sys/class/block/${path##*/}/device/device")"), $(cat "/sys/class/block/${path##*/}/size") sectors"
	done
}

# read_chunks DISK CPU CPUS: every CPUS-th chunk of the pattern, read by that CPU past the page cache
read_chunks()
{
	local disk=$1 cpu=$2 cpus=$3 n=0 chunks word first count sum got

	chunks=$(param chunks 8)
	while read -r word first count sum; do
		[ "$word" = chunk ] && [ $n -lt "$chunks" ] || continue
		if [ $((n % cpus)) = "$cpu" ]; then
			got=$(dd if="$disk" bs=4096 skip="$first" count="$count" iflag=direct 2>/dev/null | sha256sum)
			if [ "${got%% *}" != "$sum" ]; then
				echo "$disk: blocks $first+$count differ on CPU $cpu" >>/tmp/why
				return 1
			fi
		fi
		n=$((n + 1))
	done <"/tmp/pattern.${disk##*/}"
	return 0
}

# nvme_check: the whole pattern on every disk once, all CPUs at the same time, so that every queue and
# its interrupt is used
nvme_check()
{
	local disk cpu cpus pids= pid bad=0

	cpus=$(nr_cpus)
	for disk in $nvmes; do
		dd if="$disk" bs=4096 count=1 iflag=direct 2>/dev/null | tr -d '\0' >"/tmp/pattern.${disk##*/}"
		[ "$(head -n 1 "/tmp/pattern.${disk##*/}")" = 'itsy-pattern 1' ] ||
			{ echo "$disk: no pattern on it" >>/tmp/why; return 1; }
		cpu=0
		while [ $cpu -lt "$cpus" ]; do
			taskset -c $cpu sh /jobs/lib.sh read_chunks "$disk" $cpu "$cpus" &
			pids="$pids $!"
			cpu=$((cpu + 1))
		done
	done
	for pid in $pids; do
		wait "$pid" || bad=1
	done
	return $bad
}

# reset_nvmes N: each function N times; its driver goes on with what was under way. "function resets N"
# is said at the end, or a reason why not.
reset_nvmes()
{
	local disk round=0

	while [ $round -lt "$1" ]; do
		for disk in $nvmes; do
			if ! echo 1 >"/sys/class/block/${disk##*/}/device/device/reset"; then
				echo "$disk: its function cannot be reset" >>/tmp/why
				return 1
			fi
		done
		round=$((round + 1))
	done
	echo "function resets $round"
}

# --- NIC -----------------------------------------------------------------------------------------

find_nic()
{
	local path

	wait_count NIC "$(param nics 1)" '/sys/class/net/*/device'
	nics=
	for path in /sys/class/net/*/device; do
		path=${path%/device}
		nics="$nics ${path##*/}"
		echo "${path##*/}: PCI $(basename "$(readlink -f "$path/device")"), $(cat "$path/address")"
	done
}

has_link()
{
	[ "$(cat "/sys/class/net/$1/carrier" 2>/dev/null)" = 1 ]
}

# nic_up NIC: link, then an address; both take a while, neither is asked for twice
nic_up()
{
	[ -z "$(ip -4 addr show dev "$1" | grep inet)" ] || return 0
	ip link set "$1" up
	if ! await "the link of $1" has_link "$1"; then
		echo "$1: no link" >>/tmp/why
		return 1
	fi
	# Asks once a second; gives up when 120 have brought nothing.
	if ! udhcpc -i "$1" -n -q -f -t 120 -T 1 -A 1 -s /etc/udhcpc.script >/tmp/udhcpc 2>&1; then
		echo "$1: no address by DHCP" >>/tmp/why
		return 1
	fi
	return 0
}

# Several NICs may sit on networks with the same addresses: only one is up at a time.
nic_down()
{
	ip addr flush dev "$1"
	ip link set "$1" down
}

echo_is_over()
{
	[ "$(wc -c </tmp/echo.got)" -ge "$2" ] || ! kill -0 "$1" 2>/dev/null
}

# nic_echo NIC: sends numbers that differ each time to the echo service and compares what returns
nic_echo()
{
	local size=$((echo_kib * 1024)) first got pid

	echo_round=$((echo_round + 1))
	first=$((1000000 + echo_round % 8 * 1000000))
	seq $first $((first + size / 8)) | head -c $size >/tmp/echo.sent
	: >/tmp/echo.got
	nc 10.0.2.100 7 </tmp/echo.sent >/tmp/echo.got &
	pid=$!
	await_while 'wc -c </tmp/echo.got' "the echo" echo_is_over $pid $size
	kill $pid 2>/dev/null
	wait $pid
	got=$(wc -c </tmp/echo.got)
	if [ "$got" != $size ]; then
		echo "$1: $got of $size bytes came back" >>/tmp/why
		return 1
	elif ! cmp -s /tmp/echo.sent /tmp/echo.got; then
		echo "$1: the echo differs from what was sent" >>/tmp/why
		return 1
	fi
	return 0
}

# nic_check: on every NIC an address, data there and back
nic_check()
{
	local nic

	for nic in $nics; do
		nic_up "$nic" || return 1
		nic_echo "$nic" || return 1
		[ "$nics" = " $nic" ] || nic_down "$nic"
	done
	return 0
}

# --- moving interrupts -----------------------------------------------------------------------------

# Runs until it is killed, then says how often it moved an interrupt. NVMe's queue interrupts are
# managed by the kernel, which refuses to move them: these are counted once each. NICs ask for theirs
# anew with each "up", so the list is made again now and then. Few processes: a round must be quick.
move_irqs()
{
	local cpus cpu=0 moves=0 rounds=0 irq list='' refused=''

	cpus=$(nr_cpus)
	trap 'echo "affinity moves $moves rounds $rounds refused $(echo $refused | wc -w)" >/tmp/moves; exit' TERM
	while true; do
		if [ $((rounds % 20)) = 0 ]; then
			list=$(awk '/nvme|eth/ { print $1 + 0 }' /proc/interrupts)
		fi
		cpu=$(((cpu + 1) % cpus))
		for irq in $list; do
			case " $refused " in
			*" $irq "*) continue ;;
			esac
			if echo $cpu 2>/dev/null >"/proc/irq/$irq/smp_affinity_list"; then
				moves=$((moves + 1))
			else
				refused="$refused $irq"
			fi
		done
		rounds=$((rounds + 1))
		usleep 20000
	done
}

# --- whole jobs ------------------------------------------------------------------------------------

why()
{
	sort -u /tmp/why 2>/dev/null | head -n 3 | tr '\n' ' '
}

# loop CHECK: rounds until the time is over and no resets are left, and one at least: a slow machine proves
# no less
loop()
{
	local rounds=0

	until [ $rounds -gt 0 ] && [ "$(uptime_s)" -ge "$end" ] && [ ! -e /tmp/resetting ]; do
		"$1" || return 1
		rounds=$((rounds + 1))
	done
	echo "$1: $rounds rounds"
}

# io_job nvme|nic...: loops over these at the same time
io_job()
{
	local kind pids= pid mover= bad=0

	for kind; do
		"find_$kind"
	done
	if [ "$(param affinity 0)" != 0 ]; then
		move_irqs &
		mover=$!
	fi
	end=$(($(uptime_s) + $(param seconds 3)))
	if [ "$(param resets 0)" != 0 ]; then
		: >/tmp/resetting
		(reset_nvmes "$(param resets 0)"; rc=$?; rm /tmp/resetting; exit $rc) &
		pids=$!
	fi
	for kind; do
		loop "${kind}_check" &
		pids="$pids $!"
	done
	for pid in $pids; do
		wait "$pid" || bad=1
	done
	if [ -n "$mover" ]; then
		kill "$mover"
		wait "$mover"
		cat /tmp/moves
	fi
	[ $bad = 0 ] || fail "$(why)"
	finish ""
}

echo_kib=$(param kib 256)
echo_round=0

if [ "$1" = read_chunks ]; then
	shift
	read_chunks "$@"
	exit
fi
