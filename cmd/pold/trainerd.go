package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/cosmos/cosmos-sdk/client"
)

// trainerd starts the program that speaks to the network of files: this one knows the chain alone.
type trainerd struct {
	path string // empty: beside this program or in PATH
	grpc string
	home string // each child works in a folder of its own below it
	err  io.Writer
	// ask says which chain the files belong to; chainID remembers it.
	ask     func(ctx context.Context) (string, error)
	chainID string
}

const (
	flagTrainerd = "trainerd"
	flagGRPC     = "grpc"
)

// addFileFlags adds what commands take that fetch or publish files.
func addFileFlags(cmd *cobra.Command) {
	cmd.Flags().String(flagTrainerd, "", "the trainerd program, which fetches and serves files (default: beside pold, or in PATH)")
	cmd.Flags().String(flagGRPC, "127.0.0.1:9090", "gRPC address of a pold node, for trainerd")
}

func newTrainerd(cmd *cobra.Command, clientCtx client.Context) *trainerd {
	t := &trainerd{home: filepath.Join(clientCtx.HomeDir, "data", "trainerd"), err: cmd.ErrOrStderr()}
	t.ask = func(ctx context.Context) (string, error) { return chainID(ctx, clientCtx) }
	t.path, _ = cmd.Flags().GetString(flagTrainerd)
	t.grpc, _ = cmd.Flags().GetString(flagGRPC)
	return t
}

// program finds trainerd.
func (t *trainerd) program() (string, error) {
	if t.path != "" {
		if _, err := os.Stat(t.path); err != nil {
			return "", fail(exitNotFound, "--trainerd: %w; build it with `make build`", err)
		}
		return t.path, nil
	}
	if self, err := os.Executable(); err == nil {
		beside := filepath.Join(filepath.Dir(self), "trainerd")
		if info, err := os.Stat(beside); err == nil && !info.IsDir() {
			return beside, nil
		}
	}
	found, err := exec.LookPath("trainerd")
	if err != nil {
		return "", fail(exitNotFound, "trainerd is neither beside pold nor in PATH, and files come and go through it; build it with `make build`, or name it with --trainerd")
	}
	return found, nil
}

// findChain asks once which chain the files belong to.
func (t *trainerd) findChain(ctx context.Context) (err error) {
	if t.chainID == "" {
		t.chainID, err = t.ask(ctx)
	}
	return err
}

// connection are the flags that say which chain the files belong to.
func (t *trainerd) connection(folder string) []string {
	return []string{"--node", t.grpc, "--chain-id", t.chainID, "--home", filepath.Join(t.home, folder)}
}

// get fetches a file of the network to a path.
func (t *trainerd) get(ctx context.Context, f file, path string) error {
	if err := t.findChain(ctx); err != nil {
		return err
	}
	hash := hex.EncodeToString(f.sha256)
	folder := "get-" + hash[:min(16, len(hash))] // one for each file: a folder serves one process at a time
	args := append([]string{"get", f.cid, "--size", strconv.FormatUint(f.size, 10), "--sha256", hash, "-o", path}, t.connection(folder)...)
	if _, err := t.run(ctx, args...); err != nil {
		return err
	}
	return os.RemoveAll(filepath.Join(t.home, folder))
}

// description is what trainerd says of a file.
type description struct {
	CID    string `json:"cid"`
	SHA256 string `json:"sha256"`
	Size   uint64 `json:"size"`
}

// describe computes the content identifier of a file without any network.
func (t *trainerd) describe(ctx context.Context, path string) (description, error) {
	var d description
	out, err := t.run(ctx, "add", path, "--json")
	if err != nil {
		return d, err
	}
	if err := json.Unmarshal(out, &d); err != nil || d.CID == "" {
		return d, fail(exitError, "trainerd add: expected one line of JSON with a cid, got %.200q", out)
	}
	return d, nil
}

// stopGrace is how long a child may take to end after it was asked to.
const stopGrace = 10 * time.Second

// command prepares a child that is asked to stop when ctx ends, before it is made to.
func (t *trainerd) command(ctx context.Context, args ...string) (*exec.Cmd, error) {
	program, err := t.program()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }
	cmd.WaitDelay = stopGrace
	return cmd, nil
}

// run runs a child to its end and returns what it printed.
func (t *trainerd) run(ctx context.Context, args ...string) ([]byte, error) {
	cmd, err := t.command(ctx, args...)
	if err != nil {
		return nil, err
	}
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return out, childError(args[0], err, said.String())
}

// childError keeps the exit code of a child, which has the same meaning as ours, and the last thing that it said.
func childError(command string, err error, said string) error {
	if err == nil {
		return nil
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return fail(exitError, "start trainerd %s: %w", command, err)
	}
	lines := strings.Split(strings.TrimSpace(said), "\n")
	last := strings.TrimPrefix(plain(lines[len(lines)-1]), "trainerd: ")
	if last == "" {
		last = err.Error()
	}
	code := exit.ExitCode()
	if code < exitError || code > exitMismatch || code == exitUsage {
		code = exitError
	}
	return fail(code, "trainerd %s: %s", command, last)
}
