package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync/atomic"
	"time"
)

// closeTimeout is how long a process may take to end by itself.
const closeTimeout = 10 * time.Second

// child is a process of this program that plays a role.
type child struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	answers *json.Decoder
	said    bytes.Buffer // its standard error, complete once it has ended
	killed  atomic.Bool  // by this program
}

// startChild starts a process; close ends it.
func startChild(role string) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &child{cmd: exec.Command(self, role)}
	c.cmd.Stderr = &c.said
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.answers = json.NewDecoder(out)
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start a process as %s: %w", role, err)
	}
	return c, nil
}

// call asks for one operation and waits. When ctx ends first, the process is killed: it cannot be told to stop.
func (c *child) call(ctx context.Context, op string, args, result any) error {
	raw, err := json.Marshal(args)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() {
		c.killed.Store(true)
		_ = c.cmd.Process.Kill()
	})
	defer stop()
	if err := json.NewEncoder(c.in).Encode(request{Op: op, Args: raw}); err != nil {
		return c.failed(ctx, op, err)
	}
	var a answer
	if err := c.answers.Decode(&a); err != nil {
		return c.failed(ctx, op, err)
	}
	if a.Error != "" {
		return fmt.Errorf("%s: %s", op, a.Error)
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(a.Result, result)
}

// failed explains a process that does not answer any more.
func (c *child) failed(ctx context.Context, op string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", op, context.Cause(ctx))
	}
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait()
	return fmt.Errorf("%s: the process ended: %w\n%s", op, err, c.said.Bytes())
}

func (c *child) pid() int { return c.cmd.Process.Pid }

// close lets the process end by itself, or kills it after a while.
func (c *child) close() error {
	if c.cmd.ProcessState != nil {
		return nil // failed said why
	}
	err := c.in.Close()
	kill := time.AfterFunc(closeTimeout, func() { _ = c.cmd.Process.Kill() })
	defer kill.Stop()
	if waitErr := c.cmd.Wait(); waitErr != nil && !c.killed.Load() {
		return errors.Join(err, fmt.Errorf("process %s: %w\n%s", c.cmd.Args[1], waitErr, c.said.Bytes()))
	}
	return err
}

// pair is a holder and a fetcher that play the same role.
type pair struct{ holder, fetcher *child }

func startPair(role string) (p pair, err error) {
	if p.holder, err = startChild(role); err != nil {
		return pair{}, err
	}
	if p.fetcher, err = startChild(role); err != nil {
		return pair{}, errors.Join(err, p.holder.close())
	}
	return p, nil
}

func (p pair) processes() [2]int { return [2]int{p.holder.pid(), p.fetcher.pid()} }

func (p pair) close() error { return errors.Join(p.fetcher.close(), p.holder.close()) }
