package tensorboard

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// Read returns the events of a file in their order. When the file ends within a record or a record is damaged, it returns the events
// before that place and an error that wraps ErrTruncated or ErrCorrupt.
func Read(r io.Reader) ([]Event, error) {
	buffered := bufio.NewReader(r)
	var events []Event
	for {
		data, err := readRecord(buffered)
		if errors.Is(err, io.EOF) {
			return events, nil
		}
		var e Event
		if err == nil {
			e, err = decode(data)
		}
		if err != nil {
			return events, fmt.Errorf("record %d: %w", len(events), err)
		}
		if len(events) == 0 && e.FileVersion != fileVersion {
			return nil, fmt.Errorf("%w: expected a first event of version %q, got %q; is this an event file?", ErrCorrupt, fileVersion, e.FileVersion)
		}
		events = append(events, e)
	}
}
