# SPDX-License-Identifier: MIT
#
# table.awk - what was measured in turns as two tables: itsy's default beside QEMU, with what is aimed at; and all
# contenders. Used with lib.awk before it:
#
#   awk -f lib.awk -v route_list='ROUTE ROUTE...' [-v ratios=FILE] [-v verdicts=FILE] -f table.awk
#
# The routes are itsy's, the default first. Reads lines "result|ROW|WHO|UNIT|VALUE", one turn's each, where WHO is host,
# qemu, itsy-ROUTE, or qemu-again: the same as qemu, at other times. How far that is from qemu's figure is what the
# machine makes of two that are the same; it is judged as itsy is.
#
# A figure is the median of a row's turns. Rows stand by groups of units, and in them as they came.
#
# Contenders take part in rounds, one after the other, and what the machine does to one of a round it does to the next one,
# too. So of two that took part in all rounds, the ratio is the median of the rounds' ratios; of others, that of the two
# medians, and what it leaves open is not said. A line "anew" is where contenders were started anew: what stays the same for
# as long as a guest lives makes all of its rounds alike, so that these have one ratio together, their median, and how far
# starts are apart says what is left open. Without such lines, each turn is a start; a line "kernel" begins with another part.
#
# The aim: the default's figure is at most that of QEMU, or at least, where more is better: a ratio of 1.00, to two
# decimals. Where the turns of one of the two scatter by more than 5 % (scatter() in lib.awk) the ratio may be 1.05,
# or 0.95 where more is better, and the row says so. A ratio that is beyond by no more than the starts leave open (doubt()
# in lib.awk) is "not told apart": these turns say neither that the aim is met nor that it is not. The first second is
# shown, and has no aim: the default begins as uring then. Nor have exits to sleep and for interrupts, which say what all
# exits are made of.
#
# With ratios=FILE, for peers.gp: lines "heading|TEXT" and "row|ROW|RATIO|RATIO..." to QEMU, for each route. With
# verdicts=FILE: lines "itsy|met|ROW, UNIT|RATIO" or "itsy|not met|...", "itsy|not told apart|...", for rows that have an
# aim, and the same of qemu-again, where there is one.

BEGIN {
	FS = "|"
	noise = 0.05
	nr_routes = split(route_list, routes, " ")
	default_who = "itsy-" routes[1]
	nr_who = split("host qemu", contenders, " ")
	for (i = 1; i <= nr_routes; i++)
		contenders[++nr_who] = "itsy-" routes[i]
	group("instructions", "Counted instructions", "less")
	group("ns", "Emulated time, ns", "less")
	group("reads/s echoes/s", "How many in a second", "more")
	group("exits", "Exits", "less")
	group("KiB", "Memory, KiB", "less")
}

function group(units, title, better, n, i, list)
{
	nr_groups++
	titles[nr_groups] = title
	betters[nr_groups] = better
	n = split(units, list, " ")
	for (i = 1; i <= n; i++)
		group_of[list[i]] = nr_groups
}

$1 == "kernel" {
	nr_starts = 0
}

$1 == "anew" {
	nr_starts++
}

$1 == "result" && $5 != "" {
	if (!($4 in group_of)) {
		print "table.awk: no group has the unit '" $4 "'" >"/dev/stderr"
		failed = 1
		exit 1
	}
	# A row is of one unit: the same name with another one is another row.
	row = $2 "|" $4
	if (!(row in names)) {
		rows[++nr_rows] = row
		names[row] = $2
		units[row] = $4
	}
	key = row SUBSEP $3
	values[key, ++count[key]] = $5
	starts[key, count[key]] = nr_starts ? nr_starts : "turn " count[key]
}

# Sets figure[WHO], spread[WHO] and turns[WHO] for each.
function read_row(row, i, j, who, n, list, sorted)
{
	for (i = 0; i <= nr_who; i++) {
		who = i ? contenders[i] : "qemu-again"
		n = count[row, who]
		split("", list)
		split("", sorted)
		for (j = 1; j <= n; j++)
			list[j] = values[row, who, j]
		sort(list, n, sorted)
		figure[who] = median(sorted, n)
		spread[who] = n ? scatter(sorted, n) : "-"
		turns[who] = n
	}
}

# The median of the n numbers of list, in any order.
function median_of(list, n, sorted)
{
	split("", sorted)
	sort(list, n, sorted)
	return median(sorted, n)
}

