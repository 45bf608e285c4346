# SPDX-License-Identifier: MIT
#
# scale.awk - what scale.sh found ("scale KIND N ROUTE P50 P99 USER KERNEL BURST") as a table. The memory is that
# of the guests whose interrupts take the route uring. Used with lib.awk before it.

BEGIN {
	title["vectors"] = "vectors of one function"
	title["functions"] = "functions that share 128 vectors"
	title["vms"] = "guests with 64 vectors, all but one asleep"
	title["busy-vms"] = "guests with 64 vectors, all interrupted"
	print "| how many | of what | irqfd p50 | p99 | of 16 at once | uring p50 | p99 | of 16 at once | uring : irqfd | itsy's memory, KiB | the kernel's, KiB |"
	print "|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
}

function kib(bytes)
{
	return bytes == "-" || bytes == "" ? "-" : commas(sprintf("%.0f", bytes / 1024))
}

$1 == "scale" {
	key = $2 SUBSEP $3
	if (!(key in seen)) {
		seen[key] = ++nr
		kind[nr] = $2
		n[nr] = $3
	}
	row = seen[key]
	p50[row, $4] = $5
	p99[row, $4] = $6
	burst[row, $4] = $9
	if ($4 == "uring") {
		user[row] = $7
		kernel[row] = $8
	}
}

function cost(row, route)
{
	return shown(p50[row, route]) " | " shown(p99[row, route]) " | " shown(burst[row, route])
}

END {
	for (row = 1; row <= nr; row++)
		printf "| %s | %s | %s | %s | %s | %s | %s |\n", commas(n[row] ""),
			kind[row] in title ? title[kind[row]] : kind[row], cost(row, "irqfd"), cost(row, "uring"),
			ratio(p50[row, "uring"], p50[row, "irqfd"]), kib(user[row]), kib(kernel[row])
}
