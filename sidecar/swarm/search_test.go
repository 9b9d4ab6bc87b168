package swarm

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/sidecar/swarm/internal/dag"
)

func TestObjectsAreFoundByTheirTags(t *testing.T) {
	nodes := openNodes(t, 3)
	introduce(t, nodes...)
	ctx := t.Context()
	wheat := add(t, nodes[0], content("wheat", 100))
	both := add(t, nodes[0], content("both", ChunkSize+1))
	hidden := add(t, nodes[0], content("hidden", 10))
	add(t, nodes[1], content("both", ChunkSize+1))
	require.NoError(t, nodes[0].Describe(ctx, wheat.CID, Card{Kind: "table", Name: " wheat  prices ", Tags: []string{"Wheat", "prices"}}))
	require.NoError(t, nodes[0].Describe(ctx, both.CID, Card{Kind: "checkpoint", Name: "one", Tags: []string{"wheat", "maize", "maize"}}))
	require.NoError(t, nodes[1].Describe(ctx, both.CID, Card{Kind: "checkpoint", Name: "another", Tags: []string{"maize", "wheat"}}))

	search := func(n *Node, tags ...string) []string {
		t.Helper()
		found, err := n.Search(ctx, tags...)
		require.NoError(t, err)
		var out []string
		for _, f := range found {
			out = append(out, f.CID)
			require.NotEqual(t, hidden.CID, f.CID)
		}
		return out
	}
	seeker := nodes[2]
	require.Equal(t, []string{both.CID, wheat.CID}, search(seeker, "wheat"))
	require.Equal(t, []string{both.CID}, search(seeker, "MAIZE ", "wheat"))
	require.Equal(t, []string{wheat.CID}, search(seeker, "wheat", "prices"))
	require.Empty(t, search(seeker, "prices", "maize"))
	require.Empty(t, search(seeker, "rye"))
	require.Equal(t, []string{both.CID, wheat.CID}, search(nodes[0], "wheat"), "its own objects are found as well")

	found, err := seeker.Search(ctx, "wheat")
	require.NoError(t, err)
	require.Equal(t, 2, found[0].Peers)
	require.Equal(t, int64(ChunkSize+1), found[0].Size)
	require.Equal(t, Card{"table", "wheat prices", []string{"prices", "table", "wheat"}}, found[1].Card)
	require.Equal(t, []string{wheat.CID}, search(seeker, "table", "wheat"), "the kind is a word")
	fetch(t, seeker, both.CID, content("both", ChunkSize+1))

	// A second card replaces the first, a removed object is not found.
	require.NoError(t, nodes[0].Describe(ctx, wheat.CID, Card{Kind: "other", Tags: []string{"rye"}}))
	require.Equal(t, []string{wheat.CID}, search(seeker, "rye"))
	require.Equal(t, []string{both.CID}, search(seeker, "wheat"))
	require.NoError(t, nodes[0].Remove(ctx, wheat.CID))
	require.Empty(t, search(seeker, "rye"))

	// Cards survive a restart.
	cfg := nodes[0].cfg
	require.NoError(t, nodes[0].Close())
	nodes[0] = open(t, cfg)
	require.Equal(t, []string{both.CID}, search(nodes[0], "maize"))
}

func TestCardsAndTagsAreChecked(t *testing.T) {
	n := open(t, testConfig(t))
	obj := add(t, n, content("card", 10))
	many := make([]string, maxTags+1)
	for i := range many {
		many[i] = fmt.Sprint("tag", i)
	}
	for name, card := range map[string]Card{
		"no kind":         {Tags: []string{"a"}},
		"another kind":    {Kind: "tables", Tags: []string{"a"}},
		"no tags":         {Kind: "table"},
		"too many tags":   {Kind: "table", Tags: many},
		"an empty tag":    {Kind: "table", Tags: []string{" "}},
		"a tag of two":    {Kind: "table", Tags: []string{"a b"}},
		"a tag too long":  {Kind: "table", Tags: []string{strings.Repeat("a", 41)}},
		"a tag with a /":  {Kind: "table", Tags: []string{"a/b"}},
		"a name too long": {Kind: "table", Name: strings.Repeat("ä", 41), Tags: []string{"a"}},
	} {
		t.Run(name, func(t *testing.T) {
			require.Error(t, n.Describe(t.Context(), obj.CID, card))
		})
	}
	require.NoError(t, n.Describe(t.Context(), obj.CID, Card{Kind: "table", Name: strings.Repeat("ä", 40), Tags: many[:maxTags]}))
	require.ErrorIs(t, n.Describe(t.Context(), cidOfText(t, "nowhere"), Card{Kind: "table", Tags: []string{"a"}}), ErrNotFound)
	for _, tags := range [][]string{nil, many, {"a b"}} {
		_, err := n.Search(t.Context(), tags...)
		require.Error(t, err)
	}
}

