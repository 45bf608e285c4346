# SPDX-License-Identifier: MIT
# shellcheck shell=dash
#
# host.sh - the part of an end-to-end test's library that runs on the emulated host. Sourced by what
# e2e.sh sends there.
#
#   step NAME COMMAND...	runs a command and reports its output, error output and status; a file
#				that it leaves as /tmp/NAME.json is reported, too. Returns its status.
#   guest NAME CONF [OPTION]...	a step: itsy run CONF with statistics to /tmp/NAME.json
#   start_guest NAME CONF LINE [OPTION]...	the same in the background, without statistics, until it has said the line;
#				sets pid and name
#   end_guest			waits for the end of that one, and reports it as a step
#   guest_process PID		prints the process that itsy run, which is PID, has made for its guest
#   driver BDF			prints the driver that a function is bound to, or "none"
#   await WHAT COMMAND...	until the command succeeds; 1 in a hang (scripts/wait.sh, with await_while)
#
# A report is lines "NAME.KIND|TEXT"; KIND is out, err, rc or json.

# shellcheck source=scripts/wait.sh
. /lib/wait.sh

report()
{
	local file=$1 tag=$2

	# A last line without an end is a line.
	awk -v tag="$tag" '{ print tag "|" $0 }' "$file"
}

step()
{
	local name=$1 rc=0
	shift

	"$@" >"/tmp/$name.out" 2>"/tmp/$name.err" || rc=$?
	step_report "$name" $rc
	return $rc
}

# For what a step cannot run as one command: files /tmp/NAME.out and so on are there already.
step_report()
{
	local kind

	for kind in out err json; do
		[ ! -f "/tmp/$1.$kind" ] || report "/tmp/$1.$kind" "$1.$kind"
	done
	echo "$1.rc|$2"
}

guest()
{
	local name=$1 conf=$2
	shift 2

	step "$name" itsy run "$conf" --stats-json "/tmp/$name.json" "$@" </dev/null
}

start_guest()
{
	local config=$2 line=$3

	name=$1
	shift 3
	: >"/tmp/$name.out"
	itsy run "$config" "$@" >"/tmp/$name.out" 2>"/tmp/$name.err" </dev/null &
	pid=$!
	await "the guest" grep -q "^$line" "/tmp/$name.out" || echo "it does not get ready"
}

end_guest()
{
	local rc=0

	wait "$pid" || rc=$?
	step_report "$name" "$rc"
}

guest_process()
{
	# awk would end at a process that has gone since.
	cat /proc/[0-9]*/stat 2>/dev/null | awk -v keeper="$1" '$4 == keeper { print $1 }'
}

driver()
{
	local link

	link=$(readlink "/sys/bus/pci/devices/$1/driver") && echo "${link##*/}" || echo none
}

# How far the steps are: what they wrote, and the interrupts that the guests' devices sent.
progress()
{
	wc -c /tmp/*.out /tmp/*.err 2>/dev/null | tail -n 1
	grep vfio /proc/interrupts
}

# Where a step gets on, its silence is none: a line on the host's console says so to emuhost. Not where instructions
# are counted.
tell_progress()
{
	local now='' seen=''

	! grep -q itsy.clock=instructions /proc/cmdline || return 0
	while sleep 10; do
		now=$(progress)
		[ "$now" = "$seen" ] || echo "a step gets on" >/dev/console
		seen=$now
	done
}
