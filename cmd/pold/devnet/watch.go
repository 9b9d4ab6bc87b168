package devnet

import (
	"context"
	"fmt"
	"slices"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/cosmos/cosmos-sdk/client/grpc/cmtservice"
	"github.com/cosmos/cosmos-sdk/codec"
	codectypes "github.com/cosmos/cosmos-sdk/codec/types"
	"github.com/cosmos/cosmos-sdk/types/query"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	poltypes "github.com/pold-network/pold/x/pol/types"
	polslashingtypes "github.com/pold-network/pold/x/slashing/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

const (
	pollInterval = 250 * time.Millisecond
	pollTimeout  = 2 * time.Second
)

// watcher follows the chain through whichever node answers and turns what it sees into events.
type watcher struct {
	connections []*grpc.ClientConn
	current     int
	report      func(Event)
	started     time.Time

	height        int64
	sidecarsReady bool
	verified      bool
	version       uint64 // of the training set
	proposals     map[uint64]trainingsettypes.ProposalStatus
	changes       map[uint64]poltypes.GroupChangeStatus
	round         uint64
	phase         poltypes.RoundPhase
	note          string
	evidence      uint64 // the last piece that was reported
	store         uint64 // the last store task that was reported
	penalties     map[uint64]polslashingtypes.PenaltyStatus
	// Wins counts the rounds settled with a winner since the start.
	Wins int
}

func newWatcher(l layout, validators int, report func(Event)) (*watcher, error) {
	w := &watcher{report: report, started: time.Now(), penalties: map[uint64]polslashingtypes.PenaltyStatus{},
		proposals: map[uint64]trainingsettypes.ProposalStatus{}, changes: map[uint64]poltypes.GroupChangeStatus{}}
	for i := range validators {
		c, err := grpc.NewClient(fmt.Sprintf("127.0.0.1:%d", l.grpc(i)), grpc.WithTransportCredentials(insecure.NewCredentials()),
			// Amounts are gogoproto custom types, which gRPC's own codec does not know.
			grpc.WithDefaultCallOptions(grpc.ForceCodec(codec.NewProtoCodec(codectypes.NewInterfaceRegistry()).GRPCCodec())))
		if err != nil {
			return nil, err
		}
		w.connections = append(w.connections, c)
	}
	return w, nil
}

func (w *watcher) close() {
	for _, c := range w.connections {
		c.Close()
	}
}

// hasBlock reports whether a node answers and has a block.
func (w *watcher) hasBlock(parent context.Context, node int) bool {
	ctx, cancel := context.WithTimeout(parent, pollTimeout)
	defer cancel()
	r, err := cmtservice.NewServiceClient(w.connections[node]).GetLatestBlock(ctx, &cmtservice.GetLatestBlockRequest{})
	return err == nil && r.SdkBlock.Header.Height > 0
}

// run polls until the context ends or enough rounds were won; enough 0 means for ever.
func (w *watcher) run(ctx context.Context, enough int) error {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		if err := w.poll(ctx); err != nil {
			w.current = (w.current + 1) % len(w.connections) // that node may be down; ask the next one
		}
		if enough > 0 && w.Wins >= enough {
			return nil
		}
	}
}

// poll asks the current node once.
func (w *watcher) poll(parent context.Context) error {
	ctx, cancel := context.WithTimeout(parent, pollTimeout)
	defer cancel()
	c := w.connections[w.current]
	block, err := cmtservice.NewServiceClient(c).GetLatestBlock(ctx, &cmtservice.GetLatestBlockRequest{})
	if err != nil {
		return err
	}
	height := block.SdkBlock.Header.Height
	if w.height == 0 && height > 0 {
		w.report(Event{Event: "first_block", Height: height, Seconds: w.seconds()})
	}
	w.height = max(w.height, height)
	if !w.sidecarsReady {
		if err := w.pollSidecars(ctx, c); err != nil {
			return err
		}
	}
	if !w.verified {
		if err := w.pollTrainingSet(ctx, c); err != nil {
			return err
		}
	}
	if err := w.pollVotes(ctx, c); err != nil {
		return err
	}
	if err := w.pollRounds(ctx, c); err != nil {
		return err
	}
	if err := w.pollStore(ctx, c); err != nil {
		return err
	}
	return w.pollFaults(ctx, c)
}

// pollFaults reports new evidence and what became of penalties.
func (w *watcher) pollFaults(ctx context.Context, c *grpc.ClientConn) error {
	client := polslashingtypes.NewQueryClient(c)
	newest := &query.PageRequest{Reverse: true, Limit: 20}
	found, err := client.AllEvidence(ctx, &polslashingtypes.QueryAllEvidenceRequest{Pagination: newest})
	if err != nil {
		return err
	}
	for _, e := range slices.Backward(found.Evidence) {
		if e.Id > w.evidence {
			w.evidence = e.Id
			w.report(Event{Event: "fault", Name: e.Address, Count: int(e.Id), Height: e.Height, Group: e.Group, Round: e.Round, Note: faultName(e)})
		}
	}
	decided, err := client.Penalties(ctx, &polslashingtypes.QueryPenaltiesRequest{Pagination: newest})
	if err != nil {
		return err
	}
	for _, p := range slices.Backward(decided.Penalties) {
		if w.penalties[p.Id] != p.Status {
			w.penalties[p.Id] = p.Status
			w.report(Event{Event: "penalty", Name: p.Operator, Count: int(p.EvidenceId), Status: penaltyName(p), Note: p.Note})
		}
	}
	return nil
}

