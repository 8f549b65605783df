package chart

import (
	"bytes"
	"errors"
	"fmt"
	"math"

	"github.com/go-analyze/charts/chartdraw"
	"github.com/go-analyze/charts/chartdraw/drawing"
)

// Size of a drawing in units of SVG, and where in it the canvas begins.
const (
	width, height = 960, 460
	top           = 92 // room for title and legend
)

// palette is that of Okabe and Ito, which people with any colour vision can tell apart.
var palette = []drawing.Color{
	drawing.ColorFromHex("0072B2"), drawing.ColorFromHex("D55E00"), drawing.ColorFromHex("009E73"),
	drawing.ColorFromHex("CC79A7"), drawing.ColorFromHex("E69F00"), drawing.ColorFromHex("56B4E9"),
	drawing.ColorFromHex("000000"), drawing.ColorFromHex("999933"),
}

func colour(i int) drawing.Color { return palette[i%len(palette)] }

var (
	grey = drawing.ColorFromHex("D8D8D8")
	dark = drawing.ColorFromHex("333333")
)

// A tick is a labelled place of an axis, in the numbers of the data.
type tick struct {
	at    float64
	label string
}

// An axis goes from its first tick to its last.
type axis struct {
	name  string
	log   bool
	ticks []tick
}

// scale is where a value is drawn: within the axis, or at its end.
func (a *axis) scale(v float64) float64 {
	lo, hi := a.ticks[0].at, a.ticks[len(a.ticks)-1].at
	v = min(max(v, lo), hi)
	if a.log {
		return math.Log10(v)
	}
	return v
}

// A series is one colour of a plot.
type series struct {
	name   string
	colour drawing.Color
	dashed bool
	x, y   []float64
	spread []float64 // of y, up and down; nil for none
	bars   float64   // the width of bars that stand at x, in the numbers of x; 0 for a line
	labels []string  // above the bars; nil for none
}

// A plot is a drawing before it is drawn.
type plot struct {
	title string
	x, y  axis
	mark  float64 // the y of a line across; 0 for none
	all   []series
}

var small = chartdraw.Style{FontStyle: chartdraw.FontStyle{FontSize: 8.5, FontColor: dark}}

// svg draws.
func (p *plot) svg() ([]byte, error) {
	c := chartdraw.Chart{
		Title: p.title, Width: width, Height: height,
		TitleStyle: chartdraw.Style{FontStyle: chartdraw.FontStyle{FontSize: 14, FontColor: dark}},
		Background: chartdraw.Style{Padding: chartdraw.NewBox(top, 24, 24, 16)},
		XAxis: chartdraw.XAxis{Name: p.x.name, Ticks: p.x.drawn(), TickStyle: small, NameStyle: small,
			GridMajorStyle: chartdraw.Hidden(), GridMinorStyle: chartdraw.Hidden()},
		YAxis: chartdraw.YAxis{Style: chartdraw.Hidden(), Range: &chartdraw.ContinuousRange{Min: 0, Max: 1}},
		YAxisSecondary: chartdraw.YAxis{Ticks: p.y.drawn(), GridLines: p.y.grid(), TickStyle: small,
			GridMajorStyle: chartdraw.Style{StrokeColor: grey, StrokeWidth: 1}},
		Elements: []chartdraw.Renderable{p.legend},
	}
	for i := range p.all {
		c.Series = append(c.Series, drawnSeries{p, &p.all[i]})
	}
	var b bytes.Buffer
	if err := c.Render(chartdraw.SVG, &b); err != nil {
		return nil, fmt.Errorf("the chart %q cannot be drawn: %w", p.title, err)
	}
	return append(b.Bytes(), '\n'), nil
}

func (a *axis) drawn() (ts []chartdraw.Tick) {
	for _, t := range a.ticks {
		ts = append(ts, chartdraw.Tick{Value: a.scale(t.at), Label: t.label})
	}
	return ts
}

func (a *axis) grid() (ls []chartdraw.GridLine) {
	for _, t := range a.ticks[1:] {
		ls = append(ls, chartdraw.GridLine{Value: a.scale(t.at)})
	}
	return ls
}

// drawnSeries is a series as the library takes it.
type drawnSeries struct {
	*plot
	*series
}

var errEmpty = errors.New("a series has no points")

func (s drawnSeries) GetName() string               { return s.name }
func (s drawnSeries) GetYAxis() chartdraw.YAxisType { return chartdraw.YAxisSecondary }
func (s drawnSeries) GetStyle() chartdraw.Style     { return chartdraw.Style{StrokeColor: s.colour} }
func (s drawnSeries) Len() int                      { return len(s.series.x) }

