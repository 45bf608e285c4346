# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# e2e.sh - what the end-to-end tests share. To be sourced by tests/e2e/*.sh, which then
#
#   host_file DEST <<'END'		write a file for the emulated host (configs of guests)
#   on_host [EMUHOST OPTION]... <<'END'	run a script there, with lib/host.sh; each of its steps
#					leaves NAME.out, NAME.err, NAME.rc, NAME.json in $tmp
#   is_status NAME N			and look at what the steps did (each is one expectation):
#   has NAME.KIND REGEX			  some line matches
#   lacks NAME.KIND REGEX		  no line matches
#   nr_lines NAME.KIND N		  exactly so many lines
#   json NAME EXPRESSION		  jq finds the expression true
#   verdict				and end: 1 if an expectation was not met, 0 if all were

set -uo pipefail
# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../../scripts/common.sh"
# shellcheck source=scripts/wait.sh
. "$top/scripts/wait.sh"
lib=$top/tests/e2e/lib
emuhost=$top/tests/emuhost/emuhost

command -v jq >/dev/null || { echo "jq is not there (scripts/deps test)"; exit 77; }
tmp_make
expectations=0 unmet=0 host_files=()

# How long the emulated host may say nothing, in seconds: no step does while it gets on (host.sh, tell_progress).
patience=300

host_file()
{
	local at
	at=$tmp/file.${#host_files[@]}

	cat >"$at"
	host_files+=(--file "$at:$1")
}

# "NAME.KIND|TEXT" goes to the file NAME.KIND; all but JSON to our output, too, as it comes.
sort_out()
{
	perl -MIO::Handle -e '
		my ($dir, %files) = @ARGV;
		$| = 1;
		while (my $line = <STDIN>) {
			$line =~ s/\r//g;
			$line =~ /^([A-Za-z0-9_-]+\.(?:out|err|rc|json))\|(.*)/s or (print $line), next;
			$files{$1} or open $files{$1}, ">", "$dir/$1" or die "$1: $!";
			$files{$1}->autoflush;
			print {$files{$1}} $2;
			print $line unless $1 =~ /json$/;
		}' "$tmp"
}

# Whatever the steps did, the script ends well: a status that is not 0 is the emulated host's trouble.
on_host()
{
	cat >"$tmp/script"
	"$emuhost" run --timeout "$patience" --file "$lib/host.sh:/lib/e2e/host.sh" --file "$tmp/script:/lib/e2e/script" \
		${host_files[@]+"${host_files[@]}"} "$@" -- \
		sh -c '. /lib/e2e/host.sh
tell_progress &
. /lib/e2e/script
exit 0' </dev/null 2>"$tmp/raw.err" | sort_out
	emuhost_status=${PIPESTATUS[0]}
	cat "$tmp/raw.err"
	[ "$emuhost_status" = 0 ] || unmet_by "the emulated host ended with status $emuhost_status"
	case $emuhost_status in
	0 | 126) ;;
	*) exit 1 ;;
	esac
}

unmet_by()
{
	unmet=$((unmet + 1))
	printf 'UNMET: %s\n' "$1"
}

# expect TEXT COMMAND...
expect()
{
	local text=$1
	shift

	expectations=$((expectations + 1))
	"$@" >/dev/null 2>&1 || unmet_by "$text"
}

file_of()
{
	[ -f "$tmp/$1" ] || : >"$tmp/$1"
	echo "$tmp/$1"
}

is_status()
{
	local got
	got=$(cat "$(file_of "$1.rc")")

	expect "$1: status $2, not '$got'" [ "$got" = "$2" ]
}

has()
{
	expect "$1: a line like '$2'" grep -qE -- "$2" "$(file_of "$1")"
}

lacks()
{
	expect "$1: no line like '$2', not '$(grep -m1 -E -- "$2" "$(file_of "$1")")'" \
		not grep -qE -- "$2" "$(file_of "$1")"
}

not()
{
	! "$@"
}

