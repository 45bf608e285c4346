# SPDX-License-Identifier: MIT
#
# scale.awk - what scale.sh found ("scale KIND N ROUTE P50 P99 USER KERNEL") as a table. The memory is that of the
# guests whose interrupts take the route uring.

BEGIN {
	title["vectors"] = "vectors of one function"
	title["functions"] = "functions that share 128 vectors"
	title["vms"] = "guests with 64 vectors, all but one asleep"
	title["busy-vms"] = "guests with 64 vectors, all interrupted"
	print "| how many | of what | irqfd p50, p99 | uring p50, p99 | uring : irqfd | itsy's memory, KiB | the kernel's, KiB |"
	print "|--:|---|--:|--:|--:|--:|--:|"
}

function kib(bytes)
{
	return bytes == "-" || bytes == "" ? "-" : sprintf("%.0f", bytes / 1024)
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
	if ($4 == "uring") {
		user[row] = $7
		kernel[row] = $8
	}
}

END {
	for (row = 1; row <= nr; row++)
		printf "| %s | %s | %s, %s | %s, %s | %.2f | %s | %s |\n", n[row],
			kind[row] in title ? title[kind[row]] : kind[row],
			p50[row, "irqfd"], p99[row, "irqfd"], p50[row, "uring"], p99[row, "uring"],
			p50[row, "irqfd"] ? p50[row, "uring"] / p50[row, "irqfd"] : 0,
			kib(user[row]), kib(kernel[row])
}
