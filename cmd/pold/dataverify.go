package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/pold-network/pold/dataset"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

func dataVerifyCommand() *cobra.Command {
	var version uint64
	cmd := &cobra.Command{
		Use:   "verify SET",
		Short: "Rebuild a training set from its first table and compare every version with the chain",
		Long: `Rebuild a training set: get its first table, apply every patch that was decided since, through forks, and compare root, SHA-256, size,
rows and columns of each version with the chain, and the result with the table that the network hands out. Nothing of it rests on
what validators found.

After a takedown what was before it can't be had: the table of that version is taken as it is, and the command says so.

` + exitHelp,
		Example: `  pold data verify digits
  pold data verify digits --version 3
  pold data verify digits -o json | jq .verified`,
		Args: exactly(1, "a training set"),
	}
	cmd.Flags().Uint64Var(&version, "version", 0, "last version to rebuild (default: the current one)")
	return readCommand(cmd, true, func(ctx context.Context, r *reader, args []string) error {
		way, err := trace(ctx, r.node, args[0], version)
		if err != nil {
			return err
		}
		v, problem := rebuild(ctx, way, r.files, r.p.progress)
		if problem != nil {
			v.Problem = problem.Error()
		}
		if err := r.p.show(v); err != nil {
			return err
		}
		if problem != nil {
			return problem
		}
		r.p.next("pold data effect %s", args[0])
		return nil
	})
}

// verification says what was rebuilt and compared.
type verification struct {
	TrainingSet string `json:"training_set"`
	Version     uint64 `json:"version"`
	Verified    bool   `json:"verified"`
	// From says where it began, and FromReason why not with the first table.
	From       string         `json:"from"`
	FromReason string         `json:"from_reason,omitempty"`
	Versions   []verifiedStep `json:"versions"`
	Root       string         `json:"root,omitempty"`
	SHA256     string         `json:"sha256,omitempty"`
	Problem    string         `json:"problem,omitempty"`
}

// verifiedStep is a version that is as the chain says.
type verifiedStep struct {
	TrainingSet string `json:"training_set"`
	Version     uint64 `json:"version"`
	Proposal    uint64 `json:"proposal,omitempty"`
	How         string `json:"how"`
	Rows        uint64 `json:"rows"`
	Root        string `json:"root"`
}

// rebuild goes a way step by step. What it returns beside an error says how far it got.
func rebuild(ctx context.Context, way lineage, from files, say func(string, ...any)) (verification, error) {
	last := way.start
	if n := len(way.steps); n > 0 {
		last = way.steps[n-1]
	}
	v := verification{TrainingSet: last.set, Version: last.revision.Version, From: way.start.name(), FromReason: way.reason, Versions: []verifiedStep{}}
	table, err := getTable(ctx, from, "the table of "+way.start.name(), way.start.revision.Table)
	if err != nil {
		return v, err
	}
	how := "the first table"
	if way.reason != "" {
		how = "taken as it is"
	}
	v.add(way.start, how)
	for i, step := range way.steps {
		say("version %d of %s (%d of %d)", step.revision.Version, step.set, i+1, len(way.steps))
		if step.copied != nil {
			if err := checkCopy(step); err != nil {
				return v, err
			}
			v.add(step, fmt.Sprintf("a copy of version %d of %s", step.copied.Version, step.copied.TrainingSet))
			continue
		}
		if table, err = applyStep(ctx, from, table, step); err != nil {
			return v, err
		}
		v.add(step, "patched "+rowsChanged(*step.revision.Delta))
	}
	final, err := from.get(ctx, tableFile("the table of "+last.name()+", as the network hands it out", last.revision.Table))
	if err != nil {
		return v, err
	}
	if !bytes.Equal(final, table.Bytes()) {
		return v, fail(exitMismatch, "%s: the table that the network hands out is not the rebuilt one", last.name())
	}
	root, hash := table.Root(), table.SHA256()
	v.Root, v.SHA256, v.Verified = hex.EncodeToString(root[:]), hex.EncodeToString(hash[:]), true
	return v, nil
}

// applyStep applies the patch that led to a version and compares the outcome with the chain.
func applyStep(ctx context.Context, from files, table *dataset.Table, step ancestor) (*dataset.Table, error) {
	said := *step.revision.Delta
	what := fmt.Sprintf("the patch that led to %s (proposal %d)", step.name(), step.revision.Proposal)
	_, delta, err := getDelta(ctx, from, what, said)
	if err != nil {
		return nil, err
	}
	if uint64(delta.Added()) != said.RowsAdded || uint64(delta.Removed()) != said.RowsRemoved {
		return nil, fail(exitMismatch, "%s: expected %d rows added and %d removed, got %d and %d", what, said.RowsAdded, said.RowsRemoved, delta.Added(), delta.Removed())
	}
	result, err := table.Apply(delta)
	if err != nil {
		return nil, fail(exitMismatch, "%s does not apply to the version before: %w", what, err)
	}
	return result, checkTable(step.name(), result, step.revision.Table)
}

// checkCopy compares the first table of a fork with the version that it is a copy of.
func checkCopy(step ancestor) error {
	fork, source := step.revision.Table, step.copied.Table
	key := func(set string, t trainingsettypes.Table) string { return string(t.Key(set)) }
	if !sameTable(fork, source) || fork.Targets != source.Targets || fork.ValidationPermille != source.ValidationPermille ||
		key(step.set, fork) != key(step.copied.TrainingSet, source) {
		return fail(exitMismatch, "%s is not a copy of version %d of %s, with the same table and the same rows held back", step.name(), step.copied.Version, step.copied.TrainingSet)
	}
	return nil
}

func (v *verification) add(a ancestor, how string) {
	v.Versions = append(v.Versions, verifiedStep{a.set, a.revision.Version, a.revision.Proposal, how, a.revision.Table.Rows, hex.EncodeToString(a.revision.Table.Root)})
}

func (v verification) print(p *printer) {
	if v.FromReason != "" {
		p.line("starts at %s: %s", v.From, v.FromReason)
	}
	rows := make([][]string, len(v.Versions))
	for i, s := range v.Versions {
		rows[i] = []string{s.TrainingSet, strconv.FormatUint(s.Version, 10), thousands(s.Rows), s.Root, s.How}
	}
	if len(rows) > 0 {
		p.table([]string{"SET", ">VERSION", ">ROWS", "ROOT", "REBUILT"}, rows)
	}
	if !v.Verified {
		p.line("version %d of %s is NOT verified: %s", v.Version, v.TrainingSet, plain(v.Problem))
		return
	}
	p.line("version %d of %s is what the chain says: root %s, sha256 %s", v.Version, v.TrainingSet, v.Root, v.SHA256)
}
