#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Images boot plain, compressed and out of unified kernel images, flat binaries boot, by a file or by options alone; the
# guest's console is on standard output and nothing else is; what comes in on standard input, or is typed at a terminal,
# reaches the guest.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

image=$build/guest-images/Image
gzip -1 <"$image" >"$tmp/Image.gz"
zstd -q -3 <"$image" >"$tmp/Image.zst"
xz -0 <"$image" >"$tmp/Image.xz"

# Numbers as 32 bits, little-endian.
le32()
{
	local number shift

	for number; do
		for shift in 0 8 16 24; do
			printf %b "\\x$(printf %02x $((number >> shift & 255)))"
		done
	done
}

# As Fedora has it (zboot-header.S): MZ, zimg, offset and size of the payload, its format.
{
	printf 'MZ\0\0zimg'
	le32 512 "$(stat -c %s "$tmp/Image.zst")" 0 0
	printf zstd22
	head -c 482 /dev/zero
	cat "$tmp/Image.zst"
	le32 "$(stat -c %s "$image")"
} >"$tmp/vmlinuz.efi"

# A unified kernel image of the files PART=FILE..., as ukify makes it: MZ and where its header is, the header with the
# number of sections, their table (name, size, address, size and offset in the file), the sections.
make_uki()
{
	local part at=$((64 + 24 + 40 * $#)) size

	printf MZ
	head -c 58 /dev/zero
	le32 64
	printf 'PE\0\0\x64\xaa'
	printf %b "\\x0$#\\0"
	le32 0 0 0 0
	for part; do
		size=$(stat -c %s "${part#*=}")
		printf %-8s "${part%%=*}" | tr ' ' '\0'
		le32 "$size" 0 "$size" $at 0 0 0 0
		at=$((at + size))
	done
	for part; do
		cat "${part#*=}"
	done
}

echo "console=ttyS0 quiet itsy.job=shell" >"$tmp/cmdline"
make_uki .cmdline="$tmp/cmdline" .linux="$tmp/vmlinuz.efi" .initrd="$build/guest-images/initramfs.cpio" >"$tmp/uki.efi"

host_file /etc/uki.conf <<'END'
kernel  = "/boot/uki.efi"
memory  = "256M"
END
host_file /etc/linux.conf <<'END'
kernel  = "/boot/Image.gz"
initrd  = "/usr/share/itsy/guest/initramfs.cpio"
cmdline = "console=ttyS0 quiet itsy.job=shell"
memory  = "256M"
END
host_file /etc/flat.conf <<'END'
kernel        = "/usr/share/itsy/payloads/hello.bin"
kernel-format = "flat"
memory        = "64M"
END
head -c 5M <"$image" >"$tmp/cut"

on_host --device edu --file "$tmp/Image.gz:/boot/Image.gz" --file "$tmp/cut:/boot/cut" \
	--file "$tmp/Image.xz:/boot/Image.xz" --file "$tmp/uki.efi:/boot/uki.efi" <<'END'
step flat itsy run /etc/flat.conf
step quiet itsy run --quiet /etc/flat.conf
step payload itsy run /etc/flat.conf --set kernel-format=image
step passwd itsy run /etc/linux.conf --set kernel=/etc/passwd
step dry_passwd itsy run --dry-run /etc/linux.conf --set kernel=/etc/passwd
step cut itsy run /etc/linux.conf --set kernel=/boot/cut
sed 's,^kernel .*,kernel = /boot/cut,' /etc/linux.conf >/tmp/cut.conf
step check_cut itsy check /tmp/cut.conf
step strange itsy run --dry-run /etc/linux.conf --set initrd=/etc/passwd
step dry itsy run --dry-run /etc/linux.conf
step dtb sh -c 'itsy run /etc/linux.conf --set vcpus=3 --dump-dtb /tmp/dtb && hexdump -n 4 -e "4/1 \"%02x\"" /tmp/dtb'
step print itsy run /etc/linux.conf --set vcpus=3 --print-config
printf 'echo six times seven is $((6 * 7))\necho this goes to the console too >&2\nnproc\nexit\n' >/tmp/typed
step piped sh -c 'itsy run /etc/uki.conf --set vcpus=2 </tmp/typed'
step xz itsy run --dry-run /etc/linux.conf --set kernel=/boot/Image.xz
step closed sh -c 'itsy run /etc/flat.conf <&-'
step stdout_full sh -c 'itsy run /etc/flat.conf >/dev/full'
by_options='--kernel /usr/share/itsy/payloads/edu.bin --kernel-format flat --ram 64M --cpus 2 --device 00:01.0,name=edu,route=uring'
step options itsy run $by_options
step options_check itsy check $by_options
step options_dry itsy run --dry-run $by_options
step options_wrong itsy run $by_options --ram 63M
step options_kept sh -c 'cd /usr/share/itsy && itsy run --kernel payloads/hello.bin --kernel-format flat --ram 64M --print-config >/tmp/kept.conf'
step kept itsy run --quiet /tmp/kept.conf
step standard_input sh -c 'itsy run - --quiet </etc/flat.conf'
END

is_status flat 0
has flat.out '^payload hello: PASS$'
lacks flat.out 'itsy'
has flat.err '^itsy: /etc/flat\.conf: 1 vCPU, 64 MiB, 0 devices'
lacks flat.err 'payload|cpus'
is_status quiet 0
expect "quiet: the console is the same" cmp "$tmp/flat.out" "$tmp/quiet.out"
nr_lines quiet.err 0
is_status payload 0
has payload.out '^payload hello: PASS$'
for step in passwd dry_passwd; do
	is_status $step 4
	has $step.err '^itsy: error: /etc/passwd: the kernel is not an arm64 Image.*kernel-format'
done
is_status cut 4
has cut.err '^itsy: error: /boot/cut: the kernel is cut off: of the [0-9]+ bytes .* it has 5242880'
has check_cut.out 'FAIL.*kernel and initrd.*/boot/cut: the kernel is cut off'
is_status strange 0
has strange.err '^itsy: warning: /etc/passwd: the initrd is nothing that Linux unpacks'
is_status dry 0
nr_lines dry.out 0
nr_lines dry.err 0
is_status dtb 0
has dtb.out '^d00dfeed$'
is_status print 0
has print.out '^vcpus *= *3'
is_status piped 0
has piped.out '^six times seven is 42$'
has piped.out '^this goes to the console too$'
has piped.out '^2$'
lacks piped.out 'Kernel panic|itsy: '
is_status xz 0
is_status closed 0
has closed.out '^payload hello: PASS$'
is_status stdout_full 0

is_status options 0
has options.out '^payload edu: PASS$'
has options.err '^itsy: command line: 2 vCPUs, 64 MiB, 1 device'
is_status options_check 0
has options_check.out '^WARN +edu 0000:00:01\.0 +bound to no driver; it cannot be reset'
is_status options_dry 0
has options_dry.out '^edu: 0000:00:01\.0, 00\.0 on the guest.s bus$'
is_status options_wrong 3
has options_wrong.err "^--ram: error: 'memory' is from 64M to 511G, not '63M'\$"
is_status options_kept 0
is_status kept 0
expect "kept: what was printed is the same guest" cmp "$tmp/flat.out" "$tmp/kept.out"
is_status standard_input 0
expect "standard input: the file is read from there" cmp "$tmp/flat.out" "$tmp/standard_input.out"

# A plain Image, at a terminal: typed by a script that waits for what it sees.
host_files=()
host_file /etc/tty.conf <<'END'
kernel  = "/usr/share/itsy/guest/Image"
initrd  = "/usr/share/itsy/guest/initramfs.cpio"
cmdline = "console=ttyS0 quiet itsy.job=shell"
memory  = "256M"
device "edu" {
	bdf = "0000:00:01.0"
}
END
cat >"$tmp/run" <<'END'
stty -a >/tmp/before 2>/dev/null && itsy run /etc/tty.conf
echo "status $?"
stty -a >/tmp/after 2>/dev/null && cmp /tmp/before /tmp/after && echo "the terminal is as it was"
[ -e /sys/bus/pci/devices/0000:00:01.0/driver ] || echo "the device is as it was"
END
mkfifo "$tmp/keys"
command -v script >/dev/null || { echo "script is not there (Debian: bsdutils)"; exit 77; }
script -qfc "'$emuhost' run --timeout $patience --device edu ${host_files[*]} --file '$tmp/run:/etc/e2e/tty' -- sh /etc/e2e/tty" /dev/null \
	<"$tmp/keys" >"$tmp/screen" 2>&1 &
pid=$!
trap '' PIPE # typing to what has ended is an expectation not met, and no more
exec 3>"$tmp/keys"

is_seen()
{
	grep -qaE "$1" "$tmp/screen"
}

is_seen_or_over()
{
	is_seen "$1" || ! kill -0 "$pid" 2>/dev/null
}

# see REGEX: waits until it is on the screen
see()
{
	await_while 'wc -c <"$tmp/screen"' "$1" is_seen_or_over "$1"
	is_seen "$1"
}

expect "terminal: a shell's prompt" see '/root # '
printf 'echo $((6 * 9))-nine\r' >&3
expect "terminal: a command's output" see '^54-nine'
printf '\001h' >&3
expect "terminal: Ctrl-a h tells the keys" see 'Ctrl-a x'
printf '\001\001' >&3
printf '\001x' >&3
expect "terminal: Ctrl-a x ends the guest" see 'status 0'
exec 3>&-
rc=0
wait "$pid" || rc=$?
tr -d '\r' <"$tmp/screen" >"$tmp/screen.out"
sed 's/^/screen|/' "$tmp/screen.out"
expect "terminal: emuhost ends well, not with $rc" [ $rc = 0 ]
has screen.out 'itsy: /etc/tty.conf: .*Ctrl-a x quits'
has screen.out '^the terminal is as it was$'
has screen.out '^the device is as it was$'

verdict
