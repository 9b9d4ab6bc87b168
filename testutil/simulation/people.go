package simulation

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/testutil/network"
	poltypes "github.com/pold-network/pold/x/pol/types"
)

// work is what a trainer handed in, or will, in a round.
type work struct {
	group   string
	round   uint64
	trainer int
	message poltypes.MsgSubmitCheckpoint
	// silent: it is committed to and never revealed.
	silent, sent bool
}

// canary is a planted checkpoint and what its verdict must be.
type canary struct {
	group   string
	round   uint64
	finding poltypes.ScoreStatus
	loss    uint64
	forgets bool // its planter never opens it
}

var salt = bytes.Repeat([]byte{5}, 32)

// act lets everybody do what they like before the next block.
func (s *Simulation) act() {
	s.moveSidecars()
	for _, name := range s.Groups() {
		g, err := s.App.PolKeeper.Groups.Get(s.Ctx(), name)
		if errors.Is(err, collections.ErrNotFound) {
			if s.Height() > 30 {
				s.submit(citizen, &poltypes.MsgCreateGroup{Sender: s.address(citizen), Name: name, Settings: settings(name)})
			}
			continue
		}
		require.NoError(s.t, err)
		s.stake(name)
		if name == sealedGroup {
			s.provide(g)
		}
		if g.Round == 0 {
			continue
		}
		r, err := s.App.PolKeeper.Rounds.Get(s.Ctx(), collections.Join(name, g.Round))
		require.NoError(s.t, err)
		s.compete(g, r)
	}
	s.openCanaries()
	s.vote()
	s.govern()
	s.unjail()
}

func (s *Simulation) address(account int) string { return s.Accounts[account].String() }

func (s *Simulation) submit(account int, m sdk.Msg) { s.Submit(s.Accounts[account], m) }

// compete lets trainers commit and reveal, and providers show keys.
func (s *Simulation) compete(g poltypes.Group, r poltypes.Round) {
	for trainer := range trainers + 1 {
		key := fmt.Sprint(g.Name, r.Number, trainer)
		w := s.works[key]
		switch r.Phase {
		case poltypes.ROUND_PHASE_COMMIT:
			if w != nil {
				continue
			}
			if trainer == planter {
				if s.often(6) {
					s.works[key] = s.plant(g, r)
				}
			} else if s.often(20) {
				s.works[key] = s.train(g, r, trainer)
				s.commit(s.works[key])
			}
		case poltypes.ROUND_PHASE_REVEAL:
			if w == nil || w.sent || w.silent || !s.often(35) {
				continue
			}
			w.sent = true
			s.submit(trainer, &w.message)
			s.revealed[g.Name] = append(s.revealed[g.Name], w)
			if s.often(5) {
				s.submit(trainer, &w.message) // twice
			}
		}
	}
	if r.Phase != poltypes.ROUND_PHASE_KEY {
		return
	}
	for i, b := range r.Batches {
		key := s.keys[fmt.Sprint(b.Group, b.Round, b.Provider)]
		switch {
		case len(b.Key) > 0 || !s.often(40):
		case s.chance(10, "key", b.Round, b.Provider):
			s.submit(provider+i, &poltypes.MsgRevealBatchKey{Sender: b.Provider, Group: b.Group, Round: b.Round, Key: bytes.Repeat([]byte{1}, 32)})
		default:
			s.submit(provider+i, &poltypes.MsgRevealBatchKey{Sender: b.Provider, Group: b.Group, Round: b.Round, Key: key})
		}
	}
}

// train makes a checkpoint: better or worse than its parent, sometimes a lie, a broken file, a copy or a forgery.
func (s *Simulation) train(g poltypes.Group, r poltypes.Round, trainer int) *work {
	loss := uint64(initialLoss)
	if r.Parent.Cid != "" {
		loss = r.Parent.LossE9
	}
	loss = loss * uint64(880+s.r.IntN(140)) / 1_000
	w := &work{group: g.Name, round: r.Number, trainer: trainer, silent: s.often(10)}
	f := file{loss: loss, forged: -1, withheld: s.often(6)}
	if s.often(5) {
		f.status = poltypes.ScoreStatus(1 + s.r.IntN(3))
	}
	w.message = poltypes.MsgSubmitCheckpoint{
		Sender: s.address(trainer), Group: g.Name, Round: r.Number, Size_: 1_000, ClaimedLossE9: loss, Salt: salt,
	}
	w.message.CheckpointCid, w.message.CheckpointHash = s.publish(f, "checkpoint", g.Name, r.Number, trainer)
	if s.often(8) {
		w.message.ClaimedLossE9-- // a lie
	}
	var of *work // whose checkpoint it is in truth
	if other := s.works[fmt.Sprint(g.Name, r.Number, (trainer+1)%trainers)]; other != nil && s.often(12) {
		of = other // two accounts of one person
	} else if known := s.revealed[g.Name]; len(known) > 0 && s.often(5) {
		of = known[s.r.IntN(len(known))]
	}
	if of != nil {
		w.message.CheckpointCid, w.message.CheckpointHash, w.message.ClaimedLossE9 = of.message.CheckpointCid, of.message.CheckpointHash, of.message.ClaimedLossE9
	}
	if g.Settings.Proof == poltypes.PROOF_MODE_PROVED {
		t := file{forged: -1, withheld: s.often(8)}
		if s.often(25) {
			t.forged = s.r.IntN(int(g.Settings.Segments))
		}
		w.message.TranscriptCid, w.message.TranscriptRoot = s.publish(t, "transcript", g.Name, r.Number, trainer)
		w.message.TranscriptSize = 2_000
	}
	return w
}

