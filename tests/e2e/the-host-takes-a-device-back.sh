#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The host can have a function back while a guest uses it: who unbinds it does not wait for long, the
# guest ends in order, and one line says which function and why. With on-request = "ignore" a warning
# says so, and the guest goes on until somebody ends it.

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

start_busy()
{
	name=$1
	shift
	itsy run /etc/busy.conf "$@" >"/tmp/$name.out" 2>"/tmp/$name.err" </dev/null &
	pid=$!
	await "a busy guest" grep -q '^busy' "/tmp/$name.out" || echo "it does not get busy"
}

# In the background: it returns once the function is free.
unbind()
{
	(echo $disk >/sys/bus/pci/drivers/vfio-pci/unbind; echo done >"/tmp/unbound_$1") &
}

end_busy()
{
	local rc=0

	wait $pid || rc=$?
	step_report $name $rc
}

step before sh -c '. /lib/e2e/host.sh; driver '$disk'; driver '$edu
start_busy stop
unbind stop
end_busy
await "the unbind returns" test -f /tmp/unbound_stop
step unbound_stop cat /tmp/unbound_stop
step after sh -c '. /lib/e2e/host.sh; driver '$disk'; driver '$edu'
	await "the disk" test -b /dev/nvme0n1 && ls /run/itsy/bound'

start_busy ignore --set device.disk.on-request=ignore
unbind ignore
await "a warning" grep -q warning /tmp/ignore.err
step still test ! -f /tmp/unbound_ignore
kill -TERM $pid
end_busy
await "the unbind returns" test -f /tmp/unbound_ignore
step unbound_ignore cat /tmp/unbound_ignore

# Unplugged, and plugged in again.
start_busy unplug
(echo 1 >/sys/bus/pci/devices/$disk/remove; echo done >/tmp/removed) &
end_busy
await "the removal returns" test -f /tmp/removed
step gone sh -c 'cat /tmp/removed; ls /sys/bus/pci/devices /run/itsy/bound'
echo 1 >/sys/bus/pci/rescan
step back sh -c '. /lib/e2e/host.sh; await "the driver" test -d /sys/bus/pci/devices/'$disk'/driver
	driver '$disk'; driver '$edu
END

is_status stop 6
has stop.err '^itsy: error: 0000:00:01\.0: the host asks for it back .*the guest was ended, as on-request = "stop" of device disk says: '
lacks stop.err '^itsy: warning'
has unbound_stop.out '^done$'
is_status after 0
nr_lines after.out 2
expect "the drivers have their functions back" cmp "$tmp/before.out" "$tmp/after.out"

is_status ignore 143
has ignore.err '^itsy: warning: 0000:00:01\.0: the host asks for it back .*it waits until the guest ends, as on-request = "ignore" of device disk says$'
is_status still 0
has unbound_ignore.out '^done$'

is_status unplug 6
has unplug.err '^itsy: error: 0000:00:01\.0: the host asks for it back '
lacks unplug.err '^itsy: warning'
has gone.out '^done$'
lacks gone.out '^0000:00:01\.0$'
is_status back 0
expect "it is as before" cmp "$tmp/before.out" "$tmp/back.out"

verdict
