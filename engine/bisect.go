package engine

import (
	"encoding/binary"
	"math"
)

// Difference is the first place where a transcript and its replay part.
type Difference struct {
	Step   int    // of the training, from 1
	Tensor string // empty for the loss
	What   string // "loss", "gradient norm", or the name of a tensor's element
	// Claimed and Replayed are the two values.
	Claimed, Replayed float32
}

// Bisect names the first wrong step and tensor of segment i. claimedTrace is the trainer's trace of the segment and claimedEnd the
// trainer's state at its end; each may be nil when it can't be had. False means that these files show no difference.
//
// The last step in which loss and gradients agree was the last honest one. When all agree, the weights were changed after the last
// step: then the first differing value of the state is named.
func (t *Transcript) Bisect(m *Model, i int, r *Replay, claimedTrace, claimedEnd []byte) (Difference, bool) {
	trace := newTrace(m)
	size := trace.recordSize()
	first := t.Header.Boundary(i) + 1
	for at := 0; at+4 <= min(len(claimedTrace), len(r.TraceFile)); at += 4 {
		claimed, replayed := word(claimedTrace, at), word(r.TraceFile, at)
		if math.Float32bits(claimed) == math.Float32bits(replayed) {
			continue
		}
		d := Difference{Step: first + at/size, What: "loss", Claimed: claimed, Replayed: replayed}
		// Backward runs from the last layer to the first: of several wrong norms of a step the last one was wrong first.
		if field := at % size / 4; field > 0 {
			for k := len(trace.tensors); k >= field; k-- {
				position := at - 4*field + 4*k
				if position+4 > min(len(claimedTrace), len(r.TraceFile)) {
					continue
				}
				claimed, replayed := word(claimedTrace, position), word(r.TraceFile, position)
				if math.Float32bits(claimed) != math.Float32bits(replayed) {
					d.What, d.Tensor, d.Claimed, d.Replayed = "gradient norm", trace.tensors[k-1].name, claimed, replayed
					break
				}
			}
		}
		return d, true
	}
	return differentState(t.Header.Boundary(i+1), claimedEnd, r.StateFile)
}

func word(b []byte, at int) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b[at:])) }

// differentState names the first value that differs between two states after a step.
func differentState(step int, claimed, replayed []byte) (Difference, bool) {
	if claimed == nil || replayed == nil {
		return Difference{}, false
	}
	a, err1 := DecodeSafetensors(claimed)
	b, err2 := DecodeSafetensors(replayed)
	if err1 != nil || err2 != nil {
		return Difference{}, false
	}
	byName := map[string]Tensor{}
	for _, x := range a {
		byName[x.Name] = x
	}
	for _, y := range b {
		x, ok := byName[y.Name]
		if !ok || len(x.Data) != len(y.Data) {
			return Difference{Step: step, Tensor: y.Name, What: "shape", Claimed: float32(len(x.Data) / 4), Replayed: float32(len(y.Data) / 4)}, true
		}
		for at := 0; at+4 <= len(y.Data); at += 4 {
			if claimed, replayed := word(x.Data, at), word(y.Data, at); math.Float32bits(claimed) != math.Float32bits(replayed) {
				return Difference{Step: step, Tensor: y.Name, What: "value", Claimed: claimed, Replayed: replayed}, true
			}
		}
	}
	return Difference{}, false
}
