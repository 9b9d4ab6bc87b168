package main

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"testing"
	"time"
)

const testTimeout = 30 * time.Second

// behind starts a proxy to a server that answers every connection with serve.
func behind(t *testing.T, l line, serve func(*net.TCPConn)) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				serve(conn.(*net.TCPConn))
				_ = conn.Close()
			}()
		}
	}()
	p, err := newProxy(l)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.close(); err != nil {
			t.Error(err)
		}
	})
	p.route(listener.Addr().String())
	return p
}

func dial(t *testing.T, p *proxy) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp4", p.address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(testTimeout)); err != nil {
		t.Fatal(err)
	}
	return conn.(*net.TCPConn)
}

func echo(c *net.TCPConn) { _, _ = io.Copy(c, c) }

func TestBytesPassTheProxyInOrderAndAreCounted(t *testing.T) {
	for name, l := range map[string]line{
		"straight":        {},
		"delay":           {delay: 3 * time.Millisecond},
		"delay and limit": {delay: 3 * time.Millisecond, rate: 64 * mib},
	} {
		t.Run(name, func(t *testing.T) {
			var key [32]byte
			data := make([]byte, 3*mib+17)
			_, _ = rand.NewChaCha8(key).Read(data)
			p := behind(t, l, echo)
			conn := dial(t, p)
			go func() {
				_, _ = conn.Write(data)
				_ = conn.CloseWrite()
			}()
			got, err := io.ReadAll(conn)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, data) {
				t.Errorf("expected the %d bytes that were sent, got %d others", len(data), len(got))
			}
			if down, up := p.carried(), p.up.carried.Load(); down != int64(len(data)) || up != int64(len(data)) {
				t.Errorf("expected %d bytes counted in each direction, got %d and %d", len(data), down, up)
			}
		})
	}
}

func TestARoundTripTakesTheDelayOfBothDirections(t *testing.T) {
	const delay = 20 * time.Millisecond
	conn := dial(t, behind(t, line{delay: delay}, echo))
	for range 3 {
		start := time.Now()
		if _, err := conn.Write([]byte{1}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took < 2*delay {
			t.Errorf("expected at least %v, got %v", 2*delay, took)
		}
	}
}

func TestALimitIsSharedByAllConnections(t *testing.T) {
	const each, rate = 256 << 10, 4 * mib
	p := behind(t, line{rate: rate}, func(c *net.TCPConn) { _, _ = c.Write(make([]byte, each)) })
	start := time.Now()
	done := make(chan error)
	for range 2 {
		conn := dial(t, p)
		go func() {
			n, err := io.Copy(io.Discard, conn)
			if n != each {
				err = errors.Join(err, io.ErrUnexpectedEOF)
			}
			done <- err
		}()
	}
	for range 2 {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	if took, least := time.Since(start), time.Second*2*each/rate; took < least {
		t.Errorf("expected at least %v, got %v", least, took)
	}
}

func TestAClosedProxyCutsItsConnections(t *testing.T) {
	p := behind(t, line{delay: time.Millisecond}, echo)
	conn := dial(t, p)
	if _, err := conn.Write([]byte{1}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if err := p.close(); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("expected the connection to be cut")
	}
}

func TestAProxyWithoutTargetClosesConnections(t *testing.T) {
	p, err := newProxy(line{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.close() }()
	gone, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		conn := dial(t, p)
		if _, err := conn.Read(make([]byte, 1)); err == nil {
			t.Error("expected the connection to be closed")
		}
		if _, err := p.routePort(gone); err != nil { // for the second turn
			t.Fatal(err)
		}
	}
}
