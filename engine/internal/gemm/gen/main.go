// Command gen writes the assembly of package gemm: tile kernels and transposing packs for AVX2, AVX-512 and NEON. Run it with
// "go generate" in the directory above; the test of this package checks that the files are current.
//
// The three writers make the same kernel from different instructions: amd64.go for both widths of amd64, arm64.go for NEON. The
// comments on the fields of the Go struct tiles, in kernel.go of package gemm, say what a kernel does; layout.go repeats their offsets.
package main

import (
	"log"
	"os"
)

func main() {
	for name, text := range Files() {
		if err := os.WriteFile(name, text, 0o644); err != nil {
			log.Fatal(err)
		}
	}
}

// Files returns the generated files by name. They belong in the directory of package gemm, where "go generate" runs this command.
func Files() map[string][]byte {
	return map[string][]byte{
		"avx2_amd64.s":   avx2.file(),
		"avx512_amd64.s": avx512.file(),
		"neon_arm64.s":   neonFile(),
	}
}
