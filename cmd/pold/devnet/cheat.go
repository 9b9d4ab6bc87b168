package devnet

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

// honestKind takes a cheat back.
const honestKind = "none"

// cheatKind is a way to misbehave, as trainerd lists it.
type cheatKind struct {
	Name string `json:"name"`
	Role string `json:"role"`
	Does string `json:"does"`
}

// cheatKinds asks trainerd, which does the cheating.
func cheatKinds(trainerd string) ([]cheatKind, error) {
	b, err := exec.Command(trainerd, "cheats", "--json").Output()
	if err != nil {
		return nil, fmt.Errorf("%s cheats: %w", trainerd, err)
	}
	var kinds []cheatKind
	if err := json.Unmarshal(b, &kinds); err != nil {
		return nil, fmt.Errorf("%s cheats: %w", trainerd, err)
	}
	return kinds, nil
}

// cheat starts a child again so that it misbehaves, or behaves again; without a name the last sidecar or trainer.
func cheat(trainerd string, s *supervisor, kind, name string) (string, error) {
	if kind == honestKind {
		if name == "" {
			return "", fmt.Errorf("say with --node which process is to be honest again")
		}
		return name + " is honest again", s.restart(name, nil)
	}
	kinds, err := cheatKinds(trainerd)
	if err != nil {
		return "", err
	}
	var names []string
	for _, k := range kinds {
		names = append(names, k.Name)
		if k.Name != kind {
			continue
		}
		role := map[string]kindOfChild{"validator": {sidecarKind, "sidecar"}, "trainer": {trainerKind, "trainer"}}[k.Role]
		if name == "" {
			name = s.last(role.kind)
		}
		s.mu.Lock()
		p, ok := s.processes[name]
		fits := ok && p.kind == role.kind
		s.mu.Unlock()
		if !fits {
			return "", fmt.Errorf("%s is a cheat of a %s, %q is none; see pold devnet status", kind, role.name, name)
		}
		return fmt.Sprintf("%s %s from now on", name, k.Does), s.restart(name, []string{"--cheat", kind})
	}
	return "", fmt.Errorf("unknown kind %q; expected %s or %s", kind, strings.Join(names, ", "), honestKind)
}

type kindOfChild struct {
	kind kind
	name string
}

func cheatCommand() *cobra.Command {
	var node string
	var list bool
	cmd := &cobra.Command{
		Use: "cheat [KIND]", Short: "Make one process of the running devnet cheat, and watch what the network does about it",
		Long: `Cheat starts a sidecar or a trainer of the running devnet again so that it misbehaves in one way; KIND none makes it honest again.
What happens then appears where the devnet runs: faults with their evidence, penalties, rounds. Without KIND it lists the ways.`,
		Example: "  pold devnet cheat wrong-score\n  pold devnet cheat skipped-step --node erin\n  pold devnet cheat none --node erin",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cmd.SilenceUsage = true
			if list || len(args) == 0 {
				return listCheats(cmd)
			}
			home, err := cmd.Flags().GetString("home")
			if err != nil {
				return err
			}
			r, err := ask(home, request{Verb: "cheat", Kind: args[0], Name: node})
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s\nWatch the devnet's screen, and ask for the reasons:\n  pold q polslashing all-evidence\n  pold q polslashing evidence ID\n", r.Note)
			return nil
		},
	}
	cmd.Flags().StringVar(&node, "node", "", "process that cheats (default: the last sidecar or trainer)")
	cmd.Flags().BoolVar(&list, "list", false, "list the ways to cheat")
	return cmd
}

func listCheats(cmd *cobra.Command) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	kinds, err := cheatKinds(defaultTrainerd(self))
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "KIND\tWHO\tWHAT IT DOES")
	for _, k := range kinds {
		fmt.Fprintf(w, "%s\t%s\t%s\n", k.Name, k.Role, k.Does)
	}
	return w.Flush()
}
