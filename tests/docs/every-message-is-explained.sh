#!/bin/bash
# SPDX-License-Identifier: MIT
#
# every-message-is-explained.sh - docs/troubleshooting.md has all messages of the sources, with their cures, and no
# others. It runs on any machine. What is missing, make docs adds.

set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/common.sh"

tmp_make
"$top/scripts/messages" --check

# What is found, by the ways in which messages are made. So few of each would mean that a way is not seen any more.
"$top/scripts/messages" --list >"$tmp/list"
while read -r least files; do
	nr=$(grep -cE "^vmm/$files" "$tmp/list")
	[ "$nr" -ge "$least" ] || die "only $nr messages are found in vmm/$files"
done <<'END'
60 config/
35 dev/vfio_words
15 check/
25 control/
7 control/machine_counters
20 machine/loader
7 sandbox/layers
9 base/output
40 cli/
END
# A message that a pattern, a macro, an array and a variable take part in, word for word.
for words in \
	'sandbox/layers.c	it stays root'\''s, without capabilities	make a user for it: useradd --system itsy' \
	'machine/guest_memory.c	guest memory: … huge pages of … are needed, and … are free	add … to /sys/kernel/mm/hugepages/hugepages-…kB/nr_hugepages'; do
	grep -qF "vmm/$words" "$tmp/list" || die "this is not found: $words"
done
echo "$(wc -l <"$tmp/list") messages of the sources are in docs/troubleshooting.md"
