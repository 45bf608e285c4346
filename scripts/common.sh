# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# common.sh - what the project's bash scripts share. To be sourced.
#
#   top            absolute path of the project
#   build          where everything made goes ($top/build, or $BUILD)
#   die TEXT       one line on stderr, exit 1
#   step TEXT      says that something long begins: a line that the next one overwrites on a
#                  terminal, an ordinary line in a pipe
#   step_done      removes that line from a terminal
#   kernel_of DIR  prints the kernel below DIR, a tree of Debian's packages; nothing where there is none
#   tmp_make       makes a directory $tmp below $build/tmp, removed at exit

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${BUILD:-$top/build}
[[ $build = /* ]] || build=$PWD/$build
prog=${0##*/}

die()
{
	step_done
	printf '%s: error: %s\n' "$prog" "$1" >&2
	[ $# -lt 2 ] || printf '%s: hint: %s\n' "$prog" "$2" >&2
	exit 1
}

step()
{
	if [ -t 2 ]; then
		printf '\r\033[K%s ...' "$*" >&2
	else
		printf '%s ...\n' "$*" >&2
	fi
}

step_done()
{
	[ ! -t 2 ] || printf '\r\033[K' >&2
}

tmp=

tmp_remove()
{
	[ -z "$tmp" ] || rm -rf -- "$tmp"
}

# A run that was killed outright could not tidy up: what belongs to no process goes.
tmp_make()
{
	local old

	mkdir -p "$build/tmp"
	for old in "$build/tmp/$prog".*; do
		[[ ! $old =~ \.([0-9]+)\.[^.]*$ ]] || [ -e "/proc/${BASH_REMATCH[1]}" ] || rm -rf -- "$old"
	done
	trap tmp_remove EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
	tmp=$(mktemp -d "$build/tmp/$prog.$$.XXXXXX")
}

# replace_dir NEW OLD: NEW takes the place of OLD; at no time is OLD half of one and half of other.
replace_dir()
{
	[ ! -e "$2" ] || mv -T -- "$2" "$1.old"
	mv -T -- "$1" "$2"
	rm -rf -- "$1.old"
}

# Debian's kernels lie in /boot; those that are split into packages (linux-binary-*, since 7.0), with their modules.
kernel_of()
{
	local file

	for file in "$1"/boot/vmlinuz-* "$1"/usr/lib/modules/*/vmlinuz "$1"/lib/modules/*/vmlinuz; do
		[ ! -f "$file" ] || { printf '%s\n' "$file"; return; }
	done
}
