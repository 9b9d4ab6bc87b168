package dataset

import (
	"slices"
	"strings"
	"testing"
)

const (
	idxImages = "\x00\x00\x08\x03\x00\x00\x00\x02\x00\x00\x00\x01\x00\x00\x00\x03" + "\x00\x07\xff" + "\x01\x02\x03"
	idxLabels = "\x00\x00\x08\x01\x00\x00\x00\x02" + "\x09\x00"
)

func TestReadIDXGivesACanonicalTable(t *testing.T) {
	const want = "p0,p1,p2,label\n0,7,255,9\n1,2,3,0\n"
	for name, images := range map[string]string{
		"rank 3": idxImages,
		"rank 2": "\x00\x00\x08\x02\x00\x00\x00\x02\x00\x00\x00\x03" + idxImages[16:],
		"rank 4": "\x00\x00\x08\x04\x00\x00\x00\x02\x00\x00\x00\x01\x00\x00\x00\x03\x00\x00\x00\x01" + idxImages[16:],
	} {
		table, err := ReadIDX(strings.NewReader(images), strings.NewReader(idxLabels))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if string(table.Bytes()) != want {
			t.Errorf("%s: expected %q, got %q", name, want, table.Bytes())
		}
		mustParse(t, string(table.Bytes()))
	}
}

func TestReadIDXRefusesDamagedFiles(t *testing.T) {
	for _, c := range []struct{ name, images, labels, says string }{
		{"empty images", "", idxLabels, "image file: read IDX header"},
		{"empty labels", idxImages, "", "label file: read IDX header"},
		{"gzip", "\x1f\x8b\x08\x00", idxLabels, "gunzip"},
		{"no magic", "PNG image", idxLabels, "expected an IDX header"},
		{"another type", "\x00\x00\x0d\x03" + idxImages[4:], idxLabels, "only unsigned bytes"},
		{"swapped files", idxLabels, idxImages, "not swapped"},
		{"rank 5", "\x00\x00\x08\x05" + idxImages[4:], idxLabels, "expected rank 2 to 4, got 5"},
		{"a cut header", idxImages[:10], idxLabels, "read IDX dimensions"},
		{"fewer labels than images", idxImages, "\x00\x00\x08\x01\x00\x00\x00\x01\x09", "got 1 labels and 2 images"},
		{"no examples", "\x00\x00\x08\x02\x00\x00\x00\x00\x00\x00\x00\x03", "\x00\x00\x08\x01\x00\x00\x00\x00", "expected 1 to"},
		{"too many examples", "\x00\x00\x08\x02\x00\x40\x00\x01\x00\x00\x00\x03", "\x00\x00\x08\x01\x00\x40\x00\x01", "got 4194305"},
		{"images of no size", "\x00\x00\x08\x03\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x03", idxLabels, "values an image"},
		{"images too large", "\x00\x00\x08\x03\x00\x00\x00\x02\xff\xff\xff\xff\xff\xff\xff\xff", idxLabels, "values an image"},
		{"cut images", idxImages[:len(idxImages)-1], idxLabels, "image file, example 1 of 2"},
		{"cut labels", idxImages, idxLabels[:len(idxLabels)-1], "label file, example 1 of 2"},
		{"surplus image bytes", idxImages + "\x00", idxLabels, "image file: expected the end"},
		{"surplus label bytes", idxImages, idxLabels + "\x00", "label file: expected the end"},
		{"equal examples", idxImages[:16] + "\x01\x02\x03\x01\x02\x03", idxLabels[:8] + "\x05\x05", "the row of line 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			table, err := ReadIDX(strings.NewReader(c.images), strings.NewReader(c.labels))
			if err == nil || table != nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("expected a refusal with %q, got %v", c.says, err)
			}
		})
	}
}

func TestIDXShapeIsThatOfOneImage(t *testing.T) {
	shape, err := IDXShape(strings.NewReader(idxImages))
	if err != nil || !slices.Equal(shape, []uint32{1, 3}) {
		t.Errorf("expected [1 3], got %v, %v", shape, err)
	}
	if _, err := IDXShape(strings.NewReader(idxLabels)); err == nil {
		t.Error("expected labels to be refused")
	}
}
