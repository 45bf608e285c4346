#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Linux drives each of the emulator's controllers of disks and networks by its own driver, with right data, and counts
# of interrupts that add up; behind root ports, switches and bridges of the host's, too, and 16 and 32 of them in one
# guest. vfio/README.md has them as a table (lib/rows.sh). With ITSY_PEER=1 Debian's QEMU has the same guests.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"
. "$(dirname "${BASH_SOURCE[0]}")/lib/rows.sh"

say="itsy.seconds=1 itsy.chunks=2"

# --- disks -------------------------------------------------------------------------------------------------

device ich9-ahci,id=ahci,addr=1
disk_for ide-hd,bus=ahci.0,drive=DISK
row ahci 00:01.0 disk itsy.modules=ahci,sd_mod

device qemu-xhci,id=xhci,addr=2
disk_for usb-storage,bus=xhci.0,drive=DISK
row xhci-msix 00:02.0 disk itsy.modules=xhci_pci,usb_storage,sd_mod

device nec-usb-xhci,id=xhcim,addr=3,msi=on,msix=off
disk_for usb-storage,bus=xhcim.0,drive=DISK
row xhci-msi 00:03.0 disk itsy.modules=xhci_pci,usb_storage,sd_mod

device nec-usb-xhci,id=xhcii,addr=4,msi=off,msix=off
disk_for usb-storage,bus=xhcii.0,drive=DISK
row xhci-intx 00:04.0 disk itsy.modules=xhci_pci,usb_storage,sd_mod

disk_for virtio-blk-pci,addr=5,disable-legacy=on,iommu_platform=on,drive=DISK
row virtio-blk 00:05.0 disk "itsy.modules=virtio_pci,virtio_blk itsy.disk=vda"

device virtio-scsi-pci,id=vscsi,addr=6,disable-legacy=on,iommu_platform=on
disk_for scsi-hd,bus=vscsi.0,drive=DISK
row virtio-scsi 00:06.0 disk itsy.modules=virtio_pci,virtio_scsi,sd_mod

device megasas-gen2,id=megasas,addr=7
disk_for scsi-hd,bus=megasas.0,drive=DISK
row megasas 00:07.0 disk itsy.modules=megaraid_sas,sd_mod

device megasas,id=megasas1,addr=0x14
disk_for scsi-hd,bus=megasas1.0,drive=DISK
row megasas-1 00:14.0 disk itsy.modules=megaraid_sas,sd_mod

# The disk's WWN is its SAS address, and a Linux makes no port for one that has none (mptsas_setup_wide_ports()).
device mptsas1068,id=mptsas,addr=8
disk_for scsi-hd,bus=mptsas.0,wwn=0x5000c50000000001,drive=DISK
row mptsas 00:08.0 disk itsy.modules=mptsas,sd_mod
row mptsas-msi 00:08.0 disk "itsy.modules=mptsas,sd_mod mptbase.mpt_msi_enable_sas=1"

device usb-ehci,id=ehci,addr=0x15
disk_for usb-storage,bus=ehci.0,drive=DISK
row ehci 00:15.0 disk itsy.modules=ehci_pci,usb_storage,sd_mod

device pci-ohci,id=ohci,addr=0x16
disk_for usb-storage,bus=ohci.0,drive=DISK
row ohci 00:16.0 disk itsy.modules=ohci_pci,usb_storage,sd_mod

device lsi53c895a,id=lsi,addr=9
disk_for scsi-hd,bus=lsi.0,drive=DISK
row lsi 00:09.0 disk itsy.modules=sym53c8xx,sd_mod

# It has memory of its own, too (CMB), which a Linux without PCI_P2PDMA leaves alone.
disk_for nvme,addr=0xa,serial=cmb,cmb_size_mb=64,max_ioqpairs=64,drive=DISK
row nvme-cmb 00:0a.0 nvme nvme.write_queues=2

# --- NICs --------------------------------------------------------------------------------------------------

nic virtio-net-pci,addr=0xb,disable-legacy=on,iommu_platform=on,netdev=NET
row virtio-net 00:0b.0 nic itsy.modules=virtio_pci,virtio_net

nic vmxnet3,addr=0xc,netdev=NET
row vmxnet3 00:0c.0 nic itsy.modules=vmxnet3

nic i82557b,addr=0x17,netdev=NET
row e100 00:17.0 nic itsy.modules=e100

nic pcnet,addr=0x18,netdev=NET
row pcnet 00:18.0 nic itsy.modules=pcnet32

# A guest's kernel takes it for a hang where the machine below is busy, and the first one's driver waits for 200 ms at most.
slow="nosoftlockup rcupdate.rcu_cpu_stall_timeout=300"

# It moves two bytes with each exit, in its interrupt's handler.
nic ne2k_pci,addr=0x19,netdev=NET
row ne2k 00:19.0 nic "itsy.modules=ne2k_pci itsy.kib=16 itsy.pardon=NETDEV $slow"

nic tulip,addr=0x1a,netdev=NET
row tulip 00:1a.0 nic "itsy.modules=tulip $slow"

# --- behind others -----------------------------------------------------------------------------------------

device pcie-root-port,id=rp1,addr=0xd,chassis=1
disk_for nvme,bus=rp1,serial=port,drive=DISK
row root-port 01:00.0 nvme ""

device pcie-root-port,id=rp2,addr=0xe,chassis=2
device x3130-upstream,id=up,bus=rp2
device xio3130-downstream,id=down,bus=up,addr=0,chassis=3
nic e1000e,bus=down,netdev=NET
row switch 04:00.0 nic ""

device pcie-root-port,id=rp3,addr=0xf,chassis=4
device pcie-pci-bridge,id=bridge,bus=rp3
nic e1000,bus=bridge,addr=3,netdev=NET
row bridge 06:03.0 nic itsy.modules=e1000

# --- many --------------------------------------------------------------------------------------------------

# Eight functions to a device: no driver of the host's has them, and they go to one guest.
many=
for slot in 10 11 12 13; do
	for function in 0 1 2 3 4 5 6 7; do
		disk_for "virtio-blk-pci,addr=0x$slot.$function,multifunction=on,disable-legacy=on,iommu_platform=on,num-queues=2,drive=DISK"
		many+=" 00:$slot.$function"
	done
done
row sixteen "${many% 00:12.0*}" disk "itsy.modules=virtio_pci,virtio_blk itsy.disk=vd* itsy.disks=16"
row thirty-two "$many" disk "itsy.modules=virtio_pci,virtio_blk itsy.disk=vd* itsy.disks=32"

on_host_rows "${options[@]}" <<'END'
. /lib/e2e/rows-host.sh
step devices itsy devices
# What else the bridge's group needs.
step bind itsy bind 0000:06:03.0
each_row
END

is_status bind 0
all_drove

verdict
