//go:build libseccomp

package seccomp

import (
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// BenchmarkBothCompilers measures ours and libseccomp's in one run.
func BenchmarkBothCompilers(b *testing.B) {
	b.Run("ours", func(b *testing.B) {
		benchmarkCompile(b, func(spec *specs.LinuxSeccomp) error {
			parse(spec, Options{}).build()
			return nil
		})
	})
	b.Run("libseccomp", func(b *testing.B) {
		benchmarkCompile(b, func(spec *specs.LinuxSeccomp) error {
			_, err := parse(spec, Options{}).assemble(spec)
			return err
		})
	})
}