func (s drawnSeries) GetValues(i int) (x, y float64) {
	return s.plot.x.scale(s.series.x[i]), s.plot.y.scale(s.series.y[i])
}

func (s drawnSeries) Validate() error {
	if len(s.series.x) == 0 || len(s.series.x) != len(s.series.y) {
		return errEmpty
	}
	return nil
}

// Render draws the series, and above the last one the mark.
func (s drawnSeries) Render(r chartdraw.Renderer, box chartdraw.Box, xr, yr chartdraw.Range, _ chartdraw.Style) {
	r.ResetStyle()
	at := func(x, y float64) (int, int) {
		return box.Left + xr.Translate(s.plot.x.scale(x)), box.Bottom - yr.Translate(s.plot.y.scale(y))
	}
	if s.bars > 0 {
		s.drawBars(r, box, at)
	} else {
		s.drawLine(r, at)
	}
	for i, d := range s.spread {
		x, low := at(s.series.x[i], s.series.y[i]-d)
		_, high := at(s.series.x[i], s.series.y[i]+d)
		if low-high > 1 {
			line(r, dark, 1, x, low, x, high)
		}
	}
	if s.mark != 0 && s.series == &s.all[len(s.all)-1] {
		_, y := at(s.plot.x.ticks[0].at, s.mark)
		line(r, dark, 1, box.Left, y, box.Right, y)
	}
}

func (s drawnSeries) drawBars(r chartdraw.Renderer, box chartdraw.Box, at func(x, y float64) (int, int)) {
	for i, v := range s.series.y {
		left, y := at(s.series.x[i]-s.bars/2, v)
		right, _ := at(s.series.x[i]+s.bars/2, v)
		r.SetFillColor(s.colour)
		r.MoveTo(left, box.Bottom)
		r.LineTo(left, y)
		r.LineTo(right, y)
		r.LineTo(right, box.Bottom)
		r.Close()
		r.Fill()
		if s.labels != nil && s.labels[i] != "" {
			text(r, 8, s.labels[i], left, y-4)
		}
	}
}

func (s drawnSeries) drawLine(r chartdraw.Renderer, at func(x, y float64) (int, int)) {
	r.SetStrokeColor(s.colour)
	r.SetStrokeWidth(2)
	if s.dashed {
		r.SetStrokeDashArray([]float64{6, 4})
	}
	for i := range s.series.x {
		if x, y := at(s.series.x[i], s.series.y[i]); i == 0 {
			r.MoveTo(x, y)
		} else {
			r.LineTo(x, y)
		}
	}
	r.Stroke()
	r.SetStrokeDashArray(nil)
	if len(s.series.x) > dotsUpTo {
		return
	}
	r.SetFillColor(s.colour)
	for i := range s.series.x {
		x, y := at(s.series.x[i], s.series.y[i])
		r.Circle(3, x, y)
		r.Fill()
	}
}

// dotsUpTo is how many points a line of measurements has at most; more are a curve that
// was computed.
const dotsUpTo = 12

func line(r chartdraw.Renderer, c drawing.Color, width float64, x0, y0, x1, y1 int) {
	r.SetStrokeColor(c)
	r.SetStrokeWidth(width)
	r.SetStrokeDashArray(nil)
	r.MoveTo(x0, y0)
	r.LineTo(x1, y1)
	r.Stroke()
}

func text(r chartdraw.Renderer, size float64, s string, x, y int) {
	chartdraw.Draw.Text(r, s, x, y, chartdraw.Style{
		FontStyle: chartdraw.FontStyle{FontSize: size, FontColor: dark, Font: chartdraw.GetDefaultFont()}})
}

// legend names the series, in lines below the title, and the axis to the left.
func (p *plot) legend(r chartdraw.Renderer, box chartdraw.Box, _ chartdraw.Style) {
	const left, lineHeight, square, gap = 40, 18, 11, 22
	style := chartdraw.Style{FontStyle: chartdraw.FontStyle{FontSize: 9, FontColor: dark, Font: chartdraw.GetDefaultFont()}}
	text(r, 8.5, p.y.name, box.Left+4, box.Top-6)
	x, y := left, 48
	for _, s := range p.all {
		if s.name == "" {
			continue
		}
		w := chartdraw.Draw.MeasureText(r, s.name, style).Width()
		if x+square+6+w > width-left {
			x, y = left, y+lineHeight
		}
		r.ResetStyle()
		r.SetFillColor(s.colour)
		r.MoveTo(x, y-square+1)
		r.LineTo(x+square, y-square+1)
		r.LineTo(x+square, y+1)
		r.LineTo(x, y+1)
		r.Close()
		r.Fill()
		text(r, 9, s.name, x+square+6, y)
		x += square + 6 + w + gap
	}
}
