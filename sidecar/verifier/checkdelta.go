package verifier

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/pold-network/pold/dataset"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

// checkDelta computes the answer of a data-delta task with a delta: what table it leads to. An error means that files or values can't be
// had or are not those that were pinned, or that the result can't be taken, and that this machine must abstain; a delta that does not lead
// to a table is an answer.
func (v *Verifier) checkDelta(ctx context.Context, m *trainingsettypes.DataManifest, manifestHash []byte, fetch FetchFunc) (trainingsettypes.DataAnswer, error) {
	var a trainingsettypes.DataAnswer
	if v.Add == nil {
		return a, fmt.Errorf("delta of %q: this program has no place for the table that it leads to", m.Name)
	}
	result, delta, status, err := applyPinned(ctx, m, fetch)
	if err != nil {
		return a, err
	}
	var expanded uint32
	if status == trainingsettypes.DataValid {
		if expanded, status, err = expandedColumns(ctx, result, m.Table.Targets, fetch); err != nil {
			return a, fmt.Errorf("values of the table that the delta of %q leads to: %w", m.Name, err)
		}
	}
	if status != trainingsettypes.DataValid {
		return finding(status, manifestHash, m.Table.Sha256, m.Delta.Sha256), nil
	}
	a.Rows, a.Columns, a.Root = uint64(result.Rows()), uint32(result.Columns()), result.Root()
	a.Expanded = expanded
	a.Digest = digestRows(result, manifestHash)
	a.Added, a.Removed = uint64(delta.Added()), uint64(delta.Removed())
	a.Size, a.SHA256 = uint64(len(result.Bytes())), result.SHA256()
	cid, err := v.Add(ctx, m, result.Bytes())
	if err == nil {
		err = a.SetCID(cid)
	}
	if err != nil {
		return trainingsettypes.DataAnswer{}, fmt.Errorf("table that the delta of %q leads to: %w", m.Name, err)
	}
	return a, nil
}

// applyPinned applies the pinned delta to the pinned table. Nothing of the table is left in memory but the result.
func applyPinned(ctx context.Context, m *trainingsettypes.DataManifest, fetch FetchFunc) (*dataset.Table, *dataset.Delta, trainingsettypes.DataStatus, error) {
	body, err := fetch(ctx, m.Delta.Cid, m.Delta.Size_, m.Delta.Sha256)
	if err == nil {
		err = checkBytes("what was fetched", body, m.Delta.Sha256, m.Delta.Size_)
	}
	if err != nil {
		return nil, nil, 0, fmt.Errorf("delta %s: %w", m.Delta.Cid, err)
	}
	base, err := pinnedBase(ctx, m, fetch)
	if err != nil {
		return nil, nil, 0, fmt.Errorf("table %s: %w", m.Table.Cid, err)
	}
	delta, err := dataset.ParseDelta(body)
	if err == nil {
		var result *dataset.Table
		if result, err = base.Apply(delta); err == nil {
			return result, delta, trainingsettypes.DataValid, nil
		}
	}
	status, err := deltaFinding(err, body)
	return nil, nil, status, err
}

// pinnedBase returns the table that the delta is for. That its bytes give the pinned root was found out when it was registered or adopted.
func pinnedBase(ctx context.Context, m *trainingsettypes.DataManifest, fetch FetchFunc) (*dataset.Table, error) {
	file, err := fetch(ctx, m.Table.Cid, m.Table.Size_, m.Table.Sha256)
	if err == nil {
		err = checkBytes("what was fetched", file, m.Table.Sha256, m.Table.Size_)
	}
	if err != nil {
		return nil, err
	}
	return dataset.Parse(bytes.NewReader(file))
}

// deltaFinding maps the reason why a delta is refused to a finding; any other error comes back.
func deltaFinding(err error, body []byte) (trainingsettypes.DataStatus, error) {
	var refused *dataset.DeltaError
	if !errors.As(err, &refused) {
		return 0, err
	}
	switch refused.Fault {
	case dataset.FaultMalformed:
		return trainingsettypes.DataDeltaMalformed, nil
	case dataset.FaultDoesNotApply:
		return trainingsettypes.DataDeltaDoesNotApply, nil
	case dataset.FaultHeader:
		return trainingsettypes.DataDeltaHeader, nil
	case dataset.FaultNoChange:
		return trainingsettypes.DataDeltaNoChange, nil
	case dataset.FaultResult:
		var fault *dataset.Error
		if !errors.As(refused.Cause, &fault) {
			return 0, err
		}
		// Only a line that the delta adds can break a rule of rows.
		return findingOf(fault, bytes.TrimPrefix(lineOf(body, refused.Line), []byte{'+'})), nil
	}
	return 0, err
}
