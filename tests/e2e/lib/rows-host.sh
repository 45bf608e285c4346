# SPDX-License-Identifier: MIT
# shellcheck shell=dash
#
# rows-host.sh - the part of rows.sh that runs on the emulated host, behind host.sh
#
#   $who		itsy or qemu
#   each_row		a step for each row: its guest, run by itsy, or by Debian's QEMU with KVM, its ITS, and vfio-pci

# shellcheck source=/dev/null
. /etc/rows

under_itsy()
{
	step "$1" timeout "$(sed -n 4p "/etc/$1.row")" itsy run "/etc/$1.conf" --stats-json "/tmp/$1.json" </dev/null
}

under_qemu()
{
	local name=$1 initrd functions words seconds function n=0 bdfs=

	{
		read -r initrd
		read -r functions
		read -r words
		read -r seconds
	} <"/etc/$name.row"
	# Its guest has a serial port of another kind.
	set -- -append "console=ttyAMA0 $words"
	for function in $functions; do
		n=$((n + 1))
		bdfs="$bdfs ${function%@*}"
		case $function in
		*@*)	set -- "$@" -device "pcie-root-port,id=p$n,chassis=$n,addr=0x${function#*@}" \
				-device "vfio-pci,host=${function%@*},bus=p$n" ;;
		# More than 31 devices do not fit: eight functions to one.
		*)	set -- "$@" -device \
				"vfio-pci,host=$function,addr=0x$(printf %x $(((n - 1) / 8 + 1))).$(((n - 1) % 8)),multifunction=on" ;;
		esac
	done
	# Words, not lines:
	# shellcheck disable=SC2086
	itsy bind $bdfs >/dev/null
	step "$name" timeout "$seconds" /opt/qemu/qemu-system-aarch64 -M virt,gic-version=3 -accel kvm -cpu host -smp 2 -m 256 \
		-nodefaults -no-user-config -nographic -no-reboot -serial stdio \
		-kernel /usr/share/itsy/guest/Image -initrd "/usr/share/itsy/guest/$initrd" "$@" </dev/null
	# shellcheck disable=SC2086
	itsy release $bdfs >/dev/null
}

each_row()
{
	local name

	# shellcheck disable=SC2154 # of /etc/rows
	for name in $names; do
		"under_$who" "$name"
	done
}
