// Package begin does what pays only before everything else: it makes the stack of the first
// goroutine large enough for a whole command.
//
// One that begins with 2 KiB would be doubled, and so copied, five times on the way, by the
// initialisation of the standard library first; every copy walks all frames by tables of the
// program that are not in memory yet. The package imports nothing: Go initialises ready
// packages in the order of their import paths ("Program initialization" in the language
// specification).
package begin

// touched is 0; the compiler does not know.
var touched int

// init has a frame whose size makes the stack grow. Nothing of it is touched.
func init() {
	if touched != 0 {
		var frame [60 << 10]byte
		frame[touched] = 1
		touched = int(frame[touched/2])
	}
}
