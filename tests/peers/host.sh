# SPDX-License-Identifier: MIT
# shellcheck shell=dash
#
# host.sh - what the comparisons share that run on the emulated host. Sourced there by *.sh.
#
#   result ROW WHO UNIT VALUE	reports a figure: a line "result|ROW|WHO|UNIT|VALUE"
#   fact FILE KEY		the value of the last line "KEY VALUE"; fails without one
#   $launch			a command that runs the next two: stamp; or exec, in the background
#   qemu MIB ARG...		runs Debian's QEMU with KVM and a guest of so much RAM and one vCPU
#   itsy_conf MIB BDF...	writes /tmp/peers.conf: the same guest for itsy, with these functions
#   itsy_guest ROUTE ARG...	runs it
#   vm_exits PID COUNTER	sum of KVM's counters of that process' vCPUs, so far: exits, mmio_exit_user
#   vm_memory PID MIB		KiB that the process has beside the guest's RAM of so many MiB
#   kernel_memory		KiB that the kernel has for itself
#   ns TICKS HZ			ticks of a counter, in what $unit says
#   contenders			itsy's routes that this host can measure, and qemu, in a word each

# shellcheck disable=SC2034 # for who sources this
peers=${PEERS:-/lib/peers}
guest=/usr/share/itsy/guest
launch=
unit=ns
! grep -q itsy.clock=instructions /proc/cmdline || unit=instructions

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

# As little as QEMU can be asked for: nothing by default, none of what itsy has not got either (ACPI tables,
# a PMU). GIC and ITS are KVM's.
qemu()
{
	local mib=$1
	shift

	$launch /opt/qemu/qemu-system-aarch64 -M virt,gic-version=3,acpi=off -accel kvm -cpu host,pmu=off \
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

vm_exits()
{
	cat "/sys/kernel/debug/kvm/$1"-*/"$2" | awk '{ sum += $1 } END { print sum }'
}

# The guest's RAM is one mapping of its size, in both.
vm_memory()
{
	awk -v ram=$(($2 * 1024)) '
		/^Size:/ { size = $2 }
		/^Pss:/ { if (size == ram) found++; else pss += $2 }
		END { if (found != 1) exit 1; print pss }' "/proc/$1/smaps"
}

kernel_memory()
{
	awk '/^(Slab|KernelStack|PageTables|SecPageTables|Percpu|VmallocUsed):/ { kib += $2 }
	     END { print kib }' /proc/meminfo
}

ns()
{
	awk -v ticks="$1" -v hz="$2" 'BEGIN { printf "%.0f\n", ticks * 1e9 / hz }'
}

contenders()
{
	if [ "$unit" = instructions ]; then
		# One CPU: what spins would have it all.
		echo itsy-uring qemu itsy-irqfd
	else
		echo itsy-uring qemu itsy-irqfd itsy-spin
	fi
}