func hostileAnswers(t testing.TB) map[string]string {
	good := answered{CID: cidOfText(t, "x"), Size: 1, Kind: "table", Name: "x", Tags: []string{"a"}}
	list := func(n int, change func(i int, x *answered)) string {
		a := answer{}
		for i := range n {
			x := good
			change(i, &x)
			a.Objects = append(a.Objects, x)
		}
		b, err := json.Marshal(a)
		require.NoError(t, err)
		return string(b)
	}
	return map[string]string{
		"nothing":                 "",
		"no JSON":                 "hello",
		"null":                    "null",
		"no objects":              `{"objects":null}`,
		"objects of another kind": `{"objects":[1,2]}`,
		"deep":                    strings.Repeat(`{"objects":[`, 5000),
		"no CID":                  list(1, func(_ int, x *answered) { x.CID = "hello" }),
		"an old CID":              list(1, func(_ int, x *answered) { x.CID = "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWKU3PH" }),
		"a negative size":         list(1, func(_ int, x *answered) { x.Size = -1 }),
		"a size of another CID":   list(1, func(_ int, x *answered) { x.Size = dag.ChunkSize + 1 }),
		"an unknown kind":         list(1, func(_ int, x *answered) { x.Kind = "virus" }),
		"without the tag":         list(1, func(_ int, x *answered) { x.Tags = []string{"b"} }),
		"without tags":            list(1, func(_ int, x *answered) { x.Tags = nil }),
		"a name too long":         list(1, func(_ int, x *answered) { x.Name = strings.Repeat("x", 81) }),
		"cut off":                 list(1, func(int, *answered) {})[:40],
		"larger than is read":     list(6000, func(int, *answered) {}),
	}
}

func TestHostileAnswersToASearch(t *testing.T) {
	nodes := openNodes(t, 3)
	introduce(t, nodes...)
	obj := add(t, nodes[1], content("good", 5))
	require.NoError(t, nodes[1].Describe(t.Context(), obj.CID, Card{Kind: "table", Tags: []string{"a"}}))
	for name, text := range hostileAnswers(t) {
		t.Run(name, func(t *testing.T) {
			nodes[0].host.SetStreamHandler(searchProtocol, func(s network.Stream) {
				_, _ = io.ReadAll(s)
				_, _ = s.Write([]byte(text))
				_ = s.Close()
			})
			found, err := nodes[2].Search(t.Context(), "a")
			require.NoError(t, err)
			require.Len(t, found, 1, "only that of the honest one")
			require.Equal(t, obj.CID, found[0].CID)
		})
	}
	// One that counts itself many times counts once.
	text, err := json.Marshal(answer{Objects: []answered{
		{CID: obj.CID, Size: 5, Kind: "table", Tags: []string{"a"}}, {CID: obj.CID, Size: 5, Kind: "table", Tags: []string{"a", "b"}},
	}})
	require.NoError(t, err)
	nodes[0].host.SetStreamHandler(searchProtocol, func(s network.Stream) {
		_, _ = s.Write(text)
		_ = s.Close()
	})
	found, err := nodes[2].Search(t.Context(), "a")
	require.NoError(t, err)
	require.Len(t, found, 1)
	require.Equal(t, 2, found[0].Peers)
}

func TestHostileQuestions(t *testing.T) {
	nodes := openNodes(t, 2)
	introduce(t, nodes...)
	obj := add(t, nodes[0], content("asked", 5))
	require.NoError(t, nodes[0].Describe(t.Context(), obj.CID, Card{Kind: "table", Tags: []string{"a"}}))
	for name, text := range map[string]string{
		"nothing": "", "no JSON": "hello", "no tags": `{"tags":[]}`, "too many": `{"tags":[` + strings.Repeat(`"a",`, 16) + `"a"]}`,
		"longer than is read": `{"tags":["` + strings.Repeat("a", maxQuestion) + `"]}`,
	} {
		t.Run(name, func(t *testing.T) {
			s, err := nodes[1].host.NewStream(t.Context(), nodes[0].host.ID(), searchProtocol)
			require.NoError(t, err)
			defer s.Reset()
			_, _ = s.Write([]byte(text))
			_ = s.CloseWrite()
			got, err := io.ReadAll(s)
			require.Empty(t, got)
			require.Error(t, err)
		})
	}
	// Those who ask and say nothing don't keep others out for long: there are
	// slots, and a search that gets none asks others.
	for range maxSearches - 1 {
		s, err := nodes[1].host.NewStream(t.Context(), nodes[0].host.ID(), searchProtocol)
		require.NoError(t, err)
		defer s.Reset()
		_, err = s.Write([]byte("{"))
		require.NoError(t, err)
	}
	found, err := nodes[1].Search(t.Context(), "a")
	require.NoError(t, err)
	require.Len(t, found, 1)
}

func FuzzParseAnswer(f *testing.F) {
	for _, text := range hostileAnswers(f) {
		if len(text) < 1000 {
			f.Add([]byte(text), "a")
		}
	}
	good, err := json.Marshal(answer{Objects: []answered{{CID: cidOfText(f, "x"), Size: 1, Kind: "table", Name: "x", Tags: []string{"a"}}}})
	require.NoError(f, err)
	f.Add(good, "a")
	f.Fuzz(func(t *testing.T, text []byte, tag string) {
		found, err := parseAnswer(text, []string{tag})
		if err != nil {
			return
		}
		if len(found) > maxFound {
			t.Fatalf("%d objects", len(found))
		}
		for _, x := range found {
			c, err := dag.ParseCID(x.CID)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := dag.Root(c, x.Size); err != nil {
				t.Fatal(err)
			}
			again, err := x.Card.normal()
			if err != nil || again.Name != x.Card.Name || len(again.Tags) != len(x.Card.Tags) {
				t.Fatalf("card %+v: %v", x.Card, err)
			}
		}
	})
}

func TestWhatIsFoundIsOrderedForPeople(t *testing.T) {
	found := func(kind, name string, members int) Found {
		return Found{Card: Card{Kind: kind, Name: name}, Members: members, Peers: members + 1}
	}
	want := []Found{
		found("checkpoint", "digits, round 12", 1), found("checkpoint", "digits, round 7", 4), found("checkpoint", "digits, round 007", 3),
		found("checkpoint", "digits", 5), found("table", "digits, version 1", 5), found("checkpoint", "digits, round 99", 0),
	}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, before)
	require.Equal(t, want, got)
}
