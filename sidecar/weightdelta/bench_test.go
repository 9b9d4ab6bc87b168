package weightdelta

import (
	"crypto/sha256"
	"math"
	"runtime/debug"
	"sync"
	"testing"
	"time"

	"github.com/pold-network/pold/testutil/models"
)

// oneStep returns two checkpoints of a perceptron with 1.1 million weights, one step of training apart.
var oneStep = sync.OnceValue(func() (files [2][]byte) {
	var b testing.B
	kept := checkpoints(&b, models.MLP(64, 1024, 1024, 10), handwriting(&b), adam, false, 20, 21)
	return [2][]byte{kept[20], kept[21]}
})

// BenchmarkApply compares restoring with the hash that every receiver computes over the same bytes on one core. Both take turns, and each
// counts with its fastest call, so that other programs disturb the ratio little. Run it with -cpu 1,2.
func BenchmarkApply(b *testing.B) {
	files := oneStep()
	base, full := files[0], files[1]
	delta, smaller := Encode(base, full)
	if !smaller {
		b.Fatal("expected a smaller delta")
	}
	for name, apply := range map[string]func(base, delta []byte, limit int64) ([]byte, error){"Verified": ApplyVerified, "": Apply} {
		b.Run("Apply"+name, func(b *testing.B) {
			b.SetBytes(int64(len(full)))
			b.ReportAllocs()
			defer debug.SetGCPercent(debug.SetGCPercent(400))
			hash, restore := time.Duration(math.MaxInt64), time.Duration(math.MaxInt64)
			for b.Loop() {
				start := time.Now()
				sha256.Sum256(full)
				middle := time.Now()
				if _, err := apply(base, delta, int64(len(full))); err != nil {
					b.Fatal(err)
				}
				hash, restore = min(hash, middle.Sub(start)), min(restore, time.Since(middle))
			}
			b.ReportMetric(float64(len(full))/1e6/hash.Seconds(), "sha256-MB/s")
			b.ReportMetric(float64(len(full))/1e6/restore.Seconds(), "apply-MB/s")
			b.ReportMetric(hash.Seconds()/restore.Seconds(), "x-sha256")
			b.ReportMetric(float64(len(delta))/float64(len(full)), "delta/full")
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	files := oneStep()
	b.SetBytes(int64(len(files[1])))
	for b.Loop() {
		if _, smaller := Encode(files[0], files[1]); !smaller {
			b.Fatal("expected a smaller delta")
		}
	}
}
