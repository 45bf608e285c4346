# SPDX-License-Identifier: MIT
#
# scale.gp - draws what scale.sh measured: instructions for an interrupt over vectors, functions and guests.
#
#   gnuplot -e "data='scale.dat'; picture='scale.svg'" tests/peers/scale.gp
#
# data holds lines of scale.sh, other lines are passed over; picture is the SVG to write. An optional title names
# the machine:  -e "title='Linux 6.1.0-56'". Kind busy-vms is not drawn: its lines would lie on those of vms.

if (!exists("data")) data = 'scale.dat'
if (!exists("picture")) picture = 'scale.svg'
if (!exists("title")) title = ''

set terminal svg size 1200,440 enhanced font 'sans-serif,12' background 'white'
set output picture
set datafile missing '-'
# N, P50, BURST of the lines of a kind and route
points(kind, route) = sprintf("< awk '$1 == \"scale\" && $2 == \"%s\" && $4 == \"%s\" { print $3, $5, $9 }' '%s'", \
	kind, route, data)
stats "< awk '$1 == \"scale\" { print $5; if ($9 != \"-\") print $9 }' '".data."'" using 1 name 'cost' nooutput
# Room above the highest for the key.
top = 5000 * ceil(cost_max * 1.4 / 5000)

set multiplot layout 1,3 title 'Instructions of the host from an eventfd to the guest, medians' \
	.(title eq '' ? '' : ' ('.title.')') noenhanced
set logscale x 2
set yrange [0:top]
set format y '%.0f'
set grid ytics linetype 1 linecolor rgb '#cccccc' linewidth 1
set border 3 linecolor rgb '#444444'
set xtics nomirror
set ytics nomirror
set key top left Left reverse samplen 2.5 spacing 1.1
set style line 1 linecolor rgb '#1f5fa8' linewidth 2 pointtype 7 pointsize 0.6
set style line 2 linecolor rgb '#c2571a' linewidth 2 pointtype 5 pointsize 0.6
set style line 3 linecolor rgb '#1f5fa8' linewidth 2 dashtype 2 pointtype 6 pointsize 0.6
set style line 4 linecolor rgb '#c2571a' linewidth 2 dashtype 2 pointtype 4 pointsize 0.6

set xlabel 'vectors of one function'
set ylabel 'instructions for each interrupt'
set xrange [0.8:2600]
set xtics (1, 4, 16, 64, 256, 2048)
plot points('vectors', 'uring') using 1:2 with linespoints linestyle 1 title 'uring, one at a time', \
     points('vectors', 'uring') using 1:3 with linespoints linestyle 3 title 'uring, 16 at once', \
     points('vectors', 'irqfd') using 1:2 with linespoints linestyle 2 title 'irqfd, one at a time', \
     points('vectors', 'irqfd') using 1:3 with linespoints linestyle 4 title 'irqfd, 16 at once'

unset ylabel
set xlabel 'functions that share 128 vectors'
set xrange [0.9:36]
set xtics (1, 2, 4, 8, 16, 32)
plot for [i=1:2] points('functions', word('uring irqfd', i)) using 1:2 with linespoints linestyle i notitle, \
     for [i=1:2] points('functions', word('uring irqfd', i)) using 1:3 with linespoints linestyle i + 2 notitle

set xlabel 'guests with 64 vectors each, others asleep'
set xrange [0.9:9]
set xtics (1, 2, 4, 8)
plot for [i=1:2] points('vms', word('uring irqfd', i)) using 1:2 with linespoints linestyle i notitle, \
     for [i=1:2] points('vms', word('uring irqfd', i)) using 1:3 with linespoints linestyle i + 2 notitle
unset multiplot
