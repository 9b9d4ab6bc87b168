package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/sidecar/atomicfile"
	"github.com/pold-network/pold/sidecar/training"
)

func newImportCommand() *cobra.Command {
	var model, out string
	var renames []string
	cmd := &cobra.Command{
		Use:   "import STATE-DICT.safetensors",
		Short: "Make a checkpoint of a PyTorch state dict",
		Long: `Import reads the tensors of a state dict, written with safetensors.torch.save_file, into a model and writes the canonical checkpoint.
Modules and layers are matched by name; dots between modules may be _ or - in the layer's name. It says what it changed.`,
		Example: `  trainerd import weights.safetensors --model model.json --rename 0=hidden --rename 2=classes --out checkpoint.safetensors`,
		Args:    exactly(1, "the file of the state dict"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if model == "" || out == "" {
				return usage("expected --model with the model's JSON and --out with the file to write")
			}
			rename := map[string]string{}
			for _, r := range renames {
				from, to, ok := strings.Cut(r, "=")
				if !ok || from == "" {
					return usage("--rename: expected MODULE=LAYER, got %q", r)
				}
				rename[from] = to
			}
			return importStateDict(cmd, args[0], model, out, rename)
		},
	}
	cmd.Flags().StringVar(&model, "model", "", "model as JSON, as trainerd fit --print-model writes it (required)")
	cmd.Flags().StringVar(&out, "out", "", "checkpoint to write (required)")
	cmd.Flags().StringArrayVar(&renames, "rename", nil, "MODULE=LAYER: the module of this name is that layer; repeatable")
	return cmd
}

func importStateDict(cmd *cobra.Command, path, model, out string, rename map[string]string) error {
	spec, err := os.ReadFile(model)
	if err != nil {
		return fmt.Errorf("model: %w", err)
	}
	parsed, err := training.ParseSpec(spec)
	if err != nil {
		return fmt.Errorf("%s: %w", model, err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("state dict: %w", err)
	}
	m, changes, err := engine.ImportStateDict(parsed, file, rename)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for _, c := range changes {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s: %s\n", path, c)
	}
	checkpoint := m.Encode()
	if err := atomicfile.Write(out, checkpoint, 0o644); err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "wrote %s: %d bytes, SHA-256 %x\ntry: trainerd fit --from %s --model %s …   or hand it in: trainerd submit\n",
		out, len(checkpoint), sha256.Sum256(checkpoint), out, model)
	return nil
}
