package devnet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	dbm "github.com/cosmos/cosmos-db"

	"cosmossdk.io/log/v2"

	"github.com/pold-network/pold/app"
)

// errTimeout is returned when the rounds that were asked for did not settle in time.
var errTimeout = errors.New("timed out")

// Up creates or continues the network in o.Home, runs it, and reports what happens until the context ends, the rounds
// that were asked for are won (with Exit), or the timeout passes (with Exit).
func Up(ctx context.Context, o Options, out io.Writer, add AddPurchases) error {
	if err := o.Validate(); err != nil {
		return err
	}
	started := time.Now()
	l := layout{home: o.Home, offset: o.PortOffset}
	if err := l.claim(); err != nil {
		return err
	}
	unlock, err := lockHome(l.lock())
	if err != nil {
		return err
	}
	defer unlock()
	if o.Reset {
		if err := wipe(l); err != nil {
			return err
		}
	}
	if err := l.checkPorts(o.Validators, o.Trainers); err != nil {
		return err
	}
	list, continued, err := prepare(ctx, l, o, add)
	if err != nil {
		return err
	}
	r := newReporter(out, o.JSON, list, func(round uint64) string { return tips(l, o, round) })
	if o.JSON {
		r.report(Event{Event: "starting", Name: ChainID, Accounts: list, Note: "public test keys: never send real funds to them"})
	} else {
		printWelcome(out, l, o, list, continued)
	}
	return run(ctx, l, o, r, started)
}

// prepare writes the network's files, or checks that those which are there fit.
func prepare(ctx context.Context, l layout, o Options, add AddPurchases) (list []Account, continued bool, err error) {
	t, exists, err := l.readTopology()
	if err != nil {
		return nil, false, fmt.Errorf("state in %s: %w; start afresh with --reset", l.home, err)
	}
	list = accounts(o.Validators, o.Trainers)
	cdc := app.New(log.NewNopLogger(), dbm.NewMemDB(), true, noOptions{}).Codec
	if exists {
		if t.Validators != o.Validators || t.Trainers < o.Trainers {
			return nil, false, fmt.Errorf("the network in %s has %d validators and %d trainers; start it with these, or start afresh with --reset", l.home, t.Validators, t.Trainers)
		}
		if o.Mislabel > 0 {
			return nil, false, fmt.Errorf("--mislabel: the network in %s has its data already; start afresh with --reset", l.home)
		}
		ring, err := openKeyring(cdc, l.keyring())
		if err != nil {
			return nil, false, err
		}
		for i := range list {
			record, err := ring.Key(list[i].Name)
			if err != nil {
				return nil, false, fmt.Errorf("key %s: %w; start afresh with --reset", list[i].Name, err)
			}
			address, err := record.GetAddress()
			if err != nil {
				return nil, false, err
			}
			list[i].Address = address.String()
		}
		// Ports may have changed since.
		return list, true, writeNodeConfig(l, o.Validators)
	}
	// A first start that was interrupted has left keys and homes behind; topology.json is what it writes last.
	if err := wipe(l); err != nil {
		return nil, false, err
	}
	ring, err := writeKeys(cdc, l.keyring(), list)
	if err != nil {
		return nil, false, err
	}
	keys, err := writeNodeKeys(l, o.Validators)
	if err != nil {
		return nil, false, err
	}
	if err := writeGenesis(ctx, l, o, list, ring, keys, add); err != nil {
		return nil, false, err
	}
	if err := writeNodeConfig(l, o.Validators); err != nil {
		return nil, false, err
	}
	return list, false, l.writeTopology(topology{Validators: o.Validators, Trainers: o.Trainers})
}

// wipe removes what a devnet has written, and nothing else that may lie in the same folder.
func wipe(l layout) error {
	paths := []string{l.topology(), l.genesis(), l.table(), l.correctTable(), l.keyring(), l.home + "/logs", l.socket()}
	for i := range maxValidators {
		paths = append(paths, l.nodeHome(i), l.sidecarHome(i))
	}
	for _, name := range trainerNames {
		paths = append(paths, l.trainerHome(name))
	}
	for _, p := range paths {
		if err := os.RemoveAll(p); err != nil {
			return fmt.Errorf("wipe the state in %s: %w", l.home, err)
		}
	}
	return nil
}

