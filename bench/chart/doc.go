// Package chart draws a report of package bench: as SVG, and as one HTML page that
// has the drawings in it and needs nothing else.
//
// Charts makes all drawings of a report, those without data left out. A plot (plot.go)
// is a chart in words of this package: linear or logarithmic axes, lines, bars, and a
// legend above; the library chartdraw measures text, places axes and writes SVG. It
// knows linear ranges only as we need them, so logarithms are taken here, and ticks are
// our own.
//
// The package imports bench and the library, and nothing else of cabitrans.
package chart
