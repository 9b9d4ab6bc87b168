package simulation

import (
	"crypto/sha256"
	"fmt"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	poltypes "github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
	votingtypes "github.com/pold-network/pold/x/voting/types"
)

// change is what validators find when they apply the body of a proposal.
type change struct {
	// finding is what is wrong with it, if anything.
	finding trainingsettypes.DataStatus
	// portable ones apply to every table, others only to their base.
	portable bool
	// lies: it adds more rows than it says.
	lies bool
}

// voters have stake in the group that governs the data from the start.
var voters = []int{staker, citizen, 0}

// vote lets people propose changes of the data and of groups, vote, change their minds and fork.
func (s *Simulation) vote() {
	if set, err := s.App.TrainingSetKeeper.TrainingSets.Get(s.Ctx(), "digits"); err == nil && s.often(12) {
		s.propose(set)
	}
	if s.often(3) {
		s.proposeGroupChange()
	}
	if s.forks < 2 && s.Height() < 150 && s.often(3) {
		s.forks++
		name := fmt.Sprint("fork-", s.Height())
		s.submit(citizen, &poltypes.MsgForkGroup{Sender: s.address(citizen), Source: scoredGroup, Name: name, TrainingSet: name})
	}
	ballots := s.ballots()
	for _, who := range voters {
		if len(ballots) == 0 || !s.often(45) {
			continue
		}
		b := ballots[s.r.IntN(len(ballots))]
		has, err := s.App.VotingKeeper.Votes.Has(s.Ctx(), collections.Join(b.Id, s.address(who)))
		require.NoError(s.t, err)
		switch {
		case !has:
			s.submit(who, &votingtypes.MsgVote{Sender: s.address(who), Ballot: b.Id, Subject: b.Subject})
		case s.often(10):
			s.submit(who, &votingtypes.MsgUnvote{Sender: s.address(who), Ballot: b.Id})
		}
	}
}

// ballots are the open ones of the group that governs the data.
func (s *Simulation) ballots() []votingtypes.Ballot {
	var open []votingtypes.Ballot
	require.NoError(s.t, s.App.VotingKeeper.Ballots.Walk(s.Ctx(), nil, func(_ uint64, b votingtypes.Ballot) (bool, error) {
		if !b.Closed && b.Group == scoredGroup {
			open = append(open, b)
		}
		return false, nil
	}))
	return open
}

func (s *Simulation) propose(set trainingsettypes.TrainingSet) {
	who := s.r.IntN(trainers)
	name := fmt.Sprint(s.seed, "delta", s.Height())
	d := trainingsettypes.Delta{BaseRoot: set.Table.Root, Size_: 400, RowsAdded: 1 + uint64(s.r.IntN(5)), RowsRemoved: uint64(s.r.IntN(3))}
	d.Cid, d.Sha256 = contentID(name)
	c := change{portable: s.often(50), lies: s.often(5)}
	if s.often(10) {
		c.finding = trainingsettypes.DataStatus(1 + s.r.IntN(7))
	}
	s.changes[string(d.Sha256)] = c
	s.files[string(d.Sha256)] = file{forged: -1, withheld: s.often(8)}
	found := changed(set.Table, d)
	d.Root = found[:]
	s.submit(who, &trainingsettypes.MsgProposeDelta{
		Sender: s.address(who), TrainingSet: set.Name, Delta: d, Summary: "better rows", Takedown: s.often(10), MaxDeposit: math.NewInt(100_000_000),
	})
	if s.often(5) {
		s.submit(who, &trainingsettypes.MsgWithdrawProposal{Sender: s.address(who), Proposal: uint64(1 + s.r.IntN(20))})
	}
}

// changed is the root of a table after a change.
func changed(base trainingsettypes.Table, d trainingsettypes.Delta) [32]byte {
	return sha256.Sum256(append(append([]byte(nil), base.Root...), d.Sha256...))
}

// apply is what everybody would find who applies a delta.
func (s *Simulation) apply(task attestationtypes.Task, m trainingsettypes.DataManifest) trainingsettypes.DataAnswer {
	a := trainingsettypes.DataAnswer{Digest: sha256.Sum256(task.ManifestHash)}
	c := s.changes[string(m.Delta.Sha256)]
	moved := string(m.Delta.BaseRoot) != string(m.Table.Root)
	switch {
	case c.finding != trainingsettypes.DataValid:
		a.Status = c.finding
		return a
	case moved && !c.portable:
		a.Status = trainingsettypes.DataDeltaDoesNotApply
		return a
	}
	a.Added, a.Removed = m.Delta.RowsAdded, m.Delta.RowsRemoved
	if c.lies {
		a.Added++
	}
	a.Rows, a.Columns, a.Size = m.Table.Rows+a.Added-a.Removed, m.Table.Columns, m.Table.Size_+10
	a.Root = changed(m.Table, *m.Delta)
	id, hash := contentID(fmt.Sprintf("table %x", a.Root))
	a.SHA256 = [32]byte(hash)
	require.NoError(s.t, a.SetCID(id))
	return a
}

func (s *Simulation) proposeGroupChange() {
	who := voters[s.r.IntN(len(voters))]
	m := &poltypes.MsgProposeGroupChange{Sender: s.address(who), Group: scoredGroup, Summary: "better so"}
	if s.often(50) {
		m.Times = &poltypes.GroupTimes{CommitBlocks: 10 + uint64(s.r.IntN(5)), PeriodSeconds: uint64(s.r.IntN(2)) * (6 + uint64(s.r.IntN(3))) * 3_600}
	} else {
		model := settings(scoredGroup).Model
		if units := s.r.IntN(4); units > 0 {
			model.Layers = append([]*poltypes.Layer{model.Layers[0], {Name: "hidden", Kind: "dense", Units: uint64(units)}}, model.Layers[1:]...)
		}
		m.Model = &model
	}
	s.submit(who, m)
}
