#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Loads and stores of pairs, with write-back, atomic ones, of vectors, and cache maintenance, wherever accesses
# trap or nothing is, by all CPUs of a guest at once, while commands pause them and a device interrupts: each
# completes or ends in an external abort at its address, itsy lives, and what it counts is what the guest did.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

host_file /etc/unemulated.conf <<'END'
kernel = "/usr/share/itsy/payloads/unemulated.bin"
vcpus  = 4
memory = "128M"
device "edu" {
	bdf = "0000:00:01.0"
}
device "disk" {
	bdf = "0000:00:02.0"
}
END

on_host --cpus 4 --device edu --device nvme <<'END'
guest unemulated /etc/unemulated.conf
guest again /etc/unemulated.conf
END

for name in unemulated again; do
	payload_passed $name unemulated
	counts_add_up $name
	none_dropped $name
	handled=$(fact $name handled) frame=$(fact $name frame_aborts) other=$(fact $name other_aborts)
	expect "$name: all interrupts arrived" [ "$handled" = "$(fact $name raised)" ]
	json $name ".devices[0].vectors[0] | .taken == $handled and .injected == $handled"
	for kind in load_pair store_pair load_simd_128 load_post store_pre atomic_add zero; do
		has $name.out "^kind $kind completed .* aborted [1-9]"
	done
	for kind in load_signed load_acquire store_release clean; do
		has $name.out "^kind $kind completed [1-9]"
	done
	for place in uart gits gicd gicr ecam msix_table kernel_its_frame kernel_its_tables window gap beyond_ram; do
		has $name.out "^place $place completed .* aborted [1-9]"
	done
	# each abort is counted, and nothing else is, but for what got an answer where nothing is
	json $name ".aborted.unreachable == $frame"
	json $name ".aborted.unemulated == $other and .unclaimed == $(fact $name hole_accesses)"
	json $name '.its_commands.INV.done > 100 and .kernel_its.pauses > 100'
	json $name '.its_errors == []'
done

verdict
