package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestGeneratedFilesAreCurrent runs the generator in memory.
func TestGeneratedFilesAreCurrent(t *testing.T) {
	files, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			t.Error(err)
		} else if !bytes.Equal(got, want) {
			t.Errorf("%s: expected the output of the generator; run go generate ./engine/internal/vector", name)
		}
	}
	found, err := filepath.Glob("../kernels_*")
	if err != nil || len(found) != len(files) {
		t.Errorf("expected %d generated files, got %d, %v", len(files), len(found), err)
	}
}
