package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func nothing(string, ...any) {}

func fileOf(b []byte) file {
	hash := sha256.Sum256(b)
	return file{what: "the table", cid: "bafk", sha256: hash[:], size: uint64(len(b))}
}

func TestFilesAreFetchedOnceAndCheckedEveryTime(t *testing.T) {
	want, arrives, fetched := []byte(first), []byte(first), 0
	l := &library{dir: filepath.Join(t.TempDir(), "files"), say: nothing, fetch: func(_ context.Context, _ file, path string) error {
		fetched++
		return os.WriteFile(path, arrives, 0o600)
	}}
	f := fileOf(want)
	for range 2 {
		b, err := l.get(t.Context(), f)
		require.NoError(t, err)
		require.Equal(t, want, b)
	}
	require.Equal(t, 1, fetched)

	require.NoError(t, os.WriteFile(l.path(f.sha256), want[:3], 0o600)) // a disk that lost the rest
	_, err := l.get(t.Context(), f)
	require.NoError(t, err)
	require.Equal(t, 2, fetched)

	other := fileOf([]byte(second))
	_, err = l.get(t.Context(), other)
	require.ErrorContains(t, err, "the table: expected 20 bytes, got 16")
	require.Equal(t, exitMismatch, exitCode(err))
	require.NoFileExists(t, l.path(other.sha256), "nothing wrong is kept")
	left, err := filepath.Glob(filepath.Join(l.dir, "*.part"))
	require.NoError(t, err)
	require.Empty(t, left)

	l.fetch = func(context.Context, file, string) error { return fail(exitTimeout, "nothing arrived") }
	_, err = l.get(t.Context(), other)
	require.EqualError(t, err, "the table: nothing arrived")
	require.Equal(t, exitTimeout, exitCode(err))

	path, err := l.keep([]byte(second))
	require.NoError(t, err)
	require.Equal(t, l.path(other.sha256), path)
	b, err := l.get(t.Context(), other)
	require.NoError(t, err)
	require.Equal(t, second, string(b))
}

// testTrainerd is a trainerd in a process of its own, and the folder that it takes for the network.
func testTrainerd(t *testing.T) (*trainerd, string) {
	program, dir := installTrainerd(t)
	return &trainerd{
		path: program, grpc: "127.0.0.1:9090", home: filepath.Join(t.TempDir(), "trainerd"), err: os.Stderr,
		ask: func(context.Context) (string, error) { return "pold-test-1", nil },
	}, dir
}

func TestFilesComeThroughTrainerd(t *testing.T) {
	trainerd, dir := testTrainerd(t)
	f := fileOf([]byte(first))
	path := filepath.Join(t.TempDir(), "file")
	err := trainerd.get(t.Context(), f, path)
	require.EqualError(t, err, "trainerd get: timeout: nothing arrived for 2m0s; see who is announced: pold q attestation peers")
	require.Equal(t, exitTimeout, exitCode(err), "its exit codes mean the same")
	offer(t, dir, []byte(first))
	require.NoError(t, trainerd.get(t.Context(), f, path))
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, first, string(b))
	said, err := os.ReadFile(filepath.Join(dir, "last-get"))
	require.NoError(t, err)
	require.Equal(t, "[get bafk --size 16 --sha256 "+hexOf(f.sha256)+" -o "+path+" --node 127.0.0.1:9090 --chain-id pold-test-1 --home "+
		filepath.Join(trainerd.home, "get-"+hexOf(f.sha256)[:16])+"]\n", string(said))

	d, err := trainerd.describe(t.Context(), path)
	require.NoError(t, err)
	require.Equal(t, description{cidOf(t, []byte(first)), hexOf(f.sha256), 16}, d)
	_, err = trainerd.describe(t.Context(), path+".missing")
	require.ErrorContains(t, err, "trainerd add: ")
	require.Equal(t, exitNotFound, exitCode(err))
}

func TestAFileIsServedUntilItIsEnough(t *testing.T) {
	trainerd, dir := testTrainerd(t)
	path := filepath.Join(t.TempDir(), "fix patch")
	require.NoError(t, os.WriteFile(path, []byte(second), 0o600))
	key := publisher{from: "alice", backend: "test", dir: "/k", extra: []string{"--p2p-listen", "/ip4/0.0.0.0/tcp/4001"}}
	p, err := trainerd.publish(t.Context(), path, key)
	require.NoError(t, err)
	require.Equal(t, cidOf(t, []byte(second)), p.CID)
	require.FileExists(t, filepath.Join(dir, p.SHA256))
	select {
	case err := <-p.done:
		t.Fatal("it ended by itself", err)
	case <-time.After(50 * time.Millisecond):
	}
	p.end()
	require.Equal(t, trainerd.path+" publish '"+path+"' --from alice --keyring-backend test --keyring-dir /k --node 127.0.0.1:9090 --chain-id pold-test-1 --home "+
		filepath.Join(trainerd.home, "publish-alice")+" --p2p-listen /ip4/0.0.0.0/tcp/4001 --proposal 7", trainerd.resume(path, key, 7))

	_, err = trainerd.publish(t.Context(), path+".missing", key)
	require.ErrorContains(t, err, "trainerd publish: ")
	require.Equal(t, exitNotFound, exitCode(err))
}

func TestTrainerdIsLookedForWherePeoplePutIt(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := (&trainerd{}).program()
	require.ErrorContains(t, err, "trainerd is neither beside pold nor in PATH")
	require.Equal(t, exitNotFound, exitCode(err))
	_, err = (&trainerd{path: "/nowhere/trainerd"}).program()
	require.ErrorContains(t, err, "--trainerd: stat /nowhere/trainerd")
	program, _ := installTrainerd(t)
	t.Setenv("PATH", filepath.Dir(program))
	found, err := (&trainerd{}).program()
	require.NoError(t, err)
	require.Equal(t, program, found)
}

func TestAFailedChildIsNamedWithTheLastThingThatItSaid(t *testing.T) {
	trainerd, _ := testTrainerd(t)
	_, err := trainerd.run(t.Context(), "nonsense")
	require.EqualError(t, err, "trainerd nonsense: unknown command")
	require.Equal(t, exitError, exitCode(err), "a wrong call of ours is no wrong usage of theirs")
	ctx, stop := context.WithCancel(t.Context())
	stop()
	_, err = trainerd.run(ctx, "add", "x")
	require.True(t, errors.Is(err, context.Canceled))
}
