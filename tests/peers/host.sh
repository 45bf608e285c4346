# SPDX-License-Identifier: MIT
# shellcheck shell=dash
#
# host.sh - what the comparisons share that run on the emulated host. Sourced there by *.sh.
#
#   result ROW WHO UNIT VALUE	reports a figure: a line "result|ROW|WHO|UNIT|VALUE"
#   percentiles ROW WHO FILE KEY	those that a series has (tests/guest/lib/samples.h): rows "ROW, p50" and "ROW, p99"
#   fact FILE KEY		the value of the last line "KEY VALUE"; fails without one
#   $one_cpu, $spin_cpu		runs a command on CPU 0, with all its threads; and the CPU for what spins
#   $launch			a command that runs the next two: stamp; or exec, in the background
#   qemu MIB ARG...		runs Debian's QEMU with KVM and a guest of so much RAM and one vCPU
#   itsy_conf MIB BDF...	writes /tmp/peers.conf: the same guest for itsy, with these functions
#   itsy_guest ROUTE ARG...	runs it
#   interrupts_elsewhere	interrupts of VFIO's so far that did not come to CPU 0
#   vm_memory KIND KIB PID...	KiB that these processes have beside their guests' RAM of so many KiB each (Rss: with what others
#				have, too; Pss: their share of it); fails where that RAM is not found once for each
#   kernel_memory		KiB that are the kernel's: neither free (also on the CPUs' own lists) nor
#				programs' or files' (AnonPages, Cached, Buffers)
#   ns TICKS HZ			ticks of a counter, in what $unit says
#   $routes			itsy's routes that are compared, the default first ($ROUTES says others)
#   $default			itsy by its default route, as a contender
#   contenders TURN		itsy by each route that this host can measure, qemu, and $again,
#				which is the same, in a word each; their order is another one each time, and by
#				chance, but the same in the next run: who comes after whom must not make a difference.
#				The routes that are no default take part in each $OTHERS-th turn (1), the first one included
#   in_any_order TURN WORD...	these words in an order of that kind

# shellcheck disable=SC2034 # for who sources this
# shellcheck source=scripts/wait.sh
. /lib/wait.sh
peers=${PEERS:-/lib/peers}
guest=/usr/share/itsy/guest
launch=
unit=ns
# As table.awk takes them.
routes=${ROUTES:-auto irqfd uring spin}
default=itsy-${routes%% *}
# All of a contender's threads share a CPU with its interrupts: where threads wander, the emulated CPUs' own waking up
# is most of what is measured.
one_cpu="taskset 1"
# An interrupt that nothing else is said of goes to the CPU that has the fewest, which depends on who asked for others before.
echo 1 >/proc/irq/default_smp_affinity
spin_cpu=$(($(nproc) - 1))
! grep -q itsy.clock=instructions /proc/cmdline || unit=instructions
# What counts instructions mostly counts the same again.
again=qemu-again
[ $unit != instructions ] || again=

say()
{
	echo "peers: $*" >&2
}

result()
{
	echo "result|$1|$2|$3|$4"
}

fact()
{
	local value
	value=$(tr -d '\r' <"$1" | sed -n "s/^$2 //p" | tail -n 1)

	[ -n "$value" ] || { say "$1 has no $2:" && tail -n 20 "$1" >&2 && exit 1; }
	echo "$value"
}

percentiles()
{
	local row=$1 who=$2 file=$3 key=$4 at

	for at in p50 p99; do
		# Of too few there is none.
		! grep -q "^${key}_$at " "$file" || result "$row, $at" "$who" "$unit" "$(fact "$file" "${key}_$at")"
	done
}

# As little as QEMU can be asked for: nothing by default, none of what itsy has not got either (ACPI tables). Counters
# and stolen time are KVM's, as GIC and ITS, and both have them.
qemu()
{
	local mib=$1
	shift

	$launch /opt/qemu/qemu-system-aarch64 -M virt,gic-version=3,acpi=off -accel kvm -cpu host \
		-smp 1 -m "$mib" \
		-nodefaults -no-user-config -nographic -no-reboot -serial stdio "$@"
}

itsy_conf()
{
	local mib=$1 n=0 bdf
	shift

	{
		echo "kernel = \"$guest/Image\""
		echo 'initrd = "/lib/peers/initrd"'
		echo "memory = \"${mib}M\""
		for bdf; do
			n=$((n + 1))
			printf 'device "d%d" {\n\tbdf = "%s"\n}\n' $n "$bdf"
		done
	} >/tmp/peers.conf
}

itsy_guest()
{
	local route=$1
	shift

	$launch itsy run /tmp/peers.conf --set name=peers --set "route=$route" "$@"
}

interrupts_elsewhere()
{
	awk '
		NR == 1 { cpus = NF }
		/vfio-/ { for (i = 3; i <= cpus + 1; i++) sum += $i }
		END { print sum + 0 }' /proc/interrupts
}

# A guest's RAM is one mapping of its size, whoever runs it.
vm_memory()
{
	local kind=$1 ram=$2 pid
	shift 2

	for pid; do
		cat "/proc/$pid/smaps"
	done | awk -v kind="$kind:" -v ram="$ram" -v guests=$# '
		$1 == "Size:" { counts = $2 != ram; rams += !counts }
		$1 == kind && counts { kib += $2 }
		END { if (rams != guests) exit 1; print kib + 0 }'
}

# Empty slabs are given back first.
kernel_memory()
{
	local cache

	for cache in /sys/kernel/slab/*/shrink; do
		[ -L "${cache%/shrink}" ] || echo 1 >"$cache"
	done 2>/dev/null
	cat /proc/sys/vm/stat_refresh # what the CPUs have not yet added up
	awk '
		$1 == "KernelPageSize:" { page_kib = $2 }
		FILENAME == "/proc/zoneinfo" && $1 == "count:" { listed += $2 }
		$1 == "MemTotal:" { used = $2 }
		$1 ~ /^(MemFree|AnonPages|Cached|Buffers):$/ { other += $2 }
		END { print used - other - listed * page_kib }' /proc/self/smaps /proc/zoneinfo /proc/meminfo
}

ns()
{
	awk -v ticks="$1" -v hz="$2" 'BEGIN { printf "%.0f\n", ticks * 1e9 / hz }'
}

contenders()
{
	local turn=$1 route all="qemu $again"

	for route in $routes; do
		# What spins would have an only CPU to itself.
		[ "$route" != spin ] || [ "$(nproc)" -gt 1 ] || continue
		[ "itsy-$route" = "$default" ] || [ $((turn % ${OTHERS:-1})) = 0 ] || continue
		all="$all itsy-$route"
	done
	# Words.
	# shellcheck disable=SC2086
	in_any_order "$turn" $all
}

in_any_order()
{
	local turn=$1
	shift

	echo "$*" | awk -v turn="$turn" '{
		srand(turn + 1)
		rand() # a seed shows in the first
		for (n = NF; n; n--) {
			i = 1 + int(rand() * n)
			line = line (line ? " " : "") $i
			$i = $n
		}
		print line
	}'
}
