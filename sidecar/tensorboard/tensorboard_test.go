package tensorboard

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 250_000_000, time.UTC)

// write makes a file with a text and n steps, and returns its path.
func write(t *testing.T, dir string, n int) string {
	t.Helper()
	w, err := Create(dir)
	require.NoError(t, err)
	require.NoError(t, w.Text("model", "| layer |\n|---|\n| out |"))
	for i := range n {
		require.NoError(t, w.Add(int64(i+1), noon.Add(time.Duration(i)*time.Second),
			Scalar{"loss/training", 1 / float32(i+1)}, Scalar{"rate", 0.05}))
	}
	require.NoError(t, w.Close())
	return w.Path()
}

func TestWhatIsWrittenIsReadBack(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "a", "run"), 3)
	require.Contains(t, filepath.Base(path), ".tfevents.")
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	events, err := Read(file)
	require.NoError(t, err)
	require.Len(t, events, 5)
	require.Equal(t, fileVersion, events[0].FileVersion)
	require.Empty(t, events[1].Scalars, "texts are no scalars")
	for i, e := range events[2:] {
		require.Equal(t, int64(i+1), e.Step)
		require.True(t, e.Time.Equal(noon.Add(time.Duration(i)*time.Second)), e.Time)
		require.Equal(t, []Scalar{{"loss/training", 1 / float32(i+1)}, {"rate", 0.05}}, e.Scalars)
	}
}

func TestTwoFilesOfOneRunStandBesideEachOther(t *testing.T) {
	dir := t.TempDir()
	first, second := write(t, dir, 1), write(t, dir, 2)
	require.NotEqual(t, first, second)
	b, err := os.ReadFile(first)
	require.NoError(t, err)
	events, err := Read(bytes.NewReader(b))
	require.NoError(t, err)
	require.Len(t, events, 3)
}

// bitwiseCRC is CRC-32C by its definition.
func bitwiseCRC(b []byte) uint32 {
	crc := ^uint32(0)
	for _, x := range b {
		crc ^= uint32(x)
		for range 8 {
			if crc&1 == 1 {
				crc = crc>>1 ^ 0x82f63b78
			} else {
				crc >>= 1
			}
		}
	}
	return ^crc
}

func TestFramesAreThoseOfTFRecord(t *testing.T) {
	require.Equal(t, uint32(0xe3069283), bitwiseCRC([]byte("123456789")), "the check value of CRC-32C")
	for _, data := range []string{"", "x", strings.Repeat("pold", 1000)} {
		b := appendRecord([]byte("before"), []byte(data))[6:]
		require.Equal(t, uint64(len(data)), binary.LittleEndian.Uint64(b))
		mask := func(b []byte) uint32 { c := bitwiseCRC(b); return (c>>15 | c<<17) + 0xa282ead8 }
		require.Equal(t, mask(b[:8]), binary.LittleEndian.Uint32(b[8:]))
		require.Equal(t, data, string(b[12:12+len(data)]))
		require.Equal(t, mask([]byte(data)), binary.LittleEndian.Uint32(b[12+len(data):]))
		require.Len(t, b, 16+len(data))
	}
	// Every event file of TensorFlow begins with these bytes: a record of 24 bytes whose first field is the wall time.
	require.Equal(t, "1800000000000000a37f4b2209", hex.EncodeToString(appendRecord(nil, encodeVersion(noon))[:13]))
}

