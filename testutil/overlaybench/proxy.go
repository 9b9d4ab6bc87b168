package main

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// line describes a way between two nodes.
type line struct {
	delay time.Duration // in each direction, half the round trip time
	rate  int64         // bytes a second in each direction, of all connections together; 0: no limit
}

const (
	pieceSize = 64 << 10
	// A direction of a connection holds at most this many pieces on their way, 256 MiB: more than any line here carries in its delay.
	piecesUnderWay = 4096
	// A line with a limit keeps at most this much time of bytes in front of it, as the buffer of a modem would.
	rateBuffer = 50 * time.Millisecond
)

// proxy forwards TCP connections and holds back every byte for as long as a line takes. It works on streams: nothing is lost, and the
// congestion control of the kernel sees two short lines.
type proxy struct {
	line     line
	listener net.Listener
	target   atomic.Pointer[string]

	down, up   direction // from the target, and to it
	mu         sync.Mutex
	closed     bool
	open       map[net.Conn]bool
	forwarding sync.WaitGroup
}

// direction is one way of a line.
type direction struct {
	carried atomic.Int64

	mu   sync.Mutex
	busy time.Time // when the line with a limit has sent what it has taken
}

// newProxy listens on a free port of 127.0.0.1. Connections wait until route has said where they lead.
func newProxy(l line) (*proxy, error) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{line: l, listener: listener, open: make(map[net.Conn]bool)}
	p.forwarding.Go(p.accept)
	return p, nil
}

// address is where the proxy listens, as host:port.
func (p *proxy) address() string { return p.listener.Addr().String() }

// route lets the proxy lead to target and returns the address to dial. A nil proxy is the straight way.
func (p *proxy) route(target string) string {
	if p == nil {
		return target
	}
	p.target.Store(&target)
	return p.address()
}

// carried is how many bytes have come from the target so far; 0 for a nil proxy.
func (p *proxy) carried() int64 {
	if p == nil {
		return 0
	}
	return p.down.carried.Load()
}

func (p *proxy) accept() {
	for {
		conn, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.forwarding.Go(func() { p.forward(conn.(*net.TCPConn)) })
	}
}

// forward serves one connection until both directions have ended.
func (p *proxy) forward(near *net.TCPConn) {
	if !p.track(near) {
		return
	}
	defer p.drop(near)
	target := p.target.Load()
	if target == nil {
		return
	}
	conn, err := net.Dial("tcp4", *target)
	if err != nil {
		return
	}
	far := conn.(*net.TCPConn)
	if !p.track(far) {
		return
	}
	defer p.drop(far)
	var both sync.WaitGroup
	both.Go(func() { p.pump(near, far, &p.down) })
	both.Go(func() { p.pump(far, near, &p.up) })
	both.Wait()
}

// piece is some bytes on their way.
type piece struct {
	bytes []byte
	due   time.Time
}

var pieces = sync.Pool{New: func() any { return new([pieceSize]byte) }}

// pump carries one direction: it takes bytes as soon as they come and hands each piece over when it is due.
func (p *proxy) pump(to, from *net.TCPConn, d *direction) {
	underWay := make(chan piece, piecesUnderWay)
	go func() {
		defer close(underWay)
		for {
			buffer := pieces.Get().(*[pieceSize]byte)
			n, err := from.Read(buffer[:])
			if n > 0 {
				underWay <- piece{buffer[:n], d.take(n, p.line)}
			}
			if err != nil {
				return
			}
		}
	}()
	var failed error
	for b := range underWay {
		if failed != nil {
			continue // until the reader has seen that the connection is closed
		}
		time.Sleep(time.Until(b.due))
		n, err := to.Write(b.bytes)
		d.carried.Add(int64(n))
		if err != nil {
			failed = err
			_ = from.Close()
		}
		pieces.Put((*[pieceSize]byte)(b.bytes[:pieceSize]))
	}
	_ = to.CloseWrite()
}

// take accepts n bytes and returns when the line delivers them. It waits while the line has a limit and too much before it.
func (d *direction) take(n int, l line) time.Time {
	now := time.Now()
	if l.rate == 0 {
		return now.Add(l.delay)
	}
	d.mu.Lock()
	if d.busy.Before(now) {
		d.busy = now
	}
	d.busy = d.busy.Add(time.Duration(float64(n) / float64(l.rate) * float64(time.Second)))
	busy := d.busy
	d.mu.Unlock()
	time.Sleep(busy.Sub(now) - rateBuffer)
	return busy.Add(l.delay)
}

// track notes a connection, or closes it when the proxy has been closed.
func (p *proxy) track(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		_ = c.Close()
		return false
	}
	p.open[c] = true
	return true
}

func (p *proxy) drop(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, c)
	_ = c.Close()
}

// close cuts all connections. A nil proxy has none.
func (p *proxy) close() error {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	p.closed = true
	for c := range p.open {
		_ = c.Close()
	}
	p.mu.Unlock()
	err := p.listener.Close()
	p.forwarding.Wait()
	if err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("close a proxy: %w", err)
	}
	return nil
}
