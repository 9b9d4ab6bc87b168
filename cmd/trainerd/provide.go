package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"cosmossdk.io/math"

	"github.com/pold-network/pold/sidecar/provider"
)

// provideOptions are those of a provider of sealed batches.
type provideOptions struct {
	node       nodeFlags
	key        keyFlags
	overlay    overlayFlags
	group      string
	keys       string
	first      uint64
	bond       string
	once       bool
	revealOnly bool
	asJSON     bool
	logLevel   string
}

func newProvideCommand() *cobra.Command {
	var o provideOptions
	cmd := &cobra.Command{
		Use:   "provide TABLE.csv...",
		Short: "Hand in sealed batches of evaluation rows and reveal their keys",
		Long: `Provide encrypts each table under a key of its own, stores the encrypted file where validators can fetch it, hands all in for
consecutive rounds of a group in evaluation mode SEALED, and then stays to reveal each key when its round asks for it, in phase KEY.
A key that comes too late, or rows that are not the ones committed to, cost the whole bond; so every table is checked as validators
will check it before anything is sent, and the keys are on disk first, in a folder that only you can read.

Stopped or crashed, it goes on when it is started again: with the same tables, or with --reveal-only. Rows are used once: after their
round everybody can see them. Save a copy of the keys, and run only one such process for them.`,
		Example: `  trainerd provide --group digits --from alice --keys sealed --bond 50000000unrn monday.csv tuesday.csv
  trainerd provide --group digits --from alice --keys sealed --once monday.csv
  trainerd provide --from alice --keys sealed --reveal-only`,
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case o.revealOnly && (len(args) > 0 || o.once || o.bond != "" || o.first != 0):
				return usage("--reveal-only hands nothing in: expected no tables, --once, --bond or --first-round with it")
			case !o.revealOnly && len(args) == 0:
				return usage("expected at least one table, or --reveal-only; see %s --help", cmd.CommandPath())
			case !o.revealOnly && o.group == "":
				return usage("--group: expected the group that the rows are for, got none; list groups with: pold q pol groups")
			case o.key.signing.From == "":
				return usage("--from: expected the key of the provider, got none")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args) },
	}
	o.node.add(cmd)
	o.overlay.add(cmd)
	o.key.add(cmd, "key of the provider (required)")
	cmd.Flags().StringVar(&o.group, "group", "", "group that the rows are for (required unless --reveal-only)")
	cmd.Flags().StringVar(&o.keys, "keys", "", "private folder of the keys and encrypted files (default HOME/sealed)")
	cmd.Flags().Uint64Var(&o.first, "first-round", 0, "round of the first new table; the others follow (default: the first one without a batch)")
	cmd.Flags().StringVar(&o.bond, "bond", "", "what the provider bond is raised to, such as 50000000unrn (default: left as it is)")
	cmd.Flags().BoolVar(&o.once, "once", false, "exit once validators hold the batches; run --reveal-only before the first round begins")
	cmd.Flags().BoolVar(&o.revealOnly, "reveal-only", false, "hand nothing in, only reveal the keys in the folder")
	cmd.Flags().BoolVar(&o.asJSON, "json", false, "print one JSON object per event")
	cmd.Flags().StringVar(&o.logLevel, "log-level", "warn", "debug, info, warn or error")
	return cmd
}

// provideTables reads the files and the bond before anything else is done.
func (o *provideOptions) provideTables(paths []string) (tables []provider.Table, bond *math.Int, err error) {
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, nil, fmt.Errorf("table: %w", err)
		}
		tables = append(tables, provider.Table{Name: filepath.Base(path), File: b})
	}
	if o.bond != "" {
		amount, err := parseUnrn(o.bond)
		if err != nil {
			return nil, nil, usage("--bond: %w", err)
		}
		bond = &amount
	}
	return tables, bond, nil
}

func (o *provideOptions) run(ctx context.Context, paths []string) error {
	log, err := newLogger(o.logLevel)
	if err != nil {
		return err
	}
	tables, bond, err := o.provideTables(paths)
	if err != nil {
		return err
	}
	if o.keys == "" {
		o.keys = filepath.Join(o.overlay.home, "sealed")
	}
	me, err := openParticipant(ctx, &o.node, &o.key, &o.overlay, log)
	if err != nil {
		return err
	}
	defer me.Close()
	client, account, node := me.client, me.account, me.node
	report := provider.Text(os.Stdout)
	if o.asJSON {
		report = provider.JSON(os.Stdout)
	}
	p, err := provider.New(provider.Config{Chain: client, Sender: account, Store: node, Dir: o.keys, Log: log, Report: report, Transient: transient})
	if err != nil {
		return err
	}
	return whileAnnounced(ctx, client, node, account, log, func(ctx context.Context) error {
		if !o.revealOnly {
			if err := p.HandIn(ctx, o.group, tables, o.first, bond); err != nil {
				return err
			}
		}
		if o.once {
			if err := p.AwaitHeld(ctx, o.group); err != nil {
				return err
			}
			o.next("the keys are in %s; before the first of their rounds begins, start: trainerd provide --from %s --keys %s --reveal-only", o.keys, o.key.signing.From, o.keys)
			return nil
		}
		if err := p.Reveal(ctx, o.group); err != nil {
			return err
		}
		o.next("all keys in %s are settled; hand in new rows with: trainerd provide --group GROUP --from %s --keys %s TABLE.csv...", o.keys, o.key.signing.From, o.keys)
		return nil
	})
}

// next tells people what to do now; scripts don't need it.
func (o *provideOptions) next(format string, a ...any) {
	if !o.asJSON {
		fmt.Printf("next: "+format+"\n", a...)
	}
}

// parseUnrn reads an amount of unrn; the unit may be left out.
func parseUnrn(text string) (math.Int, error) {
	amount, ok := math.NewIntFromString(strings.TrimSuffix(text, "unrn"))
	if !ok || amount.IsNegative() {
		return amount, fmt.Errorf("expected an amount such as 50000000unrn (10^-6 NRN), got %q", text)
	}
	return amount, nil
}
