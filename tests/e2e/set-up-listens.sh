#!/bin/bash
# SPDX-License-Identifier: MIT
#
# While it sets a guest up itsy listens: the first signal ends it, also where the kernel's loader of modules hangs or a
# device is bound, with the sandbox or without, the devices go back, and the status is the signal's; on a terminal it
# says what it is at.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

host_file /etc/busy.conf <<'END'
kernel = "/usr/share/itsy/payloads/forever.bin"
memory = "256M"
device "disk" {
	bdf = "0000:00:01.0"
}
END

on_host --device nvme <<'END'
disk=0000:00:01.0

look()
{
	step "$1" sh -c '. /lib/e2e/host.sh; driver '$disk'; cat /sys/bus/pci/devices/'$disk'/driver_override
		ls /run/itsy/bound 2>/dev/null; ls /run/itsy/*.sock 2>/dev/null'
}

# told NAME SIGNAL COMMAND [OPTION]...: it gets the signal once the command is true.
told()
{
	local name=$1 signal=$2 there=$3 rc=0 since

	shift 3
	itsy run /etc/busy.conf "$@" >"/tmp/$name.out" 2>"/tmp/$name.err" </dev/null &
	pid=$!
	await "it to be there" "$there"
	since=$(cut -d. -f1 /proc/uptime)
	kill "-$signal" $pid
	wait $pid || rc=$?
	echo "seconds $(($(cut -d. -f1 /proc/uptime) - since))" >>"/tmp/$name.out"
	step_report "$name" $rc
	look "after_$name"
}

is_recorded()
{
	[ -e /run/itsy/bound/$disk ]
}

hangs()
{
	[ -e /tmp/hangs ]
}

told binding TERM is_recorded

# The module is not there, and its loader hangs.
modprobe -r vfio_pci 2>/dev/null || :
step gone test ! -e /sys/bus/pci/drivers/vfio-pci
[ ! -e /sbin/modprobe ] || mv /sbin/modprobe /sbin/modprobe.away
mkdir -p /sbin
printf '#!/bin/sh\necho >/tmp/hangs\nexec sleep 900\n' >/sbin/modprobe
chmod +x /sbin/modprobe
told modprobe HUP hangs
# Without the sandbox there is no keeper, and set-up listens by itself.
rm /tmp/hangs
told alone TERM hangs --sandbox off
rm /sbin/modprobe
[ ! -e /sbin/modprobe.away ] || mv /sbin/modprobe.away /sbin/modprobe
END

is_status binding 143
is_status gone 0
is_status modprobe 129
is_status alone 143
for name in binding modprobe alone; do
	lacks "$name.err" '^itsy: (error|warning: [^/])' # of a file there is one: no sandbox
	has "after_$name.out" '^nvme$'
	nr_lines "after_$name.out" 2
	expect "$name: it ends soon, not after '$(fact "$name" seconds)' s" [ "$(fact "$name" seconds)" -lt 20 ]
done

verdict
