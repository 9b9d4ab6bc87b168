package weightdelta

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/klauspost/compress/zstd"
)

// minCompressed is the shortest section that may be compressed. Below it a frame costs more time to open than it saves bytes, and a
// hostile delta could be all small frames.
const minCompressed = 256

// A section is a string of bytes whose length n the decoder knows. It is written as a number and what follows: 0 and one byte that
// repeats n times; n and the bytes themselves; or less than n, and a zstd frame of that length. Empty sections are not written.

// compressor writes sections.
type compressor struct {
	quick, thorough *zstd.Encoder
	frame, spare    []byte
}

func newCompressor() *compressor {
	encoder := func(level zstd.EncoderLevel) *zstd.Encoder {
		e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(level), zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false),
			zstd.WithSingleSegment(true), zstd.WithWindowSize(maxBlock), zstd.WithAllLitEntropyCompression(true))
		if err != nil {
			panic(fmt.Sprintf("weightdelta: no zstd encoder: %v", err)) // the options are constants
		}
		return e
	}
	return &compressor{quick: encoder(zstd.SpeedFastest), thorough: encoder(zstd.SpeedBetterCompression)}
}

// append writes b as a section. Thorough takes several times as long and looks for what repeats, quick mostly counts bytes.
func (c *compressor) append(out, b []byte, thorough bool) []byte {
	if len(b) == 0 {
		return out
	}
	if constant(b) {
		return append(out, 0, b[0])
	}
	best := b
	if len(b) >= minCompressed {
		c.frame = c.quick.EncodeAll(b, c.frame[:0])
		if len(c.frame) < len(b) {
			best = c.frame
		}
		// What looks like noise to the one is noise to the other.
		if thorough && len(c.frame) < len(b)-len(b)/64 {
			c.spare = c.thorough.EncodeAll(b, c.spare[:0])
			if len(c.spare) < len(best) {
				best = c.spare
			}
		}
	}
	out = binary.AppendUvarint(out, uint64(len(best)))
	return append(out, best...)
}

func constant(b []byte) bool { return bytes.Equal(b[1:], b[:len(b)-1]) }

// decompressor reads sections.
type decompressor struct{ zstd *zstd.Decoder }

func newDecompressor() *decompressor {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(maxBlock),
		zstd.WithDecoderMaxWindow(maxBlock), zstd.WithDecodeAllCapLimit(true))
	if err != nil {
		panic(fmt.Sprintf("weightdelta: no zstd decoder: %v", err)) // the options are constants
	}
	return &decompressor{zstd: d}
}

// read reads a section of n bytes. The result is part of in, or of space, which has room for n bytes.
func (d *decompressor) read(in *[]byte, space []byte, n int) ([]byte, error) {
	if n == 0 {
		return nil, nil
	}
	size, err := readUvarint(in, n)
	if err != nil || size > len(*in) {
		return nil, fmt.Errorf("expected a section of at most %d bytes within %d", n, len(*in))
	}
	if size == 0 {
		if len(*in) == 0 {
			return nil, errors.New("the byte of a constant section is missing")
		}
		b := space[:n]
		fill(b, (*in)[0])
		*in = (*in)[1:]
		return b, nil
	}
	written := (*in)[:size]
	*in = (*in)[size:]
	if size == n {
		return written, nil
	}
	if n < minCompressed {
		return nil, fmt.Errorf("a section of %d bytes is compressed; expected at least %d", n, minCompressed)
	}
	b, err := d.zstd.DecodeAll(written, space[:0:n])
	if err != nil {
		return nil, fmt.Errorf("zstd: %w", err)
	}
	if len(b) != n {
		return nil, fmt.Errorf("a section has %d bytes; expected %d", len(b), n)
	}
	return b, nil
}

func fill(b []byte, c byte) {
	b[0] = c
	for done := 1; done < len(b); done *= 2 {
		copy(b[done:], b[:done])
	}
}
