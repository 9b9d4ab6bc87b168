package swarm

import (
	"bufio"
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"
	"sync"

	"github.com/libp2p/go-libp2p/core/peer"
)

// AllowAnnounced as Config.AllowList closes the node to all but announced and
// static peers.
const AllowAnnounced = "announced"

// maxAllowed bounds the entries of an allow list.
const maxAllowed = 4096

// The classes of peers.
const (
	// ClassMember is a peer that the chain announces.
	ClassMember = "member"
	// ClassStatic is one that this node was told to start from.
	ClassStatic = "static"
	// ClassGuest is everybody else: few places, small limits, first to go.
	ClassGuest = "guest"
)

// members knows the class of each peer and, on a node with an allow list, who
// may connect at all.
type members struct {
	mode   string // Config.AllowList
	static map[peer.ID]bool
	listed map[peer.ID]bool // the allow list, when it is a file

	mu        sync.RWMutex
	announced map[peer.ID]bool
}

func newMembers(allowList string, static []peer.AddrInfo) (*members, error) {
	m := &members{mode: allowList, static: make(map[peer.ID]bool, len(static))}
	for _, info := range static {
		m.static[info.ID] = true
	}
	if allowList == "" || allowList == AllowAnnounced {
		return m, nil
	}
	var err error
	if m.listed, err = readAllowList(allowList); err != nil {
		return nil, fmt.Errorf("allow list: %w", err)
	}
	return m, nil
}

// readAllowList reads one peer id a line; what follows # is a comment.
func readAllowList(path string) (map[peer.ID]bool, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("expected %q or a file of peer ids, got %q: %w", AllowAnnounced, path, err)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	list := make(map[peer.ID]bool)
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		text, _, _ := strings.Cut(lines.Text(), "#")
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		id, err := peer.Decode(text)
		if err != nil {
			return nil, fmt.Errorf("%s line %d: expected a peer id such as 12D3Koo…, got %.80q: %w", path, n, text, err)
		}
		if list[id] = true; len(list) > maxAllowed {
			return nil, fmt.Errorf("%s: expected at most %d peer ids", path, maxAllowed)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return list, nil
}

// set replaces the announced peers and returns those that have changed class.
func (m *members) set(announced map[peer.ID]bool) (changed map[peer.ID]bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	changed = make(map[peer.ID]bool)
	for p := range announced {
		if !m.announced[p] {
			changed[p] = true
		}
	}
	for p := range m.announced {
		if !announced[p] {
			changed[p] = true
		}
	}
	m.announced = maps.Clone(announced)
	return changed
}

func (m *members) isMember(p peer.ID) bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.announced[p]
}

func (m *members) class(p peer.ID) string {
	switch {
	case m.isMember(p):
		return ClassMember
	case m.static[p]:
		return ClassStatic
	}
	return ClassGuest
}

func (m *members) isGuest(p peer.ID) bool { return m.class(p) == ClassGuest }

// admitted says whether p may connect and be dialled.
func (m *members) admitted(p peer.ID) bool {
	switch m.mode {
	case "":
		return true
	case AllowAnnounced:
		return !m.isGuest(p)
	}
	return m.listed[p] || m.static[p]
}

// isMember says whether the chain announces p.
func (n *Node) isMember(p peer.ID) bool { return n.members.isMember(p) }
