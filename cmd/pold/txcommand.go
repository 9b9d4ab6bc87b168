package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	sdk "github.com/cosmos/cosmos-sdk/types"
)

// printMessages writes what would be sent.
func (s *sender) printMessages(messages []sdk.Msg) error {
	list := make([]json.RawMessage, len(messages))
	for i, m := range messages {
		var err error
		if list[i], err = s.client.Codec.MarshalInterfaceJSON(m); err != nil {
			return err
		}
	}
	out, err := json.MarshalIndent(map[string]any{"messages": list}, "", "  ")
	if err == nil {
		s.p.line("%s", out)
	}
	return err
}

// confirm asks where people watch.
func (s *sender) confirm() error {
	if s.yes || !isTerminal(s.in) || !s.p.live {
		return nil
	}
	s.p.endProgress()
	fmt.Fprint(s.p.err, "send it? [y/N] ")
	answer, err := bufio.NewReader(s.in).ReadString('\n')
	if err != nil && answer == "" {
		return fail(exitError, "nothing was sent: no answer (%w); --yes sends without asking", err)
	}
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
		return fail(exitError, "nothing was sent")
	}
	return nil
}

// sendAndShow sends and shows the receipt; what adds to it what a command knows of the answers of the chain.
func (s *sender) sendAndShow(ctx context.Context, i intent, next string, what func(*receipt) error) error {
	r, err := s.send(ctx, i)
	if err != nil || r == nil {
		return err
	}
	r.Next = next
	if what != nil {
		if err := what(r); err != nil {
			return err
		}
	}
	return s.p.show(r)
}

// txCommandOf gives a command the flags of transactions and runs it with a node and a sender.
func txCommandOf(cmd *cobra.Command, run func(ctx context.Context, n node, s *sender, args []string) error) *cobra.Command {
	addTxFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		s, err := openSender(cmd)
		if err != nil {
			return err
		}
		n, _ := openNode(cmd)
		ctx, stop := interruptible(cmd)
		defer stop()
		defer s.p.endProgress()
		return run(ctx, n, s, args)
	}
	return cmd
}

// interruptible returns a context that Ctrl-C ends, so that child processes are stopped in order.
func interruptible(cmd *cobra.Command) (context.Context, context.CancelFunc) {
	return signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
}
