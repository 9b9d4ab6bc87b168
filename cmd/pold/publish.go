package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/cosmos/cosmos-sdk/client/flags"
)

// publication is a child that serves a file.
type publication struct {
	description
	// done receives how the child ended.
	done chan error
	stop context.CancelFunc
}

// publish starts a child that serves a file under a key and returns once it does.
func (t *trainerd) publish(ctx context.Context, path string, key publisher) (*publication, error) {
	if err := t.findChain(ctx); err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	cmd, err := t.command(ctx, append([]string{"publish", path, "--json"}, t.publishFlags(key)...)...)
	if err != nil {
		stop()
		return nil, err
	}
	var said bytes.Buffer
	cmd.Stdin, cmd.Stderr = os.Stdin, io.MultiWriter(&said, t.err) // a keyring may ask for its passphrase
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		stop()
		return nil, fail(exitError, "start trainerd publish: %w", err)
	}
	p := &publication{done: make(chan error, 1), stop: stop}
	first := make(chan string, 1)
	go func() {
		lines := bufio.NewReader(out)
		line, _ := lines.ReadString('\n')
		first <- line
		_, _ = io.Copy(io.Discard, lines)
		p.done <- childError("publish", cmd.Wait(), said.String())
	}()
	line := <-first
	if err := json.Unmarshal([]byte(line), &p.description); err != nil || p.CID == "" {
		stop()
		if ended := <-p.done; ended != nil && line == "" {
			return nil, ended
		}
		return nil, fail(exitError, "trainerd publish: expected one line of JSON with a cid, got %.200q", line)
	}
	return p, nil
}

// end asks the child to stop and waits until it has.
func (p *publication) end() {
	p.stop()
	<-p.done
}

// publisher says under which key a file is served, and at which addresses.
type publisher struct {
	from, backend, dir string
	extra              []string
}

func (t *trainerd) publishFlags(key publisher) []string {
	folder := "publish-" + strings.ReplaceAll(key.from, string(os.PathSeparator), "_") // the chain keeps one peer for each account, so each has one identity
	return slices.Concat([]string{"--" + flags.FlagFrom, key.from, "--" + flags.FlagKeyringBackend, key.backend, "--" + flags.FlagKeyringDir, key.dir},
		t.connection(folder), key.extra)
}

// resume is the command that serves the body of a proposal again after this program has ended.
func (t *trainerd) resume(path string, key publisher, proposal uint64) string {
	program, err := t.program()
	if err != nil {
		program = "trainerd"
	}
	words := append([]string{program, "publish", path}, t.publishFlags(key)...)
	words = append(words, "--proposal", fmt.Sprint(proposal))
	for i, w := range words {
		if strings.ContainsAny(w, " \t'\"$\\") {
			words[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
	}
	return strings.Join(words, " ")
}
