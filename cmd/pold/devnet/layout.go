package devnet

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
)

// layout says where each process of the network keeps its files and listens.
type layout struct {
	home   string
	offset int
}

func (l layout) validatorName(i int) string { return fmt.Sprintf("val%d", i) }
func (l layout) nodeHome(i int) string      { return filepath.Join(l.home, l.validatorName(i)) }
func (l layout) sidecarHome(i int) string {
	return filepath.Join(l.home, l.validatorName(i)+"-sidecar")
}
func (l layout) trainerHome(name string) string {
	return filepath.Join(l.home, "trainer-"+name)
}
func (l layout) keyring() string        { return filepath.Join(l.home, "keyring") }
func (l layout) log(name string) string { return filepath.Join(l.home, "logs", name+".log") }
func (l layout) socket() string         { return filepath.Join(l.home, "control.sock") }
func (l layout) lock() string           { return filepath.Join(l.home, "devnet.lock") }
func (l layout) table() string          { return filepath.Join(l.home, "digits.csv") }
func (l layout) correctTable() string   { return filepath.Join(l.home, "digits-correct.csv") }
func (l layout) genesis() string        { return filepath.Join(l.home, "genesis.json") }
func (l layout) topology() string       { return filepath.Join(l.home, "topology.json") }

// Ports of validator 0 are the usual ones, so that wallets and examples work as they stand.
func (l layout) rpc(i int) int     { return 26657 + l.offset + 10*i }
func (l layout) p2p(i int) int     { return 26656 + l.offset + 10*i }
func (l layout) rest(i int) int    { return 1317 + l.offset + 10*i }
func (l layout) grpc(i int) int    { return 9090 + l.offset + 10*i }
func (l layout) sidecar(i int) int { return 9700 + l.offset + 10*i }
func (l layout) swarm(i int) int   { return 4101 + l.offset + 10*i }

// trainerSwarm is where the overlay of a trainer listens.
func (l layout) trainerSwarm(i int) int { return 4501 + l.offset + 10*i }

// claim makes the home a folder that only its owner can open. It refuses a folder that holds other things than a devnet,
// because a devnet's state is wiped by the names of its files.
func (l layout) claim() error {
	entries, err := os.ReadDir(l.home)
	if err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("home %s: %w", l.home, err)
	}
	if _, err := os.Stat(l.lock()); len(entries) > 0 && os.IsNotExist(err) {
		return fmt.Errorf("home %s: expected an empty folder or a devnet's, got one with %s in it; choose another --home", l.home, entries[0].Name())
	}
	if err := os.MkdirAll(l.home, 0o700); err != nil {
		return fmt.Errorf("home %s: %w", l.home, err)
	}
	if err := os.Chmod(l.home, 0o700); err != nil {
		return fmt.Errorf("home %s: %w", l.home, err)
	}
	return nil
}

// checkPorts reports the first port that another program has taken.
func (l layout) checkPorts(validators, trainers int) error {
	check := func(what string, port int) error {
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			return fmt.Errorf("port %d (%s) is taken: %w; stop the other program or start with --port-offset 100", port, what, err)
		}
		return listener.Close()
	}
	for i := range validators {
		for _, p := range []struct {
			what string
			port int
		}{{"RPC", l.rpc(i)}, {"P2P", l.p2p(i)}, {"REST", l.rest(i)}, {"gRPC", l.grpc(i)}, {"sidecar", l.sidecar(i)}, {"overlay", l.swarm(i)}} {
			if err := check(l.validatorName(i)+" "+p.what, p.port); err != nil {
				return err
			}
		}
	}
	for i := range trainers {
		if err := check("trainer overlay", l.trainerSwarm(i)); err != nil {
			return err
		}
	}
	return nil
}
