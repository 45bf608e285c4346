#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A guest in the background of a shell runs, and leaves the terminal to the shell; at fg it has the terminal, raw; and
# at its end the terminal is as it was. With the sandbox, and without.

. "$(dirname "${BASH_SOURCE[0]}")/lib/e2e.sh"

command -v script >/dev/null || { echo "script is not there (Debian: bsdutils)"; exit 77; }
host_file /etc/tty.conf <<'END'
kernel  = "/usr/share/itsy/guest/Image"
initrd  = "/usr/share/itsy/guest/initramfs.cpio"
cmdline = "console=ttyS0 quiet itsy.job=shell"
memory  = "256M"
END
cat >"$tmp/shell" <<'END'
set -m
for sandbox in on off; do
	stty -a >/tmp/before 2>/dev/null
	itsy run /etc/tty.conf --sandbox $sandbox --name g$sandbox &
	echo "$sandbox: type"
	read -r line
	echo "$sandbox: the shell read $line"
	itsy list | grep "g$sandbox"
	echo "$sandbox: fg"
	fg %%
	echo "$sandbox: status $?"
	stty -a >/tmp/after 2>/dev/null
	[ -s /tmp/before ] && cmp /tmp/before /tmp/after && echo "$sandbox: the terminal is as it was"
done
END
mkfifo "$tmp/keys"
script -qfc "'$emuhost' run --timeout $patience --device edu ${host_files[*]} --file '$tmp/shell:/etc/e2e/shell' -- sh /etc/e2e/shell" \
	/dev/null <"$tmp/keys" >"$tmp/screen" 2>&1 &
pid=$!
trap '' PIPE # typing to what has ended is an expectation not met, and no more
exec 3>"$tmp/keys"

# see N REGEX: waits until it is on the screen N times
is_seen_or_over()
{
	[ "$(grep -caE "$2" "$tmp/screen")" -ge "$1" ] || ! kill -0 "$pid" 2>/dev/null
}

see()
{
	await_while 'wc -c <"$tmp/screen"' "$2" is_seen_or_over "$1" "$2"
	[ "$(grep -caE "$2" "$tmp/screen")" -ge "$1" ]
}

nr=-1
for sandbox in on off; do
	nr=$((nr + 2)) # a prompt each before and after the command
	expect "$sandbox: the guest boots in the background" see $nr '/root # '
	expect "$sandbox: it was not stopped" see 1 "$sandbox: type"
	printf 'a line\r' >&3
	expect "$sandbox: the shell has the terminal" see 1 "$sandbox: the shell read a line"
	expect "$sandbox: the guest comes to the front" see 1 "$sandbox: fg"
	printf 'echo $((6 * 9))-%s\r' $sandbox >&3
	expect "$sandbox: and has the terminal" see 1 "^54-$sandbox"
	printf '\001x' >&3
	expect "$sandbox: it ends" see 1 "$sandbox: status 0"
done
exec 3>&-
rc=0
wait "$pid" || rc=$?
tr -d '\r' <"$tmp/screen" >"$tmp/screen.out"
sed 's/^/screen|/' "$tmp/screen.out"
expect "emuhost ends well, not with $rc" [ $rc = 0 ]
has screen.out '^on: the terminal is as it was$'
has screen.out '^off: the terminal is as it was$'
lacks screen.out 'Stopped'

verdict
