package swarm

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// lockHome takes the lock of a home, so that two processes never write the
// same store. The kernel drops it when the process ends, however it ends.
func lockHome(home string) (*os.File, error) {
	path := filepath.Join(home, "lock")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock of the swarm home: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("swarm home %s is in use by another process: stop that process, or give this one its own home", home)
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return f, nil
}
