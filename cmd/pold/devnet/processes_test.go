package devnet_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/cmd/pold/devnet"
)

// offset keeps the test's ports away from those of a devnet that somebody runs on the same machine.
const offset = 3_000

// network is a running `pold devnet up`.
type network struct {
	t      *testing.T
	home   string
	cmd    *exec.Cmd
	events chan devnet.Event
	errors *bytes.Buffer
}

func binary(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", "..", "..", "build", name))
	require.NoError(t, err)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%s is missing; build it with: make build", path)
	}
	return path
}

func up(t *testing.T, home string) *network {
	t.Helper()
	n := &network{t: t, home: home, events: make(chan devnet.Event, 1_000), errors: &bytes.Buffer{}}
	n.cmd = exec.Command(binary(t, "pold"), "devnet", "up", "--home", home, "--json", "--port-offset", fmt.Sprint(offset))
	n.cmd.Stderr = n.errors
	out, err := n.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, n.cmd.Start())
	t.Cleanup(func() { _ = n.cmd.Process.Kill() })
	go func() {
		defer close(n.events)
		lines := bufio.NewScanner(out)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var e devnet.Event
			if json.Unmarshal(lines.Bytes(), &e) == nil {
				n.events <- e
			}
		}
	}()
	return n
}

// wait returns the next event that is wanted.
func (n *network) wait(what string, limit time.Duration, wanted func(devnet.Event) bool) devnet.Event {
	n.t.Helper()
	deadline := time.After(limit)
	for {
		select {
		case e, open := <-n.events:
			if !open {
				n.t.Fatalf("the network stopped while waiting for %s: %s", what, n.errors)
			}
			if wanted(e) {
				return e
			}
		case <-deadline:
			n.t.Fatalf("no %s within %s; logs are in %s", what, limit, filepath.Join(n.home, "logs"))
		}
	}
}

func (n *network) win() devnet.Event {
	n.t.Helper()
	return n.wait("won round", 3*time.Minute, func(e devnet.Event) bool { return e.Event == "round_settled" && e.Winner != "" })
}

// stop ends the network as Ctrl-C does.
func (n *network) stop() {
	n.t.Helper()
	require.NoError(n.t, n.cmd.Process.Signal(syscall.SIGINT))
	for range n.events {
	}
	require.NoError(n.t, n.cmd.Wait(), "%s", n.errors)
}

func (n *network) devnet(args ...string) string {
	n.t.Helper()
	return run(n.t, "pold", append([]string{"devnet", "--home", n.home}, args...)...)
}

func run(t *testing.T, program string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, binary(t, program), args...).CombinedOutput()
	require.NoError(t, err, "%s %s: %s", program, strings.Join(args, " "), out)
	return string(out)
}

func node(i int) string { return fmt.Sprintf("127.0.0.1:%d", 9090+offset+10*i) }

func rpc(i int) string { return fmt.Sprintf("tcp://127.0.0.1:%d", 26657+offset+10*i) }

// live returns how many validators run a healthy sidecar.
func live(t *testing.T) float64 {
	t.Helper()
	var answer struct {
		Live float64 `json:"live"`
	}
	out := run(t, "pold", "q", "attestation", "live", "--node", rpc(0), "-o", "json", "--home", t.TempDir())
	require.NoError(t, json.Unmarshal([]byte(out), &answer), out)
	return answer.Live
}

// height returns the last block of a node, or 0 when it does not answer.
func height(t *testing.T, i int) int64 {
	t.Helper()
	out, err := exec.Command(binary(t, "pold"), "status", "--node", rpc(i), "--home", t.TempDir()).Output()
	if err != nil {
		return 0
	}
	var status struct {
		SyncInfo struct {
			Height int64 `json:"latest_block_height,string"`
		} `json:"sync_info"`
	}
	require.NoError(t, json.Unmarshal(out, &status), "%s", out)
	return status.SyncInfo.Height
}

