package voteext_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"testing"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"

	"cosmossdk.io/log/v2"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/app/voteext"
	"github.com/pold-network/pold/sidecar/api"
	"github.com/pold-network/pold/testutil/network"
	"github.com/pold-network/pold/testutil/sidecars"
	attestationtypes "github.com/pold-network/pold/x/attestation/types"
)

// answering is a sidecar made of a function.
type answering func(ctx context.Context, request *api.AnswersRequest) (*api.AnswersResponse, error)

func (f answering) Answers(ctx context.Context, request *api.AnswersRequest) (*api.AnswersResponse, error) {
	return f(ctx, request)
}

// extend asks a handler of a validator for its extension of the next height.
func extend(t testing.TB, n *network.Network, config voteext.Config) *attestationtypes.VoteExtension {
	t.Helper()
	h := voteext.NewHandler(config, n.App.AttestationKeeper, n.App.StakingKeeper, nil, log.NewNopLogger())
	response, err := h.Extend()(n.Ctx(), &abci.RequestExtendVote{Height: n.Height() + 1})
	require.NoError(t, err, "a fault of a sidecar is no fault of the node")
	verified, err := h.Verify()(n.Ctx(), &abci.RequestVerifyVoteExtension{VoteExtension: response.VoteExtension})
	require.NoError(t, err)
	require.Equal(t, abci.ResponseVerifyVoteExtension_ACCEPT, verified.Status, "what we sign, others accept")
	e, err := attestationtypes.DecodeExtension(response.VoteExtension)
	require.NoError(t, err)
	return e
}

func answers(list ...api.Answer) answering {
	return func(context.Context, *api.AnswersRequest) (*api.AnswersResponse, error) {
		return &api.AnswersResponse{Answers: list}, nil
	}
}

func TestAFaultySidecarLeavesTheExtensionEmpty(t *testing.T) {
	n := withWork(t, 2, 1, network.Config{})
	n.Advance(1)
	me := n.Validators[0].ConsAddr
	for name, config := range map[string]voteext.Config{
		"no sidecar":    {Consensus: me},
		"NoSidecar":     {Consensus: me, Sidecar: voteext.NoSidecar{}},
		"no key":        {Sidecar: answers()},
		"a foreign key": {Sidecar: answers(), Consensus: sdk.ConsAddress(make([]byte, 20))},
		"an error": {Consensus: me, Sidecar: answering(func(context.Context, *api.AnswersRequest) (*api.AnswersResponse, error) {
			return nil, errors.New("busy")
		})},
		"a panic": {Consensus: me, Sidecar: answering(func(context.Context, *api.AnswersRequest) (*api.AnswersResponse, error) {
			panic("broken")
		})},
		"nothing, without an error": {Consensus: me, Sidecar: answering(func(context.Context, *api.AnswersRequest) (*api.AnswersResponse, error) {
			return nil, nil
		})},
		"no answer within the deadline": {Consensus: me, Deadline: time.Millisecond, Sidecar: answering(func(ctx context.Context, _ *api.AnswersRequest) (*api.AnswersResponse, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})},
	} {
		t.Run(name, func(t *testing.T) {
			require.Nil(t, extend(t, n, config))
		})
	}
}

func TestAnswersThatMakeNoSenseAreIgnored(t *testing.T) {
	n := withWork(t, 2, 1, network.Config{})
	n.Advance(1)
	me := n.Validators[0]
	witness := attestationtypes.WitnessOf(network.DefaultChainID, 2, me.Operator.String(), []byte("right"))
	e := extend(t, n, voteext.Config{Consensus: me.ConsAddr, Sidecar: answering(func(context.Context, *api.AnswersRequest) (*api.AnswersResponse, error) {
		return &api.AnswersResponse{
			Answers: []api.Answer{
				{TaskId: 1, Answer: make([]byte, attestationtypes.MaxAnswerSize+1)},
				{TaskId: 99, Answer: []byte("to nothing that was asked")},
				{TaskId: 1},
				{TaskId: 2, Answer: []byte("wrong")},
				{TaskId: 2, Answer: []byte("right")},
			},
			Held: []uint64{7, 1, 1, 1 << 63},
		}, nil
	})})
	require.Equal(t, &attestationtypes.VoteExtension{
		Version: 1, Commits: []attestationtypes.ExtensionCommit{{TaskId: 2, Witness: witness}}, Held: []uint64{1},
	}, e)
}

func TestTheSidecarIsAskedAboutPinnedInputsOnly(t *testing.T) {
	n := withWork(t, 1, 1, network.Config{})
	n.Advance(1)
	var asked *api.AnswersRequest
	e := extend(t, n, voteext.Config{Consensus: n.Validators[0].ConsAddr, Sidecar: answering(func(_ context.Context, r *api.AnswersRequest) (*api.AnswersResponse, error) {
		asked = r
		return &api.AnswersResponse{}, nil
	})})
	require.Equal(t, &api.AnswersRequest{
		ChainId: network.DefaultChainID, Operator: n.Validators[0].Operator.String(), Beacon: 1,
		Tasks:     []api.TaskKey{{Id: 1, ManifestHash: task(t, n, 1).ManifestHash}},
		Artefacts: []api.ArtefactKey{{Id: 1, Sha256: make([]byte, 32)}},
	}, asked)
	require.Equal(t, &attestationtypes.VoteExtension{Version: 1}, e, "a healthy sidecar without answers is a sign of life")
}

