package engine

import (
	"reflect"
	"strings"
	"testing"

	"gonum.org/v1/gonum/blas"
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
