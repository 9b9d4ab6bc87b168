package main

import (
	"context"
	"encoding/hex"
	"strconv"

	"github.com/spf13/cobra"

	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

func dataHistoryCommand() *cobra.Command {
	return readCommand(&cobra.Command{
		Use:   "history SET",
		Short: "List the versions of a training set: who changed what, when, and with whose support",
		Long: `List the versions of a training set: when each began, who proposed it, how many rows it has, its root, what share of the standing
stake was behind it and what its proposer was paid. The history is kept for ever.

` + exitHelp,
		Example: `  pold data history digits
  pold data history digits -o json | jq '.versions[-1]'`,
		Args: exactly(1, "a training set"),
	}, false, func(ctx context.Context, r *reader, args []string) error {
		set, err := r.node.set(ctx, args[0])
		if err != nil {
			return err
		}
		history, err := r.node.revisions(ctx, args[0])
		if err != nil {
			return err
		}
		if err := r.p.show(newHistoryView(set, history)); err != nil {
			return err
		}
		r.p.next("pold data verify %s", args[0])
		return nil
	})
}

// historyView is the list of versions of a set.
type historyView struct {
	TrainingSet   string         `json:"training_set"`
	ForkedFrom    string         `json:"forked_from,omitempty"`
	ForkedVersion uint64         `json:"forked_version,omitempty"`
	Versions      []revisionView `json:"versions"`
}

// revisionView is one version.
type revisionView struct {
	Version     uint64 `json:"version"`
	Time        string `json:"time"`
	Height      int64  `json:"height"`
	Proposal    uint64 `json:"proposal,omitempty"`
	Proposer    string `json:"proposer,omitempty"`
	Summary     string `json:"summary,omitempty"`
	Licence     string `json:"licence,omitempty"`
	Takedown    bool   `json:"takedown"`
	RowsAdded   uint64 `json:"rows_added"`
	RowsRemoved uint64 `json:"rows_removed"`
	Rows        uint64 `json:"rows"`
	Root        string `json:"root"`
	CID         string `json:"cid"`
	SHA256      string `json:"sha256"`
	SupportUnrn string `json:"support_unrn"`
	OfUnrn      string `json:"of_stake_unrn"`
	RewardUnrn  string `json:"reward_unrn"`

	revision trainingsettypes.Revision
}

func newHistoryView(set trainingsettypes.TrainingSet, history []trainingsettypes.Revision) historyView {
	v := historyView{TrainingSet: set.Name, ForkedFrom: set.ForkedFrom, ForkedVersion: set.ForkedVersion, Versions: []revisionView{}}
	for _, r := range history {
		row := revisionView{
			Version: r.Version, Time: stamp(r.UnixMs / 1_000), Height: r.Height, Proposal: r.Proposal, Proposer: r.Proposer,
			Summary: r.Summary, Licence: r.Licence, Takedown: r.Takedown, Rows: r.Table.Rows, Root: hex.EncodeToString(r.Table.Root),
			CID: r.Table.Cid, SHA256: hex.EncodeToString(r.Table.Sha256),
			SupportUnrn: r.Support.String(), OfUnrn: r.OfStake.String(), RewardUnrn: r.Reward.String(), revision: r,
		}
		if r.Delta != nil {
			row.RowsAdded, row.RowsRemoved = r.Delta.RowsAdded, r.Delta.RowsRemoved
		}
		v.Versions = append(v.Versions, row)
	}
	return v
}

func (v historyView) print(p *printer) {
	if v.ForkedFrom != "" {
		p.line("%s began as a copy of version %d of %s", v.TrainingSet, v.ForkedVersion, v.ForkedFrom)
	}
	if len(v.Versions) == 0 {
		p.line("%s has no version yet: validators have not checked it", v.TrainingSet)
		return
	}
	rows := make([][]string, len(v.Versions))
	for i, x := range v.Versions {
		r := x.revision
		change, support, reward, proposer, summary := "-", "-", "-", "-", "the first table"
		if r.Delta != nil {
			change, proposer, summary = rowsChanged(*r.Delta), shortAddress(r.Proposer), plain(r.Summary)
			support, reward = showShare(r.Support, r.OfStake)+" of "+showNRN(r.OfStake), showNRN(r.Reward)
		}
		if r.Takedown {
			summary = "(takedown) " + summary
		}
		rows[i] = []string{strconv.FormatUint(r.Version, 10), showTime(r.UnixMs / 1_000), proposer, change, thousands(r.Table.Rows), short(r.Table.Root), support, reward, summary}
	}
	p.table([]string{">VERSION", "SINCE", "PROPOSER", "CHANGE", ">ROWS", "ROOT", "SUPPORT", ">PAID", "SUMMARY"}, rows)
}

// shortAddress abbreviates an account in a table.
func shortAddress(address string) string {
	if len(address) <= 16 {
		return address
	}
	return address[:10] + "…" + address[len(address)-4:]
}
