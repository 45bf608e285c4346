#!/bin/bash
# SPDX-License-Identifier: MIT
#
# readme-is-enough-to-begin.sh - a newcomer has a bare Debian (its minimal system, git and make), README.md and a
# terminal of 80x24. The commands that README shows are typed there, and do what it says; no line is wider than the
# terminal, what takes long says what it is at, and what one wants to read is on the screen at the end.
#
# In make test as far as the program, with Debian's arm64 files of this build; in make test-all (ITSY_README=all) with
# the demo and the emulated host, and with nothing that was there before.

set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/common.sh"
. "$top/scripts/debian_sources.sh"

reach=${ITSY_README:-program}
home=/root/itsy
rows=24 columns=80
# So long nothing new may come on the screen: much longer than anything here takes on a machine that has much to do.
most_silence_s=120

skip()
{
	echo "$1"
	exit 77
}

# In a namespace of its own, so that nothing stays mounted.
if [ "${1-}" != --inside ]; then
	[ "$(id -u)" = 0 ] || skip 'only root can make a bare Debian'
	command -v mmdebstrap >/dev/null || skip 'mmdebstrap is not there (scripts/deps build)'
	[ -n "$(write_sources "")" ] || skip "none of the machine's apt sources is Debian's $suite"
	git -c safe.directory='*' -C "$top" rev-parse -q --verify HEAD >/dev/null || skip 'this is no clone of a repository'
	unshare --mount true 2>/dev/null || skip 'this process may not mount anything'
	exec unshare --mount "$0" --inside
fi

# Of what is mounted nothing may be removed.
clean()
{
	umount -l "$root/proc" "$root/dev/pts" "$root$home/build/arm64-root" 2>/dev/null || true
	grep -qF " $root/" /proc/self/mountinfo || tmp_remove
}

tmp_make
root=$tmp/debian
trap clean EXIT
unmet=0

complain()
{
	echo "FAIL: $*"
	unmet=$((unmet + 1))
}

# --- the machine ---------------------------------------------------------------------------------

# Its packages come from where this machine's do, and need no fsync(2) each.
make_debian()
{
	local packages=git,make

	write_sources "" >"$tmp/sources.list"
	write_apt_conf >"$tmp/apt.conf"
	! grep -q https: "$tmp/sources.list" || packages+=,ca-certificates
	mmdebstrap --quiet --variant=minbase --include="$packages" --dpkgopt=force-unsafe-io \
		--aptopt="$tmp/apt.conf" "$suite" "$root" "$tmp/sources.list" >"$tmp/log" 2>&1 || {
		tail -n 20 "$tmp/log"
		die "no bare Debian $suite can be made"
	}
	# What this machine has fetched is not fetched again.
	cp -l /var/cache/apt/archives/*.deb "$root/var/cache/apt/archives/" 2>/dev/null || true
	cp -L /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null || true
	mount -t proc proc "$root/proc"
	mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5 devpts "$root/dev/pts"
}

clone_to()
{
	git -c safe.directory='*' clone -q --no-hardlinks "$top" "$root$1"
}

clone()
{
	clone_to "$home"
	[ "$reach" = program ] && [ -f "$build/arm64-root/.material" ] || return 0
	mkdir -p "$root$home/build/arm64-root"
	mount --bind "$build/arm64-root" "$root$home/build/arm64-root"
	mount -o remount,bind,ro "$root$home/build/arm64-root"
}

# --- the terminal ----------------------------------------------------------------------------------

# typed NAME COMMAND [USER]: in a terminal. What came is $tmp/NAME.out, as lines of the screen $tmp/NAME; sets status.
typed()
{
	local name=$1 command=$2 user=${3-root} proxies=() variable
	local shell=(chroot --userspec="$user" "$root" env -i HOME="$home" TERM=linux LANG=C.UTF-8
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin)

	for variable in http_proxy https_proxy no_proxy; do
		[ -z "${!variable-}" ] || proxies+=("$variable=${!variable}")
	done
	echo "\$ $command"
	status=0
	: >"$tmp/$name.out"
	# script(1) is in every Debian; it comes to the terminal's size by the shell in it.
	"${shell[@]}" ${proxies[@]+"${proxies[@]}"} script -qefc \
		"stty rows $rows cols $columns; cd ~; $command" --log-out /dev/null --log-timing "/tmp/$name.timing" \
		</dev/null | tee "$tmp/$name.out" || status=$?
	cp "$root/tmp/$name.timing" "$tmp/"
	show_screen <"$tmp/$name.out" >"$tmp/$name"
	# make install shows its commands, as anybody's does.
	[ "$name" = install ] || expect_width "$name"
	expect_no_silence "$name"
}

# Lines as they stay on a terminal: a carriage return goes to a line's beginning, ESC [ K takes what is behind away.
show_screen()
{
	perl -ne '
		chomp;
		my ($line, $at) = ("", 0);
		while (/\G(?:(\r)|(\e\[K)|(\e\[[0-9;?]*[a-zA-Z]|\x04|\x08)|(.))/gs) {
			if (defined $1) { $at = 0; }
			elsif (defined $2) { $line = substr($line, 0, $at); }
			elsif (defined $4) { $line .= " " x ($at - length $line) if $at > length $line;
				substr($line, $at++, 1) = $4; }
		}
		print "$line\n";' -CS
}

expect_width()
{
	local wide

	wide=$(grep -E "^.{$((columns + 1))}" "$tmp/$1") || return 0
	complain "$1: wider than $columns columns:"
	printf '%s\n' "$wide"
}

# Lines "SECONDS BYTES" of script(1).
expect_no_silence()
{
	awk -v most=$most_silence_s '$1 > most { print "nothing for " $1 " s"; bad = 1 } END { exit bad }' \
		"$tmp/$1.timing" || complain "$1: silent for too long"
}

expect_status()
{
	[ "$status" = "$2" ] || complain "$1: status $status, not $2"
}

# last NAME REGEX: on what is on the screen at the end, above the prompt
last()
{
	fold -w $columns "$tmp/$1" | tail -n $((rows - 1)) | grep -qE -- "$2" ||
		complain "$1: not on the screen at the end: $2"
}

# --- what README shows ------------------------------------------------------------------------------

# Commands of its indented blocks, without what is said of them.
commands_of_readme()
{
	sed -nE 's/^    ((make|itsy|sudo|tests\/)[^#]*).*/\1/p' "$top/README.md" | sed -E 's/  .*//; s/ +$//'
}

