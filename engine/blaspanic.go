package engine

import "gonum.org/v1/gonum/blas"

// undefined is what every routine but Sgemm panics with.
func undefined(name string) string {
	return "engine: " + name + " has no definition with the same bits on every machine; use Sgemm, or use gonum's own implementation outside of consensus"
}

// Level 1 routines: none is defined. Each panics.

// Sdsdot panics.
func (BLAS) Sdsdot(int, float32, []float32, int, []float32, int) float32 { panic(undefined("Sdsdot")) }

// Dsdot panics.
func (BLAS) Dsdot(int, []float32, int, []float32, int) float64 { panic(undefined("Dsdot")) }

// Sdot panics.
func (BLAS) Sdot(int, []float32, int, []float32, int) float32 { panic(undefined("Sdot")) }

// Snrm2 panics.
func (BLAS) Snrm2(int, []float32, int) float32 { panic(undefined("Snrm2")) }

// Sasum panics.
func (BLAS) Sasum(int, []float32, int) float32 { panic(undefined("Sasum")) }

// Isamax panics.
func (BLAS) Isamax(int, []float32, int) int { panic(undefined("Isamax")) }

// Sswap panics.
func (BLAS) Sswap(int, []float32, int, []float32, int) { panic(undefined("Sswap")) }

// Scopy panics.
func (BLAS) Scopy(int, []float32, int, []float32, int) { panic(undefined("Scopy")) }

// Saxpy panics.
func (BLAS) Saxpy(int, float32, []float32, int, []float32, int) { panic(undefined("Saxpy")) }

// Srotg panics.
func (BLAS) Srotg(float32, float32) (c, s, r, z float32) { panic(undefined("Srotg")) }

// Srotmg panics.
func (BLAS) Srotmg(float32, float32, float32, float32) (p blas.SrotmParams, rd1, rd2, rb1 float32) {
	panic(undefined("Srotmg"))
}

// Srot panics.
func (BLAS) Srot(int, []float32, int, []float32, int, float32, float32) { panic(undefined("Srot")) }

// Srotm panics.
func (BLAS) Srotm(int, []float32, int, []float32, int, blas.SrotmParams) { panic(undefined("Srotm")) }

// Sscal panics.
func (BLAS) Sscal(int, float32, []float32, int) { panic(undefined("Sscal")) }

// Level 2 routines: none is defined. Each panics.

// Sgemv panics.
func (BLAS) Sgemv(blas.Transpose, int, int, float32, []float32, int, []float32, int, float32, []float32, int) {
	panic(undefined("Sgemv"))
}

// Sgbmv panics.
func (BLAS) Sgbmv(blas.Transpose, int, int, int, int, float32, []float32, int, []float32, int, float32, []float32, int) {
	panic(undefined("Sgbmv"))
}

// Strmv panics.
func (BLAS) Strmv(blas.Uplo, blas.Transpose, blas.Diag, int, []float32, int, []float32, int) {
	panic(undefined("Strmv"))
}

// Stbmv panics.
func (BLAS) Stbmv(blas.Uplo, blas.Transpose, blas.Diag, int, int, []float32, int, []float32, int) {
	panic(undefined("Stbmv"))
}

// Stpmv panics.
func (BLAS) Stpmv(blas.Uplo, blas.Transpose, blas.Diag, int, []float32, []float32, int) {
	panic(undefined("Stpmv"))
}

// Strsv panics.
func (BLAS) Strsv(blas.Uplo, blas.Transpose, blas.Diag, int, []float32, int, []float32, int) {
	panic(undefined("Strsv"))
}

// Stbsv panics.
func (BLAS) Stbsv(blas.Uplo, blas.Transpose, blas.Diag, int, int, []float32, int, []float32, int) {
	panic(undefined("Stbsv"))
}

// Stpsv panics.
func (BLAS) Stpsv(blas.Uplo, blas.Transpose, blas.Diag, int, []float32, []float32, int) {
	panic(undefined("Stpsv"))
}

// Ssymv panics.
func (BLAS) Ssymv(blas.Uplo, int, float32, []float32, int, []float32, int, float32, []float32, int) {
	panic(undefined("Ssymv"))
}

// Ssbmv panics.
func (BLAS) Ssbmv(blas.Uplo, int, int, float32, []float32, int, []float32, int, float32, []float32, int) {
	panic(undefined("Ssbmv"))
}

// Sspmv panics.
func (BLAS) Sspmv(blas.Uplo, int, float32, []float32, []float32, int, float32, []float32, int) {
	panic(undefined("Sspmv"))
}

// Sger panics.
func (BLAS) Sger(int, int, float32, []float32, int, []float32, int, []float32, int) {
	panic(undefined("Sger"))
}

// Ssyr panics.
func (BLAS) Ssyr(blas.Uplo, int, float32, []float32, int, []float32, int) { panic(undefined("Ssyr")) }

// Sspr panics.
func (BLAS) Sspr(blas.Uplo, int, float32, []float32, int, []float32) { panic(undefined("Sspr")) }

// Ssyr2 panics.
func (BLAS) Ssyr2(blas.Uplo, int, float32, []float32, int, []float32, int, []float32, int) {
	panic(undefined("Ssyr2"))
}

// Sspr2 panics.
func (BLAS) Sspr2(blas.Uplo, int, float32, []float32, int, []float32, int, []float32) {
	panic(undefined("Sspr2"))
}

// Level 3 routines: none is defined except Sgemm. Each panics.

// Ssymm panics.
func (BLAS) Ssymm(blas.Side, blas.Uplo, int, int, float32, []float32, int, []float32, int, float32, []float32, int) {
	panic(undefined("Ssymm"))
}

// Ssyrk panics.
func (BLAS) Ssyrk(blas.Uplo, blas.Transpose, int, int, float32, []float32, int, float32, []float32, int) {
	panic(undefined("Ssyrk"))
}

// Ssyr2k panics.
func (BLAS) Ssyr2k(blas.Uplo, blas.Transpose, int, int, float32, []float32, int, []float32, int, float32, []float32, int) {
	panic(undefined("Ssyr2k"))
}

// Strmm panics.
func (BLAS) Strmm(blas.Side, blas.Uplo, blas.Transpose, blas.Diag, int, int, float32, []float32, int, []float32, int) {
	panic(undefined("Strmm"))
}

// Strsm panics.
func (BLAS) Strsm(blas.Side, blas.Uplo, blas.Transpose, blas.Diag, int, int, float32, []float32, int, []float32, int) {
	panic(undefined("Strsm"))
}