// run starts the children and follows the chain.
func run(parent context.Context, l layout, o Options, r *reporter, started time.Time) error {
	ctx, cancel := context.WithCancel(parent)
	s := newSupervisor()
	defer func() {
		cancel() // first, so that nothing starts what stopAll would not see
		s.stopAll()
	}()
	servers, trainers := children(l, o, s)
	stop, err := serveControl(l.socket(), o.Trainerd, s, cancel)
	if err != nil {
		return err
	}
	defer stop()
	for _, name := range servers {
		if err := s.start(name); err != nil {
			return err
		}
	}
	w, err := newWatcher(l, o.Validators, r.report)
	if err != nil {
		return err
	}
	defer w.close()
	w.started = started
	failed := make(chan error, 1) // the first failure, which ends a network that is to end by itself
	fail := func(err error) {
		select {
		case failed <- err:
		default:
		}
	}
	startTrainers(ctx, w.hasBlock, o.Validators, s, trainers, func(name string, err error) {
		r.report(Event{Event: "process_failed", Name: name, Note: err.Error()})
		fail(err)
	})
	go s.watchExits(ctx, func(e exit) {
		r.report(Event{Event: "process_exited", Name: e.Name, Note: fmt.Sprintf("%v; the end of %s:\n%s", e.Err, l.log(e.Name), e.Tail)})
		fail(fmt.Errorf("%s stopped by itself: %w; see %s", e.Name, exitError(e.Err), l.log(e.Name)))
	})
	if !o.Exit {
		err := w.run(ctx, 0)
		if errors.Is(err, context.Canceled) {
			return nil // Ctrl-C or `pold devnet down`
		}
		return err
	}
	limited, cancelTimeout := context.WithTimeout(ctx, o.Timeout)
	defer cancelTimeout()
	finished := make(chan error, 1)
	go func() { finished <- w.run(limited, o.Rounds) }()
	select {
	case err := <-finished:
		switch {
		case err == nil:
			if measured, err := w.measure(ctx, s); err == nil { // nobody waits for it to succeed
				r.report(Event{Event: "resources", Resources: &measured, Note: measured.String()})
			}
			return nil
		case errors.Is(err, context.DeadlineExceeded):
			return fmt.Errorf("%w: %d of %d rounds had a winner after %s; see the logs in %s", errTimeout, w.Wins, o.Rounds, o.Timeout, l.home+"/logs")
		}
		return fmt.Errorf("stopped after %d of %d rounds", w.Wins, o.Rounds)
	case err := <-failed:
		return err
	}
}

// exitError gives a child that ended without an error one: it should have gone on.
func exitError(err error) error {
	if err == nil {
		return errors.New("it ended")
	}
	return err
}

// children adds every process: nodes and sidecars, which start at once, and trainers, which need a node to talk to.
func children(l layout, o Options, s *supervisor) (servers, trainers []string) {
	for i := range o.Validators {
		name := l.validatorName(i)
		s.add(nodeKind, name, o.Pold, l.log(name), l.nodeArguments(i))
		servers = append(servers, name)
	}
	for i := range o.Validators {
		name := l.validatorName(i) + "-sidecar"
		s.add(sidecarKind, name, o.Trainerd, l.log(name), l.sidecarArguments(i))
		servers = append(servers, name)
	}
	for i := range o.Trainers {
		s.add(trainerKind, trainerNames[i], o.Trainerd, l.log(trainerNames[i]), l.trainerArguments(i, o.Validators))
		trainers = append(trainers, trainerNames[i])
	}
	return servers, trainers
}

// startTrainers starts each trainer as soon as its node has a block, none waiting for another, until the context ends.
// It returns at once; failed receives those that could not start.
func startTrainers(ctx context.Context, hasBlock func(context.Context, int) bool, nodes int, s *supervisor, names []string, failed func(name string, err error)) {
	for i, name := range names {
		go func() {
			for !hasBlock(ctx, i%nodes) {
				select {
				case <-ctx.Done():
					return
				case <-time.After(100 * time.Millisecond):
				}
			}
			if err := s.start(name); err != nil && ctx.Err() == nil {
				failed(name, err)
			}
		}()
	}
}