func (s *Simulation) publish(f file, name ...any) (string, []byte) {
	id, hash := contentID(fmt.Sprint(s.seed, name))
	s.files[string(hash)] = f
	return id, hash
}

func (s *Simulation) commit(w *work) {
	m := w.message
	s.submit(w.trainer, &poltypes.MsgCommitCheckpoint{
		Sender: m.Sender, Group: m.Group, Round: m.Round,
		Commitment: poltypes.CommitmentOf(network.DefaultChainID, m.Group, m.Round, m.Sender, m.CheckpointHash, m.TranscriptRoot, m.ClaimedLossE9, m.Salt),
	})
}

// plant commits to a checkpoint whose verdict the planter knows.
func (s *Simulation) plant(g poltypes.Group, r poltypes.Round) *work {
	w := s.train(g, r, planter)
	f := file{loss: initialLoss / 2, forged: -1}
	c := canary{group: g.Name, round: r.Number, loss: f.loss, forgets: s.often(25)}
	if s.often(70) {
		f.status = poltypes.ScoreNotFinite
		c.finding, c.loss = f.status, 0
	} else if s.often(30) {
		c.loss++ // the planter is wrong
	}
	w.silent = false
	w.message.CheckpointCid, w.message.CheckpointHash = s.publish(f, "canary", g.Name, r.Number)
	w.message.ClaimedLossE9 = f.loss
	s.submit(planter, &poltypes.MsgPlantCanary{
		Sender: s.address(planter), Group: g.Name, Round: r.Number,
		Commitment: poltypes.CanaryCommitmentOf(network.DefaultChainID, g.Name, r.Number, s.address(planter), s.address(planter), uint32(c.finding), c.loss, salt),
	})
	s.commit(w)
	s.canaries = append(s.canaries, c)
	return w
}

func (s *Simulation) openCanaries() {
	var kept []canary
	for _, c := range s.canaries {
		r, err := s.App.PolKeeper.Rounds.Get(s.Ctx(), collections.Join(c.group, c.round))
		if err != nil {
			continue // it has been pruned
		}
		if c.forgets || r.Phase != poltypes.ROUND_PHASE_SETTLED || !s.often(30) {
			kept = append(kept, c)
			continue
		}
		s.submit(planter, &poltypes.MsgOpenCanary{
			Sender: s.address(planter), Group: c.group, Round: c.round, Trainer: s.address(planter), Finding: uint32(c.finding), ClaimLossE9: c.loss, Salt: salt,
		})
	}
	s.canaries = kept
}

// provide hands in sealed batches for the next rounds and keeps the bond up.
func (s *Simulation) provide(g poltypes.Group) {
	for i, who := range g.Settings.Providers {
		m := &poltypes.MsgProvideBatches{Sender: who, Group: g.Name, Bond: math.ZeroInt()}
		for round := g.Round + 1; round <= g.Round+2; round++ {
			b, err := s.App.PolKeeper.Batches.Get(s.Ctx(), collections.Join3(g.Name, round, who))
			if err == nil && b.Status != poltypes.SEALED_BATCH_STATUS_UNAVAILABLE || !s.often(50) {
				continue
			}
			key := contentHash(s.seed, "key", round, who)
			s.keys[fmt.Sprint(g.Name, round, who)] = key
			info := poltypes.SealedBatchInfo{Round: round, Size_: 500, Rows: 10, TableSha256: contentHash("rows", round, who), KeyHash: contentHash(string(key))}
			info.Cid, info.Sha256 = s.publish(file{forged: -1, bad: s.often(10), withheld: s.often(5)}, "batch", round, who, s.Height())
			m.Batches = append(m.Batches, info)
		}
		bond, err := s.App.PolKeeper.ProviderBonds.Get(s.Ctx(), collections.Join(g.Name, who))
		if err != nil || bond.Amount.LT(math.NewInt(providerBond)) {
			m.Bond = math.NewInt(2 * providerBond)
		}
		if len(m.Batches) > 0 || m.Bond.IsPositive() {
			s.submit(provider+i, m)
		}
	}
}

// providerBond is more than any round of the simulation asks for.
const providerBond = 1_000_000_000

func contentHash(parts ...any) []byte {
	_, hash := contentID(fmt.Sprint(parts...))
	return hash
}

// stake lets people bond, unbond and give bounties.
func (s *Simulation) stake(group string) {
	who := []int{staker, citizen, 0}[s.r.IntN(3)]
	amount := math.NewInt(1 + s.r.Int64N(300_000_000))
	switch s.r.IntN(12) {
	case 0:
		s.submit(who, &poltypes.MsgBondGroup{Sender: s.address(who), Group: group, Amount: amount})
	case 1:
		s.submit(who, &poltypes.MsgUnbondGroup{Sender: s.address(who), Group: group, Amount: amount})
	case 2:
		s.submit(who, &poltypes.MsgFundGroup{Sender: s.address(who), Group: group, Amount: amount.QuoRaw(300)})
	}
}
