# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# common.sh - what the project's bash scripts share. To be sourced.
#
#   top            absolute path of the project
#   build          where everything made goes ($top/build, or $BUILD)
#   die TEXT       one line on stderr, exit 1
#   step TEXT      says that something long begins: on a terminal a line with the seconds that it takes,
#                  which the next one overwrites; an ordinary line in a pipe
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

step_clock=

# Until it is ended, or who began it is not there any more. Longer lines would wrap, and not be overwritten.
show_clock()
{
	local began=$SECONDS

	while kill -0 $$ 2>/dev/null; do
		printf '\r\033[K%.70s ... %d s' "$1" $((SECONDS - began)) >&2
		sleep 1
	done
}

step()
{
	step_done
	if [ -t 2 ]; then
		# It has no part in the locks of who began it.
		show_clock "$*" </dev/null >/dev/null 9>&- &
		step_clock=$!
	else
		printf '%s ...\n' "$*" >&2
	fi
}

step_done()
{
	if [ -n "$step_clock" ]; then
		kill "$step_clock" 2>/dev/null || true
		wait "$step_clock" 2>/dev/null || true
		step_clock=
	fi
	[ ! -t 2 ] || printf '\r\033[K' >&2
}

tmp=

tmp_remove()
{
	step_done
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
