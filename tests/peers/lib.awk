# SPDX-License-Identifier: MIT
#
# lib.awk - what table.awk and scale.awk share: numbers for people, and figures of several turns. "-" is no figure.

# 1234567 as 1,234,567
function commas(digits, head)
{
	for (head = ""; length(digits) > 3; digits = substr(digits, 1, length(digits) - 3))
		head = "," substr(digits, length(digits) - 2) head
	return digits head
}

# Whole numbers as they are, others with two decimals; with three where they are small.
function shown(value)
{
	if (value == "-" || value == "")
		return "-"
	if (value == int(value) || value >= 1000)
		return commas(sprintf("%.0f", value))
	return sprintf(value < 0.1 ? "%.3f" : "%.2f", value)
}

function ratio(value, base)
{
	return value == "-" || base == "-" || base == 0 ? "-" : sprintf("%.2f", value / base)
}

# The n numbers list[1] to list[n] in order, into ret. Of few values: insertion sort.
function sort(list, n, ret, i, j)
{
	for (i = 1; i <= n; i++) {
		for (j = i - 1; j >= 1 && ret[j] > list[i] + 0; j--)
			ret[j + 1] = ret[j]
		ret[j + 1] = list[i] + 0
	}
}

function median(sorted, n)
{
	if (!n)
		return "-"
	return n % 2 ? sorted[(n + 1) / 2] : (sorted[n / 2] + sorted[n / 2 + 1]) / 2
}

# How far turns are apart: from the lower to the upper quartile (nearest rank), as a part of the median.
function scatter(sorted, n, middle)
{
	middle = median(sorted, n)
	if (n < 2 || middle == 0)
		return "-"
	return (sorted[int((3 * n + 3) / 4)] - sorted[int((n + 3) / 4)]) / middle
}

# What the n ratios of as many starts, in order, leave open of their median: twice its standard error, by that of a median of
# what is spread normally (the quartiles are 1.35 deviations apart; a median's error is 1.25 deviations by the root of n).
function doubt(sorted, n)
{
	if (n < 3)
		return "-"
	return 2 * 1.25 / 1.35 * scatter(sorted, n) * median(sorted, n) / sqrt(n)
}
