# SPDX-License-Identifier: MIT
#
# peers.gp - itsy beside QEMU: bars of what table.awk wrote with -v ratios=FILE
#
#   gnuplot -e "data='FILE'; picture='peers.svg'" tests/peers/peers.gp

set terminal svg size 900, 480 font "sans-serif,13" background rgb "white"
set output picture
set datafile separator "|"
set datafile missing "-"
set title "itsy : QEMU, medians (below 1: itsy takes less)"
set style data histograms
set style histogram clustered gap 1.5
set style fill solid 0.9 border -1
set boxwidth 0.9
set ylabel "ratio"
set yrange [0:*]
set grid ytics linecolor rgb "#cccccc"
set xtics rotate by -30 left noenhanced
set key top left
set rmargin 12
plot 1 with lines linecolor rgb "#888888" dashtype 2 title "QEMU", \
	data using 2:xtic(strcol(1).", ".strcol(4)) linecolor rgb "#1f77b4" title "route irqfd", \
	"" using 3 linecolor rgb "#ff7f0e" title "route uring"
