package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/dataset/digits"
	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/sidecar/tensorboard"
)

// trainerd runs a command and returns what it printed on standard output.
func trainerd(t *testing.T, ctx context.Context, args ...string) (string, error) {
	t.Helper()
	r, w, err := os.Pipe()
	require.NoError(t, err)
	stdout := os.Stdout
	os.Stdout = w
	printed := make(chan string)
	go func() {
		b, _ := io.ReadAll(r)
		printed <- string(b)
	}()
	cmd := newRootCommand()
	cmd.SetArgs(args)
	err = cmd.ExecuteContext(ctx)
	os.Stdout = stdout
	w.Close()
	return <-printed, err
}

// write puts a file into the current folder.
func write(t *testing.T, name, content string) {
	t.Helper()
	require.NoError(t, os.WriteFile(name, []byte(content), 0o600))
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	require.NoError(t, err)
	return b
}

// signs is a table of two classes: the sign of the first column.
func signs() string {
	var b strings.Builder
	b.WriteString("a,b,label\n")
	for i := range 100 {
		if i != 50 {
			fmt.Fprintf(&b, "%d,%d,%d\n", i-50, i*37%11, map[bool]int{true: 1}[i > 50])
		}
	}
	return b.String()
}

func TestFitTrainsATableFromStartToCheckpoint(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "signs.csv", signs())
	args := strings.Fields("fit --data signs.csv --width 8 --depth 1 --epochs 20 --batch 8 --schedule cosine --warmup 5 --plot curve.png --out best.safetensors")
	out, err := trainerd(t, t.Context(), args...)
	require.NoError(t, err)
	for _, want := range []string{"LAYER", "dense1", "42 parameters", "signs: ", "schedule cosine, warm-up 5 steps", "training ", "validation ", "%", "best.safetensors",
		"tensorboard --logdir runs", "trainerd fit --data signs.csv --schedule cosine --warmup 5 --batch 8 --model runs/signs-", "trainerd submit --group GROUP best.safetensors"} {
		require.Contains(t, out, want)
	}
	picture, err := png.Decode(bytes.NewReader(read(t, "curve.png")))
	require.NoError(t, err)
	require.Greater(t, picture.Bounds().Dx(), 1000)

	runs, err := filepath.Glob("runs/signs-*")
	require.NoError(t, err)
	require.Len(t, runs, 1)
	events, err := filepath.Glob(runs[0] + "/*tfevents*")
	require.NoError(t, err)
	require.Len(t, events, 1)
	curve, err := tensorboard.Read(bytes.NewReader(read(t, events[0])))
	require.NoError(t, err)
	require.Greater(t, len(curve), 200)

	// The same again, as the next steps say, gives the same bytes; going on from there does not.
	first := read(t, "best.safetensors")
	_, err = trainerd(t, t.Context(), args...)
	require.NoError(t, err)
	require.Equal(t, first, read(t, "best.safetensors"))
	_, err = trainerd(t, t.Context(), "fit", "--data", "signs.csv", "--model", filepath.Join(runs[0], modelFile), "--from", "best.safetensors", "--out", "best.safetensors", "--threads", "1", "--backend", "portable")
	require.NoError(t, err)
	require.NotEqual(t, first, read(t, "best.safetensors"))
	require.NoError(t, engine.Configure(engine.Config{}))
}

func TestFitTellsProgramsInJSON(t *testing.T) {
	t.Chdir(t.TempDir())
	out, err := trainerd(t, t.Context(), strings.Fields("fit --digits --steps 30 --evaluate-every 10 --json")...)
	require.NoError(t, err)
	var names []string
	var last fitEvent
	decoder := json.NewDecoder(strings.NewReader(out))
	for decoder.More() {
		last = fitEvent{}
		require.NoError(t, decoder.Decode(&last))
		names = append(names, last.Event)
	}
	require.Equal(t, []string{"started", "evaluated", "evaluated", "evaluated", "evaluated", "finished"}, names)
	require.Equal(t, 30, last.Step)
	require.False(t, last.Stopped)
	require.Equal(t, digits.Rows, last.Training.Rows+last.Validation.Rows)
	require.Len(t, last.Validation.Digest, 64)
	checkpoint := read(t, last.Checkpoint)
	require.True(t, engine.IsCanonical(checkpoint))
	require.Equal(t, filepath.Join(last.Run, checkpointFile), last.Checkpoint)
}