func (w *watcher) seconds() float64 { return float64(time.Since(w.started).Milliseconds()) / 1_000 }

func (w *watcher) pollSidecars(ctx context.Context, c *grpc.ClientConn) error {
	r, err := attestationtypes.NewQueryClient(c).Live(ctx, &attestationtypes.QueryLiveRequest{})
	if err != nil {
		return err
	}
	if int(r.Live) == len(r.Validators) && r.Live > 0 {
		w.sidecarsReady = true
		w.report(Event{Event: "sidecars_ready", Height: w.height, Count: int(r.Live), Seconds: w.seconds()})
	}
	return nil
}

func (w *watcher) pollTrainingSet(ctx context.Context, c *grpc.ClientConn) error {
	r, err := trainingsettypes.NewQueryClient(c).TrainingSet(ctx, &trainingsettypes.QueryTrainingSetRequest{Name: Group})
	if err != nil {
		return err
	}
	switch r.TrainingSet.Status {
	case trainingsettypes.STATUS_VERIFIED:
		w.verified = true
		w.report(Event{Event: "training_set_verified", Name: r.TrainingSet.Name, Height: w.height, Count: int(r.TrainingSet.Table.Rows), Seconds: w.seconds()})
	case trainingsettypes.STATUS_REJECTED:
		w.verified = true
		w.report(Event{Event: "training_set_rejected", Name: r.TrainingSet.Name, Height: w.height, Note: r.TrainingSet.Note})
	}
	return nil
}

// pollRounds reports every change of the current round and of rounds that settled since the last look.
func (w *watcher) pollRounds(ctx context.Context, c *grpc.ClientConn) error {
	client := poltypes.NewQueryClient(c)
	g, err := client.Group(ctx, &poltypes.QueryGroupRequest{Name: Group})
	if err != nil || g.Group.Round == 0 {
		return err
	}
	if w.round == 0 { // a continued network: start with the round that is open now
		w.round = g.Group.Round
	}
	for ; w.round <= g.Group.Round; w.round++ {
		r, err := client.Round(ctx, &poltypes.QueryRoundRequest{Group: Group, Number: w.round})
		if err != nil {
			return err
		}
		if r.Round.Phase != w.phase && r.Round.Phase == poltypes.ROUND_PHASE_COMMIT {
			w.report(Event{Event: "round_opened", Group: Group, Round: r.Round.Number, Height: r.Round.OpenedHeight})
		}
		if r.Round.Phase != poltypes.ROUND_PHASE_SETTLED {
			if r.Round.Note != w.note && (r.Round.Phase == w.phase || r.Round.Phase > poltypes.ROUND_PHASE_COMMIT) {
				w.report(Event{Event: "round_phase", Group: Group, Round: r.Round.Number, Phase: phaseName(r.Round.Phase), Note: r.Round.Note, Height: w.height})
			}
			w.phase, w.note = r.Round.Phase, r.Round.Note
			return nil
		}
		if err := w.settled(ctx, client, r.Round); err != nil {
			return err
		}
		w.phase, w.note = 0, ""
	}
	return nil // w.round is the next round, which opens in the next block
}

func (w *watcher) settled(ctx context.Context, client poltypes.QueryClient, r poltypes.Round) error {
	s, err := client.Submissions(ctx, &poltypes.QuerySubmissionsRequest{Group: r.Group, Number: r.Number})
	if err != nil {
		return err
	}
	for _, x := range s.Submissions {
		e := Event{
			Event: "submission", Group: r.Group, Round: r.Number, Trainer: x.Trainer, ClaimedLossE9: &x.ClaimedLossE9,
			Status: statusName(x.Status), Note: x.Note,
		}
		if x.Verdict != nil {
			e.LossE9 = &x.Verdict.RankLossE9
		}
		w.report(e)
	}
	e := Event{
		Event: "round_settled", Group: r.Group, Round: r.Number, Height: r.SettledHeight, Winner: r.Winner,
		RewardUnrn: r.Reward.String(), VerifierRewardUnrn: r.VerifierReward.String(), SupplyUnrn: r.SettledSupply.String(), Note: r.Note,
		Seconds: w.seconds(),
	}
	if r.Winner != "" {
		loss, metric := r.Checkpoint.LossE9, r.Checkpoint.MetricE9
		e.LossE9, e.MetricE9 = &loss, &metric
	}
	if r.ParentVerdict != nil {
		parent := r.ParentVerdict.RankLossE9
		e.ParentLossE9 = &parent
	}
	if r.Winner != "" {
		w.Wins++
	}
	w.report(e)
	return nil
}
