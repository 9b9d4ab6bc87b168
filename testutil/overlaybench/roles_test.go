package main

import (
	"context"
	"encoding/json"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pold-network/pold/sidecar/swarm"
)

// ask lets a role carry out one operation.
func ask(t *testing.T, r role, op string, args, result any) string {
	t.Helper()
	raw, err := json.Marshal(args)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	a := r.answer(ctx, request{Op: op, Args: raw})
	if a.Error == "" && result != nil {
		if err := json.Unmarshal(a.Result, result); err != nil {
			t.Fatal(err)
		}
	}
	return a.Error
}

// must is ask for what has to succeed.
func must(t *testing.T, r role, op string, args, result any) {
	t.Helper()
	if failed := ask(t, r, op, args, result); failed != "" {
		t.Fatalf("%s: %s", op, failed)
	}
}

func startRole(t *testing.T, name string) role {
	t.Helper()
	r := roles[name]()
	t.Cleanup(func() {
		if err := r.close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func testArtefact(t *testing.T, size int64) artefact {
	t.Helper()
	a, err := newArtefact(filepath.Join(t.TempDir(), "artefact"), size, 1)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestRequestsAreAnsweredInTurnUntilTheInputEnds(t *testing.T) {
	closed := 0
	r := role{
		operations: map[string]operation{"double": operate(func(_ context.Context, n int) (int, error) { return 2 * n, nil })},
		close:      func() error { closed++; return nil },
	}
	in := strings.NewReader(`{"op":"double","args":21}` + "\n" + `{"op":"halve"}` + "\n" + `{"op":"double","args":"x"}` + "\n")
	var out strings.Builder
	if err := serve(t.Context(), in, &out, r); err != nil {
		t.Fatal(err)
	}
	answers := json.NewDecoder(strings.NewReader(out.String()))
	for i, want := range []string{"", "unknown operation", "cannot unmarshal"} {
		var a answer
		if err := answers.Decode(&a); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(a.Error, want) || (want == "") != (a.Error == "") {
			t.Errorf("answer %d: expected an error with %q, got %q", i, want, a.Error)
		}
		if i == 0 && string(a.Result) != "42" {
			t.Errorf("expected 42, got %s", a.Result)
		}
	}
	if _, err := answers.Token(); err != io.EOF {
		t.Errorf("expected three answers, got another one (%v)", err)
	}
	if closed != 1 {
		t.Errorf("expected the role to be closed once, got %d times", closed)
	}
}

func TestACopyIsCompared(t *testing.T) {
	a := testArtefact(t, mib+5)
	sender, receiver := startRole(t, "tcp"), startRole(t, "tcp")
	var at string
	must(t, sender, "serve", serveFile{a.path}, &at)
	must(t, receiver, "receive", receiveFile{at, a.size, a.sha256}, nil)
	if failed := ask(t, receiver, "receive", receiveFile{at, a.size, [32]byte{1}}, nil); failed == "" {
		t.Error("expected other bytes to be refused")
	}
	if failed := ask(t, receiver, "receive", receiveFile{at, a.size + 1, a.sha256}, nil); failed == "" {
		t.Error("expected missing bytes to be refused")
	}
}

func TestBitswapMovesChunksAndForgetsThem(t *testing.T) {
	a := testArtefact(t, 2*mib+5)
	holder, fetcher := startRole(t, "bitswap"), startRole(t, "bitswap")
	var at bitswapPeer
	var chunks []string
	must(t, holder, "open", none{}, &at)
	must(t, fetcher, "open", none{}, nil)
	must(t, holder, "add", a.path, &chunks)
	if len(chunks) != 3 {
		t.Fatalf("expected 3 chunks, got %q", chunks)
	}
	must(t, fetcher, "connect", at, nil)
	for range 2 {
		must(t, fetcher, "fetch", chunks, nil)
		must(t, fetcher, "forget", chunks, nil)
	}
}

func TestANodeDownloadsThroughTheProxyAndForgets(t *testing.T) {
	a := testArtefact(t, 2*mib+5)
	p, err := newProxy(line{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.close() }()
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	through, err := p.routePort(port)
	if err != nil {
		t.Fatal(err)
	}
	holder, fetcher := startRole(t, "node"), startRole(t, "node")
	var at swarm.PeerInfo
	var id string
	must(t, holder, "open", openNode{Home: t.TempDir(), Listen: []string{multiaddr(port)}, Announce: []string{multiaddr(through)}}, &at)
	must(t, fetcher, "open", openNode{Home: t.TempDir()}, nil)
	must(t, holder, "add", a.path, &id)
	must(t, fetcher, "peers", []swarm.PeerInfo{at}, nil)
	for turn := range int64(2) {
		must(t, fetcher, "remove", id, nil)
		if failed := ask(t, fetcher, "hash", id, nil); failed == "" {
			t.Error("expected nothing to be stored before the download")
		}
		must(t, fetcher, "download", id, nil)
		var got [32]byte
		must(t, fetcher, "hash", id, &got)
		if got != a.sha256 {
			t.Errorf("expected SHA-256 %x, got %x", a.sha256, got)
		}
		if carried := p.carried(); carried < (turn+1)*a.size {
			t.Errorf("expected at least %d bytes through the proxy, got %d", (turn+1)*a.size, carried)
		}
	}
}
