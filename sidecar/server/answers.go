package server

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/sidecar/api"
	"github.com/pold-network/pold/sidecar/atomicfile"
)

// maxAnswers bounds the answers that are kept; the chain has at most 256 tasks open at once.
const maxAnswers = 4096

// Answers keeps answers by task and manifest hash, in memory and in a journal. An answer is a function of the manifest, so a journal
// never goes stale within one engine version. It may be used from several goroutines.
type Answers struct {
	mu      sync.RWMutex
	limit   int
	path    string
	file    *os.File
	lines   int      // in the journal
	order   []string // keys, oldest first
	entries map[string]api.Answer
}

func answerKey(task uint64, manifestHash []byte, operator string) string {
	return strconv.FormatUint(task, 10) + "/" + hex.EncodeToString(manifestHash) + "/" + operator
}

// OpenAnswers reads the journal at path, or starts one. Damaged lines (a crash, a bad disk) are dropped: they are computed again.
func OpenAnswers(path string) (*Answers, error) { return openAnswers(path, maxAnswers) }

func openAnswers(path string, limit int) (*Answers, error) {
	a := &Answers{limit: limit, path: path, entries: map[string]api.Answer{}}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("answers journal: %w", err)
	}
	b, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("answers journal: %w", err)
	}
	a.load(b)
	return a, a.rewrite()
}

// header is the first line; a journal of another engine version is not used.
func header() string { return "pold answers " + engine.Version }

// load reads the lines that are whole and undamaged.
func (a *Answers) load(b []byte) {
	lines := bufio.NewScanner(bytes.NewReader(b))
	if !lines.Scan() || lines.Text() != header() {
		return
	}
	for lines.Scan() {
		key, answer, ok := parseLine(lines.Text())
		if ok {
			a.remember(key, answer)
		}
	}
}

// A line is key, answer and CRC-32 of both: a damaged answer would cost stake.
func formatLine(key string, answer api.Answer) string {
	encoded, err := answer.Marshal()
	if err != nil {
		panic(err) // a message of numbers and bytes always has an encoding
	}
	body := key + " " + hex.EncodeToString(encoded)
	return fmt.Sprintf("%s %08x\n", body, crc32.ChecksumIEEE([]byte(body)))
}

func parseLine(line string) (key string, answer api.Answer, ok bool) {
	at := strings.LastIndexByte(line, ' ')
	if at < 0 || fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte(line[:at]))) != line[at+1:] {
		return "", answer, false
	}
	key, text, ok := strings.Cut(line[:at], " ")
	encoded, err := hex.DecodeString(text)
	if err == nil {
		err = answer.Unmarshal(encoded)
	}
	return key, answer, ok && err == nil && len(answer.Answer) > 0
}

func (a *Answers) remember(key string, answer api.Answer) {
	if _, ok := a.entries[key]; !ok {
		a.order = append(a.order, key)
	}
	a.entries[key] = answer
	for len(a.order) > a.limit {
		delete(a.entries, a.order[0])
		a.order = a.order[1:]
	}
}

// Get returns the answer to exactly this task with exactly these inputs.
func (a *Answers) Get(task uint64, manifestHash []byte, operator string) (api.Answer, bool) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	answer, ok := a.entries[answerKey(task, manifestHash, operator)]
	return answer, ok
}

// Len is how many answers are kept.
func (a *Answers) Len() int {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return len(a.entries)
}

// Put keeps an answer. The journal is written first, so that what a node has voted survives a crash.
func (a *Answers) Put(manifestHash []byte, operator string, answer api.Answer) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	key := answerKey(answer.TaskId, manifestHash, operator)
	if _, err := a.file.WriteString(formatLine(key, answer)); err != nil {
		return fmt.Errorf("answers journal: %w; is the disk full?", err)
	}
	a.lines++
	a.remember(key, answer)
	if a.lines > 2*a.limit {
		return a.rewrite()
	}
	return nil
}

// rewrite replaces the journal by the answers that are kept.
func (a *Answers) rewrite() error {
	var b bytes.Buffer
	b.WriteString(header() + "\n")
	for _, key := range a.order {
		b.WriteString(formatLine(key, a.entries[key]))
	}
	if err := atomicfile.Write(a.path, b.Bytes(), 0o600); err != nil {
		return fmt.Errorf("answers journal: %w", err)
	}
	if a.file != nil {
		a.file.Close()
	}
	f, err := os.OpenFile(a.path, os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("answers journal: %w", err)
	}
	a.file, a.lines = f, len(a.order)
	return nil
}

// Close ends the journal.
func (a *Answers) Close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.file.Close()
}
