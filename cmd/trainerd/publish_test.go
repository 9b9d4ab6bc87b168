package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/sidecar/chain"
	"github.com/pold-network/pold/sidecar/swarm"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

// start runs a command in the background. It returns what it prints, line by line, how it ends, and what stops it.
func start(t *testing.T, args ...string) (lines *bufio.Reader, ended <-chan error, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	r, w := io.Pipe()
	cmd := newRootCommand()
	cmd.SetOut(w)
	cmd.SetArgs(args)
	done := make(chan error, 1)
	go func() {
		err := cmd.ExecuteContext(ctx)
		w.CloseWithError(errors.Join(io.EOF, err))
		done <- err
	}()
	return bufio.NewReader(r), done, cancel
}

func line(t *testing.T, lines *bufio.Reader) (object map[string]any) {
	t.Helper()
	text, err := lines.ReadString('\n')
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal([]byte(text), &object), text)
	return object
}

func TestWhatIsPublishedCanBeGotUntilItIsStopped(t *testing.T) {
	chain.SetAddressPrefixes()
	node, keys := &fakeNode{}, newKey(t)
	address := node.serve(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "birds.csv")
	content := bytes.Repeat([]byte("0123456789abcdef"), 100_000) // more than one chunk
	require.NoError(t, os.WriteFile(file, content, 0o600))

	lines, ended, stop := start(t, "publish", file, "--from", "alice", "--keyring-backend", "test", "--keyring-dir", keys, "--node", address,
		"--chain-id", testChain, "--home", filepath.Join(dir, "alice"), "--json")
	said := line(t, lines)
	cid, err := swarm.CIDOf(content)
	require.NoError(t, err)
	sum := said["sha256"].(string)
	require.Equal(t, map[string]any{"file": file, "cid": cid, "sha256": sum, "size": float64(len(content))}, said)
	require.Len(t, node.peers, 1, "it is announced before anybody is told")

	out := filepath.Join(dir, "got.csv")
	get := func(args ...string) error {
		cmd := newRootCommand()
		cmd.SetArgs(append([]string{"get", "--node", address, "--chain-id", testChain, "-o", out}, args...))
		return cmd.ExecuteContext(t.Context())
	}
	require.NoError(t, get(cid, "--size", "1600000", "--sha256", sum, "--home", filepath.Join(dir, "bob")))
	require.Equal(t, content, read(t, out))
	require.NoError(t, os.Remove(out))
	require.NoError(t, get(cid, "--home", filepath.Join(dir, "bob"), "--node", "127.0.0.1:1"), "what is here needs no network")
	require.Equal(t, content, read(t, out))
	require.NoError(t, os.Remove(out))
	peer := node.peers[0]
	err = get(cid, "--node", "127.0.0.1:1")
	require.ErrorIs(t, err, chain.ErrUnreachable)
	require.NoError(t, get(cid, "--node", "127.0.0.1:1", "--p2p-bootstrap", peer.Addresses[0]+"/p2p/"+peer.PeerId), "a peer that is given stands in for the node")
	require.Equal(t, content, read(t, out))
	require.NoError(t, os.Remove(out))
	require.NoError(t, get(cid), "the CID is enough, and so is a folder that is gone afterwards")
	require.Equal(t, content, read(t, out))

	require.NoError(t, os.Remove(out))
	err = get(cid, "--size", "1600001", "--sha256", sum)
	require.ErrorIs(t, err, errMismatch)
	require.Equal(t, exitMismatch, exitCode(err))
	err = get(cid, "--size", "1600000", "--sha256", hex.EncodeToString(make([]byte, 32)))
	require.ErrorIs(t, err, errMismatch)
	nowhere, err := swarm.CIDOf([]byte("nowhere"))
	require.NoError(t, err)
	err = get(nowhere, "--timeout", "500ms")
	require.Equal(t, exitTimeout, exitCode(err))
	require.ErrorContains(t, err, "nothing arrived for 500ms")
	require.ErrorContains(t, err, "trainerd doctor")
	require.NoFileExists(t, out)

	stop()
	require.ErrorIs(t, <-ended, context.Canceled, "which main takes for success")
}

