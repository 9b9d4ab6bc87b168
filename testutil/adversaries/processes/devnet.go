package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/cosmos/cosmos-sdk/codec"
	codectypes "github.com/cosmos/cosmos-sdk/codec/types"
	sdk "github.com/cosmos/cosmos-sdk/types"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"
	stakingtypes "github.com/cosmos/cosmos-sdk/x/staking/types"
)

const (
	// offset keeps the ports away from those of a devnet that somebody runs on the same machine.
	offset = 5_000
	// The processes that cheat: a validator's sidecar, and the trainer that wins as a rule.
	validator, sidecar, trainer = "val3", "val3-sidecar", "erin"
	// stake names the validator's bonded stake among what is owned.
	stake = "stake"
	// patience is how long a settled round may take; afterwards is how long is waited for penalties, which are queued for some seconds.
	patience, afterwards = 3 * time.Minute, 25 * time.Second
)

// kind is a way to cheat, as trainerd lists it.
type kind struct {
	Name string `json:"name"`
	Role string `json:"role"`
	Does string `json:"does"`
}

func listKinds(trainerd string) ([]kind, error) {
	b, err := exec.Command(trainerd, "cheats", "--json").Output()
	if err != nil {
		return nil, fmt.Errorf("%s cheats: %w; build the programs with: make build", trainerd, err)
	}
	var kinds []kind
	return kinds, json.Unmarshal(b, &kinds)
}

// result is what the two processes earned over the rounds, and which faults of the cheater the network showed.
type result struct {
	validator, trainer int64
	faults             []string
}

func (r result) income(role string) int64 {
	if role == "trainer" {
		return r.trainer
	}
	return r.validator
}

// event is a line of `pold devnet up --json`.
type event struct {
	Event    string `json:"event"`
	Name     string `json:"name"`
	Round    uint64 `json:"round"`
	Status   string `json:"status"`
	Note     string `json:"note"`
	Accounts []struct {
		Name    string `json:"name"`
		Address string `json:"address"`
	} `json:"accounts"`
}

// network is a running devnet.
type network struct {
	home, pold string
	cmd        *exec.Cmd
	events     chan event
	addresses  map[string]string
	client     *grpc.ClientConn
}

// play runs a fresh network for some settled rounds with one process that cheats; a kind without a name is honest.
func play(bin string, k kind, rounds int) (r result, err error) {
	home, err := os.MkdirTemp("", "pold-adversaries-")
	if err != nil {
		return r, err
	}
	defer os.RemoveAll(home)
	n := &network{home: home, pold: filepath.Join(bin, "pold"), events: make(chan event, 1_000), addresses: map[string]string{}}
	if err := n.start(); err != nil {
		return r, err
	}
	defer n.stop()
	if _, err := n.until(patience, func(e event) bool { return e.Event == "first_block" }); err != nil {
		return r, err
	}
	if k.Name != "" {
		node := map[string]string{"validator": sidecar, "trainer": trainer}[k.Role]
		if out, err := n.cheat(k.Name, node); err != nil {
			return r, fmt.Errorf("%w: %s", err, out)
		}
	}
	before, err := n.wealth()
	if err != nil {
		return r, err
	}
	for range rounds {
		faults, err := n.until(patience, func(e event) bool { return e.Event == "round_settled" })
		r.faults = append(r.faults, n.of(k, faults)...)
		if err != nil {
			return r, err
		}
	}
	after, err := n.wealth()
	if err != nil {
		return r, err
	}
	r.validator, r.trainer = after[validator]-before[validator], after[trainer]-before[trainer]
	wait := time.Duration(0)
	switch k.Role {
	case "validator": // penalties wait in a queue; what is earned meanwhile does not count
		wait = afterwards
	case "trainer": // a fault of the last round is told just after it
		wait = 3 * time.Second
	}
	faults, _ := n.until(wait, func(event) bool { return false })
	r.faults = append(r.faults, n.of(k, faults)...)
	late, err := n.wealth()
	r.validator += late[stake] - after[stake]
	return r, err
}

