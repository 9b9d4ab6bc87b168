package devnet

import "syscall"

// childAttributes lets a child die with this process even when that is killed, and keeps the terminal's Ctrl-C from
// reaching it directly, so that children are stopped in order.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
