package types

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"cosmossdk.io/math"

	votingtypes "github.com/pold-network/pold/x/voting/types"
)

const (
	// MaxSummary and MaxLicence bound what a proposal says about itself, in bytes.
	MaxSummary = 280
	MaxLicence = 128
	// depositStep is how many open proposals raise the deposit of the next one by its base amount.
	depositStep = 16
	million     = 1_000_000
)

// Validate checks a delta against the table that it is to change.
func (d Delta) Validate(p Params, t Table) error {
	if err := ValidateCID(d.Cid); err != nil {
		return err
	}
	for _, h := range []struct {
		name  string
		value []byte
	}{{"sha256", d.Sha256}, {"base_root", d.BaseRoot}, {"root", d.Root}} {
		if len(h.value) != sha256.Size {
			return ErrInvalidDelta.Wrapf("%s: expected 32 bytes, got %d", h.name, len(h.value))
		}
	}
	if d.Size_ == 0 || d.Size_ > p.MaxDeltaSize {
		return ErrInvalidDelta.Wrapf("size: expected 1 to %d bytes, got %d", p.MaxDeltaSize, d.Size_)
	}
	if !bytes.Equal(d.BaseRoot, t.Root) {
		return ErrStaleBase.Wrapf("expected base root %x, got %x; make the diff against the current table", t.Root, d.BaseRoot)
	}
	if bytes.Equal(d.Root, d.BaseRoot) {
		return ErrInvalidDelta.Wrap("root: the table would stay as it is")
	}
	if d.RowsAdded > p.MaxRows || d.RowsRemoved > p.MaxRows || d.RowsAdded+d.RowsRemoved == 0 {
		return ErrInvalidDelta.Wrapf("rows: expected 1 to %d added or removed, got %d and %d", p.MaxRows, d.RowsAdded, d.RowsRemoved)
	}
	if d.RowsRemoved >= t.Rows+d.RowsAdded || t.Rows+d.RowsAdded-d.RowsRemoved > p.MaxRows {
		return ErrInvalidDelta.Wrapf("rows: expected 1 to %d left, got %d + %d - %d", p.MaxRows, t.Rows, d.RowsAdded, d.RowsRemoved)
	}
	return nil
}

// ValidateText checks what a proposal says about itself: one line that a wallet can show.
func ValidateText(field, text string, most int, required bool) error {
	if required && strings.TrimSpace(text) == "" {
		return ErrInvalidDelta.Wrapf("%s: expected a sentence for those who vote", field)
	}
	if len(text) > most || !utf8.ValidString(text) {
		return ErrInvalidDelta.Wrapf("%s: expected at most %d bytes of UTF-8, got %d", field, most, len(text))
	}
	for _, r := range text {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) { // what changes how the rest of the line is shown
			return ErrInvalidDelta.Wrapf("%s: expected one line of visible text, got the character %U", field, r)
		}
	}
	return nil
}

// Subject says in one line what is voted for: what a wallet shows to those who sign a vote.
func (p Proposal) Subject() string {
	takedown := ""
	if p.Takedown {
		takedown = "takedown, "
	}
	return fmt.Sprintf("delta %d of %s: %s+%d -%d rows, sha256 %s: %s", p.Id, p.TrainingSet, takedown,
		p.Delta.RowsAdded, p.Delta.RowsRemoved, hex.EncodeToString(p.Delta.Sha256), p.Summary)
}

// KeepSubject says what a vote for the ballot that nothing wins against means.
func KeepSubject(set string) string { return "keep " + set + " as it is" }

// Wins reports whether a proposal with so much standing stake behind it is applied: it needs quorum, more support than leaving the
// table as it is, and, to take history down, more than half of all.
func (p Proposal) Wins(params Params, standing, keep, all math.Int) bool {
	if p.Takedown && !votingtypes.Exceeds(standing, all, 1, 2) {
		return false
	}
	return votingtypes.Reaches(standing, all, params.QuorumE6, million) && standing.GT(keep)
}

