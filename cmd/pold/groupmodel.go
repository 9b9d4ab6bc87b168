package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cosmos/cosmos-sdk/codec"

	"github.com/pold-network/pold/modelspec"
	poltypes "github.com/pold-network/pold/x/pol/types"
)

func groupModelCommand() *cobra.Command {
	var summary string
	cmd := &cobra.Command{
		Use:   "propose-model GROUP MODEL.json",
		Short: "Propose another model for a group",
		Long: `Propose another model for a group. MODEL.json is the model as it stands in group settings; trainerd fit --print-model writes one.

The change is adopted at the end of the first voting period at which at least two thirds of the standing stake is behind it, and
takes effect with the first round after an activation delay. Layers whose tensors have the same names and shapes keep their weights,
the others begin anew; the command says which.

` + exitHelp,
		Example: `  pold group propose-model digits wider.json --summary "64 hidden units" --from alice
  pold group propose-model digits wider.json --summary "64 hidden units" --from alice --dry-run`,
		Args: exactly(2, "a group and a model"),
	}
	cmd.Flags().StringVar(&summary, "summary", "", "one line for those who vote: what it is, and why (required)")
	return txCommandOf(cmd, func(ctx context.Context, n node, s *sender, args []string) error {
		text, err := os.ReadFile(args[1])
		if err != nil {
			return fmt.Errorf("model: %w", err)
		}
		model, err := readModel(s.client.Codec, text)
		if err != nil {
			return fail(exitError, "%s: %w", args[1], err)
		}
		change := poltypes.GroupChange{Group: args[0], Model: model, Summary: summary}
		return proposeChange(ctx, n, s, change, func(g poltypes.Group) ([]string, error) { return modelWords(g, *model) })
	})
}

// readModel reads a model, or the model of group settings.
func readModel(cdc codec.JSONCodec, text []byte) (*poltypes.ModelSpec, error) {
	var settings struct {
		Model json.RawMessage `json:"model"`
	}
	if json.Unmarshal(text, &settings) == nil && len(settings.Model) > 0 {
		text = settings.Model
	}
	var model poltypes.ModelSpec
	if err := cdc.UnmarshalJSON(text, &model); err != nil {
		return nil, fmt.Errorf("expected a model as in group settings, with input_shape and layers: %w", err)
	}
	return &model, nil
}

// modelWords says what a new model is and which weights it keeps.
func modelWords(g poltypes.Group, model poltypes.ModelSpec) ([]string, error) {
	hash, err := model.Hash()
	if err != nil {
		return nil, err
	}
	if bytes.Equal(hash, g.ModelHash) {
		return nil, fail(exitRejected, "the model is the one that group %s has already", g.Name)
	}
	words := strings.Split(strings.TrimSpace(model.Spec().Summary()), "\n")
	trained := g.Settings.Model
	switch {
	case g.Parent.Cid != "":
	case g.Carried != nil: // nothing was won with the present model: the one before it carries over once more
		trained = g.Carried.Model
	default:
		return append(words, "weights     all begin anew: the group has no checkpoint yet"), nil
	}
	kept, anew, err := carriedLayers(trained.Spec(), model.Spec())
	if err != nil {
		return nil, err
	}
	return append(words, "kept        "+listOr(kept, "no weights"), "begin anew  "+listOr(anew, "none")), nil
}

// carriedLayers says which layers of a model keep the weights of an earlier one: those whose tensors have the same names and shapes.
// A layer of which only some do is named with them.
func carriedLayers(was, is *modelspec.Spec) (kept, anew []string, err error) {
	old, err := was.Plan()
	if err != nil {
		return nil, nil, err
	}
	shapes := map[string][]int{}
	for _, n := range old {
		for _, t := range n.Tensors {
			shapes[t.Name] = t.Shape
		}
	}
	next, err := is.Plan()
	if err != nil {
		return nil, nil, err
	}
	for _, n := range next {
		var same, other []string
		for _, t := range n.Tensors {
			if shape, ok := shapes[t.Name]; ok && slices.Equal(shape, t.Shape) {
				same = append(same, t.Name)
			} else {
				other = append(other, t.Name)
			}
		}
		switch {
		case len(n.Tensors) == 0:
		case len(other) == 0:
			kept = append(kept, n.Name)
		case len(same) == 0:
			anew = append(anew, n.Name)
		default:
			kept, anew = append(kept, same...), append(anew, other...)
		}
	}
	return kept, anew, nil
}

func listOr(items []string, none string) string {
	if len(items) == 0 {
		return none
	}
	return strings.Join(items, ", ")
}
