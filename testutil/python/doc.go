// Package python runs a Python program beside a Go program and talks to it in lines of JSON, one request and one answer at a time.
// Benchmarks use it for peers (OpenBLAS through numpy, PyTorch), which must not share our process, and tests for comparisons.
//
// A script defines functions and hands them to serve.py, which this package puts beside it:
//
//	import serve
//	def add(request): return request["a"] + request["b"]
//	serve.run(add=add)
//
// On the Go side:
//
//	interpreter, err := python.Find("numpy")        // errors.Is(err, python.ErrMissing): say so and skip
//	p, err := python.Start(interpreter, python.Program{Main: "add.py", Files: map[string]string{"add.py": source}})
//	err = p.Call("add", map[string]int{"a": 1, "b": 2}, &sum)
package python