func (n *network) start() error {
	n.cmd = exec.Command(n.pold, "devnet", "up", "--home", n.home, "--json", "--port-offset", fmt.Sprint(offset))
	out, err := n.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	n.cmd.Stderr = os.Stderr
	if err := n.cmd.Start(); err != nil {
		return fmt.Errorf("%w; build the programs with: make build", err)
	}
	go func() {
		defer close(n.events)
		lines := bufio.NewScanner(out)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var e event
			if json.Unmarshal(lines.Bytes(), &e) == nil {
				n.events <- e
			}
		}
	}()
	first, ok := <-n.events
	if !ok {
		return fmt.Errorf("the devnet did not start")
	}
	for _, a := range first.Accounts {
		n.addresses[a.Name] = a.Address
	}
	cdc := codec.NewProtoCodec(codectypes.NewInterfaceRegistry())
	n.client, err = grpc.NewClient(fmt.Sprintf("127.0.0.1:%d", 9090+offset), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(cdc.GRPCCodec())))
	return err
}

// stop ends the network as Ctrl-C does.
func (n *network) stop() {
	if n.client != nil {
		n.client.Close()
	}
	_ = n.cmd.Process.Signal(syscall.SIGINT)
	for range n.events {
	}
	_ = n.cmd.Wait()
}

func (n *network) cheat(kind, node string) ([]byte, error) {
	return exec.Command(n.pold, "devnet", "cheat", kind, "--node", node, "--home", n.home).CombinedOutput()
}

// until returns the faults and penalties that were reported before a wanted event.
func (n *network) until(limit time.Duration, wanted func(event) bool) (seen []event, err error) {
	deadline := time.After(limit)
	for {
		select {
		case e, open := <-n.events:
			switch {
			case !open:
				return seen, fmt.Errorf("the network stopped")
			case e.Event == "fault" || e.Event == "penalty":
				seen = append(seen, e)
			case wanted(e):
				return seen, nil
			}
		case <-deadline:
			return seen, fmt.Errorf("nothing within %s; %s", limit, n.home)
		}
	}
}

// of says in words which of the events are about the cheater, each once.
func (n *network) of(k kind, events []event) []string {
	account := n.addresses[trainer]
	if k.Role == "validator" {
		account = operator(n.addresses[validator])
	}
	said := map[string]bool{}
	var words []string
	for _, e := range events {
		if e.Name != account {
			continue
		}
		what := strings.Join(strings.Fields(e.Event+" "+e.Status+" "+strings.SplitN(e.Note, ":", 2)[0]), " ")
		if !said[what] {
			said[what] = true
			words = append(words, what)
		}
	}
	return words
}

func operator(account string) string {
	b, err := sdk.GetFromBech32(account, "pol")
	if err != nil {
		return ""
	}
	text, err := sdk.Bech32ifyAddressBytes("polvaloper", b)
	if err != nil {
		return ""
	}
	return text
}

// wealth is what validator and trainer own, balance and stake, and the validator's stake alone, in unrn.
func (n *network) wealth() (map[string]int64, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	owned := map[string]int64{}
	for _, name := range []string{validator, trainer} {
		b, err := banktypes.NewQueryClient(n.client).Balance(ctx, &banktypes.QueryBalanceRequest{Address: n.addresses[name], Denom: "unrn"})
		if err != nil {
			return nil, err
		}
		owned[name] = b.Balance.Amount.Int64()
	}
	v, err := stakingtypes.NewQueryClient(n.client).Validator(ctx, &stakingtypes.QueryValidatorRequest{ValidatorAddr: operator(n.addresses[validator])})
	if err != nil {
		return nil, err
	}
	owned[stake] = v.Validator.Tokens.Int64()
	owned[validator] += owned[stake]
	return owned, nil
}
