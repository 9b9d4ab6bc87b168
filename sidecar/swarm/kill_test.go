package swarm

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/sidecar/swarm/internal/dag"
	"github.com/pold-network/pold/sidecar/swarm/internal/objectstore"
)

// childEnv holds the orders of a process that TestMain becomes.
const childEnv = "POLD_TEST_SWARM_CHILD"

// orders are what a child process does with a home until it is killed.
type orders struct {
	Home     string
	Holder   PeerInfo
	Remove   []string
	Download []string
}

func TestMain(m *testing.M) {
	if text := os.Getenv(childEnv); text != "" {
		if err := child(text); err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// child prints a line for everything that is done, and how much was fetched.
func child(text string) error {
	var o orders
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return err
	}
	ctx := context.Background()
	n, err := Open(ctx, Config{Home: o.Home, LoopbackOnly: true})
	if err != nil {
		return err
	}
	fmt.Println("peer", n.PeerID())
	if err := n.SetPeers(ctx, []PeerInfo{o.Holder}); err != nil {
		return err
	}
	go func() {
		for {
			fmt.Println("useful", n.Traffic().Useful)
			time.Sleep(2 * time.Millisecond)
		}
	}()
	for _, id := range o.Remove {
		if err := n.Remove(ctx, id); err != nil {
			return err
		}
		fmt.Println("removed", id)
	}
	for _, id := range o.Download {
		if _, err := n.Download(ctx, id, 1<<40); err != nil {
			return err
		}
		fmt.Println("kept", id)
	}
	fmt.Println("done", n.Traffic().Useful)
	return n.Close()
}

// report is what a child has said before its end.
type report struct {
	peer    string
	kept    []string
	removed []string
	useful  int64
	done    bool
}

// runChild starts a child and kills it some time after it has opened the home;
// a negative time lets it finish.
func runChild(t *testing.T, o orders, killAfter time.Duration) (r report) {
	t.Helper()
	text, err := json.Marshal(o)
	require.NoError(t, err)
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), childEnv+"="+string(text))
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	cmd.Stderr = os.Stderr
	require.NoError(t, cmd.Start())
	hang := time.AfterFunc(2*time.Minute, func() { _ = cmd.Process.Kill() })
	defer hang.Stop()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		word, rest, _ := strings.Cut(lines.Text(), " ")
		switch word {
		case "peer":
			r.peer = rest
			if killAfter >= 0 {
				time.AfterFunc(killAfter, func() { _ = cmd.Process.Kill() })
			}
		case "kept":
			r.kept = append(r.kept, rest)
		case "removed":
			r.removed = append(r.removed, rest)
		case "useful", "done":
			r.useful, err = strconv.ParseInt(rest, 10, 64)
			require.NoError(t, err)
			r.done = r.done || word == "done"
		default:
			t.Fatalf("the child says %q", lines.Text())
		}
	}
	_ = cmd.Wait()
	return r
}

func TestAProcessThatIsKilled(t *testing.T) {
	kills := 4
	long := os.Getenv("POLD_LONG") == "1"
	if long {
		kills = 100
	}
	r := rand.New(rand.NewPCG(5, uint64(kills)))
	cfg := testConfig(t)
	// Slowly, so that little is on its way at a time.
	cfg.UploadLimit = 24e6
	holder := open(t, cfg)
	o := orders{Home: t.TempDir(), Holder: infoOf(holder)}
	objects := make(map[string][]byte)
	kept := make(map[string]bool)
	generation := 0
	more := func() {
		generation++
		for i, size := range []int{12*ChunkSize + 5, 1000, ChunkSize, 7 * ChunkSize} {
			data := content(fmt.Sprint(generation, i), size)
			obj := add(t, holder, data)
			objects[obj.CID] = data
			o.Download = append(o.Download, obj.CID)
		}
	}
	more()
	peer, useful, lost := "", int64(0), int64(0)
	check := func(rep report) {
		t.Helper()
		if peer == "" {
			peer = rep.peer
		}
		require.Equal(t, peer, rep.peer, "the identity stays")
		for _, id := range rep.kept {
			kept[id] = true
		}
		for _, id := range rep.removed {
			delete(kept, id)
		}
		held := checkHome(t, o.Home, objects, kept, rep.removed)
		o.Remove = nil // what the child did not come to do is kept, and fetched again or here
		useful += rep.useful
		// What the store has now must have been fetched, and little else.
		gone := int64(0)
		for _, id := range rep.removed {
			gone += int64(len(objects[id]))
			delete(objects, id)
		}
		lost = useful - gone - held
		useful -= gone
	}
	for kill := 1; kill <= kills; kill++ {
		rep := runChild(t, o, time.Duration(r.IntN(500))*time.Millisecond)
		check(rep)
		require.LessOrEqual(t, lost, int64(kill)*6*ChunkSize, "bytes that were fetched and lost")
		if long {
			fmt.Printf("kill %d of %d: %d objects kept, %d MiB lost in all, generation %d\n", kill, kills, len(kept), lost/ChunkSize, generation)
		}
		if len(kept) == len(objects) && kill < kills {
			for id := range kept {
				if r.IntN(2) == 0 {
					o.Remove = append(o.Remove, id)
				}
			}
			o.Download = nil
			more()
		}
	}
	rep := runChild(t, o, -1)
	require.True(t, rep.done)
	check(rep)
	for _, id := range o.Download {
		require.True(t, kept[id])
	}
	t.Logf("%d kills, %.1f MiB fetched and lost", kills, float64(lost)/ChunkSize)
}

// checkHome says that what was reported as kept is whole, that what was removed
// is gone, and that nothing wrong can be read; it returns how many bytes are
// here.
func checkHome(t *testing.T, home string, objects map[string][]byte, kept map[string]bool, removed []string) (held int64) {
	t.Helper()
	s, err := objectstore.Open(home, slog.New(slog.DiscardHandler), func(root cid.Cid) { t.Errorf("%s is damaged", root) })
	require.NoError(t, err)
	defer s.Close()
	for _, id := range removed {
		c, err := dag.ParseCID(id)
		require.NoError(t, err)
		_, isKept := s.Kept(c)
		require.False(t, isKept)
	}
	buf := make([]byte, ChunkSize)
	for id, data := range objects {
		c, err := dag.ParseCID(id)
		require.NoError(t, err)
		_, isKept := s.Kept(c)
		require.True(t, isKept || !kept[id], "%s was reported as kept", id)
		o := s.Acquire(c)
		if o == nil {
			require.False(t, isKept)
			continue
		}
		for range 2 { // before and after what is here was looked at
			for i := range o.Leaves() {
				b, err := o.Read(i, buf)
				if err != nil {
					require.ErrorIs(t, err, ErrNotFound)
					require.False(t, isKept, "%s is kept and lacks chunk %d", id, i)
					continue
				}
				require.True(t, bytes.Equal(b, data[i*ChunkSize:i*ChunkSize+len(b)]))
			}
			require.NoError(t, o.Verify(t.Context()))
		}
		held += o.Held()
		o.Release()
	}
	return held
}
