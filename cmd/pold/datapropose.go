package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/dataset"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

// proposeOptions are what a proposal says about itself, and how the command works.
type proposeOptions struct {
	summary, licence, base string
	takedown, noWait       bool
	anyway                 bool
	// serveFrom, listen and announce are how the patch is served.
	serveFrom        string
	listen, announce []string
}

func dataProposeCommand() *cobra.Command {
	var o proposeOptions
	cmd := &cobra.Command{
		Use:   "propose SET DELTA.patch",
		Short: "Propose a patch of a training set, deposit NRN and serve the patch",
		Long: `Propose a patch to those who govern a training set. The patch is applied to the current table first, here, and whatever validators
would refuse is refused before anything is sent. You see what the patch does, and what is deposited, and are asked.

The chain holds only the hash of the patch. trainerd serves the patch itself, started by this command, until validators hold it; they
fetch it at once. A patch that they still can't get when it is among the most voted at the end of a voting period costs the deposit.
The command says how to leave and how to serve the patch again later.

The deposit comes back when the patch is applied, or when it no longer applies because the table has changed. A part is burned when
it expires or is withdrawn, all of it when the patch is not what you say or is not served.

` + exitHelp,
		Example: `  pold data propose digits fix.patch --summary "correct 12 labels that two people read as 8" --from alice
  pold data propose digits more.patch --summary "add 300 digits written by left-handers" --licence "CC-BY 4.0" --from alice
  pold data propose faces remove.patch --summary "remove rows that a court asked for" --takedown --from alice
  pold data propose digits fix.patch --summary "correct 12 labels" --from alice --dry-run`,
		Args: exactly(2, "a training set and a patch"),
	}
	f := cmd.Flags()
	f.StringVar(&o.summary, "summary", "", "one line for those who vote: what it changes, and why (required)")
	f.StringVar(&o.licence, "licence", "", "where added rows come from and under which licence")
	f.BoolVar(&o.anyway, "anyway", false, "propose it although somebody else's open proposal has the same patch or leads to the same table")
	f.BoolVar(&o.takedown, "takedown", false, "ask nodes to drop all earlier tables and patches of the set, this patch included, once it is applied")
	f.StringVar(&o.base, "base", "", "file of the current table (default: fetched)")
	f.BoolVar(&o.noWait, "no-wait", false, "don't stay to serve the patch; you serve it with trainerd publish")
	f.StringVar(&o.serveFrom, "serve-from", "", "key that announces where the patch is served, when that of --from announces a sidecar already")
	f.StringSliceVar(&o.listen, "p2p-listen", nil, "multiaddr at which trainerd serves the patch, such as /ip4/0.0.0.0/tcp/4001; repeatable (default: this machine alone)")
	f.StringSliceVar(&o.announce, "p2p-announce", nil, "multiaddr to announce instead, when behind a forwarded port; repeatable")
	addFileFlags(cmd)
	return txCommandOf(cmd, func(ctx context.Context, n node, s *sender, args []string) error {
		t := newTrainerd(cmd, s.client)
		w := proposal{options: o, node: n, sender: s, trainerd: t, library: newLibrary(s.client.HomeDir, t, s.p), now: time.Now}
		return w.run(ctx, args[0], args[1])
	})
}

// proposal is one run of the command.
type proposal struct {
	options  proposeOptions
	node     node
	sender   *sender
	trainerd *trainerd
	library  *library
	now      func() time.Time
}

