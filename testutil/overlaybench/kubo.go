package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Settings of Kubo that differ from its defaults, none of which has to do with how blocks are stored or moved:
//
//   - profile test: random ports of 127.0.0.1 over TCP, no bootstrap, no discovery in the local network, no downloaded configuration.
//     TCP rather than QUIC is the faster way on one machine, and the only one that the proxy delays;
//   - Routing.Type none and Provide.Enabled false: there is nobody to ask or to tell.
//
// Data store (flatfs, not synced), bitswap and connection limits are the defaults. A file is added as our network cuts it.
var (
	kuboInit   = []string{"init", "--profile", "test"}
	kuboConfig = [][]string{{"config", "Routing.Type", "none"}, {"config", "--json", "Provide.Enabled", "false"}}
	kuboAdd    = []string{"add", "-Q", "--cid-version", "1", "--raw-leaves", "--chunker", "size-1048576", "--max-file-links", "1024"}
)

const (
	// daemonTimeout is how long a daemon may take to be ready.
	daemonTimeout = time.Minute
	// kuboTimeout is after which a transfer counts as hung: Kubo's bitswap loses a want now and then on a busy machine.
	kuboTimeout = time.Minute
)

// daemon is one Kubo node.
type daemon struct {
	binary, home string
	cmd          *exec.Cmd
	api          string // host:port
	said         bytes.Buffer
}

// startDaemon makes a node in home and starts it.
func startDaemon(ctx context.Context, binary, home string) (_ *daemon, err error) {
	d := &daemon{binary: binary, home: home}
	for _, args := range append([][]string{kuboInit}, kuboConfig...) {
		if _, err := d.run(ctx, args...); err != nil {
			return nil, err
		}
	}
	d.cmd = exec.Command(binary, "daemon")
	d.cmd.Env = d.environment()
	d.cmd.Stderr = &d.said
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := d.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start Kubo: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.close())
		}
	}()
	stop := time.AfterFunc(daemonTimeout, func() { _ = d.cmd.Process.Kill() })
	defer stop.Stop()
	for lines := bufio.NewScanner(out); ; {
		if !lines.Scan() {
			return nil, errors.New("the daemon of Kubo ended before it was ready")
		}
		if strings.Contains(lines.Text(), "Daemon is ready") {
			break
		}
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	text, err := os.ReadFile(filepath.Join(home, "api"))
	if err != nil {
		return nil, err
	}
	port, err := portOf(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, err
	}
	d.api = fmt.Sprintf("127.0.0.1:%d", port)
	return d, nil
}

func (d *daemon) environment() []string { return append(os.Environ(), "IPFS_PATH="+d.home) }

// run runs a command of Kubo to its end and returns what it prints.
func (d *daemon) run(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, d.binary, args...)
	cmd.Env = d.environment()
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("ipfs %s: %w\n%s", strings.Join(args, " "), err, said.Bytes())
	}
	return strings.TrimSpace(string(out)), nil
}

// call asks the daemon and returns the whole answer.
func (d *daemon) call(ctx context.Context, command string, args url.Values) ([]byte, error) {
	at := url.URL{Scheme: "http", Host: d.api, Path: "/api/v0/" + command, RawQuery: args.Encode()}
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, at.String(), nil)
	if err != nil {
		return nil, err
	}
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		return nil, fmt.Errorf("call of Kubo: %s: %w", command, err)
	}
	body, err := io.ReadAll(a.Body)
	if err := errors.Join(err, a.Body.Close()); err != nil {
		return nil, fmt.Errorf("call of Kubo: %s: %w", command, err)
	}
	if failed := a.Trailer.Get("X-Stream-Error"); a.StatusCode != http.StatusOK || failed != "" {
		return nil, fmt.Errorf("call of Kubo: %s: %s %s %s", command, a.Status, failed, body)
	}
	return body, nil
}

