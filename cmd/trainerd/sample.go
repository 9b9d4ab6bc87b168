package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/pold-network/pold/dataset/digits"
	"github.com/pold-network/pold/dataset/letters"
)

func newSampleCommand() *cobra.Command {
	var card bool
	cmd := &cobra.Command{
		Use:   "sample digits|letters",
		Short: "Print a built-in table, to try things with",
		Long: `Sample prints one of the canonical tables that trainerd carries: digits, 1,797 handwritten digits of the UCI repository, or letters, 20,000
synthetic rows that are computed on the spot (see --card).`,
		Example: `  trainerd sample letters > letters.csv`,
		Args:    exactly(1, "digits or letters"),
		RunE: func(_ *cobra.Command, args []string) error {
			var text []byte
			switch args[0] {
			case digits.Name:
				text = digits.CSV()
				if card {
					text = []byte(digits.Card())
				}
			case letters.Name:
				text = []byte(letters.Card())
				if !card {
					text = letters.CSV()
				}
			default:
				return usage("expected digits or letters, got %q", args[0])
			}
			if _, err := os.Stdout.Write(text); err != nil {
				return fmt.Errorf("print the table: %w", err)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&card, "card", false, "print where the data come from and what they are good for")
	return cmd
}
