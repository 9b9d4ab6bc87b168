package econ

import (
	"crypto/sha256"
	"fmt"
	"slices"

	"cosmossdk.io/collections"

	attestationkeeper "github.com/pold-network/pold/x/attestation/keeper"
	attestationtypes "github.com/pold-network/pold/x/attestation/types"
)

// extensions returns what all validators sign about the last state, and whether any of them says anything but that it is live.
func (w *world) extensions() (signed []attestationkeeper.SignedExtension, busy bool, err error) {
	all := make([]attestationtypes.VoteExtension, len(w.validators))
	for i := range all {
		all[i].Version = attestationtypes.ExtensionVersion
	}
	if err := w.shares(all, &busy); err != nil {
		return nil, false, err
	}
	if err := w.holds(all, &busy); err != nil {
		return nil, false, err
	}
	if err := w.answers(all, &busy); err != nil {
		return nil, false, err
	}
	for i, v := range w.validators {
		slices.SortFunc(all[i].Challenges, func(a, b attestationtypes.ExtensionChallenge) int {
			return int(a.TaskId)<<8 + int(a.Segment) - int(b.TaskId)<<8 - int(b.Segment)
		})
		signed = append(signed, attestationkeeper.SignedExtension{Operator: v.operator, Extension: &all[i]})
	}
	return signed, busy, nil
}

// shares commits to and reveals the secrets of the beacon; everybody is honest about them, it costs nothing.
func (w *world) shares(all []attestationtypes.VoteExtension, busy *bool) error {
	b, err := w.attestation.Beacon.Get(w.ctx)
	if err != nil {
		b = attestationtypes.FirstBeacon()
	}
	said := 2 * b.Number
	if b.Phase == attestationtypes.BEACON_PHASE_REVEAL {
		said++
	}
	for i, v := range w.validators {
		if w.beacon[v.operator] == said {
			continue
		}
		w.beacon[v.operator], *busy = said, true
		secret := sha256.Sum256(fmt.Appendf(nil, "%d %s %d", w.Seed, v.operator, b.Number))
		if b.Phase == attestationtypes.BEACON_PHASE_REVEAL {
			all[i].BeaconReveal = &attestationtypes.BeaconReveal{Number: b.Number, Secret: secret[:]}
			continue
		}
		all[i].BeaconCommit = &attestationtypes.BeaconCommit{Number: b.Number, Commit: attestationtypes.BeaconCommitOf(chainID, b.Number, v.operator, secret[:])}
	}
	return nil
}

// holds says of every file that it is held: keeping files is not what is priced here.
func (w *world) holds(all []attestationtypes.VoteExtension, busy *bool) error {
	return w.attestation.ArtefactsAsked.Walk(w.ctx, nil, func(id uint64) (bool, error) {
		if !w.held[id] {
			w.held[id], *busy = true, true
			for i := range all {
				all[i].Held = append(all[i].Held, id)
			}
		}
		return false, nil
	})
}

// answers commits to the answers of open tasks and opens those that are committed to.
func (w *world) answers(all []attestationtypes.VoteExtension, busy *bool) error {
	var ids []uint64
	if err := w.attestation.TasksActive.Walk(w.ctx, nil, func(id uint64) (bool, error) {
		ids = append(ids, id)
		return false, nil
	}); err != nil {
		return err
	}
	for _, id := range ids {
		t, err := w.attestation.Tasks.Get(w.ctx, id)
		if err != nil {
			return err
		}
		j := w.jobs[id]
		if j == nil {
			if j, err = w.newJob(t); err != nil {
				return fmt.Errorf("task %d (%s): %w", id, t.Kind, err)
			}
			w.jobs[id] = j
			delete(w.jobs, id-2_000) // spot tasks ask about recent ones only
		}
		switch t.Status {
		case attestationtypes.TASK_STATUS_COMMIT:
			w.commitTo(all, j, busy)
		case attestationtypes.TASK_STATUS_OPEN:
			for i, v := range w.validators {
				if !j.opened && v.Strategy == HonestValidator && j.members[v.operator] {
					j.opened, *busy = true, true
					all[i].Openings = append(all[i].Openings, attestationtypes.ExtensionOpening{TaskId: id, Answer: j.right})
				}
			}
		}
	}
	return nil
}

func (w *world) commitTo(all []attestationtypes.VoteExtension, j *job, busy *bool) {
	for i, v := range w.validators {
		if j.done[i] || !j.members[v.operator] {
			continue
		}
		j.done[i], *busy = true, true
		s := w.say(v, j)
		if s.answer == nil {
			continue
		}
		v.Tries++
		all[i].Commits = append(all[i].Commits, attestationtypes.ExtensionCommit{
			TaskId: j.task.Id, Witness: attestationtypes.WitnessOf(chainID, j.task.Id, v.operator, s.answer), Personal: s.personal,
		})
		for _, segment := range s.challenges {
			all[i].Challenges = append(all[i].Challenges, attestationtypes.ExtensionChallenge{TaskId: j.task.Id, Segment: segment})
		}
	}
}

// idle returns how many heights lie before the next one at which something is due.
func (w *world) idle() (int64, error) {
	now := w.ctx.BlockHeight()
	next := now + idleHeights
	due := func(height int64) { next = min(next, max(height, now+2)) }
	k := w.attestation
	err := k.TasksActive.Walk(w.ctx, nil, func(id uint64) (bool, error) {
		t, err := k.Tasks.Get(w.ctx, id)
		if t.Status == attestationtypes.TASK_STATUS_COMMIT {
			due(t.CommitUntil + 1)
		} else {
			due(t.OpenUntil + 1)
		}
		return false, err
	})
	if err != nil {
		return 0, err
	}
	if err := k.ArtefactsAsked.Walk(w.ctx, nil, func(id uint64) (bool, error) {
		a, err := k.Artefacts.Get(w.ctx, id)
		due(a.Until + 1)
		return false, err
	}); err != nil {
		return 0, err
	}
	if b, err := k.Beacon.Get(w.ctx); err == nil && b.Phase == attestationtypes.BEACON_PHASE_REVEAL {
		due(b.Until + 1)
	}
	// What waits for its turn opens at the end of the next block.
	for _, waits := range []func() (bool, error){
		func() (bool, error) { return some(w, k.TasksQueue) },
		func() (bool, error) { return some(w, k.ArtefactsWaiting) },
		func() (waits bool, err error) {
			err = k.Draws.Walk(w.ctx, nil, func(uint64, attestationtypes.Draw) (bool, error) { waits = true; return true, nil })
			return waits, err
		},
	} {
		has, err := waits()
		if err != nil {
			return 0, err
		}
		if has {
			due(now)
		}
	}
	err = w.pol.Due.Walk(w.ctx, nil, func(key collections.Pair[int64, string]) (bool, error) {
		due(key.K1())
		return true, nil
	})
	return next - now, err
}

func some[K any](w *world, set collections.KeySet[K]) (has bool, err error) {
	err = set.Walk(w.ctx, nil, func(K) (bool, error) { has = true; return true, nil })
	return has, err
}
