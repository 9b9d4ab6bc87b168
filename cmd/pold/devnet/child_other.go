//go:build !linux

package devnet

import "syscall"

// childAttributes keeps the terminal's Ctrl-C from reaching a child directly, so that children are stopped in order.
func childAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
