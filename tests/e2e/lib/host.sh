# SPDX-License-Identifier: MIT
# shellcheck shell=dash
#
# host.sh - the part of an end-to-end test's library that runs on the emulated host. Sourced by what
# e2e.sh sends there.
#
#   step NAME COMMAND...	runs a command and reports its output, error output and status; a file
#				that it leaves as /tmp/NAME.json is reported, too. Returns its status.
#   guest NAME CONF [OPTION]...	a step: itsy run CONF with statistics to /tmp/NAME.json
#   driver BDF			prints the driver that a function is bound to, or "none"
#   wait_for SECONDS COMMAND...	until the command succeeds; 1 when it did not in time
#
# A report is lines "NAME.KIND|TEXT"; KIND is out, err, rc or json.

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

driver()
{
	local link

	link=$(readlink "/sys/bus/pci/devices/$1/driver") && echo "${link##*/}" || echo none
}

wait_for()
{
	local end
	end=$(($(date +%s) + $1))
	shift

	until "$@"; do
		[ "$(date +%s)" -lt $end ] || return 1
		usleep 100000
	done
}
