package dataset

import (
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
)

const (
	idxUnsignedByte = 0x08
	idxMaxRank      = 4
)

// ReadIDX reads a pair of IDX files as MNIST is distributed in, uncompressed:
// unsigned bytes, images of rank 2 to 4 (examples first) and labels of rank 1. The
// table has the columns p0, p1, … for the values of an image in file order, and
// label. Equal examples are refused as in [Parse]; files with missing or surplus
// bytes are refused.
func ReadIDX(images, labels io.Reader) (*Table, error) {
	imageShape, err := readIDXHeader("image", images, 2, idxMaxRank)
	if err != nil {
		return nil, err
	}
	labelShape, err := readIDXHeader("label", labels, 1, 1)
	if err != nil {
		return nil, err
	}
	rows, pixels, err := idxSize(imageShape, labelShape)
	if err != nil {
		return nil, err
	}

	var text []byte
	for i := range pixels {
		text = append(text, 'p')
		text = strconv.AppendInt(text, int64(i), 10)
		text = append(text, ',')
	}
	text = append(text, "label\n"...)
	image := make([]byte, pixels)
	var label [1]byte
	for i := range rows {
		if _, err := io.ReadFull(images, image); err != nil {
			return nil, fmt.Errorf("image file, example %d of %d: %w: the header promises more examples than follow; fetch the file again", i, rows, err)
		}
		if _, err := io.ReadFull(labels, label[:]); err != nil {
			return nil, fmt.Errorf("label file, example %d of %d: %w: the header promises more labels than follow; fetch the file again", i, rows, err)
		}
		for _, value := range image {
			text = strconv.AppendUint(text, uint64(value), 10)
			text = append(text, ',')
		}
		text = strconv.AppendUint(text, uint64(label[0]), 10)
		text = append(text, '\n')
		if len(text) > MaxFileBytes {
			return nil, fmt.Errorf("image file, example %d of %d: expected a table of at most %d bytes, got more: every validator keeps it in memory; use fewer examples", i, rows, MaxFileBytes)
		}
	}
	if err := expectEnd("image", images); err != nil {
		return nil, err
	}
	if err := expectEnd("label", labels); err != nil {
		return nil, err
	}
	return formatBounds.parse(text)
}

// IDXShape reads the header of an image file and returns the shape of one image, such
// as 28 by 28: what [ReadIDX] leaves out of the table.
func IDXShape(images io.Reader) ([]uint32, error) {
	shape, err := readIDXHeader("image", images, 2, idxMaxRank)
	if err != nil {
		return nil, err
	}
	return shape[1:], nil
}

// idxSize checks the two headers against each other and against the limits.
func idxSize(imageShape, labelShape []uint32) (rows, pixels int, err error) {
	if imageShape[0] != labelShape[0] {
		return 0, 0, fmt.Errorf("expected as many labels as images, got %d labels and %d images: the files do not belong together; take both from the same set", labelShape[0], imageShape[0])
	}
	if imageShape[0] == 0 || imageShape[0] > MaxRows {
		return 0, 0, fmt.Errorf("expected 1 to %d examples, got %d: the table would be empty or too long; use another file", MaxRows, imageShape[0])
	}
	size := uint64(1)
	for _, dimension := range imageShape[1:] {
		// Each product stays below 2^17 · 2^32, so it cannot overflow.
		if size *= uint64(dimension); size == 0 || size > MaxColumns-1 {
			return 0, 0, fmt.Errorf("expected 1 to %d values an image, got shape %v: a table has at most %d columns; use smaller images", MaxColumns-1, imageShape[1:], MaxColumns)
		}
	}
	return int(imageShape[0]), int(size), nil
}

// readIDXHeader reads magic and dimensions: 0, 0, type, rank, then rank uint32.
func readIDXHeader(kind string, r io.Reader, minRank, maxRank int) ([]uint32, error) {
	var magic [4]byte
	if _, err := io.ReadFull(r, magic[:]); err != nil {
		return nil, fmt.Errorf("%s file: read IDX header: %w: the file is shorter than its header; fetch it again", kind, err)
	}
	if magic[0] == 0x1f && magic[1] == 0x8b {
		return nil, fmt.Errorf("%s file: expected IDX, got gzip: compressed files are not read; unpack it with gunzip first", kind)
	}
	if magic[0] != 0 || magic[1] != 0 || magic[2] != idxUnsignedByte {
		return nil, fmt.Errorf("%s file: expected an IDX header 00 00 08, got % x: only unsigned bytes are read; check that this is the %s file", kind, magic[:3], kind)
	}
	rank := int(magic[3])
	if rank < minRank || rank > maxRank {
		return nil, fmt.Errorf("%s file: expected rank %d to %d, got %d: images and labels differ in rank; check that the two files are not swapped", kind, minRank, maxRank, rank)
	}
	shape := make([]uint32, rank)
	if err := binary.Read(r, binary.BigEndian, shape); err != nil {
		return nil, fmt.Errorf("%s file: read IDX dimensions: %w: the file is shorter than its header; fetch it again", kind, err)
	}
	return shape, nil
}

func expectEnd(kind string, r io.Reader) error {
	var surplus [1]byte
	switch _, err := io.ReadFull(r, surplus[:]); err {
	case io.EOF:
		return nil
	case nil:
		return fmt.Errorf("%s file: expected the end of the file, got more bytes: the header promises fewer examples than follow; fetch the file again", kind)
	default:
		return fmt.Errorf("%s file: %w", kind, err)
	}
}
