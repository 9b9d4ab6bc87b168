package devnet

import (
	"fmt"
	"io"
	"strings"
)

// printWelcome shows what was started, where it listens and whose keys it uses.
func printWelcome(out io.Writer, l layout, o Options, list []Account, continued bool) {
	state := "new"
	if continued {
		state = "continued; --reset wipes it"
	}
	fmt.Fprintf(out, "pold devnet  chain %s  %d validators · %d trainers · group %s   state %s (%s)\n", ChainID, o.Validators, o.Trainers, Group, l.home, state)
	fmt.Fprintln(out, "! The keys below are public test keys. Never send real funds to them.")
	for _, a := range list {
		if a.Role == "validator" {
			continue
		}
		fmt.Fprintf(out, "  %-8s %s  %s\n", a.Name, a.Address, a.Role)
	}
	fmt.Fprintf(out, "  mnemonic: %s   (val0 and further: see pold devnet accounts)\n", Mnemonic)
	fmt.Fprintf(out, "  RPC http://127.0.0.1:%d   REST http://127.0.0.1:%d   gRPC 127.0.0.1:%d   logs %s\n", l.rpc(0), l.rest(0), l.grpc(0), l.home+"/logs")
	fmt.Fprintf(out, "  Ctrl-C stops every process; the state is kept.\n\n")
}

// tips are the next things to try, shown once after the first won round.
var tips = strings.Join([]string{
	"", "Try next, in another terminal:",
	"  build/trainerd verify --group digits --round 1     recompute the verdict from the bytes",
	"  build/pold q pol submissions digits 1              every claim and verdict of the round",
	"  build/pold q pol totals                            what was minted, and the next halving",
	"  build/pold q attestation live                      who votes",
	"  build/pold devnet kill val3-sidecar                rounds go on without it; start it again with `start`",
	"", "",
}, "\n")