// schema is the part of TensorFlow's event.proto and summary.proto that is used, as descriptors for the protobuf runtime.
const schema = `
name: "event.proto" package: "tensorflow" syntax: "proto2"
message_type { name: "Event"
  field { name: "wall_time" number: 1 type: TYPE_DOUBLE label: LABEL_OPTIONAL }
  field { name: "step" number: 2 type: TYPE_INT64 label: LABEL_OPTIONAL }
  field { name: "file_version" number: 3 type: TYPE_STRING label: LABEL_OPTIONAL }
  field { name: "summary" number: 5 type: TYPE_MESSAGE type_name: ".tensorflow.Summary" label: LABEL_OPTIONAL } }
message_type { name: "Summary"
  field { name: "value" number: 1 type: TYPE_MESSAGE type_name: ".tensorflow.Value" label: LABEL_REPEATED } }
message_type { name: "Value"
  field { name: "tag" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
  field { name: "simple_value" number: 2 type: TYPE_FLOAT label: LABEL_OPTIONAL }
  field { name: "tensor" number: 8 type: TYPE_MESSAGE type_name: ".tensorflow.Tensor" label: LABEL_OPTIONAL }
  field { name: "metadata" number: 9 type: TYPE_MESSAGE type_name: ".tensorflow.Metadata" label: LABEL_OPTIONAL } }
message_type { name: "Metadata"
  field { name: "plugin_data" number: 1 type: TYPE_MESSAGE type_name: ".tensorflow.Plugin" label: LABEL_OPTIONAL } }
message_type { name: "Plugin" field { name: "plugin_name" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL } }
message_type { name: "Tensor"
  field { name: "dtype" number: 1 type: TYPE_INT32 label: LABEL_OPTIONAL }
  field { name: "tensor_shape" number: 2 type: TYPE_MESSAGE type_name: ".tensorflow.Shape" label: LABEL_OPTIONAL }
  field { name: "string_val" number: 8 type: TYPE_BYTES label: LABEL_REPEATED } }
message_type { name: "Shape" field { name: "dim" number: 2 type: TYPE_MESSAGE type_name: ".tensorflow.Dim" label: LABEL_REPEATED } }
message_type { name: "Dim" field { name: "size" number: 1 type: TYPE_INT64 label: LABEL_OPTIONAL } }`

func eventType(t *testing.T) protoreflect.MessageDescriptor {
	t.Helper()
	var file descriptorpb.FileDescriptorProto
	require.NoError(t, prototext.Unmarshal([]byte(schema), &file))
	descriptor, err := protodesc.NewFile(&file, nil)
	require.NoError(t, err)
	return descriptor.Messages().ByName("Event")
}

