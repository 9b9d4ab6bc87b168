package objectstore

import (
	"fmt"
	"syscall"
)

// reserve is what stays free for everything else on the disk.
const reserve = 64 << 20

// room says whether the disk has room for size more bytes. A file system that
// does not tell is taken to have it.
func (s *Store) room(size int64) error {
	free, err := Free(s.dir)
	if err != nil || size < 1<<20 || free >= size+reserve {
		return nil //nolint:nilerr // see above
	}
	return fmt.Errorf("%w: the object has %d MiB, free are %d MiB, of which %d stay free; free some space, then try again",
		ErrDiskFull, size>>20, free>>20, int64(reserve)>>20)
}

// Free returns how many bytes can be written to the disk of a folder.
func Free(dir string) (int64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, fmt.Errorf("free space of %s: %w", dir, err)
	}
	return int64(st.Bavail) * int64(st.Bsize), nil //nolint:unconvert // its type differs between systems
}
