package main

import (
	"errors"
	"fmt"
	"net"
)

// freePort returns a TCP port of 127.0.0.1 that nobody listens on.
func freePort() (int, error) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	port := listener.Addr().(*net.TCPAddr).Port
	return port, errors.Join(listener.Close())
}

// routePort is route for a port of 127.0.0.1.
func (p *proxy) routePort(port int) (int, error) {
	at, err := net.ResolveTCPAddr("tcp4", p.route(fmt.Sprintf("127.0.0.1:%d", port)))
	if err != nil {
		return 0, err
	}
	return at.Port, nil
}
