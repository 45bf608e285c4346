# SPDX-License-Identifier: MIT
# shellcheck shell=dash
#
# neighbour-host.sh - the part of tests with a neighbour that runs on the emulated host: another guest, which does
# honest work (tests/guest/neighbour.c) and says how long it was kept from it. For scripts of on_host, by $(cat).
#
#   start NAME CGROUP CONF [OPTION]...	itsy run in a cgroup, with fifos for a console; sets pid
#   neighbour_begins		starts it with /etc/neighbour.conf; says quiet_gap_us, of a second alone
#   lap KEY			has it say what was since the last lap, KEY being a letter
#   lap_word WORD		what it said: gap_us, slowest_us, rounds
#   neighbour_ends		a step, "neighbour"

cgroups=/sys/fs/cgroup
mount -t cgroup2 none "$cgroups"
echo +memory >"$cgroups/cgroup.subtree_control"

# start NAME CGROUP CONF [OPTION]...: itsy run, with fifos for a console. Sets pid.
start()
{
	local name=$1 cgroup=$2 conf=$3
	shift 3

	mkfifo "/tmp/$name.in" "/tmp/$name.words"
	sh -c 'echo $$ >"$0/cgroup.procs"; exec itsy run "$@"' "$cgroups/$cgroup" "$conf" \
		--stats-json "/tmp/$name.json" "$@" \
		<"/tmp/$name.in" >"/tmp/$name.words" 2>"/tmp/$name.err" &
	pid=$!
}

# lap KEY: has the neighbour say what was since the last lap. Sets lap.
lap()
{
	printf %s "$1" >&5
	while read -r lap <&6; do
		echo "$lap" >>/tmp/neighbour.out
		case $lap in
		"lap $1 "*) return 0 ;;
		esac
	done
	lap=
}

# lap_word KEY: the word behind KEY in it.
lap_word()
{
	echo "$lap" | awk -v key="$1" '{ for (i = 1; i < NF; i++) if ($i == key) print $(i + 1) }'
}

neighbour_begins()
{
	local line

	start neighbour neighbour /etc/neighbour.conf
	neighbour=$pid
	exec 5>/tmp/neighbour.in 6</tmp/neighbour.words
	while read -r line; do
		echo "$line" >>/tmp/neighbour.out
		[ "$line" != "neighbour: ready" ] || break
	done <&6
	lap b
	sleep 1
	lap a
	echo "quiet_gap_us $(lap_word gap_us)" >>/tmp/neighbour.out
}

neighbour_ends()
{
	local rc=0

	printf q >&5
	cat <&6 >>/tmp/neighbour.out
	exec 5>&- 6<&-
	wait "$neighbour" || rc=$?
	step_report neighbour $rc
}
