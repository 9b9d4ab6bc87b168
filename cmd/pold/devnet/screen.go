package devnet

import (
	"fmt"
	"io"
	"regexp"
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
	sizes := ""
	if o.Validators != defaultValidators {
		sizes = fmt.Sprintf(" --validators %d", o.Validators)
	}
	fmt.Fprintf(out, "  mnemonic: %s   (val0 and further: see %s devnet accounts%s)\n", Mnemonic, shellWord(o.PoldShown), sizes)
	fmt.Fprintf(out, "  RPC http://127.0.0.1:%d   REST http://127.0.0.1:%d   gRPC 127.0.0.1:%d   logs %s\n", l.rpc(0), l.rest(0), l.grpc(0), l.home+"/logs")
	fmt.Fprintf(out, "  Ctrl-C stops every process; the state is kept.\n\n")
}

// tips are the next things to try after a round was won: commands that work on this network as they are printed.
func tips(l layout, o Options, round uint64) string {
	pold, trainerd := shellWord(o.PoldShown), shellWord(o.TrainerdShown)
	rpc, grpc, sidecar, home := "", "", "", ""
	if o.PortOffset != 0 {
		rpc = fmt.Sprintf(" --node tcp://127.0.0.1:%d", l.rpc(0))
		grpc = fmt.Sprintf(" --node 127.0.0.1:%d", l.grpc(0))
		sidecar = fmt.Sprintf(" --sidecar 127.0.0.1:%d", l.sidecar(0))
	}
	if l.home != defaultHome() {
		home = " --home " + shellWord(l.home)
	}
	list := [][2]string{
		{fmt.Sprintf("%s verify --group %s --round %d%s", trainerd, Group, round, grpc), "recompute the verdict from the bytes"},
		{fmt.Sprintf("%s q pol submissions %s %d%s", pold, Group, round, rpc), "every claim and verdict of the round"},
		{fmt.Sprintf("%s q pol totals%s", pold, rpc), "what was minted, and the next halving"},
		{fmt.Sprintf("%s q attestation live%s", pold, rpc), "who votes"},
		{fmt.Sprintf("%s search digits%s", trainerd, grpc), "the files that the network holds"},
		{fmt.Sprintf("%s status%s", trainerd, sidecar), "how the sidecar of val0 is, and whom it knows"},
	}
	// With fewer, the others are no two thirds any more.
	if o.Validators >= 4 {
		kill := fmt.Sprintf("%s devnet kill %s-sidecar%s", pold, l.validatorName(o.Validators-1), home)
		list = append(list, [2]string{kill, "rounds go on without it; start it again with `start`"})
	}
	width := 0
	for _, x := range list {
		width = max(width, len(x[0]))
	}
	var b strings.Builder
	b.WriteString("\nTry next, in another terminal:\n")
	for _, x := range list {
		fmt.Fprintf(&b, "  %-*s   %s\n", width, x[0], x[1])
	}
	b.WriteString("\n")
	return b.String()
}

// plainWord is what a shell takes as it stands.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

// shellWord quotes a word for the shell where that is needed.
func shellWord(s string) string {
	if plainWord.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
