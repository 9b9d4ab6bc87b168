package types

import "context"

// Outcome is how a settled task divided the members of its snapshot. Lists are in operator order.
type Outcome struct {
	Task     Task
	Snapshot Snapshot
	// Wrong are the votes that were not for the settled answer and were not voided.
	Wrong []Vote
	// Absent are the members that were live while the task was open and recorded no witness.
	Absent []string
}

// SpotOutcome is what a spot task found about one operator's personal value.
type SpotOutcome struct {
	// Task is the spot task, Manifest what it asked, Of the task that was looked into.
	Task     Task
	Manifest SpotManifest
	// Right is the true personal value; Wrong says that the operator had committed to another one.
	Right []byte
	Wrong bool
}

// ConductKind is an act that costs conduct and no stake.
type ConductKind string

// Acts that cost conduct.
const (
	ConductMissingReveal  ConductKind = "committed to a beacon secret and did not reveal it"
	ConductSecondWitness  ConductKind = "second, different witness"
	ConductEarlyOpening   ConductKind = "opened before the commit window had closed"
	ConductFalseOpening   ConductKind = "opened an answer that it had not committed to"
	ConductFalseChallenge ConductKind = "challenged a segment that is right"
)

// Conduct is one such act.
type Conduct struct {
	Operator string
	Kind     ConductKind
	// Ref names what it was about: task/12 or beacon/7.
	Ref string
}

// Hooks are told what validators did. Writes of a call that returns an error are dropped.
type Hooks interface {
	AfterTaskSettled(ctx context.Context, outcome Outcome) error
	AfterSpotSettled(ctx context.Context, outcome SpotOutcome) error
	// AfterArtefactJudged names who held a file that was held, and who was live and did not.
	AfterArtefactJudged(ctx context.Context, artefact Artefact, held, missing []string) error
	AfterConduct(ctx context.Context, conduct Conduct) error
}

// DrawOwner is an Owner that requests draws of the beacon.
type DrawOwner interface {
	DrawDone(ctx context.Context, draw Draw, seed []byte) error
}

// ChallengeOwner is an Owner whose tasks may be challenged.
type ChallengeOwner interface {
	// Challenged is called once for each operator and segment, while the task is open.
	Challenged(ctx context.Context, task Task, challenge Challenge) error
}

// MultiHooks tells several listeners, in order; the first error ends it.
type MultiHooks []Hooks

var _ Hooks = MultiHooks{}

func (m MultiHooks) each(call func(h Hooks) error) error {
	for _, h := range m {
		if err := call(h); err != nil {
			return err
		}
	}
	return nil
}

// AfterTaskSettled implements Hooks.
func (m MultiHooks) AfterTaskSettled(ctx context.Context, o Outcome) error {
	return m.each(func(h Hooks) error { return h.AfterTaskSettled(ctx, o) })
}

// AfterSpotSettled implements Hooks.
func (m MultiHooks) AfterSpotSettled(ctx context.Context, o SpotOutcome) error {
	return m.each(func(h Hooks) error { return h.AfterSpotSettled(ctx, o) })
}

// AfterArtefactJudged implements Hooks.
func (m MultiHooks) AfterArtefactJudged(ctx context.Context, a Artefact, held, missing []string) error {
	return m.each(func(h Hooks) error { return h.AfterArtefactJudged(ctx, a, held, missing) })
}

// AfterConduct implements Hooks.
func (m MultiHooks) AfterConduct(ctx context.Context, c Conduct) error {
	return m.each(func(h Hooks) error { return h.AfterConduct(ctx, c) })
}