not_here()
{
	echo "# $1: $2"
}

see_program()
{
	typed make make
	expect_status make 0
	# As README says: what is missing, and why, before it is installed.
	[ "$reach" = all ] || grep -qE '^  gcc +compiles for this machine$' "$tmp/make" ||
		complain 'it is not said what gets installed'
	last make 'build/arm64/itsy is for '
	typed again make
	expect_status again 0
	[ "$(wc -l <"$tmp/again")" -le 3 ] || complain 'make makes something again'
}

see_demo()
{
	typed demo 'make demo'
	expect_status demo 0
	grep -qE '^  qemu-system-arm +the emulated arm64 host$' "$tmp/demo" ||
		complain 'it is not said what gets installed'
	last demo '^The demo passed'
	last demo 'NVMe drive'
	last demo 'itsy run /etc/itsy/demo\.conf'
}

see_install()
{
	typed install "$1"
	expect_status install 0
	[ -x "$root/usr/local/bin/itsy" ] || complain 'make install puts no itsy'
}

see_devices()
{
	typed devices "$1"
	expect_status devices 0
	last devices '^0000:00:01\.0 .* NVMe '
	last devices '^0000:00:02\.0 .* Ethernet '
}

# Each is typed, or it is said why not. He is root, and has no sudo.
follow()
{
	case $reach:$1 in
	*:'make test') not_here "$1" 'this is a part of it' ;;
	all:'make demo') see_demo ;;
	program:'make && sudo make install') see_program ;;
	all:'make && sudo make install') see_program; see_install 'make && make install' ;;
	all:'tests/emuhost/emuhost run --device nvme --device e1000e -- itsy devices') see_devices "$1" ;;
	program:'make demo' | program:tests/emuhost/*) not_here "$1" 'make test-all' ;;
	all:'tests/emuhost/emuhost run --icount'*) not_here "$1" 'bench-measures-*.sh' ;;
	all:'tests/emuhost/emuhost shell'*) not_here "$1" 'test-emuhost.sh' ;;
	*:itsy\ * | *:'sudo itsy '*) not_here "$1" 'the-tutorial-goes-as-shown.sh' ;;
	*) complain "README shows what nobody tries: $1" ;;
	esac
}

# One who is not root is told what root has to do.
see_no_root()
{
	clone_to /home/new
	chroot "$root" chown -R nobody: /home/new
	home=/home/new typed nobody make nobody
	[ "$status" != 0 ] || complain 'one who is not root installs packages'
	last nobody 'error: root is needed for this:$'
	last nobody 'apt-get install '
}

step "making a bare Debian $suite"
make_debian
clone
step_done
[ "$reach" = all ] || see_no_root
typed help 'make help'
expect_status help 0
last help '^make  '
last help '^make demo '
nr=0
while read -r command; do
	follow "$command"
	nr=$((nr + 1))
done < <(commands_of_readme)
[ $nr -ge 12 ] || complain "README shows only $nr commands"
typed emuhost 'tests/emuhost/emuhost --help'
expect_status emuhost 0
last emuhost '^exit: '
[ $unmet = 0 ]
