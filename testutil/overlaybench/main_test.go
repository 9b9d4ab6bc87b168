package main

import (
	"os"
	"strings"
	"testing"
)

func TestSectionsAreChosenByName(t *testing.T) {
	all, err := choose("", true)
	if err != nil || len(all) != len(sections) {
		t.Errorf("expected all %d sections, got %d, %v", len(sections), len(all), err)
	}
	some, err := choose("latency,loopback", false)
	if err != nil || len(some) != 2 || some[0].name != "latency" {
		t.Errorf("expected two sections in the order given, got %v, %v", some, err)
	}
	if _, err := choose("speed", false); err == nil || !strings.Contains(err.Error(), "loopback") {
		t.Errorf("expected an error that names the sections, got %v", err)
	}
}

func TestAProcessTellsWhatItUses(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("this system has no /proc")
	}
	pid := os.Getpid()
	before, err := cpuTime(pid)
	if err != nil {
		t.Fatal(err)
	}
	ballast := make([]byte, 64*mib)
	for used := before; used < before+5*tick; { // 50 ms of work, however long it takes
		for i := range ballast {
			ballast[i]++
		}
		if used, err = cpuTime(pid); err != nil {
			t.Fatal(err)
		}
	}
	m, err := memoryOf(pid)
	if err != nil {
		t.Fatal(err)
	}
	if m.now < 64*mib || m.peak < m.now {
		t.Errorf("expected at least 64 MiB now and no lower peak, got %d and %d bytes", m.now, m.peak)
	}
	if err := resetPeak(pid); err != nil {
		t.Fatal(err)
	}
	if _, err := cpuTime(pid, -1); err == nil {
		t.Error("expected an error for a process that does not exist")
	}
}

func TestPortsOfMultiaddrs(t *testing.T) {
	if port, err := portOf("/ip4/127.0.0.1/tcp/4001/p2p/12D3KooW"); err != nil || port != 4001 {
		t.Errorf("expected 4001, got %d, %v", port, err)
	}
	for _, bad := range []string{"", "/ip4/127.0.0.1", "/ip4/127.0.0.1/udp/4001", "/ip4/127.0.0.1/tcp/x"} {
		if _, err := portOf(bad); err == nil {
			t.Errorf("%q: expected an error", bad)
		}
	}
}

func TestArtefactsAreTheSameForTheSameSeed(t *testing.T) {
	a, b := testArtefact(t, 100_003), testArtefact(t, 100_003)
	if a.sha256 != b.sha256 || a.size != 100_003 {
		t.Errorf("expected equal artefacts, got %+v and %+v", a, b)
	}
	if info, err := os.Stat(a.path); err != nil || info.Size() != a.size {
		t.Errorf("expected a file of %d bytes, got %v, %v", a.size, info, err)
	}
}
