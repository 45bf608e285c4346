# SPDX-License-Identifier: MIT
#
# kernel.awk - what kernel.sh found as a table: a figure is the median of its turns. The aim is a half of what Debian's
# kernel takes. Used with lib.awk before it.
#
#   awk -f lib.awk [-v verdicts=FILE] -f kernel.awk
#
# With verdicts=FILE: lines "ROW|met|RATIO" or "ROW|not met|RATIO".

BEGIN {
	FS = "|"
	aim = 0.5
	print "| | unit | Debian's kernel | small kernel | small : Debian's | scatter | aim | |"
	print "|---|---|--:|--:|--:|--:|---|---|"
}

$1 == "result" && $5 != "" {
	if (!($2 in units))
		rows[++nr_rows] = $2
	units[$2] = $4
	key = $2 SUBSEP $3
	values[key, ++count[key]] = $5
}

# Sets figure[WHO] and spread[WHO].
function read_row(row, who, i, n, list, sorted)
{
	split("", list)
	split("", sorted)
	n = count[row, who]
	for (i = 1; i <= n; i++)
		list[i] = values[row, who, i]
	sort(list, n, sorted)
	figure[who] = median(sorted, n)
	spread[who] = n ? scatter(sorted, n) : "-"
}

function max(a, b)
{
	return a == "-" ? b : b == "-" || a > b ? a : b
}

END {
	for (r = 1; r <= nr_rows; r++) {
		read_row(rows[r], "debian")
		read_row(rows[r], "small")
		both = ratio(figure["small"], figure["debian"])
		wide = max(spread["debian"], spread["small"])
		verdict = both == "-" ? "-" : both + 0 <= aim ? "met" : "not met"
		printf "| %s | %s | %s | %s | %s | %s | at most %.2f | %s |\n", rows[r], units[rows[r]],
			shown(figure["debian"]), shown(figure["small"]), both, wide == "-" ? "-" : sprintf("%.1f %%", 100 * wide),
			aim, verdict == "not met" ? "**not met**" : verdict
		if (verdicts && both != "-")
			print rows[r] "|" verdict "|" both >>verdicts
	}
}
