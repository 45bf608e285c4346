#!/bin/bash
# SPDX-License-Identifier: MIT
#
# itsy check passes on a host that has everything, and fails with a cure on one that has not; itsy
# devices lists what there is; both as JSON, too.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

on_host --device nvme --device e1000e --device edu --qemu-device pcie-root-port,addr=5 <<'END'
step check itsy check
step demo itsy check /etc/itsy/demo.conf
step check_json sh -c 'itsy check --json /etc/itsy/demo.conf >/tmp/check_json.json'
step devices itsy devices
step all itsy devices --all
step devices_json sh -c 'itsy devices --json >/tmp/devices_json.json'
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

is_status badconf 3
has badconf.err '^/etc/passwd:[0-9]+: error: '
is_status no_kvm 4
has no_kvm.out '^FAIL +KVM '
has no_kvm.out '^ +-> '
is_status no_kvm_json 4
json no_kvm_json '[.. | objects | select(.verdict? == "FAIL")] | length > 0'
is_status help 0
has help.out 'Usage: itsy run CONFIG'
is_status version 0
has version.out '^itsy [0-9]'

verdict