func TestFitSavesWhenItIsStopped(t *testing.T) {
	t.Chdir(t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	out, err := trainerd(t, ctx, strings.Fields("fit --digits --out x.safetensors")...)
	require.NoError(t, err)
	require.Contains(t, out, "stopped after 1 of ")
	require.True(t, engine.IsCanonical(read(t, "x.safetensors")))
}

func TestFitAndGenerateLearnAText(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "song.txt", strings.Repeat("la le li lo lu ", 60))
	_, err := trainerd(t, t.Context(), strings.Fields("fit --text song.txt --context 8 --width 32 --depth 1 --optimizer adam --rate 0.01 --steps 80 --batch 16")...)
	require.NoError(t, err)
	runs, err := filepath.Glob("runs/song-*")
	require.NoError(t, err)
	require.Len(t, runs, 1)
	out, err := trainerd(t, t.Context(), "generate", "--run", runs[0], "--prompt", "la le", "--length", "10", "--temperature", "0")
	require.NoError(t, err)
	require.Equal(t, "la le li lo lu \n", out)
	_, err = trainerd(t, t.Context(), "generate", "--run", runs[0], "--prompt", "Q")
	require.ErrorContains(t, err, "'Q'")
}

func TestFitReadsImages(t *testing.T) {
	t.Chdir(t.TempDir())
	images, labels := []byte("\x00\x00\x08\x03\x00\x00\x00\x20\x00\x00\x00\x02\x00\x00\x00\x03"), []byte("\x00\x00\x08\x01\x00\x00\x00\x20")
	for i := range byte(32) {
		images = append(images, i, 255-i, i*3, 0, 255, i*i)
		labels = append(labels, i/16)
	}
	write(t, "train-images.idx", string(images))
	write(t, "train-labels.idx", string(labels))
	out, err := trainerd(t, t.Context(), strings.Fields("fit --images train-images.idx --labels train-labels.idx --arch conv --width 2 --depth 1 --steps 3 --validation 0")...)
	require.NoError(t, err)
	require.Contains(t, out, "2×3")
	require.Contains(t, out, "32 rows to learn from, 0 held out")
}

func TestThePrintedModelTrains(t *testing.T) {
	t.Chdir(t.TempDir())
	out, err := trainerd(t, t.Context(), strings.Fields("fit --letters --arch mlp --width 16 --print-model")...)
	require.NoError(t, err)
	write(t, "model.json", out)
	require.NoDirExists(t, "runs")
	_, err = trainerd(t, t.Context(), strings.Fields("fit --letters --model model.json --steps 5")...)
	require.NoError(t, err)
	_, err = trainerd(t, t.Context(), strings.Fields("fit --digits --model model.json --steps 5")...)
	require.ErrorIs(t, err, engine.ErrInvalidData)
}

