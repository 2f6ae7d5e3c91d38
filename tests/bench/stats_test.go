package main

import (
	"math"
	"slices"
	"testing"
	"time"
)

func TestQuantile(t *testing.T) {
	for _, c := range []struct {
		values []float64
		q      float64
		want   float64
	}{
		{[]float64{7}, 0.5, 7},
		{[]float64{3, 1}, 0.5, 2},
		{[]float64{9, 1, 5}, 0.5, 5},
		{[]float64{4, 1, 3, 2}, 0.5, 2.5},
		{[]float64{4, 1, 3, 2}, 0, 1},
		{[]float64{4, 1, 3, 2}, 1, 4},
		{[]float64{0, 10}, 0.9, 9},
	} {
		if got := quantile(c.values, c.q); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("quantile(%v, %v) = %v, want %v", c.values, c.q, got, c.want)
		}
	}
	if !math.IsNaN(quantile(nil, 0.5)) {
		t.Error("the median of nothing is not NaN")
	}
}

func TestQuantileKeepsOrder(t *testing.T) {
	values := []float64{3, 1, 2}
	median(values)
	if !slices.Equal(values, []float64{3, 1, 2}) {
		t.Errorf("the argument was reordered: %v", values)
	}
}

func TestSummarize(t *testing.T) {
	got := summarize([]sample{
		{Wall: 3 * time.Millisecond, CPU: time.Millisecond, Faults: 10, Switches: 4},
		{Wall: 1 * time.Millisecond, CPU: 3 * time.Millisecond, Faults: 30, Switches: 8},
		{Wall: 2 * time.Millisecond, CPU: 2 * time.Millisecond, Faults: 20, Switches: 6},
	})
	want := summary{Runs: 3, MedianUS: 2000, MinUS: 1000, P90US: 2800, CPUUS: 2000, Faults: 20, Switches: 6}
	if math.Abs(got.P90US-want.P90US) < 1e-6 {
		got.P90US = want.P90US
	}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestBisect(t *testing.T) {
	for _, c := range []struct{ low, high, step, threshold, want int64 }{
		{128, 1024, 16, 500, 512},
		{128, 1024, 16, 512, 512},
		{128, 1024, 16, 0, 128},
		{128, 1024, 16, 1024, 1024},
		{128, 1024, 16, 1025, 0},
		{100, 1024, 16, 0, 112},
		{64, 32, 16, 0, 0},
	} {
		calls := 0
		got := bisect(c.low, c.high, c.step, func(n int64) bool { calls++; return n >= c.threshold })
		if got != c.want {
			t.Errorf("bisect(%d, %d, %d) with threshold %d = %d, want %d", c.low, c.high, c.step, c.threshold, got, c.want)
		}
		if calls > 8 {
			t.Errorf("bisect with threshold %d asked %d times", c.threshold, calls)
		}
	}
}
