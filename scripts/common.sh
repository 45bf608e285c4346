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
#   tmpdir_make V  makes a directory below $build/tmp, its path in variable V; removed at exit

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

tmpdirs=()

tmpdirs_remove()
{
	[ ${#tmpdirs[@]} -eq 0 ] || rm -rf -- "${tmpdirs[@]}"
}

tmpdir_make()
{
	local dir

	mkdir -p "$build/tmp"
	dir=$(mktemp -d "$build/tmp/$prog.XXXXXX")
	tmpdirs+=("$dir")
	trap tmpdirs_remove EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
	printf -v "$1" %s "$dir"
}

# replace_dir NEW OLD: NEW takes the place of OLD; at no time is OLD half of one and half of other.
replace_dir()
{
	[ ! -e "$2" ] || mv -T -- "$2" "$1.old"
	mv -T -- "$1" "$2"
	rm -rf -- "$1.old"
}
