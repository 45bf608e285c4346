# SPDX-License-Identifier: MIT
#
# table.awk - lines "result|ROW|WHO|UNIT|VALUE" into a table: the median of each row's values for each
# contender, and how itsy's routes compare with QEMU and with the host's own driver. Rows come as they
# came first. With -v ratios=FILE, lines "ROW|irqfd : QEMU|uring : QEMU|spin : QEMU|unit" are added to FILE.

BEGIN {
	FS = "|"
	nr_who = split("host qemu itsy-irqfd itsy-uring itsy-spin", who, " ")
}

$1 == "result" && $5 != "" {
	if (!($2 in unit))
		rows[++nr_rows] = $2
	unit[$2] = $4
	key = $2 SUBSEP $3
	values[key, ++count[key]] = $5
}

# Of few values: insertion sort.
function median(row, name, key, i, j, v, sorted, n)
{
	key = row SUBSEP name
	n = count[key]
	if (!n)
		return "-"
	for (i = 1; i <= n; i++) {
		v = values[key, i] + 0
		for (j = i - 1; j >= 1 && sorted[j] > v; j--)
			sorted[j + 1] = sorted[j]
		sorted[j + 1] = v
	}
	return n % 2 ? sorted[(n + 1) / 2] : (sorted[n / 2] + sorted[n / 2 + 1]) / 2
}

# What does not differ by route is reported for "itsy".
function of(row, name, value)
{
	value = median(row, name)
	if (value == "-" && name == "itsy-irqfd")
		value = median(row, "itsy")
	return value
}

function ratio(value, base)
{
	return value == "-" || base == "-" || base == 0 ? "-" : sprintf("%.2f", value / base)
}

function commas(digits, head)
{
	for (head = ""; length(digits) > 3; digits = substr(digits, 1, length(digits) - 3))
		head = "," substr(digits, length(digits) - 2) head
	return digits head
}

function shown(value)
{
	if (value == "-")
		return value
	if (value == int(value) || value >= 1000)
		return commas(sprintf("%.0f", value))
	return sprintf("%.2f", value)
}

END {
	print "| | unit | host's own | QEMU | itsy irqfd | itsy uring | itsy spin | irqfd : QEMU | uring : QEMU | spin : QEMU | irqfd : host | uring : host |"
	print "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
	for (r = 1; r <= nr_rows; r++) {
		row = rows[r]
		line = "| " row " | " unit[row]
		for (w = 1; w <= nr_who; w++) {
			v[w] = of(row, who[w])
			line = line " | " shown(v[w])
		}
		print line " | " ratio(v[3], v[2]) " | " ratio(v[4], v[2]) " | " ratio(v[5], v[2]) " | " ratio(v[3], v[1]) " | " ratio(v[4], v[1]) " |"
		if (ratios && v[2] != "-")
			print row "|" ratio(v[3], v[2]) "|" ratio(v[4], v[2]) "|" ratio(v[5], v[2]) "|" unit[row] >>ratios
	}
}
