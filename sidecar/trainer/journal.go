package trainer

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/pold-network/pold/sidecar/atomicfile"
	poltypes "github.com/pold-network/pold/x/pol/types"
)

// Entry is what is needed to reveal a commitment. It is on disk before the commitment is sent.
type Entry struct {
	ChainID       string `json:"chain_id"`
	Group         string `json:"group"`
	Round         uint64 `json:"round"`
	Trainer       string `json:"trainer"`
	CID           string `json:"checkpoint_cid"`
	SHA256        []byte `json:"checkpoint_sha256"`
	Size          uint64 `json:"size"`
	ClaimedLossE9 uint64 `json:"claimed_loss_e9"`
	// The transcript, in proof mode PROVED.
	TranscriptCID    string `json:"transcript_cid,omitempty"`
	TranscriptSHA256 []byte `json:"transcript_sha256,omitempty"`
	TranscriptSize   uint64 `json:"transcript_size,omitempty"`
	// LossE9, ParentLossE9 and MetricE9 are what we computed ourselves, for reports.
	LossE9       uint64 `json:"loss_e9"`
	ParentLossE9 uint64 `json:"parent_loss_e9"`
	MetricE9     uint64 `json:"metric_e9"`
	Salt         []byte `json:"salt"`
}

// commitment returns the bytes that go on chain.
func (e Entry) commitment() []byte {
	return poltypes.CommitmentOf(e.ChainID, e.Group, e.Round, e.Trainer, e.SHA256, e.TranscriptSHA256, e.ClaimedLossE9, e.Salt)
}

// journal is a folder with two or three files for each open commitment: NAME.json, NAME.safetensors and, in proof mode PROVED,
// NAME.transcript. All are secret until the reveal.
type journal struct{ dir string }

func openJournal(dir string) (journal, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return journal{}, fmt.Errorf("trainer journal: %w", err)
	}
	return journal{dir}, nil
}

func (j journal) name(e Entry) string {
	return filepath.Join(j.dir, fmt.Sprintf("%s-%s-%s-%d", e.ChainID, e.Trainer, e.Group, e.Round))
}

// save writes checkpoint and transcript first: an entry without one could not be revealed. It never replaces an entry by another one of the same
// round, whose commitment may be on its way.
func (j journal) save(e Entry, checkpoint, transcript []byte) error {
	b, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return fmt.Errorf("trainer journal: %w", err)
	}
	// A checkpoint without an entry is what a crash left before anything was committed: that one may go.
	switch old, err := os.ReadFile(j.name(e) + ".json"); {
	case err == nil && !bytes.Equal(old, b):
		return fmt.Errorf("trainer journal: group %s round %d: expected no entry, got another one, and without it a commitment that is on its way can't be revealed; "+
			"start again to take it to the end", e.Group, e.Round)
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("trainer journal: %w; nothing was committed", err)
	}
	if err := atomicfile.Write(j.name(e)+".safetensors", checkpoint, 0o600); err != nil {
		return fmt.Errorf("trainer journal: %w; nothing was committed", err)
	}
	if transcript != nil {
		if err := atomicfile.Write(j.name(e)+".transcript", transcript, 0o600); err != nil {
			return fmt.Errorf("trainer journal: %w; nothing was committed", err)
		}
	}
	if err := atomicfile.Write(j.name(e)+".json", b, 0o600); err != nil {
		return fmt.Errorf("trainer journal: %w; nothing was committed", err)
	}
	return nil
}

// remove forgets an entry.
func (j journal) remove(e Entry) error {
	err := errors.Join(os.Remove(j.name(e)+".json"), os.Remove(j.name(e)+".safetensors"))
	if e.TranscriptCID != "" {
		err = errors.Join(err, os.Remove(j.name(e)+".transcript"))
	}
	return err
}

// transcript reads the transcript of an entry and checks it; nil when the group asks for none.
func (j journal) transcript(e Entry) ([]byte, error) {
	if e.TranscriptCID == "" {
		return nil, nil
	}
	b, err := os.ReadFile(j.name(e) + ".transcript")
	if err != nil {
		return nil, fmt.Errorf("trainer journal: %w", err)
	}
	if sum := sha256.Sum256(b); !bytes.Equal(sum[:], e.TranscriptSHA256) {
		return nil, fmt.Errorf("trainer journal: transcript of group %s round %d: expected SHA-256 %x, got %x", e.Group, e.Round, e.TranscriptSHA256, sum)
	}
	return b, nil
}

// checkpoint reads the bytes of an entry and checks them.
func (j journal) checkpoint(e Entry) ([]byte, error) {
	b, err := os.ReadFile(j.name(e) + ".safetensors")
	if err != nil {
		return nil, fmt.Errorf("trainer journal: %w", err)
	}
	if sum := sha256.Sum256(b); string(sum[:]) != string(e.SHA256) {
		return nil, fmt.Errorf("trainer journal: checkpoint of group %s round %d: expected SHA-256 %x, got %x", e.Group, e.Round, e.SHA256, sum)
	}
	return b, nil
}

// entries returns the open commitments of an account on a chain, oldest round first.
func (j journal) entries(chainID, trainer string) ([]Entry, error) {
	files, err := os.ReadDir(j.dir)
	if err != nil {
		return nil, fmt.Errorf("trainer journal: %w", err)
	}
	var entries []Entry
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".json") {
			continue
		}
		b, err := os.ReadFile(filepath.Join(j.dir, f.Name()))
		if err != nil {
			return nil, fmt.Errorf("trainer journal: %w", err)
		}
		var e Entry
		if err := json.Unmarshal(b, &e); err != nil {
			return nil, fmt.Errorf("trainer journal: %s is damaged (%w); without it its commitment can't be revealed: restore it or delete it", f.Name(), err)
		}
		if e.ChainID == chainID && e.Trainer == trainer {
			entries = append(entries, e)
		}
	}
	sort.Slice(entries, func(a, b int) bool { return entries[a].Round < entries[b].Round })
	return entries, nil
}
