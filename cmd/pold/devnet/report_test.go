package devnet

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	poltypes "github.com/pold-network/pold/x/pol/types"
)

// story is one event of each kind, and the second of two won rounds.
func story() []Event {
	figure := func(v uint64) *uint64 { return &v }
	won := Event{
		Event: "round_settled", Group: Group, Round: 3, Height: 41, Winner: "pol1carol", RewardUnrn: "1234567", SupplyUnrn: "2100000000001",
		LossE9: figure(1_234_567_899), ParentLossE9: figure(2_302_585_093), MetricE9: figure(876_543_210), Seconds: 21.25,
	}
	again := won
	again.Round, again.Winner, again.ParentLossE9 = 4, "pol1stranger", nil
	return []Event{
		{Event: "first_block", Height: 1, Seconds: 2.5},
		{Event: "sidecars_ready", Count: 4, Seconds: 3},
		{Event: "training_set_verified", Name: Group, Count: 5_620, Seconds: 4},
		{Event: "training_set_rejected", Name: Group, Note: "root differs"},
		{Event: "process_failed", Name: "dave", Note: "start dave: permission denied"},
		{Event: "process_exited", Name: "erin", Note: "exit status 1"},
		{Event: "round_opened", Group: Group, Round: 3, Height: 10},
		{Event: "round_phase", Group: Group, Round: 3, Phase: "reveal", Note: "2 claims"},
		{Event: "store_task", Group: Group, Name: "checkpoint", Count: 41, Status: "settled", Note: "1 chunk produced by 75 % of power"},
		{Event: "submission", Trainer: "pol1carol", Status: "valid", LossE9: figure(1_234_567_899)},
		{Event: "submission", Trainer: "pol1dave", Status: "not revealed", Note: "bond lost"},
		won,
		{Event: "round_settled", Group: Group, Round: 5, Note: "nobody improved"},
		again,
	}
}

func newStoryReporter(out *bytes.Buffer, asJSON bool, o Options, l layout) *reporter {
	list := []Account{{Name: "carol", Address: "pol1carol"}, {Name: "dave", Address: "pol1dave"}}
	return newReporter(out, asJSON, list, func(round uint64) string { return tips(l, o, round) })
}

func TestEventsPrintAsLinesForPeople(t *testing.T) {
	var out bytes.Buffer
	o := Options{Validators: 4, PoldShown: "build/pold", TrainerdShown: "build/trainerd"}
	r := newStoryReporter(&out, false, o, layout{home: defaultHome()})
	for _, e := range story() {
		r.report(e)
	}
	golden, err := os.ReadFile(filepath.Join("testdata", "events.txt"))
	require.NoError(t, err)
	require.Equal(t, string(golden), out.String())
}

func TestEventsPrintAsOneJSONObjectALine(t *testing.T) {
	var out bytes.Buffer
	r := newStoryReporter(&out, true, Options{}, layout{})
	for _, e := range story() {
		r.report(e)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Len(t, lines, len(story()))
	for i, want := range story() {
		var got Event
		require.NoError(t, json.Unmarshal([]byte(lines[i]), &got))
		require.Equal(t, want, got)
	}
	require.Equal(t, `{"event":"process_failed","name":"dave","note":"start dave: permission denied"}`, lines[4])
}

func TestTipsFitTheNetwork(t *testing.T) {
	for _, c := range []struct {
		what        string
		home        string
		o           Options
		has, hasNot []string
	}{
		{
			"the usual network", defaultHome(),
			Options{Validators: 4, PoldShown: "./pold", TrainerdShown: "./trainerd"},
			[]string{"  ./trainerd verify --group digits --round 7 ", "  ./pold q pol totals ", "  ./trainerd search digits ", "  ./trainerd status ", "  ./pold devnet kill val3-sidecar "},
			[]string{"--home", "--node"},
		},
		{
			"another home and other ports", "/srv/my net",
			Options{Validators: 7, PortOffset: 100, PoldShown: "pold", TrainerdShown: "trainerd"},
			[]string{"--round 7 --node 127.0.0.1:9190 ", "pold q attestation live --node tcp://127.0.0.1:26757 ", "trainerd status --sidecar 127.0.0.1:9800 ", "pold devnet kill val6-sidecar --home '/srv/my net' "},
			nil,
		},
		{
			"too few validators to lose one", defaultHome(),
			Options{Validators: 3, PoldShown: "pold", TrainerdShown: "trainerd"},
			[]string{"pold q pol submissions digits 7 "},
			[]string{"kill"},
		},
	} {
		t.Run(c.what, func(t *testing.T) {
			got := tips(layout{home: c.home, offset: c.o.PortOffset}, c.o, 7)
			for _, part := range c.has {
				require.Contains(t, got, part)
			}
			for _, part := range c.hasNot {
				require.NotContains(t, got, part)
			}
		})
	}
}

func TestWordsAreQuotedForTheShell(t *testing.T) {
	for word, want := range map[string]string{
		"/home/a/.pold-devnet": "/home/a/.pold-devnet",
		"/my net":              "'/my net'",
		"it's":                 `'it'\''s'`,
		"":                     "''",
	} {
		require.Equal(t, want, shellWord(word))
	}
}

func TestHowAStoreTaskEnded(t *testing.T) {
	m := poltypes.StoreManifest{Group: Group, File: poltypes.STORE_FILE_TRANSCRIPT, Chunks: 4}
	manifest, err := m.Marshal()
	require.NoError(t, err)
	task := attestationtypes.Task{Id: 41, Kind: poltypes.StoreTaskKind, Manifest: manifest, MatchedPower: 300, TotalPower: 400, FinishedHeight: 90}
	for status, want := range map[attestationtypes.TaskStatus]Event{
		attestationtypes.TASK_STATUS_SETTLED: {Event: "store_task", Group: Group, Name: "transcript", Count: 41, Height: 90, Status: "settled", Note: "4 chunks produced by 75 % of power"},
		attestationtypes.TASK_STATUS_EXPIRED: {Event: "store_task", Group: Group, Name: "transcript", Count: 41, Height: 90, Status: "expired", Note: "4 chunks, only 1 of 4 power committed"},
	} {
		task.Status, task.Note = status, "only 1 of 4 power committed"
		e, done := storeEvent(task)
		require.True(t, done)
		require.Equal(t, want, e)
	}
	task.Status = attestationtypes.TASK_STATUS_OPEN
	_, done := storeEvent(task)
	require.False(t, done)
}