// peer returns the daemon's peer id and its TCP port.
func (d *daemon) peer(ctx context.Context) (id string, port int, err error) {
	body, err := d.call(ctx, "id", nil)
	if err != nil {
		return "", 0, err
	}
	var self struct {
		ID        string
		Addresses []string
	}
	if err := json.Unmarshal(body, &self); err != nil {
		return "", 0, err
	}
	for _, a := range self.Addresses {
		if strings.HasPrefix(a, "/ip4/127.0.0.1/tcp/") {
			port, err := portOf(a)
			return self.ID, port, err
		}
	}
	return "", 0, fmt.Errorf("expected a TCP address of 127.0.0.1, got %q", self.Addresses)
}

// portOf returns the port of a multiaddr such as /ip4/127.0.0.1/tcp/4001.
func portOf(address string) (int, error) {
	parts := strings.Split(address, "/")
	if len(parts) < 5 || parts[3] != "tcp" {
		return 0, fmt.Errorf("address %q: expected host and TCP port such as /ip4/127.0.0.1/tcp/4001", address)
	}
	return strconv.Atoi(parts[4])
}

// close lets the daemon end by itself, or kills it after a while.
func (d *daemon) close() error {
	err := d.cmd.Process.Signal(os.Interrupt)
	kill := time.AfterFunc(closeTimeout, func() { _ = d.cmd.Process.Kill() })
	defer kill.Stop()
	if waitErr := d.cmd.Wait(); waitErr != nil {
		return errors.Join(err, fmt.Errorf("ipfs daemon: %w\n%s", waitErr, d.said.Bytes()))
	}
	return err
}

// kuboPair moves artefacts between two daemons.
type kuboPair struct {
	holder, fetcher *daemon
	proxy           *proxy
	cid             string
	pinned          bool // the fetcher has it
}

// startKubo starts two daemons with stores under dir and connects them.
func startKubo(ctx context.Context, binary, dir string, p *proxy) (_ *kuboPair, err error) {
	k := &kuboPair{proxy: p}
	if k.holder, err = startDaemon(ctx, binary, filepath.Join(dir, "kubo-holder")); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, k.close())
		}
	}()
	if k.fetcher, err = startDaemon(ctx, binary, filepath.Join(dir, "kubo-fetcher")); err != nil {
		return nil, err
	}
	return k, k.connect(ctx)
}

// connect makes sure that there is a connection.
func (k *kuboPair) connect(ctx context.Context) error {
	id, port, err := k.holder.peer(ctx)
	if err != nil {
		return err
	}
	if port, err = k.proxy.routePort(port); err != nil {
		return err
	}
	_, err = k.fetcher.call(ctx, "swarm/connect", url.Values{"arg": {fmt.Sprintf("/ip4/127.0.0.1/tcp/%d/p2p/%s", port, id)}})
	return err
}

func (k *kuboPair) hold(ctx context.Context, a artefact) (err error) {
	k.cid, err = k.holder.run(ctx, slices.Concat(kuboAdd, []string{a.path})...)
	return err
}

func (k *kuboPair) fetch(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, kuboTimeout, errHung)
	defer cancel()
	if _, err := k.fetcher.call(ctx, "pin/add", url.Values{"arg": {k.cid}}); err != nil {
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		return err
	}
	k.pinned = true
	return nil
}

func (*kuboPair) verify(context.Context) error { return nil }

func (k *kuboPair) forget(ctx context.Context) error {
	if k.pinned {
		if _, err := k.fetcher.call(ctx, "pin/rm", url.Values{"arg": {k.cid}}); err != nil {
			return err
		}
		k.pinned = false
	}
	// Without a pin there may still be chunks of a transfer that hung.
	if _, err := k.fetcher.call(ctx, "repo/gc", nil); err != nil {
		return err
	}
	return k.connect(ctx)
}

func (k *kuboPair) processes() [2]int {
	return [2]int{k.holder.cmd.Process.Pid, k.fetcher.cmd.Process.Pid}
}

func (k *kuboPair) close() error {
	err := k.holder.close()
	if k.fetcher != nil {
		err = errors.Join(err, k.fetcher.close())
	}
	return err
}
