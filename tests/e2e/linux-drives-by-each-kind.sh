#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Linux drives devices by each kind of interrupt, with right data: a NIC by INTx and MSI-X as its driver is
# told, and by INTx in a guest that knows no messages; an ATA disk by MSI, and by INTx; NICs, a SCSI disk and
# an SD card that have INTx alone, or whose drivers want it; a disk and a NIC that share a line, through root ports, too.
#
# The NIC that changes between all kinds is driven by a bare-metal guest: Linux's e1000e asks a 82574L for
# an interrupt that QEMU's has not (RXSEQ: its IMS keeps 0x95 of 0x9d), and goes back to INTx when its MSI has not
# come in 100 ms. It does so on the host, too. Where another interrupt of the NIC's comes in that time, it stays with
# MSI. That is mode1 here, which shows that a driver may go from MSI to INTx in its own time.
#
# vfio/README.md has the guests with Linux as a table (lib/rows.sh). With ITSY_PEER=1 Debian's QEMU has the same ones.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"
. "$(dirname "${BASH_SOURCE[0]}")/lib/rows.sh"
initrd=initramfs.cpio

row mode0 00:01.0 nic "loglevel=7 e1000e.IntMode=0"
row mode1 00:01.0 nic "loglevel=7 e1000e.IntMode=1"
row mode2 00:01.0 nic "loglevel=7 e1000e.IntMode=2"
row nomsi 00:01.0 nic pci=nomsi
row rtl 00:02.0 nic itsy.modules=8139cp
row e1000 00:08.0 nic itsy.modules=e1000
row card 00:03.0 card "itsy.modules=sdhci_pci itsy.chunks=2"
row ahci-msi 00:09.0 disk itsy.modules=ahci,sd_mod
row ahci-intx 00:09.0 disk "itsy.modules=ahci,sd_mod pci=nomsi"
# The first and the fifth have one line.
row shared "00:01.0 00:05.0 00:06.0 00:07.0 00:04.0" both pci=nomsi
row ports "00:01.0@0a 00:05.0 00:06.0 00:07.0 00:04.0@0e" both pci=nomsi
host_file /etc/kinds.conf <<'END'
kernel = "/usr/share/itsy/payloads/kinds.bin"
memory = "128M"
device "d1" {
	bdf = "0000:00:01.0"
	at  = "00.0"
}
END

on_host_rows --device e1000e --device rtl8139 --device sdhci --device nvme --device edu --device edu --device edu \
	--device e1000 --device ahci <<'END'
. /lib/e2e/rows-host.sh

# Where the host takes the NIC's MSI, as long as its guest is there.
watch_msi()
{
	while sleep 0.1; do
		grep 'vfio-msi\[0\](0000:00:01.0)' /proc/interrupts >/tmp/msi.now && mv /tmp/msi.now /tmp/msi.last
	done
}

kinds()
{
	guest kinds /etc/kinds.conf
	watch_msi &
	watcher=$!
	guest msi_tied /etc/kinds.conf --set cmdline=only=msi --set route=irqfd --set device.d1.msi-cpu=1
	kill $watcher
	wait $watcher
	step cpus awk '{ print "cpu0", $2; print "cpu1", $3 }' /tmp/msi.last
}

[ $who = qemu ] || kinds
each_row
END

if [ $who = qemu ]; then
	for n in "${!names[@]}"; do
		drove_or_not "${names[n]}" "${jobs[n]}"
	done
	verdict
fi

for name in kinds msi_tied; do
	payload_passed $name kinds
	counts_add_up $name
	none_dropped $name
done
# Vector 0 is MSI-X's first and MSI's, the last one is INTx. QEMU 7.2's device sends a message again until it is
# acknowledged, and the guest has of those what did not merge; a level does not merge.
json kinds ".devices[0].vectors | .[0].injected >= $(fact kinds messages) and $(fact kinds messages) >= 600 and
	.[-1].injected == $(fact kinds lines) and .[-1].taken == 200"
json kinds '.devices[0].vectors | [.[].held] | add == 0'
# Sixteen changes are at once, and then there is one in 20 ms.
expect "changes in a loop wait for their turn, $(fact kinds changes_us) us" \
	[ "$(fact kinds changes_us)" -ge $((($(fact kinds changes) - 16) * 20000)) ]
# The host had MSI-X enabled, and counts MSI from where the guest enabled it; of the device's messages that come again
# while the guest ends, it may have the last few alone. And it takes them on the CPU that was asked for.
cpu0=$(fact cpus cpu0) cpu1=$(fact cpus cpu1)
json msi_tied ".devices[0].vectors[0] | .taken <= $cpu0 + $cpu1 and .taken >= $(fact msi_tied messages) and .tied > 500 and
	.tied_is == null and .injected == .taken"
expect "CPU 1 took $cpu1 MSIs, CPU 0 $cpu0" [ "$cpu1" -gt 500 ]

for name in mode0 mode1 mode2 nomsi rtl e1000; do
	job_passed $name nic
	has $name.out '^nic_check: [1-9][0-9]* rounds'
done
job_passed card card
has card.out '^card_check: [1-9][0-9]* rounds'
for name in ahci-msi ahci-intx; do
	job_passed $name disk
	has $name.out '^disk_check: [1-9][0-9]* rounds'
done
has ahci-msi.out '^irq: .*MSI.*ahci'
lacks ahci-intx.out '^irq: .*MSI'
has ahci-intx.out '^irq: .*Level.*ahci'
for name in shared ports; do
	job_passed $name both
	has $name.out '^nvme_check: [1-9][0-9]* rounds'
	has $name.out '^nic_check: [1-9][0-9]* rounds'
done

for name in "${names[@]}"; do
	is_in_table "$name" itsy yes
	counts_add_up "$name"
	none_dropped "$name"
	json "$name" '.its_errors == [] and .unclaimed == 0 and .aborted.unemulated == 0'
done
# INTx is the vector behind all others, and the only one that interrupts where it is what the guest uses.
for name in mode0 nomsi rtl e1000 card shared ports; do
	json $name '[.devices[] | .vectors | .[:-1][] | .taken] | add // 0 == 0'
	json $name '[.devices[] | .vectors | .[-1] | .taken] | add > 0'
done
json ahci-msi '.devices[0].vectors | .[0].injected > 0 and .[-1].taken == 0'
json ahci-intx '.devices[0].vectors | .[-1].injected > 0 and .[0].injected == 0'
# By MSI until the driver has looked whether it works, and by INTx after that, unless it does.
json mode1 '.devices[0].vectors | ([.[1:-1][] | .taken] | add == 0) and (.[0].injected > 0 or .[-1].injected > 0)'
json mode2 '.devices[0].vectors | ([.[:-1][] | select(.taken > 0)] | length > 1) and .[-1].taken == 0'
for name in shared ports; do
	json $name '[.devices[] | select(.name == "d1" or .name == "d5") | .vectors[-1].taken > 0] == [true, true]'
done

verdict
