package main

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/pold-network/pold/sidecar/cheat"
)

// addCheat adds the flag with which a devnet makes one of its processes misbehave. It is not listed: people use `pold devnet cheat`.
func addCheat(cmd *cobra.Command, kind *string) {
	cmd.Flags().StringVar(kind, "cheat", "", "misbehave, on a devnet; trainerd cheats lists the ways")
	_ = cmd.Flags().MarkHidden("cheat") // fails only for a flag that does not exist
}

func newCheatsCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "cheats", Short: "List the ways in which a devnet's processes can misbehave", Args: exactly(0, "no arguments"), Hidden: true,
		Example: `  trainerd cheats`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if asJSON {
				type kind struct {
					Name string     `json:"name"`
					Role cheat.Role `json:"role"`
					Does string     `json:"does"`
				}
				list := []kind{}
				for _, k := range cheat.Kinds() {
					list = append(list, kind(k))
				}
				return json.NewEncoder(cmd.OutOrStdout()).Encode(list)
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "KIND\tWHO\tWHAT IT DOES")
			for _, k := range cheat.Kinds() {
				fmt.Fprintf(w, "%s\t%s\t%s\n", k.Name, k.Role, k.Does)
			}
			return w.Flush()
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