// Deposit returns what a proposal deposits when so many others are open: filling all places costs many times as much as one.
func (p Params) Deposit(open uint32) math.Int {
	return p.ProposalDeposit.MulRaw(1 + int64(open/depositStep))
}

// Open reports whether a proposal can be voted for.
func (s ProposalStatus) Open() bool {
	return s >= PROPOSAL_STATUS_OPEN && s <= PROPOSAL_STATUS_APPLICABLE
}

// Burned returns the part of a deposit that is lost when a proposal ends with a status: all for what is false or withheld, a part
// for what found no support in time or was taken back, nothing otherwise.
func (p Params) Burned(s ProposalStatus, deposit math.Int) math.Int {
	switch s {
	case PROPOSAL_STATUS_INVALID, PROPOSAL_STATUS_WITHHELD:
		return deposit
	case PROPOSAL_STATUS_EXPIRED, PROPOSAL_STATUS_WITHDRAWN:
		return deposit.MulRaw(int64(p.ExpiryBurnE6)).QuoRaw(million)
	}
	return math.ZeroInt()
}

// Judge turns what validators found about a proposal into its status, a sentence, and the resulting table when it is applicable.
// What is wrong only because the table has changed since it was proposed is nobody's fault.
func (p Proposal) Judge(a DataAnswer, current TrainingSet, params Params) (ProposalStatus, string, *Table) {
	wrong := PROPOSAL_STATUS_INVALID
	since := ""
	if p.OpenedVersion != current.Version {
		wrong = PROPOSAL_STATUS_STALE
		since = fmt.Sprintf(" (it was made for version %d, the table is at version %d)", p.OpenedVersion, current.Version)
	}
	switch a.Status {
	case DataValid:
	case DataDeltaMalformed, DataDeltaHeader:
		return PROPOSAL_STATUS_INVALID, a.Status.String(), nil
	default:
		return wrong, a.Status.String() + since, nil
	}
	if a.Added != p.Delta.RowsAdded || a.Removed != p.Delta.RowsRemoved {
		return PROPOSAL_STATUS_INVALID, fmt.Sprintf("it says that it adds %d and removes %d rows, validators found %d and %d", p.Delta.RowsAdded, p.Delta.RowsRemoved, a.Added, a.Removed), nil
	}
	if since == "" && !bytes.Equal(a.Root[:], p.Delta.Root) {
		return PROPOSAL_STATUS_INVALID, fmt.Sprintf("it says that it leads to root %x, validators found %x", p.Delta.Root, a.Root), nil
	}
	if a.Expanded != current.Table.ExpandedColumns {
		return PROPOSAL_STATUS_INVALID, fmt.Sprintf("the values of content identifiers make %d columns of it, the table has %d", a.Expanded, current.Table.ExpandedColumns), nil
	}
	result := current.Table
	var err error
	if result.Cid, err = a.CID(); err != nil {
		return PROPOSAL_STATUS_INVALID, err.Error(), nil
	}
	result.Sha256, result.Root = a.SHA256[:], a.Root[:]
	result.Size_, result.Rows, result.Columns = a.Size, a.Rows, a.Columns
	if err := result.Validate(params); err != nil {
		return wrong, "the resulting table: " + err.Error() + since, nil
	}
	return PROPOSAL_STATUS_APPLICABLE, fmt.Sprintf("applies to version %d: %d rows", current.Version, result.Rows), &result
}

// ProposalRef names a proposal in questions and tasks, beside training sets, whose names hold no slash.
func ProposalRef(set string, id uint64) []byte { return []byte(set + "/" + strconv.FormatUint(id, 10)) }

// DecodeProposalRef returns the number of a proposal, false when the reference names a training set.
func DecodeProposalRef(ref []byte) (uint64, bool) {
	_, number, ok := strings.Cut(string(ref), "/")
	if !ok {
		return 0, false
	}
	id, err := strconv.ParseUint(number, 10, 64)
	return id, err == nil
}