func (w *proposal) run(ctx context.Context, setName, path string) error {
	if err := w.options.checkText(); err != nil {
		return err
	}
	body, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("patch: %w", err)
	}
	d, err := w.draft(ctx, setName, body)
	if err != nil {
		return err
	}
	kept, err := w.library.keep(body) // what is served must not change when the file does
	if err != nil {
		return err
	}
	if w.sender.dryRun {
		said, err := w.trainerd.describe(ctx, kept)
		if err != nil {
			return err
		}
		d.delta.Cid = said.CID
		_, err = w.sender.send(ctx, w.intent(d))
		return err
	}
	p := w.sender.p
	if !p.json {
		d.patch.print(p)
		for _, c := range w.intent(d).changes {
			p.line("%s", plain(c))
		}
	}
	if err := w.sender.confirm(); err != nil {
		return err
	}
	p.progress("starting to serve the patch")
	served, err := w.trainerd.publish(ctx, kept, w.publisher())
	if err != nil {
		return err
	}
	defer served.end()
	d.delta.Cid = served.CID
	r, err := w.sender.deliver(ctx, w.intent(d))
	if err != nil {
		return err
	}
	var opened trainingsettypes.MsgProposeDeltaResponse
	if err := r.response(0, &opened); err != nil {
		return err
	}
	return w.stay(ctx, r, opened, kept, served)
}

// publisher says how the patch is served.
func (w *proposal) publisher() publisher {
	k := publisher{from: w.sender.factory.FromName(), backend: w.sender.client.Keyring.Backend(), dir: w.sender.client.KeyringDir}
	if w.options.serveFrom != "" {
		k.from = w.options.serveFrom
	}
	for _, a := range w.options.listen {
		k.extra = append(k.extra, "--p2p-listen", a)
	}
	for _, a := range w.options.announce {
		k.extra = append(k.extra, "--p2p-announce", a)
	}
	return k
}

// draft is a proposal that validators would accept.
type draft struct {
	set     trainingsettypes.TrainingSet
	delta   trainingsettypes.Delta
	patch   patchView
	deposit math.Int
	params  trainingsettypes.Params
}

// draft looks everything up that the proposal depends on and refuses what the chain or validators would refuse.
func (w *proposal) draft(ctx context.Context, name string, body []byte) (draft, error) {
	var d draft
	var err error
	if d.set, err = w.node.set(ctx, name); err != nil {
		return d, err
	}
	if err := governed(d.set); err != nil {
		return d, err
	}
	if d.params, err = w.node.setParams(ctx); err != nil {
		return d, err
	}
	all, err := w.node.proposals(ctx, name)
	if err != nil {
		return d, err
	}
	deposit, err := w.node.sets.Deposit(ctx, &trainingsettypes.QueryDepositRequest{TrainingSet: name})
	if err != nil {
		return d, err
	}
	d.deposit = deposit.Deposit
	base, err := w.base(ctx, d.set)
	if err != nil {
		return d, err
	}
	result, err := checkPatch(&d, base, body)
	if err != nil {
		return d, err
	}
	if err := checkAgainst(all, d, w.options.anyway); err != nil {
		return d, err
	}
	d.patch = newPatchView(name, d.set.Table, base, result, body)
	d.patch.Unfit, err = w.node.unfit(ctx, d.set.Group, result)
	return d, err
}

// base returns the current table, from the file that was named or from the network.
func (w *proposal) base(ctx context.Context, set trainingsettypes.TrainingSet) (*dataset.Table, error) {
	what := fmt.Sprintf("the current table of %s (version %d)", set.Name, set.Version)
	if w.options.base == "" {
		return getTable(ctx, w.library, what, set.Table)
	}
	return readBase(w.options.base, what, set.Table)
}

// intent is the proposal in words and as a message.
func (w *proposal) intent(d draft) intent {
	changes := []string{
		fmt.Sprintf("proposed    %s of %s (version %d): %s", rowsChanged(d.delta), d.set.Name, d.set.Version, w.options.summary),
		fmt.Sprintf("deposit     %s; %s of it is burned when the patch expires or is withdrawn, all when it is not what it says or is not served", showNRN(d.deposit), showPart(d.params.ExpiryBurnE6)),
	}
	if w.options.takedown {
		changes = append(changes, "takedown    needs more than half of the stake that stood since the period opened; once it is applied, nodes are asked to drop all earlier tables and patches of the set")
	}
	return intent{changes: changes, messages: []sdk.Msg{&trainingsettypes.MsgProposeDelta{
		Sender: w.sender.address.String(), TrainingSet: d.set.Name, Delta: d.delta,
		Summary: w.options.summary, Licence: w.options.licence, Takedown: w.options.takedown, MaxDeposit: d.deposit,
	}}}
}
