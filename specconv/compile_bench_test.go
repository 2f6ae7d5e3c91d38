package specconv

import "testing"

// BenchmarkCompile measures the warm case; the first compilation of a process
// costs two to three times as much, mostly in page faults.
func BenchmarkCompile(b *testing.B) {
	for _, name := range []string{"spec-default", "everything"} {
		b.Run(name, func(b *testing.B) {
			bundle := loadConfig(b, name)
			o := testOptions(bundle)
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := Compile(bundle, o); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
