package tensorboard

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// flushInterval bounds how much of a curve a crash can cost.
const flushInterval = time.Second

// Writer appends events to one file. It may be used from several goroutines. After the first failed write every call returns that
// error.
type Writer struct {
	mu      sync.Mutex
	path    string
	file    *os.File
	buffer  *bufio.Writer
	flushed time.Time
	err     error
}

// Create makes the folder of a run, if need be, and in it a new event file. It never touches an existing file.
func Create(dir string) (*Writer, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	now := time.Now()
	// TensorBoard finds files by "tfevents" in their name and orders them by the seconds that follow.
	base := filepath.Join(dir, fmt.Sprintf("events.out.tfevents.%010d.trainerd", now.Unix()))
	path := base
	file, err := create(path)
	for n := 1; errors.Is(err, fs.ErrExist); n++ {
		path = fmt.Sprintf("%s.%d", base, n)
		file, err = create(path)
	}
	if err != nil {
		return nil, err
	}
	w := &Writer{path: path, file: file, buffer: bufio.NewWriter(file)}
	_ = w.append(encodeVersion(now)) // a failure stays and comes back from Flush
	return w, w.Flush()
}

func create(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o644)
}

// Path is the name of the file.
func (w *Writer) Path() string { return w.path }

// Add appends the scalars of one step. They reach the disk within about a second of further writing, or with Flush or Close.
func (w *Writer) Add(step int64, at time.Time, scalars ...Scalar) error {
	return w.append(encodeScalars(at, step, scalars))
}

// Text appends a text (Markdown) for TensorBoard's text tab, such as the description of a model.
func (w *Writer) Text(tag, markdown string) error {
	return w.append(encodeText(time.Now(), tag, markdown))
}

func (w *Writer) append(event []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return w.err
	}
	if _, err := w.buffer.Write(appendRecord(nil, event)); err != nil {
		return w.fail(err)
	}
	if now := time.Now(); now.Sub(w.flushed) >= flushInterval {
		w.flushed = now
		return w.fail(w.buffer.Flush())
	}
	return nil
}

func (w *Writer) fail(err error) error {
	if err != nil {
		w.err = fmt.Errorf("event file: %w", err)
	}
	return w.err
}

// Flush hands everything to the operating system: it survives the end of this process.
func (w *Writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return w.err
	}
	return w.fail(w.buffer.Flush())
}

// Close flushes to the disk itself and closes the file. A second call returns an error.
func (w *Writer) Close() error {
	err := w.Flush()
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil {
		err = w.file.Sync()
	}
	err = errors.Join(err, w.file.Close())
	w.err = errors.Join(w.err, fs.ErrClosed)
	return err
}
