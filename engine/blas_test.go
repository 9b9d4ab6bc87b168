package engine

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/blas/gonum"

	"github.com/pold-network/pold/engine/internal/exact"
)

// TestEveryOtherBLASRoutinePanics calls each method of gonum's interface with zero values.
func TestEveryOtherBLASRoutinePanics(t *testing.T) {
	iface := reflect.TypeFor[blas.Float32]()
	v := reflect.ValueOf(BLAS{})
	for i := range iface.NumMethod() {
		name := iface.Method(i).Name
		if name == "Sgemm" {
			continue
		}
		method := v.MethodByName(name)
		args := make([]reflect.Value, method.Type().NumIn())
		for j := range args {
			args[j] = reflect.Zero(method.Type().In(j))
		}
		text := mustPanic(func() { method.Call(args) })
		if !strings.Contains(text, name+" has no definition") {
			t.Errorf("%s: expected a panic that says it is not defined, got %q", name, text)
		}
	}
}

func TestSgemmIsTheSameProductThroughGonum(t *testing.T) {
	blas32.Use(BLAS{})
	t.Cleanup(func() { blas32.Use(gonum.Implementation{}) })
	numbers := func(n int) []float32 { return selfTestNumbers("sgemm", n) }
	const m, n, k = 6, 5, 20
	a := blas32.General{Rows: m, Cols: k, Stride: k, Data: numbers(m * k)}
	b := blas32.General{Rows: n, Cols: k, Stride: k, Data: numbers(n * k)}
	for _, c := range []struct{ alpha, beta float32 }{{1, 0}, {1, 1}, {0.3, 0}, {-1.7, 0.9}, {0, 0.5}} {
		t.Run(fmt.Sprintf("alpha %v, beta %v", c.alpha, c.beta), func(t *testing.T) {
			before := numbers(m * n)
			if c.beta == 0 {
				before[0] = exact.NaN() // must not be read
			}
			got := blas32.General{Rows: m, Cols: n, Stride: n, Data: slices.Clone(before)}
			blas32.Gemm(blas.NoTrans, blas.Trans, c.alpha, a, b, c.beta, got)
			for i := range m {
				for j := range n {
					acc := float32(before[i*n+j] * c.beta)
					if c.beta == 0 {
						acc = 0
					}
					for q := 0; q < k && c.alpha != 0; q++ {
						acc = exact.FMA(float32(c.alpha*a.Data[i*k+q]), b.Data[j*k+q], acc)
					}
					if math.Float32bits(acc) != math.Float32bits(got.Data[i*n+j]) {
						t.Fatalf("element (%d, %d): expected %x, got %x", i, j, acc, got.Data[i*n+j])
					}
				}
			}
		})
	}
}

func TestSgemmRefusesSizesThatDoNotFit(t *testing.T) {
	x := make([]float32, 6)
	for name, call := range map[string]func(){
		"negative size":           func() { BLAS{}.Sgemm('N', 'N', -1, 2, 3, 1, x, 3, x, 2, 0, x, 2) },
		"short A":                 func() { BLAS{}.Sgemm('N', 'N', 3, 2, 3, 1, x, 3, x, 2, 0, x, 2) },
		"small leading dimension": func() { BLAS{}.Sgemm('N', 'N', 2, 2, 3, 1, x, 2, x, 2, 0, x, 2) },
		"unknown transposition":   func() { BLAS{}.Sgemm('X', 'N', 2, 2, 3, 1, x, 3, x, 2, 0, x, 2) },
	} {
		if mustPanic(call) == "" {
			t.Errorf("%s: expected a panic", name)
		}
	}
}

// mustPanic returns the text that call panics with, empty when it returns.
func mustPanic(call func()) (text string) {
	defer func() {
		if r := recover(); r != nil {
			text = fmt.Sprint(r)
		}
	}()
	call()
	return ""
}
