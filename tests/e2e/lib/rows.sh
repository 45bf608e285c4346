# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# rows.sh - the rows of the table in vfio/README.md ("Devices"): each is a Linux guest that does a job with functions of
# the host's. To be sourced behind e2e.sh.
#
#   row NAME "BDF[@AT]..." JOB WORDS	a guest with these functions, those with AT behind a root port at AT; WORDS are its
#					kernel's, behind $say
#   device OPTIONS		one of the emulated host's, as for QEMU's -device; into $options, as those of the next two
#   disk_for OPTIONS		one that has the pattern, such as a SCSI disk; DISK in it is the drive
#   nic OPTIONS			one on a closed network as those of emuhost; NET in it is that network
#   on_host_rows [OPTION]... <<END	as on_host, with rows-host.sh: its each_row has a step for each row
#   $who, $names, $jobs		itsy or qemu; of the rows
#   all_drove			each row's guest has done its job, and its counts add up, or the table does not say so
#   is_in_table NAME COLUMN WORD	one expectation: the table says so
#   drove_or_not NAME JOB		what came of it is what the table says of itsy, or of QEMU
#
# ITSY_ROWS	names of the rows that are gone through, if not all are
# ITSY_PEER	1: Debian's QEMU with KVM and vfio-pci has the same guests in itsy's place

# shellcheck disable=SC2154,SC2034 # of e2e.sh; for who sources this
who=itsy column=itsy
[ -z "${ITSY_PEER-}" ] || who=qemu column=QEMU
names=() jobs=()
initrd=devices.cpio
say=itsy.seconds=1
pattern=$build/guest-images/pattern.img
options=() nr_backends=0

device()
{
	options+=(--qemu-device "$1")
}

disk_for()
{
	nr_backends=$((nr_backends + 1))
	options+=(--qemu-arg -drive --qemu-arg "if=none,id=disk$nr_backends,format=raw,snapshot=on,file=$pattern")
	device "${1/DISK/disk$nr_backends}"
}

nic()
{
	nr_backends=$((nr_backends + 1))
	options+=(--qemu-arg -netdev --qemu-arg "user,id=net$nr_backends,restrict=on,guestfwd=tcp:10.0.2.100:7-cmd:cat")
	device "${1/NET/net$nr_backends},romfile="
}

in_table()
{
	awk -F ' *[|] *' -v row="$1" -v column="$2" '
		NR == 1 || /^## / { inside = $0 == "## Devices" }
		$2 == "row" { for (i = 2; i <= NF; i++) if ($i == column) at = i }
		inside && $2 == row { print $at }' "$top/vfio/README.md"
}

# A guest that is busy without end is one row's (of one that hangs emuhost tells); where one is known to do no good,
# it is not waited for as long. Several functions, NR, take their time one after the other.
seconds_of()
{
	[ "$(in_table "$1" $column)" = no ] && echo 120 || echo $((450 + 150 * $2))
}

row()
{
	local name=$1 functions function n=0

	[[ -z "${ITSY_ROWS-}" || " $ITSY_ROWS " = *" $name "* ]] || return 0
	names+=("$name") jobs+=("$3")
	read -ra functions <<<"$2"
	printf '%s\n' "$initrd" "$2" "quiet $say itsy.job=$3 $4" "$(seconds_of "$name" "${#functions[@]}")" \
		>"$tmp/$name.row"
	host_file "/etc/$name.row" <"$tmp/$name.row"
	{
		cat <<END
kernel  = "/usr/share/itsy/guest/Image"
initrd  = "/usr/share/itsy/guest/$initrd"
cmdline = "console=ttyS0 quiet $say itsy.job=$3 $4"
vcpus   = 2
memory  = "256M"
END
		for function in "${functions[@]}"; do
			n=$((n + 1))
			printf 'device "d%d" {\n\tbdf = "0000:%s"\n' $n "${function%@*}"
			[[ $function != *@* ]] || printf '\troot-port = on\n\tat = "%s.0"\n' "${function#*@}"
			printf '}\n'
		done
	} >"$tmp/$name.conf"
	host_file "/etc/$name.conf" <"$tmp/$name.conf"
}

on_host_rows()
{
	printf '%s\n' "who=$who" "names='${names[*]}'" >"$tmp/rows"
	if [ $who = qemu ]; then
		"$top/scripts/arm64-material" --peers || exit 1
		set -- --memory 2048 --file "$build/arm64-peers/usr/bin/qemu-system-aarch64:/opt/qemu/qemu-system-aarch64" "$@"
	fi
	on_host --file "$build/guest-images/devices.cpio:/usr/share/itsy/guest/devices.cpio" \
		--file "$tmp/rows:/etc/rows" --file "$lib/rows-host.sh:/lib/e2e/rows-host.sh" "$@"
}

is_in_table()
{
	expect "$1: vfio/README.md says '$(in_table "$1" "$2")' of $2, and it is '$3'" [ "$(in_table "$1" "$2")" = "$3" ]
}

drove_or_not()
{
	local does=no

	! { grep -q "^job $2: PASS" "$(file_of "$1.out")" && [ "$(cat "$(file_of "$1.rc")")" = 0 ]; } || does=yes
	is_in_table "$1" $column $does
}

drove_by_itsy()
{
	local handled

	[ "$(in_table "$1" itsy)" = yes ] || { drove_or_not "$@"; return; }
	job_passed "$1" "$2"
	has "$1.out" "^$2_check: [1-9][0-9]* rounds"
	counts_add_up "$1"
	none_dropped "$1"
	handled=$(awk '/^irqcount / { sum += $3 } END { print sum + 0 }' "$(file_of "$1.out")")
	json "$1" "([.devices[].vectors[].injected] | add) >= $handled and $handled > 0"
	json "$1" '.its_errors == [] and .unclaimed == 0 and .misplaced_bars == 0 and .aborted.unemulated == 0'
}

all_drove()
{
	local n

	for n in "${!names[@]}"; do
		case $who in
		itsy) drove_by_itsy "${names[n]}" "${jobs[n]}" ;;
		qemu) drove_or_not "${names[n]}" "${jobs[n]}" ;;
		esac
	done
}
