#!/bin/bash
# SPDX-License-Identifier: MIT
#
# However itsy ends, its devices go back to the drivers they had, and those find them in order: after
# the guest's power-off, after SIGTERM and SIGINT, and, by itsy release, after SIGKILL. While a guest
# has a device, nobody else gets it.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

host_file /etc/busy.conf <<'END'
kernel = "/usr/share/itsy/payloads/forever.bin"
memory = "128M"
device "disk" {
	bdf = "0000:00:01.0"
}
device "edu" {
	bdf = "0000:00:02.0"
}
END

on_host --device nvme --device edu <<'END'
disk=0000:00:01.0 edu=0000:00:02.0

# NAME: both drivers, the override, and what is on the disk
look()
{
	step "$1" sh -c '. /lib/e2e/host.sh
		driver '$disk'; driver '$edu'
		cat /sys/bus/pci/devices/'$disk'/driver_override
		ls /run/itsy/bound 2>/dev/null
		await "the disk" test -b /dev/nvme0n1 && sha256sum </dev/nvme0n1'
}

start_busy()
{
	itsy run /etc/busy.conf --stats-json "/tmp/$1.json" >"/tmp/$1.out" 2>"/tmp/$1.err" </dev/null &
	pid=$!
	await "a busy guest" grep -q '^busy' "/tmp/$1.out" || echo "it does not get busy"
}

end_busy()
{
	local rc=0

	inside=$(guest_process $pid)
	kill "-$2" $pid
	wait $pid || rc=$?
	# After SIGKILL the kernel ends the other one a little later.
	await "the guest's process is gone" test ! -d "/proc/$inside"
	step_report "$1" $rc
}

look before
guest off /etc/busy.conf --set kernel=/usr/share/itsy/payloads/msix.bin
look after_off

start_busy term
step other itsy run /etc/busy.conf --set name=other </dev/null
step held itsy check /etc/busy.conf
step held_devices itsy devices
step rebind itsy release $disk
end_busy term TERM
look after_term

# A shell has what it starts in the background ignore SIGINT: so this one is in the foreground.
{
	await "a busy guest" grep -q '^busy' /tmp/int.out
	kill -INT "$(cat /tmp/pid)"
} &
step int sh -c 'echo $$ >/tmp/pid; exec itsy run /etc/busy.conf </dev/null'
look after_int

start_busy kill
end_busy kill KILL
step left sh -c '. /lib/e2e/host.sh; driver '$disk'; driver '$edu
step release itsy release $disk $edu
look after_kill

start_busy again
end_busy again KILL
guest next /etc/busy.conf --set kernel=/usr/share/itsy/payloads/msix.bin
step released itsy release $disk $edu
look after_next

step bind itsy bind $disk
guest bound /etc/busy.conf --set kernel=/usr/share/itsy/payloads/msix.bin
step still driver $disk
step unbind itsy release $disk
look after_bound
END

has before.out '^nvme$'
has before.out '^none$'
nr_lines before.out 4
for name in after_off after_term after_int after_kill after_next after_bound; do
	is_status $name 0
	expect "$name: as before" cmp "$tmp/before.out" "$tmp/$name.out"
done

payload_passed off msix
is_status term 143
json term '.boots == 1 and ([.devices[0].vectors[].injected] | add > 0)'
lacks term.err '^itsy: (error|warning)'
is_status int 130
has int.out '^busy'
is_status kill 137

is_status other 4
has other.err '^itsy: error: .*(vfio|0000:00:01\.0).*another process'
nr_lines other.err 1
is_status held 4
has held.out '^FAIL +disk 0000:00:01\.0 +another process has it open: itsy, process [0-9]+ \(guest busy\)$'
has held_devices.out '^0000:00:01\.0 .* no: another process has it open: itsy, process [0-9]+ '
is_status rebind 4
has rebind.err '^itsy: error: 0000:00:01\.0: .*another process'

nr_lines left.out 2
lacks left.out '^(nvme|none)$'
is_status release 0
has release.out '^0000:00:01\.0: vfio-pci -> nvme$'
has release.out '^0000:00:02\.0: vfio-pci -> no driver$'

# A guest can have what a killed itsy left behind, without a release in between.
is_status again 137
payload_passed next msix
is_status released 0

# What was bound beforehand stays bound.
is_status bind 0
payload_passed bound msix
has still.out '^vfio-pci$'
is_status unbind 0

verdict
