package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"
	"github.com/stretchr/testify/require"
)

// fakeTrainerd plays trainerd in a process of its own: the network of files is a folder.
func fakeTrainerd(dir string, args []string) int {
	_ = os.WriteFile(filepath.Join(dir, "last-"+args[0]), []byte(fmt.Sprintln(args)), 0o600)
	switch args[0] {
	case "get":
		b, err := os.ReadFile(filepath.Join(dir, args[slices.Index(args, "--sha256")+1]))
		if err != nil {
			fmt.Fprintln(os.Stderr, "fetching for 120 s\ntrainerd: timeout: nothing arrived for 2m0s; see who is announced: pold q attestation peers")
			return exitTimeout
		}
		if err := os.WriteFile(args[slices.Index(args, "-o")+1], b, 0o600); err != nil {
			return exitError
		}
		return 0
	case "add", "publish":
		b, err := os.ReadFile(args[1])
		if err != nil {
			fmt.Fprintln(os.Stderr, "trainerd:", err)
			return exitNotFound
		}
		hash, _ := multihash.Sum(b, multihash.SHA2_256, -1)
		sum := sha256.Sum256(b)
		stop := make(chan os.Signal, 1)
		if args[0] == "publish" { // what is printed says that it is served already
			signal.Notify(stop, syscall.SIGINT)
			if err := os.WriteFile(filepath.Join(dir, hex.EncodeToString(sum[:])), b, 0o600); err != nil {
				return exitError
			}
		}
		_ = json.NewEncoder(os.Stdout).Encode(map[string]any{"cid": cid.NewCidV1(cid.Raw, hash).String(), "sha256": hex.EncodeToString(sum[:]), "size": len(b)})
		if args[0] == "publish" {
			<-stop
		}
		return 0
	}
	fmt.Fprintln(os.Stderr, "trainerd: unknown command")
	return exitUsage
}

// installTrainerd returns the path of a fake trainerd and the folder that it takes for the network.
func installTrainerd(t *testing.T) (program, dir string) {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	dir = t.TempDir()
	program = filepath.Join(t.TempDir(), "trainerd")
	require.NoError(t, os.WriteFile(program, []byte("#!/bin/sh\nPOLD_TEST_TRAINERD='"+dir+"' exec '"+self+"' \"$@\"\n"), 0o700))
	return program, dir
}

// offer puts a file on the network.
func offer(t *testing.T, dir string, b []byte) {
	t.Helper()
	sum := sha256.Sum256(b)
	require.NoError(t, os.WriteFile(filepath.Join(dir, hex.EncodeToString(sum[:])), b, 0o600))
}
