#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A configuration that names its devices by serial number, MAC address and path means the same ones on a
# host where a bridge more has moved all addresses: for check, for run, and while itsy has them bound.
# Where two functions have a name, both are listed, and nothing is touched.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

host_file /etc/names.conf <<'END'
kernel = "/usr/share/itsy/payloads/hello.bin"
memory = "128M"
device "disk" {
	serial = "beta"
	pci-id = "1b36:0010"
}
device "nic" {
	mac = "52:54:00:00:00:0B"
}
device "slot" {
	path = "0000:00/09.0/00.0"
}
END
host_file /etc/two.conf <<'END'
kernel = "/usr/share/itsy/payloads/hello.bin"
memory = "128M"
device "nic" {
	pci-id = "8086:10d3"
}
END
host_file /etc/none.conf <<'END'
kernel = "/usr/share/itsy/payloads/hello.bin"
memory = "128M"
device "disk" {
	serial = "betta"
}
END

port()
{
	echo --qemu-device "pcie-root-port,id=port$1,chassis=$1,addr=$1"
}

# Each device behind a port of its own; what is before them may have none.
devices=()
for n in 5 6 7 8 9; do
	read -ra more < <(port "$n")
	devices+=("${more[@]}")
done
for disk in alpha:5 beta:6; do
	devices+=(--qemu-arg -drive --qemu-arg "if=none,id=${disk%:*},driver=null-co,size=16M,read-zeroes=on"
		--qemu-device "nvme,bus=port${disk#*:},drive=${disk%:*},serial=${disk%:*}")
done
devices+=(--qemu-device "e1000e,romfile=,bus=port7,mac=52:54:00:00:00:0a"
	--qemu-device "e1000e,romfile=,bus=port8,mac=52:54:00:00:00:0b"
	--qemu-device "edu,bus=port9")

# BEFORE NAME: on a host with these devices more, the steps; their names begin so
boot()
{
	local name=$2 before=()

	read -ra before <<<"$1"
	on_host ${before[@]+"${before[@]}"} "${devices[@]}" <<END
name=$name
$(cat <<'STEPS'
all=/sys/bus/pci/devices
await "the disks" sh -c "cat $all/*/nvme/*/serial | grep -q beta && cat $all/*/nvme/*/serial | grep -q alpha"
step ${name}_names itsy devices --names
step ${name}_truth sh -c "cd $all
	grep -l '^beta' */nvme/*/serial | sed 's,/.*,,; s,^,disk ,'
	grep -l 00:0b */net/*/address | sed 's,/.*,,; s,^,nic ,'
	ls -d /sys/devices/platform/*/pci0000:00/0000:00:09.0/*:00.0 | sed 's,.*/,slot ,'"
step ${name}_check itsy check /etc/names.conf
step ${name}_dry itsy run /etc/names.conf --dry-run
guest ${name}_run /etc/names.conf
step ${name}_two itsy check /etc/two.conf
step ${name}_two_run itsy run /etc/two.conf
step ${name}_none itsy run /etc/none.conf --dry-run
STEPS
)
$(cat)
END
}

boot "" first </dev/null

# The same with a port more before them; and what is bound keeps its names.
read -ra extra < <(port 3)
boot "${extra[*]}" second <<'END'
disk=$(sed -n 's/^disk //p' /tmp/second_truth.out)
step bind itsy bind serial=beta mac=52:54:00:00:00:0b
step bound driver "$disk"
step bound_names itsy devices --names
guest bound_run /etc/names.conf
step release itsy release serial=beta mac=52:54:00:00:00:0b
step released driver "$disk"
echo vfio-pci >/sys/bus/pci/devices/"$disk"/driver_override
echo "$disk" >/sys/bus/pci/devices/"$disk"/driver/unbind
echo "$disk" >/sys/bus/pci/drivers_probe
step by_others driver "$disk"
step hidden itsy check /etc/names.conf
END

bdf_in()
{
	sed -n "s/^$2 //p" "$(file_of "$1_truth.out")"
}

expect "addresses are others" [ "$(bdf_in first disk)" != "$(bdf_in second disk)" ]
for boot in first second; do
	is_status ${boot}_check 0
	is_status ${boot}_dry 0
	is_status ${boot}_run 0
	for device in disk nic slot; do
		bdf=$(bdf_in $boot $device)
		expect "$boot: $device is there" [ -n "$bdf" ]
		has ${boot}_check.out "^PASS +$device $bdf "
		json ${boot}_run "[.devices[] | select(.name == \"$device\").bdf] == [\"$bdf\"]"
	done
	has ${boot}_dry.out "^disk: $(bdf_in $boot disk), 00\.0 on the guest's bus\$"
	has ${boot}_dry.out "^slot: $(bdf_in $boot slot), 02\.0 on the guest's bus\$"
	has ${boot}_names.out '^serial = "beta"$'
	has ${boot}_names.out '^mac = "52:54:00:00:00:0b"$'
	has ${boot}_names.out '^path = "0000:00/09.0/00.0"$'
	is_status ${boot}_two 4
	has ${boot}_two.out '^FAIL +nic +2 functions have pci-id = "8086:10d3": 0000:0.:00.0, 0000:0.:00.0$'
	is_status ${boot}_two_run 4
	has ${boot}_two_run.err '^itsy: error: device nic: 2 functions have pci-id'
	is_status ${boot}_none 4
	has ${boot}_none.err "did you mean \"beta\", which $(bdf_in $boot disk) has"
done

is_status bind 0
has bound.out '^vfio-pci$'
has bound_names.out '^serial = "beta"$'
has bound_names.out '^mac = "52:54:00:00:00:0b"$'
is_status bound_run 0
json bound_run "[.devices[] | select(.name == \"disk\").bdf] == [\"$(bdf_in second disk)\"]"
is_status release 0
has released.out '^nvme$'
has by_others.out '^vfio-pci$'
is_status hidden 4
has hidden.out "^FAIL +disk +no function has serial = \"beta\".*$(bdf_in second disk), bound to vfio-pci, does not tell"
has hidden.out "itsy release $(bdf_in second disk) gives it"

verdict
