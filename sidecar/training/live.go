package training

import (
	"fmt"
	"io"
	"strconv"
	"time"
)

// Progress is where a run stands.
type Progress struct {
	Step, Steps      int
	Loss             float32       // moving average over a fortieth of the run, 5 to 50 steps
	BatchLoss        float32       // of the last step
	SamplesPerSecond float64       // 0 while nothing can be said yet
	Left             time.Duration // an estimate
	Validation       *Evaluation   // the last one, if any
}

// String is one line for people, such as "step 1200/5000  loss 0.1234  12,345 samples/s  42s left".
func (p Progress) String() string {
	s := fmt.Sprintf("step %d/%d  loss %.4f", p.Step, p.Steps, p.Loss)
	if p.Validation != nil {
		s += fmt.Sprintf("  validation %.4f", fromE9(p.Validation.LossE9))
	}
	if p.SamplesPerSecond > 0 {
		s += fmt.Sprintf("  %s samples/s  %s left", Grouped(int64(p.SamplesPerSecond)), p.Left.Round(time.Second))
	}
	return s
}

// Grouped writes n with a comma between thousands.
func Grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

const (
	terminalInterval = 100 * time.Millisecond
	lineInterval     = 10 * time.Second
)

// Live shows progress: on a terminal one line that is drawn again and again, elsewhere one line every ten seconds. It belongs to one
// goroutine.
type Live struct {
	w        io.Writer
	terminal bool
	interval time.Duration
	now      func() time.Time
	last     time.Time
	drawn    bool
}

// NewLive starts the clock: nothing is shown before the first interval has passed.
func NewLive(w io.Writer, terminal bool) *Live { return newLive(w, terminal, time.Now) }

func newLive(w io.Writer, terminal bool, now func() time.Time) *Live {
	l := &Live{w: w, terminal: terminal, interval: lineInterval, now: now}
	if terminal {
		l.interval = terminalInterval
	}
	l.last = now()
	return l
}

// Due reports whether it is time to show something, and starts the next interval if so.
func (l *Live) Due() bool {
	now := l.now()
	if now.Sub(l.last) < l.interval {
		return false
	}
	l.last = now
	return true
}

// Show draws a line that the next one may replace.
func (l *Live) Show(line string) {
	if !l.terminal {
		fmt.Fprintln(l.w, line)
		return
	}
	fmt.Fprintf(l.w, "\r\x1b[K%s", line)
	l.drawn = true
}

// Clear removes the line, so that something else can be printed.
func (l *Live) Clear() {
	if l.drawn {
		fmt.Fprint(l.w, "\r\x1b[K")
		l.drawn = false
	}
}
