package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// sizeUnits are the letters for powers of 1024, the first power first.
const sizeUnits = "kmgtp"

// parseSize reads a number of bytes: "1048576", "512m", "1.5GiB". -1 means no
// limit. The grammar is that of Docker's options.
func parseSize(text string) (int64, error) {
	if text == "-1" {
		return -1, nil
	}
	end := strings.LastIndexAny(text, "0123456789.") + 1
	number, unit := text[:end], strings.TrimPrefix(text[end:], " ")
	size, err := strconv.ParseFloat(number, 64)
	if err != nil || size < 0 || !isPlain(number) {
		return 0, fmt.Errorf("invalid size: '%s'", text)
	}
	factor, ok := sizeFactor(strings.ToLower(unit))
	if !ok {
		return 0, fmt.Errorf("invalid suffix: '%s'", unit)
	}
	size *= factor
	if size >= math.MaxInt64 {
		return 0, fmt.Errorf("invalid size: '%s': value out of range", text)
	}
	return int64(size), nil
}

// isPlain: digits and at most a point, while the standard library also knows
// exponents, underscores and infinity.
func isPlain(number string) bool { return strings.Trim(number, "0123456789.") == "" }

// sizeFactor reads a unit: nothing or "b" for bytes, or a letter, perhaps with "b"
// or "ib" behind it.
func sizeFactor(unit string) (float64, bool) {
	if unit == "" || unit == "b" {
		return 1, true
	}
	power := strings.IndexByte(sizeUnits, unit[0]) + 1
	switch unit[1:] {
	case "", "b", "ib":
		return math.Pow(1024, float64(power)), power > 0
	}
	return 0, false
}
