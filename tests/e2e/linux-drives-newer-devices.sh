#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Linux drives devices that the installed emulator has not got, and a newer one has: a NIC (82576) by MSI-X and INTx, and a
# UFS disk; right data, and counts of interrupts that add up. The host makes virtual functions of another such NIC.
# vfio/README.md has them as a table (lib/rows.sh). With ITSY_PEER=1 Debian's QEMU has the same guests.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"
. "$(dirname "${BASH_SOURCE[0]}")/lib/rows.sh"
say="itsy.seconds=1 itsy.chunks=2"

nic igb,addr=1,netdev=NET
row igb 00:01.0 nic itsy.modules=igb
row igb-intx 00:01.0 nic "itsy.modules=igb pci=nomsi"

# Its virtual functions, First VF Offset 0x80, are no row: their BARs read as all ones on the host itself.
nic igb,addr=3,netdev=NET

# Linux's driver has had this controller's ID since 6.7 only.
device ufs,addr=5,id=ufs
disk_for ufs-lu,bus=ufs,drive=DISK
row ufs 00:05.0 disk "itsy.modules=ufshcd_pci,sd_mod itsy.id=ufshcd,1b36,0013"

on_host_rows --emulator backports --module igb --module igbvf "${options[@]}" <<'END'
. /lib/e2e/rows-host.sh
pf=0000:00:03.0
nic=$(ls /sys/bus/pci/devices/$pf/net)
ip link set "$nic" up
await "the link of the physical function" grep -qx 1 "/sys/class/net/$nic/carrier"
step made itsy devices --create-vfs 2 $pf
# Without any guest. Where this ends well, there is a row to be written.
step host_vf sh -c 'echo 0000:00:13.0 >/sys/bus/pci/drivers/igbvf/bind; dmesg | grep " igbvf 0000:00:13.0:"
	echo 0000:00:13.0 >/sys/bus/pci/drivers/igbvf/unbind'
each_row
step pf sh -c ". /lib/e2e/host.sh; driver $pf"
step removed itsy devices --create-vfs 0 $pf
END

is_status made 0
has made.out '^0000:00:13\.0 +8086:10ca +Ethernet +- .* of 0000:00:03\.0$'
is_status host_vf 0
has host_vf.out 'PF still in reset state'
all_drove
has pf.out '^igb$'
is_status removed 0
[ $who = itsy ] || verdict

# INTx is the vector behind all others.
json igb '.devices[0].vectors | ([.[:-1][] | select(.injected > 0)] | length > 1) and .[-1].taken == 0'
for name in igb-intx ufs; do
	json $name '.devices[0].vectors | ([.[:-1][].taken] | add // 0 == 0) and .[-1].injected > 0'
done

verdict
