#!/bin/bash
# SPDX-License-Identifier: MIT
#
# itsy check passes on a host that has everything, and fails with a cure on one that has not; itsy
# devices lists what there is; both as JSON, too. What the kernel has for a function alone is told, and tried.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

host_file /etc/nic.conf <<'END'
kernel = "/usr/share/itsy/payloads/hello.bin"
memory = "128M"
device "nic" {
	bdf = "0000:00:02.0"
}
END

on_host --device nvme --device e1000e --device edu --qemu-device pcie-root-port,addr=5 <<'END'
step check itsy check
step demo itsy check /etc/itsy/demo.conf
step iommufd itsy check --set iommu=iommufd /etc/itsy/demo.conf
step run_iommufd itsy run --set iommu=iommufd /etc/itsy/demo.conf
step driver driver 0000:00:01.0
step check_json sh -c 'itsy check --json /etc/itsy/demo.conf >/tmp/check_json.json'
step devices itsy devices
step all itsy devices --all
step devices_json sh -c 'itsy devices --json >/tmp/devices_json.json'
# A driver that is said to be for the NIC alone, and is not there; and vfio-pci, which is for all.
cat >"/lib/modules/$(uname -r)/modules.alias" <<'ALIASES'
alias vfio_pci:v*d*sv*sd*bc*sc*i* vfio_pci
alias vfio_pci:v00008086d000010D3sv*sd*bc*sc*i* itsy_vfio_pci
ALIASES
step variant_devices itsy devices
step variant_check itsy check /etc/itsy/demo.conf
step variant_plain itsy check /etc/itsy/demo.conf --set device.nic.driver=vfio-pci
step variant_bind itsy bind 0000:00:01.0 0000:00:02.0
step variant_release itsy release 0000:00:01.0 0000:00:02.0
step asked_bind itsy bind --driver vfio-pci 0000:00:02.0
step asked_release itsy release 0000:00:02.0
step after sh -c '. /lib/e2e/host.sh; driver 0000:00:01.0; driver 0000:00:02.0'
guest variant_run /etc/nic.conf
guest asked_run /etc/nic.conf --set device.nic.driver=vfio-pci
step badconf itsy check /etc/passwd
mv /dev/kvm /dev/kvm.away
step no_kvm itsy check /etc/itsy/demo.conf
step no_kvm_json sh -c 'itsy check --json >/tmp/no_kvm_json.json'
mv /dev/kvm.away /dev/kvm
step help sh -c 'itsy help && itsy run --help && itsy help check'
step version itsy version
END

is_status check 0
lacks check.out '^FAIL'
has check.out '^PASS +KVM '
is_status demo 0
lacks demo.out '^FAIL'
has demo.out '^PASS +nvme 0000:00:01\.0 .*65 MSI-X vectors'
has demo.out '^PASS +nic 0000:00:02\.0 .*MSI-X'
# No kernel of Debian's has iommufd; who asks for it is told, before anything is bound.
has demo.out '^PASS +DMA +by type1: this kernel has no iommufd$'
is_status iommufd 4
has iommufd.out '^FAIL +DMA +iommufd: it cannot be had: this kernel has no iommufd$'
is_status run_iommufd 4
has run_iommufd.err '^itsy: error: iommufd: it cannot be had: this kernel has no iommufd: iommu = auto'
nr_lines run_iommufd.err 1
has driver.out '^nvme$'
is_status check_json 0
json check_json 'type == "object"'
json check_json '[.. | objects | select(has("verdict")) | .verdict] | length > 10 and all(. != "FAIL")'

is_status devices 0
has devices.out '^0000:00:01\.0 +1b36:0010 +NVMe +nvme +[0-9]+ +yes +- +65 +flr'
has devices.out '^0000:00:02\.0 +8086:10d3 +Ethernet +e1000e +[0-9]+ +yes +1 +5 +'
has devices.out '^0000:00:03\.0 +1234:11e8 '
lacks devices.out '^0000:00:0[05]\.0'
is_status all 0
has all.out '^0000:00:05\.0 +1b36:000c +PCI bridge +pcieport'
has all.out '^0000:00:00\.0 '
is_status devices_json 0
json devices_json '[.. | objects | select(.bdf? == "0000:00:01.0")] | length == 1'
json devices_json '.. | objects | select(.bdf? == "0000:00:02.0") | .driver == "e1000e"'

has variant_devices.out '^0000:00:01\.0 .* yes +- '
has variant_devices.out '^0000:00:02\.0 .* yes \(itsy_vfio_pci\) '
is_status variant_check 0
has variant_check.out '^PASS +nvme .*bound to nvme, itsy run takes it; '
has variant_check.out '^PASS +nic .*bound to e1000e, itsy run takes it by itsy_vfio_pci; '
has variant_plain.out '^PASS +nic .*bound to e1000e, itsy run takes it; '
is_status variant_bind 0
has variant_bind.out '^0000:00:02\.0: e1000e -> vfio-pci$'
has variant_bind.err '^itsy: warning: 0000:00:02\.0: itsy_vfio_pci, the driver that the kernel has for it, does not take it'
nr_lines variant_bind.err 1
is_status asked_bind 0
nr_lines asked_bind.err 0
has after.out '^nvme$'
has after.out '^e1000e$'
is_status variant_run 0
has variant_run.err '^itsy: warning: nic: 0000:00:02\.0: itsy_vfio_pci, '
is_status asked_run 0
lacks asked_run.err itsy_vfio_pci

is_status badconf 3
has badconf.err '^/etc/passwd:[0-9]+: error: '
is_status no_kvm 4
has no_kvm.out '^FAIL +KVM '
has no_kvm.out '^ +-> '
is_status no_kvm_json 4
json no_kvm_json '[.. | objects | select(.verdict? == "FAIL")] | length > 0'
is_status help 0
has help.out 'Usage: itsy run \[CONFIG\] '
is_status version 0
has version.out '^itsy [0-9]'

verdict
