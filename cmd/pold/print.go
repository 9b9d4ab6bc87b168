package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/cosmos/cosmos-sdk/client/flags"
)

// printer writes what a command found for people or, with -o json, for scripts. Results go to standard output, what only tells
// people how it goes to standard error.
type printer struct {
	out, err io.Writer
	json     bool
	colour   bool // standard output is a terminal
	live     bool // standard error is a terminal: progress may overwrite itself
	open     bool // a line of progress stands there without its end
	last     string
}

const (
	formatTable = "table"
	formatJSON  = "json"
)

// addOutputFlag adds -o.
func addOutputFlag(cmd *cobra.Command) {
	cmd.Flags().StringP(flags.FlagOutput, "o", formatTable, "table, or json for scripts")
}

// newPrinter reads -o.
func newPrinter(cmd *cobra.Command) (*printer, error) {
	p := &printer{out: cmd.OutOrStdout(), err: cmd.ErrOrStderr()}
	p.colour = isTerminal(p.out) && os.Getenv("NO_COLOR") == ""
	p.live = isTerminal(p.err)
	if cmd.Flags().Lookup(flags.FlagOutput) == nil {
		return p, nil
	}
	switch format, _ := cmd.Flags().GetString(flags.FlagOutput); format {
	case formatJSON:
		p.json = true
	case formatTable, "text", "": // client.toml says text
	default:
		return nil, usage("--output: expected %s or %s, got %q", formatTable, formatJSON, format)
	}
	return p, nil
}

// isTerminal reports whether people watch a stream.
func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	if !ok || file.Name() == os.DevNull {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
}

// view is what a command shows: as JSON it is encoded, for people it prints itself.
type view interface{ print(p *printer) }

// show prints a view in the form that was asked for.
func (p *printer) show(v view) error {
	p.endProgress()
	if p.json {
		encoder := json.NewEncoder(p.out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(v)
	}
	v.print(p)
	return nil
}

// line prints one line.
func (p *printer) line(format string, a ...any) { fmt.Fprintf(p.out, format+"\n", a...) }

// next tells people what to do now; scripts don't need it.
func (p *printer) next(format string, a ...any) {
	if !p.json {
		p.line("next: "+format, a...)
	}
}

// warn tells people of something beside the result.
func (p *printer) warn(format string, a ...any) {
	p.endProgress()
	fmt.Fprintf(p.err, "note: "+format+"\n", a...)
}

// liveWidth fits into every terminal.
const liveWidth = 78

// progress says what is being done, once. On a terminal the next one overwrites it.
func (p *printer) progress(format string, a ...any) {
	text := fmt.Sprintf(format, a...)
	switch {
	case p.live:
		if line := []rune(text); len(line) > liveWidth { // a line that wraps can't be overwritten
			text = string(line[:liveWidth-1]) + "…"
		}
		fmt.Fprint(p.err, "\r\x1b[K"+text)
		p.open = true
	case text != p.last:
		fmt.Fprintln(p.err, text)
	}
	p.last = text
}

// endProgress clears the line of progress.
func (p *printer) endProgress() {
	if p.open {
		fmt.Fprint(p.err, "\r\x1b[K")
		p.open = false
	}
}

// Colours of a terminal.
const (
	bold  = "1"
	green = "32"
	red   = "31"
)

// paint colours a text where colours are seen.
func (p *printer) paint(colour, text string) string {
	if !p.colour || text == "" {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// table prints rows in columns. A column whose name begins with > is aligned to the right; the last one is never filled up.
func (p *printer) table(header []string, rows [][]string) {
	right := make([]bool, len(header))
	width := make([]int, len(header))
	names := make([]string, len(header))
	for i, name := range header {
		names[i], right[i] = strings.CutPrefix(name, ">")
	}
	all := append([][]string{names}, rows...)
	for _, row := range all {
		for i, cell := range row {
			width[i] = max(width[i], len([]rune(cell)))
		}
	}
	for n, row := range all {
		var line strings.Builder
		for i, cell := range row {
			fill := strings.Repeat(" ", width[i]-len([]rune(cell)))
			switch {
			case right[i]:
				line.WriteString(fill + cell)
			case i < len(row)-1:
				line.WriteString(cell + fill)
			default:
				line.WriteString(cell)
			}
			if i < len(row)-1 {
				line.WriteString("  ")
			}
		}
		text := strings.TrimRight(line.String(), " ")
		if n == 0 {
			text = p.paint(bold, text)
		}
		p.line("%s", text)
	}
}

// plain makes a text of somebody else safe for a terminal: one line of visible characters.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return ' '
		}
		return r
	}, text)
}
