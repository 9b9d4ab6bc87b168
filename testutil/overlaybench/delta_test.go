package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/pold-network/pold/sidecar/weightdelta"
)

func TestWhatIsShippedIsChecked(t *testing.T) {
	base := bytes.Repeat([]byte("0123456789abcdef"), 1<<12)
	full := bytes.Clone(base)
	full[1000]++
	delta, smaller := weightdelta.Encode(base, full)
	if !smaller {
		t.Fatal("expected a smaller delta")
	}
	if got := ship(base, full); !bytes.Equal(got, delta) {
		t.Errorf("expected the delta of %d bytes to be shipped, got %d bytes", len(delta), len(got))
	}
	if err := restores(base, full, delta); err != nil {
		t.Error(err)
	}
	if err := restores(full, base, delta); err == nil {
		t.Error("expected a delta of other files to be refused")
	}
	small := []byte{1}
	if got := ship(base, small); !bytes.Equal(got, small) {
		t.Errorf("expected a tiny file to be shipped as it is, got %d bytes", len(got))
	}
}

func TestALargeArtefactNeedsDisk(t *testing.T) {
	if err := enoughDisk(t.TempDir(), 1); err != nil {
		t.Error(err)
	}
	if err := enoughDisk(t.TempDir(), 1<<60); err == nil || !strings.Contains(err.Error(), "TMPDIR") {
		t.Errorf("expected an error that says what to do, got %v", err)
	}
}
