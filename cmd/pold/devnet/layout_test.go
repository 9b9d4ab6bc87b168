package devnet

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAccountsAreTheSameInEveryNetwork(t *testing.T) {
	known := map[string]string{
		"alice": "pol15yk64u7zc9g9k2yr2wmzeva5qgwxps6ydyvnhm",
		"bob":   "pol1erxf3sa9q2j4vgseu7jq4a258ckmk7cyygehf8",
		"val0":  "pol1dkndp8972jxg9z4xku5jt3sehce8mp557thm8k",
	}
	full := accounts(maxValidators, maxTrainers)
	require.NoError(t, deriveAddresses(full))
	require.Len(t, full, 3+maxTrainers+maxValidators)
	addresses := map[string]bool{}
	for _, a := range full {
		addresses[a.Address] = true
	}
	require.Len(t, addresses, len(full), "no two accounts share an address")
	for _, c := range []struct{ validators, trainers int }{{1, 1}, {4, 3}, {7, 16}, {21, 2}} {
		list := accounts(c.validators, c.trainers)
		require.Len(t, list, 3+c.trainers+c.validators)
		require.NoError(t, deriveAddresses(list))
		for _, a := range list {
			require.Equal(t, address(full, a.Name), a.Address, a.Name)
			if want, ok := known[a.Name]; ok {
				require.Equal(t, want, a.Address, a.Name)
			}
		}
	}
}

func TestPortsOfAllProcessesDiffer(t *testing.T) {
	for _, offset := range []int{0, 100, 30_000} {
		l := layout{offset: offset}
		used := map[int]bool{}
		count := 0
		take := func(port int) {
			require.Positive(t, port)
			require.LessOrEqual(t, port, 65_535)
			used[port] = true
			count++
		}
		for i := range maxValidators {
			for _, port := range []func(int) int{l.rpc, l.p2p, l.rest, l.grpc, l.sidecar, l.swarm} {
				take(port(i))
			}
		}
		for i := range maxTrainers {
			take(l.trainerSwarm(i))
		}
		require.Len(t, used, count, "offset %d", offset)
	}
}

func TestTheFirstValidatorHasTheUsualPorts(t *testing.T) {
	l := layout{}
	require.Equal(t, []int{26657, 26656, 1317, 9090}, []int{l.rpc(0), l.p2p(0), l.rest(0), l.grpc(0)})
	l.offset = 100
	require.Equal(t, []int{26767, 26766, 1427, 9200}, []int{l.rpc(1), l.p2p(1), l.rest(1), l.grpc(1)})
}

func TestAPortThatIsTakenIsNamed(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	l := layout{offset: listener.Addr().(*net.TCPAddr).Port - layout{}.rpc(0)}
	require.ErrorContains(t, l.checkPorts(1, 1), "(val0 RPC) is taken")
}