func TestAnAnswerThatChangedSinceTheCommitIsNotOpened(t *testing.T) {
	n := withWork(t, 1, 0, network.Config{})
	sidecars.Attach(n, agree, nil)
	for n.Height() == 0 || task(t, n, 1).Status == attestationtypes.TASK_STATUS_COMMIT {
		n.Advance(1)
	}
	require.Equal(t, attestationtypes.TASK_STATUS_OPEN, task(t, n, 1).Status)
	me := n.Validators[0].ConsAddr
	e := extend(t, n, voteext.Config{Consensus: me, Sidecar: answers(api.Answer{TaskId: 1, Answer: []byte("other")})})
	require.Empty(t, e.Openings)
	e = extend(t, n, voteext.Config{Consensus: me, Sidecar: answers(api.Answer{TaskId: 1, Answer: agree(0, task(t, n, 1))})})
	require.Len(t, e.Openings, 1)
}

// hung is a sidecar process that takes a call and never answers.
type hung struct {
	api.UnimplementedSidecarServer
	done chan struct{}
}

func (h *hung) Answers(context.Context, *api.AnswersRequest) (*api.AnswersResponse, error) {
	<-h.done
	return &api.AnswersResponse{}, nil
}

func TestTheClientDoesNotWaitForASidecarThatHangsOrIsNotThere(t *testing.T) {
	n := withWork(t, 1, 0, network.Config{})
	n.Advance(1)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server, done := grpc.NewServer(), make(chan struct{})
	api.RegisterSidecarServer(server, &hung{done: done})
	go func() { _ = server.Serve(listener) }()
	client, err := voteext.Dial(listener.Addr().String())
	require.NoError(t, err)
	config := voteext.Config{Consensus: n.Validators[0].ConsAddr, Sidecar: client, Deadline: 20 * time.Millisecond}
	require.Nil(t, extend(t, n, config))

	close(done)
	config.Deadline = time.Minute
	require.NotNil(t, extend(t, n, config), "it answers again")
	server.Stop()
	config.Deadline = 20 * time.Millisecond
	require.Nil(t, extend(t, n, config))
	require.NoError(t, client.Close())
	require.Nil(t, extend(t, n, config))
}

func TestDialExplainsAnAddressThatIsNone(t *testing.T) {
	_, err := voteext.Dial("127.0.0.1:9700\x7f")
	require.ErrorContains(t, err, "expected host:port")
}

func TestVerifyLooksAtShapeAndSizeOnly(t *testing.T) {
	h := voteext.NewHandler(voteext.Config{}, nil, nil, nil, log.NewNopLogger()) // no state, no sidecar
	valid, err := attestationtypes.EncodeExtension(attestationtypes.VoteExtension{Held: []uint64{1}})
	require.NoError(t, err)
	for name, c := range map[string]struct {
		extension []byte
		want      abci.ResponseVerifyVoteExtension_VerifyStatus
	}{
		"an empty extension":        {nil, abci.ResponseVerifyVoteExtension_ACCEPT},
		"a well-formed extension":   {valid, abci.ResponseVerifyVoteExtension_ACCEPT},
		"garbage":                   {[]byte("garbage"), abci.ResponseVerifyVoteExtension_REJECT},
		"more than 4,096 bytes":     {make([]byte, 4097), abci.ResponseVerifyVoteExtension_REJECT},
		"an unknown version":        {[]byte{0x08, 0x02}, abci.ResponseVerifyVoteExtension_REJECT},
		"a version and then zeroes": {append(append([]byte{}, valid...), 0), abci.ResponseVerifyVoteExtension_REJECT},
	} {
		response, err := h.Verify()(sdk.Context{}, &abci.RequestVerifyVoteExtension{VoteExtension: c.extension})
		require.NoError(t, err, name)
		require.Equal(t, c.want, response.Status, name)
	}
}

func TestPersonalValuesChallengesAndTheBeaconAreSigned(t *testing.T) {
	n := withWork(t, 1, 0, network.Config{})
	n.Advance(1)
	me := n.Validators[0]
	personal, secret := bytes.Repeat([]byte{3}, 32), bytes.Repeat([]byte{4}, 32)
	e := extend(t, n, voteext.Config{Consensus: me.ConsAddr, Sidecar: answering(func(context.Context, *api.AnswersRequest) (*api.AnswersResponse, error) {
		return &api.AnswersResponse{
			Answers:      []api.Answer{{TaskId: 1, Answer: []byte("right"), Personal: personal, Challenges: []uint32{7, 3, 7, 64}}},
			BeaconSecret: secret,
		}, nil
	})})
	require.Equal(t, personal, e.Commits[0].Personal)
	require.Equal(t, []attestationtypes.ExtensionChallenge{{TaskId: 1, Segment: 3}, {TaskId: 1, Segment: 7}}, e.Challenges, "each once, in order, none that can't be")
	require.Equal(t, &attestationtypes.BeaconCommit{
		Number: 1, Commit: attestationtypes.BeaconCommitOf(network.DefaultChainID, 1, me.Operator.String(), secret),
	}, e.BeaconCommit, "the secret itself stays secret until its window")
	require.Nil(t, e.BeaconReveal)
}