func TestFitRefusesFlagsThatMakeNoSense(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "signs.csv", signs())
	for args, says := range map[string]string{
		"":                                   "expected one of --data",
		"--digits --letters":                 "got 2 of them",
		"--images x":                         "both --images and --labels",
		"--digits --validation 1":            "--validation",
		"--digits --validation -0.1":         "--validation",
		"--digits --objective magic":         "--objective: expected one of cross-entropy",
		"--data signs.csv --shape 1,x":       "--shape",
		"--digits --steps 5 --epochs 5":      "--steps or --epochs",
		"--digits --epochs 0":                "--epochs",
		"--digits --steps -1":                "steps",
		"--digits --optimizer magic":         "optimizer",
		"--digits --rate -1":                 "learning rate",
		"--digits --beta2 0.9":               "beta2",
		"--digits --batch 0":                 "batch size",
		"--digits --schedule magic":          "schedule",
		"--digits --model m.json --arch mlp": "--model, or --arch",
		"--digits --arch magic":              `"magic"`,
		"--digits --arch transformer":        "mlp or conv",
		"--digits --evaluate-every -1":       "--evaluate-every",
		"--digits --logdir=":                 "--logdir",
		"--digits --backend magic":           "magic",
		"--digits --threads -1":              "threads",
		"extra":                              "no arguments",
	} {
		_, err := trainerd(t, t.Context(), append([]string{"fit"}, strings.Fields(args)...)...)
		require.ErrorIs(t, err, errUsage, args)
		require.ErrorContains(t, err, says, args)
	}
	for args, says := range map[string]string{
		"--data nowhere.csv":                   "nowhere.csv",
		"--data signs.csv --targets 3":         "target columns",
		"--data signs.csv --shape 3":           "expected 2 values",
		"--digits --out no/folder/x":           "make it first",
		"--digits --plot no/folder/x.png":      "make it first",
		"--digits --from nowhere.safetensors":  "nowhere.safetensors",
		"--digits --model nowhere.json":        "nowhere.json",
		"--text signs.csv --context 5000":      "more than 5000 characters",
		"--digits --rate 1000 --momentum 0.99": "diverged",
	} {
		_, err := trainerd(t, t.Context(), append([]string{"fit"}, strings.Fields(args)...)...)
		require.NotErrorIs(t, err, errUsage, args)
		require.ErrorContains(t, err, says, args)
	}
}

func TestSampleAndGenerateSayWhatTheyExpect(t *testing.T) {
	out, err := trainerd(t, t.Context(), "sample", "digits")
	require.NoError(t, err)
	require.Equal(t, string(digits.CSV()), out)
	for _, args := range []string{"sample", "sample iris", "generate", "generate --model m", "generate --run r --length 0", "generate --run r --temperature -1"} {
		_, err := trainerd(t, t.Context(), strings.Fields(args)...)
		require.ErrorIs(t, err, errUsage, args)
	}
}

func TestImportMakesACheckpointOfAStateDict(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "model.json", `{"input_shape": [2], "layers": [{"name": "out", "kind": "dense", "units": 2}]}`)
	spec := &engine.Spec{InputShape: []uint32{2}, Layers: []engine.Layer{{Name: "out", Kind: "dense", Units: 2}}}
	m, err := engine.NewModel(spec, [32]byte{1})
	require.NoError(t, err)
	tensors, err := engine.DecodeSafetensors(m.Encode())
	require.NoError(t, err)
	for i := range tensors {
		tensors[i].Name = strings.Replace(tensors[i].Name, "out.", "0.", 1) // as nn.Sequential names it
	}
	file, err := engine.EncodeSafetensors(tensors)
	require.NoError(t, err)
	write(t, "weights.safetensors", string(file))

	_, err = trainerd(t, t.Context(), "import", "weights.safetensors", "--model", "model.json", "--out", "c.safetensors")
	require.ErrorIs(t, err, engine.ErrWrongTensors)
	require.NoFileExists(t, "c.safetensors")
	_, err = trainerd(t, t.Context(), "import", "weights.safetensors", "--model", "model.json", "--out", "c.safetensors", "--rename", "0=out")
	require.NoError(t, err)
	require.Equal(t, m.Encode(), read(t, "c.safetensors"))
}

func TestFitRefusesFlagsThatMeanNothingForTheData(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "text.txt", strings.Repeat("to be or not to be ", 50))
	for flags, want := range map[string]string{
		"--text text.txt --objective mean-squared-error": "--objective has no meaning for --text",
		"--text text.txt --shape 3":                      "--shape has no meaning for --text",
		"--digits --context 32":                          "--context has no meaning for data without --text",
		"--digits --shape 64":                            "--shape has no meaning",
		"--digits --validation 0.00001":                  "from 0.001 to 0.999",
	} {
		_, err := trainerd(t, t.Context(), append([]string{"fit"}, strings.Fields(flags)...)...)
		require.ErrorContains(t, err, want, flags)
	}
}
