# SPDX-License-Identifier: MIT
# shellcheck shell=dash
#
# wait.sh - waits that end with what they wait for, or with a hang; a slow machine only makes them longer. Sourced
# by bash on the machine that runs the tests (scripts/common.sh), and by busybox's sh on the emulated host
# (tests/e2e/lib/host.sh) and in guests (guest-images/jobs/lib.sh).
#
#   await WHAT COMMAND...
#	until COMMAND succeeds
#   await_while MARK WHAT COMMAND...
#	the same, for what takes longer the more there is to do: MARK is shell text that prints how far it is,
#	and patience begins anew whenever it prints something else
#
# Both return 1 in a hang, and say on stderr that WHAT has not come. That is after two minutes of looks (or
# $patience_ms) without a change: each look counts as the time between two of them, however long the machine took
# for it, and for less where more threads want to run than there are CPUs.
#
#   pace
#	sets $pace: what a second counts for at the moment, in thousandths. 1000 where each thread that wants to
#	run has a CPU, 250 where there are four for each CPU.

patience_ms=${patience_ms:-120000}
look_ms=100

pace()
{
	local running

	read -r _ _ _ running _ </proc/loadavg
	running=${running%/*}
	[ "$running" -gt "${wait_cpus:=$(grep -c '^processor' /proc/cpuinfo)}" ] || running=$wait_cpus
	pace=$((1000 * wait_cpus / running))
}

await()
{
	await_while : "$@"
}

await_while()
{
	local mark=$1 what=$2 seen='' now left=$((patience_ms * 1000))
	shift 2

	until "$@"; do
		now=$(eval "$mark")
		if [ "$now" != "$seen" ]; then
			seen=$now left=$((patience_ms * 1000))
		fi
		if [ "$left" -le 0 ]; then
			echo "waited in vain for $what; nothing has changed since: ${seen:-(nothing to see)}" >&2
			return 1
		fi
		pace
		left=$((left - look_ms * pace))
		sleep 0.1
	done
}
