package devnet

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/cosmos/cosmos-sdk/codec"
	"github.com/stretchr/testify/require"
)

func TestOptionsThatCanNotWorkAreRefused(t *testing.T) {
	program, err := os.Executable()
	require.NoError(t, err)
	for _, c := range []struct {
		what   string
		change func(*Options)
		want   string // part of the error; empty for none
	}{
		{"the defaults work", func(*Options) {}, ""},
		{"the largest network works", func(o *Options) { o.Validators, o.Trainers, o.PortOffset = 21, 16, 30_000 }, ""},
		{"no validator", func(o *Options) { o.Validators = 0 }, "--validators: expected 1 to 21, got 0"},
		{"too many validators", func(o *Options) { o.Validators = 22 }, "--validators: expected 1 to 21, got 22"},
		{"no trainer", func(o *Options) { o.Trainers = 0 }, "--trainers: expected 1 to 16, got 0"},
		{"too many trainers", func(o *Options) { o.Trainers = 17 }, "--trainers: expected 1 to 16, got 17"},
		{"less than no round", func(o *Options) { o.Rounds = -1 }, "--rounds"},
		{"an end after no round", func(o *Options) { o.Exit = true }, "--rounds: expected at least 1 with --exit"},
		{"an end after one round works", func(o *Options) { o.Exit, o.Rounds = true, 1 }, ""},
		{"ports below the usual ones", func(o *Options) { o.PortOffset = -1 }, "--port-offset: expected 0 to 30000, got -1"},
		{"ports beyond the last", func(o *Options) { o.PortOffset = 30_001 }, "--port-offset"},
		{"no trainerd", func(o *Options) { o.Trainerd = filepath.Join(t.TempDir(), "trainerd") }, "make build"},
	} {
		t.Run(c.what, func(t *testing.T) {
			o := Options{Validators: defaultValidators, Trainers: defaultTrainers, Pold: program, Trainerd: program}
			c.change(&o)
			if c.want == "" {
				require.NoError(t, o.Validate())
			} else {
				require.ErrorContains(t, o.Validate(), c.want)
			}
		})
	}
}

// TestAnInterruptedFirstStartIsRepeated interrupts the first start after the keyring is written: the program that
// describes the table fails.
func TestAnInterruptedFirstStartIsRepeated(t *testing.T) {
	no, err := exec.LookPath("false")
	require.NoError(t, err)
	l := layout{home: t.TempDir()}
	o := Options{Home: l.home, Validators: 1, Trainers: 1, Trainerd: no}
	none := func(codec.Codec, map[string]json.RawMessage, string) error { return nil }
	for range 2 {
		_, _, err := prepare(context.Background(), l, o, none)
		require.ErrorContains(t, err, no+" add")
		require.DirExists(t, l.keyring())
		require.NoFileExists(t, l.topology())
	}
}

func TestWipeLeavesWhatIsNotTheDevnets(t *testing.T) {
	l := layout{home: t.TempDir()}
	for _, path := range []string{l.nodeHome(20), l.sidecarHome(0), l.trainerHome("ruth"), l.keyring(), filepath.Dir(l.log("val0"))} {
		require.NoError(t, os.MkdirAll(filepath.Join(path, "data"), 0o700))
	}
	for _, path := range []string{l.genesis(), l.topology(), l.table(), l.lock(), filepath.Join(l.home, "notes.txt")} {
		require.NoError(t, os.WriteFile(path, nil, 0o600))
	}
	require.NoError(t, wipe(l))
	entries, err := os.ReadDir(l.home)
	require.NoError(t, err)
	require.Len(t, entries, 2)
	require.Equal(t, "devnet.lock", entries[0].Name())
	require.Equal(t, "notes.txt", entries[1].Name())
}

func TestADevnetTakesOnlyAnEmptyFolderOrItsOwn(t *testing.T) {
	l := layout{home: filepath.Join(t.TempDir(), "new", "home")}
	require.NoError(t, l.claim(), "a folder that is missing")
	require.NoError(t, os.Chmod(l.home, 0o755))
	require.NoError(t, l.claim(), "an empty folder")
	info, err := os.Stat(l.home)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), info.Mode().Perm())
	require.NoError(t, os.Mkdir(filepath.Join(l.home, "logs"), 0o700))
	require.ErrorContains(t, l.claim(), "with logs in it; choose another --home")
	unlock, err := lockHome(l.lock())
	require.NoError(t, err)
	defer unlock()
	require.NoError(t, l.claim(), "a devnet's folder")
}

func TestATrainerDoesNotWaitForTheNodeOfAnother(t *testing.T) {
	s := supervised(t)
	names := []string{"carol", "dave", "erin"}
	shell(t, s, trainerKind, "carol", sleeper)
	shell(t, s, trainerKind, "dave", sleeper)
	s.add(trainerKind, "erin", filepath.Join(t.TempDir(), "missing"), filepath.Join(t.TempDir(), "log"), nil)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	failed := make(chan string, len(names))
	blocks := func(_ context.Context, node int) bool { return node != 0 } // the first node is dead
	startTrainers(ctx, blocks, 3, s, names, func(name string, err error) {
		failed <- name + ": " + err.Error()
	})
	require.Contains(t, <-failed, "erin: start erin: ")
	require.Eventually(t, func() bool { return s.pids()["dave"] != 0 }, time.Minute, time.Millisecond)
	require.Zero(t, s.pids()["carol"])
}

func TestTheControlSocketOpensForItsOwnerOnly(t *testing.T) {
	l := layout{home: t.TempDir()}
	s := supervised(t)
	shell(t, s, nodeKind, "val0", sleeper)
	down := make(chan struct{}, 1)
	stop, err := serveControl(l.socket(), "trainerd", s, func() { down <- struct{}{} })
	require.NoError(t, err)
	defer stop()
	info, err := os.Stat(l.socket())
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	r, err := ask(l.home, request{Verb: "start", Name: "val0"})
	require.NoError(t, err)
	require.Equal(t, s.pids(), r.Processes)
	require.Len(t, r.Processes, 1)
	_, err = ask(l.home, request{Verb: "start", Name: "val0"})
	require.ErrorContains(t, err, "val0 runs already")
	r, err = ask(l.home, request{Verb: "kill", Name: "val0"})
	require.NoError(t, err)
	require.Empty(t, r.Processes)
	_, err = ask(l.home, request{Verb: "dance"})
	require.ErrorContains(t, err, `unknown verb "dance"`)
	_, err = ask(l.home, request{Verb: "down"})
	require.NoError(t, err)
	<-down
}