// TestAWholeNetworkOfRealProcesses takes some minutes: it learns, is lied to, loses a sidecar and a validator, stops,
// and continues.
func TestAWholeNetworkOfRealProcesses(t *testing.T) {
	if os.Getenv("POLD_LONG") == "" {
		t.Skip("starts eleven processes for some minutes; set POLD_LONG=1 (make test-all does)")
	}
	home := filepath.Join(t.TempDir(), "devnet")
	n := up(t, home)
	n.wait("first block", time.Minute, func(e devnet.Event) bool { return e.Event == "first_block" })
	first := n.win()
	require.Less(t, *first.LossE9, *first.ParentLossE9)
	second := n.win()
	require.Less(t, *second.LossE9, *first.LossE9)
	require.Equal(t, *first.LossE9, *second.ParentLossE9, "the winner is the next round's parent")

	t.Log("anybody recomputes the verdict from the bytes")
	out := run(t, "trainerd", "verify", "--group", devnet.Group, "--round", "1", "--node", node(0))
	require.Contains(t, out, fmt.Sprint(*first.LossE9))
	require.NotContains(t, out, "✘")

	t.Log("anybody trains the winner's segments again")
	require.NotContains(t, run(t, "trainerd", "replay", "--group", devnet.Group, "--round", "1", "--node", node(0)), "✘")

	t.Log("a trainer that lies about its loss by a billionth loses its bond")
	n.devnet("cheat", "false-claim", "--node", "erin")
	n.wait("false claim", 3*time.Minute, func(e devnet.Event) bool { return e.Event == "submission" && e.Status == "false claim" })
	n.devnet("cheat", "none", "--node", "erin")

	t.Log("a validator that forges scores is slashed and jailed")
	n.devnet("cheat", "wrong-score", "--node", "val1-sidecar")
	n.wait("penalty", 3*time.Minute, func(e devnet.Event) bool { return e.Event == "penalty" && strings.Contains(e.Status, "jail executed") })
	n.devnet("cheat", "none", "--node", "val1-sidecar")
	jailed := time.Now()

	t.Log("its time in jail over, it is a validator again")
	time.Sleep(time.Until(jailed.Add(62 * time.Second)))
	run(t, "pold", "tx", "slashing", "unjail", "--from", "val1", "--keyring-backend", "test", "--keyring-dir", filepath.Join(home, "keyring"),
		"--chain-id", devnet.ChainID, "--node", rpc(0), "--yes", "--gas", "400000")
	require.Eventually(t, func() bool { return live(t) == 4 }, 2*time.Minute, time.Second, "it takes part again")

	t.Log("rounds go on without the sidecar of one validator")
	n.devnet("kill", "val3-sidecar")
	n.win()
	n.win()
	n.devnet("start", "val3-sidecar")
	require.Eventually(t, func() bool { return live(t) == 4 }, 2*time.Minute, time.Second, "the sidecar takes part again")

	t.Log("rounds go on without one validator, which catches up")
	n.devnet("kill", "val2")
	n.win()
	n.devnet("start", "val2")
	require.Eventually(t, func() bool { return height(t, 2) >= height(t, 0)-1 && height(t, 2) > 0 }, 2*time.Minute, time.Second, "the validator catches up")
	n.win()

	t.Log("Ctrl-C stops every child; a second start continues")
	var pids map[string]int
	require.NoError(t, json.Unmarshal([]byte(n.devnet("status", "--json")), &pids))
	require.Len(t, pids, 11)
	before := height(t, 0)
	n.stop()
	for name, pid := range pids {
		require.ErrorIs(t, syscall.Kill(pid, 0), syscall.ESRCH, "%s still runs", name)
	}
	exported := filepath.Join(t.TempDir(), "exported.json")
	run(t, "pold", "export", "--home", filepath.Join(home, "val0"), "--output-document", exported)
	run(t, "pold", "genesis", "validate", exported, "--home", filepath.Join(home, "val0"))
	n = up(t, home)
	block := n.wait("first block", time.Minute, func(e devnet.Event) bool { return e.Event == "first_block" })
	require.GreaterOrEqual(t, block.Height, before)
	n.win()

	t.Log("a second network can't take the same ports, nor run in the same home")
	clash, err := exec.Command(binary(t, "pold"), "devnet", "up", "--home", filepath.Join(t.TempDir(), "other"), "--port-offset", fmt.Sprint(offset)).CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(clash), "is taken")
	again, err := exec.Command(binary(t, "pold"), "devnet", "up", "--home", home, "--port-offset", fmt.Sprint(offset+100)).CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(again), "runs already")
	n.stop()
}
