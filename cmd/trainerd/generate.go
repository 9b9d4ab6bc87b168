package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/pold-network/pold/sidecar/training"
)

type generateOptions struct {
	run, model, checkpoint, vocabulary string
	prompt, seed                       string
	length                             int
	temperature                        float64
}

func newGenerateCommand() *cobra.Command {
	var o generateOptions
	cmd := &cobra.Command{
		Use:   "generate",
		Short: "Continue a text with a model that fit has trained on one",
		Long: `Generate prints a prompt and the characters that the model puts after it. With temperature 0 it takes the likeliest character each time;
otherwise it draws one by its probability, so that other seeds give other texts.`,
		Example: `  trainerd generate --run runs/GPL-3-20260102-150405 --prompt "The licen" --length 300`,
		Args:    exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.run == "" && (o.model == "" || o.checkpoint == "" || o.vocabulary == "") {
				return usage("expected --run with the folder of a run, or --model, --checkpoint and --vocabulary")
			}
			if o.length < 1 || !(o.temperature >= 0) {
				return usage("expected a --length of at least 1 and a --temperature of at least 0, got %d and %v", o.length, o.temperature)
			}
			return o.generate()
		},
	}
	cmd.Flags().StringVar(&o.run, "run", "", "folder of a run of trainerd fit --text")
	cmd.Flags().StringVar(&o.model, "model", "", "model (default: "+modelFile+" of the run)")
	cmd.Flags().StringVar(&o.checkpoint, "checkpoint", "", "weights (default: "+checkpointFile+" of the run)")
	cmd.Flags().StringVar(&o.vocabulary, "vocabulary", "", "characters (default: "+vocabularyFile+" of the run)")
	cmd.Flags().StringVar(&o.prompt, "prompt", "\n", "text to continue")
	cmd.Flags().IntVar(&o.length, "length", 400, "characters to add")
	cmd.Flags().Float64Var(&o.temperature, "temperature", 0.8, "0: the likeliest character; 1: by the model's own probabilities")
	cmd.Flags().StringVar(&o.seed, "seed", "1", "any text; decides what is drawn")
	return cmd
}

func (o *generateOptions) generate() error {
	read := func(path, name string) ([]byte, error) {
		if path == "" {
			path = filepath.Join(o.run, name)
		}
		return os.ReadFile(path)
	}
	model, err := read(o.model, modelFile)
	if err != nil {
		return err
	}
	spec, err := training.ParseSpec(model)
	if err != nil {
		return err
	}
	checkpoint, err := read(o.checkpoint, checkpointFile)
	if err != nil {
		return err
	}
	list, err := read(o.vocabulary, vocabularyFile)
	if err != nil {
		return err
	}
	var characters string
	if err := json.Unmarshal(list, &characters); err != nil {
		return fmt.Errorf("vocabulary: expected a JSON string of characters: %w", err)
	}
	vocabulary, err := training.NewVocabulary(characters)
	if err != nil {
		return err
	}
	generator, err := training.NewGenerator(spec, checkpoint, vocabulary)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(os.Stdout)
	fmt.Fprint(out, o.prompt)
	err = generator.Generate(o.prompt, o.length, o.temperature, sha256.Sum256([]byte(o.seed)), func(s string) error {
		if _, err := out.WriteString(s); err != nil {
			return err
		}
		return out.Flush()
	})
	if err != nil {
		return err
	}
	fmt.Fprintln(out)
	return out.Flush()
}
