package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/sidecar/chain"
	"github.com/pold-network/pold/sidecar/cheat"
	"github.com/pold-network/pold/sidecar/trainer"
	"github.com/pold-network/pold/sidecar/verifier"
)

// competeOptions are shared by train and submit.
type competeOptions struct {
	node     nodeFlags
	key      keyFlags
	overlay  overlayFlags
	asJSON   bool
	logLevel string
	logdir   string // of the curves; empty: none
	cheat    string
}

func (o *competeOptions) add(cmd *cobra.Command) {
	o.node.add(cmd)
	o.overlay.add(cmd)
	o.key.add(cmd, "key of the trainer (required)")
	cmd.Flags().BoolVar(&o.asJSON, "json", false, "print one JSON object per event")
	cmd.Flags().StringVar(&o.logLevel, "log-level", "warn", "debug, info, warn or error")
}

// keepRounds is for how many rounds a trainer keeps checkpoints that lost.
const keepRounds = 16

// compete opens everything a trainer needs and runs work with it.
func (o *competeOptions) compete(ctx context.Context, recipe trainer.Recipe, work func(context.Context, *trainer.Trainer) error) error {
	log, err := newLogger(o.logLevel)
	if err != nil {
		return err
	}
	if o.key.signing.From == "" {
		return usage("--from: expected the key of the trainer, got none")
	}
	if err := engine.SelfTest(); err != nil {
		return fmt.Errorf("%w; losses computed here would be false claims: check memory and processor, or report it", err)
	}
	me, err := openParticipant(ctx, &o.node, &o.key, &o.overlay, log)
	if err != nil {
		return err
	}
	defer me.Close()
	client, account, node := me.client, me.account, me.node
	if len(recipe.Seed) == 0 {
		recipe.Seed = []byte(account.Address())
	}
	report := trainer.Text(os.Stdout, isTerminal(os.Stdout))
	if o.asJSON {
		report = trainer.JSON(os.Stdout)
	}
	config := trainer.Config{Chain: client, Sender: account, Store: node, Verifier: verifier.New(),
		Dir: filepath.Join(o.overlay.home, "commitments"), Logdir: o.logdir, Log: log, Report: report, Recipe: recipe, Transient: transient,
		Refused: func(err error) bool { return errors.Is(err, chain.ErrRejected) }}
	if o.cheat != "" {
		kind, err := cheat.Check(o.cheat, cheat.Trainer, client.ChainID())
		if err != nil {
			return usage("%w", err)
		}
		log.Warn("this trainer cheats: it " + kind.Does)
		cheat.Apply(&config, kind)
	}
	t, err := trainer.New(config)
	if err != nil {
		return err
	}
	return whileAnnounced(ctx, client, node, account, log, func(ctx context.Context) error { return work(ctx, t) })
}

func newTrainCommand() *cobra.Command {
	var o competeOptions
	var groups []string
	var recipe recipeFlags
	var seed, logdir string
	var rounds int
	cmd := &cobra.Command{
		Use:   "train",
		Short: "Take part in the rounds of training groups",
		Long: `Train waits for rounds, trains from the last checkpoint, commits, reveals and reports the verdict. It risks no bond for a result
that can't win. Stopped or crashed, it reveals open commitments when it is started again with the same --home.`,
		Example: `  trainerd train --group digits --from alice --rate 0.05 --seed 1`,
		Args:    exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if len(groups) == 0 {
				return usage("--group: expected at least one group, got none; list groups with: pold q pol groups")
			}
			if rounds < 0 {
				return usage("--rounds: expected 0 or more, got %d", rounds)
			}
			r, err := recipe.complete()
			if err != nil {
				return err
			}
			o.logdir = logdir
			if !cmd.Flags().Changed("logdir") {
				o.logdir = filepath.Join(o.overlay.home, "runs")
			}
			if o.logdir != "" {
				fmt.Fprintf(os.Stderr, "curves of the last rounds: tensorboard --logdir %s\n", o.logdir)
			}
			return o.compete(cmd.Context(), trainer.Recipe{Recipe: r, Seed: []byte(seed)},
				func(ctx context.Context, t *trainer.Trainer) error { return t.Run(ctx, groups, rounds) })
		},
	}
	o.add(cmd)
	cmd.Flags().StringArrayVar(&groups, "group", nil, "group to train; repeatable")
	recipe.add(cmd, 500, "steps per round where the group sets no bound")
	cmd.Flags().StringVar(&seed, "seed", "", "any text; decides the order of the rows (default: the account)")
	cmd.Flags().StringVar(&logdir, "logdir", "", "folder for TensorBoard event files, one run for each attempt, the newest 100 of each group; \"\" for none (default HOME/runs)")
	addCheat(cmd, &o.cheat)
	cmd.Flags().IntVar(&rounds, "rounds", 0, "stop after this many rounds of each group; 0 means never")
	return cmd
}