func TestEventsAreTensorFlowsMessages(t *testing.T) {
	kind := eventType(t)
	for _, c := range []struct {
		name  string
		bytes []byte
		want  string
	}{
		{"the version", encodeVersion(noon), `wall_time:1767355200.25 file_version:"brain.Event:2"`},
		{"scalars", encodeScalars(noon, 7, []Scalar{{"loss", 0.5}, {"zero", 0}}),
			`wall_time:1767355200.25 step:7 summary:{value:{tag:"loss" simple_value:0.5} value:{tag:"zero" simple_value:0}}`},
		{"a text", encodeText(noon, "model", "*x*"), `wall_time:1767355200.25 summary:{value:{tag:"model"
			tensor:{dtype:7 tensor_shape:{dim:{size:1}} string_val:"*x*"} metadata:{plugin_data:{plugin_name:"text"}}}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, want := dynamicpb.NewMessage(kind), dynamicpb.NewMessage(kind)
			require.NoError(t, proto.UnmarshalOptions{DiscardUnknown: false}.Unmarshal(c.bytes, got))
			require.Empty(t, got.GetUnknown())
			require.NoError(t, prototext.Unmarshal([]byte(c.want), want))
			require.True(t, proto.Equal(want, got), prototext.Format(got))
		})
	}
}

func TestAnIndependentReaderInPythonAgrees(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed")
	}
	out, err := exec.Command(python, "testdata/read_events.py", write(t, t.TempDir(), 2)).CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Skip("python3 does not start: ", err)
	}
	require.NoError(t, err, string(out))
	require.Equal(t, "version brain.Event:2\ntext model | layer |\n|---|\n| out |\n"+
		"1 loss/training 1\n1 rate 0.0500000007\n2 loss/training 0.5\n2 rate 0.0500000007\n", string(out))
}

func TestEventsReachTheFileWhileItIsOpen(t *testing.T) {
	w, err := Create(t.TempDir())
	require.NoError(t, err)
	defer w.Close()
	read := func() int {
		b, err := os.ReadFile(w.Path())
		require.NoError(t, err)
		events, err := Read(bytes.NewReader(b))
		require.NoError(t, err)
		return len(events)
	}
	require.Equal(t, 1, read(), "the version")
	w.flushed = time.Now().Add(time.Hour)
	require.NoError(t, w.Add(1, noon, Scalar{"x", 1}))
	require.Equal(t, 1, read(), "buffered")
	w.flushed = time.Now().Add(-flushInterval)
	require.NoError(t, w.Add(2, noon, Scalar{"x", 1}))
	require.Equal(t, 3, read(), "what is old enough is flushed by the next event")
	require.NoError(t, w.Add(3, noon, Scalar{"x", 1}))
	require.NoError(t, w.Flush())
	require.Equal(t, 4, read())
}

func TestACutFileIsReadUpToItsLastWholeRecord(t *testing.T) {
	b, err := os.ReadFile(write(t, t.TempDir(), 3))
	require.NoError(t, err)
	whole := 0
	for cut := range len(b) {
		events, err := Read(bytes.NewReader(b[:cut]))
		if err == nil {
			require.Len(t, events, whole, "a cut between two records can't be told from an end")
			whole++
			continue
		}
		require.ErrorIs(t, err, ErrTruncated, cut)
		require.Len(t, events, whole-1)
	}
	require.Equal(t, 5, whole)
}

func TestEveryChangedByteIsFound(t *testing.T) {
	b, err := os.ReadFile(write(t, t.TempDir(), 2))
	require.NoError(t, err)
	for i := range b {
		damaged := bytes.Clone(b)
		damaged[i] ^= 0x10
		_, err := Read(bytes.NewReader(damaged))
		require.Error(t, err, "byte %d", i)
	}
}

func TestHostileRecordsAreRefused(t *testing.T) {
	length := binary.LittleEndian.AppendUint64(nil, math.MaxUint64)
	length = binary.LittleEndian.AppendUint32(length, maskedCRC(length))
	for name, b := range map[string][]byte{
		"a record of 2^64 bytes":        length,
		"a record that is no event":     appendRecord(nil, []byte{0xff}),
		"a first event without version": appendRecord(nil, encodeScalars(noon, 1, nil)),
		"another kind of file":          []byte("step,loss\n1,0.5\n2,0.25\n"),
	} {
		t.Run(name, func(t *testing.T) {
			events, err := Read(bytes.NewReader(b))
			require.ErrorIs(t, err, ErrCorrupt)
			require.Empty(t, events)
		})
	}
}

func TestAWriterReportsItsFirstFailureForEver(t *testing.T) {
	w, err := Create(t.TempDir())
	require.NoError(t, err)
	require.NoError(t, w.file.Close())
	w.flushed = time.Now().Add(time.Hour)
	require.NoError(t, w.Add(1, noon, Scalar{"x", 1}), "buffered")
	require.ErrorIs(t, w.Flush(), os.ErrClosed)
	require.ErrorIs(t, w.Add(2, noon, Scalar{"x", 1}), os.ErrClosed)
	require.Error(t, w.Close())
}

func FuzzRead(f *testing.F) {
	file := appendRecord(nil, encodeVersion(noon))
	f.Add(appendRecord(bytes.Clone(file), encodeScalars(noon, 1, []Scalar{{"loss", 1}})))
	f.Add(appendRecord(file, encodeText(noon, "model", "x")))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		events, err := Read(bytes.NewReader(b))
		if err == nil && len(b) > 0 && len(events) == 0 {
			t.Fatal("bytes without events and without error")
		}
		// What the records hold is hostile as well.
		_, _ = decode(b)
		if _, err := readRecord(bytes.NewReader(b)); err != nil && !errors.Is(err, io.EOF) && len(b) == 0 {
			t.Fatal(fmt.Sprint("empty input: ", err))
		}
	})
}