# Sets left_open. The ratio of WHO's figure to BASE's, two decimals.
function versus(row, who, base, n, i, start, list, nr, of_starts, nr_of_starts, sorted)
{
	left_open = "-"
	n = turns[who]
	if (figure[who] == "-" || n != turns[base])
		return ratio(figure[who], figure[base])
	split("", list)
	split("", of_starts)
	split("", sorted)
	for (i = 1; i <= n; i++) {
		# Nothing is no measure.
		if (values[row, base, i] == 0)
			return ratio(figure[who], figure[base])
		if (nr && starts[row, who, i] != start) {
			of_starts[++nr_of_starts] = median_of(list, nr)
			nr = 0
		}
		start = starts[row, who, i]
		list[++nr] = values[row, who, i] / values[row, base, i]
	}
	of_starts[++nr_of_starts] = median_of(list, nr)
	sort(of_starts, nr_of_starts, sorted)
	left_open = doubt(sorted, nr_of_starts)
	return sprintf("%.2f", median(sorted, nr_of_starts))
}

function max(a, b)
{
	return a == "-" ? b : b == "-" || a > b ? a : b
}

# Sets both (the ratio), left_open, wide and limit, and is the verdict.
function judge(row, who, name, better, noisy, beyond, verdict)
{
	both = versus(row, who, "qemu")
	wide = max(spread[who], spread["qemu"])
	noisy = wide != "-" && wide > noise
	limit = better == "less" ? (noisy ? 1 + noise : 1) : (noisy ? 1 - noise : 1)
	if (both == "-" || names[row] ~ /first second|^exits (to sleep|for interrupts) /)
		return "-"
	beyond = better == "less" ? both - limit : limit - both
	verdict = beyond <= 1e-9 ? "met" : left_open != "-" && both - 1 <= left_open && 1 - both <= left_open ? "not told apart" : "not met"
	if (verdicts)
		print name "|" verdict "|" names[row] ", " units[row] "|" both >>verdicts
	return verdict
}

function print_judged(row, better, verdict, again)
{
	if (ratio(figure[default_who], figure["qemu"]) == "-")
		return
	judge(row, "qemu-again", "QEMU", better)
	again = both
	verdict = judge(row, default_who, "itsy", better)
	printf "| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", names[row], units[row], shown(figure["qemu"]),
		again, shown(figure[default_who]), both,
		left_open == "-" ? "-" : sprintf("%.2f", left_open),
		wide == "-" ? "-" : sprintf("%.1f %%", 100 * wide),
		verdict == "-" ? "-" : sprintf("at %s %.2f", better == "less" ? "most" : "least", limit),
		verdict == "not met" ? "**not met**" : verdict
}

function print_all(row, i, line)
{
	line = "| " names[row] " | " units[row]
	for (i = 1; i <= nr_who; i++)
		line = line " | " shown(figure[contenders[i]])
	for (i = 1; i <= nr_routes; i++)
		line = line " | " versus(row, "itsy-" routes[i], "qemu")
	print line " | " versus(row, default_who, "host") " |"
}

# Under the heading of group g, which comes before its first one.
function put_ratios(row, g, i, line)
{
	if (!ratios || figure["qemu"] == "-")
		return
	if (headed != g)
		print "heading|" titles[g] ": further " (betters[g] == "less" ? "left" : "right") \
			" is better" >>ratios
	headed = g
	line = "row|" names[row]
	for (i = 1; i <= nr_routes; i++)
		line = line "|" versus(row, "itsy-" routes[i], "qemu")
	print line >>ratios
}

# A line of the table for each row, group by group: in which table, with `what`.
function print_rows(what, g, r)
{
	for (g = 1; g <= nr_groups; g++) {
		for (r = 1; r <= nr_rows; r++) {
			if (group_of[units[rows[r]]] != g)
				continue
			read_row(rows[r])
			if (what == "judged") {
				print_judged(rows[r], betters[g])
				continue
			}
			print_all(rows[r])
			put_ratios(rows[r], g)
		}
	}
}

END {
	if (failed)
		exit 1
	print "| | unit | QEMU | again : QEMU | itsy | itsy : QEMU | ± | scatter | aim | |"
	print "|---|---|--:|--:|--:|--:|--:|--:|--:|---|"
	print_rows("judged")
	printf "\nAll contenders; itsy's default route is `%s`:\n\n", routes[1]
	line = "| | unit | host's own | QEMU"
	rule = "|---|---|--:|--:"
	for (i = 1; i <= nr_routes; i++) {
		line = line " | itsy " routes[i]
		rule = rule "|--:"
	}
	for (i = 1; i <= nr_routes; i++) {
		line = line " | " routes[i] " : QEMU"
		rule = rule "|--:"
	}
	print line " | " routes[1] " : host |"
	print rule "|--:|"
	print_rows("all")
}
