# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# initramfs.sh - parts of an initramfs: kernel modules, shared libraries, the archive itself.
# To be sourced after common.sh. Needs no arm64 tool: dependencies are read from the files.
#
#   modules_add TREE DEST NAME...	copies modules and all that they need from TREE/lib/modules
#					to DEST/lib/modules (a name with ? behind may be missing),
#					and writes there "load" (files in load order) and the
#					modules.dep that modprobe reads
#   modules_alias DEST			writes the modules.alias beside it, by which modprobe finds the module for a
#					device that says what it is
#   libs_add DEST HAVE ELF...		copies the shared libraries that the programs need to DEST/lib,
#					except those named in HAVE
#   cpio_pack DIR OUT			packs DIR (owner root, sorted, no times): same in, same out

: "${build:?}"
declare -A module_path module_builtin module_seen module_needs

# Kernel and modprobe take - and _ in a module's name for the same.
modules_index()
{
	local path name

	module_path=() module_builtin=() module_seen=() module_needs=()
	while IFS= read -r path; do
		name=${path##*/}
		name=${name%%.ko*}
		module_path[${name//-/_}]=$path
	done < <(find "$1" -name '*.ko' -o -name '*.ko.xz' -o -name '*.ko.zst' -o -name '*.ko.gz')
	while IFS= read -r path; do
		name=${path##*/}
		module_builtin[${name%.ko}]=1
	done < <(tr - _ <"$1/modules.builtin" 2>/dev/null)
}

module_unpack()
{
	case $1 in
	*.xz) xz -dc "$1" ;;
	*.zst) zstd -dqc "$1" ;;
	*.gz) gzip -dc "$1" ;;
	*) cat "$1" ;;
	esac
}

# One module after those that it needs. Depth is that of the module tree (4 or so).
module_add()
{
	local dest=$1 name=${2//-/_} path file deps dep

	[ -z "${module_seen[$name]-}" ] || return 0
	module_seen[$name]=1
	path=${module_path[$name]-}
	if [ -z "$path" ]; then
		[ -n "${module_builtin[$name]-}" ] || die "the kernel has no module '$name'"
		return 0
	fi
	file=$dest/$name.ko
	module_unpack "$path" >"$file"
	deps=$(tr '\0' '\n' <"$file" | grep -a -m1 '^depends=' || true)
	deps=${deps#depends=}
	for dep in ${deps//,/ }; do
		module_add "$dest" "$dep"
	done
	printf '%s\n' "$name.ko" >>"$dest/load"
	# modprobe loads what is in its line, from the end on, and looks at no other line.
	module_needs[$name]=
	for dep in ${deps//,/ }; do
		dep=${dep//-/_}
		[ -z "${module_path[$dep]-}" ] || module_needs[$name]+=" $dep.ko${module_needs[$dep]}"
	done
	printf '%s:%s\n' "$name.ko" "${module_needs[$name]}" >>"$dest/modules.dep"
}

modules_add()
{
	local tree=$1 dest=$2 version name dir
	shift 2

	for dir in "$tree"/lib/modules/* "$tree"/usr/lib/modules/*; do
		[ ! -d "$dir" ] || break
	done
	[ -d "$dir" ] || die "no kernel modules below $tree"
	version=${dir##*/}
	dest=$dest/lib/modules/$version
	mkdir -p "$dest"
	: >"$dest/load"
	: >"$dest/modules.dep"
	modules_index "$dir"
	for name; do
		case $name in
		*'?') [ -z "${module_path[${name%'?'}]-}" ] || module_add "$dest" "${name%'?'}" ;;
		*) module_add "$dest" "$name" ;;
		esac
	done
}

modules_alias()
{
	local dir file
	dir=$(echo "$1"/lib/modules/*)

	while IFS= read -r file; do
		tr '\0' '\n' <"$dir/$file" | sed -n "s/^alias=\(.*:.*\)/alias \1 ${file%.ko}/p"
	done <"$dir/load" >"$dir/modules.alias"
}

# A library is looked for where the arm64 packages lie, then where the cross compiler (sanitizers)
# or an arm64 system keeps its own.
lib_find()
{
	local dir

	for dir in "$build"/arm64-{root,peers,guest}/{,usr/}lib/aarch64-linux-gnu "$build/arm64-root/lib" \
		/usr/lib/gcc-cross/aarch64-linux-gnu/* /usr/aarch64-linux-gnu/lib \
		/lib/aarch64-linux-gnu /usr/lib/aarch64-linux-gnu; do
		if [ -e "$dir/$1" ]; then
			printf '%s\n' "$dir/$1"
			return 0
		fi
	done
	return 1
}

# Is FILE an arm64 ELF file? (e_ident: magic, 64 bit, little endian; e_machine 183)
is_arm64_elf()
{
	[ "$(head -c 20 "$1" | od -An -tx1 | tr -d ' \n' | cut -c1-12,37-40)" = 7f454c460201b700 ]
}

libs_add()
{
	local dest=$1 have=" $2 " todo lib path
	shift 2
	todo=("$@")

	mkdir -p "$dest/lib"
	while [ ${#todo[@]} -gt 0 ]; do
		path=${todo[0]}
		todo=("${todo[@]:1}")
		is_arm64_elf "$path" || continue
		while read -r lib; do
			[ ! -e "$dest/lib/$lib" ] && [[ $have != *" $lib "* ]] || continue
			path=$(lib_find "$lib") || die "no arm64 $lib to be found, which ${todo[0]-a program} needs"
			cp -L "$path" "$dest/lib/$lib"
			todo+=("$path")
		done < <(LC_ALL=C readelf -dl "$path" 2>/dev/null |
			sed -n 's/.*(NEEDED).*\[\(.*\)\].*/\1/p; s/.*program interpreter: .*\/\([^]]*\)\]$/\1/p')
	done
}

cpio_pack()
{
	find "$1" -exec touch -h -d @0 {} +
	(cd "$1" && find . -mindepth 1 -print0 | LC_ALL=C sort -z |
		cpio -0 -o -H newc --reproducible -R 0:0 --quiet) >"$2.tmp"
	mv "$2.tmp" "$2"
}
