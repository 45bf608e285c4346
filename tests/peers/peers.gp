# SPDX-License-Identifier: MIT
#
# peers.gp - itsy beside QEMU: a line for each row that table.awk wrote with -v ratios=FILE, a point for each route
#
#   gnuplot -e "data='FILE'; picture='peers.svg'" tests/peers/peers.gp

set datafile separator "|"
set datafile missing "-"
stats data using 0 name "rows" nooutput
rows = rows_records

set terminal svg size 900, 120 + 24 * rows font "sans-serif,13" background rgb "white"
set output picture
set title "itsy : QEMU, medians; further left is better"
set xlabel "ratio"
set logscale x 2
set xrange [0.015625:8]
set xtics ("1/64" 0.015625, "1/32" 0.03125, "1/16" 0.0625, "1/8" 0.125, "1/4" 0.25, "1/2" 0.5, "1" 1, "2" 2, "4" 4, "8" 8)
set yrange [rows - 0.5:-0.5]
set grid xtics ytics linetype 1 linecolor rgb "#dddddd"
set arrow from 1, graph 0 to 1, graph 1 nohead linecolor rgb "#444444" dashtype 2
set key outside bottom center horizontal
set lmargin 48
plot data using 2:0:ytic(strcol(1).", ".strcol(5)) with points pointtype 7 pointsize 0.9 linecolor rgb "#1f5fa8" \
		title "route irqfd", \
	"" using 3:0 with points pointtype 5 pointsize 0.9 linecolor rgb "#c2571a" title "route uring", \
	"" using 4:0 with points pointtype 9 pointsize 0.9 linecolor rgb "#3a8f4a" title "route spin"
