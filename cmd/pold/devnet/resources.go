package devnet

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"
	"google.golang.org/grpc"

	"github.com/cosmos/cosmos-sdk/client/grpc/cmtservice"
)

// maxMeasured bounds the blocks that are looked at for resources, newest first.
const maxMeasured = 1_000

// Resources is what a network took of the machine.
type Resources struct {
	// MemoryBytes is of all processes, ValidatorBytes the median of a node with its sidecar; shared pages are divided among those
	// that share them. Zero where the system does not tell.
	MemoryBytes    int64 `json:"memory_bytes"`
	ValidatorBytes int64 `json:"validator_bytes"`
	// BlockSeconds is the mean time from block to block over Blocks of them.
	BlockSeconds float64 `json:"block_seconds"`
	Blocks       int     `json:"blocks"`
	// ExtensionMean and ExtensionMax are bytes of one validator's vote extension, CommitMax of all in one block.
	ExtensionMean int `json:"extension_mean_bytes"`
	ExtensionMax  int `json:"extension_max_bytes"`
	CommitMax     int `json:"commit_max_bytes"`
}

// String says it in one line.
func (r Resources) String() string {
	const mib = 1 << 20
	memory := "memory not known on this system"
	if r.MemoryBytes > 0 {
		memory = fmt.Sprintf("memory %d MiB in all, %d MiB for a node with its sidecar (median)", r.MemoryBytes/mib, r.ValidatorBytes/mib)
	}
	return fmt.Sprintf("%s; a block every %.2f s; extensions of %d bytes on average and %d at most, %d bytes of them in a block at most (%d blocks)",
		memory, r.BlockSeconds, r.ExtensionMean, r.ExtensionMax, r.CommitMax, r.Blocks)
}

// measure reads memory of the running children and what the blocks carry.
func (w *watcher) measure(parent context.Context, s *supervisor) (Resources, error) {
	var r Resources
	var validators []int64
	pids := s.pids()
	for name, pid := range pids {
		bytes := proportionalSetSize(pid)
		r.MemoryBytes += bytes
		if sidecar, ok := pids[name+"-sidecar"]; ok {
			validators = append(validators, bytes+proportionalSetSize(sidecar))
		}
	}
	if len(validators) > 0 {
		slices.Sort(validators)
		r.ValidatorBytes = validators[len(validators)/2]
	}
	return r, w.measureBlocks(parent, w.connections[w.current], &r)
}

func (w *watcher) measureBlocks(parent context.Context, c *grpc.ClientConn, r *Resources) error {
	var first, last time.Time
	var extensions, sum int
	for height := max(2, w.height-maxMeasured); height <= w.height; height++ {
		ctx, cancel := context.WithTimeout(parent, pollTimeout)
		b, err := cmtservice.NewServiceClient(c).GetBlockByHeight(ctx, &cmtservice.GetBlockByHeightRequest{Height: height})
		cancel()
		if err != nil {
			return err
		}
		if last = b.SdkBlock.Header.Time; first.IsZero() {
			first = last
		}
		r.Blocks++
		if len(b.SdkBlock.Data.Txs) == 0 {
			continue
		}
		var commit abci.ExtendedCommitInfo
		if commit.Unmarshal(b.SdkBlock.Data.Txs[0]) != nil {
			continue // an ordinary transaction, before extensions began
		}
		r.CommitMax = max(r.CommitMax, len(b.SdkBlock.Data.Txs[0]))
		for _, v := range commit.Votes {
			extensions++
			sum += len(v.VoteExtension)
			r.ExtensionMax = max(r.ExtensionMax, len(v.VoteExtension))
		}
	}
	if r.Blocks > 1 {
		r.BlockSeconds = last.Sub(first).Seconds() / float64(r.Blocks-1)
	}
	if extensions > 0 {
		r.ExtensionMean = sum / extensions
	}
	return nil
}

// proportionalSetSize is the memory of a process in bytes, 0 when the system does not tell.
func proportionalSetSize(pid int) int64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0
	}
	lines := bufio.NewScanner(bytes.NewReader(b))
	for lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), "Pss:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			if err == nil {
				return kib << 10
			}
		}
	}
	return 0
}
