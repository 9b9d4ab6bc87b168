package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestEveryErrorHasItsExitCode(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{errors.New("anything"), exitError},
		{usage("expected one, got two"), exitUsage},
		{fmt.Errorf("wrapped: %w", fail(exitMismatch, "root")), exitMismatch},
		{fmt.Errorf("read: %w", fs.ErrNotExist), exitNotFound},
		{fmt.Errorf("wait: %w", context.DeadlineExceeded), exitTimeout},
		{errors.New(`unknown command "x" for "pold"`), exitUsage},
	} {
		require.Equal(t, c.want, exitCode(c.err), "%v", c.err)
	}
}

func TestErrorsOfANodeAreSaidInItsWords(t *testing.T) {
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	for _, c := range []struct {
		name string
		err  error
		code int
		want string
	}{
		{"no node", fmt.Errorf("post failed: %w", &url.Error{Op: "Post", URL: "http://x", Err: refused}), exitUnreachable,
			"no node answers at tcp://x (dial tcp: connection refused); start one, or name another with --node"},
		{"a node that hangs", fmt.Errorf("post failed: %w", &url.Error{Op: "Post", URL: "http://x", Err: context.DeadlineExceeded}), exitTimeout,
			"the node at tcp://x gives no answer; try again, or name another with --node"},
		{"something that there is not", status.Error(codes.NotFound, `rpc error: code = NotFound desc = training set "x": not found; list them with: pold q trainingset training-sets: key not found`), exitNotFound,
			`training set "x": not found; list them with: pold q trainingset training-sets`},
		{"a failed message", status.Error(codes.Unknown, `failed to execute message; message index: 0: "x": too little stake to vote [github.com/x/y/vote.go:12] with gas used: '123'`), exitError,
			`"x": too little stake to vote`},
		{"characters that move a terminal's cursor", status.Error(codes.Unknown, "a\x1b[2Jb"), exitError, "a [2Jb"},
		{"anything else", errors.New("what it is"), exitError, "what it is"},
	} {
		err := explain(c.err, "tcp://x")
		require.EqualError(t, err, c.want, c.name)
		require.Equal(t, c.code, exitCode(err), c.name)
	}
	require.NoError(t, explain(nil, "tcp://x"))
	require.ErrorIs(t, explain(context.Canceled, "tcp://x"), context.Canceled)
}

func TestWrongUsageHasItsExitCode(t *testing.T) {
	home := t.TempDir()
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"data", "show"}, "expected the number of a proposal, got 0 arguments; see pold data show --help"},
		{[]string{"data", "show", "seven"}, `PROPOSAL: expected a number from 1, got "seven"`},
		{[]string{"data", "diff", "one.csv"}, "expected the old and the new table, got 1 argument"},
		{[]string{"data", "status", "birds", "-o", "yaml"}, `--output: expected table or json, got "yaml"`},
		{[]string{"data", "status", "birds", "--address", "bob"}, `--address: expected an account, got "bob"`},
		{[]string{"data", "effect", "birds", "1", "2"}, "expected a training set and perhaps a version, got 3 arguments"},
		{[]string{"data", "export", "birds"}, "-o: expected the file to write to, got none"},
		{[]string{"data", "keep"}, "expected a training set, got 0 arguments"},
		{[]string{"data", "vote", "7"}, "--from: expected the name of a key, got none"},
		{[]string{"data", "vote", "7", "--nonsense"}, "unknown flag: --nonsense; see pold data vote --help"},
		{[]string{"group", "bond", "birds", "1NRN", "--from", "x", "--gas", "much"}, `--gas: expected auto or a number, got "much"`},
		{[]string{"data", "nonsense"}, `unknown command "nonsense"`},
	} {
		if c.args[0] == "group" { // needs a key to get as far
			c.args = append(c.args, "--dry-run", "--keyring-backend", "memory")
			c.args[5] = buyer(1)
		}
		_, err := run(t, home, c.args...)
		require.ErrorContains(t, err, c.says)
		require.Equal(t, exitUsage, exitCode(err), "%v: %v", c.args, err)
	}
	_, err := run(t, home, "data", "vote", "7", "--from", "alice", "--keyring-backend", "test")
	require.ErrorContains(t, err, `has no key "alice"; list its keys with: pold keys list --keyring-backend test`)
	require.Equal(t, exitNotFound, exitCode(err))
	_, err = run(t, home, "data", "status", "birds", "--node", "tcp://127.0.0.1:1")
	require.ErrorContains(t, err, "no node answers at tcp://127.0.0.1:1")
	require.Equal(t, exitUnreachable, exitCode(err))
}

// Whoever only talks to somebody's node gets no node of their own written to disk.
func TestCommandsOfClientsWriteNoSettingsOfANode(t *testing.T) {
	home := t.TempDir()
	_, err := run(t, home, "data", "status", "birds", "--node", "tcp://127.0.0.1:1")
	require.Error(t, err)
	require.NoFileExists(t, home+"/config/app.toml")
	require.NoFileExists(t, home+"/config/config.toml")
	require.FileExists(t, home+"/config/client.toml")
}

func TestClientsTakeWhatIsNotOnTheCommandLineFromTheEnvironment(t *testing.T) {
	home := t.TempDir()
	t.Setenv("POLD_NODE", "tcp://127.0.0.1:2")
	_, err := run(t, home, "data", "status", "birds")
	require.ErrorContains(t, err, "no node answers at tcp://127.0.0.1:2")
	_, err = run(t, home, "data", "status", "birds", "--node", "tcp://127.0.0.1:1")
	require.ErrorContains(t, err, "no node answers at tcp://127.0.0.1:1")
	t.Setenv("POLD_KEYRING_BACKEND", "test")
	t.Setenv("POLD_FROM", "alice")
	_, err = run(t, home, "data", "vote", "7")
	require.ErrorContains(t, err, `keyring "test" in `+home+` has no key "alice"`)
}
