#!/bin/bash
# SPDX-License-Identifier: MIT
#
# vits-is-found-by-pkg-config.sh - what `make install` puts for other VMMs is enough to build one: the example is made
# of what was installed alone, and prints what docs/porting-the-vits.md shows. That page names all that a host of the
# library must give, and may call. It runs on any machine.

set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/common.sh"

page=$top/docs/porting-the-vits.md
cc=${CC:-gcc}
tmp_make
prefix=$tmp/prefix
installed=$prefix/include/vits
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig

make -s -C "$top" DEPS=no BUILD="$build" PREFIX="$prefix" DESTDIR= install-vits >"$tmp/make.log" 2>&1 ||
	{ cat "$tmp/make.log"; die 'make install-vits fails'; }

# make install has the same, of the program's machine, and below DESTDIR.
make -n -C "$top" DEPS=no BUILD="$build" PREFIX=/usr DESTDIR=/staged install >"$tmp/make.log" 2>&1 ||
	{ cat "$tmp/make.log"; die 'make -n install fails'; }
for file in lib/libvits.a include/vits lib/pkgconfig/libvits.pc; do
	grep -q " /staged/usr/$file\( \|$\)" "$tmp/make.log" || die "make install does not put $file"
done

version=$(sed -n 's/^#define ITSY_VERSION "\(.*\)"/\1/p' "$top/vmm/base/version.h")
[ "$(pkg-config --modversion libvits)" = "$version" ] || die "libvits.pc has another version than $version"
read -ra flags < <(pkg-config --cflags libvits)
read -ra libraries < <(pkg-config --libs libvits)

# Away from the tree, so that nothing of it is found.
cd "$tmp"
for header in "$installed"/*.h; do
	echo "#include <vits/${header##*/}>" >alone.c
	"$cc" -std=c11 -Wall -Wextra -Wpedantic -Werror "${flags[@]}" -fsyntax-only alone.c || die "${header##*/} is not whole"
done
"$cc" -std=gnu17 -Wall -Wextra -Werror -o example "$top/examples/vits-in-another-vmm.c" "${flags[@]}" "${libraries[@]}" ||
	die 'the example is not built'
./example >printed
awk '/^It prints:$/ { on = 1; next } on && /^    / { print substr($0, 5); next } on && NF { exit }' "$page" >shown
diff shown printed || die "docs/porting-the-vits.md shows something else than the example prints"

missing=0
while read -r name; do
	grep -q "\`$name\(()\)\?\`" "$page" || { echo "docs/porting-the-vits.md does not have $name"; missing=1; }
done < <(sed -n -e 's/^\t[a-z].*(\*\([a-z_]*\))(.*/\1/p' \
	-e 's/^[a-z].*[ *]\(vits_[a-z_]*\)(.*/\1/p' "$installed/vits.h" | sort -u | tee names)
[ "$(wc -l <names)" -ge 25 ] || die "vits.h has only $(wc -l <names) functions"
[ "$missing" = 0 ]
echo "$(wc -l <names) functions are explained, and the example prints $(wc -l <printed) lines as shown"
