package devnet

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

// Command returns `pold devnet`.
func Command(add AddPurchases) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "devnet",
		Short: "Run a whole network on this machine",
		Long:  "Run a whole network on this machine: validators with sidecars, trainers, and a group that learns handwritten digits.\nIt needs nothing but the two programs. Keys are public test keys.",
	}
	cmd.AddCommand(upCommand(add), statusCommand(), accountsCommand(), verbCommand("kill", "Kill a process as a crash would", true),
		verbCommand("start", "Start a process that was killed", true), verbCommand("down", "Stop the running devnet; its state is kept", false), cheatCommand())
	cmd.PersistentFlags().String("home", defaultHome(), "folder of the devnet's state")
	// The node's own start-up (home, configuration files) has no part in these commands.
	cmd.PersistentPreRunE = func(*cobra.Command, []string) error { return nil }
	return cmd
}

func defaultHome() string {
	home, err := os.UserHomeDir()
	if err != nil {
		return ".pold-devnet"
	}
	return filepath.Join(home, ".pold-devnet")
}

func upCommand(add AddPurchases) *cobra.Command {
	var o Options
	cmd := &cobra.Command{
		Use:     "up",
		Short:   "Start the network, or continue it",
		Example: "  pold devnet up\n  pold devnet up --rounds 3 --exit --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			self, err := os.Executable()
			if err != nil {
				return err
			}
			home, err := cmd.Flags().GetString("home")
			if err != nil {
				return err
			}
			if o.Home, err = filepath.Abs(home); err != nil {
				return err
			}
			o.Pold, o.PoldShown = self, os.Args[0]
			o.TrainerdShown = o.Trainerd
			if o.Trainerd == "" {
				o.Trainerd = defaultTrainerd(self)
				o.TrainerdShown = strings.TrimSuffix(os.Args[0], filepath.Base(os.Args[0])) + "trainerd"
			}
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			cmd.SilenceUsage = true
			return Up(ctx, o, cmd.OutOrStdout(), add)
		},
	}
	f := cmd.Flags()
	f.IntVar(&o.Validators, "validators", defaultValidators, "number of validators, each a node and a sidecar")
	f.IntVar(&o.Trainers, "trainers", defaultTrainers, "number of trainers")
	f.IntVar(&o.Rounds, "rounds", 0, "with --exit: number of rounds that must have a winner")
	f.BoolVar(&o.Exit, "exit", false, "stop once --rounds rounds have settled with a winner")
	f.BoolVar(&o.JSON, "json", false, "print one JSON object per event")
	f.DurationVar(&o.Timeout, "timeout", 10*time.Minute, "with --exit: give up after this time")
	f.IntVar(&o.PortOffset, "port-offset", 0, "added to every port")
	f.BoolVar(&o.Reset, "reset", false, "wipe the kept state first")
	f.BoolVar(&o.Scored, "scored", false, "a new network's group asks for no proof of training, so that any tool may train")
	f.IntVar(&o.Mislabel, "mislabel", 0, "give so many rows of a new network's table a wrong label, for people to correct by vote")
	f.StringVar(&o.Trainerd, "trainerd", "", "the trainerd program (default: beside this program)")
	return cmd
}

// verbCommand sends a verb to the running devnet.
func verbCommand(verb, short string, named bool) *cobra.Command {
	cmd := &cobra.Command{
		Use: verb, Short: short, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			home, err := cmd.Flags().GetString("home")
			if err != nil {
				return err
			}
			cmd.SilenceUsage = true
			q := request{Verb: verb}
			if named {
				q.Name = args[0]
			}
			if _, err = ask(home, q); err != nil || !named {
				return err
			}
			done, next := "killed "+q.Name, "start"
			if verb == "start" {
				done, next = "started "+q.Name, "kill"
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s; the other way round: pold devnet %s %s\n", done, next, q.Name)
			return err
		},
	}
	if named {
		cmd.Use, cmd.Args = verb+" NAME", cobra.ExactArgs(1)
		cmd.Example = "  pold devnet " + verb + " val3-sidecar\n  pold devnet " + verb + " val2"
	}
	return cmd
}

func statusCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "status", Short: "List the processes of the running devnet", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			home, err := cmd.Flags().GetString("home")
			if err != nil {
				return err
			}
			cmd.SilenceUsage = true
			r, err := ask(home, request{Verb: "status"})
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(r.Processes)
			}
			names := make([]string, 0, len(r.Processes))
			for name := range r.Processes {
				names = append(names, name)
			}
			sort.Strings(names)
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "PROCESS\tPID")
			for _, name := range names {
				fmt.Fprintf(w, "%s\t%d\n", name, r.Processes[name])
			}
			return w.Flush()
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func accountsCommand() *cobra.Command {
	var validators, trainers int
	cmd := &cobra.Command{
		Use: "accounts", Short: "List the test accounts of a devnet", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			list := accounts(validators, trainers)
			if err := deriveAddresses(list); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "! Public test keys. Never send real funds to them.\nmnemonic: %s\n", Mnemonic)
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "NAME\tADDRESS\tROLE\tHD PATH")
			for _, a := range list {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", a.Name, a.Address, a.Role, a.Path)
			}
			return w.Flush()
		},
	}
	cmd.Flags().IntVar(&validators, "validators", defaultValidators, "number of validators")
	cmd.Flags().IntVar(&trainers, "trainers", defaultTrainers, "number of trainers")
	return cmd
}
