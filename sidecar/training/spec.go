package training

import (
	"bytes"
	"fmt"

	"github.com/cosmos/gogoproto/jsonpb"

	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/modelspec"
	poltypes "github.com/pold-network/pold/x/pol/types"
)

// ParseSpec reads a model as JSON of the protobuf message pold.pol.v1.ModelSpec: what a training group holds under settings.model.
func ParseSpec(file []byte) (*modelspec.Spec, error) {
	var message poltypes.ModelSpec
	if err := jsonpb.Unmarshal(bytes.NewReader(file), &message); err != nil {
		return nil, fmt.Errorf("expected a model as JSON of pold.pol.v1.ModelSpec: %w", err)
	}
	spec := message.Spec()
	return spec, spec.Validate()
}

// MarshalSpec writes a model as JSON that ParseSpec and a training group read.
func MarshalSpec(s *modelspec.Spec) ([]byte, error) {
	var message poltypes.ModelSpec
	if err := message.Unmarshal(s.Marshal()); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err := (&jsonpb.Marshaler{OrigName: true, Indent: "  "}).Marshal(&b, &message)
	b.WriteByte('\n')
	return b.Bytes(), err
}

// engineSpec brings a spec into the engine's form.
func engineSpec(s *modelspec.Spec) (*engine.Spec, error) { return engine.ParseSpec(s.Marshal()) }
