package main

import (
	"math"
	"slices"
	"time"
)

// sample is one run: wall time from before fork to after wait, and the resource
// usage of the runtime and of every descendant that it waited for.
type sample struct {
	Wall, CPU time.Duration
	Faults    int64 // page faults served without I/O
	Switches  int64 // context switches, voluntary or not
}

// summary is a series in figures; times are in microseconds.
type summary struct {
	Runs     int     `json:"runs"`
	MedianUS float64 `json:"median_us"`
	MinUS    float64 `json:"min_us"`
	P90US    float64 `json:"p90_us"`
	CPUUS    float64 `json:"cpu_us"`   // median of user plus system time
	Faults   float64 `json:"faults"`   // median
	Switches float64 `json:"switches"` // median
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

func summarize(samples []sample) summary {
	if len(samples) == 0 {
		return summary{} // NaN is nothing that JSON can hold
	}
	wall := column(samples, func(s sample) float64 { return micros(s.Wall) })
	return summary{
		Runs:     len(samples),
		MedianUS: median(wall),
		MinUS:    quantile(wall, 0),
		P90US:    quantile(wall, 0.9),
		CPUUS:    median(column(samples, func(s sample) float64 { return micros(s.CPU) })),
		Faults:   median(column(samples, func(s sample) float64 { return float64(s.Faults) })),
		Switches: median(column(samples, func(s sample) float64 { return float64(s.Switches) })),
	}
}

func column(samples []sample, value func(sample) float64) []float64 {
	values := make([]float64, len(samples))
	for i, s := range samples {
		values[i] = value(s)
	}
	return values
}

func median(values []float64) float64 { return quantile(values, 0.5) }

// quantile interpolates linearly between the two nearest order statistics; it
// is NaN for no values. The argument is not reordered.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	at := q * float64(len(sorted)-1)
	below := int(math.Floor(at))
	above := min(below+1, len(sorted)-1)
	return sorted[below] + (at-float64(below))*(sorted[above]-sorted[below])
}

// bisect returns the smallest multiple of step between low and high, both
// included, for which ok holds. It takes for granted that ok stays true once it
// is; the result is 0 when ok(high) is false.
func bisect(low, high, step int64, ok func(int64) bool) int64 {
	first, last := (low+step-1)/step, high/step
	if last < first || !ok(last*step) {
		return 0
	}
	for first < last {
		middle := first + (last-first)/2
		if ok(middle * step) {
			last = middle
		} else {
			first = middle + 1
		}
	}
	return last * step
}
