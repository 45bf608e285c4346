# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# debian_sources.sh - where Debian's packages for another architecture or release come from. To be sourced after
# common.sh.
#
#   suite			the machine's own release ("bookworm"), or Debian's where it is none of Debian's
#   keyring			Debian's keys
#   write_sources [RELEASE]	prints lines of a sources.list: of the machine's own release, or of another one
#   write_apt_conf		prints what the machine's apt was told of proxies
#   own_apt KIND [RELEASE]	has apt-get, from then on, in this shell, lists of its own below $tmp, of "deb" or "deb-src", and
#				arm64 beside the machine's architecture: the machine's lists and architectures stay as they are

# Another Debian-like system still gets Debian's packages.
suite=bookworm
if . /etc/os-release 2>/dev/null && [ "${ID-}" = debian ]; then
	suite=${VERSION_CODENAME:-bookworm}
fi
# shellcheck disable=SC2034 # for who sources this
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# The Debian entries among the machine's apt sources, as apt itself understands them ("uri suite").
# Without downloaded lists apt does not know the origin yet: then the path must look like Debian's.
# Third-party archives often call their suites "bookworm" too, and know no arm64.
debian_sources()
{
	apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT) $(ORIGIN)' \
		'Created-By: Packages' 2>/dev/null |
	while read -r uri name component origin; do
		[ "$component" = main ] || continue
		[[ $uri =~ ^(http|https|ftp|tor\+.*|mirror.*|file|copy): ]] || continue
		case $name in
		"$suite" | "$suite-updates" | "$suite-security") ;;
		*) continue ;;
		esac
		case $origin in
		Debian) ;;
		*'$('* | '') [[ $uri =~ /debian(-security)?/*$ ]] || continue ;;
		*) continue ;;
		esac
		printf '%s %s\n' "$uri" "$name"
	done | sort -u
}

# The other release lies where the machine's own does. Backports need what they were made for as well.
release_sources()
{
	local release=$1 uri name

	while read -r uri name; do
		[ "$name" = "$suite" ] || continue
		[ "$release" = "${release%-backports}" ] || printf '%s %s\n' "$uri" "${release%-backports}"
		printf '%s %s\n' "$uri" "$release"
	done < <(debian_sources)
}

write_sources()
{
	local release=${1-} uri name

	while read -r uri name; do
		printf 'deb [signed-by=%s] %s %s main\n' "$keyring" "$uri" "$name"
	done < <(if [ -n "$release" ]; then release_sources "$release"; else debian_sources; fi)
}

# What the machine's apt was told about proxies and retries holds here too.
write_apt_conf()
{
	apt-config dump --no-empty 2>/dev/null |
		grep -E '^Acquire::(http|https|ftp|Retries|ForceIPv4|ForceIPv6)(::[^ ]*)? ' || true
}

own_apt()
{
	local kind=$1 native
	native=$(dpkg --print-architecture)

	mkdir -p "${tmp:?}"/apt/{lists/partial,archives/partial}
	write_sources "${2-}" | sed "s/^deb /$kind /" >"$tmp/apt/sources.list"
	{
		write_apt_conf
		printf '%s "%s";\n' Dir::Etc::sourcelist "$tmp/apt/sources.list" Dir::Etc::sourceparts /dev/null \
			Dir::State::lists "$tmp/apt/lists" Dir::Cache "$tmp/apt" APT::Architecture "$native" \
			APT::Sandbox::User root Acquire::Languages none
		printf 'APT::Architectures { "%s"; "arm64"; };\n' "$native"
	} >"$tmp/apt/apt.conf"
	export APT_CONFIG=$tmp/apt/apt.conf
	apt-get -q update
}