nr_lines()
{
	local got
	got=$(wc -l <"$(file_of "$1")")

	expect "$1: $2 lines, not $got" [ "$got" = "$2" ]
}

json()
{
	local file
	file=$(file_of "$1.json")

	expect "$1.json: $2, not $(jq -c . "$file" 2>&1 | head -c 1000)" jq -e "$2" "$file"
}

# fact NAME KEY: the value of a line "KEY VALUE" that the guest said. "missing" is no number: neither
# jq nor the shell's arithmetic lets it pass.
fact()
{
	local value
	value=$(sed -n "s/^$2 //p" "$(file_of "$1.out")" | tail -n 1)

	echo "${value:-missing}"
}

# sum NAME KEY...: of these facts, less those after a '-', and of numbers. Where one is missing it says so, which is
# no number, and not what fact says of one.
sum()
{
	local name=$1 key value total=0
	shift

	for key; do
		value=${key#-}
		[[ $value =~ ^[0-9]+$ ]] || value=$(fact "$name" "$value")
		[[ $value =~ ^[0-9]+$ ]] || { echo "no sum: $name.out has no ${key#-}"; return; }
		[[ $key = -* ]] && total=$((total - value)) || total=$((total + value))
	done
	echo "$total"
}

# --- expectations that many tests share ----------------------------------------------------------

# adds_up NAME N: of the payload msix' disk, whose interrupts it handled N of. It waits for each, but for those of the six
# commands by which it makes queues: as it polls for these, they wait, and are held or come together, as it happens.
adds_up()
{
	json "$1" "[.devices[0].vectors[] | [.injected, .taken]] | transpose | map(add) |
		$2 <= .[0] and .[0] <= .[1] and .[1] <= $2 + 6"
}

# But of a device on a root bus that has no reset, as edu, when its guest resets itself.
warns_of_nothing()
{
	local said
	said=$(grep -E '^itsy: (error|warning)' "$(file_of "$1.err")" | grep -v -m1 ': it cannot be reset, and keeps its state')

	expect "$1: no warning, not '$said'" [ -z "$said" ]
}

# A bare-metal guest (tests/guest) that passed.
payload_passed()
{
	is_status "$1" 0
	has "$1.out" "^payload $2: PASS\$"
	lacks "$1.out" '^payload .*: FAIL'
	warns_of_nothing "$1"
}

# A Linux guest whose job passed.
job_passed()
{
	is_status "$1" 0
	has "$1.out" "^job $2: PASS\$"
	lacks "$1.out" 'FAIL|Kernel panic'
	warns_of_nothing "$1"
}

# Nothing got lost on the way: taken = injected + held - released + dropped, for each vector.
counts_add_up()
{
	json "$1" '[.devices[].vectors[] | .taken == .injected + .held - .released + .dropped] | all'
}

none_dropped()
{
	json "$1" '[.devices[].vectors[].dropped] | add == 0'
}

# irqs_within NAME DEVICE: for each of the device's interrupts in the guest's /proc/interrupts, the guest
# counted no more than was injected into its vector, and not nothing.
irqs_within()
{
	local name irq vector seen nr=0

	while read -r _ irq seen; do
		case $irq in
		nvme*q*) name=nvme vector=${irq##*q} ;;
		eth*-rx-*) name=nic vector=0 ;;
		eth*-tx-*) name=nic vector=1 ;;
		eth*) name=nic vector=2 ;;
		*) continue ;;
		esac
		[ "$name" = "$2" ] || continue
		nr=$((nr + 1))
		json "$1" "[.devices[] | select(.name == \"$2\").vectors[$vector]][0] |
			$seen > 0 and $seen <= .injected and .injected <= .taken"
	done < <(grep '^irqcount ' "$(file_of "$1.out")")
	expect "$1: $2 has interrupts" [ $nr -gt 1 ]
}

verdict()
{
	if [ $expectations = 0 ]; then
		echo "nothing was expected"
		exit 1
	fi
	echo "$((expectations - unmet)) of $expectations expectations met"
	[ $unmet = 0 ] || exit 1
	exit 0
}
