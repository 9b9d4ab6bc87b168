// Package cheat makes a sidecar or a trainer misbehave in one chosen way, so that people can watch what a network does about it.
//
// `pold devnet cheat KIND` uses it on a running devnet, `make adversaries` on one after the other. It works only on chains of public test
// keys: Check refuses every other chain. A cheat wraps one of the small interfaces that trainerd is put together from, so no honest code
// knows of it: validator.go wraps what the node asks and what the worker reads, trainer.go what a trainer stores, sends and claims, forge.go the recording of a
// transcript.
package cheat

import (
	"fmt"
	"strings"
)

// Role is who can cheat in a way.
type Role string

// Roles.
const (
	Validator Role = "validator"
	Trainer   Role = "trainer"
)

// Kind is a way to cheat.
type Kind struct {
	Name string
	Role Role
	// Does says what the cheater does, in words that follow its name.
	Does string
}

// Names of the kinds.
const (
	WrongScore         = "wrong-score"
	Constant           = "constant"
	Silent             = "silent"
	NoFiles            = "no-files"
	WrongPersonal      = "wrong-personal"
	WithheldSecret     = "withheld-secret"
	FalseChallenge     = "false-challenge"
	FalseClaim         = "false-claim"
	NoReveal           = "no-reveal"
	WithheldCheckpoint = "withheld-checkpoint"
	WithheldStates     = "withheld-states"
	SkippedStep        = "skipped-step"
	SwappedBatch       = "swapped-batch"
	ChangedRate        = "changed-rate"
	InventedMiddle     = "invented-middle"
)

// Kinds lists all ways, validators' first.
func Kinds() []Kind {
	return []Kind{
		{WrongScore, Validator, "votes for a score that is better by one billionth"},
		{Constant, Validator, "answers every score task with the same bytes"},
		{Silent, Validator, "is live and never votes"},
		{NoFiles, Validator, "never says that it holds a file, and produces no chunk of one"},
		{WrongPersonal, Validator, "votes with answers that it has not computed: its personal values are wrong"},
		{WithheldSecret, Validator, "commits to secrets of the beacon and does not reveal them"},
		{FalseChallenge, Validator, "challenges segments that are right"},
		{FalseClaim, Trainer, "claims a loss that is better by one billionth"},
		{NoReveal, Trainer, "commits and does not reveal"},
		{WithheldCheckpoint, Trainer, "reveals and gives its checkpoint to nobody"},
		{WithheldStates, Trainer, "gives the states of its training to nobody"},
		{SkippedStep, Trainer, "leaves out one step of its training"},
		{SwappedBatch, Trainer, "trains one segment on batches of its own choice"},
		{ChangedRate, Trainer, "trains one segment with another learning rate"},
		{InventedMiddle, Trainer, "invents a state in the middle of its training"},
	}
}

// Check returns a kind for a role, and refuses chains other than devnets.
func Check(name string, role Role, chainID string) (Kind, error) {
	if !strings.Contains(chainID, "devnet") {
		return Kind{}, fmt.Errorf("--cheat works on devnets only, expected a chain id with %q in it, got %q: on any other network it would cost real money", "devnet", chainID)
	}
	var names []string
	for _, k := range Kinds() {
		if k.Role != role {
			continue
		}
		if k.Name == name {
			return k, nil
		}
		names = append(names, k.Name)
	}
	return Kind{}, fmt.Errorf("--cheat: a %s can't cheat by %q; expected one of %s", role, name, strings.Join(names, ", "))
}
