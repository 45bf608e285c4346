# SPDX-License-Identifier: MIT
#
# peers.gp - itsy beside QEMU: what table.awk wrote with -v ratios=FILE, a point for each row and route, under a
# heading for each group of units
#
#   gnuplot -e "data='FILE'; picture='peers.svg'; routes='auto irqfd uring spin'; title='...'" tests/peers/peers.gp

set datafile separator "|"
set datafile missing "-"
# The rows, and the headings, which have no ratio.
stats data using (0) name "lines" nooutput
lines = lines_records

height = 170 + 20 * lines
set terminal svg size 960, height font "sans-serif,12" background rgb "white" enhanced
set output picture
# Over the whole picture, not over the points alone.
set label 1 title at screen 0.5, screen 1 offset character 0, -1.5 center noenhanced
set xlabel "ratio to QEMU's figure"
set logscale x 2
set xrange [0.0153:8.2]
set xtics ("1/64" 0.015625, "1/16" 0.0625, "1/4" 0.25, "1/2" 0.5, "1" 1, "2" 2, "4" 4, "8" 8)
set yrange [lines - 0.5:-0.5]
set grid xtics ytics linetype 1 linecolor rgb "#dddddd"
set arrow from 1, graph 0 to 1, graph 1 nohead linecolor rgb "#444444" dashtype 2
set lmargin at screen 0.44
set rmargin at screen 0.97
set tmargin at screen 1 - 50.0 / height
set bmargin at screen 110.0 / height
set key at screen 0.03, screen 0 left bottom vertical Left reverse samplen 1 spacing 1.1

label(line) = strcol(1) eq "heading" ? "{/:Bold ".strcol(2)."}" : strcol(2)
# The default first, with a point of its own that stays to be seen under the others.
array colors[4] = ["#1f5fa8", "#c2571a", "#3a8f4a", "#8a5aa8"]
array points[4] = [7, 4, 8, 10]
array sizes[4] = [1.2, 0.9, 0.9, 0.9]
nr = words(routes)
plot data using (NaN):0:ytic(label(0)) notitle, \
	for [i=1:nr] data using (strcol(1) eq "row" ? column(i + 2) : NaN):0 with points pointtype points[i] \
		pointsize sizes[i] linewidth 1.5 linecolor rgb colors[i] \
		title "itsy ".word(routes, i).(i == 1 ? ", the default" : "")
