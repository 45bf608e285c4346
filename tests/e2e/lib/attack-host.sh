# SPDX-License-Identifier: MIT
# shellcheck shell=dash
# shellcheck disable=SC2154 # attacks, length: set by attacks-from-inside.sh
#
# attack-host.sh - the part of attacks-from-inside.sh that runs on the emulated host, behind neighbour-host.sh: starts
# the neighbour, then one guest for each attack, and measures. Facts that it adds to a guest's words:
#
#	rss_kib		how much more memory itsy had at its highest than before the attack
#	kernel_kib	how much more the kernel had for it (its cgroup's memory.stat: kernel)
#	left_kib	what the kernel still had for it when it was gone
#	other_gap_us	the longest time that the neighbour did not run meanwhile

# What the kernel holds for a cgroup. Counters lie about until cpu.stat collects them.
kernel_kib()
{
	cat "$cgroups/$1/cpu.stat" >/dev/null
	awk '$1 == "kernel" { print int($2 / 1024) }' "$cgroups/$1/memory.stat"
}

rss_kib()
{
	awk '$1 == "Rss:" { print $2 }' "/proc/$1/smaps_rollup"
}

# A line "kernel RSS" for the cgroup and its process.
sample()
{
	echo "$(kernel_kib "$1") $(rss_kib "$2")"
}

keep_sampling()
{
	while :; do
		sample "$@"
		usleep 200000
	done
}

before_attack()
{
	inside=$(guest_process "$pid")
	sample attacked "$inside" >"/tmp/$name.samples"
	keep_sampling attacked "$inside" >>"/tmp/$name.samples" &
	sampler=$!
	lap b
	printf g >&3
}

after_attack()
{
	kill "$sampler"
	sample attacked "$inside" >>"/tmp/$name.samples"
	lap a
	{
		awk 'NF != 2 { next }
			!n++ { kernel = k = $1; rss = r = $2 }
			$1 > k { k = $1 }
			$2 > r { r = $2 }
			END { print "kernel_kib", k - kernel; print "rss_kib", r - rss }' "/tmp/$name.samples"
		echo "other_gap_us $(lap_word gap_us)"
		echo "other_slowest_us $(lap_word slowest_us)"
	} >>"/tmp/$name.out"
	printf g >&3
}

attack()
{
	local line rc=0 empty

	name=${1#*:}
	empty=$(kernel_kib attacked)
	start "$name" attacked /etc/attack.conf \
		--set "kernel=/usr/share/itsy/payloads/attack_${1%:*}.bin" \
		--set "cmdline=attack=$name paced=1 $length"
	exec 3>"/tmp/$name.in" 4<"/tmp/$name.words"
	while read -r line; do
		echo "$line" >>"/tmp/$name.out"
		case $line in
		"attack $name: ready") before_attack ;;
		"attack $name: over") after_attack ;;
		esac
	done <&4
	exec 3>&- 4<&-
	wait "$pid" || rc=$?
	{
		echo "left_kib $(($(kernel_kib attacked) - empty))"
		echo "driver $(driver 0000:00:02.0)"
	} >>"/tmp/$name.out"
	step_report "$name" $rc
}

# Nothing but guest RAM in huge pages: a thread's stack in one would be 2 MiB that no guest asked for.
echo madvise >/sys/kernel/mm/transparent_hugepage/enabled
mkdir "$cgroups/attacked" "$cgroups/neighbour"
neighbour_begins
# Whoever looks for open files in all of /proc first has its names cached on their account.
sh -c 'echo $$ >"$0/cgroup.procs"; exec itsy check /etc/attack.conf' "$cgroups/attacked" >/dev/null 2>&1
for each in $attacks; do
	attack "$each"
done
neighbour_ends
