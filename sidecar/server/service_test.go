package server

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/sidecar/api"
	"github.com/pold-network/pold/sidecar/verifier"
)

type fakeOverlay struct{}

func (fakeOverlay) Storage() *api.StorageStatus {
	return &api.StorageStatus{Home: "/home/somewhere", Files: 3, UsedBytes: 4, PinnedBytes: 2, QuotaBytes: 5}
}
func (fakeOverlay) PeerID() string       { return "12D3KooTest" }
func (fakeOverlay) Addresses() []string  { return []string{"/ip4/127.0.0.1/tcp/1"} }
func (fakeOverlay) Reachability() string { return "unknown" }
func (fakeOverlay) PeerStates() []*api.PeerStatus {
	return []*api.PeerStatus{{PeerId: "12D3KooOther", Connected: true}}
}
func (fakeOverlay) Connected() int { return 3 }

// dial serves s in memory and returns a client without any special codec, as a node uses it.
func dial(t *testing.T, s *Service) api.SidecarClient {
	t.Helper()
	listener := bufconn.Listen(1 << 20)
	server := NewGRPCServer(s)
	go server.Serve(listener) //nolint:errcheck // ends with Stop
	t.Cleanup(server.Stop)
	conn, err := grpc.NewClient("passthrough:///sidecar", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	return api.NewSidecarClient(conn)
}

func idleWorker(t *testing.T) (*Worker, *Answers) {
	t.Helper()
	answers, err := OpenAnswers(filepath.Join(t.TempDir(), "answers"))
	require.NoError(t, err)
	t.Cleanup(func() { answers.Close() })
	return NewWorker(&fakeChain{}, newStore(), verifier.New(), answers, quiet), answers
}

func secretsOf(t *testing.T) *Secrets {
	t.Helper()
	s, err := OpenSecrets(filepath.Join(t.TempDir(), "beacon.key"))
	require.NoError(t, err)
	return s
}

func TestTheSecretOfABeaconIsTheSameAfterARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "home", "beacon.key")
	first, err := OpenSecrets(path)
	require.NoError(t, err)
	again, err := OpenSecrets(path)
	require.NoError(t, err)
	require.Equal(t, first.Of("chain", "operator", 7), again.Of("chain", "operator", 7))
	seen := map[string]bool{}
	for _, s := range [][]byte{first.Of("chain", "operator", 7), first.Of("chain", "operator", 8), first.Of("chain", "other", 7), first.Of("chai", "noperator", 7),
		secretsOf(t).Of("chain", "operator", 7)} {
		require.Len(t, s, 32)
		require.False(t, seen[string(s)])
		seen[string(s)] = true
	}
	require.NoError(t, os.WriteFile(path, []byte("short"), 0o600))
	_, err = OpenSecrets(path)
	require.ErrorContains(t, err, "expected 32 bytes")
}

func TestServiceTellsTheWorkerForWhomAndGivesItsSecret(t *testing.T) {
	w, answers := idleWorker(t)
	secrets := secretsOf(t)
	client := dial(t, NewService(testChain, w, answers, secrets, fakeOverlay{}, ""))
	require.Empty(t, w.Operator())
	r, err := client.Answers(t.Context(), &api.AnswersRequest{ChainId: testChain, Operator: "one", Beacon: 3})
	require.NoError(t, err)
	require.Equal(t, "one", w.Operator())
	require.Equal(t, secrets.Of(testChain, "one", 3), r.BeaconSecret)
}

func TestServiceAnswersExactlyWhatIsKnown(t *testing.T) {
	w, answers := idleWorker(t)
	require.NoError(t, answers.Put([]byte{1}, "", api.Answer{TaskId: 1, Answer: []byte("one")}))
	require.NoError(t, answers.Put([]byte{2}, "", api.Answer{TaskId: 2, Answer: []byte("two")}))
	w.downloads[object{cid: "held"}] = &download{held: true}
	w.downloads[object{cid: "missing"}] = &download{}
	w.asked = map[artefactKey]bundle{
		{7, "seven"}: {file: object{cid: "held"}, complete: true}, {8, "eight"}: {file: object{cid: "missing"}, complete: true},
		{9, "nine"}: {file: object{cid: "held"}}, // a transcript that was not read yet
		{10, "ten"}: {file: object{cid: "held"}, states: []object{{cid: "missing"}}, complete: true},
	}
	w.publish(5)

	client := dial(t, NewService(testChain, w, answers, secretsOf(t), fakeOverlay{}, ""))
	r, err := client.Answers(t.Context(), &api.AnswersRequest{ChainId: testChain,
		Tasks: []api.TaskKey{{Id: 1, ManifestHash: []byte{1}}, {Id: 2, ManifestHash: []byte{9}}, {Id: 3, ManifestHash: []byte{3}}},
		Artefacts: []api.ArtefactKey{{Id: 7, Sha256: []byte("seven")}, {Id: 7, Sha256: []byte("other")}, {Id: 8, Sha256: []byte("eight")},
			{Id: 9, Sha256: []byte("nine")}, {Id: 10, Sha256: []byte("ten")}}})
	require.NoError(t, err)
	require.Equal(t, []api.Answer{{TaskId: 1, Answer: []byte("one")}}, r.Answers)
	require.Equal(t, []uint64{7}, r.Held)
}

func TestServiceRefusesAnotherChain(t *testing.T) {
	w, answers := idleWorker(t)
	client := dial(t, NewService(testChain, w, answers, secretsOf(t), fakeOverlay{}, ""))
	_, err := client.Answers(t.Context(), &api.AnswersRequest{ChainId: "test-2"})
	require.Equal(t, codes.FailedPrecondition, status.Code(err))
	require.ErrorContains(t, err, `"test-2"`)
}

func TestServiceWithAProblemGivesItsStatusAndNoAnswers(t *testing.T) {
	w, answers := idleWorker(t)
	require.NoError(t, answers.Put([]byte{1}, "", api.Answer{TaskId: 1, Answer: []byte("one")}))
	client := dial(t, NewService(testChain, w, answers, secretsOf(t), fakeOverlay{}, "engine self-test failed"))
	_, err := client.Answers(t.Context(), &api.AnswersRequest{ChainId: testChain, Tasks: []api.TaskKey{{Id: 1, ManifestHash: []byte{1}}}})
	require.Equal(t, codes.FailedPrecondition, status.Code(err))
	r, err := client.Status(t.Context(), &api.StatusRequest{})
	require.NoError(t, err)
	require.False(t, r.Ready)
	require.Equal(t, "engine self-test failed", r.Problem)
}

func TestStatusTellsWhatPeopleWantToKnow(t *testing.T) {
	w, answers := idleWorker(t)
	require.NoError(t, answers.Put([]byte{1}, "", api.Answer{TaskId: 1, Answer: []byte("one")}))
	client := dial(t, NewService(testChain, w, answers, secretsOf(t), fakeOverlay{}, ""))
	r, err := client.Status(t.Context(), &api.StatusRequest{})
	require.NoError(t, err)
	require.False(t, r.Ready, "the node has not answered yet")
	w.publish(5)
	r, err = client.Status(t.Context(), &api.StatusRequest{})
	require.NoError(t, err)
	require.Equal(t, &api.StatusResponse{Ready: true, EngineVersion: engine.Version, ChainId: testChain, PeerId: "12D3KooTest", ConnectedPeers: 3, Answers: 1,
		Addresses: []string{"/ip4/127.0.0.1/tcp/1"}, Reachability: "unknown", Peers: []*api.PeerStatus{{PeerId: "12D3KooOther", Connected: true}},
		Storage: fakeOverlay{}.Storage()}, r)
}