func TestAPublicationEndsWithItsProposal(t *testing.T) {
	chain.SetAddressPrefixes()
	node, keys := &fakeNode{}, newKey(t)
	address := node.serve(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "birds.diff")
	require.NoError(t, os.WriteFile(file, []byte("a delta"), 0o600))
	cid, err := swarm.CIDOf([]byte("a delta"))
	require.NoError(t, err)
	args := []string{"publish", file, "--from", "alice", "--keyring-backend", "test", "--keyring-dir", keys, "--node", address, "--home", filepath.Join(dir, "alice"), "--json", "--proposal", "5"}
	node.locked(func() {
		node.proposal = &trainingsettypes.Proposal{Id: 5, Delta: trainingsettypes.Delta{Cid: cid}, Status: trainingsettypes.PROPOSAL_STATUS_OPEN}
	})
	lines, ended, _ := start(t, args...)
	require.Equal(t, cid, line(t, lines)["cid"])
	select {
	case err := <-ended:
		t.Fatalf("it ended while the proposal was open: %v", err)
	case <-time.After(proposalPoll + proposalPoll/2):
	}
	node.locked(func() {
		node.proposal.Status, node.proposal.Note = trainingsettypes.PROPOSAL_STATUS_APPLICABLE, "applies to version 3"
	})
	require.Equal(t, map[string]any{"proposal": float64(5), "status": "applicable", "note": "applies to version 3"}, line(t, lines))
	require.NoError(t, <-ended)

	node.locked(func() { node.proposal.Delta.Cid = "another" })
	_, ended, _ = start(t, args...)
	require.ErrorIs(t, <-ended, errUsage, "nobody would ask for this file")
	node.locked(func() { node.proposal = nil })
	_, ended, _ = start(t, args...)
	require.ErrorIs(t, <-ended, chain.ErrNotFound)
}

// statuses is a chain whose proposal has one status after the other.
type statuses []trainingsettypes.ProposalStatus

func (s *statuses) Proposal(_ context.Context, id uint64) (trainingsettypes.Proposal, error) {
	if len(*s) == 0 {
		return trainingsettypes.Proposal{}, chain.ErrNotFound
	}
	p := trainingsettypes.Proposal{Id: id, Status: (*s)[0]}
	*s = (*s)[1:]
	if p.Status == trainingsettypes.PROPOSAL_STATUS_UNSPECIFIED {
		return p, chain.ErrUnreachable
	}
	return p, nil
}

func TestABodyIsGivenAwayUntilItAppliesOrTheProposalEnds(t *testing.T) {
	const away, open, fetching, checking = trainingsettypes.PROPOSAL_STATUS_UNSPECIFIED, trainingsettypes.PROPOSAL_STATUS_OPEN,
		trainingsettypes.PROPOSAL_STATUS_FETCHING, trainingsettypes.PROPOSAL_STATUS_CHECKING
	for _, c := range []struct {
		name string
		seen statuses
		end  trainingsettypes.ProposalStatus
	}{
		{"it applies", statuses{open, fetching, checking, trainingsettypes.PROPOSAL_STATUS_APPLICABLE}, trainingsettypes.PROPOSAL_STATUS_APPLICABLE},
		{"it is open again after a check", statuses{checking, open, trainingsettypes.PROPOSAL_STATUS_APPLIED}, trainingsettypes.PROPOSAL_STATUS_APPLIED},
		{"it expires", statuses{open, trainingsettypes.PROPOSAL_STATUS_EXPIRED}, trainingsettypes.PROPOSAL_STATUS_EXPIRED},
		{"nobody could fetch it", statuses{fetching, trainingsettypes.PROPOSAL_STATUS_WITHHELD}, trainingsettypes.PROPOSAL_STATUS_WITHHELD},
		{"the node is away for a while", statuses{open, away, away, trainingsettypes.PROPOSAL_STATUS_INVALID}, trainingsettypes.PROPOSAL_STATUS_INVALID},
		{"the chain forgets it", statuses{open}, trainingsettypes.PROPOSAL_STATUS_UNSPECIFIED},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := awaitProposal(t.Context(), &c.seen, 5, 1, slog.New(slog.DiscardHandler))
			require.NoError(t, err)
			require.Equal(t, c.end, p.Status)
			require.Empty(t, c.seen)
			var text bytes.Buffer
			require.NoError(t, (&publishOptions{}).printEnd(&text, p))
			require.Contains(t, text.String(), "proposal 5 is ")
		})
	}
}
