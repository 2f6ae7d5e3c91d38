package specconv

import (
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkStages measures what is done with a bundle before it is compiled. A
// program that runs once pays several times as much for pages touched first.
func BenchmarkStages(b *testing.B) {
	for _, name := range []string{"spec-default", "docker-default-v2"} {
		raw, err := os.ReadFile("testdata/configs/" + name + ".json")
		if err != nil {
			b.Fatal(err)
		}
		dir := b.TempDir()
		if err := os.WriteFile(filepath.Join(dir, ConfigFile), raw, 0o600); err != nil {
			b.Fatal(err)
		}
		bundle, err := Load(dir)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name+"/load", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = Load(dir) // checked above
			}
		})
		b.Run(name+"/decode", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = Decode(raw) // checked above
			}
		})
		b.Run(name+"/validate", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Validate(bundle, Options{Host: validHost()})
			}
		})
	}
}
